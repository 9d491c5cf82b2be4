"""A request to Resource Manager in many spellings: one resource, one right, one reading of the body."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azmlflow.rbac.roles import persona
from tests.localazure.control import ALICE, BOB, CHAIN, COMPUTE, DEVELOPER, RG, STORAGE, SUB, VAULT, WORKSPACE, Azure

API = "api-version=2024-10-01"
JOB = {"properties": {"jobType": "Command", "command": "true", "computeId": COMPUTE, "experimentName": "e"}}


@pytest.mark.parametrize("segment", ["jobs", "Jobs", "JOBS", "j%6Fbs", "J%6fBs"])
def test_a_tracker_submits_no_job_however_it_is_spelt(azure: Azure, segment: str) -> None:
    azure.make(*CHAIN)
    azure.give(ALICE, persona("tracker").actions, WORKSPACE)
    azure.give(BOB, persona("submitter").actions, WORKSPACE)
    for slash in ("", "/"):
        refused = azure.arm("PUT", f"{WORKSPACE}/{segment}/j1{slash}?{API}", JOB, who=ALICE)
        assert (refused.status, refused.code) == (403, "AuthorizationFailed")
    assert azure.arm("PUT", f"{WORKSPACE}/{segment}/j1?{API}", JOB, who=BOB).status == 201
    assert azure.arm("GET", f"{WORKSPACE}/jobs/j1?{API}").body["id"] == f"{WORKSPACE}/jobs/j1"


@pytest.mark.parametrize("segment", ["models", "Models", "MODELS"])
def test_models_take_their_operation_s_rights_however_they_are_spelt(azure: Azure, segment: str) -> None:
    azure.make(*CHAIN)
    azure.give(ALICE, ("Microsoft.MachineLearningServices/workspaces/models/write",), WORKSPACE)
    refused = azure.arm("PUT", f"{WORKSPACE}/{segment}/m?{API}", {"properties": {}}, who=ALICE)
    assert refused.status == 403
    assert "models/versions/write" in refused.message


@pytest.mark.parametrize("path", [
    f"/subscriptions/../{RG}", f"{RG}/%2e%2e/other", f"/{SUB}//resourceGroups/rg1", f"{SUB}/resourceGroups%2Frg1",
    f"{SUB}/resourceGroups/rg1%00", f"{SUB}/resourceGroups/rg%2531", f"{SUB}/resourceGroups/rg1%5C", f"{SUB}/%ff",
    f"{RG}//", f"{SUB}/resourceGroups/rg1%2", f"{RG}%0d%0aX-Y: z",
])  # fmt: skip
def test_a_path_with_two_readings_is_refused(azure: Azure, path: str) -> None:
    azure.make(RG)
    refused = azure.raw("GET", f"{path}?{API}", b"")
    assert (refused.status, refused.code) == (400, "InvalidRequestUri")


def test_a_generic_client_leaves_the_place_of_a_parent_empty(azure: Azure) -> None:
    """azure-mgmt-resource's `resources.get(group, namespace, "", type, name)`, and with it `az resource show`."""
    azure.make(*CHAIN)
    azure.give(ALICE, ("*/read",), RG)
    odd = WORKSPACE.replace("MachineLearningServices/", "MachineLearningServices//")
    assert azure.arm("GET", f"{odd}?{API}", who=ALICE).body["id"] == WORKSPACE
    refused = azure.arm("DELETE", f"{odd}?{API}", who=ALICE)
    assert (refused.status, f"over scope '{WORKSPACE}'" in refused.message) == (403, True)
    for path in (odd.replace("//", "///"), WORKSPACE.replace("/workspaces/", "/workspaces//"), f"{RG}/providers//x"):
        assert azure.arm("GET", f"{path}?{API}").code == "InvalidRequestUri", path


def test_the_answer_has_azures_spelling(azure: Azure) -> None:
    path = f"{SUB.upper()}/RESOURCEGROUPS/rg1"
    made = azure.arm("PUT", f"{path}?api-version=2024-11-01", {"Location": "westeurope", "Tags": {"a": "b"}}).body
    assert (made["id"], made["tags"], made["location"]) == (RG, {"a": "b"}, "westeurope")
    storage = STORAGE.replace("Microsoft.Storage/storageAccounts", "microsoft.STORAGE/STORAGEaccounts")
    body = {"LOCATION": "westeurope", "Sku": {"Name": "Standard_LRS"}, "Kind": "StorageV2", "PROPERTIES": {}}
    assert azure.arm("PUT", f"{storage}?api-version=2024-01-01", body).status in (200, 202)
    azure.wait()
    assert azure.arm("GET", STORAGE).body["id"] == STORAGE


@pytest.mark.parametrize(
    "body",
    [
        '{"location": "westeurope", "location": "northeurope"}',
        '{"location": "westeurope", "Location": "northeurope"}',
        '{"location": "westeurope", "tags": {"a": "1", "A": "2"}}',
        '{"location": "westeurope", "tags": {"a": "\\ud800"}}',
        '{"location": "westeurope", "properties": {"x": {"y": 1, "Y": 2}}}',
    ],
)
def test_a_body_with_two_readings_is_refused_and_nothing_is_kept(azure: Azure, body: str) -> None:
    refused = azure.raw("PUT", f"{RG}?api-version=2024-11-01", body.encode())
    assert (refused.status, refused.code) == (400, "InvalidRequestContent")
    assert azure.arm("GET", f"{SUB}/resourceGroups").body["value"] == []


def test_words_of_people_keep_their_case(azure: Azure) -> None:
    azure.make(*CHAIN)
    words = {"Path": "1", "PATH": "2"}
    body = {"properties": {**JOB["properties"], "EnvironmentVariables": words, "tags": {"a": "1", "A": "2"}}}
    made = azure.arm("PUT", f"{WORKSPACE}/jobs/j1?{API}", body).body["properties"]
    assert (made["environmentVariables"], made["tags"]) == (words, {"a": "1", "A": "2"})


def test_a_patch_finds_what_is_there_in_any_spelling(azure: Azure) -> None:
    azure.make(RG)
    changed = azure.arm("PATCH", RG, {"TAGS": {"x": "y"}}).body
    assert changed["tags"] == {"x": "y"}
    assert "TAGS" not in changed


def test_two_spellings_of_a_linked_id_are_no_way_past_its_check(azure: Azure) -> None:
    azure.make(*CHAIN[:-2])
    body = {
        "location": "westeurope",
        "properties": {"storageAccount": STORAGE, "StorageAccount": "/x", "keyVault": VAULT},
    }
    assert azure.arm("PUT", WORKSPACE, body).code == "InvalidRequestContent"


# --- what is of the subscription is asked there -----------------------------------------------------------------


def _buried(azure: Azure) -> str:
    azure.make(RG, VAULT)
    assert azure.arm("DELETE", VAULT).status == 200
    azure.cloud.directory.add_user("xavier@local.test")
    other = f"{SUB}/resourceGroups/mine"
    assert azure.arm("PUT", other, {"location": "westeurope"}).status == 201
    azure.assign("xavier@local.test", "Owner", other)
    return other


def test_a_vault_of_others_is_not_had_by_ones_own_group(azure: Azure) -> None:
    mine, place, api = _buried(azure), "providers/Microsoft.KeyVault/locations/westeurope/deletedVaults", "2024-11-01"
    for method, path in (
        ("GET", f"{mine}/{place}/kv-one"),
        ("POST", f"{mine}/{place}/kv-one/purge"),
        ("GET", f"{mine}/providers/Microsoft.KeyVault/deletedVaults"),
        ("POST", f"{mine}/providers/Microsoft.Storage/storageAccounts/x/{place}/kv-one/purge"),
        ("POST", f"{mine}/PROVIDERS/microsoft.keyvault/LOCATIONS/westeurope/deletedvaults/KV-ONE/PURGE"),
    ):
        assert azure.arm(method, path, who="xavier@local.test", api=api).status in (403, 404), path
        assert azure.arm(method, path, api=api).status == 404, path  # nor by its owner: Azure has no such path
    honest = f"{SUB}/{place}/kv-one"
    assert azure.arm("POST", f"{honest}/purge", who="xavier@local.test", api=api).status == 403
    assert azure.arm("GET", honest, api=api).status == 200


# --- over spellings ----------------------------------------------------------------------------------------------


def cased(text: str) -> st.SearchStrategy[str]:
    """A text in any case."""
    return st.lists(st.booleans(), min_size=len(text), max_size=len(text)).map(
        lambda ups: "".join(c.upper() if up else c.lower() for c, up in zip(text, ups, strict=True))
    )


@st.composite
def spelt(draw: Callable[[Any], Any], path: str) -> str:
    """A path in another spelling: case, characters encoded, slashes more, encoded twice, dots."""
    segments = [draw(cased(segment)) for segment in path.split("/")[1:]]
    encode = draw(st.sampled_from(["none", "some", "all"]))
    if encode != "none":
        segments = [
            "".join(f"%{ord(c):02x}" if encode == "all" or draw(st.booleans()) else c for c in segment)
            for segment in segments
        ]
    odd = draw(st.sampled_from(["", "", "", "/", "//", "/%2e", "/%2E.", "%2F", "%252F", "%00"]))
    at = draw(st.integers(0, len(segments) - 1))
    if odd == "%252F":
        segments[at] = quote(segments[at])
    elif odd and odd != "/":
        segments[at] += odd
    return "/" + "/".join(segments) + ("/" if odd == "/" else "")


@pytest.mark.parametrize("kind", ["jobs", "computes", "datastores", "codes", "environments", "models", "data"])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_authorisation_and_handling_are_of_one_object(azure: Azure, kind: str, data: st.DataObject) -> None:
    """Whoever may only read never changes anything, and asks for the same action as with the usual spelling."""
    if azure.cloud.store.get("resources", WORKSPACE.lower()) is None:
        azure.make(*CHAIN)
        azure.give(ALICE, ("*/read",), SUB)
    usual = f"{WORKSPACE}/{kind}/thing"
    path = data.draw(spelt(usual))
    before = azure.cloud.store.version("resources")
    method = data.draw(st.sampled_from(["PUT", "DELETE"]))
    told = azure.raw(method, f"{path}?{API}", json.dumps(JOB).encode(), who=ALICE)
    plain = azure.raw(method, f"{usual}?{API}", json.dumps(JOB).encode(), who=ALICE)
    assert plain.status == 403
    assert azure.cloud.store.version("resources") == before
    assert told.status in (400, 403, 404), (path, told)
    if told.status == 403:
        assert told.message.lower() == plain.message.lower()


def test_the_developer_is_let_in_by_each_spelling_that_is_not_refused(azure: Azure) -> None:
    azure.make(*CHAIN)
    for path in (WORKSPACE.upper(), WORKSPACE.lower(), WORKSPACE.replace("w", "%77"), f"{WORKSPACE}/"):
        assert azure.arm("GET", f"{path}?{API}", who=DEVELOPER).body["id"] == WORKSPACE
