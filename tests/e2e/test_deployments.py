"""Models as web services: the example, and what MLflow's own client does, each with a real deployment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from azmlflow.resourcetypes.table import version_of
from tests.e2e.estate import EXAMPLES, SCIENCE_PYTHON, Estate
from tests.e2e.people import ARM, sign_in

pytestmark = pytest.mark.e2e

OWNER = "developer@local.test"
SCRIPTS = Path(__file__).parent / "scripts"
BUILDING = 900.0  # seconds: the first one on a machine installs the model's packages


def test_a_model_is_deployed_asked_and_taken_away(estate: Estate) -> None:
    told = estate.science(OWNER, EXAMPLES / "deploy_model.py", within=BUILDING).out
    assert "diabetes version 1 is registered" in told
    assert ".westeurope.inference.ml.azure.com/score" in told
    assert "predicted 182.7, 91.0, 166.1" in told
    assert "is gone" in told
    scripted = estate.science(OWNER, SCRIPTS / "serve_with_mlflow.py", "diabetes", within=BUILDING)
    assert "all held" in scripted.out
    words = ("deploy", "diabetes", "--endpoint", "by-azmlflow", "--auth", "entra", "--python", str(SCIENCE_PYTHON))
    deployed = estate.azmlflow(*words, within=BUILDING)
    assert "diabetes:1 answers at https://by-azmlflow.westeurope.inference.ml.azure.com/score" in deployed.out
    (sample,) = (line.partition(" -d ")[2] for line in deployed.out.splitlines() if line.startswith("curl "))
    (request := estate.folder / "request.json").write_text(sample.strip("'"))
    assert json.loads(estate.azmlflow("score", "by-azmlflow", str(request)).out) == pytest.approx([152.133484162896])
    request.write_text('{"input_data": {"columns": ["age"], "data": [[1]]}}')
    failed = estate.azmlflow("score", "by-azmlflow", str(request), fails=True).err
    assert "the model failed with 500 (424)" in failed and "the last lines of the deployment's log:" in failed
    with sign_in(estate, OWNER) as owner:
        endpoint = f"{ARM}{estate.outputs()['workspaceId']}/onlineEndpoints/by-azmlflow"
        version = version_of("Microsoft.MachineLearningServices/workspaces/onlineEndpoints")
        assert owner.ask("DELETE", endpoint, params={"api-version": version}).status_code == 202
