"""An endpoint's own page: the form's sample, a request asked as who looks, and what nobody sees of it."""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from azmlflow.localazure.cloud.serving import Backend
from azmlflow.localazure.principals.tokens import Tokens
from tests.localazure.answering import Model
from tests.localazure.control import BLUE, ENDPOINT, GREEN, WORKSPACE
from tests.localazure.ui.conftest import NOBODY, OWNER, READER, Browser, foreign_scripts, signed_in

PAGE = f"endpoints/{ENDPOINT.rpartition('/')[2]}"
ACTION = "Microsoft.MachineLearningServices/workspaces"
SIGNATURE = '[{"type": "double", "name": "age"}, {"type": "string", "name": "<b>who"}]'


@dataclass
class Trial:
    """An endpoint whose deployments are models of the test's."""

    browser: Browser
    folder: Path
    blue: Model
    green: Model

    @contextlib.asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for name, key, model in (("blue", BLUE, self.blue), ("green", GREEN, self.green)):
                path = str(self.folder / name)
                server = await asyncio.start_unix_server(model.serve, path)
                stack.push_async_callback(server.wait_closed)
                stack.callback(server.close)
                self.browser.azure.cloud.serving.backends[key.lower()] = Backend(path)
            yield

    def key(self) -> str:
        return str(self.browser.azure.arm("POST", f"{ENDPOINT}/listKeys").body["primaryKey"])

    def put(self, **properties: Any) -> None:
        body = {"location": "westeurope", "properties": {"authMode": "Key", "traffic": {"blue": 100}, **properties}}
        assert self.browser.azure.arm("PUT", ENDPOINT, body).status == 200
        self.browser.azure.wait()

    def send(self, text: str = '{"input_data": [[1]]}', deployment: str = "") -> httpx.Response:
        return self.browser.post(PAGE, data={"request": text, "deployment": deployment})


@pytest.fixture
def trial(browser: Browser, tmp_path: Path) -> Trial:
    azure = browser.azure
    azure.cloud = replace(azure.cloud, tokens=Tokens(azure.cloud.store, azure.clock, tmp_path))
    azure.make(ENDPOINT, BLUE, GREEN)
    found = Trial(browser, tmp_path, Model(chunks=(b'{"risk": [1.5]}',)), Model(chunks=(b"[2.5]",)))
    browser.beside = found.answering
    found.put()
    return found


def register(browser: Browser, signature: Mapping[str, str]) -> None:
    """A model that MLflow logged, under the name that the deployments have."""
    azure = browser.azure
    azure.run("run-1")
    told = {"flavors": {"python_function": {"loader_module": "x"}}, "signature": signature}
    azure.blob("azureml", "ExperimentRun/dcid.run-1/model/MLmodel", json.dumps(told).encode())
    uri = "azureml://jobs/run-1/outputs/artifacts/paths/model"
    body = {"properties": {"modelUri": uri, "modelType": "mlflow_model"}}
    assert azure.arm("PUT", f"{WORKSPACE}/models/wine/versions/1", body).status == 201


def test_the_form_holds_a_request_that_fits_the_models_signature(trial: Trial) -> None:
    register(trial.browser, {"inputs": SIGNATURE})
    page = signed_in(trial.browser, OWNER).get(PAGE).text
    written = html.unescape(page.partition('spellcheck="false">')[2].partition("</textarea>")[0])
    expected = {"columns": ["age", "<b>who"], "index": [0], "data": [[0.0, "text"]]}
    assert json.loads(written) == {"input_data": expected}
    for shown in (
        "&quot;age&quot;",
        "&quot;&lt;b&gt;who&quot;",
        "by traffic",
        "<option>blue",
        "<option>green",
        "blue 100 %",
    ):
        assert shown in page
    assert "<option selected>green" in trial.browser.get(f"{PAGE}?deployment=green").text


@pytest.mark.parametrize("signature", [{}, {"inputs": "nonsense"}, {"inputs": "[1]"}, {"inputs": '[{"type": "any"}]'}])
def test_without_a_signature_it_holds_the_envelope(trial: Trial, signature: Mapping[str, str]) -> None:
    register(trial.browser, signature)
    assert "{&quot;input_data&quot;: []}" in signed_in(trial.browser, OWNER).get(PAGE).text


def test_a_request_is_answered_and_shown_with_its_curl_and_without_the_key(trial: Trial) -> None:
    signed_in(trial.browser, OWNER)
    page = trial.send("[1, 2]").text
    for shown in (
        "200 OK",
        "<dd>blue</dd>",
        " ms",
        "&quot;risk&quot;",
        "curl https://wine.",
        "$KEY",
        ">[1, 2]</textarea>",
    ):
        assert shown in page
    assert trial.key() not in page
    line, headers, body = trial.blue.seen[0]
    assert (line, body) == ("POST /score HTTP/1.1", b"[1, 2]")
    assert "authorization" not in headers and "cookie" not in headers
    assert trial.browser.azure.cloud.serving.asked == {ENDPOINT.lower(): 1}


def test_a_deployment_may_be_named(trial: Trial) -> None:
    signed_in(trial.browser, OWNER)
    page = trial.send(deployment="green").text
    assert "2.5" in page and "<dd>green</dd>" in page and "azureml-model-deployment: green" in page
    assert "404 Not Found" in trial.send(deployment="nope").text
    for hostile in ("nope\r\nx: y", "$(id)", "`id`", "../blue"):
        assert trial.send(deployment=hostile).status_code == 400
        assert trial.browser.get(PAGE, params={"deployment": hostile}).status_code == 400
    assert len(trial.green.seen) == 1 and not trial.blue.seen


@pytest.mark.parametrize("mode", ["Key", "AMLToken", "AADToken"])
def test_who_looks_asks_with_their_own_rights(trial: Trial, mode: str) -> None:
    trial.put(authMode=mode)
    signed_in(trial.browser, OWNER)
    assert "200 OK" in trial.send().text
    signed_in(trial.browser, READER)
    page = trial.send().text
    action = {"Key": "listkeys", "AMLToken": "token", "AADToken": "score"}[mode]
    assert f"onlineendpoints/{action}/action" in page.lower()
    assert "200 OK" not in page and len(trial.blue.seen) == 1
    signed_in(trial.browser, NOBODY)
    assert trial.send().status_code == 403
    assert len(trial.blue.seen) == 1


def test_a_model_that_fails_and_one_that_breaks_off(trial: Trial) -> None:
    trial.blue.status, trial.blue.chunks = 500, (b"<i>no such column</i>",)
    signed_in(trial.browser, OWNER)
    page = trial.send().text
    assert "424" in page and "The model failed with 500." in page and "&lt;i&gt;no such column" in page
    trial.blue.breaks = True
    assert "424" in trial.send().text


def test_of_a_long_answer_the_beginning_is_shown(trial: Trial) -> None:
    trial.blue.chunks = (b"a" * 65536, b"b")
    signed_in(trial.browser, OWNER)
    page = trial.send().text
    assert "a" * 65536 in page and "aab" not in page and "There is more of it" in page


def test_an_answer_that_is_too_deep_is_shown_as_it_is(trial: Trial) -> None:
    trial.blue.chunks = (b"[" * 60_000,)
    signed_in(trial.browser, OWNER)
    assert "[" * 1000 in trial.send().text


def test_what_is_not_json_or_too_large_is_not_sent(trial: Trial) -> None:
    signed_in(trial.browser, OWNER)
    page = trial.send("{input_data").text
    assert "not JSON, and was not sent" in page and "{input_data</textarea>" in page
    for odd in ("[" * 50_000, '{"input_data": NaN}', '{"input_data": 1, "input_data": 2}'):
        assert "not JSON, and was not sent" in trial.send(odd).text
    large = trial.send("1" * 300_000)
    assert large.status_code == 413 and "azmlflow score" in large.text
    assert trial.browser.post(PAGE, content=b"request=%ff").status_code == 400
    assert not trial.blue.seen


def test_another_page_sends_nothing(trial: Trial) -> None:
    signed_in(trial.browser, OWNER)
    for headers in ({"Origin": "http://evil.example"}, {"Origin": ""}, {"Sec-Fetch-Site": "cross-site"}):
        assert trial.browser.post(PAGE, data={"request": "1"}, headers=headers).status_code == 403
    assert not trial.blue.seen


def test_neither_request_nor_answer_is_logged(trial: Trial, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    signed_in(trial.browser, OWNER)
    trial.send('{"secret": "sesame"}')
    logged = "\n".join(each.getMessage() for each in caplog.records if each.name not in {"httpx", "httpcore"})
    assert "ui /endpoints/wine 200" in logged
    assert "sesame" not in logged and "risk" not in logged and trial.key() not in logged


@pytest.mark.parametrize(
    "name", ["nope", "..%2F..%2Fcomputes%2Fcpu-cluster", "<script>alert(1)</script>", "%", "wine%00"]
)
def test_an_endpoint_of_a_hostile_name_is_none(trial: Trial, name: str) -> None:
    for who in (OWNER, NOBODY):
        signed_in(trial.browser, who)
        for answer in (
            trial.browser.get(f"endpoints/{name}"),
            trial.browser.post(f"endpoints/{name}", data={"request": "1"}),
        ):
            assert answer.status_code in (400, 403, 404)
            assert not foreign_scripts(answer.text)
            assert "AmlCompute" not in answer.text
