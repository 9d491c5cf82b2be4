"""An index over facts: what reaches a principal at a scope, and what the roles in use say of an action.

The rule: everything is worked out once. A pattern is compiled once (`patterns`), a role is judged once for each
distinct action, the assignments that reach a principal at a scope are gathered once. So a matrix costs what reaches
its principals, linear in the assignments, and not assignments x principals x operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from azmlflow.rbac import scopes
from azmlflow.rbac.patterns import Match, permits

if TYPE_CHECKING:
    from azmlflow.rbac.records import DenyAssignment, RoleAssignment, RoleDefinition

Doubt = Literal["hierarchy", "membership"]
Value = TypeVar("Value")

# Answers kept of each sort. The embedded Azure asks about ever new scopes for as long as it runs.
_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Held:
    """A role assignment that reaches a principal at a scope; or may, where there is a doubt.

    Attributes:
        assignment: the assignment.
        identity: the principal or the group by which it does.
        doubt: why it is not known to reach, if it is not.
        depth: how narrow its scope is.
    """

    assignment: RoleAssignment
    identity: str
    doubt: Doubt | None
    depth: int


@dataclass(frozen=True, slots=True)
class Reached:
    """All that reaches a principal at a scope.

    Attributes:
        identities: the principal, then its groups.
        perhaps: groups that may hold it.
        roles: role GUID -> its assignments that reach, or may.
        names: names of the known roles that certainly reach, in order.
        unresolved: the assignments that certainly reach, whose role is not known; told for people.
    """

    identities: tuple[str, ...]
    perhaps: tuple[str, ...]
    roles: Mapping[str, tuple[Held, ...]]
    names: tuple[str, ...]
    unresolved: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RolesSay:
    """What the roles in use say of one action: role GUID -> what allows it, or else what excludes it."""

    allows: Mapping[str, Match]
    excludes: Mapping[str, Match]


@dataclass(frozen=True, slots=True)
class Barrier:
    """A deny assignment whose pattern matches an action at a scope; whom it is about is not asked yet.

    Attributes:
        deny: the deny assignment.
        listed: whom it denies, in the compared form.
        excluded: whom it spares.
        match: its pattern that matches.
        doubt: set where its management group is not known to be above the scope.
        depth: how narrow its scope is.
    """

    deny: DenyAssignment
    listed: frozenset[str]
    excluded: frozenset[str]
    match: Match
    doubt: Doubt | None
    depth: int


class Index:
    """Facts arranged so that a decision costs what reaches it, not the whole tenant."""

    def __init__(
        self,
        *,
        assignments: Iterable[RoleAssignment],
        definitions: Iterable[RoleDefinition],
        denies: Iterable[DenyAssignment],
        memberships: Mapping[str, Iterable[str]],
        management_groups: Mapping[str, Iterable[str]],
        unread_groups: Iterable[str],
    ) -> None:
        self._assignments: dict[tuple[str, str], list[RoleAssignment]] = {}
        used: set[str] = set()
        places: set[str] = set()
        for assignment in assignments:
            place = scopes.key(assignment.scope)
            places.add(place)
            used.add(role_guid(assignment.role_definition_id))
            self._assignments.setdefault((assignment.principal_id.lower(), place), []).append(assignment)
        self._roles = {guid: role for role in definitions if (guid := role_guid(role.id)) in used}
        self._denies: dict[str, list[DenyAssignment]] = {}
        for deny in denies:
            self._denies.setdefault(scopes.key(deny.scope), []).append(deny)
        self._memberships = _compared(memberships, str.lower)
        self._above = _compared(management_groups, scopes.key)
        self._management_groups = tuple(sorted(at for at in places | set(self._denies) if _is_management_group(at)))
        self._closures: dict[str, tuple[str, ...]] = {}
        self._perhaps = frozenset(group for unread in unread_groups for group in self.identities(unread))
        self._places: dict[str, tuple[tuple[str, Doubt | None], ...]] = {}
        self._reached: dict[tuple[str, str], Reached] = {}
        self._says: dict[tuple[str, bool], RolesSay] = {}
        self._barriers: dict[tuple[str, str, bool], tuple[Barrier, ...]] = {}

    def identities(self, principal_id: str) -> tuple[str, ...]:
        """The principal and every group that holds it, transitively; groups that hold each other end the walk."""
        start = principal_id.lower()
        if start not in self._closures:
            seen, ahead = {start}, [start]
            while ahead:
                fresh = self._memberships.get(ahead.pop(), frozenset()) - seen
                seen |= fresh
                ahead.extend(fresh)
            self._closures[start] = (start, *sorted(seen - {start}))
        return self._closures[start]

    def perhaps(self, principal_id: str) -> tuple[str, ...]:
        """The groups that may hold the principal besides: those whose members are unknown, and what holds those."""
        return tuple(sorted(self._perhaps.difference(self.identities(principal_id))))

    def places(self, scope: str) -> tuple[tuple[str, Doubt | None], ...]:
        """The scopes whose assignments reach this one, and the management groups of which that is not known."""
        return _kept(self._places, scope, lambda: tuple(self._find_places(scope)))

    def assignments(self, identity: str, scope: str) -> Sequence[RoleAssignment]:
        """The role assignments of one identity at one scope (both in their compared form)."""
        return self._assignments.get((identity, scope), ())

    def reached(self, principal_id: str, scope: str) -> Reached:
        """All that reaches a principal at a scope."""
        return _kept(self._reached, (principal_id, scope), lambda: self._gather(principal_id, scope))

    def say(self, action: str, data: bool) -> RolesSay:
        """What every role in use says of an action; `data`: it is one of the data plane."""
        return _kept(self._says, (action, data), lambda: self._judge(action, data))

    def barriers(self, action: str, scope: str, data: bool) -> tuple[Barrier, ...]:
        """The deny assignments that match an action at a scope, whomever they are about; `data` as of `say`."""
        if not self._denies:
            return ()
        return _kept(self._barriers, (action, scope, data), lambda: tuple(self._bar(action, scope, data)))

    def role_name(self, guid: str) -> str:
        """The name of a role in use."""
        return self._roles[guid].name

    def _find_places(self, scope: str) -> Iterator[tuple[str, Doubt | None]]:
        chain = scopes.prefixes(scope)
        yield from ((place, None) for place in chain)
        # Only subscriptions and management groups are keys, so at most one of the chain is there.
        top = next((at for at in chain if at in self._above), None)
        if top is not None:
            yield from ((place, None) for place in sorted(self._above[top] - set(chain)))
        elif _has_management_groups(chain[0]):
            yield from ((group, "hierarchy") for group in self._management_groups if group not in chain)

    def _gather(self, principal_id: str, scope: str) -> Reached:
        identities, perhaps = self.identities(principal_id), self.perhaps(principal_id)
        places = self.places(scope)
        roles: dict[str, list[Held]] = {}
        names: set[str] = set()
        unresolved: set[str] = set()
        for identity in (*identities, *perhaps):
            unsure: Doubt | None = "membership" if identity in perhaps else None
            for place, unplaced in places:
                for found in self.assignments(identity, place):
                    guid, doubt = role_guid(found.role_definition_id), unsure or unplaced
                    roles.setdefault(guid, []).append(Held(found, identity, doubt, _depth(place)))
                    if doubt is None and guid in self._roles:
                        names.add(self._roles[guid].name)
                    elif doubt is None:
                        missing = found.role_definition_id
                        unresolved.add(f"assignment {found.id}, whose role definition {missing} is not known")
        held = {guid: tuple(each) for guid, each in roles.items()}
        return Reached(identities, perhaps, held, tuple(sorted(names)), tuple(sorted(unresolved)))

    def _judge(self, action: str, data: bool) -> RolesSay:
        allows: dict[str, Match] = {}
        excludes: dict[str, Match] = {}
        for guid, role in self._roles.items():
            yes, no = permits(role.permissions, action, data)
            if yes is not None:
                allows[guid] = yes
            elif no is not None:
                excludes[guid] = no
        return RolesSay(allows, excludes)

    def _bar(self, action: str, scope: str, data: bool) -> Iterator[Barrier]:
        target = scopes.key(scope)
        for place, doubt in self.places(scope):
            for deny in self._denies.get(place, ()):
                match, _ = permits(deny.permissions, action, data)
                if match is not None and (place == target or deny.applies_to_children):
                    listed = frozenset(each.lower() for each in deny.principals)
                    excluded = frozenset(each.lower() for each in deny.excluded)
                    yield Barrier(deny, listed, excluded, match, doubt, _depth(place))


def role_guid(role_definition_id: str) -> str:
    """The GUID at an id's end: built-in roles are named with and without a subscription before it."""
    return role_definition_id.rstrip("/").rpartition("/")[2].lower()


Key = TypeVar("Key")


def _kept(answers: dict[Key, Value], key: Key, work_out: Callable[[], Value]) -> Value:
    """An answer worked out once; all are forgotten when there are too many."""
    found = answers.get(key)
    if found is None:
        if len(answers) >= _KEPT:
            answers.clear()
        found = answers[key] = work_out()
    return found


def _depth(place: str) -> int:
    return len(scopes.prefixes(place))


def _compared(mapping: Mapping[str, Iterable[str]], form: Callable[[str], str]) -> dict[str, frozenset[str]]:
    """A mapping with keys and values in their compared form; keys that differ in case only are one."""
    found: dict[str, frozenset[str]] = {}
    for key, values in mapping.items():
        found[form(key)] = found.get(form(key), frozenset()) | {form(value) for value in values}
    return found


def _is_management_group(scope: str) -> bool:
    return scope.startswith(scopes.MANAGEMENT_GROUPS.lower() + "/")


def _has_management_groups(scope: str) -> bool:
    """Whether a scope (in its compared form) lies under management groups at all: the root and tenant level do not."""
    return _is_management_group(scope) or scope.startswith("/subscriptions/")
