"""What the Pulumi engine does to each resource, told as plain records.

The engine's event stream (pulumi/automation/events.py) is read here and nowhere else; progress, `preview` and
`grant` know only these records. Of a step the engine says first that it begins (`resourcePreEvent`), then that its
outputs are there (`resOutputsEvent`) or that it failed (`resOpFailedEvent`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from azmlflow.cli.frame.words import Say

if TYPE_CHECKING:
    from pulumi.automation import EngineEvent

STACK_TYPE = "pulumi:pulumi:Stack"

# A secret value is an object with this key (sdk/go/common/resource: SigKey).
_SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "[secret]"
WAITING = "waiting:"  # how a provider's word of a wait begins

# Operations that change nothing in the cloud.
QUIET = frozenset({"same", "read", "refresh"})


@dataclass(frozen=True)
class Change:
    """One resource, at one moment of an operation.

    Attributes:
        urn: the resource.
        type: its Pulumi type, e.g. `azure-native:storage:StorageAccount`.
        name: its name in the program.
        operation: `create`, `update`, `delete`, `replace`, `same`, ...
        state: `running`, `done`, `failed`, or `planned` in a preview.
        seconds: how long it has taken so far, or took.
        keys: properties that differ.
        ways: the same, as far into them as the provider tells.
        inputs: the new inputs (the old ones of a deletion); secrets are masked by the engine.
        parent: URN of the component it belongs to.
        id: its id in the cloud, if it has one already.
        custom: is it a resource of a provider (else a component, which only groups)?
    """

    urn: str
    type: str
    name: str
    operation: str
    state: str
    seconds: float = 0.0
    keys: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    parent: str = ""
    id: str = ""
    custom: bool = True

    @property
    def quiet(self) -> bool:
        """Does it leave the cloud as it is?"""
        return self.operation in QUIET or not self.custom

    @property
    def kind(self) -> str:
        """The type's last word, for people: `StorageAccount`."""
        return self.type.rsplit(":", 1)[-1]


@dataclass(frozen=True)
class Diagnosis:
    """Something that the engine or a provider said about a resource: `error` or `warning`."""

    severity: str
    message: str
    urn: str = ""


@dataclass(frozen=True)
class Outcome:
    """What an operation came to.

    Attributes:
        changes: the last word on each resource, in the order in which they began.
        outputs: the stack's outputs (empty after a destroy); secrets are masked.
        diagnoses: warnings and errors.
        summary: how many resources met with each operation, components included.
        seconds: how long it took.
    """

    changes: tuple[Change, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    diagnoses: tuple[Diagnosis, ...] = ()
    summary: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def loud(self) -> tuple[Change, ...]:
        """The changes to the cloud."""
        return tuple(change for change in self.changes if not change.quiet)

    def then(self, after: Outcome) -> Outcome:
        """What this operation and one after it came to: the last word on each resource, the loudest if one is."""
        changes = {change.urn: change for change in self.changes}
        for change in after.changes:
            if change.urn not in changes or not change.quiet:
                changes[change.urn] = change
        summary: dict[str, int] = {}
        loud = {name: count for name, count in self.summary.items() if name not in QUIET}
        for name, count in (*loud.items(), *after.summary.items()):
            summary[name] = summary.get(name, 0) + count
        same = summary.pop("same", 0) - sum(loud.values())
        if same > 0:
            summary["same"] = same
        diagnoses = tuple(dict.fromkeys((*self.diagnoses, *after.diagnoses)))
        return Outcome(tuple(changes.values()), after.outputs, diagnoses, summary, self.seconds + after.seconds)


def masked(value: Any) -> Any:
    """A value without its secrets: Pulumi writes one as an object with a signature, encrypted or not."""
    if isinstance(value, Mapping):
        if _SIGNATURE in value:
            return SECRET
        return {key: masked(part) for key, part in value.items()}
    if isinstance(value, list):
        return [masked(part) for part in value]
    return value


OnChange = Callable[[Change], None]


def urn_name(urn: str) -> str:
    """The last part of a URN."""
    return urn.rsplit("::", 1)[-1] if urn else ""


class Watcher:
    """Listens to the engine's events and keeps the last word on each resource.

    Args:
        on_change: hears every change of every resource, the root stack's excepted.
        planning: is this a preview (nothing runs, everything is `planned`)?
        say: hears at once what a provider says of a wait; all else it says is told at the end.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        on_change: OnChange | None = None,
        *,
        planning: bool = False,
        say: Say = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_change, self._planning, self._say, self._clock = on_change, planning, say, clock
        self._began = clock()
        self._started: dict[str, float] = {}
        self._changes: dict[str, Change] = {}
        self._outputs: Mapping[str, Any] = {}
        self._diagnoses: list[Diagnosis] = []
        self._summary: Mapping[str, int] = {}

    def __call__(self, event: EngineEvent) -> None:
        """Take one event in."""
        if event.resource_pre_event:
            self._step(event.resource_pre_event.metadata, "planned" if self._planning else "running")
        elif event.res_outputs_event:
            self._step(event.res_outputs_event.metadata, "planned" if self._planning else "done")
        elif event.res_op_failed_event:
            self._step(event.res_op_failed_event.metadata, "failed")
        elif event.diagnostic_event:
            self._diagnose(event.diagnostic_event)
        elif event.summary_event:
            counts = event.summary_event.resource_changes
            self._summary = {str(getattr(name, "value", name)): count for name, count in counts.items()}

    def outcome(self) -> Outcome:
        """What it came to, so far."""
        return Outcome(
            tuple(self._changes.values()),
            self._outputs,
            tuple(self._diagnoses),
            self._summary,
            self._clock() - self._began,
        )

    def _step(self, metadata: Any, state: str) -> None:
        if metadata.type == STACK_TYPE:
            if metadata.new is not None and metadata.new.outputs:
                self._outputs = masked(metadata.new.outputs)
            return
        if metadata.type.startswith("pulumi:providers:"):
            return
        operation = getattr(metadata.op, "value", metadata.op)
        key = metadata.urn
        now = self._clock()
        began = self._started.setdefault(f"{key} {operation}", now)
        side = metadata.new or metadata.old
        change = Change(
            urn=metadata.urn,
            type=metadata.type,
            name=urn_name(metadata.urn),
            operation=operation,
            state=state,
            seconds=now - began,
            keys=tuple(metadata.diffs or metadata.keys or ()),
            ways=tuple(metadata.detailed_diff or ()),
            inputs=(side.inputs or {}) if side else {},
            parent=(side.parent or "") if side else "",
            id=((metadata.old.id if metadata.old else "") or (side.id if side else "") or ""),
            custom=bool(side.custom) if side else True,
        )
        # A replacement comes as several steps on one URN: a create and a delete; the loudest word is kept.
        if not (operation in QUIET and key in self._changes and not self._changes[key].quiet):
            self._changes[key] = change
        if self._on_change:
            self._on_change(change)

    def _diagnose(self, event: Any) -> None:
        message = _plain(event.message)
        if event.severity.startswith("info") and message.startswith(WAITING):
            self._say(message)
        severity = event.severity
        if severity == "info#err" and message.lower().startswith("error:"):
            severity = "error"  # Pulumi's YAML host prints what is wrong with a program, and says no more
        if severity in {"error", "warning"} and message:
            self._diagnoses.append(Diagnosis(severity, message, event.urn or ""))


def _plain(message: str) -> str:
    """The message without the engine's colour marks, `<{%fg 1%}>`."""
    out, rest = "", message
    while "<{%" in rest:
        before, _, rest = rest.partition("<{%")
        out += before
        _, _, rest = rest.partition("%}>")
    return (out + rest).strip()
