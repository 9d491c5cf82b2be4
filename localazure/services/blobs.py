"""`<account>.blob.core.windows.net`: block blobs over HTTP, as much of the Blob service as Azure ML's clients use.

A request is one row of `OPERATIONS`: its method, the query that tells it from others, and the permission that it
needs, which a signed URL (SAS) or a data role gives. Names come from the URL's path, `/<container>/<blob>`; errors
are the storage service's XML with the code repeated in `x-ms-error-code`, which is all that a HEAD can tell.
Microsoft, "Blob service REST API": https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.blobs.names import check_container
from azmlflow.localazure.blobservice import containers, copying, listing, reading, said, writing
from azmlflow.localazure.blobservice.authorise import BlobTarget, authorise
from azmlflow.localazure.blobservice.call import BlobRequest
from azmlflow.localazure.blobservice.permissions import (
    CREATE,
    CREATE_CONTAINER,
    DELEGATE,
    DELETE,
    DELETE_CONTAINER,
    LIST,
    LIST_CONTAINERS,
    READ,
    READ_CONTAINER,
    READ_SERVICE,
    WRITE,
    WRITE_CONTAINER,
    Permission,
)
from azmlflow.localazure.blobservice.protocol import drain, http_date, refusal
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.cloud.reaching import origin_of
from azmlflow.localazure.core import spelling
from azmlflow.localazure.core.errors import AzureError

VERSION = "2023-11-03"


@dataclass(frozen=True)
class BlobOperation:
    """One operation of the Blob service.

    Attributes:
        name: Azure's name of it.
        methods: HTTP methods.
        query: parameters that must have these values (None: absent); the first row that fits is taken.
        permission: what its caller must hold.
        level: whether the path names a blob (`o`), a container (`c`) or neither (`s`).
        answer: does it.
        header: a header that the request must have.
    """

    name: str
    methods: str
    query: Mapping[str, str | None]
    permission: Permission
    level: str
    answer: Callable[[BlobRequest], Awaitable[Response]]
    header: str | None = None

    def fits(self, request: Request, level: str) -> bool:
        """Whether a request, to a path of a level, asks for this operation."""
        return (
            request.method in self.methods.split()
            and level == self.level
            and all(request.query_params.get(key) == value for key, value in self.query.items())
            and (self.header is None or self.header in request.headers)
        )


_PLAIN: Mapping[str, str | None] = {"comp": None, "restype": None, "snapshot": None, "versionid": None}
_COPY = "x-ms-copy-source"
_CONTAINER, _ACCOUNT = {"restype": "container"}, {"restype": "account", "comp": "properties"}
OPERATIONS = (
    BlobOperation("Put Block", "PUT", {"comp": "block"}, WRITE, "o", writing.put_block),
    BlobOperation("Put Block List", "PUT", {"comp": "blocklist"}, WRITE, "o", writing.put_block_list),
    BlobOperation("Set Blob Metadata", "PUT", {"comp": "metadata"}, WRITE, "o", writing.set_metadata),
    BlobOperation("Set Blob Properties", "PUT", {"comp": "properties"}, WRITE, "o", writing.set_properties),
    BlobOperation("Copy Blob", "PUT", _PLAIN, CREATE, "o", copying.copy_blob, _COPY),
    BlobOperation("Put Blob", "PUT", _PLAIN, CREATE, "o", writing.put_blob),
    BlobOperation("Get Block List", "GET", {"comp": "blocklist"}, READ, "o", reading.get_block_list),
    BlobOperation("Get Blob Metadata", "GET HEAD", {"comp": "metadata"}, READ, "o", reading.get_metadata),
    BlobOperation("Get Blob", "GET", _PLAIN, READ, "o", reading.get_blob),
    BlobOperation("Get Blob Properties", "HEAD", _PLAIN, READ, "o", reading.head_blob),
    BlobOperation("Delete Blob", "DELETE", _PLAIN, DELETE, "o", writing.delete_blob),
    BlobOperation("List Blobs", "GET", {**_CONTAINER, "comp": "list"}, LIST, "c", listing.list_blobs),
    BlobOperation(
        "Get Container Properties", "GET HEAD", {**_CONTAINER, "comp": None}, READ_CONTAINER, "c",
        containers.get_container,
    ),
    BlobOperation(
        "Get Container Metadata", "GET HEAD", {**_CONTAINER, "comp": "metadata"}, READ_CONTAINER, "c",
        containers.get_container,
    ),
    BlobOperation(
        "Create Container", "PUT", {**_CONTAINER, "comp": None}, CREATE_CONTAINER, "c", containers.create_container
    ),
    BlobOperation(
        "Set Container Metadata", "PUT", {**_CONTAINER, "comp": "metadata"}, WRITE_CONTAINER, "c",
        containers.set_container_metadata,
    ),
    BlobOperation(
        "Delete Container", "DELETE", {**_CONTAINER, "comp": None}, DELETE_CONTAINER, "c", containers.delete_container
    ),
    BlobOperation("List Containers", "GET", {"comp": "list"}, LIST_CONTAINERS, "s", listing.list_containers),
    *(
        BlobOperation("Get Account Information", "GET HEAD", _ACCOUNT, READ_SERVICE, level, containers.get_account)
        for level in "sco"
    ),
    BlobOperation(
        "Get User Delegation Key", "POST", {"restype": "service", "comp": "userdelegationkey"}, DELEGATE, "s",
        containers.get_delegation_key,
    ),
)  # fmt: skip


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
            request.state.reason = error.reason
            response = refusal(error)
        except (OSError, sqlite3.OperationalError) as error:
            if not _is_full(error):
                raise
            await drain(request)
            response = refusal(AzureError(507, "InsufficientStorage", f"The disk is full that holds {cloud.state}."))
        except ClientDisconnect:
            return
        version = request.headers.get("x-ms-version", VERSION)
        response.headers.update({"x-ms-version": version, "date": http_date(cloud.clock.now())})
        await response(scope, receive, send)

    return app


async def _answer(cloud: Cloud, blobs: Blobs, request: Request) -> Response:
    raw_path = spelling.sent_path(request.scope)
    container, _, name = spelling.decoded(raw_path, "InvalidResourceName").removeprefix("/").partition("/")
    level = "o" if name else "c" if container else "s"
    operation = next((operation for operation in OPERATIONS if operation.fits(request, level)), None)
    if operation is None:
        raise _not_offered(request)
    account = blobs.existing_account(request.headers.get("host", "").partition(".")[0].lower())
    cloud.reaching.require(origin_of(request.scope.get("state", {})), account.document, "blob")
    if container:
        check_container(container)
    place = BlobTarget(account, raw_path, container, name)
    passed = authorise(cloud, request, operation.permission, place)
    said.check(operation.name, request)
    return await operation.answer(BlobRequest(cloud, blobs, request, place, operation.permission, passed))


def _not_offered(request: Request) -> AzureError:
    if not any(request.method in operation.methods.split() for operation in OPERATIONS):
        return AzureError(405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.")
    return AzureError(400, "InvalidQueryParameterValue", "This request is not one that the embedded Azure answers.")


def _is_full(error: OSError | sqlite3.OperationalError) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorcode == sqlite3.SQLITE_FULL
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
