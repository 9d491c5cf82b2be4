"""Pulumi's state, read from the file backend's own form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.pulumi.deployment import checkpoint_path, read_checkpoint, read_state

GROUP = "azure-native:resources:ResourceGroup"
DEPLOYMENT = {
    "resources": [
        {"urn": "urn:s", "type": "pulumi:pulumi:Stack", "outputs": {"trackingUri": "azureml://x"}},
        {"urn": "urn:p", "type": "pulumi:providers:azure-native", "custom": True, "id": "p"},
        {"urn": "urn:c::mlflow", "type": "azmlflow:index:MlflowWorkspace", "custom": False},
        {
            "urn": "urn:r::group",
            "type": GROUP,
            "custom": True,
            "id": "/subscriptions/x",
            "inputs": {"key": {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}},
            "parent": "urn:c::mlflow",
        },
    ],
    "pending_operations": [{"resource": {"urn": "urn:v::vault", "type": "t:m:V", "custom": True}, "type": "creating"}],
}


def test_a_state() -> None:
    state = read_state(DEPLOYMENT)
    assert [(r.name, r.kind, r.id, r.inputs) for r in state.resources] == [
        ("group", "ResourceGroup", "/subscriptions/x", {"key": "[secret]"})
    ]
    assert [c.name for c in state.components] == ["mlflow"]
    assert state.outputs == {"trackingUri": "azureml://x"}
    assert [(p.resource.name, p.operation) for p in state.pending] == [("vault", "creating")]
    assert state.has("urn:c::mlflow")
    assert state.has("urn:r::group")
    assert not state.has("urn:v::vault")


def test_a_checkpoint(tmp_path: Path) -> None:
    path = checkpoint_path(tmp_path, "azmlflow", "local")
    assert read_checkpoint(path) is None
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"version": 3, "checkpoint": {"stack": "local", "latest": DEPLOYMENT}}))
    assert read_checkpoint(path) == read_state(DEPLOYMENT)
    path.write_text(json.dumps({"version": 3, "checkpoint": {"stack": "local"}}))
    assert read_checkpoint(path) == read_state(None)


def test_a_torn_checkpoint_names_the_command_that_mends_it(tmp_path: Path) -> None:
    path = tmp_path / "local.json"
    path.write_text("{")
    with pytest.raises(CliError) as caught:
        read_checkpoint(path)
    assert str(caught.value.next).startswith("azmlflow local repair")
