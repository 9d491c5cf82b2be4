"""The cores that the clusters of a region may take of a VM family, and which node a low-priority cluster loses first.

Source: Microsoft, "Manage and increase quotas for resources with Azure Machine Learning" and "Low-priority VMs": Azure
takes a low-priority node away when it needs the capacity, the job on it is queued again and starts from its beginning.
Here the capacity of a region is what a fresh pay-as-you-go subscription may have of a family, 24 vCPUs: a dedicated job
that waits for cores takes them from low-priority nodes of the same region and family. Sizes with GPUs, of which such a
subscription may have none, and sizes that the list does not have are not counted: without a GPU here, a job on one
would wait for ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from azmlflow.localazure.core.store import Document
from azmlflow.localazure.work.nodes import Scale

FAMILY_CORES = 24
_SIZES = Path(__file__).parent.parent / "data" / "vm-sizes.json"


@dataclass(frozen=True)
class Size:
    """A VM size.

    Attributes:
        family: whose quota it counts for; empty if for none.
        cores: vCPUs.
        memory: bytes.
        disk: bytes of its temporary disk.
    """

    family: str
    cores: int
    memory: int
    disk: int


@cache
def vm_sizes() -> tuple[Document, ...]:
    """The sizes that clusters can have, as Azure lists them: those of the series that Microsoft's "What are compute
    targets", "Supported VM series and sizes", names, with the figures of their own pages."""
    return tuple(json.loads(_SIZES.read_text(encoding="utf-8")))


@cache
def _sizes() -> dict[str, Size]:
    return {
        size["name"].upper(): Size(
            "" if size["gpus"] else size["family"],
            size["vCPUs"],
            int(size["memoryGB"] * 1024**3),
            size["maxResourceVolumeMB"] * 1024**2,
        )
        for size in vm_sizes()
    }


def size_of(compute: Document) -> Size | None:
    """The size of a cluster's nodes, or None for one that the list does not have."""
    return named(compute["properties"]["properties"]["vmSize"])


def named(name: object) -> Size | None:
    """The size of a name in any case, or None for one that the list does not have."""
    return _sizes().get(str(name).upper())


def is_low_priority(compute: Document) -> bool:
    """Whether the cluster's nodes may be taken away."""
    return bool(compute["properties"]["properties"]["vmPriority"] == "LowPriority")


def shares(one: Document, other: Document) -> bool:
    """Whether two clusters draw on one quota."""
    mine, its = size_of(one), size_of(other)
    same_region = one["properties"]["computeLocation"] == other["properties"]["computeLocation"]
    return bool(mine and its and mine.family and mine.family == its.family and same_region)


def sound(cluster: tuple[str, Document]) -> tuple[str, Document]:
    """A cluster, by its key, that the runner can deal with.

    Raises:
        Exception: one of `cloud.skipped.FAULTS`, its document is not what a compute's is.
    """
    _, compute = cluster
    Scale.of(compute)
    shares(compute, compute)
    is_low_priority(compute)
    return cluster


def room(compute: Document, standing: Iterable[tuple[Document, int]]) -> int | None:
    """How many nodes more a cluster may have; None: as many as it likes.

    Args:
        compute: the cluster's document.
        standing: every cluster's document and how many nodes it has.
    """
    size = size_of(compute)
    if size is None or not size.family:
        return None
    taken = sum(
        count * found.cores for other, count in standing if shares(compute, other) and (found := size_of(other))
    )
    return max(0, (FAMILY_CORES - taken) // size.cores)
