"""Access as a live cloud has it: the one module of this package with I/O. The embedded Azure is asked no differently.

Role assignments, role definitions and deny assignments come from Azure Resource Manager, groups and principals from
Microsoft Graph. Deleted principals keep their assignments; nothing here drops them.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import quote

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, HeadersPolicy, RetryPolicy, UserAgentPolicy
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest
from azure.mgmt.authorization import AuthorizationManagementClient

from azmlflow.rbac import scopes
from azmlflow.rbac.errors import AmbiguousPrincipal, AssignmentsForbidden, DirectoryForbidden, PrincipalUnknown
from azmlflow.rbac.facts import DenyAssignment, Facts, RoleAssignment, RoleDefinition
from azmlflow.rbac.patterns import PermissionBlock

PrincipalType = Literal["User", "Group", "ServicePrincipal"]

GRAPH = "https://graph.microsoft.com"
# The stable version knows no conditions on a role's permissions; this is the first that does.
_DEFINITIONS_VERSION = "2022-05-01-preview"
# Requests under way at a time; Graph and ARM answer 429 to more than they like, and are obeyed then.
AT_ONCE = 8
_COLLECTIONS: tuple[tuple[PrincipalType, str], ...] = (
    ("User", "users"),
    ("Group", "groups"),
    ("ServicePrincipal", "servicePrincipals"),
)


@dataclass(frozen=True)
class Principal:
    """Somebody or something of the directory that can be granted access.

    Attributes:
        object_id: object id; of an application, its service principal's.
        type: `User`, `Group` or `ServicePrincipal`, as role assignments have it.
        display_name: name for people; a user's principal name where it has one.
    """

    object_id: str
    type: PrincipalType
    display_name: str


@dataclass(frozen=True)
class Found:
    """Any object of the directory; type `Other` for what cannot be granted access, such as a device in a group."""

    object_id: str
    type: str
    display_name: str


class Graph:
    """The few requests to Microsoft Graph v1.0 that are made here, with retries as Graph asks for them."""

    def __init__(self, credential: TokenCredential, transport: HttpTransport[Any, Any] | None = None) -> None:
        """Prepare the client; nothing is sent.

        Args:
            credential: who asks.
            transport: in place of the real one, for tests.
        """
        policies = [
            HeadersPolicy({"Accept": "application/json"}),
            UserAgentPolicy("azmlflow"),
            RetryPolicy(),
            BearerTokenCredentialPolicy(credential, f"{GRAPH}/.default"),
        ]
        self._client: PipelineClient[Any, Any] = PipelineClient(GRAPH, policies=policies, transport=transport)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def user(self, name: str) -> dict[str, Any] | None:
        """A user by principal name (guests' hold `#`) or object id; None if there is none."""
        return self._ask(HttpRequest("GET", f"{GRAPH}/v1.0/users/{quote(name, safe='@')}"))

    def find(self, collection: str, property_: str, value: str) -> list[dict[str, Any]]:
        """The objects of a collection (`users`, `groups`, `servicePrincipals`) whose property equals the value."""
        # OData: a quote within a text is doubled.
        text = value.replace("'", "''")
        return list(self._pages(f"/v1.0/{collection}", {"$filter": f"{property_} eq '{text}'"}))

    def by_id(self, object_id: str) -> dict[str, Any] | None:
        """Any object by its id, with its `@odata.type`; None if there is none."""
        types = ["user", "group", "servicePrincipal", "application"]
        body = {"ids": [object_id], "types": types}
        answer = self._ask(HttpRequest("POST", f"{GRAPH}/v1.0/directoryObjects/getByIds", json=body)) or {}
        return next(iter(answer.get("value", [])), None)

    def by_ids(self, object_ids: Sequence[str]) -> list[Found]:
        """Those of at most 1000 objects that exist, whatever their type; a name that may not be read is empty."""
        request = HttpRequest("POST", f"{GRAPH}/v1.0/directoryObjects/getByIds", json={"ids": list(object_ids)})
        answer = self._ask(request) or {}
        if answer.get("@odata.nextLink") and len(object_ids) > 1:
            # A further page of an answer to a POST: ask for less instead.
            half = len(object_ids) // 2
            return self.by_ids(object_ids[:half]) + self.by_ids(object_ids[half:])
        return [Found(str(each["id"]).lower(), _type(each) or "Other", _name(each)) for each in answer.get("value", [])]

    def members(self, group: str) -> list[tuple[str, bool]]:
        """A group's direct members, object id and whether it is a group itself; none for a group that is gone."""
        found = self._pages(f"/v1.0/groups/{quote(group)}/members", {"$select": "id", "$top": "999"})
        return [(str(each["id"]), _type(each) == "Group") for each in found]

    def _pages(self, path: str, params: dict[str, str]) -> Iterator[dict[str, Any]]:
        request: HttpRequest | None = HttpRequest("GET", f"{GRAPH}{path}", params=params)
        while request is not None:
            page = self._ask(request) or {}
            yield from page.get("value", [])
            following = page.get("@odata.nextLink")
            request = HttpRequest("GET", following) if following else None

    def _ask(self, request: HttpRequest) -> dict[str, Any] | None:
        """The answer's JSON; None for 404.

        Raises:
            DirectoryForbidden: who asks may not read the directory.
            HttpResponseError: Graph refused for another reason, still after retries.
        """
        asked = f"{request.method} {request.url.partition('?')[0]}"
        # Every POST made here is a question too.
        response = self._client.send_request(request, retry_on_methods=frozenset(("GET", "POST")))
        if response.status_code == 404:
            return None
        if response.status_code == 403:
            raise DirectoryForbidden(
                f"the directory may not be read by who is signed in ({asked}: 403): it needs User.Read.All, "
                "GroupMember.Read.All and Application.Read.All; or give the object id and its type (--type)"
            )
        response.raise_for_status()
        return cast(dict[str, Any], response.json())


def resolve_principal(
    credential: TokenCredential,
    text: str,
    *,
    kind: PrincipalType | None = None,
    transport: HttpTransport[Any, Any] | None = None,
) -> Principal:
    """Who in the directory is meant by a text.

    Args:
        credential: who asks.
        text: user principal name, mail address, display name, application id or object id. An application's own
            object id is taken for its service principal's: only that can be granted access.
        kind: look for this type only. With an object id it also makes the directory dispensable.
        transport: in place of the real one, for tests.

    Raises:
        PrincipalUnknown: nobody is called so.
        AmbiguousPrincipal: several are; they are listed.
        DirectoryForbidden: who asks may not read the directory.
        HttpResponseError: Graph refused for another reason.
    """
    text = text.strip()
    if not text:
        raise PrincipalUnknown("an empty name is nobody's; give a user, group or application by name or id")
    with contextlib.closing(Graph(credential, transport)) as graph:
        if scopes.is_guid(text):
            return _by_guid(graph, text.lower(), kind)
        found = (_by_address(graph, text, kind) if "@" in text else []) or _by_name(graph, text, kind)
    distinct = list({each.object_id: each for each in found}.values())
    if not distinct:
        what, command = {"User": ("user", "user"), "Group": ("group", "group")}.get(
            kind or "User", ("application", "sp")
        )
        raise PrincipalUnknown(
            f"no {what if kind else 'user, group or application'} '{text}' in the directory; "
            f"`az ad {command} list --output table` shows who is there"
        )
    if len(distinct) > 1:
        raise AmbiguousPrincipal(text, tuple((each.object_id, each.type, each.display_name) for each in distinct))
    return distinct[0]


def _by_address(graph: Graph, text: str, kind: PrincipalType | None) -> list[Principal]:
    """Users by principal name, else users and groups by mail address."""
    if kind in (None, "User"):
        user = graph.user(text)
        if user is not None:
            return [_principal(user, "User")]
    return [
        _principal(each, type_)
        for type_, collection in _COLLECTIONS
        if type_ != "ServicePrincipal" and kind in (None, type_)
        for each in graph.find(collection, "mail", text)
    ]


def _by_name(graph: Graph, text: str, kind: PrincipalType | None) -> list[Principal]:
    """Everything of that display name."""
    return [
        _principal(each, type_)
        for type_, collection in _COLLECTIONS
        if kind in (None, type_)
        for each in graph.find(collection, "displayName", text)
    ]


def _by_guid(graph: Graph, guid: str, kind: PrincipalType | None) -> Principal:
    """An object id, or an application id; an application's object id leads to its service principal."""
    try:
        found = graph.by_id(guid)
        application = guid if found is None else found.get("appId")
        type_ = None if found is None else _type(found)
        if found is None or type_ is None:
            services = graph.find("servicePrincipals", "appId", str(application)) if application else []
            found, type_ = next(iter(services), None), "ServicePrincipal"
    except DirectoryForbidden:
        if kind is None:
            raise
        return Principal(guid, kind, "")
    if found is None:
        raise PrincipalUnknown(
            f"no user, group, service principal or application has the id {guid}; an application that has no service "
            f"principal in this tenant gets one by `az ad sp create --id {guid}`"
        )
    principal = _principal(found, type_)
    if kind not in (None, principal.type):
        raise PrincipalUnknown(f"{guid} is a {principal.type}, not a {kind}; leave the type out or correct it")
    return principal


def _type(found: dict[str, Any]) -> PrincipalType | None:
    """The principal type of a directory object; None for what cannot be granted access, such as an application."""
    name = str(found.get("@odata.type", "")).rpartition(".")[2].lower()
    return next((type_ for type_, _ in _COLLECTIONS if type_.lower() == name), None)


def _principal(found: dict[str, Any], type_: PrincipalType) -> Principal:
    return Principal(str(found["id"]).lower(), type_, _name(found))


def _name(found: dict[str, Any]) -> str:
    return str(found.get("userPrincipalName") or found.get("displayName") or "")


def read_facts(
    credential: TokenCredential,
    subscription_id: str,
    scope: str,
    *,
    transport: HttpTransport[Any, Any] | None = None,
) -> Facts:
    """Everything that decides on access at a scope and below.

    Args:
        credential: who asks; needs `Microsoft.Authorization/*/read` at the scope.
        subscription_id: the scope's subscription.
        scope: ARM id of a subscription, group or resource.
        transport: in place of the real one, for tests.

    Returns:
        Assignments and deny assignments at, above and below the scope, the definitions they name, the members of every
        group they name. A group whose members may not be read is among `unread_groups`; a definition that is gone is
        missing. What Azure lists at management groups is above the subscription: it lists no other.

    Raises:
        AssignmentsForbidden: who asks may not read role assignments, deny assignments or definitions there.
        HttpResponseError: Azure refused for another reason.
    """
    scope = scopes.normalise(scope)
    try:
        assignments, denies, definitions = _listed(credential, subscription_id, scope.lstrip("/"), transport)
    except HttpResponseError as error:
        if error.status_code == 403:
            said = getattr(error.error, "message", None) or error.reason
            raise AssignmentsForbidden(
                f"access at {scope} may not be read by who is signed in ({said}); "
                "ask an Owner for the role Reader there"
            ) from error
        raise
    groups = {each.principal_id for each in assignments if each.principal_type == "Group"}
    for deny in denies:
        groups |= {each.id for each in _both(deny) if each.type in ("Group", "SecurityGroup") and each.id}
    with contextlib.closing(Graph(credential, transport)) as graph:
        memberships, unread = _memberships(graph, sorted(groups))
    places = {str(each.scope) for each in (*assignments, *denies)}
    above = sorted(place for place in places if scopes.contains(scopes.MANAGEMENT_GROUPS, place))
    return Facts(
        tuple(
            RoleAssignment(
                each.id,
                each.principal_id,
                each.role_definition_id,
                each.scope,
                each.condition or None,
                each.principal_type or "",
            )
            for each in assignments
        ),
        tuple(RoleDefinition(each.id, each.role_name, _blocks(each.permissions)) for each in definitions),
        tuple(_deny(each) for each in denies),
        memberships,
        {scopes.subscription_id(subscription_id): tuple(above)},
        unread,
    )


def _listed(
    credential: TokenCredential, subscription_id: str, scope: str, transport: HttpTransport[Any, Any] | None
) -> tuple[list[Any], list[Any], list[Any]]:
    """Assignments, deny assignments and definitions, without filter: at, above and below the scope; asked at once."""
    client = functools.partial(AuthorizationManagementClient, credential, subscription_id, transport=transport)
    with client() as stable, client(api_version=_DEFINITIONS_VERSION) as preview, ThreadPoolExecutor(3) as pool:
        assignments = pool.submit(lambda: list(stable.role_assignments.list_for_scope(scope)))
        denies = pool.submit(lambda: list(stable.deny_assignments.list_for_scope(scope)))
        definitions = pool.submit(lambda: list(preview.role_definitions.list(scope)))
        found = assignments.result(), denies.result(), definitions.result()
        return found[0], found[1], [*found[2], *_missing(preview, found[0], found[2])]


def _missing(client: Any, assignments: Sequence[Any], definitions: Sequence[Any]) -> list[Any]:
    """Definitions that assignments name but that are not assignable at the scope asked; without those that are gone."""
    known = {each.name.lower() for each in definitions}
    wanted = {each.role_definition_id.rpartition("/")[2].lower(): each.role_definition_id for each in assignments}

    def read(id_: str) -> Any:
        try:
            return client.role_definitions.get_by_id(id_.lstrip("/"))
        except ResourceNotFoundError:
            return None  # the evaluator ignores its assignments and names them

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(read, [wanted[guid] for guid in sorted(wanted.keys() - known)])
        return [each for each in found if each is not None]


def _memberships(graph: Graph, groups: Sequence[str]) -> tuple[dict[str, frozenset[str]], tuple[str, ...]]:
    """Member -> the groups that hold it directly, for these groups and all groups in them; and the unreadable ones.

    Groups of one depth are read at the same time; those found in them are the next depth.
    """
    held: dict[str, set[str]] = {}
    unread: list[str] = []
    seen, ahead = set(groups), list(groups)

    def read(group: str) -> list[tuple[str, bool]] | None:
        try:
            return graph.members(group)
        except DirectoryForbidden:
            return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        while ahead:
            fresh: set[str] = set()
            for group, members in zip(ahead, pool.map(read, ahead), strict=True):
                if members is None:
                    unread.append(group)
                for member, is_group in members or ():
                    held.setdefault(member, set()).add(group)
                    if is_group:
                        fresh.add(member)
            ahead = sorted(fresh - seen)
            seen |= fresh
    return {member: frozenset(of) for member, of in held.items()}, tuple(sorted(unread))


def _deny(found: Any) -> DenyAssignment:
    return DenyAssignment(
        found.id,
        found.deny_assignment_name,
        found.scope,
        tuple(each.id for each in found.principals or ()),
        tuple(each.id for each in found.exclude_principals or ()),
        _blocks(found.permissions),
        not found.do_not_apply_to_child_scopes,
        found.condition or None,
    )


def _both(deny: Any) -> tuple[Any, ...]:
    """Whom a deny assignment names: the denied and the excluded."""
    return (*(deny.principals or ()), *(deny.exclude_principals or ()))


def _blocks(permissions: Any) -> tuple[PermissionBlock, ...]:
    return tuple(
        PermissionBlock(
            tuple(each.actions or ()),
            tuple(each.not_actions or ()),
            tuple(each.data_actions or ()),
            tuple(each.not_data_actions or ()),
            each.condition or None,
        )
        for each in permissions or ()
    )
