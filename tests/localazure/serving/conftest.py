"""Deployments whose files and processes are real; only MLflow and Azure's inference server are not."""

from __future__ import annotations

import dataclasses

import pytest

from azmlflow.localazure.core.clock import SystemClock
from azmlflow.localazure.front import authority
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.principals.tokens import Tokens
from tests.localazure.control import CHAIN, ENDPOINT, WORKSPACE, Azure

FILES = "ExperimentRun/dcid.run-1/model"
MLMODEL = b"flavors:\n  python_function:\n    env: {conda: conda.yaml, virtualenv: python_env.yaml}\n"
CONDA = b"dependencies:\n- python=3.11.7\n- pip\n- pip:\n  - mlflow==2.22.5\n"


@pytest.fixture
def served(azure: Azure) -> Azure:
    """A workspace with an endpoint, and a registered model that MLflow logged."""
    folder = Folder.at(azure.cloud.state)
    folder.make()
    authority.ensure(folder, SystemClock())
    azure.make(*CHAIN[:6], ENDPOINT)
    azure.run("run-1")
    register(azure, {"MLmodel": MLMODEL, "conda.yaml": CONDA, "model.pkl": b"weights"})
    tokens = Tokens(azure.cloud.store, azure.clock, azure.cloud.state)
    azure.cloud = dataclasses.replace(azure.cloud, tokens=tokens)
    return azure


def register(azure: Azure, files: dict[str, bytes], name: str = "wine") -> None:
    """Register version 1 of a model with these files."""
    folder = f"{FILES}-{name}" if name != "wine" else FILES
    for path, content in files.items():
        azure.blob("azureml", f"{folder}/{path}", content)
    uri = f"azureml://jobs/run-1/outputs/artifacts/paths/{folder.rpartition('/')[2]}"
    made = azure.arm("PUT", f"{WORKSPACE}/models/{name}/versions/1", {"properties": {"modelUri": uri}})
    assert made.status == 201, made
