"""Reading a tenant: pages, many groups at once, retries, and who is who."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from azmlflow.rbac.live.people import read_directory, read_tenant
from tests.rbac.live.test_azure import cloud
from tests.rbac.wire import ALICE, BOB, SCOPE, SERVICE, SUB, SUBTEAM, TEAM, Answer, Credential, Wire, forbidden

WAIT = 20  # seconds until a barrier that nobody else reaches fails its test


def by_ids(body: Any, known: Mapping[str, str]) -> Answer:
    found = [{"@odata.type": f"#microsoft.graph.{known[each]}", "id": each} for each in body["ids"] if each in known]
    return 200, {"value": found}


def test_a_tenant_is_its_facts_and_its_names() -> None:
    known = {ALICE: "user", TEAM: "group", SUBTEAM: "group", SERVICE: "servicePrincipal"}

    def answer(method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
        return by_ids(body, known) if path.endswith("getByIds") else cloud(method, path, query, body)

    found = read_tenant(Credential(), SUB, SCOPE, also=[SERVICE.upper()], transport=Wire(answer).transport())
    assert {each.principal_type for each in found.facts.assignments} == {"Group", "User"}
    assert set(found.directory.names) == {ALICE, TEAM, SUBTEAM, SERVICE}
    assert found.directory.is_deleted(BOB)
    assert not found.directory.is_deleted(ALICE.upper())


def test_a_directory_that_may_not_be_read_is_said_not_raised() -> None:
    found = read_directory(Credential(), [ALICE], transport=Wire(forbidden).transport())
    assert not found.readable
    assert not found.is_deleted(ALICE)


def test_everybody_has_a_type_and_what_they_are_called_if_that_may_be_read() -> None:
    """Microsoft Graph answers a property that may not be read with null; devices, too, may be in a group."""
    told = [
        {"@odata.type": "#microsoft.graph.user", "id": "U", "userPrincipalName": "u@x.com", "displayName": "You"},
        {"@odata.type": "#microsoft.graph.group", "id": "g", "displayName": "Team"},
        {"@odata.type": "#microsoft.graph.servicePrincipal", "id": "s", "displayName": None},
        {"@odata.type": "#microsoft.graph.device", "id": "d"},
        {"id": "x"},
    ]

    def answer(method: str, path: str, _query: Mapping[str, str], body: Any) -> Answer:
        assert (method, path) == ("POST", "graph.microsoft.com/v1.0/directoryObjects/getByIds")
        assert body == {"ids": ["U", "g", "s", "d", "x", "gone"]}
        return 200, {"value": told}

    asked = ["U", "g", "s", "d", "x", "gone"]
    assert read_directory(Credential(), asked, transport=Wire(answer).transport()).names == {
        "u": ("User", "u@x.com"),
        "g": ("Group", "Team"),
        "s": ("ServicePrincipal", ""),
        "d": ("Other", ""),
        "x": ("Other", ""),
    }


def test_names_are_asked_by_the_hundred_eight_at_once() -> None:
    together = threading.Barrier(8)
    sizes: list[int] = []

    def answer(_method: str, _path: str, _query: Mapping[str, str], body: Any) -> Answer:
        together.wait(WAIT)
        sizes.append(len(body["ids"]))
        return by_ids(body, {})

    ids = [f"{number:08x}-0000-4000-8000-000000000001" for number in range(750)]
    assert read_directory(Credential(), ids, transport=Wire(answer).transport()).names == {}
    assert sorted(sizes) == [50, *[100] * 7]


def test_a_page_that_is_not_the_last_is_asked_for_in_halves() -> None:
    sizes: list[int] = []

    def answer(_method: str, _path: str, _query: Mapping[str, str], body: Any) -> Answer:
        sizes.append(len(body["ids"]))
        status, page = by_ids(body, dict.fromkeys(ids, "user"))
        further = {"@odata.nextLink": "https://graph.microsoft.com/next"} if len(page["value"]) > 1 else {}
        return status, {"value": page["value"][:1], **further}

    ids = [f"{number:08x}-0000-4000-8000-000000000001" for number in range(4)]
    assert set(read_directory(Credential(), ids, transport=Wire(answer).transport()).names) == set(ids)
    assert sizes == [4, 2, 1, 1, 2, 1, 1]


def test_one_that_has_further_pages_for_ever_is_not_asked_for_ever() -> None:
    def answer(_method: str, _path: str, _query: Mapping[str, str], body: Any) -> Answer:
        status, page = by_ids(body, {ALICE: "user"})
        return status, {**page, "@odata.nextLink": "https://graph.microsoft.com/next"}

    assert set(read_directory(Credential(), [ALICE], transport=Wire(answer).transport()).names) == {ALICE}


def test_groups_of_one_depth_are_read_at_once_and_a_busy_graph_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five groups in one: each answers only once all five are asked, and the first refuses once."""
    inner = [f"cccccccc-0000-4000-8000-00000000010{number}" for number in range(5)]
    together = threading.Barrier(5)
    refused: list[str] = []

    def answer(method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
        if path.endswith("getByIds"):
            return by_ids(body, {})
        if "/groups/" not in path:
            return cloud(method, path, query, body)
        group = path.split("/")[-2]
        if group == TEAM:
            return 200, {"value": [{"@odata.type": "#microsoft.graph.group", "id": each} for each in inner]}
        if group == inner[0] and not refused:
            refused.append(group)
            return 429, {"error": {"code": "TooManyRequests"}}
        together.wait(WAIT)
        return 200, {"value": [{"@odata.type": "#microsoft.graph.user", "id": ALICE}]}

    monkeypatch.setattr("azure.core.pipeline.transport.RequestsTransport.sleep", lambda *_: None)
    found = read_tenant(Credential(), SUB, SCOPE, transport=Wire(answer).transport())
    assert refused == [inner[0]]
    assert found.facts.memberships[ALICE] == set(inner)


def test_groups_on_a_page_are_read_while_the_next_page_is_on_its_way() -> None:
    """The second page of assignments comes only once the group on the first one was asked for its members."""
    asked = threading.Event()

    def answer(method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
        if path.endswith("getByIds"):
            return by_ids(body, {})
        if path.endswith("/members"):
            asked.set()
            return 200, {"value": []}
        if path.endswith("roleAssignments") and "page" in query:
            assert asked.wait(WAIT), "the group waited for the whole list"
        return cloud(method, path, query, body)

    found = read_tenant(Credential(), SUB, SCOPE, transport=Wire(answer).transport())
    assert len(found.facts.assignments) == 4


def test_a_busy_page_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure refuses a page in the middle of the list twice, once for its rate and once for itself."""
    waited: list[float] = []
    refusals = [(429, {"error": {"code": "TooManyRequests"}}), (503, {"error": {"code": "ServerBusy"}})]

    def answer(method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
        if path.endswith("roleAssignments") and "page" in query and refusals:
            return refusals.pop(0)
        return by_ids(body, {}) if path.endswith("getByIds") else cloud(method, path, query, body)

    monkeypatch.setattr(
        "azure.core.pipeline.transport.RequestsTransport.sleep", lambda _, seconds: waited.append(seconds)
    )
    found = read_tenant(Credential(), SUB, SCOPE, transport=Wire(answer).transport())
    assert not refusals
    assert len(found.facts.assignments) == 4
    assert waited, "it waits before it asks again"
