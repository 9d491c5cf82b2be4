"""What an answer says to the plugin's client."""

from __future__ import annotations

import pytest

from azmlflow.localazure.plugin.client.answers import mistaken


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ({"id": "/Groups/X", "name": "x", "tags": None, "properties": {}}, ""),
        ({"id": "/subscriptions/1/x"}, ""),
        ({}, "it is empty"),
        ({"value": "x", "id": 5, "name": [], "tags": [1], "properties": []}, "id, name, tags, properties"),
        ({"value": [None, 5, {}], "id": "x", "properties": {"provisioningState": 5}}, "id"),
        ({"id": "/groups/y", "name": "x"}, "id"),
    ],
)
def test_an_answer_that_shows_something_else_is_no_resource(told: dict[str, object], wrong: str) -> None:
    assert mistaken(told, "/groups/x") == wrong
