"""Who may touch a blob: signed URLs and roles."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azmlflow.localazure.blobs import sas
from azmlflow.localazure.blobs.signing import Signing
from azmlflow.localazure.core.constants import TENANT_ID
from tests.localazure.blobs.world import (
    ACCOUNT,
    ACCOUNT_ID,
    HOST,
    KEY1,
    Azure,
    assign,
)


def test_a_url_is_for_one_blob_one_purpose_one_hour(azure: Azure) -> None:
    azure.put("mine", b"x")
    azure.put("other", b"y")
    readable = azure.url("mine", "r")
    assert azure.http.get(readable).status_code == 200
    query = readable.partition("?")[2]
    for url, code in (
        (azure.url("other").partition("?")[0] + "?" + query, "AuthenticationFailed"),
        (readable.replace("sp=r", "sp=rw"), "AuthenticationFailed"),
    ):
        refused = azure.http.get(url)
        assert (refused.status_code, refused.headers["x-ms-error-code"]) == (403, code)
    headers = {"x-ms-blob-type": "BlockBlob"}
    assert azure.http.put(readable, content=b"z", headers=headers).headers["x-ms-error-code"] == (
        "AuthorizationPermissionMismatch"
    )
    assert azure.http.delete(azure.url("mine", "rw")).status_code == 403
    assert azure.http.get(azure.url("mine", "w")).status_code == 403
    azure.clock.advance(3601)
    assert azure.http.get(readable).headers["x-ms-error-code"] == "AuthenticationFailed"


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("Storage Blob Data Contributor", {"GET", "HEAD", "PUT", "DELETE", "LIST"}),
        ("Storage Blob Data Reader", {"GET", "HEAD", "LIST"}),
        ("Owner", set()),
        (None, set()),
    ],
)
def test_a_signed_in_principal_needs_a_data_role(azure: Azure, role: str | None, allowed: set[str]) -> None:
    """Owner has every action and no data action: it may read the keys, not the blobs."""
    someone = azure.cloud.directory.add_user("someone@local.test")
    if role is not None:
        assign(azure.cloud, someone.object_id, role)
    azure.put("a", b"x")
    token, _ = azure.cloud.tokens.issue(someone.object_id, "https://storage.azure.com")
    base = f"{HOST}/azureml"
    headers = {"Authorization": f"Bearer {token}", "x-ms-blob-type": "BlockBlob"}
    for method in ("GET", "HEAD", "PUT", "LIST", "DELETE"):
        verb, url = ("GET", f"{base}?restype=container&comp=list") if method == "LIST" else (method, f"{base}/a")
        answer = azure.http.request(verb, url, headers=headers)
        if method in allowed:
            assert answer.is_success, method
        else:
            assert (answer.status_code, answer.headers["x-ms-error-code"]) == (403, "AuthorizationPermissionMismatch")


def test_a_token_for_another_service_opens_no_blob(azure: Azure) -> None:
    someone = azure.cloud.directory.add_user("someone@local.test")
    assign(azure.cloud, someone.object_id, "Storage Blob Data Contributor")
    azure.put("a", b"x")
    url = f"{HOST}/azureml/a"
    token, _ = azure.cloud.tokens.issue(someone.object_id, "https://management.azure.com")
    assert azure.http.get(url, headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert azure.http.get(url, headers={"Authorization": "Bearer forged"}).status_code == 401
    assert azure.http.get(url, headers={"Authorization": f"SharedKey {ACCOUNT}:c2ln"}).status_code == 403


def test_a_url_to_create_does_not_overwrite(azure: Azure) -> None:
    headers = {"x-ms-blob-type": "BlockBlob"}
    url = azure.url("a", "c")
    assert azure.http.put(url, content=b"first", headers=headers).status_code == 201
    again = azure.http.put(url, content=b"second", headers=headers)
    assert (again.status_code, again.headers["x-ms-error-code"]) == (403, "UnauthorizedBlobOverwrite")
    copy = azure.http.put(url, headers={"x-ms-copy-source": azure.url("a", "r")})
    assert copy.headers["x-ms-error-code"] == "UnauthorizedBlobOverwrite"
    assert azure.http.get(azure.url("a")).content == b"first"
    assert len(azure.files()) == 1


def mint(fields: dict[str, str], resource: str) -> str:
    return urlencode({**fields, "sig": sas.signature(KEY1, sas.string_to_sign(fields, ACCOUNT, resource))})


@pytest.mark.parametrize("scheme", ["SharedKeyX any", "SharedKeyLiteX x:y", "sharedkey x:y", "Basic eDp5", "SharedKey"])
def test_a_made_up_scheme_copies_nothing(azure: Azure, scheme: str) -> None:
    """A signature for one's own blob, and a header that only begins like the account key's."""
    azure.put("payroll", b"secret")
    azure.put("mine", b"x")
    headers = {"x-ms-copy-source": f"{HOST}/azureml/payroll", "Authorization": scheme}
    assert azure.http.put(azure.url("mine"), headers=headers).status_code in (400, 403)
    assert azure.http.get(azure.url("mine")).content == b"x"


def test_a_signature_copies_what_it_is_for(azure: Azure) -> None:
    azure.put("payroll", b"secret")
    for source in (
        f"{HOST}/azureml/payroll",
        f"{HOST}/azureml/%70ayroll",
        azure.url("other").replace("other", "payroll"),
    ):
        refused = azure.http.put(azure.url("mine"), headers={"x-ms-copy-source": source})
        assert (refused.status_code, refused.headers["x-ms-error-code"]) == (403, "CannotVerifyCopySource"), source
    assert azure.http.put(azure.url("mine"), headers={"x-ms-copy-source": azure.url("payroll", "r")}).status_code == 202


@pytest.mark.parametrize("version", ["2015-04-05", "2017-11-09", "2018-03-28", "2018-11-09", "2019-12-12"])
def test_a_blob_s_signature_is_none_for_a_directory(azure: Azure, version: str) -> None:
    """Before 2018-11-09 `sr` was not signed."""
    azure.put("dir", b"x")
    azure.put("dir/secret", b"secret")
    fields = {"sv": version, "sr": "b", "sp": "r", "se": "2099-01-01T00:00:00Z"}
    signed = mint(fields, "azureml/dir")
    turned = signed.replace("sr=b", "sr=d") + "&sdd=1"
    assert azure.http.get(f"{HOST}/azureml/dir/secret?{turned}").status_code == 403
    assert azure.http.get(f"{HOST}/azureml/dir?{signed}").status_code == 200


@pytest.mark.parametrize("more", ["&sp=rcwd", "&SP=rcwd", "&Sig=x", "&comp=metadata&comp=block"])
def test_a_parameter_with_two_values_is_refused(azure: Azure, more: str) -> None:
    azure.put("a", b"x")
    assert azure.http.get(azure.url("a", "r") + more).status_code in (400, 403)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_signature_opens_its_blob_in_each_spelling_and_no_other(azure: Azure, data: st.DataObject) -> None:
    azure.put("dir/mine", b"mine")
    azure.put("dir/other", b"other")
    azure.put("dir%2fmine", b"encoded twice")
    query = azure.url("dir/mine", "r").partition("?")[2]
    wanted = data.draw(st.sampled_from(["dir/mine", "dir/other", "dir%2fmine", "DIR/mine", "dir/mine/", "dir//mine"]))
    encoded = "".join(f"%{ord(c):02X}" if c == "%" or data.draw(st.booleans()) else c for c in wanted)
    answer = azure.http.get(f"{HOST}/azureml/{encoded}?{query}")
    assert (answer.content == b"mine") == (wanted == "dir/mine"), (encoded, answer.text)


@pytest.mark.parametrize(
    "more",
    [
        {"sr": "d", "sdd": "9" * 5000},  # more digits than Python reads
        {"rscd": "attachment\r\nx-made-up: 1"},
        {"rsct": "text/html\n"},
        {"rsce": "\x7f"},
        {"rscl": "\u221e"},  # what no header can say
        {"si": "a\nb"},
    ],
    ids="-".join,
)
def test_a_field_that_could_be_read_as_two_is_refused(azure: Azure, more: dict[str, str]) -> None:
    """A signature is over lines, and an answer's headers are lines: the one who signed may not be the one who reads."""
    azure.put("a", b"x")
    fields = {"sv": sas.SAS_VERSION, "sr": "b", "sp": "r", "se": "2099-01-01T00:00:00Z", **more}
    answer = azure.http.get(f"{HOST}/azureml/a?{mint(fields, 'azureml/a')}")
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (403, "AuthenticationFailed")


@pytest.mark.parametrize(
    ("twice", "refusal"),
    [
        ("sp=rw", (400, "InvalidQueryParameterValue")),
        ("sig=x", (400, "InvalidQueryParameterValue")),
        ("se=2099-01-01T00%3A00%3A00Z", (403, "AuthenticationFailed")),  # the same again
    ],
)
def test_a_parameter_beside_a_signature_is_said_once(azure: Azure, twice: str, refusal: tuple[int, str]) -> None:
    """Of two, who signed and who reads may take different ones."""
    azure.put("a", b"x")
    fields = {"sv": sas.SAS_VERSION, "sr": "b", "sp": "r", "se": "2099-01-01T00:00:00Z"}
    signed = f"{HOST}/azureml/a?{mint(fields, 'azureml/a')}"
    assert azure.http.get(signed).status_code == 200
    for url in (f"{signed}&{twice}", signed.replace("?", f"?{twice}&")):
        answer = azure.http.get(url)
        assert (answer.status_code, answer.headers["x-ms-error-code"]) == refusal, url


@pytest.mark.parametrize(
    "source", ["https://[/azureml/a", "https://[::1", "https://stmlflow.blob.core.windows.net]/a/b"]
)
def test_a_copy_s_source_that_is_no_address_is_refused(azure: Azure, source: str) -> None:
    answer = azure.http.put(azure.url("mine"), headers={"x-ms-copy-source": source})
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (400, "InvalidHeaderValue")


def test_a_token_of_who_is_not_in_the_directory_any_more_opens_nothing(azure: Azure) -> None:
    azure.put("a", b"x")
    token = azure.sign_in("Storage Blob Data Reader")
    headers = {"Authorization": f"Bearer {token}", "x-ms-version": sas.SAS_VERSION}
    assert azure.http.get(f"{HOST}/azureml/a", headers=headers).status_code == 200
    azure.cloud.directory.remove(azure.cloud.tokens.verify(token, ("https://storage.azure.com",))["oid"])
    answer = azure.http.get(f"{HOST}/azureml/a", headers=headers)
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (401, "InvalidAuthenticationInfo")
    assert "is not in the tenant" in answer.text


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, 200),
        ({"sktid": "11111111-1111-4111-8111-111111111111"}, 403),
        ({"sks": "q"}, 403),
        ({"skt": "ahead"}, 403),
        ({"ske": "now"}, 403),
        ({"saoid": "11111111-1111-4111-8111-111111111111"}, 403),
        ({"suoid": "11111111-1111-4111-8111-111111111111"}, 403),
    ],
)
def test_a_delegated_signature_is_good_within_its_keys_tenant_service_and_time(
    azure: Azure, more: dict[str, str], status: int
) -> None:
    """Microsoft, "Create a user delegation SAS"; a further user (`saoid`, `suoid`) is ours to refuse."""
    azure.put("a", b"x")
    someone = azure.cloud.directory.add_user("someone@local.test").object_id
    assign(azure.cloud, someone, "Storage Blob Data Reader")
    now = azure.clock.now()
    times = {name: sas.second(now + timedelta(minutes=add)) for name, add in (("now", 0), ("ahead", 1), ("later", 60))}
    fields = {"sv": sas.SAS_VERSION, "sr": "b", "sp": "r", "se": "later", "skoid": someone, "sktid": TENANT_ID}
    fields |= {"skt": "now", "ske": "later", "sks": "b", "skv": sas.SAS_VERSION, **more}
    fields = {name: times.get(value, value) for name, value in fields.items()}
    key = Signing(azure.cloud).delegation_key(ACCOUNT_ID, fields)
    signed = sas.signature(key, sas.string_to_sign(fields, ACCOUNT, "azureml/a"))
    answer = azure.http.get(f"{HOST}/azureml/a?{urlencode({**fields, 'sig': signed})}")
    assert (answer.status_code, answer.headers.get("x-ms-error-code")) == (
        status,
        None if status == 200 else "AuthenticationFailed",
    )


@pytest.mark.parametrize(("account", "late", "status"), [(ACCOUNT, 0, 200), ("other", 0, 403), (ACCOUNT, 16, 403)])
def test_the_key_signs_for_its_own_account_and_for_a_quarter_of_an_hour(
    azure: Azure, account: str, late: int, status: int
) -> None:
    """Microsoft, "Authorize with Shared Key": the lines, and the 15 minutes."""
    azure.put("a", b"x")
    date = f"{azure.clock.now() - timedelta(minutes=late):%a, %d %b %Y %H:%M:%S GMT}"
    own = {"x-ms-date": date, "x-ms-version": sas.SAS_VERSION}
    text = "\n".join(["GET", *[""] * 11, *(f"{name}:{value}" for name, value in own.items()), f"/{account}/azureml/a"])
    signed = {**own, "Authorization": f"SharedKey {account}:{sas.signature(KEY1, text)}"}
    answer = azure.http.get(f"{HOST}/azureml/a", headers=signed)
    assert answer.status_code == status, answer.text
    assert status == 200 or answer.headers["x-ms-error-code"] == "AuthenticationFailed"
