"""Online endpoints that the settings declare, by the real engine, with a real model server for each version."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.e2e.estate import Estate

pytestmark = pytest.mark.e2e

OWNER = "developer@local.test"
SCRIPT = Path(__file__).parent / "scripts" / "register_constants.py"
BUILDING = 900.0  # seconds: the first deployment on a machine installs the model's packages
MODEL, VERSION = "endpoints[0].deployments[0]", "endpoints[0].deployments[0].version"


def changes(text: str) -> list[str]:
    """What the engine did, in its order: `created OnlineDeployment`."""
    return re.findall(r"^ +((?:created|updated|deleted|failed) +\w+)", text, re.MULTILINE)


def test_a_new_version_answers_before_the_traffic_moves_and_a_broken_one_moves_nothing(bare_estate: Estate) -> None:
    estate = bare_estate
    estate.azmlflow("up", "--yes")
    told = estate.science(OWNER, SCRIPT, "wine", "1", "broken", "3").out
    assert "wine:1 1" in told and "wine:2 broken" in told and "wine:3 3" in told
    (request := estate.folder / "request.json").write_text('{"input_data": {"columns": ["x"], "data": [[0.0]]}}')

    def answer() -> object:
        return json.loads(estate.azmlflow("score", "wine-eu", str(request)).out)

    estate.azmlflow("set", "endpoints", "[{name: wine-eu, deployments: [{model: wine, version: '1'}]}]")
    up = estate.azmlflow("up", "--yes", within=BUILDING)
    uri = "https://wine-eu.westeurope.inference.ml.azure.com/score"
    assert f"endpoint      wine-eu at {uri}" in up.out
    assert estate.outputs()["endpoints"] == [{"name": "wine-eu", "scoringUri": uri}]
    assert answer() == [1.0]

    estate.azmlflow("set", VERSION, "2")
    failed = estate.azmlflow("up", "--yes", fails=True, within=BUILDING).err
    assert "RuntimeError: the weights are gone" in failed and "requests go where they went before" in failed
    assert answer() == [1.0], "the traffic is where it was"

    estate.azmlflow("set", VERSION, "latest")
    healed = estate.azmlflow("up", "--yes", within=BUILDING)
    assert [" ".join(each.split()) for each in changes(healed.err)] == [
        "created OnlineDeployment", "updated Deployment", "deleted OnlineDeployment", "deleted OnlineDeployment",
    ]  # fmt: skip
    assert answer() == [3.0]
    assert "nothing to change" in estate.azmlflow("up", "--yes").out

    refused = estate.azmlflow("down", "--yes", fails=True).err
    assert "wine-eu (wine-3 100 %" in refused and "--stop-endpoints" in refused
    assert "stack local is gone: nothing left" in estate.azmlflow("down", "--yes", "--stop-endpoints").out
