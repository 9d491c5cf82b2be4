"""A workspace with something of everything in it, and for each MLflow operation the requests that its clients make."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.e2e.people import ARM, ML_VERSION, Person

Ask = tuple[str, str, dict[str, Any]]  # method, address, what httpx takes beside them


@dataclass(frozen=True)
class World:
    """One workspace as its owner sees it.

    Attributes:
        owner: who fills it.
        workspace: its ARM id.
        host: its data plane, e.g. `https://westeurope.api.azureml.ms`.
    """

    owner: Person
    workspace: str
    host: str
    _experiments: dict[str, str] = field(default_factory=dict)
    _own: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def mlflow(self, path: str) -> str:
        """The address of an MLflow REST path, e.g. `runs/create`."""
        return f"{self.host}/mlflow/v2.0{self.workspace}/api/2.0/mlflow/{path}"

    def artifacts(self, run: str, tail: str) -> str:
        """The address of a run's artifacts in the history service."""
        experiment = self._experiments.get(run, "Default")
        return f"{self.host}/history/v1.0{self.workspace}/experiments/{experiment}/runs/{run}/artifacts{tail}"

    def made(self, path: str, **body: Any) -> dict[str, Any]:
        """What the owner's POST to an MLflow path answers."""
        answer = self.owner.ask("POST", self.mlflow(path), json=body)
        assert answer.is_success, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def name(self, kind: str) -> str:
        """A name not used before, nor by another world of the same workspace."""
        return f"{kind}-{self._own}-{next(self._numbers)}"

    def experiment(self) -> str:
        """The id of a new experiment."""
        return str(self.made("experiments/create", name=self.name("experiment"))["experiment_id"])

    def run(self) -> str:
        """The id of a new run, which holds a file `a.txt`."""
        experiment = self.experiment()
        run: str = self.made("runs/create", experiment_id=experiment)["run"]["info"]["run_id"]
        self._experiments[run] = experiment
        batch = self.owner.ask("POST", self.artifacts(run, "/batch/metadata"), json={"paths": [{"path": "a.txt"}]})
        batch.raise_for_status()
        url = batch.json()["artifactContentInformation"]["a.txt"]["contentUri"]
        put = self.owner.ask("PUT", url, content=b"a", headers={"x-ms-blob-type": "BlockBlob", "Authorization": ""})
        assert put.status_code == httpx.codes.CREATED, put.text
        return run

    def model(self) -> str:
        """The name of a new registered model with a version 1 made from a run's file."""
        name = self.name("model")
        self.made("registered-models/create", name=name)
        run = self.run()
        source = self.made_artifact_uri(run)
        self.made("model-versions/create", name=name, source=source, run_id=run)
        return name

    def made_artifact_uri(self, run: str) -> str:
        """Where a run says that its file `a.txt` is."""
        answer = self.owner.ask("GET", self.mlflow("runs/get"), params={"run_id": run})
        answer.raise_for_status()
        return f"{answer.json()['run']['info']['artifact_uri']}/a.txt"


def requests_of(operation: str, world: World) -> list[Ask]:  # noqa: PLR0911, PLR0912  (a table)
    """The requests that MLflow's clients make for an operation, on things made for them."""

    def get(path: str, **query: Any) -> Ask:
        return "GET", world.mlflow(path), {"params": query}

    def post(path: str, **body: Any) -> Ask:
        return "POST", world.mlflow(path), {"json": body}

    match operation:
        case "open_workspace":
            return [("GET", f"{ARM}{world.workspace}", {"params": ML_VERSION})]
        case "read_experiments":
            experiment = world.experiment()
            return [get("experiments/get", experiment_id=experiment), post("experiments/search", max_results=5)]
        case "write_experiment":
            experiment = world.experiment()
            return [
                post("experiments/create", name=world.name("experiment")),
                post("experiments/set-experiment-tag", experiment_id=experiment, key="k", value="v"),
            ]
        case "delete_experiment":
            return [post("experiments/delete", experiment_id=world.experiment())]
        case "read_runs":
            run = world.run()
            return [get("runs/get", run_id=run), get("metrics/get-history", run_id=run, metric_key="m")]
        case "search_runs":
            return [post("runs/search", experiment_ids=[world.experiment()])]
        case "write_run":
            run = world.run()
            return [
                post("runs/create", experiment_id=world.experiment()),
                post("runs/log-metric", run_id=run, key="m", value=1.0, timestamp=1),
                post("runs/log-parameter", run_id=run, key="p", value="1"),
                post("runs/set-tag", run_id=run, key="t", value="1"),
                post("runs/delete-tag", run_id=run, key="t"),
                post("runs/log-batch", run_id=run, metrics=[{"key": "m", "value": 2.0, "timestamp": 2, "step": 1}]),
                post("runs/update", run_id=run, status="FINISHED"),
            ]
        case "delete_restore_run":
            run = world.run()
            return [post("runs/delete", run_id=run), post("runs/restore", run_id=run)]
        case "log_artifact":
            paths = {"json": {"paths": [{"path": "b/c.txt"}]}}
            return [("POST", world.artifacts(world.run(), "/batch/metadata"), paths)]
        case "read_artifacts":
            run = world.run()
            return [
                ("GET", world.artifacts(run, ""), {}),
                ("GET", world.artifacts(run, "/contentinfo"), {"params": {"path": "a.txt"}}),
            ]
        case "read_models":
            model = world.model()
            return [
                get("registered-models/get", name=model),
                get("registered-models/search", max_results=5),
                get("model-versions/get", name=model, version="1"),
                get("model-versions/search", filter=f"name='{model}'"),
                post("registered-models/get-latest-versions", name=model),
                get("model-versions/get-download-uri", name=model, version="1"),
            ]
        case "write_models":
            model = world.model()
            run = world.run()
            return [
                post("registered-models/create", name=world.name("model")),
                post("model-versions/create", name=model, source=world.made_artifact_uri(run), run_id=run),
                ("PATCH", world.mlflow("registered-models/update"), {"json": {"name": model, "description": "d"}}),
                post("registered-models/alias", name=model, alias="best", version="1"),
                post("model-versions/set-tag", name=model, version="1", key="k", value="v"),
            ]
        case "stage_models":
            body = {"name": world.model(), "version": "1", "stage": "Staging", "archive_existing_versions": False}
            return [post("model-versions/transition-stage", **body)]
        case "delete_models":
            model = world.model()
            return [
                ("DELETE", world.mlflow("model-versions/delete"), {"json": {"name": model, "version": "1"}}),
            ]
        case "register_local_model":
            upload = f"{world.host}/artifact/v2.0{world.workspace}/artifacts/LocalUpload/{world.name('upload')}"
            return [("POST", f"{upload}/batch/metadata", {"json": {"paths": [{"path": "MLmodel"}]}})]
        case "submit_job":
            job = f"{ARM}{world.workspace}/jobs/{world.name('job')}"
            return [("PUT", job, {"params": ML_VERSION, "json": {"properties": {"jobType": "Command"}}})]
    raise AssertionError(f"no request is known for {operation}")
