"""Microsoft.MachineLearningServices/workspaces/jobs: command jobs on the workspace's clusters.

A PUT makes a job, which waits in the state Queued until `runner.runner` starts it. What can change later is in
`changes`. A job that is deleted ends, and its MLflow run with it. Source: Microsoft, "Jobs - Create Or Update" (REST
2025-01-01-preview), and what azure-ai-ml 1.35 sends.
"""

from __future__ import annotations

from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import bad_request, conflict
from azmlflow.localazure.core.service_limits import DESCRIPTION_TAG
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.environments.errors import UnusableEnvironment
from azmlflow.localazure.environments.find import find
from azmlflow.localazure.kinds.jobs import bindings, body, changes, identity, views
from azmlflow.localazure.kinds.jobs.members import CODE, refused
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.find import parent, resource
from azmlflow.localazure.resources.kind import Kind, Lifecycle, NameRule, child_of
from azmlflow.localazure.resources.verbs import Action, Verbs
from azmlflow.localazure.work import records, run_ids
from azmlflow.localazure.work.command import UnknownName, check

_WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
_TYPE = f"{_WORKSPACE}/jobs"


def _shape(ask: Ask, existing: Document | None) -> Document:
    workspace = parent(ask.cloud, JOB, ask.target, "write")
    told = body.read(ask, workspace)
    if existing is not None:
        return {"properties": changes.changed(ask, existing, told)}
    if records.is_ending(ask.cloud, ask.target.id.lower()):
        raise conflict(CODE, f"A job with the name '{ask.target.name}' is being deleted: use a different name.")
    _check_run_id(ask, workspace)
    if not told["command"].strip():
        raise refused("command", "A command job needs a 'command'.")
    _check_command(told)
    bindings.check_inputs(ask, workspace, told["inputs"])
    _check_code(ask, workspace, told.get("codeId"))
    _check_parent(ask, workspace, told.get("parentJobName"))
    _check_environment(ask, told["environmentId"])
    compute = _compute(ask, workspace, told)
    identity.check(ask.cloud, compute, told.get("identity"))
    region, host = workspace["location"], f"{workspace['location']}.api.azureml.ms"
    services = {
        "Tracking": _service("Tracking", f"azureml://{host}/mlflow/v1.0{workspace['id']}?"),
        "Studio": _service("Studio", f"https://ml.azure.com/runs/{ask.target.name}?wsid={workspace['id']}&r={region}"),
    }
    return {
        "properties": {
            **told,
            "computeId": compute["id"],
            "displayName": told.get("displayName") or ask.target.name,
            "status": "Queued",
            "services": services,
        }
    }


def _check_run_id(ask: Ask, workspace: Document) -> None:
    """Refuse a name that is the id of a run: what was deleted, a run of SDK v1, or another workspace's.

    In the words of the service (Azure/azureml-previews#267) within a workspace. Azure's workspaces do not stand in each
    other's way so: these share one MLflow.

    Raises:
        AzureError: 400.
    """
    name, mine = ask.target.name, workspace["properties"]["workspaceId"]
    owner = run_ids.owner(ask.cloud, name)
    if owner == mine:
        raise bad_request(
            CODE,
            f"Cannot create a run with runId={name}. As a run with runId = {name} already exists in the workspace, of "
            "a job that was deleted or of SDK v1: use a different name.",
        )
    if owner is not None:
        raise bad_request(
            CODE,
            f"Cannot create a run with runId={name}. All workspaces of the embedded Azure share one MLflow, in which "
            "another workspace's run has this id: use a different name.",
        )


def _service(kind: str, endpoint: str) -> Document:
    return {"jobServiceType": kind, "endpoint": endpoint, "port": None, "status": None, "errorMessage": None}


def _compute(ask: Ask, workspace: Document, told: Document) -> Document:
    """The cluster that a job names.

    Raises:
        AzureError: 400, there is none, it is going, is not a cluster, has other nodes, or can never have one.
    """
    given = str(told.get("computeId") or "")
    if not given:
        raise refused("computeId", "The embedded Azure has no serverless compute: name a cluster in 'computeId'.")
    above, _, name = given.rpartition("/")
    inside = above.lower() == f"{workspace['id']}/computes".lower()
    found = resource(ask.cloud, given) if inside else None
    if found is None:
        raise refused("computeId", f"Compute target '{name if inside else given}' was not found in the workspace.")
    properties = found["properties"]
    if properties.get("provisioningState") == "Deleting":
        raise refused("computeId", f"Compute target '{name}' is being deleted.")
    if properties["computeType"] != "AmlCompute":
        raise refused("computeId", f"Compute target '{name}' is not a cluster (AmlCompute).")
    if properties["properties"]["scaleSettings"]["maxNodeCount"] < 1:
        raise refused("computeId", f"Compute target '{name}' has at most 0 nodes: nothing can ever run on it.")
    size, wanted = str(properties["properties"]["vmSize"]), (told.get("resources") or {}).get("instanceType")
    if wanted is not None and str(wanted).lower() != size.lower():
        raise refused("resources.instanceType", f"The nodes of '{name}' are {size}, not {wanted}.")
    return found


def _check_command(told: Document) -> None:
    given = [name for name, each in told["inputs"].items() if each.get("uri") or each.get("value") is not None]
    try:
        check(told["command"], given, told["outputs"])
    except UnknownName as error:
        raise refused("command", f"The job's command cannot be run: {error}.") from error


def _check_code(ask: Ask, workspace: Document, given: str | None) -> None:
    inside = f"{workspace['id']}/codes/".lower()
    if given and (not given.lower().startswith(inside) or not resource(ask.cloud, given)):
        raise refused("codeId", f"The code '{given}' was not found in the workspace.")


def _check_parent(ask: Ask, workspace: Document, given: str | None) -> None:
    if given and records.find(ask.cloud, workspace["id"], given) is None:
        raise refused("parentJobName", f"The job '{given}' was not found in the workspace.")


def _check_environment(ask: Ask, given: str) -> None:
    try:
        find(ask.cloud, given)
    except UnusableEnvironment as error:
        raise refused("environmentId", str(error)) from error


def _made(ask: Ask, document: Document) -> None:
    workspace = parent(ask.cloud, JOB, ask.target, "write")
    run_ids.take(ask.cloud, workspace["properties"]["workspaceId"], document["name"])
    records.begin(ask.cloud, document, ask.caller.principal.object_id)
    ask.cloud.bell.ring()


def _written(ask: Ask, document: Document) -> None:
    """What changed of an existing job is told to MLflow, which has a run's name, description and tags."""
    before = resource(ask.cloud, document["id"])
    if before is None:
        return
    old, new = before["properties"], document["properties"]
    tags: dict[str, Any] = {name: value for name, value in new["tags"].items() if old["tags"].get(name) != value}
    if new.get("description") != old.get("description"):
        tags[DESCRIPTION_TAG] = new.get("description") or ""
    renamed = new["displayName"] if new["displayName"] != old["displayName"] else None
    records.tell(ask.cloud, before, tags=tags, name=renamed)
    ask.cloud.bell.ring()


def _removed(cloud: Cloud, document: Document) -> None:
    if not records.has_run(cloud, document):
        run_ids.free(cloud, document["name"])
    records.forget(cloud, document)
    cloud.bell.ring()


def _cancel(ask: Ask, document: Document) -> Answer:
    state = document["properties"]["status"]
    if state in records.ENDED and state != "Canceled":
        raise bad_request(CODE, f"The job '{document['name']}' has ended ({state}) and cannot be canceled.")
    if state not in records.ENDED:
        records.set_status(ask.cloud, document["id"].lower(), "CancelRequested")
        ask.cloud.bell.ring()
    return Answer(200)


JOB = Kind(
    type=_TYPE,
    name=NameRule(
        r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}",
        "InvalidJobName",
        "The job name '{name}' is not valid: it has 1 to 255 letters, digits, '-' or '_', and begins with a letter or "
        "digit.",
    ),
    shape=_shape,
    placement=child_of(_WORKSPACE),
    has_provisioning_state=False,
    has_system_data=True,
    verbs=Verbs(listed=views.listed, patch=False),
    lifecycle=Lifecycle(on_create=_made, on_write=_written, on_delete=_removed),
    actions=(Action("cancel", _cancel),),
)
