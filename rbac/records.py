"""What access is made of in a tenant: role definitions, role assignments, deny assignments. Pure records."""

from __future__ import annotations

from dataclasses import dataclass

from azmlflow.rbac.patterns import PermissionBlock


@dataclass(frozen=True)
class RoleDefinition:
    """A role: `id` is its full id or only its GUID, `name` what people call it."""

    id: str
    name: str
    permissions: tuple[PermissionBlock, ...]


@dataclass(frozen=True)
class RoleAssignment:
    """A role given to a principal at a scope, perhaps under a condition; `principal_type` empty where not told."""

    id: str
    principal_id: str
    role_definition_id: str
    scope: str
    condition: str | None = None
    principal_type: str = ""


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
