"""Tags by themselves, as `az tag` asks for them (Microsoft, "Tags", REST; the examples are that page's)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localazure.control import ALICE, NETWORK, RG, STORAGE, SUB, SUBNET, WORKSPACE, Azure

_TAGS = "/providers/Microsoft.Resources/tags/default"


def _tags(azure: Azure, scope: str) -> dict[str, str]:
    answer = azure.arm("GET", f"{scope}{_TAGS}", api="2024-11-01")
    assert (answer.status, answer.body["id"].lower()) == (200, f"{scope}{_TAGS}".lower())
    return dict(answer.body["properties"]["tags"])


def _patch(azure: Azure, scope: str, operation: Any, tags: Any, **more: Any) -> Any:
    body = {"operation": operation, "properties": {"tags": tags}}
    return azure.arm("PATCH", f"{scope}{_TAGS}", body, api="2024-11-01", **more)


@pytest.mark.parametrize("scope", [RG, STORAGE, SUB])
def test_tags_are_merged_replaced_and_deleted(azure: Azure, scope: str) -> None:
    azure.make(RG, STORAGE)
    assert _patch(azure, scope, "Merge", {"env": "dev", "team": "a"}).status == 200
    assert _patch(azure, scope, "merge", {"Team": "b"}).body["properties"]["tags"] == {"env": "dev", "Team": "b"}
    assert _patch(azure, scope, "Delete", {"env": "other"}).status == 200
    assert _tags(azure, scope) == {"env": "dev", "Team": "b"}
    _patch(azure, scope, "Delete", {"env": "dev"})
    assert _tags(azure, scope) == {"Team": "b"}
    _patch(azure, scope, "Replace", {"x": "1"})
    assert azure.arm("GET", scope).body["tags"] == {"x": "1"}
    assert azure.arm("PUT", f"{scope}{_TAGS}", {"properties": {"tags": {"y": "2"}}}, api="2024-11-01").status == 200
    assert _tags(azure, scope) == {"y": "2"}
    assert azure.arm("DELETE", f"{scope}{_TAGS}", api="2024-11-01").status == 200
    assert _tags(azure, scope) == {}


def test_what_a_resource_is_stays_as_it_was(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    before = azure.arm("GET", STORAGE).body
    _patch(azure, STORAGE.upper().replace("/SUBSCRIPTIONS", "/subscriptions"), "Merge", {"a": "b"})
    assert azure.arm("GET", STORAGE).body == {**before, "tags": {"a": "b"}}


@pytest.mark.parametrize(
    ("operation", "tags", "code"),
    [
        ("Append", {"a": "b"}, "InvalidTagPatchOperation"),
        (None, {"a": "b"}, "InvalidTagPatchOperation"),
        ("Merge", {"a<": "b"}, "InvalidTagName"),
        ("Merge", {"a": 5}, "InvalidRequestContent"),
        ("Merge", ["a"], "InvalidRequestContent"),
        ("Merge", {f"t{number}": "x" for number in range(50)}, "TooManyTags"),
    ],
)
def test_tags_that_are_refused(azure: Azure, operation: Any, tags: Any, code: str) -> None:
    azure.make(RG)
    _patch(azure, RG, "Merge", {"one": "x"})
    refused = _patch(azure, RG, operation, tags)
    assert (refused.status, refused.code) == (400, code)
    assert ("property 'operation'" in refused.message) is (code == "InvalidTagPatchOperation")
    assert _tags(azure, RG) == {"one": "x"}


def test_it_takes_the_right_to_tags_and_no_other(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    azure.assign(ALICE, "Reader", RG)
    refused = _patch(azure, STORAGE, "Merge", {"a": "b"}, who=ALICE)
    assert (refused.status, "Microsoft.Resources/tags/write" in refused.message) == (403, True)
    permissions = [{"actions": ["Microsoft.Resources/tags/write"]}]
    role = {"roleName": "Tagger", "permissions": permissions, "assignableScopes": [RG]}
    id_ = f"{RG}/providers/Microsoft.Authorization/roleDefinitions/11111111-1111-4111-8111-111111111111"
    assert azure.arm("PUT", id_, {"properties": role}).status == 201
    azure.assign(ALICE, "Tagger", STORAGE)
    assert _patch(azure, STORAGE, "Merge", {"a": "b"}, who=ALICE).status == 200
    assert _patch(azure, RG, "Merge", {"a": "b"}, who=ALICE).status == 403


def test_what_is_not_there_or_locked_is_not_tagged(azure: Azure) -> None:
    azure.make(RG)
    assert _patch(azure, WORKSPACE, "Merge", {"a": "b"}).code == "ResourceNotFound"
    assert _patch(azure, f"{SUB}/resourceGroups/none", "Merge", {"a": "b"}).code == "ResourceGroupNotFound"
    assert azure.arm("PATCH", f"{RG}/providers/Microsoft.Resources/tags/mine", {}, api="2024-11-01").status == 405
    azure.arm("PUT", f"{RG}/providers/Microsoft.Authorization/locks/l", {"properties": {"level": "ReadOnly"}})
    assert _patch(azure, RG, "Merge", {"a": "b"}).code == "ScopeLocked"


def test_the_names_in_use_are_listed(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    _patch(azure, RG, "Merge", {"env": "dev"})
    _patch(azure, STORAGE, "Merge", {"env": "dev"})
    found = azure.arm("GET", f"{SUB}/tagNames", api="2024-11-01").body["value"]
    assert [(each["tagName"], each["count"]["value"]) for each in found] == [("env", 2)]
    assert [(each["tagValue"], each["count"]["value"]) for each in found[0]["values"]] == [("dev", 2)]


def test_tags_are_shown_as_a_resource_of_their_own(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    shown = {
        "id": f"{STORAGE}{_TAGS}",
        "name": "default",
        "type": "Microsoft.Resources/tags",
        "properties": {"tags": {"a": "1"}},
    }
    assert _patch(azure, STORAGE, "Merge", {"a": "1"}).body == shown
    assert azure.arm("GET", f"{STORAGE}{_TAGS}", api="2024-11-01").body == shown


def test_a_tag_is_a_change_of_the_resource_and_the_same_again_is_none(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    times = []
    for _ in range(2):
        azure.clock.advance(3600)
        _patch(azure, STORAGE, "Merge", {"a": "1"})
        times.append(azure.arm("GET", f"{RG}/resources?$expand=createdTime,changedTime").body["value"][0])
    assert times[0] == times[1]
    assert times[0]["changedTime"] > times[0]["createdTime"]


def test_a_tag_goes_with_any_value_if_none_is_given(azure: Azure) -> None:
    azure.make(RG)
    _patch(azure, RG, "Merge", {"a": "1", "b": "2"})
    _patch(azure, RG, "Delete", {"A": ""})
    assert _tags(azure, RG) == {"b": "2"}


def test_what_has_no_tags_and_what_is_no_tags(azure: Azure) -> None:
    azure.make(RG, NETWORK, SUBNET)
    refused = _patch(azure, SUBNET, "Merge", {"a": "1"})
    assert (refused.status, refused.code) == (400, "TagsNotSupportedForResource")
    assert refused.message == "Resources of type 'Microsoft.Network/virtualNetworks/subnets' do not support tags."
    for method, path in (("POST", f"{RG}{_TAGS}"), ("GET", f"{RG}{_TAGS.removesuffix('/default')}")):
        refused = azure.arm(method, path, api="2024-11-01")
        assert (refused.status, refused.code) == (405, "MethodNotAllowed"), method
        assert f"'{method}'" in refused.message
    missing = _patch(azure, STORAGE, "Merge", {"a": "1"})
    assert (missing.status, missing.code) == (404, "ResourceNotFound")
    assert "stacct1" in missing.message


def test_what_is_being_changed_is_not_tagged(slow_azure: Azure) -> None:
    slow_azure.make(RG)
    slow_azure.arm("DELETE", RG)
    refused = _patch(slow_azure, RG, "Merge", {"a": "1"})
    assert (refused.status, refused.code) == (409, "AnotherOperationInProgress")
