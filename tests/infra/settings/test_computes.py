"""The settings of computes: who they are in the directory, and in which network."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.infra.plan.records import ComputeIdentity
from azmlflow.infra.settings.faults import Fault, SettingsError
from azmlflow.infra.settings.fields import sent
from azmlflow.infra.settings.network.combinations import fitted
from azmlflow.infra.settings.settings import Settings

GROUP = "/subscriptions/s/resourceGroups/rg/providers"
ROBOT = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/robot"
SUBNET = f"{GROUP}/Microsoft.Network/virtualNetworks/vnet/subnets/computes"
WHO, OTHER = "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002"


def read(**settings: Any) -> Settings:
    return Settings.from_mapping({f"azmlflow:{key}": value for key, value in settings.items()})


def fault(**cluster: Any) -> Fault:
    return only(clusters=[{"name": "cpu", **cluster}])


def only(**settings: Any) -> Fault:
    with pytest.raises(SettingsError) as caught:
        read(**settings)
    (found,) = caught.value.faults
    return found


def test_a_cluster_is_nobody_in_nobodys_network_by_default() -> None:
    (cluster,) = read(clusters=[{"name": "cpu"}]).clusters
    assert (cluster.identity_type(), cluster.subnet, cluster.public_ip) == (None, None, True)


@pytest.mark.parametrize(
    ("given", "type_"),
    [({"identity": "system"}, "SystemAssigned"), ({"identities": {ROBOT: WHO}}, "UserAssigned")],
)
def test_it_has_an_identity_of_its_own_or_user_assigned_ones(given: dict[str, Any], type_: str) -> None:
    (cluster,) = read(clusters=[{"name": "cpu", **given}]).clusters
    assert cluster.identity_type() == type_


@pytest.mark.parametrize(
    ("given", "key", "told"),
    [
        ({"identity": "system", "identities": {ROBOT: WHO}}, "identities", "not both"),
        ({"identity": "user"}, "identity", "'none' or 'system'"),
        ({"identities": {"robot": WHO}}, "identities", "'robot' is not the ARM id"),
        ({"identities": {f"{ROBOT}/x": WHO}}, "identities", "is not the ARM id"),
        ({"identities": {ROBOT: WHO, ROBOT.upper(): WHO}}, "identities", "twice"),
        ({"subnet": SUBNET.rpartition("/subnets")[0]}, "subnet", "should look like `/subscriptions/"),
    ],
)
def test_what_azure_does_not_take_is_refused(given: dict[str, Any], key: str, told: str) -> None:
    found = fault(**given)
    assert (found.key, told in found.what) == (f"azmlflow:clusters[0].{key}", True)


def test_an_object_id_is_a_guid() -> None:
    assert "is not an object id" in fault(identities={ROBOT: "robot"}).what


def test_azures_ids_ignore_case() -> None:
    found = read(clusters=[{"name": "cpu", "identities": {ROBOT.upper(): WHO.upper()}, "subnet": SUBNET.lower()}])
    assert found.identities() == (ComputeIdentity(WHO),)
    managed = {"network": {"mode": "managed"}, "registry": "own"}
    assert read(clusters=[{"name": "cpu", "publicIp": False}], **managed).clusters[0].public_ip is False


def test_an_identity_of_several_clusters_is_one() -> None:
    settings = read(
        clusters=[
            {"name": "one", "identities": {ROBOT: WHO}},
            {"name": "two", "identities": {ROBOT: WHO, f"{ROBOT}2": OTHER}},
        ]
    )
    assert settings.identities() == (ComputeIdentity(WHO), ComputeIdentity(OTHER))


DAILY = {"frequency": "Day", "hours": [19]}


def instance(**given: Any) -> Any:
    return read(instances=[{"name": "alice", **given}]).instances[0]


def test_an_instance_stops_by_itself_by_default() -> None:
    assert sent(instance())["idle_time_before_shutdown"] == "PT60M"
    assert (instance().schedules, instance().public_ip) == ((), True)


@pytest.mark.parametrize(
    ("given", "key", "told"),
    [
        ({"idleMinutes": 14}, "idleMinutes", "greater than or equal to 15"),
        ({"idleMinutes": 4321}, "idleMinutes", "less than or equal to 4320"),
        ({"schedules": [{"cron": "0 19 * * *"}] * 5}, "schedules", "5 schedules are more than the 4"),
        ({"schedules": [{"cron": "0 19 * *"}]}, "schedules[0].cron", "'0 19 * *' is not five fields"),
        ({"schedules": [{"cron": "0 24 * * *"}]}, "schedules[0].cron", "is not five fields"),
        ({"schedules": [{"cron": "*/5 * * * *"}]}, "schedules[0].cron", "is not five fields"),
        ({"schedules": [{}]}, "schedules[0]", "goes by cron or by recurrence, and this one has neither"),
        ({"schedules": [{"cron": "0 19 * * *", "recurrence": DAILY}]}, "schedules[0]", "this one has both"),
        ({"schedules": [{"recurrence": {"frequency": "Day"}}]}, "schedules[0].recurrence.hours", "is missing"),
        ({"schedules": [{"recurrence": {**DAILY, "hours": [24]}}]}, "schedules[0].recurrence.hours", "are 0 to 23"),
        ({"schedules": [{"recurrence": {**DAILY, "hours": []}}]}, "schedules[0].recurrence.hours", "at least 1"),
        ({"schedules": [{"recurrence": {**DAILY, "hours": [8, 8]}}]}, "schedules[0].recurrence.hours", "8 is there"),
        ({"schedules": [{"recurrence": {**DAILY, "minutes": [60]}}]}, "schedules[0].recurrence.minutes", "are 0 to 59"),
        ({"schedules": [{"recurrence": {**DAILY, "minutes": [-1]}}]}, "schedules[0].recurrence.minutes", "-1 is none"),
        ({"schedules": [{"recurrence": {**DAILY, "interval": 0}}]}, "schedules[0].recurrence.interval", "equal to 1"),
        (
            {"schedules": [{"recurrence": {**DAILY, "frequency": "Year"}}]},
            "schedules[0].recurrence.frequency",
            "'Week'",
        ),
        (
            {"schedules": [{"recurrence": {**DAILY, "weekDays": ["Monday"]}}]},
            "schedules[0].recurrence.weekDays",
            "belongs to the frequency Week",
        ),
        (
            {"schedules": [{"recurrence": {**DAILY, "frequency": "Week", "weekDays": ["Monday", "Monday"]}}]},
            "schedules[0].recurrence.weekDays",
            "Monday is there twice",
        ),
        ({"schedules": [{"cron": "0 19 * * *", "action": "Pause"}]}, "schedules[0].action", "'Start' or 'Stop'"),
        (
            {"schedules": [{"cron": "0 19 * * *", "timeZone": "Europe/Berlin"}]},
            "schedules[0].timeZone",
            "no time zone 'Europe/Berlin'",
        ),
        (
            {"schedules": [{"cron": "0 19 * * *", "timeZone": "W Europe Standard Time"}]},
            "schedules[0].timeZone",
            "did you mean W. Europe Standard Time?",
        ),
        ({"identity": "system"}, "identity", "Contributor of the workspace"),
        ({"owner": "alice@contoso.com"}, "owner", "is not an object id"),
        ({"ownerTenant": WHO}, "ownerTenant", "no owner"),
        ({"name": "alice-1"}, "name", "ends in a hyphen and digits"),
        ({"vmSize": "large"}, "vmSize", "pattern"),
    ],
)
def test_an_instance_that_azure_does_not_take_is_refused(given: dict[str, Any], key: str, told: str) -> None:
    found = only(instances=[{"name": "alice", **given}])
    assert (found.key, told in found.what) == (f"azmlflow:instances[0].{key}", True), found.what


def test_an_instance_goes_with_the_network_as_clusters_do() -> None:
    found = only(instances=[{"name": "alice", "publicIp": False}])
    assert (found.key, "by a private endpoint alone" in found.what) == ("azmlflow:instances", True)
    assert found.fix == "azmlflow set 'instances[0].publicIp' true"
    settings = read(network={"mode": "managed"}, registry="own", instances=[{"name": "alice"}])
    assert fitted(settings.instances, settings.network, None)[0].public_ip is False


def test_a_schedule_has_azures_spelling() -> None:
    (schedule,) = instance(schedules=[{"cron": " 0  19 * * 1-5 ", "timeZone": "tokyo standard time"}]).schedules
    assert schedule.as_azure_has_it() == {
        "action": "Stop",
        "status": "Enabled",
        "triggerType": "Cron",
        "cron": {"expression": "0 19 * * 1-5", "timeZone": "Tokyo Standard Time"},
    }


def test_a_recurrence_is_as_azure_has_it() -> None:
    weekly = {"frequency": "Week", "interval": 2, "hours": [8, 18], "minutes": [30], "weekDays": ["Monday", "Friday"]}
    schedules = [{"recurrence": DAILY}, {"action": "Start", "recurrence": weekly, "timeZone": "tokyo standard time"}]
    daily, second = (each.as_azure_has_it() for each in instance(schedules=schedules).schedules)
    assert daily["recurrence"] == {
        "frequency": "Day",
        "interval": 1,
        "timeZone": "UTC",
        "schedule": {"hours": [19], "minutes": [0]},
    }
    assert second == {
        "action": "Start",
        "status": "Enabled",
        "triggerType": "Recurrence",
        "recurrence": {
            "frequency": "Week",
            "interval": 2,
            "timeZone": "Tokyo Standard Time",
            "schedule": {"hours": [8, 18], "minutes": [30], "weekDays": ["Monday", "Friday"]},
        },
    }


@pytest.mark.parametrize(("other", "what"), [({"clusters": [{"name": "Alice"}]}, "computes"), ({}, "instances")])
def test_the_computes_of_a_workspace_share_their_names(other: dict[str, Any], what: str) -> None:
    twice = [{"name": "alice"}] if other else [{"name": "alice"}, {"name": "ALICE"}]
    found = only(instances=twice, **other)
    assert (found.key, f"two {what} are called 'alice'" in found.what) == ("azmlflow:instances", True)


def test_an_instances_identity_stops_it() -> None:
    settings = read(
        clusters=[{"name": "cpu", "identities": {ROBOT: WHO}}],
        instances=[{"name": "alice", "identities": {ROBOT: WHO}}],
    )
    assert settings.identities() == (ComputeIdentity(WHO), ComputeIdentity(WHO, stops=True))
