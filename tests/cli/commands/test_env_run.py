"""`env` and `run` on Azure, where there is little to do; the embedded Azure's side is tested end to end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.launch import execute
from azmlflow.cli.local import entering
from azmlflow.reach.records import INTERNET, Origin
from tests.cli.desk import GROUP, OUTPUTS, SUBSCRIPTION, WORKSPACE, Desk


@pytest.fixture
def prod(desk: Desk) -> Desk:
    desk.settings("prod", "config:\n  azmlflow:cloud: azure\n")
    desk.stand()
    desk.environment["AZMLFLOW_STACK"] = "prod"
    return desk


def test_run_on_azure_leaves_the_environment_as_it_is(prod: Desk) -> None:
    prod.exit_code = 7
    done = prod.run("run", "--", "python", "track.py", "--stack", "theirs", "--help")
    assert done.code == 7
    assert "next: azmlflow why" in done.err
    assert prod.executed == [(["python", "track.py", "--stack", "theirs", "--help"], prod.environment)]


@pytest.mark.parametrize("code", [0, 130, 143])
def test_why_is_not_offered_for_what_went_well_or_was_ended(prod: Desk, code: int) -> None:
    prod.exit_code = code
    done = prod.run("run", "--", "python", "track.py")
    assert (done.code, done.err) == (code, "")


@pytest.mark.parametrize("words", [("run", "--as", "alice@local.test", "--", "true"), ("env", "--as", "alice")])
def test_nobody_signs_in_as_somebody_else_on_azure(prod: Desk, words: tuple[str, ...]) -> None:
    done = prod.run(*words)
    assert done.code == 1
    assert "nobody can sign in as `alice" in done.err
    assert "az login" in done.err
    assert prod.executed == []


@pytest.mark.parametrize("words", [("run", "--", "true"), ("env",)])
def test_azure_is_refused_in_a_shell_that_points_at_the_embedded_azure(prod: Desk, words: tuple[str, ...]) -> None:
    prod.environment["AZMLFLOW_CLOUD"] = "local:/somewhere"
    done = prod.run(*words)
    assert done.code == 1
    assert 'eval "$(azmlflow env --unset)"' in done.err


def _environment(
    _project: object, _stack: object, _who: object, environment: dict[str, str], origin: Origin | None
) -> dict[str, str]:
    return {**environment, **({"ORIGIN": str(origin)} if origin else {})}


@pytest.fixture
def local(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A stack on the embedded Azure, which is not started."""
    desk.settings()
    monkeypatch.setattr(entering, "start", lambda *_: None)
    monkeypatch.setattr(entering, "child_environment", _environment)
    return desk


def test_run_wants_a_stack_that_stands_or_to_be_told_that_none_is_meant(local: Desk) -> None:
    refused = local.run("run", "--as", "alice@local.test", "--", "python", "track.py")
    assert (refused.code, local.executed) == (1, [])
    assert "stack `local` does not stand" in refused.err
    assert "azmlflow up --stack local" in refused.err
    assert local.run("run", "--without-stack", "--", "az", "group", "list").code == 0
    ((words, environment),) = local.executed
    assert words == ["az", "group", "list"]
    assert "MLFLOW_TRACKING_URI" not in environment


def test_run_comes_from_where_it_is_told_to(local: Desk) -> None:
    for where, origin in (("internet", str(INTERNET)), ("198.51.100.7", "internet:198.51.100.7")):
        assert local.run("run", "--without-stack", "--from", where, "--", "true").code == 0
        assert local.executed.pop()[1]["ORIGIN"] == origin
    refused = local.run("run", "--without-stack", "--from", "the-moon", "--", "true")
    assert (refused.code, local.executed) == (1, [])
    assert "not `the-moon`" in refused.err


def test_nobody_comes_from_elsewhere_on_azure(prod: Desk) -> None:
    refused = prod.run("run", "--from", "network", "--", "true")
    assert (refused.code, prod.executed) == (1, [])
    assert "a request comes from where it is sent" in refused.err


def test_run_refuses_where_the_sdks_would_find_another_workspace(local: Desk) -> None:
    local.stand()
    path = local.root / ".azureml" / "config.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"subscription_id": "s", "resource_group": "g", "workspace_name": "mlw-other"}))
    refused = local.run("run", "--", "python", "track.py")
    assert (refused.code, local.executed) == (1, [])
    assert "would find the config.json of mlw-other in g here" in refused.err
    assert local.run("config", "--force").code == 0
    assert local.run("run", "--", "python", "track.py").code == 0
    assert local.executed[0][1]["MLFLOW_TRACKING_URI"] == OUTPUTS["trackingUri"]


def test_letters_case_makes_no_other_workspace(local: Desk) -> None:
    local.stand()
    ours = {"subscription_id": SUBSCRIPTION.upper(), "resource_group": GROUP.upper(), "workspace_name": WORKSPACE}
    path = local.root / ".azureml" / "config.json"
    path.parent.mkdir()
    path.write_text(json.dumps(ours))
    assert local.run("run", "--", "python", "track.py").code == 0
    assert "is right already" in local.run("config").out


def test_run_needs_a_command(prod: Desk) -> None:
    assert prod.run("run").code == 2
    assert prod.run("run", "--").code == 2


def test_env_on_azure_says_where_mlflow_tracks(prod: Desk) -> None:
    done = prod.run("env")
    assert f"export MLFLOW_TRACKING_URI={OUTPUTS['trackingUri']}" in done.out
    assert prod.run("env", "-o", "json").json()["set"]["MLFLOW_TRACKING_URI"] == OUTPUTS["trackingUri"]


def test_env_for_editors_and_notebooks(prod: Desk) -> None:
    done = prod.run("env", "-o", "dotenv")
    assert done.out == f"MLFLOW_TRACKING_URI='{OUTPUTS['trackingUri']}'\n"
    assert prod.run("env", "-o", "dotenv", "--unset").code == 2


def test_env_unset_in_a_shell_that_was_never_set_up(prod: Desk) -> None:
    done = prod.run("env", "--unset")
    assert (done.code, done.out) == (0, "")


CHILD = """
import os, sys, time
from azmlflow.cli.frame.launch import execute
sys.stderr.isatty = lambda: True
print("code", execute([sys.executable, "-c", sys.argv[1]], dict(os.environ)), flush=True)
"""


@pytest.mark.parametrize(
    ("command", "code"),
    [("raise SystemExit(3)", 3), ("pass", 0), ("import os; os.kill(os.getpid(), 9)", 137)],
)
def test_at_a_terminal_a_command_is_waited_for_and_its_exit_code_given(command: str, code: int) -> None:
    done = subprocess.run([sys.executable, "-c", CHILD, command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"code {code}\n")


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_at_a_terminal_what_is_sent_to_azmlflow_reaches_the_command(sent: signal.Signals, code: int) -> None:
    waits = "import time; print('here', flush=True); time.sleep(60)"
    started = subprocess.Popen([sys.executable, "-c", CHILD, waits], stdout=subprocess.PIPE, text=True)
    with started:
        assert started.stdout is not None
        assert started.stdout.readline() == "here\n"
        started.send_signal(sent)
        assert started.stdout.readline() == f"code {code}\n"


def test_ctrl_c_at_a_terminal_is_the_commands_to_hear() -> None:
    hears = (
        "import time\ntry:\n print('here', flush=True); time.sleep(60)\nexcept KeyboardInterrupt:\n raise SystemExit(5)"
    )
    words = [sys.executable, "-c", CHILD, hears]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "here\n"
        os.killpg(started.pid, signal.SIGINT)
        assert started.stdout.readline() == "code 5\n"


def test_a_command_that_is_not_there() -> None:
    with pytest.raises(CliError, match="no command `no-such-command` on PATH"):
        execute(["no-such-command"], {"PATH": "/nowhere"})


def test_a_command_that_is_nearly_there_is_named(tmp_path: Path) -> None:
    for name in ("train-model", "trainmodel"):
        (tmp_path / name).write_text("")
    (tmp_path / "train-model").chmod(0o755)
    with pytest.raises(CliError, match="did you mean `train-model`") as caught:
        execute(["train-modl", "a b"], {"PATH": f"/nowhere:{tmp_path}"})
    assert caught.value.next == "azmlflow run -- train-model 'a b'"
