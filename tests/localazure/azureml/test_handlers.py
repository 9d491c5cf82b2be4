"""Each handler of the data plane is reached, and asks for its rights, from a table written by hand.

The handlers are read off the code: a new one without a row fails. Rights of MLflow's own requests, and that each of
them asks for no more, are in `test_azureml`; here are the ways of SDK v1 and azure-ai-ml beside them.
"""

from __future__ import annotations

import ast
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from azmlflow.localazure import azureml
from azmlflow.localazure.azureml.history import routes
from azmlflow.localazure.core.collections import ASSIGNMENTS
from azmlflow.localazure.services import azureml as service
from azmlflow.localazure.services import vault
from tests.localazure.azureml.conftest import DataPlane
from tests.localazure.control import ALICE, DEVELOPER

_FOLDER = Path(azureml.__file__).parent
_FILES = (
    "computes", "history/metrics", "history/runs", "modelmanagement", "submission/environments",
    "submission/execution", "submission/snapshots",
)  # fmt: skip
WS = "Microsoft.MachineLearningServices/workspaces"
RUNS, METADATA, MODELS = f"{WS}/experiments/runs", f"{WS}/metadata", f"{WS}/models"
SUBMIT = (
    f"{WS}/jobs/write", f"{WS}/computes/read", f"{WS}/environments/read", f"{WS}/environments/write",
    f"{WS}/datastores/read", f"{METADATA}/codes/write", f"{METADATA}/artifacts/write", f"{RUNS}/submit/action",
)  # fmt: skip
GUID = "11111111-2222-3333-4444-555555555555"
VALUES: dict[str, list[Any]] = {"values": []}
# As the code matches it -> service, path, body, rights.
Row = tuple[str, str, Any, tuple[str, ...]]
HANDLERS: dict[tuple[str, str], Row] = {
    ("computes", "GET computes"): ("rp", "/computes", None, (f"{WS}/computes/read",)),
    ("computes", "GET computes name"): ("rp", "/computes/cpu-cluster", None, (f"{WS}/computes/read",)),
    ("history/metrics", "POST runs run_id list"): ("metric", "/runs/r1/list", {}, (f"{RUNS}/read",)),
    ("history/metrics", "POST runs run_id full"): ("metric", "/runs/r1/full", {"metricName": "m"}, (f"{RUNS}/read",)),
    ("history/metrics", "POST runs run_id batch"): ("metric", "/runs/r1/batch", VALUES, (f"{RUNS}/write",)),
    ("history/runs", "GET experiments name"): ("history", "/experiments/e1", None, (f"{WS}/experiments/read",)),
    ("history/runs", "POST experiments name"): ("history", "/experiments/e2", {}, (f"{WS}/experiments/write",)),
    ("history/runs", "POST experiments:query"): ("history", "/experiments:query", {}, (f"{WS}/experiments/read",)),
    ("history/runs", "GET experimentids experiment_id"): (
        "history", "/experimentids/1", None, (f"{WS}/experiments/read",),
    ),
    ("history/runs", "PATCH experimentids experiment_id"): (
        "history", "/experimentids/1", {"description": "d"}, (f"{WS}/experiments/write",),
    ),
    ("history/runs", "DELETE experimentids experiment_id"): (
        "history", "/experimentids/1", None, (f"{WS}/experiments/delete",),
    ),
    ("history/runs", "POST experimentids experiment_id tags:delete"): (
        "history", "/experimentids/1/tags:delete", {"tags": ["t"]}, (f"{WS}/experiments/write",),
    ),
    ("history/runs", "POST experiments name runs:query"): (
        "history", "/experiments/e1/runs:query", {}, (f"{RUNS}/read", f"{MODELS}/read"),
    ),
    ("history/runs", "POST rundata"): ("history", "/rundata", {"runId": "r1"}, (f"{RUNS}/read",)),
    ("history/runs", "GET"): ("history", "/experiments/e1/runs/r1", None, (f"{RUNS}/read",)),
    ("history/runs", "PATCH"): ("history", "/experiments/e1/runs/r1", {"tags": {"a": "b"}}, (f"{RUNS}/write",)),
    ("history/runs", "DELETE tags"): ("history", "/experiments/e1/runs/r1/tags", ["a"], (f"{RUNS}/write",)),
    ("history/runs", "GET details"): ("history", "/experiments/e1/runs/r1/details", None, (f"{RUNS}/read",)),
    ("history/runs", "GET children"): ("history", "/experiments/e1/runs/r1/children", None, (f"{RUNS}/read",)),
    ("history/runs", "POST events"): (
        "history", "/experiments/e1/runs/r1/events", {"name": "Microsoft.MachineLearning.Run.Canceled"},
        (f"{RUNS}/write",),
    ),
    ("history/runs", "GET metricsingest wait"): (
        "history", "/experiments/e1/runs/r1/metricsingest/wait", None, (f"{RUNS}/read",),
    ),
    ("modelmanagement", "POST assets"): (
        "modelmanagement", "/assets", {"name": "a", "artifacts": [{"prefix": "a/b/c"}]},
        (f"{MODELS}/write", f"{MODELS}/versions/write"),
    ),
    ("modelmanagement", "GET assets id_"): (
        "modelmanagement", "/assets/YS9iL2M", None, (f"{MODELS}/read", f"{MODELS}/versions/read"),
    ),
    ("modelmanagement", "GET models"): (
        "modelmanagement", "/models", None, (f"{MODELS}/read", f"{MODELS}/versions/read"),
    ),
    ("modelmanagement", "POST models"): (
        "modelmanagement", "/models", {"name": "m", "url": "aml://asset/YS9iL2M"},
        (f"{MODELS}/write", f"{MODELS}/versions/write"),
    ),
    ("submission/environments", "GET environments"): (
        "environment", "/environments", None, (f"{WS}/environments/read",),
    ),
    ("submission/environments", "GET environments name"): (
        "environment", "/environments/e", None, (f"{WS}/environments/read",),
    ),
    ("submission/environments", "GET environments name versions version"): (
        "environment", "/environments/e/versions/1", None, (f"{WS}/environments/read",),
    ),
    ("submission/environments", "PUT environments name"): (
        "environment", "/environments/e", {"python": {}}, (f"{WS}/environments/write",),
    ),
    ("submission/execution", "POST experiments name snapshotrun"): (
        "execution", "/experiments/e1/snapshotrun?runId=r9", {}, SUBMIT,
    ),
    ("submission/execution", "POST experiments name localrun"): (
        "execution", "/experiments/e1/localrun?runId=r9", {}, (f"{RUNS}/write", f"{RUNS}/submit/action"),
    ),
    ("submission/snapshots", "GET v1.0 snapshots latest metadata"): (
        "content", "/snapshots/latest/metadata", None, (f"{METADATA}/snapshots/read",),
    ),
    ("submission/snapshots", "POST v2.0 snapshots getblob"): (
        "content", "/snapshots/getblob", {"FileNames": []}, (f"{METADATA}/snapshots/write",),
    ),
    ("submission/snapshots", "POST v2.0 snapshots snapshot"): (
        "content", f"/snapshots/{GUID}", {"DirTreeNode": {"children": {}}}, (f"{METADATA}/snapshots/write",),
    ),
}  # fmt: skip
# Those that are reached by any method, or lead on to others.
BY_METHOD: dict[tuple[str, str], dict[str, Row]] = {
    ("modelmanagement", "_ models id_"): {
        "GET": ("modelmanagement", "/models/m:1", None, (f"{MODELS}/read", f"{MODELS}/versions/read")),
        "PATCH": ("modelmanagement", "/models/m:1", [], (f"{MODELS}/write", f"{MODELS}/versions/write")),
        "DELETE": ("modelmanagement", "/models/m:1", None, (f"{MODELS}/delete", f"{MODELS}/versions/delete")),
    },
    ("history/runs", "_ runs run_id *act"): {"GET": ("history", "/runs/r1", None, (f"{RUNS}/read",))},
    ("history/runs", "_ experiments|experimentids experiment runs run_id *act"): {
        "GET": ("history", "/experimentids/1/runs/r1", None, (f"{RUNS}/read",))
    },
}
ARTIFACTS = "/experiments/e1/runs/r1/artifacts"
# Acts on artifacts, by each of their spellings.
ACTS: dict[tuple[str, ...], tuple[str, str, Any, tuple[str, ...]]] = {
    ("batch", "metadata"): (
        "POST", f"{ARTIFACTS}/batch/metadata", {"paths": [{"path": "a"}]},
        (f"{RUNS}/write", f"{METADATA}/artifacts/write"),
    ),
    ("prefix", "contentinfo"): (
        "GET", f"{ARTIFACTS}/prefix/contentinfo/a", None, (f"{RUNS}/read", f"{METADATA}/artifacts/read"),
    ),
    ("contentinfo",): ("GET", f"{ARTIFACTS}/contentinfo?path=a", None, (f"{RUNS}/read", f"{METADATA}/artifacts/read")),
    ("artifacturi",): ("GET", f"{ARTIFACTS}/artifacturi?path=a", None, (f"{RUNS}/read", f"{METADATA}/artifacts/read")),
    ("metadata",): ("GET", f"{ARTIFACTS}/metadata?path=a", None, (f"{RUNS}/read", f"{METADATA}/artifacts/read")),
    ("path",): ("GET", f"{ARTIFACTS}/path/a", None, (f"{RUNS}/read", f"{METADATA}/artifacts/read")),
}  # fmt: skip


class _Undone(Exception):
    """Everything that was written is taken back."""


def _word(pattern: ast.pattern) -> str:
    match pattern:
        case ast.MatchValue(value=ast.Constant(value=str() as text)):
            return text
        case ast.MatchAs(name=name):
            return name or "_"
        case ast.MatchStar(name=name):
            return f"*{name}"
        case ast.MatchOr(patterns=several):
            return "|".join(map(_word, several))
        case ast.MatchSequence(patterns=several):
            return " ".join(map(_word, several))
    raise AssertionError(ast.unparse(pattern))


def handlers() -> set[tuple[str, str]]:
    """The cases of the data plane's services."""
    found = set()
    for file in _FILES:
        for node in ast.walk(ast.parse((_FOLDER / f"{file}.py").read_text("utf-8"))):
            if isinstance(node, ast.match_case) and isinstance(node.pattern, ast.MatchSequence):
                found.add((file, _word(node.pattern)))
    return found


def test_every_handler_has_its_row() -> None:
    assert handlers() == {*HANDLERS, *BY_METHOD}
    assert set(ACTS) == set(routes._ACTS)
    asked = {row[0] for row in HANDLERS.values()}
    # MLflow's own requests, artifacts beside runs and where outputs lie are walked in `test_azureml`.
    assert set(service.SERVICES) - asked == {"mlflow", "artifact", "data", "modelregistry"}
    assert set(vault._KINDS) == {"secrets", "keys", "certificates"}


def try_as(plane: DataPlane, rights: Any, but: Any, *words: Any) -> Any:
    """The answer to Alice, who has some rights; nothing that is kept here stays."""
    method, name, path, body = words
    version = "v1.0" if path.endswith("latest/metadata") else None
    try:
        with plane.cloud.store.transaction():
            plane.azure.give(ALICE, rights, but=but)
            answer = plane.ask(method, name, path, body, who=ALICE, version=version)
            raise _Undone
    except _Undone:
        return answer


ROWS = [
    *((key[1].split()[0], *row) for key, row in HANDLERS.items()),
    *((method, *row) for rows in BY_METHOD.values() for method, row in rows.items()),
    *((method, "history", path, body, rights) for method, path, body, rights in ACTS.values()),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: " ".join(row[:3]))
def test_what_a_request_takes(plane: DataPlane, row: tuple[str, str, str, Any, tuple[str, ...]]) -> None:
    *asked, rights = row
    plane.experiment("e1")
    plane.plain_run("r1")
    if asked[1] == "modelmanagement":
        plane.use(plane.azure.mlflow)
    for right in rights:
        refused = try_as(plane, ["*"], [right], *asked)
        assert refused.status_code == 403, refused.text
        assert f"'{right}'" in refused.json()["message"]
    let_in = try_as(plane, rights, [], *asked)
    assert let_in.status_code not in (403, 405), let_in.text
    assert let_in.status_code < 500, let_in.text
    assert let_in.is_success or let_in.json()["error"]["code"] != "EndpointNotFound", let_in.text


@pytest.mark.parametrize(
    ("name", "path", "body"),
    [
        ("mlflow", "/api/2.0/mlflow/experiments/create", {"name": "late"}),
        ("history", "/experiments/e1/runs/r1/artifacts/batch/metadata", {"paths": [{"path": "a"}]}),
        ("modelmanagement", "/models", {"name": "late"}),
        ("content", "/snapshots/getblob", {"FileNames": ["a"]}),
    ],
)
def test_a_right_that_is_taken_while_a_body_is_sent_is_gone(
    plane: DataPlane, name: str, path: str, body: dict[str, Any]
) -> None:
    """Else who expects to lose it begins a request today and ends it when he has none."""
    plane.experiment()
    plane.plain_run("r1")
    text = json.dumps(body).encode()

    async def slowly() -> AsyncIterator[bytes]:
        yield text[:5]
        for key, assignment in list(plane.cloud.store.scan(ASSIGNMENTS)):
            if assignment["properties"]["principalId"] == plane.azure.who(DEVELOPER).object_id:
                plane.cloud.store.delete(ASSIGNMENTS, key)
        yield text[5:]

    answer = plane.ask("POST", name, path, content=slowly(), headers={"content-type": "application/json"})
    assert answer.status_code == 403, answer.text
