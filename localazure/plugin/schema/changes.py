"""What changed between a resource's old and new inputs, and whether it can be changed in place. Pure.

As azure-native: inputs are compared with inputs, never with outputs. A changed path parameter or immutable input
replaces the resource; everything else updates it. Null and absent are the same; so are `West Europe` and
`westeurope`. Keys of two underscores and the API version are the provider's own notes, not changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from azmlflow.localazure.plugin.schema.shapes import API_VERSION
from azmlflow.localazure.plugin.schema.types import TypeMap

ChangeKind = Literal["add", "delete", "update"]


@dataclass(frozen=True)
class Change:
    """One difference.

    Attributes:
        path: where, as Pulumi writes property paths: `properties.accessPolicies[0]["odd key"]`.
        kind: what happened to the value there.
        replaces: whether only a new resource can have it.
    """

    path: str
    kind: ChangeKind
    replaces: bool

    @property
    def top(self) -> str:
        """The input that the path begins in."""
        return re.split(r"[.\[]", self.path, maxsplit=1)[0]


def changes(
    kind: TypeMap, old: Mapping[str, Any], new: Mapping[str, Any], ignore: tuple[str, ...] = ()
) -> list[Change]:
    """The differences between old and new inputs, in the order of their names.

    Args:
        kind: the type.
        old: inputs of the last deployment.
        new: inputs now; `UNKNOWN` where a preview cannot tell, which counts as a change.
        ignore: property paths of `ignoreChanges`.
    """
    found = []
    for name in sorted({*old, *new} - {API_VERSION}):
        before, after = old.get(name), new.get(name)
        if name.startswith("__") or _same(kind, name, before, after):
            continue
        replaces = name in kind.parameters or (name in kind.immutable and not _is_unset(before, after))
        found += [
            Change(path, how, replaces)
            for path, how in _walk(_key("", name), before, after)
            if not any(_covers(pattern, path) for pattern in ignore)
        ]
    return found


def merge(mine: Any, base: Any, theirs: Any) -> Any:
    """Old inputs with the drift between two projections of the state put onto them.

    Args:
        mine: the old inputs, or a part of them.
        base: what the old state projects to; a part that equals `theirs` leaves `mine` as it is.
        theirs: what the state read from Azure projects to.
    """
    if base == theirs:
        return mine
    if not (isinstance(mine, Mapping) and isinstance(base, Mapping) and isinstance(theirs, Mapping)):
        return theirs
    merged = dict(mine)
    for name in {*base, *theirs}:
        value = merge(mine.get(name), base.get(name), theirs.get(name))
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = value
    return merged


def _walk(path: str, before: Any, after: Any) -> Iterator[tuple[str, ChangeKind]]:
    if before is None:
        yield path, "add"
    elif after is None:
        yield path, "delete"
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            if _differs(before.get(name), after.get(name)):
                yield from _walk(_key(path, name), before.get(name), after.get(name))
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            one, other = (items[index] if index < len(items) else None for items in (before, after))
            if _differs(one, other):
                yield from _walk(f"{path}[{index}]", one, other)
    else:
        yield path, "update"


def _differs(before: Any, after: Any) -> bool:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return any(_differs(before.get(name), after.get(name)) for name in {*before, *after})
    if isinstance(before, list) and isinstance(after, list):
        return len(before) != len(after) or any(map(_differs, before, after))
    return bool(before != after)


def _same(kind: TypeMap, name: str, before: Any, after: Any) -> bool:
    if isinstance(before, str) and isinstance(after, str):
        if name == "location":
            return before.replace(" ", "").lower() == after.replace(" ", "").lower()
        if name == kind.scope_input:  # an ARM id: no case, and its outer slashes are trimmed
            return before.strip("/").lower() == after.strip("/").lower()
    return not _differs(before, after)


def _is_unset(before: Any, after: Any) -> bool:
    """A create-only switch that is off or not there at all: the same to Azure, which an import shows as `false`."""
    return not before and not after


def _key(path: str, name: str) -> str:
    if re.fullmatch(r"[A-Za-z_$][\w$]*", name):
        return f"{path}.{name}" if path else name
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'{path}["{quoted}"]'


def _covers(pattern: str, path: str) -> bool:
    """Whether an `ignoreChanges` path names this path or something around it; `*` stands for any one key."""
    expression = re.escape(pattern).replace(r"\*", r'(?:[^.\[\]]+|"[^"]*")')
    return re.match(rf"{expression}(?=$|[.\[])", path) is not None
