"""`down`: plan, confirmation, order of the steps, residue, interruption; nothing of others is touched."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from azmlflow.cli.frame.errors import Interrupted
from azmlflow.cli.local import entering
from azmlflow.cli.project.hold import hold
from azmlflow.cli.pulumi.changes import OnChange, Outcome
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.cli.teardown.steps import STEPS
from azmlflow.infra.plan.identifiers import Place
from azmlflow.infra.plan.tags import ownership
from azmlflow.infra.rehearsal import rehearse
from azmlflow.infra.settings.settings import Settings
from tests.cli.desk import ALICE, GROUP, GROUP_ID, OUTPUTS, SUBSCRIPTION, WORKSPACE, WORKSPACE_ID, Desk
from tests.cli.wire import Response, answer

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
BURIED = {"vaultId": VAULT_ID, "tags": ownership("azmlflow", "local")}
ASSIGNMENT = f"{WORKSPACE_ID}/providers/Microsoft.Authorization/roleAssignments/a1"
ML_WORKSPACES = "Microsoft.MachineLearningServices/workspaces"
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
    desk.arm.put(WORKSPACE_ID, type=ML_WORKSPACES, location="westeurope", tags=ownership("azmlflow", "local"))
    desk.arm.put(DELETED_VAULT, properties=BURIED)
    desk.arm.put(PLACE.role_definition_id("tracker"), properties={"assignableScopes": [GROUP_ID]})
    desk.arm.put(
        ASSIGNMENT, properties={"scope": WORKSPACE_ID, "roleDefinitionId": PLACE.role_definition_id("tracker")}
    )
    desk.arm.put(THEIRS, properties={"scope": f"{GROUP_ID}2", "roleDefinitionId": "/x/roleDefinitions/owner"})
    desk.run("config")
    real = desk.stack.destroy

    def destroy(on_change: OnChange | None = None) -> Outcome:
        desk.arm.calls.append("destroy")
        return real(on_change)

    desk.stack.destroy = destroy  # type: ignore[method-assign]
    return desk


def test_everything_goes_in_azures_order_and_nothing_else(standing: Desk) -> None:
    done = standing.run("down", "--yes", "--output", "json")
    assert done.code == 0
    assert done.json()["left"] == []
    assert standing.arm.calls == [
        f"DELETE {WORKSPACE_ID}?forceToPurge=true",
        f"DELETE {ASSIGNMENT}",
        f"DELETE {PLACE.role_definition_id('tracker')}",
        f"DELETE {GROUP_ID}",
        f"POST {DELETED_VAULT}/purge",
    ]
    assert standing.stack.calls == ["remove --force"], "all that the state holds went with the group"
    assert list(standing.arm.documents) == [THEIRS.lower()]
    assert not (standing.root / ".azureml").exists()
    assert (standing.root / "Pulumi.local.yaml").exists()


def _holds_more(desk: Desk) -> None:
    """Something outside of the group, which the engine deletes."""
    shared = f"{GROUP_ID}-shared/providers/Microsoft.Storage/storageAccounts/shared"
    desk.stand(*desk.stack.held.resources, Resource("urn::x", "azure-native:storage:StorageAccount", shared))
    desk.arm.put(shared, type="Microsoft.Storage/storageAccounts")


def test_what_the_state_holds_outside_of_the_group_is_the_engines(standing: Desk) -> None:
    _holds_more(standing)
    assert standing.run("down", "--yes").code == 0
    calls = standing.arm.calls
    assert calls.index(f"DELETE {GROUP_ID}") < calls.index("destroy") < calls.index(f"POST {DELETED_VAULT}/purge")
    assert standing.stack.calls == ["destroy", "remove"]


def test_the_engines_part_is_told_while_it_goes(standing: Desk) -> None:
    _holds_more(standing)
    lines = [" ".join(line.split()) for line in standing.run("down", "--yes").err.splitlines()]
    told = [line for line in lines if line.startswith("deleted ")]
    assert told[:2] == ["deleted ResourceGroup group 1.5 s", "deleted Vault vault 1.5 s"]
    assert lines.index(told[-1]) < next(at for at, line in enumerate(lines) if "✓ destroy what the state holds" in line)


def test_azures_part_is_told_while_it_goes(standing: Desk) -> None:
    told = [line.split()[:2] for line in standing.run("down", "--yes").err.splitlines()]
    under_way = [line for line in told if line and line[0] in ("deleting", "purging")]
    assert under_way == [
        ["purging", f"workspaces/{WORKSPACE}"],
        ["deleting", "roleAssignments/a1"],
        ["deleting", f"roleDefinitions/{PLACE.role_definition_id('tracker').rsplit('/', 1)[-1]}"],
        ["purging", f"deletedVaults/{NAMES.key_vault}"],
    ]


def test_the_plan_says_what_goes(standing: Desk) -> None:
    err = standing.run("down", "--yes").err
    for text in (f"workspace {WORKSPACE} (stands)", f"resource group {GROUP}", NAMES.key_vault, "config.json", "kept:"):
        assert str(text) in err


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
    desk.arm.put(DELETED_VAULT, properties=BURIED)
    purged = desk.arm.delete

    def delete(path: str, query: str) -> Response:
        desk.arm.documents.pop(DELETED_WORKSPACE.lower(), None)
        return purged(path, query)

    desk.arm.delete = delete  # type: ignore[method-assign]
    done = desk.run("down", "--yes", "-o", "json")
    assert done.code == 0
    assert done.json()["left"] == []
    assert desk.arm.calls[:2] == [f"DELETE {WORKSPACE_ID}?forceToPurge=true", f"POST {DELETED_VAULT}/purge"]


def test_interrupted_and_typed_again(standing: Desk) -> None:
    _holds_more(standing)
    standing.stack.fault = Interrupted()
    done = standing.run("down", "--yes")
    assert done.code == 130
    assert "`azmlflow down --yes` goes on from here" in done.err
    standing.stack.fault = None
    standing.arm.put(GROUP_ID, tags=ownership("azmlflow", "local"))
    assert standing.run("down", "--yes", "-o", "json").json()["left"] == []


def test_a_soft_deleted_vault_with_our_tags_by_another_name_stays_and_is_told(standing: Desk) -> None:
    theirs = DELETED_VAULT.replace(str(NAMES.key_vault), "kv-boris")
    properties = {**BURIED, "vaultId": VAULT_ID.replace(str(NAMES.key_vault), "kv-boris")}
    standing.arm.put(theirs, properties=properties)
    for words in (("down", "--yes"), ("down", "-g", GROUP, "--yes")):
        done = standing.run(*words)
        assert done.code == 0
        assert "soft-deleted vaults/kv-boris stays: it bears this stack's tags" in done.err
        assert theirs.lower() in standing.arm.documents
        standing.arm.put(GROUP_ID, tags=ownership("azmlflow", "local"))


PROTECTED = {**BURIED, "purgeProtectionEnabled": True, "scheduledPurgeDate": "2027-02-25T12:00:00Z"}
KEEPS = (
    "purge protection keeps it, soft-deleted, and its name, until 2027-02-25: nobody can purge it, and it costs nothing"
)


def test_a_vault_that_nobody_can_purge_is_told_and_is_no_failure(standing: Desk) -> None:
    standing.arm.put(DELETED_VAULT, properties=PROTECTED)
    done = standing.run("down", "--yes")
    assert done.code == 0
    assert "stack local is gone: nothing left that anybody could remove" in done.out
    assert f"key vault {NAMES.key_vault}: {KEEPS}" in done.out
    assert "azmlflow set onSoftDeleted recover --stack local" in done.out
    assert not standing.stack.there
    assert DELETED_VAULT.lower() in standing.arm.documents


@pytest.mark.parametrize(("word", "does"), [("recover", "brings the vault back"), ("rename", "takes other names")])
def test_what_the_next_up_does_about_it_is_told_by_the_setting(standing: Desk, word: str, does: str) -> None:
    standing.settings(text=f"config:\n  azmlflow:cloud: local\n  azmlflow:onSoftDeleted: {word}\n")
    standing.arm.put(DELETED_VAULT, properties=PROTECTED)
    done = standing.run("down", "--yes")
    assert f"the next `up` of these settings {does}" in done.out
    assert "would stop at it" not in done.out


def test_it_is_no_residue_in_json_either(standing: Desk) -> None:
    standing.arm.put(DELETED_VAULT, properties=PROTECTED)
    document = standing.run("down", "--yes", "-o", "json").json()
    assert document["left"] == []
    (vault,) = document["protected"]
    assert (vault["kind"], vault["name"], vault["until"]) == ("key vault", NAMES.key_vault, "2027-02-25")


def test_down_again_has_nothing_to_do_and_still_tells_of_it(standing: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    standing.arm.put(DELETED_VAULT, properties=PROTECTED)
    assert standing.run("down", "--yes").code == 0
    standing.arm.calls.clear()
    again = standing.run("down")  # nobody is asked
    assert again.code == 0
    assert again.out.splitlines() == ["nothing stands on stack local", f"! key vault {NAMES.key_vault}: {KEEPS}"]
    assert standing.arm.calls == []
    monkeypatch.setattr(entering, "running", lambda _: True)
    told = standing.run("status")
    assert f"soft-deleted  key vault {NAMES.key_vault}: {KEEPS}" in told.out
    assert "next: azmlflow doctor --stack local" in told.out


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
    assert "not removed: its tags say that it belongs to nobody that azmlflow knows" in done.err


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


def test_the_order_of_the_steps() -> None:
    assert [step.name for step in STEPS] == [
        "cancel running jobs",
        "drop our locks",
        "delete the endpoints",
        "purge the workspace",
        "remove roles and grants",
        "delete the group",
        "destroy what the state holds",
        "delete what is ours in the group",
        "purge the key vault",
        "sweep roles and grants",
        "remove Pulumi's state",
        "remove config.json",
    ]
    assert OUTPUTS["workspaceId"] == WORKSPACE_ID


def test_a_dry_run_shows_the_plan_and_touches_nothing(standing: Desk) -> None:
    done = standing.run("down", "--dry-run", "--output", "json")
    assert done.code == 0
    planned = {entry["step"]: entry["what"] for entry in done.json()["plan"]}
    assert planned["delete the group"][0] == f"resource group {GROUP}"
    assert done.json()["refusals"] == []
    assert (standing.arm.calls, standing.stack.calls) == ([], [])


def test_what_is_not_the_stacks_stops_it_and_is_listed(standing: Desk) -> None:
    foreign = f"{GROUP_ID}/providers/Microsoft.Compute/virtualMachines/vm1"
    standing.arm.put(foreign, type="Microsoft.Compute/virtualMachines", tags=ownership("azmlflow", "local"))
    done = standing.run("down", "--yes")
    assert done.code == 1
    assert "virtualMachines/vm1 bears this stack's tags, but is not in its state or settings" in done.err
    assert (standing.arm.calls, standing.stack.calls) == ([], [])
    told = standing.run("down", "--dry-run", "-o", "json").json()["refusals"]
    assert [entry["id"] for entry in told] == [foreign]


def test_jobs_that_run_need_the_word(standing: Desk) -> None:
    job = f"{WORKSPACE_ID}/jobs/train-1"
    standing.arm.put(job, properties={"status": "Running"})
    refused = standing.run("down", "--yes")
    assert "running jobs: train-1" in refused.err
    assert "--cancel-jobs" in refused.err
    assert standing.run("down", "--yes", "--cancel-jobs").code == 0
    assert standing.arm.calls[0] == f"POST {job}/cancel"


def endpoint(desk: Desk, name: str, **traffic: int) -> str:
    id_ = f"{WORKSPACE_ID}/onlineEndpoints/{name}"
    desk.arm.put(id_, properties={"traffic": traffic})
    return id_


def test_an_endpoint_that_answers_needs_the_word(standing: Desk) -> None:
    live, idle = endpoint(standing, "wine", blue=90, green=10, red=0), endpoint(standing, "old", blue=0)
    refused = standing.run("down", "--yes")
    assert (refused.code, standing.arm.calls) == (1, [])
    told = "wine (blue 90 %, green 10 %; requests of the last day unknown)"
    assert f"endpoints answer requests: {told}" in " ".join(refused.err.split())
    assert "--stop-endpoints" in refused.err
    shown = standing.run("down", "--dry-run", "-o", "json").json()
    planned = {entry["step"]: entry["what"] for entry in shown["plan"]}
    assert set(planned["delete the endpoints"]) == {
        f"endpoint {told}",
        "endpoint old (no traffic)",
    }
    assert [entry["id"] for entry in shown["refusals"]] == [live]
    assert standing.run("down", "--yes", "--stop-endpoints").code == 0
    assert set(standing.arm.calls[:2]) == {f"DELETE {live}", f"DELETE {idle}"}


def test_an_endpoint_without_traffic_goes_with_the_rest(standing: Desk) -> None:
    idle = endpoint(standing, "old")
    assert standing.run("down", "--yes").code == 0
    assert standing.arm.calls[0] == f"DELETE {idle}"


def test_traffic_that_comes_after_the_plan_stops_it(standing: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    idle = endpoint(standing, "old")
    deleting = standing.arm.delete

    def delete(path: str, query: str) -> Response:
        endpoint(standing, "another", blue=100)
        return deleting(path, query)

    standing.arm.delete = delete  # type: ignore[method-assign]
    done = standing.run("down", "--yes")
    assert done.code == 1
    assert standing.arm.calls == [f"DELETE {idle}"]
    assert "another (blue 100 %; requests of the last day unknown)" in " ".join(done.err.split())


@pytest.mark.parametrize("properties", [{}, {"status": None}])
def test_a_job_that_does_not_say_whether_it_runs_stops_it(standing: Desk, properties: dict[str, Any]) -> None:
    standing.arm.put(f"{WORKSPACE_ID}/jobs/train-1", properties=properties)
    done = standing.run("down", "--yes")
    assert (done.code, standing.arm.calls) == (1, [])
    assert "a job without a status" in done.err


@pytest.mark.parametrize("where", [[], None, [GROUP_ID, f"{GROUP_ID}2"]])
def test_a_role_that_may_be_assigned_elsewhere_or_does_not_say_where_stays(
    standing: Desk, where: list[str] | None
) -> None:
    role = PLACE.role_definition_id("tracker")
    standing.arm.put(role, properties={"assignableScopes": where})
    assert standing.run("down", "--yes").code == 0
    assert f"DELETE {role}" not in standing.arm.calls
    assert role.lower() in standing.arm.documents


def test_another_subscription_is_refused(standing: Desk) -> None:
    standing.environment["ARM_SUBSCRIPTION_ID"] = "00000000-0000-4000-8000-00000000000b"
    done = standing.run("down", "--yes")
    assert done.code == 1
    assert "points at 00000000-0000-4000-8000-00000000000b" in done.err
    assert standing.arm.calls == []


def test_a_subscription_that_is_gone_is_said_and_the_stack_kept_until_it_is_forgotten(
    standing: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = {"error": {"code": "SubscriptionNotFound", "message": "The subscription could not be found."}}
    monkeypatch.setattr(standing.arm, "respond", lambda _: answer(404, error))
    before = standing.stack.state()
    done = standing.run("down", "--yes")
    assert done.code == 1
    assert "error: the subscription of stack `local` is gone, or not one of who is signed in" in done.err
    forget = 'azmlflow env --engine --stack local)" && pulumi stack rm --force --preserve-config --yes --stack local)'
    assert forget in done.err
    assert standing.stack.state() == before


def test_a_group_of_a_standing_stack_is_left_to_that_stack(standing: Desk) -> None:
    done = standing.run("down", "--resource-group", GROUP, "--yes")
    assert done.code == 1
    assert "next: azmlflow down --stack local" in done.err
    assert standing.arm.calls == []


def test_a_group_that_no_stack_owns(standing: Desk) -> None:
    standing.stack.held = type(standing.stack.held)()
    for words in ((), ("--yes",)):
        done = standing.run("down", "--resource-group", GROUP, *words)
        assert done.code == (0 if words else 1), done.err
    assert f"DELETE {GROUP_ID}" in standing.arm.calls
    assert standing.run("down", "-g", GROUP, "--yes").out == f"nothing stands in resource group {GROUP}\n"


def test_of_a_group_that_is_gone_soft_deleted_workspaces_are_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.settings()
    monkeypatch.setattr("azmlflow.cli.teardown.inventory.read_buried_of_gone", lambda *_: (WORKSPACE_ID,))
    lines = desk.run("down", "-g", GROUP, "--yes").out.splitlines()
    kept = f"! soft-deleted workspaces/{WORKSPACE} keeps its name until Azure purges it, 14 days after it went"
    assert lines == [f"nothing stands in resource group {GROUP}", kept]


def test_the_plan_of_a_group_by_itself_follows_from_the_same_steps(standing: Desk) -> None:
    standing.stack.held = type(standing.stack.held)()
    logs = f"{GROUP_ID}/providers/Microsoft.OperationalInsights/workspaces/{NAMES.log_analytics}"
    standing.arm.put(logs, type="Microsoft.OperationalInsights/workspaces", tags=ownership("azmlflow", "local"))
    standing.arm.put(f"{WORKSPACE_ID}/jobs/train-1", properties={"status": "Running"})
    lock = f"{GROUP_ID}/providers/Microsoft.Authorization/locks/azmlflow"
    standing.arm.put(lock, properties={"notes": "azmlflow stack local of project azmlflow"})
    done = standing.run("down", "-g", GROUP, "--cancel-jobs", "--dry-run", "--output", "json")
    assert done.err.splitlines() == [
        f"resource group {GROUP} (of stack local of project azmlflow): this goes, for good",
        "  cancel running jobs",
        "    - job train-1",
        "  drop our locks",
        "    - lock azmlflow",
        "  purge the workspace",
        f"    - workspace {WORKSPACE} (stands), with all experiments, runs and models",
        f"    - Log Analytics workspace {NAMES.log_analytics}, by force: nobody can recover it",
        "  remove roles and grants",
        "    - 1 role definition and 1 role assignment",
        "  delete the group",
        f"    - resource group {GROUP}",
        f"    - workspace {WORKSPACE}",
        f"    - Log Analytics workspace {NAMES.log_analytics}",
        "  purge the key vault",
        f"    - key vault {NAMES.key_vault}, purged once it is deleted",
    ]
    assert done.json()["plan"] == [line.removeprefix("    - ") for line in done.err.splitlines() if "    - " in line]
    assert standing.arm.calls == []


def test_where_only_logs_stand_the_soft_deleted_workspace_is_purged_all_the_same(standing: Desk) -> None:
    logs = f"{GROUP_ID}/providers/Microsoft.OperationalInsights/workspaces/{NAMES.log_analytics}"
    standing.arm.documents.pop(WORKSPACE_ID.lower())
    standing.arm.put(logs, type="Microsoft.OperationalInsights/workspaces", tags=ownership("azmlflow", "local"))
    done = standing.run("down", "--yes", "-o", "json")
    planned = {entry["step"]: entry["what"] for entry in done.json()["plan"]}
    assert planned["purge the workspace"] == [
        f"Log Analytics workspace {NAMES.log_analytics}, by force: nobody can recover it",
        f"workspace {WORKSPACE}, should it be soft-deleted",
    ]
    assert standing.arm.calls[:2] == [f"DELETE {logs}?force=true", f"DELETE {WORKSPACE_ID}?forceToPurge=true"]


def test_each_step_that_had_something_to_do_is_told_when_it_is_done(standing: Desk) -> None:
    done = standing.run("down", "--yes", "-o", "json")
    names = [
        "purge the workspace",
        "remove roles and grants",
        "delete the group",
        "destroy what the state holds",
        "purge the key vault",
        "remove Pulumi's state",
        "remove config.json",
    ]
    assert [entry["step"] for entry in done.json()["steps"]] == names
    assert [line[4:48].strip() for line in done.err.splitlines() if line.startswith("  ✓ ")] == names


@pytest.mark.parametrize(
    "written",
    [
        "rg-old/providers/Microsoft.Storage/storageAccounts/st1",
        "..",
        "rg-old.",
        "rg-old?x",
        "rg old",
        "/subscriptions/s",
        "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv",
        "",
    ],
)
def test_what_names_no_group_is_refused_before_anything_is_asked(standing: Desk, written: str) -> None:
    done = standing.run("down", "--resource-group", written, "--unmanaged", "--yes")
    assert done.code == 1
    assert "is neither a resource group's name nor its id" in done.err
    assert standing.arm.calls == []


def test_a_group_of_the_same_name_in_another_subscription_is_meant_by_its_id(standing: Desk) -> None:
    other = f"/subscriptions/00000000-0000-4000-8000-00000000000b/resourceGroups/{GROUP}"
    standing.arm.put(other, tags=ownership("azmlflow", "lost"))
    done = standing.run("down", "--resource-group", other, "--yes", "-o", "json")
    assert done.json()["left"] == []
    assert standing.arm.calls == [f"DELETE {other}"]
    assert GROUP_ID.lower() in standing.arm.documents


def test_the_plan_tells_what_is_kept_and_what_cannot_be_purged(standing: Desk) -> None:
    standing.settings(
        text="config:\n  azmlflow:cloud: local\n  azmlflow:grants:\n    - principalId: "
        f"{ALICE.id}\n      principalType: User\n      persona: viewer\n"
    )
    ours = ownership("azmlflow", "local")
    protected = {"enablePurgeProtection": True, "softDeleteRetentionInDays": 30}
    standing.arm.put(VAULT_ID, type="Microsoft.KeyVault/vaults", tags=ours, properties=protected)
    outside = f"{GROUP_ID}-shared/providers/Microsoft.Storage/storageAccounts/shared"
    standing.stand(*standing.stack.held.resources, Resource("urn::x", "azure-native:storage:StorageAccount", outside))
    document = standing.run("down", "--dry-run", "-o", "json").json()
    assert document["kept"] == [
        "Pulumi.local.yaml, with 1 grant that the next `up` gives again",
        "the embedded Azure",
    ]
    planned = {entry["step"]: entry["what"] for entry in document["plan"]}
    keeps = f"key vault {NAMES.key_vault}, purge protection keeps it, soft-deleted, and its name, for 30 days"
    assert planned["purge the key vault"] == [keeps]
    assert f"StorageAccount shared, outside of the group: {outside}" in planned["destroy what the state holds"]


def test_a_group_of_nobody_needs_unmanaged(standing: Desk) -> None:
    other = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/other"
    standing.arm.put(other, tags={"team": "x"})
    done = standing.run("down", "-g", "other", "--yes")
    assert "next: azmlflow down --resource-group other --unmanaged" in done.err
    assert standing.run("down", "--unmanaged", "--yes").code == 2
    assert standing.run("down", "-g", "other", "--unmanaged", "--yes").code == 0
    assert standing.arm.calls == [f"DELETE {other}"]


def test_when_the_time_is_over_it_says_what_stands_and_how_to_go_on(standing: Desk) -> None:
    done = standing.run("down", "--yes", "--timeout", "30s")
    assert done.code == 1
    assert f"still there: workspaces/{WORKSPACE}, resource group {GROUP}" in done.err
    assert "next: azmlflow down --stack local    (it goes on from here)" in done.err
    assert standing.stack.calls == []
    assert standing.run("down", "--yes", "--timeout", "soon").code == 2
    assert standing.run("down", "--yes", "-o", "json").json()["left"] == []


def test_a_lone_group_says_so_too(standing: Desk) -> None:
    standing.stack.held = type(standing.stack.held)()
    done = standing.run("down", "-g", GROUP, "--yes", "--timeout", "30s")
    assert done.code == 1
    assert "still there: " in done.err
    assert f"next: azmlflow down --resource-group {GROUP}    (it goes on from here)" in done.err


def test_names_edited_after_an_up_that_failed_do_not_hide_what_the_state_holds(standing: Desk) -> None:
    """Without outputs the state alone tells the group; a colleague has put something into it since."""
    standing.stack.held = State(standing.stack.held.resources)
    theirs = f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/stboris"
    standing.arm.put(theirs, type="Microsoft.Storage/storageAccounts")
    standing.settings(text="config:\n  azmlflow:cloud: local\n  azmlflow:resourceGroup: rg-new\n")
    done = standing.run("down", "--yes")
    assert done.code == 1
    assert "storageAccounts/stboris bears no tag of azmlflow's" in done.err
    assert (standing.arm.calls, standing.stack.calls) == ([], [])


@pytest.mark.parametrize(
    ("tags", "told"), [({}, "nobody that azmlflow knows"), (ownership("azmlflow", "local"), "stboris bears no tag")]
)
def test_a_second_group_of_the_state_is_checked_as_the_first(standing: Desk, tags: dict[str, str], told: str) -> None:
    older = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-older"
    group = Resource("urn::older", "azure-native:resources:ResourceGroup", older)
    standing.stand(*standing.stack.held.resources, group)
    standing.arm.put(older, tags=tags)
    theirs = f"{older}/providers/Microsoft.Storage/storageAccounts/stboris"
    standing.arm.put(theirs, type="Microsoft.Storage/storageAccounts")
    done = standing.run("down", "--yes")
    assert done.code == 1
    assert told in done.err
    assert (standing.arm.calls, standing.stack.calls) == ([], [])
    assert told in str(standing.run("down", "--dry-run", "-o", "json").json()["refusals"])


@pytest.mark.parametrize("against", ["tags", "lock"])
def test_what_the_state_has_outside_of_its_groups_is_left_where_it_is_anothers(standing: Desk, against: str) -> None:
    shared = f"{GROUP_ID}-shared/providers/Microsoft.Storage/storageAccounts/shared"
    standing.stand(*standing.stack.held.resources, Resource("urn::x", "azure-native:storage:StorageAccount", shared))
    tags = ownership("azmlflow", "prod") if against == "tags" else {}
    standing.arm.put(shared, type="Microsoft.Storage/storageAccounts", tags=tags)
    lock = f"{GROUP_ID}-shared/providers/Microsoft.Authorization/locks/keep"
    if against == "lock":
        standing.arm.put(lock, properties={"level": "CanNotDelete"})
    done = standing.run("down", "--yes")
    assert done.code == 1
    assert ("belongs to stack prod" if against == "tags" else "lock `locks/keep` is not azmlflow's") in done.err
    assert (standing.arm.calls, standing.stack.calls) == ([], [])
    standing.arm.documents.pop(lock.lower(), None)
    standing.arm.put(shared, type="Microsoft.Storage/storageAccounts")
    assert standing.run("down", "--yes").code == 0


def test_a_group_that_stands_again_before_the_engines_turn_stops_it(standing: Desk) -> None:
    real = standing.arm.respond

    def respond(request: Any) -> Response:
        answer = real(request)
        if request.method == "GET" and "looks=1" in request.url and GROUP_ID.lower() not in standing.arm.documents:
            standing.arm.put(GROUP_ID, tags={"team": "boris"})
        return answer

    standing.arm.respond = respond  # type: ignore[method-assign]
    done = standing.run("down", "--yes")
    assert done.code == 1
    assert "destroy" not in " ".join(standing.stack.calls)
    assert GROUP_ID.lower() in standing.arm.documents


def test_what_is_locked_outside_of_the_groups_before_the_engines_turn_stops_it(standing: Desk) -> None:
    _holds_more(standing)
    real = standing.arm.respond

    def respond(request: Any) -> Response:
        answer = real(request)
        if request.method == "GET" and "looks=1" in request.url:
            lock = f"{GROUP_ID}-shared/providers/Microsoft.Authorization/locks/keep"
            standing.arm.put(lock, properties={"level": "CanNotDelete"})
        return answer

    standing.arm.respond = respond  # type: ignore[method-assign]
    done = standing.run("down", "--yes")
    assert done.code == 1
    assert "the stack is not removed: lock `locks/keep` is not azmlflow's" in done.err
    assert f"DELETE {GROUP_ID}" in standing.arm.calls
    assert "destroy" not in " ".join(standing.stack.calls)


def test_a_soft_deleted_workspace_of_a_stack_without_state_is_found_and_purged(desk: Desk) -> None:
    desk.settings()
    desk.arm.put(DELETED_WORKSPACE, properties={})
    purged = desk.arm.delete

    def delete(path: str, query: str) -> Response:
        desk.arm.documents.pop(DELETED_WORKSPACE.lower(), None)
        return purged(path, query)

    desk.arm.delete = delete  # type: ignore[method-assign]
    assert desk.run("down", "--yes").code == 0
    assert desk.arm.calls == [f"DELETE {WORKSPACE_ID}?forceToPurge=true"]


def test_a_group_by_itself_needs_no_settings_of_a_stack(standing: Desk) -> None:
    standing.stack.held = State()
    (standing.root / "Pulumi.local.yaml").unlink()
    done = standing.run("down", "--resource-group", GROUP, "--yes")
    assert done.code == 0, done.err
    assert f"DELETE {GROUP_ID}" in standing.arm.calls
    assert "does not exist" in standing.run("down", "-g", GROUP, "--stack", "prod", "--yes").err


SHARED = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers/Microsoft.Storage/storageAccounts/stshared"


THEIR_WORKSPACE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/theirs/providers/{ML_WORKSPACES}/mlw-theirs"
ROLE = f"{SHARED}/providers/Microsoft.Authorization/roleAssignments/r1"
IDENTITY = "0f0e0d0c-0000-4000-8000-000000000001"
OURS_THERE = "Workspace mlw-mlflow-local in group rg-mlflow-local works as this identity"


def _shares(desk: Desk, said: str = OURS_THERE) -> None:
    """A stack that stands on a given account, on which its identity has a role by the state, and in Azure."""
    inputs = {"scope": SHARED, "principalId": IDENTITY, "description": OURS_THERE}
    entry = Resource("urn::role", "azure-native:authorization:RoleAssignment", ROLE, inputs)
    desk.stand(*desk.stack.held.resources, entry)
    desk.arm.put(ROLE, properties={**inputs, "description": said, "roleDefinitionId": "/x/y"})


def _forgotten(desk: Desk) -> bool:
    """Whether the engine was not asked to delete it: the state forgot it, or went whole."""
    return "forget role" in desk.stack.calls or "destroy" not in desk.stack.calls


@pytest.mark.parametrize(
    "how",
    [
        {"identity": {"userAssignedIdentities": {"/x/id": {"principalId": IDENTITY.upper()}}}},
        {"identity": {"principalId": IDENTITY}},
        {"computes": {"userAssignedIdentities": {"/x/id": {"principalId": IDENTITY}}}},
        {"role": IDENTITY},
    ],
)
def test_a_role_that_another_workspace_may_rely_on_stays_and_is_told(standing: Desk, how: dict[str, Any]) -> None:
    """Azure has one assignment for both: it is looked for who else works as the identity on the same account."""
    _shares(standing)
    identity = {"identity": how["identity"]} if "identity" in how else {}
    standing.arm.put(THEIR_WORKSPACE, type=ML_WORKSPACES, properties={"storageAccount": SHARED.upper()}, **identity)
    if "computes" in how:
        standing.arm.put(f"{THEIR_WORKSPACE}/computes/cpu", identity=how["computes"])
    if "role" in how:
        theirs = f"{THEIR_WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/t1"
        told = {"scope": THEIR_WORKSPACE, "principalId": IDENTITY, "roleDefinitionId": "/x/z"}
        standing.arm.put(theirs, properties=told)
    done = standing.run("down", "--yes")
    assert done.code == 0, done.err
    assert "role assignment r1 stays: workspace mlw-theirs, which stands on the same, may rely on it" in done.err
    assert f"az role assignment delete --ids {ROLE.lower()}" in done.err
    assert _forgotten(standing)
    assert f"DELETE {ROLE}" not in standing.arm.calls


def test_and_where_the_engine_is_asked_the_state_has_forgotten_it_and_nothing_is_protected(standing: Desk) -> None:
    """The engine deletes what its state holds, and refuses what is protected from slips: `down` is none."""
    _shares(standing, "Workspace mlw-theirs in group theirs works as this identity")
    _holds_more(standing)
    entries = [replace(each, protected=each.urn == "urn::x") for each in standing.stack.held.resources]
    standing.stand(*entries)
    assert standing.run("down", "--yes").code == 0
    assert standing.stack.calls == ["forget role", "unprotect x", "destroy", "remove"]
    assert f"DELETE {ROLE}" not in standing.arm.calls


def test_a_role_that_nobody_else_relies_on_is_the_engines_to_delete(standing: Desk) -> None:
    _shares(standing)
    other = {"storageAccount": f"{SHARED}2"}
    standing.arm.put(THEIR_WORKSPACE, type=ML_WORKSPACES, properties=other, identity={"principalId": IDENTITY})
    done = standing.run("down", "--yes")
    assert done.code == 0, done.err
    assert "stays" not in done.err
    assert not _forgotten(standing)


def test_a_role_that_another_made_meanwhile_under_the_same_name_stays(standing: Desk) -> None:
    said = "Workspace mlw-theirs in group theirs works as this identity"
    _shares(standing, said)
    done = standing.run("down", "--yes")
    assert done.code == 0, done.err
    assert f"role assignment r1 stays: it says `{said}`" in done.err
    assert _forgotten(standing)


def test_with_its_state_lost_its_roles_on_what_is_given_go_and_no_others(desk: Desk) -> None:
    """They are outside of the group; their ids follow from the settings, and they say what they are for."""
    text = f"config:\n  azmlflow:cloud: local\n  azmlflow:storage: {SHARED}\n  azmlflow:storageAuth: identity\n"
    person = f"{{principalId: {ALICE.id}, principalType: User, persona: tracker}}"
    desk.settings(text=f"{text}  azmlflow:identity: {{type: UserAssigned}}\n  azmlflow:grants: [{person}]\n")
    config = yaml.safe_load((desk.root / "Pulumi.local.yaml").read_text())["config"]
    every = rehearse(config, project="azmlflow", stack="local", subscription=SUBSCRIPTION, tenant="t1")
    declared = [each for each in every if each.id.startswith(SHARED)]
    descriptions = {each.id: str(each.inputs["description"]) for each in declared}
    assert sorted(descriptions.values()) == [
        "Artifacts of a workspace with identity-based storage, azmlflow stack local of project azmlflow",
        "Artifacts of a workspace with identity-based storage, azmlflow stack local of project azmlflow",
        *["Workspace mlw-mlflow-local in group rg-mlflow-local works as this identity"] * 3,
    ]
    first, *ours = descriptions
    roles = f"{SHARED}/providers/Microsoft.Authorization/roleAssignments"
    for id_ in ours:
        desk.arm.put(id_, properties={"scope": SHARED, "description": descriptions[id_], "roleDefinitionId": "/x/y"})
    # Another workspace on the same account, in which none of these principals works, is in nobody's way.
    desk.arm.put(THEIR_WORKSPACE, type=ML_WORKSPACES, properties={"storageAccount": SHARED})
    others = {
        first: "Workspace mlw-mlflow-local in group rg-theirs works as this identity",
        f"{roles}/copied": descriptions[ours[0]],
        f"{roles}/silent": None,
    }
    for id_, said in others.items():
        desk.arm.put(id_, properties={"scope": SHARED, "description": said, "roleDefinitionId": "/x/y"})
    done = desk.run("down", "--yes")
    assert done.code == 0, done.err
    assert sorted(desk.arm.calls) == sorted(f"DELETE {id_}" for id_ in ours)
