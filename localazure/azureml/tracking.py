"""`/mlflow/<version><workspace id>/api/2.0/mlflow/...`: MLflow's REST TRACKING, passed on to the MLflow server.

What is not the same as at an MLflow server of one's own:
- the server sees one MLflow workspace per Azure ML workspace, so another workspace's ids do not exist for it;
- artifacts lie behind Azure ML's own services: every `artifact_uri` of an answer is rewritten to an `azureml://` URI,
  which the plugin azureml-mlflow resolves, and no client may say where artifacts go;
- experiment "0", which clients take for the default, is the workspace's experiment "Default";
- models registered by Azure ML's other clients are where those put them: a version's download URI is one that the
  plugin can open, whoever registered it (`models.places`);
- MLflow 3's own calls (logged models, traces, ...) are not there: Azure ML answers them with 404.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

from azmlflow.localazure.azureml import unsupported
from azmlflow.localazure.azureml.request import members
from azmlflow.localazure.azureml.request.answers import refusal
from azmlflow.localazure.azureml.request.bodies import asked_of_mlflow
from azmlflow.localazure.azureml.request.target import WorkspaceRequest, no_such_endpoint
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.models import places, records
from azmlflow.localazure.models.registry import Registry
from azmlflow.localazure.tracking import answers
from azmlflow.localazure.tracking.answers import MlflowAnswer
from azmlflow.rbac.operations import TRACKING, WORKSPACE

_PREVIEW = ("api", "2.0", "preview", "mlflow")
_UNKNOWN = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
_REGISTRY = (f"{TRACKING}/registered-models/", f"{TRACKING}/model-versions/")
# Calls that make something of the registry, or give it another name, and the member that holds the name.
_NAMED = {f"{TRACKING}/registered-models/create": "name", f"{TRACKING}/registered-models/rename": "new_name"}
_MADE = (f"{TRACKING}/registered-models/create", f"{TRACKING}/model-versions/create")


async def answer(target: WorkspaceRequest) -> Response:
    """Answer a tracking or registry request.

    Raises:
        AzureError: 404 for what Azure ML does not offer, 403, 400 for a body that is not JSON, 413.
        MlflowUnavailable: MLflow cannot answer now.
    """
    method = target.request.method
    path = "/" + "/".join(_without_preview(target.rest))
    target.authorise(method, target.service, path)
    params, body = await asked_of_mlflow(target)
    members.check_mlflow(path, target.query, body)
    await _translate_default_experiment(target, path, params, body)
    await unsupported.check(target, path, params, body)
    if target.service == "mlflow":  # MLflow's own page searches as it does at any MLflow server
        for place in (params, body):
            if isinstance(place, dict):
                unsupported.search(path, place)
    if path == f"{TRACKING}/experiments/create" and isinstance(body, dict) and body.pop("artifact_location", None):
        raise bad_request(
            "UserError",
            "Artifacts lie where the workspace keeps them: 'artifact_location' cannot be chosen.",
            target="artifact_location",
        )
    if path == f"{TRACKING}/runs/create" and isinstance(body, dict):
        who = target.caller.principal
        body["user_id"] = who.display_name or who.name
    if path.startswith(_REGISTRY):
        await _check_model(target, path, body)
    if path == f"{TRACKING}/runs/log-batch-async":
        # Azure ML's own: it keeps metrics later. Here they are kept at once; no tracking id means nothing to wait for.
        logged = await target.cloud.mlflow.request(
            "POST", f"{TRACKING}/runs/log-batch", target.workspace_id, json_body=body
        )
        if not logged.is_success:
            return _passed_on(target, logged)
        answers.body(logged)
        return JSONResponse({"batch_tracking_id": ""})
    response = await target.cloud.mlflow.request(
        method, path, target.workspace_id, params=_query(target, params), json_body=body
    )
    if path == f"{TRACKING}/model-versions/get-download-uri" and response.is_success:
        return await _download_uri(target, params, answers.body(response))
    return _passed_on(target, response)


async def run_experiment(target: WorkspaceRequest, run_id: str) -> str:
    """The id of the experiment that a run of this workspace belongs to.

    Raises:
        AzureError: 404 when the workspace has no such run.
        MlflowUnavailable: MLflow cannot answer now.
    """
    found = await target.cloud.mlflow.request(
        "GET", f"{TRACKING}/runs/get", target.workspace_id, params={"run_id": run_id}
    )
    told = answers.body_if_any(found)
    if told is None:
        raise AzureError(404, "UserError", f"Run {run_id} was not found in the workspace.")
    return str(told["run"]["info"]["experiment_id"])


def artifact_uri(target: WorkspaceRequest, experiment_id: str, run_id: str, path: str = "") -> str:
    """Where the plugin finds a run's artifacts, in the spelling that it takes apart."""
    version = target.version if target.service == "mlflow" else "v2.0"
    tail = f"/{path}" if path else ""
    return (
        f"azureml://{target.host}/mlflow/{version}{target.id}/experiments/{experiment_id}/runs/{run_id}/artifacts{tail}"
    )


def _without_preview(rest: tuple[str, ...]) -> tuple[str, ...]:
    return ("api", "2.0", "mlflow", *rest[4:]) if rest[:4] == _PREVIEW else rest


def _query(target: WorkspaceRequest, params: Mapping[str, str]) -> str | Mapping[str, str]:
    """The query as it was, for repeated names, unless something in it was translated."""
    return target.request.url.query if params and params == target.query else params


async def _translate_default_experiment(target: WorkspaceRequest, path: str, params: dict[str, str], body: Any) -> None:
    """Put the id of "Default" where the request says experiment "0"; made when a run is about to start in it."""
    places: list[dict[str, Any]] = [params, *([body] if isinstance(body, dict) else [])]
    listed = [place for place in places if "0" in _texts(place.get("experiment_ids"))]
    single = [place for place in places if str(place.get("experiment_id")) == "0"]
    if not listed and not single:
        return
    default = await target.cloud.mlflow.default_experiment(target.workspace_id, make=path == f"{TRACKING}/runs/create")
    if default is None:
        return
    for place in single:
        place["experiment_id"] = default
    for place in listed:
        place["experiment_ids"] = [default if one == "0" else one for one in _texts(place["experiment_ids"])]


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


async def _check_model(target: WorkspaceRequest, path: str, body: Any) -> None:
    """Refuse what Azure ML's registry does not take, and note who makes a model or version.

    Raises:
        AzureError: 400.
        MlflowUnavailable: MLflow cannot answer now.
    """
    records.refuse_reserved(body)
    if not isinstance(body, dict):
        return
    name = body.get(_NAMED.get(path, ""), "")
    if path in _NAMED and re.fullmatch(records.NAME, str(name)) is None:
        raise bad_request(
            "UserError",
            f"The model name '{name}' is not valid: it has 1 to 255 letters, digits, '_', '.' or '-', and begins with "
            "a letter or digit.",
        )
    if path == f"{TRACKING}/model-versions/create":
        await _check_source(target, str(body.get("source") or ""))
    if path in _MADE:
        if not isinstance(body.get("tags"), list | None):
            raise bad_request("UserError", "'tags' is a list of objects with key and value.", target="tags")
        body["tags"] = [*(body.get("tags") or []), records.tag(records.created_by(target.caller))]


async def _check_source(target: WorkspaceRequest, source: str) -> None:
    """Refuse a model version of files that are not there, or not in this workspace.

    A copy of another version (`models:/...`) is MLflow's to look up.

    Raises:
        AzureError: 400; 403, the caller may not read the datastore that it names.
        MlflowUnavailable: MLflow cannot answer now.
    """
    if source.startswith("models:"):
        return
    place = places.parse(source, target.workspace, target.cloud)
    if place is None:
        raise bad_request(
            "UserError",
            f"'{source}' is not in this workspace: models are registered from its runs, jobs, uploads and datastores.",
            target="source",
        )
    action, who = f"{WORKSPACE}/datastores/read", target.caller.principal.object_id
    decision = target.cloud.enforcer.decide(who, action, target.id)
    why_not = None if decision.allowed else decision.reason
    await places.check(Registry(target.cloud, target.workspace), place, why_not)


async def _download_uri(target: WorkspaceRequest, params: Mapping[str, str], body: dict[str, Any]) -> Response:
    place = places.locate(body.get("artifact_uri", ""), target.workspace, target.cloud)
    if place is None:
        return JSONResponse(body)
    if place.run is None:
        prefix = places.prefix(place, params.get("name", ""), params.get("version", ""))
        return JSONResponse({**body, "artifact_uri": f"azureml://artifacts/{prefix}"})
    experiment_id = await run_experiment(target, place.run[0])
    return JSONResponse({**body, "artifact_uri": artifact_uri(target, experiment_id, *place.run)})


def _passed_on(target: WorkspaceRequest, response: MlflowAnswer) -> Response:
    try:
        body = response.json()
    except ValueError as error:
        if response.status_code in _UNKNOWN:  # the page of a path that MLflow does not know
            raise no_such_endpoint(f"{target.request.method} {target.request.url.path}") from error
        raise answers.no_json(response) from error
    if not response.is_success:
        refused, code = answers.refused(response)
        return refusal(refused, target.request, code)
    if any(f"{part}/" in target.request.url.path for part in ("registered-models", "model-versions")):
        body = records.hidden(body)
    return JSONResponse(_rewritten(target, body), response.status_code)


def shown(target: WorkspaceRequest, body: Any) -> Any:
    """An answer of MLflow's GraphQL as the data plane would have told it."""
    return _rewritten(target, records.hidden(body))


def _rewritten(target: WorkspaceRequest, value: Any) -> Any:
    if isinstance(value, list):
        return [_rewritten(target, one) for one in value]
    if not isinstance(value, dict):
        return value
    changed = {key: _rewritten(target, one) for key, one in value.items()}
    if {"run_id", "experiment_id", "artifact_uri"} <= changed.keys():
        changed["artifact_uri"] = artifact_uri(target, changed["experiment_id"], changed["run_id"])
    if {"runUuid", "experimentId", "artifactUri"} <= changed.keys():  # GraphQL's spelling
        changed["artifactUri"] = artifact_uri(target, changed["experimentId"], changed["runUuid"])
    if {"experiment_id", "artifact_location"} <= changed.keys():
        base = f"azureml://{target.host}/mlflow/{target.version}{target.id}"
        changed["artifact_location"] = f"{base}/experiments/{changed['experiment_id']}"
    return changed
