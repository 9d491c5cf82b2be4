"""Directory objects as Microsoft Graph shows them, and how they are filtered.

Source: Microsoft, Graph v1.0 reference: user, group, servicePrincipal, application.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.core import odata
from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.principals.directory import Principal, PrincipalKind

COLLECTIONS: Mapping[str, PrincipalKind] = {"users": "User", "groups": "Group", "serviceprincipals": "ServicePrincipal"}
# Collections as Graph spells them.
NAMES = {"serviceprincipals": "servicePrincipals", "directoryobjects": "directoryObjects"}
_TYPES = {"User": "user", "Group": "group", "ServicePrincipal": "servicePrincipal"}
_FILTERS = (
    "id", "displayname", "startswith(displayname)", "mail", "startswith(mail)", "userprincipalname",
    "startswith(userprincipalname)", "appid", "any(serviceprincipalnames)", "securityenabled", "mailenabled",
    "mailnickname", "accountenabled",
)  # fmt: skip


def show(principal: Principal) -> Document:
    """A principal with its `@odata.type`, all properties that Graph gives by default, and what was said of it."""
    return {**_shown(principal), **principal.told}


def _shown(principal: Principal) -> Document:
    common: Document = {"@odata.type": f"#microsoft.graph.{_TYPES[principal.kind]}", "id": principal.object_id}
    common["displayName"] = principal.display_name
    if principal.kind == "User":
        local = (principal.upn or "").partition("@")[0]
        return {
            **common,
            "userPrincipalName": principal.upn,
            "mail": principal.mail,
            "mailNickname": local,
            "givenName": None,
            "surname": None,
            "jobTitle": None,
            "mobilePhone": None,
            "officeLocation": None,
            "preferredLanguage": None,
            "businessPhones": [],
            "accountEnabled": True,
            "userType": "Member",
        }
    if principal.kind == "Group":
        return {
            **common,
            "description": None,
            "mail": None,
            "mailEnabled": False,
            "mailNickname": principal.display_name,
            "securityEnabled": True,
            "groupTypes": [],
        }
    return {
        **common,
        "appId": principal.app_id,
        "appDisplayName": principal.display_name,
        "appOwnerOrganizationId": TENANT_ID,
        "accountEnabled": True,
        "servicePrincipalType": "Application",
        "servicePrincipalNames": [principal.app_id],
        "tags": [],
    }


def chosen(items: list[Document], text: str | None) -> list[Document]:
    """The items for which a `$filter` holds.

    Raises:
        AzureError: 400 `Request_UnsupportedQuery`.
    """
    try:
        terms = odata.alternatives(text, _FILTERS)
    except AzureError as error:
        raise AzureError(400, "Request_UnsupportedQuery", error.message) from error
    return [item for item in items if any(all(_holds(item, clause) for clause in term) for term in terms)]


def selected(item: Document, text: str | None) -> Document:
    """An item cut down to what `$select` names; its type stays."""
    if not text:
        return item
    wanted = {name.strip().lower() for name in text.split(",")} | {"@odata.type"}
    return {name: value for name, value in item.items() if name.lower() in wanted}


def _holds(item: Mapping[str, Any], clause: odata.Clause) -> bool:
    lowered = {name.lower(): value for name, value in item.items()}
    found, wanted = lowered.get(clause.name.lower()), clause.value.lower()
    if clause.operator == "any":
        return isinstance(found, list) and wanted in (str(each).lower() for each in found)
    text = "" if found is None else str(found).lower()
    return text.startswith(wanted) if clause.operator == "startswith" else found is not None and text == wanted
