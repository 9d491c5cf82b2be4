"""ARM asked directly: pages, long-running operations, refusals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from azmlflow.cli.arm import ENDPOINT, ArmError, LiveArm
from azmlflow.cli.errors import CliError


class Answer:
    def __init__(self, status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> None:
        self.status_code, self._body, self.headers = status, body, dict(headers or {})

    def json(self) -> Any:
        if self._body is None:
            raise ValueError("no body")
        return json.loads(json.dumps(self._body))


class Client:
    """Gives prepared answers in turn, and writes down what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.asked = list(answers), []  # type: ignore[var-annotated]

    def send_request(self, request: Any) -> Answer:
        self.asked.append(f"{request.method} {request.url}")
        return self.answers.pop(0)


def make(*answers: Answer, longest: float = 100) -> tuple[LiveArm, Client, list[float]]:
    client, waits = Client(*answers), []  # type: ignore[var-annotated]
    return LiveArm(client, waits.append, longest), client, waits


def test_a_document_and_its_absence() -> None:
    arm, client, _ = make(Answer(200, {"id": "/x"}), Answer(404))
    assert arm.get("/x", "2024-01-01") == {"id": "/x"}
    assert arm.get("/x", "2024-01-01") is None
    assert client.asked[0] == f"GET {ENDPOINT}/x?api-version=2024-01-01"


def test_a_list_over_its_pages() -> None:
    arm, client, _ = make(
        Answer(200, {"value": [{"n": 1}], "nextLink": f"{ENDPOINT}/next"}), Answer(200, {"value": [{"n": 2}]})
    )
    assert [entry["n"] for entry in arm.list("/x", "v", {"$filter": "a eq 'b'"})] == [1, 2]
    assert client.asked == [f"GET {ENDPOINT}/x?api-version=v&%24filter=a+eq+%27b%27", f"GET {ENDPOINT}/next"]


def test_a_deletion_is_waited_for_by_its_operation() -> None:
    operation = f"{ENDPOINT}/operations/1"
    arm, client, waits = make(
        Answer(202, None, {"Azure-AsyncOperation": operation, "Retry-After": "7"}),
        Answer(200, {"status": "InProgress"}, {"Retry-After": "3"}),
        Answer(200, {"status": "Succeeded"}),
    )
    assert arm.delete("/x", "v", {"forceToPurge": "true"})
    assert waits == [7, 3]
    assert client.asked[0] == f"DELETE {ENDPOINT}/x?api-version=v&forceToPurge=true"
    assert client.asked[1:] == [f"GET {operation}"] * 2


def test_a_deletion_is_waited_for_by_its_location() -> None:
    arm, client, waits = make(
        Answer(202, None, {"Location": f"{ENDPOINT}/r/1", "Retry-After": "0"}),
        Answer(202, None, {"Location": f"{ENDPOINT}/r/2"}),
        Answer(204),
    )
    assert arm.post("/x/purge", "v")
    assert [call.rsplit("/", 1)[-1] for call in client.asked[1:]] == ["1", "2"]
    assert waits == [0.05, 1]


@pytest.mark.parametrize("status", [204, 404])
def test_nothing_to_delete(status: int) -> None:
    arm, _, waits = make(Answer(status))
    assert not arm.delete("/x", "v")
    assert waits == []


def test_a_refusal_keeps_azures_words() -> None:
    error = {"error": {"code": "AuthorizationFailed", "message": "The client 'bob' may not."}}
    arm, _, _ = make(Answer(403, error))
    with pytest.raises(ArmError, match=r"AuthorizationFailed: The client 'bob' may not\.") as caught:
        arm.delete("/x", "v")
    assert (caught.value.status, caught.value.where) == (403, "/x")
    assert "ask an Owner" in str(caught.value.next)


def test_a_refusal_without_a_body() -> None:
    arm, _, _ = make(Answer(500))
    with pytest.raises(ArmError, match="500: no reason given"):
        arm.get("/x", "v")


def test_an_operation_that_fails() -> None:
    failed = {"status": "Failed", "error": {"code": "Conflict", "message": "in use"}}
    arm, _, _ = make(Answer(202, None, {"Azure-AsyncOperation": f"{ENDPOINT}/o"}), Answer(200, failed))
    with pytest.raises(ArmError, match="Conflict: in use"):
        arm.delete("/x", "v")


def test_an_operation_that_never_ends() -> None:
    still = [Answer(200, {"status": "InProgress"}, {"Retry-After": "60"}) for _ in range(4)]
    arm, _, _ = make(Answer(202, None, {"Azure-AsyncOperation": f"{ENDPOINT}/o", "Retry-After": "60"}), *still)
    with pytest.raises(CliError, match="not finished"):
        arm.delete("/x", "v")
