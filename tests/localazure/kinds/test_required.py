"""Members without which Azure makes nothing (Azure/azure-rest-api-specs: `required` of each resource's definition)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.localazure.control import BLUE, BODIES, CHAIN, ENDPOINT, Azure
from tests.localazure.made import GUID, MADE, ML, OTHERS, build

# Type, the kind of body where there are several, the member. Microsoft.MachineLearningServices 2025-12-01: Datastore
# and its credentials, CodeContainer and its like, DataContainer. KeyVault 2024-11-01: Sku. Consumption 2024-08-01:
# BudgetProperties and Notification.
_NEEDED = [
    (f"{ML}/datastores", "AzureFile", "properties.accountName"),
    (f"{ML}/datastores", "AzureFile", "properties.fileShareName"),
    (f"{ML}/datastores", "AzureDataLakeGen2", "properties.accountName"),
    (f"{ML}/datastores", "AzureDataLakeGen2", "properties.filesystem"),
    (f"{ML}/datastores", "AzureDataLakeGen2", "properties.credentials.clientId"),
    (f"{ML}/datastores", "AzureDataLakeGen2", "properties.credentials.tenantId"),
    (f"{ML}/codes", "", "properties"),
    (f"{ML}/environments", "", "properties"),
    (f"{ML}/data", "", "properties"),
    (f"{ML}/data", "", "properties.dataType"),
    (f"{ML}/models", "", "properties"),
    ("Microsoft.KeyVault/vaults", "", "properties.sku.family"),
    ("Microsoft.Consumption/budgets", "", "properties.category"),
    ("Microsoft.Consumption/budgets", "", "properties.notifications.one.enabled"),
]


@pytest.mark.parametrize(("type_", "other", "way"), _NEEDED, ids=lambda each: str(each).rpartition("/")[2])
def test_a_body_without_what_azure_requires(azure: Azure, type_: str, other: str, way: str) -> None:
    build(azure)
    path, body = OTHERS[type_, other] if other else MADE[type_]
    lacking: dict[str, Any] = copy.deepcopy(body)
    *ways, last = way.split(".")
    within = lacking
    for name in ways:
        within = within[name]
    del within[last]
    refused = azure.arm("PUT", path, lacking)
    assert (refused.status, last in refused.message) == (400, True), refused
    assert azure.arm("GET", path).status == 404
    assert azure.arm("PUT", path, body).status in (200, 201, 202)


# A member inside of which Azure requires one that is not said, and that one (`data/members.json` marks them).
_INSIDE: list[tuple[str, str, Any, str]] = [
    ("Microsoft.Storage/storageAccounts", "sasPolicy", {"expirationAction": "Log"}, "sasExpirationPeriod"),
    ("Microsoft.Storage/storageAccounts", "keyPolicy", {}, "keyExpirationPeriodInDays"),
    ("Microsoft.Storage/storageAccounts/blobServices", "cors", {"corsRules": [{"allowedOrigins": ["*"]}]}, "corsRules"),
    ("Microsoft.KeyVault/vaults", "accessPolicies", [{"tenantId": GUID, "objectId": GUID}], "permissions"),
    ("Microsoft.KeyVault/vaults", "accessPolicies", [{"objectId": GUID, "permissions": {}}], "tenantId"),
    ("Microsoft.Insights/diagnosticSettings", "metrics", [{"category": "AllMetrics"}], "enabled"),
    ("Microsoft.Consumption/budgets", "filter", {"dimensions": {"name": "ResourceId", "values": ["a"]}}, "operator"),
    (f"{ML}/environments/versions", "inferenceConfig", {"livenessRoute": {"path": "/"}}, "livenessRoute.port"),
]


@pytest.mark.parametrize(("type_", "member", "value", "lacks"), _INSIDE, ids=lambda each: str(each)[:40])
def test_an_object_without_what_azure_requires_of_it(
    azure: Azure, type_: str, member: str, value: Any, lacks: str
) -> None:
    """Storage 2024-01-01, KeyVault 2024-11-01, Insights 2021-05-01-preview, Consumption 2024-08-01,
    MachineLearningServices 2025-12-01. Not what the specification gives a default: `networkAcls.defaultAction`.
    """
    build(azure)
    path, body = MADE[type_]
    lacking = {**body, "properties": {**body.get("properties", {}), member: value}}
    before = azure.arm("GET", path)
    refused = azure.arm("PUT", path, lacking)
    assert (refused.status, refused.code, lacks in refused.message) == (400, "InvalidRequestContent", True), refused
    assert azure.arm("GET", path).body.get("properties") == before.body.get("properties")


@pytest.mark.parametrize("path", [ENDPOINT, BLUE], ids=["endpoint", "deployment"])
def test_what_is_tracked_says_where_it_is_made(azure: Azure, path: str) -> None:
    """Resource Manager's rule for what is tracked: OnlineEndpoint, OnlineDeployment (2025-12-01). A change need not."""
    azure.make(*CHAIN[:6], *((ENDPOINT,) if path == BLUE else ()))
    nowhere = {name: value for name, value in BODIES[path].items() if name != "location"}
    refused = azure.arm("PUT", path, nowhere)
    assert (refused.status, refused.code) == (400, "LocationRequired")
    assert azure.arm("PUT", path, BODIES[path]).status == 201
    azure.wait()
    assert azure.arm("PUT", path, nowhere).status in (200, 201)
