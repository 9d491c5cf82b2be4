"""Reading a live cloud, over the real clients down to the connection: there, answers as Azure and Graph give them.

Shapes: Microsoft Graph v1.0 reference (list users, directoryObject: getByIds, list group members), Azure REST reference
(role assignments, role definitions, deny assignments: list for scope).
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from azmlflow.rbac import azure
from azmlflow.rbac.azure import Principal, read_facts, resolve_principal
from azmlflow.rbac.errors import AmbiguousPrincipal, AssignmentsForbidden, DirectoryForbidden, PrincipalUnknown
from azmlflow.rbac.evaluate import evaluate

SUB = "10ca1000-0000-4000-8000-000000000002"
SCOPE = f"/subscriptions/{SUB}/resourceGroups/rg"
ALICE = "aaaaaaaa-0000-4000-8000-000000000001"
BOB = "bbbbbbbb-0000-4000-8000-000000000001"
TEAM = "cccccccc-0000-4000-8000-000000000001"
SUBTEAM = "cccccccc-0000-4000-8000-000000000002"
APP = "dddddddd-0000-4000-8000-000000000001"  # the application id
APP_OBJECT = "dddddddd-0000-4000-8000-000000000002"  # the application's object id
SERVICE = "dddddddd-0000-4000-8000-000000000003"  # its service principal's object id
NOBODY = "eeeeeeee-0000-4000-8000-000000000001"

OBJECTS: tuple[dict[str, Any], ...] = (
    {
        "@odata.type": "#microsoft.graph.user",
        "id": ALICE,
        "userPrincipalName": "alice@contoso.com",
        "mail": "alice.o'hara@contoso.com",
        "displayName": "Alice O'Hara",
    },
    {
        "@odata.type": "#microsoft.graph.user",
        "id": BOB,
        "userPrincipalName": "bob_other.com#EXT#@contoso.com",
        "mail": "bob@other.com",
        "displayName": "Sam",
    },
    {"@odata.type": "#microsoft.graph.group", "id": TEAM, "displayName": "Sam", "mail": "team@contoso.com"},
    {"@odata.type": "#microsoft.graph.group", "id": SUBTEAM, "displayName": "Subteam", "mail": None},
    {"@odata.type": "#microsoft.graph.servicePrincipal", "id": SERVICE, "appId": APP, "displayName": "trainer"},
    {"@odata.type": "#microsoft.graph.application", "id": APP_OBJECT, "appId": APP, "displayName": "trainer"},
)
COLLECTIONS = {"users": "user", "groups": "group", "servicePrincipals": "servicePrincipal"}

Answer = tuple[int, dict[str, Any]]


class Wire(BaseAdapter):
    """Answers requests instead of a network, and keeps them."""

    def __init__(self, answer: Callable[[str, str, Mapping[str, str], Any], Answer]) -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[str] = []
        self.tokens: set[str] = set()

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        url = urlsplit(str(request.url))
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.asked.append(f"{request.method} {url.netloc}{url.path}")
        self.tokens.add(str(request.headers["Authorization"]))
        body = json.loads(str(request.body)) if request.body else None
        status, document = self.answer(str(request.method), url.netloc + url.path, query, body)
        response = requests.Response()
        response.status_code, response.request, response.url = status, request, str(request.url)
        response.headers["Content-Type"] = "application/json"
        response.raw = HTTPResponse(io.BytesIO(json.dumps(document).encode()), preload_content=False)
        return response

    def close(self) -> None:
        """Nothing is open."""

    def transport(self) -> RequestsTransport:
        """The clients' own transport, over this wire."""
        session = requests.Session()
        session.mount("https://", self)
        return RequestsTransport(session=session, session_owner=False)


class Credential:
    """Gives a token that names what it is for."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken(f"for {scopes[0]}", 4102444800)


def graph(method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
    """Graph over OBJECTS; a filter it does not know is a 400, as with Graph."""
    path = path.removeprefix("graph.microsoft.com/v1.0/")
    if (method, path) == ("POST", "directoryObjects/getByIds"):
        found = [
            each
            for each in OBJECTS
            if each["id"] in body["ids"] and each["@odata.type"].rpartition(".")[2] in body["types"]
        ]
        return 200, {"value": found}
    if path.startswith("users/"):
        name = unquote(path.removeprefix("users/"))
        users = [each for each in OBJECTS if each.get("userPrincipalName") == name]
        return (200, users[0]) if users else (404, {"error": {"code": "Request_ResourceNotFound"}})
    property_, _, text = query["$filter"].partition(" eq ")
    if path not in COLLECTIONS or property_ not in ("mail", "displayName", "appId"):
        return 400, {"error": {"code": "Request_UnsupportedQuery"}}
    value = text[1:-1].replace("''", "'")
    kind = f"#microsoft.graph.{COLLECTIONS[path]}"
    return 200, {"value": [each for each in OBJECTS if each["@odata.type"] == kind and each.get(property_) == value]}


def forbidden(*_: Any) -> Answer:
    """Graph for who may not read the directory."""
    return 403, {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges"}}


def resolve(text: str, kind: azure.PrincipalType | None = None, answer: Any = graph) -> Principal:
    """The principal, by the directory above."""
    return resolve_principal(Credential(), text, kind=kind, transport=Wire(answer).transport())


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("alice@contoso.com", None, Principal(ALICE, "User", "alice@contoso.com")),
        (" alice@contoso.com ", "User", Principal(ALICE, "User", "alice@contoso.com")),
        ("alice.o'hara@contoso.com", None, Principal(ALICE, "User", "alice@contoso.com")),  # mail, a quote doubled
        ("bob_other.com#EXT#@contoso.com", None, Principal(BOB, "User", "bob_other.com#EXT#@contoso.com")),
        ("bob@other.com", None, Principal(BOB, "User", "bob_other.com#EXT#@contoso.com")),
        ("team@contoso.com", None, Principal(TEAM, "Group", "Sam")),
        ("Alice O'Hara", None, Principal(ALICE, "User", "alice@contoso.com")),
        ("Subteam", None, Principal(SUBTEAM, "Group", "Subteam")),
        ("trainer", None, Principal(SERVICE, "ServicePrincipal", "trainer")),
        ("Sam", "Group", Principal(TEAM, "Group", "Sam")),  # the type decides between two of a name
        (ALICE.upper(), None, Principal(ALICE, "User", "alice@contoso.com")),
        (TEAM, "Group", Principal(TEAM, "Group", "Sam")),
        (SERVICE, None, Principal(SERVICE, "ServicePrincipal", "trainer")),
        # Neither the application id nor the application's own object id can be granted anything.
        (APP, None, Principal(SERVICE, "ServicePrincipal", "trainer")),
        (APP_OBJECT, None, Principal(SERVICE, "ServicePrincipal", "trainer")),
    ],
)
def test_everything_that_a_principal_is_called_leads_to_its_object_id(
    text: str, kind: azure.PrincipalType | None, expected: Principal
) -> None:
    assert resolve(text, kind) == expected


def test_a_name_of_two_is_refused_and_both_are_listed() -> None:
    with pytest.raises(AmbiguousPrincipal) as caught:
        resolve("Sam")
    assert {object_id for object_id, _, _ in caught.value.candidates} == {BOB, TEAM}
    for part in (BOB, TEAM, "User", "Group", "'Sam' names 2 principals"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("carol@contoso.com", None, r"no user, group or application 'carol@contoso.com'.*az ad user list"),
        ("nobodies", "Group", r"no group 'nobodies'.*az ad group list"),
        ("alice@contoso.com", "ServicePrincipal", r"no application 'alice@contoso.com'.*az ad sp list"),
        (NOBODY, None, f"has the id {NOBODY}.*az ad sp create --id {NOBODY}"),
        (ALICE, "Group", f"{ALICE} is a User, not a Group"),
        ("  ", None, "an empty name"),
    ],
)
def test_nobody_is_said_so_with_the_next_step(text: str, kind: azure.PrincipalType | None, message: str) -> None:
    with pytest.raises(PrincipalUnknown, match=message):
        resolve(text, kind)


def test_without_the_directory_an_object_id_and_its_type_are_enough() -> None:
    assert resolve(ALICE, "User", forbidden) == Principal(ALICE, "User", "")
    for text, kind in ((ALICE, None), ("alice@contoso.com", "User"), ("alice", None)):
        with pytest.raises(DirectoryForbidden, match=r"User\.Read\.All.*--type"):
            resolve(text, kind, forbidden)  # type: ignore[arg-type]


def test_other_refusals_are_not_hidden() -> None:
    with pytest.raises(HttpResponseError):
        resolve("alice", None, lambda *_: (400, {"error": {"code": "BadRequest"}}))


def test_graph_gets_a_token_for_graph_only() -> None:
    wire = Wire(graph)
    resolve_principal(Credential(), "trainer", transport=wire.transport())
    assert wire.tokens == {"Bearer for https://graph.microsoft.com/.default"}
    assert wire.asked == [f"GET graph.microsoft.com/v1.0/{each}" for each in ("users", "groups", "servicePrincipals")]


# --- facts ---------------------------------------------------------------------------------------------------------

CORP = "/providers/Microsoft.Management/managementGroups/corp"
DEFINITIONS = f"/subscriptions/{SUB}/providers/Microsoft.Authorization/roleDefinitions"
MEMBERS = {TEAM: [OBJECTS[3]], SUBTEAM: [OBJECTS[0], {"@odata.type": "#microsoft.graph.group", "id": TEAM}]}


def assignment(name: str, who: str, role: str, scope: str, *, condition: str | None = None) -> dict[str, Any]:
    """A role assignment as ARM gives it."""
    return {
        "id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
        "name": name,
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": f"{DEFINITIONS}/{role}",
            "principalId": who,
            "principalType": "Group" if who == TEAM else "User",
            "scope": scope,
            "condition": condition,
        },
    }


def definition(name: str, permission: dict[str, Any]) -> dict[str, Any]:
    """A role definition as ARM gives it."""
    return {
        "id": f"{DEFINITIONS}/{name}",
        "name": name,
        "properties": {"roleName": f"Role {name}", "type": "CustomRole", "permissions": [permission]},
    }


HERE = f"{SCOPE}/providers/Microsoft.Authorization"
LOCK = {
    "denyAssignmentName": "lock",
    "scope": SCOPE,
    "doNotApplyToChildScopes": True,
    "permissions": [{"actions": ["a/*"], "notActions": ["a/read"]}],
    "principals": [{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}],
    "excludePrincipals": [{"id": TEAM, "type": "Group"}],
}
# Assignments at, above and below the group, a deny, a role that is defined elsewhere and one that is gone.
ARM: dict[str, dict[str, Any]] = {
    f"{HERE}/roleAssignments": {
        "value": [
            assignment("1", TEAM, "r1", SCOPE),
            assignment("2", BOB, "r2", CORP, condition="@Resource[x] StringEquals 'y'"),
            assignment("4", BOB, "r3", SCOPE),
        ],
        "nextLink": f"https://management.azure.com{HERE}/roleAssignments?page=2&api-version=2022-04-01",
    },
    f"{HERE}/roleAssignments?page=2": {"value": [assignment("3", BOB, "gone", f"{SCOPE}/providers/a.b/c/d")]},
    f"{HERE}/denyAssignments": {"value": [{"id": "/d1", "name": "d1", "properties": LOCK}]},
    f"{HERE}/roleDefinitions": {
        "value": [
            definition("r1", {"actions": ["a/*"]}),
            definition("r3", {"actions": ["a/read"], "condition": "c", "conditionVersion": "2.0"}),
        ]
    },
    f"{DEFINITIONS}/r2": definition("r2", {"actions": ["*"], "notActions": ["a/write"], "dataActions": ["d/*"]}),
}


def members(path: str, query: Mapping[str, str]) -> Answer:
    """A page of a group's members, one member a page."""
    of = MEMBERS[path.split("/")[-2]]
    if "$skiptoken" in query or len(of) == 1:
        return 200, {"value": of[-1:]}
    return 200, {"value": of[:1], "@odata.nextLink": f"https://{path}?$skiptoken=2"}


def cloud(method: str, path: str, query: Mapping[str, str], _: Any) -> Answer:
    """ARM and Graph, for reading only."""
    assert method == "GET"
    if path.startswith("graph.microsoft.com"):
        return members(path, query)
    path = path.removeprefix("management.azure.com") + ("?page=2" if "page" in query else "")
    if path not in ARM:
        return 404, {"error": {"code": "RoleDefinitionDoesNotExist", "message": f"not there: {path}"}}
    return 200, ARM[path]


def test_facts_are_read_whole() -> None:
    wire = Wire(cloud)
    facts = read_facts(Credential(), SUB, SCOPE, transport=wire.transport())
    assert [each.id.rpartition("/")[2] for each in facts.assignments] == ["1", "2", "4", "3"]
    assert {each.name for each in facts.definitions} == {"Role r1", "Role r2", "Role r3"}
    assert facts.memberships == {SUBTEAM: {TEAM}, ALICE: {SUBTEAM}, TEAM: {SUBTEAM}}
    assert facts.management_groups == {f"/subscriptions/{SUB}": (CORP,)}
    assert facts.unread_groups == ()
    assert facts.denies[0].permissions[0].not_actions == ("a/read",)
    # What came over the wire decides: through nested groups, under a condition, and by the deny's exclusion.
    assert evaluate(ALICE, "a/write", SCOPE, facts).allowed
    assert evaluate(ALICE, "a/write", f"{SCOPE}/providers/a.b/c/d", facts).allowed
    assert evaluate(BOB, "a/write", SCOPE, facts).cause == "denied"
    assert evaluate(BOB, "a/read", SCOPE, facts).cause == "condition"
    assert evaluate(BOB, "d/x", SCOPE, facts, data=True).cause == "condition"
    assert "Ignored: assignment" in evaluate(BOB, "x/read", f"{SCOPE}/providers/a.b/c/d", facts).reason


def test_arm_and_graph_get_a_token_each() -> None:
    wire = Wire(cloud)
    read_facts(Credential(), SUB, f"{SCOPE}/", transport=wire.transport())
    assert wire.tokens == {
        "Bearer for https://management.azure.com/.default",
        "Bearer for https://graph.microsoft.com/.default",
    }
    asked = [each for each in wire.asked if each.endswith("/members")]
    assert len(asked) == 3  # two pages of one group, one of the other: groups that hold each other are read once


def test_a_group_that_may_not_be_read_is_named_not_dropped() -> None:
    def answer(method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
        return forbidden() if "graph" in path else cloud(method, path, query, body)

    facts = read_facts(Credential(), SUB, SCOPE, transport=Wire(answer).transport())
    assert facts.unread_groups == (TEAM,)
    decision = evaluate(ALICE, "a/write", SCOPE, facts)
    assert (decision.verdict, decision.cause) == ("unknown", "membership")


def test_who_may_not_read_assignments_is_told_what_to_ask_for() -> None:
    refusal = {"error": {"code": "AuthorizationFailed", "message": "The client 'bob' does not have authorization"}}
    with pytest.raises(AssignmentsForbidden, match=f"access at {SCOPE} may not be read.*bob.*ask an Owner"):
        read_facts(Credential(), SUB, SCOPE, transport=Wire(lambda *_: (403, refusal)).transport())


def test_a_scope_that_is_gone_is_not_an_empty_answer() -> None:
    gone = {"error": {"code": "ResourceGroupNotFound", "message": "Resource group 'rg' could not be found."}}
    with pytest.raises(HttpResponseError, match="could not be found"):
        read_facts(Credential(), SUB, SCOPE, transport=Wire(lambda *_: (404, gone)).transport())
