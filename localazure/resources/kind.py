"""What a resource kind is: one frozen record per ARM type, in one file, listed in `kinds.KINDS`.

A kind says how its resources are named and placed, what it makes of a request's body (`shape`: defaults filled in and
computed properties added, as Azure answers them), how long-running its writes are, what else happens when one is made
or goes, and which POST actions it has. All that is common to them - authorisation, parents, locations, locks,
operations, lists - is done once, in `localazure.arm`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from azmlflow.localazure.core import store
from azmlflow.localazure.core.constants import REGIONS
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.resources.paths import Target

if TYPE_CHECKING:
    from azmlflow.localazure.cloud.cloud import Cloud

# Collections: what is soft-deleted, and keys and the like that no GET answers; both by the resource's key.
DELETED, SECRETS = "deleted", store.SECRETS
# What belongs to a workspace and is no resource: under `<workspaceId>/...`, and gone when the workspace is for good.
LOCAL_RUNS, SNAPSHOTS = OF_WORKSPACES = ("local_runs", "snapshots")

# `group`: in a resource group; `subscription`: in a subscription; `child`: below a resource; `any`: on any scope.
Place = Literal["subscription", "group", "child", "any"]
# How a client learns that an accepted write has ended: not at all (it has), by Azure-AsyncOperation, by Location, or
# by the resource's own provisioningState.
Polling = Literal["none", "operation", "location", "state"]


@dataclass(frozen=True)
class Ask:
    """One request, as kinds see it.

    Attributes:
        cloud: the embedded Azure.
        caller: who asks.
        target: what the path names.
        query: query parameters; names are lower case, since Azure does not mind theirs.
        body: the JSON object that was sent; {} if none.
        api_version: the request's api-version.
    """

    cloud: Cloud
    caller: Caller
    target: Target
    query: Mapping[str, str]
    body: Mapping[str, Any]
    api_version: str

    @property
    def properties(self) -> Mapping[str, Any]:
        """The body's `properties`; {} if absent."""
        found = self.body.get("properties")
        return found if isinstance(found, dict) else {}

    def flag(self, name: str) -> bool:
        """Whether a query parameter says true."""
        return self.query.get(name.lower(), "").lower() == "true"


@dataclass(frozen=True)
class Answer:
    """What a request is answered: a status, a JSON body (None: no body), headers, and the seconds that it takes."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class NameRule:
    """How resources of a kind are named.

    Attributes:
        pattern: what a name must fully match.
        code: Azure's error code for one that does not.
        message: Azure's sentence; `{name}` stands for the name.
    """

    pattern: str
    code: str
    message: str

    def fits(self, name: str) -> bool:
        """Whether `name` follows the rule."""
        return re.fullmatch(self.pattern, name) is not None

    def check(self, name: str) -> None:
        """Raise 400 with the rule's code unless `name` follows it."""
        if not self.fits(name):
            raise AzureError(400, self.code, self.message.format(name=name))


@dataclass(frozen=True)
class Verb:
    """How a PUT or a DELETE is answered.

    Attributes:
        status: the HTTP status of its answer.
        polling: how the client learns of its end.
        state: provisioningState meanwhile.
    """

    status: int
    polling: Polling = "none"
    state: str = "Creating"


@dataclass(frozen=True)
class Action:
    """A POST action on a resource.

    Attributes:
        name: last segment of its path, `listKeys`.
        run: does it, given the resource's document.
        permission: the Azure action it needs after the type, where that is not the name.
    """

    name: str
    run: Callable[[Ask, Document], Answer]
    permission: str | None = None


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
    """

    method: str
    type: str
    run: Callable[[Ask], Answer]
    permission: str | None
    action: str | None = None
    collection: bool = False


def _nothing(_ask: Ask, _document: Document) -> None:
    return None


def _unchecked(_ask: Ask, _existing: Document | None) -> None:
    return None


def _forgotten(_cloud: Cloud, _document: Document) -> None:
    return None


def _as_stored(_cloud: Cloud, document: Document) -> Document:
    return document


def by_id(target: Target) -> str:
    """The store key of most resources: the id in lower case."""
    return target.id.lower()


@dataclass(frozen=True)
class Burial:
    """How a kind is soft-deleted.

    Attributes:
        wanted: whether a DELETE with this query soft-deletes (else it removes for good).
        days: how long the deleted document is kept.
        with_group: whether the deletion of its group soft-deletes it too.
        recover: the existing document that a PUT continues from when a deleted one has its id: the deleted one, or
            None to make a new one; raises `AzureError` where Azure refuses.
    """

    wanted: Callable[[Mapping[str, str]], bool]
    days: Callable[[Document], int]
    recover: Callable[[Ask, Document], Document | None]
    with_group: bool = True


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


@dataclass(frozen=True)
class Kind:
    """An ARM resource type.

    Attributes:
        type: `Microsoft.Storage/storageAccounts`.
        name: how its resources are named.
        shape: (request, existing document or None) -> `properties` and envelope as ARM answers them, all defaults
            filled in; without id, name, type, provisioningState and systemData. What `existing` holds of computed
            values is given back; the rest follows from the request alone, so that the same PUT changes nothing.
        place: where it lives.
        parent: type of the resource that it lives under (`child`).
        collection: the store's collection of its documents.
        key: the store's key of the resource that a path names.
        find: the document that a path names, where it is not simply stored under its key.
        missing: the 404 of a resource that is not there, where its provider has words of its own.
        action_type: the type in its Azure actions, where that is another.
        regions: where it can be; empty if it has no location of its own.
        stateful: whether it has a provisioningState.
        stamped: whether it has systemData.
        put: how the PUT that creates is answered.
        update: how one that changes is.
        delete: how DELETE is; with `told`, its answer holds what was deleted.
        told: see `delete`.
        patchable: whether PATCH is served.
        check: refuses what cannot be; given the existing document.
        touched: notes a change in the document (times of modification).
        made: what else happens when one is made, in the same transaction.
        changed: what else happens at each PUT that makes or changes one.
        removed: what else happens at its deletion, soft or for good.
        gone: what else happens when it and its data are gone for good.
        deleting: refuses a DELETE.
        burial: how it is soft-deleted; None if never.
        shown: the document as it is answered now.
        listed: what the collection at a path holds, where it is not the resources of this type in the scope.
        visible: its place in lists of all resources.
        actions: POST actions.
        extras: requests at no resource.
        elsewhere: how its resources are had, where another service keeps them; most of the above is then unused.
    """

    type: str
    name: NameRule
    shape: Callable[[Ask, Document | None], Document]
    place: Place = "group"
    parent: str | None = None
    collection: str = "resources"
    key: Callable[[Target], str] = by_id
    find: Callable[[Cloud, Target], Document | None] | None = None
    missing: Callable[[Target], AzureError] | None = None
    action_type: str | None = None
    regions: tuple[str, ...] = REGIONS
    stateful: bool = True
    stamped: bool = False
    put: Verb = Verb(201)
    update: Verb = Verb(200)
    delete: Verb = Verb(200)
    told: bool = False
    patchable: bool = True
    check: Callable[[Ask, Document | None], None] = _unchecked
    touched: Callable[[Ask, Document], None] = _nothing
    made: Callable[[Ask, Document], None] = _nothing
    changed: Callable[[Ask, Document], None] = _nothing
    removed: Callable[[Cloud, Document], None] = _forgotten
    gone: Callable[[Cloud, Document], None] = _forgotten
    deleting: Callable[[Ask, Document], None] = _nothing
    burial: Burial | None = None
    shown: Callable[[Cloud, Document], Document] = _as_stored
    listed: Callable[[Ask], list[Document]] | None = None
    visible: bool = True
    actions: tuple[Action, ...] = ()
    extras: tuple[Extra, ...] = ()
    elsewhere: Elsewhere | None = None

    @property
    def namespace(self) -> str:
        """`Microsoft.Storage`."""
        return self.type.partition("/")[0]

    @property
    def permission_type(self) -> str:
        """The type as Azure actions name it."""
        return self.action_type or self.type
