"""The proof itself, run by the data scientist's interpreter: what the signed-in principal can do, found by doing it.

`python verify_client.py prove STAMP` tries every step and removes what it may; `python verify_client.py clean` removes
what earlier proofs left. Both print one JSON document a line. This file imports the standard library and MLflow only.

What a step needs and an earlier step could not make is named by an id that nothing has: Azure decides on access before
it looks a thing up, so "refused" proves a refusal; "not found" is told as `unrefused`. Nobody else's data is changed.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from mlflow import MlflowClient

PREFIX = "azmlflow-verify-"
TAG = "azmlflow-verify"
NOWHERE = "990000001"  # an experiment that is not there: a number, which every MLflow server takes for an id
MODEL_FILE = "artifact_path: model\nflavors: {}\n"  # the least that azureml-mlflow takes for a model
_FORBIDDEN = 403
_NO_SUCH_THING = (400, 404)
_MLFLOW_UNSURE = 500  # what MLflow gives an error that came without a status


class Trial:
    """What the steps have made so far.

    Attributes:
        experiment, run, model, version: what this proof made, None where it could not.
        uploaded: our run, once it holds the artifact.
        seen: somebody else's run, to read where there is none of ours.
        logged: whether the metric is logged.
    """

    def __init__(self, client: MlflowClient, stamp: str, folder: Path, uri: str) -> None:
        self.client, self.stamp, self.folder, self.uri = client, stamp, folder, uri.partition("?")[0].rstrip("/")
        self.name = PREFIX + stamp
        self.missing_run = uuid.uuid5(uuid.NAMESPACE_OID, stamp).hex
        self.experiment: str | None = None
        self.run: str | None = None
        self.uploaded: str | None = None
        self.model: str | None = None
        self.version: str | None = None
        self.seen: str | None = None
        self.logged = False
        (folder / "model").mkdir()
        self.file = folder / "model" / "MLmodel"
        self.file.write_text(MODEL_FILE)

    def missing_artifacts(self) -> Any:
        """MLflow's own artifact client, on a run that is not there: `MlflowClient` would stop at looking it up."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        return get_artifact_repository(f"{self.uri}/experiments/{NOWHERE}/runs/{self.missing_run}/artifacts")

    def registry(self) -> Any:
        """MLflow's own registry client, for a model that is not there: `MlflowClient` first looks a model up."""
        return registry(self.uri)


def registry(uri: str) -> Any:
    """MLflow's own registry client, whose `store` asks what it is told to ask.

    A search by `MlflowClient` from 2.22 on has a condition on prompts, which Azure Machine Learning has refused with
    400 (Azure/azure-sdk-for-python#42155): nothing about what the caller may do.
    """
    from mlflow.tracking._model_registry.client import ModelRegistryClient

    untyped: Any = ModelRegistryClient
    return untyped(uri, uri)


def list_experiments(trial: Trial) -> None:
    """Any one experiment will do."""
    trial.client.search_experiments(max_results=1)


def create_experiment(trial: Trial) -> None:
    """An experiment of our own."""
    trial.experiment = trial.client.create_experiment(trial.name, tags={TAG: trial.stamp})


def create_run(trial: Trial) -> None:
    """A run in it."""
    created = trial.client.create_run(trial.experiment or NOWHERE, tags={TAG: trial.stamp}, run_name=trial.name)
    trial.run = created.info.run_id


def log_metric(trial: Trial) -> None:
    """A metric, which a later step reads back."""
    trial.client.log_metric(trial.run or trial.missing_run, "verified", 1.0)
    trial.logged = True


def log_param(trial: Trial) -> None:
    """A parameter."""
    trial.client.log_param(trial.run or trial.missing_run, "stamp", trial.stamp)


def upload_artifact(trial: Trial) -> None:
    """A file, up."""
    if trial.run is None:
        trial.missing_artifacts().log_artifact(str(trial.file), "model")
    else:
        trial.client.log_artifact(trial.run, str(trial.file), "model")
        trial.uploaded = trial.run


def search_runs(trial: Trial) -> None:
    """Our run must be among those found; without one, somebody else's is looked for, to read."""
    found = [run.info.run_id for run in trial.client.search_runs([trial.experiment or NOWHERE])]
    if trial.run is not None:
        _expect(trial.run in found, f"the search did not find run {trial.run}")
        return
    try:
        known = [each.experiment_id for each in trial.client.search_experiments(max_results=50)]
        trial.seen = next((run.info.run_id for run in trial.client.search_runs(known, max_results=1)), None)
    except Exception as fault:
        if _status(fault) != _FORBIDDEN:  # who may not list experiments reads a run that is not there
            raise


def read_run(trial: Trial) -> None:
    """The run and its metric's history."""
    run = trial.run or trial.seen or trial.missing_run
    trial.client.get_run(run)
    history = [metric.value for metric in trial.client.get_metric_history(run, "verified")]
    _expect(not trial.logged or history == [1.0], f"the metric reads {history}, not 1.0")


def download_artifact(trial: Trial) -> None:
    """The file, down, equal to what went up; without one of ours, a list of somebody else's."""
    if trial.uploaded is not None:
        to = trial.folder / "down"
        to.mkdir()
        path = Path(trial.client.download_artifacts(trial.uploaded, "model/MLmodel", str(to)))
        _expect(path.read_text() == MODEL_FILE, "the artifact came back changed")
    elif trial.run or trial.seen:
        trial.client.list_artifacts(str(trial.run or trial.seen))
    else:
        trial.missing_artifacts().list_artifacts("")


def register_model(trial: Trial) -> None:
    """A registered model."""
    trial.client.create_registered_model(trial.name, tags={TAG: trial.stamp})
    trial.model = trial.name


def create_version(trial: Trial) -> None:
    """A version of it: of our run's artifact, else of local files."""
    if trial.uploaded is not None:
        source = f"{trial.client.get_run(trial.uploaded).info.artifact_uri}/model"
    else:
        source = f"file://{trial.file.parent}"
    created = trial.client.create_model_version(
        trial.name, source, run_id=trial.uploaded, tags={TAG: trial.stamp}, await_creation_for=0
    )
    trial.version = str(created.version)


def read_model(trial: Trial) -> None:
    """The version, or that there is a registry."""
    if trial.version is None:
        trial.registry().store.search_registered_models(max_results=1)
    else:
        trial.client.get_model_version(trial.name, trial.version)


def move_stage(trial: Trial) -> None:
    """To Archived: a version in another stage might not be removable."""
    client = trial.client if trial.version else trial.registry()
    client.transition_model_version_stage(trial.name, trial.version or "1", "Archived")


def delete_model(trial: Trial) -> None:
    """The version, with which its model goes: Azure Machine Learning does not delete a model as a whole."""
    client = trial.client if trial.version else trial.registry()
    client.delete_model_version(trial.name, trial.version or "1")
    trial.version = trial.model = None


def delete_run(trial: Trial) -> None:
    """Our run."""
    trial.client.delete_run(trial.run or trial.missing_run)
    trial.run = None


def delete_experiment(trial: Trial) -> None:
    """Our experiment."""
    trial.client.delete_experiment(trial.experiment or NOWHERE)
    trial.experiment = None


# What is done, in this order: the step, the operation (rbac/operations.py) that it is, and what earlier steps should
# have made for it, one of which is enough. The last three remove.
STEPS: tuple[tuple[str, str, Callable[[Trial], None], tuple[str, ...]], ...] = (
    ("list experiments", "read_experiments", list_experiments, ()),
    ("create experiment", "write_experiment", create_experiment, ()),
    ("create run", "write_run", create_run, ("experiment",)),
    ("log metric", "write_run", log_metric, ("run",)),
    ("log param", "write_run", log_param, ("run",)),
    ("upload artifact", "log_artifact", upload_artifact, ("run",)),
    ("search runs", "search_runs", search_runs, ("experiment",)),
    ("read run", "read_runs", read_run, ("run", "seen")),
    ("download artifact", "read_artifacts", download_artifact, ("run", "seen")),
    ("register model", "write_models", register_model, ()),
    ("model version", "write_models", create_version, ("model",)),
    ("read models", "read_models", read_model, ()),
    ("model stage", "stage_models", move_stage, ("version",)),
    ("delete model", "delete_models", delete_model, ("version",)),
    ("delete run", "delete_restore_run", delete_run, ("run",)),
    ("delete experiment", "delete_experiment", delete_experiment, ("experiment",)),
)


def attempt(
    trial: Trial, step: str, operation: str, act: Callable[[Trial], None], needs: tuple[str, ...]
) -> dict[str, Any]:
    """One step, and what came of it: done, refused, unrefused (nothing there to do it on) or error."""
    if act is create_version and trial.uploaded is None:
        operation = "register_local_model"
    made_up = bool(needs) and not any(getattr(trial, need) for need in needs)
    outcome, message = "done", ""
    try:
        act(trial)
    except Exception as fault:  # noqa: BLE001 - whatever MLflow, its plugin or the network raise is a finding
        status = _status(fault)
        message = f"{type(fault).__name__}: {fault}"
        outcome = "unrefused" if made_up and status in _NO_SUCH_THING else "error"
        if status == _FORBIDDEN:
            outcome = "refused"
    return {"step": step, "operation": operation, "outcome": outcome, "message": message}


def _expect(fulfilled: bool, otherwise: str) -> None:
    if not fulfilled:
        raise AssertionError(otherwise)


def _status(fault: BaseException | None) -> int | None:
    """The HTTP status behind an error: MLflow's, the plugin's and the Azure SDK's errors carry it in their own ways."""
    while fault is not None:
        if "does not have authorization" in str(fault):
            return _FORBIDDEN
        code = getattr(fault, "get_http_status_code", None)
        found = [getattr(holder, "status_code", None) for holder in (fault, getattr(fault, "response", None))]
        for status in [*found, code() if callable(code) else None]:
            if isinstance(status, int) and status != _MLFLOW_UNSURE:
                return status
        fault = fault.__cause__ or fault.__context__
    return None


def prove(client: MlflowClient, uri: str, stamp: str, out: TextIO) -> None:
    """Try every step, then tell what could not be removed."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(client, stamp, Path(folder), uri)
        for step, operation, act, needs in STEPS:
            say(out, attempt(trial, step, operation, act, needs))
    # A run goes with its experiment on no MLflow server for sure, so each is named.
    left = (("run", trial.run), ("experiment", trial.experiment and trial.name), ("model", trial.model))
    say(out, {"left": [{"kind": kind, "name": name} for kind, name in left if name]})


def clean(client: MlflowClient, uri: str, out: TextIO) -> None:
    """Remove what proofs have left: what bears their name and their tag."""
    for experiment in _pages(client.search_experiments):
        if experiment.name.startswith(PREFIX) and TAG in experiment.tags:
            for run in _pages(client.search_runs, [experiment.experiment_id]):
                remove(out, "run", run.info.run_id, client.delete_run, run.info.run_id)
            remove(out, "experiment", experiment.name, client.delete_experiment, experiment.experiment_id)
    for model in _pages(registry(uri).store.search_registered_models):
        if model.name.startswith(PREFIX) and TAG in (model.tags or {}):
            remove(out, "model", model.name, _delete_registered, client, model.name)


def remove(out: TextIO, kind: str, name: str, act: Callable[..., Any], *arguments: Any) -> None:
    """Remove one thing, and tell."""
    try:
        act(*arguments)
    except Exception as fault:  # noqa: BLE001 - one that stays must not keep the others from going
        say(out, {"kept": {"kind": kind, "name": name}, "message": f"{type(fault).__name__}: {fault}"})
    else:
        say(out, {"removed": {"kind": kind, "name": name}})


def _delete_registered(client: MlflowClient, name: str) -> None:
    """Delete a model's versions, with which it goes; one that has none cannot be deleted."""
    versions = client.search_model_versions(f"name='{name}'")
    for version in versions:
        client.delete_model_version(name, version.version)
    _expect(bool(versions), "it has no version, and Azure Machine Learning deletes no model as a whole")


def _pages(search: Callable[..., Any], *arguments: Any) -> list[Any]:
    """All results of a paged search, read before anything is removed."""
    found: list[Any] = []
    token = None
    while True:
        page = search(*arguments, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def say(out: TextIO, document: dict[str, Any]) -> None:
    """One line."""
    out.write(json.dumps(document) + "\n")
    out.flush()


def main(words: list[str]) -> None:
    """Keep standard output for the findings: MLflow and its plugin print there too."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")  # `stages are deprecated`, of no use to who asks what is permitted
    import mlflow

    uri = os.environ["MLFLOW_TRACKING_URI"]
    client = mlflow.MlflowClient(uri, uri)
    if words[0] == "clean":
        clean(client, uri, out)
    else:
        prove(client, uri, words[1], out)


if __name__ == "__main__":
    main(sys.argv[1:])
