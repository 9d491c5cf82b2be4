"""What was made once: code and environments do not change under those who name them."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.localazure.core.collections import SDK1_ENVIRONMENTS
from tests.localazure.control import CHAIN, STORAGE, WORKSPACE, Answer, Azure

BLOBS = f"https://{STORAGE.rpartition('/')[2]}.blob.core.windows.net"
CODE = f"{WORKSPACE}/codes/c/versions/1"
ENVIRONMENT = f"{WORKSPACE}/environments/env/versions/1"
IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04"
CONDA = "dependencies: [python=3.11]"


@pytest.fixture
def ready(azure: Azure) -> Azure:
    azure.make(*CHAIN[:6])
    return azure


def put(azure: Azure, id_: str, **properties: Any) -> Answer:
    return azure.arm("PUT", id_, {"properties": properties})


def test_the_place_of_code_never_changes(ready: Azure) -> None:
    """The words that azure-ai-ml 1.35 looks for (`ASSET_PATH_ERROR`)."""
    assert put(ready, CODE, codeUri=f"{BLOBS}/one").status == 201
    refused = put(ready, CODE, codeUri=f"{BLOBS}/two")
    assert (refused.status, refused.code, refused.message) == (400, "UserError", "Asset paths cannot be updated.")
    changed = put(ready, CODE, codeUri=f"{BLOBS}/one", description="d", tags={"a": "1"}).body["properties"]
    assert (changed["codeUri"], changed["description"], changed["tags"]) == (f"{BLOBS}/one", "d", {"a": "1"})


def test_one_folder_uploaded_twice_at_a_time_is_one_code(ready: Azure) -> None:
    same, other = {"hash_sha256": "abc"}, {"hash_sha256": "def"}
    put(ready, CODE, codeUri=f"{BLOBS}/one", properties=same)
    assert put(ready, CODE, codeUri=f"{BLOBS}/two", properties=same).body["properties"]["codeUri"] == f"{BLOBS}/one"
    assert put(ready, CODE, codeUri=f"{BLOBS}/two", properties=other).status == 400
    assert put(ready, CODE, codeUri=f"{BLOBS}/two", properties={}).status == 400


@pytest.mark.parametrize("change", [{"image": "other:1"}, {"condaFile": "dependencies: []"}, {"condaFile": None}])
def test_what_an_environment_is_never_changes(ready: Azure, change: dict[str, Any]) -> None:
    """Azure/azure-cli-extensions#5440; at 409 azure-ai-ml makes the next version (azure-sdk-for-python#38590)."""
    put(ready, ENVIRONMENT, image=IMAGE, condaFile=CONDA)
    refused = put(ready, ENVIRONMENT, **{"image": IMAGE, "condaFile": CONDA, **change})
    said = "Environment env with version 1 is already registered and cannot be changed."
    assert (refused.status, refused.code, refused.message) == (409, "UserError", said)
    told = put(ready, ENVIRONMENT, image=IMAGE, condaFile=CONDA, description="d", isArchived=True)
    assert (told.status, told.body["properties"]["description"]) == (200, "d")


def test_what_azureml_core_said_of_an_environment_goes_with_it(ready: Azure) -> None:
    put(ready, ENVIRONMENT, image=IMAGE)
    ready.cloud.store.put(SDK1_ENVIRONMENTS, ENVIRONMENT.lower(), {"docker": {"baseImage": IMAGE}})
    ready.arm("DELETE", ENVIRONMENT)
    assert ready.cloud.store.get(SDK1_ENVIRONMENTS, ENVIRONMENT.lower()) is None


@pytest.mark.parametrize(
    ("id_", "body"),
    [
        (ENVIRONMENT, {"image": 5}), (ENVIRONMENT, {"image": IMAGE, "condaFile": [1]}),
        (ENVIRONMENT, {"image": IMAGE, "build": "x"}), (ENVIRONMENT, {"image": IMAGE, "inferenceConfig": []}),
        (ENVIRONMENT, {"image": IMAGE, "tags": {"a": [1]}}), (ENVIRONMENT, {"image": IMAGE, "properties": {"a": [1]}}),
        (ENVIRONMENT, {"image": IMAGE, "description": {}}), (ENVIRONMENT, {"image": IMAGE, "isArchived": "yes"}),
        (CODE, {"codeUri": 5}), (CODE, {"codeUri": f"{BLOBS}/c", "properties": [1]}),
        (CODE, {"codeUri": f"{BLOBS}/c", "properties": {"hash_sha256": {}}}),
        (CODE, {"codeUri": f"{BLOBS}/c", "tags": 1}),
        (CODE, {"codeUri": f"{BLOBS}/c", "description": 1}), (f"{WORKSPACE}/codes/c", {"tags": {"a": {}}}),
    ],
)  # fmt: skip
def test_a_wrong_type_is_refused(ready: Azure, id_: str, body: dict[str, Any]) -> None:
    refused = put(ready, id_, **body)
    assert refused.status == 400
    assert set(refused.body["error"]) >= {"code", "message"}


def test_a_number_among_texts_is_taken_for_its_text(ready: Azure) -> None:
    """As azure-ai-ml 1.35 gives the version of a code's hash."""
    told = put(ready, CODE, codeUri=f"{BLOBS}/one", properties={"hash_sha256": "abc", "hash_version": 202208})
    assert (told.status, told.body["properties"]["properties"]["hash_version"]) == (201, "202208")
    again = put(ready, CODE, codeUri=f"{BLOBS}/one", properties={"hash_sha256": "abc", "hash_version": 202208})
    assert (again.status, again.body["properties"]) == (200, told.body["properties"])


# --- parameters of lists ------------------------------------------------------------------------------------------

VERSIONS = f"{WORKSPACE}/environments/listed/versions"
IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04"


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, ["3", "2", "1"]),
        ({"$orderBy": "createdtime desc", "$top": "1"}, ["3"]),
        ({"$orderBy": "createdtime asc"}, ["1", "2", "3"]),
        ({"$skip": "1"}, ["2", "1"]),
        ({"$tags": "n=2"}, ["2"]),
        ({"stage": "Production"}, ["3"]),
        ({"listViewType": "ArchivedOnly"}, []),
    ],
)
def test_a_list_of_versions_is_as_it_was_asked_for(azure: Azure, query: dict[str, str], shown: list[str]) -> None:
    azure.make(*CHAIN[:6])
    for number in ("1", "2", "3"):
        told = {"image": IMAGE, "tags": {"n": number}, **({"stage": "Production"} if number == "3" else {})}
        assert azure.arm("PUT", f"{VERSIONS}/{number}", {"properties": told}).status == 201
        azure.clock.advance(1)
    answer = azure.arm("GET", VERSIONS, **query)
    assert [each["name"] for each in answer.body["value"]] == shown


@pytest.mark.parametrize("path", ["environments", "environments/x/versions", "data", "codes", "models", "datastores"])
@pytest.mark.parametrize("query", [{"$orderBy": "name"}, {"$filter": "x eq 1"}, {"$skip": "x"}, {"shoe": "43"}])
def test_a_parameter_that_would_do_nothing_is_refused(azure: Azure, path: str, query: dict[str, str]) -> None:
    azure.make(*CHAIN[:6])
    refused = azure.arm("GET", f"{WORKSPACE}/{path}", **query)
    assert refused.status == 400
    assert refused.code in ("InvalidQueryParameter", "InvalidQueryParameterValue")


def test_datastores_by_name(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    for query, shown in (
        ({"names": "workspaceblobstore,other"}, ["workspaceblobstore"]),
        ({"searchText": "FILE"}, ["workspacefilestore"]),
        ({"isDefault": "true", "count": "30"}, ["workspaceblobstore"]),
    ):
        found = azure.arm("GET", f"{WORKSPACE}/datastores", **query).body["value"]
        assert [each["name"] for each in found] == shown
