"""What requests to the data plane carry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.azureml.request import members
from azmlflow.localazure.azureml.request.target import WorkspaceRequest
from azmlflow.localazure.core import spelling
from azmlflow.localazure.core.errors import AzureError, bad_request

_LIMIT = 4 * 1024 * 1024
MLFLOW_LIMIT = 32 * 1024 * 1024
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


async def read(target: WorkspaceRequest, limit: int = _LIMIT) -> bytes:
    """The request's body; what the caller was allowed before it came is asked for again.

    Raises:
        AzureError: 413, it has more than `limit` bytes; 403, a right was taken meanwhile.
    """
    too_large = AzureError(413, "RequestBodyTooLarge", f"A request here has at most {limit} bytes.")
    body = await spelling.received(target.request.stream(), limit, too_large)
    target.require_again()
    return body


async def json_value(target: WorkspaceRequest, limit: int = _LIMIT) -> Any:
    """What the request's body is in JSON; None for an empty one. Who asks again gets what was read before.

    Raises:
        AzureError: 400, it is not JSON, could be read in two ways, or says what the request has not; 413, it has more
            than `limit` bytes; 415.
    """
    kept = target.request.state
    if not hasattr(kept, "json_body"):
        body = await read(target, limit)
        spelling.check_form(target.request.headers)
        found = parsed(body) if body.strip() else None
        known = members.row(target.request.method, target.service, "/".join(target.rest))
        kept.json_body = found if known is None else members.read_body(known, found)
    return kept.json_body


def parsed(body: bytes | str) -> Any:
    """What a body is in JSON.

    Raises:
        AzureError: 400, it is none, or could be read in two ways.
    """
    try:
        return spelling.parsed(body)
    except spelling.NotOneReading as error:
        raise bad_request("UserError", f"The request body is not JSON: {error}.") from error


async def asked_of_mlflow(target: WorkspaceRequest) -> tuple[dict[str, str], Any]:
    """What MLflow is asked by a request: its query or its body, in the one spelling that is checked and passed on.

    MLflow reads the query of a GET that has one and else the body (its `_get_request_message`); a GET without a query
    is taken to have none. It also takes JSON in a JSON string, as clients of old send it, and members in camel case.

    Returns:
        The query, and the body; one of them is empty.

    Raises:
        AzureError: 400, the body is no JSON object, or something is given in two spellings; 413, 415.
    """
    if target.request.method == "GET" and target.query:
        return dict(target.query), None
    body = await json_value(target, MLFLOW_LIMIT)
    if isinstance(body, str):
        body = parsed(body)
    if body is None:
        return {}, None
    if not isinstance(body, dict):
        raise bad_request("UserError", "The request body is not a JSON object.")
    found = {_CAPITAL.sub("_", name).lower(): value for name, value in body.items()}
    if len(found) != len(body):
        raise bad_request("UserError", "The request body gives a member in two spellings.")
    return {}, found


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
