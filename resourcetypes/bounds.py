"""Azure's bounds on names and numbers, which the settings, the components and the embedded Azure all check.

Sources: Microsoft, "Naming rules and restrictions for Azure resources"
(https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules); for workspaces and computes
the patterns of Azure Machine Learning's REST specification; for nodes "Manage and increase quotas and limits for
resources with Azure Machine Learning" (https://learn.microsoft.com/azure/machine-learning/how-to-manage-quotas).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_NETWORK = r"[a-zA-Z0-9](?:[a-zA-Z0-9_.-]{0,78}[a-zA-Z0-9_])?"
_LABEL = r"[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?"
# Type -> what the whole name must match, letters and digits being ASCII's but for resource groups.
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "Microsoft.Resources/resourceGroups": r"[\w().-]{0,89}[\w()-]",
        "Microsoft.Storage/storageAccounts": r"[a-z0-9]{3,24}",
        "Microsoft.KeyVault/vaults": r"(?!.*--)[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]",
        "Microsoft.KeyVault/vaults/keys": r"[a-zA-Z0-9-]{1,127}",
        "Microsoft.OperationalInsights/workspaces": r"[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]",
        "Microsoft.Insights/components": r"[^%&\\?/\x00-\x1f]{0,259}[^%&\\?/\x00-\x1f. ]",
        "Microsoft.MachineLearningServices/workspaces": r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}",
        "Microsoft.MachineLearningServices/workspaces/computes": (
            r"[a-zA-Z](?![a-zA-Z0-9-]*-[0-9]+\Z)[a-zA-Z0-9-]{2,23}"
        ),
        # No hyphen, as in Microsoft's own examples until Azure refused them (MicrosoftDocs/azure-docs issue 110869).
        "Microsoft.MachineLearningServices/workspaces/datastores": r"[a-zA-Z0-9_]{1,255}",
        # Microsoft, "Naming rules and restrictions for Azure resources", Microsoft.Resources.
        "Microsoft.Resources/deployments": r"[a-zA-Z0-9_.()-]{1,64}",
        # Microsoft, "Manage and increase quotas", "Azure Machine Learning online endpoints": 3 to 32 characters.
        "Microsoft.MachineLearningServices/workspaces/onlineEndpoints": (
            r"(?!.*--)[a-zA-Z][a-zA-Z0-9-]{1,30}[a-zA-Z0-9]"
        ),
        "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments": (
            r"(?!.*--)[a-zA-Z][a-zA-Z0-9-]{1,30}[a-zA-Z0-9]"
        ),
        # Azure/azure-rest-api-specs, Managed Network Settings Rule, 2024-04-01 to 2026-05-01; azure-ai-ml sends any.
        "Microsoft.MachineLearningServices/workspaces/outboundRules": r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}",
        "Microsoft.Network/virtualNetworks": r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9_]",
        "Microsoft.Network/virtualNetworks/subnets": _NETWORK,
        "Microsoft.Network/networkSecurityGroups": _NETWORK,
        "Microsoft.Network/privateEndpoints": r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9_]",
        "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": _NETWORK,
        # Microsoft, "Private DNS FAQ": 2 to 34 labels of at most 63 characters each.
        "Microsoft.Network/privateDnsZones": rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL}){{1,33}}",
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks": _NETWORK,
        "Microsoft.Network/privateDnsZones/A": rf"@|\*|(?:\*\.)?{_LABEL}(?:\.{_LABEL}){{0,33}}",
        "Microsoft.ContainerRegistry/registries": r"[a-zA-Z0-9]{5,50}",
        "Microsoft.ManagedIdentity/userAssignedIdentities": r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}",
        "Microsoft.Insights/diagnosticSettings": r"[^<>*#.%&:\\?+/]{1,260}",
        "Microsoft.Consumption/budgets": r"[a-zA-Z0-9_-]{1,63}",
    }
)

# Of a cluster whose nodes need not talk to each other: "100 nodes but configurable up to 65,000 nodes". The 100 are a
# quota, which each subscription has raised or not.
MOST_NODES = 65_000
# The datastores that Azure makes with each workspace (Microsoft, "Data administration").
AZURES_DATASTORES = (
    "workspaceblobstore", "workspaceartifactstore", "workspacefilestore", "workspaceworkingdirectory",
)  # fmt: skip
# A host's name, or all below one (RFC 1035), as outbound rules of a managed network take it.
FQDN = r"(?=.{1,255}$)(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])"
# Of online endpoints (the page on quotas; "CLI (v2) online endpoint YAML schema", `mirror_traffic`).
MOST_DEPLOYMENTS, MOST_INSTANCES, MOST_MIRRORED = 20, 50, 50
# Azure Machine Learning's rule for the names of registered models (Microsoft, "Model Containers"); MLflow itself would
# take more. "The version of a registered model must be a positive integer" (Azure/azureml-examples, issue 2725), as in
# MLflow and in SDK v1, where it is a number; MLflow's database keeps 32 bits.
MODEL, MODEL_VERSION = r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}", r"[1-9][0-9]{0,8}"
# The name of a virtual machine's size, in any case.
VM_SIZE = r"(Standard|Basic)_[A-Za-z0-9_-]+"
_IN_GROUP = "/subscriptions/[^/]+/resourceGroups/[^/]+/providers/"
# ARM ids, in any case.
IDENTITY_ID = f"{_IN_GROUP}Microsoft.ManagedIdentity/userAssignedIdentities/[^/]+"
SUBNET_ID = f"{_IN_GROUP}Microsoft.Network/virtualNetworks/[^/]+/subnets/[^/]+"
# Of the addresses that firewalls let in. A workspace takes 200 (Microsoft, "Configure a private endpoint for an Azure
# Machine Learning workspace"), a registry 100 ("Configure public IP network rules"), storage no range smaller than a
# /30 (hashicorp/terraform-provider-azurerm pull 7660), none of them what is not of the internet (private; RFC 6890).
MOST_WORKSPACE_IPS, MOST_ALLOWED_IPS, SMALLEST_ALLOWED_RANGE = 200, 100, 30
NOT_INTERNET = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
    "224.0.0.0/4", "240.0.0.0/4",
)  # fmt: skip
# Of compute instances (Microsoft, "Create an Azure Machine Learning compute instance"), in minutes.
SHORTEST_IDLE, LONGEST_IDLE = 15, 3 * 24 * 60
MOST_SCHEDULES = 4
# Of a recurrence, every how many hours, days, weeks; Azure publishes none, this is ours.
LONGEST_INTERVAL = 1000
_CRON_FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
# Days that a Log Analytics workspace keeps logs (Microsoft, "Manage data retention in a Log Analytics workspace": 30,
# of which fewer than 31 are no cheaper, to two years).
LOG_DAYS, MOST_LOG_DAYS = 30, 730


def is_cron(expression: str) -> bool:
    """Whether a text is a cron expression as schedules take it (the same page): five fields, each a star or a list of
    numbers and ranges of the field's."""
    fields = expression.split()
    return len(fields) == len(_CRON_FIELDS) and all(map(_is_field, fields, _CRON_FIELDS))


def _is_field(field: str, bounds: tuple[int, int]) -> bool:
    if field == "*":
        return True
    for part in field.split(","):
        ends = part.split("-")
        if len(ends) > 2 or not all(end.isascii() and end.isdecimal() for end in ends):
            return False
        numbers = [int(end) for end in ends]
        if not bounds[0] <= numbers[0] <= numbers[-1] <= bounds[1]:
            return False
    return True
