"""The inputs that the SDK declares, drawn into a file."""

from __future__ import annotations

import pytest
from scripts import plugin_inputs

from azmlflow.localazure.plugin.schema.types import catalogue

OBJECTS = catalogue().objects


def test_the_file_is_what_the_installed_sdk_says() -> None:
    """If not: `python scripts/plugin_inputs.py`."""
    assert plugin_inputs.FILE.read_text("utf-8") == plugin_inputs.written(plugin_inputs.drawn())


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("storage:SkuArgs", {"name": "string!"}),
        ("storage:IPRuleArgs", {"action": "string", "iPAddressOrRange": "string!"}),
        ("keyvault:SkuArgs", {"family": "string!", "name": "string!"}),
        (
            "machinelearningservices:Compute",
            {
                "computeName": "string",
                "identity": "machinelearningservices:ManagedServiceIdentityArgs",
                "location": "string",
                "properties": "any",
                "resourceGroupName": "string!",
                "sku": "machinelearningservices:SkuArgs",
                "tags": "object",
                "workspaceName": "string!",
            },
        ),
    ],
)
def test_what_some_objects_take(name: str, inputs: dict[str, str]) -> None:
    assert OBJECTS[name] == inputs


def test_every_object_that_is_mentioned_is_there() -> None:
    plain = {"string", "boolean", "integer", "number", "object", "any"}
    mentioned = {takes.strip("[]!") for inputs in OBJECTS.values() for takes in inputs.values()}
    assert mentioned - plain <= set(OBJECTS)
