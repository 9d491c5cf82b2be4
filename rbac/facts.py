"""What is known of a tenant's access: assignments, definitions, denies, memberships; and an index over them.

Pure records. Case never matters: Azure compares ids, scopes and object ids without it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from azmlflow.rbac import scopes
from azmlflow.rbac.patterns import Match, PermissionBlock, permits


@dataclass(frozen=True)
class RoleDefinition:
    """A role: `id` is its full id or only its GUID, `name` what people call it."""

    id: str
    name: str
    permissions: tuple[PermissionBlock, ...]


@dataclass(frozen=True)
class RoleAssignment:
    """A role given to a principal at a scope, perhaps under a condition."""

    id: str
    principal_id: str
    role_definition_id: str
    scope: str
    condition: str | None = None


@dataclass(frozen=True)
class DenyAssignment:
    """What Azure forbids to some principals at a scope; `applies_to_children` False: at that very scope only."""

    id: str
    name: str
    scope: str
    principals: tuple[str, ...]
    excluded: tuple[str, ...]
    permissions: tuple[PermissionBlock, ...]
    applies_to_children: bool = True
    condition: str | None = None


@dataclass(frozen=True)
class Facts:
    """What is known of a tenant; the order of nothing in it matters.

    Attributes:
        assignments: role assignments at, above or below the scopes that will be asked about.
        definitions: role definitions they name; one that is missing is ignored, and named in the reason.
        denies: deny assignments.
        memberships: object id -> the groups that hold it directly (groups in groups likewise).
        management_groups: scope of a subscription or management group -> all management groups above it. A
            subscription that is missing here has unknown ones: an assignment at a management group that would decide
            makes the verdict unknown.
        unread_groups: groups whose members could not be read. Anybody may be a member, so what rests on such a
            membership is unknown.
    """

    assignments: Sequence[RoleAssignment] = ()
    definitions: Sequence[RoleDefinition] = ()
    denies: Sequence[DenyAssignment] = ()
    memberships: Mapping[str, Iterable[str]] = field(default_factory=dict)
    management_groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unread_groups: Sequence[str] = ()

    @functools.cached_property
    def index(self) -> Index:
        """The facts arranged for look-ups; made once, at the first question."""
        return Index(self)


@dataclass(frozen=True)
class RoleSays:
    """What a role says of one action: what allows it, or else what excludes it."""

    name: str
    allows: Match | None
    excludes: Match | None


class Index:
    """Facts arranged so that a decision costs what reaches it, not the whole tenant: linear in the assignments."""

    def __init__(self, facts: Facts) -> None:
        self._roles = {_last(role.id): role for role in facts.definitions}
        self._verdicts: dict[tuple[str, str, bool], RoleSays] = {}
        self._assignments: dict[tuple[str, str], list[RoleAssignment]] = {}
        for assignment in facts.assignments:
            place = (assignment.principal_id.lower(), scopes.key(assignment.scope))
            self._assignments.setdefault(place, []).append(assignment)
        self._denies: dict[str, list[DenyAssignment]] = {}
        for deny in facts.denies:
            self._denies.setdefault(scopes.key(deny.scope), []).append(deny)
        self._memberships = _compared(facts.memberships, str.lower)
        self._above = _compared(facts.management_groups, scopes.key)
        used = {scope for _, scope in self._assignments} | set(self._denies)
        self._management_groups = tuple(sorted(scope for scope in used if _is_management_group(scope)))
        self._unread = tuple(facts.unread_groups)
        self._closures: dict[str, tuple[str, ...]] = {}

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
        perhaps = {group for unread in self._unread for group in self.identities(unread)}
        return tuple(sorted(perhaps.difference(self.identities(principal_id))))

    def places(self, scope: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The scopes whose assignments reach this one, and the management groups of which that is not known."""
        chain = scopes.prefixes(scope)
        # Only subscriptions and management groups are keys, so at most one of the chain is there.
        top = next((at for at in chain if at in self._above), None)
        if top is not None:
            return (*chain, *sorted(self._above[top] - set(chain))), ()
        elsewhere = (group for group in self._management_groups if group not in chain)
        return chain, tuple(elsewhere) if _has_management_groups(chain[0]) else ()

    def assignments(self, identity: str, scope: str) -> list[RoleAssignment]:
        """The role assignments of one identity at one scope (both in their compared form)."""
        return self._assignments.get((identity, scope), [])

    def denies(self, scope: str) -> list[DenyAssignment]:
        """The deny assignments at one scope (in its compared form)."""
        return self._denies.get(scope, [])

    def role(self, role_definition_id: str, action: str, data: bool) -> RoleSays | None:
        """What a role says of an action, worked out once for each pair; None for a role that is not known."""
        guid = _last(role_definition_id)
        role = self._roles.get(guid)
        if role is None:
            return None
        asked = (guid, action, data)
        if asked not in self._verdicts:
            self._verdicts[asked] = RoleSays(role.name, *permits(role.permissions, action, data))
        return self._verdicts[asked]


def _last(id_: str) -> str:
    """The GUID at an id's end: built-in roles are named with and without a subscription before it."""
    return id_.rstrip("/").rpartition("/")[2].lower()


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
