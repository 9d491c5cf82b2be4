"""Runs that are jobs, in the history and data services: their state and log, outputs, and a new run token.

    GET  /history/v1.0<ws>/runs/<run>/details                      azure-ai-ml's `jobs.stream`
    POST /history/v1.0<ws>/rundata                                 `jobs.download`: which outputs there are
    POST /data/v1.0<ws>/dataversion/batchGetResolvedUris           ... and where
    GET  /history/v1.0<ws>/experimentids/<e>/runs/<run>/token      azureml-mlflow in a job

Every other path of the history service is one of artifacts (`history`).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from starlette.responses import JSONResponse, Response

from azmlflow.localazure.azureml import history, run_tokens
from azmlflow.localazure.azureml.target import Target, no_such_endpoint
from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.errors import AzureError, bad_request
from azmlflow.localazure.jobs import files, records
from azmlflow.localazure.jobs.layout import LOG, output_path
from azmlflow.localazure.store import Document
from azmlflow.rbac.operations import WORKSPACE

_LOG_URL = timedelta(hours=1)
_BODY_LIMIT = 1024 * 1024
_OUTPUT = "azureml://jobs/{job}/outputs/{name}"


async def answer(target: Target) -> Response:
    """Answer a request to the history service.

    Raises:
        AzureError: 404 for another path or no such run, 400, 403.
    """
    method, rest = target.request.method, target.rest
    if method == "GET" and len(rest) == 3 and rest[0] == "runs" and rest[2] == "details":
        return _details(target, rest[1])
    if method == "POST" and rest == ("rundata",):
        return _rundata(target, str((await _body(target)).get("runId", "")))
    if method == "GET" and len(rest) == 5 and rest[0] == "experimentids" and rest[2] == "runs" and rest[4] == "token":
        return _token(target, rest[3])
    return await history.answer(target)


async def resolve(target: Target) -> Response:
    """Answer a request to the data service: where the outputs of jobs lie.

    Raises:
        AzureError: 404 for another path, 400, 403.
    """
    if target.request.method != "POST" or target.rest != ("dataversion", "batchGetResolvedUris"):
        raise no_such_endpoint(f"{target.request.method} {target.request.url.path}")
    _require(target)
    values = (await _body(target)).get("values")
    if not isinstance(values, list):
        raise bad_request("UserError", 'The body must be {"values": ["<asset id>", ...]}.', target="values")
    found: dict[str, Any] = {}
    for asset in values:
        _, _, _, job, _, name, *_ = [*str(asset).split("/"), *[""] * 6]
        known = records.find(target.cloud, target.id, job)
        if known is not None and name in known[0]["properties"]["outputs"]:
            path = output_path(job, name)
            told = known[0]["properties"]["outputs"][name] or {}
            found[asset] = {"uri": _datastore_uri(target, path), "type": _type(told)}
    return JSONResponse({"values": found})


def _details(target: Target, run_id: str) -> Response:
    document, record = _job(target, run_id)
    properties = document["properties"]
    return JSONResponse(
        {
            "runId": document["name"],
            "target": properties["computeId"].rpartition("/")[2],
            "status": properties["status"],
            "startTimeUtc": record.get("started"),
            "endTimeUtc": record.get("ended"),
            "error": _error(record),
            "logFiles": _logs(target, run_id),
            "properties": properties["properties"],
            "warnings": [],
        }
    )


def _error(record: Document) -> Document | None:
    if record.get("error") is None:
        return None
    return {"error": {"code": "UserError", "message": record["error"]}}


def _logs(target: Target, run_id: str) -> dict[str, str]:
    address = files.artifact(target.storage_account, run_id, LOG)
    if Blobs(target.cloud).get(address) is None:
        return {}
    end = target.cloud.clock.now() + _LOG_URL
    query = target.cloud.tokens.sign_url(f"/{address.key}", "r", end)
    url = f"https://{address.account}.blob.core.windows.net/{address.container}/{quote(address.name)}?{query}"
    return {LOG: url}


def _rundata(target: Target, run_id: str) -> Response:
    document, record = _job(target, run_id)
    properties = document["properties"]
    outputs = {
        name: {"assetId": _OUTPUT.format(job=document["name"], name=name), "type": _type(told or {})}
        for name, told in properties["outputs"].items()
    }
    metadata = {
        "runId": document["name"],
        "rootRunId": document["name"],
        "experimentId": record.get("experiment"),
        "dataContainerId": f"dcid.{document['name']}",
        "status": properties["status"],
        "startTimeUtc": record.get("started"),
        "endTimeUtc": record.get("ended"),
        "displayName": properties["displayName"],
        "runType": "azureml.commandjob",
        "properties": properties["properties"],
        "tags": properties["tags"],
        "outputs": outputs,
    }
    return JSONResponse({"runMetadata": metadata})


def _token(target: Target, run_id: str) -> Response:
    if run_tokens.run_of(target) != run_id:
        raise AzureError(403, "AuthorizationFailed", "A run's token is renewed with that token, by its job alone.")
    document, record = _job(target, run_id)
    token, expires = run_tokens.issue(target.cloud, target.workspace, document, record["owner"])
    return JSONResponse({"token": token, "expiryTimeUtc": datetime.fromtimestamp(expires, UTC).isoformat()})


def _job(target: Target, run_id: str) -> tuple[Document, Document]:
    _require(target)
    found = records.find(target.cloud, target.id, run_id)
    if found is None:
        raise AzureError(404, "UserError", f"Run {run_id} was not found in the workspace.")
    return found


def _require(target: Target) -> None:
    target.cloud.enforcer.require(target.caller, f"{WORKSPACE}/experiments/runs/read", target.id)


def _type(told: Document) -> str:
    return "uri_file" if str(told.get("jobOutputType", "")).lower() == "uri_file" else "uri_folder"


def _datastore_uri(target: Target, path: str) -> str:
    parts = target.id.split("/")
    place = f"subscriptions/{parts[2]}/resourcegroups/{parts[4]}/workspaces/{parts[8]}"
    return f"azureml://{place}/datastores/workspaceblobstore/paths/{path}/"


async def _body(target: Target) -> dict[str, Any]:
    body = bytearray()
    async for chunk in target.request.stream():
        body += chunk
        if len(body) > _BODY_LIMIT:
            raise AzureError(413, "RequestBodyTooLarge", "The request body is too large.")
    try:
        found = json.loads(body)
    except ValueError as error:
        raise bad_request("UserError", "The request body is not JSON.") from error
    if not isinstance(found, dict):
        raise bad_request("UserError", "The request body is not a JSON object.")
    return found
