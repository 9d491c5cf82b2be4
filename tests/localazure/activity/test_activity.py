"""The activity log by Azure's own client: what is an event, what it tells, who may read it, and how long it is kept.

Expected is what Microsoft's pages tell ("Azure Activity Log event schema", "Activity Logs - List", "View activity logs
for Azure RBAC changes") and what Azure CLI's `az role assignment list-changelogs` reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.monitor import MonitorManagementClient

from azmlflow.localazure.activity import recording
from azmlflow.localazure.core.store import Store
from tests.localazure.control import ALICE, BOB, DEVELOPER, LOGS, RG, STORAGE, SUB, VAULT, Azure
from tests.localazure.sdk import client

SINCE = "eventTimestamp ge '2025-12-01T00:00:00Z'"
URL = f"{SUB}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01&$filter="
AUTHORIZATION = f"{SINCE} and resourceProvider eq 'Microsoft.Authorization'"
Read = Callable[..., list[Any]]


@pytest.fixture
def read(azure: Azure) -> Read:
    """The events that a filter asks for, by Azure's client, as the developer."""
    logs = client(azure, MonitorManagementClient).activity_logs
    return lambda filter_=SINCE, select=None: list(logs.list(filter_, select))


def _told(events: list[Any]) -> list[tuple[str, str]]:
    return [(each.operation_name.value, each.status.value) for each in events]


def test_a_grant_and_its_end_are_told_with_who_to_whom_and_what(azure: Azure, read: Read) -> None:
    azure.make(RG)
    id_ = azure.assign(ALICE, "Reader", RG)
    azure.clock.advance(60)
    assert azure.arm("DELETE", id_).status == 200
    events = read(AUTHORIZATION)
    assert _told(events) == [
        ("Microsoft.Authorization/roleAssignments/delete", "Succeeded"),
        ("Microsoft.Authorization/roleAssignments/delete", "Started"),
        ("Microsoft.Authorization/roleAssignments/write", "Succeeded"),
        ("Microsoft.Authorization/roleAssignments/write", "Started"),
    ]
    ended, ending, granted, granting = events
    assert granting.operation_name.localized_value == "Create role assignment"
    assert (granting.http_request.method, ending.http_request.method) == ("PUT", "DELETE")
    asked = json.loads(granting.properties["requestbody"])["properties"]
    gone = json.loads(ended.properties["responseBody"])["properties"]
    assert asked["principalId"] == gone["principalId"] == azure.who(ALICE).object_id
    assert asked["roleDefinitionId"].lower() == gone["roleDefinitionId"].lower()
    assert gone["scope"] == RG
    assert {each.caller for each in events} == {DEVELOPER}
    assert {each.resource_id for each in events} == {id_}
    assert granting.authorization.action == "Microsoft.Authorization/roleAssignments/write"
    assert granting.authorization.scope == id_
    assert granting.operation_id == granted.operation_id != ended.operation_id
    assert (granted.sub_status.value, granted.sub_status.localized_value) == (
        "Created",
        "Created (HTTP Status Code: 201)",
    )
    assert ended.event_timestamp - granted.event_timestamp == timedelta(seconds=60)
    assert (granted.event_name.value, granting.event_name.value) == ("EndRequest", "BeginRequest")
    assert {each.resource_group_name for each in events} == {"rg1"}
    assert len({each.event_data_id for each in events}) == 4


def test_a_refused_request_is_an_event_and_a_reading_one_is_none(azure: Azure, read: Read) -> None:
    azure.make(RG)
    before = len(read())
    azure.cloud.directory.add_user(ALICE) if azure.cloud.directory.find_user(ALICE) is None else None
    assert azure.arm("PUT", STORAGE, {}, who=ALICE).status == 403
    assert azure.arm("GET", RG).status == 200
    assert azure.arm("GET", RG, who=ALICE).status == 403
    ended, began = read()[: len(read()) - before]
    assert _told([ended, began]) == [
        ("Microsoft.Storage/storageAccounts/write", "Failed"),
        ("Microsoft.Storage/storageAccounts/write", "Started"),
    ]
    assert (ended.caller, ended.level, ended.sub_status.value) == (ALICE, "Error", "Forbidden")
    assert json.loads(ended.properties["statusMessage"])["error"]["code"] == "AuthorizationFailed"


def test_what_takes_long_has_a_third_event_when_it_has_ended(azure: Azure, read: Read) -> None:
    azure.make(RG)
    assert azure.arm("DELETE", RG).status == 202
    azure.wait()
    deleted = [one for one in read() if one.operation_name.value.endswith("resourceGroups/delete")]
    assert [one.status.value for one in deleted] == ["Succeeded", "Accepted", "Started"]
    assert len({one.operation_id for one in deleted}) == 1


def test_no_key_that_is_asked_for_and_no_body_but_of_role_assignments_is_kept(azure: Azure, read: Read) -> None:
    azure.make(RG, STORAGE, VAULT)
    keys = azure.arm("POST", f"{STORAGE}/listKeys").body["keys"]
    told = json.dumps([record for _, record in azure.cloud.store.scan("activity")])
    assert keys[0]["value"] not in told
    assert read()[0].operation_name.value == "Microsoft.Storage/storageAccounts/listKeys/action"
    assert not any({"requestbody", "responseBody"} & set(event.properties) for event in read())


@pytest.mark.parametrize(
    ("filter_", "count"),
    [
        ("resourceGroupName eq 'RG1'", 10),
        ("resourceGroupName eq 'rg2'", 2),
        (f"resourceUri eq '{STORAGE}'", 5),
        (f"resourceId eq '{STORAGE}'", 5),
        ("resourceProvider eq Microsoft.Authorization", 2),
        ("resourceProvider eq 'Microsoft.Storage' and status eq 'Started'", 1),
        ("eventChannels eq 'Admin, Operation'", 12),
        (f"caller eq '{DEVELOPER}'", 12),
        ("caller eq 'nobody@local.test'", 0),
        ("correlationId eq 'no-such'", 0),
        ("eventTimestamp le '2025-12-31T23:59:59Z'", 0),
        ("eventTimestamp le 2026-02-01T00:00:00Z", 12),
    ],
)
def test_the_filters_of_azure(azure: Azure, read: Read, filter_: str, count: int) -> None:
    azure.make(RG, STORAGE, LOGS)
    assert azure.arm("PUT", RG.replace("rg1", "rg2"), {"location": "westeurope"}).status == 201
    azure.assign(ALICE, "Reader", STORAGE)
    # Two events a request, and a third one where what it began has ended: the account's and the logs'.
    assert len(read(f"{SINCE} and {filter_}")) == count


def _refused(read: Read, *asked: Any) -> str:
    with pytest.raises(HttpResponseError) as refusal:
        read(*asked)
    assert refusal.value.status_code == 400
    return str(refusal.value.message)


@pytest.mark.parametrize(
    ("filter_", "words"),
    [
        ("", "$filter searching parameters invalid"),
        ("resourceGroupName eq 'rg1'", "$filter searching parameters invalid"),
        ("eventTimestamp ge 'yesterday'", "$filter searching parameters invalid"),
        (f"{SINCE} or caller eq 'a'", "$filter searching parameters invalid"),
        (f"{SINCE} and", "$filter searching parameters invalid"),
        ("eventTimestamp eq '2026-01-01'", "$filter=eventTimestamp is not supported."),
        (f"{SINCE} and level eq 'Error'", "$filter=level is not supported."),
        (f"{SINCE} and caller ge 'a'", "$filter=caller is not supported."),
        ("eventTimestamp ge '2025-09-30T00:00:00Z'", "The start time cannot be more than 90 days in the past."),
    ],
)
def test_another_filter_is_refused(read: Read, filter_: str, words: str) -> None:
    assert words in _refused(read, filter_)


def test_members_can_be_chosen(azure: Azure, read: Read) -> None:
    azure.make(RG)
    (_, began) = read(SINCE, "eventName,operationName")
    assert began.event_name.value == "BeginRequest"
    assert began.caller is None
    assert began.properties is None
    assert "$select=password is not supported." in _refused(read, SINCE, "password")


def test_whoever_reads_a_group_reads_its_events_alone(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    azure.assign(BOB, "Reader", RG)
    of_group = f"{SINCE} and resourceGroupName eq 'rg1'"
    assert azure.arm("GET", f"{URL}{of_group}", who=BOB).status == 200
    assert azure.arm("GET", f"{URL}{SINCE} and resourceUri eq '{STORAGE}'", who=BOB).status == 200
    for asked in (SINCE, AUTHORIZATION, f"{SINCE} and resourceGroupName eq 'rg2'"):
        refused = azure.arm("GET", f"{URL}{asked}", who=BOB)
        assert refused.code == "AuthorizationFailed"
        assert "Microsoft.Insights/eventtypes/values/read" in refused.message


def test_many_events_come_in_pages_and_none_twice(azure: Azure, read: Read) -> None:
    azure.make(RG)
    for number in range(230):
        assert azure.arm("PATCH", RG, {"tags": {"n": str(number)}}).status == 200
        azure.clock.advance(1)
    first = azure.arm("GET", f"{URL}{SINCE}").body
    assert len(first["value"]) == 200
    found = read()
    assert len({each.event_data_id for each in found}) == len(found) == 462
    stamps = [each.event_timestamp for each in found]
    assert stamps == sorted(stamps, reverse=True)
    assert azure.arm("GET", f"{URL}{SINCE}", **{"$skiptoken": "bm9uZQ=="}).status == 400


def test_events_outlive_the_process_but_not_90_days(tmp_path: Path) -> None:
    store = Store(tmp_path / "azure.db")
    store.put("activity", "2026-01-01T00:00:00.0000000Z/1", {"n": 1}, synced=False)
    store.close()
    again = Store(tmp_path / "azure.db")
    assert len(list(again.scan("activity"))) == 1
    again.trim("activity", "2026-01-02", 100)
    assert not list(again.scan("activity"))
    again.close()


def test_old_events_and_too_many_go(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "_TRIMMED_AFTER", 2)
    azure.make(RG)
    azure.clock.advance(91 * 86_400)
    for number in range(4):
        azure.arm("PATCH", RG, {"tags": {"n": str(number)}})
    told = [record["operation"] for _, record in azure.cloud.store.scan("activity")]
    assert told == ["Microsoft.Resources/subscriptions/resourceGroups/write"] * 4
    monkeypatch.setattr(recording, "MOST", 3)
    for number in range(9):
        azure.clock.advance(1)
        azure.arm("PATCH", RG, {"tags": {"m": str(number)}})
    assert len(list(azure.cloud.store.scan("activity"))) in (3, 4)


def test_a_templates_resources_are_events_of_their_own(azure: Azure, read: Read) -> None:
    azure.make(RG)
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": [
            {
                "type": "Microsoft.Storage/storageAccounts",
                "apiVersion": "2023-01-01",
                "name": "stacct1",
                "location": "westeurope",
                "sku": {"name": "Standard_LRS"},
                "kind": "StorageV2",
            }
        ],
    }
    path = f"{RG}/providers/Microsoft.Resources/deployments/one"
    body = {"properties": {"mode": "Incremental", "template": template}}
    assert azure.arm("PUT", path, body, api="2024-03-01").status == 201
    operations = {name for name, _ in _told(read())}
    assert {"Microsoft.Resources/deployments/write", "Microsoft.Storage/storageAccounts/write"} <= operations


def test_a_broken_request_is_refused_as_before_and_told_without_its_body(azure: Azure, read: Read) -> None:
    azure.make(RG)
    path = f"{RG}/providers/Microsoft.Authorization/roleAssignments/{azure.cloud.ids.guid()}"
    role = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
    long = {"principalId": "x" * 10_000, "roleDefinitionId": role}
    assert azure.arm("PUT", path, {"properties": long}).status == 400
    ended, began = read()[:2]
    assert (began.properties["requestbody"], ended.status.value) == ("", "Failed")
    assert len(ended.properties["statusMessage"]) < 5000
