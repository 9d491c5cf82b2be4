"""Renew localazure/data/mlflow-members.json: what MLflow's requests have, as its own descriptions say.

Run it as `python -m scripts.mlflow_members`. Drawn from the installed MLflow's services (protocol buffers), of those
requests that are operations of Azure Machine Learning (`rbac.operations`). Members of an object stand below it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlflow.protos import databricks_pb2
from mlflow.protos.model_registry_pb2 import ModelRegistryService
from mlflow.protos.service_pb2 import MlflowService

from azmlflow.rbac.operations import OPERATIONS, TRACKING

FILE = Path(__file__).parent.parent / "localazure" / "data" / "mlflow-members.json"
# Those that MLflow 3 describes no more, or Azure has for itself, and who their members are like: azureml-mlflow 1.62
# logs a batch that is kept later; mlflow 2.22 (`protos/service.proto`) searches datasets.
_LIKE = {"runs/log-batch-async": "runs/log-batch"}
_OLD: dict[str, dict[str, Any]] = {
    "experiments/search-datasets": {"experiment_ids": None},
    "experiments/list": {"view_type": None, "max_results": None, "page_token": None},
    "registered-models/list": {"max_results": None, "page_token": None},
}


def drawn() -> dict[str, dict[str, Any]]:
    """Each request by its path, and what it has."""
    ours = {each.path for operation in OPERATIONS for each in operation.requests if each.service == "mlflow"}
    found = dict(_OLD)
    for service in (MlflowService, ModelRegistryService):
        for method in service.DESCRIPTOR.methods:
            for endpoint in method.GetOptions().Extensions[databricks_pb2.rpc].endpoints:
                path = f"/api/2.0{endpoint.path}"
                if path in ours:
                    name = path.removeprefix(f"{TRACKING}/")
                    found[name] = {**found.get(name, {}), **_members(method.input_type)}
    return {**found, **{name: found[like] for name, like in _LIKE.items()}}


def _members(message: Any) -> dict[str, Any]:
    return {each.name: _members(each.message_type) if each.message_type else None for each in message.fields}


def written() -> str:
    """The file's text."""
    return json.dumps(drawn(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
