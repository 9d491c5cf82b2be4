"""Azure Resource Manager, asked directly: what the engine cannot do (purge, sweep, look again) is done here.

The same on both clouds: the credential comes from the environment, and so does the way there. Retries on 408, 429 and
5xx with Retry-After are azure-core's; long-running operations are waited for by their Azure-AsyncOperation or
Location header (Microsoft, "Track asynchronous Azure operations":
https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations).
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, Self

from azmlflow.cli.frame.errors import CliError

ENDPOINT = "https://management.azure.com"
_LONGEST = 3600.0
_SOON, _LATER = 0.25, 8.0  # seconds between two looks at what has no operation to tell of its end


class ArmError(CliError):
    """ARM refused a request.

    Attributes:
        status: the HTTP status.
        code: Azure's code, e.g. `AuthorizationFailed`.
        message: Azure's sentence.
    """

    def __init__(self, status: int, code: str, message: str, where: str) -> None:
        hints = {403: "ask an Owner of the resource group for access", 401: "az login"}
        super().__init__(f"Azure refused: {code}: {message}", where=where, next=hints.get(status, "azmlflow status"))
        self.status, self.code, self.message = status, code, message


class TimedOut(CliError):
    """Azure accepted, and has not finished in the time that was given to it."""


class _TooLate(Exception):
    """Azure wants a longer pause than there is time. None of azure-core's errors: those it would retry."""


OnWait = Callable[[float], None]
Wait = Callable[[OnWait | None], None]


class Arm(Protocol):
    """What commands ask of ARM; tests hand in their own. All raise ArmError, or azure-core's typed errors."""

    def get(self, path: str, version: str) -> dict[str, Any] | None:
        """One document; None for 404."""
        ...

    def list(self, path: str, version: str, query: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        """A list's entries, over all of its pages; nothing for 404."""
        ...

    def delete(self, path: str, version: str, query: Mapping[str, str] | None = None) -> bool:
        """Delete and wait for it; False if it was not there."""
        ...

    def begin(self, path: str, version: str, query: Mapping[str, str] | None = None) -> Wait | None:
        """Delete without waiting; what it gives waits, telling the seconds so far; None if nothing was there."""
        ...

    def post(self, path: str, version: str) -> bool:
        """POST without a body and wait for it; False for 404."""
        ...

    def ask(self, path: str, version: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """POST a question, such as whether a name is free; None for 404."""
        ...

    def call(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """Ask another of Azure's services that takes the same sign-in; None for 404."""
        ...

    def now(self) -> datetime | None:
        """Azure's own time, to the second; None if it doesn't say."""
        ...

    def until(
        self, path: str, version: str, good: Callable[[dict[str, Any] | None], bool], on_wait: OnWait | None = None
    ) -> None:
        """Read a document (None for 404) again and again until it is as wanted."""
        ...

    def within(self, seconds: float | None) -> Self:
        """The same, that gives up (TimedOut) so many seconds from now; None lifts the bound."""
        ...


class LiveArm:
    """ARM over HTTPS.

    Args:
        client: what `connect` made, or a test's.
        sleep: waits between two polls.
        longest: seconds after which an operation is given up.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        client: Any = None,
        sleep: Callable[[float], None] = time.sleep,
        longest: float = _LONGEST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client or connect()
        self._sleep, self._longest, self._clock = sleep, longest, clock
        self._bound: tuple[float, float] | None = None  # seconds given, and the instant at which they are over

    def get(self, path: str, version: str) -> dict[str, Any] | None:
        """One document; None for 404."""
        answer = self._send("GET", _url(path, version))
        if answer.status_code == 404:
            return None
        document: dict[str, Any] = _checked(answer, path).json()
        return document

    def list(self, path: str, version: str, query: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        """A list's entries, over all of its pages; nothing for 404."""
        url: str | None = _url(path, version, query)
        while url:
            answer = self._send("GET", url)
            if answer.status_code == 404:
                return
            document = _checked(answer, path).json()
            yield from document.get("value") or ()
            url = document.get("nextLink")

    def delete(self, path: str, version: str, query: Mapping[str, str] | None = None) -> bool:
        """Delete and wait for it; False if it was not there."""
        return self._run("DELETE", path, _url(path, version, query))

    def begin(self, path: str, version: str, query: Mapping[str, str] | None = None) -> Wait | None:
        """Delete without waiting; what it gives waits, telling the seconds so far; None if nothing was there."""
        answer = self._send("DELETE", _url(path, version, query))
        if answer.status_code in {204, 404}:
            return None
        accepted, since = _checked(answer, path), self._clock()
        return lambda on_wait: self._wait(accepted, path, on_wait, self._clock() - since)

    def post(self, path: str, version: str) -> bool:
        """POST without a body and wait for it; False for 404."""
        return self._run("POST", path, _url(path, version))

    def ask(self, path: str, version: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """POST a question, such as whether a name is free; None for 404."""
        answer = self._send("POST", _url(path, version), body)
        if answer.status_code == 404:
            return None
        document: dict[str, Any] = _checked(answer, path).json()
        return document

    def call(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """Ask another of Azure's services that takes the same sign-in; None for 404."""
        answer = self._send(method, url, body)
        if answer.status_code == 404:
            return None
        document: dict[str, Any] = _checked(answer, url).json()
        return document

    def now(self) -> datetime | None:
        """Azure's own time, to the second; None if it doesn't say. Every answer bears it (RFC 9110, `Date`)."""
        said = self._send("GET", _url("/tenants", "2022-12-01")).headers.get("Date")
        return parsedate_to_datetime(said) if said else None

    def until(
        self, path: str, version: str, good: Callable[[dict[str, Any] | None], bool], on_wait: OnWait | None = None
    ) -> None:
        """Read a document (None for 404) again and again until it is as wanted: soon, and then ever later."""
        waited, pause = 0.0, _SOON
        while not good(self.get(path, version)):
            if waited > self._longest:
                raise _overdue(self._longest, path)
            self._check_bound(path, pause)
            if on_wait:
                on_wait(waited)
            self._sleep(pause)
            waited, pause = waited + pause, min(2 * pause, _LATER)

    def within(self, seconds: float | None) -> Self:
        """The same, that gives up (TimedOut) so many seconds from now; None lifts the bound."""
        bounded = copy.copy(self)
        bounded._bound = None if seconds is None else (seconds, self._clock() + seconds)
        return bounded

    def _run(self, method: str, path: str, url: str) -> bool:
        answer = self._send(method, url)
        if answer.status_code in {204, 404}:
            return False
        self._wait(_checked(answer, path), path)
        return True

    def _wait(self, answer: Any, path: str, on_wait: OnWait | None = None, passed: float = 0.0) -> None:
        """Wait for what was accepted; `passed` seconds ago, which count for the first pause that Azure asks for."""
        waited = shortest = 0.0
        operation, location = answer.headers.get("Azure-AsyncOperation"), answer.headers.get("Location")
        while operation or (location and answer.status_code == 202):
            pause = float(answer.headers.get("Retry-After") or 1) - passed
            passed = 0.0
            if waited > self._longest:
                raise _overdue(self._longest, path)
            self._check_bound(path, pause)
            pause = max(pause, shortest)
            if on_wait and pause > 0:
                on_wait(waited)
            self._sleep(pause)
            # A second's fraction when Azure says 0, and again: never a busy loop, hardly a wait.
            waited, shortest = waited + pause, 0.05
            answer = self._send("GET", operation or location)
            if answer.status_code == 404:
                return  # the operation went with what it deleted
            _checked(answer, path)
            operation, location = (operation, None) if operation else (None, answer.headers.get("Location", location))
            if operation:
                document = answer.json()
                status = str(document.get("status", ""))
                if status == "Succeeded":
                    return
                if status in {"Failed", "Canceled"}:
                    raise _refusal(409, document, path)

    def _send(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:
        from azure.core.exceptions import ServiceRequestTimeoutError, ServiceResponseTimeoutError
        from azure.core.rest import HttpRequest

        request = HttpRequest(method, url, json=None if body is None else dict(body))
        if self._bound is None:
            return self._client.send_request(request)
        self._check_bound(url)
        left = self._bound[1] - self._clock()
        try:
            return self._client.send_request(request, timeout=left, read_timeout=left)
        except (ServiceRequestTimeoutError, ServiceResponseTimeoutError, _TooLate) as fault:
            raise _overdue(self._bound[0], url.partition("?")[0]) from fault

    def _check_bound(self, where: str, pause: float = 0.0) -> None:
        """Raises TimedOut if the time is over, or would be after a pause that Azure asks for."""
        if self._bound is not None and self._clock() + pause >= self._bound[1]:
            raise _overdue(self._bound[0], where.partition("?")[0])


def connect(transport: Any = None, authentication: Any = None) -> Any:
    """A client of ARM with the environment's own sign-in.

    Args:
        transport: sends requests; azure-core's own by default.
        authentication: the policy that signs requests; by default with what the environment signs in with.
    """
    from azure.core import PipelineClient
    from azure.core.pipeline import policies
    from azure.identity import DefaultAzureCredential

    class Persistent(policies.RetryPolicy[Any, Any]):
        """POST too: whatever we POST (purge, register, cancel, ask) may be said twice."""

        def configure_retries(self, options: dict[str, Any]) -> dict[str, Any]:
            return {**super().configure_retries(options), "methods": {"GET", "PUT", "DELETE", "POST"}}

        def sleep(self, settings: dict[str, Any], transport: Any, response: Any = None) -> None:
            """Not where Azure asks for a longer pause than there is time: it would be slept in vain."""
            if response is not None and (self.get_retry_after(response) or 0) > settings["timeout"]:
                raise _TooLate
            super().sleep(settings, transport, response)

    return PipelineClient(
        ENDPOINT,
        policies=[
            policies.UserAgentPolicy("azmlflow"),
            Persistent(),
            authentication or policies.BearerTokenCredentialPolicy(DefaultAzureCredential(), f"{ENDPOINT}/.default"),
        ],
        **({"transport": transport} if transport else {}),
    )


def _overdue(seconds: float, where: str) -> TimedOut:
    given = f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"
    return TimedOut(
        f"Azure has not finished within {given}", where=where, next="type the command again: it goes on from here"
    )


def _url(path: str, version: str, query: Mapping[str, str] | None = None) -> str:
    from urllib.parse import urlencode

    return f"{ENDPOINT}{path}?{urlencode({'api-version': version, **(query or {})})}"


def _checked(answer: Any, path: str) -> Any:
    if answer.status_code < 400:
        return answer
    try:
        document = answer.json()
    except ValueError:
        document = {}
    raise _refusal(answer.status_code, document if isinstance(document, dict) else {}, path)


def _refusal(status: int, document: Mapping[str, Any], path: str) -> ArmError:
    error = document.get("error") or {}
    return ArmError(status, str(error.get("code", status)), str(error.get("message", "no reason given")), path)
