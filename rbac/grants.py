"""Grants: a persona for a principal, and the deterministic names of what stands for them in Azure.

A role assignment's name is a GUID, unique in the tenant. Azure refuses the same scope, principal and role under a
second name (`RoleAssignmentExists`), and the same name for another principal (`RoleAssignmentUpdateNotPermitted`). So
the name follows from just these three, in any case and spelling of theirs.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from azmlflow.rbac import scopes

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
    """

    principal_id: str
    principal_type: str
    display_name: str
    persona: str

    def to_config(self) -> dict[str, str]:
        """The grant as a stack's settings hold it."""
        return {
            "principalId": self.principal_id,
            "principalType": self.principal_type,
            "displayName": self.display_name,
            "persona": self.persona,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, str]) -> Grant:
        """The grant that a stack's settings hold, unchecked: `infra.settings` is where settings are validated.

        Raises:
            KeyError: `principalId`, `principalType` or `persona` is missing.
        """
        name = config.get("displayName", "")
        return cls(config["principalId"], config["principalType"], name, config["persona"])


def assignment_name(scope: str, principal_id: str, role_definition_id: str) -> str:
    """The name of the role assignment of a role to a principal at a scope: a GUID, lower case.

    Args:
        scope: ARM id of the scope, in any case.
        principal_id: object id.
        role_definition_id: the role's full id or only its GUID; both name the same role.
    """
    role = role_definition_id.rstrip("/").rpartition("/")[2]
    return str(uuid.uuid5(NAMESPACE, "\n".join((scopes.key(scope), principal_id.lower(), role.lower()))))
