"""What Azure grants a new workspace's own identity."""

from __future__ import annotations

from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.foundation.role_assignments import assign
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.find import keep, resource


def grant(ask: Ask, document: Document, principal_id: str) -> None:
    """What Azure grants a new workspace's own identity, so that nobody has to."""
    properties = document["properties"]
    assign(ask, document["id"], principal_id, "Contributor")
    assign(ask, properties["storageAccount"], principal_id, "Storage Blob Data Contributor")
    vault = resource(ask.cloud, properties["keyVault"])
    if vault is None:
        return
    if vault["properties"]["enableRbacAuthorization"]:
        assign(ask, vault["id"], principal_id, "Key Vault Administrator")
        return
    everything = {"keys": ["all"], "secrets": ["all"], "certificates": ["all"]}
    policy = {"tenantId": TENANT_ID, "objectId": principal_id, "permissions": everything}
    vault["properties"]["accessPolicies"] = [*vault["properties"]["accessPolicies"], policy]
    keep(ask.cloud, vault)
