"""From nothing to a standing workspace and back to nothing, by azmlflow and by Pulumi's own command."""

from __future__ import annotations

import importlib.metadata
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from azmlflow.cli.local.entering import OFFICIAL
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from azmlflow.localazure.core.store import Store
from tests.e2e.estate import Estate, processes_of
from tests.e2e.people import ARM, sign_in

pytestmark = pytest.mark.e2e

KINDS_IN_A_STACK = {
    "azure-native:resources:ResourceGroup",
    "azure-native:storage:StorageAccount",
    "azure-native:keyvault:Vault",
    "azure-native:operationalinsights:Workspace",
    "azure-native:applicationinsights:Component",
    "azure-native:machinelearningservices:Workspace",
    "azure-native:machinelearningservices:Compute",
}


def what_remains(estate: Estate) -> dict[str, list[str]]:
    """Names of everything in the subscription that a stack could have made, asked of the cloud as its owner."""
    with sign_in(estate, "developer@local.test") as owner:
        subscription = f"{ARM}/subscriptions/{SUBSCRIPTION_ID}"

        def listed(path: str, version: str) -> list[dict[str, Any]]:
            answer = owner.ask("GET", f"{subscription}/{path}", params={"api-version": version})
            answer.raise_for_status()
            items: list[dict[str, Any]] = answer.json()["value"]
            return items

        authorization = "providers/Microsoft.Authorization"
        return {
            "groups": [group["name"] for group in listed("resourcegroups", "2024-03-01")],
            "resources": [resource["id"] for resource in listed("resources", "2024-03-01")],
            "deleted vaults": [v["name"] for v in listed("providers/Microsoft.KeyVault/deletedVaults", "2024-11-01")],
            "assignments": [a["properties"]["scope"] for a in listed(f"{authorization}/roleAssignments", "2022-04-01")],
            "definitions": [
                definition["properties"]["roleName"]
                for definition in listed(f"{authorization}/roleDefinitions", "2022-04-01")
                if definition["properties"]["type"] == "CustomRole"
            ],
        }


def soft_deleted(estate: Estate) -> list[str]:
    """Types of what is soft-deleted. Azure lists deleted vaults only, so this looks into the embedded Azure's store."""
    store = Store(estate.folder / ".azmlflow" / "local" / "azure.db")
    try:
        return sorted(document["type"] for _, document in store.scan("deleted"))
    finally:
        store.close()


def changes(done_out: str) -> dict[str, int]:
    """The summary's resource changes of `--output json`."""
    summary: dict[str, int] = json.loads(done_out)["changes"]
    return summary


def engine_variables(estate: Estate) -> dict[str, str]:
    variables: dict[str, str] = estate.azmlflow("env", "--engine", "--output", "json").json()["set"]
    return variables


def official_plugin() -> Path:
    """Where the official azure-native plugin is, or would be: as the variable says, else in the user's own home."""
    version = importlib.metadata.version("pulumi_azure_native")
    folder = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi") / "plugins"
    return Path(os.environ.get(OFFICIAL) or folder / f"resource-azure-native-v{version}").absolute()


_WITH_OFFICIAL = pytest.param(
    "official",
    marks=pytest.mark.skipif(
        not official_plugin().exists(), reason=f"no official azure-native plugin is at {official_plugin()}"
    ),
)


@pytest.fixture(scope="module", params=["ours", _WITH_OFFICIAL])
def bare_estate(bare_estate: Estate, request: pytest.FixtureRequest) -> Estate:
    """With our plugin and, where it is found, with the official one. From nothing to nothing at least, each command is
    a process of its own, as a user's is."""
    named = {OFFICIAL: str(official_plugin())} if request.param == "official" else {}
    return replace(bare_estate, environment={**bare_estate.environment, **named}, typed=True)


@pytest.fixture(scope="module")
def estate(bare_estate: Estate) -> Estate:
    """The same, for what is done on top of that by the same commands."""
    return replace(bare_estate, typed=False)


@pytest.fixture(scope="module")
def before(bare_estate: Estate) -> dict[str, list[str]]:
    """What the cloud holds before anything was made: its owner's assignment and nothing more."""
    bare_estate.azmlflow("local", "start")
    return what_remains(bare_estate)


def test_up_stands_everything_and_the_second_changes_nothing(bare_estate: Estate, before: dict[str, list[str]]) -> None:
    assert before["groups"] == []
    bare_estate.azmlflow("up")
    bare_estate.azmlflow("grant", "alice@local.test", "tracker")
    (plugin,) = (bare_estate.folder / ".azmlflow" / "pulumi" / "plugins").glob("*/pulumi-resource-azure-native")
    assert plugin.is_symlink() is (OFFICIAL in bare_estate.environment)
    config = json.loads((bare_estate.folder / ".azureml" / "config.json").read_text())
    outputs = bare_estate.outputs()
    assert config == {
        "subscription_id": outputs["subscriptionId"],
        "resource_group": outputs["resourceGroup"],
        "workspace_name": outputs["workspaceName"],
    }
    second = bare_estate.azmlflow("up", "--output", "json")
    assert set(changes(second.out)) == {"same"}
    preview = bare_estate.azmlflow("preview", "--output", "json")
    assert set(changes(preview.out)) == {"same"}


def test_pulumis_own_command_agrees(bare_estate: Estate) -> None:
    engine = engine_variables(bare_estate)
    for words in (("preview", "--expect-no-changes"), ("refresh", "--yes", "--expect-no-changes"), ("up", "--yes")):
        done = bare_estate.command("pulumi", *words, "--non-interactive", "--stack", "local", extra=engine)
        assert "unchanged" in done.out, done.out
    state = json.loads(bare_estate.command("pulumi", "stack", "export", "--stack", "local", extra=engine).out)
    kinds = {resource["type"] for resource in state["deployment"]["resources"]}
    assert kinds >= KINDS_IN_A_STACK
    assert "InstrumentationKey=" not in json.dumps(state)


def test_pulumi_destroy_leaves_the_soft_deleted_workspace_and_vault(
    bare_estate: Estate, before: dict[str, list[str]]
) -> None:
    engine = engine_variables(bare_estate)
    bare_estate.command("pulumi", "destroy", "--yes", "--non-interactive", "--stack", "local", extra=engine)
    left = what_remains(bare_estate)
    assert soft_deleted(bare_estate) == ["Microsoft.KeyVault/vaults", "Microsoft.MachineLearningServices/workspaces"]
    assert len(left.pop("deleted vaults")) == 1
    assert left == {name: before[name] for name in left}


def test_up_over_what_is_soft_deleted_says_how_to_purge_it(bare_estate: Estate) -> None:
    refused = bare_estate.azmlflow("up", fails=True)
    assert "deleted" in refused.err
    assert "azmlflow down --stack local" in refused.err


def test_down_leaves_nothing(bare_estate: Estate, before: dict[str, list[str]]) -> None:
    bare_estate.azmlflow("down", "--yes")
    assert what_remains(bare_estate) == before
    assert soft_deleted(bare_estate) == []
    assert_no_trace(bare_estate.folder)


def test_down_of_a_standing_stack_leaves_nothing(estate: Estate, before: dict[str, list[str]]) -> None:
    estate.azmlflow("up")
    estate.azmlflow("grant", "bob@local.test", "viewer")
    processes = running_jobs(estate)
    for words in (("--yes",), ("--resource-group", estate.outputs()["resourceGroup"], "--yes")):
        refused = estate.azmlflow("down", *words, fails=True)
        assert "running jobs: queues-1, runs-1, runs-2" in refused.err or "azmlflow down --stack local" in refused.err
    assert all(process.exists() for process in processes)
    done = estate.azmlflow("down", "--yes", "--cancel-jobs", "--output", "json")
    assert not any(process.exists() for process in processes)
    report: dict[str, Any] = done.json()
    assert report["left"] == []
    assert report["steps"][0]["step"] == "cancel running jobs"
    assert what_remains(estate) == before
    assert soft_deleted(estate) == []
    assert_no_trace(estate.folder)
    again = estate.azmlflow("down", "--yes")
    assert "nothing" in (again.out + again.err).lower()


def running_jobs(estate: Estate) -> tuple[Path, ...]:
    """Jobs on both of the cluster's nodes, which do not end when asked to, and a third that waits; their processes."""
    outputs, version = estate.outputs(), {"api-version": "2024-10-01"}
    workspace = outputs["workspaceId"]
    body = {
        "jobType": "Command",
        "command": "trap '' TERM; sleep 1000 & wait",
        "computeId": f"{workspace}/computes/{outputs['clusters'][0]['name']}",
    }
    with sign_in(estate, "developer@local.test") as owner:
        for name in ("runs-1", "runs-2", "queues-1"):
            put = owner.ask("PUT", f"{ARM}{workspace}/jobs/{name}", params=version, json={"properties": body})
            assert put.is_success, put.text
        until = time.monotonic() + 60
        while not (processes_of("runs-1") and processes_of("runs-2")):
            assert time.monotonic() < until
            owner.ask("GET", f"{ARM}{workspace}/jobs/runs-1", params=version).raise_for_status()
    return (*processes_of("runs-1"), *processes_of("runs-2"))


def assert_no_trace(folder: Path) -> None:
    """No config.json of ours and no resource in the Pulumi state."""
    assert not (folder / ".azureml" / "config.json").exists()
    for state in (folder / ".azmlflow" / "backend").rglob("stacks/**/local.json"):
        deployment = json.loads(state.read_text())["checkpoint"]["latest"] or {}
        assert [resource["type"] for resource in deployment.get("resources") or []] in ([], ["pulumi:pulumi:Stack"])


def test_a_workspace_deleted_by_hand_is_found_and_purged_and_up_works_again(estate: Estate) -> None:
    estate.azmlflow("up")
    with sign_in(estate, "developer@local.test") as owner:
        workspace = f"{ARM}{estate.outputs()['workspaceId']}"
        owner.ask("DELETE", workspace, params={"api-version": "2025-12-01"}).raise_for_status()
    told = {check["name"]: check for check in estate.azmlflow("doctor", "-o", "json", fails=True).json()["checks"]}
    assert "what is soft-deleted holds these names: workspace" in told["soft-deleted"]["says"]
    assert told["soft-deleted"]["fix"] == "azmlflow down --stack local"
    assert estate.azmlflow("down", "--yes", "-o", "json").json()["left"] == []
    assert soft_deleted(estate) == []
    estate.azmlflow("up")
    estate.azmlflow("down", "--yes")


def test_a_colleagues_account_in_the_old_group_of_edited_names_stays(estate: Estate) -> None:
    """The first `up` failed: the state has the group, and no outputs. The engine alone would delete all in it."""
    mangled = ("--what", "html", "--method", "PUT", "--path", "/vaults/")
    estate.azmlflow("local", "faults", "add", *mangled)
    estate.azmlflow("up", fails=True)
    estate.azmlflow("local", "faults", "clear")
    group = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-mlflow-local"
    theirs = f"{ARM}{group}/providers/Microsoft.Storage/storageAccounts/stboris1"
    body = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "properties": {}}
    settings = estate.folder / "Pulumi.local.yaml"
    before = settings.read_text()
    with sign_in(estate, "developer@local.test") as owner:
        made = owner.ask("PUT", theirs, params={"api-version": "2024-01-01"}, json=body)
        assert made.is_success, made.text
        settings.write_text(before.replace("config:\n", "config:\n  azmlflow:resourceGroup: rg-new\n", 1))
        refused = estate.azmlflow("down", "--yes", fails=True)
        assert "stboris1 bears no tag of azmlflow's" in refused.err
        assert owner.ask("GET", theirs, params={"api-version": "2024-01-01"}).status_code == 200
        owner.ask("DELETE", theirs, params={"api-version": "2024-01-01"}).raise_for_status()
    estate.azmlflow("down", "--yes")
    settings.write_text(before)
    assert soft_deleted(estate) == []
