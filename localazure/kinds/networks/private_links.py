"""What a private endpoint may lead to: for each type its groups, and the host names that each is reached by.

Source: Microsoft, "Azure Private Endpoint private DNS zone values", "What is a private endpoint?"; for a workspace's
names and addresses "How to use your workspace with a custom DNS server".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document

# The host names of one address each.
Addresses = tuple[tuple[str, ...], ...]
_Names = Callable[[Document], Addresses]


def _host(suffix: str) -> _Names:
    return lambda target: ((f"{target['name'].lower()}.{suffix}",),)


def _registry(target: Document) -> Addresses:
    name, region = target["name"].lower(), target["location"]
    return (f"{name}.{region}.data.azurecr.io",), (f"{name}.azurecr.io",)


def _workspace(target: Document) -> Addresses:
    guid, region = target["properties"]["workspaceId"], target["location"]
    api = f"{guid}.workspace.{region}"
    return (
        (f"{api}.api.azureml.ms", f"{api}.cert.api.azureml.ms"),
        (target["properties"]["notebookInfo"]["fqdn"],),
        (f"*.{guid}.inference.{region}.api.azureml.ms",),
    )


GROUPS: Mapping[str, Mapping[str, _Names]] = {
    "Microsoft.Storage/storageAccounts": {
        each: _host(f"{each}.core.windows.net") for each in ("blob", "file", "queue", "table", "dfs", "web")
    },
    "Microsoft.KeyVault/vaults": {"vault": _host("vault.azure.net")},
    "Microsoft.ContainerRegistry/registries": {"registry": _registry},
    "Microsoft.MachineLearningServices/workspaces": {"amlworkspace": _workspace},
}


def addresses(target: Document, group: str) -> Addresses:
    """The host names of each address that an endpoint to a group of a resource takes.

    Raises:
        AzureError: 400, the resource has no such group, or takes no endpoints.
    """
    groups = GROUPS.get(target["type"])
    if groups is None:
        raise bad_request(
            "PrivateLinkNotSupported",  # inferred
            f"Private endpoints to resources of type {target['type']} are not supported: {target['id']}.",
        )
    if group not in groups:
        raise bad_request(
            "InvalidValuesForRequestParameters",
            f"Call to {target['type']} failed. Error message: Values for request parameters are invalid: "
            f"GroupId: {group}.",
        )
    if target["type"] == "Microsoft.ContainerRegistry/registries" and target["sku"]["name"] != "Premium":
        raise bad_request(
            "FeatureNotSupportedForSku",  # inferred
            f"Call to {target['type']} failed. Error message: Private endpoints need a registry of the SKU Premium; "
            f"{target['name']} is {target['sku']['name']}.",
        )
    return groups[group](target)
