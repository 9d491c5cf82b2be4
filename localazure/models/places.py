"""Where a model's files are: one place in a datastore, and every way in which clients spell it.

    azureml://<host>/mlflow/<v><workspace id>/experiments/<e>/runs/<run>/artifacts/<path>   MLflow, of a run
    runs:/<run>/<path>                                                                      MLflow
    azureml://artifacts/<origin>/<container>/<path>                                         MLflow, of an upload
    azureml://jobs/<job>/outputs/artifacts/paths/<path>                                     v2, of a run's artifacts
    azureml://jobs/<job>/outputs/<name>/paths/<path>                                        v2, of a named output
    azureml://datastores/<datastore>/paths/<path>                                           v2, short
    azureml://subscriptions/<s>/resourcegroups/<g>/workspaces/<w>/datastores/<d>/paths/<p>  v2, long
    <origin>/<container>/<path>                                                             v1, an artifact's prefix

Artifacts of runs and uploads lie in `workspaceartifactstore`, whose paths are v1's prefixes. A model that lies in
another datastore is shown to MLflow and v1 as artifacts of the origin `ModelVersion`, container `<model>:<version>`:
so they reach the files of that version and nothing else of the datastore.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from azmlflow.localazure.blobs.blob import Blob
from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.blobs.names import Address
from azmlflow.localazure.blobs.origins import CONTAINER, MODEL_ORIGIN, RUN_ORIGIN, UPLOAD_ORIGIN, upload_owner
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.models.records import Version
from azmlflow.localazure.models.registry import Registry
from azmlflow.localazure.resources import find
from azmlflow.localazure.work import records
from azmlflow.localazure.work.layout import output_path
from azmlflow.rbac.operations import WORKSPACE

ARTIFACTS, DEFAULT = "workspaceartifactstore", "workspaceblobstore"
_ARTIFACT_OUTPUTS = ("artifacts", "default")
_SPELLINGS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"azureml://[^/]+/mlflow/v[^/]+(?P<workspace>/subscriptions/.+/workspaces/[^/]+)/experiments/[^/]+"
        r"/runs/(?P<run>[^/]+)/artifacts/(?P<path>.+)",
        r"runs:/(?P<run>[^/]+)/(?P<path>.+)",
        r"azureml://artifacts/(?P<artifact>[^/]+/[^/]+/.+)",
        r"azureml://jobs/(?P<run>[^/]+)/outputs/(?P<output>[^/]+)(?:/(?:paths/)?(?P<path>.*))?",
        r"azureml://datastores/(?P<datastore>[^/]+)/paths/(?P<path>.+)",
        r"azureml://(?P<workspace>subscriptions/[^/]+/resourcegroups/[^/]+/(?:providers/[^/]+/)?workspaces/[^/]+)"
        r"/datastores/(?P<datastore>[^/]+)/paths/(?P<path>.+)",
    )
)


@dataclass(frozen=True)
class DatastorePath:
    """A file or folder in a datastore.

    Attributes:
        datastore: its name.
        path: the path in it, without slashes at its ends.
        named: whether it was spelt as a path of a datastore, rather than as something of a run, job or upload.
    """

    datastore: str
    path: str
    named: bool = False

    @property
    def run(self) -> tuple[str, str] | None:
        """The run whose artifact it is, and the artifact's path."""
        origin, container, path = [*self.path.split("/", 2), "", ""][:3]
        is_run = self.datastore == ARTIFACTS and origin == RUN_ORIGIN and container.startswith("dcid.")
        return (container.removeprefix("dcid."), path) if is_run else None

    def same(self, other: DatastorePath | None) -> bool:
        """Whether another spelling means the same place."""
        return other is not None and (self.datastore, self.path) == (other.datastore, other.path)


def parse(uri: str, workspace: Document, cloud: Cloud | None = None) -> DatastorePath | None:
    """The place that a URI means, or None for one that is outside of Azure ML.

    Args:
        uri: the URI.
        workspace: the workspace's document.
        cloud: where jobs are looked up that say themselves where their outputs lie; None where no job's output is
            meant any more.

    Raises:
        AzureError: 400, it is in another workspace, or its path has segments that no blob has.
    """
    found = next((match for match in (each.fullmatch(uri) for each in _SPELLINGS) if match), None)
    if found is None:
        if uri.startswith("azureml:"):
            raise bad_request("UserError", f"'{uri}' is not an Azure ML path.", target="modelUri")
        return None
    told = found.groupdict()
    if told.get("workspace") and not _is(told["workspace"], workspace["id"]):
        raise bad_request("UserError", f"'{uri}' is in another workspace than the model.", target="modelUri")
    path = (told.get("path") or "").strip("/")
    if told.get("artifact"):
        return DatastorePath(ARTIFACTS, _checked(told["artifact"].strip("/"), uri))
    if told.get("datastore"):
        return DatastorePath(told["datastore"].lower(), _checked(path, uri), named=True)
    if told.get("output") and told["output"] not in _ARTIFACT_OUTPUTS:
        where = _of_job(told["run"], told["output"], workspace, cloud)
        return DatastorePath(where.datastore, _checked(f"{where.path}/{path}".rstrip("/"), uri))
    return DatastorePath(ARTIFACTS, _checked(f"{RUN_ORIGIN}/dcid.{told['run']}/{path}".rstrip("/"), uri))


def output(workspace: Document, job: Document, name: str) -> DatastorePath:
    """Where a named output of a job is kept: where the job says, else in the workspace's default datastore.

    Args:
        workspace: the workspace's document.
        job: the job's.
        name: the output's.
    """
    told = (job["properties"]["outputs"].get(name) or {}).get("uri")
    return (locate(told, workspace) if told else None) or DatastorePath(DEFAULT, output_path(job["name"], name))


async def of_version(registry: Registry, version: Version) -> DatastorePath | None:
    """Where a registered version's files are; None outside of this workspace."""
    return locate(await registry.source(version), registry.workspace, registry.cloud)


async def check(registry: Registry, place: DatastorePath, why_not_read: str | None) -> None:
    """Refuse a place that is not this workspace's, or where nothing is.

    Args:
        registry: the workspace's.
        place: the place.
        why_not_read: why the caller may not read datastores, for the log; None if it may: who names a path of one makes
            its files readable to all who may read models. Inferred: Microsoft says nothing of it.

    Raises:
        AzureError: 400, 403.
    """
    run = place.run
    if run is not None and await registry.experiment(run[0]) is None:
        raise bad_request("UserError", f"Run {run[0]} was not found in the workspace.", target="modelUri")
    origin, container = [*place.path.split("/"), ""][:2]
    if (
        place.datastore == ARTIFACTS
        and run is None
        and (origin, _owner(registry, container))
        != (
            UPLOAD_ORIGIN,
            registry.workspace["properties"]["workspaceId"],
        )
    ):
        raise bad_request("UserError", f"Artifact {place.path} was not found in the workspace.", target="modelUri")
    if place.named and place.datastore != ARTIFACTS and why_not_read is not None:
        text = f"To register a path of a datastore takes '{WORKSPACE}/datastores/read'."
        raise AzureError(403, "AuthorizationFailed", text, reason=why_not_read)
    if next(files(registry.cloud, registry.workspace, place), None) is None:
        raise bad_request(
            "UserError",
            # The end is the service's (mlflow/mlflow#11103, `ModelAssetPathNotFoundInStorage`).
            f"Nothing is at '{place.path}' in the datastore '{place.datastore}': no blobs found in storage at model "
            "asset path.",
            target="modelUri",
        )


def files(cloud: Cloud, workspace: Document, place: DatastorePath) -> Iterator[tuple[str, Blob]]:
    """(name, blob) of the blob of that name, or of all below it; none where the datastore is not of this Azure."""
    found = container(cloud, workspace, place.datastore)
    if found is None:
        return
    path = place.path.rstrip("/")  # a whole run's ends with one
    for name, blob in Blobs(cloud).list(*found, path):
        if name == path or name.startswith(f"{path}/"):
            yield name, blob


def container(cloud: Cloud, workspace: Document, datastore: str) -> tuple[str, str] | None:
    """The account and container of a datastore; None if it is no container of this workspace's account."""
    own = workspace["properties"]["storageAccount"].rpartition("/")[2].lower()
    if datastore == ARTIFACTS:
        return own, CONTAINER
    document = find.resource(cloud, f"{workspace['id']}/datastores/{datastore}")
    told = document["properties"] if document else {}
    if told.get("datastoreType") != "AzureBlob" or str(told.get("accountName", "")).lower() != own:
        return None
    return own, str(told["containerName"])


def content(cloud: Cloud, workspace: Document, place: DatastorePath, name: str, limit: int) -> bytes | None:
    """The content of a file in a folder; None if there is none, or it is larger than the limit."""
    found = container(cloud, workspace, place.datastore)
    if found is None:
        return None
    blobs, address = Blobs(cloud), Address(*found, f"{place.path}/{name}")
    blob = blobs.get(address)
    if blob is None or blob.length > limit:
        return None
    with blobs.open(address, blob) as file:
        return file.read()


def long_uri(place: DatastorePath, workspace: Document) -> str:
    """The place as azure-ai-ml takes it apart."""
    parts = workspace["id"].split("/")
    where = f"subscriptions/{parts[2]}/resourcegroups/{parts[4]}/workspaces/{parts[8]}"
    return f"azureml://{where}/datastores/{place.datastore}/paths/{place.path}"


def locate(source: str, workspace: Document, cloud: Cloud | None = None) -> DatastorePath | None:
    """The place that a registered source means; None outside of this workspace, where nobody here looks."""
    try:
        return parse(source, workspace, cloud)
    except AzureError:
        return None


def prefix(place: DatastorePath, name: str, number: int | str) -> str:
    """The place of a version as an artifact's prefix: for SDK v1, and behind `azureml://artifacts/` for MLflow."""
    if place.datastore == ARTIFACTS:
        return place.path
    return f"{MODEL_ORIGIN}/{name}:{number}/{place.path.rpartition('/')[2]}"


def _of_job(job: str, name: str, workspace: Document, cloud: Cloud | None) -> DatastorePath:
    found = records.find(cloud, workspace["id"], job) if cloud is not None else None
    return output(workspace, found[0], name) if found else DatastorePath(DEFAULT, output_path(job, name))


def _owner(registry: Registry, upload: str) -> str | None:
    account = registry.workspace["properties"]["storageAccount"].rpartition("/")[2].lower()
    return upload_owner(registry.cloud, account, upload)


def _is(told: str, id_: str) -> bool:
    """Whether a workspace in a URI is that of an ARM id; v2's long form leaves the provider out."""
    parts = [part for part in told.lower().strip("/").split("/") if part]
    wanted = id_.lower().split("/")
    return (parts[1], parts[3], parts[-1]) == (wanted[2], wanted[4], wanted[8])


def _checked(path: str, uri: str) -> str:
    if not path or not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise bad_request("UserError", f"'{uri}' does not name a file or folder.", target="modelUri")
    return path
