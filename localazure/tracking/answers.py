"""What MLflow's server answers, read once for all who ask: its JSON, its refusal, or that it cannot answer now.

A refusal (4xx) is the asker's to hear, in MLflow's words. A failure (5xx, or something that is not MLflow's JSON) says
nothing of what was asked for: it is never taken for "there is none".

MLflow's JSON leaves out lists and texts that are empty (protobuf's rule), so `.get(name, [])` on it loses nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from azmlflow.localazure.core.errors import AzureError, conflict
from azmlflow.localazure.core.service_limits import OVER
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.machine.shortage import Shortage, said

ABSENT, EXISTS, INVALID = "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS", "INVALID_PARAMETER_VALUE"
# Where MLflow goes on with its database's own words, e.g. "already exists. Error: (sqlite3.IntegrityError) UNIQUE ...".
_DATABASE = re.compile(r"(?:\s*Error:)?\s*\((?:sqlite3|builtins|raised as)\b|\[SQL:|\(Background on this error")
# Faults by which MLflow meets a value that it should have refused; found by sending such values to all its calls.
_ASKERS_FAULT = ("int too large to convert", "should contain only ASCII characters", "surrogates not allowed")
_AGAIN = 5  # seconds after which a server that failed is asked again


@dataclass(frozen=True)
class MlflowAnswer:
    """What MLflow's server answers.

    Attributes:
        status_code: HTTP's.
        content: its body.
        headers: by name, whatever the case.
    """

    status_code: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_success(self) -> bool:
        """Whether it did what was asked."""
        return HTTPStatus.OK <= self.status_code < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_server_error(self) -> bool:
        """Whether it failed, for a reason of its own."""
        return self.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def text(self) -> str:
        """Its body, as a text."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """Its body. Raises ValueError: it is not JSON."""
        return json.loads(self.content)


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


def body(answer: MlflowAnswer) -> Document:
    """The JSON object that MLflow answers.

    Raises:
        AzureError: MLflow refuses, in its words: 409 what is there already, 404 what is not, else 400.
        MlflowUnavailable: MLflow failed, or this is not an answer of MLflow's.
    """
    content = _json(answer)
    if answer.is_success:
        return content
    if content["error_code"] == EXISTS:
        raise conflict("UserError", content["message"])
    raise AzureError(404 if answer.status_code == HTTPStatus.NOT_FOUND else 400, _code(content), content["message"])


def body_if_any(answer: MlflowAnswer, absent: Collection[str] = (ABSENT,)) -> Document | None:
    """The JSON object that MLflow answers; None when it says that there is no such thing.

    Args:
        answer: MLflow's.
        absent: MLflow's error codes that say so.

    Raises:
        AzureError: MLflow refuses for another reason, in its words.
        MlflowUnavailable: MLflow failed, or this is not an answer of MLflow's.
    """
    return None if error_code(answer) in absent else body(answer)


def error_code(answer: MlflowAnswer) -> str | None:
    """MLflow's code of a refusal; None of what it accepts.

    Raises:
        MlflowUnavailable: MLflow failed, or this is not an answer of MLflow's.
    """
    return None if answer.is_success else str(_json(answer)["error_code"])


def refused(answer: MlflowAnswer) -> tuple[AzureError, str]:
    """A refusal or failure as MLflow's own clients are to be told it: with MLflow's status, and MLflow's code.

    Raises:
        MlflowUnavailable: this is not an answer of MLflow's.
    """
    content = _told(answer)
    status = HTTPStatus.BAD_REQUEST if content["error_code"] == INVALID else answer.status_code
    code = "InternalServerError" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else _code(content)
    return AzureError(status, code, content["message"]), content["error_code"]


def no_json(answer: MlflowAnswer) -> MlflowUnavailable:
    """What to raise of an answer that is not MLflow's JSON."""
    return MlflowUnavailable(f"MLflow's server answered {answer.status_code} and nothing that can be read")


def _code(refusal: Document) -> str:
    """Azure Machine Learning's code of a refusal (Azure/azure-sdk-for-python#35685, #42155)."""
    return "ValidationError" if refusal["message"].startswith(OVER) else "UserError"


def _json(answer: MlflowAnswer) -> Document:
    content = _told(answer)
    if answer.is_server_error and content["error_code"] != INVALID:
        raise MlflowUnavailable(f"MLflow's server failed: {content['message']}")
    return content


def _told(answer: MlflowAnswer) -> Document:
    """MLflow's JSON; of what is not a success, its code, and its message as it is told on."""
    try:
        content = answer.json()
    except ValueError as error:
        raise no_json(answer) from error
    if not isinstance(content, dict) or not (answer.is_success or "error_code" in content):
        raise no_json(answer)
    if answer.is_success:
        return content
    if lacks := _lacks(answer, str(content.get("message") or "")):
        raise AzureError(507, lacks.code, lacks.answer())
    message = _without_database(str(content.get("message") or "")) or f"MLflow answered {answer.status_code}"
    if answer.is_server_error and any(words in message for words in _ASKERS_FAULT):
        return {"error_code": INVALID, "message": "A value of the request is out of range."}
    return {"error_code": str(content["error_code"]), "message": message}


def _lacks(answer: MlflowAnswer, message: str) -> Shortage | None:
    """What the machine refused MLflow, where it failed for that; what a client wrote is not taken for it."""
    return said(message) if answer.is_server_error else None


def _without_database(message: str) -> str:
    """What MLflow says, without what its database said to it: neither is Azure Machine Learning's."""
    return _DATABASE.split(message, maxsplit=1)[0].rstrip(" :\n")
