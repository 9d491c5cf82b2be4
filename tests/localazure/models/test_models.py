"""Models in one store: Resource Manager's view and SDK v1's, over the stand-in of MLflow's registry (`registry`)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from azmlflow.localazure.core.store import Document
from azmlflow.localazure.models import mlmodel, places, records
from azmlflow.localazure.models.places import DatastorePath
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.principals.tokens import Tokens
from azmlflow.localazure.services import azureml
from tests.localazure.control import ALICE, CHAIN, DEVELOPER, WORKSPACE, Answer, Azure
from tests.localazure.failures import FAILURES, fail

HOST = "westeurope.api.azureml.ms"
VERSIONS = f"{WORKSPACE}/models/iris/versions"
JOB = "azureml://jobs/run-1/outputs/artifacts/paths/model"
PREFIX = "ExperimentRun/dcid.run-1/model"
MLMODEL = b"""
flavors:
  python_function: {env: {conda: conda.yaml}, loader_module: mlflow.sklearn, predict_fn: null}
  sklearn: {pickled_model: model.pkl, sklearn_version: 1.5.0}
signature: {inputs: '[{"type": "double"}]'}
"""


@dataclass
class Plane:
    """The workspace's data plane and Resource Manager, on one registry."""

    azure: Azure

    def put(self, path: str, *, who: str = DEVELOPER, **properties: Any) -> Answer:
        """PUT at Resource Manager."""
        return self.azure.arm("PUT", path, {"properties": properties}, who=who)

    def get(self, path: str, **query: str) -> Any:
        """What a GET at Resource Manager answers."""
        return self.azure.arm("GET", path, **query).body

    def data(self, method: str, path: str, body: Any = None, *, who: str = DEVELOPER) -> httpx.Response:
        """A request to the data plane; `path` begins with the service, and the workspace stands where `{ws}` is."""
        app = azureml.service(self.azure.cloud)

        async def signed_in(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("state", {})["caller"] = Caller(self.azure.who(who))
            await app(scope, receive, send)

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(signed_in)) as client:
                content = None if body is None else json.dumps(body)
                return await client.request(method, f"https://{HOST}{path.format(ws=WORKSPACE)}", content=content)

        return asyncio.run(ask())

    def sdk1(self, method: str, path: str, body: Any = None, *, who: str = DEVELOPER) -> httpx.Response:
        """A request to SDK v1's model management."""
        return self.data(method, f"/modelmanagement/v1.0{{ws}}/{path}", body, who=who)

    def mlflow(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """A request of MLflow's."""
        return self.data(method, f"/mlflow/v2.0{{ws}}/api/2.0/mlflow/{path}", body)

    def asset(self, prefix: str) -> str:
        """The url of an asset made of artifacts."""
        made = self.sdk1("POST", "assets", {"name": "a", "artifacts": [{"prefix": prefix}]})
        assert made.status_code == 200, made.text
        return f"aml://asset/{made.json()['id']}"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def plane(azure: Azure, keys: Path) -> Plane:
    """A workspace with a run `run-1` that holds a model."""
    object.__setattr__(azure.cloud, "tokens", Tokens(azure.cloud.store, azure.cloud.clock, keys))
    azure.make(*CHAIN[:6])
    azure.run("run-1")
    azure.blob("azureml", f"{PREFIX}/MLmodel", MLMODEL)
    azure.blob("azureml", f"{PREFIX}/model.pkl", b"pickle")
    return Plane(azure)


def _container(plane: Plane) -> str:
    stored = plane.azure.cloud.store.get("resources", f"{WORKSPACE}/datastores/workspaceblobstore".lower())
    assert stored is not None
    return str(stored["properties"]["containerName"])


# --- where files are ---------------------------------------------------------------------------------------------

_WS: Document = {
    "id": "/subscriptions/S/resourceGroups/G/providers/Microsoft.MachineLearningServices/workspaces/W",
    "properties": {},
}
_RUN = DatastorePath("workspaceartifactstore", "ExperimentRun/dcid.r/m")


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        (f"azureml://h/mlflow/v2.0{_WS['id']}/experiments/1/runs/r/artifacts/m", _RUN),
        (f"azureml://h/mlflow/v1.0{_WS['id'].lower()}/experiments/1/runs/r/artifacts/m/", _RUN),
        ("runs:/r/m", _RUN),
        ("azureml://jobs/r/outputs/artifacts/paths/m/", _RUN),
        ("azureml://jobs/r/outputs/artifacts/m", _RUN),
        ("azureml://jobs/r/outputs/default/paths/m", _RUN),
        ("azureml://artifacts/ExperimentRun/dcid.r/m", _RUN),
        ("azureml://artifacts/LocalUpload/c/m", DatastorePath("workspaceartifactstore", "LocalUpload/c/m")),
        ("azureml://jobs/j/outputs/out", DatastorePath("workspaceblobstore", "azureml/j/out")),
        ("azureml://jobs/j/outputs/out/paths/", DatastorePath("workspaceblobstore", "azureml/j/out")),
        ("azureml://jobs/j/outputs/out/paths/m", DatastorePath("workspaceblobstore", "azureml/j/out/m")),
        ("azureml://datastores/Mine/paths/a/b/", DatastorePath("mine", "a/b", named=True)),
        (
            "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/mine/paths/a",
            DatastorePath("mine", "a", named=True),
        ),
        ("s3://bucket/a", None),
        ("https://example.org/a", None),
    ],
)
def test_every_spelling_of_a_place(uri: str, place: DatastorePath | None) -> None:
    assert places.parse(uri, _WS) == place


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("azureml://subscriptions/s/resourcegroups/g/workspaces/other/datastores/d/paths/a", "another workspace"),
        ("azureml://subscriptions/s/resourcegroups/other/workspaces/w/datastores/d/paths/a", "another workspace"),
        ("azureml://datastores/d/paths/a/../b", "does not name"),
        ("azureml://datastores/d/paths//", "does not name"),
        ("azureml://anything/else", "no"),
    ],
)
def test_places_that_are_refused(uri: str, why: str) -> None:
    with pytest.raises(Exception, match=why):
        places.parse(uri, _WS)
    assert places.locate(uri, _WS) is None


def test_a_place_comes_back_from_each_of_its_spellings() -> None:
    assert places.parse(places.long_uri(_RUN, _WS), _WS) == DatastorePath(_RUN.datastore, _RUN.path, named=True)
    assert places.parse(f"azureml://artifacts/{places.prefix(_RUN, 'm', 1)}", _WS) == _RUN
    assert places.prefix(DatastorePath("mine", "a/b"), "m", 7) == "ModelVersion/m:7/b"
    assert _RUN.run == ("r", "m")


# --- Resource Manager --------------------------------------------------------------------------------------------


def test_a_version_made_of_a_run_is_shown_with_its_flavors_and_signature(plane: Plane) -> None:
    made = plane.put(f"{VERSIONS}/1", modelUri=JOB, modelType="mlflow_model", tags={"a": "b"}, properties={"p": "q"})
    assert made.status == 201
    told = made.body["properties"]
    assert told["flavors"]["sklearn"]["data"] == {"pickled_model": "model.pkl", "sklearn_version": "1.5.0"}
    assert told["flavors"]["python_function"]["data"]["env"] == '{"conda": "conda.yaml"}'
    assert "predict_fn" not in told["flavors"]["python_function"]["data"]
    assert "double" in json.loads(told["properties"]["model_json"])["signature"]["inputs"]
    assert (told["properties"]["p"], told["tags"], told["jobName"]) == ("q", {"a": "b"}, "run-1")
    assert told["modelUri"].endswith(f"/workspaces/ws-one/datastores/workspaceartifactstore/paths/{PREFIX}")
    assert made.body["systemData"]["createdBy"] == DEVELOPER
    assert plane.get(f"{WORKSPACE}/models/iris")["properties"] | {"tags": {}} == {
        "description": "", "tags": {}, "properties": {}, "isArchived": False, "latestVersion": "1", "nextVersion": "2",
    }  # fmt: skip


def test_the_newest_version_comes_first_and_the_next_number_is_one_more_than_the_highest(plane: Plane) -> None:
    for number in ("5", "2"):
        plane.put(f"{VERSIONS}/{number}", modelUri=JOB)
        plane.azure.clock.advance(1)
    latest = plane.get(VERSIONS, **{"$orderBy": "createdtime desc", "$top": "1"})["value"]
    assert [each["name"] for each in latest] == ["2"]
    found = plane.get(f"{WORKSPACE}/models/iris")["properties"]
    assert (found["latestVersion"], found["nextVersion"]) == ("2", "6")
    assert plane.mlflow("POST", "model-versions/create", {"name": "iris", "source": JOB}).json()["model_version"][
        "version"
    ] == ("6")


def test_the_same_version_again_changes_nothing_and_another_path_is_refused(plane: Plane) -> None:
    made = plane.put(f"{VERSIONS}/1", modelUri=JOB, tags={"a": "b"}).body
    plane.azure.clock.advance(60)
    for uri in (JOB, "runs:/run-1/model", made["properties"]["modelUri"]):
        again = plane.put(f"{VERSIONS}/1", modelUri=uri, tags={"a": "b"})
        assert (again.status, again.body) == (200, made)
    refused = plane.put(f"{VERSIONS}/1", modelUri=f"{JOB}/model.pkl")
    assert (refused.status, refused.message) == (400, "Asset paths cannot be updated.")


def test_properties_are_added_and_never_changed(plane: Plane) -> None:
    plane.put(f"{VERSIONS}/1", modelUri=JOB, properties={"p": "1"})
    plane.put(f"{VERSIONS}/1", properties={"q": "2", "model_json": "not kept: it is computed"})
    found = plane.get(f"{VERSIONS}/1")["properties"]["properties"]
    assert (found["p"], found["q"], found.get("model_json")) == ("1", "2", None)
    assert plane.put(f"{VERSIONS}/1", properties={"p": "3"}).status == 400
    assert plane.put(f"{WORKSPACE}/models/iris", properties={"p": [3]}).code == "InvalidRequestContent"


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("azureml://jobs/none/outputs/artifacts/paths/model", "Run none was not found"),
        ("azureml://jobs/run-1/outputs/artifacts/paths/none", "Nothing is at"),
        ("azureml://jobs/run-1/outputs/none/paths/model", "Nothing is at"),
        ("azureml://artifacts/LocalUpload/none/model", "was not found"),
        ("azureml://artifacts/Elsewhere/c/model", "was not found"),
        ("azureml://datastores/none/paths/model", "Nothing is at"),
        ("azureml://datastores/workspacefilestore/paths/model", "Nothing is at"),
        (JOB.replace("artifacts", "artifacts/paths/.."), "does not name"),
        (f"azureml://{WORKSPACE[1:].replace('ws-one', 'ws-two')}/datastores/d/paths/p", "another workspace"),
        ("https://example.org/model", "not an Azure ML path"),
        ("", "needs a 'modelUri'"),
    ],
)
def test_paths_that_no_model_can_be_made_of(plane: Plane, uri: str, why: str) -> None:
    refused = plane.put(f"{VERSIONS}/1", modelUri=uri)
    assert (refused.status, why in refused.message) == (400, True), refused
    assert plane.azure.arm("GET", f"{WORKSPACE}/models/iris").status == 404, "nothing is left of it"


def test_an_mlflow_model_has_an_mlmodel_file(plane: Plane) -> None:
    plane.azure.blob("azureml", "ExperimentRun/dcid.run-1/other/weights.bin")
    uri = JOB.replace("/model", "/other")
    assert "not an MLflow model" in plane.put(f"{VERSIONS}/1", modelUri=uri, modelType="mlflow_model").message
    assert plane.put(f"{VERSIONS}/1", modelUri=uri).body["properties"]["flavors"] == {}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("iris/versions/1.0", "InvalidVersion"),
        ("iris/versions/0", "InvalidVersion"),
        ("iris/versions/01", "InvalidVersion"),
        ("iris/versions/latest", "InvalidVersion"),
        ("-iris/versions/1", "InvalidModelName"),
        ("not%20valid/versions/1", "InvalidModelName"),
        (f"{'x' * 256}/versions/1", "InvalidModelName"),
    ],
)
def test_names_and_versions_that_are_refused(plane: Plane, path: str, code: str) -> None:
    refused = plane.put(f"{WORKSPACE}/models/{path}", modelUri=JOB)
    assert (refused.status, refused.code) == (400, code)
    assert plane.azure.arm("GET", f"{WORKSPACE}/models/{path}").status == 404


def test_a_path_of_a_datastore_takes_the_right_to_read_datastores(plane: Plane) -> None:
    plane.azure.blob(_container(plane), "somewhere/model/weights.bin")
    assert (
        plane.put(f"{VERSIONS}/1", modelUri="azureml://datastores/workspaceblobstore/paths/somewhere/model").status
        == 201
    )
    found = _assigned(plane, ALICE, "registrar")
    refused = plane.put(
        f"{VERSIONS}/2", who=found, modelUri="azureml://datastores/workspaceblobstore/paths/somewhere/model"
    )
    assert (refused.status, "datastores/read" in refused.message) == (403, True)
    assert plane.put(f"{VERSIONS}/2", who=found, modelUri=JOB).status == 201


def _assigned(plane: Plane, upn: str, persona: str) -> str:
    from azmlflow.rbac.roles import persona as named

    azure, guid = plane.azure, plane.azure.cloud.ids.guid()
    definition = f"{WORKSPACE}/providers/Microsoft.Authorization/roleDefinitions/{guid}"
    properties: Document = {
        "roleName": persona,
        "permissions": [{"actions": list(named(persona).actions)}],
        "assignableScopes": [WORKSPACE.partition("/providers/")[0]],
    }
    made = azure.arm("PUT", definition, {"properties": properties})
    assert made.status == 201, made
    assignment = f"{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/{azure.cloud.ids.guid()}"
    body = {"properties": {"roleDefinitionId": made.body["id"], "principalId": azure.who(upn).object_id}}
    assert azure.arm("PUT", assignment, body).status == 201
    return upn


def test_archiving_a_version_is_the_stage_archived_and_hides_it_from_lists(plane: Plane) -> None:
    plane.put(f"{VERSIONS}/1", modelUri=JOB, stage="Production")
    plane.put(f"{VERSIONS}/2", modelUri=JOB, stage="Development")
    assert plane.get(f"{VERSIONS}/2")["properties"]["stage"] == "Development"
    plane.put(f"{VERSIONS}/1", isArchived=True)
    assert [each["name"] for each in plane.get(VERSIONS)["value"]] == ["2"]
    assert [each["name"] for each in plane.get(VERSIONS, listViewType="ArchivedOnly")["value"]] == ["1"]
    assert len(plane.get(VERSIONS, listViewType="All")["value"]) == 2
    assert plane.mlflow("GET", "model-versions/get?name=iris&version=1").json()["model_version"]["current_stage"] == (
        "Archived"
    )
    plane.put(f"{VERSIONS}/1", isArchived=True, description="again")
    plane.put(f"{VERSIONS}/1", isArchived=False)
    assert plane.get(f"{VERSIONS}/1")["properties"]["stage"] == "Production"
    assert len(plane.get(VERSIONS)["value"]) == 2
    plane.put(f"{WORKSPACE}/models/iris", isArchived=True)
    assert plane.get(f"{WORKSPACE}/models")["value"] == []
    assert plane.sdk1("GET", "models").json()["value"] == []
    assert plane.azure.arm("GET", VERSIONS, listViewType="Sometimes").status == 400


@pytest.mark.parametrize("stage", ["Production", "Staging", "Development", None])
def test_what_is_restored_has_the_stage_that_it_was_archived_from(plane: Plane, stage: str | None) -> None:
    plane.put(f"{VERSIONS}/1", modelUri=JOB, **({"stage": stage} if stage else {}))
    plane.put(f"{VERSIONS}/1", isArchived=True)
    assert plane.get(f"{VERSIONS}/1")["properties"]["stage"] == "Archived"
    plane.put(f"{VERSIONS}/1", isArchived=False)
    shown = plane.get(f"{VERSIONS}/1")["properties"]
    assert (shown["stage"], shown["isArchived"]) == (stage, False)
    seen = plane.mlflow("GET", "model-versions/get?name=iris&version=1").json()["model_version"]["current_stage"]
    assert seen == (stage if stage in ("Production", "Staging") else "None")


def test_what_mlflow_archived_has_no_stage_to_go_back_to(plane: Plane) -> None:
    plane.put(f"{VERSIONS}/1", modelUri=JOB, stage="Production")
    move = {"name": "iris", "version": "1", "stage": "Archived", "archive_existing_versions": False}
    plane.mlflow("POST", "model-versions/transition-stage", move)
    shown = plane.get(f"{VERSIONS}/1")["properties"]
    assert (shown["stage"], shown["isArchived"]) == ("Archived", True)
    plane.put(f"{VERSIONS}/1", isArchived=False)
    assert plane.get(f"{VERSIONS}/1")["properties"]["stage"] is None


def test_a_stage_takes_the_right_to_move_versions_between_stages(plane: Plane) -> None:
    plane.put(f"{VERSIONS}/1", modelUri=JOB)
    guid = plane.azure.cloud.ids.guid()
    role = f"{WORKSPACE}/providers/Microsoft.Authorization/roleDefinitions/{guid}"
    actions = [f"Microsoft.MachineLearningServices/workspaces/models/{each}" for each in ("write", "versions/write")]
    properties = {"roleName": "w", "permissions": [{"actions": actions}], "assignableScopes": [CHAIN[0]]}
    made = plane.azure.arm("PUT", role, {"properties": properties}).body
    body = {"properties": {"roleDefinitionId": made["id"], "principalId": plane.azure.who(ALICE).object_id}}
    plane.azure.arm("PUT", f"{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/{guid}", body)
    assert plane.put(f"{VERSIONS}/1", who=ALICE, description="new").status == 200
    refused = plane.put(f"{VERSIONS}/1", who=ALICE, isArchived=True)
    assert (refused.status, "assets/stage/write" in refused.message) == (403, True)


def test_lists_by_tag_property_version_and_stage(plane: Plane) -> None:
    plane.put(f"{VERSIONS}/1", modelUri=JOB, tags={"a": "1"}, properties={"p": "1"}, stage="Staging")
    plane.put(f"{VERSIONS}/2", modelUri=JOB, tags={"a": "2", "b": "3"})
    for query, expected in (
        ({"tags": "a=1"}, ["1"]),
        ({"tags": "a,b"}, ["2"]),
        ({"properties": "p=1"}, ["1"]),
        ({"version": "2"}, ["2"]),
        ({"stage": "staging"}, ["1"]),
    ):
        assert [each["name"] for each in plane.get(VERSIONS, **query)["value"]] == expected, query


def test_patch_and_post_are_not_there_and_a_lock_holds(plane: Plane) -> None:
    plane.put(f"{VERSIONS}/1", modelUri=JOB)
    assert plane.azure.arm("PATCH", f"{VERSIONS}/1", {"properties": {}}).status == 405
    assert plane.azure.arm("POST", f"{VERSIONS}/1/package", {}).status == 405
    lock = f"{WORKSPACE}/providers/Microsoft.Authorization/locks/keep"
    plane.azure.arm("PUT", lock, {"properties": {"level": "ReadOnly"}})
    assert plane.put(f"{VERSIONS}/2", modelUri=JOB).code == "ScopeLocked"
    assert plane.azure.arm("DELETE", f"{VERSIONS}/1").code == "ScopeLocked"


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{WORKSPACE}/models"),
        ("GET", f"{WORKSPACE}/models/iris"),
        ("GET", VERSIONS),
        ("GET", f"{VERSIONS}/1"),
        ("HEAD", f"{VERSIONS}/1"),
        ("PUT", f"{VERSIONS}/1"),
        ("DELETE", f"{VERSIONS}/1"),
    ],
)
def test_a_registry_that_fails_is_503(
    plane: Plane, monkeypatch: pytest.MonkeyPatch, failure: str, method: str, path: str
) -> None:
    plane.put(f"{VERSIONS}/1", modelUri=JOB)
    monkeypatch.setattr(plane.azure.mlflow, "request", _failing(failure))
    answer = plane.azure.arm(method, path, {"properties": {"modelUri": JOB}} if method == "PUT" else None)
    assert (answer.status, int(answer.headers["retry-after"]) > 0) == (503, True)
    if method != "HEAD":
        assert (answer.code, "MLflow" in answer.message) == ("ServiceUnavailable", True)


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize(("method", "path"), [("GET", "models"), ("GET", "models/iris:1"), ("DELETE", "models/iris:1")])
def test_a_registry_that_fails_is_503_for_sdk_v1(
    plane: Plane, monkeypatch: pytest.MonkeyPatch, failure: str, method: str, path: str
) -> None:
    plane.put(f"{VERSIONS}/1", modelUri=JOB)
    monkeypatch.setattr(plane.azure.mlflow, "request", _failing(failure))
    answer = plane.sdk1(method, path)
    assert (answer.status_code, answer.json()["code"]) == (503, "ServiceUnavailable")


@pytest.mark.parametrize("failure", FAILURES)
def test_a_first_version_that_mlflow_fails_to_make_leaves_no_model(
    plane: Plane, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    mlflow = plane.azure.mlflow
    with monkeypatch.context() as patched:
        patched.setattr(mlflow, "request", _failing(failure, "model-versions/create", mlflow.request))
        assert plane.put(f"{VERSIONS}/1", modelUri=JOB).status == 503
    assert plane.get(f"{WORKSPACE}/models")["value"] == []
    assert plane.put(f"{VERSIONS}/1", modelUri=JOB).status == 201


def _failing(failure: str, call: str = "", rest: Any = None) -> Any:
    """A request to MLflow's that fails; only that one call does if it is named."""

    async def request(method: str, path: str, *words: Any, **told: Any) -> httpx.Response:
        if path.endswith(call):
            return fail(FAILURES[failure]())
        answer: httpx.Response = await rest(method, path, *words, **told)
        return answer

    return request


# --- MLflow ------------------------------------------------------------------------------------------------------


def test_mlflow_sees_no_reserved_tag_and_may_write_none(plane: Plane) -> None:
    plane.put(f"{VERSIONS}/1", modelUri=JOB, tags={"a": "b"}, properties={"p": "q"})
    assert records.RESERVED not in plane.mlflow("GET", "model-versions/search").text
    assert records.RESERVED not in plane.mlflow("GET", "registered-models/get?name=iris").text
    found = plane.mlflow("GET", "model-versions/get?name=iris&version=1").json()["model_version"]
    assert found["tags"] == [{"key": "a", "value": "b"}]
    body = {"name": "iris", "version": "1", "key": records.TAG, "value": "{}"}
    of_model = {name: value for name, value in body.items() if name != "version"}
    for call, said in (("model-versions/set-tag", body), ("registered-models/set-tag", of_model)):
        assert "reserved" in plane.mlflow("POST", call, said).json()["message"]
    assert plane.mlflow("DELETE", "model-versions/delete-tag", body).status_code == 400
    tagged = {"name": "iris", "source": "runs:/run-1/model", "tags": [{"key": records.TAG, "value": "{}"}]}
    assert plane.mlflow("POST", "model-versions/create", tagged).status_code == 400
    assert plane.mlflow("POST", "model-versions/create", json.dumps(tagged)).status_code == 400, "twice encoded"


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("registered-models/create", {"name": "not valid"}),
        ("registered-models/create", {"name": ""}),
        ("registered-models/create", {}),
        ("registered-models/rename", {"name": "iris", "new_name": "-"}),
        ("registered-models/rename", {"name": "iris", "newName": "-"}),
    ],
)
def test_mlflow_gives_models_the_names_that_azure_ml_takes(plane: Plane, call: str, body: dict[str, Any]) -> None:
    plane.put(f"{VERSIONS}/1", modelUri=JOB)
    refused = plane.mlflow("POST", call, body)
    assert (refused.status_code, refused.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("runs:/run-1/nowhere", "no blobs found in storage at model asset path"),
        (f"azureml://h/mlflow/v2.0{WORKSPACE}/experiments/1/runs/run-1/artifacts/nowhere", "no blobs found in storage"),
        ("runs:/no-run/model", "Run no-run was not found"),
        ("azureml://artifacts/LocalUpload/none/model", "was not found"),
        ("azureml://datastores/workspaceblobstore/paths/none", "no blobs found in storage"),
        (f"azureml://h/mlflow/v2.0{WORKSPACE.replace('ws-one', 'ws-two')}/experiments/1/runs/r/artifacts/m", "another"),
        ("s3://bucket/model", "is not in this workspace"),
        ("/tmp/model", "is not in this workspace"),
        ("", "is not in this workspace"),
    ],
)
def test_mlflow_registers_no_model_of_nothing(plane: Plane, source: str, why: str) -> None:
    plane.mlflow("POST", "registered-models/create", {"name": "iris"})
    refused = plane.mlflow("POST", "model-versions/create", {"name": "iris", "source": source})
    assert (refused.status_code, refused.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert why in refused.json()["message"]
    assert plane.mlflow("GET", "model-versions/search").json().get("model_versions", []) == []


@pytest.mark.parametrize(
    "source",
    [
        "runs:/elsewhere/model",
        "azureml://artifacts/ExperimentRun/dcid.elsewhere/model",
        "azureml://artifacts/ExperimentRun/dcid.elsewhere%2Fmodel",
        "azureml://artifacts/ExperimentRun/dcid.run-1/../dcid.elsewhere/model",
        "azureml://artifacts/experimentrun/DCID.elsewhere/model",
        "azureml://datastores/workspaceartifactstore/paths/ExperimentRun/dcid.elsewhere/model",
        f"azureml://h/mlflow/v2.0{WORKSPACE}/experiments/1/runs/elsewhere/artifacts/model",
        f"azureml://{WORKSPACE[1:]}/datastores/workspaceartifactstore/paths/ExperimentRun/dcid.elsewhere/model",
        "https://stacct1.blob.core.windows.net/azureml/ExperimentRun/dcid.elsewhere/model",
        "wasbs://azureml@stacct1.blob.core.windows.net/ExperimentRun/dcid.elsewhere/model",
    ],
)
def test_a_run_of_another_workspace_that_shares_the_account_becomes_no_model(plane: Plane, source: str) -> None:
    plane.azure.blob("azureml", "ExperimentRun/dcid.elsewhere/model/weights.bin", b"theirs")
    plane.mlflow("POST", "registered-models/create", {"name": "iris"})
    refused = plane.mlflow("POST", "model-versions/create", {"name": "iris", "source": source})
    assert refused.status_code in (400, 404), refused.text
    assert plane.mlflow("GET", "model-versions/search").json().get("model_versions", []) == []


def test_mlflow_copies_a_version(plane: Plane) -> None:
    plane.put(f"{VERSIONS}/1", modelUri=JOB)
    plane.mlflow("POST", "registered-models/create", {"name": "copy"})
    made = plane.mlflow("POST", "model-versions/create", {"name": "copy", "source": "models:/iris/1"})
    assert made.status_code == 200


def test_mlflow_names_a_path_of_a_datastore_with_the_right_to_read_datastores(plane: Plane) -> None:
    plane.azure.blob(_container(plane), "weights/MLmodel", MLMODEL)
    body = {"name": "iris", "source": "azureml://datastores/workspaceblobstore/paths/weights"}
    plane.mlflow("POST", "registered-models/create", {"name": "iris"})
    path = "/mlflow/v2.0{ws}/api/2.0/mlflow/model-versions/create"
    refused = plane.data("POST", path, body, who=_assigned(plane, ALICE, "registrar"))
    assert (refused.status_code, "datastores/read" in refused.json()["message"]) == (403, True)
    assert plane.mlflow("POST", "model-versions/create", body).status_code == 200


def test_who_registers_through_mlflow_is_told_to_the_others(plane: Plane) -> None:
    plane.mlflow("POST", "registered-models/create", {"name": "flow"})
    source = {"name": "flow", "source": "runs:/run-1/model", "run_id": "run-1", "tags": [{"key": "a", "value": "b"}]}
    plane.mlflow("POST", "model-versions/create", source)
    found = plane.get(f"{WORKSPACE}/models/flow/versions/1")
    assert (found["systemData"]["createdBy"], found["properties"]["modelType"]) == (DEVELOPER, "mlflow_model")
    assert found["properties"]["tags"] == {"a": "b"}
    (listed,) = plane.sdk1("GET", "models?name=flow").json()["value"]
    assert (listed["createdBy"]["userName"], listed["runId"], listed["experimentName"]) == (DEVELOPER, "run-1", "named")


def test_a_model_of_another_datastore_is_artifacts_of_that_version_alone(plane: Plane) -> None:
    container = _container(plane)
    for name in ("some/model/MLmodel", "some/model/deep/x", "some/model2/secret", "some/secret"):
        plane.azure.blob(container, name)
    uri = "azureml://datastores/workspaceblobstore/paths/some/model/"
    assert plane.put(f"{VERSIONS}/1", modelUri=uri).status == 201
    told = plane.mlflow("GET", "model-versions/get-download-uri?name=iris&version=1").json()["artifact_uri"]
    assert told == "azureml://artifacts/ModelVersion/iris:1/model"
    base = "/artifact/v2.0{ws}/artifacts"
    listed = plane.data("GET", f"{base}/ModelVersion/iris%3A1").json()["value"]
    assert [each["path"] for each in listed] == ["model/MLmodel", "model/deep/x"]
    found = plane.data("GET", f"{base}/ModelVersion/iris%3A1/contentinfo?path=model/MLmodel").json()
    assert f"/{container}/some/model/MLmodel?" in found["contentUri"]
    for path in ("secret", "model2/secret", "model/../secret", "model/none"):
        assert plane.data("GET", f"{base}/ModelVersion/iris%3A1/contentinfo?path={path}").status_code in (400, 404)
    prefixed = plane.data("GET", f"{base}/prefix/contentinfo/ModelVersion/iris:1/model").json()["value"]
    assert [each["path"] for each in prefixed] == ["model/MLmodel", "model/deep/x"]
    assert plane.data("GET", f"{base}/ModelVersion/iris%3A2").status_code == 404
    assert plane.data("POST", f"{base}/ModelVersion/iris%3A1/batch/metadata", {"paths": []}).status_code == 404


# --- SDK v1 ------------------------------------------------------------------------------------------------------


def test_sdk1_registers_the_next_version_and_all_is_told_again(plane: Plane) -> None:
    plane.put(f"{VERSIONS}/4", modelUri=JOB)
    url = plane.asset(PREFIX)
    body = {
        "name": "iris", "url": url, "mimeType": "application/json", "kvTags": {"a": "b"}, "properties": {"n": 1},
        "framework": "ScikitLearn", "frameworkVersion": "1.5", "description": "d", "unpack": False, "datasets": [],
    }  # fmt: skip
    made = plane.sdk1("POST", "models", body).json()
    assert (made["id"], made["version"], made["kvTags"], made["description"]) == ("iris:5", 5, {"a": "b"}, "d")
    assert (made["framework"], made["frameworkVersion"], made["runId"]) == ("ScikitLearn", "1.5", "run-1")
    assert (made["properties"]["n"], made["url"]) == ("1", url)
    asset = plane.sdk1("GET", f"assets/{url.rpartition('/')[2]}").json()
    assert asset["artifacts"] == [{"prefix": PREFIX}]
    assert plane.sdk1("GET", "models/iris:5").json() == made
    assert plane.get(f"{VERSIONS}/5")["properties"]["tags"] == {"a": "b"}


def test_sdk1_lists_by_all_that_it_asks_for_in_pages(plane: Plane) -> None:
    url = plane.asset(PREFIX)
    for number in range(3):
        told = {"kvTags": {"n": str(number)}, "framework": "Onnx" if number else "Custom"}
        plane.sdk1("POST", "models", {"name": "iris", "url": url, "mimeType": "x", **told})
        plane.azure.clock.advance(1)
    plane.sdk1("POST", "models", {"name": "other", "url": url, "mimeType": "x"})

    def ids(query: str) -> list[str]:
        return [each["id"] for each in plane.sdk1("GET", f"models?{query}").json()["value"]]

    assert ids("name=iris&count=1") == ["iris:3"]
    assert ids("tags=n%3D1") == ["iris:2"]
    assert ids("framework=Onnx") == ["iris:3", "iris:2"]
    assert ids("runId=none") == []
    assert sorted(ids("latestVersionOnly=true")) == ["iris:3", "other:1"]
    first = plane.sdk1("GET", "models?name=iris&count=2").json()
    assert first["continuationToken"] == "2"
    assert dict(httpx.URL(first["nextLink"]).params) == {"name": "iris", "count": "2", "$skipToken": "2"}
    assert ids("name=iris&count=2&$skipToken=2") == ["iris:1"]
    assert plane.sdk1("GET", "models?count=x").status_code == 400


def test_sdk1_changes_what_may_be_changed(plane: Plane) -> None:
    plane.put(f"{VERSIONS}/1", modelUri=JOB, tags={"a": "1"}, properties={"p": "1"})
    patch = [
        {"op": "replace", "path": "/kvTags", "value": {"b": "2"}},
        {"op": "replace", "path": "/description", "value": "d"},
        {"op": "add", "path": "/properties", "value": {"p": "1", "q": "2", "model_json": "{}"}},
        {"op": "replace", "path": "/sampleInputData", "value": "aml://dataset/x"},
    ]
    changed = plane.sdk1("PATCH", "models/iris:1", patch).json()
    assert (changed["kvTags"], changed["description"], changed["properties"]["q"]) == ({"b": "2"}, "d", "2")
    assert changed["sampleInputData"] == "aml://dataset/x"
    assert plane.get(f"{VERSIONS}/1")["properties"]["tags"] == {"b": "2"}
    for wrong in (
        [{"op": "replace", "path": "/name", "value": "x"}],
        [{"op": "remove", "path": "/kvTags"}],
        [{"op": "add", "path": "/properties", "value": {"p": "3"}}],
        ["x"],
    ):
        assert plane.sdk1("PATCH", "models/iris:1", wrong).status_code == 400
    assert plane.sdk1("DELETE", "models/iris:1").status_code == 200
    assert plane.sdk1("DELETE", "models/iris:1").status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("assets", {"name": "a", "artifacts": []}, 400),
        ("assets", {"name": "a", "artifacts": [{"prefix": "short"}]}, 400),
        ("assets", [], 400),
        ("models", {"name": "not valid", "url": "aml://asset/x"}, 400),
        ("models", {"name": "iris", "url": "https://example.org/x"}, 400),
        ("models", {"name": "iris", "url": "aml://asset/x"}, 404),
        ("models", {"name": "iris", "url": "aml://asset/<other>"}, 400),
        ("models", {"name": "iris", "url": "aml://asset/<good>", "kvTags": []}, 400),
        ("models", {"name": "iris", "url": "aml://asset/<good>", "kvTags": {records.TAG: "{}"}}, 400),
        ("nothing", {}, 404),
    ],
)
def test_what_sdk1_is_refused(plane: Plane, path: str, body: Any, status: int) -> None:
    if isinstance(body, dict) and "url" in body:
        for mark, prefix in (("<good>", PREFIX), ("<other>", "ExperimentRun/dcid.none/model")):
            body = {**body, "url": body["url"].replace(f"aml://asset/{mark}", plane.asset(prefix))}
    refused = plane.sdk1("POST", path, body)
    assert (refused.status_code, refused.json()["statusCode"]) == (status, status)
    assert plane.get(f"{WORKSPACE}/models")["value"] == []


def test_assets_and_models_that_are_not_there(plane: Plane) -> None:
    for path in ("models/iris:1", "models/iris", "models/iris:x", "assets/x", "assets/%20"):
        assert plane.sdk1("GET", path).status_code == 404, path


def test_nobody_without_a_role_reaches_sdk1s_models(plane: Plane) -> None:
    url = plane.asset(PREFIX)
    for method, path in (("GET", "models"), ("POST", "models"), ("DELETE", "models/m:1"), ("POST", "assets")):
        body = {"name": "m", "url": url} if method == "POST" else None
        assert plane.sdk1(method, path, body, who=ALICE).status_code == 403


# --- the MLmodel file --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"- a list",
        b"{not: yaml",
        b"\xff\xfe\xfd",
        b"a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
        b"c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
        b"e: [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n",
        b"a: &a\n  - *a\n",
        b"flavors: {}\n" + b"#" * 1024 * 1024,
    ],
)
def test_files_that_mlflow_never_wrote_are_no_mlmodel(plane: Plane, content: bytes) -> None:
    plane.azure.blob("azureml", "ExperimentRun/dcid.run-1/odd/MLmodel", content)
    place = DatastorePath(places.ARTIFACTS, "ExperimentRun/dcid.run-1/odd")
    workspace = plane.azure.cloud.store.get("resources", WORKSPACE.lower())
    assert workspace is not None
    assert mlmodel.read(plane.azure.cloud, workspace, place) is None
    assert plane.put(f"{VERSIONS}/1", modelUri=JOB.replace("/model", "/odd")).body["properties"]["flavors"] == {}


def test_of_the_services_of_sdk_v1_there_are_none(plane: Plane) -> None:
    assert plane.sdk1("GET", "services").json() == {"value": []}
    one = plane.sdk1("GET", "services/wine")
    assert one.status_code == 404 and "NoSuchService" in one.text
    assert plane.sdk1("GET", "services", who=ALICE).status_code == 403
