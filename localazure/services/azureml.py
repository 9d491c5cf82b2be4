"""`<region>.api.azureml.ms`: the workspaces' data plane, sorted by the path's first segment.

    /discovery                       where the region's services are
    /mlflow/<version><ws>/...        MLflow's REST API
    /history/<version><ws>/...       experiments, runs, their artifacts
    /metric/<version><ws>/...        metrics of SDK v1
    /data/<version><ws>/...          where outputs of jobs lie
    /modelregistry/<version><ws>/... where those lie that are models
    /artifact/<version><ws>/...      artifacts by origin and container
    /content/<version><ws>/...       snapshots of SDK v1
    /execution/<version><ws>/...     its submissions
    /environment/<version><ws>/...   its environments
    /modelmanagement/<version><ws>/... its models
    /rp/workspaces<ws>/...           computes, as it reads them

Every request but discovery names a workspace, which must exist, and is one operation of `rbac.operations`, or needs
an action of its own; the caller must reach that workspace, and be allowed every action at it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from azmlflow.localazure.azureml import computes, modelmanagement, tracking
from azmlflow.localazure.azureml.discovery import discovery
from azmlflow.localazure.azureml.history import metrics, routes, run_tokens, runs
from azmlflow.localazure.azureml.request import members
from azmlflow.localazure.azureml.request.answers import refusal
from azmlflow.localazure.azureml.request.target import WorkspaceRequest, find_target, no_such_endpoint
from azmlflow.localazure.azureml.submission import environments, execution, snapshots
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.cloud.reaching import origin_of
from azmlflow.localazure.core import spelling
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.tracking.answers import MlflowUnavailable


@dataclass(frozen=True)
class Service:
    """One service of the data plane.

    Attributes:
        versions: what may stand in the path after its name.
        answer: answers its requests.
    """

    versions: tuple[str, ...]
    answer: Callable[[WorkspaceRequest], Awaitable[Response]]


SERVICES: Mapping[str, Service] = {
    "mlflow": Service(("v1.0", "v2.0"), tracking.answer),
    "history": Service(("v1.0",), runs.answer),
    "metric": Service(("v2.0",), metrics.answer),
    "artifact": Service(("v1.0", "v2.0"), routes.answer),
    "data": Service(("v1.0",), runs.resolve),
    "modelregistry": Service(("v1.0",), runs.resolve),
    "content": Service(("v1.0", "v2.0"), snapshots.answer),
    "execution": Service(("v1.0",), execution.answer),
    "environment": Service(("v1.0",), environments.answer),
    "modelmanagement": Service(("v1.0",), modelmanagement.answer),
    "rp": Service(("workspaces",), computes.answer),
}
_VERSIONS = {name: service.versions for name, service in SERVICES.items()}


def service(cloud: Cloud) -> ASGIApp:
    """The data plane of `cloud`'s workspaces."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await _answer(cloud, request)
        except AzureError as error:
            response = refusal(error, request)
        except MlflowUnavailable as error:
            response = refusal(error.refusal(), request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    return app


async def _answer(cloud: Cloud, request: Request) -> Response:
    path = spelling.decoded(spelling.sent_path(request.scope))
    if path.rstrip("/").lower() == "/discovery":
        if request.method != "GET":
            raise no_such_endpoint(f"{request.method} {path}")
        return JSONResponse(discovery(request.headers.get("host", "").partition(":")[0].lower()))
    target = find_target(cloud, request, _VERSIONS)
    cloud.reaching.require(origin_of(request.scope["state"]), target.workspace, "workspace")
    await run_tokens.check(target)
    known = members.row(request.method, target.service, "/".join(target.rest))
    if known is not None:
        members.check_query(known, target.query)
    return await SERVICES[target.service].answer(target)
