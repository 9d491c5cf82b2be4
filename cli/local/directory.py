"""The directory of the embedded Azure: its users, and what each may do."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from azmlflow.cli.azure.addresses import url_of
from azmlflow.cli.azure.errors import ArmError, MalformedAnswer
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.project import Project
from azmlflow.localazure.clients import control
from azmlflow.localazure.core.constants import DEVELOPER
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.process import daemon

GRAPH = "https://graph.microsoft.com"


def permitted(project: Project, principal: str, scope: str) -> frozenset[str]:
    """The actions that a user of the embedded Azure may do at a scope, lower case, as Azure tells the user.

    (Microsoft, "Permissions - List For Resource": `GET {scope}/providers/Microsoft.Authorization/permissions`.)
    """
    url = url_of(f"{scope}/providers/Microsoft.Authorization/permissions")
    answer = control.ask(Folder.at(project.local), "GET", url, principal=principal)
    if answer.status in {403, 404, 408, 429} or answer.status >= 500:
        return frozenset()  # whoever has no role there is not told anything; and who waits asks again
    if answer.status != 200:
        raise ArmError.of(answer.status, answer.body, scope)
    return frozenset(action.lower() for entry in _value(answer.body, scope) for action in entry["actions"])


def _value(document: object, where: str) -> list[dict[str, Any]]:
    """The entries of a list; raises MalformedAnswer for what is none."""
    entries = document.get("value") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise MalformedAnswer("a list without `value`", where)
    return entries


class LocalUsers:
    """Users of the embedded Azure's directory, by Microsoft Graph, as the developer.

    Args:
        project: the checkout.
    """

    def __init__(self, project: Project) -> None:
        self._folder = Folder.at(project.local)

    def users(self) -> tuple[dict[str, Any], ...]:
        """All users: `id`, `userPrincipalName`, `displayName`."""
        return self.listed("users")

    def listed(self, collection: str) -> tuple[dict[str, Any], ...]:
        """All of a collection, such as `groups`."""
        found: list[dict[str, Any]] = []
        url: str | None = f"{GRAPH}/v1.0/{collection}"
        while url:
            document = self._ask("GET", url)
            found += _value(document, url)
            url = document.get("@odata.nextLink")
        return tuple(found)

    def add(self, upn: str, display_name: str | None) -> dict[str, Any]:
        """Add a user."""
        return daemon.add_user(self._folder.path, upn, display_name)

    def remove(self, upn: str) -> None:
        """Remove a user. Its role assignments stay, as on Azure."""
        self._ask("DELETE", f"{GRAPH}/v1.0/users/{quote(upn, safe='@')}")

    def _ask(self, method: str, url: str, body: object = None) -> dict[str, Any]:
        answer = control.ask(self._folder, method, url, principal=DEVELOPER, body=body)
        document = answer.body if isinstance(answer.body, dict) else {}
        if answer.status >= 400:
            error = document.get("error")
            message = error.get("message") if isinstance(error, dict) else f"status {answer.status}"
            raise CliError(f"the directory refused: {message}", next="azmlflow local user list")
        return document
