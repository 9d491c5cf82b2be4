"""`adopt`: what is refused leaves nothing behind; what is taken over is told, asked about, and changes by tags."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from azmlflow.cli.project.hold import hold
from azmlflow.cli.pulumi.changes import Change
from tests.cli.adoption.test_describe import ID, workspace
from tests.cli.adoption.test_members import compute, instance, store
from tests.cli.desk import Desk

URN = "urn:pulumi:team::azmlflow::azmlflow:index:{}${}::{}"
WORKSPACE_TYPE = "azure-native:machinelearningservices:Workspace"
COMPUTE_TYPE = "azure-native:machinelearningservices:Compute"


def changed(name: str, *keys: str, type_: str = WORKSPACE_TYPE, operation: str = "update") -> Change:
    component = "MlflowWorkspace" if type_ == WORKSPACE_TYPE else "ComputeCluster"
    top = tuple(dict.fromkeys(key.partition(".")[0].partition("[")[0] for key in keys))
    return Change(URN.format(component, type_, name), type_, name, operation, "planned", keys=top, ways=keys)


@pytest.fixture
def byhand(desk: Desk) -> Desk:
    """A workspace with a cluster and an instance."""
    document = workspace()
    desk.arm.documents[ID.lower()] = document
    for each in (compute(), compute("ComputeInstance")):
        name = "cpu" if each["properties"]["computeType"] == "AmlCompute" else "alice"
        id_ = f"{ID}/computes/{name}"
        desk.arm.documents[id_.lower()] = {**each, "id": id_, "name": name}
    idle = "properties.properties.scaleSettings.nodeIdleTimeBeforeScaleDown"
    desk.stack.planned = (
        changed("mlflow-workspace", 'tags["azmlflow-stack"]', "keyVault"),
        changed("cpu-cluster", idle, type_=COMPUTE_TYPE),
    )
    return desk


def adopt(desk: Desk, *words: str) -> Any:
    return desk.run("adopt", ID, "--stack", "team", *words)


def test_it_is_imported_and_marked(byhand: Desk) -> None:
    done = adopt(byhand, "--yes", "-o", "json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["taken"] == ["mlw-team", "cpu"]
    why = "who may use the workspace may use its applications (applicationSharingPolicy)"
    assert told["left"] == [f"alice: {why}: it is not taken over"]
    assert [each.id for each in byhand.stack.imported] == [ID, f"{ID}/computes/cpu"]
    assert byhand.stack.calls == ["create", "import", "preview", "up", "preview"]
    assert byhand.arm.calls == [], "nothing but the engine changes anything"
    text = (byhand.root / "Pulumi.team.yaml").read_text(encoding="utf-8")
    assert "azmlflow:workspace: mlw-team" in text
    assert "azure-native:subscriptionId: 00000000-0000-4000-8000-00000000000a" in text


def test_it_asks_and_tells_what_down_would_delete(byhand: Desk) -> None:
    done = adopt(byhand)
    assert done.code == 1
    assert (
        "`azmlflow down` would delete:\n  workspace mlw-team, with every run and model in it\n  cluster cpu" in done.err
    )
    assert "never changes or deletes:\n  group rg-team\n  storage stteam\n  vault kv-team" in done.err
    assert f"azmlflow adopt {ID}" in done.err.replace("\n", " ").replace("  ", " ")
    nothing_is_left(byhand)


def nothing_is_left(desk: Desk) -> None:
    assert not (desk.root / "Pulumi.team.yaml").exists()
    assert not desk.stack.there
    assert not [each for each in desk.stack.calls if each.startswith("up")]
    assert desk.arm.calls == []


def test_a_workspace_that_an_up_would_change_is_refused_and_named(byhand: Desk) -> None:
    byhand.stack.planned = (changed("mlflow-workspace", "tags", "v1LegacyMode"),)
    done = adopt(byhand, "--yes")
    assert done.code == 1
    assert "update of Workspace mlflow-workspace (v1LegacyMode)" in " ".join(done.err.split())
    assert byhand.stack.calls[-1] == "remove --force"
    nothing_is_left(byhand)


def test_nothing_is_made(byhand: Desk) -> None:
    byhand.stack.planned = (changed("mlflow-logs", operation="create"),)
    assert adopt(byhand, "--yes").code == 1
    nothing_is_left(byhand)


def test_what_an_up_would_still_change_after_the_tags_is_told(byhand: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure may answer the tags with more than the tags."""
    up = byhand.stack.up

    def marked(*words: Any, **more: Any) -> Any:
        done = up(*words, **more)
        byhand.stack.planned = (changed("mlflow-workspace", "description"),)
        return done

    monkeypatch.setattr(byhand.stack, "up", marked)
    done = adopt(byhand, "--yes")
    assert done.code == 1
    assert "taken over, but an `up` would still change mlflow-workspace" in done.err
    assert "next: azmlflow preview --stack team" in done.err


def test_a_cluster_that_an_up_would_change_is_left_as_it_is(byhand: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    byhand.stack.planned = (changed("cpu-cluster", "properties", type_=COMPUTE_TYPE),)
    plans = [byhand.stack.planned, ()]
    monkeypatch.setattr(byhand.stack, "preview", lambda _=None: _outcome(plans.pop(0) if plans else ()))
    told = json.loads(adopt(byhand, "--yes", "-o", "json").out)
    assert told["taken"] == ["mlw-team"]
    assert "cpu: no settings describe its properties; it stays as it is" in told["left"]
    assert "forget cpu-cluster cpu-cluster" in byhand.stack.calls or any(
        "forget" in each for each in byhand.stack.calls
    )
    assert "clusters" not in (byhand.root / "Pulumi.team.yaml").read_text(encoding="utf-8")


def _outcome(changes: tuple[Change, ...]) -> Any:
    from azmlflow.cli.pulumi.changes import Outcome

    return Outcome(changes, {}, (), {"same": 9}, 1.0)


def test_another_stacks_is_refused(byhand: Desk) -> None:
    byhand.arm.documents[ID.lower()]["tags"] = {"azmlflow-stack": "prod", "azmlflow-project": "theirs"}
    done = adopt(byhand, "--yes")
    assert "taken over already, by stack prod of project theirs" in " ".join(done.err.split())
    nothing_is_left(byhand)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("adopt", "mlw-team"), "is not the ARM id of a workspace"),
        (("adopt", ID.replace("mlw-team", "other"), "--stack", "team"), "there is no such workspace"),
        (("adopt", ID, "--stack", "local"), "stack `local` has settings already"),
    ],
)
def test_what_is_refused_at_once(byhand: Desk, words: tuple[str, ...], told: str) -> None:
    byhand.settings(text="config:\n  azmlflow:cloud: local\n")
    done = byhand.run(*words)
    assert done.code == 1
    assert told in " ".join(done.err.split())
    assert byhand.stack.calls == []


def test_a_dry_run_writes_nothing(byhand: Desk) -> None:
    assert json.loads(adopt(byhand, "--dry-run", "-o", "json").out)["settings"]["workspace"] == "mlw-team"
    assert byhand.stack.calls == []
    nothing_is_left(byhand)


def test_instances_datastores_and_rules_are_taken_over_with_it(byhand: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = {"type": "FQDN", "category": "UserDefined"}
    rules = {"pypi": {**rule, "destination": "pypi.org"}, "other": {**rule, "destination": "conda.io"}}
    network = {"isolationMode": "AllowOnlyApprovedOutbound", "outboundRules": rules}
    registry = f"{ID.partition('/providers/')[0]}/providers/Microsoft.ContainerRegistry/registries/crteam"
    document = workspace(managedNetwork=network, publicNetworkAccess="Disabled", containerRegistry=registry)
    byhand.arm.documents[ID.lower()] = document
    for each in (instance(), store("AzureBlob", containerName="raw-data")):
        byhand.arm.put(each["id"], properties=each["properties"])
    byhand.stack.planned = (
        changed("mlflow-workspace", 'tags["azmlflow-stack"]'),
        changed(
            "out-other", "properties.status", type_="azure-native:machinelearningservices:ManagedNetworkSettingsRule"
        ),
    )
    plans = [byhand.stack.planned, ()]
    monkeypatch.setattr(byhand.stack, "preview", lambda _=None: _outcome(plans.pop(0) if plans else ()))
    done = adopt(byhand, "--yes", "-o", "json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["taken"] == ["mlw-team", "cpu", "alice", "raw", "pypi"]
    assert told["left"] == ["other: no settings describe its properties.status; it stays as it is"]
    imported = [each.id.removeprefix(f"{ID}/") for each in byhand.stack.imported]
    below = ("computes/alice", "computes/cpu", "datastores/raw", "outboundRules/other", "outboundRules/pypi")
    assert sorted(imported) == [ID, *below]
    assert all(each.new_parent for each in byhand.stack.imported), "two rules of one component: none takes it for old"
    written = yaml.safe_load((byhand.root / "Pulumi.team.yaml").read_text(encoding="utf-8"))["config"]
    assert written["azmlflow:network"]["rules"] == [{"name": "pypi", "fqdn": "pypi.org"}]
    assert [each["name"] for each in written["azmlflow:instances"]] == ["alice"]
    assert [each["name"] for each in written["azmlflow:datastores"]] == ["raw"]


MANAGED: dict[str, Any] = {
    "publicNetworkAccess": "Disabled",
    "managedNetwork": {"isolationMode": "AllowInternetOutbound"},
}
CLOSED = {"properties": {"publicNetworkAccess": "Disabled"}, "sku": {"name": "Premium"}}


def closed_workspace(desk: Desk, **parts: Any) -> None:
    registry = f"{ID.partition('/providers/')[0]}/providers/Microsoft.ContainerRegistry/registries/crteam"
    document = workspace(**MANAGED, containerRegistry=registry)
    desk.arm.documents[ID.lower()] = document
    for key, name in (("storage", "storageAccount"), ("vault", "keyVault"), ("registry", "containerRegistry")):
        id_ = document["properties"][name]
        if found := parts.get(key, CLOSED):
            desk.arm.documents[id_.lower()] = {"id": id_, "name": id_.rpartition("/")[2], **found}


def test_a_closed_workspace_on_an_open_account_is_refused_and_the_account_named(byhand: Desk) -> None:
    closed_workspace(byhand, storage={"properties": {"publicNetworkAccess": "Enabled"}})
    done = adopt(byhand, "--yes")
    assert done.code == 1
    told = " ".join(done.err.split())
    assert "storage account stteam is open to the internet, and network.mode managed closes all" in told
    assert "vault" not in told
    nothing_is_left(byhand)


def test_a_closed_workspace_on_what_is_closed_is_taken_over(byhand: Desk) -> None:
    closed_workspace(byhand)
    assert adopt(byhand, "--yes").code == 0


def test_what_may_not_be_read_is_told(byhand: Desk) -> None:
    closed_workspace(byhand, vault=None)
    done = adopt(byhand, "--yes")
    assert done.code == 0, done.err
    assert "vault: you may not read it, so that it may be open" in " ".join(done.err.split())


def test_who_held_the_stack_may_have_made_it_meanwhile(byhand: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = byhand.root / "Pulumi.team.yaml"

    @contextlib.contextmanager
    def waited(*given: Any) -> Iterator[Any]:
        settings.write_text("config: {}\n", encoding="utf-8")
        with hold(*given) as holder:
            yield holder

    monkeypatch.setattr("azmlflow.cli.commands.use.adopt.hold", waited)
    done = adopt(byhand, "--wait", "5s", "--yes")
    assert done.code == 1
    assert "has settings already" in done.err
    assert settings.read_text(encoding="utf-8") == "config: {}\n"
    assert byhand.stack.calls == []
