"""`up` and `preview`: the order of things, config.json, the panel, bad input."""

from __future__ import annotations

import json
from typing import Any

import pytest

from azmlflow.cli.commands.stack import up
from azmlflow.cli.frame.errors import CliError, Interrupted
from azmlflow.cli.project.hold import hold
from azmlflow.cli.pulumi.changes import Change, Diagnosis, Outcome
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.cli.pulumi.failures import advice, failed, held
from azmlflow.cli.session.invocation import Invocation
from azmlflow.cli.session.session import open_session
from azmlflow.infra import rehearsal
from tests.cli.desk import OUTPUTS, SUBSCRIPTION, WORKSPACE, WORKSPACE_ID, Desk

COMPUTE = "azure-native:machinelearningservices:Compute"


def test_up_from_nothing_writes_settings_state_and_config(desk: Desk) -> None:
    done = desk.run("up")
    assert done.code == 0
    assert desk.entered == ["local"]
    assert desk.stack.calls == ["create", "up"]
    assert "azmlflow:cloud: local" in (desk.root / "Pulumi.local.yaml").read_text()
    config = json.loads((desk.root / ".azureml" / "config.json").read_text())
    assert config["workspace_name"] == WORKSPACE
    assert OUTPUTS["trackingUri"] in done.out
    assert "azmlflow grant" in done.out


def test_up_as_json(desk: Desk) -> None:
    document = desk.run("up", "--output", "json").json()
    assert document["changes"] == {"same": 9}
    assert document["trackingUri"] == OUTPUTS["trackingUri"]
    assert document["config"] == str(desk.root / ".azureml" / "config.json")


def test_up_of_an_unknown_stack(desk: Desk) -> None:
    done = desk.run("up", "--stack", "prod")
    assert done.code == 1
    assert "stack `prod` does not exist" in done.err
    assert "next: azmlflow init prod" in done.err
    assert desk.stack.calls == []


def test_up_tells_every_fault_of_the_settings_before_anything_starts(desk: Desk) -> None:
    desk.settings(
        text="config:\n  azmlflow:cloud: local\n  azmlflow:locatoin: westeurope\n  azmlflow:clusters:\n"
        "  - {name: gpu-1, minNodes: 3, maxNodes: 1}\n"
    )
    done = desk.run("up")
    assert done.code == 1
    assert "location" in done.err
    assert "gpu-1" in done.err
    assert "minNodes" in done.err
    assert desk.entered == []
    assert desk.stack.calls == []


def test_the_second_of_two_ups_is_told_who_holds_the_stack(desk: Desk) -> None:
    desk.settings()
    with hold(desk.project, "local", "azmlflow up") as holder:
        done = desk.run("up")
        holder.finish()
    assert done.code == 1
    assert "held by `azmlflow up` (pid " in done.err
    assert desk.stack.calls == []


def test_another_workspaces_config_json_stays_and_up_succeeds(desk: Desk) -> None:
    path = desk.root / ".azureml" / "config.json"
    path.parent.mkdir()
    theirs = '{"subscription_id": "s", "resource_group": "g", "workspace_name": "theirs"}'
    path.write_text(theirs)
    done = desk.run("up", "--output", "json")
    assert done.code == 0
    assert "names another workspace: theirs in g" in done.err
    assert done.json()["config"] is None
    assert path.read_text() == theirs


SHARED = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers/Microsoft.Storage/storageAccounts/stshared"
ROLE = f"{SHARED}/providers/Microsoft.Authorization/roleAssignments/r1"


@pytest.mark.parametrize("relied", [True, False])
def test_a_role_that_an_up_takes_away_stays_where_another_workspace_relies_on_it(desk: Desk, relied: bool) -> None:
    said = {"scope": SHARED, "principalId": "p1", "description": "Why, azmlflow stack local of project azmlflow"}
    desk.settings()
    desk.stand_whole(Resource("urn::role", "azure-native:authorization:RoleAssignment", ROLE, said))
    desk.arm.put(ROLE, properties={**said, "roleDefinitionId": "/x/y"})
    theirs = WORKSPACE_ID.replace("rg-mlflow-local", "rg-theirs")
    desk.arm.put(theirs, properties={"storageAccount": SHARED}, identity={"principalId": "p1" if relied else "p2"})
    done = desk.run("up", "--yes")
    assert done.code == 0, done.err
    assert ("forget role" in desk.stack.calls) is relied
    assert ("role assignment r1 stays: workspace mlw-mlflow-local, which stands on the same" in done.err) is relied


def test_what_the_workspace_stands_on_already_is_not_looked_at_again(desk: Desk) -> None:
    """Its group, which no input names by id, and the vault of its key, which is deep in one."""
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/theirs"
    vault = f"{group}/providers/Microsoft.KeyVault/vaults/kv-keys"
    key = {"keyVaultProperties": {"keyVaultArmId": vault}}
    token = "azure-native:machinelearningservices:Workspace"
    lines = ["cloud: local", f"group: {group}", "identity: {type: UserAssigned}"]
    lines += [f"encryption: {{keyVault: {vault}, key: workspace}}"]
    desk.settings(text="".join(["config:\n", *(f"  azmlflow:{line}\n" for line in lines)]))
    session = open_session(Invocation(connect=desk.connect))
    id_ = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/w"
    there = Resource("urn", token, id_, {"encryption": key})
    assert not up._newly_given(session, State((there,)))
    assert up._newly_given(session, State((Resource("urn", token, there.id, {}),)))
    elsewhere = Resource("urn", token, there.id.replace("/theirs/", "/theirs2/"), {"encryption": key})
    assert up._newly_given(session, State((elsewhere,)))


def test_a_failed_up_leaves_a_sign_for_the_next(desk: Desk) -> None:
    desk.settings()
    desk.stack.fault = CliError("Conflict: taken", next="azmlflow up")
    assert desk.run("up").code == 1
    status = desk.run("status", "--output", "json").json()
    assert status["unfinished"].startswith("`azmlflow up`")
    desk.stack.fault = None
    assert desk.run("up").code == 0
    assert desk.run("status", "--output", "json").json()["unfinished"] is None


def test_ctrl_c_then_again(desk: Desk) -> None:
    desk.settings()
    desk.stack.fault = Interrupted()
    done = desk.run("up")
    assert done.code == 130
    assert "`azmlflow up` goes on from here" in done.err
    desk.stack.fault = None
    assert desk.run("up").code == 0


def cluster(name: str, size: str = "Standard_DS3_v2", priority: str = "Dedicated") -> Resource:
    inputs = {"computeName": name, "properties": {"properties": {"vmSize": size, "vmPriority": priority}}}
    urn = f"urn:pulumi:local::azmlflow::azmlflow:index:ComputeCluster${COMPUTE}::{name}-cluster"
    return Resource(urn, COMPUTE, f"{WORKSPACE_ID}/computes/{name}", inputs)


def test_clusters_that_go_or_change_machines_are_removed_over_arm_first(desk: Desk) -> None:
    desk.settings(
        text="config:\n  azmlflow:cloud: local\n  azmlflow:clusters:\n  - {name: stays}\n"
        "  - {name: grows, vmSize: Standard_NC6s_v3}\n  - {name: cheaper, priority: LowPriority}\n"
    )
    standing = [cluster(name) for name in ("stays", "grows", "cheaper", "gone")]
    desk.stand(*standing)
    for each in standing:
        desk.arm.put(each.id)
    assert desk.run("up").code == 0
    assert desk.arm.calls == [
        f"DELETE {WORKSPACE_ID}/computes/{name}?underlyingResourceAction=Delete"
        for name in ("grows", "cheaper", "gone")
    ]


@pytest.fixture
def renamed(desk: Desk) -> Desk:
    """A stack that stands, with settings that have come to name another workspace."""
    desk.settings(text="config:\n  azmlflow:cloud: local\n  azmlflow:prefix: other\n")
    desk.stand_whole()
    return desk


def test_a_setting_that_would_replace_the_workspace_is_not_just_applied(renamed: Desk) -> None:
    done = renamed.run("up")
    assert done.code == 1
    assert "would delete the workspace" in done.err
    assert f"`{OUTPUTS['resourceGroup']}` becomes `rg-other-local`" in done.err
    assert renamed.stack.calls == []
    assert renamed.run("up", "--allow-replace", "--yes").code == 0
    assert renamed.stack.calls == ["up"]


@pytest.mark.parametrize(("typed", "code"), [("local", 0), ("yes", 1)])
def test_on_a_terminal_the_name_is_asked_for(
    renamed: Desk, monkeypatch: pytest.MonkeyPatch, typed: str, code: int
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *_, **__: typed)
    assert renamed.run("up").code == 1  # what holds data is not replaced by a name alone
    assert renamed.run("up", "--allow-replace").code == code


def test_another_location_replaces_the_workspace_too(desk: Desk) -> None:
    desk.settings()
    desk.stand(Resource("urn::group", "azure-native:resources:ResourceGroup", "/x", {"location": "eastus"}))
    assert "location `eastus` becomes `westeurope`" in desk.run("up").err


def test_what_the_program_does_not_declare_is_asked_about(desk: Desk) -> None:
    desk.settings()
    desk.stand(Resource("urn:pulumi:local::azmlflow::aws:s3:Bucket::company", "aws:s3:Bucket", "company"))
    done = desk.run("up")
    assert (done.code, desk.stack.calls) == (1, [])
    assert "1 resource that azmlflow's program does not declare: Bucket `company`" in done.err
    assert desk.run("up", "--yes").code == 0


def test_another_vault_replaces_the_workspace_too(desk: Desk) -> None:
    desk.settings(text="config:\n  azmlflow:cloud: local\n  azmlflow:keyVault: kv-other\n")
    urn = "urn:pulumi:local::azmlflow::azmlflow:index:MlflowWorkspace$azure-native:keyvault:Vault::mlflow-vault"
    desk.stand(Resource(urn, "azure-native:keyvault:Vault", f"{WORKSPACE_ID}/x/vaults/kv-mlflow-1"))
    assert "key vault `kv-mlflow-1` becomes `kv-other`" in desk.run("up").err


def test_a_program_of_the_users_own_is_previewed_and_its_losses_asked_about(desk: Desk) -> None:
    (desk.root / "Pulumi.yaml").write_text("name: azmlflow\nruntime: python\nazmlflow: true\n")
    (desk.root / "__main__.py").write_text("")
    desk.settings()
    group, account = "azure-native:resources:ResourceGroup", "azure-native:storage:StorageAccount"
    desk.stack.planned = (
        Change("urn::g", group, "company", "delete", "planned"),
        Change("urn::s", account, "data", "create-replacement", "planned", keys=("location",)),
        Change("urn::n", "a:b:New", "new", "create", "planned"),
    )
    done = desk.run("up")
    assert (done.code, desk.stack.calls) == (1, ["create", "preview"])
    assert "`up` would delete resource group `company`, with everything in it; storage account `data`, " in done.err
    assert "with every blob in it, and make another (it differs in location)" in done.err
    assert "`new`" not in done.err


def test_a_replaced_workspaces_config_json_is_written_anew(renamed: Desk) -> None:
    path = renamed.root / ".azureml" / "config.json"
    path.parent.mkdir()
    old = {"subscription_id": "s", "resource_group": "g", "workspace_name": "old"}
    path.write_text(json.dumps(old))
    before = {**OUTPUTS, "subscriptionId": "s", "resourceGroup": "g", "workspaceName": "old"}
    renamed.stack.held = State((), (), before)
    assert renamed.run("up", "--allow-replace", "--yes").code == 0
    assert json.loads(path.read_text())["workspace_name"] == WORKSPACE


def test_preview_changes_nothing(desk: Desk) -> None:
    desk.settings()
    desk.stand_whole()
    assert "no changes" in desk.run("preview").out
    desk.stack.planned = (Change("urn:x::y::t::vault", "a:b:Vault", "vault", "update", "planned", keys=("tags",)),)
    done = desk.run("preview", "--output", "json")
    assert done.json()["resources"] == [
        {"name": "vault", "type": "a:b:Vault", "operation": "update", "properties": ["tags"]}
    ]
    assert "[tags]" in desk.run("preview").out
    desk.stack.planned = (Change("urn:x::y::t::mlw", "a:b:Workspace", "mlw", "create-replacement", "planned"),)
    assert "± replace  Workspace" in desk.run("preview").out
    assert set(desk.stack.calls) == {"preview"}
    assert not (desk.root / ".azureml").exists()


def test_status_of_a_standing_stack(desk: Desk) -> None:
    desk.settings()
    desk.stand(Resource("urn::group", "azure-native:resources:ResourceGroup"))
    document = desk.run("status", "--output", "json").json()
    assert (document["stands"], document["resources"], document["outputs"]) == (True, 1, OUTPUTS)
    assert OUTPUTS["trackingUri"] in desk.run("status").out


def test_status_where_nothing_stands(desk: Desk) -> None:
    desk.settings()
    done = desk.run("status")
    assert done.code == 0
    assert "nothing stands" in done.out
    assert desk.entered == []


def test_a_failure_says_what_the_cloud_said_of_the_first_resource() -> None:
    urn = "urn:pulumi:local::azmlflow::azure-native:keyvault:Vault::mlflow-vault"
    outcome = Outcome(
        diagnoses=(
            Diagnosis("warning", "noise", urn),
            Diagnosis("error", "update failed", "urn:pulumi:local::azmlflow::pulumi:pulumi:Stack::azmlflow-local"),
            Diagnosis("error", "1 error occurred:\n\t* creating: VaultAlreadyExists: in use", urn),
        )
    )
    fault = failed("local", outcome, "", "again")
    assert fault.what == "creating: VaultAlreadyExists: in use"
    assert fault.where == "mlflow-vault"
    assert "azmlflow:salt" in str(fault.next)


def test_a_failure_without_a_word_shows_the_engines_last() -> None:
    fault = failed("local", Outcome(), "code: 255\nstdout: \nstderr: x\nerror: no credentials\n", "again")
    assert "no credentials" in fault.what
    assert fault.next == "again"


def test_a_backend_of_ones_own_that_is_torn_is_mended_by_hand() -> None:
    text = "stderr: error: failed to load checkpoint: EOF"
    assert "-name '*.attrs' -empty -delete" in str(failed("prod", Outcome(), text, "again", mended=False).next)
    assert failed("local", Outcome(), text, "again").next == "again"
    assert failed("prod", Outcome(), "error: no credentials", "again", mended=False).next == "again"


@pytest.mark.parametrize(
    ("message", "command"),
    [
        (
            "Conflict: Soft-deleted workspace exists. Please purge or recover it.",
            "azmlflow set onSoftDeleted recover --stack local    (then `azmlflow up`; or purge, or rename)",
        ),
        (
            'Status=400 Code="PrincipalNotFound" Message="Principal 90d41f2c270a4a41b7ebed4b27466312 does not exist"',
            "azmlflow revoke 90d41f2c-270a-4a41-b7eb-ed4b27466312 --stack local",
        ),
        (
            "ConflictError: A vault with the same name already exists in deleted state.",
            "azmlflow set onSoftDeleted recover --stack local    (then `azmlflow up`; or purge, or rename)",
        ),
        ("StorageAccountAlreadyTaken: The storage account named x is already taken.", "azmlflow:salt"),
        (
            'Status=409 Code="MissingSubscriptionRegistration" '
            "Message=\"The subscription is not registered to use namespace 'Microsoft.KeyVault'.\"",
            "az provider register --namespace Microsoft.KeyVault",
        ),
        (
            "endpoint wine-eu: there is no model wine in workspace mlw: register it first, then declare its deployment",
            "azmlflow set --unset endpoints --stack local    (then `azmlflow up`, and register it)",
        ),
    ],
)
def test_advice_names_the_command_that_mends(message: str, command: str) -> None:
    assert command in str(advice(message, "local"))


def test_to_a_program_of_ones_own_no_setting_is_advised() -> None:
    """`down` would purge neither: it knows nothing of the names that such a program gives."""
    vault = "A vault with the same name already exists in deleted state. You need to purge existing key vault 'kv-own'."
    told = str(advice(f"ConflictError: {vault}", "local", own=True))
    assert told.startswith(
        "az keyvault purge --name kv-own    (for good; where purge protection forbids it: az keyvault "
    )
    assert told.endswith("or give it another name in the program)")
    told = str(advice("Conflict: Soft-deleted workspace exists. Please purge or recover it.", "local", own=True))
    assert told.startswith("az ml workspace delete --name NAME --resource-group GROUP --permanently-delete")


def test_another_machines_update_is_named() -> None:
    text = "error: the stack is currently locked by 1 lock(s).\n  file:///x: created by ann@far (pid 7) at 2026-01-01"
    fault = held("prod", text)
    assert "ann@far (pid 7)" in fault.what
    assert fault.next is not None


def test_preview_tells_a_size_that_the_region_has_not(desk: Desk) -> None:
    desk.settings(
        text="config:\n  azmlflow:cloud: local\n  azmlflow:clusters: [{name: cpu, vmSize: Standard_DS33_v2}]\n"
    )
    desk.stand_whole()
    place = f"{WORKSPACE_ID.partition('/resourceGroups/')[0]}/providers/Microsoft.MachineLearningServices/locations"
    size = {"name": "STANDARD_DS3_V2", "family": "f", "vCPUs": 4}
    desk.arm.documents[f"{place}/westeurope/vmSizes/a".lower()] = size
    desk.stack.planned = (Change("urn:x::y::t::cpu", COMPUTE, "cpu", "create", "planned"),)
    told = desk.run("preview").out
    assert "westeurope offers no Standard_DS33_v2 (cluster cpu); did you mean STANDARD_DS3_V2?" in told
    assert told.splitlines()[-1] == "next: edit Pulumi.local.yaml"
    assert desk.run("preview", "--output", "json").json()["refused"]


def test_preview_tells_what_up_changes_of_instances_beside_the_engine(desk: Desk) -> None:
    desk.settings(text="config:\n  azmlflow:cloud: local\n  azmlflow:instances: [{name: alice, idleMinutes: 15}]\n")
    desk.stand_whole()
    inner: dict[str, object] = {"idleTimeBeforeShutdown": "PT1H", "schedules": None}
    desk.arm.put(f"{WORKSPACE_ID}/computes/alice", properties={"properties": inner})
    told = desk.run("preview").out
    assert "1 change\n  ~ compute instance `alice` stops after 15 minutes without work" in told
    assert len(desk.run("preview", "-o", "json").json()["apart"]) == 1
    assert desk.arm.asked == []
    inner["idleTimeBeforeShutdown"] = "PT15M"
    assert "no changes" in desk.run("preview").out


REGISTRY = "azure-native:containerregistry:Registry"


def test_preview_tells_what_the_stack_costs_while_idle(desk: Desk) -> None:
    desk.settings()
    desk.stack.planned = (
        Change("urn::r", REGISTRY, "images", "same", "planned", inputs={"sku": {"name": "Basic"}}),
        Change("urn::o", REGISTRY, "old", "delete", "planned", inputs={"sku": {"name": "Premium"}}),
        Change("urn::b", "aws:s3:Bucket", "b", "create", "planned"),
    )
    price = desk.run("preview", "-o", "json").json()["price"]
    assert (price["month"], price["currency"], price["unknown"]) == (5, "USD", ["Bucket"])
    told = desk.run("preview").out
    assert "idle, about 5 USD a month, and what is unknown: Bucket (list prices of 20" in told


def test_the_first_up_tells_it_and_no_other(desk: Desk) -> None:
    desk.settings(text="config:\n  azmlflow:cloud: local\n  azmlflow:registry: own\n")
    assert "idle, about 5 USD a month" in desk.run("up").err
    assert "USD" not in desk.run("up").err


def test_the_program_is_rehearsed_once_for_each_state_of_the_settings(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[bool] = []
    rehearse = rehearsal.rehearse

    def counted(config: dict[str, Any], **words: Any) -> Any:
        looks.append("azmlflow:createdOn" in config)
        return rehearse(config, **words)

    monkeypatch.setattr(rehearsal, "rehearse", counted)
    desk.settings(
        text="config:\n  azmlflow:cloud: local\n  azmlflow:registry: own\n  azmlflow:network: {mode: managed}\n"
        "  azmlflow:clusters: [{name: cpu}]\n"
    )
    desk.stack.fault = CliError("Conflict: taken")  # the engine's turn is no matter here
    done = desk.run("up")
    assert "USD a month" in done.err
    assert desk.stack.calls == ["create", "up without cpu-cluster"]
    # Recovery looks before the creation's time stands in the settings; the price and the network after it.
    assert looks == [False, True]


def test_a_deployment_that_does_not_answer_is_told_with_the_end_of_its_log(desk: Desk) -> None:
    desk.settings()
    id_ = f"{WORKSPACE_ID}/onlineEndpoints/wine-eu/deployments/wine-2"
    desk.arm.put(id_)
    desk.arm.put(id_.rpartition("/deployments/")[0])
    log = 'Container logs:\nTraceback (most recent call last):\n  File "x"\nRuntimeError: no weights\n'
    desk.arm.answers[f"{id_}/getLogs"] = {"content": log}
    token = "azure-native:machinelearningservices:OnlineDeployment"
    urn = f"urn:pulumi:local::azmlflow::azmlflow:index:OnlineEndpoint${token}::wine-eu-wine-2"
    desk.stand_whole(Resource(urn, token, id_))
    desk.stack.fault = CliError("ResourceNotReady: it has crashed", where="wine-eu-wine-2", next="azmlflow up")
    done = desk.run("up", "--yes")
    assert done.code == 1
    told = (
        "error: ResourceNotReady: it has crashed\nthe last lines of the deployment's log:\n  RuntimeError: no weights\n"
        "requests go where they went before [wine-eu-wine-2]\nnext: azmlflow up\n"
    )
    assert done.err.endswith(told)
