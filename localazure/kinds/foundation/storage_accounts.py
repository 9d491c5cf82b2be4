"""Microsoft.Storage/storageAccounts, with name availability, keys, and what its blob service says of itself.

Source: Microsoft, "Storage Accounts" (REST 2024-01-01). A PUT answers 202 with Location, or 200; never 201, which
Azure's own clients refuse. Names are DNS names, unique in all Azure.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.collections import BLOBS, SECRETS
from azmlflow.localazure.core.errors import bad_request, conflict
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.networks import connections
from azmlflow.localazure.kinds.networks.addresses import require_internet
from azmlflow.localazure.resources import names
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import choice, envelope, pick, wrong_type
from azmlflow.localazure.resources.identity import give_identity, identity, remove_identity
from azmlflow.localazure.resources.kind import Kind, Lifecycle, NameRule
from azmlflow.localazure.resources.verbs import Action, Extra, Metric, Verb, Verbs
from azmlflow.resourcetypes.bounds import NAMES

TYPE = "Microsoft.Storage/storageAccounts"
_SKUS = (
    "Standard_LRS", "Standard_GRS", "Standard_RAGRS", "Standard_ZRS", "Premium_LRS", "Premium_ZRS", "Standard_GZRS",
    "Standard_RAGZRS",
)  # fmt: skip
_KINDS = ("Storage", "StorageV2", "BlobStorage", "FileStorage", "BlockBlobStorage")
_TLS = ("TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3")
_NAME = NameRule(
    NAMES[TYPE],
    "AccountNameInvalid",
    "{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in length "
    "and use numbers and lower-case letters only.",
)
_DEFAULTS: Document = {
    "accessTier": "Hot",
    "allowBlobPublicAccess": False,
    "allowCrossTenantReplication": False,
    "defaultToOAuthAuthentication": False,
    "isHnsEnabled": False,
    "minimumTlsVersion": "TLS1_0",
    "publicNetworkAccess": "Enabled",
    "supportsHttpsTrafficOnly": True,
}
_OPTIONAL = (
    "allowSharedKeyAccess", "allowedCopyScope", "azureFilesIdentityBasedAuthentication", "customDomain",
    "dnsEndpointType", "enableExtendedGroups", "immutableStorageWithVersioning", "isLocalUserEnabled",
    "isNfsV3Enabled", "isSftpEnabled", "keyPolicy", "largeFileSharesState", "routingPreference", "sasPolicy",
)  # fmt: skip
_MOST_IP_RULES = 400  # Microsoft, "Scalability and performance targets for standard storage accounts"
_NETWORK: Document = {
    "bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "ipv6Rules": [], "virtualNetworkRules": [],
}  # fmt: skip


def _check(ask: Ask, existing: Document | None) -> None:
    name = ask.target.name
    if existing is not None:
        return
    if names.is_foreign(ask.cloud, TYPE, name):
        raise conflict("StorageAccountAlreadyTaken", f"The storage account named {name} is already taken.")
    other = names.holder(ask.cloud, TYPE, name)
    if other is not None:
        group = other["id"].split("/")[4]
        raise conflict(
            "StorageAccountInAnotherResourceGroup",
            f"The account {name} is already in another resource group in this subscription: {group}.",
        )


def _shape(ask: Ask, existing: Document | None) -> Document:
    sku = ask.body.get("sku")
    if not isinstance(sku, dict) or not ask.body.get("kind"):
        raise bad_request("InvalidRequestContent", "A storage account needs a 'sku' with a name, and a 'kind'.")
    sku_name = choice("sku.name", sku.get("name"), _SKUS)
    kind = choice("kind", ask.body.get("kind"), _KINDS)
    given = pick(ask.properties, _DEFAULTS, _OPTIONAL)
    given["minimumTlsVersion"] = choice("minimumTlsVersion", given["minimumTlsVersion"], _TLS)
    _keep_immutable(given, existing)
    created = existing["properties"]["creationTime"] if existing else timestamp(ask.cloud.clock.now())
    name = existing["name"] if existing else ask.target.name
    properties: Document = {
        **given,
        "networkAcls": _network(ask.properties.get("networkAcls"), existing),
        "encryption": _encryption(ask.properties.get("encryption"), created),
        "creationTime": created,
        "keyCreationTime": {"key1": created, "key2": created},
        "primaryEndpoints": {
            service: f"https://{name}.{service}.core.windows.net/"
            for service in ("dfs", "blob", "queue", "table", "file")
        },
        "privateEndpointConnections": [],
        "statusOfPrimary": "available",
    }
    document = {
        **envelope(ask, existing),
        "kind": kind,
        "sku": {"name": sku_name, "tier": sku_name.partition("_")[0]},
        "properties": properties,
    }
    properties["primaryLocation"] = document["location"]
    given_identity = identity(ask, existing)
    return {**document, "identity": given_identity} if given_identity else document


def _keep_immutable(given: Document, existing: Document | None) -> None:
    for name in ("isHnsEnabled", "isNfsV3Enabled"):
        if existing is not None and bool(existing["properties"].get(name)) != bool(given.get(name)):
            raise bad_request(
                "AccountPropertyCannotBeUpdated",
                f"The property '{name}' was specified in the input, but it cannot be updated.",
            )


def _network(rules: Any, existing: Document | None) -> Document:
    """The rules of the firewall; a PUT that names none leaves them as they are
    (https://github.com/pulumi/pulumi-azure-native/issues/2507)."""
    if rules is None:
        return dict(existing["properties"]["networkAcls"] if existing else _NETWORK)
    if not isinstance(rules, dict):
        raise wrong_type("networkAcls", rules, "object")
    found = pick(rules, _NETWORK, ("resourceAccessRules",))
    require_internet(found["ipRules"], "networkAcls", _MOST_IP_RULES)
    return found


def _encryption(given: Any, created: str) -> Document:
    services = given.get("services") if isinstance(given, dict) else None
    if given is not None and not isinstance(given, dict):
        raise wrong_type("encryption", given, "object")
    if services is not None and not (
        isinstance(services, dict) and all(isinstance(s, dict) for s in services.values())
    ):
        raise wrong_type("encryption.services", services, "object")
    service = {"enabled": True, "keyType": "Account", "lastEnabledTime": created}
    optional = ("identity", "keyvaultproperties", "requireInfrastructureEncryption")
    chosen = pick(given or {}, {"keySource": "Microsoft.Storage"}, optional)
    return {**chosen, "services": _services(services, service)}


def _services(given: Any, usual: Document) -> Document:
    """What is encrypted with which keys: encryption "cannot be disabled" (REST, `EncryptionService`)."""
    found: Document = {"blob": usual, "file": usual}
    for name, told in (given or {}).items():
        chosen = pick(told, {"enabled": True}, ("keyType",))
        if not chosen["enabled"]:
            raise bad_request(
                "InvalidRequestPropertyValue",
                f"The encryption of the service '{name}' cannot be disabled.",
                target=f"encryption.services.{name}.enabled",
            )
        found[name.lower()] = {**usual, **chosen}
    return found


def _make_keys(ask: Ask, document: Document) -> None:
    seed = ask.cloud.ids.guid() + document["id"]
    keys = [base64.b64encode(hashlib.sha512(f"{seed}{n}".encode()).digest()).decode() for n in (1, 2)]
    ask.cloud.store.put(SECRETS, document["id"].lower(), {"keys": keys})


def _gone(cloud: Cloud, document: Document) -> None:
    Blobs(cloud).forget_account(document["name"])


def keys(cloud: Cloud, account_id: str) -> list[str]:
    """The two keys of a storage account, base64; [] if there is no such account."""
    found = cloud.store.get(SECRETS, account_id.lower())
    return list(found["keys"]) if found else []


def _list_keys(ask: Ask, document: Document) -> Answer:
    created = document["properties"]["keyCreationTime"]
    listed = [
        {"creationTime": created[f"key{n}"], "keyName": f"key{n}", "value": value, "permissions": "FULL"}
        for n, value in enumerate(keys(ask.cloud, document["id"]), start=1)
    ]
    return Answer(200, {"keys": listed})


def _regenerate(ask: Ask, document: Document) -> Answer:
    which = choice("keyName", ask.body.get("keyName"), ("key1", "key2"))
    kept = keys(ask.cloud, document["id"])
    fresh = hashlib.sha512((ask.cloud.ids.guid() + document["id"]).encode()).digest()
    kept[int(which[-1]) - 1] = base64.b64encode(fresh).decode()
    ask.cloud.store.put(SECRETS, document["id"].lower(), {"keys": kept})
    return _list_keys(ask, document)


def _used_capacity(cloud: Cloud, document: Document) -> float:
    """As the blobs are now; Azure renews it every hour (Microsoft, "Azure Blob Storage monitoring data reference")."""
    return float(sum(int(blob["length"]) for _, blob in cloud.store.scan(BLOBS, f"{document['name']}/")))


def _check_name(ask: Ask) -> Answer:
    name = names.asked_for(ask, TYPE)
    if names.is_foreign(ask.cloud, TYPE, name) or names.holder(ask.cloud, TYPE, name) is not None:
        message = f"The storage account named {name} is already taken."
        return Answer(200, {"nameAvailable": False, "reason": "AlreadyExists", "message": message})
    if not _NAME.fits(name):
        message = _NAME.message.format(name=name)
        return Answer(200, {"nameAvailable": False, "reason": "AccountNameInvalid", "message": message})
    return Answer(200, {"nameAvailable": True})


STORAGE_ACCOUNT = Kind(
    type=TYPE,
    name=_NAME,
    shape=_shape,
    verbs=Verbs(get=connections.shown, put=Verb(202, "location")),
    lifecycle=Lifecycle(
        before_write=_check, on_create=_make_keys, on_write=give_identity, on_delete=remove_identity, on_purge=_gone
    ),
    actions=(Action("listKeys", _list_keys), Action("regenerateKey", _regenerate)),
    metrics=(Metric("UsedCapacity", "Used capacity", "Bytes", _used_capacity),),
    extras=(
        Extra(
            "POST",
            "microsoft.storage",
            _check_name,
            "Microsoft.Storage/checknameavailability/read",
            action="checknameavailability",
        ),
    ),
)
