"""Operations against the hand-written table, and every request that azureml-mlflow 1.62 was recorded to make."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from azmlflow.rbac.operations import OPERATIONS, WORKSPACE, UnknownOperation, operation, recognise
from tests.rbac.expected import DATA, REQUESTS, REQUIRED, Asked

RECORDED: list[dict[str, str]] = json.loads((DATA / "mlflow-plugin-routes.json").read_text())
TRACKING = "/api/2.0/mlflow"

# What each recorded request is, by hand: the left side is the recording's own name for what the client was doing.
MEANT = {
    "create_experiment": "write_experiment",
    "search_experiments": "read_experiments",
    "get_experiment": "read_experiments",
    "get_experiment_by_name": "read_experiments",
    "delete_experiment": "delete_experiment",
    "restore_experiment": "write_experiment",
    "rename_experiment": "write_experiment",
    "set_experiment_tag": "write_experiment",
    "create_run": "write_run",
    "get_run": "read_runs",
    "update_run_info": "write_run",
    "delete_run": "delete_restore_run",
    "restore_run": "delete_restore_run",
    "log_metric": "write_run",
    "log_param": "write_run",
    "set_tag": "write_run",
    "delete_tag": "write_run",
    "log_batch": "write_run",
    "log_batch_async": "write_run",
    "get_metric_history": "read_runs",
    "search_runs": "search_runs",
    "log_artifact": "log_artifact",
    "list_artifacts": "read_artifacts",
    "download_artifact": "read_artifacts",
    "register local model (upload)": "register_local_model",
    "download registered model file": "read_artifacts",
    "list registered model files": "read_artifacts",
    "create_registered_model": "write_models",
    "get_registered_model": "read_models",
    "rename_registered_model": "write_models",
    "update_registered_model": "write_models",
    "delete_registered_model": "delete_models",
    "search_registered_models": "read_models",
    "get_latest_versions": "read_models",
    "create_model_version": "write_models",
    "get_model_version": "read_models",
    "get_model_version_download_uri": "read_models",
    "update_model_version": "write_models",
    "transition_model_version_stage": "stage_models",
    "delete_model_version": "delete_models",
    "search_model_versions": "read_models",
    "set_registered_model_alias": "write_models",
    "set_model_version_tag": "write_models",
}


def split(path: str) -> tuple[str, str]:
    """(service, what follows the workspace's id) of a recorded path, `/<service>/<version>{ws}<rest>`."""
    head, _, rest = path.partition("{ws}")
    return head.split("/")[1], rest


def test_names_and_actions_are_the_expected_ones() -> None:
    assert {each.name: each.actions for each in OPERATIONS} == REQUIRED


def test_requests_are_the_expected_ones() -> None:
    """No request more: a route too many would let somebody do what Azure refuses."""
    told = [Asked(each.name, *dataclasses.astuple(request)) for each in OPERATIONS for request in each.requests]
    assert sorted(told) == sorted(REQUESTS)


@pytest.mark.parametrize("asked", REQUESTS, ids=lambda asked: f"{asked.method} {asked.service} {asked.path}")
def test_every_expected_request_is_recognised(asked: Asked) -> None:
    found = recognise(asked.method, asked.service, re.sub(r"\{\w+\}", "some-1", asked.path))
    assert found is not None
    assert found.name == asked.operation


def test_no_action_holds_a_wildcard_and_no_two_requests_are_the_same() -> None:
    assert not [action for each in OPERATIONS for action in each.actions if "*" in action]
    assert all(action.startswith(f"{WORKSPACE}/") for each in OPERATIONS for action in each.actions)
    requests = [request for each in OPERATIONS for request in each.requests]
    assert len(requests) == len(set(requests))


@pytest.mark.parametrize(
    "recorded",
    [each for each in RECORDED if each["auth"] == "Bearer"],
    ids=lambda each: f"{each['verb']} {each['path']}",
)
def test_every_recorded_request_is_recognised(recorded: dict[str, str]) -> None:
    found = recognise(recorded["verb"], *split(recorded["path"]))
    assert found is not None
    assert found.name == MEANT[recorded["operation"]]


def test_only_blob_uploads_by_signed_url_are_left_out() -> None:
    assert {each["verb"] for each in RECORDED if each["auth"] != "Bearer"} == {"PUT"}


@pytest.mark.parametrize(
    ("method", "service", "path", "name"),
    [
        # MLflow 2.22's route table beyond what the recording holds.
        ("GET", "mlflow", f"{TRACKING}/experiments/search", "read_experiments"),
        ("GET", "mlflow", f"{TRACKING}/experiments/list", "read_experiments"),
        ("POST", "mlflow", f"{TRACKING}/runs/log-inputs", "write_run"),
        ("POST", "mlflow", f"{TRACKING}/runs/log-model", "write_run"),
        ("GET", "mlflow", f"{TRACKING}/metrics/get-history-bulk-interval", "read_runs"),
        ("POST", "mlflow", f"{TRACKING}/experiments/search-datasets", "read_runs"),
        ("GET", "mlflow", f"{TRACKING}/registered-models/get-latest-versions", "read_models"),
        ("POST", "mlflow", f"{TRACKING}/registered-models/set-tag", "write_models"),
        ("DELETE", "mlflow", f"{TRACKING}/registered-models/delete-tag", "write_models"),
        ("GET", "mlflow", f"{TRACKING}/registered-models/alias", "read_models"),
        ("DELETE", "mlflow", f"{TRACKING}/registered-models/alias", "write_models"),
        ("DELETE", "mlflow", f"{TRACKING}/model-versions/delete-tag", "write_models"),
        # The older prefix that clients still use.
        ("POST", "mlflow", "/api/2.0/preview/mlflow/runs/create", "write_run"),
        ("post", "mlflow", f"{TRACKING}/runs/create", "write_run"),
        ("GET", "arm", "", "open_workspace"),
        ("PUT", "arm", "/jobs/job-1", "submit_job"),
        ("POST", "execution", "/experiments/exp/snapshotrun", "submit_job"),
        ("GET", "history", "/experiments/a%2Fb/runs/r1/artifacts/contentinfo", "read_artifacts"),
    ],
)
def test_other_requests_that_clients_make(method: str, service: str, path: str, name: str) -> None:
    found = recognise(method, service, path)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("method", "service", "path"),
    [
        ("GET", "mlflow", f"{TRACKING}/runs/create"),  # another verb is another route
        ("POST", "history", f"{TRACKING}/runs/create"),  # another service too
        ("GET", "mlflow", f"{TRACKING}/runs/get/"),
        ("GET", "mlflow", f"{TRACKING}/RUNS/get"),
        ("GET", "mlflow", f"x{TRACKING}/runs/get"),
        ("GET", "mlflow", f"{TRACKING}/runs/get\n"),
        ("GET", "mlflow", f"{TRACKING}/../mlflow/runs/get"),
        ("GET", "mlflow", "/api/2.0/preview/mlflowruns/get"),
        ("GET", "history", "/experiments/e/x/runs/r1/artifacts"),  # a segment is one segment
        ("GET", "history", "/experiments//runs/r1/artifacts"),
        ("GET", "arm", "/"),
        # MLflow 3 only: Azure answers 404.
        ("POST", "mlflow", f"{TRACKING}/logged-models"),
        ("POST", "mlflow", f"{TRACKING}/logged-models/search"),
        ("POST", "mlflow", f"{TRACKING}/runs/outputs"),
        ("POST", "mlflow", f"{TRACKING}/traces"),
        ("POST", "mlflow", "/api/3.0/mlflow/traces"),
        ("POST", "mlflow", "/api/3.0/mlflow/workspaces"),
    ],
)
def test_anything_else_is_no_operation(method: str, service: str, path: str) -> None:
    assert recognise(method, service, path) is None


def test_an_unknown_name_lists_the_known_ones() -> None:
    assert operation("submit_job").name == "submit_job"
    with pytest.raises(UnknownOperation, match=r"'submit'; there are: open_workspace, .*submit_job"):
        operation("submit")
