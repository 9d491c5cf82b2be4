"""Examples that no other test runs, as a data scientist runs them."""

from __future__ import annotations

import pytest

from tests.e2e.estate import EXAMPLES, Estate

pytestmark = pytest.mark.e2e

OWNER = "developer@local.test"


def test_runs_are_trained_with_autolog_compared_and_plotted(estate: Estate) -> None:
    trained = estate.science(OWNER, EXAMPLES / "train_sklearn.py")
    assert trained.out.count(" scores 0.") == 3
    compared = estate.science(OWNER, EXAMPLES / "compare_runs.py")
    assert "best: run " in compared.out and "with C=0.1" in compared.out
    assert "the plot is accuracy.png of run " in compared.out


def test_a_sweep_of_more_runs_than_nodes(estate: Estate) -> None:
    swept = estate.science(OWNER, EXAMPLES / "remote_sweep.py", "6")
    assert "6 trials on at most 4 nodes" in swept.out
    assert "6 of 6 completed; the best rate is 0.5, loss 0" in swept.out


def test_cleaning_up_deletes_the_group_and_down_purges_the_rest(bare_estate: Estate) -> None:
    bare_estate.azmlflow("up", "--yes")
    group = bare_estate.outputs()["resourceGroup"]
    refused = bare_estate.science(OWNER, EXAMPLES / "clean_up.py", "another", fails=True)
    assert f"config.json names the group {group}, not another" in refused.err
    cleaned = bare_estate.science(OWNER, EXAMPLES / "clean_up.py", group)
    assert f"deleted {group} with " in cleaned.out
    assert "stack local is gone: nothing left" in bare_estate.azmlflow("down", "--yes").out
