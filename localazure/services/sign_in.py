"""What Entra and the identity endpoint have in common: forms, tokens as they are answered, and refusals."""

from __future__ import annotations

import re
from datetime import UTC
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.constants import DOMAIN
from azmlflow.localazure.core.spelling import received
from azmlflow.localazure.principals import tokens

LIFETIME = 3600
_FORM_LIMIT = 64 * 1024


class SignInRefused(Exception):
    """Entra's refusal.

    Args:
        status: HTTP status.
        error: OAuth 2.0 error code.
        number: AADSTS number (https://learn.microsoft.com/entra/identity-platform/reference-error-codes).
        text: sentence for people.
    """

    def __init__(self, status: int, error: str, number: int, text: str) -> None:
        super().__init__(text)
        self.status, self.error, self.number, self.text = status, error, number, text


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, none of which may come twice; unknown ones are ignored (RFC 6749, 3.2).

    Raises:
        SignInRefused: it is too large, or a field comes twice.
    """
    too_large = SignInRefused(413, "invalid_request", 90100, "The request body is too large.")
    body = await received(request.stream(), _FORM_LIMIT, too_large)
    found = parse_qs(body.decode("utf-8", "replace"))
    if twice := [name for name, values in found.items() if len(values) > 1]:
        raise SignInRefused(400, "invalid_request", 9000411, f"The parameter '{shown(twice[0])}' is duplicated.")
    return {name: values[0] for name, values in found.items()}


def needed(form: dict[str, str], name: str) -> str:
    """A field that must be there. Raises Refused (AADSTS900144) if it is not."""
    if not form.get(name):
        raise SignInRefused(
            400, "invalid_request", 900144, f"The request body must contain the following parameter: '{name}'."
        )
    return form[name]


def check_resource(resource: str) -> None:
    """Raises Refused (AADSTS500011) if tokens are not issued for a service of that name."""
    if tokens.find_resource_server(resource) is None:
        raise SignInRefused(
            400,
            "invalid_resource",
            500011,
            f"The resource principal named {shown(resource)} was not found in the tenant named {DOMAIN}.",
        )


def shown(text: str) -> str:
    """A text of a request's as a refusal may repeat it: printable, and not long."""
    return re.sub(r"[^\x20-\x7e]", "?", text)[:200]


def token_answer(content: dict[str, object]) -> Response:
    """A token, not to be kept by anything in between."""
    return JSONResponse(content, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


def refusal(refused: SignInRefused, cloud: Cloud) -> Response:
    """A refusal in Entra's shape."""
    trace, correlation = cloud.ids.guid(), cloud.ids.guid()
    stamp = cloud.clock.now().astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    text = f"AADSTS{refused.number}: {refused.text}"
    return JSONResponse(
        {
            "error": refused.error,
            "error_description": f"{text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}",
            "error_codes": [refused.number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={refused.number}",
        },
        refused.status,
    )
