"""`verify`: what findings mean, which Python proves, and the command over a stand-in for that Python."""

from __future__ import annotations

import dataclasses
import http.server
import json
import threading
from pathlib import Path
from typing import Any

import mlflow
import pytest

from azmlflow.cli import main
from azmlflow.cli.azure.caller import SignedIn
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.proof import child
from azmlflow.cli.proof.client import endpoints, tracking
from azmlflow.cli.proof.client import run as proof
from azmlflow.cli.proof.client.trial import TAG, Step, Trial, attempt
from azmlflow.cli.proof.verdict import judge, summary
from azmlflow.cli.proof.verdict import line as line_of
from azmlflow.cli.session.invocation import Invocation
from azmlflow.localazure.models.records import RESERVED
from azmlflow.rbac.facts import Facts
from azmlflow.rbac.operations import OPERATIONS, operation
from azmlflow.rbac.records import RoleAssignment, RoleDefinition
from azmlflow.rbac.roles import persona
from tests.cli.desk import GROUP_ID, WORKSPACE_ID, Desk, Done

ALICE = "00000000-0000-4000-8000-0000000000a1"
REFUSAL = "does not have authorization to perform action '{}' over scope"


def holding(name: str, condition: str | None = None) -> Facts:
    """Alice has a persona on the workspace's group."""
    role = RoleDefinition("r", name, persona(name).permissions)
    return Facts([RoleAssignment("a", ALICE, "r", GROUP_ID, condition)], [role])


def told(step: str, outcome: str, message: str = "") -> dict[str, Any]:
    """A line of the proof."""
    found = next(each for each in proof.STEPS if each.name == step)
    told = {"step": step, "operation": found.operation, "actions": list(found.actions), "at": ""}
    return {**told, "outcome": outcome, "message": message}


# --- what findings mean --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "outcome", "verdict", "differs"),
    [
        ("log metric", "done", "allowed", False),
        ("log metric", "refused", "allowed", True),
        ("log metric", "unrefused", "allowed", False),
        ("model stage", "refused", "refused", False),
        ("model stage", "done", "refused", True),
        ("model stage", "unrefused", "refused", True),
        ("model stage", "error", "refused", False),
        ("score", "untried", "refused", False),
        ("create endpoint", "stopped", "refused", True),
    ],
)
def test_a_step_agrees_with_the_role_assignments_or_differs(
    step: str, outcome: str, verdict: str, differs: bool
) -> None:
    finding = judge(told(step, outcome), ALICE, WORKSPACE_ID, holding("tracker"))
    assert (finding.verdict, finding.differs) == (verdict, differs)
    assert ("DIFFERS" in line_of(finding, "alice", "local")) is differs
    assert ("DIFFERENT" in summary([finding])) is differs


def test_a_condition_leaves_it_open() -> None:
    finding = judge(told("log metric", "done"), ALICE, WORKSPACE_ID, holding("tracker", "c"))
    assert (finding.verdict, finding.differs) == ("unknown", False)
    assert "leave open: log metric" in summary([finding])


def test_a_refusal_names_the_missing_actions_the_persona_and_the_command() -> None:
    finding = judge(told("model stage", "refused"), ALICE, WORKSPACE_ID, holding("tracker"))
    assert finding.missing == operation("stage_models").actions
    line = line_of(finding, "alice@local.test", "prod")
    assert line.startswith("  refused  model stage         as expected: it needs ")
    assert "workspaces/assets/stage/write" in line
    assert line.endswith("registrar has it: `azmlflow grant alice@local.test registrar --stack prod`")


def test_only_what_is_missing_is_named() -> None:
    finding = judge(told("upload artifact", "refused"), ALICE, WORKSPACE_ID, holding("registrar"))
    assert [action.rpartition("workspaces/")[2] for action in finding.missing] == ["experiments/runs/write"]


def test_what_no_persona_has_is_said() -> None:
    finding = judge(told("delete experiment", "refused"), ALICE, WORKSPACE_ID, holding("tracker"))
    assert finding.persona is None
    assert "no persona has it" in line_of(finding, "alice", "local")


def test_without_role_assignments_azure_itself_names_the_action() -> None:
    action = operation("stage_models").actions[2]
    finding = judge(told("model stage", "refused", REFUSAL.format(action)), ALICE, WORKSPACE_ID, None)
    assert (finding.verdict, finding.missing, finding.differs) == (None, (action,), False)
    assert "nothing to compare with" in summary([finding])
    silent = judge(told("model stage", "refused", "no"), ALICE, WORKSPACE_ID, None)
    assert silent.missing == operation("stage_models").actions


def test_an_error_is_no_verdict() -> None:
    finding = judge(told("log metric", "error", "ConnectionError: gone\nmore"), ALICE, WORKSPACE_ID, holding("viewer"))
    assert not finding.passed
    assert line_of(finding, "alice", "local").endswith("ConnectionError: gone")
    assert "because of an error: log metric" in summary([finding])


# --- the proof -----------------------------------------------------------------------------------------------------


# By hand: what each step of deploying and scoring wants, below the workspace.
WANTS = {
    "list endpoints": {"onlineEndpoints/read"},
    "create endpoint": {"read", "onlineEndpoints/read", "onlineEndpoints/write"},
    "score": {"onlineEndpoints/score/action"},
    "endpoint token": {"onlineEndpoints/token/action"},
    "endpoint keys": {"onlineEndpoints/listkeys/action"},
    "renew key": {"onlineEndpoints/regeneratekeys/action"},
    "list deployments": {"onlineEndpoints/deployments/read"},
    "deploy model": {"onlineEndpoints/deployments/write"},
    "deployment log": {"onlineEndpoints/deployments/getlogs/action"},
    "delete deployment": {"onlineEndpoints/deployments/delete"},
    "delete endpoint": {"onlineEndpoints/read", "onlineEndpoints/delete"},
}
SCORES = {"list endpoints", "score", "endpoint token"}


def test_the_proof_has_every_step_that_is_asked_for() -> None:
    names = {step.name for step in proof.STEPS}
    assert len(names) == len(proof.STEPS)
    covered = {step.operation for step in tracking.TRACKING} | {"register_local_model"}
    assert all(operation(name) for name in covered)
    # All that MLflow's client does; opening the workspace and submitting jobs are not its.
    assert {each.name for each in OPERATIONS} - covered == {"open_workspace", "submit_job"}
    assert {step.operation for step in endpoints.ENDPOINTS} == {"deploy_models", "have_endpoint_keys", "score_models"}
    assert {step.name: set(step.actions) for step in endpoints.ENDPOINTS} == WANTS


@pytest.mark.parametrize(("name", "passes"), [("deployer", set(WANTS)), ("scorer", SCORES), ("registrar", set())])
def test_who_deploys_and_who_scores_has_the_rights_of_just_these_steps(name: str, passes: set[str]) -> None:
    judged = [judge(told(step, "untried"), ALICE, WORKSPACE_ID, holding(name)) for step in WANTS]
    assert {each.step for each in judged if each.verdict == "allowed"} == passes
    assert {each.persona for each in judged} == {"deployer", "scorer"}


def test_a_role_at_one_endpoint_counts_there() -> None:
    role = RoleDefinition("r", "scorer", persona("scorer").permissions)
    facts = Facts([RoleAssignment("a", ALICE, "r", f"{WORKSPACE_ID}/onlineEndpoints/risk", None)], [role])
    here = {**told("score", "unrefused"), "at": "/onlineEndpoints/risk"}
    assert judge(here, ALICE, WORKSPACE_ID, facts).verdict == "allowed"
    assert judge({**here, "at": "/onlineEndpoints/other"}, ALICE, WORKSPACE_ID, facts).differs


class Refused(Exception):
    """As the Azure SDK raises it."""

    status_code = 403


class Locked(Exception):
    """As the Azure SDK raises it: access was asked first."""

    status_code = 409


class Missing(Exception):
    """As MLflow raises it."""

    def get_http_status_code(self) -> int:
        return 404


class Unsure(Exception):
    """As MLflow wraps what came without a status."""

    def get_http_status_code(self) -> int:
        return 500


@pytest.mark.parametrize(
    ("fault", "needs", "outcome"),
    [
        (None, (), "done"),
        (Refused(), (), "refused"),
        (Refused(), ("run",), "refused"),
        (Missing(), (), "error"),
        (Missing(), ("run",), "unrefused"),
        (Missing(), ("experiment", "run"), "error"),  # one of them is there
        (Unsure(), ("run",), "error"),
        (ValueError(REFUSAL), (), "refused"),
        (AssertionError("came back changed"), (), "error"),
        (Locked(), (), "stopped"),
        (Refused("(RequestDisallowedByPolicy) no"), (), "stopped"),
        (Refused("Access to workspace was denied based on workspace private link configuration."), (), "untried"),
        (Refused("This request is not authorized.\nErrorCode:AuthorizationFailure"), ("run",), "untried"),
        (Refused("(AuthorizationFailed) does not have authorization"), (), "refused"),
    ],
)
def test_what_came_of_a_step(fault: Exception | None, needs: tuple[str, ...], outcome: str, tmp_path: Path) -> None:
    def act(_: Trial) -> None:
        if fault is not None:
            raise fault

    trial = Trial(None, "s", tmp_path, "azureml://host/mlflow/v1.0/ws?")  # type: ignore[arg-type]
    trial.experiment = "1"
    assert attempt(trial, Step("step", "write_run", act, needs, stops=(409,)))["outcome"] == outcome


def test_a_status_behind_another_error_is_found(tmp_path: Path) -> None:
    def act(_: Trial) -> None:
        try:
            raise Refused
        except Refused as fault:
            raise Unsure from fault

    trial = Trial(None, "s", tmp_path, "azureml://host")  # type: ignore[arg-type]
    assert attempt(trial, Step("step", "write_run", act))["outcome"] == "refused"


class Unlisted:
    """MLflow, where the list of experiments fails."""

    def __init__(self, fault: Exception) -> None:
        self.fault = fault

    def search_runs(self, *_: object, **__: object) -> list[object]:
        return []

    def search_experiments(self, **_: object) -> list[object]:
        raise self.fault


@pytest.mark.parametrize(("fault", "outcome"), [(Refused(), "done"), (Unsure("down"), "error")])
def test_a_list_that_may_not_be_read_is_another_thing_than_one_that_fails(
    fault: Exception, outcome: str, tmp_path: Path
) -> None:
    trial = Trial(Unlisted(fault), "s", tmp_path, "azureml://host")  # type: ignore[arg-type]
    found = attempt(trial, Step("search runs", "read_runs", tracking.search_runs))
    assert (found["outcome"], trial.seen) == (outcome, None)


class Registry(http.server.BaseHTTPRequestHandler):
    """A registry that refuses a condition on prompts, as Azure Machine Learning has (azure-sdk-for-python#42155)."""

    def do_GET(self) -> None:
        refused = "mlflow.prompt.is_prompt" in self.path
        self.send_response(400 if refused else 200)
        self.end_headers()
        self.wfile.write(b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "Currently unsupported filter"}')

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_models_are_listed_without_the_condition_on_prompts_that_mlflow_adds(tmp_path: Path) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), Registry) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        uri = f"http://127.0.0.1:{server.server_port}"
        flow = mlflow.MlflowClient(uri, uri)
        with pytest.raises(mlflow.MlflowException, match="unsupported filter"):
            flow.search_registered_models()
        found = attempt(Trial(flow, "s", tmp_path, uri), Step("model", "read_models", tracking.read_model))
        server.shutdown()
    assert found["outcome"] == "done", found


# --- which Python --------------------------------------------------------------------------------------------------


def python_in(folder: Path, script: str) -> Path:
    """A stand-in for an interpreter: a shell script."""
    path = folder / "bin" / "python"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_the_active_environment_comes_first_then_the_examples(tmp_path: Path) -> None:
    active, examples = python_in(tmp_path / "mine", "exit 0"), python_in(tmp_path / ".venv-examples", "exit 0")
    environment = {"VIRTUAL_ENV": str(tmp_path / "mine"), "PATH": "/nowhere"}
    assert child.find_python(None, tmp_path, environment).path == str(active)
    active.write_text("#!/bin/sh\nexit 1\n")
    assert child.find_python(None, tmp_path, environment).path == str(examples)


def test_without_any_it_says_what_to_install(tmp_path: Path) -> None:
    unable = python_in(tmp_path / ".venv-examples", "exit 1")
    with pytest.raises(CliError, match=r"no Python here can import mlflow and azureml\.mlflow") as caught:
        child.find_python(None, tmp_path, {"PATH": "/nowhere"})
    assert str(unable) in (caught.value.where or "")
    assert "pip install mlflow-skinny azureml-mlflow" in (caught.value.next or "")


def test_a_named_one_is_the_only_one(tmp_path: Path) -> None:
    python_in(tmp_path / ".venv-examples", "exit 0")
    unable = python_in(tmp_path / "mine", "exit 1")
    with pytest.raises(CliError, match="cannot import") as caught:
        child.find_python(str(unable), tmp_path, {"PATH": "/nowhere"})
    assert (caught.value.next or "").startswith(f"{unable} -m pip install")
    with pytest.raises(CliError, match="no interpreter `/nowhere/python`"):
        child.find_python("/nowhere/python", tmp_path, {"PATH": "/nowhere"})
    garbled = tmp_path / "garbled"
    garbled.write_bytes(b"\x00")
    garbled.chmod(0o755)
    with pytest.raises(CliError, match="cannot import"):
        child.find_python(str(garbled), tmp_path, {"PATH": "/nowhere"})


# --- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def prod(desk: Desk) -> Desk:
    """A standing stack on Azure, and an interpreter in the checkout that says what `lines` hold."""
    desk.settings("prod", "config:\n  azmlflow:cloud: azure\n")
    desk.stand()
    desk.environment["AZMLFLOW_STACK"] = "prod"
    script = f'case "$2" in *find_spec*) exit 0;; esac\ncat {desk.root / "lines"}; exec cat {desk.root / "fault"} >&2'
    python_in(desk.root / ".venv-examples", script)
    return desk


def run(desk: Desk, facts: Facts | None, lines: list[dict[str, Any]], *words: str) -> Done:
    """Type `azmlflow verify WORDS`, the proof saying the lines."""
    (desk.root / "lines").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (desk.root / "fault").write_text("")
    ports = dataclasses.replace(
        desk.connect(),
        whoami=lambda: SignedIn(ALICE, "alice@corp.test", "t"),
        read_access=lambda _subscription, _scope: facts,
    )
    code = main.run(["verify", *words], Invocation(connect=lambda: ports))
    out, err = desk.read()
    return Done(code, out, err)


def test_steps_appear_and_the_last_line_says_whether_it_agrees(prod: Desk) -> None:
    lines = [told("log metric", "done"), told("model stage", "refused"), {"left": []}]
    done = run(prod, holding("tracker"), lines)
    assert done.code == 0
    assert done.out.splitlines()[0] == "  pass     log metric"
    assert done.out.splitlines()[-1] == "1 of 2 steps pass, 1 refused, as the role assignments say"
    assert "verify as alice@corp.test on mlw-mlflow-local" in done.err


@pytest.mark.parametrize("lines", [[told("log metric", "refused")], [told("log metric", "error", "E: x")]])
def test_what_differs_or_breaks_fails_the_command(prod: Desk, lines: list[dict[str, Any]]) -> None:
    assert run(prod, holding("tracker"), [*lines, {"left": []}]).code == 1


def test_what_is_left_is_named_with_the_command(prod: Desk) -> None:
    left = [{"kind": "experiment", "name": "azmlflow-verify-1"}]
    done = run(prod, holding("tracker"), [told("log metric", "done"), {"left": left}])
    assert "left behind: experiment azmlflow-verify-1" in done.err
    assert "azmlflow verify --clean --stack prod" in done.err


def test_the_document(prod: Desk) -> None:
    done = run(prod, holding("tracker"), [told("model stage", "refused"), {"left": []}], "--output", "json")
    document = done.json()
    assert (document["principalId"], document["compared"], document["agrees"]) == (ALICE, True, True)
    step = document["steps"][0]
    assert (step["pass"], step["verdict"], step["persona"]) == (False, "refused", "registrar")
    unread = run(prod, None, [told("model stage", "refused", "x"), {"left": []}], "--output", "json")
    assert (unread.json()["compared"], unread.json()["agrees"], unread.code) == (False, False, 0)


def test_clean_removes_and_names_what_stays(prod: Desk) -> None:
    run_ = {"kind": "run", "name": "1"}
    assert run(prod, None, [{"removed": run_}], "--clean").out == "  removed run 1\n"
    assert run(prod, None, [], "--clean").out == "nothing to remove\n"
    hidden = run(prod, None, [{"unseen": "endpoints", "message": "RestException: no"}], "--clean")
    assert (hidden.out, "endpoints may not be listed" in hidden.err) == ("", True)
    done = run(prod, None, [{"removed": run_}, {"kept": run_, "message": "RestException: no\nmore"}], "--clean")
    assert done.code == 1
    assert "1 traces stay: run 1" in done.err
    assert "RestException: no" in done.err
    assert "as an owner" in done.err


def test_a_proof_that_breaks_says_its_last_line(prod: Desk) -> None:
    script = 'case "$2" in *find_spec*) exit 0;; esac\necho first >&2; echo ImportError: numpy >&2; exit 3'
    (prod.root / ".venv-examples" / "bin" / "python").write_text(f"#!/bin/sh\n{script}\n")
    done = run(prod, None, [])
    assert done.code == 1
    assert "the proof broke: ImportError: numpy" in done.err


def test_nobody_verifies_as_somebody_else_on_azure(prod: Desk) -> None:
    done = run(prod, None, [], "--as", "alice@local.test")
    assert done.code == 1
    assert "nobody can sign in as `alice@local.test`" in done.err


def test_a_stack_that_does_not_stand(prod: Desk) -> None:
    prod.stack.held = type(prod.stack.held)()
    done = run(prod, None, [])
    assert done.code == 1
    assert "does not stand" in done.err


def test_its_tag_is_none_that_the_embedded_azure_keeps_for_itself() -> None:
    assert not TAG.startswith(RESERVED)
