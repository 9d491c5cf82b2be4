"""Registry, diagnostic settings, locks and budget: what the program declares of them, by the settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from azmlflow.infra.components.guardrails import Guardrails, GuardrailsArgs
from azmlflow.infra.plan import identifiers
from azmlflow.infra.settings.faults import SettingsError
from azmlflow.infra.settings.settings import Settings

SUBSCRIPTION = "22222222-2222-4222-8222-222222222222"
ALL: dict[str, Any] = {
    "registry": "own",
    "diagnostics": True,
    "locks": True,
    "budget": {"monthly": 500, "mail": ["ml-team@contoso.com"]},
}
Up = Callable[..., Any]


def test_a_plain_stack_has_none_of_it(up: Up) -> None:
    deployment = up()
    assert [one.type for one in deployment.declared if "azure-native" not in one.type] == [
        identifiers.WORKSPACE,
        identifiers.ACCESS,
    ]
    assert deployment.of("containerregistry:Registry") == []
    assert "containerRegistry" not in deployment.one("machinelearningservices:Workspace").inputs


def test_the_registry_is_our_own_and_closed_to_passwords(up: Up) -> None:
    deployment = up(registry="own", tags={"team": "blue"})
    inputs = deployment.one("containerregistry:Registry").inputs
    assert inputs["registryName"].startswith("crmlflowdev")
    assert (inputs["sku"], inputs["adminUserEnabled"]) == ({"name": "Basic"}, False)
    assert inputs["tags"]["team"] == "blue"
    assert deployment.one("machinelearningservices:Workspace").inputs["containerRegistry"] == "/id/mlflow-registry"


def test_logs_of_all_that_hold_data_go_to_our_log_analytics(up: Up) -> None:
    found = {one.name: one for one in up(diagnostics=True, registry="own").of("monitor:DiagnosticSetting")}
    assert set(found) == {f"guardrails-logs-{part}" for part in ("workspace", "storage", "vault", "registry")}
    for one in found.values():
        assert one.inputs["name"] == "azmlflow"
        assert one.inputs["workspaceId"] == "/id/mlflow-logs"
        assert one.inputs["logs"] == [{"categoryGroup": "allLogs", "enabled": True}]
        assert one.ignored == ("logAnalyticsDestinationType",)
    account = found["guardrails-logs-storage"].inputs
    assert account["resourceUri"] == "/id/mlflow-storage/blobServices/default"
    assert account["metrics"] == [{"category": "Transaction", "enabled": True}]
    assert found["guardrails-logs-vault"].inputs["metrics"] == [{"category": "AllMetrics", "enabled": True}]


def test_locks_are_on_what_holds_data_and_go_before_it(up: Up) -> None:
    """Never on the workspace or its group (Microsoft, "Create an Azure Machine Learning compute cluster")."""
    deployment = up(locks=True, registry="own")
    found = {one.inputs["scope"]: one for one in deployment.of("authorization:ManagementLockByScope")}
    assert set(found) == {"/id/mlflow-storage", "/id/mlflow-vault", "/id/mlflow-registry"}
    for one in found.values():
        assert (one.inputs["level"], one.inputs["lockName"]) == ("CanNotDelete", "azmlflow")
        assert one.inputs["notes"] == "azmlflow stack dev of project azmlflow"
        assert one.deleted_with == ""


def test_no_lock_keeps_a_persons_role_on_the_account(up: Up) -> None:
    """Azure deletes no role assignment on what is locked (Microsoft, "Lock your resources")."""
    locked = [one.inputs["scope"] for one in up(locks=True, storageAuth="identity").of("ManagementLockByScope")]
    assert locked == ["/id/mlflow-vault"]


def test_a_budget_begins_this_month_for_good_and_tells_three_times(up: Up) -> None:
    budget = up(budget=ALL["budget"]).one("consumption:Budget")
    assert budget.inputs["scope"] == "/id/mlflow-group"
    assert (budget.inputs["amount"], budget.inputs["timeGrain"], budget.inputs["category"]) == (500, "Monthly", "Cost")
    assert budget.inputs["timePeriod"]["startDate"].endswith("-01T00:00:00Z")
    assert budget.ignored == ("timePeriod",)
    told = {name: (each["thresholdType"], each["threshold"]) for name, each in budget.inputs["notifications"].items()}
    assert told == {
        "Actual80": ("Actual", 80),
        "Actual100": ("Actual", 100),
        "Forecast100": ("Forecasted", 100),
    }
    assert all(each["contactEmails"] == ["ml-team@contoso.com"] for each in budget.inputs["notifications"].values())


def test_what_is_planned_is_what_is_declared(up: Up) -> None:
    deployment = up(**ALL)
    settings = Settings.from_mapping({f"azmlflow:{name}": value for name, value in ALL.items()})
    plan = identifiers.planned(settings.names("dev", SUBSCRIPTION), SUBSCRIPTION, guardrails=settings.guardrails())
    declared = {one.urn: one for one in deployment.declared if one.type.startswith("azure-native:")}
    assert {one.urn("dev", "azmlflow") for one in plan} == set(declared)
    assert len([one for one in plan if one.parent == "guardrails"]) == 4 + 3 + 1


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"registry": "theirs"}, "registry"),
        ({"diagnostics": "loud"}, "diagnostics"),
        ({"budget": {"monthly": 0, "mail": ["a@b.de"]}}, "budget.monthly"),
        ({"budget": {"monthly": 0.5, "mail": ["a@b.de"]}}, "budget.monthly"),
        ({"budget": {"monthly": ".inf", "mail": ["a@b.de"]}}, "budget.monthly"),
        ({"budget": {"monthly": 5, "mail": []}}, "budget.mail"),
        ({"budget": {"monthly": 5}}, "budget.mail"),
        ({"budget": {"monthly": 5, "mail": ["nobody"]}}, "budget.mail[0]"),
        ({"budget": {"monthly": 5, "mail": [f"a{n}@b.de" for n in range(51)]}}, "budget.mail"),
        ({"budget": {"weekly": 5}}, "budget.weekly"),
    ],
)
def test_settings_at_fault_are_named(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping({f"azmlflow:{name}": value for name, value in settings.items()})
    assert f"azmlflow:{key}:" in str(caught.value)


def test_logs_need_a_place_and_a_budget_somebody_to_tell(run: Callable[..., Any]) -> None:
    with pytest.raises(Exception, match="log_analytics_id"):
        run(lambda: Guardrails("g", GuardrailsArgs("x", "/g", watched={"vault": "/v"})))
    with pytest.raises(Exception, match="budget_mail"):
        run(lambda: Guardrails("g", GuardrailsArgs("x", "/g", monthly_budget=5)))
