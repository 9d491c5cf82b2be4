"""Keys of a vault, and workspaces that are encrypted by one; refused is what Azure's pages say that it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.localazure.kinds.foundation import key_versions
from tests.localazure.control import BODIES, CHAIN, RG, SUB, VAULT, WORKSPACE, Azure

ROBOT = f"{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/robot"
KEY = f"{VAULT}/keys/workspace"
# Microsoft, "Azure built-in roles".
CRYPTO = "Key Vault Crypto Service Encryption User"


def give(azure: Azure, role: str, scope: str) -> None:
    roles = azure.arm("GET", f"{SUB}/providers/Microsoft.Authorization/roleDefinitions?$filter=roleName eq '{role}'")
    who = azure.arm("GET", ROBOT).body["properties"]["principalId"]
    told = {"principalId": who, "roleDefinitionId": roles.body["value"][0]["id"]}
    name = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{azure.cloud.ids.guid()}"
    assert azure.arm("PUT", name, {"properties": told}).status == 201


def protect(azure: Azure) -> None:
    body = BODIES[VAULT]
    properties = {**body["properties"], "enablePurgeProtection": True, "enableRbacAuthorization": True}
    assert azure.arm("PUT", VAULT, {**body, "properties": properties}).status in (200, 201)
    azure.wait()


def make_key(azure: Azure, path: str = KEY, **properties: Any) -> str:
    """The key's URI with its version."""
    made = azure.arm("PUT", path, {"properties": {"kty": "RSA", "keySize": 3072, **properties}})
    assert made.status == 200, made
    return str(made.body["properties"]["keyUriWithVersion"])


def encrypted(uri: str, *, vault: str = VAULT, **more: Any) -> dict[str, Any]:
    """The body of a workspace that is encrypted by a key."""
    body = BODIES[WORKSPACE]
    told = {
        "status": "Enabled",
        "keyVaultProperties": {"keyVaultArmId": vault, "keyIdentifier": uri},
        "identity": {"userAssignedIdentity": ROBOT},
    }
    identity = {"type": "UserAssigned", "userAssignedIdentities": {ROBOT: {}}}
    properties = {**body["properties"], "primaryUserAssignedIdentity": ROBOT, "encryption": told, **more}
    return {**body, "identity": identity, "properties": properties}


@pytest.fixture
def ready(azure: Azure) -> Azure:
    """All that a workspace stands on, and an identity with all rights but those on keys."""
    azure.make(*CHAIN[:5])
    assert azure.arm("PUT", ROBOT, {"location": "westeurope"}).status == 201
    give(azure, "Contributor", RG)
    give(azure, "Storage Blob Data Contributor", RG)
    give(azure, "Key Vault Secrets Officer", RG)
    return azure


def test_a_key_is_made_once_and_has_one_version(ready: Azure) -> None:
    protect(ready)
    uri = make_key(ready)
    host, _, version = uri.rpartition("/")
    found = ready.arm("GET", KEY).body
    assert (found["location"], found["tags"]) == ("westeurope", {})
    told = found["properties"]
    assert (told["kty"], told["keySize"], told["keyUri"]) == ("RSA", 3072, host)
    assert host == "https://kv-one.vault.azure.net/keys/workspace" and len(version) == 32
    assert told["attributes"]["recoveryLevel"] == "Recoverable"
    assert make_key(ready, keySize=4096) == uri, "of a key that stands a PUT changes nothing"
    (only,) = ready.arm("GET", f"{KEY}/versions").body["value"]
    assert (only["name"], only["type"]) == (version, "Microsoft.KeyVault/vaults/keys/versions")
    assert ready.arm("GET", f"{KEY}/versions/{version}").body == only
    assert ready.arm("GET", f"{KEY}/versions/{'0' * 32}").code == "KeyNotFound"
    assert ready.arm("GET", f"{VAULT}/keys/other/versions").code == "KeyNotFound"


@pytest.mark.parametrize(
    ("properties", "word"),
    [
        ({}, "EC,EC-HSM,RSA,RSA-HSM"),
        ({"kty": "RSA", "keySize": 1024}, "one of 2048, 3072, 4096"),
        ({"kty": "RSA-HSM"}, "needs a vault of sku 'premium'"),
        ({"kty": "EC", "curveName": "P-1"}, "P-256,P-384"),
        ({"kty": "RSA", "keyOps": ["fly"]}, "wrapKey"),
    ],
)
def test_a_key_that_azure_refuses(ready: Azure, properties: dict[str, Any], word: str) -> None:
    refused = ready.arm("PUT", KEY, {"properties": properties})
    assert (refused.status, word in refused.message) == (400, True), refused


def test_the_vault_is_protected_then_the_key_is_there_then_the_identity_may_use_it(ready: Azure) -> None:
    uri = make_key(ready)
    refused = ready.arm("PUT", WORKSPACE, encrypted(uri))
    assert refused.message == "CMK workspaces should have purge protection enabled on their CMK keyvault."
    protect(ready)
    for wrong in (
        f"{uri[:-1]}x",
        "https://kv-one.vault.azure.net/keys/other/1",
        "https://kv-two.vault.azure.net/keys/workspace",
    ):
        refused = ready.arm("PUT", WORKSPACE, encrypted(wrong))
        assert (refused.status, "was not found in the key vault 'kv-one'" in refused.message) == (400, True), wrong
    who = ready.arm("GET", ROBOT).body["properties"]["principalId"]
    refused = ready.arm("PUT", WORKSPACE, encrypted(uri))
    assert (refused.status, who in refused.message, KEY in refused.message) == (400, True, True)
    assert "does not have authorization to perform action" in refused.message
    give(ready, CRYPTO, KEY)
    assert ready.arm("PUT", WORKSPACE, encrypted(uri)).status == 202
    ready.wait()
    told = ready.arm("GET", WORKSPACE).body["properties"]["encryption"]
    assert told["keyVaultProperties"] == {"keyVaultArmId": VAULT, "keyIdentifier": uri}


def test_an_access_policy_gives_the_right_as_well(ready: Azure) -> None:
    who = ready.arm("GET", ROBOT).body["properties"]["principalId"]
    rights = {"keys": ["Get", "WrapKey", "UnwrapKey"], "secrets": ["all"]}
    policy = {"tenantId": BODIES[VAULT]["properties"]["tenantId"], "objectId": who, "permissions": rights}
    body = BODIES[VAULT]
    properties = {
        **body["properties"],
        "enablePurgeProtection": True,
        "enableRbacAuthorization": False,
        "accessPolicies": [],
    }
    assert ready.arm("PUT", VAULT, {**body, "properties": properties}).status in (200, 201)
    ready.wait()
    uri = make_key(ready)
    assert "does not have authorization" in ready.arm("PUT", WORKSPACE, encrypted(uri)).message
    assert ready.arm("PUT", VAULT, {**body, "properties": {**properties, "accessPolicies": [policy]}}).status == 200
    ready.wait()
    assert ready.arm("PUT", WORKSPACE, encrypted(uri)).status == 202


@pytest.fixture
def standing(ready: Azure) -> Azure:
    """A workspace that is encrypted by a key."""
    protect(ready)
    uri = make_key(ready)
    give(ready, CRYPTO, VAULT)
    assert ready.arm("PUT", WORKSPACE, encrypted(uri)).status == 202
    ready.wait()
    return ready


def test_another_key_of_the_same_vault_and_nothing_else(standing: Azure) -> None:
    uri = make_key(standing)
    other = make_key(standing, f"{VAULT}/keys/next")
    assert standing.arm("PUT", WORKSPACE, encrypted(other)).status in (200, 202)
    standing.wait()
    body = encrypted(other)
    plain = {**body, "properties": {name: each for name, each in body["properties"].items() if name != "encryption"}}
    elsewhere = f"{VAULT}-two"
    assert standing.arm("PUT", elsewhere, BODIES[VAULT]).status == 201
    standing.wait()
    for wrong, way in (
        (plain, "encryption.status"),
        (encrypted(uri, vault=elsewhere), "encryption.keyVaultProperties.keyVaultArmId"),
        (encrypted(uri, enableServiceSideCMKEncryption=True), "enableServiceSideCMKEncryption"),
    ):
        refused = standing.arm("PUT", WORKSPACE, wrong)
        assert (refused.status, refused.message) == (
            400,
            f"The property '{way}' of an existing workspace cannot be changed.",
        )


def test_a_workspace_stays_with_the_version_that_it_names_and_takes_a_later_one_when_asked(standing: Azure) -> None:
    """Microsoft, "Customer-managed keys for Azure Machine Learning": no new version is followed by itself."""
    first = standing.arm("GET", KEY).body["properties"]["keyUriWithVersion"]
    with_vault = (
        standing.cloud.store.get("resources", VAULT.lower()),
        standing.cloud.store.get("resources", KEY.lower()),
    )
    assert all(with_vault)
    second = str(key_versions.rotate(standing.cloud, *with_vault)["properties"]["keyUriWithVersion"])  # type: ignore[arg-type]
    listed = standing.arm("GET", f"{KEY}/versions").body["value"]
    assert {each["properties"]["keyUriWithVersion"] for each in listed} == {first, second}

    def named() -> str:
        told = standing.arm("GET", WORKSPACE).body["properties"]["encryption"]
        return str(told["keyVaultProperties"]["keyIdentifier"])

    assert named() == first
    for uri in (second, first):  # back to an older version, too, while it is enabled
        assert standing.arm("PUT", WORKSPACE, encrypted(uri)).status in (200, 202)
        standing.wait()
        assert named() == uri
    refused = standing.arm("PUT", WORKSPACE, encrypted(f"{first[:-4]}beef"))
    assert (refused.status, "was not found in the key vault" in refused.message) == (400, True)


def test_service_side_takes_no_closed_vault_and_no_other_key(ready: Azure) -> None:
    protect(ready)
    uri, aside = make_key(ready), True
    give(ready, CRYPTO, VAULT)
    vault = ready.arm("GET", VAULT).body
    shut = {**vault["properties"], "publicNetworkAccess": "Disabled"}
    assert ready.arm("PUT", VAULT, {**vault, "properties": shut}).status == 200
    ready.wait()
    refused = ready.arm("PUT", WORKSPACE, encrypted(uri, enableServiceSideCMKEncryption=aside))
    assert "public network access disabled, which service-side encryption does not support" in refused.message
    assert ready.arm("PUT", VAULT, vault).status == 200
    ready.wait()
    assert ready.arm("PUT", WORKSPACE, encrypted(uri, enableServiceSideCMKEncryption=aside)).status == 202
    ready.wait()
    other = make_key(ready, f"{VAULT}/keys/next")
    assert (
        "keyIdentifier' of an existing"
        in ready.arm("PUT", WORKSPACE, encrypted(other, enableServiceSideCMKEncryption=aside)).message
    )


RECOVER = {"location": "westeurope", "properties": {"createMode": "recover"}}


@pytest.mark.parametrize("of", [VAULT, RG])
def test_a_recovered_vault_has_its_keys_again(azure: Azure, of: str) -> None:
    """Deleted by itself, or with its group; the very versions, which is what else would be lost with them."""
    azure.make(*CHAIN[:5])
    uri = make_key(azure)
    assert azure.arm("DELETE", of).status in (200, 202)
    azure.wait()
    assert azure.arm("GET", KEY).status == 404
    if of == RG:
        assert azure.arm("PUT", RG, BODIES[RG]).status == 201
    assert azure.arm("PUT", VAULT, RECOVER).status in (200, 201)
    azure.wait()
    assert azure.arm("GET", KEY).body["properties"]["keyUriWithVersion"] == uri
    assert [each["name"] for each in azure.arm("GET", f"{VAULT}/keys").body["value"]] == ["workspace"]


def test_a_purged_vaults_keys_are_gone(azure: Azure) -> None:
    azure.make(*CHAIN[:5])
    first = make_key(azure)
    assert azure.arm("DELETE", VAULT).status in (200, 202)
    azure.wait()
    buried = VAULT.rpartition("/")[2]
    purge = f"{SUB}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/{buried}/purge"
    assert azure.arm("POST", purge).status == 202
    azure.wait()
    azure.make(VAULT)
    assert azure.arm("GET", KEY).status == 404
    assert make_key(azure) != first


@pytest.mark.parametrize("member", ["identity", "keyVaultProperties"])
def test_a_change_by_what_is_no_object_is_refused(standing: Azure, member: str) -> None:
    """Whose key and identity it names is asked before its kind reads it."""
    for method in ("PATCH", "PUT"):
        body: dict[str, Any] = {"properties": {"encryption": {"status": "Enabled", member: "text"}}}
        if method == "PUT":
            body = {**BODIES[WORKSPACE], "properties": {**BODIES[WORKSPACE]["properties"], **body["properties"]}}
        refused = standing.arm(method, WORKSPACE, body)
        assert (refused.status, refused.code) == (400, "InvalidRequestContent"), method
