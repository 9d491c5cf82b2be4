"""Microsoft.ManagedIdentity/userAssignedIdentities: an identity of its own, which resources may then use.

Source: Microsoft, "User Assigned Identities" (REST 2024-11-30) and "What are managed identities for Azure resources?":
Azure makes a service principal with the identity and removes it with the identity; role assignments of it stay behind.
"""

from __future__ import annotations

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import envelope
from azmlflow.localazure.resources.identity import USER_ASSIGNED
from azmlflow.localazure.resources.kind import Kind, Lifecycle, NameRule
from azmlflow.resourcetypes.bounds import NAMES

_COMPUTED = ("tenantId", "principalId", "clientId")


def _shape(ask: Ask, existing: Document | None) -> Document:
    before = (existing or {}).get("properties", {})
    return {**envelope(ask, existing), "properties": {name: before[name] for name in _COMPUTED if name in before}}


def _give_principal(ask: Ask, document: Document) -> None:
    principal, _ = ask.cloud.directory.add_service_principal(document["name"], with_secret=False)
    document["properties"] |= {
        "tenantId": TENANT_ID,
        "principalId": principal.object_id,
        "clientId": principal.app_id,
    }


def _remove_principal(cloud: Cloud, document: Document) -> None:
    principal_id = document["properties"]["principalId"]
    if cloud.directory.get(principal_id) is not None:
        cloud.directory.remove(principal_id)


USER_ASSIGNED_IDENTITY = Kind(
    type=USER_ASSIGNED,
    name=NameRule(
        NAMES[USER_ASSIGNED],
        "InvalidResourceName",
        "The identity name '{name}' is not valid: it has 3 to 128 letters, digits, '-' or '_', and begins with a "
        "letter or digit.",
    ),
    shape=_shape,
    has_provisioning_state=False,
    lifecycle=Lifecycle(on_create=_give_principal, on_delete=_remove_principal),
)
