"""The embedded Azure killed (-9) around the answer to a PUT in the middle of `up`: `azmlflow up` again converges."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from azmlflow.localazure.front.faults import FILE, FaultRule, write_faults
from tests.e2e.estate import Estate, make_estate

pytestmark = pytest.mark.e2e

WORKSPACE = r"Microsoft\.MachineLearningServices/workspaces/[^/]+$"
VAULT = r"Microsoft\.KeyVault/vaults/[^/]+$"


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    estate = make_estate(tmp_path_factory.mktemp("killed") / "project")
    yield estate
    estate.azmlflow("local", "stop")


@pytest.mark.parametrize(
    "fault",
    [FaultRule("PUT", WORKSPACE, "before"), FaultRule("PUT", WORKSPACE, "after"), FaultRule("PUT", VAULT, "answered")],
    ids=["workspace-before", "workspace-after", "vault-answered"],
)
def test_up_converges_after_the_cloud_was_killed(fresh: Estate, fault: FaultRule) -> None:
    state = fresh.folder / ".azmlflow" / "local"
    write_faults(state, (fault,))
    killed = fresh.azmlflow("up", fails=True)
    assert "azmlflow up" in killed.err
    log = (state / "daemon.log").read_text(encoding="utf-8")
    # What it served beside the killing request may still have said a line.
    assert [line for line in log.splitlines()[-4:] if f"fault strikes: kill {fault.when} PUT " in line]
    (state / FILE).unlink()
    # As though the engine, too, had been killed, while it wrote the attributes of its state's file.
    (fresh.folder / ".azmlflow" / "backend" / ".pulumi" / "stacks" / "azmlflow" / "local.json.attrs").write_text("")
    fresh.azmlflow("up")
    again = fresh.azmlflow("up", "--output", "json")
    assert set(json.loads(again.out)["changes"]) == {"same"}
    fresh.azmlflow("down", "--yes")
