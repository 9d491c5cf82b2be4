"""`azmlflow verify` for each persona, with MLflow's real client; the owner removes what they may not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from azmlflow.rbac.operations import OPERATIONS
from tests.e2e.estate import SCIENCE_PYTHON, Estate
from tests.e2e.people import ARM, ML_VERSION, sign_in

pytestmark = pytest.mark.e2e

OWNER = "developer@local.test"
# By hand: the steps that pass for whoever holds the persona; the operator keeps computes only.
VIEW = {"list experiments", "search runs", "read run", "download artifact", "read models"}
TRACK = {*VIEW, "create experiment", "create run", "log metric", "log param", "upload artifact"}
KEEP = {*VIEW, "register model", "model version", "model stage", "delete model"}
SCORE = {"list endpoints", "score", "endpoint token"}
# Asked of an endpoint, or by the name of a deployment, that is not there.
NOWHERE = {
    "score",
    "endpoint token",
    "endpoint keys",
    "renew key",
    "deploy model",
    "deployment log",
    "delete deployment",
}
DEPLOY = {*VIEW, *SCORE, *NOWHERE, "create endpoint", "list deployments", "delete endpoint"}
PASSES: Mapping[str, set[str]] = {
    "viewer": VIEW,
    "tracker": TRACK,
    "registrar": KEEP,
    "submitter": TRACK,
    "deployer": DEPLOY,
    "scorer": SCORE,
    "operator": set(),
}


def verify(estate: Estate, *words: str, fails: bool = False) -> Any:
    """The document of `azmlflow verify WORDS`."""
    done = estate.azmlflow("verify", "--python", str(SCIENCE_PYTHON), "--output", "json", *words, fails=fails)
    return done.json()


@dataclass(frozen=True)
class Held:
    """The shared estate, each persona held by a user of its own; what each has proven is proven once."""

    estate: Estate
    holders: Mapping[str, str]
    proofs: dict[str, Any] = field(default_factory=dict)

    def proof(self, name: str) -> Any:
        """The document of `azmlflow verify --as` the holder of a persona."""
        if name not in self.proofs:
            self.proofs[name] = verify(self.estate, "--as", self.holders[name])
        return self.proofs[name]


@pytest.fixture(scope="module")
def held(estate: Estate, holders: Mapping[str, str]) -> Iterator[Held]:
    """With an endpoint that takes Entra tokens, and one of a verify that was killed."""
    tags = {"risk-of-others": {}, "azmlflow-verify-killed": {"azmlflow-verify": "killed"}}
    places = {name: f"{ARM}{estate.outputs()['workspaceId']}/onlineEndpoints/{name}" for name in tags}
    with sign_in(estate, OWNER) as owner:
        for name, place in places.items():
            body = {"location": "westeurope", "identity": {"type": "None"}, "tags": tags[name]}
            body["properties"] = {"authMode": "AADToken"}
            owner.ask("PUT", place, params=ML_VERSION, json=body).raise_for_status()
        yield Held(estate, holders)
        owner.ask("DELETE", places["risk-of-others"], params=ML_VERSION)


@pytest.mark.parametrize("name", PASSES)
def test_each_persona_passes_just_its_steps_as_the_role_assignments_say(held: Held, name: str) -> None:
    document = held.proof(name)
    passed = {step["step"] for step in document["steps"] if step["pass"]}
    assert passed == PASSES[name]
    assert (document["compared"], document["agrees"]) == (True, True)
    assert not [step for step in document["steps"] if step["outcome"] == "error"]
    for step in document["steps"]:
        if not step["pass"]:
            assert step["missing"], step
            whole = next((each.actions for each in OPERATIONS if each.name == step["operation"]), None)
            assert whole is None or set(step["missing"]) <= set(whole)
    left = {each["kind"] for each in document["left"]}
    assert left == ({"run", "experiment"} if "create run" in passed else set())


def test_the_owner_passes_everything_and_leaves_nothing(held: Held) -> None:
    document = verify(held.estate)
    assert document["principal"] == OWNER
    assert {step["step"] for step in document["steps"] if step["outcome"] != "done"} == NOWHERE
    assert {step["outcome"] for step in document["steps"]} == {"done", "unrefused"}
    assert document["left"] == []
    assert document["agrees"]


def test_what_a_tracker_leaves_an_owner_removes(held: Held) -> None:
    left = {(each["kind"], each["name"]) for each in held.proof("tracker")["left"]}
    clean = ("verify", "--python", str(SCIENCE_PYTHON), "--clean")
    refused = held.estate.azmlflow(*clean, "--as", held.holders["tracker"], fails=True)
    assert "traces stay" in refused.err
    assert "experiments/runs/delete" in refused.err
    assert "endpoints may not be listed" in refused.err
    removed = {(each["kind"], each["name"]) for each in verify(held.estate, "--clean")["removed"]}
    assert left | {("endpoint", "azmlflow-verify-killed")} <= removed
    with sign_in(held.estate, OWNER) as owner:
        workspace = held.estate.outputs()["workspaceId"]
        url = f"https://westeurope.api.azureml.ms/mlflow/v2.0{workspace}/api/2.0/mlflow/experiments/search"
        answer = owner.ask("POST", url, json={"max_results": 1000})
        answer.raise_for_status()
    names = [each["name"] for each in answer.json().get("experiments", [])]
    assert not [name for name in names if name.startswith("azmlflow-verify-")]


def test_the_screen_names_the_action_the_persona_and_the_command(held: Held) -> None:
    """Of somebody without any role, who passes nothing."""
    nobody = held.holders["nobody"]
    done = held.estate.azmlflow("verify", "--python", str(SCIENCE_PYTHON), "--as", nobody)
    steps = [line for line in done.out.splitlines() if line.startswith("  ")]
    assert len(steps) > 10
    told = {line[2:11].strip() for line in steps if "score" not in line[:20]}
    assert told == {"refused"}
    assert any(line.startswith("  untried  score ") for line in steps)  # it sees no endpoint
    line = next(line for line in steps if "create experiment" in line)
    assert "workspaces/experiments/write" in line
    assert f"azmlflow grant {nobody} tracker --stack local" in line
    assert done.out.rstrip().endswith("; not tried: score, as the role assignments say")
    assert "costs nothing" in done.err


def test_without_the_data_scientists_python_it_says_what_to_install(held: Held) -> None:
    done = held.estate.azmlflow("verify", fails=True)
    assert "azureml.mlflow" in done.err
    assert "pip install mlflow-skinny azureml-mlflow" in done.err


def test_nobody_signs_in_as_a_group_or_as_nobody_known(held: Held) -> None:
    done = held.estate.azmlflow("verify", "--python", str(SCIENCE_PYTHON), "--as", "ghost@verify.test", fails=True)
    assert "ghost@verify.test" in done.err
