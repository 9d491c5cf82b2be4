"""What a change of a resource's inputs costs: nothing, an update, or another resource in its place. Pure.

azure-native tells an update where Azure refuses the change (a workspace's location, its storage account), so that its
preview cannot be asked. The table of types decides: names, which are in a resource's path, `fixed`,
`refused`, `refusedWith` and `rising`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from azmlflow.resourcetypes.table import UnknownType, of_token

Effect = Literal["none", "update", "replace"]
Inputs = Mapping[str, Any]
_KEY = "encryption.keyVaultProperties.keyIdentifier"  # of a workspace: https://VAULT/keys/NAME/VERSION


def effect(token: str, before: Inputs, after: Inputs) -> Effect:
    """What it takes to make a resource that stands what it is to be. Arguments as of `replacing`."""
    if replacing(token, before, after):
        return "replace"
    return "none" if before == after else "update"


def replacing(token: str, before: Inputs, after: Inputs, known: Inputs | None = None) -> tuple[str, ...]:
    """The properties that Azure changes by a new resource only, and that differ.

    Args:
        token: Pulumi's type token; a type that the table does not have has none.
        before: the inputs of the resource that stands.
        after: those that it is to have.
        known: what Azure answered of it, for what the inputs leave to Azure.
    """
    try:
        kind = of_token(token)
    except UnknownType:
        return ()
    if not before:
        return ()  # nothing is known of it
    names = re.findall(r"{(\w+)}", kind.paths[token])
    given = [name for name in names if name in before and name in after]
    more = (way for switch, those in kind.refused_with.items() if at(before, switch) for way in those)
    ways = dict.fromkeys((*given, *kind.fixed, *kind.refused, *more))
    differing = (name for name in ways if _differ(name, before, after, known or {}))
    return (*differing, *(way for way, order in kind.rising.items() if _falls(way, order, before, after)))


def at(inputs: Inputs, way: str) -> Any:
    """The value of inputs at a way such as `a.b.c`; None where there is none."""
    value: Any = inputs
    for name in way.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _differ(way: str, before: Inputs, after: Inputs, known: Inputs) -> bool:
    old, new = at(before, way), at(after, way)
    if old is None:
        old = at(known, way)
        if new is None:
            return False  # Azure's own choice, now as before
        if old is None:
            # What nobody said is off; or a name, a number, that Azure chose: not one that would differ.
            return new is True or way.startswith("encryption.")
    return bool(_plain(way, old) != _plain(way, new))


def _falls(way: str, order: tuple[str, ...], before: Inputs, after: Inputs) -> bool:
    """Whether a value goes back to an earlier one, or to none."""
    old, new = (order.index(value) if value in order else -1 for value in (at(before, way), at(after, way)))
    return new < old


def _plain(way: str, value: Any) -> Any:
    """A value without what Azure does not tell apart: the case of ids and names, how regions are spelled; and without a
    key's version, which no setting says."""
    if isinstance(value, str):
        if way == _KEY:
            value = value.partition("/keys/")[2].partition("/")[0]
        return value.replace(" ", "").lower() if way == "location" else value.lower()
    return value or None
