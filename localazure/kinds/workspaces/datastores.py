"""Microsoft.MachineLearningServices/workspaces/datastores, and the ones that every workspace has.

Source: Microsoft, "Datastores" (REST 2025-12-01) and "Data administration": workspaceblobstore is the default;
artifacts lie in workspaceartifactstore, container `azureml` of the workspace's storage account. Secrets are write-only
and come back by listSecrets alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from azmlflow.localazure.blobs import named
from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.blobs.signing import Signing
from azmlflow.localazure.core.collections import SECRETS
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.assets import assets
from azmlflow.localazure.kinds.foundation.storage_accounts import TYPE as STORAGE_TYPE
from azmlflow.localazure.resources import find, names
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import choice, pick, require, stamp, wrong_type
from azmlflow.localazure.resources.kind import Kind, Lifecycle, NameRule, child_of
from azmlflow.localazure.resources.verbs import Action, Verbs
from azmlflow.resourcetypes.bounds import NAMES

_WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
_TYPE = f"{_WORKSPACE}/datastores"
_SAS_LIFETIME = timedelta(hours=1)
_TYPES = ("AzureBlob", "AzureFile", "AzureDataLakeGen1", "AzureDataLakeGen2", "OneLake")
_OPTIONAL = (
    "accountName", "containerName", "filesystem", "fileShareName", "storeName", "resourceGroup", "subscriptionId",
    "description",
)  # fmt: skip
# Members that Azure requires, of a datastore and of credentials (Azure/azure-rest-api-specs, Datastore, 2025-12-01).
_NEEDED = {
    "AzureFile": ("accountName", "fileShareName"), "AzureDataLakeGen1": ("storeName",),
    "AzureDataLakeGen2": ("accountName", "filesystem"),
}  # fmt: skip
_NEEDED_TO_SIGN_IN = {
    "ServicePrincipal": ("clientId", "tenantId"), "Certificate": ("clientId", "tenantId", "thumbprint"),
}  # fmt: skip
_DEFAULTS: Document = {
    "endpoint": "core.windows.net", "protocol": "https", "serviceDataAccessAuthIdentity": "None", "tags": {},
}  # fmt: skip


def _shape(ask: Ask, existing: Document | None) -> Document:
    given = ask.properties
    kind = choice("datastoreType", given.get("datastoreType"), _TYPES)
    if kind == "OneLake":
        raise bad_request("BadRequest", "The embedded Azure has no OneLake, which is Microsoft Fabric's.")
    credentials = given.get("credentials")
    if not isinstance(credentials, dict) or not credentials.get("credentialsType"):
        raise bad_request("InvalidRequestContent", "A datastore needs 'credentials' with a 'credentialsType'.")
    require(given, _NEEDED.get(kind, ()))
    require(credentials, _NEEDED_TO_SIGN_IN.get(str(credentials["credentialsType"]), ()), "credentials")
    properties = {**pick(given, _DEFAULTS, _OPTIONAL), "datastoreType": kind}
    properties["credentials"] = {name: value for name, value in credentials.items() if name != "secrets"}
    properties["isDefault"] = bool((existing or {}).get("properties", {}).get("isDefault", False))
    return {"properties": properties}


def _check(ask: Ask, existing: Document | None) -> None:
    """Who makes a datastore of a container, or turns one to it, may read and write there; and its account is there."""
    before, told = (existing or {}).get("properties", {}), ask.properties
    place, stood = _container(told), _container(before)
    secrets = (told.get("credentials") or {}).get("secrets") if isinstance(told.get("credentials"), dict) else None
    is_proof = named.is_proof(ask.cloud, *place, secrets)
    is_blob = str(told.get("datastoreType")).lower() == "azureblob"
    if is_blob and not is_proof and (place != stood or before.get("datastoreType") != "AzureBlob"):
        workspace = find.parent(ask.cloud, DATASTORE, ask.target, "write")
        may = (f"{_TYPE}/write", ask.target.id)
        named.require(ask.cloud, ask.caller, workspace, (*place, ""), may=may, verbs="read write")
    if not is_proof and (place[0] != stood[0] or secrets):
        _validate(ask, secrets)


def _validate(ask: Ask, secrets: Any) -> None:
    """Refuse an account that is not there, or that the caller does not see, and a key that is not its own.

    Azure validates unless it is told to skip that ("Datastores", `skipValidation`), as azure-ai-ml tells it. Inferred:
    what it looks at (azureml-core's `skip_validation` speaks of "storage keys"), and in which words it refuses; who
    sees an account is who may read it, or brings its key.

    Raises:
        AzureError: 400, in the same words whether the account is there or not.
    """
    name = str(ask.properties.get("accountName") or "")
    if not name or ask.query.get("skipvalidation", "").lower() == "true":
        return
    account = names.holder(ask.cloud, STORAGE_TYPE, name)
    if account is not None and isinstance(secrets, dict) and "key" in secrets:
        raise bad_request("BadRequest", f"The key is not one of the storage account '{name}'.", target="credentials")
    if account is None or not _sees(ask, account["id"]):
        raise bad_request(
            "BadRequest",
            f"The storage account '{name}' does not exist, or you may not read it; with 'skipValidation' the datastore "
            "is made all the same.",
            target="accountName",
        )


def _sees(ask: Ask, account_id: str) -> bool:
    workspace = find.parent(ask.cloud, DATASTORE, ask.target, "write")
    if str(workspace["properties"]["storageAccount"]).lower() == account_id.lower():
        return True
    who = ask.caller.principal.object_id
    return ask.cloud.enforcer.why_not(who, f"{STORAGE_TYPE}/read", account_id) is None


def _container(told: Mapping[str, Any]) -> tuple[str, str]:
    return str(told.get("accountName") or "").lower(), str(told.get("containerName") or "").lower()


def _keep_secrets(ask: Ask, document: Document) -> None:
    secrets = (ask.properties.get("credentials") or {}).get("secrets")
    if secrets is not None and not isinstance(secrets, dict):
        raise wrong_type("credentials.secrets", secrets, "object")
    if secrets:
        ask.cloud.store.put(SECRETS, document["id"].lower(), {"secrets": secrets})


def _list_secrets(ask: Ask, document: Document) -> Answer:
    kept = ask.cloud.store.get(SECRETS, document["id"].lower())
    if kept is not None:
        return Answer(200, kept["secrets"])
    if document["properties"]["credentials"]["credentialsType"] != "AccountKey":
        raise bad_request(
            "BadRequest", f"The datastore '{document['name']}' has no secrets: it uses the caller's identity."
        )
    account = names.holder(ask.cloud, STORAGE_TYPE, document["properties"]["accountName"])
    keys = ask.cloud.store.get(SECRETS, account["id"].lower()) if account else None
    if account is None or keys is None:
        raise bad_request("BadRequest", f"The storage account of the datastore '{document['name']}' no longer exists.")
    _require_key(ask, document, account["id"])
    if ask.body.get("expirableSecret") and document["properties"]["datastoreType"] == "AzureBlob":
        properties, end = document["properties"], ask.cloud.clock.now() + _SAS_LIFETIME
        sas = Signing(ask.cloud).container(properties["accountName"].lower(), properties["containerName"], "rcwl", end)
        return Answer(200, {"secretsType": "Sas", "sasToken": sas})
    return Answer(200, {"secretsType": "AccountKey", "key": keys["keys"][0]})


def _require_key(ask: Ask, document: Document, account_id: str) -> None:
    """Refuse the key of an account that the datastore only names to who may not list that account's keys.

    Those of the workspace's own account come with the datastores that every workspace has, unless it works by
    identities. Inferred: Azure keeps the secret with the datastore, and one that was made without it has none.

    Raises:
        AzureError: 403 `AuthorizationFailed`.
    """
    workspace = find.resource(ask.cloud, document["id"].rpartition("/datastores/")[0])
    told = workspace["properties"] if workspace else {}
    own = str(told.get("storageAccount", "")).lower() == account_id.lower()
    if not (own and told["systemDatastoresAuthMode"] == "accessKey"):
        ask.cloud.enforcer.require(ask.caller, f"{STORAGE_TYPE}/listKeys/action", account_id)


def _deleting(_ask: Ask, document: Document) -> None:
    # Inferred: the studio does not offer it, and no documented request brings the default back.
    if document["properties"]["isDefault"]:
        raise bad_request("UserError", f"The default datastore '{document['name']}' cannot be deleted.")


def _listed(ask: Ask) -> list[Document]:
    only = ask.query.get("isdefault", "").lower()
    names, text = (ask.query.get(each, "").lower() for each in ("names", "searchtext"))
    below = find.below(ask.cloud, ask.target.id)
    shown = [
        document
        for document in below
        if (not only or str(document["properties"]["isDefault"]).lower() == only)
        and (not names or document["name"].lower() in names.split(","))
        and text in document["name"].lower()
    ]
    # How many and in which order is asked only of who has many: the pages are as large as `$top` says.
    return assets.asked(ask, shown, ("isdefault", "names", "searchtext", "count", "orderbyasc"))


def make_default_datastores(ask: Ask, workspace: Document) -> None:
    """Give a workspace the datastores that Azure makes with it, and their containers.

    Those that are there stay, and follow the workspace's mode when it changes. Who made the workspace made them
    (inferred; that each datastore says who made it: Azure/azure-rest-api-specs, Datastore, 2025-12-01).
    """
    properties = workspace["properties"]
    segments = properties["storageAccount"].split("/")
    by_identity = properties["systemDatastoresAuthMode"] != "accessKey"
    before = find.resource(ask.cloud, workspace["id"])
    mode_changed = (
        before is not None and (before["properties"]["systemDatastoresAuthMode"] != "accessKey") != by_identity
    )
    container, share = (
        f"azureml-blobstore-{properties['workspaceId']}",
        f"azureml-filestore-{properties['workspaceId']}",
    )
    defaults: tuple[tuple[str, Document], ...] = (
        ("workspaceblobstore", {"datastoreType": "AzureBlob", "containerName": container, "isDefault": True}),
        ("workspaceartifactstore", {"datastoreType": "AzureBlob", "containerName": "azureml", "isDefault": False}),
        ("workspacefilestore", {"datastoreType": "AzureFile", "fileShareName": share, "isDefault": False}),
    )
    for name, particular in defaults:
        id_ = f"{workspace['id']}/datastores/{name}"
        credentials = {"credentialsType": "None" if by_identity else "AccountKey"}
        if (kept := find.resource(ask.cloud, id_)) is not None:
            if mode_changed:
                kept["properties"]["credentials"] = credentials
                find.keep(ask.cloud, kept)
            continue
        common: Document = {
            **_DEFAULTS,
            "accountName": segments[8],
            "subscriptionId": segments[2],
            "resourceGroup": segments[4],
            "credentials": credentials,
        }
        document = {
            **{"id": id_, "name": name, "type": _TYPE, "properties": {**common, **particular}},
            "systemData": stamp(ask, None),
        }
        find.keep(ask.cloud, document)
        if particular["datastoreType"] == "AzureBlob":
            Blobs(ask.cloud).make_container(segments[8].lower(), particular["containerName"])


DATASTORE = Kind(
    type=_TYPE,
    name=NameRule(
        NAMES[_TYPE],
        "InvalidDatastoreName",
        "Datastore name '{name}' is not valid. Datastore name should only consist of letters, digits, and underscore.",
    ),
    shape=_shape,
    placement=child_of(_WORKSPACE),
    has_provisioning_state=False,
    has_system_data=True,
    verbs=Verbs(listed=_listed),
    lifecycle=Lifecycle(before_write=_check, on_write=_keep_secrets, before_delete=_deleting),
    unread=("properties.credentials.secrets",),
    actions=(Action("listSecrets", _list_secrets, "listsecrets"),),
)
