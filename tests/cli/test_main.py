"""The command itself: help, laziness, and the one boundary where errors become exit codes."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from azmlflow.cli import main
from azmlflow.cli.frame.errors import CliError, Interrupted
from azmlflow.cli.session.invocation import Command, Invocation
from azmlflow.rbac.roles import PERSONAS

HEAVY = {"pulumi", "pydantic", "rich", "yaml", "azure", "azmlflow.infra", "azmlflow.rbac", "azmlflow.localazure"}


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    """Every command that can be typed, with the words that lead to it."""
    found: list[tuple[tuple[str, ...], click.Command]] = []
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        below = leaves(command, (*path, name)) if isinstance(command, click.Group) else [((*path, name), command)]
        found += below
    return found


LEAVES = leaves(main.cli)


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom azmlflow.cli.main import run\ncode = run(['--help'])\n"
        "print(*sys.modules, sep='\\n', file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stderr.split())
    assert not {name for name in HEAVY if name in loaded}
    assert not {name for name in loaded if name.startswith("azmlflow.cli.commands.")}
    assert all(name in done.stdout for name, _, _ in main.COMMANDS)


def test_no_command_imports_azures_packages_before_it_asks_azure() -> None:
    modules = [f"azmlflow.cli.commands.{module}" for _, module, _ in main.COMMANDS]
    script = f"import importlib, sys\nfor name in {modules}: importlib.import_module(name)\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert [name for name in done.stdout.split() if name.startswith(("azure.", "pulumi", "mlflow"))] == []


def test_a_typed_command_ends_at_once_beside_what_is_still_imported() -> None:
    """Python, which would take itself down beside that thread, is not asked to: it crashed now and then."""
    program = (
        "import atexit, sys, threading\nfrom azmlflow.cli import main\nfrom azmlflow.cli.frame import imports\n"
        "atexit.register(print, 'taken down')\nimports.begin(threading.Event().wait)\n"
        "sys.argv = ['azmlflow', *sys.argv[1:]]\nsys.exit(main.run())"
    )
    for word, code, said in (("--version", 0, "azmlflow"), ("nosuch", 2, "")):
        done = subprocess.run([sys.executable, "-c", program, word], capture_output=True, text=True, check=False)
        assert (done.returncode, "taken down" in done.stdout) == (code, False), done
        assert said in done.stdout


def test_the_end_of_a_typed_command_looks_for_no_garbage() -> None:
    """It is a quarter of a short command's time. Whoever calls `run` with arguments lives on: nothing is frozen."""
    for call, frozen in (("run()", "True"), ("run(['--version'])", "False")):
        script = (
            "import atexit, gc, sys\nfrom azmlflow.cli.main import run\nsys.argv = ['azmlflow', '--version']\n"
            f"atexit.register(lambda: print(gc.get_freeze_count() > 10_000))\n{call}"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == frozen


def test_asking_whether_the_embedded_azure_runs_imports_nothing_of_what_it_is_made_of() -> None:
    script = "import sys\nimport azmlflow.localazure.process.daemon\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"cryptography", "asyncio", "starlette", "mlflow", "yaml"} & {*done.stdout.split()}


def test_the_issues_commands_are_there() -> None:
    words = {" ".join(path) for path, _ in LEAVES}
    wanted = {"init", "up", "preview", "status", "config", "env", "run", "grant", "revoke", "down"}
    wanted |= {f"local {name}" for name in ("start", "stop", "status", "logs", "reset")}
    assert wanted <= words


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=[" ".join(path) for path, _ in LEAVES])
def test_every_command_has_the_common_options_and_an_example(path: tuple[str, ...], command: click.Command) -> None:
    options = {name for parameter in command.params for name in parameter.opts}
    assert {"--stack", "--output"} <= options
    assert isinstance(command, Command)
    assert command.examples
    start = f"azmlflow {' '.join(path)}"
    assert all(start in example for example in command.examples)
    assert command.help


@pytest.mark.parametrize(("name", "module"), [(name, module) for name, module, _ in main.COMMANDS])
def test_every_declared_command_loads_under_its_name(name: str, module: str) -> None:
    command = importlib.import_module(f"azmlflow.cli.commands.{module}").command
    assert command.name in {name, "command"}


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, _, line in main.COMMANDS])
def test_a_commands_line_is_declared_once(name: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In the list of all commands and at the head of its own help; its docstring does not say it again."""
    assert main.run([name, "--help"]) == 0
    usage, told, *_ = re.split(r"\n\n+", capsys.readouterr().out)
    assert usage.startswith(f"Usage: azmlflow {name} ")
    assert " ".join(told.split()) == line
    command = main.cli.get_command(click.Context(main.cli), name)
    assert command is not None
    assert command.get_short_help_str() == line
    own = " ".join((command.callback.__doc__ or "").split()) if command.callback else ""
    assert own[:20] != line[:20]
    first = command.help
    main.cli.get_command(click.Context(main.cli), name)
    assert command.help == first, "asked for twice, it is the same"


def test_grants_help_names_every_persona(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["grant", "--help"]) == 0
    told = capsys.readouterr().out
    assert [persona.name for persona in PERSONAS if persona.name not in told] == []


def test_every_line_is_in_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert [line for name, _, line in main.COMMANDS if f" {name} {line}" not in told] == []


def test_every_module_of_a_command_is_declared() -> None:
    folder = Path(main.__file__).parent / "commands"
    there = {f"{path.parent.name}.{path.stem}" for path in folder.glob("*/*.py") if path.stem != "__init__"}
    below = {
        "local.faults",
        "local.group",
        "local.limits",
        "local.repair",
    }  # of the group `local`, which loads them itself
    assert there == {module for _, module, _ in main.COMMANDS} | below


def raising(fault: BaseException) -> Invocation:
    def connect() -> object:
        raise fault

    return Invocation(connect=connect)  # type: ignore[arg-type]


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: azmlflow\nazmlflow: true\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_error_says_what_where_and_next(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fault = CliError("the thing is broken", where="/etc/thing", next="mend thing")
    assert main.run(["status"], raising(fault)) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "error: the thing is broken [/etc/thing]\nnext: mend thing\n"


def test_an_error_as_json(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fault = CliError("the thing is broken", next="mend thing")
    assert main.run(["status", "--output", "json"], raising(fault)) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err) == {"error": {"what": "the thing is broken", "next": "mend thing"}}


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), Interrupted()])
def test_ctrl_c_exits_130_and_says_how_to_go_on(
    inside: Path, capsys: pytest.CaptureFixture[str], fault: BaseException
) -> None:
    assert main.run(["status", "--stack", "prod"], raising(fault)) == 130
    assert "`azmlflow status --stack prod` goes on from here" in capsys.readouterr().err


def test_an_unexpected_error_is_one_line_and_a_log(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["status"], raising(ZeroDivisionError("division by zero"))) == 1
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert "unexpected ZeroDivisionError: division by zero" in err
    logs = list((inside / ".azmlflow" / "logs").iterdir())
    assert len(logs) == 1
    assert str(logs[0]) in err
    assert "Traceback" in logs[0].read_text()
    assert logs[0].stat().st_mode & 0o777 == 0o600


def test_debug_shows_the_traceback(
    inside: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZMLFLOW_DEBUG", "1")
    assert main.run(["status"], raising(ZeroDivisionError("division by zero"))) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["nonsense"], ["up", "--nonsense"], ["up", "--output", "xml"], ["grant", "alice"]])
def test_wrong_usage_exits_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Usage:" in captured.err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("azmlflow ")


def test_a_mistyped_command_is_told_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["acess"]) == 2
    assert "No such command 'acess'; did you mean 'access'?" in capsys.readouterr().err
    assert main.run(["zzz"]) == 2
    assert "No such command 'zzz'." in capsys.readouterr().err


def test_a_usage_error_breaks_at_blanks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert main.run(["access", "--explain", "alice@local.test", "register_model"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert max(map(len, lines)) <= 60
    told = " ".join(" ".join(lines).split())
    assert "stage_models, delete_models, register_local_model" in told
    assert told.endswith("Did you mean register_local_model?")
