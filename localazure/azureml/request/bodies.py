"""What requests to the data plane carry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.azureml.request.target import WorkspaceRequest
from azmlflow.localazure.core.errors import AzureError, bad_request

_LIMIT = 4 * 1024 * 1024


async def read(target: WorkspaceRequest, limit: int = _LIMIT) -> bytes:
    """The request's body.

    Raises:
        AzureError: 413, it has more than `limit` bytes.
    """
    body = bytearray()
    async for chunk in target.request.stream():
        body += chunk
        if len(body) > limit:
            raise AzureError(413, "RequestBodyTooLarge", f"A request here has at most {limit} bytes.")
    return bytes(body)


async def json_value(target: WorkspaceRequest, limit: int = _LIMIT) -> Any:
    """What the request's body is in JSON; None for an empty one.

    Raises:
        AzureError: 400, it is no JSON; 413, it has more than `limit` bytes.
    """
    body = await read(target, limit)
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise bad_request("UserError", "The request body is not JSON.") from error


async def json_object(target: WorkspaceRequest, limit: int = _LIMIT) -> dict[str, Any]:
    """The request's body, which is a JSON object; an empty body is an empty one.

    Raises:
        AzureError: 400, it is something else; 413, it has more than `limit` bytes.
    """
    found = await json_value(target, limit)
    if not isinstance(found, dict | None):
        raise bad_request("UserError", "The request body is not a JSON object.")
    return found or {}


def member(body: Mapping[str, Any], name: str) -> Any:
    """A member of an object whatever the case of its name: azureml-core writes some in Pascal case. None if absent."""
    wanted = name.lower()
    return next((value for key, value in body.items() if key.lower() == wanted), None)


def text_map(name: str, value: Any, null: str | None = None) -> dict[str, str]:
    """A mapping of texts; numbers and truth values become texts; null is an empty one.

    Args:
        name: what it is called.
        value: what was sent.
        null: the text that a null entry becomes; None drops it.

    Raises:
        AzureError: 400, it is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict) or any(isinstance(each, (dict, list)) for each in value.values()):
        raise bad_request("UserError", f"'{name}' must be an object of texts.", target=name)
    given = {str(key): null if each is None else str(each) for key, each in value.items()}
    return {key: each for key, each in given.items() if each is not None}
