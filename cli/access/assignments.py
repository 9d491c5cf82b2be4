"""What Azure has before a grant is applied: assignments to adopt, room for more, the right to make them, free names.

Everything is read, nothing is changed. One list of the subscription's assignments serves all questions.

Sources: Microsoft, "Azure RBAC limits" (4,000 assignments in a subscription, those below it included, those of
management groups not); "Troubleshoot Azure RBAC" (a role's name is unique in the tenant).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from azmlflow.cli.azure.arm import Arm, ArmError
from azmlflow.cli.frame.errors import CliError
from azmlflow.infra.plan.identifiers import Assignment, Place
from azmlflow.rbac import roles, scopes
from azmlflow.rbac.grants import Grant
from azmlflow.rbac.live.errors import AccessError
from azmlflow.rbac.patterns import PermissionBlock, permits
from azmlflow.resourcetypes.table import version_of

_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
_DEFINITIONS = "Microsoft.Authorization/roleDefinitions"
_PERMISSIONS = "Microsoft.Authorization/permissions"
MAY_ASSIGN = "Microsoft.Authorization/roleAssignments/write"
MAY_TAKE = "Microsoft.Authorization/roleAssignments/delete"
MAY_DEFINE = "Microsoft.Authorization/roleDefinitions/write"
LIMIT = 4000
_NEARLY = 3900
_CANNOT_TELL = 403


@dataclass(frozen=True)
class Listing:
    """The role assignments that could be read.

    Attributes:
        entries: as ARM answers them.
        counted: how many the subscription has; None where only the workspace's could be read.
    """

    entries: tuple[Mapping[str, Any], ...]
    counted: int | None

    def names(self) -> frozenset[str]:
        """Their names, lower case."""
        return frozenset(str(entry.get("name", "")).lower() for entry in self.entries)


def read(arm: Arm, place: Place) -> Listing:
    """The subscription's assignments; those that bear on the workspace, where more may not be read."""
    subscription = scopes.subscription_id(place.subscription_id)
    try:
        found = _all(arm, subscription, _ASSIGNMENTS)
    except ArmError as fault:
        if fault.status != _CANNOT_TELL:
            raise
        return Listing(_all(arm, place.workspace_id, _ASSIGNMENTS), None)
    inside = sum(scopes.contains(subscription, str(_properties(entry).get("scope") or subscription)) for entry in found)
    return Listing(found, inside)


def adopt(arm: Arm, place: Place, grants: Iterable[Grant], listing: Listing) -> tuple[Grant, ...]:
    """The grants, with the assignments that somebody else made of just the same written into them.

    Azure refuses the same scope, role and principal under a second name. A conditional assignment is not the same, and
    one that went between the list and a second look is not there.
    """
    by_key = {_key(entry): entry for entry in listing.entries if not _properties(entry).get("condition")}
    found: list[Grant] = []
    for grant in grants:
        adopted = dict(grant.adopted)
        for wanted in place.assignments((grant,)):
            other = by_key.get(wanted.key)
            if other is None or str(other.get("name", "")).lower() == wanted.guid:
                continue
            id_ = str(other["id"])
            if stands(arm, id_):
                adopted[wanted.role_guid] = id_
        found.append(replace(grant, adopted=adopted))
    return tuple(found)


def release(arm: Arm, grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """The grants without adopted assignments that are gone: from now on ours are made."""
    return tuple(
        replace(grant, adopted={role: id_ for role, id_ in grant.adopted.items() if stands(arm, id_)})
        for grant in grants
    )


def check_room(listing: Listing, wanted: Sequence[Assignment], warn: Callable[[str], None]) -> None:
    """Say when the subscription's limit of role assignments is near.

    Raises:
        CliError: it would be passed.
    """
    if listing.counted is None:
        return
    new = len({each.guid for each in wanted} - listing.names())
    if not new:
        return
    after = listing.counted + new
    if after > LIMIT:
        raise CliError(
            f"the subscription has {listing.counted} of {LIMIT} role assignments, and this needs {new} more",
            next="grant to groups instead of people; orphaned assignments: azmlflow access --drift",
        )
    if after > _NEARLY:
        warn(f"the subscription then has {after} of {LIMIT} role assignments; grant to groups instead of people")


def check_names(arm: Arm, place: Place, grants: Iterable[Grant]) -> None:
    """See that no other role bears the name of one that is needed.

    Raises:
        CliError: one does; the error names it.
    """
    if place.profile == "built-in":
        return
    for persona in dict.fromkeys(grant.persona for grant in grants):
        name, guid = roles.custom_role_name(persona, place.group_id), place.role_guid(persona)
        query = {"$filter": f"atScopeAndBelow() and roleName eq '{name}'"}
        for other in _all(arm, place.group_id, _DEFINITIONS, query):
            same = str(_properties(other).get("roleName", "")).lower() == name.lower()
            if same and str(other.get("name", "")).lower() != guid:
                raise CliError(
                    f"another role definition has the name `{name}` already, which is unique in a tenant",
                    where=str(other.get("id")),
                    next=f"rename or delete that one: az role definition delete --name {other.get('name')}",
                )


def check_right(arm: Arm, listing: Listing, needs: Iterable[tuple[str, str]], name_of: Callable[[str], str]) -> None:
    """See that who is signed in may do what is needed, as Azure tells.

    (Microsoft, "Permissions - List For Resource": `GET {scope}/providers/Microsoft.Authorization/permissions`.)

    Args:
        arm: asks.
        listing: to find who could.
        needs: pairs of action and scope.
        name_of: a name for an object id.

    Raises:
        CliError: an action is missing; the error names it, and who has it.
    """
    asked = functools.cache(lambda scope: _blocks(_all(arm, scope, _PERMISSIONS)))
    for action, scope in dict.fromkeys(needs):
        if permits(asked(scope), action, data=False)[0] is None:
            who = _who_may(arm, listing, action, scope)
            could = "; ".join(f"{name_of(principal)} ({role})" for principal, role in who[:5])
            raise CliError(
                f"you may not change access here: `{action}` is missing",
                where=scope,
                next=f"ask {could}" if could else "ask an Owner or a User Access Administrator of the subscription",
            )


def _who_may(arm: Arm, listing: Listing, action: str, scope: str) -> list[tuple[str, str]]:
    """Principals, with the role, that an assignment gives an action at a scope."""
    found: dict[str, str] = {}
    known: dict[str, Mapping[str, Any] | None] = {}
    for entry in listing.entries:
        given = _properties(entry)
        role, at = str(given.get("roleDefinitionId", "")), str(given.get("scope") or "")
        if not role or not at or not scopes.contains(at, scope):
            continue
        if role not in known:
            known[role] = arm.get(role, version_of(_DEFINITIONS))
        definition = _properties(known[role] or {})
        if permits(_blocks(definition.get("permissions") or ()), action, data=False)[0] is not None:
            found.setdefault(str(given.get("principalId", "")), str(definition.get("roleName", "")))
    return list(found.items())


def namer(find: Callable[[str], str]) -> Callable[[str], str]:
    """A name for an object id; the id itself where the directory does not tell."""

    def name_of(object_id: str) -> str:
        try:
            return find(object_id) or object_id
        except (AccessError, CliError):
            return object_id

    return name_of


def _all(arm: Arm, scope: str, kind: str, query: Mapping[str, str] | None = None) -> tuple[dict[str, Any], ...]:
    """What is of a type at a scope."""
    return tuple(arm.list(f"{scope}/providers/{kind}", version_of(kind), query))


def stands(arm: Arm, assignment: str) -> bool:
    """Is a role assignment there?"""
    return arm.get(assignment, version_of(_ASSIGNMENTS)) is not None


def _key(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    given = _properties(entry)
    role = str(given.get("roleDefinitionId", "")).rpartition("/")[2].lower()
    return scopes.key(str(given.get("scope") or "/")), str(given.get("principalId", "")).lower(), role


def _properties(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = entry.get("properties") or {}
    return found


def _blocks(permissions: Iterable[Mapping[str, Any]]) -> tuple[PermissionBlock, ...]:
    return tuple(
        PermissionBlock(tuple(each.get("actions") or ()), tuple(each.get("notActions") or ())) for each in permissions
    )
