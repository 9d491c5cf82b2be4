from __future__ import annotations

from pathlib import Path

import pytest

from azmlflow.localazure.arm.due import apply_due
from azmlflow.localazure.cloud.operations import Operations
from azmlflow.localazure.core.clock import CountedIds, ManualClock
from azmlflow.localazure.core.latency import NONE, UnknownLatency, profile
from azmlflow.localazure.core.store import Store
from tests.localazure.control import BODIES, CHAIN, RG, STORAGE, VAULT, WORKSPACE, Azure


def test_profiles() -> None:
    azure = profile("azure")
    assert profile("none") is NONE
    assert azure.seconds("put", "Microsoft.MachineLearningServices/workspaces") == 35
    assert azure.seconds("delete", "Microsoft.Storage/storageAccounts") == azure.seconds("delete", "anything else")
    for name in ("fast", "azure:", "azure:0", "azure:1.5", "azure:60s", "none:60"):
        with pytest.raises(UnknownLatency, match="'none', 'azure', or 'azure:60'"):
            profile(name)


def test_a_profile_in_which_nothing_takes_longer_than_so_many_seconds() -> None:
    shorter = profile("azure:30")
    workspaces = "Microsoft.MachineLearningServices/workspaces"
    assert shorter.name == "azure:30"
    assert shorter.seconds("put", workspaces) == 30
    assert shorter.seconds("put", f"{workspaces}/provisionManagedNetwork") == 30
    assert shorter.seconds("put", "Microsoft.Storage/storageAccounts") == 20
    assert shorter.seconds("delete", "Microsoft.Resources/resourceGroups") == 30
    assert shorter.rbac_propagation == 20
    assert profile("azure:10").rbac_propagation == 10
    assert shorter.request_round_trip == profile("azure").request_round_trip == 0.05


def test_accepted_now_done_later(slow_azure: Azure) -> None:
    slow_azure.make(*CHAIN[:5])
    accepted = slow_azure.arm("PUT", WORKSPACE, BODIES[WORKSPACE])
    assert (accepted.status, accepted.body["properties"]["provisioningState"]) == (202, "Creating")
    assert int(accepted.headers["retry-after"]) > 0
    status = slow_azure.follow(accepted.headers["azure-asyncoperation"])
    assert (status.status, status.body["status"]) == (200, "InProgress")
    assert slow_azure.follow(accepted.headers["location"]).status == 202
    slow_azure.clock.advance(34)
    assert slow_azure.arm("GET", WORKSPACE).body["properties"]["provisioningState"] == "Creating"
    slow_azure.clock.advance(1)
    status = slow_azure.follow(accepted.headers["azure-asyncoperation"])
    assert (status.body["status"], status.body["percentComplete"]) == ("Succeeded", 100.0)
    outcome = slow_azure.follow(accepted.headers["location"])
    assert (outcome.status, outcome.body["id"]) == (200, WORKSPACE)
    assert outcome.body["properties"]["provisioningState"] == "Succeeded"


def test_without_latency_the_first_poll_says_succeeded(azure: Azure) -> None:
    azure.make(*CHAIN[:5])
    accepted = azure.arm("PUT", WORKSPACE, BODIES[WORKSPACE])
    assert (accepted.status, accepted.body["properties"]["provisioningState"]) == (202, "Creating")
    assert accepted.headers["retry-after"] == "0"
    assert azure.follow(accepted.headers["azure-asyncoperation"]).body["status"] == "Succeeded"


def test_a_second_write_meanwhile_is_a_conflict(slow_azure: Azure) -> None:
    slow_azure.make(*CHAIN[:5])
    slow_azure.arm("PUT", WORKSPACE, BODIES[WORKSPACE])
    for method in ("PUT", "PATCH", "DELETE"):
        refused = slow_azure.arm(method, WORKSPACE, None if method == "DELETE" else BODIES[WORKSPACE])
        assert (refused.status, refused.code) == (409, "AnotherOperationInProgress"), method


def test_a_vault_is_polled_by_its_own_state(slow_azure: Azure) -> None:
    slow_azure.make(RG)
    accepted = slow_azure.arm("PUT", VAULT, BODIES[VAULT])
    assert (accepted.status, accepted.body["properties"]["provisioningState"]) == (201, "RegisteringDns")
    assert "azure-asyncoperation" not in accepted.headers and "location" not in accepted.headers
    slow_azure.clock.advance(15)
    assert slow_azure.arm("GET", VAULT).body["properties"]["provisioningState"] == "Succeeded"


def test_deleting_a_group_takes_a_while_and_everything_inside(slow_azure: Azure) -> None:
    slow_azure.make(*CHAIN)
    accepted = slow_azure.arm("DELETE", RG)
    assert accepted.status == 202
    assert slow_azure.arm("GET", RG).body["properties"]["provisioningState"] == "Deleting"
    again = slow_azure.arm("DELETE", RG)
    assert (again.status, again.headers["location"]) == (202, accepted.headers["location"])
    late = slow_azure.arm("PUT", f"{RG}/providers/Microsoft.Storage/storageAccounts/late", BODIES[STORAGE])
    assert (late.status, late.code) == (409, "ResourceGroupBeingDeleted")
    assert slow_azure.arm("PUT", RG, BODIES[RG]).code == "ResourceGroupBeingDeleted"
    assert slow_azure.follow(accepted.headers["location"]).status == 202
    slow_azure.clock.advance(60)
    assert slow_azure.follow(accepted.headers["location"]).status == 200
    gone = slow_azure.arm("GET", WORKSPACE)
    assert (gone.status, gone.code) == (404, "ResourceGroupNotFound")
    assert list(slow_azure.cloud.store.scan("resources")) == []


def test_what_runs_inside_a_group_that_goes_is_canceled(slow_azure: Azure) -> None:
    slow_azure.make(*CHAIN[:5])
    slow_azure.arm("DELETE", RG)
    slow_azure.clock.advance(59)
    # Accepted just before: a write that is still running when the ground goes.
    slow_azure.cloud.operations.begin("put", "Microsoft.Storage/storageAccounts", STORAGE, key=STORAGE.lower())
    slow_azure.clock.advance(1)
    assert slow_azure.arm("GET", RG).status == 404
    statuses = {document["verb"]: document["status"] for _, document in slow_azure.cloud.store.scan("operations")}
    assert statuses["put"] == "Canceled"
    slow_azure.clock.advance(100)
    assert slow_azure.arm("GET", RG).status == 404


def test_an_operation_that_finds_nothing_to_finish_has_failed(azure: Azure) -> None:
    azure.make(RG)
    operation = azure.cloud.operations.begin("put", "Microsoft.Storage/storageAccounts", STORAGE, key=STORAGE.lower())
    place = f"{RG.split('/resourceGroups')[0]}/providers/Microsoft.Storage/locations/westeurope"
    status = azure.arm("GET", f"{place}/operationsStatus/{operation['id']}")
    assert (status.body["status"], status.body["error"]["code"]) == ("Failed", "ResourceNotFound")
    assert azure.arm("GET", f"{place}/operationResults/{operation['id']}").code == "ResourceNotFound"


def test_ended_operations_are_forgotten_after_a_day(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    old = [key for key, _ in azure.cloud.store.scan("operations")]
    azure.clock.advance(2 * 86400)
    azure.make(VAULT)
    assert not set(old) & {key for key, _ in azure.cloud.store.scan("operations")}


def test_soft_deleted_things_go_when_their_time_is_over(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    workspace_id = azure.arm("GET", WORKSPACE).body["properties"]["workspaceId"]
    azure.arm("DELETE", WORKSPACE)
    azure.wait()
    azure.clock.advance(13 * 86400)
    assert azure.arm("PUT", WORKSPACE, BODIES[WORKSPACE]).code == "BadRequest"
    azure.clock.advance(86400)
    assert azure.arm("PUT", WORKSPACE, BODIES[WORKSPACE]).status == 202
    assert azure.mlflow.forgotten == [workspace_id]


def _due_at(latency: str, path: Path, clock: ManualClock) -> tuple[Store, Operations]:
    store = Store(path)
    return store, Operations(store, clock, CountedIds(), profile(latency))


def test_what_another_process_began_is_due_all_the_same(tmp_path: Path) -> None:
    clock = ManualClock()
    ours, mine = _due_at("azure", tmp_path / "azure.db", clock)
    theirs, its = _due_at("azure", tmp_path / "azure.db", clock)
    assert not mine.is_anything_due()
    its.begin("put", "Microsoft.MachineLearningServices/workspaces", WORKSPACE, key=WORKSPACE.lower())
    assert not mine.is_anything_due()
    clock.advance(35)
    assert mine.is_anything_due()
    theirs.close()
    ours.close()
    # Nothing is remembered but what the file says: one that starts after a `kill -9` sees it too.
    store, again = _due_at("azure", tmp_path / "azure.db", clock)
    assert again.is_anything_due()
    store.close()


def test_what_was_rolled_back_is_never_due(azure: Azure) -> None:
    operations, store = azure.cloud.operations, azure.cloud.store
    with pytest.raises(RuntimeError), store.transaction():
        operations.begin("put", "Microsoft.Storage/storageAccounts", STORAGE, key=STORAGE.lower())
        assert operations.is_anything_due()
        raise RuntimeError
    assert not operations.is_anything_due()


def test_while_nothing_is_due_a_request_scans_nothing(azure: Azure) -> None:
    azure.make(RG, VAULT)
    azure.arm("DELETE", VAULT)
    apply_due(azure.cloud)
    asked: list[str] = []
    azure.cloud.store._db.set_trace_callback(asked.append)
    apply_due(azure.cloud)
    assert asked == ["PRAGMA data_version"]
    azure.clock.advance(90 * 86400)
    apply_due(azure.cloud)
    azure.cloud.store._db.set_trace_callback(None)
    assert len(asked) > 1
    assert list(azure.cloud.store.scan("deleted")) == []
