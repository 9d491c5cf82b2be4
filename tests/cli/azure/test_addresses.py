"""Which API version a path is asked with: by hand, from what the path is of."""

from __future__ import annotations

import pytest

from azmlflow.cli.azure.addresses import type_of, url_of
from azmlflow.resourcetypes.table import UnknownType

SUBSCRIPTION = "/subscriptions/00000000-0000-4000-8000-00000000000a"
GROUP = f"{SUBSCRIPTION}/resourceGroups/providers"  # a group may be called so
ML = "providers/Microsoft.MachineLearningServices"


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("/tenants", "Microsoft.Resources/tenants"),
        (SUBSCRIPTION, "Microsoft.Resources/subscriptions"),
        (f"{SUBSCRIPTION}/resourceGroups/rg", "Microsoft.Resources/resourceGroups"),
        (f"{GROUP}/{ML}/workspaces/ws", "Microsoft.MachineLearningServices/workspaces"),
        (f"{GROUP}/{ML}/workspaces/ws/jobs", "Microsoft.MachineLearningServices/workspaces/jobs"),
        (f"{GROUP}/{ML}/workspaces/ws/jobs/j", "Microsoft.MachineLearningServices/workspaces/jobs"),
        (f"{SUBSCRIPTION}/{ML}/workspaces", "Microsoft.MachineLearningServices/workspaces"),
        (f"{SUBSCRIPTION}/{ML}/locations/we/vmSizes", "Microsoft.MachineLearningServices/locations/vmSizes"),
        (
            f"{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/we/deletedVaults/kv",
            "Microsoft.KeyVault/locations/deletedVaults",
        ),
        (
            f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st/blobServices/default/containers",
            "Microsoft.Storage/storageAccounts/blobServices/containers",
        ),
        (
            f"{GROUP}/{ML}/workspaces/ws/providers/Microsoft.Authorization/roleAssignments/a",
            "Microsoft.Authorization/roleAssignments",
        ),
        (f"{GROUP}/{ML}/workspaces/ws/providers/microsoft.insights/metrics", "microsoft.insights/metrics"),
    ],
)
def test_a_path_tells_its_type(path: str, type_: str) -> None:
    assert type_of(path) == type_


def test_an_action_is_asked_with_the_version_of_what_it_is_done_to() -> None:
    job = f"{GROUP}/{ML}/workspaces/ws/jobs/j"
    assert url_of(job, action="cancel") == f"https://management.azure.com{job}/cancel?api-version=2025-12-01"


def test_what_azures_list_of_types_leaves_out_is_asked_with_a_version_that_it_has() -> None:
    path = f"{SUBSCRIPTION}/{ML}/locations/westeurope/deletedWorkspaces"
    assert url_of(path) == f"https://management.azure.com{path}?api-version=2025-12-01"


def test_a_type_that_nobody_asks_for_has_no_version() -> None:
    with pytest.raises(UnknownType):
        url_of(f"{GROUP}/providers/Foo.Bar/things/x")
