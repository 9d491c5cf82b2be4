"""Groups of the embedded Azure's directory, and who is in them, by Microsoft Graph, as the developer."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.local.directory import GRAPH, LocalUsers
from azmlflow.rbac import scopes


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean ...?`, of the name that is nearest; nothing where none is near."""
    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.7)
    return f"; did you mean `{by_lower[near[0]]}`?" if near else ""


class LocalGroups(LocalUsers):
    """Groups, by display name or object id; members, by user name, display name or object id."""

    def groups(self) -> tuple[dict[str, Any], ...]:
        """All groups: `id`, `displayName`, and `members`, each as Graph shows it."""
        return tuple({**each, "members": self.listed(f"groups/{each['id']}/members")} for each in self.listed("groups"))

    def add_group(self, name: str) -> dict[str, Any]:
        """Add a group.

        Raises:
            CliError: there is one of this name; Entra allows that, and nobody would know which is meant.
        """
        if any(name.lower() == str(each["displayName"]).lower() for each in self.listed("groups")):
            raise CliError(f"there is a group `{name}` already", next="azmlflow local group list")
        nickname = "".join(letter for letter in name if letter.isascii() and letter.isalnum()) or "group"
        body = {"displayName": name, "mailEnabled": False, "mailNickname": nickname, "securityEnabled": True}
        return self._ask("POST", f"{GRAPH}/v1.0/groups", body)

    def remove_group(self, name: str) -> None:
        """Remove a group. Its role assignments stay, as on Azure."""
        self._ask("DELETE", f"{GRAPH}/v1.0/groups/{self._group(name)}")

    def put(self, name: str, member: str) -> None:
        """Put a user, group or application into a group."""
        body = {"@odata.id": f"{GRAPH}/v1.0/directoryObjects/{self._object(member)}"}
        self._ask("POST", f"{GRAPH}/v1.0/groups/{self._group(name)}/members/$ref", body)

    def take(self, name: str, member: str) -> None:
        """Take somebody out of a group."""
        self._ask("DELETE", f"{GRAPH}/v1.0/groups/{self._group(name)}/members/{self._object(member)}/$ref")

    def _group(self, name: str) -> str:
        return self._named(name, "groups", "displayName", "azmlflow local group list")

    def _object(self, name: str) -> str:
        if "@" in name:
            return self._named(name, "users", "userPrincipalName", "azmlflow local user list")
        if scopes.is_guid(name):
            return name
        others = [each for collection in ("groups", "servicePrincipals") for each in self.listed(collection)]
        for each in others:
            if str(each["displayName"]).lower() == name.lower():
                return str(each["id"])
        near = nearest(name, (str(each["displayName"]) for each in others))
        raise CliError(
            f"nobody is called `{name}`{near}", next="azmlflow local group list; or azmlflow local user list"
        )

    def _named(self, name: str, collection: str, property_: str, next_: str) -> str:
        if scopes.is_guid(name):
            return name
        every = self.listed(collection)
        found = [each for each in every if str(each[property_]).lower() == name.lower()]
        if len(found) != 1:
            several = f"{len(found)} are called" if found else "nothing is called"
            near = "" if found else nearest(name, (str(each[property_]) for each in every))
            raise CliError(f"{several} `{name}`{near}", next=next_)
        return str(found[0]["id"])
