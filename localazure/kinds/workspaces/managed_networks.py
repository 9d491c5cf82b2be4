"""The managed network of a workspace: how closed it is, its rules as the workspace shows them, and its provisioning.

Source: Microsoft, "Workspace managed virtual network isolation", and "Managed Network Provisions" (REST 2025-12-01).
It is built at the first compute, or when asked for; private endpoints to what the workspace stands on come by
themselves: in approved mode to all of it, in internet mode to what is closed. It cannot be switched off again, nor be
opened from approved to internet.

Inferred: codes and words of the refusals, and the names of Azure's own rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import AzureError, bad_request, conflict
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import choice, wrong_type
from azmlflow.localazure.resources.verbs import accepted

TYPE = "Microsoft.MachineLearningServices/workspaces"
RULES = f"{TYPE}/outboundRules"
DISABLED, INTERNET, APPROVED = _MODES = ("Disabled", "AllowInternetOutbound", "AllowOnlyApprovedOutbound")
_OPTIONAL = ("firewallSku", "managedNetworkKind", "outboundRules")
# Property of a workspace -> what private endpoints of Azure's own lead to in it.
PARTS = {"storageAccount": ("blob", "file"), "keyVault": ("vault",), "containerRegistry": ("registry",)}


def mode(workspace: Document) -> str:
    """The isolation mode of a workspace."""
    return str((workspace["properties"].get("managedNetwork") or {}).get("isolationMode") or DISABLED)


def is_active(workspace: Document) -> bool:
    """Whether its managed network is provisioned."""
    network = workspace["properties"].get("managedNetwork") or {}
    return (network.get("status") or {}).get("status") == "Active"


def shape(ask: Ask, given: Any, before: Document | None) -> Document | None:
    """The managed network of a workspace as it is kept: what a body asks for, over what there is.

    Raises:
        AzureError: 400, it is none, or one that Azure does not make of what there is.
    """
    if given is None:
        return before
    if not isinstance(given, dict):
        raise wrong_type("managedNetwork", given, "object")
    was = str((before or {}).get("isolationMode") or DISABLED)
    wanted = choice("managedNetwork.isolationMode", given.get("isolationMode") or was, _MODES)
    if wanted == DISABLED and was != DISABLED:
        raise _unchangeable("Managed network isolation cannot be disabled once it is enabled.")
    if (was, wanted) == (APPROVED, INTERNET):
        raise _unchangeable(f"Managed network isolation mode cannot be changed from {APPROVED} to {INTERNET}.")
    if wanted == DISABLED:
        return {"isolationMode": DISABLED}
    kept = before or {}
    network: Document = {
        "isolationMode": wanted,
        "networkId": kept.get("networkId") or ask.cloud.ids.guid(),
        "status": kept.get("status") or {"status": "Inactive", "sparkReady": False},
    }
    for name in _OPTIONAL:
        value = given.get(name, kept.get(name))
        if value is not None:
            network[name] = value
    return network


def _unchangeable(message: str) -> AzureError:
    return bad_request("BadRequest", message, target="managedNetwork.isolationMode")


def shown(cloud: Cloud, workspace: Document) -> Document:
    """A workspace as it is answered: its network with the rules that it has now."""
    if mode(workspace) == DISABLED:
        return workspace
    rules = {each["name"]: each["properties"] for each in rules_of(cloud, workspace["id"])}
    network = {**workspace["properties"]["managedNetwork"], "outboundRules": rules}
    return {**workspace, "properties": {**workspace["properties"], "managedNetwork": network}}


def rules_of(cloud: Cloud, workspace_id: str) -> list[Document]:
    """The outbound rules of a workspace, Azure's own among them."""
    return [each for each in find.below(cloud, workspace_id) if each["type"] == RULES]


def require_idle(cloud: Cloud, workspace_id: str, but: str = "") -> None:
    """Refuse a change of a network that another one is under way in: two at once undo one another on Azure.

    Raises:
        AzureError: 409 `AnotherOperationInProgress`.
    """
    targets = [workspace_id, *(each["id"] for each in rules_of(cloud, workspace_id) if each["id"].lower() != but)]
    for target in targets:
        running = cloud.operations.running(target)
        if running is not None:
            raise AzureError(
                409,
                "AnotherOperationInProgress",
                f"The managed network of '{workspace_id}' is being changed: '{running['verb']}' of "
                f"'{running['target']}'. Write outbound rules one after the other.",
                headers={"Retry-After": str(cloud.operations.retry_after(running))},
            )


def provision(ask: Ask, workspace: Document) -> Answer:
    """POST provisionManagedNetwork: long-running; at once where it stands already."""
    if mode(workspace) == DISABLED:
        raise bad_request("BadRequest", f"The workspace '{workspace['name']}' has no managed network to provision.")
    status = {"status": "Active", "sparkReady": bool(ask.body.get("includeSpark"))}
    if is_active(workspace):
        return Answer(200, workspace["properties"]["managedNetwork"]["status"])
    require_idle(ask.cloud, workspace["id"])
    operations, id_ = ask.cloud.operations, workspace["id"]
    with ask.cloud.store.transaction():
        operation = operations.begin(
            "put", TYPE, id_, timed_as=f"{TYPE}/provisionManagedNetwork", key=id_.lower(), answer=status
        )
    return accepted(ask, operation, workspace)


def ended(cloud: Cloud, workspace: Document, operation: Document) -> None:
    """A long-running write of a workspace has ended: if it was its network's provisioning, the network stands."""
    if "answer" in operation:
        _stands(cloud, workspace, operation["answer"])


def before_compute(ask: Ask, _existing: Document | None) -> None:
    """Refuse a compute that a workspace with a managed network does not take.

    Raises:
        AzureError: 400, it would be in a subnet; 409, the network is being provisioned.
    """
    workspace = find.resource(ask.cloud, ask.target.parent_id())
    if workspace is None or mode(workspace) == DISABLED:
        return
    inner = ask.properties.get("properties")
    if isinstance(inner, dict) and inner.get("subnet"):
        raise bad_request(
            "BadRequest", "A compute cannot have a subnet of its own in a workspace with a managed network."
        )
    if (running := ask.cloud.operations.running(workspace["id"])) is not None and "answer" in running:
        raise conflict("Conflict", f"The managed network of '{workspace['name']}' is being provisioned.")


def with_first_compute(ask: Ask) -> None:
    """A compute is made: without a network that stands, Azure provisions it then, as part of the compute."""
    workspace = find.resource(ask.cloud, ask.target.parent_id())
    if workspace is not None and mode(workspace) != DISABLED and not is_active(workspace):
        _stands(ask.cloud, workspace, {"status": "Active", "sparkReady": False})
        find.keep(ask.cloud, workspace)


def _stands(cloud: Cloud, workspace: Document, status: Document) -> None:
    workspace["properties"]["managedNetwork"]["status"] = dict(status)
    for rule in rules_of(cloud, workspace["id"]):
        rule["properties"]["status"] = "Active"
        find.keep(cloud, rule)
    for name, target, id_ in _own_endpoints(cloud, workspace):
        destination = {"serviceResourceId": id_, "subresourceTarget": target, "sparkEnabled": False}
        properties = {
            "type": "PrivateEndpoint", "category": "Required", "status": "Active", "destination": destination,
        }  # fmt: skip
        rule_id = f"{workspace['id']}/outboundRules/{name}"
        find.keep(cloud, {"id": rule_id, "name": name, "type": RULES, "properties": properties})


def _own_endpoints(cloud: Cloud, workspace: Document) -> Iterator[tuple[str, str, str]]:
    """Name, target and resource of each private endpoint that Azure makes by itself."""
    tail = workspace["properties"]["workspaceId"][:8]
    parts = [(workspace["id"], "amlworkspace")]
    for part, targets in PARTS.items():
        parts += [(workspace["properties"].get(part) or "", target) for target in targets]
    for id_, target in parts:
        resource = find.resource(cloud, id_) if id_ else None
        if resource is not None and (mode(workspace) == APPROVED or is_closed(resource)):
            yield f"__SYS_PE_{resource['name']}_{target}_{tail}", target, resource["id"]


def is_closed(resource: Document) -> bool:
    """Whether a resource is closed to the internet."""
    return str(resource["properties"].get("publicNetworkAccess")).lower() == "disabled"
