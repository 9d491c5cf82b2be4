"""Access tokens and signed blob URLs: good ones pass, every other is refused with Azure's code."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from azmlflow.localazure.clock import ManualClock
from azmlflow.localazure.cloud import TENANT_ID
from azmlflow.localazure.errors import AzureError
from azmlflow.localazure.store import Store
from azmlflow.localazure.tokens import GRAPH, MANAGEMENT, Tokens, find_resource

USER = "00000000-0000-0000-0000-00000000000a"
APP = "00000000-0000-0000-0000-00000000000b"
ARM = "https://management.azure.com"
BLOB = "/account/azureml/ExperimentRun/dcid.1/model.bin"


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
    query = tokens.sign_url(BLOB, "r", clock.now() + timedelta(minutes=1))
    again = Tokens(Store(), clock, keys)
    assert again.verify(token, MANAGEMENT.audiences)["oid"] == USER
    again.check_url(BLOB, query, "r")
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in keys.iterdir()} == {
        "signing.pem": 0o600,
        "sas.key": 0o600,
    }
    serialization.load_pem_private_key((keys / "signing.pem").read_bytes(), password=None)


def test_resources_are_listed() -> None:
    assert find_resource("https://management.core.windows.net/") is MANAGEMENT
    assert find_resource("00000003-0000-0000-c000-000000000000") is GRAPH
    assert find_resource("https://example.org") is None
    assert find_resource("") is None


def test_a_signed_url_looks_like_a_sas(tokens: Tokens, clock: ManualClock) -> None:
    fields = parse_qs(tokens.sign_url(BLOB, "cw", clock.now() + timedelta(hours=1)))
    assert (fields["sp"], fields["sr"], fields["spr"]) == (["cw"], ["b"], ["https"])
    assert fields["se"] == ["2026-01-01T01:00:00Z"]


@pytest.mark.parametrize(("granted", "needed"), [("r", "r"), ("cw", "w"), ("cw", "c"), ("c", "cw")])
def test_a_signed_url_passes(tokens: Tokens, clock: ManualClock, granted: str, needed: str) -> None:
    tokens.check_url(BLOB, tokens.sign_url(BLOB, granted, clock.now() + timedelta(hours=1)), needed)


def test_a_signed_url_is_for_one_permission(tokens: Tokens, clock: ManualClock) -> None:
    query = tokens.sign_url(BLOB, "r", clock.now() + timedelta(hours=1))
    with pytest.raises(AzureError) as refused:
        tokens.check_url(BLOB, query, "cw")
    assert (refused.value.status, refused.value.code) == (403, "AuthorizationPermissionMismatch")


def test_a_signed_url_ends(tokens: Tokens, clock: ManualClock) -> None:
    query = tokens.sign_url(BLOB, "r", clock.now() + timedelta(seconds=60))
    clock.advance(60)
    with pytest.raises(AzureError) as refused:
        tokens.check_url(BLOB, query, "r")
    assert (refused.value.status, refused.value.code) == (403, "AuthenticationFailed")


@pytest.mark.parametrize(
    "altered",
    [{"sp": "rcw"}, {"se": "2030-01-01T00:00:00Z"}, {"se": "never"}, {"se": ""}, {"sig": "x"}, {"sig": "é"}],
)
def test_an_altered_url_is_refused(tokens: Tokens, clock: ManualClock, altered: dict[str, str]) -> None:
    fields = {name: values[0] for name, values in parse_qs(tokens.sign_url(BLOB, "r", clock.now())).items()}
    with pytest.raises(AzureError) as refused:
        tokens.check_url(BLOB, urlencode(fields | altered), "r")
    assert refused.value.code == "AuthenticationFailed"


@pytest.mark.parametrize("path", [BLOB + "x", BLOB.replace("account", "other"), f"{BLOB}\n{BLOB}", "/"])
def test_a_signed_url_is_for_one_blob(tokens: Tokens, clock: ManualClock, path: str) -> None:
    query = tokens.sign_url(BLOB, "r", clock.now() + timedelta(hours=1))
    with pytest.raises(AzureError):
        tokens.check_url(path, query, "r")


@pytest.mark.parametrize("query", ["", "sig=", "sp=r&se=2030-01-01T00:00:00Z", "%", "sig=a&sig=b"])
def test_an_unsigned_url_is_refused(tokens: Tokens, query: str) -> None:
    with pytest.raises(AzureError) as refused:
        tokens.check_url(BLOB, query, "r")
    assert refused.value.code == "AuthenticationFailed"


def test_a_containers_url_is_good_for_its_blobs_and_no_others(tokens: Tokens, clock: ManualClock) -> None:
    query = tokens.sign_container("account", "azureml", "rw", clock.now() + timedelta(hours=1))
    tokens.check_url(BLOB, query, "r")
    tokens.check_url("/account/azureml", query, "w")
    for path, needed in (("/account/azureml2/a", "r"), ("/other/azureml/a", "r"), (BLOB, "d")):
        with pytest.raises(AzureError) as told:
            tokens.check_url(path, query, needed)
        assert told.value.status == 403
    with pytest.raises(AzureError):  # a blob's signature does not become a container's
        tokens.check_url(
            BLOB, tokens.sign_url(BLOB, "r", clock.now() + timedelta(hours=1)).replace("sr=b", "sr=c"), "r"
        )


def test_further_claims_come_back(tokens: Tokens) -> None:
    token, _ = tokens.issue(USER, ARM, more={"azmlflow_run": "job-1"})
    assert tokens.verify(token, MANAGEMENT.audiences)["azmlflow_run"] == "job-1"
