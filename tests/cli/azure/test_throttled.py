"""Azure answers 429, and goes on doing so: its Retry-After is kept, the wait is told, and the end is a clear error."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from azure.core.exceptions import HttpResponseError

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.azure.waits import Waits
from azmlflow.cli.frame.hints import THROTTLED
from azmlflow.cli.project import report
from azmlflow.cli.pulumi.failures import advice
from tests.cli.azure.asked import GROUP
from tests.cli.desk import Desk
from tests.cli.wire import Credential, Wire, answer

# Microsoft, "Understand how Azure Resource Manager throttles requests".
BODY = {"error": {"code": "SubscriptionRequestsThrottled", "message": "Number of 'read' requests exceeded the limit."}}


@pytest.mark.parametrize("body", [BODY, None, {"message": "slow down"}])
def test_a_429_that_stays_is_waited_for_told_and_then_an_error_with_the_next_command(body: object) -> None:
    wire, said = Wire(lambda _: answer(429, body, {"Retry-After": "40"})), list[str]()
    arm = ResourceManager(wire, Credential(), on_wait=Waits(said.append, clock=lambda: sum(wire.slept)))
    with pytest.raises(ArmError) as caught:
        arm.get(GROUP)
    assert wire.slept
    assert set(wire.slept) == {40.0}
    assert len(said) == len(wire.slept)
    assert "asks us to wait 40 seconds" in said[0]
    assert "status 429" in said[0]
    assert caught.value.next == THROTTLED
    assert "doctor" not in THROTTLED


def test_a_client_of_microsofts_that_is_throttled() -> None:
    fault = HttpResponseError(response=SimpleNamespace(status_code=429, reason="Too Many Requests"))
    known = report.known(fault)
    assert known is not None
    assert known.next == THROTTLED


@pytest.mark.parametrize("message", ["Status=429 Code=TooManyRequests", "SubscriptionRequestsThrottled: wait"])
def test_the_engine_is_throttled(message: str) -> None:
    assert advice(message, "local") == THROTTLED
    assert advice("a resource called x4290 failed", "local") is None


def test_the_engine_is_told_how_long_to_wait() -> None:
    message = "TooManyRequests: slow down (Azure asks us to wait 3600 seconds)"
    assert advice(message, "local") == THROTTLED.replace("a few minutes", "60 minutes")


@pytest.mark.parametrize("command", ["preview", "up"])
def test_a_429_at_the_first_request_leads_to_no_health_check(
    desk: Desk, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.cli.session.test_standing import STATE

    desk.settings()
    desk.stand(*STATE.resources)
    wire = Wire(lambda _: answer(429, BODY))
    monkeypatch.setattr(desk.arm, "open", lambda: ResourceManager(wire, Credential()))
    done = desk.run(command)
    assert done.code == 1
    assert "SubscriptionRequestsThrottled" in done.err
    assert f"next: {THROTTLED}" in done.err
