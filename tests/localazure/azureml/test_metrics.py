"""Metrics of SDK v1, kept as MLflow's own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localazure.azureml.conftest import DataPlane


def metric(name: str, *values: Any, kind: str = "azureml.v1.scalar", step: int | None = None) -> dict[str, Any]:
    told = [{"createdUtc": "2026-01-02T00:00:00.000Z", "step": step, "data": {name: value}} for value in values]
    return {"name": name, "columns": {name: "Double"}, "value": told, "properties": {"uxMetricType": kind}}


@pytest.fixture
def run(plane: DataPlane) -> DataPlane:
    plane.experiment()
    plane.plain_run("r1")
    return plane


def log(plane: DataPlane, *values: dict[str, Any]) -> list[dict[str, Any]]:
    return list(plane.good("POST", "metric", "/runs/r1/batch", {"values": list(values)})["errors"])


def full(plane: DataPlane, name: str, **more: Any) -> list[tuple[int, float]]:
    told = plane.good("POST", "metric", "/runs/r1/full", {"metricName": name, **more})
    assert (told["name"], told["columns"]) == (name, {name: "Double"})
    return [(each["step"], each["data"][name]) for each in told["value"]]


def test_values_without_step_follow_each_other(run: DataPlane) -> None:
    assert log(run, metric("loss", 0.5), metric("loss", 0.5)) == []
    assert log(run, metric("loss", 0.5), metric("acc", 1, step=7), metric("acc", 2)) == []
    assert log(run, metric("sizes", 1, 2, 3, kind="azureml.v1.list")) == []
    assert full(run, "loss") == [(0, 0.5), (1, 0.5), (2, 0.5)]
    assert full(run, "acc") == [(7, 1.0), (8, 2.0)]
    assert full(run, "sizes") == [(0, 1.0), (1, 2.0), (2, 3.0)]
    told = run.good("POST", "metric", "/runs/r1/list", {}, who="viewer@local.test")["value"]
    assert [each["metricKey"]["name"] for each in told] == ["acc", "loss", "sizes"]


def test_values_of_a_time(run: DataPlane) -> None:
    log(run, metric("loss", 0.5))
    assert full(run, "loss", startTime="2026-01-01T00:00:00Z") == [(0, 0.5)]
    assert full(run, "loss", endTime="2026-01-01T00:00:00Z") == []
    run.refused(400, "POST", "metric", "/runs/r1/full", {"metricName": "loss", "startTime": "soon"})


def test_what_is_no_number_is_named_and_the_rest_is_kept(run: DataPlane) -> None:
    table = {"name": "t", "value": [{"data": {"a": 1}}], "properties": {"uxMetricType": "azureml.v1.table"}}
    errors = log(run, metric("words", "text"), table, metric("loss", 1.0))
    assert ["'words'" in errors[0]["errorResponse"]["error"]["message"], errors[1]["metric"]["name"]] == [True, "t"]
    assert full(run, "loss") == [(0, 1.0)]


def test_refusals(run: DataPlane) -> None:
    run.refused(404, "POST", "metric", "/runs/none/list", {})
    run.refused(404, "POST", "metric", "/runs/r1/full", {"metricName": "none"})
    run.refused(404, "GET", "metric", "/runs/r1/full")
    for body in ({}, {"values": 1}, {"values": [1]}):
        run.refused(400, "POST", "metric", "/runs/r1/batch", body)
    run.refused(400, "POST", "metric", "/runs/r1/batch", content=b"nonsense")
    run.refused(403, "POST", "metric", "/runs/r1/batch", {"values": []}, who="viewer@local.test")
