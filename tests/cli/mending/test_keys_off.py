"""A storage account's keys are refused last, after its workspace has stopped to use them."""

from __future__ import annotations

from azmlflow.cli.mending import keys_off
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.infra.settings.settings import Settings
from tests.cli.desk import GROUP_ID, WORKSPACE_ID

STORAGE = "azure-native:storage:StorageAccount"
ML = "azure-native:machinelearningservices:Workspace"
IDENTITY = Settings.from_mapping({"azmlflow:storageAuth": "identity"})


def state(mode: str) -> State:
    account = Resource("urn:account", STORAGE, f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/st")
    return State((account, Resource("urn:workspace", ML, WORKSPACE_ID, {"systemDatastoresAuthMode": mode})))


def test_the_account_of_a_workspace_that_uses_keys_comes_last() -> None:
    assert keys_off.last(state("AccessKey"), IDENTITY) == ("urn:account",)


def test_all_else_is_in_the_engines_order() -> None:
    assert keys_off.last(state("Identity"), IDENTITY) == ()
    assert keys_off.last(state("AccessKey"), Settings.from_mapping({})) == ()
    assert keys_off.last(State(), IDENTITY) == ()


def test_only_a_workspace_of_ours_tells_and_only_an_account_of_ours_waits() -> None:
    given = Resource("urn:given", STORAGE, "/given", external=True)
    another = Resource("urn:another", ML, f"{WORKSPACE_ID}2", {"systemDatastoresAuthMode": "Identity"})
    stand = state("AccessKey").resources
    assert keys_off.last(State((given, another, *stand)), IDENTITY) == ("urn:account",)
    foreign = Resource("urn:foreign", ML, WORKSPACE_ID, {"systemDatastoresAuthMode": "AccessKey"}, external=True)
    other = Resource("urn:other", "azure-native:search:Service", "/o", {"systemDatastoresAuthMode": "AccessKey"})
    assert keys_off.last(State((stand[0], foreign, other)), IDENTITY) == ()
