"""Models as web services: the example, and what MLflow's own client does, each with a real deployment."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from playwright.sync_api import expect

from azmlflow.resourcetypes.table import version_of
from tests.browser import chromium, found
from tests.e2e.conftest import Shoot
from tests.e2e.estate import EXAMPLES, SCIENCE_PYTHON, Estate
from tests.e2e.people import ARM, Person, sign_in

pytestmark = pytest.mark.e2e

OWNER = "developer@local.test"
SCRIPTS = Path(__file__).parent / "scripts"
URI = "https://by-azmlflow.westeurope.inference.ml.azure.com/score"
BUILDING = 900.0  # seconds: the first one on a machine installs the model's packages


def test_a_model_is_deployed_asked_and_taken_away(estate: Estate, shoot: Shoot) -> None:
    go = _built_by_go(estate.folder)
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
    _by_others(estate, request, go)
    _killed_while_it_answers(estate, request)
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


def _key(owner: Person, estate: Estate) -> str:
    endpoint = f"{ARM}{estate.outputs()['workspaceId']}/onlineEndpoints/by-azmlflow"
    version = version_of("Microsoft.MachineLearningServices/workspaces/onlineEndpoints")
    told = owner.ask("POST", f"{endpoint}/listKeys", params={"api-version": version})
    return str(told.json()["primaryKey"])


def _by_others(estate: Estate, request: Path, go: subprocess.Popen[bytes] | None) -> None:
    """Clients of other languages, which have nothing but the key."""
    with sign_in(estate, OWNER) as owner:
        key = _key(owner, estate)
    clients: list[tuple[str, ...]] = [] if shutil.which("node") is None else [("node", str(SCRIPTS / "score.js"))]
    if go is not None:
        assert go.wait() == 0
        clients.append((str(estate.folder / "score"),))
    for words in clients:
        assert estate.azmlflow("run", "--", *words, URI, key, str(request)).out == "200 [152.133484162896]\n"
        assert estate.azmlflow("run", "--", *words, URI, "wrong", str(request)).out.startswith("401 ")


def _built_by_go(folder: Path) -> subprocess.Popen[bytes] | None:
    """The client in Go, while it is built beside the rest; None where there is no Go."""
    if shutil.which("go") is None:
        return None
    alone = {**os.environ, "GOTOOLCHAIN": "local", "GOPROXY": "off", "GOFLAGS": "", "GOWORK": "off", "CGO_ENABLED": "0"}
    return subprocess.Popen(["go", "build", "-o", str(folder / "score"), str(SCRIPTS / "score.go")], env=alone)


def _killed_while_it_answers(estate: Estate, request: Path) -> None:
    """The embedded Azure killed while a model computes: the client hears of it, and the endpoint comes back."""
    with sign_in(estate, OWNER) as owner:
        headers = {"Authorization": f"Bearer {_key(owner, estate)}", "Content-Type": "application/json"}
        served, sent = _serving(estate), threading.Event()
        assert served and owner.ask("POST", URI, content=request.read_bytes(), headers=headers).status_code == 200
        for process in served:  # as slow as can be
            process.suspend()

        def heard(event: str, _told: object) -> None:
            if event == "http11.send_request_body.complete":
                sent.set()

        def ask() -> httpx.Response:
            return owner.ask(
                "POST", URI, content=request.read_bytes(), headers=headers, extensions={"trace": heard}, timeout=60
            )

        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(ask)
            assert sent.wait(60) and not answer.done()
            psutil.Process(_record(estate)["pid"]).kill()
            with pytest.raises((httpx.NetworkError, httpx.RemoteProtocolError)):
                answer.result()
        assert not psutil.wait_procs(served, timeout=60)[1], "a model outlives the embedded Azure"
    estate.azmlflow("local", "start")
    with sign_in(estate, OWNER) as owner:
        until = time.monotonic() + 120
        while (told := owner.ask("POST", URI, content=request.read_bytes(), headers=headers)).status_code != 200:
            assert told.status_code == 424 and time.monotonic() < until, told.text
            time.sleep(0.1)
    assert told.json() == pytest.approx([152.133484162896])
    assert not {process.pid for process in served} & {process.pid for process in _serving(estate)}


def _serving(estate: Estate) -> list[psutil.Process]:
    """The processes of the one deployment that there is."""
    ours, found = f":{_record(estate)['proxy_port']}", []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # it has ended, or is another user's
            told = process.environ()
            if "AZUREML_MODEL_DIR" in told and told.get("HTTPS_PROXY", "").endswith(ours):
                found.append(process)
    return found


def _record(estate: Estate) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((estate.folder / ".azmlflow/local/daemon.json").read_text())
    return told


def _on_its_page(estate: Estate, shoot: Shoot) -> None:
    """The form of the endpoint's page, in a browser."""
    if found() is None:
        return
    address = str(estate.azmlflow("ui", "--print", "-o", "json").json()["address"])
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1060})
        page.goto(address)
        page.get_by_role("link", name="Endpoints").click()
        page.get_by_role("link", name="by-azmlflow").first.click()
        expect(page.get_by_label("Request, in JSON")).to_have_value(re.compile('"columns"'))
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_text("152.133484162896")).to_be_visible()
        expect(page.get_by_text("200 OK")).to_be_visible()
        shoot(page, "ui-endpoint")
