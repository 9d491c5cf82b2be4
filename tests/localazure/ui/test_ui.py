"""The pages without a browser: signing in, who is kept out, what each principal is shown, what artifacts come as."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest

from azmlflow.localazure.principals.sessions import CODE_LIFETIME, SESSION_LIFETIME, Granted
from azmlflow.localazure.work import records
from tests.localazure.control import COMPUTE, WORKSPACE
from tests.localazure.ui.conftest import AJAX, NOBODY, OWNER, READER, Browser, foreign_scripts, signed_in

# --- signing in ----------------------------------------------------------------------------------------------------


def test_signing_in_sets_a_cookie_that_only_this_session_gets_and_leads_on(browser: Browser) -> None:
    answer = browser.sign_in(READER)
    cookie = answer.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=strict", f"Path={browser.base}", "Max-Age=28800"):
        assert part in cookie, cookie
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "code" not in answer.text
    assert browser.get().status_code == 200


def test_a_code_is_good_once_and_for_a_minute(browser: Browser) -> None:
    cloud = browser.azure.cloud
    who = browser.azure.who(READER).object_id
    used, late = (cloud.sessions.issue(who, WORKSPACE, cloud.clock.now()) for _ in range(2))
    assert browser.ask("GET", f"/sign-in?code={used}").status_code == 200
    browser.azure.clock.advance(CODE_LIFETIME.total_seconds())
    for code in (used, late, "", "guessed"):
        refused = browser.ask("GET", f"/sign-in?code={code}")
        assert refused.status_code == 401
        assert "set-cookie" not in refused.headers
        assert "azmlflow ui" in refused.text


def test_a_page_may_be_asked_for_below_the_sessions_address_alone(browser: Browser) -> None:
    cloud, who = browser.azure.cloud, browser.azure.who(READER).object_id
    for to, status in (
        ("mlflow/#/experiments/1/runs/c0ffee", 200),
        ("jobs/red?refresh=1&x=%41", 200),
        ("//evil.example", 400),
        ("/evil.example", 400),
        ("x/../../..", 400),
        ('"><script>', 400),
        ("https://evil.example", 400),
    ):
        code = cloud.sessions.issue(who, WORKSPACE, cloud.clock.now())
        answer = browser.ask("GET", "/sign-in", params={"code": code, "to": to})
        assert answer.status_code == status, to
        assert ("set-cookie" in answer.headers) is (status == 200)
        if status == 200:
            assert re.search(r'content="0;url=(/[\w-]+/)(.*)"', answer.text).group(2) == to.replace("&", "&amp;")  # type: ignore[union-attr]
            assert f"Path={re.search(r'url=(/[^/]+/)', answer.text).group(1)};" in answer.headers["set-cookie"] + ";"  # type: ignore[union-attr]


def test_neither_code_nor_session_is_logged(browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    signed_in(browser, READER).get("jobs")
    # Not what this test's own client says.
    logged = "\n".join(each.getMessage() for each in caplog.records if each.name != "httpx")
    assert "ui /sign-in 200" in logged
    assert "ui /jobs 200" in logged
    assert "code=" not in logged
    assert browser.base.strip("/") not in logged


def test_why_a_page_is_refused_stands_in_the_log_alone(browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    signed_in(browser, NOBODY)
    answers = (browser.get("access-matrix"), browser.get(f"{AJAX}/experiments/search"))
    lines = [each.getMessage() for each in caplog.records if " 403" in each.getMessage() and each.name != "httpx"]
    reason = f"No role assignment of {NOBODY} or of its groups reaches {WORKSPACE}."
    assert [line.partition(" 403: ")[2] for line in lines] == [
        f"{NOBODY} may not Microsoft.Authorization/roleAssignments/read: {reason}",
        f"{NOBODY} may not Microsoft.MachineLearningServices/workspaces/experiments/read: {reason}",
    ]
    for answer in answers:
        assert "No role assignment" not in answer.text


def test_without_the_cookie_with_another_or_too_late_there_is_nothing(browser: Browser) -> None:
    signed_in(browser, READER)
    other = Browser(browser.azure)
    other.sign_in(OWNER)
    for cookie in ("", other.cookie, "azmlflow=", "azmlflow=x"):
        for path in ("", "jobs", "mlflow/", f"{AJAX}/experiments/search"):
            assert Browser(browser.azure, browser.base, cookie).get(path).status_code == 401
    browser.azure.clock.advance(SESSION_LIFETIME.total_seconds())
    assert "azmlflow ui" in browser.get().text
    refused = browser.get(f"{AJAX}/experiments/search", headers={"Accept": "*/*"})
    assert (refused.status_code, refused.json()["error_code"]) == (401, "UNAUTHENTICATED")


def test_signing_out_ends_the_session(browser: Browser) -> None:
    signed_in(browser, READER)
    assert browser.get("sign-out").status_code == 404
    assert browser.post("sign-out").status_code == 401
    assert browser.get().status_code == 401


def test_who_leaves_the_directory_and_a_workspace_that_goes_end_it_too(browser: Browser) -> None:
    signed_in(browser, READER)
    browser.azure.cloud.directory.remove(browser.azure.who(READER).object_id)
    assert browser.get().status_code == 401
    signed_in(browser, OWNER)
    browser.azure.cloud.store.delete("resources", WORKSPACE.lower())
    assert browser.get().status_code == 404


# --- other web pages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "evil.example", "127.0.0.1", "127.0.0.1:1", ""])
def test_another_host_is_refused(browser: Browser, host: str) -> None:
    signed_in(browser, OWNER)
    for path in ("", "mlflow/", f"{AJAX}/experiments/search"):
        assert browser.get(path, headers={"Host": host}).status_code == 403
    assert browser.ask("GET", "/sign-in?code=x", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"},
    ],
    ids=str,
)
def test_a_post_of_another_page_is_refused(browser: Browser, headers: dict[str, str]) -> None:
    signed_in(browser, OWNER)
    refused = browser.post(f"{AJAX}/experiments/create", headers=headers, json={"name": "x"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "WrongOrigin")


def test_a_post_without_an_origin_is_refused(browser: Browser) -> None:
    signed_in(browser, OWNER)
    assert browser.ask("POST", f"{browser.base}sign-out", headers={"Origin": ""}).status_code == 403
    assert browser.get().status_code == 200


def test_another_page_may_lead_here_but_not_read(browser: Browser) -> None:
    signed_in(browser, OWNER)
    led = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert browser.get(headers=led).status_code == 200
    for headers in ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, {"Origin": "http://evil.example"}):
        assert browser.get(headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["", "computes", "access-matrix", "mlflow/", "nothing", "mlflow/ajax-api/9"])
def test_every_answer_has_its_headers(browser: Browser, path: str) -> None:
    headers = signed_in(browser, OWNER).get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers


# --- pages ---------------------------------------------------------------------------------------------------------


def test_the_workspace_with_a_snippet(browser: Browser) -> None:
    page = signed_in(browser, READER).get().text
    for shown in ("ws-one", "stacct1", "mlflow.set_tracking_uri", "azureml://", "westeurope", READER):
        assert shown in page
    assert not foreign_scripts(page)


def test_computes_with_nodes_and_jobs_in_their_order(browser: Browser) -> None:
    azure = browser.azure
    job = {"jobType": "Command", "command": "true", "computeId": COMPUTE, "displayName": "<b>first</b>"}
    for name in ("job-1", "job-2"):
        assert azure.arm("PUT", f"{WORKSPACE}/jobs/{name}", {"properties": job}).status == 201
        azure.clock.advance(1)
    azure.cloud.store.put("nodes", COMPUTE.lower(), {"nodes": [{"number": 0, "job": f"{WORKSPACE}/jobs/job-1"}]})
    signed_in(browser, READER)
    computes = browser.get("computes").text
    assert "cpu-cluster 0" in computes
    assert "job-1" in computes
    jobs = browser.get("jobs").text
    assert "number 1 in the queue" in jobs
    assert "number 2 in the queue" in jobs
    assert jobs.index("job-2") < jobs.index("job-1"), "the newest first"
    records.set_status(azure.cloud, f"{WORKSPACE}/jobs/job-1".lower(), "Failed", error="It exited with <3>.")
    assert "It exited with &lt;3&gt;." in browser.get("jobs").text
    assert OWNER in jobs
    assert "&lt;b&gt;first" in jobs
    assert "<b>first" not in jobs


def test_a_job_with_its_times_its_run_and_why_it_failed(browser: Browser) -> None:
    azure = browser.azure
    job = {"jobType": "Command", "command": "true", "computeId": COMPUTE, "displayName": "job-1"}
    assert azure.arm("PUT", f"{WORKSPACE}/jobs/job-1", {"properties": job}).status == 201
    key = f"{WORKSPACE}/jobs/job-1".lower()
    azure.clock.advance(5)
    records.set_status(azure.cloud, key, "Running", experiment="7")
    azure.clock.advance(61.5)
    shown = signed_in(browser, READER).get("jobs").text
    assert '<time datetime="2026-01-01T00:00:00.0000000Z"><span>2026-01-01</span> <span>00:00:00</span></time>' in shown
    assert "1 min 2 s" in shown, "so far"
    assert 'href="mlflow/#/experiments/7/runs?' in shown
    azure.run("job-1")
    assert "mlflow/#/experiments/7/runs/job-1?" in browser.get("jobs/job-1").text
    assert "<small>" not in shown, "the display name is the job's name"
    records.set_status(azure.cloud, key, "Failed", error="It took > 2 GiB.")
    azure.clock.advance(3600)
    shown = browser.get("jobs").text
    assert "It took &gt; 2 GiB." in shown
    assert "1 min 2 s" in shown, "and no longer"


def _job(browser: Browser, name: str, **changed: Any) -> str:
    job = {"jobType": "Command", "command": "python train.py", "computeId": COMPUTE, "displayName": name, **changed}
    assert browser.azure.arm("PUT", f"{WORKSPACE}/jobs/{name}", {"properties": job}).status == 201
    return f"{WORKSPACE}/jobs/{name}".lower()


def _states(*states: str) -> str:
    return "".join(f'<span class="state-{each}">1 {each}</span>' for each in states)


def test_cards_count_what_may_be_read_and_a_chart_shows_the_last_days(browser: Browser) -> None:
    for name, state in (("one", "Completed"), ("two", "Failed"), ("three", "Queued")):
        records.set_status(browser.azure.cloud, _job(browser, name), state)
    browser.azure.run("run-1")
    page = signed_in(browser, READER).get().text
    for title, count, more in (
        (
            "Experiments",
            '<a href="mlflow/#/experiments?workflowType=machine_learning">1</a>',
            "with their runs, in MLflow",
        ),
        ("Jobs", '<a href="jobs">3</a>', _states("Completed", "Failed", "Queued")),
        ("Computes", '<a href="computes">1</a>', "0 nodes up now"),
        ("Models", '<a href="mlflow/#/models">0</a>', "registered, in MLflow"),
    ):
        assert f'<h2>{title}</h2><p class="count">{count}</p><p><small>{more}</small></p>' in page, title
    assert re.search(r'<h2>Role assignments</h2><p class="count"><a href="access">\d+</a></p><p><small>to \d+ ', page)
    assert "2026-01-01: 1 Failed" in page
    assert page.count("<rect ") == 3
    browser.azure.give("half@local.test", ["Microsoft.MachineLearningServices/workspaces/read"], WORKSPACE)
    half = signed_in(browser, "half@local.test").get().text
    assert half.count("may not be read") == 6
    assert "<rect" not in half


def test_jobs_are_filtered_and_looked_at_again(browser: Browser) -> None:
    records.set_status(browser.azure.cloud, _job(browser, "red-job"), "Failed")
    _job(browser, "blue-job")
    signed_in(browser, READER)
    every = browser.get("jobs").text
    assert "2 of 2 jobs" in every
    assert "http-equiv" not in every
    assert "red-job" not in browser.get("jobs?state=Queued").text
    found = browser.get("jobs?text=RED").text
    assert ("red-job" in found, "blue-job" in found) == (True, False)
    assert '<meta http-equiv="refresh" content="10">' in browser.get("jobs?refresh=1").text
    hostile = browser.get('jobs?text="><script>alert(1)</script>').text
    assert not foreign_scripts(hostile)
    assert "0 of 2 jobs" in hostile


def test_a_jobs_own_page_with_its_log_for_who_may_read_it(browser: Browser) -> None:
    key = _job(browser, "job-1", displayName="<i>mine</i>")
    browser.azure.run("job-1")
    browser.azure.blob("azureml", "ExperimentRun/dcid.job-1/user_logs/std_log.txt", b"epoch 1 <loss>\n")
    records.set_status(browser.azure.cloud, key, "Running", experiment="1")
    page = signed_in(browser, OWNER).get("jobs/job-1").text
    run = "mlflow/#/experiments/1/runs/job-1"
    for shown in ("python train.py", "epoch 1 &lt;loss&gt;", "Cancel the job", run, OWNER):
        assert shown in page
    assert 'http-equiv="refresh"' in page
    action = "Microsoft.MachineLearningServices/workspaces"
    browser.azure.give("jobs@local.test", [f"{action}/read", f"{action}/jobs/read"], WORKSPACE)
    without = signed_in(browser, "jobs@local.test").get("jobs/job-1").text
    assert "epoch 1" not in without
    assert "may not be read" in without
    assert signed_in(browser, NOBODY).get("jobs/job-1").status_code == 403


def test_a_job_is_cancelled_by_who_may(browser: Browser) -> None:
    key = _job(browser, "job-1")
    assert signed_in(browser, READER).post("jobs/job-1/cancel").status_code == 403
    assert signed_in(browser, OWNER).get("jobs/job-1/cancel").status_code == 404
    answer = browser.post("jobs/job-1/cancel")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{browser.base}jobs/job-1")
    assert browser.azure.cloud.store.get("resources", key)["properties"]["status"] == "CancelRequested"  # type: ignore[index]
    refused = browser.post("jobs/job-1/cancel", headers={"Origin": "http://evil.example"})
    assert refused.status_code == 403


@pytest.mark.parametrize(
    "name", ["nope", "..%2Fcomputes%2Fcpu-cluster", "%2e%2e", "job-1%00", "a%2Fb", "<script>", "x/cancel/y", "x?a", "%"]
)
def test_a_job_of_a_hostile_name_is_none(browser: Browser, name: str) -> None:
    for who in (OWNER, NOBODY):
        answer = signed_in(browser, who).get(f"jobs/{name}")
        assert answer.status_code in (400, 403, 404)
        assert not foreign_scripts(answer.text)
        assert "AmlCompute" not in answer.text


def test_nodes_at_work_over_the_last_day(browser: Browser) -> None:
    for name in ("one", "two"):
        records.set_status(browser.azure.cloud, _job(browser, name), "Running")
        browser.azure.clock.advance(600)
    page = signed_in(browser, OWNER).get("computes").text
    assert "cpu-cluster: nodes at work, the last 24 hours" in page
    assert "Nodes of cpu-cluster at work; most at a time: 2" in page
    browser.azure.give("ops@local.test", ["Microsoft.MachineLearningServices/workspaces/computes/read"], WORKSPACE)
    assert "nodes at work" not in signed_in(browser, "ops@local.test").get("computes").text


def test_access_in_words_with_role_way_in_date_and_author(browser: Browser) -> None:
    directory = browser.azure.cloud.directory
    group = directory.add_group("team")
    directory.add_member(group.object_id, browser.azure.who(NOBODY).object_id)
    browser.azure.assign(READER, "Contributor", WORKSPACE)
    role = browser.azure.arm(
        "GET", f"{WORKSPACE}/providers/Microsoft.Authorization/roleDefinitions?$filter=roleName eq 'Reader'"
    ).body["value"][0]["id"]
    id_ = f"{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/{browser.azure.cloud.ids.guid()}"
    body = {"properties": {"roleDefinitionId": role, "principalId": group.object_id, "principalType": "Group"}}
    assert browser.azure.arm("PUT", id_, body).status == 201
    page = signed_in(browser, OWNER).get("access").text
    assert f"As of 2026-01-01 00:00 UTC, for {OWNER}." in page
    assert "in team" in page
    assert "directly" in page
    assert "Get runs and the history of their metrics" in page
    assert "Contributor" in page
    assert "As of 2026-01-01 00:00 UTC" in browser.get("access-matrix").text


def test_what_was_taken_away_is_told_with_who_did_it(browser: Browser) -> None:
    page = signed_in(browser, OWNER).get("access").text
    assert "No role assignment was taken away from 2025-10-04 on." in page
    listed = browser.azure.arm("GET", f"{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments").body["value"]
    who = browser.azure.who(READER).object_id
    (his,) = (each["id"] for each in listed if each["properties"]["principalId"] == who)
    assert browser.azure.arm("DELETE", his).status == 200
    page = browser.get("access").text
    taken = page.partition("Role assignments that were taken away")[2].partition("</table>")[0]
    assert READER in taken
    assert f'data-label="Taken away by">{OWNER}' in taken
    log = browser.get("access-matrix").text.partition('<table id="log">')[2]
    assert '<tr class="gone"><td>' in log
    assert f"<td>{READER}<td>Reader" in log
    rights = ["Microsoft.Authorization/roleAssignments/read", "Microsoft.MachineLearningServices/workspaces/read"]
    browser.azure.give("ops@local.test", rights, WORKSPACE)
    page = signed_in(browser, "ops@local.test").get("access").text
    assert "what was taken away again cannot be seen: it takes Microsoft.Insights/eventtypes/values/read" in page


def test_persona_and_end_are_those_of_the_stacks_grants(browser: Browser) -> None:
    who = browser.azure.who(READER).object_id
    listed = browser.azure.arm("GET", f"{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments").body["value"]
    (mine,) = (each["properties"] for each in listed if each["properties"]["principalId"] == who)
    role = mine["roleDefinitionId"].rpartition("/")[2]
    browser.sign_in(OWNER, Granted(WORKSPACE.lower(), who, role, "viewer<", "2099-12-31"))
    page = browser.get("access").text
    assert 'data-label="Persona or role"><span class="id">viewer&lt;<small>Reader</small>' in page
    assert page.count('<span class="word">2099-12-31</span>') == 1
    assert "the workspace</td>" in page and "the subscription<small>" in page
    assert "viewer&lt;, until 2099-12-31" in browser.get("access-matrix").text
    browser.sign_in(OWNER, Granted(WORKSPACE.lower(), who, "another-role", "viewer<", ""))
    assert "no end" not in browser.get("access").text


def test_who_has_access_and_the_matrix(browser: Browser) -> None:
    page = signed_in(browser, READER).get("access").text
    assert OWNER in page
    assert READER in page
    assert NOBODY not in page
    matrix = browser.get("access-matrix").text
    assert "Content-Security-Policy" in matrix
    assert READER in matrix


def test_what_may_not_be_read_is_said(browser: Browser) -> None:
    signed_in(browser, NOBODY)
    for path, action in (
        ("", "Microsoft.MachineLearningServices/workspaces/read"),
        ("computes", "Microsoft.MachineLearningServices/workspaces/computes/read"),
        ("jobs", "Microsoft.MachineLearningServices/workspaces/jobs/read"),
        ("access", "Microsoft.Authorization/roleAssignments/read"),
    ):
        page = browser.get(path).text
        assert action in page
        assert NOBODY in page
        assert "stacct1" not in page
        assert "cpu-cluster" not in page
    assert browser.get("access-matrix").status_code == 403


# --- MLflow's page -------------------------------------------------------------------------------------------------


def test_the_page_and_its_files_are_mlflows_own(browser: Browser) -> None:
    signed_in(browser, NOBODY)
    assert browser.get("mlflow").headers["location"] == f"{browser.base}mlflow/"
    page = browser.get("mlflow/").text
    assert "<title>MLflow</title>" in page
    assert page.index('<script src="beside.js">') < page.index('src="static-files/'), (
        "what it stores is read by MLflow's"
    )
    assert '<a href="../jobs">Jobs</a>' in page
    assert 'action="../sign-out"' in page
    assert NOBODY in page
    assert browser.ask("GET", "/bar.css").status_code == 200
    assert "autoOpenedOnFirstLoad" in browser.get("mlflow/beside.js").text
    script = re.search(r'src="(static-files/[^"]+)"', page).group(1)  # type: ignore[union-attr]
    found = browser.get(f"mlflow/{script}")
    assert (found.status_code, "immutable" in found.headers["cache-control"]) == (200, True)
    for path in ("static-files/../../handlers.py", "static-files/%2e%2e/%2e%2e/handlers.py", "static-files/", "x"):
        assert browser.get(f"mlflow/{path}").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{AJAX}/experiments/search"),
        ("POST", f"{AJAX}/runs/search"),
        ("POST", f"{AJAX}/experiments/search-datasets"),
        ("POST", f"{AJAX}/logged-models/search"),
        ("POST", "mlflow/ajax-api/3.0/mlflow/traces/search"),
        ("GET", f"{AJAX}/artifacts/list?run_id=r1"),
        ("GET", "mlflow/get-artifact?run_id=r1&path=a"),
        ("GET", "mlflow/model-versions/get-artifact?name=m&version=1&path=a"),
        ("POST", f"{AJAX}/runs/delete"),
        ("POST", f"{AJAX}/registered-models/create"),
    ],
)
def test_no_role_sees_nothing_and_changes_nothing(browser: Browser, method: str, path: str) -> None:
    signed_in(browser, NOBODY)
    refused = browser.ask(method, browser.base + path, **({"json": {}} if method == "POST" else {}))
    assert (refused.status_code, refused.json()["error_code"]) == (403, "PERMISSION_DENIED")
    assert NOBODY in refused.json()["message"]


def test_graphql_is_asked_with_the_rights_of_who_looks(browser: Browser) -> None:
    query = {"query": "{ mlflowGetRun(input: {}) { run { info { runId } } } }"}
    assert signed_in(browser, NOBODY).post("mlflow/graphql", json=query).status_code == 403
    assert signed_in(browser, READER).post("mlflow/graphql", json={"query": "mutation { x }"}).status_code == 404
    assert browser.post("mlflow/graphql", content=b"nonsense").status_code == 400


@pytest.mark.parametrize("call", ["runs/update", "runs/delete", "experiments/create", "registered-models/create"])
def test_a_reader_may_not_write(browser: Browser, call: str) -> None:
    refused = signed_in(browser, READER).post(f"{AJAX}/{call}", json={"run_id": "r1", "name": "x"})
    assert (refused.status_code, refused.json()["error_code"]) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "mlflow/ajax-api/3.0/mlflow/workspaces"),
        ("GET", "mlflow/ajax-api/3.0/mlflow/workspaces"),
        ("POST", "mlflow/ajax-api/3.0/mlflow/gateway/endpoints/create"),
        ("POST", f"{AJAX}/upload-artifact"),
        ("GET", f"{AJAX}/gateway-proxy"),
        ("GET", "mlflow/api/2.0/mlflow/experiments/search"),
        ("GET", "mlflow/health"),
        ("GET", "mlflow/ajax-api"),
    ],
)
def test_what_is_not_listed_is_not_there_even_for_an_owner(browser: Browser, method: str, path: str) -> None:
    signed_in(browser, OWNER)
    answer = browser.ask(method, browser.base + path, **({"json": {}} if method == "POST" else {}))
    assert (answer.status_code, answer.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


def test_artifacts_are_listed_level_by_level_and_shown_as_files_only(browser: Browser) -> None:
    azure = browser.azure
    azure.run("r1")
    files = {
        "notes.txt": b"hello",
        "model/MLmodel": b"flavors: {}",
        "model/data/model.pkl": b"\x80",
        "x.svg": b"<svg/>",
    }
    files["page.html"] = b"<script>alert(1)</script>"
    for path, content in files.items():
        azure.blob("azureml", f"ExperimentRun/dcid.r1/{path}", content)
    azure.blob("azureml", "ExperimentRun/dcid.r2/secret.txt")
    signed_in(browser, READER)
    top = browser.get(f"{AJAX}/artifacts/list?run_id=r1").json()
    assert {(each["path"], each["is_dir"]) for each in top["files"]} == {
        ("notes.txt", False), ("model", True), ("x.svg", False), ("page.html", False),
    }  # fmt: skip
    assert top["root_uri"].startswith("azureml://westeurope.api.azureml.ms/mlflow/v2.0/subscriptions/")
    below = browser.get(f"{AJAX}/artifacts/list?run_uuid=r1&path=model").json()["files"]
    assert below == [
        {"path": "model/MLmodel", "is_dir": False, "file_size": 11},
        {"path": "model/data", "is_dir": True},
    ]
    kinds = {"notes.txt": "text/plain", "model/MLmodel": "text/plain", "page.html": "text/plain", "x.svg": "image/svg"}
    for path, content in files.items():
        found = browser.get(f"mlflow/get-artifact?run_uuid=r1&path={path}")
        assert found.content == content
        assert found.headers["content-type"].startswith(kinds.get(path, "application/octet-stream"))
        assert found.headers["content-security-policy"].startswith("sandbox;")
        assert found.headers["content-disposition"].startswith("attachment;")
    for run, path in (("r1", "gone"), ("r1", "../dcid.r2/secret.txt"), ("r2", "secret.txt")):
        assert browser.get(f"mlflow/get-artifact?run_uuid={run}&path={path}").status_code in (400, 404)
    assert browser.get("mlflow/get-artifact?run_uuid=r1").status_code == 400


def test_the_files_of_a_model_version(browser: Browser) -> None:
    azure = browser.azure
    azure.run("r1")
    azure.blob("azureml", "ExperimentRun/dcid.r1/model/MLmodel", b"flavors: {}")
    azure.blob("azureml", "ExperimentRun/dcid.r1/other.txt")
    signed_in(browser, OWNER)
    assert browser.post(f"{AJAX}/registered-models/create", json={"name": "iris"}).status_code == 200
    made = browser.post(f"{AJAX}/model-versions/create", json={"name": "iris", "source": "runs:/r1/model"})
    assert made.status_code == 200
    signed_in(browser, READER)
    found = browser.get("mlflow/model-versions/get-artifact?name=iris&version=1&path=MLmodel")
    assert (found.status_code, found.content) == (200, b"flavors: {}")
    for query in ("name=iris&version=2&path=MLmodel", "name=iris&version=1&path=../other.txt"):
        assert browser.get(f"mlflow/model-versions/get-artifact?{query}").status_code in (400, 404)
