"""What azurerm 5.2 asks for seven resources and for roles, and what it insists on in the answers, request by request.

The bodies are those that the provider sent, as its log has them, the expectations from its source, written by hand;
`tests/e2e/test_opentofu.py` runs the provider itself where it is found. Another status than those listed here makes it
fail, so does a listed member that is missing; another value would be a change in its next plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from azmlflow.localazure.core.constants import TENANT_ID
from tests.localazure.control import COMPUTE, INSIGHTS, LOGS, RG, STORAGE, SUB, VAULT, WORKSPACE, Azure

WEST = f"{SUB}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv-one"
DELETED_LOGS = f"{RG}/providers/Microsoft.OperationalInsights/deletedWorkspaces"
ROLE = f"{RG}/providers/Microsoft.Authorization/roleDefinitions/11111111-1111-4111-8111-111111111111"
GIVEN = f"{STORAGE}/providers/Microsoft.Authorization/roleAssignments/22222222-2222-4222-8222-222222222222"
SCALE = {"minNodeCount": 0, "maxNodeCount": 2, "nodeIdleTimeBeforeScaleDown": "PT2M"}
NONE = {"type": "None", "userAssignedIdentities": None}
SYSTEM = {"type": "SystemAssigned", "userAssignedIdentities": None}


@dataclass(frozen=True)
class Resource:
    """One resource as the provider handles it.

    Attributes:
        path: its id.
        api: the api-version that it is asked for in.
        body: what the provider's PUT says.
        made: the statuses that it takes for the PUT that creates, and for one that changes.
        insists: members of the answer (dotted) and their values; `...` where any will do but none will not.
        absent: members that may not be there, since nobody set them.
        gone: the statuses that it takes for DELETE.
        query: what it asks DELETE with, where that is more than the api-version.
    """

    path: str
    api: str
    body: dict[str, Any]
    made: tuple[int, ...]
    insists: dict[str, Any]
    absent: tuple[str, ...] = ()
    gone: tuple[int, ...] = (200, 202, 204)
    query: str = ""


RESOURCES = (
    Resource(
        RG,
        "2023-07-01",
        {"location": "westeurope", "tags": {}},
        (200, 201),
        {"location": "westeurope"},
        gone=(200, 202),
    ),
    Resource(
        STORAGE,
        "2025-08-01",
        {
            "kind": "StorageV2",
            "location": "westeurope",
            "sku": {"name": "Standard_LRS", "tier": "Standard"},
            "identity": NONE,
            "tags": {},
            "properties": {
                "accessTier": "Hot", "allowBlobPublicAccess": False, "allowCrossTenantReplication": False,
                "allowSharedKeyAccess": True, "defaultToOAuthAuthentication": False, "dnsEndpointType": "Standard",
                "encryption": {
                    "keySource": "Microsoft.Storage",
                    "services": {"queue": {"keyType": "Service"}, "table": {"keyType": "Service"}},
                },
                "isHnsEnabled": False, "isLocalUserEnabled": True, "isNfsV3Enabled": False, "isSftpEnabled": False,
                "minimumTlsVersion": "TLS1_2",
                "networkAcls": {
                    "bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "resourceAccessRules": [],
                    "virtualNetworkRules": [],
                },
                "publicNetworkAccess": "Enabled", "supportsHttpsTrafficOnly": True,
            },
        },
        (200, 202),
        {
            "kind": "StorageV2", "location": "westeurope", "sku.name": "Standard_LRS", "sku.tier": "Standard",
            "properties.minimumTlsVersion": "TLS1_2", "properties.supportsHttpsTrafficOnly": True,
            "properties.primaryEndpoints.blob": "https://stacct1.blob.core.windows.net/",
            "properties.primaryEndpoints.file": "https://stacct1.file.core.windows.net/",
        },
        gone=(200, 204),
    ),
    Resource(
        VAULT,
        "2026-02-01",
        {
            "location": "westeurope",
            "tags": {},
            "properties": {
                "accessPolicies": [], "createMode": "default", "enableRbacAuthorization": True,
                "enableSoftDelete": True, "enabledForDeployment": False, "enabledForDiskEncryption": False,
                "enabledForTemplateDeployment": False, "publicNetworkAccess": "Disabled",
                "sku": {"family": "A", "name": "standard"}, "tenantId": TENANT_ID,
            },
        },
        (200, 201),
        {
            "location": "westeurope", "properties.vaultUri": "https://kv-one.vault.azure.net/",
            "properties.tenantId": TENANT_ID, "properties.sku.name": "standard",
            "properties.enableRbacAuthorization": True, "properties.publicNetworkAccess": "Disabled",
        },
        absent=("properties.createMode", "properties.enablePurgeProtection"),
        gone=(200,),
    ),
    Resource(
        LOGS,
        "2025-07-01",
        {
            "location": "westeurope",
            "name": "logs-one",
            "tags": {},
            "properties": {
                "features": {"disableLocalAuth": False, "enableLogAccessUsingOnlyResourcePermissions": True},
                "publicNetworkAccessForIngestion": "Enabled", "publicNetworkAccessForQuery": "Enabled",
                "retentionInDays": 30, "sku": {"name": "PerGB2018"}, "workspaceCapping": {"dailyQuotaGb": -1},
            },
        },
        (200, 201, 202),
        {
            "location": "westeurope", "properties.retentionInDays": 30, "properties.sku.name": "PerGB2018",
            "properties.features.enableLogAccessUsingOnlyResourcePermissions": True, "properties.customerId": ...,
            "properties.publicNetworkAccessForIngestion": "Enabled",
            "properties.publicNetworkAccessForQuery": "Enabled", "properties.workspaceCapping.dailyQuotaGb": -1,
        },
        query="?api-version=2020-08-01&force=false",
    ),
    Resource(
        INSIGHTS,
        "2020-02-02",
        {
            "kind": "web",
            "location": "westeurope",
            "name": "insights-one",
            "tags": {},
            "properties": {
                "ApplicationId": "insights-one", "Application_Type": "web", "DisableIpMasking": False,
                "DisableLocalAuth": False, "ForceCustomerStorageForProfiler": False, "RetentionInDays": 90,
                "SamplingPercentage": 100, "WorkspaceResourceId": LOGS,
                "publicNetworkAccessForIngestion": "Enabled", "publicNetworkAccessForQuery": "Enabled",
            },
        },
        (200,),
        {
            "id": INSIGHTS, "location": "westeurope", "properties.Application_Type": "web",
            "properties.SamplingPercentage": 100, "properties.RetentionInDays": 90,
            "properties.WorkspaceResourceId": LOGS, "properties.InstrumentationKey": ..., "properties.AppId": ...,
            "properties.publicNetworkAccessForIngestion": "Enabled",
            "properties.publicNetworkAccessForQuery": "Enabled",
        },
        gone=(200, 204),
    ),
    Resource(
        WORKSPACE,
        "2025-06-01",
        {
            "kind": "Default",
            "location": "westeurope",
            "sku": {"name": "Basic", "tier": "Basic"},
            "name": "ws-one",
            "identity": SYSTEM,
            "tags": {},
            "properties": {
                "applicationInsights": INSIGHTS, "enableServiceSideCMKEncryption": False, "keyVault": VAULT,
                "provisionNetworkNow": False, "publicNetworkAccess": "Enabled", "storageAccount": STORAGE,
                "systemDatastoresAuthMode": "AccessKey", "v1LegacyMode": False,
            },
        },
        (200, 202),
        {
            "kind": "Default", "location": "westeurope", "sku.name": "Basic", "sku.tier": "Basic",
            "identity.type": "SystemAssigned", "identity.principalId": ..., "properties.keyVault": VAULT,
            "properties.storageAccount": STORAGE, "properties.applicationInsights": INSIGHTS,
            "properties.publicNetworkAccess": "Enabled", "properties.workspaceId": ..., "properties.discoveryUrl": ...,
            "properties.systemDatastoresAuthMode": "accessKey",
        },
        absent=("properties.friendlyName", "properties.containerRegistry", "properties.imageBuildCompute"),
        query="?api-version=2025-06-01&forceToPurge=true",
    ),
    Resource(
        COMPUTE,
        "2025-06-01",
        {
            "location": "westeurope",
            "identity": SYSTEM,
            "sku": {"name": "Basic", "tier": "Basic"},
            "tags": {},
            "properties": {
                "computeLocation": "westeurope", "computeType": "AmlCompute", "description": "",
                "disableLocalAuth": False,
                "properties": {
                    "enableNodePublicIp": True, "remoteLoginPortPublicAccess": "Disabled",
                    "scaleSettings": SCALE, "vmPriority": "Dedicated", "vmSize": "STANDARD_DS3_V2",
                },
            },
        },
        (200, 201),
        {
            "properties.computeType": "AmlCompute", "properties.properties.vmSize": "STANDARD_DS3_V2",
            "properties.properties.vmPriority": "Dedicated", "properties.properties.scaleSettings": SCALE,
            "properties.properties.remoteLoginPortPublicAccess": "Disabled",
        },
        query="?api-version=2025-06-01&underlyingResourceAction=Delete",
    ),
)  # fmt: skip


def member(body: Any, path: str) -> Any:
    """A member by its dotted path; None if it is not there."""
    for name in path.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body


def put(azure: Azure, resource: Resource) -> dict[str, Any]:
    """Send the PUT as the provider does, wait, and hold the answer to what it insists on."""
    answer = azure.arm("PUT", resource.path, resource.body, api=resource.api)
    assert answer.status in resource.made, answer
    if answer.status == 202 and not {"azure-asyncoperation", "location"} & set(answer.headers):
        raise AssertionError("the provider wants to be told where the operation is")
    azure.wait()
    found: dict[str, Any] = azure.arm("GET", resource.path, api=resource.api).body
    wrong = {
        path: member(found, path)
        for path, value in resource.insists.items()
        if member(found, path) != value and (value is not ... or not member(found, path))
    }
    assert wrong == {}, resource.path
    assert [path for path in resource.absent if member(found, path) is not None] == []
    return found


@pytest.fixture
def stack(azure: Azure) -> Azure:
    """The seven resources, each made as the provider makes it: it looks first that there is none."""
    for resource in RESOURCES:
        assert azure.arm("GET", resource.path, api=resource.api).status == 404
        if resource.path == VAULT:
            gone = azure.arm("GET", WEST, api="2026-02-01")
            assert (gone.status, gone.code) == (404, "DeletedVaultNotFound")
        if resource.path == LOGS:
            assert azure.arm("GET", DELETED_LOGS, api="2025-07-01").body == {"value": []}
            put(azure, resource)  # it sends this one twice
        put(azure, resource)
    return azure


def test_a_second_put_of_the_same_changes_nothing(stack: Azure) -> None:
    for resource in RESOURCES:
        before = stack.arm("GET", resource.path, api=resource.api).body
        put(stack, resource)
        assert stack.arm("GET", resource.path, api=resource.api).body == before


def test_what_it_reads_beside_the_resources(stack: Azure) -> None:
    keys = stack.arm("POST", f"{STORAGE}/listKeys", api="2025-08-01", **{"$expand": "kerb"})
    assert (keys.status, [each["keyName"] for each in keys.body["keys"]]) == (200, ["key1", "key2"])
    for service in ("blobServices", "fileServices"):
        assert stack.arm("GET", f"{STORAGE}/{service}/default", api="2025-08-01").status == 200
    shared = stack.arm("POST", f"{LOGS}/sharedKeys", api="2020-08-01")
    assert shared.status == 200 and shared.body["primarySharedKey"] and shared.body["secondarySharedKey"]

    features = f"{INSIGHTS}/currentBillingFeatures"
    read = stack.arm("GET", features, api="2015-05-01").body
    assert read["DataVolumeCap"]["Cap"] == 100
    read["DataVolumeCap"] |= {"Cap": 5, "StopSendNotificationWhenHitCap": False}
    assert stack.arm("PUT", features, read, api="2015-05-01").status == 200
    assert stack.arm("GET", features, api="2015-05-01").body["DataVolumeCap"]["Cap"] == 5


def test_what_it_changes(stack: Azure) -> None:
    """It sends back the whole that it has read, with what is new in it; a group and a vault it patches."""
    tags = {"stack": "two"}
    for resource in RESOURCES:
        if resource.path in (RG, VAULT):
            patch = {"tags": tags} if resource.path == RG else {"tags": tags, "properties": {}}
            answer = stack.arm("PATCH", resource.path, patch, api=resource.api)
            assert answer.status in (200, 201), answer
        else:
            body = {**stack.arm("GET", resource.path, api=resource.api).body, "tags": tags}
            if resource.path == COMPUTE:
                body["properties"]["properties"]["scaleSettings"]["maxNodeCount"] = 3
            answer = stack.arm("PUT", resource.path, body, api=resource.api)
            assert answer.status in (*resource.made, 200), answer
        stack.wait()
        assert stack.arm("GET", resource.path, api=resource.api).body["tags"] == tags
    found = stack.arm("GET", COMPUTE, api="2025-06-01").body
    assert member(found, "properties.properties.scaleSettings.maxNodeCount") == 3


def test_how_it_deletes_and_that_the_names_are_free(stack: Azure) -> None:
    for resource in reversed(RESOURCES):
        asked = resource.query or f"?api-version={resource.api}"
        answer = stack.arm("DELETE", f"{resource.path}{asked}")
        assert answer.status in resource.gone, answer
        stack.wait()
        assert stack.arm("GET", resource.path, api=resource.api).status == 404, "it asks until this is so"
        if resource.path == VAULT:
            purged = stack.arm("POST", f"{WEST}/purge", api="2026-02-01")
            assert purged.status in (200, 202) and "location" in purged.headers
            stack.wait()
            assert stack.arm("GET", WEST, api="2026-02-01").status == 404
    for resource in RESOURCES:
        put(stack, resource)


def test_roles(stack: Azure) -> None:
    """A definition is answered with 201 alone, by each PUT; an assignment is looked for by its role's name first."""
    properties = {
        "roleName": "Scorer", "type": "CustomRole", "assignableScopes": [RG],
        "permissions": [{"actions": ["Microsoft.MachineLearningServices/workspaces/read"], "notActions": []}],
    }  # fmt: skip
    preview = "2022-05-01-preview"
    assert stack.arm("GET", ROLE, api=preview).status == 404
    made = stack.arm("PUT", ROLE, {"properties": properties}, api=preview)
    of_subscription = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/"
    assert (made.status, made.body["id"]) == (201, f"{of_subscription}{made.body['name']}")
    changed = {**properties, "description": "who scores"}
    assert stack.arm("PUT", ROLE, {"properties": changed}, api=preview).status == 201
    read = stack.arm("GET", ROLE, api=preview).body["properties"]
    assert {name: read[name] for name in ("roleName", "description", "assignableScopes")} == {
        "roleName": "Scorer", "description": "who scores", "assignableScopes": [RG],
    }  # fmt: skip

    listed = f"{STORAGE}/providers/Microsoft.Authorization/roleDefinitions?$filter=roleName eq 'Reader'"
    [reader] = stack.arm("GET", listed, api="2022-05-01-preview").body["value"]
    principal = stack.arm("GET", WORKSPACE, api="2025-06-01").body["identity"]["principalId"]
    wanted = {"roleDefinitionId": reader["id"], "principalId": principal}
    assert stack.arm("PUT", GIVEN, {"properties": wanted}, api="2022-04-01").status in (200, 201)
    given = stack.arm("GET", GIVEN, api="2022-04-01").body
    told = given["properties"]
    assert (given["id"], told["scope"], told["principalType"]) == (GIVEN, STORAGE, "ServicePrincipal")
    assert told["roleDefinitionId"] == f"{of_subscription}{reader['name']}"
    assert stack.arm("GET", told["roleDefinitionId"], api=preview).body["properties"]["roleName"] == "Reader"
    for path, api in ((GIVEN, "2022-04-01"), (ROLE, preview)):
        assert stack.arm("DELETE", path, api=api).status in (200, 204)
        assert stack.arm("GET", path, api=api).status == 404
