"""An answer that Graph does not give is an error, and never taken for an empty directory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from azmlflow.rbac.live.azure import read_facts
from azmlflow.rbac.live.errors import ForeignAnswer, MalformedAnswer
from azmlflow.rbac.live.people import read_directory
from azmlflow.rbac.live.principals import resolve_principal
from tests.rbac.live.test_azure import cloud
from tests.rbac.wire import ALICE, SCOPE, SUB, Answer, Credential, Wire

ASKED: dict[str, Callable[[Wire], object]] = {
    "by id": lambda wire: resolve_principal(Credential(), ALICE, transport=wire.transport()),
    "by name": lambda wire: resolve_principal(Credential(), "alice", transport=wire.transport()),
    "by address": lambda wire: resolve_principal(Credential(), "alice@contoso.com", transport=wire.transport()),
    "names": lambda wire: read_directory(Credential(), [ALICE], transport=wire.transport()),
}


MANGLED: dict[str, Answer] = {
    "page": (200, b"<h1>Sign in</h1>"),
    "empty": (200, b""),
    "half": (200, b'{"value": [{"id": '),
    "no text": (200, b'{"x": "\xe9\xff"}'),
    "deep": (200, b"[" * 100_000),
    "object": (200, {}),
    "list": (200, []),
    "text": (200, "x"),
    "null": (200, None),
    "no value": (200, {"value": None}),
    "value a text": (200, {"value": "x", "id": 5}),
    "entries": (200, {"value": [None, 5, {}], "id": 5}),
    "ids": (200, {"value": [{"id": 5}], "id": 5}),
    "types": (200, {"value": [{"id": "a", "@odata.type": 5, "displayName": []}], "id": "a", "userPrincipalName": {}}),
    "redirect": (302, b""),
}


@pytest.mark.parametrize("answer", MANGLED.values(), ids=MANGLED)
@pytest.mark.parametrize("asked", ASKED)
def test_an_answer_of_another_shape_is_an_error(asked: str, answer: Answer) -> None:
    with pytest.raises(MalformedAnswer, match=r"/v1\.0/"):
        ASKED[asked](Wire(lambda *_: answer))


@pytest.mark.parametrize("answer", MANGLED.values(), ids=MANGLED)
def test_access_that_is_not_azures_is_an_error(answer: Answer) -> None:
    with pytest.raises(MalformedAnswer):
        read_facts(Credential(), SUB, SCOPE, transport=Wire(lambda *_: answer).transport())


@pytest.mark.parametrize(
    "properties",
    [[], "x", {"roleDefinitionId": 5}, {"principalId": []}, {"scope": 7}, {}, {"permissions": [{"actions": "*"}]}],
)
@pytest.mark.parametrize("kind", ["roleAssignments", "denyAssignments", "roleDefinitions"])
def test_properties_of_another_type_are_an_error(kind: str, properties: object) -> None:
    def answer(method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
        if path.endswith(kind):
            return 200, {"value": [{"id": f"/x/{kind}/1", "name": "1", "properties": properties}]}
        return cloud(method, path, query, body)

    try:
        read_facts(Credential(), SUB, SCOPE, transport=Wire(answer).transport())
    except MalformedAnswer:
        return
    assert properties == {} or kind not in {"roleAssignments"}, "what has no principal says nothing"


def test_the_token_goes_to_no_other_host() -> None:
    wire = Wire(lambda *_: (200, {"value": [], "@odata.nextLink": "https://evil.example/v1.0/users"}))
    with pytest.raises(ForeignAnswer):
        ASKED["by name"](wire)
    assert {each.split()[1].partition("/")[0] for each in wire.asked} == {"graph.microsoft.com"}


@pytest.mark.parametrize("link", ["https://evil.example/x", "http://management.azure.com/x", "https://127.0.0.1:1/x"])
@pytest.mark.parametrize("kind", ["roleAssignments", "denyAssignments", "roleDefinitions"])
def test_a_next_page_of_access_is_asked_of_azure_alone(kind: str, link: str) -> None:
    def answer(method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
        if path.endswith(kind):
            return 200, {"value": [], "nextLink": link}
        return cloud(method, path, query, body)

    wire = Wire(answer)
    with pytest.raises(ForeignAnswer):
        read_facts(Credential(), SUB, SCOPE, transport=wire.transport())
    assert {each.split()[1].partition("/")[0] for each in wire.asked} <= {"management.azure.com", "graph.microsoft.com"}


@pytest.mark.parametrize("asked", ["by id", "by name", "names"])
def test_a_list_that_is_not_there_is_not_an_empty_one(asked: str) -> None:
    """Everybody would be told to be deleted."""
    with pytest.raises(HttpResponseError):
        ASKED[asked](Wire(lambda *_: (404, {"error": {"code": "Request_ResourceNotFound", "message": "?"}})))


def test_the_members_of_a_group_that_is_gone_are_none() -> None:
    def answer(method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
        if path.endswith("/members"):
            return 404, {"error": {"code": "Request_ResourceNotFound"}}
        return cloud(method, path, query, body)

    assert read_facts(Credential(), SUB, SCOPE, transport=Wire(answer).transport()).memberships == {}


def test_what_graph_has_otherwise_than_resource_manager_is_its_own() -> None:
    """(Microsoft Graph v1.0, "servicePrincipal": `tags` is a collection of texts.)"""
    service = {"@odata.type": "#microsoft.graph.servicePrincipal", "id": ALICE, "displayName": "ci", "tags": ["a"]}
    found = read_directory(Credential(), [ALICE], transport=Wire(lambda *_: (200, {"value": [service]})).transport())
    assert found.names[ALICE] == ("ServicePrincipal", "ci")
