"""`/history/v1.0<workspace id>/...`, and `/data/...` and `/modelregistry/...` beside it: experiments and runs.

    GET, POST  experiments/<name>                                 azureml-core's Experiment
    POST       experiments:query                                  Experiment.list()
    GET, PATCH experimentids/<e>                                  PATCH archives and brings back; DELETE too
    POST       experimentids/<e>/tags:delete
    GET, PATCH experiments/<e>/runs/<run>                         ... its Run; `experimentids` too, here and below
    DELETE     experiments/<e>/runs/<run>/tags
    GET        experiments/<e>/runs/<run>/details                 state and logs, as both SDKs watch them
    GET        experiments/<e>/runs/<run>/children, runs/<run>/children
    POST       experiments/<e>/runs/<run>/events                  cancel; the end of a local run
    GET        experiments/<e>/runs/<run>/metricsingest/wait      in a job: are the metrics there?
    GET        experiments/<e>/runs/<run>/token                   in a job: a new run token
    POST       experiments/<e>/runs:query                         Experiment.get_runs()
    GET        runs/<run>, runs/<run>/details                     azure-ai-ml's `jobs.stream`
    POST       rundata                                            its `jobs.download`: which outputs there are
    POST       /data/.../dataversion/batchGetResolvedUris         ... and where
    POST       /modelregistry/.../models/batchGetResolvedUris     ... where those are that are models

Every other path of the history service is one of artifacts (`history`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from starlette.responses import JSONResponse, Response

from azmlflow.localazure.azureml.history import experiments, known_runs, routes, run_changes, run_filters, run_tokens
from azmlflow.localazure.azureml.history.run_dto import PARENT, details_dto, output_type, run_dto
from azmlflow.localazure.azureml.request.bodies import json_object, json_value
from azmlflow.localazure.azureml.request.target import WorkspaceRequest, no_such_endpoint
from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.blobs.signing import Signing
from azmlflow.localazure.core import odata
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.models import places
from azmlflow.localazure.runner import files
from azmlflow.localazure.work import records
from azmlflow.localazure.work.layout import LOG

_LOG_URL = timedelta(hours=1)
_EXPERIMENTS = ("experiments", "experimentids")
_PAGE = 1000


async def answer(target: WorkspaceRequest) -> Response:
    """Answer a request to the history service.

    Raises:
        AzureError: 404 for another path or no such run, 400, 403, 409.
        MlflowUnavailable: MLflow cannot answer now.
    """
    method, rest = target.request.method, target.rest
    if "artifacts" in rest[4:5]:
        return await routes.answer(target)
    if len(rest) == 5 and rest[0] in _EXPERIMENTS and rest[4] == "token" and method == "GET":
        return _token(target, rest[3])
    target.authorise(method, "history", "/" + "/".join(rest))
    match (method, *rest):
        case (_, "runs", run_id, *act):
            return await _of_run(target, await known_runs.find(target, run_id), tuple(act))
        case (_, "experiments" | "experimentids", experiment, "runs", run_id, *act):
            return await _of_run(target, await known_runs.find(target, run_id, experiment), tuple(act))
    return await _of_experiments(target)


async def resolve(target: WorkspaceRequest) -> Response:
    """Answer a request to the data service, or to the model registry's: where the outputs of jobs lie.

    Raises:
        AzureError: 404 for another path, 400, 403.
    """
    target.authorise(target.request.method, target.service, "/" + "/".join(target.rest))
    values = (await json_object(target)).get("values")
    if not isinstance(values, list):
        raise bad_request("UserError", 'The body must be {"values": ["<asset id>", ...]}.', target="values")
    found: dict[str, Any] = {}
    for asset in values:
        _, _, _, job, _, name, *_ = [*str(asset).split("/"), *[""] * 6]
        known = records.find(target.cloud, target.id, job)
        if known is not None and name in known[0]["properties"]["outputs"]:
            told = known[0]["properties"]["outputs"][name] or {}
            ending = "" if told.get("jobOutputType") == "uri_file" else "/"
            uri = places.long_uri(places.output(target.workspace, known[0], name), target.workspace) + ending
            found[asset] = (
                {"path": uri} if target.service == "modelregistry" else {"uri": uri, "type": output_type(told)}
            )
    return JSONResponse({"values": found})


async def _of_experiments(target: WorkspaceRequest) -> Response:
    """Answer what is asked of no single run by its id."""
    match (target.request.method, *target.rest):
        case ("GET", "experiments", name):
            told = await experiments.get(target, name)
        case ("POST", "experiments", name):
            await json_object(target)
            told = await experiments.create(target, name)
        case ("POST", "experiments:query"):
            told = await experiments.query(target, await json_object(target))
        case ("GET", "experimentids", experiment_id):
            told = await experiments.get_by_id(target, experiment_id)
        case ("PATCH", "experimentids", experiment_id):
            told = await experiments.patch(target, experiment_id, await json_object(target))
        case ("DELETE", "experimentids", experiment_id):
            await experiments.delete(target, experiment_id)
            told = {}
        case ("POST", "experimentids", experiment_id, "tags:delete"):
            told = await experiments.delete_tags(target, experiment_id, await json_object(target))
        case ("POST", "experiments", name, "runs:query"):
            told = await _query(target, name)
        case ("POST", "rundata"):
            run_id = str((await json_object(target)).get("runId", ""))
            told = {"runMetadata": run_dto(target.cloud, await known_runs.find(target, run_id))}
        case _:
            raise no_such_endpoint(f"{target.request.method} {target.request.url.path}")
    return JSONResponse(told)


async def _of_run(target: WorkspaceRequest, run: known_runs.KnownRun, act: tuple[str, ...]) -> Response:
    """Answer what is asked of one run."""
    match (target.request.method, *act):
        case ("GET",):
            pass
        case ("PATCH",):
            await run_changes.patch(target, run, await json_object(target))
            run = await known_runs.find(target, run.id)
        case ("DELETE", "tags"):
            await run_changes.delete_tags(target, run, await json_value(target))
            run = await known_runs.find(target, run.id)
        case ("GET", "details"):
            return JSONResponse(details_dto(run, _logs(target, run.id) if run.has_artifacts else {}))
        case ("GET", "children"):
            return JSONResponse(await _children(target, run))
        case ("POST", "events"):
            await run_changes.event(target, run, await json_object(target))
            return Response(status_code=200)
        case ("GET", "metricsingest", "wait"):
            return JSONResponse({})  # metrics are kept before the request that logs them is answered
        case _:
            raise no_such_endpoint(f"{target.request.method} {target.request.url.path}")
    return JSONResponse(run_dto(target.cloud, run))


async def _children(target: WorkspaceRequest, run: known_runs.KnownRun) -> dict[str, Any]:
    """A page of the children of a run, in its own experiment."""
    query = target.query
    orderby = query.get("$orderby", "").partition(",")[0]
    if orderby and "$sortorder" in query:
        orderby = f"{orderby.split(' ')[0]} {query['$sortorder']}"
    top = query.get("$top")
    runs = await known_runs.in_experiment(target, await known_runs.experiment_numbered(target, run.experiment_id))
    mine = (each for each in runs if each.tags.get(PARENT) == run.id)
    asked = {
        "filter": query.get("$filter"),
        "orderby": orderby or None,
        "top": int(top) if top and top.isdecimal() else top,
        "continuationToken": query.get("$continuationtoken"),
    }
    return _page(target, mine, asked)


async def _query(target: WorkspaceRequest, name: str) -> dict[str, Any]:
    body = await json_object(target)
    runs = await known_runs.in_experiment(target, await known_runs.experiment_named(target, name))
    return _page(target, runs, body)


def _page(target: WorkspaceRequest, runs: Iterable[known_runs.KnownRun], asked: Mapping[str, Any]) -> dict[str, Any]:
    """A page of runs: those that fit, in order.

    Args:
        target: the request.
        runs: all of them.
        asked: `filter`, `orderby`, `top`, `continuationToken`.

    Raises:
        AzureError: 400, what is asked for cannot be understood.
    """
    orderby, top = asked.get("orderby"), asked.get("top")
    if isinstance(orderby, list):
        orderby = orderby[0] if orderby else None
    test, begin = run_filters.parse(asked.get("filter")), odata.count(str(asked.get("continuationToken") or 0))
    if begin is None or not (top is None or (isinstance(top, int) and top > 0)):
        raise bad_request("UserError", "'top' is a number above 0, 'continuationToken' one that was given out.")
    found = run_filters.order([dto for dto in _shown(target, runs) if test(dto)], orderby)
    size = min(top or _PAGE, _PAGE)
    more = {"continuationToken": str(begin + size)} if begin + size < len(found) else {}
    return {"value": found[begin : begin + size], **more}


def _shown(target: WorkspaceRequest, runs: Iterable[known_runs.KnownRun]) -> list[dict[str, Any]]:
    cloud = target.cloud
    return cloud.skipped.each(runs, lambda run: f"{target.id}/runs/{run.id}", lambda run: run_dto(cloud, run))


def _logs(target: WorkspaceRequest, run_id: str) -> dict[str, str]:
    address = files.artifact(target.storage_account, run_id, LOG)
    if Blobs(target.cloud).get(address) is None:
        return {}
    end = target.cloud.clock.now() + _LOG_URL
    query = Signing(target.cloud).url(f"/{address.key}", "r", end)
    url = f"https://{address.account}.blob.core.windows.net/{address.container}/{quote(address.name)}?{query}"
    return {LOG: url}


def _token(target: WorkspaceRequest, run_id: str) -> Response:
    token, expires = run_tokens.renew(target, run_id)
    return JSONResponse({"token": token, "expiryTimeUtc": datetime.fromtimestamp(expires, UTC).isoformat()})
