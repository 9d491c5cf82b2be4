"""What MLflow's stores have here as Azure Machine Learning has it: searches, limits, archived experiments.

Expectations are from Microsoft's pages that the modules under `localazure.tracking` name. MLflow's own application is
asked, in this process.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import sessionmaker

from azmlflow.localazure.tracking.process import environment
from azmlflow.localazure.tracking.server import FOR_GOOD_HEADER, WORKSPACE_HEADER

# MLflow's own code, whose process here says nothing of its warnings either (`process.environment`).
pytestmark = pytest.mark.filterwarnings("ignore")
OURS, THEIRS = "0f0e0d0c-0000-4000-8000-000000000001", "0f0e0d0c-0000-4000-8000-000000000002"
HOUR = 3_600_000
WORKSPACES = "/api/3.0/mlflow/workspaces"


class Running:
    """MLflow's application."""

    def __init__(self, client: Any) -> None:
        self._client = client
        for workspace in (OURS, THEIRS):
            self.make(workspace)

    def make(self, workspace: str) -> None:
        made = self._client.post(WORKSPACES, json={"name": workspace}, headers={"Host": "localhost"})
        assert made.status_code == 201

    def remove(self, workspace: str) -> None:
        gone = self._client.delete(f"{WORKSPACES}/{workspace}?mode=CASCADE", headers={"Host": "localhost"})
        assert gone.status_code == 204

    headers: Mapping[str, str] = {}

    def ask(self, method: str, call: str, body: Any = None, workspace: str = OURS, **params: str) -> httpx.Response:
        headers = {WORKSPACE_HEADER: workspace, "Host": "localhost", **self.headers}
        path = f"/api/2.0/mlflow/{call}"
        answer = self._client.open(path, method=method, json=body, query_string=params or None, headers=headers)
        return httpx.Response(answer.status_code, content=answer.data)


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("mlflow")
        patch.chdir(folder)
        for name, value in environment(folder).items():
            patch.setenv(name, value)
        from mlflow.server import app

        from azmlflow.localazure.tracking import store

        store.register()
        yield Running(app.test_client())


def made_run(mlflow: Running, experiment: str, start: int = 1, end: int | None = None, status: str = "FINISHED") -> str:
    made = mlflow.ask("POST", "runs/create", {"experiment_id": experiment, "start_time": start})
    run_id = str(made.json()["run"]["info"]["run_id"])
    if end is not None:
        mlflow.ask("POST", "runs/update", {"run_id": run_id, "status": status, "end_time": end})
    return run_id


def experiment(mlflow: Running, name: str) -> str:
    return str(mlflow.ask("POST", "experiments/create", {"name": name}).json()["experiment_id"])


def refusal(answer: httpx.Response) -> str:
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), answer.text
    return str(answer.json()["message"])


# --- searches ----------------------------------------------------------------------------------------------------


def test_runs_are_filtered_and_ordered_by_their_duration(mlflow: Running) -> None:
    id_ = experiment(mlflow, "durations")
    short, long = made_run(mlflow, id_, 10, 10 + HOUR), made_run(mlflow, id_, 5, 5 + 2 * HOUR)
    open_ = made_run(mlflow, id_, 1)

    def found(**asked: Any) -> list[str]:
        answer = mlflow.ask("POST", "runs/search", {"experiment_ids": [id_], **asked})
        assert answer.is_success, answer.text
        return [run["info"]["run_id"] for run in answer.json().get("runs", [])]

    assert found(order_by=["attributes.duration DESC"]) == [long, short, open_]
    assert found(order_by=["attributes.duration ASC"]) == [short, long, open_]
    assert found(filter=f"attributes.duration > {HOUR}") == [long]
    assert found(filter=f"attributes.duration <= {HOUR}") == [short]
    assert found(filter="attributes.duration > -1", order_by=["duration"]) == [short, long]


def test_models_are_ordered_as_the_page_says(mlflow: Running) -> None:
    for name, versions in (("order-b", 3), ("order-c", 1), ("order-a", 2)):
        mlflow.ask("POST", "registered-models/create", {"name": name})
        for _ in range(versions):
            made = mlflow.ask("POST", "model-versions/create", {"name": name, "source": "azureml://jobs/r/outputs/o/x"})
            assert made.is_success, made.text
    mlflow.ask("DELETE", "model-versions/delete", {"name": "order-b", "version": "3"})
    mlflow.ask("DELETE", "model-versions/delete", {"name": "order-b", "version": "2"})
    mlflow.ask("PATCH", "registered-models/update", {"name": "order-c", "description": "touched last"})

    def found(*order: str) -> list[str]:
        query = "&".join(["filter=name+LIKE+'order-%25'", *(f"order_by={each}" for each in order)])
        answer = mlflow.ask("GET", f"registered-models/search?{query}")
        assert answer.is_success, answer.text
        return [model["name"] for model in answer.json()["registered_models"]]

    assert found() == ["order-a", "order-b", "order-c"]
    assert found("name+DESC") == ["order-c", "order-b", "order-a"]
    assert found("creation_timestamp") == ["order-b", "order-c", "order-a"]
    assert found("creation_timestamp+DESC") == ["order-a", "order-c", "order-b"]
    assert found("last_updated_timestamp+DESC")[0] == "order-c"
    assert found("version") == ["order-b", "order-c", "order-a"], "of 1, 1 and 2, by name where they are the same"
    assert found("version+DESC", "name+DESC") == ["order-a", "order-c", "order-b"]
    for wrong in ("size", "name+UPWARDS", "name+ASC+DESC"):
        assert "ordered by" in refusal(mlflow.ask("GET", f"registered-models/search?order_by={wrong}"))


# --- limits ------------------------------------------------------------------------------------------------------

OVER = "A field of the entity is over the size limit. FieldName={}, Limit={}, Size={}. See https://aka.ms/"


def pairs(count: int, name: str = "k") -> list[dict[str, str]]:
    return [{"key": f"{name}{number}", "value": "v"} for number in range(count)]


def test_a_run_has_two_hundred_parameters_over_all_batches(mlflow: Running) -> None:
    run = made_run(mlflow, experiment(mlflow, "parameters"))
    for begin in (0, 100):
        batch = pairs(200)[begin : begin + 100]
        assert mlflow.ask("POST", "runs/log-batch", {"run_id": run, "params": batch}).is_success
    again = {"run_id": run, "params": pairs(3), "tags": pairs(1)}
    assert mlflow.ask("POST", "runs/log-batch", again).is_success, "those that are there are no further ones"
    more = {"run_id": run, "params": pairs(10, "more"), "tags": [{"key": "kept", "value": "no"}]}
    assert refusal(mlflow.ask("POST", "runs/log-batch", more)).startswith(OVER.format("Parameters", 200, 210))
    one = {"run_id": run, "key": "one", "value": "v"}
    assert refusal(mlflow.ask("POST", "runs/log-parameter", one)).startswith(OVER.format("Parameters", 200, 201))
    data = mlflow.ask("GET", "runs/get", run_id=run).json()["run"]["data"]
    assert len(data["params"]) == 200
    assert "kept" not in [tag["key"] for tag in data["tags"]], "of a request that is refused nothing is kept"


def test_a_batch_has_two_hundred_and_fifty_rows_of_a_metric_and_a_run_fifty_names(mlflow: Running) -> None:
    run = made_run(mlflow, experiment(mlflow, "metrics"))

    def rows(count: int, name: str = "loss") -> list[dict[str, Any]]:
        return [{"key": name, "value": 1.0, "timestamp": 1, "step": step} for step in range(count)]

    both = [*rows(250), *rows(250, "m0")]
    assert mlflow.ask("POST", "runs/log-batch", {"run_id": run, "metrics": both}).is_success
    over = mlflow.ask("POST", "runs/log-batch", {"run_id": run, "metrics": rows(251)})
    assert refusal(over).startswith(OVER.format("MetricV2Dto.Value/Count", 250, 251))
    named = [rows(1, f"m{number}")[0] for number in range(50)]
    refused = mlflow.ask("POST", "runs/log-batch", {"run_id": run, "metrics": named})
    assert "Limit=50, Size=51" in refusal(refused)
    assert mlflow.ask("POST", "runs/log-batch", {"run_id": run, "metrics": named[:49]}).is_success
    assert mlflow.ask("POST", "runs/log-metric", {"run_id": run, **named[0]}).is_success
    assert "Limit=50, Size=51" in refusal(mlflow.ask("POST", "runs/log-metric", {"run_id": run, **named[49]}))


@pytest.mark.parametrize(
    ("call", "body", "size"),
    [
        ("experiments/create", {"name": "n" * 257}, "256, Size=257"),
        ("experiments/create", {"name": "long tag", "tags": [{"key": "k" * 251, "value": "v"}]}, "250, Size=251"),
        ("experiments/create", {"name": "many tags", "tags": pairs(51)}, "50, Size=51"),
        ("experiments/set-experiment-tag", {"experiment_id": 1, "key": "k", "value": "v" * 1001}, "1000, Size=1001"),
        (
            "experiments/set-experiment-tag",
            {"experiment_id": 1, "key": "mlflow.note.content", "value": "v" * 5001},
            "5000, Size=5001",
        ),
        ("runs/create", {"experiment_id": 1, "run_name": "n" * 257}, "256, Size=257"),
        ("runs/create", {"experiment_id": 1, "tags": pairs(51)}, "50, Size=51"),
        ("runs/update", {"run_id": 1, "run_name": "n" * 257}, "256, Size=257"),
        ("runs/set-tag", {"run_id": 1, "key": "k" * 101, "value": "v"}, "100, Size=101"),
        ("runs/set-tag", {"run_id": 1, "key": "k", "value": "v" * 1001}, "1000, Size=1001"),
        ("runs/set-tag", {"run_id": 1, "key": "mlflow.note.content", "value": "v" * 5001}, "5000, Size=5001"),
        ("runs/set-tag", {"run_id": 1, "key": "mlflow.runName", "value": "n" * 257}, "256, Size=257"),
        ("runs/log-batch", {"run_id": 1, "tags": pairs(51)}, "50, Size=51"),
    ],
)
def test_what_is_larger_than_the_service_takes(mlflow: Running, call: str, body: dict[str, Any], size: str) -> None:
    mlflow.ask("POST", "experiments/create", {"name": "sizes"})
    id_ = mlflow.ask("GET", "experiments/get-by-name", experiment_name="sizes").json()["experiment"]["experiment_id"]
    ids = {"experiment_id": id_, "run_id": made_run(mlflow, id_)}
    sent = {**body, **{name: value for name, value in ids.items() if name in body}}
    assert size in refusal(mlflow.ask("POST", call, sent))


def test_what_is_just_not_larger_is_taken(mlflow: Running) -> None:
    id_ = experiment(mlflow, "n" * 256)
    run = made_run(mlflow, id_)
    tags = [{"key": "k" * 100, "value": "v" * 1000}, {"key": "mlflow.note.content", "value": "v" * 5000}, *pairs(49)]
    assert mlflow.ask("POST", "runs/log-batch", {"run_id": run, "tags": tags}).is_success
    assert mlflow.ask("POST", "runs/update", {"run_id": run, "run_name": "n" * 256}).is_success
    assert "Limit=50, Size=51" in refusal(mlflow.ask("POST", "runs/set-tag", {"run_id": run, "key": "x", "value": "v"}))


# --- archived experiments ----------------------------------------------------------------------------------------


def test_the_name_of_an_archived_experiment_is_free(mlflow: Running) -> None:
    first = experiment(mlflow, "again")
    run = made_run(mlflow, first)
    mlflow.ask("POST", "experiments/delete", {"experiment_id": first})
    second = experiment(mlflow, "again")
    assert second != first
    assert mlflow.ask("GET", "experiments/get-by-name", experiment_name="again").json()["experiment"][
        "experiment_id"
    ] == (second)
    old = mlflow.ask("GET", "experiments/get", experiment_id=first).json()["experiment"]
    assert (old["name"], old["lifecycle_stage"]) == ("again", "deleted"), "it keeps its name for whoever asks"
    assert mlflow.ask("GET", "runs/get", run_id=run).json()["run"]["info"]["experiment_id"] == first

    refused = mlflow.ask("POST", "experiments/restore", {"experiment_id": first})
    assert (refused.status_code, refused.json()["error_code"]) == (400, "RESOURCE_ALREADY_EXISTS")
    mlflow.ask("POST", "experiments/delete", {"experiment_id": second})
    assert mlflow.ask("POST", "experiments/restore", {"experiment_id": first}).is_success
    back = mlflow.ask("GET", "experiments/get-by-name", experiment_name="again").json()["experiment"]
    assert (back["experiment_id"], back["lifecycle_stage"]) == (first, "active")
    third = mlflow.ask("GET", "experiments/get", experiment_id=second).json()["experiment"]
    assert (third["name"], third["lifecycle_stage"]) == ("again", "deleted")
    found = mlflow.ask("POST", "experiments/search", {"max_results": 1000, "view_type": "DELETED_ONLY"}).json()
    assert {"again"} == {each["name"] for each in found["experiments"]}


def test_an_experiment_is_deleted_for_good_where_the_embedded_azure_says_so(mlflow: Running) -> None:
    id_ = experiment(mlflow, "for good")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mlflow, "headers", {FOR_GOOD_HEADER: "true"})
        assert mlflow.ask("POST", "experiments/delete", {"experiment_id": id_}).is_success
    assert mlflow.ask("GET", "experiments/get", experiment_id=id_).status_code == 404
    assert mlflow.ask("GET", "experiments/get-by-name", experiment_name="for good").status_code == 404


def test_a_name_that_an_active_experiment_has_is_refused_in_words_without_a_database(mlflow: Running) -> None:
    experiment(mlflow, "taken")
    refused = mlflow.ask("POST", "experiments/create", {"name": "taken"})
    assert refused.json()["error_code"] == "RESOURCE_ALREADY_EXISTS"
    assert refused.json()["message"] == "Experiment 'taken' already exists."
    assert mlflow.ask("POST", "experiments/create", {"name": "taken"}, THEIRS).is_success


# --- models without versions ---------------------------------------------------------------------------------------


def version(mlflow: Running, name: str) -> str:
    made = mlflow.ask("POST", "model-versions/create", {"name": name, "source": "azureml://jobs/r/outputs/o/x"})
    assert made.is_success, made.text
    return str(made.json()["model_version"]["version"])


def test_a_model_goes_with_its_last_version_and_comes_back_with_the_next_number(mlflow: Running) -> None:
    name = "emptied"
    tags = [{"key": "a", "value": "1"}]
    mlflow.ask("POST", "registered-models/create", {"name": name, "description": "first", "tags": tags})
    assert [version(mlflow, name), version(mlflow, name)] == ["1", "2"]
    mlflow.ask("POST", "registered-models/alias", {"name": name, "alias": "best", "version": "2"})
    mlflow.ask("DELETE", "model-versions/delete", {"name": name, "version": "1"})
    assert mlflow.ask("GET", "registered-models/get", name=name).is_success
    mlflow.ask("DELETE", "model-versions/delete", {"name": name, "version": "2"})

    for method, call, body in (
        ("GET", f"registered-models/get?name={name}", None),
        ("GET", f"registered-models/alias?name={name}&alias=best", None),
        ("PATCH", "registered-models/update", {"name": name, "description": "d"}),
        ("POST", "registered-models/set-tag", {"name": name, "key": "k", "value": "v"}),
        ("POST", "model-versions/create", {"name": name, "source": "azureml://jobs/r/outputs/o/x"}),
    ):
        refused = mlflow.ask(method, call, body)
        assert refused.json()["error_code"] in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"), call
    found = mlflow.ask("GET", f"registered-models/search?filter=name='{name}'").json()
    assert found.get("registered_models", []) == []

    again = mlflow.ask("POST", "registered-models/create", {"name": name, "tags": [{"key": "b", "value": "2"}]})
    assert again.is_success, again.text
    told = mlflow.ask("GET", "registered-models/get", name=name).json()["registered_model"]
    assert (told["tags"], told.get("description"), told.get("aliases")) == ([{"key": "b", "value": "2"}], None, None)
    assert mlflow.ask("POST", "registered-models/create", {"name": name}).json()["error_code"] == (
        "RESOURCE_ALREADY_EXISTS"
    )
    assert version(mlflow, name) == "3"


def test_a_model_that_never_had_a_version_stays(mlflow: Running) -> None:
    mlflow.ask("POST", "registered-models/create", {"name": "empty"})
    assert mlflow.ask("GET", "registered-models/get", name="empty").is_success


def test_a_model_of_another_workspace_is_another(mlflow: Running) -> None:
    for workspace in (OURS, THEIRS):
        mlflow.ask("POST", "registered-models/create", {"name": "both"}, workspace)
        body = {"name": "both", "source": "azureml://jobs/r/outputs/o/x"}
        mlflow.ask("POST", "model-versions/create", body, workspace)
    mlflow.ask("DELETE", "model-versions/delete", {"name": "both", "version": "1"})
    assert mlflow.ask("GET", "registered-models/get", name="both").status_code == 404
    assert mlflow.ask("GET", "registered-models/get", None, THEIRS, name="both").is_success
    found = mlflow.ask("GET", "registered-models/search?filter=name='both'", None, THEIRS).json()
    assert [each["name"] for each in found["registered_models"]] == ["both"]


# --- what is asked once ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def statements() -> Iterator[list[str]]:
    """What is said to the database meanwhile."""
    said: list[str] = []

    def heard(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    event.listen(Engine, "before_cursor_execute", heard)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", heard)


def test_a_metric_that_is_logged_again_costs_what_mlflow_needs_for_it(mlflow: Running) -> None:
    run = made_run(mlflow, experiment(mlflow, "logged again"))
    log = {"run_id": run, "key": "loss", "value": 1.0, "timestamp": 1}
    for step in (1, 2):
        assert mlflow.ask("POST", "runs/log-metric", {**log, "step": step}).is_success
    with statements() as said:
        assert mlflow.ask("POST", "runs/log-metric", {**log, "step": 3}).is_success
    told = [(each.split()[0], re.findall(r"(?:FROM|INTO|^UPDATE) (\w+)", each)) for each in said]
    assert told == [
        ("SELECT", ["runs"]),
        ("INSERT", ["metrics"]),
        ("SELECT", ["latest_metrics"]),
        ("SELECT", ["latest_metrics"]),
        ("UPDATE", ["latest_metrics"]),
    ], "nothing of workspaces, names that were counted, connections"
    assert "experiments.workspace = ?" in said[0]
    assert mlflow.ask("POST", "runs/log-metric", {**log, "step": 4}, THEIRS).status_code == 404


def test_connections_are_set_up_as_mlflow_sets_up_its_sessions_and_wait_for_no_disk(mlflow: Running) -> None:
    from mlflow.store.db.utils import _get_managed_session_maker
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as RegistryStore
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    from azmlflow.localazure.tracking import once

    plain = create_engine("sqlite://")
    maker: Any = _get_managed_session_maker
    with statements() as said, maker(sessionmaker(bind=plain), "sqlite")() as session:
        session.execute(text("SELECT 1"))
    plain.dispose()
    assert said == [*once.PRAGMAS, "SELECT 1"]
    for stores in (SqlAlchemyStore, RegistryStore):
        (engine,) = stores._engine_map.values()
        with engine.connect() as one, engine.connect() as other:
            for each in (one, other):
                asked = ("PRAGMA foreign_keys", "PRAGMA busy_timeout", "SELECT 'a' LIKE 'A'", "PRAGMA synchronous")
                assert [each.execute(text(words)).scalar() for words in asked] == [1, 20000, 0, 1]


def test_a_workspace_that_was_removed_is_known_no_more(mlflow: Running) -> None:
    gone = "0f0e0d0c-0000-4000-8000-000000000003"
    mlflow.make(gone)
    assert mlflow.ask("POST", "experiments/create", {"name": "in it"}, gone).is_success
    mlflow.remove(gone)
    for _ in range(2):
        refused = mlflow.ask("POST", "experiments/create", {"name": "in nothing"}, gone)
        assert (refused.status_code, refused.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


WRONG: tuple[Any, ...] = (-1, 1.5, True, [1], {"a": 1}, "text")
READ: dict[str, dict[str, tuple[Any, ...]]] = {
    "experiments/create": {"name": (1, [1], {"a": 1}), "tags": WRONG},
    "experiments/search": {"max_results": WRONG[1:], "order_by": (-1, True, {"a": 1}), "filter": (1, [1])},
    "runs/create": {"start_time": WRONG[1:], "tags": WRONG},
    "runs/update": {"end_time": WRONG[1:], "run_name": (1, [1])},
    "runs/search": {"experiment_ids": (1, True, {"a": 1}), "max_results": (1.5, [1], {"a": 1})},
    "runs/log-metric": {"value": ([1], {"a": 1}), "timestamp": WRONG[1:], "step": ([1], {"a": 1}, "text")},
    "runs/log-batch": {"metrics": WRONG, "params": WRONG, "tags": WRONG},
}


@pytest.mark.parametrize("call", READ)
def test_a_value_of_another_type_is_refused_and_nothing_is_done(mlflow: Running, call: str) -> None:
    """A 500 would be asked again for minutes, and a value that is left out taken for one that was kept."""
    name = f"read {call}"
    experiment = mlflow.ask("POST", "experiments/create", {"name": name}).json()["experiment_id"]
    run = made_run(mlflow, experiment)
    good = {
        "name": name, "experiment_id": experiment, "experiment_ids": [experiment], "run_id": run, "max_results": 5,
        "key": "k", "value": 1, "timestamp": 1, "step": 1,
    }  # fmt: skip
    before = mlflow.ask("GET", "runs/get", run_id=run).json()
    bodies: list[Any] = [5, "text", [1], True]
    bodies += [{**good, member: value} for member, values in READ[call].items() for value in values]
    taken = []
    for number, body in enumerate(bodies):
        sent = {**body, "name": f"{name} {number}"} if isinstance(body, dict) and body["name"] == name else body
        answer = mlflow.ask("POST", call, sent)
        if (answer.status_code, answer.json().get("error_code")) != (400, "INVALID_PARAMETER_VALUE"):
            taken.append((sent, answer.text))
    assert taken == []
    assert mlflow.ask("GET", "runs/get", run_id=run).json() == before
