"""What the embedded Azure's other services ask of Resource Manager, for clients who tell them another way.

The same as a client's own request: with the caller's rights, in the api-version that this project uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.arm import elsewhere, lifecycle
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds import BY_TYPE
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.resources import paths
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.kind import Kind
from azmlflow.resourcetypes.table import version_of


def put(cloud: Cloud, caller: Caller, path: str, properties: Mapping[str, Any]) -> Document:
    """PUT a resource; the same again changes nothing, so that a client may send its request again.

    Args:
        cloud: the embedded Azure.
        caller: who asks.
        path: the resource's ARM id.
        properties: as Resource Manager takes them.

    Returns:
        The resource's document.

    Raises:
        AzureError: 400, 403, 404 or 409, as Resource Manager answers.
    """
    ask, kind = _asked(cloud, caller, "PUT", path, {"properties": properties})
    document: Document = lifecycle.write(ask, kind).body
    return document


async def put_elsewhere(cloud: Cloud, caller: Caller, path: str, properties: Mapping[str, Any]) -> None:
    """PUT a resource of a kind that another service keeps; otherwise as `put`."""
    ask, kind = _asked(cloud, caller, "PUT", path, {"properties": properties})
    assert kind.elsewhere is not None
    await elsewhere.answer(ask, kind, kind.elsewhere, "PUT")


def post(cloud: Cloud, caller: Caller, path: str) -> None:
    """POST an action on a resource, `<ARM id>/<action>`.

    Raises:
        AzureError: as Resource Manager answers.
    """
    lifecycle.act(*_asked(cloud, caller, "POST", path, {}))


def _asked(cloud: Cloud, caller: Caller, method: str, path: str, body: Mapping[str, Any]) -> tuple[Ask, Kind]:
    target = paths.parse(path, method)
    ask = Ask(cloud, caller, target, {}, body, version_of(target.type))
    return ask, BY_TYPE[target.type.lower()]
