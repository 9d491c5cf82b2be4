"""Models as web services: the example, and what MLflow's own client does, each with a real deployment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.estate import EXAMPLES, Estate

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
