"""A request for a prediction, the same as curl, and what a status means."""

from __future__ import annotations

import shlex

from azmlflow.scoring.asking import Asked, why

URL = "https://wine.westeurope.inference.ml.azure.com/score"


def test_curl_is_one_line_of_a_shell_with_the_key_in_a_variable() -> None:
    asked = Asked({"properties": {"scoringUri": URL}}, b'{"input_data": ["it\'s", "$HOME"]}\n', "blue")
    assert shlex.split(asked.as_curl()) == [
        "curl", URL, "-H", "Authorization: Bearer $KEY", "-H", "Content-Type: application/json",
        "-H", "azureml-model-deployment: blue", "-d", '{"input_data": ["it\'s", "$HOME"]}',
    ]  # fmt: skip
    assert "azureml-model-deployment" not in Asked(asked.endpoint, b"{}").as_curl()


def test_what_a_status_means() -> None:
    assert why(424, {"ms-azureml-model-error-statuscode": "500"}) == "the model failed with 500"
    assert why(401, {"ms-azureml-model-error-statuscode": "500"}) == "the endpoint does not take who asks"
    assert why(503, {}) == "the endpoint answers no prediction"
