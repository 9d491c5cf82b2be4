"""The settings that describe a workspace which stands. Pure: from Azure's documents.

What the workspace stands on stays others', and so does its group: all of it is given by id. Whether the settings say
all that counts, the engine's preview tells; here is refused what they have no word for.

Source: Microsoft, "Workspaces - Get", "Compute - List" (REST 2025-12-01).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]
_GIVEN = {
    "storage": "storageAccount",
    "vault": "keyVault",
    "insights": "applicationInsights",
    "registry": "containerRegistry",
}
_OUTBOUND = {"AllowInternetOutbound": "internet", "AllowOnlyApprovedOutbound": "approved"}
_IDLE = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?")


def settings(workspace: Document, ours: frozenset[str] = frozenset()) -> dict[str, Any]:
    """A workspace's settings, by their keys.

    Args:
        workspace: its document.
        ours: names of tags, in lower case, that azmlflow writes by itself.
    """
    properties, id_ = workspace.get("properties") or {}, str(workspace["id"])
    found: dict[str, Any] = {
        "location": str(workspace.get("location", "")).replace(" ", "").lower(),
        "group": id_.partition("/providers/")[0],
        "workspace": id_.rpartition("/")[2],
    }
    found |= {key: str(properties[name]) for key, name in _GIVEN.items() if properties.get(name)}
    if str(properties.get("systemDatastoresAuthMode", "")).lower() == "identity":
        found["storageAuth"] = "identity"
    identity = workspace.get("identity") or {}
    kind = str(identity.get("type", "SystemAssigned")).replace(" ", "")
    if kind != "SystemAssigned":
        primary = properties.get("primaryUserAssignedIdentity") or next(iter(identity["userAssignedIdentities"]))
        # Its roles somebody else has given.
        found["identity"] = {"type": kind, "id": str(primary), "grantRoles": False}
    isolation = str((properties.get("managedNetwork") or {}).get("isolationMode", ""))
    if isolation in _OUTBOUND:
        found["network"] = {"mode": "managed", "outbound": _OUTBOUND[isolation]}
    tags = {name: value for name, value in (workspace.get("tags") or {}).items() if name.lower() not in ours}
    return found | ({"tags": tags} if tags else {})


def unfit(workspace: Document) -> Iterator[str]:
    """What of a workspace no setting describes, so that an `up` would change it."""
    properties, identity = workspace.get("properties") or {}, workspace.get("identity") or {}
    if (kind := str(workspace.get("kind") or "Default")) != "Default":
        yield f"it is a {kind.lower()}, and azmlflow's workspaces are of kind Default"
    if len(identity.get("userAssignedIdentities") or ()) > 1:
        yield "it has several user-assigned identities, and the settings name one"
    if not properties.get("applicationInsights"):
        yield "it has no Application Insights, and azmlflow's have"
    managed = str((properties.get("managedNetwork") or {}).get("isolationMode", "")) in _OUTBOUND
    closed = properties.get("publicNetworkAccess") == "Disabled"
    if closed and not managed:
        yield "it is closed to the internet in a network of its own, whose private endpoints cannot be taken over"
    if managed and not closed:
        yield "it has a managed network and is open to the internet; with azmlflow's it is closed"
    if (properties.get("encryption") or {}).get("status") == "Enabled":
        yield "it is encrypted by a key of yours"
    if str(properties.get("systemDatastoresAuthMode", "")).lower() == "userdelegationsas":
        yield "its datastores are opened by user delegation SAS"


def cluster(compute: Document) -> dict[str, Any] | None:
    """A cluster's settings; None for another compute, one that people sign in to, or an identity that is not known."""
    outer = compute.get("properties") or {}
    if outer.get("computeType") != "AmlCompute":
        return None
    if (outer.get("properties") or {}).get("remoteLoginPortPublicAccess") == "Enabled":
        return None
    inner, scale = outer.get("properties") or {}, (outer.get("properties") or {}).get("scaleSettings") or {}
    found: dict[str, Any] = {
        "name": str(compute["id"]).rpartition("/")[2],
        "vmSize": inner.get("vmSize"),
        "minNodes": scale.get("minNodeCount"),
        "maxNodes": scale.get("maxNodeCount"),
        "idleSeconds": _seconds(str(scale.get("nodeIdleTimeBeforeScaleDown") or "")),
        "priority": inner.get("vmPriority"),
        "subnet": (inner.get("subnet") or {}).get("id"),
    }
    if inner.get("enableNodePublicIp") is False:
        found["publicIp"] = False
    identity = compute.get("identity") or {}
    users = {
        id_: str(user.get("principalId", "")) for id_, user in (identity.get("userAssignedIdentities") or {}).items()
    }
    if users and not all(users.values()):
        return None
    found["identities"] = users or None
    if identity.get("type") == "SystemAssigned":
        found["identity"] = "system"
    return {key: value for key, value in found.items() if value is not None}


def _seconds(text: str) -> int | None:
    """`PT5M` as 300; None for what is none."""
    found = _IDLE.fullmatch(text)
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds or None
