"""Microsoft.MachineLearningServices/workspaces.

Source: Microsoft, "Workspaces" (REST 2025-12-01), "Recover workspace data while soft deleted", "Manage access to an
Azure Machine Learning workspace". A workspace stands on a storage account and a key vault of one's own; it gets a new
workspaceId each time it is created, and by that id everything that belongs to it is found. A DELETE keeps it for 14
days under its name; `forceToPurge=true` keeps nothing.

Whom its firewall lets in (`networkAcls`) is set after it was made ("Configure a private endpoint for an Azure Machine
Learning workspace"); a PUT that does not say it leaves none, inferred. The previews have it, and azure-ai-ml sends it
and reads it with 2025-12-01 too.

Inferred, for Azure's documentation is silent: which status and code an unfit linked resource is refused with.
"""

from __future__ import annotations

import hashlib

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import DELETED, OF_WORKSPACES
from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.assets.environments import make_curated
from azmlflow.localazure.kinds.foundation import key_vaults, storage_accounts
from azmlflow.localazure.kinds.networks import connections
from azmlflow.localazure.kinds.workspaces import (
    default_storage,
    encryption,
    firewalls,
    managed_networks,
    outbound_rules,
    own_rights,
)
from azmlflow.localazure.kinds.workspaces.datastores import make_default_datastores
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import choice, envelope, linked_id, pick
from azmlflow.localazure.resources.find import resource
from azmlflow.localazure.resources.identity import give_identity, identity, remove_identity
from azmlflow.localazure.resources.kind import Kind, Lifecycle, NameRule, SoftDelete
from azmlflow.localazure.resources.verbs import Action, Deletion, Extra, Verb, Verbs
from azmlflow.localazure.work import run_ids
from azmlflow.resourcetypes.bounds import NAMES

TYPE = "Microsoft.MachineLearningServices/workspaces"
_DEFAULTS: Document = {
    "allowPublicAccessWhenBehindVnet": False,
    "description": "",
    "enableDataIsolation": False,
    "hbiWorkspace": False,
    "publicNetworkAccess": "Enabled",
    "systemDatastoresAuthMode": "accessKey",
    "v1LegacyMode": False,
}
_OPTIONAL = (
    "applicationInsights", "associatedWorkspaces", "containerRegistry", "enableServiceSideCMKEncryption", "encryption",
    "featureStoreSettings", "friendlyName", "hubResourceId", "imageBuildCompute",
    "primaryUserAssignedIdentity", "provisionNetworkNow", "serverlessComputeSettings",
    "serviceManagedResourcesSettings", "sharedPrivateLinkResources", "workspaceHubConfig",
)  # fmt: skip
_FIXED = ("storageAccount", "keyVault", "hbiWorkspace", "enableDataIsolation")
_LINKED = {
    "storageAccount": storage_accounts.TYPE,
    "keyVault": key_vaults.TYPE,
    "applicationInsights": "Microsoft.Insights/components",
    "containerRegistry": "Microsoft.ContainerRegistry/registries",
}


def _check(ask: Ask, existing: Document | None) -> None:
    missing = [name for name in ("storageAccount", "keyVault") if not ask.properties.get(name)]
    if missing:
        raise bad_request(
            "BadRequest", f"Missing dependent resources in workspace json: {', '.join(missing)}.", target=missing[0]
        )
    for name, type_ in _LINKED.items():
        given = ask.properties.get(name)
        if not given:
            continue
        id_ = linked_id(name, given, type_)
        if resource(ask.cloud, id_) is None:
            raise bad_request(
                "BadRequest", f"The resource '{id_}', given as '{name}' of the workspace, was not found.", target=name
            )
    mode = ask.properties.get("systemDatastoresAuthMode") or _DEFAULTS["systemDatastoresAuthMode"]
    default_storage.check(ask, str(mode))
    own_rights.check(ask, existing)
    encryption.check(ask, existing)


def _shape(ask: Ask, existing: Document | None) -> Document:
    before = (existing or {}).get("properties", {})
    given = pick(ask.properties, {**_DEFAULTS, "storageAccount": "", "keyVault": ""}, _OPTIONAL)
    given["systemDatastoresAuthMode"] = choice(
        "systemDatastoresAuthMode",
        given["systemDatastoresAuthMode"],
        ("accessKey", "identity", "userDelegationSAS"),
    )
    given["publicNetworkAccess"] = choice("publicNetworkAccess", given["publicNetworkAccess"], ("Enabled", "Disabled"))
    _keep_fixed(given, before)
    given |= firewalls.shape(ask, existing)
    network = managed_networks.shape(ask, ask.properties.get("managedNetwork"), before.get("managedNetwork"))
    document = envelope(ask, existing)
    _check_discovery(ask, document["location"])
    name, group = _names(ask, existing)
    place = document["location"]
    id_ = f"/subscriptions/{ask.target.subscription}/resourceGroups/{group}/providers/{TYPE}/{name}"
    workspace_id = before.get("workspaceId") or ask.cloud.ids.guid()
    notebook = hashlib.sha256(workspace_id.encode()).hexdigest()
    properties: Document = {
        **given,
        "workspaceId": workspace_id,
        "tenantId": TENANT_ID,
        "discoveryUrl": _discovery(place),
        "mlFlowTrackingUri": f"azureml://{place}.api.azureml.ms/mlflow/v1.0{id_}",
        "notebookInfo": {
            "resourceId": notebook[:32],
            "fqdn": f"ml-{name.lower()}-{place}-{workspace_id}.{place}.notebooks.azure.net",
            "isPrivateLinkEnabled": False,
        },
        "privateEndpointConnections": [],
        "privateLinkCount": 0,
        "storageHnsEnabled": False,
        **({"managedNetwork": network} if network else {}),
    }
    outbound_rules.check_inline({"id": id_, "properties": properties}, ask.properties.get("managedNetwork"))
    sku = ask.body.get("sku")
    sku_name = choice("sku.name", sku.get("name") if isinstance(sku, dict) else "Basic", ("Basic", "Enterprise"))
    tier = sku.get("tier") if isinstance(sku, dict) else None
    if tier and str(tier).lower() != sku_name.lower():  # inferred
        raise bad_request("BadRequest", f"The tier of the sku {sku_name} is {sku_name}, not {tier}.", target="sku.tier")
    kinds = ("Default", "Hub", "Project", "FeatureStore")
    return {
        **document,
        "kind": choice("kind", ask.body.get("kind") or "Default", kinds),
        "sku": {"name": sku_name, "tier": sku_name},
        # A workspace always has an identity; clients that give none mean the system's.
        "identity": identity(ask, existing, default="SystemAssigned"),
        "properties": properties,
    }


def _discovery(place: str) -> str:
    return f"https://{place}.api.azureml.ms/discovery"


def _check_discovery(ask: Ask, place: str) -> None:
    """The service's own URL may be given back to it; inferred: that another is refused."""
    given = ask.properties.get("discoveryUrl")
    if given and str(given).rstrip("/").lower() != _discovery(place):
        raise bad_request(
            "BadRequest", f"The discovery URL of the workspace is {_discovery(place)}.", target="discoveryUrl"
        )


def _names(ask: Ask, existing: Document | None) -> tuple[str, str]:
    """The workspace's and its group's names, as they were made."""
    if existing is not None:
        segments = existing["id"].split("/")
        return segments[-1], segments[4]
    group = resource(ask.cloud, "/".join(ask.target.id.split("/")[:5]))
    assert group is not None, "the life cycle has found it"
    return ask.target.name, str(group["name"])


def _keep_fixed(given: Document, before: Document) -> None:
    for name in _FIXED:
        if name in before and str(before[name]).lower() != str(given[name]).lower():
            raise bad_request(
                "BadRequest", f"The property '{name}' of an existing workspace cannot be changed.", target=name
            )


def _changed(ask: Ask, document: Document) -> None:
    before = (document.get("identity") or {}).get("principalId")
    give_identity(ask, document)
    principal_id = (document.get("identity") or {}).get("principalId")
    if principal_id and principal_id != before:
        own_rights.grant(ask, document, principal_id)
    make_default_datastores(ask, document)
    make_curated(ask, document)
    outbound_rules.keep_inline(ask, document, ask.properties.get("managedNetwork"))


def _recover(ask: Ask, deleted: Document) -> Document:
    if str(ask.properties.get("allowRecoverSoftDeletedWorkspace", "")).lower() == "true":
        return deleted
    group = deleted["id"].split("/")[4]
    raise AzureError(
        400,
        "BadRequest",
        "Soft-deleted workspace exists. Please purge or recover it. https://aka.ms/wsoftdelete "
        f"The workspace is '{deleted['name']}' in resource group '{group}'; to purge it: "
        f"az ml workspace delete --name {deleted['name']} --resource-group {group} --permanently-delete",
    )


def _gone(cloud: Cloud, document: Document) -> None:
    workspace_id = document["properties"]["workspaceId"]
    cloud.mlflow.forget(workspace_id)
    run_ids.lapse(cloud, workspace_id)
    for collection in OF_WORKSPACES:
        for key, _ in list(cloud.store.scan(collection, f"{workspace_id}/".lower())):
            cloud.store.delete(collection, key)


def _list_keys(ask: Ask, document: Document) -> Answer:
    properties = document["properties"]
    insights = resource(ask.cloud, properties.get("applicationInsights") or "")
    found: Document = {
        "userStorageKey": _storage_key(ask, document),
        "userStorageResourceId": properties["storageAccount"],
        "userStorageArmId": properties["storageAccount"],
        "appInsightsInstrumentationKey": insights["properties"]["InstrumentationKey"] if insights else None,
        "containerRegistryCredentials": None,
        "notebookAccessKeys": None,
    }
    return Answer(200, found)


def _list_deleted(ask: Ask) -> Answer:
    """The soft-deleted workspaces of a region. Inferred whole: Azure's portal shows them, and no page tells by what
    request."""
    location, found = ask.target.names[0].lower(), []
    for _, record in ask.cloud.store.scan(DELETED):
        document = record["document"]
        if record["type"] == TYPE and document["location"].lower() == location:
            properties = {"workspaceId": document["id"], "scheduledPurgeDate": record["purge_at"]}
            place = f"{ask.target.id}/{document['name']}"
            found.append({"id": place, "name": document["name"], "properties": properties})
    return Answer(200, {"value": found})


def _list_storage_keys(ask: Ask, document: Document) -> Answer:
    return Answer(200, {"userStorageKey": _storage_key(ask, document)})


def _storage_key(ask: Ask, document: Document) -> str | None:
    return next(iter(storage_accounts.keys(ask.cloud, document["properties"]["storageAccount"])), None)


def _shown(cloud: Cloud, document: Document) -> Document:
    """A workspace as it is answered: with its network's rules and the private endpoints that lead to it."""
    found = connections.shown(cloud, managed_networks.shown(cloud, document))
    properties = found["properties"]
    count = len(properties["privateEndpointConnections"])
    notebooks = {**properties["notebookInfo"], "isPrivateLinkEnabled": count > 0}
    return {**found, "properties": {**properties, "privateLinkCount": count, "notebookInfo": notebooks}}


ML_WORKSPACE = Kind(
    type=TYPE,
    name=NameRule(
        NAMES[TYPE],
        "InvalidWorkspaceName",
        "The workspace name '{name}' is not valid: it has 3 to 33 letters, digits, '-' or '_', and begins with a "
        "letter or digit.",
    ),
    shape=_shape,
    has_system_data=True,
    verbs=Verbs(
        get=_shown,
        asked={"kind": lambda document, kinds: document["kind"].lower() in kinds.lower().split(",")},
        put=Verb(202, "operation"),
        update=Verb(200, "operation", "Updating"),
        delete=Deletion(202, "operation"),
    ),
    lifecycle=Lifecycle(
        before_write=_check,
        on_write=_changed,
        on_ready=managed_networks.ended,
        on_delete=remove_identity,
        on_purge=_gone,
    ),
    soft_delete=SoftDelete(
        asked=lambda query: query.get("forcetopurge", "").lower() != "true",
        days=lambda _document: 14,
        recover=_recover,
    ),
    unread=("properties.allowrecoversoftdeletedworkspace",),
    holds_mlflow=True,
    actions=(
        Action("listKeys", _list_keys),
        Action("listStorageAccountKeys", _list_storage_keys),
        Action("provisionManagedNetwork", managed_networks.provision),
        Action("resyncKeys", lambda _ask, _document: Answer(200), "resynckeys"),
    ),
    extras=(
        Extra(
            "GET",
            "microsoft.machinelearningservices/locations/deletedworkspaces",
            _list_deleted,
            "Microsoft.MachineLearningServices/workspaces/read",
            collection=True,
        ),
    ),
)
