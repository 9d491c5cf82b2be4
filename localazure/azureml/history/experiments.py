"""Experiments in the history service: MLflow's experiments, as azureml-core asks for them, lists and changes them.

"After archival, the experiment will not be listed by default. Attempting to write to an archived experiment will create
a new active experiment with the same name"; only empty experiments are deleted (azureml-core 1.61, `Experiment.archive`
and `WorkspaceClient.delete_experiment`). Archived is what MLflow calls deleted (`localazure.tracking.experiments`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.azureml.history import run_filters
from azmlflow.localazure.azureml.history.known_runs import (
    experiment_named,
    experiment_numbered,
    in_experiment,
    is_archived,
)
from azmlflow.localazure.azureml.request.bodies import text_map
from azmlflow.localazure.azureml.request.target import WorkspaceRequest
from azmlflow.localazure.core import odata
from azmlflow.localazure.core.clock import from_milliseconds, timestamp
from azmlflow.localazure.core.errors import AzureError, bad_request, conflict
from azmlflow.localazure.core.service_limits import DESCRIPTION_TAG
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.tracking import answers
from azmlflow.rbac.operations import TRACKING

_VIEWS = {"Default": "ACTIVE_ONLY", "ActiveOnly": "ACTIVE_ONLY", "All": "ALL", "ArchivedOnly": "DELETED_ONLY"}
_PROPERTIES = {name.lower(): name for name in ("name", "experimentId", "description", "createdUtc", "archivedTime")}
_PAGE = 1000


async def get(target: WorkspaceRequest, name: str) -> dict[str, Any]:
    """An active experiment by its name.

    Raises:
        AzureError: 404, there is none.
        MlflowUnavailable: MLflow cannot answer now.
    """
    found = await experiment_named(target, name)
    if is_archived(found):
        raise AzureError(404, "UserError", f"Experiment {name} is archived.")
    return _dto(found)


async def get_by_id(target: WorkspaceRequest, experiment_id: str) -> dict[str, Any]:
    """An experiment by its id, archived or not.

    Raises:
        AzureError: 404, there is none.
        MlflowUnavailable: MLflow cannot answer now.
    """
    return _dto(await experiment_numbered(target, experiment_id))


async def create(target: WorkspaceRequest, name: str) -> dict[str, Any]:
    """Make an experiment; the active one of that name if it is there.

    Raises:
        AzureError: 400, MLflow does not take the name.
        MlflowUnavailable: MLflow cannot answer now.
    """
    await target.cloud.mlflow.experiment(target.workspace_id, name)
    return await get(target, name)


async def query(target: WorkspaceRequest, body: Mapping[str, Any]) -> dict[str, Any]:
    """A page of the experiments that are asked for, those made last first.

    Args:
        target: the request; its query may say the view.
        body: `filter`, `viewType`, `top`, `continuationToken`, `orderby`.

    Raises:
        AzureError: 400, one of them cannot be understood.
        MlflowUnavailable: MLflow cannot answer now.
    """
    asked = target.query.get("viewtype") or body.get("viewType") or "Default"
    view = next((mlflow for name, mlflow in _VIEWS.items() if name.lower() == str(asked).lower()), None)
    if view is None:
        raise bad_request(
            "UserError", f"'{asked}' is not a view of experiments: {', '.join(_VIEWS)}.", target="viewType"
        )
    test = run_filters.parse(body.get("filter"), _PROPERTIES)
    top, token, order = body.get("top"), str(body.get("continuationToken") or 0), body.get("orderby")
    begin = odata.count(token)
    if begin is None or not (top is None or (isinstance(top, int) and top > 0)):
        raise bad_request("UserError", "'top' is a number above 0, 'continuationToken' one that was given out.")
    if order and str(order).strip().lower() not in ("createdutc desc", "createdutc", "createdutc asc"):
        raise bad_request("UserError", f"Experiments cannot be ordered by '{order}'.", target="orderby")
    direction = "ASC" if order and not str(order).strip().lower().endswith("desc") else "DESC"
    found: list[Document] = []
    page: str | None = ""
    while page is not None:
        sent = {"max_results": _PAGE, "view_type": view, "order_by": [f"creation_time {direction}"]}
        told = await _ask(target, "search", {**sent, **({"page_token": page} if page else {})})
        shown = target.cloud.skipped.each(told.get("experiments", []), lambda each: f"{target.id}/{each['name']}", _dto)
        found += [dto for dto in shown if test(dto)]
        page = told.get("next_page_token") or None
    size = min(top or _PAGE, _PAGE)
    more = {"continuationToken": str(begin + size)} if begin + size < len(found) else {}
    return {"value": found[begin : begin + size], **more}


async def patch(target: WorkspaceRequest, experiment_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Change an experiment's tags and description, archive it or bring it back.

    Raises:
        AzureError: 400, it is to have another name, or MLflow does not take a change; 404, there is none; 409, an
            active experiment has the name of one that is to be brought back.
        MlflowUnavailable: MLflow cannot answer now.
    """
    found = await experiment_numbered(target, experiment_id)
    if body.get("name") not in (None, found["name"]):
        raise bad_request("UserError", "An experiment cannot be renamed.", target="name")
    archive, description = body.get("archive"), body.get("description")
    if not isinstance(archive, bool | None) or not isinstance(description, str | None):
        raise bad_request("UserError", "'archive' is true or false, 'description' a text.")
    tags = text_map("tags", body.get("tags"), null="")
    if archive is False and is_archived(found):
        await _ask(target, "restore", {"experiment_id": experiment_id})
    for key, value in (tags if description is None else {**tags, DESCRIPTION_TAG: description}).items():
        await _ask(target, "set-experiment-tag", {"experiment_id": experiment_id, "key": key, "value": value})
    if archive and not is_archived(found):
        await _ask(target, "delete", {"experiment_id": experiment_id})
    return await get_by_id(target, experiment_id)


async def delete_tags(target: WorkspaceRequest, experiment_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Remove tags; what is not there needs no removing.

    Raises:
        AzureError: 400, they are no names, or the experiment is archived; 404, there is none.
        MlflowUnavailable: MLflow cannot answer now.
    """
    tags = body.get("tags")
    if not isinstance(tags, list) or not all(isinstance(each, str) for each in tags):
        raise bad_request("UserError", 'The body must be {"tags": ["<name>", ...]}.', target="tags")
    there = _dto(await experiment_numbered(target, experiment_id))["tags"]
    for key in dict.fromkeys(tags):
        if key in there:
            await _ask(target, "delete-experiment-tag", {"experiment_id": experiment_id, "key": key})
    return {"errors": {}}


async def delete(target: WorkspaceRequest, experiment_id: str) -> None:
    """Delete an experiment that has no runs, for good.

    Raises:
        AzureError: 404, there is none; 409, it has runs.
        MlflowUnavailable: MLflow cannot answer now.
    """
    found = await experiment_numbered(target, experiment_id)
    if await in_experiment(target, found):
        raise conflict("UserError", f"Experiment {found['name']} has runs: only an empty experiment can be deleted.")
    if is_archived(found):
        await _ask(target, "restore", {"experiment_id": experiment_id})
    await _ask(target, "delete", {"experiment_id": experiment_id}, for_good=True)


async def _ask(
    target: WorkspaceRequest, call: str, body: Mapping[str, Any], *, for_good: bool = False
) -> dict[str, Any]:
    chosen: dict[str, Any] = {"for_good": True} if for_good else {}
    answer = await target.cloud.mlflow.request(
        "POST", f"{TRACKING}/experiments/{call}", target.workspace_id, json_body=body, **chosen
    )
    return answers.body(answer)


def _dto(experiment: Document) -> dict[str, Any]:
    tags = {tag["key"]: tag.get("value", "") for tag in experiment.get("tags", [])}
    told = {
        "experimentId": str(experiment["experiment_id"]),
        "name": experiment["name"],
        "description": tags.get(DESCRIPTION_TAG),
        "createdUtc": _instant(experiment.get("creation_time")),
        "archivedTime": _instant(experiment.get("last_update_time")) if is_archived(experiment) else None,
        "tags": tags,
    }
    return {key: value for key, value in told.items() if value is not None}


def _instant(milliseconds: Any) -> str | None:
    return timestamp(from_milliseconds(int(milliseconds))) if milliseconds else None
