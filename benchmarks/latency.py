"""`up` and `down` against Azure's own seconds, by the latency profile `azure` at scale 1: what azmlflow adds to them.

About three and a half minutes, nearly all of them waiting. The ideals are computed:

    up      the longest chain of what stands: a resource's seconds of PUT, and before it the longest chain of what it
            depends on, as Pulumi's state tells the dependencies
    down    the workspace's purge, then the group's deletion, then the vault's purge: each needs the one before
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from azmlflow.localazure.core.latency import Latency, profile
from azmlflow.rbac import scopes
from tests.e2e.estate import Estate

BOUND = 1.15
_GROUPS = "Microsoft.Resources/resourceGroups"
_GONE = (
    "Microsoft.MachineLearningServices/workspaces",
    _GROUPS,
    "Microsoft.KeyVault/deletedVaults/purge",
)


def longest_chain(resources: Iterable[Mapping[str, Any]], latency: Latency) -> list[tuple[str, float]]:
    """The chain of a state's resources that takes longest: (ARM type, seconds of its PUT), the first to be made first.

    Args:
        resources: as `pulumi stack export` gives them.
        latency: the profile.
    """
    known = {entry["urn"]: entry for entry in resources}

    @functools.cache
    def chain(urn: str) -> tuple[tuple[str, float], ...]:
        entry = known[urn]
        before = max((chain(each) for each in entry.get("dependencies") or ()), key=_seconds, default=())
        if not entry.get("custom") or not str(entry.get("id", "")).startswith("/subscriptions/"):
            return before
        type_ = scopes.parse(entry["id"]).type or _GROUPS
        return (*before, (type_, latency.seconds("put", type_)))

    return list(max(map(chain, known), key=_seconds))


def _seconds(chain: Iterable[tuple[str, float]]) -> float:
    return sum(seconds for _, seconds in chain)


def timed(estate: Estate, *words: str) -> float:
    """Wall seconds of a command."""
    began = time.perf_counter()
    estate.azmlflow(*words)
    return time.perf_counter() - began


def show(title: str, seconds: float, steps: Iterable[tuple[str, float]]) -> str:
    """One line: how long it took, the ideal and how that is made up, the ratio."""
    steps = list(steps)
    ideal = _seconds(steps)
    told = " + ".join(f"{type_.rsplit('/', 1)[-1]} {each:.0f}" for type_, each in steps)
    return f"{title} {seconds:.1f} s / {ideal:.0f} s ({told}) = {seconds / ideal:.3f} (wanted: at most {BOUND})"


def report(estate: Estate) -> str:
    """Two lines, of an embedded Azure that is not started yet."""
    latency = profile("azure")
    estate.azmlflow("local", "start", "--latency", "azure")
    up = timed(estate, "up")
    (state,) = (estate.folder / ".azmlflow" / "backend").glob(".pulumi/stacks/*/local.json")
    resources = json.loads(state.read_text())["checkpoint"]["latest"]["resources"]
    down = timed(estate, "down", "--yes")
    gone = [(type_, latency.seconds("delete", type_)) for type_ in _GONE]
    return f"{show('up', up, longest_chain(resources, latency))}\n{show('down', down, gone)}"
