"""azure-storage-blob itself against the blob service, without a network between them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from azure.core import MatchConditions
from azure.core.credentials import AccessToken
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import (
    AccountSasPermissions,
    BlobBlock,
    BlobClient,
    BlobPrefix,
    BlobSasPermissions,
    BlobServiceClient,
    ContainerClient,
    ContainerSasPermissions,
    ResourceTypes,
    generate_account_sas,
    generate_blob_sas,
    generate_container_sas,
)

from azmlflow.localazure.core.collections import SECRETS
from tests.localazure.blobs.world import ACCOUNT, ACCOUNT_ID, HOST, KEY1, KEY2, Azure, assign
from tests.localazure.carrier import transport

HOUR = timedelta(hours=1)
pytestmark = pytest.mark.usefixtures("now")


class Token:
    """A credential with a token at hand."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(self._token, int((datetime.now(UTC) + HOUR).timestamp()))


@pytest.fixture
def now(azure: Azure) -> datetime:
    """The real time, at which azure-storage-blob signs: the embedded Azure's clock stands at it."""
    azure.clock.instant = datetime.now(UTC)
    return azure.clock.instant


@pytest.fixture
def options(azure: Azure) -> Iterator[dict[str, Any]]:
    """What makes a client talk to the embedded Azure, and fail at once."""
    with requests.Session() as session:
        yield {"transport": transport(session, azure.http.carry), "retry_total": 0}


@pytest.fixture
def account(options: dict[str, Any]) -> BlobServiceClient:
    """A client with the account's first key."""
    return BlobServiceClient(HOST, credential=KEY1, **options)


def code(refused: pytest.ExceptionInfo[HttpResponseError]) -> tuple[int | None, str]:
    """Status and error code; the client makes its enumeration's member of a code that it knows."""
    told: Any = getattr(refused.value, "error_code", None)
    return refused.value.status_code, str(getattr(told, "value", told))


def test_containers(account: BlobServiceClient) -> None:
    account.create_container("first", metadata={"owner": "alice"})
    with pytest.raises(ResourceExistsError) as refused:
        account.create_container("first")
    assert code(refused) == (409, "ContainerAlreadyExists")
    account.create_container("second")
    listed = list(account.list_containers(include_metadata=True, results_per_page=1))
    assert [(found.name, found.metadata) for found in listed] == [
        ("azureml", {}),
        ("first", {"owner": "alice"}),
        ("second", {}),
    ]
    assert [found.name for found in account.list_containers(name_starts_with="f")] == ["first"]
    first = account.get_container_client("first")
    assert (first.exists(), first.get_container_properties().metadata) == (True, {"owner": "alice"})
    etag = first.set_container_metadata({"owner": "bob"})["etag"]
    assert (first.get_container_properties().etag, first.get_container_properties().metadata["owner"]) == (etag, "bob")
    first.upload_blob("a", b"x")
    first.delete_container()
    assert not first.exists()
    with pytest.raises(ResourceNotFoundError):
        first.delete_container()
    told: dict[str, Any] = dict(account.get_account_information())
    assert (told["sku_name"], told["account_kind"], told["is_hns_enabled"]) == ("Standard_LRS", "StorageV2", False)


def test_blobs(account: BlobServiceClient) -> None:
    container = account.get_container_client("azureml")
    names = ["a/1", "a/b/2", "a/b/3", "ab", "odd & <é> 日本 %2F+ ?#", "z"]
    for name in names:
        container.upload_blob(name, name.encode(), metadata={"in": "test"})
    assert [found.name for found in container.list_blobs(results_per_page=2)] == names
    assert {found.metadata["in"] for found in container.list_blobs(include=["metadata"])} == {"test"}
    walked = [(found.name, isinstance(found, BlobPrefix)) for found in container.walk_blobs("a/", delimiter="/")]
    assert sorted(walked) == [("a/1", False), ("a/b/", True)]
    for name in names:
        assert container.download_blob(name).readall() == name.encode()
    blob = container.get_blob_client("a/1")
    with pytest.raises(ResourceExistsError) as exists:
        blob.upload_blob(b"second")
    assert code(exists) == (409, "BlobAlreadyExists")
    listed = next(iter(container.list_blobs("a/1")))
    blob.upload_blob(b"second", overwrite=True, etag=listed.etag, match_condition=MatchConditions.IfNotModified)
    with pytest.raises(ResourceModifiedError) as changed:
        blob.upload_blob(b"third", overwrite=True, etag=listed.etag, match_condition=MatchConditions.IfNotModified)
    assert code(changed) == (412, "ConditionNotMet")
    assert blob.download_blob(offset=2, length=3).readall() == b"con"
    with pytest.raises(HttpResponseError) as beyond:
        blob.download_blob(offset=100, length=3)
    assert code(beyond) == (416, "InvalidRange")
    blob.set_blob_metadata({"two": "2"})
    assert blob.get_blob_properties().metadata == {"two": "2"}
    blob.delete_blob()
    assert not blob.exists()
    with pytest.raises(ResourceNotFoundError) as missing:
        blob.download_blob()
    assert code(missing) == (404, "BlobNotFound")


def test_blocks(azure: Azure, options: dict[str, Any]) -> None:
    content = bytes(range(256)) * 1024
    sizes: dict[str, Any] = {"max_single_put_size": 1024, "max_block_size": 65536, "max_single_get_size": 65536}
    blob = BlobClient(HOST, "azureml", "large", credential=KEY1, **sizes, **options)
    blob.upload_blob(content, validate_content=True)
    committed, uncommitted = blob.get_block_list("all")
    assert (len(committed), uncommitted) == (4, [])
    assert blob.download_blob(validate_content=True).readall() == content
    blob.stage_block("b3Rlcg==", b"tail")
    assert len(blob.get_block_list("uncommitted")[1]) == 1
    blob.commit_block_list([BlobBlock(committed[0].id), BlobBlock("b3Rlcg==")])
    assert blob.download_blob().readall() == content[:65536] + b"tail"
    assert len(azure.files()) == 2


def test_a_copy_within_the_account(account: BlobServiceClient, azure: Azure, options: dict[str, Any]) -> None:
    source = account.get_blob_client("azureml", "source é")
    source.upload_blob(b"content", metadata={"of": "source"})
    target = account.get_blob_client("azureml", "target")
    assert target.start_copy_from_url(source.url)["copy_status"] == "success"
    told = target.get_blob_properties()
    assert (told.copy.status, told.copy.progress, told.metadata) == ("success", "7/7", {"of": "source"})
    source.upload_blob(b"changed", overwrite=True)
    assert target.download_blob().readall() == b"content"
    assert target.start_copy_from_url(source.url, requires_sync=True)["copy_status"] == "success"
    assert target.download_blob().readall() == b"changed"
    target.upload_blob_from_url(source.url, overwrite=True)
    by_sas = BlobClient.from_blob_url(azure.url("by-sas"), **options)
    with pytest.raises(HttpResponseError, match="CannotVerifyCopySource"):
        by_sas.start_copy_from_url(source.url)
    by_sas.start_copy_from_url(azure.url("source é", "r"))
    assert by_sas.download_blob().readall() == b"changed"
    for wrong in (f"{HOST}/azureml/missing", "https://example.org/azureml/a", f"{HOST}/azureml"):
        with pytest.raises(HttpResponseError):
            target.start_copy_from_url(wrong)


def test_a_wrong_key_an_old_date_and_a_new_key(
    account: BlobServiceClient, azure: Azure, options: dict[str, Any]
) -> None:
    assert BlobServiceClient(HOST, credential=KEY2, **options).get_container_client("azureml").exists()
    wrong = BlobServiceClient(HOST, credential=KEY1[::-1].replace("=", "") + "==", **options)
    with pytest.raises(ClientAuthenticationError) as refused:
        wrong.get_container_client("azureml").get_container_properties()
    assert refused.value.status_code == 403
    signed = azure.url("a")
    azure.clock.advance(16 * 60)
    with pytest.raises(ClientAuthenticationError, match="too old"):
        next(iter(account.list_containers()))
    azure.clock.advance(-16 * 60)
    azure.cloud.store.put(SECRETS, ACCOUNT_ID, {"keys": [KEY2, KEY2]})
    with pytest.raises(ClientAuthenticationError, match="AuthenticationFailed"):
        next(iter(account.list_containers()))
    with pytest.raises(ClientAuthenticationError, match="AuthenticationFailed"):
        BlobClient.from_blob_url(signed, **options).upload_blob(b"x")


def test_a_key_may_be_forbidden(account: BlobServiceClient, azure: Azure, options: dict[str, Any]) -> None:
    sas = generate_account_sas(
        ACCOUNT, KEY1, ResourceTypes(service=True), AccountSasPermissions(list=True), in_an(azure)
    )
    azure.describe_account(allowSharedKeyAccess=False)
    for client in (account, BlobServiceClient(HOST, credential=sas, **options)):
        with pytest.raises(HttpResponseError) as refused:
            next(iter(client.list_containers()))
        assert "KeyBasedAuthenticationNotPermitted" in str(refused.value)


def in_an(azure: Azure) -> datetime:
    return azure.clock.now() + HOUR


def test_account_signatures(azure: Azure, options: dict[str, Any]) -> None:
    everything = AccountSasPermissions(read=True, write=True, list=True, create=True, delete=True)
    sas = generate_account_sas(ACCOUNT, KEY2, ResourceTypes(True, True, True), everything, in_an(azure))
    client = BlobServiceClient(HOST, credential=sas, **options)
    client.create_container("made").upload_blob("a", b"x")
    assert [found.name for found in client.list_containers()] == ["azureml", "made"]
    client.delete_container("made")
    objects = generate_account_sas(ACCOUNT, KEY1, ResourceTypes(object=True), everything, in_an(azure))
    narrow = BlobServiceClient(HOST, credential=objects, **options)
    narrow.get_blob_client("azureml", "a").upload_blob(b"x")
    with pytest.raises(HttpResponseError, match="AuthorizationResourceTypeMismatch"):
        list(narrow.get_container_client("azureml").list_blobs())
    files = generate_account_sas(ACCOUNT, KEY1, ResourceTypes(object=True), everything, in_an(azure), services="f")
    with pytest.raises(HttpResponseError, match="AuthorizationServiceMismatch"):
        BlobServiceClient(HOST, credential=files, **options).get_blob_client("azureml", "a").download_blob()


def test_service_signatures(azure: Azure, options: dict[str, Any]) -> None:
    azure.put("dir/a", b"content")
    azure.put("other", b"other")
    read, end = BlobSasPermissions(read=True), in_an(azure)

    def read_by(sas: str, name: str = "dir/a") -> bytes:
        return bytes(BlobClient(HOST, "azureml", name, credential=sas, **options).download_blob().readall())

    def for_blob(**more: Any) -> str:
        told: dict[str, Any] = {"permission": read, "expiry": end} | more
        return generate_blob_sas(ACCOUNT, "azureml", "dir/a", account_key=KEY1, **told)

    assert read_by(for_blob()) == b"content"
    assert read_by(for_blob(ip="127.0.0.1", protocol="https", start=azure.clock.now())) == b"content"
    assert read_by(for_blob(ip="127.0.0.0-127.0.0.9", content_type="text/x", cache_control="no-store")) == b"content"
    blob = BlobClient(HOST, "azureml", "dir/a", credential=for_blob(content_type="text/x"), **options)
    assert blob.get_blob_properties().content_settings.content_type == "text/x"
    for refused, why in (
        (for_blob(expiry=azure.clock.now() - HOUR), "AuthenticationFailed"),
        (for_blob(start=azure.clock.now() + HOUR / 2), "AuthenticationFailed"),
        (for_blob(ip="10.0.0.1"), "AuthorizationSourceIPMismatch"),
        (for_blob(protocol="http"), "AuthorizationProtocolMismatch"),
        (for_blob(permission=BlobSasPermissions(write=True)), "AuthorizationPermissionMismatch"),
        (for_blob(policy_id="policy"), "AuthenticationFailed"),
        (for_blob(snapshot="2026-01-01T00:00:00.0000000Z"), "AuthenticationFailed"),
        (for_blob().replace("sp=r", "sp=rw"), "AuthenticationFailed"),
        (for_blob().replace("sr=b", "sr=c"), "AuthenticationFailed"),
    ):
        with pytest.raises(HttpResponseError, match=why):
            read_by(refused)
    with pytest.raises(HttpResponseError, match="AuthenticationFailed"):
        read_by(for_blob(), "other")
    sas = generate_container_sas(
        ACCOUNT, "azureml", account_key=KEY1, permission=ContainerSasPermissions(read=True, list=True), expiry=end
    )
    container = ContainerClient(HOST, "azureml", credential=sas, **options)
    assert [found.name for found in container.list_blobs()] == ["dir/a", "other"]
    assert container.download_blob("other").readall() == b"other"
    for operation in (container.get_container_properties, container.delete_container):
        with pytest.raises(HttpResponseError, match="AuthorizationPermissionMismatch"):
            operation()
    directory = generate_blob_sas(
        ACCOUNT, "azureml", "dir", account_key=KEY1, permission=read, expiry=end, is_directory=True, sdd=1
    )
    assert read_by(directory) == b"content"
    with pytest.raises(HttpResponseError, match="AuthenticationFailed"):
        read_by(directory, "other")


def test_user_delegation(azure: Azure, options: dict[str, Any]) -> None:
    """It goes on being checked against the roles of whom the key was given to, and needs no account key."""
    azure.put("a", b"content")
    azure.describe_account(allowSharedKeyAccess=False)
    token = Token(azure.sign_in("Storage Blob Data Reader"))
    client = BlobServiceClient(HOST, credential=token, **options)
    now = azure.clock.now()
    key = client.get_user_delegation_key(now - HOUR, now + HOUR)
    both = BlobSasPermissions(read=True, write=True)

    def signed(**more: Any) -> BlobClient:
        told: dict[str, Any] = {"permission": both, "expiry": in_an(azure), "user_delegation_key": key} | more
        return BlobClient(
            HOST, "azureml", "a", credential=generate_blob_sas(ACCOUNT, "azureml", "a", **told), **options
        )

    assert signed().download_blob().readall() == b"content"
    with pytest.raises(HttpResponseError, match="AuthorizationPermissionMismatch"):
        signed().upload_blob(b"x", overwrite=True)
    with pytest.raises(HttpResponseError, match="AuthenticationFailed"):  # for one user's use, whose token is not asked
        signed(user_delegation_oid="00000000-0000-4000-8000-000000000001").download_blob()
    late = signed(expiry=now + 3 * HOUR)
    azure.clock.advance(2 * 3600)
    with pytest.raises(HttpResponseError, match="AuthenticationFailed"):
        late.download_blob()
    azure.clock.instant = now
    key.value = KEY1
    with pytest.raises(HttpResponseError, match="AuthenticationFailed"):
        signed().download_blob()
    nobody = BlobServiceClient(HOST, credential=Token(azure.sign_in()), **options)
    with pytest.raises(HttpResponseError, match="AuthorizationPermissionMismatch"):
        nobody.get_user_delegation_key(now, now + HOUR)
    with pytest.raises(HttpResponseError, match="InvalidXmlNodeValue"):
        client.get_user_delegation_key(now, now + timedelta(days=8))


def test_roles_at_a_container(azure: Azure, options: dict[str, Any]) -> None:
    azure.put("a", b"content")
    scope = f"{ACCOUNT_ID}/blobServices/default/containers/azureml"
    client = BlobServiceClient(HOST, credential=Token(azure.sign_in("Storage Blob Data Contributor", scope)), **options)
    container = client.get_container_client("azureml")
    container.upload_blob("b", b"x")
    assert [found.name for found in container.list_blobs()] == ["a", "b"]
    assert container.get_container_properties().name == "azureml"
    for refused in (lambda: client.create_container("other"), lambda: next(iter(client.list_containers()))):
        with pytest.raises(HttpResponseError, match="AuthorizationPermissionMismatch"):
            refused()
    with pytest.raises(ClientAuthenticationError) as nobody:
        BlobClient(HOST, "azureml", "a", **options).download_blob()
    assert code(nobody) == (401, "NoAuthenticationInformation")


def test_the_services_own_urls_where_keys_are_forbidden(azure: Azure, options: dict[str, Any]) -> None:
    """They are user delegation signatures of the workspace's identity, and need its role."""
    someone = azure.cloud.directory.add_user("workspace@local.test").object_id
    workspace = ACCOUNT_ID.replace("microsoft.storage/storageaccounts", "microsoft.machinelearningservices/workspaces")
    azure.cloud.store.put(
        "resources", workspace, {"properties": {"storageAccount": ACCOUNT_ID}, "identity": {"principalId": someone}}
    )
    azure.describe_account(allowSharedKeyAccess=False)
    refused = azure.put("a", b"x")
    assert refused.headers["x-ms-error-code"] == "AuthorizationPermissionMismatch"
    assign(azure.cloud, someone, "Storage Blob Data Contributor")
    assert azure.put("a", b"x").status_code == 201
    assert BlobClient.from_blob_url(azure.url("a"), **options).download_blob().readall() == b"x"
