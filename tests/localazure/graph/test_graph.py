from __future__ import annotations

from urllib.parse import quote

import pytest

from azmlflow.localazure.principals.directory import Principal
from tests.localazure.control import ALICE, BOB, DEVELOPER, RG, SUB, Azure


def _team(azure: Azure) -> Principal:
    return next(group for group in azure.cloud.directory.list("Group") if group.display_name == "data-scientists")


def test_who_am_i(azure: Azure) -> None:
    me = azure.graph("GET", "/me", who=ALICE).body
    assert (me["userPrincipalName"], me["id"]) == (ALICE, azure.who(ALICE).object_id)
    assert azure.graph("GET", "/me?$select=mail,id", who=ALICE).body.keys() == {"@odata.context", "id", "mail"}


@pytest.mark.parametrize("key", [ALICE, ALICE.upper(), "<id>"])
def test_a_user_is_found_by_sign_in_name_and_object_id(azure: Azure, key: str) -> None:
    key = key.replace("<id>", azure.who(ALICE).object_id)
    assert azure.graph("GET", f"/users/{key}", who=BOB).body["mail"] == ALICE
    missing = azure.graph("GET", f"/users/{key}x")
    assert (missing.status, missing.code) == (404, "Request_ResourceNotFound")
    assert azure.graph("GET", f"/groups/{azure.who(ALICE).object_id}").status == 404


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"userPrincipalName eq '{ALICE}'", [ALICE]),
        (f"mail eq '{ALICE.upper()}'", [ALICE]),
        (f"mail eq '{ALICE}' or userPrincipalName eq '{BOB}'", [ALICE, BOB]),
        ("startswith(displayName,'d')", [DEVELOPER]),
        ("displayName eq 'O''Brien'", []),
        ("displayName eq 'Bob' and mail eq 'x'", []),
    ],
)
def test_users_by_filter(azure: Azure, text: str, found: list[str]) -> None:
    answer = azure.graph("GET", f"/users?$filter={quote(text)}&$count=true").body
    assert [user["userPrincipalName"] for user in answer["value"]] == found
    assert answer["@odata.count"] == len(found)


def test_a_filter_that_is_not_understood_is_refused(azure: Azure) -> None:
    for text in ("displayName gt 'a'", "shoeSize eq 43", "mail eq"):
        refused = azure.graph("GET", f"/users?$filter={quote(text)}")
        assert (refused.status, refused.code) == (400, "Request_UnsupportedQuery")


def test_service_principals_by_application_id(azure: Azure) -> None:
    found = azure.graph("GET", "/servicePrincipals?$filter=displayName%20eq%20'azmlflow-ci'")
    principal = found.body["value"][0]
    app_id = principal["appId"]
    assert app_id != principal["id"]
    for text in (f"appId eq '{app_id}'", f"servicePrincipalNames/any(c:c eq '{app_id}')"):
        listed = azure.graph("GET", f"/servicePrincipals?$filter={quote(text)}").body["value"]
        assert [each["id"] for each in listed] == [principal["id"]]
    assert azure.graph("GET", f"/servicePrincipals(appId='{app_id}')").body["id"] == principal["id"]


def test_groups_and_their_members(azure: Azure) -> None:
    team, alice = _team(azure), azure.who(ALICE)
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{alice.object_id}"}
    assert azure.graph("POST", f"/groups/{team.object_id}/members/$ref", reference, who=BOB).status == 403
    assert azure.graph("POST", f"/groups/{team.object_id}/members/$ref", reference).status == 204
    assert azure.graph("POST", f"/groups/{team.object_id}/members/$ref", reference).status == 400
    assert azure.graph("POST", f"/groups/{team.object_id}/members/$ref", {"@odata.id": "alice"}).status == 400
    wider = azure.graph("POST", "/groups", {"displayName": "everyone", "mailEnabled": False}).body["id"]
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/groups/{team.object_id}"}
    assert azure.graph("POST", f"/groups/{wider}/members/$ref", reference).status == 204
    members = azure.graph("GET", f"/groups/{wider}/members").body["value"]
    assert [(each["@odata.type"], each["id"]) for each in members] == [("#microsoft.graph.group", team.object_id)]
    inner = {each["id"] for each in azure.graph("GET", f"/groups/{wider}/transitiveMembers").body["value"]}
    assert inner == {team.object_id, alice.object_id}
    held = {each["id"] for each in azure.graph("GET", "/me/transitiveMemberOf", who=ALICE).body["value"]}
    assert held == {team.object_id, wider}
    direct = azure.graph("GET", f"/users/{ALICE}/memberOf").body["value"]
    assert [each["id"] for each in direct] == [team.object_id]
    ids = azure.graph("POST", f"/users/{ALICE}/getMemberGroups", {"securityEnabledOnly": True}, who=BOB).body["value"]
    assert set(ids) == {team.object_id, wider}
    assert azure.graph("DELETE", f"/groups/{team.object_id}/members/{alice.object_id}/$ref").status == 204
    assert azure.graph("DELETE", f"/groups/{team.object_id}/members/{alice.object_id}/$ref").status == 404


def test_objects_by_their_ids(azure: Azure) -> None:
    alice, team = azure.who(ALICE), _team(azure)
    assert azure.graph("GET", f"/directoryObjects/{alice.object_id}").body["@odata.type"] == "#microsoft.graph.user"
    ids = [alice.object_id, team.object_id, "11111111-1111-4111-8111-111111111111"]
    found = azure.graph("POST", "/directoryObjects/getByIds", {"ids": ids}, who=BOB).body["value"]
    assert [each["id"] for each in found] == ids[:2]
    groups = azure.graph("POST", "/directoryObjects/getByIds", {"ids": ids, "types": ["group"]}).body["value"]
    assert [each["displayName"] for each in groups] == ["data-scientists"]
    assert azure.graph("POST", "/directoryObjects/getByIds", {"ids": "x"}).status == 400


def test_only_an_owner_of_the_subscription_changes_the_directory(azure: Azure) -> None:
    azure.make(RG)
    body = {"userPrincipalName": "carol@local.test", "displayName": "Carol"}
    azure.assign(ALICE, "Contributor", SUB)
    for who in (ALICE, BOB):
        refused = azure.graph("POST", "/users", body, who=who)
        assert (refused.status, refused.code) == (403, "Authorization_RequestDenied")
    made = azure.graph("POST", "/users", body)
    assert (made.status, made.body["displayName"]) == (201, "Carol")
    assert azure.graph("POST", "/users", body).code == "Request_BadRequest"
    assert azure.graph("POST", "/users", {"displayName": "No name"}).status == 400
    assert azure.graph("DELETE", "/users/carol@local.test", who=BOB).status == 403
    assert azure.graph("DELETE", "/users/carol@local.test").status == 204
    assert azure.graph("GET", "/users/carol@local.test").status == 404
    assert azure.graph("DELETE", f"/users/{DEVELOPER}").status == 400


def test_an_application_gets_a_service_principal_and_a_secret(azure: Azure) -> None:
    application = azure.graph("POST", "/applications", {"displayName": "pipeline"}).body
    assert azure.graph("POST", "/servicePrincipals", {"appId": "11111111-1111-4111-8111-111111111111"}).status == 400
    principal = azure.graph("POST", "/servicePrincipals", {"appId": application["appId"]}).body
    assert principal["id"] != application["id"]
    assert azure.graph("POST", "/servicePrincipals", {"appId": application["appId"]}).status == 409
    secret = azure.graph("POST", f"/applications/{application['id']}/addPassword", {}).body["secretText"]
    found = azure.cloud.directory.check_secret(application["appId"], secret)
    assert found is not None
    assert found.object_id == principal["id"]
    assert secret not in str(azure.graph("GET", f"/applications/{application['id']}").body)
    listed = azure.graph("GET", "/applications?$filter=displayName%20eq%20'pipeline'").body
    assert [each["id"] for each in listed["value"]] == [application["id"]]
    assert azure.graph("DELETE", f"/applications/{application['id']}").status == 204
    assert azure.graph("GET", f"/servicePrincipals/{principal['id']}").status == 404


def test_long_lists_come_in_pages(azure: Azure) -> None:
    names = []
    answer = azure.graph("GET", "/users?$top=2&$select=displayName")
    while True:
        names += [user["displayName"] for user in answer.body["value"]]
        if "@odata.nextLink" not in answer.body:
            break
        answer = azure.follow(answer.body["@odata.nextLink"])
    assert names == ["Alice", "Bob", "Developer"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/planets"), ("GET", "/users/x/y/z"), ("PUT", "/users"), ("DELETE", "/me"), ("POST", "/organization")],
)
def test_what_is_nowhere_is_refused_in_graphs_shape(azure: Azure, method: str, path: str) -> None:
    refused = azure.graph(method, path)
    assert (refused.status, set(refused.body), set(refused.body["error"])) == (404, {"error"}, {"code", "message"})
