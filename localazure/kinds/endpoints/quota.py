"""The cores that the deployments of a region may take of a VM family.

Source: Microsoft, "Manage and increase quotas", "Azure Machine Learning online endpoints": deployments draw on the same
cores as clusters do, here those of a fresh pay-as-you-go subscription (`work.quota`). Sizes with GPUs are not counted,
as there. Azure also keeps a fifth free for its upgrades, which is left out: it would take whole sizes of 24 cores.
"""

from __future__ import annotations

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import DEPLOYMENTS
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources import find
from azmlflow.localazure.work.quota import FAMILY_CORES, Size, named


def check(cloud: Cloud, id_: str, wanted: Document, region: str) -> Size:
    """Refuse a deployment for which there are no cores left; the size of its instances.

    Args:
        cloud: the embedded Azure.
        id_: the deployment's id.
        wanted: its document as it is to be.
        region: where it is.

    Raises:
        AzureError: 400, the size is none that is offered, or would take too much.
    """
    asked = wanted["properties"]["instanceType"]
    size = named(asked)
    if size is None:
        raise bad_request("BadArgument", f"The instance type '{asked}' is not supported.", target="instanceType")
    needed = wanted["sku"]["capacity"] * size.cores
    taken = sum(
        other["sku"]["capacity"] * its.cores
        for other in _others(cloud, id_, region)
        if (its := named(other["properties"]["instanceType"])) is not None and its.family == size.family
    )
    if size.family and taken + needed > FAMILY_CORES:
        raise bad_request(
            "OutOfQuota",
            f"Not enough quota available for {asked} in SubscriptionId {SUBSCRIPTION_ID}. Current usage/limit: "
            f"{taken}/{FAMILY_CORES}. Additional needed: {needed}. Please see troubleshooting guide, available here: "
            "https://aka.ms/oe-tsg#error-outofquota",
            target="instanceType",
        )
    return size


def _others(cloud: Cloud, id_: str, region: str) -> list[Document]:
    found = (find.resource(cloud, key) for key, _ in cloud.store.scan(DEPLOYMENTS) if key != id_.lower())
    return [each for each in found if each is not None and each["location"] == region]
