"""MLflow's searches as Microsoft's pages show, restrict and refuse them."""

from __future__ import annotations

import time

import pytest

from azmlflow.localazure.azureml.searches import experiments, models, runs
from azmlflow.localazure.azureml.searches.clauses import comparisons
from azmlflow.localazure.core.errors import AzureError


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        # The page's examples.
        ("params.num_boost_round='100'", "params.num_boost_round = '100'"),
        ("metrics.auc>0.8", "metrics.auc > 0.8"),
        ("tags.framework='torch'", "tags.framework = 'torch'"),
        ("attributes.user_id = 'John Smith'", "attributes.user_id = 'John Smith'"),
        ("attributes.status = 'Failed'", "attributes.status = 'FAILED'"),
        ("attributes.creation_time > '1655703168'", "attributes.start_time > 1655703168000"),
        ("attributes.duration > '360000'", "attributes.duration > 360000"),
        ("attributes.run_id IN ('1234-5678', '5678-1234')", "attributes.run_id IN ('1234-5678', '5678-1234')"),
        ("tags.mlflow.parentRunId='abc'", "tags.mlflow.parentRunId = 'abc'"),
        # Its table of states, in whatever case.
        ("status = 'Scheduled'", "status = 'SCHEDULED'"),
        ("attribute.status != 'Killed'", "attribute.status != 'KILLED'"),
        ("attributes.`status` LIKE 'Fin%'", "attributes.`status` LIKE 'FIN%'"),
        ('attributes.status = "Running"', 'attributes.status = "RUNNING"'),
        # Its matrix.
        ("params.a != '1' AND params.b LIKE '%x%'", "params.a != '1' AND params.b LIKE '%x%'"),
        ("tags.a ILIKE 'x%' and tags.`b c` = 'y'", "tags.a ILIKE 'x%' AND tags.`b c` = 'y'"),
        ("metrics.a<=1 AND metrics.b!=2.5", "metrics.a <= 1 AND metrics.b != 2.5"),
        ("metrics.`plain_name` > 1", "metrics.`plain_name` > 1"),
        # Instants as MLflow's clients give them, and numbers with quotes.
        ("attributes.creation_time > 1655703168000", "attributes.start_time > 1655703168000"),
        ("attributes.start_time > '1655703168000'", "attributes.start_time > 1655703168000"),
        ("start_time >= 1655703168000", "start_time >= 1655703168000"),
        ("duration > '-1'", "duration > -1"),
        # What only looks like something else.
        ("tags.note = 'a AND b OR tags.c != 1'", "tags.note = 'a AND b OR tags.c != 1'"),
        ("tags.note = 'it''s'", "tags.note = 'it''s'"),
        ("tags.status = 'Failed'", "tags.status = 'Failed'"),
        ("params.duration = 'long'", "params.duration = 'long'"),
        ("", ""),
    ],
)
def test_what_the_page_shows_is_spelt_for_mlflow(asked: str, sent: str) -> None:
    assert runs.filtered(asked) == sent


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("tags.f != 'a'", "Operator '!=' not supported for key type 'Tag'."),
        ("metrics.a > 1 AND tag.`x` != 'a'", "Operator '!=' not supported for key type 'Tag'."),
        ("tags.f IS NULL", "Operator 'IS NULL' not supported for key type 'Tag'."),
        ("params.f is not null", "Operator 'IS NOT NULL' not supported for key type 'Param'."),
        ("dataset.name = 'd'", "Operator '=' not supported for key type 'Dataset'."),
        ("datasets.name IN ('d')", "Operator 'IN' not supported for key type 'Dataset'."),
        ("params.a = '1' OR params.b = '2'", "(we currently do not support OR). Provided filter string: params.a = "),
        ("(params.a = '1')", "Currently unsupported filter string format"),
        ("params.a", "Currently unsupported filter string format"),
        ("params.a = '1' params.b = '2'", "Currently unsupported filter string format"),
        ("params.a = '1' ANDY params.b = '2'", "Currently unsupported filter string format"),
        ("metrics.`val loss` > 1", "Currently unsupported filter string format"),
        ('metrics."val/loss" > 1', "Currently unsupported filter string format"),
        ("attributes.duration > 'long'", "'long' is not a number"),
        ("attributes.creation_time > 'today'", "'today' is not a number"),
        ("attributes.start_time > '1 OR 1'", "'1 OR 1' is not a number"),
    ],
)
def test_what_the_page_excludes_is_refused(asked: str, why: str) -> None:
    with pytest.raises(AzureError) as refused:
        runs.filtered(asked)
    assert (refused.value.status, refused.value.code) == (400, "UserError")
    assert why in refused.value.message


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        (["attributes.start_time DESC"], ["attributes.start_time DESC"]),
        (["attributes.duration desc", "status"], ["attributes.duration DESC", "status"]),
        (["creation_time ASC"], ["attributes.start_time ASC"]),
        (["Created"], ["Created"]),
        ([], []),
    ],
)
def test_runs_are_ordered_by_attributes(asked: list[str], sent: list[str]) -> None:
    assert runs.ordered(asked) == sent


@pytest.mark.parametrize("asked", ["metrics.auc", "params.p DESC", "tags.f", "metric.`a b` asc", "dataset.name"])
def test_runs_are_ordered_by_nothing_else(asked: str) -> None:
    with pytest.raises(AzureError, match="is not supported") as refused:
        runs.ordered(["attributes.start_time", asked])
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "asked",
    [
        "name='iris'",
        "name = 'iris' AND name != 'x'",
        'name IN ("a", "b")',
        "",
        # What MLflow's clients from 2.22 on add to every search.
        "tag.`mlflow.prompt.is_prompt` != 'true'",
        "name='iris' AND tag.`mlflow.prompt.is_prompt` != 'true'",
    ],
)
def test_models_are_searched_by_name(asked: str) -> None:
    models.check(asked)


@pytest.mark.parametrize(
    "asked",
    [
        "tags.a = 'b'",
        "name LIKE 'iris%'",
        "name ILIKE '%' AND tag.`mlflow.prompt.is_prompt` != 'true'",
        "tag.`mlflow.prompt.is_prompt` = 'true'",
    ],
)
def test_models_are_searched_by_nothing_else(asked: str) -> None:
    with pytest.raises(AzureError) as refused:
        models.check(asked)
    assert refused.value.message == (
        f"Currently unsupported filter string format (we currently do not support OR). Provided filter string: {asked}"
    )


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("experiment_id IN ('CDEFG-1234', '1234-CDEFG')", "experiment_id IN ('CDEFG-1234', '1234-CDEFG')"),
        ("creation_time > 1655703168", "creation_time > 1655703168000"),
        ("creation_time > 1655703168000", "creation_time > 1655703168000"),
        ("tags.framework = 'torch'", "tags.framework = 'torch'"),
        (
            "name LIKE 'x%' AND attribute.last_update_time <= '5'",
            "name LIKE 'x%' AND attribute.last_update_time <= 5000",
        ),
    ],
)
def test_experiments_are_searched_as_the_page_shows(asked: str, sent: str) -> None:
    assert experiments.filtered(asked) == sent


@pytest.mark.parametrize("values", ["+a," * 40, "a" + " " * 50_000, "'a'," * 5000])
def test_a_list_that_does_not_end_is_refused_in_one_go(values: str) -> None:
    """Everybody waits for who reads one: 40 values were tried in 2 to the power of 40 ways."""
    begin = time.process_time()
    with pytest.raises(AzureError):
        comparisons(f"attributes.status IN ({values}")
    assert time.process_time() - begin < 1


def test_a_list_may_have_signs_spaces_and_a_comma_at_its_end() -> None:
    for values in ("( 'a' , +1, -2.5 )", "('a',)", "('a' , )", "(1)"):
        (found,) = comparisons(f"attributes.x IN {values}")
        assert found.value == values
