"""The steps of tracking and of the registry, with MLflow's real client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .trial import FORBIDDEN, MODEL_FILE, TAG, Step, Trial, expect, status_of

NOWHERE = "990000001"  # an experiment that is not there: a number, which every MLflow server takes for an id


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
        _missing_artifacts(trial).log_artifact(str(trial.file), "model")
    else:
        trial.client.log_artifact(trial.run, str(trial.file), "model")
        trial.uploaded = trial.run


def search_runs(trial: Trial) -> None:
    """Our run must be among those found; without one, somebody else's is looked for, to read."""
    found = [run.info.run_id for run in trial.client.search_runs([trial.experiment or NOWHERE])]
    if trial.run is not None:
        expect(trial.run in found, f"the search did not find run {trial.run}")
        return
    try:
        known = [each.experiment_id for each in trial.client.search_experiments(max_results=50)]
        trial.seen = next((run.info.run_id for run in trial.client.search_runs(known, max_results=1)), None)
    except Exception as fault:
        if status_of(fault) != FORBIDDEN:  # who may not list experiments reads a run that is not there
            raise


def read_run(trial: Trial) -> None:
    """The run and its metric's history."""
    run = trial.run or trial.seen or trial.missing_run
    trial.client.get_run(run)
    history = [metric.value for metric in trial.client.get_metric_history(run, "verified")]
    expect(not trial.logged or history == [1.0], f"the metric reads {history}, not 1.0")


def download_artifact(trial: Trial) -> None:
    """The file, down, equal to what went up; without one of ours, a list of somebody else's."""
    if trial.uploaded is not None:
        to = trial.folder / "down"
        to.mkdir()
        path = Path(trial.client.download_artifacts(trial.uploaded, "model/MLmodel", str(to)))
        expect(path.read_text() == MODEL_FILE, "the artifact came back changed")
    elif trial.run or trial.seen:
        trial.client.list_artifacts(str(trial.run or trial.seen))
    else:
        _missing_artifacts(trial).list_artifacts("")


def register_model(trial: Trial) -> None:
    """A registered model."""
    trial.client.create_registered_model(trial.name, tags={TAG: trial.stamp})
    trial.model = trial.name


def create_version(trial: Trial) -> None:
    """A version of it: of our run's artifact, else of local files."""
    if trial.uploaded is not None:
        source = f"{trial.client.get_run(trial.uploaded).info.artifact_uri}/model"
    else:
        trial.operation, source = "register_local_model", f"file://{trial.file.parent}"
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


def _missing_artifacts(trial: Trial) -> Any:
    """MLflow's own artifact client, on a run that is not there: `MlflowClient` would stop at looking it up."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(f"{trial.uri}/experiments/{NOWHERE}/runs/{trial.missing_run}/artifacts")


# Each is an operation of MLflow as a whole, and wants all of its actions. The last three remove.
TRACKING: tuple[Step, ...] = (
    Step("list experiments", "read_experiments", list_experiments),
    Step("create experiment", "write_experiment", create_experiment),
    Step("create run", "write_run", create_run, ("experiment",)),
    Step("log metric", "write_run", log_metric, ("run",)),
    Step("log param", "write_run", log_param, ("run",)),
    Step("upload artifact", "log_artifact", upload_artifact, ("run",)),
    Step("search runs", "search_runs", search_runs, ("experiment",)),
    Step("read run", "read_runs", read_run, ("run", "seen")),
    Step("download artifact", "read_artifacts", download_artifact, ("run", "seen")),
    Step("register model", "write_models", register_model),
    Step("model version", "write_models", create_version, ("model",)),
    Step("read models", "read_models", read_model),
    Step("model stage", "stage_models", move_stage, ("version",)),
    Step("delete model", "delete_models", delete_model, ("version",)),
    Step("delete run", "delete_restore_run", delete_run, ("run",)),
    Step("delete experiment", "delete_experiment", delete_experiment, ("experiment",)),
)
