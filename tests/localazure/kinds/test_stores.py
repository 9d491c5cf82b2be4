"""Storage accounts, containers, key vaults, Log Analytics, Application Insights: what is particular to each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from azmlflow.localazure.blobs import sas
from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.blobs.sas import second
from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.services import blobs
from tests.localazure.control import (
    ALICE,
    BOB,
    BODIES,
    CHAIN,
    INSIGHTS,
    LOGS,
    PROVIDERS,
    RG,
    STORAGE,
    SUB,
    VAULT,
    Azure,
)
from tests.localazure.transport import Client

_RG2 = f"{SUB}/resourceGroups/rg2"
_DELETED = f"{PROVIDERS}/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv-one"


def _with(path: str, **properties: Any) -> dict[str, Any]:
    return {**BODIES[path], "properties": {**BODIES[path]["properties"], **properties}}


def test_storage_names_are_unique_in_all_azure(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    azure.arm("PUT", _RG2, BODIES[RG])
    ours = azure.arm("PUT", STORAGE.replace("/rg1/", "/rg2/"), BODIES[STORAGE])
    assert (ours.status, ours.code) == (409, "StorageAccountInAnotherResourceGroup")
    azure.cloud.store.put("foreign_names", "microsoft.storage/storageaccounts/theirs", {})
    theirs = azure.arm("PUT", STORAGE.replace("stacct1", "theirs"), BODIES[STORAGE])
    assert (theirs.status, theirs.code) == (409, "StorageAccountAlreadyTaken")
    check = f"{PROVIDERS}/Microsoft.Storage/checkNameAvailability"
    of = {"type": "Microsoft.Storage/storageAccounts"}
    for name, reason in (("stacct1", "AlreadyExists"), ("theirs", "AlreadyExists"), ("No!", "AccountNameInvalid")):
        assert azure.arm("POST", check, {**of, "name": name}).body["reason"] == reason
    assert azure.arm("POST", check, {**of, "name": "free"}).body == {"nameAvailable": True}


@pytest.mark.parametrize(
    "type_", ["Storage/storageAccounts", "KeyVault/vaults", "ContainerRegistry/registries"], ids=lambda each: each[:3]
)
def test_who_asks_for_a_name_says_of_what(azure: Azure, type_: str) -> None:
    """Azure/azure-rest-api-specs, CheckNameAvailability: name and type are required, and the type is one alone."""
    check = f"{PROVIDERS}/Microsoft.{type_.partition('/')[0]}/checkNameAvailability"
    for body in (
        {"name": "freename"},
        {"type": f"Microsoft.{type_}"},
        {"name": "freename", "type": "Microsoft.Web/sites"},
    ):
        assert azure.arm("POST", check, body).status == 400, body
    assert azure.arm("POST", check, {"name": "freename", "type": f"Microsoft.{type_}"}).body == {"nameAvailable": True}


def test_storage_keys_are_told_by_the_action_alone(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    keys = azure.arm("POST", f"{STORAGE}/listKeys").body["keys"]
    assert [key["keyName"] for key in keys] == ["key1", "key2"]
    text = str(azure.arm("GET", STORAGE).body)
    assert all(key["value"] not in text for key in keys)
    renewed = azure.arm("POST", f"{STORAGE}/regenerateKey", {"keyName": "key2"}).body["keys"]
    assert (renewed[0], renewed[1]["value"] != keys[1]["value"]) == (keys[0], True)
    azure.assign(ALICE, "Reader", RG)
    assert azure.arm("GET", STORAGE, who=ALICE).status == 200
    assert azure.arm("POST", f"{STORAGE}/listKeys", who=ALICE).status == 403


def test_storage_says_what_it_is_in_full(azure: Azure) -> None:
    azure.make(RG)
    given = _with(STORAGE, minimumTlsVersion="TLS1_2", allowBlobPublicAccess=False, provisioningState="Odd")
    azure.arm("PUT", STORAGE, given)
    found = azure.arm("GET", STORAGE).body
    assert found["sku"] == {"name": "Standard_LRS", "tier": "Standard"}
    properties = found["properties"]
    assert properties["primaryEndpoints"]["blob"] == "https://stacct1.blob.core.windows.net/"
    assert (properties["minimumTlsVersion"], properties["provisioningState"]) == ("TLS1_2", "Succeeded")
    assert properties["networkAcls"]["defaultAction"] == "Allow"
    assert "unknown" not in properties


@pytest.mark.parametrize(
    "change",
    [
        {"sku": {"name": "Cheap_LRS"}},
        {"kind": "Shed"},
        {"sku": None},
        {"properties": {"minimumTlsVersion": "SSL3"}},
        {"properties": {"allowBlobPublicAccess": "no"}},
        {"properties": {"networkAcls": "none"}},
    ],
)
def test_storage_that_azure_refuses(azure: Azure, change: dict[str, Any]) -> None:
    azure.make(RG)
    refused = azure.arm("PUT", STORAGE, {**BODIES[STORAGE], **change})
    assert (refused.status, refused.code.startswith("InvalidRequest")) == (400, True)
    assert azure.arm("GET", STORAGE).status == 404


def test_a_flat_account_does_not_become_hierarchical(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    assert azure.arm("PUT", STORAGE, _with(STORAGE, isHnsEnabled=True)).code == "AccountPropertyCannotBeUpdated"


def test_network_rules_that_a_put_does_not_name_stay(azure: Azure) -> None:
    """Azure takes their absence for "no change" (pulumi/pulumi-azure-native#2507 and its propertyDefaults.go)."""
    azure.make(RG, STORAGE)
    closed = {"defaultAction": "Deny", "bypass": "None", "ipRules": [{"value": "203.0.113.7", "action": "Allow"}]}
    rules = azure.arm("PUT", STORAGE, _with(STORAGE, networkAcls=closed)).body["properties"]["networkAcls"]
    assert rules == {**closed, "ipv6Rules": [], "virtualNetworkRules": []}
    tagged = azure.arm("PUT", STORAGE, {**BODIES[STORAGE], "tags": {"a": "b"}})
    assert (tagged.body["tags"], tagged.body["properties"]["networkAcls"]) == ({"a": "b"}, rules)
    opened = azure.arm("PUT", STORAGE, _with(STORAGE, networkAcls={"defaultAction": "Allow"}))
    assert opened.body["properties"]["networkAcls"]["defaultAction"] == "Allow"


def test_an_account_goes_with_its_blobs(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    container = f"{STORAGE}/blobServices/default/containers/data"
    assert azure.arm("PUT", container, {"properties": {}}).status == 201
    assert Blobs(azure.cloud).container_exists("stacct1", "data")
    assert azure.arm("GET", f"{STORAGE}/blobServices/default").body["name"] == "default"
    assert azure.arm("DELETE", STORAGE).status == 200
    assert not Blobs(azure.cloud).container_exists("stacct1", "data")
    azure.make(STORAGE)
    missing = azure.arm("GET", container)
    assert (missing.status, missing.code) == (404, "ContainerNotFound")
    assert missing.message == "The specified container does not exist."


def test_public_containers_need_an_account_that_allows_them(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    container = f"{STORAGE}/blobServices/default/containers/data"
    assert azure.arm("PUT", container, {"properties": {"publicAccess": "Blob"}}).code == "PublicAccessNotPermitted"
    elsewhere = container.replace("/default/", "/other/")
    assert azure.arm("PUT", elsewhere, {"properties": {}}).code == "InvalidBlobServiceName"


def test_a_deleted_vault_keeps_its_name_until_it_is_purged(azure: Azure) -> None:
    azure.make(RG, VAULT)
    azure.arm("PUT", _RG2, BODIES[RG])
    assert azure.arm("DELETE", VAULT).status == 200
    assert azure.arm("GET", VAULT).status == 404
    for path in (VAULT, VAULT.replace("/rg1/", "/rg2/")):
        refused = azure.arm("PUT", path, BODIES[VAULT])
        assert (refused.status, refused.code) == (409, "ConflictError")
        assert "az keyvault purge --name kv-one" in refused.message
    found = azure.arm("GET", _DELETED).body
    assert found["properties"]["vaultId"] == VAULT
    assert found["properties"]["scheduledPurgeDate"].startswith("2026-04-01")
    assert [
        each["name"] for each in azure.arm("GET", f"{PROVIDERS}/Microsoft.KeyVault/deletedVaults").body["value"]
    ] == ["kv-one"]
    assert azure.arm("GET", _DELETED.replace("westeurope", "eastus")).code == "DeletedVaultNotFound"
    purge = azure.arm("POST", f"{_DELETED}/purge")
    assert purge.status == 202
    assert azure.follow(purge.headers["location"]).status == 200
    assert azure.arm("GET", _DELETED).status == 404
    assert azure.arm("POST", f"{_DELETED}/purge").code == "DeletedVaultNotFound"
    assert azure.arm("PUT", VAULT, BODIES[VAULT]).status == 201


def test_purging_takes_its_own_permission(azure: Azure) -> None:
    azure.make(RG, VAULT)
    azure.arm("DELETE", VAULT)
    azure.assign(BOB, "Contributor", RG)
    refused = azure.arm("POST", f"{_DELETED}/purge", who=BOB)
    assert "Microsoft.KeyVault/locations/deletedVaults/purge/action" in refused.message


def test_a_protected_vault_is_never_purged_and_stays_protected(azure: Azure) -> None:
    azure.make(RG)
    assert azure.arm("PUT", VAULT, _with(VAULT, enablePurgeProtection=False)).code == "BadRequest"
    azure.arm("PUT", VAULT, _with(VAULT, enablePurgeProtection=True))
    azure.wait()
    assert azure.arm("PUT", VAULT, BODIES[VAULT]).body["properties"]["enablePurgeProtection"] is True
    azure.arm("DELETE", VAULT)
    refused = azure.arm("POST", f"{_DELETED}/purge")
    assert (refused.status, refused.code) == (405, "MethodNotAllowed")


def test_a_deleted_vault_is_recovered(azure: Azure) -> None:
    azure.make(RG)
    assert azure.arm("PUT", VAULT, _with(VAULT, createMode="recover")).code == "DeletedVaultNotFound"
    azure.arm("PUT", VAULT, _with(VAULT, softDeleteRetentionInDays=7))
    azure.wait()
    azure.arm("DELETE", VAULT)
    recovered = azure.arm("PUT", VAULT, {"location": "westeurope", "properties": {"createMode": "recover"}})
    assert recovered.status == 201
    azure.wait()
    found = azure.arm("GET", VAULT).body["properties"]
    assert (found["softDeleteRetentionInDays"], "createMode" in found) == (7, False)
    assert azure.arm("GET", _DELETED).status == 404


@pytest.mark.parametrize(
    "properties",
    [
        {"tenantId": None},
        {"tenantId": "11111111-1111-4111-8111-111111111111"},
        {"sku": {"family": "A", "name": "gold"}},
        {"softDeleteRetentionInDays": 6},
        {"softDeleteRetentionInDays": 91},
        {"enableSoftDelete": False},
    ],
)
def test_a_vault_that_azure_refuses(azure: Azure, properties: dict[str, Any]) -> None:
    azure.make(RG)
    assert azure.arm("PUT", VAULT, _with(VAULT, **properties)).status == 400


def test_vault_names_are_unique_in_all_azure(azure: Azure) -> None:
    azure.make(RG, VAULT)
    azure.arm("PUT", _RG2, BODIES[RG])
    for path in (VAULT.replace("/rg1/", "/rg2/"), VAULT.replace("kv-one", "theirs")):
        azure.cloud.store.put("foreign_names", "microsoft.keyvault/vaults/theirs", {})
        assert azure.arm("PUT", path, BODIES[VAULT]).code == "VaultAlreadyExists"
    check = f"{PROVIDERS}/Microsoft.KeyVault/checkNameAvailability"
    of = {"type": "Microsoft.KeyVault/vaults"}
    assert azure.arm("POST", check, {**of, "name": "KV-ONE"}).body["reason"] == "AlreadyExists"
    azure.arm("DELETE", VAULT)
    assert azure.arm("POST", check, {**of, "name": "kv-one"}).body["nameAvailable"] is False
    assert azure.arm("POST", check, {**of, "name": "free"}).body["nameAvailable"] is True


def test_log_analytics_comes_back_within_its_fortnight(azure: Azure) -> None:
    azure.make(RG, LOGS)
    customer = azure.arm("GET", LOGS).body["properties"]["customerId"]
    assert azure.arm("DELETE", LOGS).status == 202
    azure.wait()
    listed = azure.arm("GET", f"{PROVIDERS}/Microsoft.OperationalInsights/deletedWorkspaces").body["value"]
    assert [each["name"] for each in listed] == ["logs-one"]
    azure.make(LOGS)
    assert azure.arm("GET", LOGS).body["properties"]["customerId"] == customer
    azure.arm("DELETE", f"{LOGS}?force=true")
    azure.wait()
    azure.make(LOGS)
    assert azure.arm("GET", LOGS).body["properties"]["customerId"] != customer


def test_log_analytics_keys_and_bounds(azure: Azure) -> None:
    azure.make(RG, LOGS)
    keys = azure.arm("POST", f"{LOGS}/sharedKeys").body
    assert keys["primarySharedKey"] != keys["secondarySharedKey"]
    assert keys["primarySharedKey"] not in str(azure.arm("GET", LOGS).body)
    assert azure.arm("PUT", LOGS, _with(LOGS, retentionInDays=6)).code == "InvalidParameter"
    # azurerm (5.2, log_analytics_workspace_resource.go) sends 0 where its user says nothing.
    assert azure.arm("PUT", LOGS, _with(LOGS, retentionInDays=0)).status in (200, 201)
    azure.wait()
    assert azure.arm("GET", LOGS).body["properties"]["retentionInDays"] == 30
    assert azure.arm("PUT", LOGS, _with(LOGS, sku={"name": "Gold"})).status == 400


def test_application_insights_computes_its_keys(azure: Azure) -> None:
    azure.make(RG, LOGS, INSIGHTS)
    found = azure.arm("GET", INSIGHTS).body["properties"]
    assert f"InstrumentationKey={found['InstrumentationKey']};" in found["ConnectionString"]
    assert (found["TenantId"], found["IngestionMode"]) == (TENANT_ID, "LogAnalytics")
    missing = azure.arm("PUT", INSIGHTS, _with(INSIGHTS, WorkspaceResourceId=LOGS + "x"))
    assert (missing.status, missing.code) == (400, "BadRequest")
    assert azure.arm("PUT", INSIGHTS, _with(INSIGHTS, WorkspaceResourceId="logs")).code == "LinkedInvalidPropertyId"
    assert azure.arm("PUT", INSIGHTS + "2", {"location": "westeurope"}).code == "InvalidRequestContent"


def test_what_is_left_of_a_group(azure: Azure) -> None:
    azure.make(*CHAIN)
    azure.arm("DELETE", RG)
    azure.wait()
    left = sorted(record["document"]["name"] for _, record in azure.cloud.store.scan("deleted"))
    assert left == ["kv-one", "ws-one"]
    assert list(azure.cloud.store.scan("resources")) == []


def test_a_container_made_through_the_blob_service_is_one_of_arms(azure: Azure) -> None:
    """So that it has a scope for role assignments, goes with its account and is gone for both."""
    azure.make(RG, STORAGE)
    expires = azure.cloud.clock.now() + timedelta(hours=1)
    container = f"{STORAGE}/blobServices/default/containers/data"
    key = azure.arm("POST", f"{STORAGE}/listKeys").body["keys"][0]["value"]
    fields = {"sv": "2024-11-04", "ss": "b", "srt": "c", "sp": "cd", "se": second(expires)}
    fields["sig"] = sas.signature(key, sas.string_to_sign(fields, "stacct1", ""))
    url = f"https://stacct1.blob.core.windows.net/data?restype=container&{urlencode(fields)}"
    http = Client(blobs.service(azure.cloud))
    assert http.request("PUT", url).status_code == 201
    found = azure.arm("GET", container)
    assert (found.status, found.body["name"], found.body["id"]) == (200, "data", container)
    assert http.request("DELETE", url).status_code == 202
    assert azure.arm("GET", container).status == 404


@pytest.mark.parametrize("value", ["192.168.1.0/24", "198.51.100.2/31", "198.51.100.2/32", "2001:db8::1", "home"])
def test_a_firewall_takes_internet_addresses_alone(azure: Azure, value: str) -> None:
    """Azure/azure-cli issue 13828; hashicorp/terraform-provider-azurerm pull 7660."""
    azure.make(RG, STORAGE)
    rules = {"defaultAction": "Deny", "ipRules": [{"action": "Allow", "value": value}]}
    refused = azure.arm("PUT", STORAGE, _with(STORAGE, networkAcls=rules))
    assert (refused.status, refused.code) == (400, "InvalidValuesForRequestParameters")
    assert "networkAcls.ipRule[*].value" in refused.message
