"""`<account>.blob.core.windows.net`: block blobs over HTTP, as much of the Blob service as Azure ML's clients use.

A request is one row of `OPERATIONS`: its method, the query that tells it from others, and the permission that it
needs, which a signed URL (SAS) or a data role gives. Names come from the URL's path, `/<container>/<blob>`; errors
are the storage service's XML with the code repeated in `x-ms-error-code`, which is all that a HEAD can tell.
Microsoft, "Blob service REST API": https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from azmlflow.localazure.blobs import operations
from azmlflow.localazure.blobs.authorise import DELETE, LIST, READ, READ_CONTAINER, WRITE, Permission, authorise
from azmlflow.localazure.blobs.kept import Blobs, check_container, forget_account
from azmlflow.localazure.blobs.operations import Call
from azmlflow.localazure.blobs.protocol import drain, http_date, refusal
from azmlflow.localazure.cloud import Cloud
from azmlflow.localazure.errors import AzureError

__all__ = ["OPERATIONS", "Operation", "forget_account", "service"]

VERSION = "2023-11-03"


@dataclass(frozen=True)
class Operation:
    """One operation of the Blob service.

    Attributes:
        name: Azure's name of it.
        method: HTTP method.
        query: parameters that must have these values (None: absent); the first row that fits is taken.
        permission: what its caller must hold.
        on_container: whether the path names a container rather than a blob.
        answer: does it.
    """

    name: str
    method: str
    query: Mapping[str, str | None]
    permission: Permission
    on_container: bool
    answer: Callable[[Call], Awaitable[Response]]


OPERATIONS = (
    Operation("Put Block", "PUT", {"comp": "block"}, WRITE, False, operations.put_block),
    Operation("Put Block List", "PUT", {"comp": "blocklist"}, WRITE, False, operations.put_block_list),
    Operation("Set Blob Metadata", "PUT", {"comp": "metadata"}, WRITE, False, operations.set_metadata),
    Operation("Set Blob Properties", "PUT", {"comp": "properties"}, WRITE, False, operations.set_properties),
    Operation("Put Blob", "PUT", {"comp": None}, WRITE, False, operations.put_blob),
    Operation("Get Block List", "GET", {"comp": "blocklist"}, READ, False, operations.get_block_list),
    Operation("Get Blob Metadata", "GET", {"comp": "metadata"}, READ, False, operations.get_metadata),
    Operation("Get Blob", "GET", {"comp": None}, READ, False, operations.get_blob),
    Operation("Get Blob Metadata", "HEAD", {"comp": "metadata"}, READ, False, operations.get_metadata),
    Operation("Get Blob Properties", "HEAD", {"comp": None}, READ, False, operations.head_blob),
    Operation("Delete Blob", "DELETE", {"comp": None}, DELETE, False, operations.delete_blob),
    Operation("List Blobs", "GET", {"restype": "container", "comp": "list"}, LIST, True, operations.list_blobs),
    Operation(
        "Get Container Properties",
        "GET",
        {"restype": "container", "comp": None},
        READ_CONTAINER,
        True,
        operations.get_container,
    ),
    Operation(
        "Get Container Properties",
        "HEAD",
        {"restype": "container", "comp": None},
        READ_CONTAINER,
        True,
        operations.get_container,
    ),
)


def service(cloud: Cloud) -> ASGIApp:
    """The Blob service of `cloud`, for every storage account."""
    blobs = Blobs(cloud)
    blobs.sweep()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await _answer(cloud, blobs, request)
        except AzureError as error:
            await drain(request)
            response = refusal(error)
        except ClientDisconnect:
            return
        version = request.headers.get("x-ms-version", VERSION)
        response.headers.update({"x-ms-version": version, "date": http_date(cloud.clock.now())})
        await response(scope, receive, send)

    return app


async def _answer(cloud: Cloud, blobs: Blobs, request: Request) -> Response:
    account = request.headers.get("host", "").partition(".")[0].lower()
    raw_path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    container, _, name = (unquote(part) for part in raw_path.decode("latin-1").lstrip("/").partition("/"))
    operation = _operation(request, on_container=not name)
    account_id = blobs.account_id(account)
    if account_id is None:
        # The real Azure's DNS does not know the name of such an account; a proxy has to say something.
        raise AzureError(404, "ResourceNotFound", "The specified resource does not exist: no such storage account.")
    check_container(container)
    path = f"/{account}/{container}" + (f"/{name}" if name else "")
    authorise(cloud, request, operation.permission, account_id, path)
    return await operation.answer(Call(blobs, request, account, container, name))


def _operation(request: Request, *, on_container: bool) -> Operation:
    for operation in OPERATIONS:
        if (operation.method, operation.on_container) == (request.method, on_container) and all(
            request.query_params.get(key) == value for key, value in operation.query.items()
        ):
            return operation
    if request.method not in {operation.method for operation in OPERATIONS}:
        raise AzureError(405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.")
    raise AzureError(400, "InvalidQueryParameterValue", "This request is not one that the embedded Azure answers.")
