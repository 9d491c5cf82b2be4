"""What MLflow's server answers, read once for all who ask: its JSON, its refusal, or that it cannot answer now.

A refusal (4xx) is the asker's to hear, in MLflow's words. A failure (5xx, or something that is not MLflow's JSON) says
nothing of what was asked for: it is never taken for "there is none".

MLflow's JSON leaves out lists and texts that are empty (protobuf's rule), so `.get(name, [])` on it loses nothing.
"""

from __future__ import annotations

from collections.abc import Collection

import httpx

from azmlflow.localazure.core.errors import AzureError, bad_request, conflict
from azmlflow.localazure.core.store import Document

ABSENT, EXISTS, INVALID = "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS", "INVALID_PARAMETER_VALUE"
_AGAIN = 5  # seconds after which a server that failed is asked again


class MlflowUnavailable(Exception):
    """MLflow cannot answer now: it did not start, died, took too long, or failed.

    Attributes:
        retry_after: seconds after which asking again makes sense.
    """

    def __init__(self, message: str, retry_after: int = _AGAIN) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def refusal(self) -> AzureError:
        """The same to Azure's clients: 503, with Retry-After."""
        return AzureError(503, "ServiceUnavailable", str(self), headers={"Retry-After": str(self.retry_after)})


def body(answer: httpx.Response) -> Document:
    """The JSON object that MLflow answers.

    Raises:
        AzureError: MLflow refuses, in its words: 409 what is there already, 404 what is not, else 400.
        MlflowUnavailable: MLflow failed, or this is no answer of MLflow's.
    """
    content = _json(answer)
    if answer.is_success:
        return content
    message, code = str(content.get("message") or f"MLflow answered {answer.status_code}"), content["error_code"]
    if code == EXISTS:
        raise conflict("UserError", message)
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise AzureError(404, "UserError", message)
    raise bad_request("UserError", message)


def body_if_any(answer: httpx.Response, absent: Collection[str] = (ABSENT,)) -> Document | None:
    """The JSON object that MLflow answers; None when it says that there is no such thing.

    Args:
        answer: MLflow's.
        absent: MLflow's error codes that say so.

    Raises:
        AzureError: MLflow refuses for another reason, in its words.
        MlflowUnavailable: MLflow failed, or this is no answer of MLflow's.
    """
    return None if error_code(answer) in absent else body(answer)


def error_code(answer: httpx.Response) -> str | None:
    """MLflow's code of a refusal; None of what it accepts.

    Raises:
        MlflowUnavailable: MLflow failed, or this is no answer of MLflow's.
    """
    return None if answer.is_success else str(_json(answer)["error_code"])


def no_json(answer: httpx.Response) -> MlflowUnavailable:
    """What to raise of an answer that is not MLflow's JSON."""
    return MlflowUnavailable(f"MLflow's server answered {answer.status_code} and nothing that can be read")


def _json(answer: httpx.Response) -> Document:
    try:
        content = answer.json()
    except ValueError as error:
        raise no_json(answer) from error
    if not isinstance(content, dict) or not (answer.is_success or "error_code" in content):
        raise no_json(answer)
    if answer.is_server_error:
        raise MlflowUnavailable(f"MLflow's server failed: {content.get('message') or answer.status_code}")
    return content
