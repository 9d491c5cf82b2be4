"""What an answer says to the plugin's client."""

from __future__ import annotations

import pytest

from azmlflow.localazure.plugin.client.answers import mistyped
from azmlflow.localazure.plugin.client.operations import ArmResponse


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ({"id": "/x", "name": "x", "tags": None, "properties": {}}, ""),
        ({}, ""),
        ({"value": "x", "id": 5, "name": [], "tags": [1], "properties": []}, "id, name, tags, properties"),
    ],
)
def test_an_answer_of_other_types_is_no_resource(told: dict[str, object], wrong: str) -> None:
    assert mistyped(ArmResponse(200, {}, told)) == wrong
