"""The workspaces' data plane in front of a scripted MLflow: addresses, permissions, translation, isolation."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, unquote, urlsplit

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.blobs.names import Address
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.clock import ManualClock, RandomIds
from azmlflow.localazure.core.collections import ASSIGNMENTS, DEFINITIONS, SECRETS
from azmlflow.localazure.core.store import Store
from azmlflow.localazure.principals.directory import Directory, Principal
from azmlflow.localazure.principals.enforce import Caller, Enforcer
from azmlflow.localazure.principals.tokens import Tokens
from azmlflow.localazure.services import azureml, blobs
from azmlflow.localazure.tracking.answers import MlflowUnavailable
from tests.rbac.expected import ALLOWED, PERSONA_ACTIONS, REQUESTS, REQUIRED, Asked

HOST = "westeurope.api.azureml.ms"
GROUP = "/subscriptions/S1/resourceGroups/Rg1"
API = "/api/2.0/mlflow"


def workspace_id(name: str) -> str:
    return f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/{name}"


@dataclass
class ScriptedMlflow:
    """Stands for the MLflow server: remembers what it was asked, says what it was told to."""

    runs: dict[tuple[str, str], str] = field(default_factory=dict)
    answers: dict[str, httpx.Response] = field(default_factory=dict)
    asked: list[tuple[str, str, str, Any, Any]] = field(default_factory=list)
    default: str | None = None
    down: bool = False

    async def request(
        self,
        method: str,
        path: str,
        workspace: str,
        *,
        params: Any = None,
        json_body: Any = None,
        for_good: bool = False,
    ) -> httpx.Response:
        if self.down:
            raise MlflowUnavailable("MLflow's server is still starting", 5)
        query = dict(httpx.QueryParams(params)) if params else {}
        self.asked.append((method, path, workspace, query, json_body))
        if path == f"{API}/runs/get":
            experiment = self.runs.get((workspace, query.get("run_id", "")))
            if experiment is None:
                return httpx.Response(404, json={"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such run"})
            info = {
                "run_id": query["run_id"],
                "experiment_id": experiment,
                "artifact_uri": "azureml://artifacts/root/1",
            }
            return httpx.Response(200, json={"run": {"info": info}})
        if path == f"{API}/experiments/get-by-name" and query.get("experiment_name") != "named":
            return httpx.Response(404, json={"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such experiment"})
        if path in (f"{API}/experiments/get", f"{API}/experiments/get-by-name"):
            told = {"experiment_id": query.get("experiment_id", "7"), "name": "named"}
            return httpx.Response(200, json={"experiment": told})
        return self.answers.get(path, httpx.Response(200, json={}))

    async def experiment(self, workspace: str, name: str) -> str | None:
        return "7"

    async def default_experiment(self, workspace: str, *, make: bool) -> str | None:
        if make and self.default is None:
            self.default = "41"
        return self.default


@dataclass
class Azure:
    """Two workspaces on one storage account, and people with a persona on the first."""

    cloud: Cloud
    clock: ManualClock
    mlflow: ScriptedMlflow
    people: dict[str, Principal]

    def ask(self, who: str, method: str, path: str, host: str = HOST, **options: Any) -> httpx.Response:
        app = azureml.service(self.cloud)

        async def signed_in(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("state", {})["caller"] = Caller(self.people[who])
            await app(scope, receive, send)

        async def request() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(signed_in)) as client:
                return await client.request(method, f"https://{host}{path}", **options)

        return asyncio.run(request())

    def mlflow_call(self, who: str, method: str, call: str, workspace: str = "ws1", **options: Any) -> httpx.Response:
        return self.ask(who, method, f"/mlflow/v2.0{workspace_id(workspace)}{API}/{call}", **options)

    def blob(self, method: str, url: str, **options: Any) -> httpx.Response:
        async def request() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(blobs.service(self.cloud))) as client:
                return await client.request(method, url, **options)

        return asyncio.run(request())

    def grant(self, who: str, actions: Iterable[str]) -> None:
        """Let somebody do exactly this in the first workspace."""
        store, key = self.cloud.store, f"/{who}"
        permissions = [{"actions": sorted(actions)}]
        store.put(DEFINITIONS, key, {"id": key, "properties": {"roleName": who, "permissions": permissions}})
        told = {"principalId": self.people[who].object_id, "roleDefinitionId": key, "scope": workspace_id("ws1")}
        store.put(ASSIGNMENTS, key, {"id": key, "properties": told})

    def upload(self, url: str, content: bytes) -> None:
        headers = {"x-ms-blob-type": "BlockBlob", "If-None-Match": "*"}
        assert self.blob("PUT", url, content=content, headers=headers).status_code == 201


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the signing keys are kept: making one for each test would take most of the time."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def azure(tmp_path: Path, keys: Path) -> Iterator[Azure]:
    store, clock, ids = Store(), ManualClock(), RandomIds()
    directory = Directory(store, ids)
    mlflow = ScriptedMlflow()
    tokens, enforcer = Tokens(store, clock, keys), Enforcer(store, directory, clock)
    cloud = Cloud(tmp_path, store, clock, ids, directory, tokens, enforcer, cast(Any, None), cast(Any, mlflow))
    account = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stmlflow"
    store.put("resources", account.lower(), {"id": account, "name": "stmlflow"})
    store.put(SECRETS, account.lower(), {"keys": ["a2V5MQ==", "a2V5Mg=="]})
    for name in ("ws1", "ws2"):
        properties = {"workspaceId": f"guid-{name}", "storageAccount": account}
        store.put("resources", workspace_id(name).lower(), {"id": workspace_id(name), "properties": properties})
    people = {name: directory.add_user(f"{name}@local.test") for name in ("viewer", "tracker", "registrar", "nobody")}
    made = Azure(cloud, clock, mlflow, people)
    for name in ("viewer", "tracker", "registrar"):
        made.grant(name, PERSONA_ACTIONS[name])
    yield made
    store.close()


# --- addresses ---------------------------------------------------------------------------------------------------


def test_discovery_names_every_service_that_clients_look_up(azure: Azure) -> None:
    told = azure.ask("nobody", "GET", "/discovery").json()
    for key in ("api", "history", "experimentation", "hyperdrive", "modelmanagement"):
        assert told[key] == f"https://{HOST}"
    assert told["studio"].startswith("https://")
    special = azure.ask("nobody", "GET", "/discovery", host="guid.workspace.westeurope.api.azureml.ms").json()
    assert special["api"] == "https://guid.workspace.westeurope.api.azureml.ms"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/mlflow",
        "/mlflow/v2.0",
        f"/mlflow/v3.0{workspace_id('ws1')}{API}/runs/get",
        f"/history/v2.0{workspace_id('ws1')}/experiments",
        f"/unknown/v1.0{workspace_id('ws1')}/x",
        f"/mlflow/v2.0{GROUP}{API}/runs/get",
        f"/mlflow/v2.0{workspace_id('')}{API}/runs/get",
        f"/mlflow/v2.0{workspace_id('ws1')}",
        f"/mlflow/v2.0{workspace_id('ws1')}{API}/logged-models/search",
        f"/mlflow/v2.0{workspace_id('ws1')}/api/3.0/mlflow/traces",
        f"/mlflow/v2.0{workspace_id('ws1')}/api/3.0/mlflow/workspaces",
        f"/mlflow/v2.0{workspace_id('ws1')}/ajax-api/2.0/mlflow/runs/search",
        f"/mlflow/v2.0{workspace_id('ws1')}{API}/runs/get/",
        f"/mlflow/v2.0{workspace_id('ws1')}/health",
        f"/history/v1.0{workspace_id('ws1')}/experiments/1/runs/r1/artifacts/unknown",
        f"/artifact/v2.0{workspace_id('ws1')}/artifacts/LocalUpload",
        f"/artifact/v2.0{workspace_id('ws1')}/artifacts/Elsewhere/c1",
    ],
)
def test_what_azure_ml_does_not_offer_is_404_as_mlflow_clients_expect(azure: Azure, path: str) -> None:
    refused = azure.ask("tracker", "GET", path)
    assert refused.status_code == 404
    assert refused.json()["error_code"] == "ENDPOINT_NOT_FOUND"
    assert refused.json()["error"]["code"] == "EndpointNotFound"
    assert azure.mlflow.asked == []


def test_an_unknown_workspace_is_404(azure: Azure) -> None:
    refused = azure.mlflow_call("tracker", "GET", "experiments/get", workspace="ws9")
    assert (refused.status_code, refused.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert workspace_id("ws9") in refused.json()["message"]


def test_the_workspace_id_is_read_without_regard_to_case_and_decoded(azure: Azure) -> None:
    spelt = workspace_id("ws1").upper().replace("WS1", "w%731").replace("/RG1/", "/r%671/")
    path = f"/mlflow/v2.0{spelt}{API}/experiments/get?experiment_id=5"
    assert azure.ask("viewer", "GET", path).status_code == 200
    assert azure.mlflow.asked == [("GET", f"{API}/experiments/get", "guid-ws1", {"experiment_id": "5"}, None)]


# --- permissions -------------------------------------------------------------------------------------------------

VERSIONS = {"mlflow": "v2.0", "metric": "v2.0", "artifact": "v2.0"}
CALLS = [asked for asked in REQUESTS if asked.service in azureml.SERVICES]
SERVED = [name for name in REQUIRED if any(asked.operation == name for asked in CALLS)]


def call(azure: Azure, who: str, asked: Asked) -> httpx.Response:
    """Make a request of the table, about a run that there is."""
    azure.mlflow.runs["guid-ws1", "r1"] = "7"
    Blobs(azure.cloud).make_container("stmlflow", "azureml")
    path = asked.path
    for word, value in {"{experiment}": "7", "{run}": "r1", "{upload}": "c1", "{version}": "v1"}.items():
        path = path.replace(word, value)
    body: Any = {"json": {"paths": [{"path": "a"}]}} if asked.method == "POST" else {}
    version = VERSIONS.get(asked.service, "v1.0")
    return azure.ask(who, asked.method, f"/{asked.service}/{version}{workspace_id('ws1')}{path}", **body)


def check_refused(answer: httpx.Response, who: str, missing: str) -> None:
    refusal = answer.json()
    assert (answer.status_code, refusal["error_code"]) == (403, "PERMISSION_DENIED")
    assert refusal["error"]["code"] == "AuthorizationFailed"
    for named in (f"{who}@local.test", missing, workspace_id("ws1")):
        assert named in refusal["message"]


def check_let_through(answer: httpx.Response) -> None:
    assert answer.status_code != 403
    assert answer.json().get("error_code") != "ENDPOINT_NOT_FOUND"


@pytest.mark.parametrize("asked", CALLS, ids=" ".join)
@pytest.mark.parametrize("who", ["viewer", "tracker", "registrar", "nobody"])
def test_a_persona_asks_what_the_table_allows_it_and_nothing_else(azure: Azure, who: str, asked: Asked) -> None:
    answer = call(azure, who, asked)
    if asked.operation in ALLOWED[who]:
        check_let_through(answer)
    else:
        held = PERSONA_ACTIONS.get(who, frozenset())
        check_refused(answer, who, next(action for action in REQUIRED[asked.operation] if action not in held))
        assert azure.mlflow.asked == []


@pytest.mark.parametrize("operation", SERVED)
def test_an_operation_needs_each_of_its_actions_and_no_more(azure: Azure, operation: str) -> None:
    mine = [asked for asked in CALLS if asked.operation == operation]
    for missing in REQUIRED[operation]:
        azure.grant("nobody", {*REQUIRED[operation]} - {missing})
        for asked in mine:
            check_refused(call(azure, "nobody", asked), "nobody", missing)
    assert azure.mlflow.asked == []
    azure.grant("nobody", REQUIRED[operation])
    for asked in mine:
        check_let_through(call(azure, "nobody", asked))


def test_a_grant_on_one_workspace_says_nothing_about_another(azure: Azure) -> None:
    for method, call in (("GET", "experiments/get"), ("POST", "runs/create"), ("GET", "registered-models/get")):
        assert azure.mlflow_call("tracker", method, call, workspace="ws2").status_code == 403
    assert azure.mlflow.asked == []


# --- MLflow's API ------------------------------------------------------------------------------------------------


def test_a_request_is_passed_on_with_its_body_and_repeated_query(azure: Azure) -> None:
    azure.mlflow.answers[f"{API}/experiments/search"] = httpx.Response(200, json={"experiments": []})
    answer = azure.mlflow_call("viewer", "POST", "experiments/search", json={"max_results": 5, "filter": "name = 'é'"})
    assert answer.json() == {"experiments": []}
    azure.mlflow_call("viewer", "GET", "registered-models/search?order_by=name&order_by=version&max_results=2")
    assert azure.mlflow.asked[0][4] == {"max_results": 5, "filter": "name = 'é'"}


def test_mlflows_own_refusals_reach_the_client(azure: Azure) -> None:
    body = {"error_code": "RESOURCE_ALREADY_EXISTS", "message": "Experiment(name=x) already exists."}
    azure.mlflow.answers[f"{API}/experiments/create"] = httpx.Response(400, json=body)
    answer = azure.mlflow_call("tracker", "POST", "experiments/create", json={"name": "x"})
    nothing = dict.fromkeys(
        ("severity", "messageFormat", "messageParameters", "referenceCode", "detailsUri", "target", "innerError",
         "debugInfo", "additionalInfo")
    )  # fmt: skip
    assert answer.status_code == 400
    assert answer.json() == {
        **body,
        "error": {"code": "UserError", "message": "Experiment(name=x) already exists.", "details": [], **nothing},
        "correlation": {"operation": None, "request": None},
        "environment": "westeurope",
        "location": "westeurope",
        "time": None,
        "componentName": "mlflow",
        "code": "UserError",
        "statusCode": 400,
        "details": [{"code": "UserError", "message": "Experiment(name=x) already exists."}],
    }


@pytest.mark.parametrize(
    ("status", "code", "said", "told"),
    [
        (
            400,
            "RESOURCE_ALREADY_EXISTS",
            "Experiment(name=x) already exists. Error: (sqlite3.IntegrityError) UNIQUE constraint failed: a.b\n"
            "[SQL: INSERT INTO experiments]\n(Background on this error at: https://sqlalche.me/e/21/gkpj)",
            (400, "RESOURCE_ALREADY_EXISTS", "Experiment(name=x) already exists."),
        ),
        (
            400,
            "BAD_REQUEST",
            "(sqlite3.IntegrityError) FOREIGN KEY constraint failed\n[SQL: INSERT INTO tags]",
            (400, "BAD_REQUEST", "MLflow answered 400"),
        ),
        (
            500,
            "INTERNAL_ERROR",
            "Python int too large to convert to SQLite INTEGER",
            (400, "INVALID_PARAMETER_VALUE", "A value of the request is out of range."),
        ),
        (503, "TEMPORARILY_UNAVAILABLE", "(sqlite3.OperationalError) locked", (503, "TEMPORARILY_UNAVAILABLE", None)),
    ],
)
def test_no_refusal_tells_of_mlflows_database(
    azure: Azure, status: int, code: str, said: str, told: tuple[int, str, str | None]
) -> None:
    body = {"error_code": code, "message": said, "sqlstate": "KAM00", "error_class": code}
    azure.mlflow.answers[f"{API}/experiments/create"] = httpx.Response(status, json=body)
    answer = azure.mlflow_call("tracker", "POST", "experiments/create", json={"name": "x"})
    assert (answer.status_code, answer.json()["error_code"]) == told[:2]
    assert told[2] in (None, answer.json()["message"])
    assert "sql" not in answer.text.lower()


def test_what_is_over_a_limit_has_the_services_code(azure: Azure) -> None:
    said = (
        "A field of the entity is over the size limit. FieldName=Parameters, Limit=200, Size=210. See https://aka.ms/"
    )
    body = {"error_code": "INVALID_PARAMETER_VALUE", "message": said}
    azure.mlflow.answers[f"{API}/runs/log-batch"] = httpx.Response(400, json=body)
    answer = azure.mlflow_call("tracker", "POST", "runs/log-batch", json={"run_id": "r1"}).json()
    assert (answer["error_code"], answer["error"]["code"]) == ("INVALID_PARAMETER_VALUE", "ValidationError")


def test_a_page_instead_of_json_is_an_unknown_endpoint(azure: Azure) -> None:
    azure.mlflow.answers[f"{API}/runs/log-model"] = httpx.Response(404, text="<!doctype html>")
    answer = azure.mlflow_call("tracker", "POST", "runs/log-model", json={})
    assert (answer.status_code, answer.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


def test_a_body_that_is_no_json_is_400(azure: Azure) -> None:
    answer = azure.mlflow_call("tracker", "POST", "runs/create", content=b"{not json")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_mlflow_being_away_is_503_with_a_time_to_come_back(azure: Azure) -> None:
    azure.mlflow.down = True
    answer = azure.mlflow_call("tracker", "POST", "runs/create", json={})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["error_code"] == "TEMPORARILY_UNAVAILABLE"


def test_a_run_is_made_by_whoever_asks_for_it(azure: Azure) -> None:
    azure.mlflow_call("tracker", "POST", "runs/create", json={"experiment_id": "7", "user_id": "root"})
    assert azure.mlflow.asked[-1][4] == {"experiment_id": "7", "user_id": "tracker"}


# --- what Azure ML does otherwise than MLflow ----------------------------------------------------------------------


def test_searches_reach_mlflow_as_it_takes_them(azure: Azure) -> None:
    asked = {"filter": "attributes.status = 'Failed'", "order_by": ["attributes.creation_time DESC"]}
    azure.mlflow_call("viewer", "POST", "runs/search", json={"experiment_ids": ["7"], **asked})
    sent = {"filter": "attributes.status = 'FAILED'", "order_by": ["attributes.start_time DESC"]}
    assert azure.mlflow.asked[-1][4] == {"experiment_ids": ["7"], **sent}
    azure.mlflow_call("viewer", "GET", "experiments/search?filter=creation_time+>+5&max_results=2")
    assert azure.mlflow.asked[-1][3] == {"filter": "creation_time > 5000", "max_results": "2"}
    azure.mlflow_call("viewer", "GET", "registered-models/search?filter=name='x'&order_by=version&order_by=name")
    assert azure.mlflow.asked[-1][3]["filter"] == "name='x'"


@pytest.mark.parametrize(
    ("method", "call", "body"),
    [
        ("POST", "runs/search", {"experiment_ids": ["7"], "order_by": ["metrics.auc"]}),
        ("POST", "runs/search", {"experiment_ids": ["7"], "filter": "tags.f != 'a'"}),
        ("POST", "runs/search", {"experimentIds": ["7"], "orderBy": ["params.p"]}),
        ("GET", "registered-models/search?filter=name+LIKE+'x%25'", None),
        ("GET", "registered-models/search?filter=tags.a='b'", None),
        ("POST", "experiments/update", {"experiment_id": "7", "new_name": "other"}),
        ("POST", "registered-models/rename", {"name": "iris", "new_name": "rose"}),
        ("DELETE", "registered-models/delete", {"name": "iris"}),
        ("POST", "model-versions/transition-stage", {"name": "iris", "version": "1", "stage": "staging"}),
        ("POST", "registered-models/get-latest-versions", {"name": "iris", "stages": ["Staging", "production"]}),
        ("GET", "registered-models/get-latest-versions?name=iris&stages=production&stages=None", None),
    ],
)
def test_what_azure_ml_does_not_do_is_refused_before_mlflow_does_it(
    azure: Azure, method: str, call: str, body: Any
) -> None:
    everyone = {"experiments/update": "tracker"}
    refused = azure.mlflow_call(everyone.get(call, "registrar"), method, call, json=body)
    assert (refused.status_code, refused.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), refused.text
    assert refused.json()["error"]["code"] == "UserError"
    assert [asked[1] for asked in azure.mlflow.asked] in ([], [f"{API}/experiments/get"])


def test_an_experiment_may_be_given_the_name_that_it_has(azure: Azure) -> None:
    body = {"experiment_id": "7", "new_name": "named"}
    assert azure.mlflow_call("tracker", "POST", "experiments/update", json=body).status_code == 200


@pytest.mark.parametrize("version", ["v1.0", "v2.0"])
def test_artifact_uris_are_rewritten_wherever_they_stand(azure: Azure, version: str) -> None:
    info = {"run_id": "r1", "experiment_id": "7", "artifact_uri": "azureml://artifacts/root/7/r1/artifacts"}
    found = {"runs": [{"info": info, "data": {"metrics": [{"key": "loss", "value": "NaN"}]}}]}
    azure.mlflow.answers[f"{API}/runs/search"] = httpx.Response(200, json=found)
    path = f"/mlflow/{version}{workspace_id('ws1').lower()}{API}/runs/search"
    answer = azure.ask("viewer", "POST", path, json={"experiment_ids": ["7"]}).json()
    uri = f"azureml://{HOST}/mlflow/{version}{workspace_id('ws1')}/experiments/7/runs/r1/artifacts"
    assert answer == {"runs": [{**found["runs"][0], "info": {**info, "artifact_uri": uri}}]}


def test_an_experiments_location_tells_nothing_of_this_machine(azure: Azure) -> None:
    found = {"experiments": [{"experiment_id": "7", "name": "x", "artifact_location": "file:///home/alice/mlruns/7"}]}
    azure.mlflow.answers[f"{API}/experiments/search"] = httpx.Response(200, json=found)
    (told,) = azure.mlflow_call("viewer", "POST", "experiments/search", json={}).json()["experiments"]
    assert told["artifact_location"] == f"azureml://{HOST}/mlflow/v2.0{workspace_id('ws1')}/experiments/7"


def test_no_client_says_where_artifacts_go(azure: Azure) -> None:
    body = {"name": "x", "artifact_location": "file:///etc"}
    refused = azure.mlflow_call("tracker", "POST", "experiments/create", json=body)
    assert (refused.status_code, refused.json()["error"]["target"]) == (400, "artifact_location")
    assert azure.mlflow.asked == []
    azure.mlflow_call("tracker", "POST", "experiments/create", json={**body, "artifact_location": ""})
    assert azure.mlflow.asked[-1][4] == {"name": "x"}


def test_experiment_0_is_the_workspaces_default(azure: Azure) -> None:
    azure.mlflow_call("tracker", "POST", "runs/search", json={"experiment_ids": ["0", "7"]})
    assert azure.mlflow.asked[-1][4] == {"experiment_ids": ["0", "7"]}, "a search makes no experiment"
    azure.mlflow_call("tracker", "POST", "runs/create", json={"experiment_id": "0"})
    assert azure.mlflow.asked[-1][4] == {"experiment_id": "41", "user_id": "tracker"}
    azure.mlflow_call("viewer", "GET", "experiments/get?experiment_id=0")
    assert azure.mlflow.asked[-1][3] == {"experiment_id": "41"}
    azure.mlflow_call("viewer", "POST", "runs/search", json={"experiment_ids": ["0", "7"]})
    assert azure.mlflow.asked[-1][4] == {"experiment_ids": ["41", "7"]}


@pytest.mark.parametrize("sent", [{"artifactLocation": "file:///etc"}, {"artifact_location": "file:///etc"}])
@pytest.mark.parametrize("wrapped", [False, True])
def test_no_spelling_lets_a_client_say_where_artifacts_go(azure: Azure, sent: dict[str, str], wrapped: bool) -> None:
    body: Any = {"name": "e", **sent}
    sent_as = json.dumps(body) if wrapped else body
    assert azure.mlflow_call("tracker", "POST", "experiments/create", json=sent_as).status_code == 400
    assert azure.mlflow.asked == []


def test_the_preview_spelling_and_the_late_batch(azure: Azure) -> None:
    body = {"run_id": "r1", "metrics": [{"key": "m", "value": 1, "timestamp": 1, "step": 0}]}
    path = f"/mlflow/v2.0{workspace_id('ws1')}/api/2.0/preview/mlflow/runs/log-batch-async"
    assert azure.ask("tracker", "POST", path, json=body).json() == {"batch_tracking_id": ""}
    assert azure.mlflow.asked == [("POST", f"{API}/runs/log-batch", "guid-ws1", {}, body)]
    azure.mlflow.answers[f"{API}/runs/log-batch"] = httpx.Response(404, json={"error_code": "RESOURCE_DOES_NOT_EXIST"})
    assert azure.ask("tracker", "POST", path, json=body).status_code == 404


@pytest.mark.parametrize(
    "source",
    ["azureml://jobs/r1/outputs/artifacts/paths/model/", "azureml://jobs/r1/outputs/artifacts/model", "runs:/r1/model"],
)
def test_a_model_of_a_run_can_be_downloaded_however_its_source_is_spelt(azure: Azure, source: str) -> None:
    azure.mlflow.runs["guid-ws1", "r1"] = "7"
    call = "model-versions/get-download-uri"
    azure.mlflow.answers[f"{API}/{call}"] = httpx.Response(200, json={"artifact_uri": source})
    told = azure.mlflow_call("viewer", "GET", f"{call}?name=m&version=1").json()["artifact_uri"]
    assert told == f"azureml://{HOST}/mlflow/v2.0{workspace_id('ws1')}/experiments/7/runs/r1/artifacts/model"


def test_other_sources_stay_as_they_are(azure: Azure) -> None:
    call = "model-versions/get-download-uri"
    uploaded = {"artifact_uri": "azureml://artifacts/LocalUpload/c1/model"}
    azure.mlflow.answers[f"{API}/{call}"] = httpx.Response(200, json=uploaded)
    assert azure.mlflow_call("viewer", "GET", f"{call}?name=m&version=1").json() == uploaded


# --- artifacts ---------------------------------------------------------------------------------------------------

RUN = f"/history/v1.0{workspace_id('ws1')}/experiments/7/runs/r1/artifacts"
BY_ID = RUN.replace("/experiments/", "/experimentids/")
UPLOAD = f"/artifact/v2.0{workspace_id('ws1')}/artifacts"


@pytest.fixture
def with_run(azure: Azure) -> Azure:
    azure.mlflow.runs["guid-ws1", "r1"] = "7"
    return azure


def log(azure: Azure, who: str, path: str, content: bytes, base: str = RUN) -> str:
    told = azure.ask(who, "POST", f"{base}/batch/metadata", json={"paths": [{"path": path}]}).json()
    url: str = told["artifactContentInformation"][path]["contentUri"]
    azure.upload(url, content)
    return url


def test_an_artifact_travels_by_signed_url(with_run: Azure) -> None:
    written = log(with_run, "tracker", "plots/é & 1.txt", b"content")
    parts = urlsplit(written)
    assert parts.hostname == "stmlflow.blob.core.windows.net"
    assert unquote(parts.path) == "/azureml/ExperimentRun/dcid.r1/plots/é & 1.txt"
    told = with_run.ask("viewer", "GET", f"{RUN}/contentinfo", params={"path": "plots/é & 1.txt"}).json()
    assert told["path"] == "plots/é & 1.txt"
    assert with_run.blob("GET", told["contentUri"]).content == b"content"
    assert with_run.blob("HEAD", written).status_code == 200, "azureml-core looks at what it has put there"
    assert with_run.blob("DELETE", written).status_code == 403, "what is signed for writing does not delete"
    again = {"x-ms-blob-type": "BlockBlob", "If-None-Match": "*"}
    assert with_run.blob("PUT", written, content=b"other", headers=again).headers["x-ms-error-code"] == (
        "BlobAlreadyExists"
    )
    put = with_run.blob("PUT", told["contentUri"], content=b"other", headers={"x-ms-blob-type": "BlockBlob"})
    assert put.status_code == 403, "what is signed for reading does not write"


def as_sdk_v1_sends(uri: str) -> str:
    """The URL that azureml-core makes of a content URI: it takes the path apart as it is, and encodes it."""
    parts = urlsplit(uri)
    container, name = parts.path[1:].split("/", 1)
    return f"https://{parts.netloc}/{container}/{quote(name, safe='~/')}?{parts.query}"


@pytest.mark.parametrize(
    "name", ["two words.txt", "outputs/é.txt", "50%20off.txt", "100%.txt", "a+b&c=d;e.txt", "it's [1].txt", "plain.txt"]
)
def test_names_that_urls_must_encode_travel_by_sdk_v1_and_by_mlflow(with_run: Azure, name: str) -> None:
    made = with_run.ask(
        "tracker", "POST", f"{UPLOAD}/batch/metadata/ExperimentRun/dcid.r1", json={"paths": [{"path": name}]}
    )
    url = made.json()["artifactContentInformation"][name]["contentUri"]
    headers = {"x-ms-blob-type": "BlockBlob"}
    assert with_run.blob("PUT", as_sdk_v1_sends(url), content=b"v1", headers=headers).status_code == 201
    for asked in (
        f"{UPLOAD}/contentinfo/ExperimentRun/dcid.r1/{quote(name)}",
        f"{UPLOAD}/contentinfo/ExperimentRun/dcid.r1/{quote(name, safe='')}",
        f"{RUN}/contentinfo/{quote(name)}",
    ):
        read = with_run.ask("viewer", "GET", asked).json()["contentUri"]
        assert with_run.blob("GET", as_sdk_v1_sends(read)).content == b"v1", asked
    below = with_run.ask("viewer", "GET", f"{UPLOAD}/prefix/contentinfo/ExperimentRun/dcid.r1/").json()["value"]
    assert [with_run.blob("GET", as_sdk_v1_sends(each["contentUri"])).content for each in below] == [b"v1"]
    # MLflow's client decodes and encodes, so that its URLs are as they are sent.
    told = with_run.ask("viewer", "GET", f"{RUN}/contentinfo", params={"path": name}).json()["contentUri"]
    assert with_run.blob("GET", told).content == b"v1"
    assert with_run.ask("viewer", "GET", RUN).json()["value"][0]["path"] == name


@pytest.mark.parametrize("name", ["what?.txt", "no#1.txt"])
def test_sdk_v1_is_told_at_once_which_names_it_cannot_open(with_run: Azure, name: str) -> None:
    log(with_run, "tracker", name, b"mlflow")
    made = with_run.ask(
        "tracker", "POST", f"{UPLOAD}/batch/metadata/ExperimentRun/dcid.r1", json={"paths": [{"path": name}]}
    )
    read = with_run.ask("viewer", "GET", f"{UPLOAD}/contentinfo/ExperimentRun/dcid.r1/{quote(name)}")
    for refused in (made, read):
        assert (refused.status_code, name in refused.json()["message"]) == (400, True)
    told = with_run.ask("viewer", "GET", f"{RUN}/contentinfo", params={"path": name}).json()["contentUri"]
    assert with_run.blob("GET", told).content == b"mlflow"


def test_a_signed_url_expires(with_run: Azure) -> None:
    log(with_run, "tracker", "a.txt", b"x")
    url = with_run.ask("viewer", "GET", f"{RUN}/contentinfo?path=a.txt").json()["contentUri"]
    with_run.clock.advance(3599)
    assert with_run.blob("GET", url).status_code == 200
    with_run.clock.advance(2)
    assert with_run.blob("GET", url).status_code == 403


def test_lists_what_a_run_has(with_run: Azure) -> None:
    with_run.mlflow.runs["guid-ws1", "r12"] = "7"
    for path in ("a.txt", "model/MLmodel", "model/data/x", "modeling.txt"):
        log(with_run, "tracker", path, b"x")
    log(with_run, "tracker", "not mine", b"x", RUN.replace("/r1/", "/r12/"))
    paths = [entry["path"] for entry in with_run.ask("viewer", "GET", RUN).json()["value"]]
    assert paths == ["a.txt", "model/MLmodel", "model/data/x", "modeling.txt"]
    below = with_run.ask("viewer", "GET", f"{RUN}/path?path=model").json()["value"]
    assert [entry["path"] for entry in below] == ["model/MLmodel", "model/data/x"]


@pytest.mark.parametrize("base", [RUN, BY_ID, RUN.replace("/7/", "/named/"), f"{UPLOAD}/ExperimentRun/dcid.r1"])
def test_a_runs_artifacts_by_each_address(with_run: Azure, base: str) -> None:
    log(with_run, "tracker", "model/a.txt", b"content", base)
    for asked in (f"{base}/contentinfo?path=model/a.txt", f"{base}/prefix/contentinfo?path=model"):
        told = with_run.ask("viewer", "GET", asked).json()
        url = told["contentUri"] if "contentUri" in told else told["value"][0]["contentUri"]
        assert with_run.blob("GET", url).content == b"content"
    assert [entry["path"] for entry in with_run.ask("viewer", "GET", base).json()["value"]] == ["model/a.txt"]
    assert with_run.ask("viewer", "GET", f"{base}/metadata?path=model/a.txt").json()["artifactId"] == (
        "ExperimentRun/dcid.r1/model/a.txt"
    )


def test_a_runs_artifacts_as_azureml_core_spells_them(with_run: Azure) -> None:
    spelt = f"{UPLOAD}/batch/metadata/ExperimentRun/dcid.r1"
    told = with_run.ask("tracker", "POST", spelt, json={"paths": [{"path": "outputs/model.pkl"}]}).json()
    with_run.upload(told["artifactContentInformation"]["outputs/model.pkl"]["contentUri"], b"content")
    for asked in (
        f"{UPLOAD}/contentinfo/ExperimentRun/dcid.r1/outputs/model.pkl",
        f"{UPLOAD}/contentinfo/ExperimentRun/dcid.r1/outputs%2Fmodel.pkl",
        f"{RUN}/contentinfo/outputs/model.pkl",
    ):
        assert with_run.blob("GET", with_run.ask("viewer", "GET", asked).json()["contentUri"]).content == b"content"
    below = with_run.ask("viewer", "GET", f"{UPLOAD}/prefix/contentinfo/ExperimentRun/dcid.r1/outputs").json()
    assert [entry["path"] for entry in below["value"]] == ["outputs/model.pkl"]
    assert with_run.ask("viewer", "GET", f"{RUN}/artifacturi/outputs/model.pkl").json().startswith("https://stmlflow.")


def test_what_is_not_there_is_404(with_run: Azure) -> None:
    log(with_run, "tracker", "a.txt", b"x")
    for asked in (
        f"{RUN}/contentinfo?path=b.txt",
        RUN.replace("/r1/", "/r2/"),
        RUN.replace("/7/", "/8/"),
        f"{UPLOAD}/LocalUpload/never",
        f"{UPLOAD}/LocalUpload/never/contentinfo?path=a",
    ):
        refused = with_run.ask("viewer", "GET", asked)
        assert (refused.status_code, refused.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../../../x", "a/../b", "a//b", "a/", "nul\0", "x" * 1100])
def test_a_path_that_can_be_no_artifact_is_400(with_run: Azure, path: str) -> None:
    refused = with_run.ask("tracker", "POST", f"{RUN}/batch/metadata", json={"paths": [{"path": path}]})
    assert (refused.status_code, refused.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"paths": "a"}', b'{"paths": ["a"]}', b'{"paths": [{"path": 1}]}']
)
def test_a_body_that_names_no_paths_is_400(with_run: Azure, body: bytes) -> None:
    assert with_run.ask("tracker", "POST", f"{RUN}/batch/metadata", content=body).status_code == 400


def test_another_workspaces_run_and_upload_do_not_exist(with_run: Azure) -> None:
    """Both workspaces keep their artifacts in one account, and the viewer may read in both."""
    azure = with_run
    for key, document in list(azure.cloud.store.scan(ASSIGNMENTS)):
        properties = {**document["properties"], "scope": GROUP}
        azure.cloud.store.put(ASSIGNMENTS, key, {**document, "properties": properties})
    log(azure, "tracker", "a.txt", b"x")
    log(azure, "registrar", "model/MLmodel", b"x", f"{UPLOAD}/LocalUpload/c1")
    assert azure.ask("viewer", "GET", f"{UPLOAD}/LocalUpload/c1/contentinfo?path=model/MLmodel").status_code == 200
    for asked in (
        f"{RUN}/contentinfo?path=a.txt",
        RUN,
        f"{UPLOAD}/ExperimentRun/dcid.r1/contentinfo?path=a.txt",
        f"{UPLOAD}/LocalUpload/c1",
        f"{UPLOAD}/LocalUpload/c1/contentinfo?path=model/MLmodel",
    ):
        assert azure.ask("viewer", "GET", asked.replace("ws1", "ws2")).status_code == 404
    paths = {"paths": [{"path": "a.txt"}]}
    for who, asked in (("tracker", RUN), ("registrar", f"{UPLOAD}/LocalUpload/c1")):
        refused = azure.ask(who, "POST", f"{asked.replace('ws1', 'ws2')}/batch/metadata", json=paths)
        assert refused.status_code == 404


def test_a_job_named_as_another_workspaces_run_has_none_of_its_artifacts(with_run: Azure) -> None:
    """MLflow makes no run of that id in the second workspace; the job fails, and its record stays."""
    azure = with_run
    for key, document in list(azure.cloud.store.scan(ASSIGNMENTS)):
        properties = {**document["properties"], "scope": GROUP}
        azure.cloud.store.put(ASSIGNMENTS, key, {**document, "properties": properties})
    log(azure, "tracker", "a.txt", b"x")
    log(azure, "tracker", "user_logs/std_log.txt", b"secret")
    key = f"{workspace_id('ws2')}/jobs/r1".lower()
    properties = {"experimentName": "7", "status": "Failed", "tags": {}, "outputs": {}}
    azure.cloud.store.put("resources", key, {"id": key, "name": "r1", "properties": properties})
    azure.cloud.store.put("job_records", key, {"owner": "x", "queued": "2026-01-01T00:00:00+00:00"})
    there = RUN.replace("ws1", "ws2")
    assert azure.ask("viewer", "GET", there).json() == {"value": []}
    assert azure.ask("viewer", "GET", f"{there}/contentinfo?path=a.txt").status_code == 404
    paths = {"paths": [{"path": "a.txt"}]}
    assert azure.ask("tracker", "POST", f"{there}/batch/metadata", json=paths).status_code == 404
    upload = f"{UPLOAD.replace('ws1', 'ws2')}/ExperimentRun/dcid.r1"
    assert azure.ask("viewer", "GET", f"{upload}/contentinfo?path=a.txt").status_code == 404


def test_uploading_a_model_needs_the_right_to_register_it(azure: Azure) -> None:
    paths = {"paths": [{"path": "model/MLmodel"}]}
    for who, status in (("registrar", 200), ("tracker", 403), ("viewer", 403), ("nobody", 403)):
        asked = azure.ask(who, "POST", f"{UPLOAD}/LocalUpload/c1/batch/metadata", json=paths)
        assert asked.status_code == status


def test_signing_a_url_writes_no_blob(with_run: Azure) -> None:
    with_run.ask("tracker", "POST", f"{RUN}/batch/metadata", json={"paths": [{"path": "a"}]})
    assert Blobs(with_run.cloud).get(Address("stmlflow", "azureml", "ExperimentRun/dcid.r1/a")) is None
    assert with_run.ask("viewer", "GET", RUN).json() == {"value": []}


def test_a_workspace_whose_storage_account_is_gone_says_so(with_run: Azure) -> None:
    account = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stmlflow"
    with_run.cloud.store.delete("resources", account.lower())
    refused = with_run.ask("tracker", "POST", f"{RUN}/batch/metadata", json={"paths": [{"path": "a"}]})
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "ResourceNotFound")
    assert account in refused.json()["message"]


@pytest.mark.parametrize("body", [[], [1], 5, True, "5"])
def test_a_body_of_mlflow_that_is_no_object_is_refused_and_not_passed_on(azure: Azure, body: Any) -> None:
    """MLflow's server takes an empty list for an empty request, and fails at the others."""
    answer = azure.mlflow_call("tracker", "POST", "experiments/create", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "UserError")
    assert "not a JSON object" in answer.text


def test_tags_of_a_model_that_are_no_list_are_refused(azure: Azure) -> None:
    for tags in (5, "ab", {"key": "a"}, True):
        answer = azure.mlflow_call("registrar", "POST", "registered-models/create", json={"name": "m", "tags": tags})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "UserError"), tags
