"""The client of ARM: what it sends, what it retries, how it follows long-running operations, how it stops."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from azmlflow.localazure.plugin.client.calls import ArmCall, ArmError, Interrupted, OperationFailed
from azmlflow.localazure.plugin.client.client import Arm
from azmlflow.localazure.plugin.client.transport import StoppableTransport

PATH = "/subscriptions/s/resourceGroups/g/providers/Microsoft.X/things/a"
CALL = ArmCall(PATH, "2024-01-01", body={"location": "westeurope"})


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _once(*replies: Any) -> Any:
    """A script that gives each reply once, in order, then falls through."""
    left = list(replies)
    return lambda _: left.pop(0) if left else None


def test_a_request_carries_version_token_and_correlation(arm: Arm, azure: Any) -> None:
    assert arm.get(CALL) is None
    (sent,) = azure.sent
    assert sent.url == f"https://management.azure.com{PATH}?api-version=2024-01-01"
    assert sent.headers["Authorization"] == "Bearer secret-token"
    assert sent.headers["x-ms-correlation-request-id"] == "correlation-1"
    assert sent.headers["x-ms-client-request-id"]


def test_put_then_get_gives_the_document(arm: Arm, azure: Any) -> None:
    arm.put(CALL)
    assert (arm.get(CALL) or {})["location"] == "westeurope"
    assert azure.slept == []


@pytest.mark.parametrize("reply", [(204, {}, None), (200, {}, None)])
def test_what_means_that_nothing_is_there(arm: Arm, azure: Any, reply: Any) -> None:
    azure.scripted.append(_once(reply))
    assert arm.get(CALL) is None


# pulumi/pulumi-azure-native#4841 quotes the list of 3.2x; #4802 tells of RoleAssignmentNotFound.
@pytest.mark.parametrize(
    "code",
    [
        "NotFound",
        "ResourceNotFound",
        "ResourceGroupNotFound",
        "LockNotFound",
        "ParentResourceNotFound",
        "EntityNotFound",
        "SubscriptionNotFound",
        "RoleAssignmentNotFound",
        "VulnerabilityAssessmentBaselineDoesNotExists",
    ],
)
def test_a_404_with_one_of_nine_codes_says_that_it_is_gone(arm: Arm, azure: Any, code: str) -> None:
    azure.scripted.append(_once((404, {}, _error(code, "no"))))
    assert arm.get(CALL) is None


@pytest.mark.parametrize(
    "body",
    [
        _error("RoleDefinitionDoesNotExist", "no"),
        _error("ContainerNotFound", "no"),
        _error("resourcenotfound", "no"),
        None,
    ],
)
def test_any_other_404_may_be_a_proxys_and_is_an_error(arm: Arm, azure: Any, body: Any) -> None:
    azure.scripted.append(_once((404, {}, body)))
    with pytest.raises(ArmError) as caught:
        arm.get(CALL)
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("reply", "there"),
    [
        ((200, {}, {"id": PATH}), True),
        ((200, {}, None), False),
        ((204, {}, None), False),
        ((404, {}, _error("RoleDefinitionDoesNotExist", "no")), False),
        ((404, {}, None), False),
    ],
)
def test_a_name_is_free_after_any_404(arm: Arm, azure: Any, reply: Any, there: bool) -> None:
    azure.scripted.append(_once(reply))
    assert arm.exists(CALL) is there


def test_a_name_that_cannot_be_looked_up_is_refused_in_the_official_words(arm: Arm, azure: Any) -> None:
    azure.scripted.append(_once((403, {}, _error("AuthorizationFailed", "may not"))))
    with pytest.raises(ArmError) as caught:
        arm.exists(CALL)
    assert str(caught.value) == (
        f"cannot check existence of resource '{PATH}': status code 403, "
        '{"error": {"code": "AuthorizationFailed", "message": "may not"}}'
    )


def test_a_refusal_carries_arms_code_and_sentence(arm: Arm, azure: Any) -> None:
    azure.scripted.append(_once((403, {}, _error("AuthorizationFailed", "The client 'x' may not."))))
    with pytest.raises(ArmError) as caught:
        arm.put(CALL)
    assert str(caught.value) == 'Status=403 Code="AuthorizationFailed" Message="The client \'x\' may not."'
    assert (caught.value.status, caught.value.code) == (403, "AuthorizationFailed")


def test_a_refusal_without_a_code_has_none(arm: Arm, azure: Any) -> None:
    azure.scripted.append(_once((400, {}, {"error": {"message": "no"}})))
    with pytest.raises(ArmError) as caught:
        arm.put(CALL)
    assert str(caught.value) == 'Status=400 Message="no"'


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_passing_trouble_is_retried_after_the_time_azure_says(arm: Arm, azure: Any, status: int) -> None:
    azure.scripted.append(_once((status, {"Retry-After": "7"}, _error("Busy", "later"))))
    arm.put(CALL)
    assert azure.methods() == ["PUT", "PUT"]
    assert azure.slept == [7]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_where_azure_says_no_time_it_is_20_60_and_120_seconds(arm: Arm, azure: Any, status: int) -> None:
    azure.scripted.append(lambda _: (status, {}, _error("Busy", "later")))
    with pytest.raises(ArmError, match="later"):
        arm.put(CALL)
    assert azure.slept == [20, 60, 120]


def test_a_longer_pause_than_two_minutes_is_given_up(arm: Arm, azure: Any) -> None:
    azure.scripted.append(_once((429, {"Retry-After": "121"}, _error("TooManyRequests", "later"))))
    with pytest.raises(ArmError, match=r"later \(Azure asks us to wait 121 seconds\)"):
        arm.put(CALL)
    assert azure.slept == []


def test_polls_are_retried_as_well(arm: Arm, azure: Any) -> None:
    azure.scripted.append(
        _once((202, {"Location": "/op", "Retry-After": "0"}, None), (500, {}, _error("Oops", "later")), (200, {}, None))
    )
    arm.delete(CALL)
    assert azure.methods() == ["DELETE", "GET", "GET"]
    assert azure.slept == [20]


@pytest.mark.parametrize("status", [400, 404, 409, 501, 505])
def test_what_does_not_pass_is_not_retried(arm: Arm, azure: Any, status: int) -> None:
    azure.scripted.append(_once((status, {"Retry-After": "1"}, _error("Never", "no"))))
    with pytest.raises(ArmError, match="no"):
        arm.put(CALL)
    assert azure.methods() == ["PUT"]


def test_another_operation_in_progress_is_waited_out(arm: Arm, azure: Any) -> None:
    busy: Any = (409, {}, _error("AnotherOperationInProgress", "wait"))
    azure.scripted.append(_once(busy, busy))
    arm.put(CALL)
    assert azure.slept == [20, 60]


_REGISTER = "/subscriptions/s/providers/Microsoft.X/register"
_PROVIDER = "/subscriptions/s/providers/Microsoft.X"


def _unregistered(*states: str, code: str = "MissingSubscriptionRegistration", registers: int = 200) -> Any:
    """An Azure in which Microsoft.X is used once it is registered, which takes as many looks as there are states."""
    left, registered = list(states), []

    def script(sent: Any) -> Any:
        if sent.path == _REGISTER:
            return registers, {}, {"registrationState": "Registering"} if registers == 200 else _error("Denied", "no")
        if sent.path == _PROVIDER:
            state = left.pop(0)
            registered.extend(["yes"] if state.lower() == "registered" else [])
            return 200, {}, {"registrationState": state}
        return None if registered else (409, {}, _error(code, "not registered to use namespace 'Microsoft.X'"))

    return script


@pytest.mark.parametrize("code", ["MissingSubscriptionRegistration", "MissingRegistrationForResourceProvider"])
def test_a_resource_provider_is_registered_when_azure_misses_it(arm: Arm, azure: Any, code: str) -> None:
    azure.scripted.append(_unregistered("Registering", "registered", code=code))
    azure.scripted.append(lambda sent: (200, {}, {"id": PATH}) if sent.path == PATH else None)
    arm.put(CALL)
    assert [(sent.method, sent.path) for sent in azure.sent] == [
        ("PUT", PATH),
        ("POST", _REGISTER),
        ("GET", _PROVIDER),
        ("GET", _PROVIDER),
        ("PUT", PATH),
    ]
    assert {sent.query["api-version"] for sent in azure.sent[1:4]} == {"2022-12-01"}
    assert azure.slept == [15]


def test_who_may_not_register_gets_azures_first_refusal(arm: Arm, azure: Any) -> None:
    azure.scripted.append(_unregistered(registers=403))
    with pytest.raises(ArmError, match=r"not registered to use namespace 'Microsoft\.X'") as caught:
        arm.put(CALL)
    assert caught.value.code == "MissingSubscriptionRegistration"
    assert azure.methods() == ["PUT", "POST"]


def test_a_registration_that_does_not_end_is_given_up_after_five_minutes(arm: Arm, azure: Any) -> None:
    azure.scripted.append(_unregistered(*["Registering"] * 30))
    with pytest.raises(ArmError, match="not registered"):
        arm.put(CALL)
    assert azure.slept == [15] * 20


def test_another_conflict_is_not_retried(arm: Arm, azure: Any) -> None:
    azure.scripted.append(_once((409, {}, _error("ScopeLocked", "locked"))))
    with pytest.raises(ArmError, match="locked"):
        arm.delete(CALL)
    assert azure.methods() == ["DELETE"]


def test_an_asynchronous_operation_is_followed_by_its_url(arm: Arm, azure: Any) -> None:
    url = "https://management.azure.com/subscriptions/s/operations/1?api-version=9"
    states = ["InProgress", "InProgress", "Succeeded"]

    def script(sent: Any) -> Any:
        if sent.method == "PUT":
            return 201, {"Azure-AsyncOperation": url, "Location": "/elsewhere", "Retry-After": "3"}, {"properties": {}}
        if sent.path.endswith("/operations/1"):
            return 200, {"Retry-After": "5"}, {"status": states.pop(0)}
        return None

    azure.scripted.append(script)
    arm.put(CALL)
    assert azure.slept == [3, 5, 5]
    assert {sent.url for sent in azure.sent[1:]} == {url}


PAGE = b"<h1>Sign in to the hotel's network</h1>"


@pytest.mark.parametrize("method", ["get", "put", "delete", "post"])
def test_a_page_is_not_taken_for_an_answer(arm: Arm, azure: Any, method: str) -> None:
    azure.scripted.append(lambda _: (200, {"Content-Type": "text/html"}, PAGE))
    with pytest.raises(ArmError, match="not a JSON object") as told:
        getattr(arm, method)(CALL)
    assert "hotel" not in str(told.value)


def test_a_page_does_not_end_an_operation(arm: Arm, azure: Any) -> None:
    url = "https://management.azure.com/subscriptions/s/operations/1?api-version=9"
    azure.scripted.append(_once((201, {"Azure-AsyncOperation": url}, {"properties": {}}), (200, {}, PAGE)))
    with pytest.raises(OperationFailed, match="not a JSON object"):
        arm.put(CALL)


def test_a_refusal_by_a_page_is_a_refusal(arm: Arm, azure: Any) -> None:
    azure.scripted.append(_once((403, {}, PAGE)))
    with pytest.raises(ArmError, match="refused without a reason"):
        arm.put(CALL)


def test_retry_after_zero_polls_at_once_and_then_leaves_a_breath(arm: Arm, azure: Any) -> None:
    statuses = [202, 202, 200]

    def script(sent: Any) -> Any:
        if sent.method == "DELETE":
            return 202, {"Location": "/subscriptions/s/operationresults/1", "Retry-After": "0"}, None
        return statuses.pop(0), {"Retry-After": "0"}, None

    azure.scripted.append(script)
    arm.delete(CALL)
    assert azure.slept == [0.2, 0.2]
    # The location was relative and lacked the API version.
    assert azure.sent[-1].url.startswith("https://management.azure.com/subscriptions/s/operationresults/1?api-version=")


def test_without_headers_the_resource_itself_is_asked_ever_more_seldom(arm: Arm, azure: Any) -> None:
    states = [*["Creating"] * 7, "Succeeded"]
    azure.scripted.append(lambda _: (200, {}, {"properties": {"provisioningState": states.pop(0)}}))
    arm.put(CALL)
    assert azure.methods() == ["PUT", *["GET"] * 7]
    assert azure.slept == [0.05, 0.2, 0.2, 0.4, 0.8, 1.6, 3.2]


def test_a_deletion_without_headers_ends_when_the_resource_is_gone(arm: Arm, azure: Any) -> None:
    azure.scripted.append(_once((202, {"Retry-After": "1"}, None), (200, {"Retry-After": "1"}, {"id": PATH})))
    arm.delete(CALL)
    assert azure.methods() == ["DELETE", "GET", "GET"]


def test_deleting_what_is_gone_succeeds(arm: Arm, azure: Any) -> None:
    azure.scripted.append(_once((404, {}, _error("ResourceNotFound", "gone"))))
    arm.delete(CALL)
    assert azure.methods() == ["DELETE"]


def test_a_failed_operation_says_why(arm: Arm, azure: Any) -> None:
    failure = {"status": "Failed", **_error("QuotaExceeded", "No cores left.")}
    azure.scripted.append(_once((202, {"Azure-AsyncOperation": "/op", "Retry-After": "0"}, None), (200, {}, failure)))
    with pytest.raises(OperationFailed, match="No cores left") as caught:
        arm.put(CALL)
    assert caught.value.code == "QuotaExceeded"


def test_an_operation_that_does_not_end_times_out(arm: Arm, azure: Any) -> None:
    azure.scripted.append(lambda _: (202, {"Location": "/op", "Retry-After": "40"}, None))
    with pytest.raises(OperationFailed, match="not done after 60 seconds"):
        arm.delete(ArmCall(PATH, "1", timeout=60))
    assert azure.slept == [40]


def test_the_token_follows_no_operation_to_another_host(arm: Arm, azure: Any) -> None:
    azure.scripted.append(_once((202, {"Location": "https://evil.example/op", "Retry-After": "0"}, None)))
    with pytest.raises(OperationFailed, match=r"will not follow an operation to evil\.example"):
        arm.delete(CALL)
    assert len(azure.sent) == 1


def test_an_unreachable_azure_is_named_without_secrets(arm: Arm, azure: Any) -> None:
    from azure.core.exceptions import ServiceRequestError

    def refuse(_: Any) -> Any:
        raise ServiceRequestError("cannot connect to proxy http://user:hunter2hunter2@127.0.0.1:1")

    azure.scripted.append(refuse)
    with pytest.raises(ArmError, match=r"management\.azure\.com gave no answer") as caught:
        arm.get(CALL)
    assert "hunter2" not in str(caught.value)
    assert "azmlflow local status" in str(caught.value)


def test_a_stop_ends_waiting_at_once_and_sends_nothing_more() -> None:
    stopped = threading.Event()
    transport = StoppableTransport(stopped)
    stopped.set()
    with pytest.raises(Interrupted):
        transport.sleep(3600)
    with pytest.raises(Interrupted):
        transport.send(None)


def test_a_stop_in_mid_operation_is_a_failed_operation(arm: Arm, azure: Any) -> None:
    def stop(_: float) -> None:
        raise Interrupted("cancelled")

    azure.sleep = stop
    azure.scripted.append(_once((202, {"Location": "/op", "Retry-After": "1"}, None)))
    with pytest.raises(OperationFailed, match="cancelled while Azure was still at work"):
        arm.put(CALL)


@pytest.mark.parametrize(("after", "told"), [("60", 1), ("2", 0)])
def test_a_long_wait_is_told_before_it_begins(azure: Any, after: str, told: int) -> None:
    said: list[str] = []

    class Signed:
        def get_token(self, *_: str, **__: Any) -> Any:
            return AccessToken("secret-token", 4102444800)

    arm = Arm(Signed(), azure, "c", monotonic=lambda: azure.now, on_wait=said.append)
    azure.scripted.append(_once((429, {"Retry-After": after}, _error("TooManyRequests", "slowly"))))
    arm.get(CALL)
    words = "Azure Resource Manager asks us to wait 60 seconds before it answers (status 429), for GET thing a"
    assert [each.partition(" (")[0] for each in said] == [words.partition(" (")[0]] * told
    assert azure.slept == [float(after)]
