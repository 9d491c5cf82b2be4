"""Which operations a custom role may name: what Azure's providers have published (`data/operations.json`).

Source: Microsoft, "Azure custom roles", "Custom role properties" and "Azure resource provider operations". Azure
refuses an action that no provider has (MicrosoftDocs/azure-docs issue 102571) and more than one wildcard (issue 74428);
a data action is none of the others, nor the other way round.

The operations of the providers that the embedded Azure serves are held to the list. Of another provider of Azure only
the name is known: taken is what ends as an operation does. What Azure does with a provider's wildcard that stands for
no operation is inferred: it matches nothing, as a plain action that there is not.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.rbac.patterns import match

_FILE = Path(__file__).parent.parent / "data" / "operations.json"
_VERBS = ("read", "write", "delete", "action")


def check(action: str, *, data: bool) -> None:
    """Hold an entry of a custom role to what there is.

    Args:
        action: an operation or a pattern of some, as the role has it.
        data: it stands among the data actions.

    Raises:
        AzureError: 400 `InvalidActionOrNotAction`, `InvalidDataActionOrNotDataAction`.
    """
    if action.count("*") > 1:
        raise _invalid(f"'{action}' contains multiple wildcards. Only one is allowed.", data)
    namespace, _, rest = action.partition("/")
    if "*" in namespace:  # `*`, `*/read`: whatever the provider
        taken = namespace == "*" and (not rest or rest.lower() in _VERBS)
    elif namespace.lower() in _held():
        taken = any(match(action, known) is not None for known in _operations(namespace.lower(), data))
    else:
        verb = rest.rpartition("/")[2].lower()
        taken = namespace.lower() in _providers() and (("*" in verb and verb != "") or ("/" in rest and verb in _VERBS))
    if taken:
        return
    if data and namespace.lower() in _held() and not _operations(namespace.lower(), True):
        raise _invalid("The resource provider referenced in the action has not published any data operations.", data)
    raise _invalid(f"'{action}' does not match any of the actions supported by the providers.", data)


def _invalid(message: str, data: bool) -> AzureError:
    return bad_request("InvalidDataActionOrNotDataAction" if data else "InvalidActionOrNotAction", message)


@functools.cache
def _data() -> Mapping[str, Any]:
    read: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return MappingProxyType(read)


@functools.cache
def _held() -> frozenset[str]:
    return _lowered(_data()["held"])


@functools.cache
def _providers() -> frozenset[str]:
    return _lowered(_data()["providers"])


@functools.cache
def _operations(namespace: str, data: bool) -> tuple[str, ...]:
    listed: Mapping[str, str] = _data()["dataActions" if data else "actions"]
    below = f"{namespace}/"
    return tuple(
        f"{type_}/{verb}" for type_, verbs in listed.items() if type_.startswith(below) for verb in verbs.split()
    )


def _lowered(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)
