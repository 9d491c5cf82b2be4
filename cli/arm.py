"""Azure Resource Manager, asked directly: what the engine cannot do (purge, sweep, look again) is done here.

The same on both clouds: the credential comes from the environment, and so does the way there. Retries on 408, 429 and
5xx with Retry-After are azure-core's; long-running operations are waited for by their Azure-AsyncOperation or
Location header (Microsoft, "Track asynchronous Azure operations":
https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from azmlflow.cli.errors import CliError

ENDPOINT = "https://management.azure.com"
_LONGEST = 3600.0


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


class LiveArm:
    """ARM over HTTPS.

    Args:
        client: what `connect` made, or a test's.
        sleep: waits between two polls.
        longest: seconds after which an operation is given up.
    """

    def __init__(
        self, client: Any = None, sleep: Callable[[float], None] = time.sleep, longest: float = _LONGEST
    ) -> None:
        self._client = client or connect()
        self._sleep, self._longest = sleep, longest

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
        accepted = _checked(answer, path)
        return lambda on_wait: self._wait(accepted, path, on_wait)

    def post(self, path: str, version: str) -> bool:
        """POST without a body and wait for it; False for 404."""
        return self._run("POST", path, _url(path, version))

    def ask(self, path: str, version: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """POST a question, such as whether a name is free; None for 404."""
        from azure.core.rest import HttpRequest

        answer = self._client.send_request(HttpRequest("POST", _url(path, version), json=dict(body)))
        if answer.status_code == 404:
            return None
        document: dict[str, Any] = _checked(answer, path).json()
        return document

    def call(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """Ask another of Azure's services that takes the same sign-in; None for 404."""
        from azure.core.rest import HttpRequest

        answer = self._client.send_request(HttpRequest(method, url, json=None if body is None else dict(body)))
        if answer.status_code == 404:
            return None
        document: dict[str, Any] = _checked(answer, url).json()
        return document

    def now(self) -> datetime | None:
        """Azure's own time, to the second; None if it doesn't say. Every answer bears it (RFC 9110, `Date`)."""
        said = self._send("GET", _url("/tenants", "2022-12-01")).headers.get("Date")
        return parsedate_to_datetime(said) if said else None

    def _run(self, method: str, path: str, url: str) -> bool:
        answer = self._send(method, url)
        if answer.status_code in {204, 404}:
            return False
        self._wait(_checked(answer, path), path)
        return True

    def _wait(self, answer: Any, path: str, on_wait: OnWait | None = None) -> None:
        waited = 0.0
        operation, location = answer.headers.get("Azure-AsyncOperation"), answer.headers.get("Location")
        while operation or (location and answer.status_code == 202):
            pause = float(answer.headers.get("Retry-After") or 1)
            if waited > self._longest:
                raise TimedOut(
                    f"Azure has not finished within {self._longest / 60:.0f} minutes",
                    where=path,
                    next="type the command again: it goes on from here",
                )
            if on_wait:
                on_wait(waited)
            # A second's fraction when Azure says 0: never a busy loop, hardly a wait.
            self._sleep(max(pause, 0.05))
            waited += max(pause, 0.05)
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

    def _send(self, method: str, url: str) -> Any:
        from azure.core.rest import HttpRequest

        return self._client.send_request(HttpRequest(method, url))


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

    return PipelineClient(
        ENDPOINT,
        policies=[
            policies.UserAgentPolicy("azmlflow"),
            Persistent(),
            authentication or policies.BearerTokenCredentialPolicy(DefaultAzureCredential(), f"{ENDPOINT}/.default"),
        ],
        **({"transport": transport} if transport else {}),
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
