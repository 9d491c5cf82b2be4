"""`<region>.api.azureml.ms`: the workspaces' data plane, sorted by the path's first segment.

    /discovery                   where the region's services are
    /mlflow/<version><ws>/...    MLflow's REST API
    /history/<version><ws>/...   runs' artifacts; the state and log of runs that are jobs
    /data/<version><ws>/...      where outputs of jobs lie
    /artifact/<version><ws>/...  artifacts by origin and container
    /modelmanagement/<v><ws>/... models of SDK v1

Every request but discovery names a workspace, which must exist, and is one operation of `rbac.operations`, whose
every action the caller must be allowed at that workspace.
"""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from azmlflow.localazure.azureml import history, modelmanagement, run_tokens, runs, tracking
from azmlflow.localazure.azureml.answers import refusal
from azmlflow.localazure.azureml.discovery import discovery
from azmlflow.localazure.azureml.target import find_target, no_such_endpoint
from azmlflow.localazure.cloud import Cloud
from azmlflow.localazure.errors import AzureError
from azmlflow.localazure.mlflow import MlflowUnavailable

_SERVICES = {
    "mlflow": tracking.answer,
    "history": runs.answer,
    "artifact": history.answer,
    "data": runs.resolve,
    "modelmanagement": modelmanagement.answer,
}


def service(cloud: Cloud) -> ASGIApp:
    """The data plane of `cloud`'s workspaces."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await _answer(cloud, request)
        except AzureError as error:
            response = refusal(error, request)
        except MlflowUnavailable as error:
            headers = {"Retry-After": str(error.retry_after)}
            response = refusal(AzureError(503, "ServiceUnavailable", str(error), headers=headers), request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    return app


async def _answer(cloud: Cloud, request: Request) -> Response:
    if request.url.path.rstrip("/").lower() == "/discovery":
        if request.method != "GET":
            raise no_such_endpoint(f"{request.method} {request.url.path}")
        return JSONResponse(discovery(request.headers.get("host", "").partition(":")[0].lower()))
    target = find_target(cloud, request)
    await run_tokens.check(target)
    return await _SERVICES[target.service](target)
