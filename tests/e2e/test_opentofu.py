"""OpenTofu with an unmodified azurerm on the embedded Azure: made, nothing to change, changed, gone, and again.

What it asks for, request by request, is held by `tests/localazure/test_azurerm.py`, which needs neither.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e import tofu
from tests.e2e.estate import Estate

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(tofu.programs() is None, reason=tofu.NEEDS)]


def test_a_stack_of_azurerm_goes_up_stays_changes_and_goes_down(bare_estate: Estate, tmp_path: Path) -> None:
    bare_estate.azmlflow("local", "start")
    stack = tofu.at(bare_estate, tmp_path / "stack")
    made = stack.run("apply", "-auto-approve")
    assert "Apply complete! Resources: 7 added, 0 changed, 0 destroyed." in made.out
    assert "No changes." in stack.run("plan", "-detailed-exitcode").out  # else it exits with 2

    other = ("-var", "tag=two", "-var", "nodes=3")
    changed = stack.run("apply", "-auto-approve", *other)
    assert "Apply complete! Resources: 0 added, 7 changed, 0 destroyed." in changed.out
    assert "No changes." in stack.run("plan", "-detailed-exitcode", *other).out

    assert "Destroy complete! Resources: 7 destroyed." in stack.run("destroy", "-auto-approve", *other).out
    assert "Resources: 7 added" in stack.run("apply", "-auto-approve", *other).out, "the names are free again"
    stack.run("destroy", "-auto-approve", *other)
