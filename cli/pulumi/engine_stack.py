"""The real stack: Pulumi's engine through the Automation API, of which this is the sole caller.

The program runs inline, in this process: no language host is needed, and its imports overlap with the engine's
start. Each question to the `pulumi` command costs a fifth of a second, so nothing is asked that is known already:
the stack is named in every call instead of selected, outputs come from the event stream, and the state of a file
backend from its file.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, TypeVar

from azmlflow.cli.frame.errors import Interrupted
from azmlflow.cli.pulumi import automation
from azmlflow.cli.pulumi.automation import Place, secrets_provider
from azmlflow.cli.pulumi.changes import OnChange, Outcome, Watcher, urn_name
from azmlflow.cli.pulumi.deployment import (
    State,
    checkpoint_path,
    cleared,
    is_clear,
    read_checkpoint,
    read_state,
    unprotected,
    without,
    write_checkpoint,
)
from azmlflow.cli.pulumi.engine import Engine
from azmlflow.cli.pulumi.failures import failed, held
from azmlflow.cli.pulumi.stack import Import
from azmlflow.resourcetypes.table import told_by_azure

T = TypeVar("T")


class EngineStack:
    """The real stack: Pulumi's engine through the Automation API.

    Args:
        name: the stack.
        place: where it lives.
        engine: makes the engine; called on first need.
        program: azmlflow's Pulumi program; None for the one in the stack's folder.
        on_engine: hears the process id of each engine that starts (the holder's note keeps it).
        say: hears what to tell people.
        command: what goes on after a failure.
    """

    def __init__(
        self,
        name: str,
        place: Place,
        engine: Callable[[], Engine],
        program: Callable[[], None] | None,
        *,
        on_engine: Callable[[int], None] | None = None,
        say: Callable[[str], None] = lambda _: None,
        command: str = "azmlflow up",
    ) -> None:
        self.name, self._place, self._engine, self._program = name, place, engine, program
        self._on_engine, self._say = on_engine, say
        self._again = f"{command} --stack {name}    (it goes on from here)"
        self._faults: list[BaseException] = []
        self._made: tuple[Any, Any] | None = None
        self._known: State | None = None  # a backend's that is not ours, until the next operation

    def exists(self) -> bool:
        """Is there a state of this name?"""
        if self._place.backend:
            return checkpoint_path(self._place.backend, self._place.project, self.name).exists()
        stacks = self._ask(lambda stack: stack.workspace.list_stacks())
        return any(summary.name.rsplit("/", 1)[-1] == self.name for summary in stacks)

    def create(self) -> None:
        """Make an empty state (`pulumi stack init`); in our own backend its file is written instead.

        What an engine needs comes first, the passphrase with it: a state without one is taken for lost.
        """
        named = secrets_provider(self._place.folder / f"Pulumi.{self.name}.yaml")
        ours = self._place.backend
        self._engine()
        made = ours and not named and not self.exists() and write_checkpoint(ours, self._place.project, self.name)
        if not made:
            self._ask(lambda stack: stack.workspace.create_stack(self.name))

    def state(self) -> State:
        """What the state holds, with secrets masked."""
        if self._place.backend:
            path = checkpoint_path(self._place.backend, self._place.project, self.name)
            return read_checkpoint(path) or State()
        if self._known is None:
            there = self.exists()
            self._known = read_state(self._ask(lambda stack: stack.export_stack()).deployment) if there else State()
        return self._known

    def open_secrets(self) -> None:
        """`pulumi config set --secret`, into a copy of the stack's settings."""

        def encrypt(stack: Any) -> None:
            with tempfile.TemporaryDirectory(prefix="azmlflow-") as folder:
                copy = Path(folder) / f"Pulumi.{self.name}.yaml"
                shutil.copyfile(self._place.folder / copy.name, copy)
                words = [
                    "config",
                    "set",
                    "--secret",
                    "--config-file",
                    str(copy),
                    "--stack",
                    self.name,
                    "tried",
                    "tried",
                ]
                stack.workspace.pulumi_command.run(words, str(self._place.folder), {})

        self._ask(encrypt)

    def up(
        self, on_change: OnChange | None = None, targets: Sequence[str] = (), *, without: Sequence[str] = ()
    ) -> Outcome:
        """`pulumi up`, without a preview before it."""
        watcher = Watcher(on_change, say=self._say)
        chosen = {"target": list(targets) or None, "exclude": list(without) or None}
        self._watch(watcher, lambda stack: stack.up(on_event=watcher, program=self._inline, **chosen))
        return watcher.outcome()

    def preview(self, on_change: OnChange | None = None) -> Outcome:
        """`pulumi preview`."""
        watcher = Watcher(on_change, planning=True, say=self._say)
        self._watch(watcher, lambda stack: stack.preview(on_event=watcher, program=self._inline))
        return watcher.outcome()

    def destroy(self, on_change: OnChange | None = None) -> Outcome:
        """`pulumi destroy`; needs no program."""
        watcher = Watcher(on_change, say=self._say)
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
        if any(told_by_azure(each.type) for each in resources) and not is_clear(self.state()):
            self._rewrite(cleared)

    def clear_pending(self) -> None:
        """Export the state, drop `pending_operations`, import it again."""

        def clear(stack: Any) -> None:
            deployment = stack.export_stack()
            deployment.deployment.pop("pending_operations", None)
            stack.import_stack(deployment)

        self._ask(clear)

    def forget(self, urns: Collection[str]) -> None:
        """Export the state, drop the resources and what points at them, import it again."""

        self._rewrite(lambda deployment: without(deployment, urns))

    def unprotect(self, urns: Collection[str]) -> None:
        """Export the state, take the protection from the resources, import it again."""
        self._rewrite(lambda deployment: unprotected(deployment, urns))

    def _rewrite(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        def rewrite(stack: Any) -> None:
            deployment = stack.export_stack()
            deployment.deployment = change(deployment.deployment)
            stack.import_stack(deployment)

        self._ask(rewrite)

    def refresh(self, urns: Collection[str]) -> None:
        """`pulumi refresh --target`."""
        self._ask(lambda stack: stack.refresh(target=sorted(urns)))

    def cancel(self) -> None:
        """`pulumi cancel`."""
        self._ask(lambda stack: stack.cancel())

    def remove(self, *, force: bool = False) -> None:
        """`pulumi stack rm --preserve-config`, with `--force` where the state is not empty."""
        also = {"force": True} if force else {}
        self._ask(lambda stack: stack.workspace.remove_stack(self.name, preserve_config=True, **also))

    @property
    def _inline(self) -> Callable[[], None] | None:
        """azmlflow's program; its own typed errors are kept, for the engine would turn them into text."""
        program = self._program
        if program is None:
            return None

        def guarded() -> None:
            try:
                program()
            except BaseException as fault:
                self._faults.append(fault)
                raise

        return guarded

    def _ask(self, question: Callable[[Any], T]) -> T:
        return self._watch(Watcher(), question)

    def _watch(self, watcher: Watcher, operation: Callable[[Any], T]) -> T:
        """Run one operation in a thread of its own, so that Ctrl-C reaches us, and we stop the engine."""
        from pulumi import RunError
        from pulumi.automation.errors import CommandError, ConcurrentUpdateError

        self._known = None
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
            mended = self._place.backend is not None
            theirs = self._inline is None
            raise failed(self.name, watcher.outcome(), str(fault), self._again, mended=mended, own=theirs) from None
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
            self._made = automation.make(self.name, self._place, self._engine(), self._on_engine, self._again)
        return self._made
