"""Microsoft.MachineLearningServices/workspaces/computes: clusters (AmlCompute) and compute instances.

Source: Microsoft, "Compute" (REST 2025-12-01). A DELETE must say `underlyingResourceAction=Delete|Detach`. A cluster
has as many nodes as its scale settings demand when nothing runs: the minimum. Other compute types are refused.
"""

from __future__ import annotations

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.clock import duration, timestamp
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.workspaces import instances, machines, managed_networks
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import choice, pick, region, tags, whole_number, wrong_type
from azmlflow.localazure.resources.find import parent
from azmlflow.localazure.resources.identity import give_identity, identity, remove_identity
from azmlflow.localazure.resources.kind import ANY_REGION, Kind, Lifecycle, NameRule, child_of
from azmlflow.localazure.resources.verbs import Action, Deletion, Verb, Verbs
from azmlflow.localazure.work.nodes import counted
from azmlflow.resourcetypes.bounds import MOST_NODES, NAMES

_WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
_TYPE = f"{_WORKSPACE}/computes"
_CODE = "BadRequest"
_CLUSTER: Document = {
    "enableNodePublicIp": True,
    "isolatedNetwork": False,
    "osType": "Linux",
    "remoteLoginPortPublicAccess": "NotSpecified",
    "vmPriority": "Dedicated",
}
_FIXED = ("vmSize", "vmPriority", "enableNodePublicIp", "subnet")


def _shape(ask: Ask, existing: Document | None) -> Document:
    given = ask.properties
    kind = choice("computeType", given.get("computeType"), ("AmlCompute", "ComputeInstance"), _CODE)
    before = (existing or {}).get("properties", {})
    if before and before["computeType"] != kind:
        raise bad_request(
            _CODE, f"The compute '{ask.target.name}' is a {before['computeType']}; its type cannot change."
        )
    inner = given.get("properties") or {}
    if not isinstance(inner, dict):
        raise wrong_type("properties.properties", inner, "object")
    place = _place(ask, existing)
    created = before.get("createdOn") or timestamp(ask.cloud.clock.now())
    shaped = _cluster(ask, inner, before) if kind == "AmlCompute" else instances.shape(ask, inner, before, place)
    nodes = shaped["scaleSettings"]["maxNodeCount"] if kind == "AmlCompute" else 1
    machines.require_subnet(ask, shaped.get("subnet"), place, nodes)
    for name in _FIXED if kind == "AmlCompute" else ():
        if before and str(before["properties"].get(name)).lower() != str(shaped.get(name)).lower():
            raise bad_request(_CODE, f"The property '{name}' of an existing compute cannot be changed.", target=name)
    properties: Document = {
        "computeType": kind,
        "computeLocation": region(str(given.get("computeLocation") or place)),
        "createdOn": created,
        "modifiedOn": before.get("modifiedOn") or created,
        "isAttachedCompute": False,
        "disableLocalAuth": bool(given.get("disableLocalAuth", True)),
        "provisioningErrors": None,
        "resourceId": None,
        "properties": shaped,
    }
    if given.get("description"):
        properties["description"] = given["description"]
    document: Document = {"location": place, "tags": tags(ask), "properties": properties}
    asked = identity(ask, existing)
    if asked and "," in asked["type"]:  # inferred: the words
        raise bad_request(_CODE, "A compute has a system-assigned identity or user-assigned ones, not both.")
    document = {**document, "identity": asked} if asked else document
    if existing is not None and kind == "ComputeInstance":
        instances.require_unchanged(ask, existing, document)
    return document


def _place(ask: Ask, existing: Document | None) -> str:
    """Where the compute is: where its body says, else with its workspace."""
    if existing is not None:
        return str(existing["location"])
    given = ask.body.get("location")
    if not given:
        return str(parent(ask.cloud, COMPUTE, ask.target, "write")["location"])
    ANY_REGION.check(_TYPE, given)
    return region(given)


def _cluster(ask: Ask, inner: Document, before: Document) -> Document:
    given = pick(inner, _CLUSTER, ("subnet", "virtualMachineImage"))
    given["vmPriority"] = choice("vmPriority", given["vmPriority"], ("Dedicated", "LowPriority"), _CODE)
    given["osType"] = choice("osType", given["osType"], ("Linux", "Windows"), _CODE)
    # What azure-ai-ml sends where nothing is said. In settings that are given, maxNodeCount is required (REST).
    scale = inner.get("scaleSettings") or {"maxNodeCount": 1}
    if not isinstance(scale, dict):
        raise wrong_type("scaleSettings", scale, "object")
    min_nodes = whole_number("scaleSettings.minNodeCount", scale.get("minNodeCount", 0), 0, MOST_NODES, _CODE)
    max_nodes = whole_number("scaleSettings.maxNodeCount", scale.get("maxNodeCount"), 0, MOST_NODES, _CODE)
    if min_nodes > max_nodes:
        raise bad_request(
            _CODE,
            f"The minNodeCount ({min_nodes}) cannot be greater than the maxNodeCount ({max_nodes}).",
            target="scaleSettings",
        )
    idle = scale.get("nodeIdleTimeBeforeScaleDown") or "PT120S"
    try:
        duration(idle if isinstance(idle, str) else "")
    except ValueError as error:
        told = f"The nodeIdleTimeBeforeScaleDown is not valid: {error}."
        raise bad_request(_CODE, told, target="scaleSettings.nodeIdleTimeBeforeScaleDown") from error
    login = inner.get("userAccountCredentials")
    if isinstance(login, dict) and login.get("adminUserName"):
        given["userAccountCredentials"] = {"adminUserName": login["adminUserName"]}
    was = before.get("properties", {})
    counts = dict.fromkeys(("preparing", "running", "idle", "unusable", "leaving", "preempted"), 0) | {
        "idle": min_nodes
    }
    return {
        **given,
        "vmSize": machines.size(inner),
        "scaleSettings": {"minNodeCount": min_nodes, "maxNodeCount": max_nodes, "nodeIdleTimeBeforeScaleDown": idle},
        "allocationState": "Steady",
        "allocationStateTransitionTime": was.get("allocationStateTransitionTime") or timestamp(ask.cloud.clock.now()),
        "currentNodeCount": min_nodes,
        "targetNodeCount": min_nodes,
        "nodeStateCounts": {f"{name}NodeCount": count for name, count in counts.items()},
        "errors": None,
    }


def _deleting(ask: Ask, _document: Document) -> None:
    action = ask.query.get("underlyingresourceaction", "")
    if action.lower() not in ("delete", "detach"):
        raise bad_request(
            "InvalidRequest",
            "The query parameter 'underlyingResourceAction' is required and must be 'Delete' or 'Detach'.",
            target="underlyingResourceAction",
        )
    if action.lower() == "detach":
        raise bad_request(_CODE, "Only an attached compute can be detached; this one is managed: use 'Delete'.")


def _written(ask: Ask, document: Document) -> None:
    give_identity(ask, document)
    managed_networks.with_first_compute(ask)
    document["properties"]["modifiedOn"] = timestamp(ask.cloud.clock.now())


def _nodes(ask: Ask, document: Document) -> Answer:
    if document["properties"]["computeType"] != "AmlCompute":
        raise instances.wrong_compute(document, "listNodes")
    count = counted(ask.cloud.store, document)["properties"]["properties"]["currentNodeCount"]
    nodes = [
        {
            "nodeId": f"tvmps_{number:04d}",
            "nodeState": "idle",
            "privateIpAddress": f"10.0.0.{number + 4}",
            "port": 50000,
        }
        for number in range(count)
    ]
    return Answer(200, {"nodes": nodes})


def _shown(cloud: Cloud, document: Document) -> Document:
    """A cluster with the nodes that it has now; an instance, which stops when it is idle, in its state of now."""
    if document["properties"]["computeType"] == "ComputeInstance":
        return instances.shown(cloud, document)
    return counted(cloud.store, document)


COMPUTE = Kind(
    type=_TYPE,
    name=NameRule(
        NAMES[_TYPE],
        "InvalidComputeName",
        "The compute name '{name}' is not valid: it has 3 to 24 letters, digits or '-', begins with a letter, and does "
        "not end with a hyphen and digits.",
    ),
    shape=_shape,
    placement=child_of(_WORKSPACE),
    has_system_data=True,
    verbs=Verbs(
        get=_shown,
        put=Verb(201, "operation"),
        update=Verb(200, "operation", "Updating"),
        delete=Deletion(202, "operation"),
    ),
    lifecycle=Lifecycle(
        before_write=managed_networks.before_compute,
        on_write=_written,
        before_delete=_deleting,
        on_delete=remove_identity,
    ),
    # What opens the nodes is never told again (REST: secrets).
    unread=(
        "properties.properties.useraccountcredentials.adminuserpassword",
        "properties.properties.useraccountcredentials.adminusersshpublickey",
    ),
    actions=(Action("listNodes", _nodes), *instances.ACTIONS),
    extras=machines.EXTRAS,
)
