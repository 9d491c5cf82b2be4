"""Compute instances that stand: what is changed by Azure's actions, and which have to be made anew."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.cli.mending import clusters, instances
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.infra.rehearsal import Declared, rehearse
from azmlflow.infra.settings.computes.instances import InstanceSettings
from azmlflow.infra.settings.settings import Settings
from tests.cli.desk import WORKSPACE_ID, Desk

OWNER = "aaaaaaaa-0000-4000-8000-000000000001"
PATH = f"{WORKSPACE_ID}/computes/alice"
STOP = {"cron": "0 19 * * 1-5", "timeZone": "W. Europe Standard Time"}
TOLD = {
    "id": "s1",
    "provisioningStatus": "Completed",
    "action": "stop",
    "status": "Enabled",
    "triggerType": "Cron",
    "cron": {"expression": "0 19 * * 1-5", "timeZone": "W. Europe Standard Time", "startTime": None},
}


def declared(**given: Any) -> tuple[Declared, ...]:
    config = {"azmlflow:instances": [{"name": "alice", **given}], "azmlflow:clusters": [{"name": "cpu"}]}
    return rehearse(config, project="azmlflow", stack="dev", subscription="s", tenant="t")


def standing(**given: Any) -> State:
    computes = [each for each in declared(**given) if each.type.endswith(":Compute")]
    return State(tuple(Resource(each.urn, each.type, each.id, dict(each.inputs)) for each in computes))


@pytest.mark.parametrize(
    ("then", "ways"),
    [
        ({}, None),
        ({"idleMinutes": 15, "schedules": [STOP]}, None),
        ({"vmSize": "STANDARD_DS3_V2"}, None),
        ({"vmSize": "Standard_DS12_v2"}, ["vmSize"]),
        ({"owner": OWNER}, ["objectId", "tenantId"]),
        ({"setupScript": "date"}, ["scriptData"]),
        ({"name": "bob"}, []),
    ],
)
def test_an_instance_that_azure_would_not_change(then: dict[str, Any], ways: list[str] | None) -> None:
    state = standing()
    found = [(each.id.rpartition("/")[2], list(why)) for each, why in instances.outdated(state, declared(**then))]
    short = [(name, [way.rpartition(".")[2] for way in why]) for name, why in found]
    assert short == ([] if ways is None else [("alice", ways)])


def test_what_others_wrote_into_the_state_of_an_import_does_not_matter() -> None:
    """Azure answers other cases, and more than was said."""
    state = standing()
    (alice,) = filter(instances.is_instance, state.resources)
    inner = alice.inputs["properties"]["properties"]
    inner |= {"vmSize": "STANDARD_DS3_V2", "subnet": None, "setupScripts": None, "applications": [], "state": "Running"}
    assert list(instances.outdated(state, declared())) == []


def test_each_instance_is_looked_at_whatever_stands_before_it() -> None:
    (alice,) = filter(instances.is_instance, standing().resources)
    cluster = next(each for each in standing().resources if not instances.is_instance(each))
    gone = Resource("urn::gone", alice.type, f"{WORKSPACE_ID}/computes/gone", dict(alice.inputs))
    other = Resource("urn::other", "azure-native:search:Service", "/search", dict(alice.inputs))
    found = instances.outdated(State((other, cluster, gone, alice)), declared(owner=OWNER))
    assert [(each.urn, bool(ways)) for each, ways in found] == [("urn::gone", False), (alice.urn, True)]


def test_an_instance_is_no_cluster_that_the_settings_lack() -> None:
    wanted = Settings.from_mapping({"azmlflow:clusters": [{"name": "cpu"}]}).clusters
    assert clusters.outdated(standing(), wanted) == ()


def wanted(**given: Any) -> list[InstanceSettings]:
    return [InstanceSettings.model_validate({"name": "alice", **given})]


def there(desk: Desk, **inner: Any) -> None:
    desk.arm.put(PATH, properties={"computeType": "ComputeInstance", "properties": inner})


def called(desk: Desk, settings: list[InstanceSettings]) -> list[tuple[str, dict[str, Any]]]:
    desk.arm.asked.clear()
    desk.arm.answers |= {f"{PATH}/{action}": {} for action in ("updateIdleShutdownSetting", "updateSchedules")}
    said: list[str] = []
    count = instances.apply(desk.arm.open(), WORKSPACE_ID, settings, said.append)
    assert count == len(said) == len(desk.arm.asked)
    return [(path.rpartition("/")[2], body) for path, body in desk.arm.asked]


def test_what_is_as_it_should_be_is_left(desk: Desk) -> None:
    there(desk, idleTimeBeforeShutdown="PT1H", schedules={"computeStartStop": [TOLD]})
    assert called(desk, wanted(schedules=[STOP])) == []
    there(desk, idleTimeBeforeShutdown="PT60M", schedules=None)
    assert called(desk, wanted()) == []


@pytest.mark.parametrize("now", ["PT30M", "P1D", None, "never"])
def test_another_idle_time_is_set(desk: Desk, now: Any) -> None:
    there(desk, idleTimeBeforeShutdown=now)
    assert called(desk, wanted()) == [("updateIdleShutdownSetting", {"idleTimeBeforeShutdown": "PT60M"})]


@pytest.mark.parametrize(
    "now", [[], [{**TOLD, "status": "Disabled"}], [TOLD, TOLD], [{**TOLD, "cron": {"expression": "0 8 * * *"}}]]
)
def test_other_schedules_are_set_whole(desk: Desk, now: Any) -> None:
    there(desk, idleTimeBeforeShutdown="PT1H", schedules={"computeStartStop": now})
    ((action, body),) = called(desk, wanted(schedules=[STOP]))
    assert action == "updateSchedules"
    cron = {"expression": STOP["cron"], "timeZone": STOP["timeZone"]}
    assert body == {"computeStartStop": [{"action": "Stop", "status": "Enabled", "triggerType": "Cron", "cron": cron}]}


def test_an_instance_that_is_not_there_is_left_to_the_engine(desk: Desk) -> None:
    assert called(desk, wanted(schedules=[STOP])) == []
    there(desk, idleTimeBeforeShutdown=None, schedules=None)
    two = [InstanceSettings.model_validate({"name": "bob"}), *wanted(schedules=[STOP])]
    assert [action for action, _ in called(desk, two)] == ["updateIdleShutdownSetting", "updateSchedules"]


@pytest.mark.parametrize(
    ("schedules", "now", "says"),
    [
        ([STOP], [], "has 1 schedule"),
        ([], [TOLD], "has no schedules"),
        ([STOP, {**STOP, "cron": "0 20 * * *"}], [], "has 2 schedules"),
    ],
)
def test_what_is_changed_is_told_and_by_the_version_that_has_it(
    desk: Desk, schedules: list[Any], now: list[Any], says: str
) -> None:
    """The schedules' action is in a preview of 2021 alone; the idle time's in the previews, and in no stable version
    (Azure/azure-rest-api-specs, Microsoft.MachineLearningServices, Compute; azure-ai-ml 1.35's client of 2025-12-01).
    """
    there(desk, idleTimeBeforeShutdown="PT30M", schedules={"computeStartStop": now})
    versions, said = dict[str, str](), list[str]()

    class Asked:
        def get(self, id_: str) -> Any:
            return desk.arm.open().get(id_)

        def post(self, id_: str, action: str, body: dict[str, Any], *, version: str = "") -> None:
            versions[action] = version

    asked: Any = Asked()
    assert instances.apply(asked, WORKSPACE_ID, wanted(schedules=schedules), said.append) == 2
    idle = "compute instance `alice` stops after 60 minutes without work"
    assert said == [idle, f"compute instance `alice` {says}"]
    assert versions == {"updateIdleShutdownSetting": "2024-10-01-preview", "updateSchedules": "2021-03-01-preview"}


WEEKLY = {"frequency": "Week", "hours": [8, 18], "weekDays": ["Monday", "Friday"]}
RECURRING = {
    "id": "s2",
    "action": "Stop",
    "status": "Enabled",
    "triggerType": "Recurrence",
    "cron": None,
    "recurrence": {
        "frequency": "week",
        "interval": 1,
        "timeZone": "UTC",
        "startTime": "2026-01-01T00:00:00",
        "schedule": {"hours": [18, 8], "minutes": [0], "weekDays": ["friday", "monday"], "monthDays": []},
    },
}


def test_a_recurrence_that_says_the_same_in_another_order_is_left(desk: Desk) -> None:
    there(desk, idleTimeBeforeShutdown="PT1H", schedules={"computeStartStop": [RECURRING]})
    assert called(desk, wanted(schedules=[{"recurrence": WEEKLY}])) == []


@pytest.mark.parametrize(
    "other", [{"interval": 2}, {"hours": [8]}, {"minutes": [30]}, {"weekDays": ["Monday"]}, {"frequency": "Day"}]
)
def test_another_recurrence_is_set_by_its_action(desk: Desk, other: dict[str, Any]) -> None:
    there(desk, idleTimeBeforeShutdown="PT1H", schedules={"computeStartStop": [RECURRING]})
    days = {} if other.get("frequency") else {"weekDays": WEEKLY["weekDays"]}
    changed = {"frequency": "Week", "hours": [8, 18], **days, **other}
    ((action, body),) = called(desk, wanted(schedules=[{"recurrence": changed}]))
    (schedule,) = body["computeStartStop"]
    assert (action, schedule["triggerType"]) == ("updateSchedules", "Recurrence")
    assert "cron" not in schedule
