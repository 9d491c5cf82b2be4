"""Microsoft.KeyVault/vaults/keys: keys as Resource Manager makes and tells them, with their versions.

Source: Microsoft, "Keys" (REST 2024-11-01): a PUT makes the first version of a key that is not there; of one that is it
answers that, and writes nothing. There is no DELETE: keys are deleted, and get new versions, at the vault itself
(`key_versions.py`; no deletion here). No key material is made. A vault that is deleted takes its keys along, and brings
them back when it is recovered.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import BURIED_KEYS, KEY_VERSIONS
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.foundation import key_vaults
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import checked_tags, choice, whole_number, wrong_type
from azmlflow.localazure.resources.find import parent, resource
from azmlflow.localazure.resources.kind import Kind, Lifecycle, NameRule, child_of
from azmlflow.localazure.resources.verbs import Extra, Verb, Verbs
from azmlflow.resourcetypes.bounds import NAMES

TYPE = "Microsoft.KeyVault/vaults/keys"
_TYPES = ("EC", "EC-HSM", "RSA", "RSA-HSM")
_CURVES = ("P-256", "P-384", "P-521", "P-256K")
_SIZES = (2048, 3072, 4096)
_OPERATIONS = ("encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey", "import", "release")
_USUAL = ("encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey")
_OF_CURVES = ("sign", "verify")
_TOLD = ("created", "updated", "recoveryLevel", "recoverableDays", "hsmPlatform", "attestation")
_LATEST = 253402300799  # the last second of the year 9999


def _shape(ask: Ask, existing: Document | None) -> Document:
    if existing is not None:
        return {name: copy.deepcopy(existing[name]) for name in ("location", "tags", "properties")}
    vault = parent(ask.cloud, KEY, ask.target, "write")
    told = properties(ask.cloud, vault, ask.target.name, ask.properties)
    return {"location": vault["location"], "tags": checked_tags(ask.body.get("tags")), "properties": told}


def properties(cloud: Cloud, vault: Document, name: str, given: Mapping[str, Any]) -> Document:
    """The properties of a key's version that is made now.

    Args:
        cloud: the embedded Azure.
        vault: the key's vault.
        name: of the key.
        given: what its maker says of it, in Resource Manager's words.
    """
    kty = choice("kty", given.get("kty"), _TYPES)
    if kty.endswith("HSM") and vault["properties"]["sku"]["name"] != "premium":
        raise bad_request("BadRequest", f"A key of type '{kty}' needs a vault of sku 'premium'.", target="kty")
    now = int(cloud.clock.now().timestamp())
    uri = f"{vault['properties']['vaultUri']}keys/{name}"
    protected = bool(vault["properties"].get("enablePurgeProtection"))
    return {
        "kty": kty,
        **_size(given, kty),
        "keyOps": operations(given.get("keyOps"), kty),
        "attributes": {
            **{"enabled": True, "exportable": False, **attributes(given.get("attributes"))},
            "created": now,
            "updated": now,
            "recoveryLevel": "Recoverable" if protected else "Recoverable+Purgeable",
        },
        "keyUri": uri,
        "keyUriWithVersion": f"{uri}/{cloud.ids.guid().replace('-', '')}",
    }


def attributes(given: object) -> Document:
    """Of a key's attributes what its maker may say: whether it is enabled, and from when until when it is good.

    What Azure says itself may be said again, and is not looked at. A key that may leave its vault needs a policy that
    says to whom, which nobody can give here.

    Raises:
        AzureError: 400, it is none of them, or no such value.
    """
    if given is not None and not isinstance(given, dict):
        raise wrong_type("attributes", given, "object")
    found = {name: value for name, value in (given or {}).items() if value is not None and name not in _TOLD}
    for name, value in found.items():
        if name in ("exp", "nbf"):
            whole_number(f"attributes.{name}", value, 0, _LATEST, "BadParameter")
        elif name not in ("enabled", "exportable"):
            raise bad_request("BadParameter", f"The property '{name}' of a key's attributes is not supported.")
        elif not isinstance(value, bool):
            raise wrong_type(f"attributes.{name}", value, "boolean")
    if found.get("exportable"):
        raise bad_request("BadParameter", "A key that is exportable needs a release policy, which is not emulated.")
    return found


def _size(given: Mapping[str, Any], kty: str) -> Document:
    if kty.startswith("EC"):
        return {"curveName": choice("curveName", given.get("curveName") or "P-256", _CURVES)}
    size = given.get("keySize") or _SIZES[0]
    if size not in _SIZES:
        allowed = ", ".join(map(str, _SIZES))
        raise bad_request("BadRequest", f"The size of an RSA key is one of {allowed}; it is {size}.", target="keySize")
    return {"keySize": size}


def operations(given: object, kty: str) -> list[str]:
    """What a key may be used for; the usual, where nothing is said."""
    if given is None:
        return list(_OF_CURVES if kty.startswith("EC") else _USUAL)
    if not isinstance(given, list):
        raise wrong_type("keyOps", given, "array")
    return [choice("keyOps", each, _OPERATIONS) for each in given]


def _key(ask: Ask, names: tuple[str, ...]) -> Document:
    id_ = ask.target.id.lower().partition("/versions")[0]
    found = resource(ask.cloud, id_)
    if found is None:
        raise AzureError(404, "KeyNotFound", f"The key '{names[1]}' was not found in the vault '{names[0]}'.")
    return found


def _every(cloud: Cloud, key: Document) -> list[Document]:
    """All versions of a key, the latest first; the data plane makes further ones (`key_versions.py`)."""
    older = (found for _, found in cloud.store.scan(KEY_VERSIONS, f"{key['id']}/".lower()))
    return [_version(each) for each in (key, *older)]


def _version(key: Document) -> Document:
    """A version of a key, as Resource Manager tells it."""
    name = key["properties"]["keyUriWithVersion"].rpartition("/")[2]
    return {**key, "id": f"{key['id']}/versions/{name}", "name": name, "type": f"{TYPE}/versions"}


def _versions(ask: Ask) -> Answer:
    return Answer(200, {"value": _every(ask.cloud, _key(ask, ask.target.names))})


def _one_version(ask: Ask) -> Answer:
    for found in _every(ask.cloud, _key(ask, ask.target.names)):
        if found["name"].lower() == ask.target.name.lower():
            return Answer(200, found)
    raise AzureError(404, "KeyNotFound", f"The key has no version '{ask.target.name}'.")


def _bury(cloud: Cloud, document: Document) -> None:
    """Only its vault's deletion deletes a key here."""
    cloud.store.put(BURIED_KEYS, document["id"].lower(), document)


KEY = Kind(
    type=TYPE,
    name=NameRule(
        NAMES[TYPE],
        "BadParameter",
        "The key name '{name}' is not valid: it has 1 to 127 letters, digits and hyphens.",
    ),
    shape=_shape,
    placement=child_of(key_vaults.TYPE),
    has_provisioning_state=False,
    verbs=Verbs(put=Verb(200), patch=False, removable=False),
    lifecycle=Lifecycle(on_delete=_bury),
    extras=(
        Extra(
            "GET",
            f"{TYPE}/versions".lower(),
            _versions,
            f"{TYPE}/versions/read",
            collection=True,
            stands="resource",
        ),
        Extra("GET", f"{TYPE}/versions".lower(), _one_version, f"{TYPE}/versions/read", stands="resource"),
    ),
)
