"""The end-to-end test against a real subscription: `make live`. It has not been run by the authors.

It takes the signed-in user of `az login` (or the usual AZURE_* variables), makes a stack `azmlflow-live` with one
cluster of no nodes, tracks a run, reads it back, and removes everything. AZMLFLOW_LIVE_LOCATION names the region.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.estate import CHECKOUT, EXAMPLES, SCIENCE_PYTHON, Estate

pytestmark = pytest.mark.live

STACK = "azmlflow-live"


@pytest.fixture
def live_estate(tmp_path: Path) -> Iterator[Estate]:
    """A project folder on the user's own cloud, in the user's own environment."""
    for name in ("Pulumi.yaml", "infra", "engine"):
        (tmp_path / name).symlink_to(CHECKOUT / name)
    estate = Estate(tmp_path, {**os.environ, "AZMLFLOW_STACK": STACK}, typed=True)
    location = os.environ.get("AZMLFLOW_LIVE_LOCATION", "westeurope")
    estate.azmlflow("init", STACK, "--cloud", "azure", "--location", location, "--yes")
    try:
        yield estate
    finally:
        estate.azmlflow("down", "--yes")
        shutil.rmtree(tmp_path / ".azureml", ignore_errors=True)


def test_a_workspace_stands_tracks_and_goes(live_estate: Estate) -> None:
    live_estate.azmlflow("up")
    for script in ("track_local_run.py", "view_runs.py"):
        live_estate.azmlflow("run", "--", str(SCIENCE_PYTHON), str(EXAMPLES / script))
    report = live_estate.azmlflow("down", "--yes", "--output", "json").json()
    assert report["left"] == []
