"""What Azure takes of settings as they are: written by their marks, and read back by them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from azmlflow.infra.settings.computes.clusters import ClusterSettings
from azmlflow.infra.settings.computes.instances import InstanceSettings
from azmlflow.infra.settings.fields import marked, sent, told, whole_units

CPU = {"vmSize": "Standard_NC6s_v3", "minNodes": 1, "maxNodes": 7, "idleSeconds": 120, "priority": "LowPriority"}
AZURES = {
    "vmSize": "Standard_NC6s_v3",
    "vmPriority": "LowPriority",
    "enableNodePublicIp": True,
    "scaleSettings": {"minNodeCount": 1, "maxNodeCount": 7, "nodeIdleTimeBeforeScaleDown": "PT120S"},
}


def test_they_are_written_as_arguments_of_azure_natives_class() -> None:
    assert sent(ClusterSettings.model_validate({"name": "cpu", **CPU})) == {
        "vm_size": "Standard_NC6s_v3",
        "vm_priority": "LowPriority",
        "enable_node_public_ip": True,
        "scale_settings": AZURES["scaleSettings"],
    }


def test_they_are_read_as_settings() -> None:
    found = told(ClusterSettings, AZURES)
    assert {**CPU, "publicIp": True, "subnet": None}.items() <= found.items()
    assert set(told(ClusterSettings, {}).values()) == {None}


@pytest.mark.parametrize("model", [ClusterSettings, InstanceSettings])
def test_no_two_stand_in_one_place(model: type[BaseModel]) -> None:
    paths = [each.path for each in marked(model).values()]
    assert len(set(paths)) == len(paths) > 3


@pytest.mark.parametrize(
    ("text", "seconds", "found"),
    [
        ("PT5M", 1, 300),
        ("PT5M", 60, 5),
        ("PT1H30M", 60, 90),
        ("P1DT1S", 1, 86_401),
        ("PT90S", 60, None),
        ("PT0S", 1, None),
        ("P1M", 1, None),
        ("soon", 1, None),
        (None, 60, None),
    ],
)
def test_a_duration_is_read_in_whole_units(text: Any, seconds: int, found: int | None) -> None:
    assert whole_units(text, seconds) == found
