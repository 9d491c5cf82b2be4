from __future__ import annotations

from typing import Any

import pytest

from azmlflow.infra.plan import outputs

STANDING = {
    "subscriptionId": "s",
    "resourceGroup": "rg",
    "workspaceName": "ws",
    "workspaceId": "/x",
    "trackingUri": "azureml://x",
    "studioUrl": "https://ml.azure.com/",
    "storageAccount": "st",
    "clusters": [{"name": "cpu"}],
    "grants": [],
    "endpoints": [{"name": "wine", "scoringUri": "https://wine.westeurope.inference.ml.azure.com/score"}],
}


def test_the_names_are_the_contract_with_every_reader() -> None:
    assert list(outputs.NAMES.values()) == list(STANDING)


def test_outputs_are_read_back() -> None:
    told: Any = outputs.StackOutputs.parse({**STANDING, "further": 1})
    assert (told.resource_group, told.tracking_uri) == ("rg", "azureml://x")
    assert told.clusters == ({"name": "cpu"},)
    assert told.grants == ()
    assert [each["name"] for each in told.endpoints] == ["wine"]


def test_a_stack_of_before_there_were_endpoints_stands() -> None:
    earlier = {name: value for name, value in STANDING.items() if name != "endpoints"}
    assert outputs.StackOutputs.parse(earlier).endpoints == ()


def test_missing_outputs_are_named_with_the_next_command() -> None:
    partial = {name: value for name, value in STANDING.items() if name not in ("trackingUri", "grants")}
    with pytest.raises(outputs.MissingOutputs, match=r"no output trackingUri, grants; .*azmlflow up"):
        outputs.StackOutputs.parse(partial)


def test_an_export_is_whole() -> None:
    fields = "subscription_id, resource_group, workspace_name, workspace_id, tracking_uri, studio_url, storage_account"
    with pytest.raises(TypeError) as told:
        outputs.export(subscription_id="s", more="x")
    assert str(told.value) == f"outputs are {fields}, clusters, grants, endpoints; not subscription_id, more"


def test_a_program_of_before_there_were_endpoints_tells_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, object] = {}
    monkeypatch.setattr("pulumi.export", told.__setitem__)
    outputs.export(**{field: field for field in outputs.NAMES if field != "endpoints"})
    assert set(told) == set(STANDING) - {"endpoints"}
