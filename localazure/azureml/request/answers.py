"""How `*.api.azureml.ms` says no: in one body that each of its kinds of clients can print.

- MLflow's REST client reads `error_code` and `message` and prints "<error_code>: <message>".
- azureml-core's clients of history, artifacts and metrics read `error` with all its members (`RootError`) and those
  beside it (`ErrorResponse`); they go through `details`, so that one that is not there ends in a TypeError.
- azure-core's clients read `error.code` and `error.message`.
- azureml-core's clients of models and assets read `statusCode` and `details`.

The members and their order are the service's (Azure/azure-sdk-for-python#35685, #42155; mlflow/mlflow#11462), their
spelling azureml-core's (`_restclient/models/root_error.py`, `error_response.py`); the service writes MLflow's in Pascal
case and without `message`, which only makes its clients print the whole body. A status of 5xx is kept for what may be
tried again: MLflow's client repeats such a request for minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from azmlflow.localazure.core.errors import AzureError

# MLflow's codes by Azure's, else by HTTP status (mlflow/protos/databricks.proto, ErrorCode).
_BY_CODE = {"EndpointNotFound": "ENDPOINT_NOT_FOUND", "ResourceAlreadyExists": "RESOURCE_ALREADY_EXISTS"}
_BY_STATUS = {
    HTTPStatus.BAD_REQUEST: "INVALID_PARAMETER_VALUE",
    HTTPStatus.UNAUTHORIZED: "UNAUTHENTICATED",
    HTTPStatus.FORBIDDEN: "PERMISSION_DENIED",
    HTTPStatus.NOT_FOUND: "RESOURCE_DOES_NOT_EXIST",
    HTTPStatus.CONFLICT: "RESOURCE_CONFLICT",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "INVALID_PARAMETER_VALUE",
    HTTPStatus.TOO_MANY_REQUESTS: "REQUEST_LIMIT_EXCEEDED",
    HTTPStatus.INTERNAL_SERVER_ERROR: "INTERNAL_ERROR",
    HTTPStatus.SERVICE_UNAVAILABLE: "TEMPORARILY_UNAVAILABLE",
}
_HOST = ".api.azureml.ms"
_COMPONENTS = {"history": "run-history", "modelmanagement": "modelregistry"}


def error_body(error: AzureError, request: Request, mlflow_code: str | None = None) -> dict[str, Any]:
    """The body of a refusal.

    Args:
        error: the refusal.
        request: what is refused.
        mlflow_code: MLflow's code, where MLflow refused.
    """
    status = error.status
    correlation = getattr(request.state, "correlation_id", None)
    region, service = _where(request)
    known = _BY_STATUS.get(HTTPStatus(status), "BAD_REQUEST")
    return {
        "error_code": mlflow_code or _BY_CODE.get(error.code, known),
        "message": error.message,
        "error": root_error(error.body()["error"]),
        "correlation": {"operation": correlation, "request": correlation},
        "environment": region,
        "location": region,
        "time": getattr(request.state, "received", None),
        "componentName": _COMPONENTS.get(service, service),
        "code": error.code,
        "statusCode": status,
        "details": [{"code": error.code, "message": error.message}],
    }


def refusal(error: AzureError, request: Request, mlflow_code: str | None = None) -> JSONResponse:
    """The answer to a request that is refused, as `error_body`; the reason goes to the log."""
    request.state.reason = error.reason
    return JSONResponse(error_body(error, request, mlflow_code), error.status, error.headers)


def _where(request: Request) -> tuple[str, str]:
    """The region and the service that are asked; MLflow's own page asks neither by name."""
    host = request.headers.get("host", "").partition(":")[0].lower()
    if not host.endswith(_HOST):
        return "", "mlflow"
    return host.removesuffix(_HOST).rpartition(".")[2], request.url.path.split("/")[1]


def root_error(error: Mapping[str, Any]) -> dict[str, Any]:
    """An error with all the members that the service's have."""
    return {
        "code": error["code"],
        "severity": None,
        "message": error["message"],
        "messageFormat": None,
        "messageParameters": None,
        "referenceCode": None,
        "detailsUri": None,
        "target": error.get("target"),
        "details": [root_error(each) for each in error.get("details") or ()],
        "innerError": None,
        "debugInfo": None,
        "additionalInfo": None,
    }
