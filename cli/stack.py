"""A stack, and what can be done to it. The sole caller of Pulumi's Automation API.

The program runs inline, in this process: no language host is needed, and its imports overlap with the engine's
start. Each question to the `pulumi` command costs a fifth of a second, so nothing is asked that is known already:
the stack is named in every call instead of selected, outputs come from the event stream, and the state of a file
backend from its file.
"""

from __future__ import annotations

import datetime
import os
import re
import signal
import subprocess
import threading
import uuid
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from azmlflow.cli.changes import OnChange, Outcome, Watcher, urn_name
from azmlflow.cli.deployment import State, checkpoint_path, read_checkpoint, read_state
from azmlflow.cli.engine import Engine
from azmlflow.cli.errors import CliError, Interrupted

T = TypeVar("T")


@dataclass(frozen=True)
class Import:
    """A resource of the cloud to take into the state.

    Attributes:
        type: Pulumi type.
        name: its name in the program.
        id: its id in the cloud.
        parent: URN of the component that it belongs to, empty for the stack itself.
        version: the provider's version.
        new_parent: that component is not in the state yet.
    """

    type: str
    name: str
    id: str
    parent: str = ""
    version: str = ""
    new_parent: bool = False


class Stack(Protocol):
    """What commands ask of a stack; tests hand in their own.

    Every operation raises CliError: another process holds the stack, the engine refuses, or a resource failed (the
    error names the first one and what its cloud said); Interrupted after Ctrl-C, once the engine has stopped.
    """

    name: str

    def exists(self) -> bool:
        """Is there a state of this name?"""
        ...

    def create(self) -> None:
        """Make an empty state."""
        ...

    def state(self) -> State:
        """What the state holds."""
        ...

    def up(self, on_change: OnChange | None = None, targets: Sequence[str] = ()) -> Outcome:
        """Bring the cloud in line with the program; only `targets` (URNs) if there are any."""
        ...

    def preview(self, on_change: OnChange | None = None) -> Outcome:
        """What `up` would do."""
        ...

    def destroy(self, on_change: OnChange | None = None) -> Outcome:
        """Delete every resource of the state."""
        ...

    def import_resources(self, resources: Sequence[Import]) -> None:
        """Take resources of the cloud into the state."""
        ...

    def clear_pending(self) -> None:
        """Forget the operations without an end."""
        ...

    def cancel(self) -> None:
        """Drop the lock of an update that is no longer running."""
        ...

    def remove(self) -> None:
        """Remove the state; the settings file stays."""
        ...


@dataclass(frozen=True)
class Place:
    """Where a stack lives.

    Attributes:
        folder: of Pulumi.yaml.
        project: the Pulumi project's name.
        environment: the whole environment for the engine and its plugins.
        backend: folder of the file backend if it is ours, else None (the user's own backend).
    """

    folder: Path
    project: str
    environment: Mapping[str, str]
    backend: Path | None = None


class EngineStack:
    """The real stack: Pulumi's engine through the Automation API.

    Args:
        name: the stack.
        place: where it lives.
        engine: makes the engine; called on first need.
        program: the Pulumi program.
        on_engine: hears the process id of each engine that starts (the holder's note keeps it).
        say: hears what to tell people.
    """

    def __init__(
        self,
        name: str,
        place: Place,
        engine: Callable[[], Engine],
        program: Callable[[], None],
        *,
        on_engine: Callable[[int], None] | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.name, self._place, self._engine, self._program = name, place, engine, program
        self._on_engine, self._say = on_engine, say
        self._faults: list[BaseException] = []
        self._made: tuple[Any, Any] | None = None

    def exists(self) -> bool:
        """Is there a state of this name?"""
        if self._place.backend:
            return checkpoint_path(self._place.backend, self._place.project, self.name).exists()
        stacks = self._ask(lambda stack: stack.workspace.list_stacks())
        return any(summary.name.rsplit("/", 1)[-1] == self.name for summary in stacks)

    def create(self) -> None:
        """Make an empty state (`pulumi stack init`)."""
        self._ask(lambda stack: stack.workspace.create_stack(self.name))

    def state(self) -> State:
        """What the state holds, with secrets masked."""
        if self._place.backend:
            path = checkpoint_path(self._place.backend, self._place.project, self.name)
            return read_checkpoint(path) or State()
        if not self.exists():
            return State()
        return read_state(self._ask(lambda stack: stack.export_stack()).deployment)

    def up(self, on_change: OnChange | None = None, targets: Sequence[str] = ()) -> Outcome:
        """`pulumi up`, without a preview before it."""
        watcher = Watcher(on_change)
        self._watch(
            watcher,
            lambda stack: stack.up(on_event=watcher, program=self._guarded, target=list(targets) or None),
        )
        return watcher.outcome()

    def preview(self, on_change: OnChange | None = None) -> Outcome:
        """`pulumi preview`."""
        watcher = Watcher(on_change, planning=True)
        self._watch(watcher, lambda stack: stack.preview(on_event=watcher, program=self._guarded))
        return watcher.outcome()

    def destroy(self, on_change: OnChange | None = None) -> Outcome:
        """`pulumi destroy`; needs no program."""
        watcher = Watcher(on_change)
        self._watch(watcher, lambda stack: stack.destroy(on_event=watcher))
        return watcher.outcome()

    def import_resources(self, resources: Sequence[Import]) -> None:
        """`pulumi import --file ... --generate-code=false --protect=false`."""
        # The file names parents through a table of URNs; a component that is not in the state yet is an entry itself.
        parents = sorted({(entry.parent, entry.new_parent) for entry in resources if entry.parent})
        names = {urn: f"parent{number}" for number, (urn, _) in enumerate(parents)}
        entries: list[dict[str, Any]] = [
            {"type": urn.split("::")[2].rsplit("$", 1)[-1], "name": urn_name(urn), "component": True}
            for urn, new in parents
            if new
        ]
        for resource in resources:
            entry: dict[str, Any] = {"type": resource.type, "name": resource.name, "id": resource.id}
            if resource.version:
                entry["version"] = resource.version
            if resource.parent:
                entry["parent"] = urn_name(resource.parent) if resource.new_parent else names[resource.parent]
            entries.append(entry)
        table = {names[urn]: urn for urn, new in parents if not new}
        watcher = Watcher()
        self._watch(
            watcher,
            lambda stack: stack.import_resources(
                resources=entries, name_table=table, protect=False, generate_code=False
            ),
        )

    def clear_pending(self) -> None:
        """Export the state, drop `pending_operations`, import it again."""

        def clear(stack: Any) -> None:
            deployment = stack.export_stack()
            deployment.deployment.pop("pending_operations", None)
            stack.import_stack(deployment)

        self._ask(clear)

    def cancel(self) -> None:
        """`pulumi cancel`."""
        self._ask(lambda stack: stack.cancel())

    def remove(self) -> None:
        """`pulumi stack rm --preserve-config`."""
        self._ask(lambda stack: stack.workspace.remove_stack(self.name, preserve_config=True))

    def _guarded(self) -> None:
        """The program; its own typed errors are kept, for the engine would turn them into text."""
        try:
            self._program()
        except BaseException as fault:
            self._faults.append(fault)
            raise

    def _ask(self, question: Callable[[Any], T]) -> T:
        return self._watch(Watcher(), question)

    def _watch(self, watcher: Watcher, operation: Callable[[Any], T]) -> T:
        """Run one operation in a thread of its own, so that Ctrl-C reaches us, and we stop the engine."""
        from pulumi import RunError
        from pulumi.automation.errors import CommandError, ConcurrentUpdateError

        stack, command = self._automation()
        self._faults.clear()
        result: list[T] = []
        failure: list[BaseException] = []

        def work() -> None:
            try:
                result.append(operation(stack))
            except BaseException as fault:  # noqa: BLE001 - carried over to the caller's thread
                failure.append(fault)

        thread = threading.Thread(target=work, name=f"pulumi {self.name}", daemon=True)
        thread.start()
        interrupts = self._wait(thread, command)
        if interrupts:
            raise Interrupted
        if not failure:
            return result[0]
        fault = failure[0]
        if isinstance(fault, ConcurrentUpdateError):
            raise held(self.name, str(fault)) from None
        if isinstance(fault, CommandError):
            for own in self._faults:
                # The program's own: a typed error, or a mistake of ours, which belongs in the log.
                if isinstance(own, Exception) and type(own) not in {Exception, RunError}:
                    raise own
            raise failed(self.name, watcher.outcome(), str(fault)) from None
        raise fault

    def _wait(self, thread: threading.Thread, command: Any) -> int:
        interrupts = 0
        while thread.is_alive():
            try:
                thread.join(0.5)
            except KeyboardInterrupt:
                interrupts += 1
                if interrupts == 1:
                    self._say("stopping: what is under way comes to its end first (Ctrl-C again stops at once)")
                    command.interrupt()
                else:
                    command.kill()
        return interrupts

    def _automation(self) -> tuple[Any, Any]:
        if self._made is None:
            self._made = _make(self.name, self._place, self._engine(), self._on_engine)
        return self._made


def _make(name: str, place: Place, engine: Engine, on_engine: Callable[[int], None] | None) -> tuple[Any, Any]:
    """The Automation API's objects, in versions that ask nothing twice. Imports `pulumi`, half a second."""
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
            with subprocess.Popen(
                [self.command, "--non-interactive", *args],
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            ) as process:
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
                    next=f"azmlflow up --stack {name}    (it goes on from here)",
                )
            result = automation.CommandResult(stdout=stdout.rstrip(), stderr=stderr.rstrip(), code=process.returncode)
            if process.returncode:
                raise create_command_error(result)
            return result

        def interrupt(self) -> None:
            """Ask the engine to stop after what is under way."""
            if self._process and self._process.poll() is None:
                self._process.send_signal(signal.SIGINT)

        def kill(self) -> None:
            """Stop the engine and its plugins at once: its whole session."""
            from azmlflow.cli.processes import end_session

            if self._process:
                end_session(self._process.pid)

    class Workspace(automation.LocalWorkspace):
        """Selects nothing: every call names its stack, and the user's selection stays the user's."""

        def select_stack(self, stack_name: str) -> None:
            """Nothing to do."""

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


def held(stack: str, text: str) -> CliError:
    """The error for a stack that another process holds, from what the engine says."""
    line = next((line.strip() for line in text.splitlines() if "created by" in line), "")
    who = f": {line}" if line else ""
    return CliError(
        f"stack `{stack}` is held by another update{who}",
        next=f"wait for it to end; if it is dead, `pulumi cancel --stack {stack}`",
    )


def failed(stack: str, outcome: Outcome, text: str) -> CliError:
    """The error for an operation that failed: the first resource's own words, else the engine's last ones."""
    errors = [entry for entry in outcome.diagnoses if entry.severity == "error"]
    # What providers say of a resource explains more than the engine's "update failed" on the stack.
    told = [entry for entry in errors if entry.urn and "pulumi:pulumi:Stack" not in entry.urn] or errors
    again = f"azmlflow up --stack {stack}    (it goes on from here)"
    if not told:
        lines = [line.strip() for line in text.splitlines() if line.strip().startswith("error:")]
        what = lines[0].removeprefix("error:").strip() if lines else _last_line(text)
        return CliError(f"the Pulumi engine failed: {what}", next=again)
    first = told[0]
    others = len({entry.urn for entry in told}) - 1
    more = f" (and {others} more)" if others > 0 else ""
    what = _unwrapped(first.message)
    return CliError(f"{what}{more}", where=urn_name(first.urn) or None, next=advice(what, stack) or again)


def advice(message: str, stack: str) -> str | None:
    """The command that mends what Azure complains of, where there is one."""
    lowered = message.lower()
    if "principalnotfound" in lowered:
        gone = re.search(r"principal ([0-9a-f-]{32,36})", lowered)
        who = str(uuid.UUID(gone[1])) if gone else "PRINCIPAL"
        return (
            f"azmlflow revoke {who} --stack {stack}    (if it is gone from the directory; else wait, and `azmlflow up`)"
        )
    if any(words in lowered for words in ("soft-deleted", "soft deleted", "deleted state")):
        return f"azmlflow down --stack {stack}    (purges what is soft-deleted under this stack's names)"
    if "missingsubscriptionregistration" in lowered:
        words = message.replace("'", " ").split()
        namespace = next((word for word in words if word.lower().startswith("microsoft.")), "NAMESPACE")
        return f"az provider register --namespace {namespace}"
    if "already" in lowered and ("taken" in lowered or "in use" in lowered):
        return f"choose another name, or another azmlflow:salt, in Pulumi.{stack}.yaml"
    return None


def _unwrapped(message: str) -> str:
    """A diagnosis without the engine's own frame around it."""
    lines = [line.strip(" *\t") for line in message.splitlines() if line.strip(" *\t")]
    lines = [line for line in lines if not line.endswith(("error occurred:", "errors occurred:"))] or lines
    text = lines[0] if lines else message
    return text.removeprefix("error: ")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it gave no reason"
