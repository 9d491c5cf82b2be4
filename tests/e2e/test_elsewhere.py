"""What others do to a stack's cloud, and projects that are others': azmlflow looks, tells, and touches nothing else."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from tests.e2e.estate import Estate, make_estate
from tests.e2e.people import ARM, ARM_VERSION, ML_VERSION, sign_in

pytestmark = pytest.mark.e2e

OWNER, ALICE = "developer@local.test", "alice@local.test"
OURS = "name: shop\nruntime: python\nazmlflow: true\n"
GROUP = {"api-version": "2024-03-01"}


@pytest.fixture(scope="module")
def stack(bare_estate: Estate) -> Estate:
    bare_estate.azmlflow("up", "--yes")
    bare_estate.azmlflow("grant", ALICE, "tracker")
    return bare_estate


def remove(stack: Estate, id_: str, version: dict[str, str]) -> None:
    with sign_in(stack, OWNER) as owner:
        owner.ask("DELETE", f"{ARM}{id_}", params=version).raise_for_status()


def differs(stack: Estate) -> list[str]:
    found: list[str] = stack.azmlflow("status", "--output", "json").json()["elsewhere"]
    return found


def may_track(stack: Estate) -> bool:
    told = stack.azmlflow("access", "--explain", ALICE, "write_run", "--output", "json")
    return bool(told.json()["verdict"] == "allowed")


def test_an_assignment_that_was_deleted_elsewhere(stack: Estate) -> None:
    assert differs(stack) == []
    given = stack.azmlflow("grant", ALICE, "tracker", "--output", "json").json()["assignmentId"]
    for mends in (("grant", ALICE, "tracker"), ("up",)):
        remove(stack, given, ARM_VERSION)
        (line,) = differs(stack)
        assert line.startswith("role assignment `grant-tracker-")
        assert "was deleted elsewhere" in stack.azmlflow("preview").out
        assert "was deleted elsewhere" in stack.azmlflow("doctor", fails=True).out
        assert "was deleted elsewhere" in stack.azmlflow(*mends).err
        assert differs(stack) == []
        assert may_track(stack)


def test_a_role_and_its_assignment_deleted_elsewhere(stack: Estate) -> None:
    given = stack.azmlflow("grant", ALICE, "tracker", "--output", "json").json()["assignmentId"]
    remove(stack, given, ARM_VERSION)
    with sign_in(stack, OWNER) as owner:
        group = given.partition("/providers/")[0]
        roles = owner.ask(
            "GET",
            f"{ARM}{group}/providers/Microsoft.Authorization/roleDefinitions",
            params={**ARM_VERSION, "$filter": "type eq 'CustomRole'"},
        ).json()["value"]
    for role in roles:
        remove(stack, role["id"], ARM_VERSION)
    assert "nothing to change" not in stack.azmlflow("up").out
    assert may_track(stack)


def test_a_cluster_deleted_and_tags_changed_elsewhere(stack: Estate) -> None:
    workspace = stack.outputs()["workspaceId"]
    remove(stack, f"{workspace}/computes/cpu", {**ML_VERSION, "underlyingResourceAction": "Delete"})
    with sign_in(stack, OWNER) as owner:
        changed = owner.ask("PATCH", f"{ARM}{workspace}", params=ML_VERSION, json={"tags": {"team": "x"}})
        changed.raise_for_status()
    assert len(differs(stack)) == 2
    done = stack.azmlflow("up")
    assert "cpu-cluster" in done.err
    assert differs(stack) == []
    assert "nothing to change" in stack.azmlflow("up").out


def test_a_group_that_was_deleted_elsewhere(stack: Estate) -> None:
    group = stack.outputs()["workspaceId"].partition("/providers/")[0]
    remove(stack, group, GROUP)
    status = stack.azmlflow("status", "--output", "json").json()
    assert not status["stands"]
    assert status["elsewhere"] == ["resource group `rg-mlflow-local` was deleted elsewhere, with all in it"]
    refused = stack.azmlflow("up", fails=True)  # what is left is soft-deleted, and whether it may go is not ours to say
    assert "soft-deleted" in refused.err
    stack.azmlflow("down", "--yes")
    stack.azmlflow("up")
    assert stack.azmlflow("status", "--output", "json").json()["stands"]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Estate]:
    """Somebody's own Pulumi project, which stands on an embedded Azure with a group in it."""
    estate = make_estate(tmp_path / "project")
    for name in ("Pulumi.yaml", "infra"):
        (estate.folder / name).unlink()
    (estate.folder / "Pulumi.yaml").write_text(OURS)
    (estate.folder / "__main__.py").write_text(
        "import pulumi_azure_native as azure\n"
        "azure.resources.ResourceGroup('company', resource_group_name='rg-company', location='westeurope')\n"
    )
    yield estate
    (estate.folder / "Pulumi.yaml").write_text(OURS)
    estate.azmlflow("local", "stop")


def groups(estate: Estate) -> set[str]:
    with sign_in(estate, OWNER) as owner:
        url = f"{ARM}/subscriptions/{SUBSCRIPTION_ID}/resourcegroups"
        return {each["name"] for each in owner.ask("GET", url, params=GROUP).json()["value"]}


def test_a_program_of_ones_own_runs_and_nobody_elses_project_is_touched(shop: Estate) -> None:
    shop.azmlflow("up", fails=True)  # its outputs are no workspace's
    assert groups(shop) == {"rg-company"}, "its own program ran, not azmlflow's"
    (shop.folder / "__main__.py").write_text("")
    refused = shop.azmlflow("up", fails=True)
    assert "`up` would delete resource group `company`, with everything in it" in refused.err
    (shop.folder / "Pulumi.yaml").write_text(OURS.replace("azmlflow: true\n", ""))
    for words in (("up",), ("up", "--yes"), ("preview",), ("down", "--yes"), ("grant", ALICE, "tracker")):
        refused = shop.azmlflow(*words, fails=True)
        assert "the Pulumi project `shop` is not azmlflow's" in refused.err
    (shop.folder / "Pulumi.yaml").write_text(OURS)
    assert groups(shop) == {"rg-company"}


def test_nothing_is_selected_silently(stack: Estate) -> None:
    selected = list((stack.folder / ".azmlflow" / "pulumi" / "workspaces").glob("*-workspace.json"))
    assert all("stack" not in json.loads(path.read_text()) for path in selected)
    assert not list((stack.folder / "home").rglob("*-workspace.json"))


def test_the_folder_of_azmlflow_is_deleted_and_up_stands_a_stack_up_again(tmp_path: Path) -> None:
    estate = make_estate(tmp_path / "project")
    try:
        estate.azmlflow("up")
        before = json.loads((estate.folder / ".azmlflow" / "local" / "daemon.json").read_text())["pid"]
        while (estate.folder / ".azmlflow").exists():
            shutil.rmtree(estate.folder / ".azmlflow", ignore_errors=True)  # MLflow's server still writes there
        estate.azmlflow("up")
        assert estate.azmlflow("status", "--output", "json").json()["elsewhere"] == []
        until = time.monotonic() + 30
        while Path(f"/proc/{before}").exists() and time.monotonic() < until:
            time.sleep(0.1)
        assert not Path(f"/proc/{before}").exists(), "the one whose folder is gone has ended"
        (estate.folder / ".azmlflow" / "passphrase").unlink()
        assert "taking over" in estate.azmlflow("up").err
        assert (estate.folder / ".azmlflow" / "backend-1").is_dir(), "the state that nobody can open is kept"
        assert (estate.folder / ".azmlflow" / ".gitignore").read_text() == "*\n"
    finally:
        estate.azmlflow("local", "stop")
