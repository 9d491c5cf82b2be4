"""`down --resource-group`: which cloud the group is in, and what is told of its removal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.frame.words import Say
from azmlflow.cli.project.project import Project, StackFile
from azmlflow.infra.plan.tags import ownership
from azmlflow.infra.settings.settings import Settings
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from tests.cli.desk import GROUP, GROUP_ID, SUBSCRIPTION, Desk

OURS = ownership("azmlflow", "local")
VAULTS = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults"


def clouds(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each command that follows went into the embedded Azure."""
    entered: list[bool] = []
    connect = desk.connect

    def enter(_project: Project, stack: StackFile, _say: Say) -> None:
        entered.append(stack.local)

    monkeypatch.setattr(desk, "connect", lambda: replace(connect(), enter=enter))
    return entered


@pytest.mark.parametrize("here", [False, True])
@pytest.mark.parametrize(
    ("subscription", "local"),
    [(SUBSCRIPTION_ID, True), (SUBSCRIPTION_ID.upper(), True), ("00000000-0000-4000-8000-00000000000b", False)],
)
def test_the_ids_subscription_tells_the_cloud_whether_an_embedded_azure_is_here_or_not(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, here: bool, subscription: str, local: bool
) -> None:
    """Where the stack that would be meant has no settings: a group of Azure's is not looked for in the embedded one."""
    (desk.root / "Pulumi.local.yaml").unlink(missing_ok=True)
    if here:
        desk.project.local.mkdir(parents=True)
    entered = clouds(desk, monkeypatch)
    desk.run("down", "-g", f"/subscriptions/{subscription}/resourceGroups/{GROUP}", "--yes")
    assert entered == [local]


@pytest.mark.parametrize("here", [False, True])
def test_of_a_name_alone_the_embedded_azure_is_meant_where_it_is_here(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, here: bool
) -> None:
    (desk.root / "Pulumi.local.yaml").unlink(missing_ok=True)
    if here:
        desk.project.local.mkdir(parents=True)
    entered = clouds(desk, monkeypatch)
    desk.run("down", "-g", GROUP, "--yes")
    assert entered == [here]


def told(desk: Desk, *words: str, vault: str = "kv-one", **properties: Any) -> dict[str, Any]:
    """The document of a removal of a group of ours that had a vault, which is soft-deleted."""
    desk.settings()
    desk.arm.put(GROUP_ID, tags=OURS)
    gone = f"{GROUP_ID}/providers/Microsoft.KeyVault/vaults/{vault}"
    desk.arm.put(f"{VAULTS}/{vault}", properties={"vaultId": gone, "tags": OURS, **properties})
    done = desk.run("down", "-g", GROUP, "--yes", "-o", "json", *words)
    assert done.code == 0, done.err
    document: dict[str, Any] = done.json()
    return document


def test_the_document_of_a_removal_has_its_plan_its_steps_and_what_is_left(desk: Desk) -> None:
    document = told(desk)
    assert list(document) == ["group", "plan", "refusals", "notes", "steps", "left", "protected"]
    assert document["group"] == GROUP_ID
    assert document["plan"] == [f"resource group {GROUP}"]
    assert [(sorted(each), each["step"]) for each in document["steps"]] == [(["seconds", "step"], "delete the group")]
    seconds = document["steps"][0]["seconds"]
    assert (type(seconds), seconds) == (float, round(seconds, 1))
    assert (document["refusals"], document["left"], document["protected"]) == ([], [], [])
    assert document["notes"] == [
        "soft-deleted vaults/kv-one stays: it bears this stack's tags, which may be inherited or copied, but nothing "
        "proves that azmlflow made it"
    ]


def test_what_purge_protection_keeps_is_told_apart_from_what_is_left(desk: Desk) -> None:
    name = str(Settings.from_mapping({}).names("local", SUBSCRIPTION).key_vault)
    kept = told(desk, vault=name, purgeProtectionEnabled=True, scheduledPurgeDate="2027-02-25T12:00:00Z")
    assert kept["left"] == []
    (vault,) = kept["protected"]
    assert (vault["kind"], vault["name"], vault["until"]) == ("key vault", name, "2027-02-25")
    said = desk.run("down", "-g", GROUP, "--yes").out
    assert "until 2027-02-25" in said


def test_a_vault_that_azure_does_not_purge_is_left_and_told_with_where_it_is(desk: Desk) -> None:
    """405: purge protection was turned on meanwhile, or a policy forbids it."""
    name = str(Settings.from_mapping({}).names("local", SUBSCRIPTION).key_vault)
    deleted = f"{VAULTS}/{name}"
    desk.settings()
    desk.arm.put(GROUP_ID, tags=OURS)
    gone = f"{GROUP_ID}/providers/Microsoft.KeyVault/vaults/{name}"
    desk.arm.put(deleted, properties={"vaultId": gone, "tags": OURS})
    desk.arm.faults[f"{deleted}/purge"] = ArmError(405, "MethodNotAllowed", "no", deleted)
    done = desk.run("down", "-g", GROUP, "--yes")
    assert done.code == 1
    assert done.out.splitlines() == [f"resource group {GROUP}: left behind", f"  key vault {name}: soft-deleted"]
    assert f"error: 1 thing is left of resource group `{GROUP}` [{deleted}]" in done.err
    assert f"next: azmlflow down --resource-group {GROUP}" in done.err


def test_the_document_of_what_was_only_looked_at_has_the_same_names(desk: Desk) -> None:
    document = told(desk, "--dry-run")
    assert list(document) == ["group", "plan", "refusals", "notes", "steps", "left"]
    assert (document["steps"], document["left"], document["plan"]) == ([], [], [f"resource group {GROUP}"])
    desk.arm.documents.clear()
    gone = desk.run("down", "-g", GROUP, "--yes", "-o", "json").json()
    assert gone == {"group": GROUP_ID, "plan": [], "refusals": [], "notes": [], "steps": [], "left": []}


def test_a_group_of_nobodys_is_said_to_be_and_asked_for_by_its_kind_and_name(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.settings()
    desk.arm.put(GROUP_ID, tags={"team": "blue"})
    asked: list[tuple[str, object]] = []

    def answer(question: str, *, err: bool = False, **_: object) -> str:
        asked.append((question, err))
        return "another"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", answer)
    done = desk.run("down", "-g", GROUP, "--unmanaged")
    assert done.code == 1
    assert f"resource group {GROUP} (not made by azmlflow): this goes, for good" in done.err
    # Not on stdout, which has the removal's document.
    assert asked == [(f"type the resource group's name ({GROUP}) to remove it", True)]
    assert desk.arm.calls == []


def test_what_names_no_group_gets_azs_list_of_them(desk: Desk) -> None:
    desk.settings()
    done = desk.run("down", "-g", "rg old", "--yes")
    assert "next: azmlflow run --without-stack -- az group list --output table" in done.err


def test_where_nobody_is_there_to_answer_the_word_for_it_is_told(desk: Desk) -> None:
    desk.settings()
    desk.arm.put(GROUP_ID, tags=OURS)
    done = desk.run("down", "-g", GROUP)
    assert "error: `down` asks before it removes, and nobody is there to answer\n" in done.err
    assert f"next: azmlflow down --resource-group {GROUP} --yes\n" in done.err


def test_deleted_workspaces_of_a_group_that_is_gone_may_be_unseen(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.settings()
    provider = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices"
    desk.arm.put(provider, resourceTypes=[{"resourceType": "workspaces", "locations": ["West Europe"]}])
    listing = desk.arm.list

    def hidden(path: str) -> Iterable[dict[str, Any]]:
        if path.endswith("/westeurope/deletedWorkspaces"):
            raise ArmError(403, "AuthorizationFailed", "no", path)
        return listing(path)

    monkeypatch.setattr(desk.arm, "list", hidden)
    said = desk.run("down", "-g", GROUP, "--yes").out
    assert said.splitlines()[1:] == [
        "! you may not see soft-deleted workspaces: whether some keep their names is not known"
    ]
