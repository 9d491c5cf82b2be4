"""A resource of each kind: where one can be made, and the least that makes it."""

from __future__ import annotations

import json
from typing import Any

from tests.localazure.control import (
    BODIES,
    CHAIN,
    COMPUTE,
    DEVELOPER,
    INSIGHTS,
    LOGS,
    NETWORK,
    PRIVATE_ENDPOINT,
    RG,
    STORAGE,
    SUB,
    SUBNET,
    VAULT,
    WORKSPACE,
    ZONE,
    Azure,
)
from tests.localazure.remembered import remembered

ML = "Microsoft.MachineLearningServices/workspaces"
IDENTITY = f"{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/someone"
REGISTRY = f"{RG}/providers/Microsoft.ContainerRegistry/registries/registry1"
INSTANCE = f"{WORKSPACE}/computes/instance1"
CLOSED = f"{WORKSPACE}-closed"
HOST = {"type": "FQDN", "category": "UserDefined", "destination": "example.com"}
GUID = "11111111-2222-3333-4444-555555555555"
BLOB = "https://stacct1.blob.core.windows.net/some-container"
FILE = f"azureml:/{WORKSPACE}/datastores/workspaceblobstore/paths/a/b"
STORE = {"accountName": "stacct1", "containerName": "azureml", "credentials": {"credentialsType": "AccountKey"}}
DAYS = {"startDate": "2031-01-01T00:00:00Z", "endDate": "2032-01-01T00:00:00Z"}
NOTICE = {"enabled": True, "operator": "GreaterThan", "threshold": 80, "contactEmails": ["a@example.com"]}
ROLE = {"roleName": "mine", "assignableScopes": [SUB], "permissions": [{"actions": ["*/read"]}]}
READER = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"

GROUP = f"{RG}/providers/Microsoft.Network/networkSecurityGroups/nsg-one"
RULE = {
    "name": "in",
    "properties": {
        "protocol": "Tcp", "access": "Allow", "direction": "Inbound", "priority": 100, "sourcePortRange": "*",
        "destinationPortRange": "443", "sourceAddressPrefix": "*", "destinationAddressPrefix": "*",
    },
}  # fmt: skip
DELEGATED = {"delegations": [{"name": "one", "properties": {"serviceName": "Microsoft.Web/serverFarms"}}]}
TEMPLATE = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "resources": [
        {
            "type": "Microsoft.ManagedIdentity/userAssignedIdentities", "apiVersion": "2023-01-31",
            "name": "templated", "location": "westeurope",
        }
    ],
}  # fmt: skip
DEPLOYED = (
    f"{RG}/providers/Microsoft.Resources/deployments/deployment1",
    {"properties": {"mode": "Incremental", "template": TEMPLATE}},
)

# Type -> a path of its own, and the least that makes it there; `` at the path of a kind that is told apart by a word.
MADE: dict[str, tuple[str, dict[str, Any]]] = {
    "Microsoft.Resources/resourceGroups": (f"{SUB}/resourceGroups/other", {"location": "westeurope"}),
    "Microsoft.Authorization/roleDefinitions": (
        f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{GUID}",
        {"properties": ROLE},
    ),
    "Microsoft.Authorization/roleAssignments": (
        f"{RG}/providers/Microsoft.Authorization/roleAssignments/{GUID}",
        {"properties": {"roleDefinitionId": READER, "principalId": DEVELOPER}},
    ),
    "Microsoft.Authorization/locks": (
        f"{STORAGE}/providers/Microsoft.Authorization/locks/lock1",
        {"properties": {"level": "CanNotDelete"}},
    ),
    "Microsoft.Consumption/budgets": (
        f"{RG}/providers/Microsoft.Consumption/budgets/budget1",
        {
            "properties": {
                "category": "Cost", "amount": 5, "timeGrain": "Monthly", "timePeriod": DAYS,
                "notifications": {"one": NOTICE},
            }
        },
    ),
    "Microsoft.Insights/diagnosticSettings": (
        f"{VAULT}/providers/Microsoft.Insights/diagnosticSettings/setting1",
        {"properties": {"workspaceId": LOGS, "logs": [{"category": "AuditEvent", "enabled": True}]}},
    ),
    "Microsoft.ManagedIdentity/userAssignedIdentities": (f"{IDENTITY}2", {"location": "westeurope"}),
    "Microsoft.Storage/storageAccounts": (f"{STORAGE}new", BODIES[STORAGE]),
    "Microsoft.Storage/storageAccounts/blobServices": (f"{STORAGE}/blobServices/default", {"properties": {}}),
    "Microsoft.Storage/storageAccounts/fileServices": (f"{STORAGE}/fileServices/default", {"properties": {}}),
    "Microsoft.Storage/storageAccounts/fileServices/shares": (
        f"{STORAGE}/fileServices/default/shares/share1", {"properties": {}},
    ),
    "Microsoft.Storage/storageAccounts/blobServices/containers": (
        f"{STORAGE}/blobServices/default/containers/container1",
        {"properties": {}},
    ),
    "Microsoft.KeyVault/vaults": (f"{VAULT}-new", BODIES[VAULT]),
    "Microsoft.KeyVault/vaults/keys": (f"{VAULT}/keys/key1", {"properties": {"kty": "RSA"}}),
    "Microsoft.OperationalInsights/workspaces": (f"{LOGS}-new", BODIES[LOGS]),
    "Microsoft.Insights/components": (f"{INSIGHTS}-new", BODIES[INSIGHTS]),
    "Microsoft.ContainerRegistry/registries": (
        f"{REGISTRY}new",
        {"location": "westeurope", "sku": {"name": "Premium"}},
    ),
    "Microsoft.ContainerRegistry/registries/replications": (
        f"{REGISTRY}/replications/northeurope", {"location": "northeurope"},
    ),
    "Microsoft.Network/virtualNetworks": (
        f"{NETWORK}-new",
        {
            "location": "westeurope",
            "properties": {
                "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
                "subnets": [{"name": "one", "properties": {"addressPrefix": "10.0.0.0/24", **DELEGATED}}],
            },
        },
    ),
    "Microsoft.Network/virtualNetworks/subnets": (
        f"{NETWORK}/subnets/new", {"properties": {"addressPrefix": "10.0.2.0/24", **DELEGATED}},
    ),
    "Microsoft.Network/networkSecurityGroups": (
        f"{RG}/providers/Microsoft.Network/networkSecurityGroups/nsg-new",
        {"location": "westeurope", "properties": {"securityRules": [RULE]}},
    ),
    "Microsoft.Network/privateDnsZones": (ZONE.replace("blob", "file"), BODIES[ZONE]),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": (
        f"{ZONE}/virtualNetworkLinks/link1",
        {"location": "global", "properties": {"virtualNetwork": {"id": NETWORK}}},
    ),
    "Microsoft.Network/privateDnsZones/A": (
        f"{ZONE}/A/record1", {"properties": {"aRecords": [{"ipv4Address": "10.0.1.9"}]}},
    ),
    "Microsoft.Network/privateEndpoints": (f"{PRIVATE_ENDPOINT}-new", BODIES[PRIVATE_ENDPOINT]),
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": (
        f"{PRIVATE_ENDPOINT}/privateDnsZoneGroups/default",
        {"properties": {"privateDnsZoneConfigs": [{"name": "one", "properties": {"privateDnsZoneId": ZONE}}]}},
    ),
    ML: (f"{WORKSPACE}-new", BODIES[WORKSPACE]),
    f"{ML}/datastores": (f"{WORKSPACE}/datastores/store1", {"properties": {"datastoreType": "AzureBlob", **STORE}}),
    f"{ML}/computes": (f"{WORKSPACE}/computes/other-one", BODIES[COMPUTE]),
    f"{ML}/outboundRules": (f"{CLOSED}/outboundRules/rule1", {"properties": HOST}),
    f"{ML}/codes": (f"{WORKSPACE}/codes/code1", {"properties": {}}),
    f"{ML}/codes/versions": (f"{WORKSPACE}/codes/code1/versions/1", {"properties": {"codeUri": f"{BLOB}/a"}}),
    f"{ML}/environments": (f"{WORKSPACE}/environments/env1", {"properties": {}}),
    f"{ML}/environments/versions": (
        f"{WORKSPACE}/environments/env1/versions/1",
        {"properties": {"image": "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04"}},
    ),
    f"{ML}/data": (f"{WORKSPACE}/data/data1", {"properties": {"dataType": "uri_file"}}),
    f"{ML}/data/versions": (
        f"{WORKSPACE}/data/data1/versions/1",
        {"properties": {"dataUri": FILE, "dataType": "uri_file"}},
    ),
    f"{ML}/models": (f"{WORKSPACE}/models/model1", {"properties": {}}),
    f"{ML}/models/versions": (f"{WORKSPACE}/models/model1/versions/1", {"properties": {"modelUri": FILE}}),
}  # fmt: skip
# Those whose bodies are of several kinds: the type, the constant's value -> the body.
OTHERS: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {
    (f"{ML}/computes", "ComputeInstance"): (
        INSTANCE,
        {"properties": {"computeType": "ComputeInstance", "properties": {"vmSize": "STANDARD_DS3_V2"}}},
    ),
    (f"{ML}/datastores", "AzureFile"): (
        f"{WORKSPACE}/datastores/store2",
        {
            "properties": {
                "datastoreType": "AzureFile", "accountName": "stacct1", "fileShareName": "share",
                "credentials": {"credentialsType": "AccountKey"},
            }
        },
    ),
    (f"{ML}/datastores", "AzureDataLakeGen2"): (
        f"{WORKSPACE}/datastores/store3",
        {
            "properties": {
                "datastoreType": "AzureDataLakeGen2", "accountName": "stacct1", "filesystem": "files",
                "credentials": {"credentialsType": "ServicePrincipal", "clientId": GUID, "tenantId": GUID},
            }
        },
    ),
    (f"{ML}/data/versions", "mltable"): (
        f"{WORKSPACE}/data/data2/versions/1",
        {"properties": {"dataUri": FILE, "dataType": "mltable"}},
    ),
    (f"{ML}/data/versions", "uri_folder"): (
        f"{WORKSPACE}/data/data3/versions/1",
        {"properties": {"dataUri": FILE, "dataType": "uri_folder"}},
    ),
}  # fmt: skip


def build(azure: Azure) -> None:
    """Make all that those below link or stand on."""
    remembered(azure, "all that is linked", lambda: _build(azure))


def _build(azure: Azure) -> None:
    azure.make(*CHAIN, NETWORK, SUBNET, ZONE, PRIVATE_ENDPOINT)
    assert azure.arm("PUT", GROUP, {"location": "westeurope"}).status == 201
    network = {"managedNetwork": {"isolationMode": "AllowOnlyApprovedOutbound"}}
    closed = {**BODIES[WORKSPACE], "properties": {**BODIES[WORKSPACE]["properties"], **network}}
    for path, body in (
        (CLOSED, closed),
        (IDENTITY, {"location": "westeurope"}),
        (REGISTRY, {"location": "westeurope", "sku": {"name": "Premium"}}),
    ):
        assert azure.arm("PUT", path, body).status in (200, 201, 202)
    azure.blob("some-container", "a/file")
    blobs = azure.arm("GET", f"{WORKSPACE}/datastores/workspaceblobstore").body["properties"]["containerName"]
    azure.blob(blobs, "a/b")
    azure.wait()


def own(azure: Azure, body: Any) -> Any:
    """A body in which the developer has its object id."""
    return json.loads(json.dumps(body).replace(DEVELOPER, azure.who(DEVELOPER).object_id))
