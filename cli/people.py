"""Who is meant, and what they have: principals of the directory, and whether their grants are in force.

The look-up by name is `azmlflow.rbac.principals`'s; here its answer becomes what the settings hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from azmlflow.cli.errors import CliError
from azmlflow.cli.project import Project
from azmlflow.localazure.clients import control
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.process import daemon

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


def find(name: str, kind: str | None = None) -> Person:
    """A principal by user name, mail address, display name, application id or object id.

    Raises:
        Typed errors of `azmlflow.rbac.errors`: nobody is called so, several are, the directory may not be read.
    """
    from azure.identity import DefaultAzureCredential

    from azmlflow.rbac.graph import PrincipalType
    from azmlflow.rbac.principals import resolve_principal

    found = resolve_principal(DefaultAzureCredential(), name, kind=cast("PrincipalType | None", kind))
    return Person(found.object_id, found.type, found.display_name)


def assigned(ports: Collaborators, where: Place, grant: Grant) -> bool:
    """Are the grant's role assignments there? Those that somebody else made are not asked for."""
    arm = ports.open_arm()
    return all(arm.get(each.id, _ROLES) is not None for each in where.assignments((grant,)))


def in_force(ports: Collaborators, session: Session, where: Place, grant: Grant) -> bool:
    """Does Azure act on the grant yet?

    Azure tells nobody when an assignment has reached all of its servers; only the principal's own permissions do. Where
    we can sign in as the principal (a user of the embedded Azure) they are asked; else the assignments must be there.
    """
    if not assigned(ports, where, grant):
        return False
    allowed = ports.permitted(session, grant, where.workspace_id)
    if allowed is None:
        return True
    from azmlflow.rbac.patterns import match
    from azmlflow.rbac.profiles import compare
    from azmlflow.rbac.roles import persona

    wanted = persona(grant.persona, strict_tracker=session.settings().strict_tracker)
    never = compare(persona(grant.persona)).missing if where.profile == "built-in" else ()
    # Patterns: an Owner's `*` covers the persona too, whatever is assigned.
    return all(
        any(match(pattern, action) is not None for pattern in allowed)
        for action in wanted.actions
        if action not in never
    )


def permitted(project: Project, principal: str, scope: str) -> frozenset[str]:
    """The actions that a user of the embedded Azure may do at a scope, lower case, as Azure tells the user.

    (Microsoft, "Permissions - List For Resource": `GET {scope}/providers/Microsoft.Authorization/permissions`.)
    """
    url = f"https://management.azure.com{scope}/providers/Microsoft.Authorization/permissions?api-version={_ROLES}"
    answer = control.ask(Folder.at(project.local), "GET", url, principal=principal)
    if answer.status != 200:
        return frozenset()  # whoever has no role there is not told anything
    entries = answer.body.get("value") or ()
    return frozenset(action.lower() for entry in entries for action in entry.get("actions") or ())


class Directory:
    """Users of the embedded Azure's directory, by Microsoft Graph, as the developer.

    Args:
        project: the checkout.
    """

    def __init__(self, project: Project) -> None:
        self._folder = Folder.at(project.local)

    def users(self) -> tuple[dict[str, Any], ...]:
        """All users: `id`, `userPrincipalName`, `displayName`."""
        found: list[dict[str, Any]] = []
        url: str | None = f"{GRAPH}/v1.0/users"
        while url:
            document = self._ask("GET", url)
            found += document.get("value") or ()
            url = document.get("@odata.nextLink")
        return tuple(found)

    def add(self, upn: str, display_name: str | None) -> dict[str, Any]:
        """Add a user."""
        return daemon.add_user(self._folder.path, upn, display_name)

    def remove(self, upn: str) -> None:
        """Remove a user. Its role assignments stay, as on Azure."""
        self._ask("DELETE", f"{GRAPH}/v1.0/users/{quote(upn, safe='@')}")

    def _ask(self, method: str, url: str) -> dict[str, Any]:
        answer = control.ask(self._folder, method, url, principal=daemon.DEVELOPER)
        if answer.status >= 400:
            error = answer.body.get("error") if isinstance(answer.body, dict) else None
            message = error.get("message") if isinstance(error, dict) else f"status {answer.status}"
            raise CliError(f"the directory refused: {message}", next="azmlflow local user list")
        return dict(answer.body or {})
