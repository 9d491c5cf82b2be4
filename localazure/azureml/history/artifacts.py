"""Artifacts: which blob each one is, and signed URLs to it.

An artifact is `<origin>/<container>/<path>` (`origins`). For a run's and for one uploaded for a model that is its
blob's name too, in the container `azureml` of the workspace's storage account. Clients get a URL for one
blob, one purpose, one hour, after a check that the run or upload is this workspace's; only the workspace's pages (`ui`)
are given content.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, BinaryIO
from urllib.parse import quote

from azmlflow.localazure.azureml.history.known_runs import find
from azmlflow.localazure.azureml.request.bodies import json_object
from azmlflow.localazure.azureml.request.target import WorkspaceRequest
from azmlflow.localazure.blobs.blob import Blob
from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.blobs.names import Address
from azmlflow.localazure.blobs.origins import CONTAINER, RUN_ORIGIN, UPLOAD_ORIGIN, own_upload, upload_owner
from azmlflow.localazure.blobs.signing import Signing
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.errors import AzureError, bad_request, not_found

_ENDS_A_PATH = re.compile(r"[?#]")
URL_LIFETIME = timedelta(hours=1)


class Artifacts:
    """The artifacts of one origin and container of a workspace; made by `of_run`, `of_origin` or `model_files`.

    Args:
        target: the request.
        origin, container: the first segments of the artifacts' addresses.
        blob_container: the container of the storage account that holds their blobs.
        head: what stands before an artifact's path in its blob's name; by default origin and container.
        within: the one artifact or folder that there is; "" for all.
        decoded: whether URLs have names as they are. azureml-core takes a URL's path for the blob's name and encodes it
            itself; azureml-mlflow and azure-core decode it first. That Azure's URLs are so for the former is inferred.
        empty: whether there are none, and can be none yet.
    """

    def __init__(
        self,
        target: WorkspaceRequest,
        origin: str,
        container: str,
        *,
        blob_container: str = CONTAINER,
        head: str | None = None,
        within: str = "",
        decoded: bool = False,
        empty: bool = False,
    ) -> None:
        self._empty = empty
        self._target, self._origin, self._container = target, origin, container
        self._blob_container, self._within, self._decoded = blob_container, within, decoded
        self._head = f"{origin}/{container}/" if head is None else head
        self._blobs = Blobs(target.cloud)

    def list(self, prefix: str = "") -> dict[str, Any]:
        """All artifacts whose path is `prefix` or below it, in one page."""
        return {"value": [self._artifact(path, blob) for path, blob in self._found(prefix)]}

    def read(self, path: str) -> dict[str, Any]:
        """Where to read one artifact.

        Raises:
            AzureError: 404 when there is none.
        """
        self._existing(path)
        return self._information(path, "r")

    def describe(self, path: str) -> dict[str, Any]:
        """One artifact's description.

        Raises:
            AzureError: 404 when there is none.
        """
        return self._artifact(path, self._existing(path))

    def read_all(self, prefix: str) -> dict[str, Any]:
        """Where to read each artifact whose path is `prefix` or below it."""
        return {"value": [self._information(path, "r") for path, _ in self._found(prefix)]}

    def level(self, folder: str = "") -> Sequence[dict[str, Any]]:
        """The files and folders directly in a folder, as MLflow lists them: path, whether it is a folder, size."""
        head = f"{folder}/" if folder else ""
        found: dict[str, dict[str, Any]] = {}
        for path, blob in self._found(folder):
            name, slash, _ = path.removeprefix(head).partition("/")
            if path.startswith(head) and name:
                size = {} if slash else {"file_size": blob.length}
                found[name] = {"path": head + name, "is_dir": bool(slash), **size}
        return list(found.values())

    def open(self, path: str) -> tuple[Blob, BinaryIO]:
        """One artifact and its content.

        Raises:
            AzureError: 404 when there is none.
        """
        blob = self._existing(path)
        return blob, self._blobs.open(self._address(path), blob)

    async def write(self) -> dict[str, Any]:
        """Where to write each of the artifacts that the request's body names: `{"paths": [{"path": ...}, ...]}`.

        Raises:
            AzureError: 400 for another body, or a path that cannot be a blob's name; 404 when the workspace's storage
                account is gone.
        """
        paths = _paths(await json_object(self._target))
        if self._blobs.account_id(self._target.storage_account) is None:
            raise not_found(self._target.workspace["properties"]["storageAccount"])
        # Read too: azureml-core looks at the size of what it has put there.
        information = {path: self._information(path, "rcw") for path in paths}
        self._blobs.make_container(self._target.storage_account, CONTAINER)
        if self._origin == UPLOAD_ORIGIN:
            self._own()
        now = timestamp(self._target.cloud.clock.now())
        return {
            "artifacts": {path: {**self._identity(path), "createdTime": now} for path in paths},
            "artifactContentInformation": information,
            "errors": {},
        }

    def check_owner(self) -> None:
        """Raise 404 unless this upload container is this workspace's: workspaces may share a storage account."""
        owner = upload_owner(self._target.cloud, self._target.storage_account, self._container)
        if owner != self._target.workspace_id:
            raise _not_found(f"{self._origin}/{self._container}")

    def _own(self) -> None:
        own_upload(self._target.cloud, self._target.storage_account, self._container, self._target.workspace_id)
        self.check_owner()

    def _found(self, prefix: str) -> Iterable[tuple[str, Blob]]:
        if self._empty:
            return
        wanted = prefix.strip("/")
        searched = self._head + (wanted or self._within)
        for name, blob in self._blobs.list(self._target.storage_account, self._blob_container, searched):
            path = name[len(self._head) :]
            if _is_in(path, wanted) and _is_in(path, self._within):
                yield path, blob

    def _existing(self, path: str) -> Blob:
        blob = self._blobs.get(self._address(path))
        if blob is None:
            raise _not_found(self._name(path))
        return blob

    def _address(self, path: str) -> Address:
        if not path or path.startswith("/") or path.endswith("/") or "//" in path:
            raise bad_request("UserError", f"'{path}' is not an artifact's path.", target="path")
        if self._empty or not _is_in(path, self._within):
            raise _not_found(self._name(path))
        return Address(self._target.storage_account, self._blob_container, self._head + path)

    def _name(self, path: str) -> str:
        return f"{self._origin}/{self._container}/{path}"

    def _identity(self, path: str) -> dict[str, Any]:
        return {
            "artifactId": self._name(path),
            "origin": self._origin,
            "container": self._container,
            "path": path,
        }

    def _artifact(self, path: str, blob: Blob) -> dict[str, Any]:
        return {**self._identity(path), "etag": blob.etag.strip('"'), "createdTime": blob.created}

    def _information(self, path: str, permissions: str) -> dict[str, Any]:
        address = self._address(path)
        expires = self._target.cloud.clock.now() + URL_LIFETIME
        query = Signing(self._target.cloud).url(f"/{address.key}", permissions, expires)
        name = address.name if self._decoded else quote(address.name)
        if self._decoded and _ENDS_A_PATH.search(name):
            raise bad_request(
                "UserError",
                f"SDK v1 cannot open '{path}': a '?' or '#' ends the path of a URL. MLflow can, and SDK v2.",
                target="path",
            )
        url = f"https://{address.account}.blob.core.windows.net/{address.container}/{name}?{query}"
        return {"contentUri": url, "origin": self._origin, "container": self._container, "path": path}


async def of_run(
    target: WorkspaceRequest, run_id: str, experiment: str | None = None, *, decoded: bool = False
) -> Artifacts:
    """The artifacts of a run.

    Args:
        target: the request.
        run_id: the run.
        experiment: id or name of the experiment that the path says it belongs to.
        decoded: as in `Artifacts`.

    Raises:
        AzureError: 404 unless the run is this workspace's and of that experiment.
    """
    run = await find(target, run_id, experiment)
    return Artifacts(target, RUN_ORIGIN, f"dcid.{run_id}", decoded=decoded, empty=not run.has_artifacts)


async def of_origin(
    target: WorkspaceRequest, origin: str, container: str, *, write: bool, decoded: bool = False
) -> Artifacts:
    """The artifacts of an origin and container.

    Raises:
        AzureError: 404 unless they are this workspace's; an upload container becomes its when it is first written to.
    """
    if origin == RUN_ORIGIN and container.startswith("dcid."):
        return await of_run(target, container.removeprefix("dcid."), decoded=decoded)
    if origin != UPLOAD_ORIGIN or not container:
        raise _not_found(f"{origin}/{container}")
    artifacts = Artifacts(target, origin, container, decoded=decoded)
    if not write:
        artifacts.check_owner()
    return artifacts


def _is_in(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")


def _not_found(artifact: str) -> AzureError:
    return AzureError(404, "UserError", f"Artifact {artifact} was not found in the workspace.")


def _paths(body: dict[str, Any]) -> Sequence[str]:
    entries = body.get("paths")
    if not isinstance(entries, list) or not all(
        isinstance(entry, dict) and isinstance(entry.get("path"), str) for entry in entries
    ):
        raise bad_request("UserError", 'The body must be {"paths": [{"path": "..."}, ...]}.', target="paths")
    return [entry["path"] for entry in entries]
