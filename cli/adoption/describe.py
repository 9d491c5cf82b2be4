"""The settings that describe a workspace which stands. Pure: from Azure's documents.

What the workspace stands on stays others', and so does its group: all of it is given by id. Whether the settings say
all that counts, the engine's preview tells; here is refused what they have no word for.

Source: Microsoft, "Workspaces - Get" (REST 2025-12-01). What stands in it: `members`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from azmlflow.infra.plan.changes import at

Document = Mapping[str, Any]
_GIVEN = {
    "storage": "storageAccount",
    "vault": "keyVault",
    "insights": "applicationInsights",
    "registry": "containerRegistry",
}
_KEY = re.compile(r"https://[^/]+/keys/(?P<name>[^/]+)/[^/]+")


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
    if network := network_of(workspace):
        found["network"] = network
        found["imageBuildCompute"] = properties.get("imageBuildCompute") or "none"
    if _is_encrypted(properties):
        service = {"serviceSide": True} if properties.get("enableServiceSideCMKEncryption") else {}
        vault = str(at(properties, "encryption.keyVaultProperties.keyVaultArmId"))
        found["encryption"] = {"keyVault": vault, "key": _key(properties), **service}
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
    network, closed = network_of(workspace), properties.get("publicNetworkAccess") == "Disabled"
    if network and not closed:
        yield f"it has a {network['mode']} network and is open to the internet; with azmlflow's it is closed"
    if network and not properties.get("containerRegistry"):
        yield (
            f"its network is {network['mode']}, and it has no container registry: Azure would make one at the first "
            "image, open to the internet; give it one of sku Premium"
        )
    if _is_encrypted(properties) and not at(properties, "encryption.identity.userAssignedIdentity"):
        yield "its system-assigned identity uses the key that encrypts it, and with azmlflow's a user-assigned one does"
    if _is_encrypted(properties) and _key(properties) is None:
        yield "the key that encrypts it is named without its version"
    if str(properties.get("systemDatastoresAuthMode", "")).lower() == "userdelegationsas":
        yield "its datastores are opened by user delegation SAS"


def network_of(workspace: Document) -> dict[str, Any] | None:
    """The setting `network` of a workspace; None where no mode tells that it is its own."""
    from azmlflow.infra.settings.network.modes.listed import MODES  # as the settings, once they are needed

    properties = workspace.get("properties") or {}
    found = ((each.name, each.described(properties)) for each in MODES.values())
    return next(({"mode": name, **said} for name, said in found if said is not None), None)


def _is_encrypted(properties: Document) -> bool:
    return bool(at(properties, "encryption.status") == "Enabled")


def _key(properties: Document) -> str | None:
    """The name of the key that encrypts a workspace; None where no version of it is named."""
    found = _KEY.fullmatch(str(at(properties, "encryption.keyVaultProperties.keyIdentifier")))
    return found["name"] if found else None
