"""MLflow operations: the Azure actions that each needs, and the requests by which each is recognised.

A request is `method`, `service` and a path template after the workspace's ARM id; `{word}` stands for one segment.
Services are those of a workspace's regional host, `https://<region>.api.azureml.ms/<service>/<version>/<ARM id>...`:
`mlflow` (tracking and registry), `history` (runs and their artifacts), `artifact` (uploads without a run), `metric`,
`execution` and `modelmanagement` (metrics, jobs and models of SDK v1), `data` and `modelregistry` (outputs of jobs);
and `arm`, Azure Resource Manager itself.

MLflow's verbs do not follow GET = read: searches and the deletion of runs are POST. So every route is listed, and one
that is not listed is unknown: MLflow 3's logged models, traces and run outputs, for which Azure answers 404.

Sources: Microsoft, "Manage access to an Azure Machine Learning workspace" (table "MLflow operations", and the table of
job actions); the requests that azureml-mlflow 1.62 makes; MLflow 2.22's own route table. Microsoft does not say which
action guards artifacts, stages and the deletion of runs: these rows are inferred, each says so, and each asks for more
rather than less.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
TRACKING = "/api/2.0/mlflow"
_PREVIEW = "/api/2.0/preview/mlflow"
_RUN_ARTIFACTS = "/experiments/{experiment}/runs/{run}/artifacts"


@dataclass(frozen=True)
class Request:
    """How a request is recognised: HTTP method, service, path template after the workspace's ARM id."""

    method: str
    service: str
    path: str


@dataclass(frozen=True)
class Operation:
    """One thing that people do with MLflow.

    Attributes:
        name: the name used in settings, matrices and tests.
        actions: the Azure actions that are all needed.
        requests: the requests that perform it.
        summary: one line for people.
    """

    name: str
    actions: tuple[str, ...]
    requests: tuple[Request, ...]
    summary: str


class UnknownOperation(ValueError):
    """A name that is not an MLflow operation; the message lists those there are."""


def _actions(*suffixes: str) -> tuple[str, ...]:
    return tuple(f"{WORKSPACE}/{suffix}" for suffix in suffixes)


def _mlflow(*routes: str) -> tuple[Request, ...]:
    """Requests to the tracking server from `METHOD path`."""
    return _requests_to("mlflow", *(route.replace(" ", f" {TRACKING}/") for route in routes))


def _requests_to(service: str, *routes: str) -> tuple[Request, ...]:
    """Requests to a service from `METHOD /path`."""
    pairs = (route.split(" ", 1) for route in routes)
    return tuple(Request(method, service, path) for method, path in pairs)


def _run_requests(*routes: str) -> tuple[Request, ...]:
    """Requests to the history service about one run, whose experiment is given by name or by id."""
    heads = ("/experiments/{experiment}/runs/{run}", "/experimentids/{experiment}/runs/{run}")
    return tuple(
        request
        for head in heads
        for request in _requests_to("history", *(route.replace(" ", f" {head}") for route in routes))
    )


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "open_workspace",
        _actions("read"),
        (Request("GET", "arm", ""),),
        "Open the workspace and get its tracking URI",
    ),
    Operation(
        "read_experiments",
        _actions("experiments/read"),
        _mlflow(
            "GET experiments/get",
            "GET experiments/get-by-name",
            "GET experiments/list",  # MLflow 1
            "GET experiments/search",
            "POST experiments/search",
        )
        + _requests_to(
            "history",
            "GET /experiments/{experiment}",
            "GET /experimentids/{experiment}",
            "POST /experiments:query",
        ),
        "List, search and get experiments",
    ),
    Operation(
        "write_experiment",
        _actions("experiments/write"),
        _mlflow(
            "POST experiments/create",
            "POST experiments/update",
            "POST experiments/restore",
            "POST experiments/set-experiment-tag",
        )
        + _requests_to(
            "history",
            "POST /experiments/{experiment}",
            "PATCH /experimentids/{experiment}",
            "POST /experimentids/{experiment}/tags:delete",
        ),
        "Create, rename, tag and restore experiments",
    ),
    Operation(
        "delete_experiment",
        _actions("experiments/delete"),
        _mlflow("POST experiments/delete") + _requests_to("history", "DELETE /experimentids/{experiment}"),
        "Delete experiments",
    ),
    Operation(
        "read_runs",
        _actions("experiments/runs/read"),
        _mlflow(
            "GET runs/get",
            "GET metrics/get-history",
            "GET metrics/get-history-bulk-interval",
            "POST experiments/search-datasets",  # inferred: it lists the inputs of an experiment's runs
        )
        + _run_requests("GET ", "GET /details", "GET /children", "GET /metricsingest/wait")
        + _requests_to(
            "history", "GET /runs/{run}", "GET /runs/{run}/details", "GET /runs/{run}/children", "POST /rundata"
        )
        + _requests_to("metric", "POST /runs/{run}/list", "POST /runs/{run}/full")
        + _requests_to("data", "POST /dataversion/batchGetResolvedUris")
        + _requests_to("modelregistry", "POST /models/batchGetResolvedUris"),
        "Get runs and the history of their metrics",
    ),
    Operation(
        "search_runs",
        # Microsoft's table lists the search under models as well as under runs.
        _actions("experiments/runs/read", "models/read"),
        _mlflow("POST runs/search") + _requests_to("history", "POST /experiments/{experiment}/runs:query"),
        "Search runs",
    ),
    Operation(
        "write_run",
        _actions("experiments/runs/write"),
        _mlflow(
            "POST runs/create",
            "POST runs/update",
            "POST runs/log-metric",
            "POST runs/log-parameter",
            "POST runs/set-tag",
            "POST runs/delete-tag",
            "POST runs/log-batch",
            "POST runs/log-batch-async",
            "POST runs/log-inputs",
            "POST runs/log-model",
        )
        + _run_requests("PATCH ", "POST /events", "DELETE /tags")
        + _requests_to("metric", "POST /runs/{run}/batch")
        + _requests_to("execution", "POST /experiments/{experiment}/localrun"),
        "Create and update runs; log metrics, parameters and tags",
    ),
    Operation(
        "delete_restore_run",
        # Inferred: Microsoft's table of 2021 says `write`, `delete` exists too; which one is checked is not said.
        _actions("experiments/runs/write", "experiments/runs/delete"),
        _mlflow("POST runs/delete", "POST runs/restore"),
        "Delete and restore runs",
    ),
    Operation(
        "log_artifact",
        _actions("experiments/runs/write", "metadata/artifacts/write"),  # the second is inferred
        (Request("POST", "history", f"{_RUN_ARTIFACTS}/batch/metadata"),),
        "Log artifacts to a run",
    ),
    Operation(
        "read_artifacts",
        _actions("experiments/runs/read", "metadata/artifacts/read"),  # the second is inferred
        (
            Request("GET", "history", _RUN_ARTIFACTS),
            Request("GET", "history", f"{_RUN_ARTIFACTS}/contentinfo"),
            Request("GET", "artifact", "/artifacts/LocalUpload/{upload}"),
            Request("GET", "artifact", "/artifacts/LocalUpload/{upload}/contentinfo"),
            Request("GET", "artifact", "/artifacts/ModelVersion/{version}"),
            Request("GET", "artifact", "/artifacts/ModelVersion/{version}/contentinfo"),
        ),
        "List and download artifacts",
    ),
    Operation(
        "read_models",
        _actions("models/read", "models/versions/read"),
        _mlflow(
            "GET registered-models/get",
            "GET registered-models/list",  # MLflow 1
            "GET registered-models/search",
            "GET registered-models/get-latest-versions",
            "POST registered-models/get-latest-versions",
            "GET registered-models/alias",
            "GET model-versions/get",
            "GET model-versions/search",
            "GET model-versions/get-download-uri",
        )
        + _requests_to(
            "arm",
            "GET /models",
            "GET /models/{model}",
            "GET /models/{model}/versions",
            "GET /models/{model}/versions/{version}",
        )
        + _requests_to("modelmanagement", "GET /models", "GET /models/{model}", "GET /assets/{asset}"),
        "Get and search registered models and their versions",
    ),
    Operation(
        "write_models",
        _actions("models/write", "models/versions/write"),
        _mlflow(
            "POST registered-models/create",
            "POST registered-models/rename",
            "PATCH registered-models/update",
            "POST registered-models/set-tag",
            "DELETE registered-models/delete-tag",
            "POST registered-models/alias",
            "DELETE registered-models/alias",
            "POST model-versions/create",
            "PATCH model-versions/update",
            "POST model-versions/set-tag",
            "DELETE model-versions/delete-tag",
        )
        + _requests_to("arm", "PUT /models/{model}", "PUT /models/{model}/versions/{version}")
        + _requests_to("modelmanagement", "POST /models", "PATCH /models/{model}", "POST /assets"),
        "Create, rename, update, alias and tag models and versions",
    ),
    Operation(
        "stage_models",
        _actions("models/write", "models/versions/write", "assets/stage/write"),  # the last is inferred
        _mlflow("POST model-versions/transition-stage"),
        "Move versions between stages",
    ),
    Operation(
        "delete_models",
        _actions("models/delete", "models/versions/delete"),
        _mlflow("DELETE registered-models/delete", "DELETE model-versions/delete")
        + _requests_to("arm", "DELETE /models/{model}", "DELETE /models/{model}/versions/{version}")
        + _requests_to("modelmanagement", "DELETE /models/{model}"),
        "Delete models and versions",
    ),
    Operation(
        "register_local_model",
        _actions("models/write", "models/versions/write", "metadata/artifacts/write"),  # the last is inferred
        (Request("POST", "artifact", "/artifacts/LocalUpload/{upload}/batch/metadata"),),
        "Register a model from local files",
    ),
    Operation(
        "submit_job",
        _actions(
            "jobs/write",
            "computes/read",
            "environments/read",
            "environments/write",
            "datastores/read",
            "metadata/codes/write",
            "metadata/artifacts/write",
            "experiments/runs/submit/action",
        ),
        (
            Request("PUT", "arm", "/jobs/{job}"),
            Request("POST", "execution", "/experiments/{experiment}/snapshotrun"),
        ),
        "Submit jobs to clusters",
    ),
)


def operation(name: str) -> Operation:
    """The operation of that name.

    Raises:
        UnknownOperation: there is none.
    """
    for found in OPERATIONS:
        if found.name == name:
            return found
    raise UnknownOperation(f"no MLflow operation '{name}'; there are: {', '.join(each.name for each in OPERATIONS)}")


def recognise(method: str, service: str, path: str) -> Operation | None:
    """The operation that a request performs.

    Args:
        method: HTTP method.
        service: one of the above.
        path: what follows the workspace's ARM id, without query, still percent-encoded or already decoded.

    Returns:
        The operation, or None for a request that is none: Azure has no such route, or it is not an MLflow operation.
    """
    if service == "mlflow" and path.startswith(f"{_PREVIEW}/"):
        path = TRACKING + path.removeprefix(_PREVIEW)
    for template, found in _routes().get((method.upper(), service), ()):
        if template.fullmatch(path):
            return found
    return None


@functools.cache
def _routes() -> dict[tuple[str, str], tuple[tuple[re.Pattern[str], Operation], ...]]:
    """The requests of all operations by method and service, their templates compiled."""
    routes: dict[tuple[str, str], tuple[tuple[re.Pattern[str], Operation], ...]] = {}
    for request, found in _requests(OPERATIONS):
        literals = re.split(r"\{\w+\}", request.path)
        template = re.compile("[^/]+".join(re.escape(literal) for literal in literals))
        key = (request.method, request.service)
        routes[key] = (*routes.get(key, ()), (template, found))
    return routes


def _requests(operations: Iterable[Operation]) -> Iterable[tuple[Request, Operation]]:
    return ((request, found) for found in operations for request in found.requests)
