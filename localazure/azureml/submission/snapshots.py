"""`/content/<version><workspace id>/snapshots/...`: the folders that azureml-core's runs start from.

    GET  v1.0 snapshots/latest/metadata   what a client compares its folder with: nothing
    POST v2.0 snapshots/getblob           where to put files: one blob each, in the container `revisions`
    POST v2.0 snapshots/<id>              the snapshot: its tree, and the files in it that its parent has not

A client sends what changed since the snapshot that it made last, in its own words: a parent, the whole tree, and the
files that are new. The whole folder is put together here, in the container `snapshots`, where a code version
(`kinds.assets.codes`) can say that it lies; files are linked, not copied. The parent must be one of this workspace: for
another the client is refused, and it then starts over without one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.responses import JSONResponse, Response

from azmlflow.localazure.azureml.request.bodies import json_object, member
from azmlflow.localazure.azureml.request.target import WorkspaceRequest, no_such_endpoint
from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.blobs.named import REVISIONS
from azmlflow.localazure.blobs.names import Address
from azmlflow.localazure.blobs.signing import Signing
from azmlflow.localazure.core.collections import SNAPSHOTS
from azmlflow.localazure.core.errors import bad_request, not_found
from azmlflow.localazure.runner.files import SNAPSHOT_LIMIT
from azmlflow.rbac.scopes import is_guid

NONE = "00000000-0000-0000-0000-000000000000"
_UPLOAD = timedelta(hours=1)
_BODY_LIMIT = 16 * 1024 * 1024
_MOST_FILES = 2000  # azureml-core's own limit


async def answer(target: WorkspaceRequest) -> Response:
    """Answer a request to the service.

    Raises:
        AzureError: 404 for another path, 400 for a snapshot that cannot be put together, 403.
    """
    match (target.request.method, target.version, *target.rest):
        case ("GET", "v1.0", "snapshots", "latest", "metadata"):
            target.require("metadata/snapshots/read")
            return JSONResponse({"root": {}, "id": NONE})
        case ("POST", "v2.0", "snapshots", "getblob"):
            target.require("metadata/snapshots/write")
            return JSONResponse({"fileNodes": _places(target, await json_object(target, _BODY_LIMIT))})
        case ("POST", "v2.0", "snapshots", snapshot) if is_guid(snapshot):
            target.require("metadata/snapshots/write")
            await _make(target, snapshot.lower(), await json_object(target, _BODY_LIMIT))
            return JSONResponse({"id": snapshot.lower()})
    raise no_such_endpoint(f"{target.request.method} {target.request.url.path}")


def code_uri(target: WorkspaceRequest, snapshot: str) -> str:
    """Where a snapshot's files lie, as a code version says it.

    Raises:
        AzureError: 400, the workspace has no such snapshot.
    """
    if not is_guid(snapshot) or target.cloud.store.get(SNAPSHOTS, _key(target.workspace_id, snapshot)) is None:
        raise bad_request("UserError", f"Snapshot {snapshot} was not found in the workspace.", target="SnapshotId")
    folder = f"{SNAPSHOTS}/{target.workspace_id}/{snapshot.lower()}"
    return f"https://{target.storage_account}.blob.core.windows.net/{folder}"


def _places(target: WorkspaceRequest, body: Mapping[str, Any]) -> list[dict[str, str]]:
    names = member(body, "FileNames")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise bad_request("UserError", 'The body must be {"FileNames": ["...", ...]}.', target="FileNames")
    _check_count(len(names))
    blobs, account, upload = Blobs(target.cloud), target.storage_account, target.cloud.ids.guid()
    if blobs.account_id(account) is None:
        raise not_found(target.workspace["properties"]["storageAccount"])
    blobs.make_container(account, REVISIONS)
    end = target.cloud.clock.now() + _UPLOAD
    told = []
    for number, name in enumerate(names):
        _path(name)
        # Not the file's own name: azureml-core takes a URL's path for the blob's name and encodes it once more.
        address = Address(account, REVISIONS, f"{target.workspace_id}/{upload}/{number}")
        query = Signing(target.cloud).url(f"/{address.key}", "rcw", end)
        url = f"https://{account}.blob.core.windows.net/{REVISIONS}/{address.name}?{query}"
        told.append({"fullName": name, "blobUri": url})
    return told


async def _make(target: WorkspaceRequest, snapshot: str, body: Mapping[str, Any]) -> None:
    """Put a snapshot together.

    Raises:
        AzureError: 400, there is no such parent, a file is in neither, or it is too large.
    """
    store, blobs, account = target.cloud.store, Blobs(target.cloud), target.storage_account
    key = _key(target.workspace_id, snapshot)
    if store.get(SNAPSHOTS, key) is not None:
        return  # the same request, sent again
    parent = str(member(body, "ParentSnapshotId") or NONE).lower()
    before = store.get(SNAPSHOTS, _key(target.workspace_id, parent))
    if before is None and parent != NONE:
        raise bad_request("UserError", f"Snapshot {parent} was not found in the workspace.", target="ParentSnapshotId")
    sources = {path: _address(target, parent, path) for path in (before or {"files": []})["files"]}
    sources |= dict(_sent(target, member(body, "FileRevisionList")))
    files = sorted(_tree(member(body, "DirTreeNode")))
    _check_count(len(files))
    size = 0
    for path in files:
        blob = blobs.get(sources[path]) if path in sources else None
        if blob is None:
            raise bad_request("UserError", f"The snapshot's file '{path}' was neither sent nor is it its parent's.")
        size += blob.length
    if size > SNAPSHOT_LIMIT:
        raise bad_request(
            "UserError",
            f"The snapshot has {size} bytes; it may have {SNAPSHOT_LIMIT // 1024 // 1024} MiB. Keep data out of the "
            "folder of the script, or name it in a .amlignore file there.",
        )
    blobs.make_container(account, SNAPSHOTS)
    for path in files:
        await _link(blobs, sources[path], _address(target, snapshot, path))
    told = {name: member(body, name) for name in ("Tags", "Properties")}
    store.put(SNAPSHOTS, key, {"files": files, **{name.lower(): each for name, each in told.items() if each}})


async def _link(blobs: Blobs, source: Address, target: Address) -> None:
    """Make a blob what another is."""
    blob = blobs.get(source)
    assert blob is not None
    await blobs.copy(source, blob, target, metadata={})


def _sent(target: WorkspaceRequest, told: Any) -> Iterator[tuple[str, Address]]:
    """The files that came with the snapshot: path, and the blob that the client was told to put it in."""
    nodes = member(told, "FileNodes") if isinstance(told, dict) else None
    for node in nodes if isinstance(nodes, list) else []:
        name, uri = (member(node, each) if isinstance(node, dict) else None for each in ("FullName", "BlobUri"))
        parts = urlsplit(str(uri))
        container, _, blob = unquote(parts.path).lstrip("/").partition("/")
        account = (parts.hostname or "").partition(".")[0]
        own = (account, container) == (target.storage_account, REVISIONS) and blob.startswith(f"{target.workspace_id}/")
        if not isinstance(name, str) or not own:
            raise bad_request("UserError", f"The file '{name}' is not where it was to be put.", target="BlobUri")
        yield _path(name), Address(account, container, blob)


def _tree(node: Any, above: str = "") -> Iterator[str]:
    """The paths of the files of a tree."""
    children = member(node, "children") if isinstance(node, dict) else None
    if not isinstance(children, dict):
        raise bad_request("UserError", "The snapshot's tree cannot be read.", target="DirTreeNode")
    for name, child in children.items():
        if isinstance(child, dict) and str(member(child, "type")).lower() == "file":
            yield _path(f"{above}{name}")
        else:
            yield from _tree(child, f"{above}{name}/")


def _path(name: str) -> str:
    """A file's path within the folder; Windows' clients write backslashes."""
    path = name.replace("\\", "/")
    if path.startswith("/") or not all(part not in ("", ".", "..") for part in path.split("/")):
        raise bad_request("UserError", f"'{name}' is not the path of a file in a folder.")
    return path


def _check_count(count: int) -> None:
    if count > _MOST_FILES:
        raise bad_request("UserError", f"The snapshot has {count} files; it may have {_MOST_FILES}.")


def _address(target: WorkspaceRequest, snapshot: str, path: str) -> Address:
    return Address(target.storage_account, SNAPSHOTS, f"{target.workspace_id}/{snapshot}/{path}")


def _key(workspace_id: str, snapshot: str) -> str:
    return f"{workspace_id}/{snapshot}".lower()
