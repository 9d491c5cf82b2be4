"""The layers that every request goes through, in front of small services of the tests' own."""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import sqlite3
from pathlib import Path

import httpx
import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.hosts import CERTIFIED
from azmlflow.localazure.core.latency import profile
from azmlflow.localazure.front.middleware import Site
from azmlflow.localazure.principals import tokens
from azmlflow.localazure.principals.directory import Principal
from azmlflow.localazure.process.app import SITES, build_app
from tests.localazure.transport import Client, advance, make_cloud

SECRET = "hunter2-in-an-exception"

REFUSED: dict[str, Exception] = {
    "/full": OSError(errno.ENOSPC, "No space left on device", "/secret/place"),
    "/database-full": sqlite3.OperationalError("database or disk is full"),
    "/descriptors": OSError(errno.EMFILE, "Too many open files"),
    "/threads": RuntimeError("can't start new thread"),
}


def echo(_cloud: Cloud) -> ASGIApp:
    """Says who asked; counts a body without keeping it; fails as asked."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if scope["path"] == "/refused":
            raise AzureError(409, "Conflict", "No.", target="name", headers={"Retry-After": "7"})
        if scope["path"] == "/fault":
            try:
                raise ValueError(SECRET)
            except ValueError as error:
                raise KeyError(SECRET) from error
        if scope["path"] in REFUSED:
            raise REFUSED[scope["path"]]
        if scope["path"] == "/gone":
            raise ClientDisconnect
        if scope["path"] in {"/half", "/half-refused"}:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            raise AzureError(500, "Late", "late") if scope["path"] == "/half-refused" else RuntimeError(SECRET)
        if scope["path"] == "/stream":
            await StreamingResponse(chunk async for chunk in request.stream())(scope, receive, send)
            return
        caller = getattr(request.state, "caller", None)
        await JSONResponse(
            {
                "caller": None if caller is None else caller.principal.name,
                "audience": None if caller is None else caller.claims["aud"],
                "correlation": request.state.correlation_id,
            }
        )(scope, receive, send)

    return app


TEST_SITES = (
    Site(("management.azure.com", "*.management.azure.com"), echo, (tokens.MANAGEMENT,), open_paths=("/open",)),
    Site(("login.microsoftonline.com",), echo),
    Site(("*.vault.azure.net",), echo, (tokens.VAULT,), challenge='authorization="a", resource="b"'),
)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    return make_cloud(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def alice(cloud: Cloud) -> Principal:
    return cloud.directory.add_user("alice@local.test")


@pytest.fixture(scope="module")
def client(cloud: Cloud) -> Client:
    return Client(build_app(cloud, TEST_SITES))


def bearer(cloud: Cloud, principal: Principal, audience: str = "https://management.azure.com") -> dict[str, str]:
    return {"Authorization": f"Bearer {cloud.tokens.issue(principal.object_id, audience)[0]}"}


def test_a_good_token_names_the_caller(client: Client, cloud: Cloud, alice: Principal) -> None:
    answer = client.get("https://management.azure.com/x", headers=bearer(cloud, alice))
    assert (answer.status_code, answer.json()["caller"]) == (200, "alice@local.test")


@pytest.mark.parametrize(
    "host",
    ["MANAGEMENT.AZURE.COM", "management.azure.com:443", "management.azure.com.", "westeurope.management.azure.com"],
)
def test_hosts_are_found_in_each_spelling(client: Client, cloud: Cloud, alice: Principal, host: str) -> None:
    headers = {**bearer(cloud, alice), "Host": host}
    assert client.get("https://management.azure.com/x", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "host", ["account.queue.core.windows.net", "example.org", "vault.azure.net", "xmanagement.azure.com", ""]
)
def test_other_hosts_are_a_404(client: Client, cloud: Cloud, alice: Principal, host: str) -> None:
    headers = {**bearer(cloud, alice), "Host": host}
    answer = client.get("https://management.azure.com/x", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "HostNotEmulated")
    assert host in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "AuthenticationFailed"),
        ("Basic eDp5", "AuthenticationFailed"),
        ("Bearer", "AuthenticationFailed"),
        ("Bearer ", "AuthenticationFailed"),
        ("Bearer x.y.z", "InvalidAuthenticationToken"),
    ],
)
def test_without_a_good_token_401(client: Client, authorization: str | None, code: str) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = client.get("https://management.azure.com/x", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
    assert answer.headers["www-authenticate"].startswith("Bearer authorization_uri=")


def test_expired_foreign_and_orphaned_tokens(client: Client, cloud: Cloud, alice: Principal) -> None:
    gone = cloud.directory.add_user("gone@local.test")
    orphaned, foreign, old = (
        bearer(cloud, gone),
        bearer(cloud, alice, "https://graph.microsoft.com"),
        bearer(cloud, alice),
    )
    cloud.directory.remove(gone.object_id)
    codes = [
        client.get("https://management.azure.com/x", headers=headers).json()["error"]["code"]
        for headers in (orphaned, foreign)
    ]
    assert codes == ["InvalidAuthenticationToken", "InvalidAuthenticationTokenAudience"]
    advance(cloud, 3600)
    answer = client.get("https://management.azure.com/x", headers=old)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "ExpiredAuthenticationToken")


def test_a_site_may_challenge_in_its_own_words(client: Client, cloud: Cloud, alice: Principal) -> None:
    answer = client.get("https://kv.vault.azure.net/secrets")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer authorization="a", resource="b"')
    good = bearer(cloud, alice, "https://vault.azure.net")
    assert client.get("https://kv.vault.azure.net/secrets", headers=good).status_code == 200


def test_open_sites_and_paths_ask_for_no_token(client: Client) -> None:
    for url in ("https://login.microsoftonline.com/x", "https://management.azure.com/open"):
        assert client.get(url).json()["caller"] is None


def test_each_answer_carries_ids(client: Client) -> None:
    answer = client.get("https://login.microsoftonline.com/x")
    request_id = answer.headers["x-ms-request-id"]
    assert re.fullmatch(r"[0-9a-f-]{36}", request_id)
    assert answer.headers["x-ms-correlation-request-id"] == request_id == answer.json()["correlation"]
    assert "x-ms-client-request-id" not in answer.headers
    assert client.get("https://login.microsoftonline.com/x").headers["x-ms-request-id"] != request_id


def test_a_clients_ids_come_back(client: Client) -> None:
    sent = {"x-ms-client-request-id": "mine", "x-ms-correlation-request-id": "thread"}
    answer = client.get("https://management.azure.com/x", headers=sent)
    assert answer.status_code == 401
    assert {name: answer.headers[name] for name in sent} == sent
    answer = client.get("https://management.azure.com/x", headers={"x-ms-client-request-id": "x" * 500})
    assert "x-ms-client-request-id" not in answer.headers


def test_a_refusal_is_rendered_as_arm_does(client: Client, cloud: Cloud, alice: Principal) -> None:
    answer = client.get("https://management.azure.com/refused", headers=bearer(cloud, alice))
    assert (answer.status_code, answer.headers["retry-after"]) == (409, "7")
    assert answer.json() == {"error": {"code": "Conflict", "message": "No.", "target": "name"}}


def test_a_fault_of_ours_says_nothing(
    client: Client, cloud: Cloud, alice: Principal, caplog: pytest.LogCaptureFixture
) -> None:
    headers = bearer(cloud, alice)
    answer = client.get("https://management.azure.com/fault?sig=abc", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "InternalServerError")
    assert answer.headers["x-ms-correlation-request-id"] in answer.json()["error"]["message"]
    assert "KeyError" in caplog.text
    assert "ValueError" in caplog.text
    assert "test_app.py" in caplog.text
    for secret in (SECRET, "sig=", headers["Authorization"][7:]):
        assert secret not in caplog.text + answer.text


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/full", ("DiskFull", "df -h")),
        ("/database-full", ("DiskFull", "df -h")),
        ("/descriptors", ("NoFileDescriptor", "ulimit -n")),
        ("/threads", ("NoProcess", "ulimit -u")),
    ],
)
def test_what_the_machine_lacks_is_told(
    client: Client, cloud: Cloud, alice: Principal, path: str, wanted: tuple[str, str]
) -> None:
    answer = client.get(f"https://management.azure.com{path}", headers=bearer(cloud, alice))
    code, advice = wanted
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, code)
    assert advice in answer.json()["error"]["message"]
    assert "/secret/place" not in answer.json()["error"]["message"]


def test_a_damaged_database_is_told_as_such(tmp_path: Path, cloud: Cloud, alice: Principal) -> None:
    (tmp_path / "x.db").write_bytes(b"this is not a database, and long enough to be looked at" * 100)

    def reader(_cloud: Cloud) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            sqlite3.connect(tmp_path / "x.db").execute("SELECT * FROM sqlite_master")

        return app

    sites = (Site(("management.azure.com",), reader, (tokens.MANAGEMENT,)),)
    answer = Client(build_app(cloud, sites)).get("https://management.azure.com/x", headers=bearer(cloud, alice))
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "DatabaseDamaged")
    assert "azmlflow local repair" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/half", "/half-refused"])
def test_half_an_answer_is_broken_off(client: Client, cloud: Cloud, alice: Principal, path: str) -> None:
    with pytest.raises((ConnectionAbortedError, AzureError)) as broken:
        client.get(f"https://management.azure.com{path}", headers=bearer(cloud, alice))
    assert SECRET not in str(broken.value)


def test_the_log_has_one_line_a_request(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "azmlflow.local")
    client.get("https://login.microsoftonline.com/a%0Ab/c?sig=secret&code=x", headers={"Authorization": "Bearer t"})
    (line,) = [record.getMessage() for record in caplog.records if record.name == "azmlflow.local"]
    assert re.fullmatch(r"GET login\.microsoftonline\.com /a%0Ab/c 200 \d+ ms", line)


def test_bodies_are_streamed(cloud: Cloud) -> None:
    """The service answers the first chunk before the client has sent the second."""

    async def scene() -> list[str]:
        told: list[str] = []
        chunks = [b"one", b"two", b""]

        async def receive() -> Message:
            body = chunks.pop(0)
            told.append(f"in {body.decode()}")
            return {"type": "http.request", "body": body, "more_body": bool(chunks)}

        async def send(message: Message) -> None:
            if message.get("body"):
                told.append(f"out {message['body'].decode()}")

        headers = [(b"host", b"login.microsoftonline.com")]
        scope = {"type": "http", "method": "PUT", "path": "/stream", "headers": headers, "query_string": b""}
        await build_app(cloud, TEST_SITES)({**scope, "asgi": {"spec_version": "2.4"}}, receive, send)
        return told

    assert asyncio.run(scene()) == ["in one", "out one", "in two", "out two", "in "]


def test_a_client_that_went_away_is_no_fault(
    client: Client, cloud: Cloud, alice: Principal, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises((AssertionError, httpx.HTTPError)):  # there is no answer to give
        client.get("https://management.azure.com/gone", headers=bearer(cloud, alice))
    assert "fault" not in caplog.text


def test_every_certified_name_that_is_emulated_has_a_site() -> None:
    not_emulated = {"ml.azure.com", "graph.windows.net"}
    storage = {f"*.{service}.core.windows.net" for service in ("dfs", "file", "queue", "table")}
    for name in CERTIFIED:
        host = name.replace("*", "x")
        served = [site for site in SITES if site.serves(host)]
        assert len(served) == (0 if name in not_emulated | storage else 1), name


def test_the_real_services_answer_together(tmp_path: Path) -> None:
    real = make_cloud(tmp_path)
    client = Client(build_app(real))
    assert client.get("https://login.microsoftonline.com/common/discovery/instance").status_code == 200
    for host in ("management.azure.com", "graph.microsoft.com", "kv.vault.azure.net", "westeurope.api.azureml.ms"):
        answer = client.get(f"https://{host}/x")
        assert answer.status_code == 401, host
        assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert client.get("https://graph.windows.net/x").status_code == 404


def test_the_data_plane_asks_for_a_token_in_the_body_that_each_of_its_clients_reads(tmp_path: Path) -> None:
    """MLflow's client reads `error_code`; azureml-core's goes through `details`, and fails at one that is not there."""
    client = Client(build_app(make_cloud(tmp_path)))
    for path in ("mlflow/v2.0/w/api/2.0/mlflow/runs/get", "history/v1.0/w/runs", "modelmanagement/v1.0/w/models"):
        told = client.get(f"https://westeurope.api.azureml.ms/{path}").json()
        assert (told["error_code"], told["statusCode"]) == ("UNAUTHENTICATED", 401)
        assert (told["error"]["code"], told["error"]["details"]) == ("AuthenticationFailed", [])
        assert [each["code"] for each in told["details"]] == ["AuthenticationFailed"]


def test_a_profile_holds_answers_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its round trip, and by what a service says that Azure takes at once; `none` by nothing."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    def slow(_cloud: Cloud) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"]["seconds"] = 5.0
            await JSONResponse({})(scope, receive, send)

        return app

    monkeypatch.setattr("azmlflow.localazure.front.middleware.asyncio.sleep", sleep)
    cloud = make_cloud(tmp_path)
    sites = (Site(("a.test",), echo), Site(("b.test",), slow))
    for name, expected in (("none", []), ("azure", [0.05, 5.05])):
        cloud.operations.latency = profile(name)
        client = Client(build_app(cloud, sites))
        assert [client.get(f"https://{host}/").status_code for host in ("a.test", "b.test")] == [200, 200]
        assert slept == expected
