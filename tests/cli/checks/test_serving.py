"""Endpoints of the settings are looked at before Azure is: their models, the region's machines, the quota."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.desk import SUBSCRIPTION, WORKSPACE_ID, Desk

REGION = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices/locations/westeurope"
DS3, FAMILY = "Standard_DS3_v2", "standardDSv2Family"
ENDPOINT = f"{WORKSPACE_ID}/onlineEndpoints/wine-eu"


def choose(desk: Desk, *deployments: dict[str, Any]) -> None:
    endpoints = json.dumps([{"name": "wine-eu", "deployments": deployments}])
    desk.settings(text=f"config:\n  azmlflow:cloud: local\n  azmlflow:endpoints: {endpoints}\n")


def register(desk: Desk, name: str, last: str, kind: str = "mlflow_model") -> None:
    desk.arm.put(f"{WORKSPACE_ID}/models/{name}", properties={"latestVersion": last})
    for version in range(1, int(last) + 1):
        desk.arm.put(f"{WORKSPACE_ID}/models/{name}/versions/{version}", properties={"modelType": kind})


def region(desk: Desk, used: int = 0, limit: int = 24) -> None:
    desk.arm.put(f"{REGION}/vmSizes/{DS3}", family=FAMILY, vCPUs=4)
    usage = {"value": FAMILY, "localizedValue": "Standard DSv2 Family Cluster Dedicated vCPUs"}
    desk.arm.put(f"{REGION}/usages/x", currentValue=used, limit=limit)
    desk.arm.documents[f"{REGION}/usages/x".lower()]["name"] = usage


@pytest.fixture
def served(desk: Desk) -> Desk:
    """A workspace that stands, with a model of two versions, and a region with machines."""
    desk.stand_whole()
    register(desk, "wine", "2")
    region(desk)
    return desk


def told(desk: Desk) -> str:
    """What the check says."""
    (found,) = (each for each in desk.run("doctor", "-o", "json").json()["checks"] if each["name"] == "endpoints")
    return f"{found['status']}: {found['says']}"


def test_a_stack_without(desk: Desk) -> None:
    desk.settings()
    assert told(desk) == "skipped: the stack has no online endpoints"


def test_what_can_be_deployed(served: Desk) -> None:
    choose(served, {"model": "wine", "instanceCount": 6})
    assert told(served) == "ok: their models are there, and there are machines for them"


def test_before_the_workspace_there_is_no_model_and_it_says_what_to_do(desk: Desk) -> None:
    choose(desk, {"model": "wine"})
    done = desk.run("up", "--yes")
    assert done.code == 1
    assert "endpoints: the workspace does not stand yet, so there is no model wine in it to deploy" in done.err
    assert "azmlflow set --unset endpoints --stack local" in done.err
    assert "up" not in desk.stack.calls


@pytest.mark.parametrize(
    ("deployment", "word"),
    [
        ({"model": "beer"}, "endpoints[0].deployments[0]: there is no registered model beer"),
        ({"model": "wine", "version": "3"}, "deployments[0]: the model wine has no version 3; its last is 2"),
        ({"model": "raw"}, "raw:1 is a custom_model: endpoints of settings serve what MLflow logged"),
        ({"model": "wine", "instanceType": "Standard_DS3"}, f"offers no Standard_DS3; did you mean {DS3}?"),
        ({"model": "wine", "instanceCount": 7}, f"{FAMILY}: 28 more vCPUs are needed, and 24 are free"),
    ],
)
def test_what_azure_would_refuse_minutes_later(served: Desk, deployment: dict[str, Any], word: str) -> None:
    register(served, "raw", "1", "custom_model")
    choose(served, deployment)
    assert told(served).startswith("failed: ")
    assert word in told(served)


def test_a_rolling_change_needs_room_for_both(served: Desk) -> None:
    served.arm.put(ENDPOINT, properties={})
    served.arm.put(f"{ENDPOINT}/deployments/wine-1", sku={"capacity": 4})
    region(served, used=16)
    choose(served, {"model": "wine", "version": "2", "instanceCount": 4})
    assert "16 more vCPUs are needed, and 8 are free (https://ml.azure.com/quota)" in told(served)
    choose(served, {"model": "wine", "version": "1", "instanceCount": 6})
    assert told(served).startswith("ok"), "what stands has its own already"


def test_where_azure_tells_no_quota_it_is_left_to_azure(served: Desk) -> None:
    for id_ in [each for each in served.arm.documents if "/locations/" in each]:
        del served.arm.documents[id_]
    choose(served, {"model": "wine", "instanceCount": 40})
    assert told(served).startswith("ok")


def test_an_up_asks_it_only_when_a_deployment_comes(served: Desk) -> None:
    choose(served, {"model": "beer"})
    assert "there is no registered model beer" in served.run("up", "--yes").err
    choose(served)
    assert served.run("up", "--yes").code == 0
