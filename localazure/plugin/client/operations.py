"""How far a long-running operation is, read off one answer of Azure's. Pure.

Microsoft, "Track asynchronous Azure operations": an accepted request is followed by the URL in
`Azure-AsyncOperation` (whose body has a status), else by the one in `Location` (whose HTTP status tells: 202 is
not done yet), else by the resource itself (whose provisioningState tells).
https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations
"""

from __future__ import annotations

import email.utils
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

_TERMINAL = frozenset(("succeeded", "failed", "canceled"))


@dataclass(frozen=True)
class ArmResponse:
    """What matters of an HTTP answer: status, headers (looked up without case) and JSON body."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def error(self) -> tuple[str, str]:
        """ARM's error code and message; empty where there are none."""
        error = self.body.get("error", self.body)
        if not isinstance(error, Mapping):
            return "", ""
        message = str(error.get("message", ""))
        listed = error.get("details")
        details = (
            [each.get("message") for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
        )
        return str(error.get("code", "")), " ".join([message, *(str(text) for text in details if text)]).strip()

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait before asking again, if Azure said so: a number or a date. What is neither says nothing."""
        text = self.headers.get("Retry-After")
        if text is None:
            return None
        try:
            seconds = float(text)
        except ValueError:
            try:
                seconds = email.utils.parsedate_to_datetime(text).timestamp() - datetime.now(UTC).timestamp()
            except (ValueError, OverflowError):
                return None
        return max(seconds, 0.0) if math.isfinite(seconds) else None


@dataclass(frozen=True)
class Poll:
    """What to ask for news of an operation: a URL, or the resource itself (url None)."""

    by: Literal["operation", "location", "resource"]
    url: str | None = None


@dataclass(frozen=True)
class OperationStatus:
    """How far an operation is: `pending`, `succeeded`, `failed` or `canceled`, and Azure's reason if it failed."""

    state: str
    code: str = ""
    message: str = ""


def first_poll(method: str, answer: ArmResponse) -> Poll | None:
    """What to poll after a request was accepted; None when it is done already."""
    if url := answer.headers.get("Azure-AsyncOperation"):
        return Poll("operation", url)
    # A Location beside a finished 200 is only the resource's address.
    if (url := answer.headers.get("Location")) and answer.status == 202:
        return Poll("location", url)
    if answer.status == 202 or (method == "PUT" and _provisioning(answer).state == "pending"):
        return Poll("resource")
    return None


def progress(method: str, poll: Poll, answer: ArmResponse) -> OperationStatus:
    """How far the operation is, by an answer to its poll; refusals (4xx) other than a wanted 404 are not for here."""
    if answer.status == 404:  # gone, or, for a PUT, not there yet
        return OperationStatus("succeeded" if method == "DELETE" else "pending")
    if poll.by == "operation":
        return _reached(answer, str(answer.body.get("status", "Succeeded")))
    if poll.by == "location":
        return OperationStatus("pending" if answer.status == 202 else "succeeded")
    return OperationStatus("pending") if method == "DELETE" else _provisioning(answer)


def outcome(method: str, answer: ArmResponse) -> OperationStatus:
    """What a request that needs no polling came to."""
    return _provisioning(answer) if method == "PUT" else OperationStatus("succeeded")


def _provisioning(answer: ArmResponse) -> OperationStatus:
    properties = answer.body.get("properties")
    state = properties.get("provisioningState") if isinstance(properties, Mapping) else None
    return _reached(answer, str(state or "Succeeded"))


def _reached(answer: ArmResponse, state: str) -> OperationStatus:
    lower = state.lower().replace("cancelled", "canceled")
    if lower not in _TERMINAL:
        return OperationStatus("pending")
    if lower == "succeeded":
        return OperationStatus("succeeded")
    code, message = answer.error
    return OperationStatus(lower, code or state, message or f"the operation ended as {state}")
