"""What is asked of ARM and how it can fail: the words that the verbs and the client share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_TIMEOUT = 7200.0  # azure-native's own


@dataclass(frozen=True)
class ArmCall:
    """What a request is about.

    Attributes:
        path: ARM id, or an id and an action.
        api: API version.
        query: further query parameters.
        body: JSON body.
        timeout: seconds that a long-running operation may take.
    """

    path: str
    api: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    timeout: float = DEFAULT_TIMEOUT


class ArmError(Exception):
    """ARM refused a request.

    Attributes:
        status: HTTP status; 0 when there was no answer.
        code: ARM's error code.
    """

    def __init__(self, what: str, status: int, code: str, message: str) -> None:
        super().__init__(
            f"{what}: {message} (code {code}, HTTP status {status})" if status >= 400 else f"{what}: {message}"
        )
        self.status, self.code, self.message = status, code, message


class OperationFailed(ArmError):
    """A request was accepted, but what it started failed, or was not followed to its end."""


class Interrupted(Exception):
    """The engine cancelled; nothing more is sent or waited for."""


class NotSignedIn(Exception):
    """No credential in the environment, or Azure gives no token for it."""
