"""What MLflow's clients ask and Azure Machine Learning does not do, or does otherwise than MLflow.

Microsoft, "Query & compare experiments and runs with MLflow", support matrix: experiments are not renamed. "Manage
models registry in Azure Machine Learning with MLflow": models are not renamed; "Machine Learning doesn't support
deleting the entire model container. To achieve this task, delete all model versions"; "In the MLflow SDK, stage names
are case sensitive". The words of these refusals are inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.azureml.request.target import WorkspaceRequest
from azmlflow.localazure.azureml.searches import experiments, models, runs
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.models import records
from azmlflow.localazure.tracking import answers
from azmlflow.rbac.operations import TRACKING

_NOT = "is not supported in Azure Machine Learning"


async def check(target: WorkspaceRequest, path: str, params: Mapping[str, str], body: Any) -> None:
    """Refuse what Azure Machine Learning does not do.

    Raises:
        AzureError: 400.
        MlflowUnavailable: MLflow cannot answer now.
    """
    given = {**params, **(body if isinstance(body, dict) else {})}
    match path.removeprefix(f"{TRACKING}/"):
        case "experiments/update":
            await _check_same_name(target, given)
        case "registered-models/rename":
            raise _refused(f"Renaming models {_NOT}: models are immutable.")
        case "registered-models/delete":
            raise _refused(f"Deleting a whole model {_NOT}. Delete all its versions instead.")
        case "model-versions/transition-stage":
            _check_stages([given.get("stage")])
        case "registered-models/get-latest-versions":
            asked = body.get("stages") if isinstance(body, dict) else target.request.query_params.getlist("stages")
            _check_stages(asked if isinstance(asked, list) else [])


def search(path: str, place: dict[str, Any]) -> None:
    """Bring a search to what MLflow takes, as far as Azure Machine Learning takes it.

    Args:
        path: MLflow's.
        place: the request's query or body; changed in place.

    Raises:
        AzureError: 400, Azure Machine Learning does not search so.
    """
    call, text = path.removeprefix(f"{TRACKING}/"), place.get("filter")
    told = text if isinstance(text, str) else ""
    if call == "runs/search":
        order = place.get("order_by")
        if isinstance(order, list):
            place["order_by"] = runs.ordered(map(str, order))
        if told:
            place["filter"] = runs.filtered(told)
    elif call == "experiments/search" and told:
        place["filter"] = experiments.filtered(told)
    elif call == "registered-models/search":
        models.check(told)


async def _check_same_name(target: WorkspaceRequest, given: Mapping[str, Any]) -> None:
    found = await target.cloud.mlflow.request(
        "GET",
        f"{TRACKING}/experiments/get",
        target.workspace_id,
        params={"experiment_id": str(given.get("experiment_id", ""))},
    )
    if answers.body(found)["experiment"]["name"] != given.get("new_name"):
        raise _refused(f"Renaming experiments {_NOT}.")


def _check_stages(stages: list[Any]) -> None:
    for stage in stages:
        if stage not in records.STAGES:
            raise _refused(f"'{stage}' is not a stage. There are: {', '.join(records.STAGES)}.")


def _refused(message: str) -> AzureError:
    return bad_request("UserError", message)
