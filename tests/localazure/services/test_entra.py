"""Sign-in of applications: Entra's answers, good and bad."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.principals.directory import Principal
from azmlflow.localazure.principals.tokens import MANAGEMENT
from azmlflow.localazure.services import entra
from tests.localazure.transport import Client, make_cloud

LOGIN = "https://login.microsoftonline.com"
ARM = "https://management.azure.com"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    return make_cloud(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def application(cloud: Cloud) -> tuple[Principal, str]:
    principal, secret = cloud.directory.add_service_principal("pipeline")
    assert secret is not None
    return principal, secret


@pytest.fixture(scope="module")
def login(cloud: Cloud) -> Client:
    return Client(entra.service(cloud), LOGIN)


def asked(application: tuple[Principal, str], **changes: Any) -> dict[str, Any]:
    principal, secret = application
    form = {
        "grant_type": "client_credentials",
        "client_id": str(principal.app_id),
        "client_secret": secret,
        "scope": f"{ARM}/.default",
    }
    return {name: value for name, value in {**form, **changes}.items() if value}


def test_instance_discovery_and_configuration_lead_to_the_token_endpoint(login: Client) -> None:
    url = f"{LOGIN}/{TENANT_ID}/oauth2/v2.0/authorize"
    found = login.get("/common/discovery/instance", params={"api-version": "1.1", "authorization_endpoint": url}).json()
    assert "login.microsoftonline.com" in found["metadata"][0]["aliases"]
    configuration = login.get(found["tenant_discovery_endpoint"]).json()
    assert configuration["issuer"] == f"{LOGIN}/{TENANT_ID}/v2.0"
    assert configuration["token_endpoint"] == f"{LOGIN}/{TENANT_ID}/oauth2/v2.0/token"
    assert login.get(configuration["jwks_uri"]).json()["keys"][0]["kty"] == "RSA"


@pytest.mark.parametrize("tenant", [TENANT_ID, TENANT_ID.upper(), "local.test", "common", "organizations"])
@pytest.mark.parametrize("version", ["", "/v2.0"])
def test_configuration_under_each_name_of_the_tenant(login: Client, tenant: str, version: str) -> None:
    answer = login.get(f"/{tenant}{version}/.well-known/openid-configuration")
    assert answer.status_code == 200
    assert TENANT_ID in answer.json()["token_endpoint"]


def test_an_application_signs_in_v2(login: Client, application: tuple[Principal, str], cloud: Cloud) -> None:
    answer = login.post(f"/{TENANT_ID}/oauth2/v2.0/token", data=asked(application))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    claims = cloud.tokens.verify(body["access_token"], MANAGEMENT.audiences)
    assert (claims["oid"], claims["appid"]) == (application[0].object_id, application[0].app_id)


def test_an_application_signs_in_v1(login: Client, application: tuple[Principal, str], cloud: Cloud) -> None:
    form = asked(application, scope="", resource="https://management.core.windows.net/")
    body = login.post(f"/{TENANT_ID}/oauth2/token", data=form).json()
    assert body["resource"] == "https://management.core.windows.net/"
    assert int(body["expires_on"]) == int(cloud.clock.now().timestamp()) + 3600
    assert cloud.tokens.verify(body["access_token"], MANAGEMENT.audiences)["oid"] == application[0].object_id


def test_an_application_signs_in_by_a_basic_header(login: Client, application: tuple[Principal, str]) -> None:
    form = asked(application, client_id="", client_secret="")
    credential = (str(application[0].app_id), application[1])
    assert login.post(f"/{TENANT_ID}/oauth2/v2.0/token", data=form, auth=credential).status_code == 200


def test_a_secret_that_is_over_signs_nobody_in(login: Client, cloud: Cloud) -> None:
    now = cloud.clock.now()
    principal, _ = cloud.directory.add_service_principal("short-lived", with_secret=False)
    for begin, end, status in ((-2, 2, 200), (-2, -1, 401), (1, 2, 401)):
        good = (now + timedelta(hours=begin), now + timedelta(hours=end))
        secret = cloud.directory.new_secret(str(principal.app_id), good)
        answer = login.post(f"/{TENANT_ID}/oauth2/v2.0/token", data=asked((principal, secret)))
        assert answer.status_code == status
        assert status == 200 or answer.json()["error_codes"] == [7000222]


def test_run_as_has_a_secret_of_its_own(login: Client, application: tuple[Principal, str], cloud: Cloud) -> None:
    secret = Folder(cloud.state).secrets().client_secret(str(application[0].app_id))
    answer = login.post(f"/{TENANT_ID}/oauth2/v2.0/token", data=asked(application, client_secret=secret))
    assert answer.status_code == 200
    other = Folder(cloud.state).secrets().client_secret("another")
    answer = login.post(f"/{TENANT_ID}/oauth2/v2.0/token", data=asked(application, client_secret=other))
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"client_secret": "wrong"}, (401, "invalid_client", [7000215])),
        ({"client_secret": ""}, (401, "invalid_client", [7000218])),
        ({"client_assertion": "x.y.z"}, (401, "invalid_client", [7000218])),
        ({"username": "alice@local.test", "password": "x"}, (401, "invalid_client", [7000218])),
        ({"scope": ["User.Read", "https://management.azure.com/.default"]}, (400, "invalid_request", [9000411])),
        ({"client_id": "00000000-0000-0000-0000-0000000000ff"}, (400, "unauthorized_client", [700016])),
        ({"client_id": ""}, (400, "invalid_request", [900144])),
        ({"grant_type": ""}, (400, "invalid_request", [900144])),
        ({"grant_type": "password"}, (400, "unsupported_grant_type", [70003])),
        ({"scope": ""}, (400, "invalid_request", [900144])),
        ({"scope": "User.Read"}, (400, "invalid_scope", [1002012])),
        ({"scope": "https://example.org/.default"}, (400, "invalid_resource", [500011])),
    ],
)
def test_a_bad_request_is_refused_as_entra_does(
    login: Client,
    application: tuple[Principal, str],
    changes: dict[str, Any],
    expected: tuple[int, str, list[int]],
) -> None:
    answer = login.post(f"/{TENANT_ID}/oauth2/v2.0/token", data=asked(application, **changes))
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == expected
    assert body["error_description"].startswith(f"AADSTS{expected[2][0]}: ")
    assert set(body) >= {"timestamp", "trace_id", "correlation_id", "error_uri"}
    assert application[1] not in answer.text


def test_a_field_that_nobody_knows_is_ignored(login: Client, application: tuple[Principal, str]) -> None:
    """RFC 6749, 3.2: "The authorization server MUST ignore unrecognized request parameters"."""
    form = asked(application, client_info="1", colour="red")
    assert login.post(f"/{TENANT_ID}/oauth2/v2.0/token", data=form).status_code == 200


def test_another_tenant_is_refused(login: Client, application: tuple[Principal, str]) -> None:
    for tenant in ("00000000-0000-0000-0000-000000000009", "common"):
        answer = login.post(f"/{tenant}/oauth2/v2.0/token", data=asked(application))
        assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])


def test_a_huge_form_is_refused(login: Client) -> None:
    answer = login.post(f"/{TENANT_ID}/oauth2/v2.0/token", content=b"a=" + b"x" * 100_000)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/",
        f"/{TENANT_ID}/oauth2/v2.0/devicecode",
        f"/{TENANT_ID}/oauth2/v2.0/authorize",
        f"/{TENANT_ID}/discovery/keys/",
    ],
)
def test_what_is_not_emulated_is_a_404_with_a_reason(login: Client, path: str) -> None:
    answer = login.get(path)
    assert answer.status_code == 404
    assert "does not emulate" in answer.json()["error_description"]
