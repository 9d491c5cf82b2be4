"""How requests at the resources of a kind are answered: the verbs of HTTP, actions, and what is no resource at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.ask import Answer, Ask

# How a client learns that an accepted write has ended: not at all (it has), by Azure-AsyncOperation, by Location, or
# by the resource's own provisioningState.
Polling = Literal["none", "operation", "location", "state"]


@dataclass(frozen=True)
class Verb:
    """How a PUT or a DELETE is answered.

    Attributes:
        status: the HTTP status of its answer.
        polling: how the client learns of its end.
        state: provisioningState meanwhile.
        held: whether its operation ends only when whoever works at it says so (`Operations.release`).
    """

    status: int
    polling: Polling = "none"
    state: str = "Creating"
    held: bool = False


@dataclass(frozen=True)
class Deletion(Verb):
    """How a DELETE is answered, and what it does to the resources inside.

    Attributes:
        shows: whether its answer holds what was deleted.
        member_by_member: whether what is inside goes one after the other while it runs, soft-deleted where its kind
            is, as in a resource group; otherwise all of it goes at the end, and for good.
    """

    state: str = "Deleting"
    shows: bool = False
    member_by_member: bool = False


def _as_kept(_cloud: Cloud, document: Document) -> Document:
    return document


@dataclass(frozen=True)
class Verbs:
    """How the verbs of HTTP are answered at a resource of a kind, and GET at a collection.

    Attributes:
        get: the document as it is answered now.
        listed: what the collection at a path holds, where it is not all resources of the type in the scope.
        asked: parameters of a list, lower case, and whether a resource is what one asks for; where `listed` is not set.
        page: how many a page of a list holds.
        put: how the PUT that creates is answered.
        update: how one that changes is.
        patch: whether PATCH is served.
        removable: whether DELETE is served; what is not goes with its parent alone.
        delete: how DELETE is answered.
    """

    get: Callable[[Cloud, Document], Document] = _as_kept
    listed: Callable[[Ask], list[Document]] | None = None
    asked: Mapping[str, Callable[[Document, str], bool]] = field(default_factory=dict)
    page: int = 100
    put: Verb = Verb(201)
    update: Verb = Verb(200)
    patch: bool = True
    removable: bool = True
    delete: Deletion = Deletion(200)


AT_ONCE = Verbs()


@dataclass(frozen=True)
class Action:
    """A POST action on a resource.

    Attributes:
        name: last segment of its path, `listKeys`.
        run: does it, given the resource's document.
        permission: the Azure action it needs after the type, where that is not the name.
        versions: whether an api-version has it (lower case), where not all of the type's do.
    """

    name: str
    run: Callable[[Ask, Document], Answer]
    permission: str | None = None
    versions: Callable[[str], bool] | None = None


def accepted(ask: Ask, operation: Document, document: Document) -> Answer:
    """202 to an action whose operation is under way: `Location` tells what came of it.

    Args:
        ask: the request.
        operation: what it began.
        document: the resource it works on.
    """
    place = f"https://management.azure.com/subscriptions/{ask.target.subscription}/providers/{ask.target.namespace}"
    region, query = document.get("location", "global"), f"api-version={ask.api_version}"
    url = f"{place}/locations/{region}/operationResults/{operation['id']}?{query}"
    return Answer(202, None, {"Location": url, "Retry-After": str(ask.cloud.operations.retry_after(operation))})


@dataclass(frozen=True)
class Extra:
    """A request at no resource of a kind: name availability, deleted vaults, sizes.

    Attributes:
        method: HTTP method.
        type: the path's full type, lower case.
        run: answers it.
        permission: Azure action checked first, at the path; None for what `run` checks by itself.
        action: the POST action of the path, lower case, or None.
        collection: whether the path ends with the type.
        stands: where the path may put it, so that the right is asked where what it names belongs: `subscription`, in
            one alone, what it names being of all of it; `group`, in a group too; `resource`, at or below one.
    """

    method: str
    type: str
    run: Callable[[Ask], Answer]
    permission: str | None
    action: str | None = None
    collection: bool = False
    stands: Literal["subscription", "group", "resource"] = "subscription"


@dataclass(frozen=True)
class Metric:
    """What Azure Monitor measures of a resource.

    Attributes:
        name: `UsedCapacity`.
        title: as people read it.
        unit: `Bytes`.
        read: its value now.
    """

    name: str
    title: str
    unit: str
    read: Callable[[Cloud, Document], float]


@dataclass(frozen=True)
class Elsewhere:
    """How resources of a kind are had that another service keeps; each function is given what they live under too.

    Attributes:
        read: the resource that the path names, or None.
        listed: those that the collection at the path holds.
        write: makes or changes the resource that the path names: whether it was made, and as it is now.
        remove: deletes it; False if there was none.
    """

    read: Callable[[Ask, Document], Awaitable[Document | None]]
    listed: Callable[[Ask, Document], Awaitable[list[Document]]]
    write: Callable[[Ask, Document], Awaitable[tuple[bool, Document]]]
    remove: Callable[[Ask, Document], Awaitable[bool]]
