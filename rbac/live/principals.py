"""Who in the directory is meant by a name, an address or an id."""

from __future__ import annotations

import contextlib
import difflib
from dataclasses import dataclass
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import HttpTransport

from azmlflow.rbac import scopes
from azmlflow.rbac.grants import PrincipalType
from azmlflow.rbac.live.errors import AccessError, AmbiguousPrincipal, DirectoryForbidden, PrincipalUnknown
from azmlflow.rbac.live.graph import COLLECTIONS, Graph, name_of, type_of
from azmlflow.rbac.live.waits import OnWait


@dataclass(frozen=True)
class Grantee:
    """Somebody or something of the directory that can be granted access.

    Attributes:
        object_id: object id; of an application, its service principal's.
        type: `User`, `Group` or `ServicePrincipal`, as role assignments have it.
        display_name: name for people; a user's principal name where it has one.
    """

    object_id: str
    type: PrincipalType
    display_name: str


def resolve_principal(
    credential: TokenCredential,
    text: str,
    *,
    kind: PrincipalType | None = None,
    transport: HttpTransport[Any, Any] | None = None,
    on_wait: OnWait | None = None,
) -> Grantee:
    """The principal in the directory that a text names.

    Args:
        credential: who asks.
        text: user principal name, mail address, display name, application id or object id. An application's own
            object id is taken for its service principal's: only that can be granted access.
        kind: look for this type only. With an object id it also makes the directory dispensable.
        transport: in place of the real one, for tests.
        on_wait: hears of each long wait that Graph asks for.

    Raises:
        PrincipalUnknown: nobody is called so.
        AmbiguousPrincipal: several are; they are listed.
        DirectoryForbidden: who asks may not read the directory.
        HttpResponseError: Graph refused for another reason.
    """
    text = text.strip()
    if not text:
        raise PrincipalUnknown("an empty name is nobody's; give a user, group or application by name or id")
    with contextlib.closing(Graph(credential, transport, on_wait)) as graph:
        if scopes.is_guid(text):
            return _by_guid(graph, text.lower(), kind)
        found = (_by_address(graph, text, kind) if "@" in text else []) or _by_name(graph, text, kind)
        near = "" if found else _nearest(graph, text, kind)
    distinct = list({each.object_id: each for each in found}.values())
    if not distinct:
        what, command = {"User": ("user", "user"), "Group": ("group", "group")}.get(
            kind or "User", ("application", "sp")
        )
        raise PrincipalUnknown(
            f"no {what if kind else 'user, group or application'} '{text}' in the directory{near}",
            f"az ad {command} list --output table",
        )
    if len(distinct) > 1:
        raise AmbiguousPrincipal(text, tuple((each.object_id, each.type, each.display_name) for each in distinct))
    return distinct[0]


def _by_address(graph: Graph, text: str, kind: PrincipalType | None) -> list[Grantee]:
    """Users by principal name, else users and groups by mail address."""
    if kind in (None, "User"):
        user = graph.user(text)
        if user is not None:
            return [_principal(user, "User")]
    return [
        _principal(each, type_)
        for type_, collection in COLLECTIONS
        if type_ != "ServicePrincipal" and kind in (None, type_)
        for each in graph.find(collection, "mail", text)
    ]


def _by_name(graph: Graph, text: str, kind: PrincipalType | None) -> list[Grantee]:
    """Everything of that display name."""
    return [
        _principal(each, type_)
        for type_, collection in COLLECTIONS
        if kind in (None, type_)
        for each in graph.find(collection, "displayName", text)
    ]


def _nearest(graph: Graph, text: str, kind: PrincipalType | None) -> str:
    """What to say of the name that is most like one that nobody has, of those that begin alike; empty if none is.

    It is a suggestion: where Graph does not answer the question, there is none.
    """
    names: list[str] = []
    for type_, collection in COLLECTIONS:
        property_ = "userPrincipalName" if type_ == "User" and "@" in text else "displayName"
        if kind in (None, type_):
            with contextlib.suppress(HttpResponseError, AccessError):
                names += [str(each.get(property_) or "") for each in graph.beginning(collection, property_, text[:2])]
    lower = {name.lower(): name for name in names}
    near = difflib.get_close_matches(text.lower(), lower, n=1, cutoff=0.7)
    return f" (did you mean '{lower[near[0]]}'?)" if near else ""


def _by_guid(graph: Graph, guid: str, kind: PrincipalType | None) -> Grantee:
    """An object id, or an application id; an application's object id leads to its service principal."""
    try:
        found = graph.by_id(guid)
        application = guid if found is None else found.get("appId")
        type_ = None if found is None else type_of(found)
        if found is None or type_ is None:
            services = graph.find("servicePrincipals", "appId", str(application)) if application else []
            found, type_ = next(iter(services), None), "ServicePrincipal"
    except DirectoryForbidden:
        if kind is None:
            raise
        return Grantee(guid, kind, "")
    if found is None:
        raise PrincipalUnknown(
            f"no user, group, service principal or application has the id {guid}; an application that has no service "
            f"principal in this tenant gets one by `az ad sp create --id {guid}`"
        )
    principal = _principal(found, type_)
    if kind not in (None, principal.type):
        raise PrincipalUnknown(f"{guid} is a {principal.type}, not a {kind}; leave the type out or correct it")
    return principal


def _principal(found: dict[str, Any], type_: PrincipalType) -> Grantee:
    return Grantee(str(found["id"]).lower(), type_, name_of(found))
