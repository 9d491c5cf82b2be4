"""Azure's wildcard patterns, as they stand in the Actions and NotActions of a role.

`*` stands for anything, `/` included, anywhere in the pattern; case does not matter (Microsoft, "Understand Azure role
definitions"). A wildcard between slashes, `X/*/Y`, also matches `X/Y`. Microsoft's text does not say so; its built-in
roles work only if it does (AzureML Data Scientist's `workspaces/*/read` opens the workspace, its NotActions'
`computes/*/write` keeps it from creating computes). What rests on that reading is marked, and this project's own roles
hold no wildcard.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class PermissionBlock:
    """One entry of a role definition's or deny assignment's `permissions`.

    A few built-in roles carry a condition here rather than on the assignment (Key Vault Data Access Administrator).
    """

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()
    condition: str | None = None


@dataclass(frozen=True)
class Match:
    """A pattern that matched.

    Attributes:
        pattern: as the role has it.
        marked: it matched only because a middle wildcard stood for no segment.
        conditional: its permission block holds under a condition only.
    """

    pattern: str
    marked: bool
    conditional: bool = False


def permits(permissions: Sequence[PermissionBlock], action: str, data: bool) -> tuple[Match | None, Match | None]:
    """What grants, and what excludes, an action over permission blocks; each block is minus its own exclusions only.

    Args:
        permissions: the blocks of a role definition or of a deny assignment.
        action: a concrete action.
        data: look at the data actions instead of the actions.

    Returns:
        The plainest pattern that grants, and the plainest that keeps another block from granting; None where none does.
    """
    granted: list[Match] = []
    excluded: list[Match] = []
    for block in permissions:
        yes = _best(block.data_actions if data else block.actions, action)
        if yes is None:
            continue
        no = _best(block.not_data_actions if data else block.not_actions, action)
        if no is None:
            granted.append(replace(yes, conditional=bool(block.condition)))
        else:
            excluded.append(no)
    return min(granted, key=_plainest, default=None), min(excluded, key=_plainest, default=None)


def _best(patterns: Iterable[str], action: str) -> Match | None:
    """The plainest of the patterns that match, so that the order in which a role lists them does not matter."""
    exact, wild = _prepare(tuple(patterns))
    text = action.lower()
    if (plain := exact.get(text)) is not None:
        return Match(plain, marked=False)
    for pattern, pieces, joined in wild:
        if _fits(pieces, (False,) * len(joined), text):
            return Match(pattern, marked=False)
    for pattern, pieces, joined in wild:
        if any(joined) and _fits(pieces, joined, text):
            return Match(pattern, marked=True)
    return None


_Wild = tuple[str, tuple[str, ...], tuple[bool, ...]]


@functools.lru_cache(maxsize=16384)
def _prepare(patterns: tuple[str, ...]) -> tuple[dict[str, str], tuple[_Wild, ...]]:
    """Patterns made ready once: the exact ones by what they match, the others compiled, the plainest first."""
    ordered = sorted((Match(pattern, marked=False) for pattern in patterns), key=_plainest)
    exact: dict[str, str] = {}
    for each in ordered:
        if "*" not in each.pattern:
            exact.setdefault(each.pattern.lower(), each.pattern)
    wild = tuple((each.pattern, *_compile(each.pattern)) for each in ordered if "*" in each.pattern)
    return exact, wild


def _plainest(found: Match) -> tuple[bool, bool, bool, int, str]:
    """Orders matches: unconditional, unmarked, exact ones first, then the longer pattern, then the alphabet."""
    return found.conditional, found.marked, "*" in found.pattern, -len(found.pattern), found.pattern


def match(pattern: str, action: str) -> bool | None:
    """Match one pattern of a role against one action, whatever their case.

    Returns:
        None: no match; False: a plain match; True: a match only because `X/*/Y` also means `X/Y`.
    """
    pieces, joined = _compile(pattern)
    action = action.lower()
    if _fits(pieces, (False,) * len(joined), action):
        return False
    return True if _fits(pieces, joined, action) else None


@functools.lru_cache(maxsize=16384)
def _compile(pattern: str) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """A pattern's literal pieces and, for each wildcard between two, whether it stands between two slashes."""
    pieces = tuple(pattern.lower().split("*"))
    joined = tuple(before.endswith("/") and after.startswith("/") for before, after in itertools.pairwise(pieces))
    return pieces, joined


def _fits(pieces: tuple[str, ...], joined: tuple[bool, ...], text: str) -> bool:
    """Whether the pieces lie in the text in order, from its start to its end; two joined ones may share a slash.

    The leftmost place for each piece is enough, so the time is linear in the text whatever the number of wildcards.
    """
    if len(pieces) == 1:
        return text == pieces[0]
    if not text.startswith(pieces[0]):
        return False
    at = len(pieces[0])
    for piece, shares in zip(pieces[1:-1], joined[:-1], strict=True):
        at = text.find(piece, at - shares)
        if at < 0:
            return False
        at += len(piece)
    last = pieces[-1]
    return len(text) - len(last) >= at - joined[-1] and text.endswith(last)
