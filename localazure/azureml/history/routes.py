"""`/history/v1.0<workspace id>/...` and `/artifact/v2.0<workspace id>/...`: the routes to artifacts.

A run's artifacts have two addresses, by experiment name and by experiment id; the second service has them by origin
and container. Both offer the same few acts, and each client spells them its own way: azureml-mlflow gives an
artifact's path as the query parameter `path` and the act last, azureml-core gives the path in the URL, and to the
artifact service the act first. `route_of` brings all of them to one `Route`.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from azmlflow.localazure.azureml.history.artifacts import Artifacts, of_origin, of_run
from azmlflow.localazure.azureml.history.model_files import of_version
from azmlflow.localazure.azureml.request.target import WorkspaceRequest, no_such_endpoint
from azmlflow.localazure.blobs.origins import MODEL_ORIGIN, RUN_ORIGIN
from azmlflow.localazure.core.errors import bad_request

# The acts, by the segments that name them; longer ones first, since "contentinfo" ends "prefix/contentinfo".
_ACTS = (
    ("batch", "metadata"),
    ("prefix", "contentinfo"),
    ("contentinfo",),
    ("artifacturi",),
    ("metadata",),
    ("path",),
)
_WRITE = ("batch", "metadata")
# Acts that azureml-mlflow has no use for, by those that need the same permissions.
_SAME_AS = {
    ("prefix", "contentinfo"): ("contentinfo",),
    ("artifacturi",): ("contentinfo",),
    ("metadata",): ("contentinfo",),
    ("path",): (),
}
_EXPERIMENTS = ("experiments", "experimentids")


@dataclass(frozen=True)
class Route:
    """Which artifacts a request is about, and what it does with them.

    Attributes:
        act: one of the acts above; () lists all.
        path: the artifact's path or prefix, "" if none is given.
        run: the run's id, when the path names a run.
        experiment: id or name of its experiment.
        origin: origin and container, when the path names those.
        by_sdk_v1: whether it is spelt as azureml-core does, which takes other URLs (`Artifacts`).
    """

    act: tuple[str, ...]
    path: str
    run: str = ""
    experiment: str = ""
    origin: tuple[str, str] = ("", "")
    by_sdk_v1: bool = False


async def answer(target: WorkspaceRequest) -> Response:
    """Answer a request to either service.

    Raises:
        AzureError: 404 for another path, another workspace's run or upload, or no such artifact; 400, 403.
        MlflowUnavailable: MLflow cannot answer now.
    """
    route = route_of(target)
    method = target.request.method
    if route is None or method != ("POST" if route.act == _WRITE else "GET"):
        raise no_such_endpoint(f"{method} {target.request.url.path}")
    target.authorise(method, *_canonical(route))
    artifacts = await _artifacts(target, route)
    match route.act:
        case ("batch", "metadata"):
            return JSONResponse(await artifacts.write())
        case () | ("path",):
            return JSONResponse(artifacts.list(route.path))
        case ("prefix", "contentinfo"):
            return JSONResponse(artifacts.read_all(route.path))
    if not route.path:
        raise bad_request("UserError", "The artifact's path is missing.", target="path")
    match route.act:
        case ("metadata",):
            return JSONResponse(artifacts.describe(route.path))
        case ("artifacturi",):
            return JSONResponse(artifacts.read(route.path)["contentUri"])
        case _:
            return JSONResponse(artifacts.read(route.path))


async def _artifacts(target: WorkspaceRequest, route: Route) -> Artifacts:
    if route.run:
        return await of_run(target, route.run, route.experiment, decoded=route.by_sdk_v1)
    if route.origin[0] == MODEL_ORIGIN:
        return await of_version(target, route.origin[1], decoded=route.by_sdk_v1)
    return await of_origin(target, *route.origin, write=route.act == _WRITE, decoded=route.by_sdk_v1)


def route_of(target: WorkspaceRequest) -> Route | None:
    """What a request to either service wants; None for a path that is none of theirs."""
    rest = target.rest
    asked = target.query.get("path", "")
    if target.service == "history":
        if len(rest) < 5 or rest[0] not in _EXPERIMENTS or rest[2] != "runs" or rest[4] != "artifacts":
            return None
        act, path = _act(rest[5:])
        if path is None:
            return None
        return Route(act, path or asked, run=rest[3], experiment=rest[1], by_sdk_v1=bool(path))
    if rest[:1] != ("artifacts",):
        return None
    act, path = _act(rest[1:])
    by_sdk_v1 = bool(act)
    if act:  # act first: .../artifacts/contentinfo/<origin>/<container>/<path>
        origin, _, path = (path or "").partition("/")
        container, _, path = path.partition("/")
    else:
        origin, container = (*rest[1:3], "", "")[:2]
        act, path = _act(rest[3:])
    if path is None or not origin or not container:
        return None
    return Route(act, path or asked, origin=(origin, container), by_sdk_v1=by_sdk_v1)


def _act(segments: tuple[str, ...]) -> tuple[tuple[str, ...], str | None]:
    """The act that the segments begin with, and what follows as one path; None when they begin with none."""
    if not segments:
        return (), ""
    for act in _ACTS:
        if segments[: len(act)] == act:
            return act, "/".join(segments[len(act) :])
    return (), None


def _canonical(route: Route) -> tuple[str, str]:
    """The request in azureml-mlflow's spelling, service and path, by which `rbac.operations` knows it."""
    act = _SAME_AS.get(route.act, route.act)
    if route.run:
        return "history", "/".join(("", "experiments", route.experiment, "runs", route.run, "artifacts", *act))
    origin, container = route.origin
    if origin == RUN_ORIGIN:
        return "history", "/".join(("", "experiments", "any", "runs", container, "artifacts", *act))
    return "artifact", "/".join(("", "artifacts", origin, container, *act))
