"""Access tokens: good ones pass, every other is refused with Azure's code."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from azmlflow.localazure.core.clock import ManualClock
from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Store
from azmlflow.localazure.principals.tokens import GRAPH, MANAGEMENT, Tokens, find_resource_server

USER = "00000000-0000-0000-0000-00000000000a"
APP = "00000000-0000-0000-0000-00000000000b"
ARM = "https://management.azure.com"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def tokens(keys: Path, clock: ManualClock) -> Tokens:
    store = Store()
    store.put("principals", USER, {"object_id": USER, "kind": "User", "display_name": "A", "upn": "a@local.test"})
    store.put("principals", APP, {"object_id": APP, "kind": "ServicePrincipal", "display_name": "B", "app_id": "b-id"})
    return Tokens(store, clock, keys)


def test_a_users_token_says_who(tokens: Tokens, clock: ManualClock) -> None:
    token, expires_on = tokens.issue(USER, ARM)
    claims = tokens.verify(token, MANAGEMENT.audiences)
    assert expires_on == clock.now().timestamp() + 3600 == claims["exp"]
    assert {name: claims[name] for name in ("oid", "tid", "aud", "upn", "idtyp", "ver")} == {
        "oid": USER,
        "tid": TENANT_ID,
        "aud": ARM,
        "upn": "a@local.test",
        "idtyp": "user",
        "ver": "1.0",
    }
    assert claims["iss"] == f"https://sts.windows.net/{TENANT_ID}/"
    assert "appid" not in claims


def test_an_applications_token_says_which(tokens: Tokens) -> None:
    claims = tokens.verify(tokens.issue(APP, ARM)[0], MANAGEMENT.audiences)
    assert (claims["idtyp"], claims["appid"]) == ("app", "b-id")
    assert "upn" not in claims


@pytest.mark.parametrize(
    "audience",
    ["https://management.azure.com/", "https://management.core.windows.net/", "HTTPS://MANAGEMENT.AZURE.COM"],
)
def test_audiences_pass_in_each_spelling(tokens: Tokens, audience: str) -> None:
    assert tokens.verify(tokens.issue(USER, audience)[0], MANAGEMENT.audiences)["aud"] == audience


def test_a_token_ends(tokens: Tokens, clock: ManualClock) -> None:
    token, _ = tokens.issue(USER, ARM, lifetime=60)
    clock.advance(59)
    tokens.verify(token, MANAGEMENT.audiences)
    clock.advance(1)
    with pytest.raises(AzureError) as refused:
        tokens.verify(token, MANAGEMENT.audiences)
    assert (refused.value.status, refused.value.code) == (401, "ExpiredAuthenticationToken")
    assert refused.value.headers["WWW-Authenticate"].startswith("Bearer ")


def test_a_token_for_another_service_is_refused(tokens: Tokens) -> None:
    with pytest.raises(AzureError) as refused:
        tokens.verify(tokens.issue(USER, GRAPH.audiences[0])[0], MANAGEMENT.audiences)
    assert refused.value.code == "InvalidAuthenticationTokenAudience"


def test_a_token_from_the_future_is_refused(tokens: Tokens, clock: ManualClock) -> None:
    token, _ = tokens.issue(USER, ARM)
    clock.advance(-600)
    with pytest.raises(AzureError, match="not yet valid"):
        tokens.verify(token, MANAGEMENT.audiences)


def forged(tokens: Tokens, algorithm: str) -> str:
    """The claims of a good token under a key of somebody else's, or under none."""
    good = jwt.decode(tokens.issue(USER, ARM)[0], options={"verify_signature": False})
    if algorithm == "none":
        return jwt.encode(good, "", algorithm="none")
    if algorithm == "HS256":  # the public key taken for a shared secret
        return jwt.encode(good, str(tokens.jwks()["keys"][0]["n"]), algorithm="HS256")
    return jwt.encode(good, rsa.generate_private_key(public_exponent=65537, key_size=2048), algorithm="RS256")


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS256"])
def test_a_forged_token_is_refused(tokens: Tokens, algorithm: str) -> None:
    with pytest.raises(AzureError) as refused:
        tokens.verify(forged(tokens, algorithm), MANAGEMENT.audiences)
    assert (refused.value.status, refused.value.code) == (401, "InvalidAuthenticationToken")


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é.é.é"])
def test_what_is_no_token_is_refused(tokens: Tokens, text: str) -> None:
    with pytest.raises(AzureError) as refused:
        tokens.verify(text, MANAGEMENT.audiences)
    assert refused.value.status == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": "soon"},
        {"exp": [1]},
        {"exp": True},
        {"exp": 1e300},
        {"nbf": "now"},
        {"nbf": None},
        {"oid": 7},
        {"oid": ["x"]},
    ],
)
def test_claims_of_a_wrong_type_are_refused(tokens: Tokens, claims: dict[str, Any]) -> None:
    good = jwt.decode(tokens.issue(USER, ARM)[0], options={"verify_signature": False})
    token = jwt.encode({**good, **claims}, tokens._key, algorithm="RS256")
    with pytest.raises(AzureError) as refused:
        tokens.verify(token, MANAGEMENT.audiences)
    assert (refused.value.status, refused.value.code) == (401, "InvalidAuthenticationToken")


def test_an_altered_token_is_refused(tokens: Tokens) -> None:
    header, claims, signature = tokens.issue(APP, ARM)[0].split(".")
    other = tokens.issue(USER, ARM)[0].split(".")[1]
    assert other != claims
    with pytest.raises(AzureError):
        tokens.verify(f"{header}.{other}.{signature}", MANAGEMENT.audiences)


def test_anybody_can_verify_with_the_published_key(tokens: Tokens) -> None:
    token, _ = tokens.issue(USER, ARM)
    (key,) = tokens.jwks()["keys"]
    assert jwt.get_unverified_header(token)["kid"] == key["kid"]
    claims = jwt.decode(
        token,
        jwt.PyJWK(key).key,
        algorithms=["RS256"],
        audience=ARM,
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    assert claims["oid"] == USER
    assert "d" not in key


def test_keys_are_kept_and_nobody_elses_to_read(tokens: Tokens, keys: Path, clock: ManualClock) -> None:
    token, _ = tokens.issue(USER, ARM)
    again = Tokens(Store(), clock, keys)
    assert again.verify(token, MANAGEMENT.audiences)["oid"] == USER
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in keys.iterdir()} == {"signing.pem": 0o600}
    serialization.load_pem_private_key((keys / "signing.pem").read_bytes(), password=None)


def test_resources_are_listed() -> None:
    assert find_resource_server("https://management.core.windows.net/") is MANAGEMENT
    assert find_resource_server("00000003-0000-0000-c000-000000000000") is GRAPH
    assert find_resource_server("https://example.org") is None
    assert find_resource_server("") is None


def test_further_claims_come_back(tokens: Tokens) -> None:
    token, _ = tokens.issue(USER, ARM, more={"azmlflow_run": "job-1"})
    assert tokens.verify(token, MANAGEMENT.audiences)["azmlflow_run"] == "job-1"


def test_a_token_that_was_good_is_not_good_for_ever_nor_for_anything_nor_in_another_form(
    tokens: Tokens, clock: ManualClock
) -> None:
    token, expires_on = tokens.issue("p-1", MANAGEMENT.audiences[0])
    first = tokens.verify(token, MANAGEMENT.audiences)
    assert tokens.verify(token, MANAGEMENT.audiences) == first
    first["oid"] = "p-2"  # type: ignore[index]
    assert tokens.verify(token, MANAGEMENT.audiences)["oid"] == "p-1", (
        "who changes its claims has changed nobody else's"
    )
    for changed in (f"{token} ", token[:-4], token.replace(".", "..", 1), token.swapcase()):
        with pytest.raises(AzureError) as refused:
            tokens.verify(changed, MANAGEMENT.audiences)
        assert refused.value.status == 401
    with pytest.raises(AzureError) as refused:
        tokens.verify(token, GRAPH.audiences)
    assert refused.value.code == "InvalidAuthenticationTokenAudience"
    clock.advance(expires_on - clock.now().timestamp())
    with pytest.raises(AzureError) as refused:
        tokens.verify(token, MANAGEMENT.audiences)
    assert refused.value.code == "ExpiredAuthenticationToken"


def test_more_tokens_than_are_remembered_are_as_good(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("azmlflow.localazure.principals.tokens._PROVEN", 2)
    issued = [tokens.issue(f"p-{number}", MANAGEMENT.audiences[0])[0] for number in range(4)]
    for _ in range(2):
        found = [tokens.verify(token, MANAGEMENT.audiences)["oid"] for token in issued]
        assert found == ["p-0", "p-1", "p-2", "p-3"]
    assert len(tokens._proven) == 2
