"""management.azure.com: Azure Resource Manager over HTTP.

A request is read whole, then answered by `arm.dispatch`. Refusals are raised, and rendered by `refusal`: in Resource
Manager's shape, `code`, `message` and, where there are some, `target` and `details`. Those of Azure Machine Learning
have `details` and `additionalInfo` too, which azure-ai-ml prints (Azure/azure-sdk-for-python issue 40080).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from azmlflow.localazure.arm import dispatch, subscription
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.cloud.skipped import FAULTS
from azmlflow.localazure.core import spelling
from azmlflow.localazure.core.constants import REGIONS
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.resources import members
from azmlflow.localazure.resources.ask import Answer

# The one open path: what clouds there are has to be known before anybody can sign in.
METADATA = "/metadata/endpoints"
_LEARNING = "/providers/microsoft.machinelearningservices/"
# What Resource Manager refuses before a provider sees the request.
_OF_RESOURCE_MANAGER = (
    "AnotherOperationInProgress", "AuthenticationFailed", "AuthorizationFailed", "InvalidApiVersionParameter",
    "InvalidAuthenticationToken", "InvalidAuthenticationTokenAudience", "InvalidAuthenticationTokenTenant",
    "InvalidQueryParameterValue", "InvalidRequestContent", "InvalidRequestUri", "InvalidResourceLocation",
    "InvalidResourceNamespace", "InvalidResourceType", "InvalidSkipToken", "InvalidTopParameter",
    "LinkedAuthorizationFailed", "LinkedInvalidPropertyId", "LocationNotAvailableForResourceType", "LocationRequired",
    "MethodNotAllowed", "MissingApiVersionParameter", "MissingSubscription", "MissingSubscriptionRegistration",
    "NoRegisteredProviderFound", "ParentResourceNotFound", "RequestContentTooLarge", "ResourceGroupBeingDeleted",
    "ResourceGroupNotFound", "ResourceNotFound", "ScopeLocked", "SubscriptionNotFound", "UnsupportedMediaType",
)  # fmt: skip
_BODY_LIMIT = 4 * 1024 * 1024  # ARM's own (Microsoft, "Azure Resource Manager limits")


def service(cloud: Cloud) -> ASGIApp:
    """The ARM application of an embedded Azure."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer = await _answer(cloud, request)
        request.state.seconds = answer.seconds
        if answer.body is None or request.method == "HEAD":
            response = Response(None, answer.status, dict(answer.headers))
        else:
            response = _written(cloud, answer)
        await response(scope, receive, send)

    return application


def refusal(error: AzureError, request: Request) -> Response:
    """The answer to a request that is refused."""
    body = error.body()
    path = request.url.path.lower()
    if _LEARNING in path and error.code not in _OF_RESOURCE_MANAGER and error.status < 500:
        state = request.state
        operation = {
            "operation": getattr(state, "correlation_id", None),
            "request": getattr(state, "correlation_id", None),
        }
        told = (
            ("ComponentName", "managementfrontend"),
            ("Correlation", operation),
            ("Environment", REGIONS[0]),
            ("Location", REGIONS[0]),
            ("Time", getattr(state, "received", None)),
        )
        more = [{"type": name, "info": {"value": value}} for name, value in told]
        body["error"] = {"target": None, "details": [], **body["error"], "additionalInfo": more}
    return JSONResponse(body, error.status, error.headers)


def _written(cloud: Cloud, answer: Answer) -> Response:
    """The answer as JSON; of a list without what cannot be written so, which an older version has kept."""
    headers = dict(answer.headers)
    try:
        return JSONResponse(answer.body, answer.status, headers)
    except FAULTS:
        if not isinstance(answer.body, dict) or not isinstance(answer.body.get("value"), list):
            raise
    listed = answer.body["value"]
    good = cloud.skipped.each(listed, lambda each: str(each["id"]), lambda each: (JSONResponse(each), each))
    return JSONResponse({**answer.body, "value": [each for _, each in good]}, answer.status, headers)


async def _answer(cloud: Cloud, request: Request) -> Answer:
    query, path = spelling.query(request.scope), spelling.sent_path(request.scope)
    if spelling.decoded(path) == METADATA:
        return subscription.metadata(query.get("api-version", ""))
    ask = dispatch.ask(cloud, request.state.caller, request.method, path, query)
    correlation = getattr(request.state, "correlation_id", "")
    conditions = {name: request.headers[name] for name in ("if-match", "if-none-match") if name in request.headers}
    whole = replace(ask, body=await _body(request), correlation_id=correlation, conditions=conditions)
    return await dispatch.answer(whole, request.method)


async def _body(request: Request) -> Mapping[str, Any]:
    if request.method not in ("PUT", "PATCH", "POST"):
        return {}
    too_large = AzureError(413, "RequestContentTooLarge", "The request content is larger than 4 MB.")
    sent = await spelling.received(request.stream(), _BODY_LIMIT, too_large)
    if not sent.strip():
        if request.method == "POST":
            return {}
        raise bad_request("InvalidRequestContent", "The request content is missing: a JSON object is expected.")
    spelling.check_form(request.headers)
    try:
        body = members.read(spelling.parsed(sent))
    except spelling.NotOneReading as error:
        raise bad_request(
            "InvalidRequestContent", f"The request content was invalid and could not be deserialized: '{error}'."
        ) from error
    if body is None and request.method == "POST":
        return {}
    if not isinstance(body, dict) or not isinstance(body.get("properties") or {}, dict):
        raise bad_request(
            "InvalidRequestContent", "The request content is not a JSON object with an object 'properties'."
        )
    return body
