"""What an `up` would delete, line by line."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from azmlflow.cli.mending import losses
from azmlflow.cli.pulumi.changes import Change
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.cli.session.invocation import Invocation
from azmlflow.cli.session.session import open_session
from azmlflow.infra.rehearsal import rehearse
from tests.cli.desk import SUBSCRIPTION, WORKSPACE_ID, Desk, FakeStack

GROUP, ACCOUNT = "azure-native:resources:ResourceGroup", "azure-native:storage:StorageAccount"
GIVEN = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-shared/providers"
LOCK = "azure-native:authorization:ManagementLockByScope"


def change(operation: str, type_: str, *keys: str) -> Change:
    return Change("urn::x", type_, "x", operation, "planned", keys=keys)


@pytest.mark.parametrize(
    ("planned", "told"),
    [
        (change("delete", GROUP), "resource group `x`, with everything in it"),
        (change("delete", GROUP, "location"), "resource group `x`, with everything in it"),
        (change("delete", LOCK), "lock `x`"),
        (change("replace", ACCOUNT), "storage account `x`, with every blob in it, and make another"),
        (
            change("create-replacement", ACCOUNT, "location", "kind"),
            "storage account `x`, with every blob in it, and make another (it differs in location, kind)",
        ),
        # What holds no data may be made anew, and what is changed in place stays.
        (change("replace", LOCK, "notes"), None),
        (change("update", ACCOUNT, "tags"), None),
        (change("create", ACCOUNT), None),
        (change("same", GROUP), None),
    ],
)
def test_what_a_preview_would_delete(planned: Change, told: str | None) -> None:
    found = losses.of_preview(FakeStack(planned=(planned,)))
    assert [each.says for each in found] == ([told] if told else [])
    assert [each.replaced for each in found] == (["make another" in told] if told else [])


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (1, "1 resource that azmlflow's program does not declare: Bucket `b0`"),
        (
            5,
            "5 resources that azmlflow's program does not declare: "
            "Bucket `b0`, Bucket `b1`, Bucket `b2`, Bucket `b3`, Bucket `b4`",
        ),
        (
            6,
            "6 resources that azmlflow's program does not declare: "
            "Bucket `b0`, Bucket `b1`, Bucket `b2`, Bucket `b3`, Bucket `b4` and 1 more",
        ),
        (
            7,
            "7 resources that azmlflow's program does not declare: "
            "Bucket `b0`, Bucket `b1`, Bucket `b2`, Bucket `b3`, Bucket `b4` and 2 more",
        ),
    ],
)
def test_what_the_program_does_not_declare(desk: Desk, count: int, told: str) -> None:
    desk.settings()
    ours = "urn:pulumi:local::azmlflow::azmlflow:index:MlflowWorkspace$aws:s3:Bucket::ours"
    desk.stand(
        *(Resource(f"urn:pulumi:local::azmlflow::aws:s3:Bucket::b{at}", "aws:s3:Bucket", "b") for at in range(count)),
        # Only read: nothing of it goes with the state.
        Resource("urn:pulumi:local::azmlflow::aws:s3:Bucket::read", "aws:s3:Bucket", "r", external=True),
        Resource(ours, "aws:s3:Bucket", "o"),
    )
    done = desk.run("up")
    assert done.code == 1
    assert f"error: `up` would delete {told} [" in done.err
    session = open_session(Invocation(connect=desk.connect))
    (loss,) = losses.of_settings(session, desk.stack.state(), session.settings())
    assert (loss.says, loss.replaced, loss.same_name) == (told, False, ())
    assert [each.name for each in loss.resources] == [f"b{at}" for at in range(count)]


ENDPOINT = "azure-native:machinelearningservices:OnlineEndpoint"
SERVED = f"{WORKSPACE_ID}/onlineEndpoints/wine-eu"


def serve(desk: Desk, endpoints: str, identity: str = "SystemAssigned", location: str = "westeurope") -> list[str]:
    """What an `up` would delete of a stack whose one endpoint stands, with these endpoints in its settings."""
    desk.settings(text=f"config:\n  azmlflow:cloud: local\n  azmlflow:endpoints: {endpoints}\n")
    urn = f"urn:pulumi:local::azmlflow::azmlflow:index:OnlineEndpoint${ENDPOINT}::wine-eu-endpoint"
    desk.stand_whole(Resource(urn, ENDPOINT, SERVED, {"identity": {"type": identity}, "location": location}))
    session = open_session(Invocation(connect=desk.connect))
    return [each.says for each in losses.of_settings(session, desk.stack.state(), session.settings())]


def test_an_endpoint_that_goes_takes_its_keys_along(desk: Desk) -> None:
    called = "online endpoint `wine-eu`, with its keys and what answers there"
    assert serve(desk, "[{name: wine-eu, auth: aadToken}]") == []
    assert serve(desk, "[]") == [called]
    assert serve(desk, "[{name: wine-us}]") == [called]
    made = serve(desk, "[{name: wine-eu}]", "UserAssigned")
    assert made == [f"{called}, and make another: it differs in identity.type"]
    session = open_session(Invocation(connect=desk.connect))
    (loss,) = losses.of_settings(session, desk.stack.state(), session.settings())
    assert (loss.replaced, loss.resources) == (True, loss.same_name)
    assert [each.id for each in loss.resources] == [SERVED]


def test_only_an_endpoint_of_our_program_goes(desk: Desk) -> None:
    called = "online endpoint `wine-eu`, with its keys and what answers there"
    inputs = {"identity": {"type": "SystemAssigned"}, "location": "westeurope"}
    ours = f"urn:pulumi:local::azmlflow::azmlflow:index:OnlineEndpoint${ENDPOINT}::"
    desk.settings()
    desk.stand_whole(
        Resource(f"{ours}given", ENDPOINT, f"{WORKSPACE_ID}/onlineEndpoints/given", inputs, external=True),
        Resource(f"{ours}wine-eu-endpoint", ENDPOINT, SERVED, inputs),
    )
    session = open_session(Invocation(connect=desk.connect))
    (gone,) = losses.of_settings(session, desk.stack.state(), session.settings())
    assert (gone.says, gone.replaced, gone.same_name) == (called, False, ())
    assert [each.id for each in gone.resources] == [SERVED]


def test_what_is_declared_is_of_the_vaults_tenant() -> None:
    asked: Any = SimpleNamespace(subscription=lambda _: "s", rehearsed=lambda *words: words)
    other = Resource("urn::other", "azure-native:search:Service", "/o", {"properties": {"tenantId": "another"}})
    vault = Resource("urn::kv", "azure-native:keyvault:Vault", "/kv", {"properties": {"tenantId": "t1"}})
    told: list[Any] = [losses.rehearsed(asked, State(stands)) for stands in ((other, vault), (other,))]
    assert told == [("s", "t1"), ("s", "")]


def test_latest_is_the_version_that_azure_tells(desk: Desk) -> None:
    desk.arm.put(f"{WORKSPACE_ID}/models/wine", properties={"latestVersion": "7"})
    serve(desk, "[{name: wine-eu, deployments: [{model: wine}]}]")
    session = open_session(Invocation(connect=desk.connect))
    declared = losses.rehearsed(session, desk.stack.state())
    assert f"{SERVED}/deployments/wine-7" in [each.id for each in declared]


def lost(desk: Desk, before: str, after: str, *, account: dict[str, object] | None = None) -> list[losses.Loss]:
    """What an `up` of these settings would delete of what an `up` of those before made; `account`: what Azure answered
    of the storage account, whose place the state then leaves to Azure.
    """
    config = {"azmlflow:cloud": "local", **yaml.safe_load(f"  {before}" if before else "{}")}
    made = rehearse(config, project="azmlflow", stack="local", subscription=SUBSCRIPTION, tenant="t1")
    state = [Resource(each.urn, each.type, each.id, each.inputs) for each in made]
    if account is not None:
        (at,) = (number for number, each in enumerate(state) if each.type == ACCOUNT)
        inputs = {name: value for name, value in state[at].inputs.items() if name != "location"}
        state[at] = replace(state[at], inputs=inputs, outputs=account)
    desk.stand(*state)
    desk.settings(text="config:\n  azmlflow:cloud: local\n" + (f"  {after}\n" if after else ""))
    session = open_session(Invocation(connect=desk.connect))
    return list(losses.of_settings(session, desk.stack.state(), session.settings()))


def test_an_instance_that_goes_or_is_made_anew_takes_its_disk_along(desk: Desk) -> None:
    """Microsoft, "What is an Azure Machine Learning compute instance?": its disk is deleted with it."""
    before = "azmlflow:instances: [{name: alice}]"
    disk = "compute instance `alice`, with what is on its disk"
    assert lost(desk, before, before) == []
    (gone,) = lost(desk, before, "")
    assert (gone.says, gone.replaced, [each.id for each in gone.resources]) == (
        *(disk, False),
        [f"{WORKSPACE_ID}/computes/alice"],
    )
    owner = "aaaaaaaa-0000-4000-8000-000000000001"
    other = f"azmlflow:instances: [{{name: alice, vmSize: Standard_DS12_v2, owner: {owner}}}]"
    (made,) = lost(desk, before, other)
    assert (made.says, made.replaced, made.same_name) == (
        f"{disk}, and make another: it differs in vmSize, objectId, tenantId",
        True,
        (),
    )
    assert made.resources == gone.resources


def test_what_keeps_its_name_has_to_go_before_the_one_that_takes_its_place(desk: Desk) -> None:
    """Azure takes no two workspaces of one name, and never opens a managed network again (Microsoft, "Workspace managed
    virtual network isolation").
    """
    network = "azmlflow:network: {{mode: managed, outbound: {}}}\n  azmlflow:registry: own"
    approved, open_ = (network.format(each) for each in ("approved", "internet"))
    assert lost(desk, open_, approved) == []
    (kept,) = lost(desk, approved, open_)
    assert kept.says.startswith("workspace `mlw-mlflow-local`, with every run and model in it, and make another: ")
    assert "`AllowOnlyApprovedOutbound` becomes `AllowInternetOutbound`, which Azure does not change" in kept.says
    assert (kept.replaced, kept.resources) == (True, kept.same_name)
    assert [each.id for each in kept.same_name] == [WORKSPACE_ID]


def test_what_goes_without_another_in_its_place_is_no_replacement(desk: Desk) -> None:
    (gone,) = lost(desk, "azmlflow:registry: own", "")
    assert gone.says.startswith("container registry `")
    assert (gone.replaced, gone.same_name, len(gone.resources)) == (False, (), 1)


def test_what_the_state_leaves_to_azure_is_as_azure_answered_it(desk: Desk) -> None:
    assert lost(desk, "", "", account={"location": "West Europe"}) == []
    (moved,) = lost(desk, "", "", account={"location": "northeurope"})
    assert moved.says.startswith("storage account `")
    assert (moved.replaced, moved.resources) == (True, moved.same_name)


@pytest.mark.parametrize(
    ("after", "of", "why"),
    [
        ("location: northeurope", "nothing", "location `westeurope` becomes `northeurope`"),
        ("workspace: other", "machinelearningservices:Workspace", "workspace `mlw-mlflow-local` becomes `other`"),
        ("resourceGroup: rg-other", "", "resource group `rg-mlflow-local` becomes `rg-other`"),
        ("storageAccount: stother", ":StorageAccount", r"storage account `\w+` becomes `stother`"),
        ("keyVault: kv-other", ":Vault", r"key vault `[\w-]+` becomes `kv-other`"),
        (f"storage: {GIVEN}/Microsoft.Storage/storageAccounts/stg", ":StorageAccount", r"account `\w+` becomes `stg`"),
        (f"vault: {GIVEN}/Microsoft.KeyVault/vaults/kv-given", ":Vault", r"key vault `[\w-]+` becomes `kv-given`"),
    ],
)
def test_a_name_or_a_place_that_changes_takes_all_that_holds_data(desk: Desk, after: str, of: str, why: str) -> None:
    (whole,) = lost(desk, "", f"azmlflow:{after}")
    assert whole.says.startswith("the workspace, with every run and model in it, and make another: ")
    assert re.search(rf"make another: [a-z ]*{why}$", whole.says), whole.says
    assert whole.replaced
    held = {each.type for each in whole.resources}
    assert {GROUP, ACCOUNT, "azure-native:keyvault:Vault"} <= held <= set(losses.HOLDS_DATA)
    # What keeps its id has to go before the one that takes its place; in another group nothing does.
    kept = [] if after.startswith("resourceGroup:") else [each.id for each in whole.resources if of not in each.type]
    assert [each.id for each in whole.same_name] == kept


def test_what_somebody_else_declared_is_told_by_itself_whatever_it_holds(desk: Desk) -> None:
    theirs, account = (
        Resource(f"urn:pulumi:local::azmlflow::{type_}::theirs", type_, id_)
        for type_, id_ in ((ENDPOINT, SERVED), (ACCOUNT, f"{GIVEN}/st"))
    )
    desk.settings()
    desk.stand_whole(theirs, account)
    session = open_session(Invocation(connect=desk.connect))
    (told,) = losses.of_settings(session, desk.stack.state(), session.settings())
    assert told.says.startswith("2 resources that azmlflow's program does not declare: ")
    assert told.resources == (theirs, account)


def test_where_nothing_that_holds_data_stands_nothing_is_made_anew(desk: Desk) -> None:
    desk.settings(text="config:\n  azmlflow:cloud: local\n  azmlflow:workspace: other\n")
    desk.stand()
    session = open_session(Invocation(connect=desk.connect))
    assert losses.of_settings(session, desk.stack.state(), session.settings()) == ()


@pytest.mark.parametrize("lacks", ["workspaceName", "storageAccount"])
def test_an_output_that_is_not_there_is_compared_with_nothing(desk: Desk, lacks: str) -> None:
    desk.settings()
    desk.stand_whole()
    state = desk.stack.state()
    state = replace(state, outputs={name: value for name, value in state.outputs.items() if name != lacks})
    session = open_session(Invocation(connect=desk.connect))
    assert losses.of_settings(session, state, session.settings()) == ()
