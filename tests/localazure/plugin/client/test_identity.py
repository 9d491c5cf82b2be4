"""The plugin's credential: from the environment alone, one token for all, no secret in an error."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from azmlflow.localazure.plugin.client.calls import NotSignedIn
from azmlflow.localazure.plugin.client.identity import SharedCredential, claims, credential, secrets_of

ENVIRONMENT = {
    "IDENTITY_ENDPOINT": "http://127.0.0.1:1234/0123456789abcdef/msi/token",
    "IDENTITY_HEADER": "header-secret",
    "AZURE_CLIENT_SECRET": "client-secret",
    "HTTPS_PROXY": "http://azmlflow:proxy-secret@127.0.0.1:1",
}


def test_no_credential_names_the_command_that_gives_one(azure: Any) -> None:
    with pytest.raises(NotSignedIn, match="azmlflow env --engine"):
        credential({"AZURE_CLIENT_ID": "x"}, azure)


def test_an_identity_endpoint_is_asked_for_arms_token(azure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {name: ENVIRONMENT[name] for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER")}
    for name, value in environment.items():  # azure-identity reads the process environment itself
        monkeypatch.setenv(name, value)
    token = {"access_token": "t", "expires_on": "4102444800", "resource": "r", "token_type": "Bearer"}
    azure.scripted.append(lambda _: (200, {}, json.loads(json.dumps(token))))
    found = credential(environment, azure).get_token("https://management.azure.com/.default")
    assert found.token == "t"
    (sent,) = azure.sent
    assert sent.path == "/0123456789abcdef/msi/token"
    assert sent.query["resource"] == "https://management.azure.com"


def test_secrets_are_known_by_where_they_are() -> None:
    assert set(secrets_of(ENVIRONMENT)) == {"0123456789abcdef", "header-secret", "client-secret", "proxy-secret"}
    assert secrets_of({}) == ()


def test_no_error_repeats_a_secret() -> None:
    class Failing:
        def get_token(self, *_: str, **__: Any) -> Any:
            raise ClientAuthenticationError("no answer from http://127.0.0.1/0123456789abcdef/msi/token\nmore")

    with pytest.raises(NotSignedIn, match=r"127\.0\.0\.1/\[secret\]/msi") as caught:
        SharedCredential(Failing(), secrets_of(ENVIRONMENT)).get_token("s")
    assert caught.value.__cause__ is None and "more" not in str(caught.value)


def test_threads_ask_one_at_a_time() -> None:
    class Counting:
        inside = most = 0

        def get_token(self, *_: str, **__: Any) -> Any:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.inside -= 1
            return "token"

    counting = Counting()
    shared: Any = SharedCredential(counting)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: shared.get_token("s"), range(50))) == {"token"}
    assert counting.most == 1


def test_a_service_principal_comes_before_an_identity_endpoint(azure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {**ENVIRONMENT, "AZURE_CLIENT_ID": "c", "AZURE_TENANT_ID": "11111111-1111-4111-8111-111111111111"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    azure.scripted.append(lambda _: (401, {}, {"error": "invalid_client"}))
    with pytest.raises(NotSignedIn, match=r"no access token for https://x\.test/\.default: "):
        credential(environment, azure).get_token("https://x.test/.default")
    assert {sent.url.split("/")[2] for sent in azure.sent} == {"login.microsoftonline.com"}


@pytest.mark.parametrize(
    "environment",
    [{}, {"AZURE_TENANT_ID": "t"}, {"IDENTITY_HEADER": "h"}, {"IDENTITY_ENDPOINT": "http://127.0.0.1:1/x"}],
)
def test_half_a_credential_is_none(azure: Any, environment: dict[str, str]) -> None:
    with pytest.raises(NotSignedIn) as told:
        credential(environment, azure)
    assert str(told.value) == (
        "neither a service principal's variables nor an identity endpoint are set; "
        'run through `azmlflow up`, or set the shell up with `eval "$(azmlflow env --engine)"`'
    )


def test_a_refusal_without_words_is_named_by_its_kind() -> None:
    class Failing:
        def get_token(self, *_: str, **__: Any) -> Any:
            error = ClientAuthenticationError("")
            error.message = ""  # azure-core puts words of its own there
            raise error

    with pytest.raises(NotSignedIn) as told:
        SharedCredential(Failing()).get_token("a", "b")
    assert str(told.value).startswith("no access token for a b: ClientAuthenticationError (")


@pytest.mark.parametrize("text", ["12345678", "1234567"])
def test_a_short_text_is_no_secret_and_a_proxys_password_is_one(text: str) -> None:
    found = secrets_of({"https_proxy": f"http://u:{text}@127.0.0.1:1"})
    assert found == ((text,) if len(text) == 8 else ())
    assert secrets_of({"https_proxy": "http://127.0.0.1:1"}) == ()


@pytest.mark.parametrize(
    ("token", "said"),
    [("e30.W10.x", "the access token holds no claims"), ("one", "the access token is not a JSON Web Token")],
)
def test_a_token_without_claims_is_named(token: str, said: str) -> None:
    with pytest.raises(NotSignedIn) as told:
        claims(token)
    assert str(told.value) == said


@pytest.mark.parametrize("name", ["", "a", "ab", "abc"])
def test_claims_are_read_whatever_their_length(name: str) -> None:
    payload = base64.urlsafe_b64encode(json.dumps({"oid": name}).encode()).decode().rstrip("=")
    assert claims(f"e30.{payload}.sig") == {"oid": name}


def test_a_failed_request_for_a_token_is_told_without_the_environments_secrets(
    azure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = {name: ENVIRONMENT[name] for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER")}
    for name, value in endpoint.items():
        monkeypatch.setenv(name, value)

    def unreachable(_: Any) -> Any:
        raise ServiceRequestError(f"cannot reach {' with '.join(endpoint.values())}")

    azure.scripted.append(unreachable)
    with pytest.raises(NotSignedIn, match=r"127\.0\.0\.1:1234/\[secret\]/msi/token with \[secret\]"):
        credential(endpoint, azure).get_token("https://management.azure.com/.default")


def test_what_is_asked_beside_the_scopes_is_passed_on() -> None:
    class Asked:
        def get_token(self, *scopes: str, **kwargs: Any) -> Any:
            return scopes, kwargs

    shared: Any = SharedCredential(Asked())
    assert shared.get_token("s", "t", claims="c", enable_cae=True) == (("s", "t"), {"claims": "c", "enable_cae": True})
