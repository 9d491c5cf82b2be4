"""Graph in many spellings: one object, one right, one filter. What is said is used, kept or refused."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azmlflow.localazure.services.graph import ROUTES
from tests.localazure.control import ALICE, BOB, DEVELOPER, Answer, Azure

OBJECTS = "users|groups|serviceprincipals"
APP, GROUP = "the application", "the team"


def world(azure: Azure) -> dict[str, str]:
    """Names in this file -> ids in the directory."""
    found = azure.graph("GET", "/applications").body["value"]
    if not found:
        azure.graph("POST", "/applications", {"displayName": APP})
        application = azure.graph("GET", "/applications").body["value"][0]
        azure.graph("POST", "/servicePrincipals", {"appId": application["appId"]})
        group = azure.graph("POST", "/groups", {"displayName": GROUP, "mailNickname": "team"}).body
        member = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{azure.who(ALICE).object_id}"}
        assert azure.graph("POST", f"/groups/{group['id']}/members/$ref", member).status == 204
    application = azure.graph("GET", "/applications").body["value"][0]
    group = next(each for each in azure.graph("GET", "/groups").body["value"] if each["displayName"] == GROUP)
    service = next(
        each for each in azure.graph("GET", "/servicePrincipals").body["value"] if each["appId"] == application["appId"]
    )
    return {
        "ALICE": azure.who(ALICE).object_id, "UPN": ALICE, "GROUP": group["id"], "SP": service["id"],
        "APPID": application["appId"], "APP": application["id"],
    }  # fmt: skip


READS = (
    "/me", "/organization", "/users", "/groups", "/servicePrincipals", "/applications", "/users/ALICE", "/users/UPN",
    "/groups/GROUP", "/servicePrincipals/SP", "/applications/APP", "/directoryObjects/GROUP", "/groups/GROUP/members",
    "/groups/GROUP/transitiveMembers", "/me/memberOf", "/me/transitiveMemberOf", "/users/UPN/memberOf",
    "/users/ALICE/transitiveMemberOf", "/servicePrincipals(appId='APPID')", "/applications(appId='APPID')",
)  # fmt: skip
WRITES = (
    ("POST", "/users"), ("POST", "/groups"), ("POST", "/applications"), ("POST", "/servicePrincipals"),
    ("DELETE", "/users/ALICE"), ("DELETE", "/groups/GROUP"), ("DELETE", "/servicePrincipals(appId='APPID')"),
    ("DELETE", "/applications/APP"), ("POST", "/applications/APP/addPassword"),
    ("POST", "/servicePrincipals/SP/addPassword"), ("POST", "/groups/GROUP/members/$ref"),
    ("DELETE", "/groups/GROUP/members/ALICE/$ref"),
)  # fmt: skip


def cased(text: str) -> st.SearchStrategy[str]:
    """A text in any case."""
    return st.lists(st.booleans(), min_size=len(text), max_size=len(text)).map(
        lambda ups: "".join(c.upper() if up else c.lower() for c, up in zip(text, ups, strict=True))
    )


def spelt(data: st.DataObject, path: str) -> str:
    """A path in another spelling that means the same: case, characters encoded, the key in brackets, a slash more."""
    segments = [data.draw(cased(segment)) for segment in path.split("/")[1:]]
    if len(segments) > 1 and segments[0].lower() != "me" and data.draw(st.booleans()):
        key = segments.pop(1)
        segments[0] += f"('{key}')"
    encode = data.draw(st.sampled_from(["none", "some", "all"]))
    if encode != "none":
        segments = [
            "".join(f"%{ord(c):02X}" if encode == "all" or data.draw(st.booleans()) else c for c in segment)
            for segment in segments
        ]
    version = data.draw(st.sampled_from(["v1.0", "V1.0", "beta", "Beta"]))
    return f"/{version}/" + "/".join(segments) + data.draw(st.sampled_from(["", "/"]))


def ask(azure: Azure, method: str, path: str, body: Any = None, who: str = DEVELOPER) -> Answer:
    """Ask Graph at a path as it is."""
    content = b"" if body is None else json.dumps(body).encode()
    return azure.send("graph.microsoft.com", method, path, content, who)


def meant(path: str, names: dict[str, str]) -> str:
    """A path with the ids of this world."""
    for name in sorted(names, key=len, reverse=True):
        path = path.replace(name, names[name])
    return path


@pytest.mark.parametrize("path", READS)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_spelling_finds_the_same(azure: Azure, path: str, data: st.DataObject) -> None:
    path = meant(path, world(azure))
    usual = ask(azure, "GET", f"/v1.0{path}", who=ALICE)
    assert usual.status == 200
    other = spelt(data, path)
    assert ask(azure, "GET", other, who=ALICE).body == usual.body, other


@pytest.mark.parametrize(("method", "path"), WRITES)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_no_spelling_changes_the_directory_for_who_may_not(
    azure: Azure, method: str, path: str, data: st.DataObject
) -> None:
    path = meant(path, world(azure))
    collections = ("principals", "members", "credentials", "applications")
    before = azure.cloud.store.version(*collections)
    other = spelt(data, path)
    body = {"displayName": "x", "userPrincipalName": "x@local.test"} if method == "POST" else None
    refused = ask(azure, method, other, body, who=BOB)
    assert (refused.status, refused.code) == (403, "Authorization_RequestDenied"), other
    assert azure.cloud.store.version(*collections) == before


FILTERS = (
    ("users", "userPrincipalName", ALICE), ("users", "mail", ALICE), ("users", "displayName", "alice"),
    ("groups", "displayName", GROUP), ("servicePrincipals", "appId", "APPID"), ("users", "id", "ALICE"),
)  # fmt: skip


@pytest.mark.parametrize(("collection", "name", "value"), FILTERS)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_filter_finds_the_same_however_it_is_spelt(
    azure: Azure, collection: str, name: str, value: str, data: st.DataObject
) -> None:
    value = meant(value, world(azure))
    usual = ask(azure, "GET", f"/v1.0/{collection}?$filter={quote(f'{name} eq {value!r}')}").body["value"]
    assert len(usual) == 1
    space = data.draw(st.sampled_from([" ", "  ", "\t"]))
    text = f"{data.draw(cased(name))}{space}{data.draw(cased('eq'))}{space}'{data.draw(cased(value))}'"
    parameter = data.draw(st.sampled_from(["$filter", "%24filter", "$FILTER", "filter", "Filter"]))
    more = data.draw(st.sampled_from(["", "&$top=5", "&top=5", "&$count=true"]))
    answer = ask(azure, "GET", spelt(data, f"/{collection}") + f"?{parameter}={quote(text)}{more}")
    assert answer.body["value"] == usual, text


@pytest.mark.parametrize(
    "path",
    [
        "/users?$filter=mail eq 'x'&filter=mail eq 'y'", "/users?$orderby=displayName", "/users?$expand=manager",
        "/users?orderBy=displayName", "/users?$search=x", "/users?$skip=1", "/users?shoe=43", "/me?$filter=id eq 'x'",
        "/users/UPN?$top=3", "/groups/GROUP/members?$filter=shoeSize eq 43",
    ],
)  # fmt: skip
def test_a_parameter_that_would_do_nothing_is_refused(azure: Azure, path: str) -> None:
    refused = azure.graph("GET", quote(meant(path, world(azure)), safe="/?&=$'"))
    assert refused.status == 400
    assert refused.code in ("BadRequest", "Request_UnsupportedQuery")


def test_a_filter_is_used_on_members_too(azure: Azure) -> None:
    path = meant("/groups/GROUP/members", world(azure))
    assert len(azure.graph("GET", path).body["value"]) == 1
    assert azure.graph("GET", path + "?$filter=" + quote("displayName eq 'nobody'")).body["value"] == []


def test_a_plain_segment_is_no_application_s_key(azure: Azure) -> None:
    names = world(azure)
    for collection in ("applications", "servicePrincipals"):
        assert azure.graph("GET", f"/{collection}/appId={names['APPID']}").status == 404


# --- every handler -----------------------------------------------------------------------------------------------

READ, OWNER = "whoever is signed in", "an owner of the subscription"
# Who may; the members that the body takes.
HANDLERS: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {
    ("GET", "me"): (READ, ()),
    ("GET", "organization"): (READ, ()),
    ("GET", OBJECTS): (READ, ()),
    ("GET", f"{OBJECTS}/*"): (READ, ()),
    ("DELETE", f"{OBJECTS}/*"): (OWNER, ()),
    ("POST", "users"): (OWNER, ("userPrincipalName", "displayName")),
    ("POST", "groups"): (OWNER, ("displayName",)),
    ("POST", "serviceprincipals"): (OWNER, ("appId",)),
    ("GET", "applications"): (READ, ()),
    ("POST", "applications"): (OWNER, ("displayName",)),
    ("GET", "applications/*"): (READ, ()),
    ("DELETE", "applications/*"): (OWNER, ()),
    ("POST", "applications|serviceprincipals/*/addpassword"): (OWNER, ("passwordCredential",)),
    ("GET", "groups/*/members"): (READ, ()),
    ("GET", "groups/*/transitivemembers"): (READ, ()),
    ("POST", "groups/*/members/$ref"): (OWNER, ("@odata.id",)),
    ("DELETE", "groups/*/members/*/$ref"): (OWNER, ()),
    ("GET", "me/memberof"): (READ, ()),
    ("GET", "me/transitivememberof"): (READ, ()),
    ("GET", f"{OBJECTS}/*/memberof"): (READ, ()),
    ("GET", f"{OBJECTS}/*/transitivememberof"): (READ, ()),
    ("POST", "me/getmembergroups"): (READ, ("securityEnabledOnly",)),
    ("POST", f"{OBJECTS}|directoryobjects/*/getmembergroups"): (READ, ("securityEnabledOnly",)),
    ("POST", "directoryobjects/getbyids"): (READ, ("ids", "types")),
    ("GET", "directoryobjects/*"): (READ, ()),
}
SAID: dict[str, Any] = {
    "userPrincipalName": "new@local.test", "displayName": "New", "securityEnabledOnly": True, "types": ["user"],
    "passwordCredential": {"displayName": "one"},
}  # fmt: skip


def example(route: str, names: dict[str, str]) -> str:
    """A path of a route."""
    key = {"users": "ALICE", "groups": "GROUP", "serviceprincipals": "SP", "applications": "APP"}
    first, *rest = route.split("/")
    head = first.split("|")[0]
    path = "/".join(
        (head, *(key.get(head, "ALICE") if i == 0 and each == "*" else each for i, each in enumerate(rest)))
    )
    return "/" + meant(path.replace("members/*", "members/ALICE"), names)


def test_every_handler_has_its_row() -> None:
    assert set(HANDLERS) == {(method, "/".join(pattern)) for method, pattern, _ in ROUTES}


@pytest.mark.parametrize(("method", "route"), HANDLERS)
def test_who_may_and_what_is_said(azure: Azure, method: str, route: str) -> None:
    who, members = HANDLERS[method, route]
    names = world(azure)
    path = example(route, names)
    body: Any = {name: SAID.get(name) for name in members}
    if "appId" in members:
        made = azure.graph("POST", "/applications", {"displayName": "another"}).body
        body["appId"] = made["appId"]
    if "ids" in members:
        body["ids"] = [names["ALICE"]]
    if "@odata.id" in members:
        body["@odata.id"] = f"https://graph.microsoft.com/v1.0/users/{azure.who(BOB).object_id}"
    given = body if method == "POST" else None
    if who == OWNER:
        assert azure.graph(method, path, given, who=BOB).code == "Authorization_RequestDenied"
    else:
        assert azure.graph(method, path, given, who=BOB).status == 200
    if method == "POST":
        for odd in ({**body, "shoeSize": 43}, {**body, **{name: {"a": [1]} for name in members}}):
            assert azure.graph(method, path, odd).status in (400, 404), odd
    assert azure.graph(method, path, given).status in (200, 201, 204)


def test_what_is_said_of_people_comes_back(azure: Azure) -> None:
    said = {
        "accountEnabled": True, "mailNickname": "nick", "jobTitle": "Analyst", "department": "R", "surname": "New",
        "otherMails": ["x@example.com"],
    }  # fmt: skip
    names = {"userPrincipalName": "new@local.test", "displayName": "New", "passwordProfile": {"password": "secret"}}
    made = azure.graph("POST", "/users", {**names, **said}).body
    found = azure.graph("GET", f"/users/{made['id']}").body
    assert {name: found[name] for name in said} == said
    assert "passwordProfile" not in found
    group = {"displayName": "g", "description": "some", "mailNickname": "gg", "securityEnabled": True}
    made = azure.graph("POST", "/groups", {**group, "mailEnabled": False}).body
    found = azure.graph("GET", f"/groups/{made['id']}").body
    assert {name: found[name] for name in group} == group
    for path, body in (
        ("/users", {**names, "userPrincipalName": "other@local.test", "accountEnabled": False}),
        ("/users", {"userPrincipalName": "other@local.test", "displayName": 5}),
        ("/groups", {"displayName": "g", "mailEnabled": True}),
        ("/groups", {"displayName": "g", "members@odata.bind": ["x"]}),
        ("/applications", {"displayName": "a", "keyCredentials": [{"key": "x"}]}),
    ):
        assert azure.graph("POST", path, body).code == "Request_BadRequest", body
    assert azure.graph("GET", "/users").status == 200


def test_a_secret_is_good_for_as_long_as_was_said(azure: Azure) -> None:
    path = meant("/applications/APP/addPassword", names := world(azure))
    end = "2026-02-01T00:00:00Z"
    told = azure.graph("POST", path, {"passwordCredential": {"displayName": "ci", "endDateTime": end}}).body
    assert told["endDateTime"].startswith("2026-02-01T00:00:00")
    directory, now = azure.cloud.directory, azure.clock.now()
    assert directory.check_secret(names["APPID"], told["secretText"]) is not None
    assert directory.is_good(names["APPID"], now)
    azure.clock.advance(40 * 24 * 3600)
    assert not directory.is_good(names["APPID"], azure.clock.now())
    for odd in (
        {"endDateTime": "soon"},
        {"endDateTime": 5},
        {"endDateTime": "0001-01-01T00:00:00+14:00"},
        {"key": "x"},
    ):
        assert azure.graph("POST", path, {"passwordCredential": odd}).code == "Request_BadRequest"
