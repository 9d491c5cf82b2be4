"""What `up` may replace, and what goes before the engine's turn."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.mending import replacing
from azmlflow.cli.mending.losses import Loss
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.infra.rehearsal import rehearse
from tests.cli.desk import GROUP_ID, SUBSCRIPTION, WORKSPACE_ID, Desk

CONFIG = {"azmlflow:cloud": "local"}


def stand(desk: Desk, *, protected: bool = False, config: dict[str, Any] | None = None) -> dict[str, Resource]:
    """A stack as an `up` of these settings left it."""
    found = rehearse(config or CONFIG, project="azmlflow", stack="local", subscription=SUBSCRIPTION, tenant="t1")
    state = [Resource(each.urn, each.type, each.id, each.inputs, protected=protected) for each in found]
    for each in state:
        desk.arm.put(each.id, type="x", tags=each.inputs.get("tags"))
    desk.stand(*state)
    return {each.type.rpartition(":")[2] + each.name.rpartition("-")[2]: each for each in state}


def settings(desk: Desk, *lines: str) -> None:
    desk.settings(text="config:\n  azmlflow:cloud: local\n" + "".join(f"  azmlflow:{line}\n" for line in lines))


def test_nothing_changed_is_nothing_lost(desk: Desk) -> None:
    settings(desk)
    stand(desk, protected=True)
    assert desk.run("up").code == 0
    assert (desk.stack.calls, desk.arm.calls) == (["up"], [])


def test_another_storage_account_takes_more_than_yes(desk: Desk) -> None:
    """Of the workspace azure-native's preview tells an update, which Azure refuses."""
    settings(desk, "storageAccount: stother")
    state = stand(desk)
    state["Workspaceworkspace"]
    done = desk.run("up", "--yes")
    assert done.code == 1
    assert "would delete the workspace, with every run and model in it" in done.err
    assert "--allow-replace" in done.err
    assert desk.stack.calls == []
    done = desk.run("up", "--yes", "--allow-replace")
    assert (done.code, f"removing workspace `{WORKSPACE_ID.rpartition('/')[2]}` for good ..." in done.err) == (0, True)
    assert f"DELETE {WORKSPACE_ID}?forceToPurge=true" in desk.arm.calls  # its name is free before the engine's turn
    forgotten = next(each for each in desk.stack.calls if each.startswith("forget"))
    assert "mlflow-workspace" in forgotten
    assert desk.stack.calls[-1] == "up"


def test_a_workspace_that_differs_in_what_azure_fixes_is_told(desk: Desk) -> None:
    settings(desk)
    state = stand(desk)
    workspace = state["Workspaceworkspace"]
    was = Resource(workspace.urn, workspace.type, workspace.id, {**workspace.inputs, "hbiWorkspace": True})
    desk.stand(*(was if each is workspace else each for each in state.values()))
    done = desk.run("up", "--yes")
    assert done.code == 1
    assert "workspace `mlw-mlflow-local`, with every run and model in it, and make another: hbiWorkspace" in done.err


def test_a_registry_that_goes_is_asked_about_and_unprotected(desk: Desk) -> None:
    settings(desk)
    stand(desk, protected=True, config={**CONFIG, "azmlflow:registry": "own"})
    done = desk.run("up")
    assert (done.code, "with every image in it" in done.err) == (1, True)
    assert desk.run("up", "--yes").code == 0
    assert desk.stack.calls == ["unprotect mlflow-registry", "up"]


def test_what_goes_for_good_goes_in_order_and_without_its_locks(desk: Desk) -> None:
    config = {**CONFIG, "azmlflow:locks": True}
    settings(desk, "locks: true", "location: northeurope")
    state = stand(desk, config=config)
    assert desk.run("up", "--yes", "--allow-replace").code == 0
    order = [call.split("?")[0].removeprefix("DELETE ") for call in desk.arm.calls if call.startswith("DELETE")]
    assert order[0] == WORKSPACE_ID
    assert order[-1] == GROUP_ID
    vault = state["Vaultvault"].id
    lock = f"{vault}/providers/Microsoft.Authorization/locks/azmlflow"
    assert order.index(lock) < order.index(vault)
    # Microsoft, "Vaults - Purge Deleted": at the vault's region, by its name. It stood where the state has it.
    place = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/westeurope"
    assert desk.arm.calls[-1] == f"POST {place}/deletedVaults/{vault.rpartition('/')[2]}/purge"


@pytest.mark.parametrize(("typed", "code"), [("local", 0), ("prod", 1)])
def test_the_name_is_typed_back(desk: Desk, monkeypatch: pytest.MonkeyPatch, typed: str, code: int) -> None:
    settings(desk, "keyVault: kv-other")
    stand(desk)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *_, **__: typed)
    assert desk.run("up", "--allow-replace").code == code


def test_an_endpoint_that_cannot_change_goes_before_the_engines_turn(desk: Desk) -> None:
    """The engine would begin with its deployments, and Azure deletes none that has traffic."""
    identity = f"{GROUP_ID}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/robot"
    other = "{name: wine-eu, identities: {%s: aaaaaaaa-0000-4000-8000-000000000001}}" % identity  # noqa: UP031
    settings(desk, "registry: own", f"endpoints: [{other}]")
    stand(desk, config={**CONFIG, "azmlflow:registry": "own", "azmlflow:endpoints": [{"name": "wine-eu"}]})
    served = f"{WORKSPACE_ID}/onlineEndpoints/wine-eu"
    desk.arm.put(served, properties={"authMode": "Key", "traffic": {}})
    refused = desk.run("up", "--yes")
    assert "online endpoint `wine-eu`, with its keys and what answers there, and make another" in refused.err
    assert "--allow-replace" in refused.err
    assert desk.arm.calls == []
    desk.arm.put(identity, properties={"principalId": "aaaaaaaa-0000-4000-8000-000000000001"})
    done = desk.run("up", "--yes", "--allow-replace")
    assert done.code == 0, done.err
    assert desk.arm.calls == [f"DELETE {served}"]
    assert "forget wine-eu-endpoint" in desk.stack.calls


ONE, ANOTHER = Loss("one thing"), Loss("another, and make another", replaced=True)
SESSION: Any = SimpleNamespace(name="dev", file=SimpleNamespace(path=Path("/p/Pulumi.dev.yaml")))


@pytest.mark.parametrize("lost", [(ANOTHER,), (ONE, ANOTHER)])
def test_what_is_made_anew_takes_a_word_of_its_own(lost: tuple[Loss, ...]) -> None:
    with pytest.raises(CliError) as refused:
        replacing.agree(SESSION, lost, sure=True, replace=False)
    assert str(refused.value) == f"`up` would delete {'; '.join(each.says for each in lost)}"
    assert refused.value.where == "/p/Pulumi.dev.yaml"
    assert refused.value.next == "set Pulumi.dev.yaml back, or azmlflow up --stack dev --allow-replace"


@pytest.mark.parametrize(
    ("lost", "again"),
    [
        ((ONE,), "azmlflow up --stack dev --yes"),
        ((ONE, ANOTHER), "azmlflow up --stack dev --allow-replace --yes"),
    ],
)
def test_what_goes_is_asked_about_with_the_way_around_it(
    monkeypatch: pytest.MonkeyPatch, lost: tuple[Loss, ...], again: str
) -> None:
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(replacing, "confirm", lambda *words: asked.append(words))
    replacing.agree(SESSION, lost, sure=True, replace=True)
    assert asked == []
    replacing.agree(SESSION, lost, sure=False, replace=True)
    told = f"`up` would delete {'; '.join(each.says for each in lost)}"
    assert asked == [(SESSION, told, f"set Pulumi.dev.yaml back, or {again}")]
    replacing.agree(SESSION, (), sure=False, replace=False)
    assert len(asked) == 1


def test_where_no_name_is_wanted_again_azure_is_not_asked() -> None:
    """Neither the stack nor the session is: there is nothing in either of them."""
    nothing: Any = None
    replacing.clear(nothing, nothing, State(), (ONE, Loss("x", True, (Resource("urn::x", "t", "/x"),))))
