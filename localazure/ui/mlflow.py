"""MLflow's own page and what it asks, at `<session>/mlflow/`: its files as MLflow's package has them, its requests with
the rights of the principal who looks, its artifacts out of the workspace's storage.

    GET  static-files/<file>, ""               the page, with a bar that leads back; `beside.js`
    *    ajax-api/2.0/mlflow/<call>            what Azure ML's tracking has too: `azureml.tracking`
    *    ajax-api/<version>/mlflow/<call>      what `calls` lists beyond it
    POST graphql                               `calls.asked` says what it reads
    GET  ajax-api/2.0/mlflow/artifacts/list    a run's artifacts
    GET  get-artifact, model-versions/get-artifact
"""

from __future__ import annotations

import importlib.util
import mimetypes
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse

from azmlflow.localazure.azureml import tracking
from azmlflow.localazure.azureml.history.artifacts import Artifacts, of_run
from azmlflow.localazure.azureml.history.model_files import whole_version
from azmlflow.localazure.azureml.request.bodies import json_value
from azmlflow.localazure.azureml.request.target import WorkspaceRequest, no_such_endpoint
from azmlflow.localazure.blobs.content import read_range
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.tracking import answers
from azmlflow.localazure.tracking.answers import MlflowAnswer
from azmlflow.localazure.ui import beside, calls, html
from azmlflow.localazure.ui.pages import tabs
from azmlflow.localazure.work.layout import LOG
from azmlflow.rbac.operations import TRACKING, operation, recognise

_MOST_OF_A_LOG = 200_000
_API = ("ajax-api", "2.0", "mlflow")
_TEXT = ("text/", "application/json", "application/yaml", "application/xml", "application/javascript")
# A file that somebody logged is never a page of ours: whatever opens it shows it in a box without scripts or origin.
_ARTIFACT_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def static_folder() -> Path:
    """Where MLflow's package keeps its page."""
    found = importlib.util.find_spec("mlflow")
    assert found is not None and found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "server" / "js" / "build"


async def answer(target: WorkspaceRequest) -> Response:
    """Answer what MLflow's page asks.

    Raises:
        AzureError: 404 for what is not answered, 403 for what the principal may not do, 400.
        MlflowUnavailable: MLflow cannot answer now.
    """
    method, rest = target.request.method, target.rest
    path = "/".join(rest)
    own = _OWN.get((method, path))
    if own is not None:
        needed, answers = own
    elif method == "GET" and rest[0] == "static-files":
        needed, answers = (), _static
    elif (found := _reading(target)) is not None:
        needed, answers = found, _read
    elif rest[:3] == _API and recognise(method, "mlflow", f"{TRACKING}/{'/'.join(rest[3:])}"):
        return await tracking.answer(target.within(("api", *rest[1:])))
    else:
        raise no_such_endpoint(f"{method} {path}")
    _authorise(target, needed)
    return await answers(target)


def _reading(target: WorkspaceRequest) -> tuple[str, ...] | None:
    ajax, _, mlflow, *call = [*target.rest, "", "", ""]
    return (
        calls.reading(target.request.method, "/".join(call[:-3])) if (ajax, mlflow) == ("ajax-api", "mlflow") else None
    )


def _authorise(target: WorkspaceRequest, operations: Iterable[str]) -> None:
    for name in operations:
        for action in operation(name).actions:
            target.cloud.enforcer.require(target.caller, action, target.id)


async def _page(target: WorkspaceRequest) -> Response:
    """MLflow's page as its package has it, a bar above it that leads back to the pages beside it."""
    text = (static_folder() / "index.html").read_text(encoding="utf-8")
    who = target.caller.principal.name
    bar = beside.STYLE + html.bar(target.workspace["name"], tabs.links("../", None), who, "../sign-out")
    text = text.replace("<head>", '<head><script src="beside.js"></script>', 1).replace("<body>", f"<body>{bar}", 1)
    return HTMLResponse(text)


async def _beside(_target: WorkspaceRequest) -> Response:
    return Response(beside.SCRIPT, media_type="text/javascript")


async def _static(target: WorkspaceRequest) -> Response:
    folder = static_folder().resolve()
    path = folder.joinpath(*target.rest[1:]).resolve()
    if not path.is_relative_to(folder) or not path.is_file():
        raise no_such_endpoint(f"GET {'/'.join(target.rest)}")
    # Their names hold a digest of their content.
    return FileResponse(path, headers={"Cache-Control": "private, max-age=31536000, immutable"})


async def _run_file(target: WorkspaceRequest) -> Response:
    return _content(await of_run(target, _asked(target, "run_uuid", "run_id")), _asked(target, "path"))


async def _version_file(target: WorkspaceRequest) -> Response:
    files = await whole_version(target, _asked(target, "name"), _asked(target, "version"))
    return _content(files, _asked(target, "path"))


async def _read(target: WorkspaceRequest) -> Response:
    path = "/" + "/".join(quote(part, safe="") for part in target.rest)
    body = await json_value(target) if target.request.method == "POST" else None
    found = await target.cloud.mlflow.request(
        target.request.method, path, target.workspace_id, params=target.request.url.query, json_body=body
    )
    if target.rest[-1] == "server-info" and found.is_success:
        # One workspace is all that there is here: the page is to offer no others.
        return JSONResponse({**answers.body(found), "workspaces_enabled": False})
    return _told(found)


async def _graphql(target: WorkspaceRequest) -> Response:
    body = await json_value(target)
    text = body.get("query") if isinstance(body, dict) else None
    try:
        needed = calls.asked(text if isinstance(text, str) else "")
    except calls.NotAnswered as error:
        raise AzureError(404, "EndpointNotFound", f"GraphQL: {error}.") from error
    _authorise(target, needed)
    found = await target.cloud.mlflow.request("POST", "/graphql", target.workspace_id, json_body=body)
    return JSONResponse(tracking.shown(target, answers.body(found))) if found.is_success else _told(found)


async def _list(target: WorkspaceRequest) -> Response:
    run_id, folder = _asked(target, "run_uuid", "run_id"), target.request.query_params.get("path", "").strip("/")
    artifacts = await of_run(target, run_id)
    experiment_id = await tracking.run_experiment(target, run_id)
    root = tracking.artifact_uri(target, experiment_id, run_id)
    return JSONResponse({"root_uri": root, "files": artifacts.level(folder)})


async def log_of(target: WorkspaceRequest, job: str) -> str | None:
    """The end of a job's log, for who may read its run's artifacts; None where there is none."""
    try:
        _authorise(target, ("read_artifacts",))
        blob, file = (await of_run(target, job)).open(LOG)
    except AzureError:
        return None
    with file:
        file.seek(max(0, blob.length - _MOST_OF_A_LOG))
        return file.read(_MOST_OF_A_LOG).decode("utf-8", "replace")


def _content(artifacts: Artifacts, path: str) -> Response:
    blob, file = artifacts.open(path)
    kind = mimetypes.guess_type(path)[0] or ("text/plain" if "." not in path.rpartition("/")[2] else "")
    if kind.startswith(_TEXT) or path.endswith((".yaml", ".yml", ".md", ".log")):
        kind = "text/plain; charset=utf-8"
    headers = {
        "Content-Length": str(blob.length),
        # As an attachment, like MLflow's own server: a page fetches it, nobody opens it as a page.
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(path.rpartition('/')[2], safe='')}",
        "Content-Security-Policy": _ARTIFACT_POLICY,
    }
    return StreamingResponse(
        read_range(file, 0, blob.length), headers=headers, media_type=kind or "application/octet-stream"
    )


def _asked(target: WorkspaceRequest, *names: str) -> str:
    """A parameter of the query, by any of its names.

    Raises:
        AzureError: 400, it is missing.
    """
    found = next((value for name in names if (value := target.request.query_params.get(name))), None)
    if found is None:
        raise bad_request("UserError", f"The parameter '{names[-1]}' is missing.", target=names[-1])
    return found


def _told(found: MlflowAnswer) -> Response:
    """MLflow's own answer; the page knows MLflow's errors, in JSON.

    Raises:
        MlflowUnavailable: MLflow failed without a word of its own.
    """
    if found.is_server_error and "json" not in found.headers.get("content-type", ""):
        raise answers.no_json(found)
    return Response(found.content, found.status_code, media_type=found.headers.get("content-type", "text/plain"))


# What is answered here: the operations that are all needed, and by what.
_OWN: Mapping[tuple[str, str], tuple[tuple[str, ...], Callable[[WorkspaceRequest], Awaitable[Response]]]] = {
    ("GET", ""): ((), _page),
    ("GET", "beside.js"): ((), _beside),
    ("POST", "graphql"): ((), _graphql),  # looks into the document for what is needed
    ("GET", "get-artifact"): (("read_artifacts",), _run_file),
    ("GET", "model-versions/get-artifact"): (("read_models", "read_artifacts"), _version_file),
    ("GET", "ajax-api/2.0/mlflow/artifacts/list"): (("read_artifacts",), _list),
}
