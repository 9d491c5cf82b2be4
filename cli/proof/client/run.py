"""Tries every step (`prove STAMP VERSION`) and removes what it may, or removes what earlier proofs left (`clean`).

Prints one JSON document a line.
"""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from .endpoints import ENDPOINTS
from .tracking import TRACKING
from .trial import FORBIDDEN, PREFIX, TAG, Trial, attempt, deployments, expect, registry, status_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

STEPS = (*TRACKING, *ENDPOINTS)
_Trace = tuple[Any, ...]  # what kind, its name, what removes it, and its arguments


def prove(client: MlflowClient, uri: str, stamp: str, version: str, out: TextIO) -> None:
    """Try every step, then tell what could not be removed."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(client, stamp, Path(folder), uri, version)
        for step in STEPS:
            say(out, attempt(trial, step))
    # A run goes with its experiment on no MLflow server for sure, so each is named.
    left = (
        ("run", trial.run),
        ("experiment", trial.experiment and trial.name),
        ("model", trial.model),
        ("endpoint", trial.endpoint),
    )
    say(out, {"left": [{"kind": kind, "name": name} for kind, name in left if name]})


def clean(client: MlflowClient, uri: str, out: TextIO) -> None:
    """Remove what proofs have left: what bears their name and their tag. What may not be listed is told."""
    for kinds, find in (("experiments", _experiments), ("models", _models), ("endpoints", _endpoints)):
        try:
            found = list(find(client, uri))  # read before anything is removed
        except Exception as fault:
            if status_of(fault) != FORBIDDEN:
                raise
            say(out, {"unseen": kinds, "message": f"{type(fault).__name__}: {fault}"})
            continue
        for kind, name, act, *arguments in found:
            remove(out, kind, name, act, *arguments)


def _experiments(client: MlflowClient, _uri: str) -> Iterator[_Trace]:
    for experiment in _pages(client.search_experiments):
        if _is_ours(experiment.name, experiment.tags):
            for run in _pages(client.search_runs, [experiment.experiment_id]):
                yield "run", run.info.run_id, client.delete_run, run.info.run_id
            yield "experiment", experiment.name, client.delete_experiment, experiment.experiment_id


def _models(client: MlflowClient, uri: str) -> Iterator[_Trace]:
    for model in _pages(registry(uri).store.search_registered_models):
        if _is_ours(model.name, model.tags):
            yield "model", model.name, _delete_registered, client, model.name


def _endpoints(_client: MlflowClient, uri: str) -> Iterator[_Trace]:
    served = deployments(uri)
    for endpoint in served.list_endpoints():
        if _is_ours(endpoint["name"], endpoint.get("tags")):
            yield "endpoint", endpoint["name"], served.delete_endpoint, endpoint["name"]


def _is_ours(name: str, tags: Any) -> bool:
    return name.startswith(PREFIX) and TAG in (tags or {})


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
    expect(bool(versions), "it has no version, and Azure Machine Learning deletes no model as a whole")


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
        prove(client, uri, words[1], words[2], out)
