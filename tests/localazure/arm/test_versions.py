"""Resource Manager takes the api-versions that Azure lists for a type, and refuses others in Azure's words.

Every refusal is written here by hand, from the issues that `localazure/arm/versions.py` names and from Microsoft's own
index of types; where lists are long, a type with a short one stands for all.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from azmlflow.localazure.kinds import KINDS
from azmlflow.resourcetypes import table
from tests.localazure.control import (
    ALICE,
    BODIES,
    CHAIN,
    COMPUTE,
    INSIGHTS,
    LOGS,
    PROVIDERS,
    RG,
    STORAGE,
    SUB,
    VAULT,
    WORKSPACE,
    Azure,
)

OLD = "1999-01-01"
REGIONS = "westeurope, northeurope, eastus, eastus2, westus2, uksouth, swedencentral, germanywestcentral"
# Azure/azure-cli issue 31964, as Azure answered.
OWN = (
    "2025-04-01,2025-03-01,2024-10-01-preview,2024-11-01,2024-08-01,2024-07-01,2024-06-01-preview,2024-03-01,2023-07-01,"
    "2023-07-01-preview,2023-03-01-preview,2022-12-01,2022-11-01-preview,2022-09-01,2022-06-01,2022-05-01,"
    "2022-03-01-preview,2022-01-01,2021-04-01,2021-01-01,2020-10-01,2020-09-01,2020-08-01,2020-07-01,2020-06-01,"
    "2020-05-01,2020-01-01,2019-11-01,2019-10-01,2019-09-01,2019-08-01,2019-07-01,2019-06-01,2019-05-10,2019-05-01,"
    "2019-03-01,2018-11-01,2018-09-01,2018-08-01,2018-07-01,2018-06-01,2018-05-01,2018-02-01,2018-01-01,2017-12-01,"
    "2017-08-01,2017-06-01,2017-05-10,2017-05-01,2017-03-01,2016-09-01,2016-07-01,2016-06-01,2016-02-01,2015-11-01,"
    "2015-01-01,2014-04-01-preview,2014-04-01,2014-01-01,2013-03-01,2014-02-26,2014-04"
)
CONTAINERS = (
    "2018-02-01, 2018-03-01-preview, 2018-07-01, 2018-11-01, 2019-04-01, 2019-06-01, 2020-08-01-preview, 2021-01-01, "
    "2021-02-01, 2021-04-01, 2021-06-01, 2021-08-01, 2021-09-01, 2022-05-01, 2022-09-01, 2023-01-01, 2023-04-01, "
    "2023-05-01, 2024-01-01, 2025-01-01, 2025-06-01, 2025-08-01, 2026-04-01, 2026-09-01"
)
DELETED_VAULTS = (
    "2016-10-01, 2018-02-14, 2018-02-14-preview, 2019-09-01, 2020-04-01-preview, 2021-04-01-preview, "
    "2021-06-01-preview, 2021-10-01, 2021-11-01-preview, 2022-02-01-preview, 2022-07-01, 2022-11-01, 2023-02-01, "
    "2023-07-01, 2024-04-01-preview, 2024-11-01, 2024-12-01-preview, 2025-05-01, 2026-02-01, 2026-03-01-preview"
)
COMPONENTS = "2015-05-01, 2018-05-01-preview, 2020-02-02, 2020-02-02-preview"
LOCK = "Microsoft.Authorization/locks"


def error(code: str, message: str) -> dict[str, dict[str, str]]:
    return {"error": {"code": code, "message": message}}


def elsewhere(location: str, type_: str, versions: str, version: str = OLD) -> dict[str, dict[str, str]]:
    return error(
        "NoRegisteredProviderFound",
        f"No registered resource provider found for location '{location}' and API version '{version}' for type "
        f"'{type_}'. The supported api-versions are '{versions}'. The supported locations are '{REGIONS}'.",
    )


def unknown(namespace: str, type_: str, versions: str, version: str = OLD) -> dict[str, dict[str, str]]:
    return error(
        "InvalidResourceType",
        f"The resource type '{type_}' could not be found in the namespace '{namespace}' for api version '{version}'. "
        f"The supported api-versions are '{versions}'.",
    )


@pytest.mark.parametrize("path", ["/subscriptions", RG, STORAGE, "/nowhere"])
def test_a_request_without_a_version(azure: Azure, path: str) -> None:
    answer = azure.arm("GET", path, api=None)
    assert answer.status == 400
    assert answer.body == error(
        "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests."
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/tenants"),
        ("GET", "/subscriptions"),
        ("GET", SUB),
        ("GET", f"{SUB}/locations"),
        ("GET", f"{SUB}/resources"),
        ("GET", f"{SUB}/resourceGroups"),
        ("PUT", RG),
        ("GET", f"{RG}/resources"),
        ("GET", PROVIDERS),
        ("GET", f"{PROVIDERS}/Microsoft.Storage"),
        ("POST", f"{PROVIDERS}/Microsoft.Storage/register"),
        ("GET", f"{SUB}/operationresults/none"),
    ],
)
@pytest.mark.parametrize("version", [OLD, "2024-03-02", "2024-03"])
def test_what_resource_manager_answers_itself(azure: Azure, method: str, path: str, version: str) -> None:
    answer = azure.arm(method, path, BODIES[RG] if method == "PUT" else None, api=version)
    message = f"The api-version '{version}' is invalid. The supported versions are '{OWN}'."
    assert (answer.status, answer.body) == (400, error("InvalidApiVersionParameter", message))


@pytest.mark.parametrize("path", [RG, STORAGE, f"{SUB}/providers/{LOCK}"])
def test_a_version_that_is_no_date(azure: Azure, path: str) -> None:
    answer = azure.arm("GET", path, api="latest")
    message = f"The api-version 'latest' is invalid. The supported versions are '{OWN}'."
    assert (answer.status, answer.body) == (400, error("InvalidApiVersionParameter", message))


@pytest.mark.parametrize("version", [OLD, "2020-02", "2020-02-02-privatepreview"])
def test_a_resource_that_stands(azure: Azure, version: str) -> None:
    azure.make(RG, LOGS, INSIGHTS)
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        answer = azure.arm(method, INSIGHTS, {} if method.startswith("P") else None, api=version)
        assert (answer.status, answer.body) == (400, elsewhere("westeurope", "components", COMPONENTS, version))
    assert azure.arm("GET", INSIGHTS).status == 200


def test_a_resource_that_is_being_made(azure: Azure) -> None:
    azure.make(RG)
    answer = azure.arm("PUT", INSIGHTS, {**BODIES[INSIGHTS], "location": "UK South"}, api=OLD)
    assert (answer.status, answer.body) == (400, elsewhere("uksouth", "components", COMPONENTS))
    assert azure.arm("GET", INSIGHTS).status == 404


def test_what_stands_below_a_resource(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    below = f"{STORAGE}/blobServices/default/containers"
    for method, path in (("GET", below), ("PUT", f"{below}/one")):
        answer = azure.arm(method, path, {} if method == "PUT" else None, api=OLD)
        expected = elsewhere("westeurope", "storageAccounts/blobServices/containers", CONTAINERS)
        assert (answer.status, answer.body) == (400, expected)


def test_what_a_path_puts_into_a_region(azure: Azure) -> None:
    deleted = f"{PROVIDERS}/Microsoft.KeyVault/locations/northeurope/deletedVaults/kv-one"
    for method, path in (("GET", deleted), ("POST", f"{deleted}/purge")):
        answer = azure.arm(method, path, api=OLD)
        expected = elsewhere("northeurope", "locations/deletedVaults", DELETED_VAULTS)
        assert (answer.status, answer.body) == (400, expected)


@pytest.mark.parametrize("place", [SUB, RG])
def test_lists_have_no_place(azure: Azure, place: str) -> None:
    azure.make(RG, LOGS, INSIGHTS)
    answer = azure.arm("GET", f"{place}/providers/Microsoft.Insights/components", api=OLD)
    expected = unknown(
        "Microsoft.Insights", "components", "2015-05-01,2018-05-01-preview,2020-02-02,2020-02-02-preview"
    )
    assert (answer.status, answer.body) == (404, expected)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        (
            "GET",
            f"{RG}/providers/{LOCK}",
            unknown("Microsoft.Authorization", "locks", "2015-01-01,2016-09-01,2017-04-01,2020-05-01"),
        ),
        (
            "PUT",
            f"{STORAGE}/providers/{LOCK}/one",
            unknown("Microsoft.Authorization", "locks", "2015-01-01,2016-09-01,2017-04-01,2020-05-01"),
        ),
        (
            "GET",
            f"{RG}/providers/Microsoft.Authorization/permissions",
            unknown(
                "Microsoft.Authorization", "permissions", "2015-07-01,2018-01-01-preview,2022-04-01,2022-05-01-preview"
            ),
        ),
        (
            "GET",
            f"{STORAGE}/providers/Microsoft.Insights/metrics",
            unknown(
                "Microsoft.Insights",
                "metrics",
                "2016-09-01,2017-05-01-preview,2018-01-01,2019-07-01,2021-05-01,2023-10-01,2024-02-01",
            ),
        ),
        (
            "GET",
            f"{PROVIDERS}/Microsoft.KeyVault/deletedVaults",
            unknown("Microsoft.KeyVault", "deletedVaults", DELETED_VAULTS.replace(", ", ",")),
        ),
        (
            "POST",
            f"{PROVIDERS}/Microsoft.KeyVault/checkNameAvailability",
            unknown("Microsoft.KeyVault", "checkNameAvailability", DELETED_VAULTS.replace(", ", ",")),
        ),
        # A resource that is not there has no place either.
        (
            "GET",
            f"{RG}/providers/Microsoft.Insights/components/none",
            unknown("Microsoft.Insights", "components", COMPONENTS.replace(", ", ",")),
        ),
    ],
)
def test_what_has_no_place(azure: Azure, method: str, path: str, expected: dict[str, dict[str, str]]) -> None:
    azure.make(RG, STORAGE)
    answer = azure.arm(method, path, {} if method == "PUT" else None, api=OLD)
    assert (answer.status, answer.body) == (404, expected)


def test_where_a_resource_is_nobody_learns_who_may_not_read_it(azure: Azure) -> None:
    azure.make(RG, LOGS, INSIGHTS)
    standing = azure.arm("GET", INSIGHTS, api=OLD, who=ALICE)
    assert (standing.status, standing.code) == (404, "InvalidResourceType")
    assert azure.arm("DELETE", INSIGHTS).status in (200, 202)
    azure.wait()
    assert azure.arm("GET", INSIGHTS, api=OLD, who=ALICE).body == standing.body


def test_the_outcome_of_an_operation_is_told_in_every_version_of_its_provider(azure: Azure) -> None:
    azure.make(RG)
    accepted = azure.arm("PUT", STORAGE, BODIES[STORAGE])
    path = accepted.headers["location"].partition("?")[0].removeprefix("https://management.azure.com")
    assert azure.arm("GET", path, api="2015-05-01-preview").body["id"] == STORAGE
    refused = azure.arm("GET", path, api=OLD)
    assert (refused.status, refused.code) == (400, "NoRegisteredProviderFound")
    assert "for location 'westeurope'" in refused.message and "'locations/operationResults'" in refused.message


@pytest.mark.parametrize(
    ("path", "oldest", "newest"),
    [
        (WORKSPACE, "2018-03-01-preview", "2026-05-15-preview"),
        (COMPUTE, "2018-03-01-preview", "2026-05-15-preview"),
        (f"{WORKSPACE}/jobs", "2021-03-01-preview", "2026-05-15-preview"),
        (f"{WORKSPACE}/models", "2021-03-01-preview", "2026-05-15-preview"),
        (VAULT, "2015-06-01", "2026-03-01-preview"),
        (STORAGE, "2015-05-01-preview", "2026-09-01"),
        (f"{SUB}/providers/Microsoft.Authorization/roleAssignments", "2015-07-01", "2022-04-01"),
        (f"{SUB}/providers/Microsoft.Authorization/roleDefinitions", "2015-07-01", "2022-05-01-preview"),
        (f"{SUB}/providers/Microsoft.Authorization/denyAssignments", "2018-07-01-preview", "2024-07-01-preview"),
        (f"{PROVIDERS}/Microsoft.MachineLearningServices/locations/westeurope/usages", "2018-11-19", "2026-05-01"),
        (f"{PROVIDERS}/Microsoft.OperationalInsights/deletedWorkspaces", "2020-08-01", "2026-03-01"),
        (RG, "2014-04", "2025-04-01"),
        # What the latest clients ask with: az 2.91, azure-mgmt-network 33.1, azure-mgmt-resource-deployments 2.0.
        (f"{RG}/providers/Microsoft.ContainerRegistry/registries", "2017-03-01", "2026-09-01-preview"),
        (f"{RG}/providers/Microsoft.Network/privateEndpoints", "2018-10-01", "2026-01-01"),
        (f"{RG}/providers/Microsoft.Network/privateEndpoints", "2018-10-01", "2026-03-01"),
        (f"{RG}/providers/Microsoft.Network/virtualNetworks", "2015-05-01-preview", "2026-03-01"),
        (f"{RG}/providers/Microsoft.Resources/deployments", "2015-11-01", "2026-06-01"),
    ],
)
def test_old_and_new_versions_that_azure_lists_are_taken(azure: Azure, path: str, oldest: str, newest: str) -> None:
    azure.make(*CHAIN)
    assert [azure.arm("GET", path, api=version).status for version in (oldest, newest, newest.upper())] == [200] * 3


def test_a_provider_lists_its_versions(azure: Azure) -> None:
    told = azure.arm("GET", f"{PROVIDERS}/Microsoft.Insights").body["resourceTypes"]
    types = {each["resourceType"]: each for each in told}
    assert list(types) == [
        "components",
        "components/currentBillingFeatures",
        "diagnosticSettings",
        "metrics",
    ]
    assert types["components"]["apiVersions"] == [
        "2020-02-02-preview",
        "2020-02-02",
        "2018-05-01-preview",
        "2015-05-01",
    ]
    assert types["components"]["defaultApiVersion"] == "2020-02-02"
    assert "West Europe" in types["components"]["locations"]
    assert (types["metrics"]["apiVersions"][0], types["metrics"]["locations"]) == ("2024-02-01", [])
    vaults = azure.arm("GET", f"{PROVIDERS}/Microsoft.KeyVault").body["resourceTypes"]
    assert [each["resourceType"] for each in vaults] == [
        "vaults",
        "vaults/keys",
        "vaults/keys/versions",
        "managedHSMs",
        "deletedManagedHSMs",
        "checkMhsmNameAvailability",
        "checkNameAvailability",
        "deletedVaults",
        "locations/deletedVaults",
    ]
    computing = azure.arm("GET", f"{PROVIDERS}/Microsoft.Compute").body
    assert computing["resourceTypes"] == []  # registered, and nothing of it is emulated


def test_every_kind_is_listed_by_its_provider(azure: Azure) -> None:
    listed = {
        f"{provider['namespace']}/{each['resourceType']}": each["apiVersions"]
        for provider in azure.arm("GET", PROVIDERS).body["value"]
        for each in provider["resourceTypes"]
    }
    assert {kind.type for kind in KINDS} <= set(listed)
    assert all(versions and versions == sorted(set(versions), reverse=True) for versions in listed.values())


def test_a_table_of_wrong_versions_is_refused_at_every_type(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    """What all unit tests ask in the table's versions fails when these are wrong: the table is held to something."""
    azure.make(*CHAIN)
    wrong = {name: replace(kind, api_version=OLD) for name, kind in table.types().items()}
    monkeypatch.setattr(table, "types", lambda: MappingProxyType(wrong))
    monkeypatch.setattr("tests.localazure.control.types", table.types)
    asked = {
        RG: "InvalidApiVersionParameter",
        f"{SUB}/resources": "InvalidApiVersionParameter",
        f"{PROVIDERS}/Microsoft.Storage": "InvalidApiVersionParameter",
        STORAGE: "NoRegisteredProviderFound",
        VAULT: "NoRegisteredProviderFound",
        WORKSPACE: "NoRegisteredProviderFound",
        COMPUTE: "NoRegisteredProviderFound",
        f"{WORKSPACE}/jobs": "NoRegisteredProviderFound",
        f"{SUB}/providers/Microsoft.Authorization/roleAssignments": "InvalidResourceType",
        f"{SUB}/providers/Microsoft.Authorization/roleDefinitions": "InvalidResourceType",
        f"{RG}/providers/{LOCK}": "InvalidResourceType",
    }
    assert {path: azure.arm("GET", path).code for path in asked} == asked
    for path in CHAIN:
        assert azure.arm("PUT", path, BODIES[path]).code == asked.get(path, "NoRegisteredProviderFound")
