"""Azure's refusals as typed errors: raised where the fault is known, rendered in one place per service.

Shape of ARM's answer: `{"error": {"code": ..., "message": ..., "target"?: ..., "details"?: [...]}}`
(Microsoft, "Common API response details": https://learn.microsoft.com/rest/api/azure/#error-response).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OUR_FAULT = "The embedded Azure failed; `azmlflow local logs` has more."  # what people are told where there is no cause


class AzureError(Exception):
    """A refusal with an HTTP status, a code and a sentence, as the real Azure would give it.

    Args:
        status: HTTP status code.
        code: Azure's error code, e.g. `ResourceNotFound`.
        message: one sentence for people.
        target: what the fault is about, e.g. a property path.
        details: further errors of the same shape (rendered ones).
        headers: extra response headers, e.g. `Retry-After`.
        reason: why, for the log, which hears more than Azure tells its clients; of a 403 without one its sentence.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        target: str | None = None,
        details: list[dict[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        reason: str = "",
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.target, self.details, self.headers = target, details, dict(headers or {})
        self.reason = reason or (message if status == 403 else "")

    def body(self) -> dict[str, Any]:
        """The answer's JSON body in ARM's shape."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.target is not None:
            error["target"] = self.target
        if self.details is not None:
            error["details"] = self.details
        return {"error": error}


def not_found(resource_id: str) -> AzureError:
    """404 `ResourceNotFound` for a resource id."""
    return AzureError(404, "ResourceNotFound", f"The Resource '{resource_id}' was not found.")


def bad_request(code: str, message: str, *, target: str | None = None) -> AzureError:
    """400 with the given code."""
    return AzureError(400, code, message, target=target)


def conflict(code: str, message: str) -> AzureError:
    """409 with the given code."""
    return AzureError(409, code, message)


def unauthenticated(message: str, *, code: str = "InvalidAuthenticationToken") -> AzureError:
    """401 with the `WWW-Authenticate` challenge that Azure's clients read."""
    challenge = (
        'Bearer authorization_uri="https://login.microsoftonline.com/common", '
        f'error="invalid_token", error_description="{message}"'
    )
    return AzureError(401, code, message, headers={"WWW-Authenticate": challenge})


def authorization_failed(name: str, object_id: str, action: str, scope: str, reason: str) -> AzureError:
    """403 `AuthorizationFailed`, in ARM's words, naming principal, action and scope; the reason is for the log."""
    return AzureError(
        403,
        "AuthorizationFailed",
        f"The client '{name}' with object id '{object_id}' does not have authorization to perform action "
        f"'{action}' over scope '{scope}' or the scope is invalid. "
        "If access was recently granted, please refresh your credentials.",
        reason=reason,
    )


def linked_authorization_failed(
    who: tuple[str, str], may: tuple[str, str], lacks: tuple[str, str], reason: str
) -> AzureError:
    """403 `LinkedAuthorizationFailed`, in ARM's words.

    Args:
        who: name and object id of the caller.
        may: the action that it may do, and where.
        lacks: the action that it may not do, at the id that the request names.
        reason: for the log.
    """
    return AzureError(
        403,
        "LinkedAuthorizationFailed",
        f"The client '{who[0]}' with object id '{who[1]}' has permission to perform action '{may[0]}' on scope "
        f"'{may[1]}'; however, it does not have permission to perform action(s) '{lacks[0]}' on the linked scope(s) "
        f"'{lacks[1]}' (respectively) or the linked scope(s) are invalid.",
        reason=reason,
    )
