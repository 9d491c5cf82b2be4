"""Microsoft.MachineLearningServices/workspaces/jobs: command jobs on the workspace's clusters.

A PUT makes a job, which waits in the state Queued until `runner.runner` starts it; the same PUT again changes nothing.
What can change later is its name to show, description, tags and whether it is archived. Source: Microsoft, "Jobs -
Create Or Update" (REST 2025-01-01-preview), and what azure-ai-ml 1.35 sends.
"""

from __future__ import annotations

from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.environments.errors import UnusableEnvironment
from azmlflow.localazure.environments.find import find
from azmlflow.localazure.models.inputs import ASSET
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import choice, pick, wrong_type
from azmlflow.localazure.resources.find import parent, resource
from azmlflow.localazure.resources.kind import Kind, Lifecycle, NameRule, child_of
from azmlflow.localazure.resources.verbs import Action
from azmlflow.localazure.work import records
from azmlflow.localazure.work.nodes import duration

_WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
_TYPE = f"{_WORKSPACE}/jobs"
_CODE = "UserError"
_CHANGEABLE = ("displayName", "description", "tags", "isArchived")
_OPTIONAL = ("codeId", "displayName", "description", "limits", "resources", "identity", "componentId")
_DEFAULTS: Document = {
    "experimentName": "Default", "environmentVariables": {}, "inputs": {}, "outputs": {}, "isArchived": False,
    "tags": {}, "properties": {}, "environmentId": "", "command": "",
}  # fmt: skip


def _shape(ask: Ask, existing: Document | None) -> Document:
    if existing is not None:
        lowered = {name.lower(): value for name, value in ask.properties.items()}
        changed = {name: lowered[name.lower()] for name in _CHANGEABLE if lowered.get(name.lower()) is not None}
        return {"properties": {**existing["properties"], **changed}}
    given = ask.properties
    workspace = parent(ask.cloud, JOB, ask.target, "write")
    kind = choice("jobType", given.get("jobType"), ("Command",), _CODE)
    kept = pick(given, _DEFAULTS, _OPTIONAL)
    if not kept["command"].strip():
        raise bad_request(_CODE, "A command job needs a 'command'.", target="command")
    if (kept.get("resources") or {}).get("instanceCount", 1) not in (None, 1):
        raise bad_request(_CODE, "The embedded Azure runs a job on one node; 'instanceCount' must be 1.")
    for name, value in kept["environmentVariables"].items():
        if not isinstance(value, str):
            raise wrong_type(f"environmentVariables.{name}", value, "string")
    _check_limits(kept.get("limits"))
    _check_code(ask, workspace, kept.get("codeId"))
    _check_inputs(ask, workspace, kept["inputs"])
    _check_environment(ask, kept["environmentId"])
    compute = _compute(ask, workspace, given.get("computeId"))
    outputs = {name: told for name, told in kept["outputs"].items() if name != "default"}
    region, host = workspace["location"], f"{workspace['location']}.api.azureml.ms"
    services = {
        "Tracking": _service("Tracking", f"azureml://{host}/mlflow/v1.0{workspace['id']}?"),
        "Studio": _service("Studio", f"https://ml.azure.com/runs/{ask.target.name}?wsid={workspace['id']}&r={region}"),
    }
    return {
        "properties": {
            **kept,
            "jobType": kind,
            "computeId": compute["id"],
            "outputs": outputs,
            "displayName": kept.get("displayName") or ask.target.name,
            "status": "Queued",
            "services": services,
        }
    }


def _service(kind: str, endpoint: str) -> Document:
    return {"jobServiceType": kind, "endpoint": endpoint, "port": None, "status": None, "errorMessage": None}


def _compute(ask: Ask, workspace: Document, given: Any) -> Document:
    """The cluster that a job names.

    Raises:
        AzureError: 400, there is none, it is going, is no cluster, or can never have a node.
    """
    name = str(given or "").rpartition("/")[2]
    if not name:
        raise bad_request(_CODE, "The embedded Azure has no serverless compute: name a cluster in 'computeId'.")
    found = resource(ask.cloud, f"{workspace['id']}/computes/{name}")
    if found is None:
        raise bad_request(_CODE, f"Compute target '{name}' was not found in the workspace.", target="computeId")
    if found["properties"].get("provisioningState") == "Deleting":
        raise bad_request(_CODE, f"Compute target '{name}' is being deleted.", target="computeId")
    if found["properties"]["computeType"] != "AmlCompute":
        raise bad_request(_CODE, f"Compute target '{name}' is no cluster (AmlCompute).", target="computeId")
    if found["properties"]["properties"]["scaleSettings"]["maxNodeCount"] < 1:
        raise bad_request(_CODE, f"Compute target '{name}' has at most 0 nodes: nothing can ever run on it.")
    return found


def _check_code(ask: Ask, workspace: Document, given: Any) -> None:
    inside = f"{workspace['id']}/codes/".lower()
    if given and (not str(given).lower().startswith(inside) or not resource(ask.cloud, given)):
        raise bad_request(_CODE, f"The code '{given}' was not found in the workspace.", target="codeId")


def _check_inputs(ask: Ask, workspace: Document, inputs: Document) -> None:
    """Refuse data assets and models that the caller may not read, and data assets that are not there.

    Raises:
        AzureError: 403, 400.
    """
    for name, told in inputs.items():
        found = ASSET.fullmatch(str(told.get("uri", ""))) if isinstance(told, dict) else None
        if found is None:
            continue
        kind = found["kind"].lower()
        ask.cloud.enforcer.require(ask.caller, f"{_WORKSPACE}/{kind}/versions/read", workspace["id"])
        if kind == "data" and resource(ask.cloud, found["id"]) is None:
            raise bad_request(
                _CODE, f"The data asset '{found['name']}:{found['version']}' was not found.", target=f"inputs.{name}"
            )


def _check_environment(ask: Ask, given: str) -> None:
    try:
        find(ask.cloud, given)
    except UnusableEnvironment as error:
        raise bad_request(_CODE, str(error), target="environmentId") from error


def _check_limits(limits: Any) -> None:
    if limits is not None and not isinstance(limits, dict):
        raise wrong_type("limits", limits, "object")
    try:
        duration(str((limits or {}).get("timeout") or "PT0S"))
    except ValueError as error:
        raise bad_request(_CODE, f"The job's limits are not valid: {error}.", target="limits") from error


def _made(ask: Ask, document: Document) -> None:
    records.begin(ask.cloud, document, ask.caller.principal.object_id)
    ask.cloud.bell.ring()


def _removed(cloud: Cloud, document: Document) -> None:
    records.forget(cloud, document["id"].lower())
    cloud.bell.ring()


def _cancel(ask: Ask, document: Document) -> Answer:
    state = document["properties"]["status"]
    if state in records.ENDED and state != "Canceled":
        raise bad_request(_CODE, f"The job '{document['name']}' has ended ({state}) and cannot be canceled.")
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
    lifecycle=Lifecycle(on_create=_made, on_delete=_removed),
    actions=(Action("cancel", _cancel),),
)
