"""Real clients print the errors that the table says were seen: Microsoft's, MLflow's, requests', Python's own."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow
import pytest
import requests
from azure.core.exceptions import AzureError
from azure.identity import EnvironmentCredential
from azure.storage.blob import BlobServiceClient

from azmlflow.cli.why.reading import recognise
from tests.cli.why.refused import REFUSED, Clients
from tests.localazure.blobs.world import HOST, KEY1, KEY2, make_azure
from tests.localazure.carrier import transport
from tests.localazure.control import CHAIN, Azure


def recognised(fault: BaseException) -> str:
    """What the end of a traceback is recognised as."""
    found = recognise("".join(traceback.format_exception(fault)))
    assert found, str(fault)
    return found[0].record.name


@pytest.mark.parametrize("name", REFUSED)
def test_what_resource_manager_refuses(azure: Azure, name: str) -> None:
    azure.make(*CHAIN)
    with pytest.raises(AzureError) as refused:
        REFUSED[name](Clients(azure))
    assert recognised(refused.value) == name


@pytest.fixture
def account(tmp_path: Path, session: requests.Session) -> Callable[..., BlobServiceClient]:
    """A client of a storage account, with any credential."""
    for folder in ("keys", "blobs"):
        (tmp_path / folder).mkdir()
    azure = make_azure(tmp_path / "blobs", tmp_path / "keys")
    azure.clock.instant = datetime.now(UTC)

    def client(credential: Any = KEY1, url: str = HOST, **properties: Any) -> BlobServiceClient:
        azure.describe_account(**properties)
        if credential == "token":
            credential = _Token(azure.sign_in())
        carried = transport(session, azure.http.carry)
        return BlobServiceClient(url, credential, transport=carried, retry_total=0)

    return client


@pytest.fixture
def session() -> Any:
    with requests.Session() as found:
        yield found


class _Token:
    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_scopes: str, **_options: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken(self._token, 2**40)


Client = Callable[..., BlobServiceClient]


def _twice(client: Client) -> None:
    blob = client().get_blob_client("azureml", "a.txt")
    blob.upload_blob(b"x")
    blob.upload_blob(b"y")


BLOBS: dict[str, Callable[[Client], Any]] = {
    "Keys are not taken": lambda client: list(client(allowSharedKeyAccess=False).list_containers()),
    "A data role is lacking": lambda client: client("token").get_blob_client("azureml", "a").download_blob(),
    "An artifact is there already": _twice,
    "A signature or key is not valid": lambda client: list(client(KEY2[:-4] + "AAAA").list_containers()),
    "Public containers are not allowed": lambda client: client().create_container("open", public_access="blob"),
    "There is no such storage account": lambda client: list(
        client(url=HOST.replace("stmlflow", "stnosuch")).list_containers()
    ),
}


@pytest.mark.parametrize("name", BLOBS)
def test_what_the_blob_service_refuses(account: Client, name: str) -> None:
    with pytest.raises(AzureError) as refused:
        BLOBS[name](account)
    assert recognised(refused.value) == name


def _import() -> None:
    import no_such_module  # type: ignore[import-not-found]  # noqa: F401


def _unknown_address() -> None:
    mlflow.MlflowClient("azureml://westeurope.api.azureml.ms/mlflow/v1.0", "azureml://x").search_registered_models()


def _with_conda() -> None:
    run: Any = mlflow.projects.run
    run(".", use_conda=False)


def _through_a_dead_proxy() -> None:
    requests.get("https://management.azure.com", proxies={"https": "http://127.0.0.1:1"}, timeout=5)


ALONE: dict[str, Callable[[], Any]] = {
    "MLflow does not know azureml:// addresses": _unknown_address,
    "use_conda is gone": _with_conda,
    "A package is not in the job's environment": _import,
    "The proxy does not answer": _through_a_dead_proxy,
    "Nobody is signed in": lambda: EnvironmentCredential().get_token("https://management.azure.com/.default"),
}


@pytest.mark.parametrize("name", ALONE)
def test_what_clients_refuse_by_themselves(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(Exception) as refused:
        ALONE[name]()
    assert recognised(refused.value) == name
