"""Identities of resources. System-assigned: Azure makes a service principal for the resource and removes it with the
resource. User-assigned: resources of their own (`managed_identities`), which the resource names and may use.

Source: Microsoft, "What are managed identities for Azure resources?".
"""

from __future__ import annotations

from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice, wrong_type

USER_ASSIGNED = "Microsoft.ManagedIdentity/userAssignedIdentities"
_TYPES = ("None", "SystemAssigned", "UserAssigned", "SystemAssigned,UserAssigned")


def identity(ask: Ask, existing: Document | None, *, default: str | None = None) -> Document | None:
    """The `identity` that a body asks for, with the ids that the resource already has; None for none.

    Raises:
        AzureError: 400, it is not an identity.
    """
    given = ask.body.get("identity")
    if given is None and default is not None:
        given = {"type": default}
    if given is None:
        return None
    if not isinstance(given, dict):
        raise wrong_type("identity", given, "object")
    if given and not given.get("type"):
        raise bad_request("InvalidRequestContent", "The property 'identity' needs a 'type'.", target="identity.type")
    chosen = choice("identity.type", str(given.get("type") or "None").replace(" ", ""), _TYPES)
    if chosen == "None":
        return None
    found: Document = {"type": chosen}
    before = (existing or {}).get("identity") or {}
    if "SystemAssigned" in chosen and "principalId" in before:
        found |= {"principalId": before["principalId"], "tenantId": before["tenantId"]}
    if "UserAssigned" in chosen.removeprefix("SystemAssigned"):
        found["userAssignedIdentities"] = _used(ask, given.get("userAssignedIdentities") or {})
    return found


def _used(ask: Ask, given: Any) -> Document:
    """The user-assigned identities that a body names, each with its ids, as Azure answers them.

    Who lets a resource use an identity could act as it: the right that it takes is asked for all linked ids (`linked`).

    Raises:
        AzureError: 400, one of them is none, or is not there.
    """
    if not isinstance(given, dict):
        raise wrong_type("identity.userAssignedIdentities", given, "object")
    found: Document = {}
    for id_ in given:
        document = find.resource(ask.cloud, id_)
        if document is None or document["type"].lower() != USER_ASSIGNED.lower():
            raise bad_request(
                "FailedIdentityOperation",
                f"Identity operation failed with error 'Resource '{id_}' was not found.'.",
                target="identity.userAssignedIdentities",
            )
        found[id_] = {key: document["properties"][key] for key in ("principalId", "clientId")}
    return found


def give_identity(ask: Ask, document: Document) -> None:
    """Make the service principal of a document that asks for one and has none."""
    found = document.get("identity")
    if found and "SystemAssigned" in found["type"] and not _alive(ask.cloud, found.get("principalId")):
        principal, _ = ask.cloud.directory.add_service_principal(document["name"], with_secret=False)
        found |= {"principalId": principal.object_id, "tenantId": TENANT_ID}


def remove_identity(cloud: Cloud, document: Document) -> None:
    """Remove the service principal of a document that has one; its role assignments elsewhere stay, as on Azure."""
    principal_id = (document.get("identity") or {}).get("principalId")
    if principal_id and _alive(cloud, principal_id):
        cloud.directory.remove(principal_id)


def _alive(cloud: Cloud, principal_id: str | None) -> bool:
    return principal_id is not None and cloud.directory.get(principal_id) is not None
