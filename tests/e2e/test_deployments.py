"""Models as web services: the example, and what MLflow's own client does, each with a real deployment."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from azmlflow.resourcetypes.table import version_of
from tests.browser import chromium, found
from tests.e2e.conftest import Shoot
from tests.e2e.estate import EXAMPLES, SCIENCE_PYTHON, Estate
from tests.e2e.people import ARM, sign_in

pytestmark = pytest.mark.e2e

OWNER = "developer@local.test"
SCRIPTS = Path(__file__).parent / "scripts"
URI = "https://by-azmlflow.westeurope.inference.ml.azure.com/score"
BUILDING = 900.0  # seconds: the first one on a machine installs the model's packages


def test_a_model_is_deployed_asked_and_taken_away(estate: Estate, shoot: Shoot) -> None:
    told = estate.science(OWNER, EXAMPLES / "deploy_model.py", within=BUILDING).out
    assert "diabetes version 1 is registered" in told
    assert ".westeurope.inference.ml.azure.com/score" in told
    assert "predicted 182.7, 91.0, 166.1" in told
    assert "is gone" in told
    scripted = estate.science(OWNER, SCRIPTS / "serve_with_mlflow.py", "diabetes", within=BUILDING)
    assert "all held" in scripted.out
    words = ("deploy", "diabetes", "--endpoint", "by-azmlflow", "--unchecked", "--python", str(SCIENCE_PYTHON))
    deployed = estate.azmlflow(*words, within=BUILDING)
    assert f"diabetes:1 answers at {URI}" in deployed.out
    (sample,) = (line.partition(" -d ")[2] for line in deployed.out.splitlines() if line.startswith("curl "))
    (request := estate.folder / "request.json").write_text(sample.strip("'"))
    assert json.loads(estate.azmlflow("score", "by-azmlflow", str(request)).out) == pytest.approx([152.133484162896])
    _by_node(estate, request)
    _on_its_page(estate, shoot)
    scripted = estate.science(OWNER, SCRIPTS / "serve_with_script.py", "by-azmlflow", "diabetes", within=BUILDING)
    assert "all held" in scripted.out
    request.write_text('{"input_data": {"columns": ["age"], "data": [[1]]}}')
    failed = estate.azmlflow("score", "by-azmlflow", str(request), fails=True).err
    assert "the model failed with 500 (424)" in failed and "the last lines of the deployment's log:" in failed
    tool = (str(SCIENCE_PYTHON.with_name("mlflow")), "deployments", "delete-endpoint", "--endpoint", "by-azmlflow")
    target = str(estate.outputs()["trackingUri"])
    estate.azmlflow("run", "--", *tool, "--target", target)
    assert "no online endpoint `by-azmlflow`" in estate.azmlflow("score", "by-azmlflow", str(request), fails=True).err


def _by_node(estate: Estate, request: Path) -> None:
    """A client of another language, which has nothing but the key."""
    if shutil.which("node") is None:
        return
    with sign_in(estate, OWNER) as owner:
        endpoint = f"{ARM}{estate.outputs()['workspaceId']}/onlineEndpoints/by-azmlflow"
        version = version_of("Microsoft.MachineLearningServices/workspaces/onlineEndpoints")
        key = owner.ask("POST", f"{endpoint}/listKeys", params={"api-version": version}).json()["primaryKey"]
    words = ("run", "--", "node", str(SCRIPTS / "score.js"), URI)
    assert estate.azmlflow(*words, key, str(request)).out == "200 [152.133484162896]\n"
    assert estate.azmlflow(*words, "wrong", str(request)).out.startswith("401 ")


def _on_its_page(estate: Estate, shoot: Shoot) -> None:
    """The form of the endpoint's page, in a browser."""
    if found() is None:
        return
    address = str(estate.azmlflow("ui", "--print", "-o", "json").json()["address"])
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        page.get_by_role("link", name="Endpoints").click()
        page.get_by_role("link", name="by-azmlflow").first.click()
        expect(page.get_by_label("Request, in JSON")).to_have_value(re.compile('"columns"'))
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_text("152.133484162896")).to_be_visible()
        expect(page.get_by_text("200 OK")).to_be_visible()
        shoot(page, "ui-endpoint")
