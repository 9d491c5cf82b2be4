"""ARM asked directly: pages, long-running operations, refusals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from azure.core.exceptions import ServiceResponseTimeoutError

from azmlflow.cli.azure.arm import ENDPOINT, ArmError, LiveArm, TimedOut
from azmlflow.cli.frame.errors import CliError


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

    def send_request(self, request: Any, **options: float) -> Answer:
        self.asked.append(f"{request.method} {request.url}")
        self.options = options
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
    assert waits == [0, 1]


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


def bounded(*answers: Answer, seconds: float | None) -> tuple[LiveArm, Client, list[float]]:
    """An ARM with a bound, whose clock moves when it waits."""
    client, waits = Client(*answers), []  # type: ignore[var-annotated]
    return LiveArm(client, waits.append, clock=lambda: sum(waits)).within(seconds), client, waits


def test_a_bound_ends_the_wait_as_soon_as_the_next_look_would_be_too_late() -> None:
    accepted = Answer(202, None, {"Azure-AsyncOperation": f"{ENDPOINT}/o", "Retry-After": "7"})
    arm, client, waits = bounded(
        accepted, Answer(200, {"status": "InProgress"}, {"Retry-After": "7"}), Answer(404), seconds=10
    )
    with pytest.raises(TimedOut, match="not finished within 10 seconds") as told:
        arm.delete("/x", "v")
    assert waits == [7]  # the second look would be allowed at 14
    assert told.value.where == "/x"
    assert client.options == {"timeout": 3, "read_timeout": 3}
    assert arm.within(None).get("/x", "v") is None  # who is told what still stands has to ask


def test_a_bound_that_is_over_sends_nothing() -> None:
    arm, client, _ = bounded(seconds=0)
    with pytest.raises(TimedOut):
        arm.post("/x", "v")
    assert client.asked == []


def test_an_answer_that_does_not_come_in_time_is_the_bound() -> None:
    arm, client, _ = bounded(Answer(200), seconds=200)

    def late(*_: Any, **__: Any) -> Answer:
        raise ServiceResponseTimeoutError("late")

    client.send_request = late  # type: ignore[method-assign]
    with pytest.raises(TimedOut, match="within 3 minutes") as told:
        arm.get("/x", "v")
    assert told.value.where == f"{ENDPOINT}/x"


def test_seconds_that_passed_before_the_wait_count_for_its_first_pause() -> None:
    """Two deletions begun together, one waited for after the other: the second's pause is over by then."""
    begun = [Answer(202, None, {"Location": f"{ENDPOINT}/r", "Retry-After": "3"}) for _ in range(2)]
    arm, _, waits = bounded(*begun, Answer(200), Answer(200), seconds=None)
    first, second = arm.begin("/x", "v"), arm.begin("/y", "v")
    assert first is not None
    assert second is not None
    first(None)
    second(None)
    assert waits == [3, 0]
