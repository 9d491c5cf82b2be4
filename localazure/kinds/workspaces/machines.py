"""The machines of computes: which sizes a region has, what of its quota stands, whether there is room for one more, and
which subnet they may stand in.

Source: Microsoft, "Virtual Machine Sizes - List" and "Usages - List" (REST 2025-12-01); "Secure an Azure Machine
Learning training environment" (the subnet is of the workspace's region, with an address for each node).
"""

from __future__ import annotations

from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.networks import private_endpoints, subnets
from azmlflow.localazure.kinds.networks.addresses import room
from azmlflow.localazure.kinds.networks.references import linked_id, referenced
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import region
from azmlflow.localazure.resources.find import below, resource
from azmlflow.localazure.resources.verbs import Extra
from azmlflow.localazure.work.quota import FAMILY_CORES, named, vm_sizes

_TYPE = "Microsoft.MachineLearningServices/workspaces/computes"
_DEPLOYMENT = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments"


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


def require_subnet(ask: Ask, given: Any, place: str, nodes: int) -> None:
    """Refuse a subnet that a compute cannot stand in.

    Args:
        ask: the request.
        given: the member `subnet` of the compute; None for none.
        place: the compute's region.
        nodes: how many nodes it may have.

    Raises:
        AzureError: 400, it is not there or in another region, a service's own, or has no room for them. Inferred: the
            codes and words of the last two.
    """
    if given is None:
        return
    id_ = linked_id("subnet", given, subnets.TYPE)
    subnet = referenced(ask, id_, place)
    if subnets.is_delegated(subnet):
        raise _unfit(f"{id_} is delegated to another service.")
    has = sum(room(each) for each in subnets.prefixes(subnet))
    others = [each for each in subnets.users(ask.cloud, id_) if each.lower() != ask.target.id.lower()]
    taken = sum(_addresses(ask.cloud, each) for each in others)
    if taken + nodes > has:
        raise _unfit(f"{id_} has {has - taken} addresses left, and {nodes} are needed.")


def _unfit(what: str) -> AzureError:
    return bad_request("BadRequest", f"The subnet {what}", target="subnet")


def _addresses(cloud: Cloud, id_: str) -> int:
    """How many addresses of a subnet something in it takes: a cluster one for each node that it may have."""
    found = resource(cloud, id_) or {}
    if found.get("type") == private_endpoints.TYPE:
        return len({each for named in found["properties"]["customDnsConfigs"] for each in named["ipAddresses"]})
    inner = found.get("properties", {}).get("properties") or {}
    return int((inner.get("scaleSettings") or {}).get("maxNodeCount", 1))


def _taken(cloud: Cloud, scope: str, place: str) -> dict[str, int]:
    """vCPUs of each family that stand in a region: those of clusters' nodes, of instances, stopped ones too, and of
    online endpoints' deployments."""
    sizes, used = {str(size["name"]): size for size in vm_sizes()}, dict[str, int]()
    for found in below(cloud, scope):
        if found["type"].lower() == _TYPE.lower() and found["properties"]["computeLocation"] == place:
            inner = found["properties"]["properties"]
            name, count = inner["vmSize"], inner.get("currentNodeCount", 1)
        elif found["type"].lower() == _DEPLOYMENT.lower() and found["location"] == place:
            name, count = found["properties"]["instanceType"], found["sku"]["capacity"]
        else:
            continue
        if size := sizes.get(str(name).upper()):
            used[size["family"]] = used.get(size["family"], 0) + count * size["vCPUs"]
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
