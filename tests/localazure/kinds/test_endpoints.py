"""Online endpoints: names, keys, traffic, what PATCH replaces, and what goes with them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localazure.control import (
    ALICE,
    BLUE,
    BODIES,
    CHAIN,
    DEVELOPER,
    ENDPOINT,
    GREEN,
    RG,
    STORAGE,
    WORKSPACE,
    Answer,
    Azure,
)

OTHER = f"{WORKSPACE}/onlineEndpoints/other"


@pytest.fixture
def azure(azure: Azure) -> Azure:
    azure.make(*CHAIN[:6], ENDPOINT, BLUE, GREEN)
    return azure


def put(azure: Azure, path: str = ENDPOINT, **properties: Any) -> Answer:
    answer = azure.arm("PUT", path, {"location": "westeurope", "properties": {"authMode": "Key", **properties}})
    azure.wait()
    return answer


def traffic(azure: Azure) -> dict[str, int]:
    found: dict[str, int] = azure.arm("GET", ENDPOINT).body["properties"]["traffic"]
    return found


def test_an_endpoint_tells_where_it_is_scored(azure: Azure) -> None:
    found = azure.arm("GET", ENDPOINT).body
    assert (found["kind"], found["location"], found["identity"]["type"]) == ("Managed", "westeurope", "SystemAssigned")
    properties = found["properties"]
    assert properties["scoringUri"] == "https://wine.westeurope.inference.ml.azure.com/score"
    assert properties["swaggerUri"] == "https://wine.westeurope.inference.ml.azure.com/swagger.json"
    assert (properties["traffic"], properties["mirrorTraffic"]) == ({}, {})


@pytest.mark.parametrize("name", ["ab", "1ab", "a-", "a--b", "a_b", "a" * 33])
def test_a_name_that_is_none(azure: Azure, name: str) -> None:
    refused = put(azure, f"{WORKSPACE}/onlineEndpoints/{name}")
    assert (refused.status, refused.code) == (400, "InvalidEndpointName")


def test_a_name_is_one_endpoints_in_a_region(azure: Azure) -> None:
    other = f"{RG}/providers/Microsoft.MachineLearningServices/workspaces/ws-two"
    azure.arm("PUT", other, BODIES[WORKSPACE])
    azure.wait()
    refused = put(azure, f"{other}/onlineEndpoints/WINE")
    assert (refused.status, refused.code) == (409, "EndpointNameAlreadyExists")
    asked = azure.arm("GET", f"{other}/onlineEndpoints/wine/checkNameAvailability").body
    assert (asked["nameAvailable"], asked["reason"]) == (False, "AlreadyExists")
    azure.arm("DELETE", ENDPOINT)
    azure.wait()
    assert azure.arm("GET", f"{other}/onlineEndpoints/wine/checkNameAvailability").body["nameAvailable"] is True
    assert put(azure, f"{other}/onlineEndpoints/wine").status == 201


def test_a_name_goes_with_the_group(azure: Azure) -> None:
    azure.arm("DELETE", RG)
    azure.wait()
    azure.make(*CHAIN[:2])
    azure.arm("DELETE", f"{WORKSPACE}?forceToPurge=true")
    azure.wait()
    assert list(azure.cloud.store.scan("endpoint_names")) == list(azure.cloud.store.scan("deployments")) == []


def test_keys_are_two_and_the_present_one_means_a_new_one(azure: Azure) -> None:
    first = azure.arm("POST", f"{ENDPOINT}/listKeys").body
    assert len({first["primaryKey"], first["secondaryKey"]}) == 2
    sent = {"keyType": "Primary", "keyValue": first["primaryKey"]}
    assert azure.arm("POST", f"{ENDPOINT}/regenerateKeys", sent).status == 200
    second = azure.arm("POST", f"{ENDPOINT}/listKeys").body
    assert second["primaryKey"] != first["primaryKey"] and second["secondaryKey"] == first["secondaryKey"]
    azure.arm("POST", f"{ENDPOINT}/regenerateKeys", {"keyType": "Secondary", "keyValue": "mine"})
    assert azure.arm("POST", f"{ENDPOINT}/listKeys").body["secondaryKey"] == "mine"
    assert azure.arm("POST", f"{ENDPOINT}/regenerateKeys", {"keyType": "Third"}).status == 400


@pytest.mark.parametrize("action", ["listKeys", "regenerateKeys", "token"])
def test_what_an_endpoint_of_another_mode_has_not(azure: Azure, action: str) -> None:
    put(azure, OTHER, authMode="AADToken")
    assert azure.arm("POST", f"{OTHER}/{action}", {"keyType": "Primary"}).code == "BadRequest"


def test_keys_take_a_right_of_their_own(azure: Azure) -> None:
    azure.assign(ALICE, "Reader", RG)
    assert azure.arm("POST", f"{ENDPOINT}/listKeys", who=ALICE).status == 403


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"trafic": {"blue": 100}}, "Could not find member 'trafic'"),
        ({"traffic": {"blue": 99}}, "adds up to 0 or 100"),
        ({"traffic": {"blue": 60, "green": 60}}, "adds up to 0 or 100"),
        ({"traffic": {"blue": -1, "green": 101}}, "from 0 to 100"),
        ({"traffic": {"blue": 50.5, "green": 49.5}}, "must be an integer"),
        ({"traffic": {"red": 100}}, "'red' that 'traffic' names was not found"),
        ({"traffic": ["blue"]}, "type 'object'"),
        ({"mirrorTraffic": {"blue": 51}}, "At most 50"),
        ({"mirrorTraffic": {"blue": 10, "green": 10}}, "one deployment only"),
        ({"traffic": {"blue": 100}, "mirrorTraffic": {"blue": 10}}, "live and mirrored"),
    ],
)
def test_traffic_that_cannot_be(azure: Azure, given: dict[str, Any], why: str) -> None:
    refused = put(azure, **given)
    assert refused.status == 400 and why in refused.message


def test_a_patch_replaces_traffic_whole(azure: Azure) -> None:
    put(azure, traffic={"blue": 90, "green": 10})
    patched = azure.arm("PATCH", ENDPOINT, {"properties": {"traffic": {"blue": 100}}})
    assert patched.status == 200
    azure.wait()
    assert traffic(azure) == {"blue": 100}
    azure.arm("PATCH", ENDPOINT, {"tags": {"a": "b"}})
    azure.wait()
    assert traffic(azure) == {"blue": 100}
    put(azure)  # a PUT that says none takes all of it, as azure-ai-ml's from a fresh entity does
    assert traffic(azure) == {}


def test_a_deployment_that_is_going_has_no_traffic(azure: Azure) -> None:
    azure.arm("DELETE", GREEN)
    refused = azure.arm("PATCH", ENDPOINT, {"properties": {"traffic": {"green": 100}}})
    assert refused.status == 400 and "was not found" in refused.message


def test_a_deployment_that_failed_keeps_its_traffic_and_gets_no_more(azure: Azure) -> None:
    put(azure, traffic={"blue": 60, "green": 40})
    document = azure.cloud.store.get("resources", BLUE.lower())
    assert document is not None
    document["properties"]["provisioningState"] = "Failed"
    azure.cloud.store.put("resources", BLUE.lower(), document)
    assert put(azure, traffic={"blue": 60, "green": 40}, description="d").status == 200
    assert put(azure, traffic={"blue": 30, "green": 70}).status == 200
    assert "in the state Failed" in put(azure, traffic={"blue": 100}).message


def test_the_identity_is_made_with_azures_grants_and_stays(azure: Azure) -> None:
    principal = azure.arm("GET", ENDPOINT).body["identity"]["principalId"]
    held = azure.cloud.enforcer.decide
    read = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
    assert held(principal, read, STORAGE, data=True).allowed
    assert not held(principal, read.replace("read", "write"), STORAGE, data=True).allowed
    body = {"identity": {"type": "None"}, "properties": {"authMode": "Key"}}
    assert "cannot be changed" in azure.arm("PUT", ENDPOINT, {"location": "westeurope", **body}).message
    azure.arm("DELETE", ENDPOINT)
    azure.wait()
    assert azure.cloud.directory.get(principal) is None


def test_an_identity_that_a_body_does_not_tell_of_stays_as_it_was_made(azure: Azure) -> None:
    for asked in ({}, {"type": "SystemAssigned"}):
        body = {"location": "westeurope", "properties": {"authMode": "Key"}}
        azure.arm("PUT", OTHER, {**body, "identity": asked})
        azure.wait()
        made = azure.arm("GET", OTHER).body.get("identity")
        assert azure.arm("PUT", OTHER, body).status == 200
        azure.wait()
        assert azure.arm("GET", OTHER).body.get("identity") == made
        azure.arm("DELETE", OTHER)
        azure.wait()


def test_an_endpoint_is_where_its_workspace_is(azure: Azure) -> None:
    body = {"location": "eastus", "properties": {"authMode": "Key"}}
    assert azure.arm("PUT", OTHER, body).code == "InvalidEndpointLocation"


def test_an_endpoint_goes_with_its_deployments(azure: Azure) -> None:
    put(azure, traffic={"blue": 100})
    assert azure.arm("DELETE", ENDPOINT).status == 202
    azure.wait()
    assert [azure.arm("GET", path).status for path in (ENDPOINT, BLUE, GREEN)] == [404, 404, 404]
    assert azure.cloud.store.get("secrets", ENDPOINT.lower()) is None


def test_who_may_not_read_is_not_told(azure: Azure) -> None:
    assert azure.arm("GET", f"{ENDPOINT}/checkNameAvailability", who=ALICE).status == 403
    assert azure.arm("GET", f"{ENDPOINT}/checkNameAvailability", who=DEVELOPER).status == 200


def test_the_requests_of_the_last_day(azure: Azure) -> None:
    azure.make(*CHAIN[:6], ENDPOINT)

    def per_minute() -> float:
        told = azure.arm("GET", f"{ENDPOINT}/providers/Microsoft.Insights/metrics?metricnames=RequestsPerMinute").body
        (metric,) = told["value"]
        return float(metric["timeseries"][0]["data"][0]["average"])

    assert per_minute() == 0
    azure.cloud.serving.asked[ENDPOINT.lower()] += 1440
    assert per_minute() == 1
    azure.clock.advance(12 * 3600)
    azure.cloud.serving.asked[ENDPOINT.lower()] += 1440
    assert per_minute() == 2
    azure.clock.advance(13 * 3600)
    assert per_minute() == 1
    azure.arm("DELETE", ENDPOINT)
    azure.wait()
    azure.make(ENDPOINT)
    assert per_minute() == 0
