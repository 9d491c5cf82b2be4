"""`azmlflow verify` for each persona, with MLflow's real client; the owner removes what they may not."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.rbac.operations import operation
from azmlflow.rbac.roles import PERSONAS
from tests.e2e.estate import SCIENCE_PYTHON, Estate

pytestmark = pytest.mark.e2e

OWNER = "developer@local.test"
# By hand: the steps that pass for whoever holds the persona; the operator keeps computes only.
VIEW = {"list experiments", "search runs", "read run", "download artifact", "read models"}
TRACK = {*VIEW, "create experiment", "create run", "log metric", "log param", "upload artifact"}
KEEP = {*VIEW, "register model", "model version", "model stage", "delete model"}
PASSES = {"viewer": VIEW, "tracker": TRACK, "registrar": KEEP, "submitter": TRACK}


def upn(name: str) -> str:
    """The user who holds a persona."""
    return f"{name}@verify.test"


def verify(estate: Estate, *words: str, fails: bool = False) -> Any:
    """The document of `azmlflow verify WORDS`."""
    done = estate.azmlflow("verify", "--python", str(SCIENCE_PYTHON), "--output", "json", *words, fails=fails)
    return done.json()


@pytest.fixture(scope="module")
def held(estate: Estate) -> Estate:
    """The shared estate, each persona held by a user of its own."""
    for each in PERSONAS:
        estate.azmlflow("local", "user", "add", upn(each.name))
        estate.azmlflow("grant", upn(each.name), each.name)
    estate.azmlflow("local", "user", "add", upn("nobody"))
    return estate


@pytest.mark.parametrize("name", [*PASSES, "nobody"])
def test_each_persona_passes_just_its_steps_as_the_role_assignments_say(held: Estate, name: str) -> None:
    document = verify(held, "--as", upn(name))
    passed = {step["step"] for step in document["steps"] if step["pass"]}
    assert passed == PASSES.get(name, set())
    assert (document["compared"], document["agrees"]) == (True, True)
    assert not [step for step in document["steps"] if step["outcome"] == "error"]
    for step in document["steps"]:
        if not step["pass"]:
            assert step["missing"], step
            assert set(step["missing"]) <= set(operation(step["operation"]).actions)
    left = {each["kind"] for each in document["left"]}
    assert left == ({"run", "experiment"} if "create run" in passed else set())


def test_an_operator_passes_nothing_of_mlflows_beyond_its_own_actions(held: Estate) -> None:
    document = verify(held, "--as", upn("operator"))
    assert document["agrees"]
    operator = next(each for each in PERSONAS if each.name == "operator")
    for step in document["steps"]:
        assert step["pass"] is (set(operation(step["operation"]).actions) <= set(operator.actions)), step


def test_the_owner_passes_everything_and_leaves_nothing(held: Estate) -> None:
    document = verify(held)
    assert document["principal"] == OWNER
    assert all(step["outcome"] == "done" for step in document["steps"]), document
    assert document["left"] == []
    assert document["agrees"]


def test_what_a_tracker_leaves_an_owner_removes(held: Estate) -> None:
    left = {(each["kind"], each["name"]) for each in verify(held, "--as", upn("tracker"))["left"]}
    refused = held.azmlflow("verify", "--python", str(SCIENCE_PYTHON), "--clean", "--as", upn("tracker"), fails=True)
    assert "traces stay" in refused.err
    assert "experiments/runs/delete" in refused.err
    removed = {(each["kind"], each["name"]) for each in verify(held, "--clean")["removed"]}
    assert left <= removed
    assert verify(held, "--clean") == {"stack": "local", "removed": [], "kept": []}


def test_the_screen_names_the_action_the_persona_and_the_command(held: Estate) -> None:
    done = held.azmlflow("verify", "--python", str(SCIENCE_PYTHON), "--as", upn("viewer"))
    line = next(line for line in done.out.splitlines() if "create experiment" in line)
    assert "workspaces/experiments/write" in line
    assert f"azmlflow grant {upn('viewer')} tracker --stack local" in line
    assert done.out.rstrip().endswith("as the role assignments say")


def test_without_the_data_scientists_python_it_says_what_to_install(held: Estate) -> None:
    done = held.azmlflow("verify", fails=True)
    assert "azureml.mlflow" in done.err
    assert "pip install mlflow-skinny azureml-mlflow" in done.err


def test_nobody_signs_in_as_a_group_or_as_nobody_known(held: Estate) -> None:
    done = held.azmlflow("verify", "--python", str(SCIENCE_PYTHON), "--as", "ghost@verify.test", fails=True)
    assert "ghost@verify.test" in done.err
