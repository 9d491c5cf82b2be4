"""The identity endpoint: who gets a token by it, and who is kept out."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import PRINCIPALS
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.principals.directory import Principal
from azmlflow.localazure.principals.sessions import Granted
from azmlflow.localazure.services import identity
from tests.localazure.transport import Client, advance, make_cloud

ARM = "https://management.azure.com"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    made = make_cloud(tmp_path_factory.mktemp("state"))
    made.directory.add_user("alice@local.test")
    made.directory.add_group("data-scientists")
    return made


@pytest.fixture(scope="module")
def application(cloud: Cloud) -> Principal:
    return cloud.directory.add_service_principal("pipeline", with_secret=False)[0]


@pytest.fixture(scope="module")
def endpoint(cloud: Cloud) -> Client:
    return Client(identity.service(cloud), f"http://127.0.0.1:{Folder(cloud.state).ports().identity}")


def address(cloud: Cloud, reference: str) -> str:
    return f"/{reference}.{Folder(cloud.state).secrets().identity_mark(reference)}"


def mark(cloud: Cloud, reference: str) -> dict[str, str]:
    return {"X-IDENTITY-HEADER": Folder(cloud.state).secrets().identity_mark(reference)}


def token_of(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    claims: dict[str, Any] = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    return claims


@pytest.mark.parametrize("audience", [ARM, f"{ARM}/", "https://graph.microsoft.com", "https://storage.azure.com/"])
def test_app_service_managed_identity(endpoint: Client, cloud: Cloud, audience: str) -> None:
    alice = cloud.directory.find_user("alice@local.test")
    assert alice is not None
    answer = endpoint.get(
        f"{address(cloud, alice.object_id)}/msi/token",
        params={"api-version": "2019-08-01", "resource": audience},
        headers=mark(cloud, alice.object_id),
    )
    claims = token_of(answer)
    assert (claims["oid"], claims["aud"]) == (alice.object_id, audience)
    assert answer.json() == {
        "access_token": answer.json()["access_token"],
        "client_id": alice.object_id,
        "expires_in": "3600",
        "expires_on": str(claims["exp"]),
        "not_before": str(claims["nbf"]),
        "resource": audience,
        "token_type": "Bearer",
    }


def test_sdk_v1_posts_a_form(endpoint: Client, cloud: Cloud) -> None:
    answer = endpoint.post(
        f"{address(cloud, 'alice@local.test')}/msi/token",
        data={"resource": "https://management.core.windows.net/"},
        headers={"Metadata": "true"},
    )
    assert token_of(answer)["upn"] == "alice@local.test"


@pytest.mark.parametrize("slash", ["", "/"])
def test_older_flavours_by_get(endpoint: Client, cloud: Cloud, slash: str) -> None:
    secret = {"secret": mark(cloud, "alice@local.test")["X-IDENTITY-HEADER"]}
    for headers in ({"Metadata": "true"}, secret):
        answer = endpoint.get(
            f"{address(cloud, 'alice@local.test')}/msi/token{slash}", params={"resource": ARM}, headers=headers
        )
        assert token_of(answer)["upn"] == "alice@local.test"


def test_service_principals_may_use_it_too(endpoint: Client, cloud: Cloud, application: Principal) -> None:
    app_id = str(application.app_id)
    for reference in (app_id, application.object_id):
        path, headers = f"{address(cloud, reference)}/msi/token", mark(cloud, reference)
        answer = endpoint.get(path, params={"resource": ARM, "client_id": app_id}, headers=headers)
        assert token_of(answer)["appid"] == app_id == answer.json()["client_id"]
        answer = endpoint.get(path, params={"resource": ARM, "client_id": "another"}, headers=headers)
        assert answer.status_code == 400


@pytest.mark.parametrize("name", ["client_id", "clientid", "principal_id", "object_id", "mi_res_id", "msi_res_id"])
def test_another_identity_is_not_given_for_the_one_that_is_named(endpoint: Client, cloud: Cloud, name: str) -> None:
    alice = cloud.directory.find_user("alice@local.test")
    assert alice is not None
    path, headers = f"{address(cloud, alice.object_id)}/msi/token", mark(cloud, alice.object_id)
    for told, good in ((alice.object_id.upper(), not name.endswith("res_id")), ("/subscriptions/s/robot", False)):
        answer = endpoint.get(path, params={"resource": ARM, name: told}, headers=headers)
        assert (answer.status_code == 200) is good


@pytest.mark.parametrize(
    ("headers", "status"), [({}, 401), ({"X-IDENTITY-HEADER": "x"}, 401), ({"Metadata": "false"}, 401)]
)
def test_the_header_is_wanted(endpoint: Client, cloud: Cloud, headers: dict[str, str], status: int) -> None:
    path = f"{address(cloud, 'alice@local.test')}/msi/token"
    assert endpoint.get(path, params={"resource": ARM}, headers=headers).status_code == status
    assert endpoint.post(path, data={"resource": ARM}, headers=headers).status_code == 400


def test_unknown_resources_are_refused(endpoint: Client, cloud: Cloud) -> None:
    path, headers = f"{address(cloud, 'alice@local.test')}/msi/token", mark(cloud, "alice@local.test")
    answer = endpoint.get(path, params={"resource": "https://example.org"}, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_resource")
    assert endpoint.get(path, headers=headers).status_code == 400


def test_an_address_is_one_principals(endpoint: Client, cloud: Cloud) -> None:
    cloud.directory.add_user("mallory@local.test")
    own = Folder(cloud.state).secrets().identity_mark("mallory@local.test")
    for path in (f"/alice@local.test.{own}", "/alice@local.test.", "/alice@local.test", f"/{own}", "/x.y"):
        answer = endpoint.get(f"{path}/msi/token", params={"resource": ARM}, headers={"X-IDENTITY-HEADER": own})
        assert answer.status_code == 404
        assert "access_token" not in answer.json()


def test_who_it_is(endpoint: Client, cloud: Cloud) -> None:
    alice = cloud.directory.find_user("alice@local.test")
    assert alice is not None
    assert endpoint.get(f"{address(cloud, 'Alice@Local.test')}/principal").json() == {
        "id": alice.object_id,
        "kind": "User",
        "displayName": "alice",
        "userPrincipalName": "alice@local.test",
        "appId": None,
    }


def test_nobody_and_groups_cannot_sign_in(endpoint: Client, cloud: Cloud) -> None:
    (group,) = cloud.directory.list("Group")
    for reference in ("nobody@local.test", group.object_id):
        answer = endpoint.get(f"{address(cloud, reference)}/principal")
        assert (answer.status_code, answer.json()["error"]) == (404, "principal_not_found")
    nearly = endpoint.get(f"{address(cloud, 'alise@local.test')}/principal").json()
    assert nearly["error_description"].count("Did you mean 'alice@local.test'?") == 1


def test_a_removed_user_gets_no_token(endpoint: Client, cloud: Cloud) -> None:
    gone = cloud.directory.add_user("gone@local.test")
    path = f"{address(cloud, gone.object_id)}/msi/token"
    cloud.directory.remove(gone.object_id)
    answer = endpoint.get(path, params={"resource": ARM}, headers=mark(cloud, gone.object_id))
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_web_pages_are_kept_out(endpoint: Client, cloud: Cloud, headers: dict[str, str]) -> None:
    path = f"{address(cloud, 'alice@local.test')}/msi/token"
    good = mark(cloud, "alice@local.test")
    assert endpoint.get(path, params={"resource": ARM}, headers={**good, **headers}).status_code == 403
    port = Folder(cloud.state).ports().identity
    answer = endpoint.get(path, params={"resource": ARM}, headers={**good, "Host": f"localhost:{port}"})
    assert answer.status_code == 200


def test_tokens_follow_the_clock(endpoint: Client, cloud: Cloud) -> None:
    def expiry() -> int:
        path = f"{address(cloud, 'alice@local.test')}/msi/token"
        answer = endpoint.get(path, params={"resource": ARM}, headers=mark(cloud, "alice@local.test"))
        return int(answer.json()["expires_on"])

    first = expiry()
    advance(cloud, 3000)
    assert expiry() == first + 3000


def test_addresses_are_not_logged(endpoint: Client, cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "azmlflow")
    path, headers = f"{address(cloud, 'alice@local.test')}/msi/token", mark(cloud, "alice@local.test")
    token = endpoint.get(path, params={"resource": ARM}, headers=headers).json()["access_token"]
    told = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("azmlflow"))
    assert "identity token" in told
    assert headers["X-IDENTITY-HEADER"] not in told
    assert token not in told


GRANT = {"scope": "/ws", "principal_id": "p", "role": "r", "persona": "viewer", "until": ""}


def test_a_browser_gets_a_code_for_the_principal_of_the_address(endpoint: Client, cloud: Cloud) -> None:
    alice = cloud.directory.find_user("alice@local.test")
    assert alice is not None
    answer = endpoint.post(f"{address(cloud, 'alice@local.test')}/ui", json={"workspace": "/ws"})
    place, _, code = answer.json()["address"].partition("?code=")
    assert place == f"http://127.0.0.1:{Folder(cloud.state).ports().ui}/sign-in"
    found = cloud.sessions.exchange(code, cloud.clock.now())
    assert found is not None
    assert (found[0].principal_id, found[0].workspace_id, found[0].grants) == (alice.object_id, "/ws", ())
    told = {"workspace": "/ws", "grants": [GRANT]}
    code = endpoint.post(f"{address(cloud, 'alice@local.test')}/ui", json=told).json()["address"].partition("?code=")[2]
    found = cloud.sessions.exchange(code, cloud.clock.now())
    assert found is not None and found[0].grants == (Granted(**GRANT),)
    for body in (
        b"",
        b"[]",
        b"{}",
        b'{"workspace": 1}',
        b"[" * 100_000,
        b'{"workspace": "/ws", "workspace": "/other"}',
        b" " * 2_000_000,
        *(
            json.dumps({"workspace": "/ws", "grants": grants}).encode()
            for grants in (1, [1], [{"scope": "/ws"}], ["x"], [{**GRANT, "until": 1}], [{**GRANT, "more": ""}])
        ),
    ):
        assert endpoint.post(f"{address(cloud, 'alice@local.test')}/ui", content=body).status_code == 400
    assert endpoint.post("/alice@local.test.guessed/ui", json={"workspace": "/ws"}).status_code == 404
    group = address(cloud, "data-scientists")
    assert endpoint.post(f"{group}/ui", json={"workspace": "/ws"}).status_code == 404


def test_a_token_is_given_again_until_half_of_its_life_is_over(endpoint: Client, cloud: Cloud) -> None:
    """https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations"""
    cloud.directory.add_user("carol@local.test")

    def asked(resource: str = ARM, who: str = "carol@local.test") -> dict[str, Any]:
        answer = endpoint.post(
            f"{address(cloud, who)}/msi/token", data={"resource": resource}, headers={"Metadata": "true"}
        )
        told: dict[str, Any] = answer.json()
        return told

    first = asked()
    assert first["expires_in"] == "3600"
    advance(cloud, 1800)
    again = asked()
    assert (again["access_token"], again["expires_in"]) == (first["access_token"], "1800")
    assert again["expires_on"] == first["expires_on"]
    others = (asked("https://graph.microsoft.com"), asked(f"{ARM}/"), asked(who="alice@local.test"))
    assert first["access_token"] not in [each["access_token"] for each in others]
    advance(cloud, 1)
    later = asked()
    assert (later["access_token"] != first["access_token"], later["expires_in"]) == (True, "3600")


def test_a_token_says_who_it_is_for_as_they_are_called_now(endpoint: Client, cloud: Cloud) -> None:
    dave = cloud.directory.add_user("dave@local.test", display_name="Dave")

    def name() -> str:
        path, headers = f"{address(cloud, dave.object_id)}/msi/token", mark(cloud, dave.object_id)
        return str(token_of(endpoint.get(path, params={"resource": ARM}, headers=headers))["name"])

    assert name() == "Dave"
    document = cloud.store.get(PRINCIPALS, dave.object_id)
    assert document is not None
    cloud.store.put(PRINCIPALS, dave.object_id, {**document, "display_name": "David"})
    assert name() == "David"
    cloud.store.delete(PRINCIPALS, dave.object_id)
    path, headers = f"{address(cloud, dave.object_id)}/msi/token", mark(cloud, dave.object_id)
    assert endpoint.get(path, params={"resource": ARM}, headers=headers).status_code == 404


def test_a_clock_that_was_set_back_gets_no_token_of_the_future(endpoint: Client, cloud: Cloud) -> None:
    """Every service would refuse it until that time has come again."""

    def asked() -> dict[str, Any]:
        path = f"{address(cloud, 'alice@local.test')}/msi/token"
        return token_of(endpoint.get(path, params={"resource": ARM}, headers=mark(cloud, "alice@local.test")))

    advance(cloud, 86400)
    first = asked()
    advance(cloud, -86400)
    again = asked()
    assert again["nbf"] == first["nbf"] - 86400
    assert cloud.tokens.verify(
        endpoint.get(
            f"{address(cloud, 'alice@local.test')}/msi/token",
            params={"resource": ARM},
            headers=mark(cloud, "alice@local.test"),
        ).json()["access_token"],
        (ARM,),
    )
