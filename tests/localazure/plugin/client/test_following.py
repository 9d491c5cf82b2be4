"""How the client follows an operation: how often it asks, where it goes, what it gives back, when it gives up."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.localazure.plugin.client.calls import ArmCall, ArmError, Interrupted, OperationFailed
from azmlflow.localazure.plugin.client.client import Arm

PATH = "/subscriptions/s/resourceGroups/g/providers/Microsoft.X/things/a"
PROVIDER = "/subscriptions/s/providers/Microsoft.X"
CALL = ArmCall(PATH, "2024-01-01", body={"location": "westeurope"})
SHOWN = {"id": PATH, "name": "a"}


def _replies(*replies: Any) -> Any:
    """A script that gives each reply once, in order, then falls through."""
    left = list(replies)
    return lambda _: left.pop(0) if left else None


def _refused(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "no"}}


def test_a_deletion_without_headers_is_asked_about_ever_more_seldom(arm: Arm, azure: Any) -> None:
    azure.scripted.append(_replies((202, {}, None), *[(200, {}, SHOWN)] * 11))
    arm.delete(CALL)
    assert azure.slept == [0.05, 0.2, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30]


def test_the_last_second_is_waited_for_and_not_one_more(arm: Arm, azure: Any) -> None:
    azure.scripted.append(lambda _: (202, {"Location": "/op", "Retry-After": "30"}, None))
    with pytest.raises(OperationFailed, match="not done after 60 seconds") as caught:
        arm.delete(ArmCall(PATH, "1", timeout=60))
    assert azure.slept == [30, 30]
    assert (caught.value.status, caught.value.code) == (0, "OperationTimedOut")
    assert str(caught.value).startswith(f"DELETE {PATH}: ")


@pytest.mark.parametrize("given", ["https://management.azure.com/op?Api-Version=7", "/op?x=1&api-version=7"])
def test_a_link_with_a_version_keeps_its_own(arm: Arm, azure: Any, given: str) -> None:
    azure.scripted.append(_replies((202, {"Location": given, "Retry-After": "0"}, None), (200, {}, None)))
    arm.delete(CALL)
    assert azure.sent[-1].url == "https://management.azure.com" + given.removeprefix("https://management.azure.com")


def test_a_link_without_a_version_gets_the_resources(arm: Arm, azure: Any) -> None:
    azure.scripted.append(_replies((202, {"Location": "/op?x=1", "Retry-After": "0"}, None), (200, {}, None)))
    arm.delete(CALL)
    assert azure.sent[-1].query == {"x": "1", "api-version": "2024-01-01"}


def test_the_resource_itself_is_asked_in_its_version(arm: Arm, azure: Any) -> None:
    azure.scripted.append(_replies((201, {}, {"properties": {"provisioningState": "Creating"}}), (200, {}, SHOWN)))
    assert arm.put(CALL) == SHOWN
    assert (azure.sent[-1].path, azure.sent[-1].query) == (PATH, {"api-version": "2024-01-01"})


@pytest.mark.parametrize("host", ["http://management.azure.com", "https://management.azure.com:8443", "https://x.test"])
def test_the_token_goes_to_one_host_by_one_way(arm: Arm, azure: Any, host: str) -> None:
    azure.scripted.append(_replies((202, {"Location": f"{host}/op", "Retry-After": "0"}, None)))
    with pytest.raises(OperationFailed, match="will not follow an operation to") as caught:
        arm.delete(CALL)
    assert (caught.value.code, len(azure.sent)) == ("ForeignHost", 1)


def test_a_hosts_name_has_no_case(arm: Arm, azure: Any) -> None:
    azure.scripted.append(
        _replies((202, {"Location": "https://Management.Azure.com/op", "Retry-After": "0"}, None), (200, {}, None))
    )
    arm.delete(CALL)
    assert azure.methods() == ["DELETE", "GET"]


def test_an_operation_shows_no_resource_so_the_first_answer_is_given(arm: Arm, azure: Any) -> None:
    first = {**SHOWN, "properties": {"provisioningState": "Creating"}}
    azure.scripted.append(
        _replies((201, {"Azure-AsyncOperation": "/op", "Retry-After": "0"}, first), (200, {}, {"status": "Succeeded"}))
    )
    assert arm.put(CALL) == first


def test_a_location_shows_the_resource_at_its_end(arm: Arm, azure: Any) -> None:
    last = {**SHOWN, "location": "westeurope"}
    azure.scripted.append(_replies((202, {"Location": "/op", "Retry-After": "0"}, SHOWN), (200, {}, last)))
    assert arm.put(CALL) == last


def test_a_refused_poll_is_a_failed_operation_with_azures_code(arm: Arm, azure: Any) -> None:
    azure.scripted.append(
        _replies((202, {"Location": "/op", "Retry-After": "0"}, None), (403, {}, _refused("AuthorizationFailed")))
    )
    with pytest.raises(OperationFailed) as caught:
        arm.put(CALL)
    assert (caught.value.status, caught.value.code, caught.value.message) == (403, "AuthorizationFailed", "no")


def test_a_failure_that_is_told_at_once_is_a_failed_operation(arm: Arm, azure: Any) -> None:
    azure.scripted.append(_replies((200, {}, {**SHOWN, "properties": {"provisioningState": "Failed"}})))
    with pytest.raises(OperationFailed, match="the operation ended as Failed") as caught:
        arm.put(CALL)
    assert (caught.value.status, caught.value.code) == (200, "Failed")


def test_a_provider_is_registered_twice_at_most(arm: Arm, azure: Any) -> None:
    def script(sent: Any) -> Any:
        if sent.path.startswith(PROVIDER):
            return 200, {}, {"registrationState": "Registered"}
        return 409, {}, _refused("MissingSubscriptionRegistration")

    azure.scripted.append(script)
    with pytest.raises(ArmError):
        arm.put(CALL)
    assert azure.methods() == ["PUT", "POST", "GET", "PUT", "POST", "GET", "PUT"]
    assert [sent.body for sent in azure.sent if sent.method == "PUT"] == [CALL.body] * 3
    assert [sent.body for sent in azure.sent if sent.method == "POST"] == [None] * 2


def test_a_registration_that_may_not_be_looked_at_is_given_up(arm: Arm, azure: Any) -> None:
    def script(sent: Any) -> Any:
        if sent.path == PROVIDER:
            return 403, {}, _refused("AuthorizationFailed")
        return (200, {}, {}) if sent.method == "POST" else (409, {}, _refused("MissingSubscriptionRegistration"))

    azure.scripted.append(script)
    with pytest.raises(ArmError) as caught:
        arm.put(CALL)
    assert caught.value.code == "MissingSubscriptionRegistration"
    assert (azure.methods(), azure.slept) == (["PUT", "POST", "GET"], [])


@pytest.mark.parametrize(("after", "told"), [("5", True), ("60", True), ("4", False)])
def test_a_wait_is_told_with_its_reason_and_what_it_is_for(azure: Any, credential: Any, after: str, told: bool) -> None:
    said: list[str] = []
    arm = Arm(credential, azure, "c", monotonic=lambda: azure.now, on_wait=said.append)
    azure.scripted.append(_replies((429, {"Retry-After": after}, _refused("TooManyRequests"))))
    arm.get(CALL)
    words = f"Azure Resource Manager asks us to wait {after} seconds before it answers (status 429), for GET {PATH}"
    assert said == [words] * told


def test_what_every_request_says_of_itself(arm: Arm, azure: Any, credential: Any) -> None:
    arm.get(ArmCall(PATH, "2024-01-01", query={"x": "1"}))
    (sent,) = azure.sent
    assert sent.query == {"x": "1", "api-version": "2024-01-01"}
    assert sent.headers["Accept"] == "application/json"
    assert sent.headers["User-Agent"].startswith("azmlflow")
    assert credential.scopes == ["https://management.azure.com/.default"]


def test_a_token_is_for_resource_manager_unless_another_scope_is_given(arm: Arm, credential: Any) -> None:
    assert arm.token() == arm.token("https://graph.test/.default") == "secret-token"
    assert credential.scopes == ["https://management.azure.com/.default", "https://graph.test/.default"]


def test_an_action_gives_its_answer_or_its_refusal(arm: Arm, azure: Any) -> None:
    azure.scripted.append(_replies((200, {}, {"keys": []}), (403, {}, _refused("AuthorizationFailed"))))
    assert arm.post(ArmCall(f"{PATH}/listKeys", "1", body={"a": 1})) == {"keys": []}
    with pytest.raises(ArmError, match='Status=403 Code="AuthorizationFailed"'):
        arm.post(ArmCall(f"{PATH}/listKeys", "1"))
    assert [(sent.method, sent.body) for sent in azure.sent] == [("POST", {"a": 1}), ("POST", None)]


@pytest.mark.parametrize(
    ("reply", "method", "said"),
    [
        ((200, {}, b"<p>hello"), "fetch", "GET {}: management.azure.com answered 200 with what is not a JSON object"),
        ((200, {}, [1]), "put", "PUT {}: management.azure.com answered 200 with what is not a JSON object"),
        ((200, {}, {"id": "/x"}), "fetch", "GET {}: the answer is no resource of Azure's: id"),
        ((200, {}, {"id": 5}), "get", "GET {}: the answer is no resource of Azure's: id"),
        ((300, {}, None), "put", 'Status=300 Message="refused without a reason"'),
        ((403, {"Retry-After": "60"}, None), "delete", 'Status=403 Message="refused without a reason"'),
    ],
)
def test_what_was_asked_is_said_where_there_is_no_answer_of_azures(
    arm: Arm, azure: Any, reply: Any, method: str, said: str
) -> None:
    azure.scripted.append(_replies(reply))
    with pytest.raises(ArmError) as caught:
        getattr(arm, method)(CALL)
    assert str(caught.value) == said.format(PATH)
    assert caught.value.status == (reply[0] if reply[0] >= 300 else 0)


def test_what_ended_the_following_is_said_with_the_request(arm: Arm, azure: Any) -> None:
    def interrupts(_: float) -> None:
        raise Interrupted

    azure.sleep = interrupts
    azure.scripted.append(lambda _: (202, {"Location": "/op", "Retry-After": "1"}, None))
    with pytest.raises(OperationFailed) as caught:
        arm.delete(CALL)
    assert str(caught.value) == f"DELETE {PATH}: cancelled while Azure was still at work on it"
    assert (caught.value.status, caught.value.code) == (0, "Cancelled")


def test_what_cannot_be_looked_up_has_azures_code(arm: Arm, azure: Any) -> None:
    azure.scripted.append(_replies((403, {}, _refused("AuthorizationFailed"))))
    with pytest.raises(ArmError) as caught:
        arm.exists(CALL)
    assert (caught.value.status, caught.value.code) == (403, "AuthorizationFailed")


def test_no_time_is_azure_natives_two_hours(arm: Arm, azure: Any) -> None:
    azure.scripted.append(lambda _: (202, {"Location": "/op", "Retry-After": "3600"}, None))
    with pytest.raises(OperationFailed, match="not done after 7200 seconds"):
        arm.delete(ArmCall(PATH, "1", timeout=0))
    assert azure.slept == [3600, 3600]
