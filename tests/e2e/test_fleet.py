"""A fleet's first `up`, in a folder in which nothing has been: its workspaces begin one backend, and one passphrase."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.e2e.estate import Estate

pytestmark = pytest.mark.e2e
STACKS = ("one", "two", "three")
_GATE = Path(__file__).parent / "side_by_side"


def test_the_workspaces_of_a_fleet_begin_side_by_side(bare_estate: Estate) -> None:
    """The first one has written its state, and done no more, when the others look whether one was lost."""
    fleet = {"defaults": {"cloud": "local", "location": "westeurope"}, "workspaces": {name: {} for name in STACKS}}
    (bare_estate.folder / "fleet.yaml").write_text(yaml.safe_dump(fleet), encoding="utf-8")
    state = bare_estate.folder / ".azmlflow"
    assert not (state / "passphrase").exists()
    states = state / "backend" / ".pulumi" / "stacks" / "azmlflow"
    met = {"PYTHONPATH": str(_GATE), "SIDE_BY_SIDE": ",".join(STACKS), "SIDE_BY_SIDE_STATES": str(states)}
    done = bare_estate.command("azmlflow", "fleet", "up", "-o", "json", extra=met).json()
    assert {each["stack"]: each["state"] for each in done["workspaces"]} == dict.fromkeys(STACKS, "done")
    assert sorted(path.name for path in state.glob("backend*")) == ["backend"]
    assert {path.stem for path in states.glob("*.json")} == set(STACKS)
