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


def read(plane: DataPlane, name: str) -> Any:
    """What azureml-core makes of a metric: `InlineMetric.get_cells_from_metric_v2_dto`, in a few lines."""
    told = plane.good("POST", "metric", "/runs/r1/full", {"metricName": name})

    def cell(row: dict[str, Any], column: str) -> Any:
        value = row["data"][column]  # KeyError: "Malformed metric value"
        return float(value) if told["columns"][column].lower() in ("float", "double") else value

    if told["properties"]["uxMetricType"] == "azureml.v1.table":
        table = {column: [cell(row, column) for row in told["value"]] for column in told["columns"]}
        return {column: cells[0] if len(cells) == 1 else cells for column, cells in table.items()}
    values = [cell(row, name) for row in told["value"]]
    return values[0] if len(values) == 1 else values


def table(name: str, columns: dict[str, str], *rows: dict[str, Any]) -> dict[str, Any]:
    value = [{"metricId": "m", "createdUtc": "2026-01-02T00:00:00.000Z", "data": row} for row in rows]
    return {"name": name, "columns": columns, "value": value, "properties": {"uxMetricType": "azureml.v1.table"}}


def names(plane: DataPlane) -> list[str]:
    told = plane.good("POST", "metric", "/runs/r1/list", {})["value"]
    return [each["metricKey"]["name"] for each in told]


def test_rows_tables_texts_and_truth_values_come_back_as_they_were_logged(run: DataPlane) -> None:
    row = table("row", {"x": "double", "y": "int"}, {"x": 1.0, "y": 2})
    assert log(run, row, metric("kind", "text"), metric("flag", True), metric("loss", 1.0)) == []
    assert (read(run, "row"), read(run, "kind"), read(run, "flag")) == ({"x": 1.0, "y": 2}, "text", True)
    assert log(run, table("row", {"x": "double", "y": "int"}, {"x": 3.0, "y": 4}), metric("kind", "other")) == []
    assert (read(run, "row"), read(run, "kind")) == ({"x": [1.0, 3.0], "y": [2, 4]}, ["text", "other"])
    whole = table("table", {"a": "int", "b": "string"}, {"a": 1, "b": "x"}, {"a": 2, "b": "y"})
    mixed = metric("mixed", 1, "two", None, kind="azureml.v1.list")
    assert log(run, whole, {**mixed, "columns": {"mixed": "string"}}) == []
    assert (read(run, "table"), read(run, "mixed")) == ({"a": [1, 2], "b": ["x", "y"]}, [1, "two", None])
    assert names(run) == ["flag", "kind", "loss", "mixed", "row", "table"]
    assert full(run, "loss") == [(0, 1.0)], "numbers are MLflow's"
    assert (
        run.good("POST", "metric", "/runs/r1/full", {"metricName": "row", "endTime": "2026-01-01T00:00:00Z"})["value"]
        == []
    )


def test_a_row_with_other_columns_than_the_last(run: DataPlane) -> None:
    assert (
        log(
            run,
            table("row", {"x": "int"}, {"x": 1}),
            table("row", {"x": "double", "z": "string"}, {"x": 2.5, "z": "t"}),
        )
        == []
    )
    assert read(run, "row") == {"x": [1.0, 2.5], "z": [None, "t"]}


def test_an_image_is_where_its_artifact_is(run: DataPlane) -> None:
    where = "aml://artifactId/ExperimentRun/dcid.r1/" + "deep/" * 100 + "plot.png"
    image = {**metric("plot", where, kind="azureml.v2.image"), "columns": {"plot": "Artifact"}}
    assert log(run, image) == []
    told = run.good("POST", "metric", "/runs/r1/full", {"metricName": "plot"})
    assert (told["value"][0]["data"], told["properties"]) == ({"plot": where}, {"uxMetricType": "azureml.v2.image"})


@pytest.mark.parametrize("name", ["loss (train)", "50%", "a//b", "../up", "é/ü?#", "."])
def test_names_that_are_none_of_mlflows(run: DataPlane, name: str) -> None:
    assert log(run, metric(name, 0.5), metric(name, 0.25)) == []
    assert read(run, name) == [0.5, 0.25]
    assert names(run) == [name]


def test_names_differ_by_letter_case_and_do_not_begin_each_other(run: DataPlane) -> None:
    assert log(run, metric("a", "1"), metric("A", "2"), metric("a/b", "3")) == []
    assert (read(run, "a"), read(run, "A"), read(run, "a/b")) == ("1", "2", "3")


def test_metrics_of_a_run_are_its_own(run: DataPlane) -> None:
    run.plain_run("r11")
    run.plain_run("r1", workspace="elsewhere")
    log(run, metric("kind", "text"))
    assert run.good("POST", "metric", "/runs/r11/list", {})["value"] == []


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (table("t", {}, {f"c{number}": 1 for number in range(16)}), "MetricV2Dto.Columns/Count, Limit=15, Size=16"),
        (metric("words", "t" * 256), "MetricV2Dto.Value/Length, Limit=255, Size=256"),
        (metric("n" * 256, 1), "MetricV2Dto.Name/Length, Limit=255, Size=256"),
        (metric("list", *range(251), kind="azureml.v1.list"), "MetricV2Dto.Value/Count, Limit=250, Size=251"),
        (metric("", 1), "A metric has a name."),
        ({"name": "empty"}, "has no rows"),
        ({"name": "odd", "value": [{"data": 1}]}, "has no rows"),
        ({**metric("odd", 1), "columns": -1}, "has columns or properties that are no object"),
        ({**metric("odd", 1), "properties": "text"}, "has columns or properties that are no object"),
    ],
)
def test_what_is_over_a_limit_is_named_and_the_rest_is_kept(run: DataPlane, given: dict[str, Any], why: str) -> None:
    (error,) = log(run, given, metric("loss", 1.0))
    assert error["metric"] == given
    told = error["errorResponse"]["error"]
    assert (told["code"], told["details"], why in told["message"]) == ("UserError", [], True)
    assert full(run, "loss") == [(0, 1.0)]
    body = {"values": [given], "reportErrors": False}
    assert why in run.refused(400, "POST", "metric", "/runs/r1/batch", body)


def test_a_run_has_fifty_names_of_metrics(run: DataPlane) -> None:
    assert log(run, *(metric(f"m{number}", "text" if number % 2 else 1) for number in range(50))) == []
    (error,) = log(run, metric("more", 1), metric("m1", "again"))
    assert "Limit=50, Size=51" in error["errorResponse"]["error"]["message"]
    assert len(names(run)) == 50


def test_a_metric_of_numbers_takes_no_texts_and_one_of_texts_keeps_numbers(run: DataPlane) -> None:
    assert log(run, metric("loss", 1.0), metric("kind", "text")) == []
    (error,) = log(run, metric("loss", "high"), metric("kind", 2.0))
    assert "'loss' is one of numbers" in error["errorResponse"]["error"]["message"]
    assert (full(run, "loss"), read(run, "kind")) == ([(0, 1.0)], ["text", 2.0])


def test_refusals(run: DataPlane) -> None:
    run.refused(404, "POST", "metric", "/runs/none/list", {})
    run.refused(404, "POST", "metric", "/runs/r1/full", {"metricName": "none"})
    run.refused(404, "GET", "metric", "/runs/r1/full")
    for body in ({}, {"values": 1}, {"values": [1]}):
        run.refused(400, "POST", "metric", "/runs/r1/batch", body)
    run.refused(400, "POST", "metric", "/runs/r1/batch", content=b"nonsense")
    run.refused(403, "POST", "metric", "/runs/r1/batch", {"values": []}, who="viewer@local.test")
