"""What azurerm 5.2 asks for registries, closed workspaces and what stands in them, request by request, off its source.

(hashicorp/terraform-provider-azurerm, internal/services/containers, machinelearning and consumption; Go's client leaves
out what is null, and puts `type` into what has one of a few forms.) Which statuses it takes is its SDK's.
"""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.localazure.core.constants import TENANT_ID
from tests.localazure.control import ALICE, INSIGHTS, REGISTRY, RG, STORAGE, SUB, VAULT, WORKSPACE, Azure
from tests.localazure.test_azurerm import RESOURCES, SYSTEM, Resource, member, put

IDENTITY = f"{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-one"
CLOSED = f"{WORKSPACE}-closed"
REPLICA = f"{REGISTRY}/replications/northeurope"
API = "2025-11-01"
USER = Resource(
    IDENTITY,
    "2024-11-30",
    {"location": "westeurope", "tags": {}},
    (200, 201),
    {"location": "westeurope", "properties.clientId": ..., "properties.principalId": ..., "properties.tenantId": ...},
    gone=(200, 204),
)
PREMIUM = Resource(
    REGISTRY,
    API,
    {
        "location": "westeurope",
        "sku": {"name": "Premium", "tier": "Premium"},
        "identity": {"type": "None", "userAssignedIdentities": None},
        "tags": {},
        "properties": {
            "adminUserEnabled": False,
            "anonymousPullEnabled": False,
            "dataEndpointEnabled": False,
            "networkRuleBypassAllowedForTasks": False,
            "networkRuleBypassOptions": "AzureServices",
            "policies": {
                "azureADAuthenticationAsArmPolicy": {"status": "enabled"},
                "exportPolicy": {"status": "enabled"},
                "quarantinePolicy": {"status": "disabled"},
                "retentionPolicy": {},
            },
            "publicNetworkAccess": "Enabled",
            "roleAssignmentMode": "LegacyRegistryPermissions",
            "zoneRedundancy": "Disabled",
        },
    },
    (200, 201, 202),
    {
        "location": "westeurope",
        "sku.tier": "Premium",
        "properties.adminUserEnabled": False,
        "properties.publicNetworkAccess": "Enabled",
        "properties.zoneRedundancy": "Disabled",
        "properties.anonymousPullEnabled": False,
        "properties.dataEndpointEnabled": False,
        "properties.networkRuleBypassOptions": "AzureServices",
        "properties.networkRuleBypassAllowedForTasks": False,
        "properties.roleAssignmentMode": "LegacyRegistryPermissions",
        "properties.loginServer": "crone.azurecr.io",
        "properties.policies.exportPolicy.status": "enabled",
        "properties.policies.quarantinePolicy.status": "disabled",
        "properties.policies.azureADAuthenticationAsArmPolicy.status": "enabled",
    },
    absent=("properties.encryption.keyVaultProperties",),
    gone=(200, 202, 204),
)
USERS = {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {IDENTITY: {}}}
MANAGED = Resource(
    CLOSED,
    "2025-06-01",
    {
        "kind": "Default",
        "location": "westeurope",
        "sku": {"name": "Basic", "tier": "Basic"},
        "name": "ws-one-closed",
        "identity": USERS,
        "tags": {},
        "properties": {
            "applicationInsights": INSIGHTS,
            "containerRegistry": REGISTRY,
            "description": "closed",
            "enableServiceSideCMKEncryption": False,
            "friendlyName": "Closed",
            "keyVault": VAULT,
            "managedNetwork": {"isolationMode": "AllowOnlyApprovedOutbound"},
            "primaryUserAssignedIdentity": IDENTITY,
            "provisionNetworkNow": False,
            "publicNetworkAccess": "Disabled",
            "serverlessComputeSettings": {"serverlessComputeNoPublicIP": False},
            "storageAccount": STORAGE,
            "systemDatastoresAuthMode": "Identity",
            "v1LegacyMode": False,
        },
    },
    (200, 202),
    {
        "identity.principalId": ...,
        "properties.containerRegistry": REGISTRY,
        "properties.description": "closed",
        "properties.friendlyName": "Closed",
        "properties.publicNetworkAccess": "Disabled",
        "properties.managedNetwork.isolationMode": "AllowOnlyApprovedOutbound",
        "properties.primaryUserAssignedIdentity": IDENTITY,
        "properties.serverlessComputeSettings.serverlessComputeNoPublicIP": False,
        "properties.systemDatastoresAuthMode": "identity",
    },
    absent=("properties.imageBuildCompute", "properties.serverlessComputeSettings.serverlessComputeCustomSubnet"),
    query="?api-version=2025-06-01&forceToPurge=true",
)
INSTANCE = Resource(
    f"{CLOSED}/computes/ci-one",
    "2025-06-01",
    {
        "location": "westeurope",
        "identity": SYSTEM,
        "tags": {},
        "properties": {
            "computeType": "ComputeInstance",
            "description": "",
            "disableLocalAuth": True,
            "properties": {
                "computeInstanceAuthorizationType": "personal",
                "enableNodePublicIp": False,
                "personalComputeInstanceSettings": {"assignedUser": {"objectId": "<alice>", "tenantId": TENANT_ID}},
                "sshSettings": {"sshPublicAccess": "Disabled"},
                "vmSize": "STANDARD_DS2_V2",
            },
        },
    },
    (200, 201),
    {
        "identity.type": "SystemAssigned",
        "properties.computeType": "ComputeInstance",
        "properties.disableLocalAuth": True,
        "properties.properties.vmSize": "STANDARD_DS2_V2",
        "properties.properties.computeInstanceAuthorizationType": "personal",
        "properties.properties.enableNodePublicIp": False,
        "properties.properties.sshSettings.sshPublicAccess": "Disabled",
        "properties.properties.personalComputeInstanceSettings.assignedUser.tenantId": TENANT_ID,
    },
    absent=("properties.properties.subnet",),
    query="?api-version=2025-06-01&underlyingResourceAction=Delete",
)
RULES = (
    ("FQDN", {"type": "FQDN", "category": "UserDefined", "destination": "example.com"}),
    (
        "ServiceTag",
        {
            "type": "ServiceTag",
            "category": "UserDefined",
            "destination": {"portRanges": "80,443", "protocol": "TCP", "serviceTag": "DataFactory"},
        },
    ),
)
STORES = (
    (
        {
            "datastoreType": "AzureBlob",
            "accountName": "stacct1",
            "containerName": "data",
            "description": "",
            "endpoint": "core.windows.net",
            "isDefault": False,
            "serviceDataAccessAuthIdentity": "None",
            "tags": {},
        },
        "AzureBlob",
    ),
    (
        {
            "datastoreType": "AzureFile",
            "accountName": "stacct1",
            "fileShareName": "share",
            "description": "",
            "endpoint": "core.windows.net",
            "isDefault": False,
            "serviceDataAccessAuthIdentity": "None",
            "tags": {},
        },
        "AzureFile",
    ),
)
# Contributor, Storage Blob Data Contributor, Key Vault Administrator.
ROLES = (
    "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "00482a5a-887f-4fb3-b363-3b7fe8e74483",
)
GUID = "1111111-2222-4333-8444-555555555555"
APPLICATION = "66666666-7777-4888-8999-000000000000"
BUDGET = f"{RG}/providers/Microsoft.Consumption/budgets/monthly"


@pytest.fixture
def stack(azure: Azure) -> Azure:
    """What the workspaces stand on, and a closed one, whose identity has the roles that Azure wants it to have."""
    for resource in (*RESOURCES[:5], PREMIUM):
        put(azure, resource)
    principal = put(azure, USER)["properties"]["principalId"]
    for number, role in enumerate(ROLES):
        given = f"{RG}/providers/Microsoft.Authorization/roleAssignments/{number}{GUID}"
        properties = {"roleDefinitionId": f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{role}"}
        body = {"properties": {**properties, "principalId": principal, "principalType": "ServicePrincipal"}}
        assert azure.arm("PUT", given, body, api="2022-04-01").status == 201
    put(azure, MANAGED)
    return azure


def test_a_registry_and_its_regions(azure: Azure) -> None:
    """After each GET it lists the replications; a change is a PATCH of what is new."""
    put(azure, RESOURCES[0])
    assert azure.arm("GET", REGISTRY, api=API).status == 404
    put(azure, PREMIUM)
    [home] = azure.arm("GET", f"{REGISTRY}/replications", api=API).body["value"]
    assert (home["location"], home["properties"]["zoneRedundancy"]) == ("westeurope", "Disabled")

    replica = {
        "location": "northeurope", "name": "northeurope", "tags": {"a": "b"},
        "properties": {"regionEndpointEnabled": True, "zoneRedundancy": "Disabled"},
    }  # fmt: skip
    assert azure.arm("PUT", REPLICA, replica, api=API).status in (200, 201, 202)
    azure.wait()
    listed = azure.arm("GET", f"{REGISTRY}/replications", api=API).body["value"]
    assert [(each["location"], each["tags"]) for each in listed] == [("northeurope", {"a": "b"}), ("westeurope", {})]
    assert azure.arm("DELETE", REPLICA, api=API).status in (200, 202, 204)
    azure.wait()
    assert azure.arm("GET", REPLICA, api=API).status == 404

    closed = {"networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"action": "Allow", "value": "8.8.8.8/32"}]}}
    changed = azure.arm("PATCH", REGISTRY, {"properties": closed, "tags": {"a": "b"}}, api=API)
    assert changed.status in (200, 201, 202)
    azure.wait()
    found = azure.arm("GET", REGISTRY, api=API).body
    assert member(found, "properties.networkRuleSet.defaultAction") == "Deny"
    assert [each["action"] for each in member(found, "properties.networkRuleSet.ipRules")] == ["Allow"]
    open_again = {"networkRuleSet": {"defaultAction": "Allow", "ipRules": []}}
    assert azure.arm("PATCH", REGISTRY, {"properties": open_again}, api=API).status in (200, 201, 202)
    for sku in ("Standard", "Basic"):
        assert azure.arm("PATCH", REGISTRY, {"sku": {"name": sku, "tier": sku}}, api=API).status in (200, 201, 202)
        azure.wait()
        assert azure.arm("GET", f"{REGISTRY}/replications", api=API).body == {"value": []}
    assert azure.arm("DELETE", REGISTRY, api=API).status in PREMIUM.gone
    azure.wait()
    assert azure.arm("GET", REGISTRY, api=API).status == 404


def test_a_closed_workspace_is_changed_by_what_was_read(stack: Azure) -> None:
    read = put(stack, MANAGED)
    read["properties"]["description"] = "another"
    answer = stack.arm("PUT", CLOSED, read, api=MANAGED.api)
    assert answer.status in MANAGED.made, answer
    stack.wait()
    found = stack.arm("GET", CLOSED, api=MANAGED.api).body
    assert member(found, "properties.description") == "another"
    assert sorted(found["identity"]["userAssignedIdentities"]) == [IDENTITY]


@pytest.mark.parametrize(("type_", "properties"), RULES, ids=lambda each: each if isinstance(each, str) else "")
def test_outbound_rules(stack: Azure, type_: str, properties: dict[str, Any]) -> None:
    path = f"{CLOSED}/outboundRules/rule"
    assert stack.arm("GET", path, api=MANAGED.api).status == 404
    said = {"name": "rule", "type": type_, "properties": properties}
    answer = stack.arm("PUT", path, said, api=MANAGED.api)
    # It waits for a status: a rule has none that ends, so that what Location leads to would never do.
    assert answer.status == 202 and "azure-asyncoperation" in answer.headers, answer
    assert stack.follow(answer.headers["azure-asyncoperation"]).body["status"] == "Succeeded"
    stack.wait()
    read = stack.arm("GET", path, api=MANAGED.api).body
    assert read["properties"]["type"] == type_
    to, wanted = read["properties"]["destination"], properties["destination"]
    assert (to if isinstance(wanted, str) else {name: to[name] for name in wanted}) == wanted
    assert stack.arm("PUT", path, read, api=MANAGED.api).status in (200, 202)
    stack.wait()
    assert stack.arm("DELETE", path, api=MANAGED.api).status in (200, 202, 204)
    stack.wait()
    assert stack.arm("GET", path, api=MANAGED.api).status == 404


def test_an_instance_in_a_managed_network(stack: Azure) -> None:
    settings = INSTANCE.body["properties"]["properties"]["personalComputeInstanceSettings"]
    settings["assignedUser"]["objectId"] = stack.who(ALICE).object_id
    assert stack.arm("GET", INSTANCE.path, api=INSTANCE.api).status == 404
    put(stack, INSTANCE)
    asked = f"{INSTANCE.path}{INSTANCE.query}"
    assert stack.arm("DELETE", asked).status in INSTANCE.gone
    stack.wait()
    assert stack.arm("GET", INSTANCE.path, api=INSTANCE.api).status == 404


@pytest.mark.parametrize(("properties", "type_"), STORES, ids=lambda each: each if isinstance(each, str) else "")
@pytest.mark.parametrize("credential", ["None", "AccountKey", "Sas"])
def test_datastores(stack: Azure, properties: dict[str, Any], type_: str, credential: str) -> None:
    path = f"{CLOSED}/datastores/mine"
    secrets = {
        "AccountKey": {"secretsType": "AccountKey", "key": "a2V5"},
        "Sas": {"secretsType": "Sas", "sasToken": "?sv=2024"},
    }.get(credential)
    said = {"credentialsType": credential, **({"secrets": secrets} if secrets else {})}
    body = {"name": "mine", "type": type_, "properties": {**properties, "credentials": said}}
    assert stack.arm("GET", path, api=MANAGED.api).status == 404
    for status in (201, 200):
        answer = stack.arm("PUT", path, body, api=MANAGED.api, skipValidation="true")
        assert answer.status == status, answer
    read = stack.arm("GET", path, api=MANAGED.api).body
    wanted = {name: value for name, value in properties.items() if value != ""}
    assert {name: read["properties"].get(name) for name in wanted} == wanted
    assert read["properties"].get("description", "") in ("", None)
    assert "secrets" not in read["properties"]["credentials"]
    assert stack.arm("DELETE", path, api=MANAGED.api).status in (200, 204)


@pytest.mark.parametrize(
    "credentials",
    [
        {"credentialsType": "None"},
        {
            "credentialsType": "ServicePrincipal", "authorityUrl": "", "clientId": APPLICATION, "tenantId": TENANT_ID,
            "resourceUrl": "https://datalake.azure.net",
            "secrets": {"secretsType": "ServicePrincipal", "clientSecret": "not kept here"},
        },
    ],
    ids=lambda each: each["credentialsType"],
)  # fmt: skip
def test_a_datastore_of_a_file_system(stack: Azure, credentials: dict[str, Any]) -> None:
    lake = f"{STORAGE}lake"
    account = RESOURCES[1].body
    made = {**account, "properties": {**account["properties"], "isHnsEnabled": True}}
    assert stack.arm("PUT", lake, made, api="2025-08-01").status in (200, 202)
    stack.wait()
    path = f"{CLOSED}/datastores/lake"
    properties = {
        "datastoreType": "AzureDataLakeGen2", "accountName": "stacct1lake", "filesystem": "fs", "description": "",
        "endpoint": "core.windows.net", "resourceGroup": "rg1", "serviceDataAccessAuthIdentity": "None",
        "subscriptionId": SUB.rpartition("/")[2], "tags": {},
    }  # fmt: skip
    body = {"name": "lake", "type": "AzureDataLakeGen2", "properties": {**properties, "credentials": credentials}}
    answer = stack.arm("PUT", path, body, api=MANAGED.api, skipValidation="true")
    assert answer.status == 201, answer
    read = stack.arm("GET", path, api=MANAGED.api).body["properties"]
    wanted = {name: value for name, value in properties.items() if name != "description"}
    assert {name: read[name] for name in wanted} == wanted
    assert read["isDefault"] is False, "the provider reads it without looking whether it is there"
    assert read["credentials"]["credentialsType"] == credentials["credentialsType"]
    assert "not kept here" not in str(read)


def test_a_file_share(stack: Azure) -> None:
    """A change is a PATCH of what is new; the account is read beside it."""
    path = f"{STORAGE}/fileServices/default/shares/share"
    assert stack.arm("GET", path, api="2025-08-01").status == 404
    properties = {
        "accessTier": "Hot", "enabledProtocols": "SMB", "metadata": {}, "shareQuota": 50, "signedIdentifiers": [],
    }  # fmt: skip
    assert stack.arm("PUT", path, {"properties": properties}, api="2025-08-01").status in (200, 201)
    read = stack.arm("GET", path, api="2025-08-01").body["properties"]
    assert {name: read[name] for name in ("accessTier", "enabledProtocols", "shareQuota")} == {
        "accessTier": "Hot", "enabledProtocols": "SMB", "shareQuota": 50,
    }  # fmt: skip
    assert stack.arm("PATCH", path, {"properties": {"shareQuota": 60}}, api="2025-08-01").status == 200
    assert stack.arm("GET", path, api="2025-08-01").body["properties"]["shareQuota"] == 60
    assert stack.arm("DELETE", path, api="2025-08-01").status in (200, 204)


def test_a_budget_of_a_group(azure: Azure) -> None:
    put(azure, RESOURCES[0])
    key = "Actual_GreaterThan_90.000000_Percent"
    notice = {
        "enabled": True, "operator": "GreaterThan", "threshold": 90.0, "thresholdType": "Actual",
        "contactEmails": ["team@contoso.com"],
    }  # fmt: skip
    period = {"startDate": "2031-01-01T00:00:00Z", "endDate": "2032-01-01T00:00:00Z"}
    properties = {
        "amount": 500.0, "category": "Cost", "timeGrain": "Monthly", "timePeriod": period,
        "notifications": {key: notice},
    }  # fmt: skip
    assert azure.arm("GET", BUDGET, api="2019-10-01").status == 404
    said = azure.arm("PUT", BUDGET, {"name": "monthly", "properties": properties}, api="2019-10-01")
    assert said.status in (200, 201)
    read = azure.arm("GET", BUDGET, api="2019-10-01").body
    assert {name: read["properties"][name] for name in properties} == properties
    assert read["eTag"]
    again = azure.arm("PUT", BUDGET, {**read, "properties": {**properties, "amount": 600.0}}, api="2019-10-01")
    assert again.status in (200, 201)
    assert azure.arm("DELETE", BUDGET, api="2019-10-01").status in (200, 204)
