"""How far an operation is, by Azure's several ways of saying so."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.localazure.plugin.client.operations import (
    ArmResponse,
    OperationStatus,
    Poll,
    first_poll,
    outcome,
    progress,
)


def _answer(status: int, headers: dict[str, str] | None = None, body: dict[str, Any] | None = None) -> ArmResponse:
    return ArmResponse(status, headers or {}, body or {})


def _state(state: str) -> dict[str, Any]:
    return {"properties": {"provisioningState": state}}


@pytest.mark.parametrize(
    ("method", "answer", "poll"),
    [
        ("PUT", _answer(200, body=_state("Succeeded")), None),
        ("PUT", _answer(200), None),
        ("PUT", _answer(200, {"Location": "/x"}), None),
        ("PUT", _answer(201, body=_state("Creating")), Poll("resource")),
        ("PUT", _answer(201, {"Azure-AsyncOperation": "/op", "Location": "/x"}), Poll("operation", "/op")),
        ("PUT", _answer(202, {"Location": "/x"}), Poll("location", "/x")),
        ("DELETE", _answer(202), Poll("resource")),
        ("DELETE", _answer(200, body=_state("Deleting")), None),
    ],
)
def test_what_to_poll(method: str, answer: ArmResponse, poll: Poll | None) -> None:
    assert first_poll(method, answer) == poll


@pytest.mark.parametrize(
    ("method", "poll", "answer", "state"),
    [
        ("PUT", Poll("operation", "/"), _answer(200, body={"status": "Running"}), "pending"),
        ("PUT", Poll("operation", "/"), _answer(200, body={"status": "succeeded"}), "succeeded"),
        ("PUT", Poll("operation", "/"), _answer(200, body={"status": "Cancelled"}), "canceled"),
        ("PUT", Poll("location", "/"), _answer(202), "pending"),
        ("PUT", Poll("location", "/"), _answer(200, body=_state("Succeeded")), "succeeded"),
        ("PUT", Poll("resource"), _answer(404), "pending"),
        ("PUT", Poll("resource"), _answer(200, body=_state("Failed")), "failed"),
        ("DELETE", Poll("location", "/"), _answer(204), "succeeded"),
        ("DELETE", Poll("location", "/"), _answer(404), "succeeded"),
        ("DELETE", Poll("resource"), _answer(200, body=_state("Deleting")), "pending"),
        ("DELETE", Poll("resource"), _answer(404), "succeeded"),
    ],
)
def test_how_far_it_is(method: str, poll: Poll, answer: ArmResponse, state: str) -> None:
    assert progress(method, poll, answer).state == state


@pytest.mark.parametrize("body", [{"status": "Succeeded", "error": {"code": "Old", "message": "m"}}, {}])
def test_what_succeeded_has_no_reason_to_tell(body: dict[str, Any]) -> None:
    """Without a status it has ended (Microsoft, "Track asynchronous Azure operations")."""
    assert progress("PUT", Poll("operation", "/"), _answer(200, body=body)) == OperationStatus("succeeded")


def test_a_put_that_failed_at_once_did_not_succeed() -> None:
    assert outcome("PUT", _answer(200, body=_state("Failed"))).state == "failed"
    assert outcome("DELETE", _answer(200, body=_state("Deleting"))).state == "succeeded"


def test_details_belong_to_the_reason() -> None:
    body = {"error": {"code": "A", "message": "Outer.", "details": [{"message": "Inner."}, "odd"]}}
    assert _answer(400, body=body).error == ("A", "Outer. Inner.")
    assert _answer(400, body={"code": "B", "message": "Bare."}).error == ("B", "Bare.")
    assert _answer(500, body={"error": "text"}).error == ("", "")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0.0),
        ("soon", None),
        ("", None),
    ],
)
def test_when_to_ask_again(header: str, seconds: float | None) -> None:
    assert _answer(202, {"Retry-After": header}).retry_after == seconds


@pytest.mark.parametrize(
    "text", ["soon", "nan", "inf", "", "Mon, 99 Jan 2026 99:99:99 GMT", "Mon, 01 Jan 999999999 00:00:00 GMT"]
)
def test_a_retry_after_that_is_no_time_says_nothing(text: str) -> None:
    assert _answer(503, {"Retry-After": text}).retry_after is None


@pytest.mark.parametrize("details", [5, "text", True, {"message": "x"}, [5, None]])
def test_an_error_of_another_form_keeps_its_code_and_message(details: object) -> None:
    assert _answer(400, body={"error": {"code": "C", "message": "M", "details": details}}).error == ("C", "M")
