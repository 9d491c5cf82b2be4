"""An MLflow that fails is told to its page, in MLflow's own words where it has any."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.localazure.failures import FAILURES, fail
from tests.localazure.ui.conftest import AJAX, OWNER, Browser, signed_in

OWN = (f"{AJAX}/artifacts/list?run_id=r1", "mlflow/get-artifact?run_id=r1&path=a",
       "mlflow/model-versions/get-artifact?name=m&version=1&path=a")  # fmt: skip
GRAPHQL = {"query": "{ mlflowGetRun(input: {}) { run { info { runId } } } }"}
PASSED_ON = (("mlflow/ajax-api/3.0/mlflow/server-info", None), ("mlflow/graphql", GRAPHQL),
             (f"{AJAX}/runs/get?run_id=r1", None))  # fmt: skip


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("path", OWN)
def test_an_mlflow_that_fails_is_told_to_its_page(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, failure: str, path: str
) -> None:
    _fail(browser, monkeypatch, failure)
    answer = signed_in(browser, OWNER).get(path)
    assert (answer.status_code, answer.json()["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")


@pytest.mark.parametrize("case", [("away", 503), ("late", 503), ("page", 503), ("no JSON", 503), ("failed", 500)])
@pytest.mark.parametrize("asked", PASSED_ON)
def test_what_is_passed_on_fails_in_mlflows_own_words_if_it_has_any(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, case: tuple[str, int], asked: tuple[str, Any]
) -> None:
    (failure, status), (path, told) = case, asked
    _fail(browser, monkeypatch, failure)
    signed_in(browser, OWNER)
    answer = browser.get(path) if told is None else browser.post(path, json=told)
    assert (answer.status_code, "error_code" in answer.json()) == (status, True)


def _fail(browser: Browser, monkeypatch: pytest.MonkeyPatch, failure: str) -> None:
    async def request(*_: Any, **__: Any) -> httpx.Response:
        return fail(FAILURES[failure]())

    monkeypatch.setattr(browser.azure.mlflow, "request", request)
