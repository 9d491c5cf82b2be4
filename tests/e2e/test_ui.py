"""`azmlflow ui` in a real browser: MLflow's own page, and the pages beside it, with the rights of who looks."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser import chromium
from tests.e2e.conftest import Shoot
from tests.e2e.estate import Estate

pytestmark = pytest.mark.e2e

expect.set_options(timeout=20_000)  # MLflow's page takes its time where much else goes on
DEVELOPER, VIEWER, STRANGER = "developer@local.test", "ulla@local.test", "ulf@local.test"
TRAINING = "workflowType=machine_learning"  # one of the two arrangements of MLflow's page
TRACK = """
import base64, json, pathlib, tempfile
import mlflow
from mlflow import MlflowClient

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
mlflow.set_experiment("looked_at")
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "pixel.png").write_bytes(base64.b64decode(PIXEL))
(folder / "notes.txt").write_text("a note to be read")
(folder / "model").mkdir()
(folder / "model" / "MLmodel").write_text(
    "flavors: {python_function: {loader_module: none}}\\n"
    'signature: {inputs: \\'[{"name": "petal_width", "type": "double"}]\\'}\\n'
)
with mlflow.start_run(run_name="seen") as run:
    for step, loss in enumerate((0.9, 0.5, 0.3, 0.25)):
        mlflow.log_metric("loss", loss, step=step)
    mlflow.log_param("depth", 3)
    mlflow.log_artifacts(str(folder))
client = MlflowClient()
client.create_registered_model("shown")
client.create_model_version("shown", f"runs:/{run.info.run_id}/model", run.info.run_id)
print("RUN", json.dumps([run.info.experiment_id, run.info.run_id]))
"""


@dataclass
class Look:
    """A browser beside a standing workspace with one run in it."""

    estate: Estate
    context: BrowserContext
    experiment: str
    run: str
    link: str
    asked: set[str] = field(default_factory=set)

    def address(self, who: str, *link: str) -> str:
        return str(self.estate.azmlflow("ui", *link, "--print", "--as", who, "--output", "json").json()["address"])

    def sign_in(self, who: str, *link: str) -> tuple[Page, str]:
        """A page of somebody's, and its session's address; that of a link, if there is one."""
        page = self.context.new_page()
        page.goto(self.address(who, *link))
        page.wait_for_url(lambda url: "/sign-in" not in url)
        return page, page.url

    def run_page(self, base: str, tab: str = "") -> str:
        return f"{base}mlflow/#/experiments/{self.experiment}/runs/{self.run}{tab}?{TRAINING}"


@pytest.fixture(scope="module")
def look(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Look]:
    for who in (VIEWER, STRANGER):
        estate.azmlflow("local", "user", "add", who)
    estate.azmlflow("grant", VIEWER, "viewer")
    script = tmp_path_factory.mktemp("track") / "track.py"
    script.write_text(TRACK)
    said = estate.science(DEVELOPER, script).out.splitlines()
    told = next(line for line in said if line.startswith("RUN "))
    link = next(line for line in said if "View run seen at: " in line).partition("at: ")[2]
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.set_default_timeout(20_000)
        experiment, run = json.loads(told.removeprefix("RUN "))
        found = Look(estate, context, experiment, run, link)
        context.on("request", lambda request: found.asked.add(request.url.split("/")[2]))
        yield found
        context.close()


def test_signing_in_once(look: Look) -> None:
    page = look.context.new_page()
    address = look.address(VIEWER)
    page.goto(address)
    page.wait_for_url(lambda url: "/sign-in" not in url)
    expect(page.get_by_text("Track a run")).to_be_visible()
    assert page.evaluate("document.cookie") == "", "HttpOnly"
    again = page.goto(address)
    assert again is not None
    assert again.status == 401
    expect(page.get_by_text("good once")).to_be_visible()
    page.close()


def test_the_browser_is_led_by_a_file_and_the_cookie_is_sent_all_the_same(look: Look, tmp_path: Path) -> None:
    opener = tmp_path / "opener"
    opener.write_text(f'#!/bin/sh\nprintf %s "$1" > {shlex.quote(str(tmp_path / "opened"))}\n')
    opener.chmod(0o700)
    done = look.estate.command("azmlflow", "ui", "--as", VIEWER, "-o", "json", extra={"BROWSER": f"{opener} %s"})
    assert done.json()["opened"] is True
    opened = (tmp_path / "opened").read_text()
    assert opened.startswith("file://")
    assert "code" not in opened
    page = look.context.new_page()
    page.goto(opened)
    page.wait_for_url("http://127.0.0.1:*/*/")
    expect(page.get_by_text("Track a run")).to_be_visible()
    page.close()


def test_a_viewer_sees_experiments_charts_artifacts_and_models(look: Look, shoot: Shoot) -> None:
    page, base = look.sign_in(VIEWER)
    page.get_by_role("link", name="MLflow").first.click()
    expect(page.get_by_role("link", name="looked_at").first).to_be_visible()
    expect(page.get_by_text("Welcome to MLflow Assistant")).to_have_count(0)  # there is none here: it stays closed
    page.get_by_role("link", name="looked_at").first.click()
    expect(page.get_by_text("matching run")).to_be_visible(timeout=20_000)  # its runs, and no page of traces
    assert f"/experiments/{look.experiment}/runs" in page.url
    page.get_by_role("link", name="Workspace", exact=True).click()  # the way back
    expect(page.get_by_text("Track a run")).to_be_visible()

    page.goto(look.run_page(base, "/model-metrics"))
    expect(page.locator(".js-plotly-plot .scatterlayer .point")).to_have_count(4, timeout=20_000)
    shoot(page, "ui-mlflow")

    page.goto(look.run_page(base, "/artifacts"))
    page.get_by_text("notes.txt").first.click()
    expect(page.get_by_text("a note to be read")).to_be_visible()
    page.get_by_text("pixel.png").first.click()
    page.wait_for_function("[...document.images].some(each => each.naturalWidth === 1)")

    page.goto(f"{base}mlflow/#/models/shown/versions/1?{TRAINING}")
    page.get_by_text("Inputs (1)").click()
    expect(page.get_by_text("petal_width")).to_be_visible()  # the schema, out of the version's own MLmodel file
    page.close()


def test_a_link_that_mlflow_printed_opens_its_run(look: Look) -> None:
    page, address = look.sign_in(VIEWER, look.link)
    assert address.endswith(f"/mlflow/#/experiments/{look.experiment}/runs/{look.run}")
    expect(page.get_by_role("tab", name="Model metrics")).to_be_visible()
    expect(page.get_by_role("heading", name="seen")).to_be_visible()
    page.close()


def test_what_azure_ml_does_not_have_is_not_offered(look: Look) -> None:
    page, base = look.sign_in(VIEWER)
    experiment = f"experiments/{look.experiment}"
    for asked, leads_to in (
        ("", "experiments"),  # MLflow's home, of agents and a demo
        (f"{experiment}/playground?workflowType=genai", f"{experiment}/runs?workflowType=machine_learning"),
        ("prompts", "experiments"),
        ("settings/llm-connections", "settings/general"),
        (f"{experiment}/runs/{look.run}/traces", f"{experiment}/runs/{look.run}"),
    ):
        page.goto(f"{base}mlflow/#/{asked}")
        # The page before may still write what it sorts by into the address.
        page.wait_for_url(re.compile(re.escape(f"{base}mlflow/#/{leads_to}") + r"([?&].*)?$"))
    expect(page.get_by_role("tab", name="Artifacts")).to_be_visible()
    for word in ("GenAI", "Traces", "Prompts", "Playground", "Judges", "Assistant"):
        expect(page.locator("#root").get_by_text(word).locator("visible=true")).to_have_count(0)
    page.close()


def test_a_viewer_who_writes_is_refused_and_the_page_says_so(look: Look) -> None:
    page, base = look.sign_in(VIEWER)
    page.goto(look.run_page(base))
    page.get_by_test_id("overflow-menu-trigger").first.click()
    page.get_by_role("menuitem", name="Rename").click()
    page.locator("[role=dialog] input").fill("renamed")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("workspaces/experiments/runs/write").first).to_be_visible()
    told = page.evaluate(
        """async run => Promise.all(["runs/delete", "runs/set-tag", "runs/get?run_id=" + run].map(async call => {
            const posted = call.includes("?") ? {} : {method: "POST", body: JSON.stringify({run_id: run, key: "a"})};
            const answer = await fetch("ajax-api/2.0/mlflow/" + call, posted);
            return [answer.status, await answer.json()];
        }))""",
        look.run,
    )
    assert [status for status, _ in told] == [403, 403, 200]
    assert told[2][1]["run"]["info"]["run_name"] == "seen"
    assert told[2][1]["run"]["info"]["lifecycle_stage"] == "active"
    page.close()


def test_no_role_sees_nothing_and_is_told(look: Look) -> None:
    page, base = look.sign_in(STRANGER)
    expect(page.get_by_text(f"The client '{STRANGER}'")).to_be_visible()
    with page.expect_response("**/experiments/search*") as asked:
        page.goto(f"{base}mlflow/#/experiments?{TRAINING}")
    assert asked.value.status == 403
    expect(page.get_by_text("looked_at")).to_have_count(0)
    page.close()


def test_two_principals_side_by_side_until_one_signs_out(look: Look, shoot: Shoot) -> None:
    owner, _ = look.sign_in(DEVELOPER)
    viewer, _ = look.sign_in(VIEWER)
    shoot(owner, "ui-workspace")
    owner.get_by_role("link", name="Computes").click()
    expect(owner.get_by_role("cell", name="AmlCompute").first).to_be_visible()
    owner.get_by_role("link", name="Access").click()
    expect(owner.get_by_role("rowheader", name=VIEWER).first).to_be_visible()
    shoot(owner, "ui-access")
    owner.get_by_role("link", name="The whole matrix").click()
    shoot(owner, "access")
    owner.fill("#search", VIEWER)
    expect(owner.locator("#matrix tbody tr:visible")).to_have_count(1)
    expect(owner.locator("#log tbody tr:visible")).to_have_count(1)
    viewer.get_by_role("link", name="Access").click()
    expect(viewer.get_by_text("roleAssignments/read")).to_be_visible()
    viewer.get_by_role("link", name="Computes").click()
    expect(viewer.get_by_text("workspaces/computes/read")).to_be_visible()  # which the persona has not, on Azure too
    viewer.get_by_role("button", name="Sign out").click()
    expect(viewer.get_by_text("You are signed out")).to_be_visible()
    owner.go_back()
    owner.reload()
    expect(owner.get_by_text(DEVELOPER).first).to_be_visible()
    owner.close()
    viewer.close()


def test_another_page_can_neither_ask_nor_frame(look: Look) -> None:
    page, base = look.sign_in(DEVELOPER)
    other = look.context.new_page()
    elsewhere = "http://127.0.0.1:45678/"  # another port: to a browser the same site, and its cookies
    other.route(elsewhere, lambda route: route.fulfill(body="<title>elsewhere</title>", content_type="text/html"))
    other.goto(elsewhere)
    told = other.evaluate(
        """async ([base, run]) => {
            const sent = {method: "POST", mode: "no-cors", credentials: "include", body: JSON.stringify({run_id: run})};
            const asked = fetch(base + "mlflow/ajax-api/2.0/mlflow/runs/delete", sent);
            const read = fetch(base, {credentials: "include"});
            return Promise.all([asked, read].map(each => each.then(answer => answer.type, () => "failed")));
        }""",
        [base, look.run],
    )
    assert told == ["failed", "failed"]
    page.goto(look.run_page(base))
    expect(page.get_by_text("seen").first).to_be_visible()
    assert {host.partition(":")[0] for host in look.asked if host} == {"127.0.0.1"}, "the page asked somebody else"
    page.close()
    other.close()
