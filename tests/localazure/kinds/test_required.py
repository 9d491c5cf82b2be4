"""Members without which Azure makes nothing (Azure/azure-rest-api-specs: `required` of each resource's definition)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.localazure.control import BLUE, BODIES, CHAIN, ENDPOINT, Azure
from tests.localazure.made import MADE, ML, OTHERS, build

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
