"""Which operations the page's requests are."""

from __future__ import annotations

import pytest

from azmlflow.localazure.ui import calls
from azmlflow.rbac.operations import operation

RUN = 'query GetRun($d: I!) @component(name: "x") { run: mlflowGetRun(input: $d) { run { %s } } }'


def test_every_operation_that_is_named_is_one() -> None:
    named = [name for _, _, names in calls.READS for name in names]
    for name in (*named, *calls.ROOT_FIELDS.values(), *calls.INNER_FIELDS.values()):
        assert operation(name).name.startswith(("read_", "search_")), name


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("POST", "logged-models/search", ("search_runs",)),
        ("GET", "logged-models/m-1", ("search_runs",)),
        ("GET", "server-info", ()),
        ("GET", "logged-models/m-1/artifacts/directories", None),
        ("DELETE", "logged-models/m-1", None),
        ("POST", "ui-telemetry", None),
        ("POST", "traces/delete-traces", None),
        ("GET", "workspaces", None),
        ("POST", "gateway-proxy", None),
        ("GET", "", None),
    ],
)
def test_reads_beyond_azure_ml(method: str, path: str, needed: tuple[str, ...] | None) -> None:
    assert calls.reading(method, path) == needed


@pytest.mark.parametrize(
    ("document", "needed"),
    [
        (RUN % "info { runId }", ("read_runs",)),
        (RUN % "modelVersions { name } experiment { name }", ("read_runs", "read_models", "read_experiments")),
        (RUN % "...F" + " fragment F on MlflowRun { modelVersions { name } }", ("read_runs", "read_models")),
        ("{ a: mlflowSearchModelVersions(input: {}) { modelVersions { name } } }", ("read_models",)),
        ("query { mlflowSearchRuns(input: {}) { runs { info { runId } } } __typename }", ("search_runs",)),
    ],
)
def test_graphql_that_reads(document: str, needed: tuple[str, ...]) -> None:
    assert calls.asked(document) == needed


@pytest.mark.parametrize(
    "document",
    [
        "",
        "nonsense {",
        "mutation { mlflowSearchRuns(input: {}) { runs { info { runId } } } }",
        "query A { mlflowGetRun { run { info { runId } } } } query B { mlflowGetRun { run { info { runId } } } }",
        "{ mlflowListArtifacts(input: {}) { files { path } } }",
        "{ mlflowGetRun: mlflowListArtifacts(input: {}) { files { path } } }",
        "{ ...Q } fragment Q on Query { mlflowGetRun { run { info { runId } } } }",
        "{ __schema { types { name } } }",
        "{ test(inputString: \"x\") { output } }",
        "subscription { mlflowGetRun { run { info { runId } } } }",
        "{ mlflowGetRun { " + "a " * 6000 + "} }",
    ],
)  # fmt: skip
def test_graphql_that_is_not_answered(document: str) -> None:
    with pytest.raises(calls.NotAnswered):
        calls.asked(document)
