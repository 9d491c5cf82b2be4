"""A request for a prediction: with which secret, to whom, and what people are told of a refusal."""

from __future__ import annotations

import shlex

import pytest

from azmlflow.cli.azure.errors import ForeignAnswer
from azmlflow.cli.endpoints.scoring import score
from azmlflow.cli.frame.errors import CliError
from azmlflow.scoring.asking import Asked
from tests.cli.endpoints.site import ENDPOINT, Site, make
from tests.cli.wire import ML_TOKEN, Response
from tests.localazure.control import BLUE, Azure

BODY = b'{"input_data": [[1.0, "it\'s"]]}'
LOG = """one
2026-11-26 E [3] azmlinfsrv - Encountered Exception: Traceback (most recent call last):
  File "score.py", line 3, in run
    raise ValueError("x")
          ^^^^^^^^^^^^^^^
ValueError: x

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "score.py", line 5, in run
    frame["age"]
KeyError: 'age'
"""
MODEL_FAILED = {"ms-azureml-model-error-statuscode": "500", "azureml-model-deployment": "blue"}


@pytest.fixture
def site(azure: Azure) -> Site:
    found = make(azure)
    azure.make(ENDPOINT, BLUE)
    return found


def asked(site: Site, deployment: str = "") -> Asked:
    return Asked(site.endpoint(), BODY, deployment)


def bearer(site: Site) -> str:
    return str(site.scored[-1].headers["Authorization"]).removeprefix("Bearer ")


def test_by_key(site: Site) -> None:
    assert score(site.arm, asked(site)) == "[1.5]"
    assert bearer(site) == site.arm.act(ENDPOINT, "listKeys")["primaryKey"]
    assert site.scored[-1].content == BODY
    assert "azureml-model-deployment" not in site.scored[-1].headers


def test_by_ones_own_token(site: Site) -> None:
    body = site.endpoint()
    body["properties"]["authMode"] = "AADToken"
    site.azure.arm("PUT", ENDPOINT, body)
    site.azure.wait()
    assert score(site.arm, asked(site, "blue")) == "[1.5]"
    assert bearer(site) == ML_TOKEN
    assert site.scored[-1].headers["azureml-model-deployment"] == "blue"


def test_curl_says_the_same_without_the_key(site: Site) -> None:
    score(site.arm, asked(site, "blue"))
    told = asked(site, "blue").as_curl()
    assert bearer(site) not in told
    words = shlex.split(told)
    assert words[:2] == ["curl", "https://wine.westeurope.inference.ml.azure.com/score"]
    assert words[2:] == [
        "-H", "Authorization: Bearer $KEY", "-H", "Content-Type: application/json",
        "-H", "azureml-model-deployment: blue", "-d", BODY.decode(),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            Response(401, b'{"error": {"code": "no", "message": "The key is none of the endpoint\'s."}}'),
            "the endpoint does not take who asks (401): The key is none of the endpoint's.",
        ),
        (Response(404, b""), "nothing answers there: no deployment of this name, or none that has traffic (404)"),
        (
            Response(408, b'{"error": {"message": "upstream request timeout"}}'),
            "the model took longer than the deployment's request timeout (408): upstream request timeout",
        ),
        (Response(413, b"x"), "the request is too large (413): x"),
        (Response(429, b""), "too many requests wait for the deployment (429)"),
        (Response(302, b""), "the endpoint answers no prediction (302)"),
        (Response(503, b"<html>"), "the endpoint answers no prediction (503): <html>"),
    ],
)
def test_what_is_told_of_a_refusal(site: Site, answer: Response, told: str) -> None:
    site.predict = lambda _request: answer
    with pytest.raises(CliError) as caught:
        score(site.arm, asked(site))
    assert (caught.value.what, caught.value.where) == (told, "wine")


def test_a_model_that_fails_is_told_with_the_end_of_its_log(site: Site) -> None:
    site.azure.cloud.store.put("deployments", BLUE.lower(), {"log": LOG})
    site.predict = lambda _request: Response(424, b'{"message": "no column"}', MODEL_FAILED)
    with pytest.raises(CliError) as caught:
        score(site.arm, asked(site))
    lines = caught.value.what.splitlines()
    assert lines[0] == "the model failed with 500 (424): no column"
    assert lines[1:] == ["the last lines of the deployment's log:", "  one", "  ValueError: x", "  KeyError: 'age'"]
    assert caught.value.where == "wine/blue"


@pytest.mark.parametrize(
    "uri",
    [
        "http://wine.westeurope.inference.ml.azure.com/score",
        "https://wine.westeurope.inference.ml.azure.com.example.org/score",
        "https://example.org/score",
        "https://user@example.org\\.westeurope.inference.ml.azure.com/score",
    ],
)
def test_a_key_goes_to_no_other_host(site: Site, uri: str) -> None:
    endpoint = site.endpoint()
    endpoint["properties"]["scoringUri"] = uri
    with pytest.raises(ForeignAnswer):
        score(site.arm, Asked(endpoint, BODY))
    assert site.scored == []
