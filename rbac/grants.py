"""Grants: a persona for a principal, and the deterministic names of what stands for them in Azure.

A role assignment's name is a GUID, unique in the tenant. Azure refuses the same scope, principal and role under a
second name (`RoleAssignmentExists`), and the same name for another principal (`RoleAssignmentUpdateNotPermitted`). So
the name follows from just these three, in any case and spelling of theirs.

A grant may end: `until` is its last day, by UTC. Azure does not know of it; the next `up` after that day enforces it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from azmlflow.rbac import scopes

PrincipalType = Literal["User", "Group", "ServicePrincipal"]
GrantScope = Literal["workspace", "group"]

# All GUIDs that this project derives lie in this namespace. Changed, it would no longer find its names in Azure.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "azmlflow.rbac")


@dataclass(frozen=True)
class Grant:
    """A persona for a principal.

    Attributes:
        principal_id: object id in the directory; of an application, its service principal's.
        principal_type: `User`, `Group` or `ServicePrincipal`. Without it Azure refuses a principal that it has not
            replicated yet (`PrincipalNotFound`).
        display_name: name for people; Azure ignores it.
        persona: name of a persona of `rbac.roles`.
        scope: at the workspace, or at its whole resource group.
        until: its last day, by UTC; None for one that does not end.
        adopted: role definition GUID -> id of the assignment that somebody else made and that grants just that. It is
            relied on, never managed and never deleted by us.
    """

    principal_id: str
    principal_type: str
    display_name: str
    persona: str
    scope: GrantScope = "workspace"
    until: date | None = None
    adopted: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it this grant: principal, persona, scope. A second one with the same replaces the first."""
        return self.principal_id.lower(), self.persona, self.scope

    def in_force(self, today: date) -> bool:
        """Does it hold on that day?"""
        return self.until is None or today <= self.until

    def to_config(self) -> dict[str, Any]:
        """The grant as a stack's settings hold it: what is as usual is left out."""
        config: dict[str, Any] = {
            "principalId": self.principal_id,
            "principalType": self.principal_type,
            "displayName": self.display_name,
            "persona": self.persona,
        }
        if self.scope != "workspace":
            config["scope"] = self.scope
        if self.until is not None:
            config["until"] = self.until.isoformat()
        if self.adopted:
            config["adopted"] = dict(self.adopted)
        return config


def assignment_name(scope: str, principal_id: str, role_definition_id: str) -> str:
    """The name of the role assignment of a role to a principal at a scope: a GUID, lower case.

    Args:
        scope: ARM id of the scope, in any case.
        principal_id: object id.
        role_definition_id: the role's full id or only its GUID; both name the same role.
    """
    role = role_definition_id.rstrip("/").rpartition("/")[2]
    return str(uuid.uuid5(NAMESPACE, "\n".join((scopes.key(scope), principal_id.lower(), role.lower()))))
