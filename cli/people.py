"""Who is meant, and what they have: principals of the directory, and whether their grants are in force.

The look-up by name is `azmlflow.rbac.azure`'s; here its answer becomes what the settings hold.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azmlflow.cli.arm import Arm, ArmError, LiveArm, connect
from azmlflow.cli.errors import CliError
from azmlflow.cli.project import Project

if TYPE_CHECKING:
    from azmlflow.cli.ports import Collaborators
    from azmlflow.cli.session import Session
    from azmlflow.infra.identifiers import Place
    from azmlflow.rbac.grants import Grant

GRAPH = "https://graph.microsoft.com"
_ROLES = "2022-04-01"


@dataclass(frozen=True)
class Person:
    """A principal of the directory.

    Attributes:
        id: object id.
        type: `User`, `Group` or `ServicePrincipal`.
        name: for people: user principal name, or display name.
    """

    id: str
    type: str
    name: str


def assigned(ports: Collaborators, where: Place, grant: Grant) -> bool:
    """Is the grant's role assignment there?"""
    return ports.open_arm().get(where.assignment_id(grant.persona, grant.principal_id), _ROLES) is not None


def in_force(ports: Collaborators, session: Session, where: Place, grant: Grant) -> bool:
    """Does Azure act on the grant yet?

    Azure tells nobody when an assignment has reached all of its servers; only the principal's own permissions do. Where
    we can sign in as the principal (a user of the embedded Azure) they are asked; else the assignment must be there.
    """
    if not assigned(ports, where, grant):
        return False
    arm = ports.open_arm_as(session, grant)
    if arm is None:
        return True
    from azmlflow.rbac.roles import persona

    try:
        entries = arm.list(f"{where.workspace_id}/providers/Microsoft.Authorization/permissions", _ROLES)
        actions = {action.lower() for entry in entries for action in entry.get("actions") or ()}
    except ArmError as fault:
        if fault.status == 403:
            return False
        raise
    # An Owner's `*` covers the persona too, whatever is assigned.
    return "*" in actions or actions >= {action.lower() for action in persona(grant.persona).actions}


def arm_as(project: Project, upn: str, environment: Mapping[str, str]) -> Arm:
    """ARM, signed in as a user of the embedded Azure."""
    from azmlflow.localazure import environ

    given, _ = environ.variables(project.local, upn, environment)
    endpoint = f"{given['IDENTITY_ENDPOINT']}?api-version=2019-08-01&resource=https://management.azure.com"
    request = urllib.request.Request(endpoint, headers={"X-IDENTITY-HEADER": given["IDENTITY_HEADER"]})
    # Loopback, straight: a proxy has no business with a token.
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        token = json.load(answer)["access_token"]
    return LiveArm(connect("https://management.azure.com", token))


class Directory:
    """Users of the directory, by Microsoft Graph (`/v1.0/users`), as the signed-in developer."""

    def __init__(self, client: Any = None) -> None:
        self._client = client or connect(GRAPH)

    def users(self) -> tuple[dict[str, Any], ...]:
        """All users: `id`, `userPrincipalName`, `displayName`."""
        found: list[dict[str, Any]] = []
        url: str | None = f"{GRAPH}/v1.0/users"
        while url:
            document = self._ask("GET", url)
            found += document.get("value") or ()
            url = document.get("@odata.nextLink")
        return tuple(found)

    def add(self, upn: str, display_name: str) -> dict[str, Any]:
        """Add a user."""
        body = {
            "accountEnabled": True,
            "displayName": display_name,
            "mailNickname": upn.partition("@")[0],
            "userPrincipalName": upn,
            "passwordProfile": {"password": "never-used-0", "forceChangePasswordNextSignIn": False},
        }
        return self._ask("POST", f"{GRAPH}/v1.0/users", body)

    def remove(self, upn: str) -> None:
        """Remove a user. Its role assignments stay, as on Azure."""
        self._ask("DELETE", f"{GRAPH}/v1.0/users/{upn}")

    def _ask(self, method: str, url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        from azure.core.rest import HttpRequest

        answer = self._client.send_request(HttpRequest(method, url, json=body))
        document = json.loads(answer.text() or "{}")
        if answer.status_code >= 400:
            message = (document.get("error") or {}).get("message", f"status {answer.status_code}")
            raise CliError(f"the directory refused: {message}", next="azmlflow local user list")
        return dict(document)
