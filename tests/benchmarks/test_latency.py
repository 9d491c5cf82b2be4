"""The ideal of `up`: the longest chain through what a state says depends on what."""

from __future__ import annotations

from typing import Any

from benchmarks.latency import longest_chain, show

from azmlflow.localazure.core.latency import profile

GROUP = "/subscriptions/10ca1000-0000-4000-8000-000000000002/resourceGroups/rg"


def entry(name: str, type_: str, *needs: str) -> dict[str, Any]:
    id_ = f"{GROUP}/providers/{type_}/x" if type_ else GROUP
    return {"urn": name, "custom": True, "id": id_, "dependencies": list(needs)}


def test_the_longest_chain_counts_each_resource_once_and_components_not_at_all() -> None:
    resources = [
        {"urn": "stack", "custom": False},
        {"urn": "provider", "custom": True, "id": "9a1f"},
        entry("group", "", "stack"),
        entry("storage", "Microsoft.Storage/storageAccounts", "group"),
        entry("logs", "Microsoft.OperationalInsights/workspaces", "group"),
        entry("insights", "Microsoft.Insights/components", "group", "logs"),
        entry("workspace", "Microsoft.MachineLearningServices/workspaces", "storage", "insights", "group", "provider"),
    ]
    chain = longest_chain(resources, profile("azure"))
    assert [seconds for _, seconds in chain] == [2, 25, 5, 35]
    assert show("up", 73.7, chain) == (
        "up 73.7 s / 67 s (resourceGroups 2 + workspaces 25 + components 5 + workspaces 35) = 1.100 "
        "(wanted: at most 1.15)"
    )


def test_what_azure_does_between_two_resources_is_in_the_chain() -> None:
    workspaces = "Microsoft.MachineLearningServices/workspaces"
    compute = {**entry("cpu", workspaces, "workspace"), "id": f"{GROUP}/providers/{workspaces}/x/computes/cpu"}
    resources = [entry("workspace", workspaces), compute]
    chain = longest_chain(
        resources, profile("azure:60"), {f"{workspaces}/computes": f"{workspaces}/provisionManagedNetwork"}
    )
    assert [seconds for _, seconds in chain] == [35, 60, 12]
