"""One request to Graph, what its path names, and how answers are wrapped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from azmlflow.localazure.arm import lists
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import APPLICATIONS
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.graph import shapes
from azmlflow.localazure.graph.spelling import BY_APP_ID
from azmlflow.localazure.principals.directory import Principal, PrincipalKind
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.resources.ask import Answer

HOST = "graph.microsoft.com"


@dataclass(frozen=True)
class GraphAsk:
    """One request: the embedded Azure, who asks, the path's segments after the version, query, body."""

    cloud: Cloud
    caller: Caller
    path: str
    segments: tuple[str, ...]
    query: dict[str, str]
    body: dict[str, Any]


def named_principal(ask: GraphAsk, kind: PrincipalKind | None = None) -> Principal:
    """The object that the path's second segment names: by object id, sign-in name or application id.

    Raises:
        AzureError: 404 `Request_ResourceNotFound`.
    """
    wanted = kind or shapes.COLLECTIONS.get(ask.segments[0])
    directory, key = ask.cloud.directory, ask.segments[1]
    if key.startswith(BY_APP_ID):
        found = directory.by_app_id(key.removeprefix(BY_APP_ID))
    else:
        found = directory.get(key)
        if found is None and wanted == "User":
            # By sign-in name only: Graph does not take a mail address here.
            user = directory.find_user(key)
            found = user if user is not None and (user.upn or "").lower() == key.lower() else None
    return existing(ask, found if found is not None and wanted in (None, found.kind) else None)


def subject_of(ask: GraphAsk) -> Principal:
    """The object that the path is about: the caller for `/me`."""
    return ask.caller.principal if ask.segments[0] == "me" else named_principal(ask)


def groups_of(ask: GraphAsk) -> list[Principal]:
    """Every group that holds the subject, directly or not."""
    subject = subject_of(ask).object_id
    ids = ask.cloud.enforcer.identities(subject) - {subject.lower()}
    found = (ask.cloud.directory.get(id_) for id_ in sorted(ids))
    return [group for group in found if group is not None]


def named_application(ask: GraphAsk) -> Document:
    """The application that the path names, by object id or application id; 404 if absent."""
    key = ask.segments[1]
    for _, document in ask.cloud.store.scan(APPLICATIONS):
        if key.lower() in (document["id"], f"{BY_APP_ID}{document['appId']}".lower()):
            return document
    raise absent(key.removeprefix(BY_APP_ID))


def existing(ask: GraphAsk, principal: Principal | None) -> Principal:
    """The principal, if there is one; 404 `Request_ResourceNotFound` if not."""
    if principal is None:
        raise absent(ask.segments[1].removeprefix(BY_APP_ID))
    return principal


def required_text(ask: GraphAsk, name: str) -> str:
    """A text that the body must hold; 400 `Request_BadRequest` if it does not."""
    value = ask.body.get(name)
    if not isinstance(value, str) or not value:
        raise AzureError(400, "Request_BadRequest", f"A value is required for property '{name}' of resource.")
    return value


def plain(principals: tuple[Principal, ...]) -> list[Document]:
    """As members of a list of one type, which says no type of each."""
    return [{name: value for name, value in shapes.show(each).items() if name != "@odata.type"} for each in principals]


def one(ask: GraphAsk, item: Document, kind: str) -> Answer:
    """One object.

    Raises:
        AzureError: 400, the request asks for what there is of lists alone.
    """
    for name in ("$filter", "$top", "$count", "$skiptoken"):
        if name in ask.query:
            raise AzureError(400, "BadRequest", f"The query parameter '{name}' is not supported here.")
    shown = dict(shapes.selected(item, ask.query.get("$select")))
    if not kind.startswith("directoryObjects"):
        shown.pop("@odata.type", None)
    return Answer(200, {"@odata.context": context(kind), **shown})


def made(ask: GraphAsk, item: Document, kind: str) -> Answer:
    """One object, just made."""
    return Answer(201, one(ask, item, kind).body)


def page(ask: GraphAsk, items: list[Document]) -> Answer:
    """A page of the objects for which the request's filter holds."""
    items = shapes.chosen(items, ask.query.get("$filter"))
    shown = [shapes.selected(item, ask.query.get("$select")) for item in items]
    page = lists.page(HOST, ask.path, ask.query, shown)
    answer: Document = {"@odata.context": context(ask.segments[0])}
    if ask.query.get("$count", "").lower() == "true":
        answer["@odata.count"] = len(items)
    if "nextLink" in page:
        answer["@odata.nextLink"] = page["nextLink"]
    return Answer(200, {**answer, "value": page["value"]})


def context(what: str) -> str:
    """What an answer says it is."""
    first, slash, rest = what.partition("/")
    return f"https://{HOST}/v1.0/$metadata#{shapes.NAMES.get(first, first)}{slash}{rest}"


def absent(key: str) -> AzureError:
    """404 `Request_ResourceNotFound`."""
    return AzureError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{key}' does not exist or one of its queried reference-property objects are not present.",
    )
