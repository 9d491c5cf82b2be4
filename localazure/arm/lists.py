"""Lists: filtered to what the caller may read where many resources are asked for, and cut into pages.

A page holds 100 entries, or `$top`; `nextLink` is the same request with the `$skipToken` of the next one.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from azmlflow.localazure.arm import lifecycle
from azmlflow.localazure.core import odata
from azmlflow.localazure.core.collections import TIMES
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds import BY_TYPE
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.kind import Kind
from azmlflow.localazure.resources.paths import GROUP_ACTIONS, group_id
from azmlflow.rbac import scopes

PAGE = 100
_ALWAYS = ("api-version", "$top", "$skiptoken", "$filter")
_RESOURCE_FILTERS = ("resourcetype", "resourcegroup", "name", "location", "tagname", "tagvalue", "startswith(tagname)")
# What a list of all resources tells of each (Microsoft, "Resources - List").
_SUMMARY = ("id", "name", "type", "location", "kind", "sku", "identity", "managedBy", "tags")
# ... and what of it must be asked for.
_EXPAND = ("createdTime", "changedTime", "provisioningState")


def page(host: str, path: str, query: Mapping[str, str], items: list[Any], *, size: int = PAGE) -> Document:
    """One page of a list.

    Args:
        host: host name of the service.
        path: path of the request.
        query: its parameters by lower-case name.
        items: the whole list, in a fixed order.
        size: entries of a page if the request has no `$top`.

    Raises:
        AzureError: 400, `$top` or `$skipToken` is invalid.
    """
    asked = query.get("$top")
    top = size if asked is None else odata.count(asked)
    if top is None or (asked is not None and not 0 < top <= 1000):
        raise bad_request("InvalidTopParameter", f"The value '{asked}' of $top is not an integer from 1 to 1000.")
    start = _position(query.get("$skiptoken"))
    end = start + top
    answer: Document = {"value": items[start:end]}
    if end < len(items):
        kept = {name: value for name, value in query.items() if name != "$skiptoken"}
        token = base64.urlsafe_b64encode(f"from:{end}".encode()).decode()
        answer["nextLink"] = f"https://{host}{path}?{urlencode({**kept, '$skipToken': token})}"
    return answer


def of_kind(ask: Ask, kind: Kind) -> Answer:
    """The resources of a kind in a subscription, a group, below a resource, or at a scope."""
    cloud, target = ask.cloud, ask.target
    level, listed = kind.placement.level, kind.verbs.listed
    if level == "child":
        above_collection(ask, kind)
    elif listed is not None:
        cloud.enforcer.require(ask.caller, f"{kind.permission_type}/read", lifecycle.reading_scope(target.scope))
    if listed is not None:
        found = listed(ask)
    else:
        _group_stands(ask)
        prefix = (target.scope if level != "child" else target.id).lower() + "/"
        found = [
            document
            for _, document in cloud.store.scan(kind.documents.collection, prefix)
            if document["type"].lower() == kind.type.lower()
        ]
        if level != "child":
            found = _readable(ask, found, lambda _document: kind)
        found = _chosen(ask, kind, _tagged(found, ask.query.get("$filter")))
    shown = cloud.skipped.each(found, _id, lambda document: kind.verbs.get(cloud, document))
    return paged(ask, shown, kind.verbs.page)


def _chosen(ask: Ask, kind: Kind, found: list[Document]) -> list[Document]:
    """Those that the list's own parameters ask for.

    Raises:
        AzureError: 400, the list has no such parameter; inferred, Azure may not look at it.
    """
    for name, value in ask.query.items():
        fits = kind.verbs.asked.get(name)
        if fits is not None and value:
            found = [document for document in found if fits(document, value)]
        elif value and name not in _ALWAYS:
            raise bad_request("InvalidQueryParameter", f"This list has no query parameter '{name}'.", target=name)
    return found


def above_collection(ask: Ask, kind: Kind) -> Document:
    """What the resources of a collection live under, for who may read them.

    Raises:
        AzureError: 403; 404, it or its group does not exist.
    """
    scope = lifecycle.reading_scope(_above(ask))
    ask.cloud.enforcer.require(ask.caller, f"{kind.permission_type}/read", scope)
    find.group(ask.cloud, ask.target)
    return find.parent(ask.cloud, kind, ask.target, "read")


def paged(ask: Ask, items: list[Document], size: int = PAGE) -> Answer:
    """The page of a list that the request asks for."""
    return Answer(200, page("management.azure.com", ask.target.path, ask.query, items, size=size))


def resources(ask: Ask) -> Answer:
    """All resources of a subscription or group that the caller may read, in short form."""
    _group_stands(ask)
    scope = group_id(ask.target) if ask.target.group else scopes.subscription_id(ask.target.subscription or "")
    clauses = odata.parse(ask.query.get("$filter"), _RESOURCE_FILTERS)
    more, skipped = _expanded(ask.query.get("$expand")), ask.cloud.skipped

    def wanted(document: Document) -> tuple[bool, Document]:
        matches = all(_matches(document, clause, clauses) for clause in clauses)
        return _kind(document).is_tracked and matches, document

    found = [document for fits, document in skipped.each(find.below(ask.cloud, scope), _id, wanted) if fits]
    shown = skipped.each(_readable(ask, found, _kind), _id, lambda document: _summary(ask, document, more))
    return paged(ask, shown)


def _expanded(text: str | None) -> tuple[str, ...]:
    """What `$expand` asks for besides; 400 for what Azure's page does not name (that it is refused is inferred)."""
    asked = tuple(name.strip() for name in text.split(",")) if text else ()
    known = {name.lower(): name for name in _EXPAND}
    for name in asked:
        if name.lower() not in known:
            raise bad_request(
                "InvalidExpandQueryParameter",
                f"The $expand value '{name}' is not supported. The supported values are '{','.join(_EXPAND)}'.",
            )
    return tuple(known[name.lower()] for name in asked)


def _summary(ask: Ask, document: Document, more: tuple[str, ...]) -> Document:
    found: Document = {name: document[name] for name in _SUMMARY if name in document}
    if more:
        times = ask.cloud.store.get(TIMES, document["id"].lower()) or {}
        told = {
            "createdTime": times.get("created"),
            "changedTime": times.get("changed"),
            "provisioningState": document["properties"].get("provisioningState", "Succeeded"),
        }
        found |= {name: told[name] for name in more if told[name] is not None}
    return found


def _above(ask: Ask) -> str:
    return "/".join(ask.target.id.split("/")[:-1])


def _group_stands(ask: Ask) -> None:
    """A missing group is told only to those who may read it: others get the same empty list as for one that stands."""
    if ask.target.group:
        who, action = ask.caller.principal.object_id, f"{GROUP_ACTIONS}/read"
        if ask.cloud.enforcer.decide(who, action, group_id(ask.target)).allowed:
            find.group(ask.cloud, ask.target)


def _readable(ask: Ask, found: list[Document], kind: Callable[[Document], Kind]) -> list[Document]:
    who = ask.caller.principal.object_id
    return [
        document
        for document in found
        if ask.cloud.enforcer.decide(who, f"{kind(document).permission_type}/read", document["id"]).allowed
    ]


def _id(document: Document) -> str:
    return str(document["id"])


def _kind(document: Document) -> Kind:
    return BY_TYPE[document["type"].lower()]


def _matches(document: Document, clause: odata.Clause, clauses: tuple[odata.Clause, ...]) -> bool:
    name, value = clause.name.lower(), clause.value.lower()
    tags = {key.lower(): str(text) for key, text in document.get("tags", {}).items()}
    if name == "tagname":
        return any(key.startswith(value) for key in tags) if clause.operator == "startswith" else value in tags
    if name == "tagvalue":
        named = [each.value.lower() for each in clauses if each.name.lower() == "tagname" and each.operator == "eq"]
        return any(tags.get(key) == clause.value for key in named or tags)
    if name == "resourcegroup":
        return str(document["id"]).split("/")[4].lower() == value
    fields = {"resourcetype": "type", "name": "name", "location": "location"}
    return str(document.get(fields[name], "")).lower() == value


def _tagged(found: list[Document], text: str | None) -> list[Document]:
    clauses = odata.parse(text, ("tagname", "tagvalue"))
    return [document for document in found if all(_matches(document, clause, clauses) for clause in clauses)]


def _position(token: str | None) -> int:
    if not token:
        return 0
    try:
        decoded = base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, UnicodeError):
        decoded = ""
    start = odata.count(decoded.removeprefix("from:")) if decoded.startswith("from:") else None
    if start is None:
        raise bad_request("InvalidSkipToken", f"The $skipToken '{token}' is not one that this service has given.")
    return start
