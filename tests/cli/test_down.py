"""`down`: plan, confirmation, order of the steps, residue, interruption; nothing of others is touched."""

from __future__ import annotations

import json

import pytest

from azmlflow.cli import teardown
from azmlflow.cli.arm import ArmError
from azmlflow.cli.deployment import Resource
from azmlflow.cli.errors import Interrupted
from azmlflow.cli.hold import hold
from azmlflow.infra.identifiers import Place
from azmlflow.infra.settings import Settings
from azmlflow.infra.tags import ownership
from tests.cli.desk import GROUP, GROUP_ID, OUTPUTS, SUBSCRIPTION, WORKSPACE, WORKSPACE_ID, Desk

NAMES = Settings.from_mapping({"azmlflow:cloud": "local"}).names("local", SUBSCRIPTION)
PLACE = Place(SUBSCRIPTION, GROUP, WORKSPACE)
VAULT_ID = f"{GROUP_ID}/providers/Microsoft.KeyVault/vaults/{NAMES.key_vault}"
DELETED_VAULT = (
    f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/{NAMES.key_vault}"
)
DELETED_WORKSPACE = (
    f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices/locations/westeurope"
    f"/deletedWorkspaces/{WORKSPACE}"
)
ASSIGNMENT = f"{WORKSPACE_ID}/providers/Microsoft.Authorization/roleAssignments/a1"
THEIRS = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/theirs"


@pytest.fixture
def standing(desk: Desk) -> Desk:
    """A stack that stands, with everything that it leaves in Azure, and one assignment of somebody else."""
    assert (NAMES.resource_group, NAMES.workspace) == (GROUP, WORKSPACE)
    desk.settings()
    desk.stand(
        Resource("urn::group", "azure-native:resources:ResourceGroup", GROUP_ID),
        Resource("urn::vault", "azure-native:keyvault:Vault", VAULT_ID),
    )
    desk.arm.put(GROUP_ID, tags=ownership("azmlflow", "local"))
    desk.arm.put(WORKSPACE_ID)
    desk.arm.put(DELETED_VAULT, properties={"vaultId": VAULT_ID})
    desk.arm.put(PLACE.role_definition_id("tracker"))
    desk.arm.put(
        ASSIGNMENT, properties={"scope": WORKSPACE_ID, "roleDefinitionId": PLACE.role_definition_id("tracker")}
    )
    desk.arm.put(THEIRS, properties={"scope": f"{GROUP_ID}2", "roleDefinitionId": "/x/roleDefinitions/owner"})
    desk.run("config")
    real = desk.stack.destroy

    def destroy(on_change: object = None) -> object:
        desk.arm.calls.append("destroy")
        desk.arm.documents.pop(GROUP_ID.lower(), None)
        return real()

    desk.stack.destroy = destroy  # type: ignore[method-assign, assignment]
    return desk


def test_everything_goes_in_azures_order_and_nothing_else(standing: Desk) -> None:
    done = standing.run("down", "--yes", "--output", "json")
    assert done.code == 0
    assert done.json()["left"] == []
    assert standing.arm.calls == [
        f"DELETE {WORKSPACE_ID}?forceToPurge=true",
        "destroy",
        f"POST {DELETED_VAULT}/purge",
        f"DELETE {ASSIGNMENT}",
        f"DELETE {PLACE.role_definition_id('tracker')}",
    ]
    assert standing.stack.calls == ["destroy", "remove"]
    assert list(standing.arm.documents) == [THEIRS.lower()]
    assert not (standing.root / ".azureml").exists()
    assert (standing.root / "Pulumi.local.yaml").exists()


def test_the_plan_says_what_goes(standing: Desk) -> None:
    err = standing.run("down", "--yes").err
    for text in (f"workspace {WORKSPACE} (stands)", f"ResourceGroup {GROUP}", NAMES.key_vault, "config.json", "kept:"):
        assert text in err


def test_nobody_to_ask_and_no_yes_removes_nothing(standing: Desk) -> None:
    done = standing.run("down")
    assert done.code == 1
    assert "next: azmlflow down --yes" in done.err
    assert standing.arm.calls == []
    assert standing.stack.calls == []


@pytest.mark.parametrize(("typed", "code"), [("local", 0), ("prod", 1), ("", 1)])
def test_the_stacks_name_must_be_typed(standing: Desk, monkeypatch: pytest.MonkeyPatch, typed: str, code: int) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *_, **__: typed)
    assert standing.run("down").code == code
    assert bool(standing.stack.calls) is (code == 0)


def test_down_again_says_that_nothing_stands(standing: Desk) -> None:
    assert standing.run("down", "--yes").code == 0
    standing.stack.calls.clear()
    done = standing.run("down", "--yes")
    assert (done.code, done.out) == (0, "nothing stands on stack local\n")
    assert standing.stack.calls == []


def test_down_where_nothing_ever_was(desk: Desk) -> None:
    done = desk.run("down")
    assert (done.code, done.out) == (0, "nothing stands on stack local\n")
    assert desk.entered == []


def test_down_of_an_unknown_stack(desk: Desk) -> None:
    done = desk.run("down", "--stack", "prod", "--yes")
    assert done.code == 1
    assert "stack `prod` does not exist" in done.err


def test_after_pulumis_own_destroy_the_soft_deleted_are_purged(desk: Desk) -> None:
    desk.settings()
    desk.stack.there = True
    desk.arm.put(DELETED_WORKSPACE, properties={})
    desk.arm.put(DELETED_VAULT, properties={"vaultId": VAULT_ID})
    purged = desk.arm.delete

    def delete(path: str, version: str, query: dict[str, str] | None = None) -> bool:
        desk.arm.documents.pop(DELETED_WORKSPACE.lower(), None)
        return purged(path, version, query)

    desk.arm.delete = delete  # type: ignore[method-assign, assignment]
    done = desk.run("down", "--yes", "-o", "json")
    assert done.code == 0
    assert done.json()["left"] == []
    assert desk.arm.calls[:2] == [f"DELETE {WORKSPACE_ID}?forceToPurge=true", f"POST {DELETED_VAULT}/purge"]


def test_interrupted_and_typed_again(standing: Desk) -> None:
    standing.stack.fault = Interrupted()
    done = standing.run("down", "--yes")
    assert done.code == 130
    assert "`azmlflow down --yes` goes on from here" in done.err
    standing.stack.fault = None
    standing.arm.put(GROUP_ID, tags=ownership("azmlflow", "local"))
    assert standing.run("down", "--yes", "-o", "json").json()["left"] == []


def test_purge_protection_is_told_as_residue(standing: Desk) -> None:
    standing.arm.faults[f"{DELETED_VAULT}/purge"] = ArmError(405, "MethodNotAllowed", "Purge is not allowed.", "x")
    done = standing.run("down", "--yes", "-o", "json")
    assert done.code == 1
    left = done.json()["left"]
    assert [(entry["kind"], entry["name"]) for entry in left] == [("key vault", NAMES.key_vault)]
    assert "purge protection" in left[0]["why"]


def test_a_group_that_the_state_lost_goes_only_with_our_tags(desk: Desk) -> None:
    desk.settings()
    desk.stack.there = True
    desk.arm.put(GROUP_ID, tags=ownership("azmlflow", "local"))
    assert desk.run("down", "--yes").code == 0
    assert f"DELETE {GROUP_ID}" in desk.arm.calls
    desk.arm.calls.clear()
    desk.stack.there = True
    desk.arm.put(GROUP_ID, tags={})
    done = desk.run("down", "--yes")
    assert f"DELETE {GROUP_ID}" not in desk.arm.calls
    assert done.code == 1
    assert "resource group" in done.out


def test_another_workspaces_config_json_stays(standing: Desk) -> None:
    path = standing.root / ".azureml" / "config.json"
    theirs = json.dumps({"subscription_id": "s", "resource_group": "g", "workspace_name": "theirs"})
    path.write_text(theirs)
    assert standing.run("down", "--yes").code == 0
    assert path.read_text() == theirs


def test_what_stands_counts_not_what_the_settings_have_come_to_say(standing: Desk) -> None:
    standing.settings(text="config:\n  azmlflow:cloud: local\n  azmlflow:prefix: other\n")
    assert standing.run("down", "--yes").code == 0
    assert f"DELETE {WORKSPACE_ID}?forceToPurge=true" in standing.arm.calls
    assert f"POST {DELETED_VAULT}/purge" in standing.arm.calls


def test_down_waits_for_nobody(standing: Desk) -> None:
    with hold(standing.project, "local", "azmlflow up") as holder:
        done = standing.run("down", "--yes")
        holder.finish()
    assert done.code == 1
    assert "held by `azmlflow up`" in done.err
    assert standing.stack.calls == []


def test_the_order_of_the_steps_is_the_designs() -> None:
    words = [step.name.split()[0:3] for step in teardown.STEPS]
    assert [" ".join(part) for part in words] == [
        "drop our locks",
        "purge the workspace",
        "destroy what the",
        "delete the group",
        "purge the key",
        "sweep role definitions",
        "remove Pulumi's state",
        "remove config.json",
    ]
    assert OUTPUTS["workspaceId"] == WORKSPACE_ID
