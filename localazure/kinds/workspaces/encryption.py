"""A workspace that is encrypted by a customer's key: the vault, the key, and who may use it.

Sources: Microsoft, "Customer-managed keys for Azure Machine Learning" (soft delete and purge protection; wrap, unwrap
and get; another key of the same vault later; service-side, a preview: no rotation, no vault that is closed to the
internet) and "Use customer-managed keys" (the vault is in the workspace's subscription); MicrosoftDocs/azure-docs issue
108584 (the words about purge protection). Inferred: all other words, that rights are asked for before anything is made,
and that of an identity which Azure makes with the workspace they are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.foundation import key_vaults, key_versions, vault_keys
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice, linked_id, wrong_type
from azmlflow.localazure.resources.find import resource
from azmlflow.localazure.resources.identity import identity

# What the identity needs on the key: data actions, and the same as an access policy has them.
_ACTIONS = tuple(f"{vault_keys.TYPE}/{each}" for each in ("read", "wrap/action", "unwrap/action"))
_PERMISSIONS = frozenset(("get", "wrapkey", "unwrapkey"))


def check(ask: Ask, existing: Document | None) -> None:
    """Refuse an encryption that a workspace cannot have.

    Raises:
        AzureError: 400, naming what is wrong, or the right that the identity lacks.
    """
    given, before = ask.properties.get("encryption"), (existing or {}).get("properties", {})
    if given is not None and not isinstance(given, dict):
        raise wrong_type("encryption", given, "object")
    if existing is not None:
        _keep_fixed(ask, given or {}, before)
    if not given or choice("status", given.get("status"), ("Enabled", "Disabled")) == "Disabled":
        return
    vault, key = _key(ask, given)
    service_side = bool(ask.properties.get("enableServiceSideCMKEncryption"))
    if service_side and vault["properties"]["publicNetworkAccess"] == "Disabled":
        raise _refused(
            f"The key vault '{vault['name']}' has public network access disabled, which service-side encryption does "
            "not support.",
            "encryption.keyVaultProperties.keyVaultArmId",
        )
    stood = before.get("encryption") or {}
    if stood.get("keyVaultProperties") != given["keyVaultProperties"]:
        _check_rights(ask, given, vault, key)


def _keep_fixed(ask: Ask, given: Mapping[str, Any], before: Document) -> None:
    """After creation the key may be another of the same vault, and nothing else."""
    stood = before.get("encryption") or {}
    service_side = bool(before.get("enableServiceSideCMKEncryption"))
    pairs = {
        "encryption.status": (stood.get("status", "Disabled"), given.get("status") or "Disabled"),
        "encryption.identity": (_user(stood), _user(given)),
        "encryption.keyVaultProperties.keyVaultArmId": (
            _of_key(stood, "keyVaultArmId"),
            _of_key(given, "keyVaultArmId"),
        ),
        "enableServiceSideCMKEncryption": (
            service_side,
            bool(ask.properties.get("enableServiceSideCMKEncryption")),
        ),
    }
    if service_side:  # "key rotation ... not supported"
        way = "encryption.keyVaultProperties.keyIdentifier"
        pairs[way] = (_of_key(stood, "keyIdentifier"), _of_key(given, "keyIdentifier"))
    for way, (old, new) in pairs.items():
        if str(old).lower() != str(new).lower():
            raise _refused(f"The property '{way}' of an existing workspace cannot be changed.", way)


def _of_key(encryption: Mapping[str, Any], name: str) -> Any:
    return (encryption.get("keyVaultProperties") or {}).get(name)


def _user(encryption: Mapping[str, Any]) -> Any:
    return (encryption.get("identity") or {}).get("userAssignedIdentity")


def _key(ask: Ask, given: Mapping[str, Any]) -> tuple[Document, Document]:
    """The vault and the key that an encryption names."""
    told = given.get("keyVaultProperties")
    if not isinstance(told, dict):
        raise _refused("An encryption needs 'keyVaultProperties'.", "encryption.keyVaultProperties")
    way = "encryption.keyVaultProperties.keyVaultArmId"
    id_ = linked_id(way, told.get("keyVaultArmId"), key_vaults.TYPE)
    vault = resource(ask.cloud, id_)
    if vault is None:
        raise _refused(f"The key vault '{id_}' was not found: it is in the workspace's subscription.", way)
    if not vault["properties"].get("enablePurgeProtection"):
        raise _refused("CMK workspaces should have purge protection enabled on their CMK keyvault.", way)
    uri = str(told.get("keyIdentifier") or "")
    way = "encryption.keyVaultProperties.keyIdentifier"
    home = f"{vault['properties']['vaultUri']}keys/"
    name, _, version = uri[len(home) :].partition("/")
    key = resource(ask.cloud, f"{vault['id']}/keys/{name}") if uri.lower().startswith(home) and name else None
    named = key_versions.find_version(ask.cloud, key, version) if key else None
    if key is None or named is None:
        raise _refused(f"The key '{uri}' was not found in the key vault '{vault['name']}'.", way)
    if not named["properties"]["attributes"]["enabled"]:
        raise _refused(f"The key '{uri}' is disabled.", way)
    return vault, key


def _check_rights(ask: Ask, given: Mapping[str, Any], vault: Document, key: Document) -> None:
    used = _user(given) or ask.properties.get("primaryUserAssignedIdentity")
    if not used:
        return
    way = "encryption.identity.userAssignedIdentity"
    own = identity(ask, None) or {}
    if str(used).lower() not in {each.lower() for each in own.get("userAssignedIdentities") or ()}:
        raise _refused(f"The identity '{used}' is not among the workspace's user-assigned identities.", way)
    robot = resource(ask.cloud, str(used))
    if robot is None:
        return  # refused where identities are read
    principal = robot["properties"]["principalId"]
    if vault["properties"]["enableRbacAuthorization"]:
        enforcer = ask.cloud.enforcer
        lacking = [each for each in _ACTIONS if enforcer.why_not(principal, each, key["id"], True) is not None]
    else:
        lacking = sorted(_PERMISSIONS - _by_policies(vault, principal))
    if lacking:
        raise _refused(
            f"The identity '{used}' with object id '{principal}' does not have authorization to perform action "
            f"'{lacking[0]}' over scope '{key['id']}'.",
            way,
        )


def _by_policies(vault: Document, principal: str) -> frozenset[str]:
    policies = [each for each in vault["properties"]["accessPolicies"] if each.get("objectId", "") == principal]
    given = {right.lower() for each in policies for right in (each.get("permissions") or {}).get("keys") or ()}
    return _PERMISSIONS if "all" in given else frozenset(given)


def _refused(text: str, target: str) -> AzureError:
    return bad_request("BadRequest", text, target=target)
