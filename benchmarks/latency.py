"""`up` and `down` against Azure's own seconds, by the latency profile `azure` at scale 1: what azmlflow adds to them.

About three and a half minutes, and two and a half for the locked-down stack, nearly all of them waiting. The ideals are
computed:

    up      the longest chain of what stands: a resource's seconds of PUT, and before it the longest chain of what it
            depends on, as Pulumi's state tells the dependencies. Between a managed network's workspace and its computes
            there is the building of the network, which is no resource; it takes half an hour on Azure and a minute
            here, which makes what azmlflow adds to the chain the larger part
    down    the workspace's purge, then the group's deletion, then the vault's purge: each needs the one before
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import yaml

from azmlflow.infra.settings.profiles import PROFILES
from azmlflow.localazure.core.latency import Latency, profile
from azmlflow.rbac import scopes
from tests.e2e.estate import Estate

BOUND = 1.15
_GROUPS = "Microsoft.Resources/resourceGroups"
_WORKSPACES = "Microsoft.MachineLearningServices/workspaces"
_NETWORK = f"{_WORKSPACES}/provisionManagedNetwork"
_LONGEST = 60  # seconds
_GONE = (
    _WORKSPACES,
    _GROUPS,
    "Microsoft.KeyVault/deletedVaults/purge",
)


def longest_chain(
    resources: Iterable[Mapping[str, Any]], latency: Latency, before: Mapping[str, str] = MappingProxyType({})
) -> list[tuple[str, float]]:
    """The chain of a state's resources that takes longest: (ARM type, seconds of its PUT), the first to be made first.

    Args:
        resources: as `pulumi stack export` gives them.
        latency: the profile.
        before: what Azure does between a type's resources and what they depend on, as a type of the profile.
    """
    known = {entry["urn"]: entry for entry in resources}

    @functools.cache
    def chain(urn: str) -> tuple[tuple[str, float], ...]:
        entry = known[urn]
        needed = max((chain(each) for each in entry.get("dependencies") or ()), key=_seconds, default=())
        if not entry.get("custom") or not str(entry.get("id", "")).startswith("/subscriptions/"):
            return needed
        type_ = scopes.parse(entry["id"]).type or _GROUPS
        steps = (before[type_], type_) if type_ in before else (type_,)
        return (*needed, *((each, latency.seconds("put", each)) for each in steps))

    return list(max(map(chain, known), key=_seconds))


def _seconds(chain: Iterable[tuple[str, float]]) -> float:
    return sum(seconds for _, seconds in chain)


def timed(estate: Estate, *words: str) -> float:
    """Wall seconds of a command."""
    began = time.perf_counter()
    estate.azmlflow(*words, within=600)
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
    resources = _resources(estate)
    down = timed(estate, "down", "--yes")
    gone = [(type_, latency.seconds("delete", type_)) for type_ in _GONE]
    return f"{show('up', up, longest_chain(resources, latency))}\n{show('down', down, gone)}"


def locked(estate: Estate) -> str:
    """One line: `up` of the profile locked-down, of an embedded Azure that is not started yet."""
    name = f"azure:{_LONGEST}"
    latency = profile(name)
    path = estate.folder / "Pulumi.local.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["config"] |= {f"azmlflow:{key}": value for key, value in PROFILES["locked-down"].items()}
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    estate.azmlflow("local", "start", "--latency", name)
    up = timed(estate, "up")
    chain = longest_chain(_resources(estate), latency, {f"{_WORKSPACES}/computes": _NETWORK})
    assert any(type_ == _NETWORK for type_, _ in chain), chain
    return show("locked-down up", up, chain)


def _resources(estate: Estate) -> list[dict[str, Any]]:
    (state,) = (estate.folder / ".azmlflow" / "backend").glob(".pulumi/stacks/*/local.json")
    resources: list[dict[str, Any]] = json.loads(state.read_text())["checkpoint"]["latest"]["resources"]
    return resources
