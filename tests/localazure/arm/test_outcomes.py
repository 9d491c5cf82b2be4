"""What ARM answers itself, member by member: outcomes of operations, tags in use, metrics, providers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from azmlflow.localazure.core.collections import ENDED_OPERATIONS
from azmlflow.localazure.core.constants import REGIONS, SUBSCRIPTION_ID, TENANT_ID
from tests.localazure.control import (
    ALICE,
    BOB,
    BODIES,
    CHAIN,
    COMPUTE,
    NETWORK,
    PROVIDERS,
    RG,
    STORAGE,
    SUB,
    SUBNET,
    VAULT,
    WORKSPACE,
    Azure,
)

ML = "Microsoft.MachineLearningServices"


def test_a_write_is_followed_by_its_operation_or_by_its_result(slow_azure: Azure) -> None:
    slow_azure.make(*CHAIN[:5])
    accepted = slow_azure.arm("PUT", WORKSPACE, BODIES[WORKSPACE])
    operation, result = accepted.headers["azure-asyncoperation"], accepted.headers["location"]
    place, version = f"{SUB}/providers/{ML}/locations/westeurope", urlsplit(operation).query
    id_ = urlsplit(operation).path.rpartition("/")[2]
    assert operation == f"https://management.azure.com{place}/operationsStatus/{id_}?{version}"
    assert result == f"https://management.azure.com{place}/operationResults/{id_}?{version}"
    assert version.startswith("api-version=20")
    running = slow_azure.follow(operation)
    assert set(running.body) == {"id", "name", "status", "startTime"}
    assert (running.status, running.body["id"], running.body["name"]) == (200, urlsplit(operation).path, id_)
    assert running.body["status"] == "InProgress"
    assert int(running.headers["retry-after"]) == int(accepted.headers["retry-after"]) > 0
    waiting = slow_azure.follow(result)
    assert (waiting.status, waiting.headers["location"]) == (202, result)
    assert waiting.headers["retry-after"] == running.headers["retry-after"]
    slow_azure.clock.advance(600)
    ended = slow_azure.follow(operation)
    assert set(ended.body) == {"id", "name", "status", "startTime", "endTime", "percentComplete"}
    assert (ended.body["status"], ended.body["percentComplete"]) == ("Succeeded", 100.0)
    assert "retry-after" not in ended.headers
    shown = slow_azure.follow(result)
    assert (shown.status, shown.body) == (200, slow_azure.arm("GET", WORKSPACE).body)


def test_a_groups_deletion_has_a_result_of_arms_own_and_nothing_to_show(slow_azure: Azure) -> None:
    slow_azure.make(RG)
    accepted = slow_azure.arm("DELETE", RG)
    assert "azure-asyncoperation" not in accepted.headers
    assert urlsplit(accepted.headers["location"]).path.startswith(f"{SUB}/operationresults/")
    slow_azure.clock.advance(600)
    ended = slow_azure.follow(accepted.headers["location"])
    assert (ended.status, ended.body) == (200, None)


def test_the_result_of_what_went_meanwhile_is_nothing(azure: Azure) -> None:
    azure.make(RG)
    accepted = azure.arm("PUT", STORAGE, BODIES[STORAGE])
    azure.wait()
    azure.arm("DELETE", STORAGE)
    azure.wait()
    assert azure.follow(accepted.headers["location"]).status == 204


def test_the_result_of_what_was_canceled_is_a_conflict(slow_azure: Azure) -> None:
    slow_azure.make(*CHAIN[:5])
    slow_azure.arm("DELETE", RG)
    slow_azure.clock.advance(59)
    begun = slow_azure.cloud.operations.begin("put", "Microsoft.Storage/storageAccounts", STORAGE, key=STORAGE.lower())
    slow_azure.clock.advance(1)
    refused = slow_azure.arm(
        "GET", f"{PROVIDERS}/Microsoft.Storage/locations/westeurope/operationResults/{begun['id']}"
    )
    assert (refused.status, refused.code) == (409, "OperationCanceled")
    assert STORAGE in refused.message


def test_what_failed_is_told_with_its_code_and_words(slow_azure: Azure) -> None:
    """Microsoft, "Track asynchronous Azure operations": `error` has a code and a message."""
    slow_azure.make(RG)
    accepted = slow_azure.arm("DELETE", RG)
    ((key, operation),) = slow_azure.cloud.store.scan("running")
    slow_azure.cloud.store.put("running", key, {**operation, "fails": True})
    slow_azure.wait()
    place = f"{PROVIDERS}/Microsoft.Resources/locations/westeurope/operationsStatus/{operation['id']}"
    told = slow_azure.arm("GET", place).body
    assert (told["status"], set(told["error"])) == ("Failed", {"code", "message"})
    outcome = slow_azure.follow(accepted.headers["location"])
    assert outcome.body == {"error": told["error"]}
    assert told["error"]["message"]


def test_the_subscription_is_told_whole(azure: Azure) -> None:
    found = azure.arm("GET", SUB).body
    assert found == azure.arm("GET", "/subscriptions").body["value"][0]
    assert "tags" not in found
    assert (found["id"], found["subscriptionId"], found["tenantId"]) == (SUB, SUBSCRIPTION_ID, TENANT_ID)
    assert found["subscriptionPolicies"] == {
        "locationPlacementId": "Public_2014-09-01",
        "quotaId": "PayAsYouGo_2014-09-01",
        "spendingLimit": "Off",
    }
    assert (found["authorizationSource"], found["managedByTenants"]) == ("RoleBased", [])
    assert (found["displayName"], found["state"]) == ("azmlflow local", "Enabled")
    tags = {"properties": {"tags": {"team": "a"}}}
    azure.arm("PUT", f"{SUB}/providers/Microsoft.Resources/tags/default", tags, api="2024-11-01")
    assert azure.arm("GET", SUB).body["tags"] == {"team": "a"}


def test_a_region_has_the_names_that_people_read(azure: Azure) -> None:
    found = {each["name"]: each for each in azure.arm("GET", f"{SUB}/locations").body["value"]}
    assert found["westeurope"] == {
        "id": f"{SUB}/locations/westeurope",
        "name": "westeurope",
        "type": "Region",
        "displayName": "West Europe",
        "regionalDisplayName": "West Europe",
        "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
    }


@pytest.mark.parametrize("path", [f"{SUB}/locations", PROVIDERS, f"{PROVIDERS}/Microsoft.Storage", f"{SUB}/tagNames"])
def test_what_a_subscription_offers_is_seen_by_who_has_a_role_anywhere_in_it(azure: Azure, path: str) -> None:
    azure.make(RG, STORAGE)
    azure.assign(ALICE, "Reader", STORAGE)
    version = "2024-11-01" if path.endswith("tagNames") else "2022-12-01"
    assert azure.arm("GET", path, who=ALICE, api=version).status == 200
    refused = azure.arm("GET", path, who=BOB, api=version)
    assert (refused.status, refused.code) == (403, "AuthorizationFailed")
    assert f"'{SUB}'" in refused.message
    action = {SUB: path.rpartition("/")[2]}.get(path.rpartition("/")[0], "providers")
    assert f"'Microsoft.Resources/subscriptions/{action}/read'" in refused.message


def test_a_provider_tells_its_types_regions_and_whether_it_must_be_registered(azure: Azure) -> None:
    found = azure.arm("GET", f"{PROVIDERS}/microsoft.storage").body
    assert (found["id"], found["namespace"]) == (f"{PROVIDERS}/Microsoft.Storage", "Microsoft.Storage")
    assert found["registrationPolicy"] == "RegistrationRequired"
    accounts = next(each for each in found["resourceTypes"] if each["resourceType"] == "storageAccounts")
    assert accounts["capabilities"] == "SupportsTags, SupportsLocation"
    assert len(accounts["locations"]) == len(REGIONS)
    assert "West Europe" in accounts["locations"]
    assert accounts["apiVersions"] == sorted(accounts["apiVersions"], reverse=True)
    assert accounts["defaultApiVersion"] == next(each for each in accounts["apiVersions"] if "preview" not in each)
    own = azure.arm("GET", f"{PROVIDERS}/Microsoft.Authorization").body
    assert own["registrationPolicy"] == "RegistrationFree"
    locks = next(each for each in own["resourceTypes"] if each["resourceType"] == "locks")
    assert (locks["capabilities"], locks["locations"]) == ("None", [])


def test_tag_names_are_counted_by_value(azure: Azure) -> None:
    azure.make(RG, NETWORK, SUBNET)  # a subnet has no tags
    azure.arm("PUT", STORAGE, {**BODIES[STORAGE], "tags": {"env": "dev", "a": "1"}})
    azure.arm("PUT", VAULT, {**BODIES[VAULT], "tags": {"env": "prod"}})
    azure.arm("PATCH", RG, {"tags": {"env": "dev"}})
    first, second = azure.arm("GET", f"{SUB}/tagNames", api="2024-11-01").body["value"]
    assert (first["tagName"], first["count"]) == ("a", {"type": "Total", "value": 1})
    assert second == {
        "id": f"{SUB}/tagNames/env",
        "tagName": "env",
        "count": {"type": "Total", "value": 3},
        "values": [
            {
                "id": f"{SUB}/tagNames/env/tagValues/{value}",
                "tagValue": value,
                "count": {"type": "Total", "value": count},
            }
            for value, count in (("dev", 2), ("prod", 1))
        ],
    }


def test_a_metric_is_measured_now_and_named_in_any_case(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    asked = f"{STORAGE}/providers/Microsoft.Insights/metrics?metricnames="
    found = azure.arm("GET", f"{asked}usedcapacity", api="2023-10-01").body
    assert (found["cost"], found["interval"]) == (0, "PT1H")
    (measured,) = found["value"]
    (point,) = measured["timeseries"][0].pop("data")
    assert measured == {
        "id": f"{STORAGE}/providers/Microsoft.Insights/metrics/UsedCapacity",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": "UsedCapacity", "localizedValue": "Used capacity"},
        "unit": "Bytes",
        "timeseries": [{"metadatavalues": []}],
        "errorCode": "Success",
    }
    assert set(point) == {"timeStamp", "average"}
    assert point["timeStamp"].startswith(azure.clock.now().strftime("%Y-%m-%dT%H:%M"))
    for given, metric in ((f"{asked}Nothing", "Nothing"), (asked, ""), (asked.partition("?")[0], "")):
        refused = azure.arm("GET", given, api="2023-10-01")
        assert (refused.status, refused.code) == (400, "BadRequest")
        assert refused.message == f"Failed to find metric configuration for the metric name '{metric}'."
    assert azure.arm("GET", f"{asked}UsedCapacity", who=BOB, api="2023-10-01").status == 403
    elsewhere = azure.arm("GET", asked.replace("stacct1", "other"), api="2023-10-01")
    assert (elsewhere.status, elsewhere.code) == (404, "ResourceNotFound")
    assert STORAGE.replace("stacct1", "other") in elsewhere.message


def test_nobody_is_denied_anything_and_who_may_look_is_told_so(azure: Azure) -> None:
    azure.make(RG)
    for scope in (SUB, RG):
        path = f"{scope}/providers/Microsoft.Authorization/denyAssignments"
        assert azure.arm("GET", path, api="2022-04-01").body == {"value": []}
        assert azure.arm("GET", path, who=BOB, api="2022-04-01").status == 403
    refused = azure.arm("GET", "/providers/Microsoft.Authorization/denyAssignments", who=BOB, api="2022-04-01")
    assert (refused.status, "denyAssignments/read' over scope '/'" in refused.message) == (403, True), refused


@pytest.mark.parametrize(
    ("action", "path", "version"),
    [
        ("Microsoft.Authorization/denyAssignments/read", "Microsoft.Authorization/denyAssignments", "2022-04-01"),
        ("Microsoft.Insights/metrics/read", "Microsoft.Insights/metrics?metricnames=UsedCapacity", "2023-10-01"),
    ],
)
def test_what_is_had_at_any_scope_takes_one_right_there(azure: Azure, action: str, path: str, version: str) -> None:
    azure.make(RG, STORAGE)
    refused = azure.arm("GET", f"{STORAGE}/providers/{path}", who=ALICE, api=version)
    assert (refused.status, f"'{action}'" in refused.message) == (403, True)
    azure.give(ALICE, [action], STORAGE)
    assert azure.arm("GET", f"{STORAGE}/providers/{path}", who=ALICE, api=version).status == 200
    assert azure.arm("GET", f"{RG}/providers/{path}", who=ALICE, api=version).status == 403


def test_what_one_may_do_at_a_scope_is_told_to_whoever_asks(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    azure.give(ALICE, ["Microsoft.Storage/*/read"], STORAGE)
    told = {
        (who, scope): [block["actions"] for block in azure.arm("GET", path, who=who, api="2022-04-01").body["value"]]
        for who in (ALICE, BOB)
        for scope in (RG, STORAGE)
        for path in (f"{scope}/providers/Microsoft.Authorization/permissions",)
    }
    assert told == {
        (ALICE, RG): [],
        (ALICE, STORAGE): [["Microsoft.Storage/*/read"]],
        (BOB, RG): [],
        (BOB, STORAGE): [],
    }


def test_a_tenant_is_told_as_azures_page_has_it(azure: Azure) -> None:
    """Microsoft, "Tenants - List": the sample response's names; ours is a home tenant of Entra ID."""
    answer = azure.arm("GET", "/tenants", who=BOB, api="2022-12-01")
    (tenant,) = answer.body["value"]
    names = "id tenantId countryCode displayName domains tenantCategory defaultDomain tenantType"
    assert (answer.status, set(tenant)) == (200, set(names.split()))
    assert tenant["id"] == f"/tenants/{tenant['tenantId']}" == f"/tenants/{TENANT_ID}"
    assert (tenant["tenantCategory"], tenant["tenantType"]) == ("Home", "AAD")
    assert tenant["domains"] == [tenant["defaultDomain"]] and len(tenant["countryCode"]) == 2
    assert azure.arm("GET", SUB).status == 200


def test_what_an_action_ends_with_is_the_result_of_its_operation(azure: Azure) -> None:
    """Microsoft, "Track asynchronous Azure operations": 200 with the result where Location points."""
    azure.make(RG)
    told: dict[str, Any] = {"answer": {"keys": ["one"]}}
    for more, status, body in ((told, 200, told["answer"]), (dict[str, Any](), 204, None)):
        begun = azure.cloud.operations.begin(
            "put", "Microsoft.Storage/storageAccounts", STORAGE, key=STORAGE.lower(), **more
        )
        azure.wait()
        kept = azure.cloud.store.get(ENDED_OPERATIONS, begun["id"])
        assert kept is not None
        kept.pop("error", None)  # there is no such account
        azure.cloud.store.put(ENDED_OPERATIONS, begun["id"], {**kept, "status": "Succeeded"})
        shown = azure.arm("GET", f"{PROVIDERS}/Microsoft.Storage/locations/westeurope/operationResults/{begun['id']}")
        assert (shown.status, shown.body) == (status, body)


@pytest.mark.parametrize("path", [RG, STORAGE, WORKSPACE, COMPUTE], ids=lambda path: path.split("/")[-2])
def test_what_has_no_etag_is_written_under_no_condition_but_that_it_is_there(azure: Azure, path: str) -> None:
    azure.make(*CHAIN[:6], COMPUTE)
    body = BODIES[path]
    for headers in ({"If-Match": '"stale"'}, {"If-None-Match": "*"}):
        for method in ("PUT", "DELETE"):
            refused = azure.arm(method, path, body if method == "PUT" else None, headers=headers)
            assert (refused.status, refused.code) == (412, "PreconditionFailed"), (method, headers)
    absent = azure.arm("PUT", f"{path}x", body, headers={"If-Match": "*"})
    assert (absent.status, azure.arm("GET", f"{path}x").status) == (412, 404)
    assert azure.arm("GET", path).status == 200
    assert azure.arm("PUT", path, body, headers={"If-Match": "*"}).status < 300
