"""What azure-core's policies lack: keep requests and the token on one host, see the form of what is answered, make
sense of Retry-After, and do not send again what no second time helps.

For whoever asks Azure with Microsoft's clients: here, and in the command line, which tells in errors of its own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import RetryPolicy, SansIOHTTPPolicy

from azmlflow.rbac.live import form
from azmlflow.rbac.live.errors import ForeignAnswer, MalformedAnswer
from azmlflow.rbac.live.waits import WORTH_A_WORD, OnWait, Wait

_LONGEST_PAUSE = 86400.0  # seconds; a longer one is not a pause that anybody waits for, and the longest nobody can


class Retries(RetryPolicy[Any, Any]):
    """azure-core's, but for 507: a disk that is full is as full a minute later. Long waits are told.

    Args:
        on_wait: hears of each long wait that Azure asks for, before it begins; None where nobody listens.
    """

    _RETRY_CODES = set(RetryPolicy._RETRY_CODES) - {507}

    def __init__(self, on_wait: OnWait | None = None) -> None:
        super().__init__()
        self._on_wait = on_wait

    def sleep(
        self, settings: dict[str, Any], transport: Any, response: PipelineResponse[Any, Any] | None = None
    ) -> None:
        """Tell, then wait: Retry-After may say an hour."""
        if self._on_wait is not None and response is not None:
            seconds, answer = self.get_retry_after(response), response.http_response
            if seconds is not None and seconds >= WORTH_A_WORD:
                host = urlsplit(str(answer.request.url)).hostname or ""
                self._on_wait(Wait(host, int(answer.status_code), seconds))
        super().sleep(settings, transport, response)


class OneHost(SansIOHTTPPolicy[Any, Any]):
    """Sends no request to another host, wherever a nextLink, an operation or a redirect leads.

    Stands before the policy that adds the token, at every attempt.

    Args:
        host: the host; a request's option `host`, which is ours to set and no answer's, names another.
        foreign: makes the error of an answer that leads elsewhere: ours, theirs, the path.
        malformed: makes the error of one that leads to what is not an address: what it lacks, the path.
    """

    def __init__(
        self,
        host: str,
        foreign: Callable[[str, str, str], Exception] = ForeignAnswer,
        malformed: Callable[[str, str], Exception] = MalformedAnswer,
    ) -> None:
        self._host, self._foreign, self._malformed = host, foreign, malformed

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Raises `foreign` for another host, another port, or a way without TLS."""
        ours = request.context.setdefault("host", request.context.options.pop("host", self._host))
        url = urlsplit(request.http_request.url)
        if url.scheme.lower() != "https" or url.netloc.lower() not in {ours, f"{ours}:443"}:
            # Neither a query nor a password is told: both may hold a secret.
            theirs = f"{url.scheme or 'no scheme'}://{url.netloc.rpartition('@')[2] or 'no host'}"
            raise self._foreign(f"https://{ours}", theirs, url.path)

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:
        """Raises `malformed` where an answer would lead to what is not an address."""
        for name in ("Location", "Azure-AsyncOperation"):
            if not form.split(response.http_response.headers.get(name, "")):
                raise self._malformed(f"a `{name}` that is not an address", urlsplit(request.http_request.url).path)


class Formed(SansIOHTTPPolicy[Any, Any]):
    """Sees that what is answered with success has the form of what was asked for, before a client reads it.

    Args:
        link: the member that leads to a list's next page.
    """

    def __init__(self, link: str = "nextLink") -> None:
        self._link = link

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:
        """Raises MalformedAnswer for another form, and for a redirect."""
        status, path = response.http_response.status_code, urlsplit(request.http_request.url).path
        if 300 <= status < 400:
            raise MalformedAnswer(f"a redirect ({status})", path)  # neither service that is asked here answers so
        if status >= 400:
            return
        try:
            document = json.loads(response.http_response.text())
        except (ValueError, RecursionError) as error:
            raise MalformedAnswer("it is not JSON", path) from error
        expects = "resources" if isinstance(document, dict) and "value" in document else "document"
        if lacks := form.lacking(document, expects, self._link):
            raise MalformedAnswer(lacks, path)


class RetryAfter(SansIOHTTPPolicy[Any, Any]):
    """Writes Retry-After in seconds; one that says nothing is as good as none.

    RFC 9110, 10.2.3: whole seconds, or a date. A date is taken from the answer's own, for clocks differ.

    Args:
        now: the time, for an answer without a date.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:  # noqa: ARG002
        """Rewrite the header for azure-core, which raises ValueError for what is neither."""
        headers = response.http_response.headers
        for name in ("Retry-After", "retry-after-ms", "x-ms-retry-after-ms"):
            if name in headers:
                seconds = self._seconds(headers.pop(name), headers.get("Date"))
                if seconds is not None:
                    headers[name] = str(seconds)

    def _seconds(self, text: str, date: str | None) -> float | None:
        try:
            seconds = float(text)
        except ValueError:
            then = _date(text)
            seconds = math.nan if then is None else (then - (_date(date) or self._now())).total_seconds()
        return max(0.0, seconds) if seconds < _LONGEST_PAUSE else None  # not a number is less than none


def _date(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
