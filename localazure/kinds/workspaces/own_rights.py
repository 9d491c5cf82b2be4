"""What a workspace's identities may do: Azure grants it to a system-assigned one; of a user-assigned one it is asked.

Sources: Microsoft, "Set up service authentication between Azure Machine Learning and other services" (what each needs;
that one returns not from both identities to the system's alone), "Manage access to an Azure Machine Learning workspace"
(Azure AI Administrator on the group, since 2024-11-19); hashicorp/terraform-provider-azurerm issue 29074 (a workspace
without system-assigned identity needs a primary one, 400). Inferred: all words of refusals, and that rights are asked
for before anything is made.
"""

from __future__ import annotations

from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.foundation.role_assignments import assign
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.find import keep, resource
from azmlflow.localazure.resources.identity import identity

# Of a body's links: the action, and whether it is on data.
_NEEDED = (
    ("storageAccount", "Microsoft.Storage/storageAccounts/read", False),
    ("storageAccount", "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write", True),
    ("keyVault", "Microsoft.KeyVault/vaults/read", False),
    ("keyVault", "Microsoft.KeyVault/vaults/secrets/setSecret/action", True),
    ("applicationInsights", "Microsoft.Insights/components/read", False),
    ("containerRegistry", "Microsoft.ContainerRegistry/registries/read", False),
)


def check(ask: Ask, existing: Document | None) -> None:
    """Refuse user-assigned identities that a workspace cannot work as.

    Raises:
        AzureError: 400, naming what is wrong, or the right that the identity lacks.
    """
    before, given = (existing or {}).get("identity") or {}, identity(ask, existing) or {}
    kind = given.get("type", "")
    if "UserAssigned" not in kind.removeprefix("SystemAssigned"):
        if kind and before.get("type") == "SystemAssigned,UserAssigned":
            raise bad_request(
                "BadRequest",
                "The identity of a workspace cannot be changed from 'SystemAssigned,UserAssigned' to 'SystemAssigned'.",
                target="identity.type",
            )
        return
    primary = ask.properties.get("primaryUserAssignedIdentity")
    if not primary:
        if kind == "UserAssigned":
            raise bad_request(
                "BadRequest",
                "A workspace with user-assigned identities alone needs 'primaryUserAssignedIdentity'.",
                target="primaryUserAssignedIdentity",
            )
        return
    if str(primary).lower() not in {each.lower() for each in given["userAssignedIdentities"]}:
        raise bad_request(
            "BadRequest",
            f"The primary identity '{primary}' is not among the workspace's user-assigned identities.",
            target="primaryUserAssignedIdentity",
        )
    _check_rights(ask, str(primary), (existing or {}).get("properties", {}))


def _check_rights(ask: Ask, primary: str, before: Document) -> None:
    used = resource(ask.cloud, primary)
    if used is None:
        return  # a body that names identities which are not there is refused where it is read
    same_identity = str(before.get("primaryUserAssignedIdentity", "")).lower() == primary.lower()
    for link, action, data in _NEEDED:
        scope = str(ask.properties.get(link) or "")
        if not scope or (same_identity and scope.lower() == str(before.get(link, "")).lower()):
            continue
        vault = resource(ask.cloud, scope) if link == "keyVault" and data else None
        if vault is not None and not vault["properties"]["enableRbacAuthorization"]:
            continue
        principal = used["properties"]["principalId"]
        if ask.cloud.enforcer.why_not(principal, action, scope, data) is not None:
            raise bad_request(
                "BadRequest",
                f"The identity '{primary}' with object id '{principal}' does not have authorization to perform action "
                f"'{action}' over scope '{scope}'.",
                target="primaryUserAssignedIdentity",
            )


def grant(ask: Ask, document: Document, principal_id: str) -> None:
    """What Azure grants a new workspace's own identity, so that nobody has to."""
    properties = document["properties"]
    assign(ask, document["id"].partition("/providers/")[0], principal_id, "Azure AI Administrator")
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
