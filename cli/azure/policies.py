"""The policies of every request to Azure, from the outermost to the innermost: azure-core's, and what they lack.

Ours read answers (a refusal or a wrong form is a typed error), keep requests and the token on one host, and make sense
of Retry-After. Not among them is azure-mgmt-core's `ARMAutoResourceProviderRegistrationPolicy`, which changes a
subscription that nobody asked to change, and waits without end: registering is `azmlflow doctor --fix`'s.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

from azure.core.credentials import TokenCredential
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import (
    ContentDecodePolicy,
    HTTPPolicy,
    RedirectPolicy,
    RequestIdPolicy,
    RetryPolicy,
    SansIOHTTPPolicy,
    UserAgentPolicy,
)
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

from azmlflow.cli.azure.addresses import ENDPOINT, HOST
from azmlflow.cli.azure.errors import ArmError, ForeignAnswer, MalformedAnswer, late_at

_LONGEST_PAUSE = 86400.0  # seconds; a longer one is no pause that anybody waits for, and the longest nobody can
_NOTHING = ""
Policy = HTTPPolicy[Any, Any] | SansIOHTTPPolicy[Any, Any]
DOCUMENT = ContentDecodePolicy.CONTEXT_NAME  # where generated clients look for an answer's document


def policies(credential: TokenCredential) -> list[Policy]:
    """All of them, in the order that azure-core's clients have; each pipeline takes new ones."""
    return [
        Answers(),
        RequestIdPolicy(),
        UserAgentPolicy("azmlflow"),
        RedirectPolicy(),
        RetryPolicy(),
        OneHost(),
        ARMChallengeAuthenticationPolicy(credential, f"{ENDPOINT}/.default"),
        RetryAfter(),
    ]


class Answers(HTTPPolicy[Any, Any]):
    """Reads each answer once, and raises a typed error for a refusal, a late one, or one that is not Azure's.

    Options of a request: `where`, the place that errors name; `expects`, the form of the answer: `document` (that of a
    GET), `list` (`{"value": [{...}, ...], "nextLink"?}`), `resources` (a list of what has an `id`), or `anything`.
    """

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send it, and read what is answered."""
        options = request.context.options
        where = options.pop("where", None) or urlsplit(request.http_request.url).path
        expects = options.pop("expects", "document" if request.http_request.method == "GET" else "anything")
        managers = "host" not in options
        with late_at(where):
            answer = self.next.send(request)
        status, document = answer.http_response.status_code, _read(answer.http_response)
        if status >= 300:
            fault = ArmError.of(status, document, where)
            if managers and status == 404 and document != _NOTHING and not fault.told:
                raise MalformedAnswer("a 404 without a reason", where)  # so answers who knows no resources at all
            raise fault
        if lacks := _lacking(document, expects):
            raise MalformedAnswer(lacks, where)
        answer.context[DOCUMENT] = document
        return answer


def _read(response: Any) -> object:
    """The document of an answer; `_NOTHING` of an empty one, None of what is no JSON."""
    try:
        text = response.text()
        return json.loads(text) if text else _NOTHING
    except ValueError:
        return None


def _lacking(document: object, expects: str) -> str:
    """What an answer lacks of the form that is expected; empty if nothing."""
    if expects == "anything":
        return ""
    if not isinstance(document, dict):
        return "it is no JSON object"
    if expects == "document":
        return ""
    entries = document.get("value")
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        return "a list without `value`"
    if expects == "resources" and not all(isinstance(each.get("id"), str) for each in entries):
        return "a resource without `id`"
    next_ = document.get("nextLink") or ENDPOINT
    return "" if isinstance(next_, str) and _split(next_) else "a `nextLink` that is no address"


class OneHost(SansIOHTTPPolicy[Any, Any]):
    """Lets nothing out to another host than was meant, wherever a nextLink, an operation or a redirect leads.

    Stands before the policy that adds the token, at every attempt. The host is Resource Manager's, or a request's
    option `host`, which is ours to set and no answer's.
    """

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Raises ForeignAnswer for another host, another port, or a way without TLS."""
        ours = request.context.setdefault("host", request.context.options.pop("host", HOST))
        url = urlsplit(request.http_request.url)
        if url.scheme.lower() != "https" or url.netloc.lower() not in {ours, f"{ours}:443"}:
            # Neither a query nor a password is told: both may hold a secret.
            theirs = f"{url.scheme or 'no scheme'}://{url.netloc.rpartition('@')[2] or 'no host'}"
            raise ForeignAnswer(f"https://{ours}", theirs, url.path)

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:
        """Raises MalformedAnswer where an answer would lead to what is no address."""
        for name in ("Location", "Azure-AsyncOperation"):
            if not _split(response.http_response.headers.get(name, "")):
                raise MalformedAnswer(f"a `{name}` that is no address", urlsplit(request.http_request.url).path)


def _split(url: str) -> SplitResult | None:
    """An address in its parts; None for what has none, such as `https://[x`."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


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
