"""Experiments of SDK v1: listed, archived, brought back, tagged, deleted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localazure.azureml.conftest import OTHER, DataPlane

VIEWER, TRACKER = "viewer@local.test", "tracker@local.test"


def names(plane: DataPlane, query: str = "", **body: Any) -> list[str]:
    told = plane.good("POST", "history", f"/experiments:query{query}", body, who=VIEWER)
    assert "continuationToken" not in told
    return [each["name"] for each in told["value"]]


def change(plane: DataPlane, id_: str, **body: Any) -> dict[str, Any]:
    told: dict[str, Any] = plane.good("PATCH", "history", f"/experimentids/{id_}", body, who=TRACKER)
    return told


def test_experiments_are_listed_the_last_made_first(plane: DataPlane) -> None:
    for name in ("one", "two", "three"):
        plane.experiment(name)
    plane.good("POST", "history", "/experiments/elsewhere", workspace=OTHER)
    assert names(plane) == ["three", "two", "one"]
    assert names(plane, viewType="All") == ["three", "two", "one"]
    assert names(plane, orderby="CreatedUtc asc") == ["one", "two", "three"]
    assert names(plane, filter="(name eq two)") == ["two"]
    page = plane.good("POST", "history", "/experiments:query", {"top": 2})
    assert [each["name"] for each in page["value"]] == ["three", "two"]
    assert names(plane, continuationToken=page["continuationToken"]) == ["one"]


def test_an_archived_experiment_is_listed_where_it_is_asked_for(plane: DataPlane) -> None:
    kept, gone = plane.experiment("kept"), plane.experiment("gone")
    told = change(plane, gone, archive=True)
    assert (told["name"], told["archivedTime"]) == ("gone", "2023-11-14T22:14:20.0000000Z")
    assert "archivedTime" not in plane.good("GET", "history", f"/experimentids/{kept}")
    assert names(plane) == names(plane, "?viewType=ActiveOnly") == names(plane, viewType="Default") == ["kept"]
    assert names(plane, "?viewType=ArchivedOnly") == ["gone"]
    assert names(plane, viewType="All") == ["gone", "kept"]
    assert "archived" in plane.refused(404, "GET", "history", "/experiments/gone")
    assert plane.good("GET", "history", f"/experimentids/{gone}")["name"] == "gone"
    assert "archivedTime" not in change(plane, gone, archive=False)
    assert names(plane) == ["gone", "kept"]
    assert change(plane, gone, archive=False)["name"] == "gone", "it is active already"


def test_writing_to_an_archived_experiment_makes_a_new_one_of_its_name(plane: DataPlane) -> None:
    first = plane.experiment("again")
    plane.plain_run("r1", "again")
    change(plane, first, archive=True)
    second = plane.experiment("again")
    assert second != first
    for experiment in ("experiments/again", f"experimentids/{first}"):
        assert plane.good("GET", "history", f"/{experiment}/runs/r1")["experimentId"] == first
    plane.refused(404, "GET", "history", f"/experimentids/{second}/runs/r1")
    plane.refused(409, "PATCH", "history", f"/experimentids/{first}", {"archive": False})
    change(plane, second, archive=True)
    assert change(plane, first, archive=False)["experimentId"] == first


def test_tags_and_description(plane: DataPlane) -> None:
    id_ = plane.experiment()
    told = change(plane, id_, tags={"a": "1", "flag": None, "n": 2}, description="why")
    assert told["tags"] == {"a": "1", "flag": "", "n": "2", "mlflow.note.content": "why"}
    assert told["description"] == "why"
    assert names(plane, filter="(Tags/flag ne null or Tags/flag eq null)") == ["e1"]
    assert names(plane, filter="(Tags/a eq 1)") == ["e1"]
    assert names(plane, filter="(Tags/a eq 2)") == names(plane, filter="(Tags/b ne null or Tags/b eq null)") == []
    answer = plane.good("POST", "history", f"/experimentids/{id_}/tags:delete", {"tags": ["a", "none", "a"]})
    assert answer == {"errors": {}}
    assert "a" not in plane.good("GET", "history", f"/experimentids/{id_}")["tags"]


def test_only_an_empty_experiment_is_deleted(plane: DataPlane) -> None:
    empty, full = plane.experiment("empty"), plane.experiment("full")
    plane.plain_run("r1", "full")
    assert "has runs" in plane.refused(409, "DELETE", "history", f"/experimentids/{full}")
    plane.good("DELETE", "history", f"/experimentids/{empty}")
    plane.refused(404, "GET", "history", f"/experimentids/{empty}")
    plane.refused(404, "DELETE", "history", f"/experimentids/{empty}")
    assert names(plane, viewType="All") == ["full"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/experiments:query", {"viewType": "Some"}, 400),
        ("POST", "/experiments:query", {"top": 0}, 400),
        ("POST", "/experiments:query", {"continuationToken": "x"}, 400),
        ("POST", "/experiments:query", {"orderby": "name"}, 400),
        ("POST", "/experiments:query", {"filter": "(size eq 1)"}, 400),
        ("PATCH", "/experimentids/1", {"name": "other"}, 400),
        ("PATCH", "/experimentids/1", {"archive": "yes"}, 400),
        ("PATCH", "/experimentids/1", {"description": 1}, 400),
        ("PATCH", "/experimentids/1", {"tags": 1}, 400),
        ("PATCH", "/experimentids/99", {"archive": True}, 404),
        ("POST", "/experimentids/1/tags:delete", {"tags": "a"}, 400),
        ("POST", "/experimentids/99/tags:delete", {"tags": []}, 404),
    ],
)
def test_refusals(plane: DataPlane, method: str, path: str, body: Any, status: int) -> None:
    plane.experiment()
    plane.refused(status, method, "history", path, body)


def test_who_may_what(plane: DataPlane) -> None:
    id_ = plane.experiment()
    for method, path in (("PATCH", ""), ("POST", "/tags:delete"), ("DELETE", "")):
        plane.refused(403, method, "history", f"/experimentids/{id_}{path}", {"tags": []}, who=VIEWER)
    plane.refused(403, "DELETE", "history", f"/experimentids/{id_}", who=TRACKER)
