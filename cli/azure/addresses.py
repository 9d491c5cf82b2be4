"""Where Azure Resource Manager is, and what a path is of: its type decides on the version (`resourcetypes`)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from azmlflow.resourcetypes.table import version_of

HOST = "management.azure.com"
ENDPOINT = f"https://{HOST}"
TENANTS = "Microsoft.Resources/tenants"
SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"
PROVIDERS = "Microsoft.Resources/providers"
GROUPS = "Microsoft.Resources/resourceGroups"
LOCKS = "Microsoft.Authorization/locks"
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
DEFINITIONS = "Microsoft.Authorization/roleDefinitions"
# Which has a workspace's firewall (`networkAcls`): previews alone have it, and the latest not (azure-ai-ml 1.2x;
# Azure/bicep-types-az issue 2718).
WITH_FIREWALL = "2024-10-01-preview"

# Of what Azure's own list of types leaves out: whose version it is asked with.
_UNLISTED = {
    "microsoft.machinelearningservices/locations/deletedworkspaces": "Microsoft.MachineLearningServices/workspaces"
}


def type_of(path: str) -> str:
    """The type of the resource, or of the list, at a path.

    `/subscriptions/s/providers/Microsoft.KeyVault/deletedVaults` is `Microsoft.KeyVault/deletedVaults`.
    """
    words = path.strip("/").split("/")
    at = next((place for place in range(len(words) - 1, -1, -1) if words[place].lower() == "providers"), None)
    if at is not None:
        return "/".join((words[at + 1], *words[at + 2 :: 2]))
    return {1: f"Microsoft.Resources/{words[0]}", 2: SUBSCRIPTIONS}.get(len(words), GROUPS)


def url_of(path: str, params: Mapping[str, str] | None = None, action: str = "", version: str = "") -> str:
    """The URL of a resource, a list, or an action on a resource; with the version of its type, if no other is given."""
    type_ = type_of(path)
    version = version or version_of(_UNLISTED.get(type_.lower(), type_))
    query = urlencode({"api-version": version, **(params or {})})
    return f"{ENDPOINT}{path}{f'/{action}' if action else ''}?{query}"
