"""Resources that another service keeps (`Kind.elsewhere`): ARM's own part of a request, then theirs.

The same order as in `arm.lifecycle`: authorised before anything is told, then group, parent, locks and names.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from azmlflow.localazure.arm import checks, lifecycle, lists
from azmlflow.localazure.bodies import whole
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources import find, linked
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.kind import Kind
from azmlflow.localazure.resources.verbs import Elsewhere
from azmlflow.localazure.tracking.answers import MlflowUnavailable


async def answer(ask: Ask, kind: Kind, elsewhere: Elsewhere, method: str) -> Answer:
    """Answer a request at a resource or collection of the kind.

    Raises:
        AzureError: what ARM or the kind refuses; 503, the service that keeps the resource cannot answer now.
    """
    served: dict[str, Callable[[Ask, Kind, Elsewhere], Awaitable[Answer]]] = {
        "GET": _list if ask.target.is_collection else _read,
        "HEAD": _exists,
        "PUT": _write,
        "DELETE": _remove,
    }
    if method not in served or (ask.target.is_collection and method != "GET"):
        lifecycle.require(ask, kind, {"PATCH": "write"}.get(method, "action"))
        raise AzureError(405, "MethodNotAllowed", f"The requested resource does not support http method '{method}'.")
    try:
        return await served[method](ask, kind, elsewhere)
    except MlflowUnavailable as error:
        raise error.refusal() from error


async def _list(ask: Ask, kind: Kind, elsewhere: Elsewhere) -> Answer:
    return lists.paged(ask, await elsewhere.listed(ask, lists.above_collection(ask, kind)))


async def _read(ask: Ask, kind: Kind, elsewhere: Elsewhere) -> Answer:
    lifecycle.require(ask, kind, "read")
    return Answer(200, await _existing(ask, kind, elsewhere))


async def _exists(ask: Ask, kind: Kind, elsewhere: Elsewhere) -> Answer:
    lifecycle.require(ask, kind, "read")
    await _existing(ask, kind, elsewhere)
    return Answer(204)


async def _write(ask: Ask, kind: Kind, elsewhere: Elsewhere) -> Answer:
    lifecycle.require(ask, kind, "write")
    linked.require(ask, f"{kind.permission_type}/write")
    checks.require_registered(ask.cloud, kind.namespace)
    checks.unlocked(ask, kind, "write")
    checks.standing(ask, kind)
    kind.name.check(ask.target.name)
    whole.require(kind.type, ask.body, kind.shape(ask, None))
    made, document = await elsewhere.write(ask, find.parent(ask.cloud, kind, ask.target, "write"))
    return Answer(kind.verbs.put.status if made else kind.verbs.update.status, document)


async def _remove(ask: Ask, kind: Kind, elsewhere: Elsewhere) -> Answer:
    lifecycle.require(ask, kind, "delete")
    find.group(ask.cloud, ask.target)
    checks.unlocked(ask, kind, "delete")
    parent = find.parent(ask.cloud, kind, ask.target, "delete")
    return Answer(kind.verbs.delete.status if await elsewhere.remove(ask, parent) else 204)


async def _existing(ask: Ask, kind: Kind, elsewhere: Elsewhere) -> Document:
    find.group(ask.cloud, ask.target)
    found = await elsewhere.read(ask, find.parent(ask.cloud, kind, ask.target, "read"))
    if found is None:
        raise find.missing(kind, ask.target)
    return found
