"""The ids of other resources in a request's body, and the right that each takes of whoever names it.

A resource that is linked is used from then on with more rights than its reader has: a workspace gives out its storage
account's key and its own identity may change its vault, an identity is acted as. So the right is one that gives as much
by itself. Azure calls the refusal `LinkedAuthorizationFailed` (Microsoft, "Troubleshoot Azure RBAC"). Documented are
the rights for identities ("Managed Identity Operator"), subnets ("Plan virtual networks", join) and for where logs are
sent ("Diagnostic settings in Azure Monitor": sharedKeys, listKeys). All else is inferred, and the stricter holds: for a
type that is not below, reading it. What was linked once is not asked about again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from azmlflow.localazure.core.errors import linked_authorization_failed
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.ask import Ask

_ML = "Microsoft.MachineLearningServices/workspaces"
_IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
RIGHTS: Mapping[str, str] = {
    "Microsoft.ContainerRegistry/registries": "Microsoft.ContainerRegistry/registries/listCredentials/action",
    "Microsoft.Insights/components": "Microsoft.Insights/components/read",  # its key is told to who reads it
    "Microsoft.KeyVault/vaults": "Microsoft.KeyVault/vaults/write",  # who may say who has access to it
    _ML: f"{_ML}/hubs/join/action",
    f"{_ML}/environments/versions": f"{_ML}/environments/read",
    f"{_ML}/codes/versions": f"{_ML}/metadata/codes/read",
    _IDENTITY: f"{_IDENTITY}/assign/action",
    "Microsoft.Network/networkSecurityGroups": "Microsoft.Network/networkSecurityGroups/join/action",
    "Microsoft.Network/privateDnsZones": "Microsoft.Network/privateDnsZones/join/action",
    "Microsoft.Network/virtualNetworks": "Microsoft.Network/virtualNetworks/join/action",
    "Microsoft.Network/virtualNetworks/subnets": "Microsoft.Network/virtualNetworks/subnets/join/action",
    "Microsoft.OperationalInsights/workspaces": "Microsoft.OperationalInsights/workspaces/sharedKeys/action",
    "Microsoft.Storage/storageAccounts": "Microsoft.Storage/storageAccounts/listKeys/action",
}
_RIGHTS = {type_.lower(): right for type_, right in RIGHTS.items()}
_ID = re.compile(
    r"(?:azureml:)?(?P<id>/subscriptions/[^/]+/resourcegroups/[^/]+/providers/(?P<namespace>[^/]+)(?P<rest>(?:/[^/]+/[^/]+)+))/?",
    re.IGNORECASE,
)
_ENDPOINT = "Microsoft.Network/privateEndpoints/write"
_TEXTS = ("tags", "description", "environmentvariables", "command", "notes")  # what people write of ids is not a link


def require(ask: Ask, action: str, before: Document | None = None) -> None:
    """Refuse who names a resource without the right that it takes.

    Args:
        ask: the request.
        action: what the caller may do at the path, for the refusal.
        before: the resource as it is, whose links stay.

    Raises:
        AzureError: 403 `LinkedAuthorizationFailed`, whether or not such a resource is there.
    """
    known = {id_.lower() for id_, _ in _ids(before or {})}
    inside = _top(ask.target.id)
    for id_, type_ in _ids(ask.body):
        lowered = id_.lower()
        if lowered in known or f"{lowered}/".startswith(inside) or type_.lower().startswith("microsoft.authorization/"):
            continue  # roles are looked at by who assigns them
        right = _right(action, type_)
        reason = ask.cloud.enforcer.why_not(ask.caller.principal.object_id, right, id_)
        if reason is not None:
            who = ask.caller.principal
            raise linked_authorization_failed((who.name, who.object_id), (action, ask.target.id), (right, id_), reason)


def _right(action: str, type_: str) -> str:
    """The right that a resource of a type takes of who does an action elsewhere."""
    if action == _ENDPOINT and not type_.lower().startswith("microsoft.network/"):
        return f"{type_}/PrivateEndpointConnectionsApproval/action"
    return _RIGHTS.get(type_.lower(), f"{type_}/read")


def _ids(value: Any) -> Iterator[tuple[str, str]]:
    """(id without slash at its end, type) of each resource that a body or document names."""
    if isinstance(value, str):
        found = _ID.fullmatch(value)
        if found is not None:
            segments = found["rest"].strip("/").split("/")
            yield found["id"], "/".join((found["namespace"], *segments[::2]))
    elif isinstance(value, list):
        for each in value:
            yield from _ids(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _ids(name)  # of identities, the names of members are ids
            if name.lower() not in _TEXTS:
                yield from _ids(each)


def _top(id_: str) -> str:
    """The head of the ids of what a resource's topmost parent holds, lower case: a workspace's own things."""
    found = _ID.match(id_)
    if found is None:
        return "\0"
    head = id_[: found.start("rest")]
    return f"{head}/{'/'.join(found['rest'].strip('/').split('/')[:2])}/".lower()
