"""Which workspace a data plane request is for.

Path = "/" service "/" version workspace-id rest, e.g.
`/mlflow/v2.0/subscriptions/<s>/resourceGroups/<g>/providers/Microsoft.MachineLearningServices/workspaces/<w>/api/2.0/...`.
ARM ids are case-insensitive. The path is decoded once and then split, so that an encoded "/" is one like others:
azureml-core encodes those of an artifact's path. Whoever asks for a part of it later asks this module's record.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.requests import Request

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core import spelling
from azmlflow.localazure.core.errors import AzureError, not_found
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.resources import find
from azmlflow.rbac.operations import WORKSPACE, Operation, recognise

_WORKSPACE = ("subscriptions", None, "resourcegroups", None, "providers", "microsoft.machinelearningservices")
_ID_SEGMENTS = len(_WORKSPACE) + 2
# Parameters that MLflow takes many times (mlflow/protos/service.proto, model_registry.proto: repeated fields of GETs).
_LISTS = ("run_ids", "order_by", "experiment_ids", "stages")


@dataclass(frozen=True)
class WorkspaceRequest:
    """A request that names a workspace which exists.

    Attributes:
        cloud: the embedded Azure.
        request: the request.
        caller: who asks.
        host: the host name asked, e.g. `westeurope.api.azureml.ms`.
        service: `mlflow`, `history`, ... (`services.azureml`).
        version: of that service, as in the path.
        workspace: the workspace's ARM document.
        rest: the decoded segments after the workspace's id.
    """

    cloud: Cloud
    request: Request
    caller: Caller
    host: str
    service: str
    version: str
    workspace: Document
    rest: tuple[str, ...]

    @functools.cached_property
    def query(self) -> Mapping[str, str]:
        """The query's parameters by name in lower case; of one that may come many times the last value.

        Raises:
            AzureError: 400, another has two values.
        """
        return spelling.query(self.request.scope, _LISTS)

    @property
    def id(self) -> str:
        """The workspace's ARM id, as ARM spells it."""
        found: str = self.workspace["id"]
        return found

    @property
    def workspace_id(self) -> str:
        """The workspace's own GUID."""
        found: str = self.workspace["properties"]["workspaceId"]
        return found

    @property
    def storage_account(self) -> str:
        """The name of the workspace's storage account."""
        found: str = self.workspace["properties"]["storageAccount"]
        return found.rpartition("/")[2].lower()

    def require(self, action: str) -> None:
        """Check that the caller may do what is not an operation of MLflow's.

        Args:
            action: the Azure action after the workspace's type, `computes/read`.

        Raises:
            AzureError: 403, the caller may not.
        """
        self._ask(f"{WORKSPACE}/{action}")

    def require_again(self) -> None:
        """Ask once more for all that the request was allowed so far: its body came after that, as slowly as the caller
        liked, and a right may have been taken meanwhile.

        Raises:
            AzureError: 403, the caller may not any more.
        """
        for action in tuple(self._asked):
            self._ask(action)

    def _ask(self, action: str) -> None:
        self.cloud.enforcer.require(self.caller, action, self.id)
        self._asked[action] = None

    @property
    def _asked(self) -> dict[str, None]:
        """The actions that the request was allowed, in order; one record for it under each of its paths."""
        kept: dict[str, None] = self.request.scope["state"].setdefault("asked", {})
        return kept

    def within(self, rest: tuple[str, ...]) -> WorkspaceRequest:
        """The same request under another path after the workspace's id."""
        return replace(self, rest=rest)

    def authorise(self, method: str, service: str, path: str) -> Operation:
        """Check that the caller may do what a request in Azure ML's usual spelling does.

        Args:
            method: HTTP method.
            service: whose path it is.
            path: the path after the workspace's id, spelt as in `rbac.operations`.

        Raises:
            AzureError: 404 when that is not an operation of Azure ML, 403 when the caller lacks one of its actions.
        """
        operation = recognise(method, service, path)
        if operation is None:
            raise no_such_endpoint(f"{method} {path}")
        for action in operation.actions:
            self._ask(action)
        return operation


def no_such_endpoint(asked: str) -> AzureError:
    """404 for what Azure ML does not offer.

    Its code is one on which MLflow's clients fall back to another call, where they have one.
    """
    return AzureError(404, "EndpointNotFound", f"No API found for '{asked}'.")


def find_target(cloud: Cloud, request: Request, services: Mapping[str, Sequence[str]]) -> WorkspaceRequest:
    """The target of a request.

    Args:
        cloud: the embedded Azure.
        request: the request.
        services: the services there are, and the versions of each.

    Raises:
        AzureError: 404 when the path names no service here or no workspace that exists; 400 when path or query could
            be read in two ways.
    """
    path = spelling.decoded(spelling.sent_path(request.scope))
    segments = tuple(path.split("/")[1:])
    service, version, identity, rest = (
        segments[0],
        segments[1:2],
        segments[2:][:_ID_SEGMENTS],
        segments[2:][_ID_SEGMENTS:],
    )
    if not version or version[0] not in services.get(service, ()) or not _names_workspace(identity):
        raise no_such_endpoint(f"{request.method} {path}")
    id_ = "/" + "/".join(identity)
    workspace = find.resource(cloud, id_)
    if workspace is None:
        raise not_found(id_)
    host = request.headers.get("host", "").partition(":")[0].lower()
    return WorkspaceRequest(cloud, request, request.state.caller, host, service, version[0], workspace, rest)


def _names_workspace(identity: tuple[str, ...]) -> bool:
    if len(identity) != _ID_SEGMENTS or identity[-2].lower() != "workspaces" or not all(identity):
        return False
    return all(expected in (None, segment.lower()) for expected, segment in zip(_WORKSPACE, identity, strict=False))
