"""The policies of every request to Azure, from the outermost to the innermost: azure-core's, and what they lack.

Ours read answers (a refusal or a wrong form is a typed error); `rbac/live` has those that keep requests and the token
on one host and make sense of Retry-After. Not among them is azure-mgmt-core's
`ARMAutoResourceProviderRegistrationPolicy`, which changes a subscription that nobody asked to change, and waits without
end: registering is `azmlflow doctor --fix`'s.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from azure.core.credentials import TokenCredential
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import (
    ContentDecodePolicy,
    HTTPPolicy,
    RedirectPolicy,
    RequestIdPolicy,
    SansIOHTTPPolicy,
    UserAgentPolicy,
)
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

from azmlflow.cli.azure.addresses import ENDPOINT, HOST
from azmlflow.cli.azure.errors import ArmError, Document, ForeignAnswer, MalformedAnswer, late_at
from azmlflow.rbac.live import form
from azmlflow.rbac.live.policies import OneHost, Retries, RetryAfter
from azmlflow.rbac.live.waits import OnWait

Policy = HTTPPolicy[Any, Any] | SansIOHTTPPolicy[Any, Any]
DOCUMENT = ContentDecodePolicy.CONTEXT_NAME  # where generated clients look for an answer's document


def policies(credential: TokenCredential, on_wait: OnWait | None = None) -> list[Policy]:
    """All of them, in the order that azure-core's clients have; each pipeline takes new ones.

    Args:
        credential: signs in.
        on_wait: hears of each long wait before it begins.
    """
    return [
        Answers(),
        RequestIdPolicy(),
        UserAgentPolicy("azmlflow"),
        RedirectPolicy(),
        Retries(on_wait),
        OneHost(HOST, ForeignAnswer, MalformedAnswer),
        ARMChallengeAuthenticationPolicy(credential, f"{ENDPOINT}/.default"),
        RetryAfter(),
    ]


class Answers(HTTPPolicy[Any, Any]):
    """Reads each answer once, and raises a typed error for a refusal, a late one, or one that is not Azure's.

    Options of a request: `where`, the place that errors name; `expects`, the form of the answer: `resource` (what
    has an `id`: that of a GET), `resources` (a list of them: `{"value": [{...}, ...], "nextLink"?}`), `document`,
    `list`, or `anything`.
    """

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send it, and read what is answered."""
        options = request.context.options
        where = options.pop("where", None) or urlsplit(request.http_request.url).path
        expects = options.pop("expects", "resource" if request.http_request.method == "GET" else "anything")
        managers = "host" not in options
        with late_at(where):
            answer = self.next.send(request)
        status, document = answer.http_response.status_code, _read(answer.http_response)
        if status >= 300:
            fault = ArmError.of(status, document, where)
            if managers and status == 404 and document != form.NOTHING and not fault.told:
                raise MalformedAnswer("a 404 without a reason", where)  # so answers who knows no resources at all
            raise fault
        if lacks := form.lacking(document, expects):
            raise MalformedAnswer(lacks, where)
        answer.context[DOCUMENT] = document
        return answer


def _read(response: Any) -> object:
    """The document of an answer; `NOTHING` of an empty one, `UNREADABLE` of what is not JSON."""
    try:
        text = response.text()
        return json.loads(text, object_hook=Document) if text else form.NOTHING
    except (ValueError, RecursionError):
        return form.UNREADABLE
