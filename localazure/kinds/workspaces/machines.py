"""The machines of computes: which sizes a region has, what of its quota stands, and whether there is room for one more.

Source: Microsoft, "Virtual Machine Sizes - List" and "Usages - List" (REST 2025-12-01).
"""

from __future__ import annotations

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import region
from azmlflow.localazure.resources.find import below
from azmlflow.localazure.resources.verbs import Extra
from azmlflow.localazure.work.quota import FAMILY_CORES, named, vm_sizes

_TYPE = "Microsoft.MachineLearningServices/workspaces/computes"


def size(inner: Document) -> str:
    """The size of the nodes, one that the region offers (every region here offers the same).

    Raises:
        AzureError: 400, in Azure's words (Azure/MachineLearningNotebooks issue 1169).
    """
    size, offered = inner.get("vmSize"), tuple(size["name"] for size in vm_sizes())
    if not isinstance(size, str) or size.upper() not in offered:
        raise AzureError(
            400,
            "InvalidPropertyValue",
            f"The specified value {size} for property Cluster.Properties.VMSize is not a supported VM size. See "
            "additional details for supported VM sizes.",
            target="vmSize",
            details=[{"code": "SupportedVMSizes", "message": ",".join(offered)}],
        )
    return size.upper()


def require_room(ask: Ask, name: str, place: str) -> None:
    """Refuse a machine that the quota of its family has no room for.

    Raises:
        AzureError: 400, in words that Azure gave (microsoft/InnerEye-DeepLearning issue 253); the code is inferred.
    """
    wanted = named(name)
    if wanted is None or not wanted.family:
        return
    taken = _taken(ask.cloud, f"/subscriptions/{ask.target.subscription}", place).get(wanted.family, 0)
    if taken + wanted.cores > FAMILY_CORES:
        raise AzureError(
            400,
            "ClusterCoreQuotaReached",
            f"The specified subscription has a {wanted.family} vCPU quota of {FAMILY_CORES}, of which {taken} are in "
            "use, and cannot accomodate for at least 1 requested compute training cluster and/or compute instance's "
            f"node which maps to {wanted.cores} vCPUs.",
        )


def _taken(cloud: Cloud, scope: str, place: str) -> dict[str, int]:
    """vCPUs of each family that stand in a region: those of clusters' nodes, and of instances, stopped ones too."""
    cores = {str(size["name"]): size["vCPUs"] for size in vm_sizes()}
    family = {str(size["name"]): str(size["family"]) for size in vm_sizes()}
    used: dict[str, int] = {}
    for found in below(cloud, scope):
        if found["type"].lower() == _TYPE.lower() and found["properties"]["computeLocation"] == place:
            inner = found["properties"]["properties"]
            nodes = inner.get("currentNodeCount", 1)
            name = family.get(inner["vmSize"])
            if name:
                used[name] = used.get(name, 0) + nodes * cores[inner["vmSize"]]
    return used


def _sizes(_ask: Ask) -> Answer:
    return Answer(200, {"value": list(vm_sizes())})


def _usages(ask: Ask) -> Answer:
    """What the clusters of a region may take of each family, in vCPUs, and what stands in it now (Microsoft, "Usages -
    List"). The limits are those of a fresh pay-as-you-go subscription: 24 vCPUs of a family, none of one with GPUs."""
    place = region(ask.target.path.split("/")[-2])
    used = _taken(ask.cloud, ask.target.scope, place)
    limits = {str(size["family"]): 0 if size["gpus"] else FAMILY_CORES for size in vm_sizes()}
    listed = [
        {
            "id": f"{ask.target.path}/{name}",
            "type": "Microsoft.MachineLearningServices/usages",
            "unit": "Count",
            "currentValue": used.get(name, 0),
            "limit": limit,
            "name": {"value": name, "localizedValue": f"{name} Cluster Dedicated vCPUs"},
        }
        for name, limit in limits.items()
    ]
    return Answer(200, {"value": listed})


EXTRAS = (
    Extra(
        "GET",
        "microsoft.machinelearningservices/locations/vmsizes",
        _sizes,
        "Microsoft.MachineLearningServices/locations/vmSizes/read",
        collection=True,
    ),
    Extra(
        "GET",
        "microsoft.machinelearningservices/locations/usages",
        _usages,
        "Microsoft.MachineLearningServices/locations/usages/read",
        collection=True,
    ),
)
