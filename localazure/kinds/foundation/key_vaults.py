"""Microsoft.KeyVault/vaults, with soft delete, purge and recovery.

Source: Microsoft, "Vaults" (REST 2024-11-01) and "Azure Key Vault soft-delete overview". Soft delete cannot be turned
off; the name, unique in all Azure, stays taken until the vault is purged, recovered, or its retention is over. The
operation has no polling URL: clients read the vault's own provisioningState.
"""

from __future__ import annotations

from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import BURIED_KEYS, DELETED, KEY_POLICIES, KEY_VERSIONS
from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.core.errors import AzureError, bad_request, conflict
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.networks import connections
from azmlflow.localazure.kinds.networks.addresses import require_internet
from azmlflow.localazure.resources import names
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import choice, envelope, pick, region, whole_number, wrong_type
from azmlflow.localazure.resources.find import keep
from azmlflow.localazure.resources.kind import Kind, Lifecycle, NameRule, SoftDelete
from azmlflow.localazure.resources.verbs import Extra, Verb, Verbs
from azmlflow.resourcetypes.bounds import NAMES

TYPE = "Microsoft.KeyVault/vaults"
_NAME = NameRule(
    NAMES[TYPE],
    "VaultNameNotValid",
    "The vault name '{name}' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name must "
    "begin with a letter, end with a letter or digit, and not contain consecutive hyphens. Follow this link for more "
    "information: https://go.microsoft.com/fwlink/?linkid=2147742",
)
_DEFAULTS: Document = {
    "accessPolicies": [],
    "enableRbacAuthorization": False,
    "enableSoftDelete": True,
    "enabledForDeployment": False,
    "enabledForDiskEncryption": False,
    "enabledForTemplateDeployment": False,
    "publicNetworkAccess": "Enabled",
    "softDeleteRetentionInDays": 90,
}
_MOST_IP_RULES = 1000  # Microsoft, "Configure Azure Key Vault networking settings"
_NETWORK: Document = {"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": []}


def _check(ask: Ask, existing: Document | None) -> None:
    name = ask.target.name
    if existing is not None:
        return
    if names.is_foreign(ask.cloud, TYPE, name) or names.holder(ask.cloud, TYPE, name) is not None:
        raise conflict(
            "VaultAlreadyExists",
            f"The vault name '{name}' is already in use. Vault names are globally unique so it is possible that the "
            "name is already taken. If you are sure that the vault name was not taken then it is possible that a vault "
            "with the same name was recently deleted but not purged after being placed in a recoverable state.",
        )
    deleted = names.buried(ask.cloud, TYPE, name)
    recovering = _recovering(ask)
    if deleted is not None and (not recovering or deleted["document"]["id"].lower() != ask.target.id.lower()):
        raise conflict(
            "ConflictError",
            f"A vault with the same name already exists in deleted state. You need to either recover or purge existing "
            f"key vault '{name}' (az keyvault purge --name {name}). Follow this link "
            "https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete.",
        )
    if deleted is None and recovering:
        raise AzureError(404, "DeletedVaultNotFound", f"The specified deleted vault '{name}' does not exist.")


def _recovering(ask: Ask) -> bool:
    return str(ask.properties.get("createMode") or "default").lower() == "recover"


def _shape(ask: Ask, existing: Document | None) -> Document:
    before = (existing or {}).get("properties", {})
    recovered = existing is not None and _recovering(ask)
    given = pick(ask.properties, {**_DEFAULTS, **({name: before[name] for name in _DEFAULTS} if recovered else {})})
    if not recovered:
        _require(ask)
        given |= {"tenantId": ask.properties["tenantId"], "sku": _sku(ask.properties["sku"])}
    else:
        given |= {"tenantId": before["tenantId"], "sku": before["sku"]}
    given["publicNetworkAccess"] = choice("publicNetworkAccess", given["publicNetworkAccess"], ("Enabled", "Disabled"))
    whole_number("softDeleteRetentionInDays", given["softDeleteRetentionInDays"], 7, 90, "BadRequest")
    if given["enableSoftDelete"] is False:
        raise bad_request(
            "BadRequest", 'The property "enableSoftDelete" can be set to false only for creating new vault.'
        )
    days = before.get("softDeleteRetentionInDays", given["softDeleteRetentionInDays"])
    if days != given["softDeleteRetentionInDays"]:
        raise bad_request(
            "BadRequest", 'The property "softDeleteRetentionInDays" has been set already and it can\'t be modified.'
        )
    given |= _protection(ask, before)
    network = ask.properties.get("networkAcls") or (before.get("networkAcls") if recovered else None)
    if network is not None:
        if not isinstance(network, dict):
            raise wrong_type("networkAcls", network, "object")
        given["networkAcls"] = pick(network, _NETWORK)
        require_internet(given["networkAcls"]["ipRules"], "networkAcls", _MOST_IP_RULES, smallest=32)
    name = existing["name"] if existing else ask.target.name
    properties = {**given, "vaultUri": f"https://{name.lower()}.vault.azure.net/", "privateEndpointConnections": []}
    return {**envelope(ask, existing), "properties": properties}


def _require(ask: Ask) -> None:
    for needed in ("sku", "tenantId"):
        if not ask.properties.get(needed):
            raise bad_request("BadRequest", f"The parameter {needed} is not specified.", target=f"properties.{needed}")
    if not ask.properties.get("enableRbacAuthorization") and ask.properties.get("accessPolicies") is None:
        raise bad_request(
            "BadRequest", "The parameter accessPolicies is not specified.", target="properties.accessPolicies"
        )
    if str(ask.properties["tenantId"]).lower() != TENANT_ID:
        raise bad_request(
            "BadRequest", f"Invalid tenant id '{ask.properties['tenantId']}': it is not the subscription's."
        )


def _sku(given: Any) -> Document:
    if not isinstance(given, dict):
        raise wrong_type("sku", given, "object")
    return {
        "family": choice("sku.family", given.get("family"), ("A",)),
        "name": choice("sku.name", given.get("name"), ("standard", "premium")),
    }


def _protection(ask: Ask, before: Document) -> Document:
    """Purge protection can be turned on and never off: Azure refuses `false` even for a new vault."""
    given = ask.properties.get("enablePurgeProtection")
    if given is False:
        raise bad_request(
            "BadRequest",
            'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a vault '
            "is an irreversible action.",
        )
    return {"enablePurgeProtection": True} if given or before.get("enablePurgeProtection") else {}


def _days(document: Document) -> int:
    return int(document["properties"]["softDeleteRetentionInDays"])


def _record(ask: Ask) -> tuple[str, Document]:
    place, name = ask.target.names
    found = names.buried(ask.cloud, TYPE, name)
    if found is None or found["document"]["location"] != region(place):
        raise AzureError(404, "DeletedVaultNotFound", f"The specified deleted vault '{name}' does not exist.")
    return str(found["document"]["id"]).lower(), found


def _shown(record: Document) -> Document:
    document = record["document"]
    subscription = "/".join(document["id"].split("/")[:3])
    place = f"{subscription}/providers/Microsoft.KeyVault/locations/{document['location']}"
    properties: Document = {
        "vaultId": document["id"],
        "location": document["location"],
        "tags": document["tags"],
        "deletionDate": record["deleted_at"],
        "scheduledPurgeDate": record["purge_at"],
    }
    if document["properties"].get("enablePurgeProtection"):
        properties["purgeProtectionEnabled"] = True
    name = document["name"]
    kind = "Microsoft.KeyVault/deletedVaults"
    return {"id": f"{place}/deletedVaults/{name}", "name": name, "type": kind, "properties": properties}


def _get_deleted(ask: Ask) -> Answer:
    return Answer(200, _shown(_record(ask)[1]))


def _list_deleted(ask: Ask) -> Answer:
    found = (record for _, record in ask.cloud.store.scan(DELETED) if record["type"] == TYPE)
    return Answer(200, {"value": [_shown(record) for record in found]})


def _purge(ask: Ask) -> Answer:
    key, record = _record(ask)
    document = record["document"]
    if document["properties"].get("enablePurgeProtection"):
        raise AzureError(405, "MethodNotAllowed", 'Operation "DeletedVaultPurge" is not allowed.')
    operations = ask.cloud.operations
    with ask.cloud.store.transaction():
        operation = operations.running(document["id"]) or operations.begin(
            "purge", TYPE, document["id"], timed_as="Microsoft.KeyVault/deletedVaults/purge", key=key
        )
    place = (
        f"https://management.azure.com/subscriptions/{ask.target.subscription}/providers/Microsoft.KeyVault/locations"
    )
    url = f"{place}/{document['location']}/operationResults/{operation['id']}?api-version={ask.api_version}"
    return Answer(202, None, {"Location": url, "Retry-After": str(operations.retry_after(operation))})


def _none(_ask: Ask) -> Answer:
    return Answer(200, {"value": []})


def _check_hsm_name(ask: Ask) -> Answer:
    """The rule of names: Microsoft, "Managed HSM naming": 3 to 24 letters, digits or '-', beginning with a letter."""
    name = str(ask.body.get("name") or "")
    if _NAME.fits(name):
        return Answer(200, {"nameAvailable": True})
    message = f"The managed HSM name '{name}' is invalid."
    return Answer(200, {"nameAvailable": False, "reason": "AccountNameInvalid", "message": message})


def _check_name(ask: Ask) -> Answer:
    name = names.asked_for(ask, TYPE)
    if not _NAME.fits(name):
        message = _NAME.message.format(name=name)
        return Answer(200, {"nameAvailable": False, "reason": "AccountNameInvalid", "message": message})
    taken = (names.holder, names.buried)
    if names.is_foreign(ask.cloud, TYPE, name) or any(find(ask.cloud, TYPE, name) for find in taken):
        message = f"The vault name '{name}' is already in use."
        return Answer(200, {"nameAvailable": False, "reason": "AlreadyExists", "message": message})
    return Answer(200, {"nameAvailable": True})


def _restore_keys(ask: Ask, document: Document) -> None:
    """A vault that is recovered has its keys again, with their versions ("Azure Key Vault recovery management")."""
    if _recovering(ask):
        for id_, key in ask.cloud.store.scan(BURIED_KEYS, f"{document['id']}/".lower()):
            keep(ask.cloud, key)
            ask.cloud.store.delete(BURIED_KEYS, id_)


def _forget_keys(cloud: Cloud, document: Document) -> None:
    for collection in (BURIED_KEYS, KEY_VERSIONS, KEY_POLICIES):
        for id_, _ in cloud.store.scan(collection, f"{document['id']}/".lower()):
            cloud.store.delete(collection, id_)


KEY_VAULT = Kind(
    type=TYPE,
    name=_NAME,
    shape=_shape,
    has_system_data=True,
    verbs=Verbs(get=connections.shown, put=Verb(201, "state", "RegisteringDns")),
    lifecycle=Lifecycle(before_write=_check, on_write=_restore_keys, on_purge=_forget_keys),
    unread=("properties.createmode",),
    soft_delete=SoftDelete(asked=lambda _query: True, days=_days, recover=lambda _ask, document: document),
    extras=(
        Extra(
            "GET",
            "microsoft.keyvault/deletedvaults",
            _list_deleted,
            "Microsoft.KeyVault/deletedVaults/read",
            collection=True,
        ),
        Extra(
            "GET",
            "microsoft.keyvault/locations/deletedvaults",
            _get_deleted,
            "Microsoft.KeyVault/locations/deletedVaults/read",
        ),
        Extra(
            "POST",
            "microsoft.keyvault/locations/deletedvaults",
            _purge,
            "Microsoft.KeyVault/locations/deletedVaults/purge/action",
            action="purge",
        ),
        Extra(
            "POST",
            "microsoft.keyvault",
            _check_name,
            "Microsoft.KeyVault/checkNameAvailability/read",
            action="checknameavailability",
        ),
        # az asks for managed HSMs in the same commands as for vaults. There are none, and none can be made.
        Extra("GET", "microsoft.keyvault/managedhsms", _none, "Microsoft.KeyVault/managedHSMs/read", collection=True),
        Extra(
            "GET",
            "microsoft.keyvault/deletedmanagedhsms",
            _none,
            "Microsoft.KeyVault/deletedManagedHsms/read",
            collection=True,
        ),
        Extra(
            "POST",
            "microsoft.keyvault",
            _check_hsm_name,
            "Microsoft.KeyVault/checkMhsmNameAvailability/read",
            action="checkmhsmnameavailability",
        ),
    ),
)
