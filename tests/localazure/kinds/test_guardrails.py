"""Container registries, diagnostic settings and budgets: what is particular to each, in Azure's words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localazure.control import CHAIN, LOGS, PROVIDERS, RG, STORAGE, VAULT, WORKSPACE, Azure

_REGISTRY = f"{RG}/providers/Microsoft.ContainerRegistry/registries/crone"
_BASIC = {"location": "westeurope", "sku": {"name": "Basic"}}


def _setting(path: str, name: str = "to-logs") -> str:
    return f"{path}/providers/Microsoft.Insights/diagnosticSettings/{name}"


def _logged(*, workspace: str = LOGS, **entry: Any) -> dict[str, Any]:
    return {"properties": {"workspaceId": workspace, "logs": [{"enabled": True, **entry}]}}


def _budget(**changes: Any) -> dict[str, Any]:
    alert = {"enabled": True, "operator": "GreaterThan", "threshold": 80, "contactEmails": ["a@contoso.com"]}
    period = {"startDate": "2027-01-01T00:00:00Z"}
    plain = {"category": "Cost", "amount": 100, "timeGrain": "Monthly", "timePeriod": period}
    return {"properties": {**plain, "notifications": {"Actual80": alert}, **changes}}


def test_a_registry_tells_its_server_and_no_password(azure: Azure) -> None:
    azure.make(RG)
    assert azure.arm("PUT", _REGISTRY, _BASIC).status == 201
    azure.wait()
    found = azure.arm("GET", _REGISTRY).body
    assert (found["sku"], found["properties"]["loginServer"]) == (
        {"name": "Basic", "tier": "Basic"},
        "crone.azurecr.io",
    )
    refused = azure.arm("POST", f"{_REGISTRY}/listCredentials")
    assert (refused.status, refused.code) == (400, "UnAuthorizedForCredentialOperations")
    azure.arm("PUT", _REGISTRY, {**_BASIC, "properties": {"adminUserEnabled": True}})
    told = azure.arm("POST", f"{_REGISTRY}/listCredentials").body
    assert (told["username"], [each["name"] for each in told["passwords"]]) == ("crone", ["password", "password2"])
    assert all(each["value"] not in str(azure.arm("GET", _REGISTRY).body) for each in told["passwords"])


def test_registry_names_are_unique_in_all_azure(azure: Azure) -> None:
    azure.make(RG)
    azure.cloud.store.put("foreign_names", "microsoft.containerregistry/registries/theirs", {})
    taken = azure.arm("PUT", _REGISTRY.replace("crone", "theirs"), _BASIC)
    assert (taken.status, taken.code) == (409, "AlreadyInUse")
    check = f"{PROVIDERS}/Microsoft.ContainerRegistry/checkNameAvailability"
    ask = {"type": "Microsoft.ContainerRegistry/registries"}
    assert azure.arm("POST", check, {**ask, "name": "theirs"}).body["reason"] == "AlreadyExists"
    assert azure.arm("POST", check, {**ask, "name": "a-b"}).body["reason"] == "Invalid"
    assert azure.arm("POST", check, {**ask, "name": "crfree"}).body == {"nameAvailable": True}


@pytest.mark.parametrize(
    "properties",
    [
        {"publicNetworkAccess": "Disabled"},
        {"networkRuleSet": {"defaultAction": "Deny"}},
        {"networkRuleSet": {"ipRules": [{"value": "203.0.113.7"}]}},
        {"zoneRedundancy": "Enabled"},
    ],
)
def test_only_a_premium_registry_is_closed(azure: Azure, properties: dict[str, Any]) -> None:
    azure.make(RG)
    assert azure.arm("PUT", _REGISTRY, {**_BASIC, "properties": properties}).code == "FeatureNotSupportedForSku"
    premium = {**_BASIC, "sku": {"name": "Premium"}, "properties": properties}
    assert azure.arm("PUT", _REGISTRY, premium).status == 201


def test_a_workspace_uses_a_registry_that_is_there(azure: Azure) -> None:
    azure.make(*CHAIN)
    body = azure.arm("GET", WORKSPACE).body
    body["properties"]["containerRegistry"] = _REGISTRY
    assert azure.arm("PUT", WORKSPACE, body).status == 400
    azure.arm("PUT", _REGISTRY, _BASIC)
    azure.wait()
    assert azure.arm("PUT", WORKSPACE, body).status == 200


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        (WORKSPACE, {"categoryGroup": "allLogs"}),
        (WORKSPACE, {"category": "AmlComputeJobEvent"}),
        (VAULT, {"category": "AuditEvent"}),
        (f"{STORAGE}/blobServices/default", {"category": "StorageRead"}),
    ],
)
def test_logs_of_a_resource_go_to_log_analytics(azure: Azure, path: str, entry: dict[str, str]) -> None:
    azure.make(*CHAIN)
    made = azure.arm("PUT", _setting(path), _logged(**entry))
    assert (made.status, made.body["properties"]["workspaceId"]) == (200, LOGS)
    assert [each["name"] for each in azure.arm("GET", _setting(path).rpartition("/")[0]).body["value"]] == ["to-logs"]


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        (VAULT, {"category": "RunEvent"}),
        (VAULT, {"categoryGroup": "everything"}),
        (VAULT, {}),
        (VAULT, {"category": "AuditEvent", "categoryGroup": "audit"}),
        (VAULT, {"category": "AuditEvent", "enabled": False}),
        (STORAGE, {"categoryGroup": "allLogs"}),
    ],
)
def test_what_a_resource_does_not_log(azure: Azure, path: str, entry: dict[str, Any]) -> None:
    azure.make(*CHAIN)
    refused = azure.arm("PUT", _setting(path), _logged(**entry))
    assert (refused.status, refused.code) == (400, "BadRequest")
    assert azure.arm("GET", _setting(path)).status == 404


def test_where_logs_cannot_go(azure: Azure) -> None:
    azure.make(*CHAIN)
    elsewhere = LOGS.replace("logs-one", "logs-two")
    assert azure.arm("PUT", _setting(VAULT), _logged(workspace=elsewhere, category="AuditEvent")).status == 404
    nowhere = {"properties": {"logs": [{"category": "AuditEvent", "enabled": True}]}}
    assert azure.arm("PUT", _setting(VAULT), nowhere).status == 400
    account = _logged(category="AuditEvent")
    account["properties"]["storageAccountId"] = STORAGE
    assert azure.arm("PUT", _setting(VAULT), account).status == 400
    assert azure.arm("PUT", _setting(f"{RG}/providers/Microsoft.KeyVault/vaults/none"), nowhere).status == 404


def test_no_destination_twice_and_five_at_most(azure: Azure) -> None:
    azure.make(*CHAIN)
    azure.arm("PUT", _setting(VAULT), _logged(category="AuditEvent"))
    twice = azure.arm("PUT", _setting(VAULT, "again"), _logged(category="AuditEvent"))
    assert (twice.status, "already used in diagnostic setting 'to-logs'" in twice.body["error"]["message"]) == (
        409,
        True,
    )
    for number in range(4):
        logs = LOGS.replace("logs-one", f"logs-{number}")
        azure.arm("PUT", logs, {"location": "westeurope", "properties": {"sku": {"name": "PerGB2018"}}})
        azure.wait()
        more = azure.arm("PUT", _setting(VAULT, f"s{number}"), _logged(workspace=logs, category="AuditEvent"))
        assert more.status == 200
    assert azure.arm("PUT", _setting(VAULT, "sixth"), _logged(categoryGroup="allLogs")).status == 409


def test_a_setting_goes_with_its_resource(azure: Azure) -> None:
    azure.make(*CHAIN)
    azure.arm("PUT", _setting(VAULT), _logged(category="AuditEvent"))
    azure.arm("DELETE", VAULT)
    azure.wait()
    assert azure.cloud.store.get("diagnostic_settings", _setting(VAULT).lower()) is None


def test_a_budget_has_its_period_and_nothing_spent(azure: Azure) -> None:
    azure.make(RG)
    path = f"{RG}/providers/Microsoft.Consumption/budgets/monthly"
    made = azure.arm("PUT", path, _budget())
    assert made.status == 201
    assert made.body["properties"]["timePeriod"] == {
        "startDate": "2027-01-01T00:00:00Z",
        "endDate": "2037-01-01T00:00:00Z",
    }
    assert made.body["properties"]["currentSpend"] == {"amount": 0.0, "unit": "USD"}
    moved = azure.arm("PUT", path, _budget(timePeriod={"startDate": "2027-02-01T00:00:00Z"}))
    assert moved.body["error"]["message"] == (
        "Start date of budgets cannot be updated. Please delete and create a new budget."
    )
    azure.clock.advance(400 * 86_400)
    assert azure.arm("PUT", path, _budget(amount=50)).status == 200, "a start that has passed since is not a fault"


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 0},
        {"amount": -5},
        {"amount": "100"},
        {"amount": True},
        {"category": "Usage"},
        {"timeGrain": "Daily"},
        {"timePeriod": {"startDate": "2020-01-01T00:00:00Z"}},
        {"timePeriod": {"startDate": "2027-01-15T00:00:00Z"}},
        {"timePeriod": {"startDate": "soon"}},
        {"timePeriod": {"startDate": "2027-01-01T00:00:00Z", "endDate": "2026-12-01T00:00:00Z"}},
        {"notifications": {"a": {"operator": "GreaterThan", "threshold": 80, "contactEmails": []}}},
        {"notifications": {"a": {"operator": "GreaterThan", "threshold": 0, "contactEmails": ["a@b.c"]}}},
        {"notifications": {"a": {"operator": "About", "threshold": 80, "contactEmails": ["a@b.c"]}}},
        {"notifications": {"a": "loud"}},
        {"notifications": {str(number): {} for number in range(6)}},
    ],
)
def test_budgets_that_azure_refuses(azure: Azure, change: dict[str, Any]) -> None:
    azure.make(RG)
    path = f"{RG}/providers/Microsoft.Consumption/budgets/monthly"
    assert azure.arm("PUT", path, _budget(**change)).status == 400
    assert azure.arm("GET", path).status == 404
