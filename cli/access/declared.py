"""The stack's grants as `rbac.drift` compares them, and whom Azure itself gives access on a workspace."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from azmlflow.cli.access.grants import planned_place
from azmlflow.rbac.report.differences import Declared
from azmlflow.rbac.roles import built_in_role, persona

if TYPE_CHECKING:
    from azmlflow.cli.azure.resource_manager import ResourceManager
    from azmlflow.cli.session.session import Session
    from azmlflow.infra.plan.identifiers import Place
    from azmlflow.infra.plan.records import Assignment
    from azmlflow.rbac.grants import Grant
    from azmlflow.rbac.patterns import PermissionBlock


def of(session: Session, where: Place) -> tuple[Declared, ...]:
    """The grants in the settings, those that have ended among them, by their roles at the workspace or its group."""
    settings, today = session.settings(), session.invocation.ports.today()
    place = replace(where, profile=settings.role_profile, storage_account=None)
    declared = []
    for grant in settings.grants:
        role = persona(grant.persona, strict_tracker=settings.strict_tracker)
        permissions = built_in_role(role.nearest).permissions if place.profile == "built-in" else role.permissions
        declared.append(_declared(place.assignments([grant], adopted=True), grant, permissions, today))
    return tuple(declared)


def on_storage(session: Session, where: Place) -> tuple[Declared, ...]:
    """The same grants by their roles on the storage account, where datastores are opened as the caller; else none."""
    account, today = where.storage_id, session.invocation.ports.today()
    declared = []
    for grant in session.settings().grants if account is not None else ():
        roles = [each for each in where.assignments([grant], adopted=True) if each.scope == account]
        permissions = tuple(
            block for name in persona(grant.persona).storage_roles for block in built_in_role(name).permissions
        )
        if roles:
            declared.append(_declared(roles, grant, permissions, today))
    return tuple(declared)


def _declared(
    roles: Iterable[Assignment], grant: Grant, permissions: tuple[PermissionBlock, ...], today: datetime.date
) -> Declared:
    return Declared(
        grant.principal_id,
        grant.persona,
        tuple((each.scope, each.role_guid) for each in roles),
        permissions,
        ended=not grant.in_force(today),
        adopted=frozenset(each.lower() for each in grant.adopted.values()),
    )


def own_identities(arm: ResourceManager, workspace_id: str) -> frozenset[str]:
    """Object ids (lower case) of the workspace's system-assigned identity: Azure gives it roles by itself."""
    identity = (arm.get(workspace_id) or {}).get("identity") or {}
    return frozenset(str(identity[key]).lower() for key in ("principalId",) if identity.get(key))


def _last(grants: Iterable[Grant]) -> str:
    """The day with which the last of grants ends; empty where one has no end."""
    ends = [each.until for each in grants]
    return "" if None in ends else max(str(each) for each in ends)


def by_assignment(session: Session) -> tuple[dict[str, str], ...]:
    """Of each role assignment that the stack's grants call for: the persona, and until when, as `control.ui_address`
    takes them. Azure knows neither. One that several grants call for ends with the last of them.
    """
    where = planned_place(session, session.stack())
    found: dict[tuple[str, str, str], list[Grant]] = {}
    for grant in session.settings().grants:
        for each in where.assignments([grant], adopted=True):
            found.setdefault(each.key, []).append(grant)
    return tuple(
        {
            "scope": scope,
            "principal_id": principal,
            "role": role,
            "persona": "+".join(dict.fromkeys(each.persona for each in grants)),
            "until": _last(grants),
        }
        for (scope, principal, role), grants in found.items()
    )
