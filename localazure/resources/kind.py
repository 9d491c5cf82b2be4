"""What a resource kind is: one frozen record per ARM type, in one file, listed in `kinds.KINDS`.

A kind says how its resources are named, where they stand (`Placement`) and where their documents are kept
(`Documents`), what it makes of a request's body (`shape`: defaults filled in and computed properties added, as Azure
answers them), how each verb is answered (`verbs.Verbs`) and what else happens at each moment of a resource's life
(`Lifecycle`). All that is common to them - authorisation, parents, locations, locks, operations, lists - is done once,
in `localazure.arm`, which knows no type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import RESOURCES
from azmlflow.localazure.core.constants import REGIONS
from azmlflow.localazure.core.errors import AzureError, bad_request, conflict
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import region
from azmlflow.localazure.resources.paths import Target
from azmlflow.localazure.resources.verbs import AT_ONCE, Action, Elsewhere, Extra, Metric, Verbs

# `subscription`: in a subscription; `group`: in a resource group, a tracked resource; `child`: below a resource;
# `extension`: on any scope (Microsoft, "Azure resource providers and types", "Set scope for extension resources").
Level = Literal["subscription", "group", "child", "extension"]


@dataclass(frozen=True)
class NameRule:
    """How resources of a kind are named.

    Attributes:
        pattern: regular expression of a whole name.
        code: error code of a name that does not follow it.
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
class LocationRule:
    """Which location a resource can have, and how Azure refuses another one.

    Attributes:
        unavailable: code and sentence for a location that it cannot have; `{given}` stands for that location, `{type}`
            for the resource's type, `{regions}` for those that it can have.
        fixed: code and sentence where it would move; `{given}` stands for where to, `{location}` for where it is,
            `{name}` for its name, `{group}` for its resource group's.
        regions: the locations that it can have.
    """

    unavailable: tuple[str, str] = (
        "LocationNotAvailableForResourceType",
        "The provided location '{given}' is not available for resource type '{type}'. List of available regions for "
        "the resource type is '{regions}'.",
    )
    fixed: tuple[str, str] = (
        "InvalidResourceLocation",
        "The resource '{name}' already exists in location '{location}' in resource group '{group}'. A resource with "
        "the same name cannot be created in location '{given}'. Please select a new resource name.",
    )
    regions: tuple[str, ...] = REGIONS

    def check(self, type_: str, given: Any) -> None:
        """Raise 400 unless a resource of the type can have the location."""
        if not isinstance(given, str) or region(given) not in self.regions:
            code, sentence = self.unavailable
            raise bad_request(code, sentence.format(given=given, type=type_, regions=",".join(self.regions)))

    def check_fixed(self, existing: Document, given: str, group: str | None) -> None:
        """Raise 409 unless the location is the one that an existing resource has, in a group of that name."""
        if region(given) != existing["location"]:
            code, sentence = self.fixed
            told = {"given": given, "location": existing["location"], "name": existing["name"], "group": group}
            raise conflict(code, sentence.format(**told))


@dataclass(frozen=True)
class Placement:
    """Where resources of a kind stand.

    Attributes:
        level: what they stand in or on.
        parent: type of the resource that they live under (`child`).
        location: the rule of their location; None if they have none of their own.
        lockable: whether a lock that reaches them stops what would be done to them.
    """

    level: Level = "group"
    parent: str | None = None
    location: LocationRule | None = None
    lockable: bool = True


ANY_REGION = LocationRule()
IN_GROUP = Placement("group", location=ANY_REGION)
EXTENSION = Placement("extension")


def child_of(parent: str) -> Placement:
    """Below a resource of the type `parent`."""
    return Placement("child", parent)


def by_id(target: Target) -> str:
    """The store key of most resources: the id in lower case."""
    return target.id.lower()


@dataclass(frozen=True)
class Documents:
    """Where the documents of a kind are kept.

    Attributes:
        collection: the store's collection.
        key: the key of the resource that a path names.
        find: the document that a path names, where it is not simply the one under its key.
        missing: the 404 of a resource that is not there, where its provider has words of its own.
    """

    collection: str = RESOURCES
    key: Callable[[Target], str] = by_id
    find: Callable[[Cloud, Target], Document | None] | None = None
    missing: Callable[[Target], AzureError] | None = None


def _allowed(_ask: Ask, _document: Document | None) -> None:
    return None


def _nothing(_ask: Ask, _document: Document) -> None:
    return None


def _ended(_cloud: Cloud, _document: Document, _operation: Document) -> None:
    return None


def _left(_cloud: Cloud, _document: Document) -> None:
    return None


def _unmoved(_cloud: Cloud, _scope: str) -> None:
    return None


@dataclass(frozen=True)
class Lifecycle:
    """What a kind does at each moment of a resource's life, in the order of the moments.

    What begins with `before` refuses by an `AzureError`; what begins with `on` happens in the transaction of the write.

    Attributes:
        before_write: a PUT or PATCH is about to be done; given the existing document or None.
        on_create: a PUT made the resource, which was not even soft-deleted before.
        on_write: a PUT or PATCH made or changed it; may still complete the document, with times of modification say.
        on_ready: a long-running PUT or PATCH has ended, given the operation; what it changes is kept.
        before_delete: a DELETE is about to be done.
        on_delete: it is deleted, softly or for good.
        on_purge: it and its data are gone for good.
        on_scope_delete: a scope is deleted, given its id, at or below which extension resources may stand.
    """

    before_write: Callable[[Ask, Document | None], None] = _allowed
    on_create: Callable[[Ask, Document], None] = _nothing
    on_write: Callable[[Ask, Document], None] = _nothing
    on_ready: Callable[[Cloud, Document, Document], None] = _ended
    before_delete: Callable[[Ask, Document], None] = _nothing
    on_delete: Callable[[Cloud, Document], None] = _left
    on_purge: Callable[[Cloud, Document], None] = _left
    on_scope_delete: Callable[[Cloud, str], None] = _unmoved


@dataclass(frozen=True)
class SoftDelete:
    """How a kind is soft-deleted.

    Attributes:
        asked: whether a DELETE with this query soft-deletes (else it removes for good).
        days: how long the deleted document is kept.
        recover: the existing document that a PUT continues from when a deleted one has its id: the deleted one, or
            None to make a new one; raises `AzureError` where Azure refuses.
        with_group: whether the deletion of its group soft-deletes it too.
    """

    asked: Callable[[Mapping[str, str]], bool]
    days: Callable[[Document], int]
    recover: Callable[[Ask, Document], Document | None]
    with_group: bool = True


@dataclass(frozen=True)
class Kind:
    """An ARM resource type.

    Attributes:
        type: `Microsoft.Storage/storageAccounts`.
        name: how its resources are named.
        shape: (request, existing document or None) -> `properties` and envelope as ARM answers them, all defaults
            filled in; without id, name, type, provisioningState and systemData. What `existing` holds of computed
            values is given back; the rest follows from the request alone, so that the same PUT changes nothing.
        placement: where they stand.
        documents: where they are kept.
        has_provisioning_state: whether ARM answers a provisioningState.
        has_system_data: whether it answers systemData.
        action_type: the type in its Azure actions, where that is another.
        verbs: how requests at them are answered.
        lifecycle: what else happens at each moment of their lives.
        soft_delete: how they are soft-deleted; None if never.
        actions: POST actions.
        extras: requests at no resource.
        metrics: what is measured of them.
        unread: members of a body that it uses and never answers, as paths in lower case: `properties.createmode`.
        holds_mlflow: whether requests at and below one may be operations of MLflow, which take more than ARM's action.
        conditional: what refusals call one, where a write may name the state that it is for, by If-Match and
            If-None-Match; "" where Azure does not look at these headers.
        matched: whether a write may name the state that it is for by If-Match, in the words of Azure's networks.
        elsewhere: how they are had, where another service keeps them; most of the above is then unused.
    """

    type: str
    name: NameRule
    shape: Callable[[Ask, Document | None], Document]
    placement: Placement = IN_GROUP
    documents: Documents = Documents()
    has_provisioning_state: bool = True
    has_system_data: bool = False
    action_type: str | None = None
    verbs: Verbs = AT_ONCE
    lifecycle: Lifecycle = Lifecycle()
    soft_delete: SoftDelete | None = None
    actions: tuple[Action, ...] = ()
    extras: tuple[Extra, ...] = ()
    metrics: tuple[Metric, ...] = ()
    unread: tuple[str, ...] = ()
    holds_mlflow: bool = False
    conditional: str = ""
    matched: bool = False
    elsewhere: Elsewhere | None = None

    @property
    def namespace(self) -> str:
        """`Microsoft.Storage`."""
        return self.type.partition("/")[0]

    @property
    def permission_type(self) -> str:
        """The type as Azure actions name it."""
        return self.action_type or self.type

    @property
    def regions(self) -> tuple[str, ...]:
        """The locations that its resources can have; none for those that have no location of their own."""
        return self.placement.location.regions if self.placement.location is not None else ()

    @property
    def is_tracked(self) -> bool:
        """Whether they are in lists of all resources, with their location and tags."""
        return self.placement.level == "group"
