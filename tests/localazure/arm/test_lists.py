"""Lists: how long a page is, where the next one begins, what of a resource is told and what a filter finds."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from azmlflow.localazure.arm.lists import page
from azmlflow.localazure.cloud.skipped import left_out
from azmlflow.localazure.core.collections import TIMES
from azmlflow.localazure.core.errors import AzureError
from tests.localazure.control import (
    ALICE,
    BODIES,
    CHAIN,
    COMPUTE,
    NETWORK,
    RG,
    STORAGE,
    SUB,
    SUBNET,
    VAULT,
    WORKSPACE,
    Azure,
)

ITEMS = list(range(250))


def _token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def _page(query: Mapping[str, str], items: list[int] = ITEMS) -> Any:
    return page("host.test", "/things", query, items)


@pytest.mark.parametrize(
    ("query", "first", "count", "more"),
    [
        ({}, 0, 100, True),
        ({"$top": "1"}, 0, 1, True),
        ({"$top": "249"}, 0, 249, True),
        ({"$top": "250"}, 0, 250, False),
        ({"$top": "1000"}, 0, 250, False),
        ({"$skiptoken": ""}, 0, 100, True),
        ({"$skiptoken": _token("from:100")}, 100, 100, True),
        ({"$skiptoken": _token("from:200")}, 200, 50, False),
        ({"$skiptoken": _token("from:240"), "$top": "10"}, 240, 10, False),
    ],
)
def test_a_page_and_whether_there_is_another(query: dict[str, str], first: int, count: int, more: bool) -> None:
    found = _page(query)
    assert found["value"] == ITEMS[first : first + count]
    assert ("nextLink" in found) is more


def test_the_next_link_asks_the_same_from_where_the_page_ends() -> None:
    link = _page({"$filter": "name eq 'x'", "$top": "7", "$skiptoken": _token("from:5"), "api-version": "1"})[
        "nextLink"
    ]
    split = urlsplit(link)
    assert (split.scheme, split.netloc, split.path) == ("https", "host.test", "/things")
    assert parse_qs(split.query) == {
        "$filter": ["name eq 'x'"],
        "$top": ["7"],
        "api-version": ["1"],
        "$skipToken": [_token("from:12")],
    }


@pytest.mark.parametrize("top", ["0", "1001", "-1", "x", "", "1.5"])
def test_a_page_of_no_length_is_refused(top: str) -> None:
    with pytest.raises(AzureError) as refused:
        _page({"$top": top})
    assert (refused.value.status, refused.value.code) == (400, "InvalidTopParameter")
    assert refused.value.message == f"The value '{top}' of $top is not an integer from 1 to 1000."


@pytest.mark.parametrize("token", [_token(text) for text in ("to:5", "5", "from:", "from:x", "from:-1")] + ["x", "%%"])
def test_a_token_that_was_not_given_is_refused(token: str) -> None:
    with pytest.raises(AzureError) as refused:
        _page({"$skiptoken": token})
    assert (refused.value.status, refused.value.code) == (400, "InvalidSkipToken")
    assert f"'{token}'" in refused.value.message


def test_a_list_of_resources_tells_times_and_state_where_they_are_asked_for(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    plain = {"id", "name", "type", "location", "kind", "sku", "tags"}
    (found,) = azure.arm("GET", f"{SUB}/resources").body["value"]
    assert set(found) == plain
    made = azure.clock.now().strftime("%Y-%m-%dT%H:%M")
    azure.clock.advance(3600)
    azure.arm("PUT", STORAGE, {**BODIES[STORAGE], "tags": {"a": "1"}})
    (found,) = azure.arm("GET", f"{RG}/resources?$expand=createdtime, ChangedTime,provisioningState").body["value"]
    assert set(found) == plain | {"createdTime", "changedTime", "provisioningState"}
    assert found["provisioningState"] == "Succeeded"
    assert found["createdTime"].startswith(made)
    assert found["changedTime"] > found["createdTime"]
    (found,) = azure.arm("GET", f"{RG}/resources?$expand=changedTime").body["value"]
    assert set(found) == plain | {"changedTime"}


def test_what_no_list_tells_is_refused(azure: Azure) -> None:
    azure.make(RG)
    refused = azure.arm("GET", f"{RG}/resources?$expand=changedTime,colour")
    assert (refused.status, refused.code) == (400, "InvalidExpandQueryParameter")
    assert refused.message == (
        "The $expand value 'colour' is not supported. "
        "The supported values are 'createdTime,changedTime,provisioningState'."
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("tagName eq 'ENV'", ["kv-one", "stacct1"]),
        ("tagValue eq 'prod'", ["stacct1"]),
        ("tagValue eq 'Prod'", []),
        ("tagValue eq 'test'", ["kv-one", "stacct1"]),
        ("tagName eq 'env' and tagValue eq 'test'", ["kv-one"]),
        ("tagName eq 'stage' and tagValue eq 'test'", ["stacct1"]),
        ("startswith(tagName, 'EN')", ["kv-one", "stacct1"]),
        ("startswith(tagName, 'st')", ["stacct1"]),
        ("startswith(tagName, 'nv')", []),
        ("tagName eq 'EN'", []),
        ("startswith(tagName, 'EN') and tagValue eq 'prod'", ["stacct1"]),
        ("location eq 'WestEurope'", ["kv-one", "stacct1"]),
        ("name eq 'KV-ONE' and tagName eq 'stage'", []),
    ],
)
def test_which_tags_a_filter_finds(azure: Azure, text: str, names: list[str]) -> None:
    azure.make(RG)
    azure.arm("PUT", VAULT, {**BODIES[VAULT], "tags": {"env": "test"}})
    azure.arm("PUT", STORAGE, {**BODIES[STORAGE], "tags": {"Env": "prod", "stage": "test"}})
    found = azure.arm("GET", f"{RG}/resources?$filter={quote(text)}").body["value"]
    assert sorted(each["name"] for each in found) == names


def test_groups_are_filtered_by_their_tags(azure: Azure) -> None:
    for name, value in (("rg1", "a"), ("rg2", "b")):
        azure.arm("PUT", f"{SUB}/resourceGroups/{name}", {**BODIES[RG], "tags": {"team": value}})
    asked = quote("tagName eq 'team' and tagValue eq 'b'")
    assert [each["name"] for each in azure.arm("GET", f"{SUB}/resourcegroups?$filter={asked}").body["value"]] == ["rg2"]


def test_a_group_of_a_like_name_is_another(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    azure.arm("PUT", f"{RG}0", BODIES[RG])
    other = STORAGE.replace("/rg1/", "/rg10/").replace("stacct1", "stacct2")
    azure.arm("PUT", other, BODIES[STORAGE])
    for group, name in ((RG, "stacct1"), (f"{RG}0", "stacct2")):
        accounts = azure.arm("GET", f"{group}/providers/Microsoft.Storage/storageAccounts").body["value"]
        resources = azure.arm("GET", f"{group}/resources").body["value"]
        assert [each["name"] for each in accounts] == [each["name"] for each in resources] == [name]
    for listed in ("resources", "providers/Microsoft.Storage/storageAccounts"):
        found = azure.arm("GET", f"{SUB}/{listed}").body["value"]
        assert sorted(each["name"] for each in found) == ["stacct1", "stacct2"]


def test_a_network_s_subnets_are_its_own(azure: Azure) -> None:
    azure.make(RG, NETWORK, SUBNET)
    azure.arm("PUT", f"{NETWORK}2", BODIES[NETWORK])
    azure.arm("PUT", SUBNET.replace(NETWORK, f"{NETWORK}2"), BODIES[SUBNET])
    for network in (NETWORK, f"{NETWORK}2"):
        found = azure.arm("GET", f"{network}/subnets").body["value"]
        assert [each["id"] for each in found] == [SUBNET.replace(NETWORK, network)]


def test_what_has_no_tags_is_not_taken_for_broken_by_a_filter(azure: Azure) -> None:
    azure.make(RG, NETWORK, SUBNET)
    asked = quote("tagName eq 'a'")
    assert azure.arm("GET", f"{RG}/resources?$filter={asked}").body == {"value": []}
    assert left_out(azure.cloud.state) == ()


def test_a_list_in_a_group_that_is_not_there(azure: Azure) -> None:
    """Microsoft, "Common error codes": ResourceGroupNotFound. Inferred: only for who may read groups."""
    accounts, computes = STORAGE.rpartition("/")[0], f"{WORKSPACE}/computes"
    for path in (accounts, computes):
        missing = azure.arm("GET", path)
        assert (missing.status, missing.code) == (404, "ResourceGroupNotFound")
        assert f"'{RG.rpartition('/')[2]}'" in missing.message
    azure.give(ALICE, ("Microsoft.Storage/storageAccounts/read",), SUB)
    assert azure.arm("GET", accounts, who=ALICE).body == {"value": []}
    azure.make(RG)
    missing = azure.arm("GET", computes)
    assert (missing.status, missing.code) == (404, "ParentResourceNotFound")


def test_a_list_at_a_scope_is_refused_there(azure: Azure) -> None:
    """Microsoft, "Role Assignments - List For Scope": the right is had at the scope, or above it."""
    azure.make(RG, STORAGE)
    kind = "Microsoft.Authorization/roleAssignments"
    for scope in (RG, STORAGE):
        refused = azure.arm("GET", f"{scope}/providers/{kind}", who=ALICE)
        assert (refused.status, f"'{kind}/read' over scope '{scope}'" in refused.message) == (403, True), refused


def test_what_is_being_made_says_so_in_a_list_and_what_tells_no_time_leaves_it_out(slow_azure: Azure) -> None:
    slow_azure.make(RG)
    slow_azure.arm("PUT", STORAGE, BODIES[STORAGE])
    asked = f"{RG}/resources?$expand=createdTime,provisioningState"
    (found,) = slow_azure.arm("GET", asked).body["value"]
    assert (
        found["provisioningState"]
        == slow_azure.arm("GET", STORAGE).body["properties"]["provisioningState"]
        != "Succeeded"
    )
    slow_azure.wait()
    slow_azure.cloud.store.delete(TIMES, STORAGE.lower())  # as of a state folder older than these times
    (found,) = slow_azure.arm("GET", asked).body["value"]
    assert (found["provisioningState"], "createdTime" in found) == ("Succeeded", False)
    kept = slow_azure.cloud.store.get("resources", STORAGE.lower())
    assert kept is not None
    slow_azure.cloud.store.put("resources", STORAGE.lower(), {**kept, "properties": {}})  # some types tell no state
    assert slow_azure.arm("GET", asked).body["value"][0]["provisioningState"] == "Succeeded"


@pytest.mark.parametrize(
    ("path", "id_", "broken"),
    [
        (f"{RG}/resources", STORAGE, {"type": 5}),
        (f"{RG}/resources?$expand=provisioningState", STORAGE, {"properties": 5}),
        (f"{WORKSPACE}/computes", COMPUTE, {"properties": 5}),
    ],
)
def test_what_is_broken_is_left_out_of_a_list_and_named_in_what_is_skipped(
    azure: Azure, path: str, id_: str, broken: dict[str, Any]
) -> None:
    azure.make(*CHAIN)
    before = [each["id"] for each in azure.arm("GET", path).body["value"]]
    kept = azure.cloud.store.get("resources", id_.lower())
    assert kept is not None
    azure.cloud.store.put("resources", id_.lower(), {**kept, **broken})
    assert [each["id"] for each in azure.arm("GET", path).body["value"]] == [each for each in before if each != id_]
    assert id_ in before
    assert [name for name, _ in left_out(azure.cloud.state)] == [id_]
