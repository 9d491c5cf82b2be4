"""Which page of a session answers which address, below `/<session>/`, and what the buttons on them ask for.

GET  "", computes, jobs, endpoints, access    the tabs (`ui/pages/`)
GET  access-matrix                            what `azmlflow access --output html` writes
GET  jobs/NAME                                a job; POST jobs/NAME/cancel
GET  endpoints/NAME                           an endpoint, with a form; POST the same asks for a prediction
GET  endpoints/NAME/DEPLOYMENT                a deployment with its log
*    mlflow/...                               MLflow's own page, and what it asks (`ui.mlflow`)
"""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from azmlflow.localazure.azureml.request.target import WorkspaceRequest
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.ui import html, mlflow
from azmlflow.localazure.ui.pages import access, deployment, endpoint, jobs, tabs
from azmlflow.localazure.ui.visit import Visit

# The matrix of access brings a policy of its own for its style and script.
_MATRIX_POLICY = "frame-ancestors 'none'; base-uri 'none'"
# MLflow's page: its charts compile expressions, its styles and fonts are made by script. It reaches nothing but this.
_MLFLOW_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; connect-src 'self' blob: data:; "
    "frame-src 'self' blob:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


async def answer(visit: Visit, request: Request, rest: str) -> Response:
    """Answer a request below the session's address.

    Args:
        visit: who looks, at what.
        request: theirs.
        rest: the path behind the session's.

    Raises:
        AzureError: there is no such page, or it may not be seen, or what a button asks for is refused.
        MlflowUnavailable: MLflow cannot answer now.
    """
    place, _, below = rest.partition("/")
    if rest == "mlflow":
        return RedirectResponse(f"{visit.base}mlflow/", HTTPStatus.MOVED_PERMANENTLY)
    if place == "mlflow":
        response = await mlflow.answer(_target(visit, request, tuple(below.split("/"))))
        response.headers.setdefault("Content-Security-Policy", _MLFLOW_POLICY)
        return response
    if (request.method, rest) == ("GET", "access-matrix"):
        return HTMLResponse(await access.whole(visit), headers={"Content-Security-Policy": _MATRIX_POLICY})
    if place == "jobs" and below:
        return await _job(visit, request, below)
    if place == "endpoints" and below:
        return await _endpoint(visit, request, below)
    for tab in tabs.TABS:
        if (request.method, rest) == ("GET", tab.path):
            return _framed(visit, tab.title, await tab.show(visit), tab.path, again=bool(visit.query.get("refresh")))
    raise _no_page()


async def _job(visit: Visit, request: Request, below: str) -> Response:
    name, _, action = below.partition("/")
    if (request.method, action) == ("POST", "cancel"):
        await visit.reader.post(f"{visit.id}/jobs/{name}/cancel")
        return RedirectResponse(f"{visit.base}jobs/{name}", HTTPStatus.SEE_OTHER)
    if (request.method, action) != ("GET", ""):
        raise _no_page()
    found = await visit.reader.get(f"{visit.id}/jobs/{name}")
    main = await jobs.one(visit, name, await mlflow.log_of(_target(visit, request, ()), name))
    return _framed(visit, f"Job {name}", main, "jobs", again=jobs.is_moving(found))


async def _endpoint(visit: Visit, request: Request, below: str) -> Response:
    name, _, inner = below.partition("/")
    if request.method == "GET" and inner:
        main = await deployment.show(visit, name, inner)
        return _framed(visit, f"Deployment {inner}", main, "endpoints")
    if inner or request.method not in ("GET", "POST"):
        raise _no_page()
    form = await endpoint.read_form(request) if request.method == "POST" else None
    return _framed(visit, f"Endpoint {name}", await endpoint.show(visit, name, form), "endpoints")


def _framed(visit: Visit, title: str, main: str, tab: str, *, again: bool = False) -> Response:
    bar = html.bar(visit.workspace["name"], tabs.links(visit.base, tab), visit.principal.name, f"{visit.base}sign-out")
    head = f'<meta http-equiv="refresh" content="{jobs.REFRESH}">\n' if again else ""
    return HTMLResponse(html.frame(title, main, header=bar, head=head))


def _target(visit: Visit, request: Request, rest: tuple[str, ...]) -> WorkspaceRequest:
    return WorkspaceRequest(
        cloud=visit.cloud,
        request=request,
        caller=Caller(visit.principal),
        host=f"{visit.workspace['location']}.api.azureml.ms",
        service="mlflow",
        version="v2.0",
        workspace=visit.workspace,
        rest=rest,
    )


def _no_page() -> AzureError:
    return AzureError(404, "NotFound", "There is no such page.")
