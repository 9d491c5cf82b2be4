"""What changed between a resource's old and new inputs, and whether it can be changed in place. Pure.

As azure-native (provider/pkg/provider/diff.go, and its PRs 4015, 4785 and 4789): inputs are compared with inputs. A
changed path parameter or immutable input replaces the resource, and so does an immutable one that is added, unless
Azure's answer has the same value; one that is taken away says nothing, and leaves the resource as it is. Everything
else updates it, the API version too. Null and absent are the same; so are `West Europe` and `westeurope`, and a
resource group's name in any case; a scope is compared to the letter. Keys of two underscores are the provider's notes.
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
class Difference:
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
    kind: TypeMap,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    state: Mapping[str, Any],
    ignore: tuple[str, ...] = (),
) -> list[Difference]:
    """The differences between old and new inputs, in the order of their names.

    Args:
        kind: the type.
        old: inputs of the last deployment.
        new: inputs now; `UNKNOWN` where a preview cannot tell, which counts as a change.
        state: outputs of the last deployment.
        ignore: property paths of `ignoreChanges`.
    """
    if API_VERSION in state:
        old = {API_VERSION: state[API_VERSION], **old}
    found = []
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if name.startswith("__") or _same(name, before, after):
            continue
        fixed = name in kind.parameters or name in kind.immutable
        added = before is None and (name not in state or _differs(state[name], after))
        found += [
            Difference(path, how, fixed and (how == "update" or added))
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


def _same(name: str, before: Any, after: Any) -> bool:
    if isinstance(before, str) and isinstance(after, str):
        if name == "location":
            return before.replace(" ", "").lower() == after.replace(" ", "").lower()
        if name == "resourceGroupName":
            return before.lower() == after.lower()
    return not _differs(before, after)


def _key(path: str, name: str) -> str:
    if re.fullmatch(r"[A-Za-z_$][\w$]*", name):
        return f"{path}.{name}" if path else name
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'{path}["{quoted}"]'


def _covers(pattern: str, path: str) -> bool:
    """Whether an `ignoreChanges` path names this path or something around it; `*` stands for any one key."""
    expression = re.escape(pattern).replace(r"\*", r'(?:[^.\[\]]+|"[^"]*")')
    return re.match(rf"{expression}(?=$|[.\[])", path) is not None
