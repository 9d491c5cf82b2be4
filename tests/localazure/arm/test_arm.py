"""Resource Manager itself: versions, paths, subscriptions, providers, groups, lists."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from azmlflow.localazure.core.constants import REGIONS, SUBSCRIPTION_ID, TENANT_ID
from tests.localazure.control import (
    ALICE,
    BOB,
    BODIES,
    CHAIN,
    COMPUTE,
    DEVELOPER,
    PROVIDERS,
    RG,
    STORAGE,
    SUB,
    VAULT,
    WORKSPACE,
    Azure,
)


@pytest.mark.parametrize("path", ["/subscriptions", SUB, f"{SUB}/resourceGroups", RG, STORAGE, "/tenants", "/nowhere"])
def test_every_request_needs_an_api_version(azure: Azure, path: str) -> None:
    missing = azure.arm("GET", path, api=None)
    assert (missing.status, missing.code) == (400, "MissingApiVersionParameter")
    malformed = azure.arm("GET", path, api="latest")
    assert (malformed.status, malformed.code) == (400, "InvalidApiVersionParameter")


def test_clouds_are_told_to_whoever_asks_without_a_token(azure: Azure) -> None:
    old, new = (azure.arm("GET", "/metadata/endpoints", who="", api=api) for api in ("2019-05-01", "2022-09-01"))
    assert old.status == new.status == 200
    listed, single = old.body, new.body
    assert listed == [single]
    assert single["resourceManager"] == "https://management.azure.com/"
    assert single["suffixes"]["storage"] == "core.windows.net"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/subscriptions/not-a-guid", 400, "InvalidSubscriptionId"),
        ("/subscriptions/11111111-1111-4111-8111-111111111111", 404, "SubscriptionNotFound"),
        (f"{SUB}/resourceGroups//providers", 400, "InvalidRequestUri"),
        (f"{SUB}/resourceGroups/a%2Fb", 400, "InvalidRequestUri"),
        (f"{SUB}/resourceGroups/%2E%2E", 400, "InvalidRequestUri"),
        ("/nowhere", 404, "MissingSubscription"),
        (f"{SUB}/nowhere", 404, "NotFound"),
        ("/operationsStatus/none", 404, "MissingSubscription"),
        (f"{RG}/nowhere", 404, "NotFound"),
        (f"{RG}/providers/Microsoft.Nowhere/things/x", 404, "InvalidResourceNamespace"),
        (f"{RG}/providers/Microsoft.Storage/things/x", 404, "InvalidResourceType"),
        (f"{SUB}/providers/Microsoft.Storage/storageAccounts/x", 404, "InvalidResourceType"),
        ("/providers/Microsoft.Storage/storageAccounts/x", 404, "MissingSubscription"),
        (f"{STORAGE}/providers/Microsoft.KeyVault/vaults/x", 404, "InvalidResourceType"),
        (f"{PROVIDERS}/Microsoft.Nowhere", 404, "InvalidResourceNamespace"),
        (f"{PROVIDERS}/Microsoft.Storage/locations/westeurope/operationsStatus/none", 404, "ResourceNotFound"),
    ],
)
def test_what_is_nowhere_is_refused_in_arms_shape(azure: Azure, path: str, status: int, code: str) -> None:
    azure.make(RG)
    for method in ("GET", "DELETE") if status == 404 and "operationsStatus" not in path else ("GET",):
        refused = azure.arm(method, path)
        assert (refused.status, set(refused.body)) == (status, {"error"}), refused
        assert {"code", "message"} <= set(refused.body["error"])
        if method == "GET":
            assert refused.code == code


def test_what_is_nowhere_is_named(azure: Azure) -> None:
    other, operation = "11111111-1111-4111-8111-111111111111", f"{SUB}/operationresults/none"
    refused = azure.arm("GET", f"/subscriptions/{other}")
    assert refused.message == f"The subscription '{other}' could not be found."
    assert f"'{operation}'" in azure.arm("GET", operation).message


@pytest.mark.parametrize("path", ["/providers", "/providers/Microsoft.Storage"])
def test_what_a_provider_offers_is_told_of_the_tenant_too(azure: Azure, path: str) -> None:
    """Microsoft, "Providers - List At Tenant Scope", "Providers - Get At Tenant Scope"."""
    assert azure.arm("GET", path, api="2022-12-01").status == 200


def test_a_type_that_is_not_emulated_is_told_from_one_in_a_wrong_place(azure: Azure) -> None:
    """Azure has it: that its own words alone deny it would mislead."""
    azure.make(RG)
    ending = {
        path: azure.arm("GET", path).message.endswith("The embedded Azure does not emulate it.")
        for path in (
            f"{RG}/providers/Microsoft.Storage/things/x",
            f"{RG}/providers/Microsoft.Nowhere/things/x",
            f"{SUB}/providers/Microsoft.Storage/storageAccounts/x",
        )
    }
    assert list(ending.values()) == [True, True, False]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_collection_is_only_listed(azure: Azure, method: str) -> None:
    azure.make(RG)
    refused = azure.arm(method, f"{RG}/providers/Microsoft.Storage/storageAccounts", {} if method != "DELETE" else None)
    assert (refused.status, refused.code) == (405, "MethodNotAllowed")


@pytest.mark.parametrize("content", [b"{", b"[]", b"", b'"x"', b'{"properties": 1}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(azure: Azure, content: bytes) -> None:
    refused = azure.raw("PUT", f"{RG}?api-version=2024-03-01", content)
    assert (refused.status, refused.code) == (400, "InvalidRequestContent")


def test_a_body_larger_than_arms_limit_is_refused(azure: Azure) -> None:
    body = json.dumps({"location": "westeurope", "x": "y" * 5_000_000}).encode()
    assert azure.raw("PUT", f"{RG}?api-version=2024-03-01", body).status == 413


def test_subscriptions_are_listed_to_whoever_has_a_role_in_them(azure: Azure) -> None:
    azure.make(RG)
    assert [each["subscriptionId"] for each in azure.arm("GET", "/subscriptions").body["value"]] == [SUBSCRIPTION_ID]
    assert azure.arm("GET", "/subscriptions", who=ALICE).body["value"] == []
    azure.assign(ALICE, "Reader", RG)
    assert len(azure.arm("GET", "/subscriptions", who=ALICE).body["value"]) == 1
    refused = azure.arm("GET", SUB, who=ALICE)
    assert (refused.status, refused.code) == (403, "AuthorizationFailed")
    found = azure.arm("GET", SUB).body
    assert (found["tenantId"], found["state"]) == (TENANT_ID, "Enabled")
    assert azure.arm("GET", "/tenants", who=BOB).body["value"][0]["tenantId"] == TENANT_ID


def test_regions_are_those_of_the_cloud(azure: Azure) -> None:
    found = azure.arm("GET", f"{SUB}/locations").body["value"]
    assert tuple(each["name"] for each in found) == REGIONS
    assert azure.arm("GET", f"{SUB}/locations", who=BOB).status == 403


def test_a_provider_must_be_registered(azure: Azure) -> None:
    azure.make(RG)
    provider = f"{PROVIDERS}/Microsoft.Storage"
    found = azure.arm("GET", provider).body
    assert found["registrationState"] == "Registered"
    types = {each["resourceType"]: each["apiVersions"] for each in found["resourceTypes"]}
    assert "2024-01-01" in types["storageAccounts"]
    assert azure.arm("POST", f"{provider}/unregister", who=ALICE).status == 403
    assert azure.arm("POST", f"{provider}/unregister").body["registrationState"] == "NotRegistered"
    refused = azure.arm("PUT", STORAGE, BODIES[STORAGE])
    assert (refused.status, refused.code) == (409, "MissingSubscriptionRegistration")
    assert "Microsoft.Storage" in refused.message
    assert azure.arm("POST", f"{provider}/register").body["registrationState"] == "Registered"
    assert azure.arm("PUT", STORAGE, BODIES[STORAGE]).status == 202
    namespaces = {each["namespace"] for each in azure.arm("GET", PROVIDERS).body["value"]}
    assert {"Microsoft.ContainerRegistry", "Microsoft.MachineLearningServices", "Microsoft.Compute"} <= namespaces


def test_a_group_is_made_changed_probed_and_patched(azure: Azure) -> None:
    assert azure.arm("HEAD", RG).status == 404
    made = azure.arm("PUT", RG, {"location": "West Europe", "tags": {"a": "1"}})
    assert (made.status, made.body["location"], made.body["id"]) == (201, "westeurope", RG)
    assert azure.arm("HEAD", RG).status == 204
    other_case = f"{SUB}/resourcegroups/RG1"
    assert azure.arm("PATCH", other_case, {"tags": {"b": "2"}}).body["tags"] == {"b": "2"}
    assert azure.arm("GET", other_case).body["id"] == RG
    assert azure.arm("PUT", other_case, {"location": "westeurope"}).body["tags"] == {}
    assert [each["name"] for each in azure.arm("GET", f"{SUB}/resourcegroups").body["value"]] == ["rg1"]


def test_where_a_group_can_be(azure: Azure) -> None:
    nowhere = azure.arm("PUT", RG, {"location": "mars"})
    assert (nowhere.status, nowhere.code) == (400, "LocationNotAvailableForResourceGroup")
    assert azure.arm("PUT", RG, {}).code == "LocationRequired"
    azure.make(RG)
    moved = azure.arm("PUT", RG, {"location": "eastus"})
    assert (moved.status, moved.code) == (409, "InvalidResourceGroupLocation")


def test_deleting_a_group_that_is_not_there(azure: Azure) -> None:
    assert azure.arm("DELETE", RG).code == "ResourceGroupNotFound"


def test_what_stands_on_nothing_is_refused(azure: Azure) -> None:
    assert azure.arm("PUT", STORAGE, BODIES[STORAGE]).code == "ResourceGroupNotFound"
    assert azure.arm("GET", STORAGE).code == "ResourceGroupNotFound"
    azure.make(RG)
    missing = azure.arm("GET", STORAGE)
    assert (missing.status, missing.code) == (404, "ResourceNotFound")
    assert "'Microsoft.Storage/storageAccounts/stacct1' under resource group 'rg1'" in missing.message
    for method in ("PUT", "GET"):
        orphan = azure.arm(method, COMPUTE, BODIES[COMPUTE] if method == "PUT" else None)
        assert (orphan.status, orphan.code) == (404, "ParentResourceNotFound")
        assert WORKSPACE in orphan.message


def test_refusal_comes_before_existence(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    there, absent = azure.arm("GET", STORAGE, who=BOB), azure.arm("GET", f"{STORAGE}x", who=BOB)
    assert (there.status, absent.status) == (403, 403)
    assert there.message == absent.message.replace(f"{STORAGE}x", STORAGE)
    assert "Microsoft.Storage/storageAccounts/read" in there.message
    for method, verb in (("PUT", "write"), ("PATCH", "write"), ("DELETE", "delete")):
        refused = azure.arm(method, STORAGE, {} if method != "DELETE" else None, who=BOB)
        assert f"Microsoft.Storage/storageAccounts/{verb}" in refused.message
    acted = azure.arm("POST", f"{STORAGE}/listKeys", who=BOB)
    assert "Microsoft.Storage/storageAccounts/listKeys/action" in acted.message


def test_lists_are_filtered_to_what_the_caller_may_read(azure: Azure) -> None:
    azure.make(*CHAIN[:3])
    azure.arm("PUT", f"{SUB}/resourceGroups/rg2", BODIES[RG])
    azure.assign(ALICE, "Reader", STORAGE)
    azure.assign(BOB, "Reader", f"{SUB}/resourceGroups/rg2")
    assert [each["id"] for each in azure.arm("GET", f"{SUB}/resources", who=ALICE).body["value"]] == [STORAGE]
    assert [each["id"] for each in azure.arm("GET", f"{RG}/resources", who=ALICE).body["value"]] == [STORAGE]
    accounts = f"{RG}/providers/Microsoft.Storage/storageAccounts"
    assert [each["id"] for each in azure.arm("GET", accounts, who=ALICE).body["value"]] == [STORAGE]
    assert azure.arm("GET", accounts, who=BOB).body["value"] == []
    assert azure.arm("GET", f"{RG}x/resources", who=BOB).body["value"] == []
    assert azure.arm("GET", f"{RG}x/resources").code == "ResourceGroupNotFound"
    groups = azure.arm("GET", f"{SUB}/resourcegroups", who=BOB).body["value"]
    assert [each["name"] for each in groups] == ["rg2"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("resourceType eq 'Microsoft.KeyVault/vaults'", ["kv-one"]),
        ("resourceGroup eq 'RG1' and resourceType eq 'microsoft.storage/storageaccounts'", ["stacct1"]),
        ("resourceGroup eq 'other'", []),
        ("tagName eq 'env' and tagValue eq 'prod'", ["stacct1"]),
        ("tagName eq 'env' and tagValue eq 'test'", []),
        ("name eq 'kv-one'", ["kv-one"]),
        ("location eq 'eastus'", []),
    ],
)
def test_resources_are_found_by_filter(azure: Azure, text: str, names: list[str]) -> None:
    azure.make(RG, VAULT)
    azure.arm("PUT", STORAGE, {**BODIES[STORAGE], "tags": {"Env": "prod"}})
    found = azure.arm("GET", f"{SUB}/resources?$filter={quote(text)}").body["value"]
    assert [each["name"] for each in found] == names
    assert all("properties" not in each for each in found)


@pytest.mark.parametrize("text", ["name ne 'x'", "name eq 'x' or", "owner eq 1", "name eq 1 or name eq 2", "name"])
def test_a_filter_that_is_not_understood_is_refused(azure: Azure, text: str) -> None:
    refused = azure.arm("GET", f"{SUB}/resources?$filter={quote(text)}")
    assert (refused.status, refused.code) == (400, "InvalidFilter")


def test_long_lists_come_in_pages(azure: Azure) -> None:
    for number in range(7):
        azure.arm("PUT", f"{SUB}/resourceGroups/rg{number}", BODIES[RG])
    names: list[str] = []
    answer = azure.arm("GET", f"{SUB}/resourcegroups?$top=3")
    sizes = []
    while True:
        names += [each["name"] for each in answer.body["value"]]
        sizes.append(len(answer.body["value"]))
        if "nextLink" not in answer.body:
            break
        answer = azure.follow(answer.body["nextLink"])
    assert (sizes, names) == ([3, 3, 1], [f"rg{number}" for number in range(7)])
    assert azure.arm("GET", f"{SUB}/resourcegroups?$top=0").code == "InvalidTopParameter"
    assert azure.arm("GET", f"{SUB}/resourcegroups?$skipToken=nonsense").code == "InvalidSkipToken"


def test_a_parameter_that_a_list_would_leave_out_is_refused(azure: Azure) -> None:
    azure.make(*CHAIN)
    for path in (
        f"{SUB}/resourcegroups",
        STORAGE.rpartition("/")[0],
        WORKSPACE.rpartition("/")[0],
        f"{WORKSPACE}/computes",
    ):
        refused = azure.arm("GET", f"{path}?colour=red")
        assert (refused.status, refused.code) == (400, "InvalidQueryParameter")
        assert refused.body["error"]["target"] == "colour"
        assert refused.message == "This list has no query parameter 'colour'."
        assert azure.arm("GET", f"{path}?colour=&$top=5").status == 200


@pytest.mark.parametrize(("kinds", "count"), [("Default", 1), ("hub,default", 1), ("Hub", 0), ("", 1)])
def test_workspaces_are_listed_by_kind(azure: Azure, kinds: str, count: int) -> None:
    azure.make(*CHAIN)
    listed = azure.arm("GET", f"{WORKSPACE.rpartition('/')[0]}?kind={kinds}")
    assert len(listed.body["value"]) == count


def test_an_unknown_action_is_authorised_first_and_then_refused(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    assert azure.arm("POST", f"{STORAGE}/explode", who=BOB).status == 403
    assert azure.arm("POST", f"{STORAGE}/explode").code == "InvalidAction"
    assert azure.arm("POST", STORAGE).status == 405


def test_a_colleague_with_a_role_on_one_group_acts_there_and_nowhere_else(azure: Azure) -> None:
    azure.make(RG)
    azure.arm("PUT", f"{SUB}/resourceGroups/rg10", BODIES[RG])
    azure.assign(ALICE, "Contributor", RG)
    assert azure.arm("PUT", STORAGE, BODIES[STORAGE], who=ALICE).status == 202
    elsewhere = STORAGE.replace("/rg1/", "/rg10/").replace("stacct1", "stacct2")
    refused = azure.arm("PUT", elsewhere, BODIES[STORAGE], who=ALICE)
    assert (refused.status, refused.code) == (403, "AuthorizationFailed")
    assert elsewhere in refused.message
    assert azure.arm("GET", elsewhere, who=DEVELOPER).status == 404


def test_a_group_is_not_had_by_a_provider_s_path(azure: Azure) -> None:
    other_spelling = f"{SUB}/providers/Microsoft.Resources/resourceGroups/rg1"
    for method, body in (("PUT", BODIES[RG]), ("GET", None), ("DELETE", None)):
        refused = azure.arm(method, other_spelling, body)
        assert (refused.status, refused.code) == (404, "InvalidResourceType"), method
    assert list(azure.cloud.store.scan("resources")) == []
