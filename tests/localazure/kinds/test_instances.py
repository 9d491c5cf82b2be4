"""Compute instances: made once, changed by their actions alone, stopped when idle; schedules; the quota."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localazure.control import CHAIN, COMPUTE, RG, WORKSPACE, Answer, Azure

PATH = f"{WORKSPACE}/computes/alice-ci"
# An api-version that has the idle time's action, and the only one that has the schedules'.
PREVIEW, SCHEDULES = "2024-10-01-preview", "2021-03-01-preview"
ROBOT = f"{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/robot"
# Microsoft, "Azure built-in roles".
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"


def body(**inner: Any) -> dict[str, Any]:
    return {"properties": {"computeType": "ComputeInstance", "properties": {"vmSize": "STANDARD_DS3_V2", **inner}}}


def cron(expression: str = "0 19 * * 1-5", zone: str = "W. Europe Standard Time", action: str = "Stop") -> Any:
    return {"action": action, "triggerType": "Cron", "cron": {"expression": expression, "timeZone": zone}}


def recurrence(**changed: Any) -> Any:
    daily = {"frequency": "Day", "interval": 1, "schedule": {"hours": [8], "minutes": [0]}}
    return {"action": "Stop", "triggerType": "Recurrence", "recurrence": {**daily, **changed}}


def scheduled(*schedules: Any) -> dict[str, Any]:
    return {"computeStartStop": list(schedules)}


def inner(azure: Azure) -> dict[str, Any]:
    found: dict[str, Any] = azure.arm("GET", PATH).body["properties"]["properties"]
    return found


@pytest.fixture
def made(azure: Azure) -> Azure:
    azure.make(*CHAIN)
    assert azure.arm("PUT", PATH, body(idleTimeBeforeShutdown="PT30M")).status == 201
    azure.wait()
    return azure


def idle(azure: Azure, minutes: int) -> None:
    azure.clock.advance(minutes * 60)


def test_it_runs_at_once_and_stops_when_its_idle_time_is_over(made: Azure) -> None:
    assert inner(made)["lastOperation"]["operationTrigger"] == "User"
    idle(made, 29)
    assert inner(made)["state"] == "Running"
    idle(made, 1)
    assert (inner(made)["state"], inner(made)["lastOperation"]["operationTrigger"]) == ("Stopped", "IdleShutdown")
    (listed,) = [each for each in made.arm("GET", f"{WORKSPACE}/computes").body["value"] if each["name"] == "alice-ci"]
    assert listed["properties"]["properties"]["state"] == "Stopped"
    assert made.arm("POST", f"{PATH}/start").status == 202
    idle(made, 29)
    assert inner(made)["state"] == "Running"


def test_the_idle_time_is_changed_by_its_action(made: Azure) -> None:
    idle(made, 20)
    answer = made.arm("POST", f"{PATH}/updateIdleShutdownSetting", {"idleTimeBeforeShutdown": "PT15M"}, api=PREVIEW)
    assert (answer.status, inner(made)["idleTimeBeforeShutdown"]) == (200, "PT15M")
    # It was idle for longer: the idle clock begins anew (Microsoft, "Configure idle shutdown").
    assert (inner(made)["state"], "idleSince" in inner(made)) == ("Running", False)
    idle(made, 15)
    assert inner(made)["state"] == "Stopped"
    assert made.arm("POST", f"{PATH}/start").status == 202
    assert made.arm("POST", f"{PATH}/updateIdleShutdownSetting", {}, api=PREVIEW).status == 200
    assert "idleTimeBeforeShutdown" not in inner(made)
    idle(made, 60 * 24 * 9)
    assert inner(made)["state"] == "Running"


@pytest.mark.parametrize("wrong", ["PT14M", "P3DT1M", "30m", "half an hour", 30])
def test_an_idle_time_is_from_a_quarter_of_an_hour_to_three_days(made: Azure, wrong: Any) -> None:
    refused = made.arm("POST", f"{PATH}/updateIdleShutdownSetting", {"idleTimeBeforeShutdown": wrong}, api=PREVIEW)
    assert (refused.status, refused.code) == (400, "BadRequest")
    assert inner(made)["idleTimeBeforeShutdown"] == "PT30M"
    other = f"{WORKSPACE}/computes/bob-ci"
    assert made.arm("PUT", other, body(idleTimeBeforeShutdown=wrong)).status == 400
    assert made.arm("GET", other).status == 404


@pytest.mark.parametrize(("action", "state"), [("stop", "Stopped"), ("start", "Running"), ("restart", "Running")])
def test_a_switch_tells_where_its_end_is_seen(made: Azure, action: str, state: str) -> None:
    """202 with `Location` and `Retry-After` (Azure/azure-rest-api-specs, Compute, 2025-12-01)."""
    answer = made.arm("POST", f"{PATH}/{action}")
    assert (answer.status, answer.headers["retry-after"].isdecimal()) == (202, True)
    made.wait()
    assert made.arm("GET", answer.headers["location"].removeprefix("https://management.azure.com")).status == 200
    assert (inner(made)["state"], made.arm("GET", PATH).body["properties"]["provisioningState"]) == (state, "Succeeded")


@pytest.mark.parametrize(
    ("action", "version"),
    [
        ("updateIdleShutdownSetting", ""),
        ("updateIdleShutdownSetting", "2026-05-01"),
        ("updateSchedules", ""),
        ("updateSchedules", PREVIEW),
    ],
)
def test_an_action_that_a_version_does_not_have(made: Azure, action: str, version: str) -> None:
    """Azure/azure-rest-api-specs, Microsoft.MachineLearningServices, Compute: the stable 2025-12-01 has start, stop and
    restart alone; the idle time's action is in the previews, the schedules' in preview/2021-03-01-preview.
    """
    refused = made.arm("POST", f"{PATH}/{action}", {"idleTimeBeforeShutdown": "PT15M"}, api=version)
    assert (refused.status, refused.code, action in refused.message) == (404, "InvalidAction", True)
    assert inner(made)["idleTimeBeforeShutdown"] == "PT30M"


def test_its_schedules_are_changed_by_theirs(made: Azure) -> None:
    daily = {"frequency": "Day", "interval": 1, "timeZone": "UTC", "schedule": {"hours": [8], "minutes": [0]}}
    start = {"action": "Start", "triggerType": "Recurrence", "recurrence": daily}
    assert made.arm("POST", f"{PATH}/updateSchedules", scheduled(cron(), start), api=SCHEDULES).status == 200
    stop, begin = inner(made)["schedules"]["computeStartStop"]
    assert (stop["status"], stop["provisioningStatus"], stop["cron"]) == ("Enabled", "Completed", cron()["cron"])
    assert begin["recurrence"] == daily
    assert made.arm("POST", f"{PATH}/updateSchedules", scheduled(cron()), api=SCHEDULES).status == 200
    assert [each["id"] for each in inner(made)["schedules"]["computeStartStop"]] == [stop["id"]]
    assert made.arm("POST", f"{PATH}/updateSchedules", scheduled(), api=SCHEDULES).status == 200
    assert inner(made)["schedules"]["computeStartStop"] == []


def test_a_recurrence_as_azure_ai_ml_sends_it(made: Azure) -> None:
    """Its days of the week in lower case; both lists empty where no pattern was said."""
    days = recurrence(frequency="Week", schedule={"hours": [8], "minutes": [0], "weekDays": ["monday"]})
    empty = recurrence(schedule={"hours": [], "minutes": []})
    assert made.arm("POST", f"{PATH}/updateSchedules", scheduled(days, empty), api=SCHEDULES).status == 200
    first, second = inner(made)["schedules"]["computeStartStop"]
    assert (first["recurrence"]["schedule"]["weekDays"], first["recurrence"]["timeZone"]) == (["Monday"], "UTC")
    assert second["recurrence"]["schedule"] == {"hours": [], "minutes": []}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (scheduled(*[cron()] * 5), "at most 4"),
        (scheduled(cron(zone="Europe/Berlin")), "'Europe/Berlin'"),
        (scheduled(cron("0 19 * *")), "cron expression"),
        (scheduled(cron("60 19 * * *")), "cron expression"),
        (scheduled(cron("0 19 * * 5-1")), "cron expression"),
        (scheduled(cron("*/5 * * * *")), "cron expression"),
        (scheduled(cron(action="Pause")), "Pause"),
        (scheduled({**cron(), "triggerType": "Recurrence"}), "needs 'recurrence'"),
        (scheduled({"action": "Stop", "triggerType": "Recurrence", "recurrence": {"frequency": "Year"}}), "Year"),
        (scheduled(recurrence(schedule=None)), "needs 'schedule', with 'hours' and 'minutes'"),
        (scheduled(recurrence(schedule={"hours": [8]})), "schedule.minutes"),
        (scheduled(recurrence(schedule={"hours": [24], "minutes": [0]})), "schedule.hours"),
        (scheduled(recurrence(schedule={"hours": 8, "minutes": [0]})), "schedule.hours"),
        (scheduled(recurrence(schedule={"hours": [8], "minutes": [0], "weekDays": ["Someday"]})), "Someday"),
        (scheduled(recurrence(schedule={"hours": [8], "minutes": [0], "weekDays": "Monday"})), "schedule.weekDays"),
        (scheduled(recurrence(interval=0)), "interval"),
        (scheduled("at noon"), "at noon"),
        ({"computeStartStop": "at noon"}, "at noon"),
    ],
)
def test_a_schedule_that_azure_does_not_take(made: Azure, wrong: Any, told: str) -> None:
    for answer in (
        made.arm("POST", f"{PATH}/updateSchedules", wrong, api=SCHEDULES),
        made.arm("PUT", f"{WORKSPACE}/computes/bob-ci", body(schedules=wrong)),
    ):
        assert (answer.status, told in answer.message) == (400, True), answer
    assert "schedules" not in inner(made)


def test_an_instance_as_azure_ai_ml_makes_it(made: Azure) -> None:
    """Three members of a preview, which it sends in each version (azure-ai-ml 1.35, `ComputeInstance`)."""
    sent = {"enableRootAccess": True, "releaseQuotaOnStop": False, "enableOSPatching": False, "enableSSO": True}
    path = f"{WORKSPACE}/computes/carol-ci"
    assert made.arm("PUT", path, body(applicationSharingPolicy="Shared", **sent)).status == 201
    told = made.arm("GET", path).body["properties"]["properties"]
    assert {name: told[name] for name in sent} == sent


def test_a_put_says_the_same_or_is_refused(made: Azure) -> None:
    same = body(idleTimeBeforeShutdown="PT30M", vmSize="Standard_DS3_v2")
    assert made.arm("PUT", PATH, same).status == 200
    made.wait()
    told = made.arm("GET", PATH).body
    assert made.arm("PUT", PATH, told).status == 200
    made.wait()

    def refused(answer: Answer, name: str) -> None:
        assert (answer.status, f"'{name}'" in answer.message) == (400, True), answer

    refused(made.arm("PUT", PATH, body(idleTimeBeforeShutdown="PT1H")), "idleTimeBeforeShutdown")
    refused(made.arm("PUT", PATH, body(vmSize="STANDARD_DS12_V2")), "vmSize")
    refused(made.arm("PUT", PATH, body(schedules=scheduled(cron()))), "schedules")
    refused(made.arm("PUT", PATH, {**body(), "tags": {"team": "blue"}}), "tags")
    refused(made.arm("PUT", PATH, {**body(), "identity": {"type": "SystemAssigned"}}), "identity")
    owner = {"assignedUser": {"objectId": "o", "tenantId": "t"}}
    refused(made.arm("PUT", PATH, body(personalComputeInstanceSettings=owner)), "personalComputeInstanceSettings")
    assert made.arm("GET", PATH).body["properties"]["properties"] == told["properties"]["properties"]


def test_a_cluster_has_neither_action(made: Azure) -> None:
    for action, version in (("updateIdleShutdownSetting", PREVIEW), ("updateSchedules", SCHEDULES)):
        refused = made.arm("POST", f"{COMPUTE}/{action}", {}, api=version)
        assert (refused.status, "AmlCompute" in refused.message) == (400, True)


def test_the_quota_of_a_family_counts_stopped_instances_too(made: Azure) -> None:
    """24 vCPUs, of which each of these takes four ("Stopping the compute instance doesn't release quota")."""
    assert made.arm("POST", f"{PATH}/stop").status == 202
    for number in range(5):
        assert made.arm("PUT", f"{WORKSPACE}/computes/bob{number}", body()).status == 201, number
    refused = made.arm("PUT", f"{WORKSPACE}/computes/bob5", body())
    assert (refused.status, refused.code) == (400, "ClusterCoreQuotaReached")
    assert "quota of 24, of which 24 are in use" in refused.message
    assert made.arm("PUT", f"{WORKSPACE}/computes/carl", body(vmSize="STANDARD_F4S_V2")).status == 201  # another family


def test_with_an_identity_it_stops_only_where_that_may_stop_it(azure: Azure) -> None:
    """Microsoft, "Assign managed identity": the identity needs to be Contributor of the workspace."""
    azure.make(*CHAIN)
    who = azure.arm("PUT", ROBOT, {"location": "westeurope"}).body["properties"]["principalId"]
    identity = {"type": "UserAssigned", "userAssignedIdentities": {ROBOT: {}}}
    assert azure.arm("PUT", PATH, {**body(idleTimeBeforeShutdown="PT30M"), "identity": identity}).status == 201
    azure.wait()
    idle(azure, 60)
    assert inner(azure)["state"] == "Running"
    role = f"/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/{CONTRIBUTOR}"
    assignment = f"{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/{azure.cloud.ids.guid()}"
    granted = {"properties": {"principalId": who, "roleDefinitionId": role, "principalType": "ServicePrincipal"}}
    assert azure.arm("PUT", assignment, granted).status == 201
    assert inner(azure)["state"] == "Stopped"
