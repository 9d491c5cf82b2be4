"""The stack's grants as `rbac.drift` compares them, and whom Azure itself gives access on a workspace."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from azmlflow.rbac.drift import Declared
from azmlflow.rbac.roles import built_in_role, persona

if TYPE_CHECKING:
    from azmlflow.cli.arm import Arm
    from azmlflow.cli.session import Session
    from azmlflow.infra.identifiers import Place

_WORKSPACES = "2024-10-01"


def of(session: Session, where: Place) -> tuple[Declared, ...]:
    """The grants in the settings, those that have ended among them.

    Roles on the storage account (identity-based storage) open no operation and are not compared.
    """
    settings, today = session.settings(), session.invocation.ports.today()
    place = replace(where, profile=settings.role_profile, storage_account=None)
    found = []
    for entry in settings.grants:
        grant = entry.record()
        called_for = place.assignments([grant], adopted=True)
        role = persona(grant.persona, strict_tracker=settings.strict_tracker)
        permissions = built_in_role(role.nearest).permissions if place.profile == "built-in" else role.permissions
        found.append(
            Declared(
                grant.principal_id,
                grant.persona,
                tuple((each.scope, each.role_guid) for each in called_for),
                permissions,
                ended=not grant.in_force(today),
            )
        )
    return tuple(found)


def own_identities(arm: Arm, workspace_id: str) -> frozenset[str]:
    """Object ids (lower case) of the workspace's system-assigned identity: Azure gives it roles by itself."""
    identity = (arm.get(workspace_id, _WORKSPACES) or {}).get("identity") or {}
    return frozenset(str(identity[key]).lower() for key in ("principalId",) if identity.get(key))
