"""What Azure has before a grant is applied: assignments to adopt, room for more, the right to make them, free names.

Everything is read, nothing is changed. One list of the subscription's assignments serves all questions.

Sources: Microsoft, "Azure RBAC limits" (4,000 assignments in a subscription, those below it included, those of
management groups not); "Troubleshoot Azure RBAC" (a role's name is unique in the tenant).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.errors import CliError
from azmlflow.infra.plan.identifiers import Place
from azmlflow.infra.plan.records import Assignment
from azmlflow.rbac import roles, scopes
from azmlflow.rbac.grants import Grant
from azmlflow.rbac.live.errors import AccessError
from azmlflow.rbac.patterns import PermissionBlock, permits

if TYPE_CHECKING:
    from azure.mgmt.authorization.v2022_04_01.models import RoleAssignment
    from azure.mgmt.authorization.v2022_05_01_preview.models import RoleDefinition

MAY_ASSIGN = "Microsoft.Authorization/roleAssignments/write"
MAY_TAKE = "Microsoft.Authorization/roleAssignments/delete"
MAY_DEFINE = "Microsoft.Authorization/roleDefinitions/write"
LIMIT = 4000
_NEARLY = 3900
_CANNOT_TELL = 403
_ANY_STACK = "azmlflow stack "  # how `tags.owner` begins


@dataclass(frozen=True)
class Listing:
    """The role assignments that could be read.

    Attributes:
        entries: as Azure lists them.
        counted: how many the subscription has; None where only the workspace's could be read.
    """

    entries: tuple[RoleAssignment, ...]
    counted: int | None

    def names(self) -> frozenset[str]:
        """Their names, lower case."""
        return frozenset(str(entry.name).lower() for entry in self.entries)


def read(arm: ResourceManager, place: Place) -> Listing:
    """The subscription's assignments; those that bear on the workspace, where more may not be read."""
    subscription = scopes.subscription_id(place.subscription_id)
    try:
        every = arm.role_assignments(subscription)
    except ArmError as fault:
        if fault.status != _CANNOT_TELL:
            raise
        return Listing(arm.role_assignments(place.workspace_id), None)
    inside = sum(scopes.contains(subscription, entry.scope or subscription) for entry in every)
    return Listing(every, inside)


def of_another(description: str | None, ours: str) -> bool:
    """Whether an assignment, under whatever name, says that another stack than ours made it.

    On what two stacks share (a storage account that is given) both would call the same one by the same name.
    """
    said = description or ""
    return _ANY_STACK in said and not said.endswith(ours)


def adopt(
    arm: ResourceManager, place: Place, grants: Iterable[Grant], listing: Listing, ours: str = ""
) -> tuple[Grant, ...]:
    """The grants, with the assignments that somebody else made of just the same written into them.

    Azure refuses the same scope, role and principal under a second name. A conditional assignment is not the same, and
    one that went between the list and a second look is not there.

    Args:
        arm: Azure Resource Manager.
        place: where the grants apply.
        grants: who is to have what.
        listing: the assignments that could be read.
        ours: how this stack signs what it makes (`tags.owner`).
    """
    by_key = {_key(entry): entry for entry in listing.entries if not entry.condition}
    with_adopted: list[Grant] = []
    for grant in grants:
        adopted = dict(grant.adopted)
        for wanted in place.assignments((grant,)):
            other = by_key.get(wanted.key)
            if other is None:
                continue
            if str(other.name).lower() == wanted.guid and not of_another(other.description, ours):
                continue
            id_ = str(other.id)
            if arm.role_assignment(id_) is not None:
                adopted[wanted.role_guid] = id_
        with_adopted.append(replace(grant, adopted=adopted))
    return tuple(with_adopted)


def release(arm: ResourceManager, grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """The grants without adopted assignments that are gone: from now on ours are made."""
    return tuple(
        replace(grant, adopted={role: id_ for role, id_ in grant.adopted.items() if arm.role_assignment(id_)})
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


def check_names(arm: ResourceManager, place: Place, grants: Iterable[Grant]) -> None:
    """See that no other role bears the name of one that is needed.

    Raises:
        CliError: one does; the error names it.
    """
    if place.profile == "built-in":
        return
    for persona in dict.fromkeys(grant.persona for grant in grants):
        name, guid = roles.custom_role_name(persona, place.home), place.role_guid(persona)
        for other in arm.roles_called(name, place.group_id):
            same = str(other.role_name).lower() == name.lower()
            if same and str(other.name).lower() != guid:
                raise CliError(
                    f"another role definition has the name `{name}` already, which is unique in a tenant",
                    where=str(other.id),
                    next=f"rename or delete that one: az role definition delete --name {other.name}",
                )


def check_right(
    arm: ResourceManager, listing: Listing, needs: Iterable[tuple[str, str]], name_of: Callable[[str], str]
) -> None:
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
    asked = functools.cache(arm.permissions)
    for action, scope in dict.fromkeys(needs):
        if permits(asked(scope), action, data=False)[0] is None:
            who = _who_may(arm, listing, action, scope)
            could = "; ".join(f"{name_of(principal)} ({role})" for principal, role in who[:5])
            raise CliError(
                f"you may not change access here: `{action}` is missing",
                where=scope,
                next=f"ask {could}" if could else "ask an Owner or a User Access Administrator of the subscription",
            )


def _who_may(arm: ResourceManager, listing: Listing, action: str, scope: str) -> list[tuple[str, str]]:
    """Principals, with the role, that an assignment gives an action at a scope."""
    who: dict[str, str] = {}
    known: dict[str, RoleDefinition | None] = {}
    for entry in listing.entries:
        id_, at = str(entry.role_definition_id), str(entry.scope)
        if not scopes.contains(at, scope):
            continue
        if id_ not in known:
            known[id_] = arm.role_definition(id_)
        role = known[id_]
        if role is None:
            continue
        granted = role.permissions or ()
        blocks = [PermissionBlock(tuple(each.actions or ()), tuple(each.not_actions or ())) for each in granted]
        if permits(blocks, action, data=False)[0] is not None:
            who.setdefault(str(entry.principal_id), str(role.role_name))
    return list(who.items())


def namer(find: Callable[[str], str]) -> Callable[[str], str]:
    """A name for an object id; the id itself where the directory does not tell."""

    def name_of(object_id: str) -> str:
        try:
            return find(object_id) or object_id
        except (AccessError, CliError):
            return object_id

    return name_of


def _key(entry: RoleAssignment) -> tuple[str, str, str]:
    role = str(entry.role_definition_id).rpartition("/")[2].lower()
    return scopes.key(entry.scope or "/"), str(entry.principal_id).lower(), role
