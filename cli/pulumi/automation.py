"""Pulumi's Automation API in versions that ask nothing twice, for `engine_stack.py` and nobody else.

Each question to the `pulumi` command costs a fifth of a second; the API's own objects ask for the version, select the
stack, and read outputs and history after each operation.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azmlflow.cli.frame import imports
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.pulumi.engine import Engine

# The engine's commands that call for plugins.
_AT_WORK = frozenset({"up", "preview", "refresh", "destroy", "import"})
# What asks an engine to stop, and what keeps a terminal's Ctrl-C from it: on Windows, a process group of its own.
if sys.platform == "win32":
    _STOP, _OWN_GROUP = signal.CTRL_BREAK_EVENT, subprocess.CREATE_NEW_PROCESS_GROUP
else:
    _STOP, _OWN_GROUP = signal.SIGINT, 0


def secrets_provider(settings: Path) -> str:
    """What keeps the secrets of a stack, by its settings file; empty where nothing is named, or there is no file.

    The API's own reader takes no switch among the settings (pulumi.automation, StackSettings).
    """
    import yaml  # few commands make a stack

    try:
        document = yaml.safe_load(settings.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ""
    return str((document or {}).get("secretsprovider") or "")


@dataclass(frozen=True)
class Place:
    """Where a stack lives.

    Attributes:
        folder: of Pulumi.yaml.
        project: the Pulumi project's name.
        environment: the whole environment for the engine and its plugins.
        backend: folder of the file backend if it is ours, else None (the user's own backend).
        plugins: serves an engine that is at work, and yields the variables by which it finds what is served.
    """

    folder: Path
    project: str
    environment: Mapping[str, str]
    backend: Path | None = None
    plugins: Callable[[], AbstractContextManager[Mapping[str, str]]] = lambda: contextlib.nullcontext({})


def make(
    name: str, place: Place, engine: Engine, on_engine: Callable[[int], None] | None, again: str
) -> tuple[Any, Any]:
    """The Automation API's objects, in versions that ask nothing twice. Imports `pulumi`, half a second.

    Args:
        name: the stack.
        place: where it lives.
        engine: the engine.
        on_engine: hears the process id of each engine that starts.
        again: the command that goes on where an engine was killed.
    """
    imports.wait()
    from pulumi import automation
    from pulumi.automation._stack import StackInitMode
    from pulumi.automation.errors import create_command_error
    from semver import VersionInfo

    class Command(automation.PulumiCommand):
        """The engine as a child in a session of its own: a terminal's Ctrl-C reaches us, and we interrupt it once."""

        def __init__(self) -> None:
            self.command = str(engine.command)
            self.version = VersionInfo.parse(engine.version)
            self._process: subprocess.Popen[str] | None = None

        def run(
            self,
            args: list[str],
            cwd: str,
            additional_env: Mapping[str, str],
            on_output: Callable[[str], Any] | None = None,
            on_error: Callable[[str], Any] | None = None,
        ) -> automation.CommandResult:
            """Run the command with exactly the stack's environment."""
            path = os.pathsep.join((str(engine.folder), place.environment.get("PATH", "")))
            environment = {**place.environment, **additional_env, "PATH": path, "PULUMI_AUTOMATION_API": "true"}
            with (
                place.plugins() if args[0] in _AT_WORK else contextlib.nullcontext({}) as served,
                subprocess.Popen(
                    [self.command, "--non-interactive", *args],
                    cwd=cwd,
                    env={**environment, **served},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    start_new_session=True,
                    creationflags=_OWN_GROUP,
                ) as process,
            ):
                self._process = process
                if on_engine:
                    on_engine(process.pid)
                stdout, stderr = process.communicate()
            for listener, text in ((on_output, stdout), (on_error, stderr)):
                for line in text.splitlines() if listener else ():
                    listener(line)  # type: ignore[misc]
            if process.returncode < 0:
                raise CliError(
                    f"the Pulumi engine was ended by signal {-process.returncode}",
                    where=f"pid {process.pid}",
                    next=again,
                )
            result = automation.CommandResult(stdout=stdout.rstrip(), stderr=stderr.rstrip(), code=process.returncode)
            if process.returncode:
                raise create_command_error(result)
            return result

        def interrupt(self) -> None:
            """Ask the engine to stop after what is under way."""
            if self._process and self._process.poll() is None:
                self._process.send_signal(_STOP)

        def kill(self) -> None:
            """Stop the engine and its plugins at once: its whole session."""
            from azmlflow.cli.pulumi.processes import end_session

            if self._process:
                end_session(self._process.pid)

    class Workspace(automation.LocalWorkspace):
        """Selects nothing: every call names its stack, and the user's selection stays the user's."""

        def select_stack(self, stack_name: str) -> None:
            """Nothing to do."""

        def create_stack(self, stack_name: str) -> None:
            """Make an empty state, its secrets under what the stack's file names: the engine alone ignores that."""
            arguments = ["stack", "init", stack_name, "--no-select"]
            if provider := secrets_provider(place.folder / f"Pulumi.{stack_name}.yaml"):
                arguments += ["--secrets-provider", provider]
            self._run_pulumi_cmd_sync(arguments)

    class Quick(automation.Stack):
        """Asks nothing after an operation: outputs and results come from the event stream."""

        def outputs(self) -> automation.OutputMap:
            """None here: see `Watcher`."""
            return {}

        def info(self, show_secrets: bool = True) -> automation.UpdateSummary | None:  # noqa: ARG002
            """A blank summary, which the Automation API insists on."""
            now = datetime.datetime.now(datetime.UTC)
            return automation.UpdateSummary("", now, "", {}, {}, "succeeded", now)

    # An engine that is killed cuts its stream of events short; the error that follows says so in better words.
    warnings.filterwarnings("ignore", "Error in event stream", UserWarning)
    command = Command()
    workspace = Workspace(work_dir=str(place.folder), pulumi_command=command)
    return Quick(name, workspace, StackInitMode.SELECT), command
