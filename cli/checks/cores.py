"""Which sizes of machines a region offers, and how many vCPUs of their families are free.

Clusters, instances and online endpoints draw on the same (Microsoft, "Manage and increase quotas").
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from azmlflow.cli.azure.resource_manager import ResourceManager

Sizes = Mapping[str, Mapping[str, Any]]
QUOTA_PAGE = "https://ml.azure.com/quota"
_ML = "Microsoft.MachineLearningServices"


def sizes(arm: ResourceManager, subscription: str, location: str) -> Sizes:
    """The sizes of a region, by name in lower case; empty if Azure does not tell."""
    listed = arm.list(f"{_place(subscription, location)}/vmSizes", ids=False)
    return {str(each["name"]).lower(): each for each in listed}


def usages(arm: ResourceManager, subscription: str, location: str) -> Mapping[str, Mapping[str, Any]]:
    """What of each family may be taken in a region, and what is, by its plain name; empty if Azure does not tell."""
    listed = arm.list(f"{_place(subscription, location)}/usages", ids=False)
    return {_plain(each["name"]["value"]): each for each in listed}


def of_families(offered: Sizes, wanted: Iterable[tuple[str, int]]) -> Mapping[str, int]:
    """The vCPUs of each family that machines take.

    Args:
        offered: the sizes of the region; others are left out.
        wanted: sizes, and how many of each.
    """
    found: dict[str, int] = {}
    for name, count in wanted:
        size = offered.get(name.lower())
        if size is not None:
            family = str(size["family"])
            found[family] = found.get(family, 0) + count * int(size["vCPUs"])
    return found


def free(told: Mapping[str, Mapping[str, Any]], family: str, *, taken: bool = True) -> int | None:
    """How many vCPUs of a family may still be taken, or be taken at all; None if Azure does not tell."""
    usage = told.get(_plain(family))
    return None if usage is None else int(usage["limit"]) - (int(usage["currentValue"]) if taken else 0)


def lacking(arm: ResourceManager, subscription: str, location: str, wanted: Iterable[tuple[str, int]]) -> list[str]:
    """What stands in the way of more machines, for people; nothing where Azure does not tell sizes or quotas.

    Args:
        arm: asks.
        subscription, location: where.
        wanted: sizes, and how many more of each.
    """
    given = [(name, count) for name, count in wanted if count > 0]
    offered = sizes(arm, subscription, location) if given else {}
    if not offered:
        return []
    told = [f"{location} offers no {name}{near(offered, name)}" for name, _ in given if name.lower() not in offered]
    there = usages(arm, subscription, location)
    for family, cores in of_families(offered, given).items():
        left = free(there, family)
        if left is not None and cores > left:
            told.append(f"{family}: {cores} more vCPUs are needed, and {left} are free ({QUOTA_PAGE})")
    return list(dict.fromkeys(told))


def near(offered: Sizes, name: str) -> str:
    """The nearest size that there is, as a question; empty if none is near."""
    found = difflib.get_close_matches(name.lower(), offered, n=1, cutoff=0.6)
    return f"; did you mean {offered[found[0]]['name']}?" if found else ""


def _place(subscription: str, location: str) -> str:
    return f"/subscriptions/{subscription}/providers/{_ML}/locations/{location}"


def _plain(text: object) -> str:
    """A family's name without what differs between Azure's spellings of it."""
    return "".join(letter for letter in str(text).lower() if letter.isalnum())
