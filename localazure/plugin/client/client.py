"""Azure Resource Manager over HTTPS, as any client of Azure's speaks it.

As azure-native does, a request is sent again on 408, 429, 5xx and on 409 `AnotherOperationInProgress`, and a resource
provider is registered when Azure misses it (`answers.py`). A request without an answer is sent again sooner: the
embedded Azure is near. A long-running operation is followed by `Azure-AsyncOperation`, else `Location`, else the
resource's own provisioningState. Only ARM's own host is followed: the bearer token goes nowhere else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline.policies import (
    BearerTokenCredentialPolicy,
    HeadersPolicy,
    RequestIdPolicy,
    RetryPolicy,
    UserAgentPolicy,
)
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest, HttpResponse

from azmlflow.localazure.plugin.client.answers import RETRY_DELAYS, is_empty, is_gone, mistaken, pause, unregistered
from azmlflow.localazure.plugin.client.calls import (
    DEFAULT_TIMEOUT,
    ArmCall,
    ArmError,
    Interrupted,
    OperationFailed,
    Unknowable,
)
from azmlflow.localazure.plugin.client.operations import ArmResponse, OperationStatus, first_poll, outcome, progress
from azmlflow.resourcetypes.table import version_of

ENDPOINT = "https://management.azure.com"
SCOPE = f"{ENDPOINT}/.default"
# azcore's: how often a request is sent if its provider is not registered; how often, and when, that is looked at.
_REGISTRATIONS, _REGISTRATION_LOOKS, _REGISTRATION_INTERVAL = 3, 20, 15.0
# Without a Retry-After (a key vault has none), soon, for the embedded Azure may be done at once, and then ever later,
# to the pace that azure-native keeps.
_FIRST_INTERVAL = 0.05
_LONGEST_INTERVAL: Mapping[str, float] = {"PUT": 10.0, "DELETE": 30.0}
# "At once" may mean "and again, and again": past the first poll, leave the other side a breath.
_SHORTEST_REPEAT = 0.2
_WORTH_A_WORD = 5.0  # seconds of a wait


class Arm:
    """A client of ARM for one credential.

    Args:
        credential: gives tokens for `SCOPE`.
        transport: sends requests and sleeps.
        correlation_id: ties the requests of one deployment together in Azure's logs.
        monotonic: seconds that only grow.
        on_wait: hears of each long wait that Azure asks for, in words, before it begins.
    """

    def __init__(
        self,
        credential: TokenCredential,
        transport: HttpTransport[Any, Any],
        correlation_id: str,
        monotonic: Callable[[], float] = time.monotonic,
        on_wait: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._credential, self._transport, self._monotonic = credential, transport, monotonic
        self._on_wait = on_wait
        policies = [
            RequestIdPolicy(),
            HeadersPolicy({"Accept": "application/json", "x-ms-correlation-request-id": correlation_id}),
            UserAgentPolicy("azmlflow-azure-native", sdk_moniker="azmlflow"),
            RetryPolicy(retry_connect=3, retry_read=3, retry_status=0, retry_backoff_max=30),
            BearerTokenCredentialPolicy(credential, SCOPE),
        ]
        self._client: PipelineClient[Any, Any] = PipelineClient(ENDPOINT, policies=policies, transport=transport)

    def token(self, scope: str = SCOPE) -> str:
        """An access token, for ARM unless another scope is given. Never to be logged."""
        return self._credential.get_token(scope).token

    def fetch(self, call: ArmCall) -> dict[str, Any]:
        """The resource.

        Raises:
            ArmError: for every answer that is none.
        """
        return _resource(call, _accepted("GET", call, self._send("GET", call)))

    def get(self, call: ArmCall) -> dict[str, Any] | None:
        """The resource, or None where Azure says that there is none.

        Raises:
            ArmError: for every other answer, be it a 404 (it may be a proxy's).
        """
        answer = self._send("GET", call)
        return None if is_gone(answer) or is_empty(answer) else _resource(call, _accepted("GET", call, answer))

    def exists(self, call: ArmCall) -> bool:
        """Whether a resource stands in the way of a new one; any 404 says that none does.

        Raises:
            Unknowable: for every other answer.
        """
        answer = self._send("GET", call)
        if answer.status == 404 or is_empty(answer):
            return False
        if answer.status != 200:
            raise Unknowable(call.path, answer.status, answer.error[0], json.dumps(answer.body))
        return True

    def put(self, call: ArmCall) -> dict[str, Any]:
        """Make or update the resource and wait until it is done; gives the last body that showed the resource.

        Raises:
            ArmError: when ARM refuses the request.
            OperationFailed: when it accepted but the operation failed, was cancelled or took too long.
        """
        answer = _accepted("PUT", call, self._send("PUT", call))
        return dict(self._wait("PUT", call, answer) or answer.body)

    def delete(self, call: ArmCall) -> None:
        """Delete the resource and wait until it is gone; that it is gone already is fine.

        Raises:
            ArmError, OperationFailed: as `put`.
        """
        answer = self._send("DELETE", call)
        if answer.status != 404:
            self._wait("DELETE", call, _accepted("DELETE", call, answer))

    def post(self, call: ArmCall) -> dict[str, Any]:
        """The answer of an action, e.g. of listing keys.

        Raises:
            ArmError: when ARM refuses.
        """
        return dict(_accepted("POST", call, self._send("POST", call)).body)

    def _wait(self, method: str, call: ArmCall, answer: ArmResponse) -> Mapping[str, Any]:
        """Follow an operation to its end; gives the resource where the last poll showed it."""
        poll = first_poll(method, answer)
        if poll is None:
            _succeeded(method, call, outcome(method, answer))
            return {}
        timeout = call.timeout or DEFAULT_TIMEOUT
        deadline, shortest, reached = self._monotonic() + timeout, 0.0, OperationStatus("pending")
        interval = _FIRST_INTERVAL
        try:
            while reached.state == "pending":
                after = answer.retry_after
                delay = max(interval if after is None else after, shortest)
                if self._monotonic() + delay > deadline:
                    raise ArmError(_what(method, call), 0, "OperationTimedOut", f"not done after {timeout:.0f} seconds")
                if delay > 0:
                    self._transport.sleep(delay)
                shortest, interval = _SHORTEST_REPEAT, min(interval * 2, _LONGEST_INTERVAL[method])
                answer = self._ask("GET", call, poll.url or call.path, {} if poll.url else {"api-version": call.api})
                if answer.status != 404:
                    _accepted(method, call, answer)
                reached = progress(method, poll, answer)
        except Interrupted:
            message = "cancelled while Azure was still at work on it"
            raise OperationFailed(_what(method, call), 0, "Cancelled", message) from None
        except ArmError as error:
            raise OperationFailed(_what(method, call), error.status, error.code, error.message) from error
        _succeeded(method, call, reached)
        return {} if poll.by == "operation" else answer.body

    def _send(self, method: str, call: ArmCall) -> ArmResponse:
        query = {**call.query, "api-version": call.api}
        answer = self._ask(method, call, call.path, query, call.body)
        for _ in range(_REGISTRATIONS - 1):
            provider = unregistered(answer, call.path)
            if provider is None or not self._register(provider):
                break
            answer = self._ask(method, call, call.path, query, call.body)
        return answer

    def _register(self, provider: str) -> bool:
        """Register a resource provider and wait for it; False where that is refused or takes too long."""
        version = version_of("Microsoft.Resources/providers")
        call, query = ArmCall(provider, version), {"api-version": version}
        if self._ask("POST", call, f"{provider}/register", query).status >= 300:
            return False
        for _ in range(_REGISTRATION_LOOKS):
            answer = self._ask("GET", call, provider, query)
            if answer.status >= 300:
                return False
            if str(answer.body.get("registrationState")).lower() == "registered":
                return True
            self._transport.sleep(_REGISTRATION_INTERVAL)
        return False

    def _ask(
        self, method: str, call: ArmCall, url: str, query: Mapping[str, str], body: Mapping[str, Any] | None = None
    ) -> ArmResponse:
        answer = self._ask_once(method, call, url, query, body)
        for delay in RETRY_DELAYS:
            wait = pause(answer, delay)
            if wait is None:
                break
            if wait >= _WORTH_A_WORD:
                self._on_wait(
                    f"Azure Resource Manager asks us to wait {wait:.0f} seconds before it answers "
                    f"(status {answer.status}), for {_what(method, call)}"
                )
            self._transport.sleep(wait)
            answer = self._ask_once(method, call, url, query, body)
        return answer

    def _ask_once(
        self, method: str, call: ArmCall, url: str, query: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> ArmResponse:
        absolute = urljoin(ENDPOINT, url)  # a Location may be relative, and may lack the API version
        split = urlsplit(absolute)
        if f"{split.scheme}://{split.netloc}".lower() != ENDPOINT:
            raise ArmError(_what(method, call), 0, "ForeignHost", f"will not follow an operation to {split.netloc}")
        if not query and "api-version" not in {name.lower() for name, _ in parse_qsl(split.query)}:
            query = {"api-version": call.api}
        try:
            response: HttpResponse = self._client.send_request(
                HttpRequest(method, absolute, params=dict(query), json=None if body is None else dict(body))
            )
        except AzureError as error:  # no answer at all; its text may repeat a proxy's credential
            raise ArmError(
                _what(method, call),
                0,
                type(error).__name__,
                f"{split.netloc} gave no answer ({type(error).__name__}); is it running? `azmlflow local status`",
            ) from None
        found = _json(response)
        if found is None and response.status_code < 300:
            message = f"{split.netloc} answered {response.status_code} with what is not a JSON object"
            raise ArmError(_what(method, call), 0, "NoJson", message)
        return ArmResponse(response.status_code, response.headers, found or {})


def _what(method: str, call: ArmCall) -> str:
    return f"{method} {call.path}"


def _resource(call: ArmCall, answer: ArmResponse) -> dict[str, Any]:
    """The resource that an answer shows; ArmError if it shows none: it must not get into the state."""
    if wrong := mistaken(answer.body, call.path):
        raise ArmError(_what("GET", call), 0, "", f"the answer is no resource of Azure's: {wrong}")
    return dict(answer.body)


def _accepted(method: str, call: ArmCall, answer: ArmResponse) -> ArmResponse:
    if answer.status >= 300:
        code, message = answer.error
        after = answer.retry_after or 0.0
        wait = f" (Azure asks us to wait {after:.0f} seconds)" if after > RETRY_DELAYS[-1] else ""
        raise ArmError(_what(method, call), answer.status, code, (message or "refused without a reason") + wait)
    return answer


def _succeeded(method: str, call: ArmCall, reached: OperationStatus) -> None:
    if reached.state != "succeeded":
        raise OperationFailed(_what(method, call), 200, reached.code, reached.message)


def _json(response: HttpResponse) -> dict[str, Any] | None:
    """The body as an object; an empty one is an empty object, None what is not an object (a proxy's page)."""
    text = response.text()
    if not text.strip():
        return {}
    try:
        body = json.loads(text)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
