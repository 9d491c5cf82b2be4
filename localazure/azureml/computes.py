"""`/rp/workspaces<workspace id>/computes`: the workspace's computes, as azureml-core reads them from the data plane."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from azmlflow.localazure.azureml.request.target import WorkspaceRequest, no_such_endpoint
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.workspaces.computes import COMPUTE

# What azureml-core 1.61 cannot read when it is there without all that it expects of it.
_UNREAD = ("identity",)


async def answer(target: WorkspaceRequest) -> Response:
    """Answer a request to the service.

    Raises:
        AzureError: 404 for another path or no such compute, 403.
    """
    match (target.request.method, *target.rest):
        case ("GET", "computes"):
            target.require("computes/read")
            inside = f"{target.id}/computes/".lower()
            found = [_shown(target, document) for _, document in target.cloud.store.scan("resources", inside)]
            return JSONResponse({"value": found})
        case ("GET", "computes", name):
            target.require("computes/read")
            document = target.cloud.store.get("resources", f"{target.id}/computes/{name}".lower())
            if document is None:
                raise AzureError(404, "ComputeNotFound", f"Compute {name} was not found in the workspace.")
            return JSONResponse(_shown(target, document))
    raise no_such_endpoint(f"{target.request.method} {target.request.url.path}")


def _shown(target: WorkspaceRequest, document: Document) -> Document:
    shown = COMPUTE.shown(target.cloud, document)
    inner = {"subnet": None, **shown["properties"]["properties"]}
    inner.pop("userAccountCredentials", None)
    told = {"description": None, **shown["properties"], "properties": inner}
    rest = {name: value for name, value in shown.items() if name not in _UNREAD}
    return {**rest, "properties": told}
