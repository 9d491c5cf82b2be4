"""What an answer says to the plugin's client."""

from __future__ import annotations

import pytest

from azmlflow.localazure.plugin.client.answers import is_gone, mistaken, pause, unregistered
from azmlflow.localazure.plugin.client.calls import ArmError, Unknowable
from azmlflow.localazure.plugin.client.operations import ArmResponse

GROUP = "/subscriptions/s/resourceGroups/g"


def _answer(status: int, code: str, **headers: str) -> ArmResponse:
    return ArmResponse(status, {name.replace("_", "-"): text for name, text in headers.items()}, {"code": code})


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ({"id": "/Groups/X", "name": "x", "tags": None, "properties": {}}, ""),
        ({"id": "/subscriptions/1/x"}, ""),
        ({}, "it is empty"),
        ({"value": "x", "id": 5, "name": [], "tags": [1], "properties": []}, "id, name, tags, properties"),
        ({"value": [None, 5, {}], "id": "x", "properties": {"provisioningState": 5}}, "id"),
        ({"id": "/groups/y", "name": "x"}, "id"),
        ({"id": "/groups/y", "name": 5}, "id, name"),
        ({"id": "/groups/x", "type": 5, "location": ["x"]}, "type, location"),
    ],
)
def test_an_answer_that_shows_something_else_is_no_resource(told: dict[str, object], wrong: str) -> None:
    assert mistaken(told, "/groups/x") == wrong


@pytest.mark.parametrize("status", [400, 403, 409])
def test_a_code_of_a_404_in_another_refusal_says_not_that_it_is_gone(status: int) -> None:
    assert not is_gone(_answer(status, "ResourceNotFound"))


@pytest.mark.parametrize(
    ("after", "seconds"), [("0", 0.0), ("61", 61.0), ("100", 100.0), ("120", 120.0), ("121", None), ("7200", None)]
)
def test_two_minutes_are_waited_for_and_no_more(after: str, seconds: float | None) -> None:
    assert pause(_answer(429, "TooManyRequests", Retry_After=after), 20) == seconds


@pytest.mark.parametrize(("status", "seconds"), [(409, 20.0), (400, None), (403, None)])
def test_another_operation_in_progress_is_a_conflict(status: int, seconds: float | None) -> None:
    assert pause(_answer(status, "AnotherOperationInProgress"), 20) == seconds


@pytest.mark.parametrize(
    ("status", "path", "provider"),
    [
        (409, f"{GROUP}/providers/Microsoft.X/things/a", "/subscriptions/s/providers/Microsoft.X"),
        (409, f"{GROUP}/PROVIDERS/microsoft.x/things/a", "/subscriptions/s/PROVIDERS/microsoft.x"),
        (409, "/subscriptions/s/providers/Microsoft.X/things/a", "/subscriptions/s/providers/Microsoft.X"),
        (409, GROUP, None),
        (400, f"{GROUP}/providers/Microsoft.X/things/a", None),
        (403, f"{GROUP}/providers/Microsoft.X/things/a", None),
    ],
)
def test_which_provider_is_not_registered(status: int, path: str, provider: str | None) -> None:
    assert unregistered(_answer(status, "MissingSubscriptionRegistration"), path) == provider


def test_an_error_without_an_answer_says_what_was_asked() -> None:
    assert str(ArmError("GET /groups/x", 0, "NoJson", "no answer")) == "GET /groups/x: no answer"


def test_what_cannot_be_known_carries_azures_words() -> None:
    fault = Unknowable("/groups/x", 403, "AuthorizationFailed", '{"message": "may not"}')
    assert (fault.status, fault.code, fault.message) == (403, "AuthorizationFailed", '{"message": "may not"}')
    assert str(fault) == 'cannot check existence of resource \'/groups/x\': status code 403, {"message": "may not"}'
