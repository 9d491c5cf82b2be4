"""How `*.api.azureml.ms` says no: in the shapes that its three kinds of clients print.

MLflow's REST client reads `error_code` and `message` and prints "<error_code>: <message>"; azure-core's clients
(artifacts) read `error.code` and `error.message`; azureml-core's of models and assets read `statusCode` and `details`.
One body serves all. A status of 5xx is kept for what may be tried again: MLflow's client repeats such a request for
minutes.
"""

from __future__ import annotations

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
    HTTPStatus.SERVICE_UNAVAILABLE: "TEMPORARILY_UNAVAILABLE",
}


def error_body(error: AzureError, request: Request) -> dict[str, Any]:
    """The body of a refusal."""
    code = _BY_CODE.get(error.code) or _BY_STATUS.get(HTTPStatus(error.status), "BAD_REQUEST")
    correlation = getattr(request.state, "correlation_id", None)
    return {
        "error_code": code,
        "message": error.message,
        **error.body(),
        "code": error.code,
        "statusCode": error.status,
        "details": [{"code": error.code, "message": error.message}],
        "correlation": {"operation": correlation, "request": correlation},
    }


def refusal(error: AzureError, request: Request) -> JSONResponse:
    """The answer to a request that is refused; the reason goes to the log."""
    request.state.reason = error.reason
    return JSONResponse(error_body(error, request), error.status, error.headers)
