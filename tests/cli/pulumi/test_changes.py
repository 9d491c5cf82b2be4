"""The engine's events, as it really sends them, become plain records."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.automation import EngineEvent

from azmlflow.cli.pulumi.changes import Change, Diagnosis, Outcome, Watcher, urn_name
from azmlflow.cli.pulumi.progress import line, plan_line

STACK_URN = "urn:pulumi:local::azmlflow::pulumi:pulumi:Stack::azmlflow-local"
GROUP = "azure-native:resources:ResourceGroup"
URN = f"urn:pulumi:local::azmlflow::azmlflow:index:MlflowWorkspace${GROUP}::mlflow-group"


def step(kind: str, operation: str, **more: Any) -> EngineEvent:
    metadata = {
        "op": operation,
        "urn": URN,
        "type": GROUP,
        "provider": "",
        "new": {"type": GROUP, "urn": URN, "custom": True, "parent": STACK_URN, "inputs": {"location": "westeurope"}},
        **more,
    }
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1, kind: {"metadata": metadata}})


def stack_outputs(outputs: dict[str, Any]) -> EngineEvent:
    new = {"type": "pulumi:pulumi:Stack", "urn": STACK_URN, "outputs": outputs}
    return step("resOutputsEvent", "same", urn=STACK_URN, type="pulumi:pulumi:Stack", new=new)


class Ticks:
    """A clock that moves by one second at each look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def test_a_creation_from_its_beginning_to_its_end() -> None:
    heard: list[Change] = []
    watcher = Watcher(heard.append, clock=Ticks())
    watcher(step("resourcePreEvent", "create"))
    watcher(step("resOutputsEvent", "create"))
    assert [(c.operation, c.state, c.seconds, c.kind, c.name) for c in heard] == [
        ("create", "running", 0.0, "ResourceGroup", "mlflow-group"),
        ("create", "done", 1.0, "ResourceGroup", "mlflow-group"),
    ]
    assert watcher.outcome().loud == (heard[1],)
    assert heard[1].inputs == {"location": "westeurope"}


def test_a_wait_is_told_at_once_and_is_no_diagnosis() -> None:
    said: list[str] = []
    watcher = Watcher(say=said.append)
    for text, severity in (
        ("<{%reset%}>waiting: Azure asks us to wait 60 seconds<{%reset%}>\n", "info"),
        ("of a program", "info"),
        ("waiting: for Azure", "info#err"),
    ):
        watcher(EngineEvent.from_json({"diagnosticEvent": {"message": text, "severity": severity, "color": "raw"}}))
    assert said == ["waiting: Azure asks us to wait 60 seconds", "waiting: for Azure"]
    assert watcher.outcome().diagnoses == ()


def test_a_failure_and_what_was_said_of_it() -> None:
    watcher = Watcher()
    watcher(step("resourcePreEvent", "create"))
    watcher(step("resOpFailedEvent", "create"))
    message = {"message": "<{%fg 1%}>Conflict: taken<{%reset%}>\n", "severity": "error", "urn": URN, "color": "raw"}
    watcher(EngineEvent.from_json({"diagnosticEvent": message}))
    watcher(EngineEvent.from_json({"diagnosticEvent": {"message": "noise", "severity": "debug"}}))
    outcome = watcher.outcome()
    assert outcome.changes[0].state == "failed"
    assert [(d.message, d.urn) for d in outcome.diagnoses] == [("Conflict: taken", URN)]


@pytest.mark.parametrize(
    ("message", "severities"),
    [
        ("<{%fg 1%}>Error<{%reset%}>: resource 'x' is not there\n  on Pulumi.yaml line 3", ["error"]),
        ("error: resource 'x' is not there", ["error"]),
        ("Traceback (most recent call last):", []),
    ],
)
def test_what_a_program_in_yaml_prints_of_its_errors(message: str, severities: list[str]) -> None:
    watcher = Watcher()
    event = {"message": message, "severity": "info#err", "urn": STACK_URN, "color": "raw"}
    watcher(EngineEvent.from_json({"diagnosticEvent": event}))
    assert [each.severity for each in watcher.outcome().diagnoses] == severities


def test_outputs_come_from_the_stack_with_secrets_masked() -> None:
    watcher = Watcher()
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "hush"}
    watcher(stack_outputs({"a": 1, "deep": {"list": [secret]}}))
    watcher(EngineEvent.from_json({"summaryEvent": {"resourceChanges": {"same": 3}}}))
    outcome = watcher.outcome()
    assert outcome.outputs == {"a": 1, "deep": {"list": ["[secret]"]}}
    assert outcome.summary == {"same": 3}
    assert outcome.changes == ()


def test_a_replacement_is_not_hidden_by_its_quiet_end() -> None:
    watcher = Watcher(planning=True)
    watcher(step("resourcePreEvent", "replace", diffs=["location"]))
    watcher(step("resourcePreEvent", "same"))
    change = watcher.outcome().changes[0]
    assert (change.operation, change.state, change.keys) == ("replace", "planned", ("location",))


@pytest.mark.parametrize("custom", [True, False])
def test_components_change_nothing_in_the_cloud(custom: bool) -> None:
    change = Change(URN, GROUP, "mlflow-group", "create", "done", custom=custom)
    assert change.quiet is not custom


def test_lines_for_people() -> None:
    done = Change(URN, GROUP, "mlflow-group", "create", "done", 3.2)
    assert line(done).split() == ["created", "ResourceGroup", "mlflow-group", "3.2", "s"]
    failed = Change(URN, GROUP, "mlflow-group", "create", "failed", 3.2)
    assert line(failed).split()[0] == "failed"
    planned = Change(URN, GROUP, "mlflow-group", "update", "planned", keys=("tags",))
    assert "~ change" in plan_line(planned)
    assert "[tags]" in plan_line(planned)


def test_a_name_is_what_follows_the_last_colons() -> None:
    assert urn_name(URN) == "mlflow-group"
    assert urn_name("alone") == "alone"
    assert urn_name("") == ""


def test_a_kind_is_the_types_last_word() -> None:
    assert Change("u", "Bare", "n", "create", "done").kind == "Bare"
    assert Change("u", "a:b:c:Deep", "n", "create", "done").kind == "Deep"


def test_all_that_the_engine_tells_of_a_step() -> None:
    watcher = Watcher(clock=Ticks())
    old = {"type": GROUP, "urn": URN, "custom": True, "id": "/old", "parent": "urn:old", "inputs": {"a": 1}}
    new = {"type": GROUP, "urn": URN, "custom": True, "id": "/new", "parent": STACK_URN, "inputs": {"a": 2}}
    within = {"a.b": {"diffKind": "update", "inputDiff": True}}
    watcher(step("resourcePreEvent", "update", old=old, new=new, keys=["a"], detailedDiff=within))
    assert watcher.outcome() == Outcome(
        changes=(
            Change(
                urn=URN,
                type=GROUP,
                name="mlflow-group",
                operation="update",
                state="running",
                seconds=0.0,
                keys=("a",),
                ways=("a.b",),
                inputs={"a": 2},
                parent=STACK_URN,
                id="/old",
                custom=True,
            ),
        ),
        seconds=2.0,  # the clock was looked at for the beginning, the step and the end
    )


def test_of_what_goes_the_old_side_is_told_and_of_what_comes_the_new_one() -> None:
    gone = {"type": GROUP, "urn": URN, "custom": True, "id": "/old", "parent": "urn:p", "inputs": {"a": 1}}
    made = {"type": GROUP, "urn": URN, "custom": False, "id": "/new", "parent": "", "inputs": None}
    watcher = Watcher()
    watcher(step("resourcePreEvent", "delete", old=gone, new=None))
    (change,) = watcher.outcome().changes
    assert (change.id, change.parent, change.inputs, change.custom) == ("/old", "urn:p", {"a": 1}, True)
    assert type(change.operation) is str  # as people are told it; Pulumi's own is shown otherwise from Python 3.12 on
    watcher = Watcher()
    watcher(step("resOutputsEvent", "create", old=None, new=made))
    (change,) = watcher.outcome().changes
    assert (change.id, change.parent, change.inputs, change.custom) == ("/new", "", {}, False)
    assert (change.keys, change.ways) == ((), ())


def test_of_a_step_without_sides_nothing_is_made_up() -> None:
    watcher = Watcher()
    watcher(step("resourcePreEvent", "create", old=None, new=None))
    (change,) = watcher.outcome().changes
    assert (change.id, change.parent, change.inputs, change.custom) == ("", "", {}, True)


def test_of_a_step_that_has_no_id_yet_none_is_told() -> None:
    watcher = Watcher()
    watcher(step("resourcePreEvent", "create", old={"type": GROUP, "urn": URN, "custom": True}))
    assert watcher.outcome().changes[0].id == ""


def test_providers_are_no_changes_and_a_first_quiet_word_is_kept() -> None:
    heard: list[Change] = []
    watcher = Watcher(heard.append)
    watcher(step("resourcePreEvent", "create", type="pulumi:providers:azure-native"))
    assert heard == []
    watcher(step("resourcePreEvent", "same"))
    assert [each.operation for each in watcher.outcome().changes] == ["same"]
    watcher(step("resourcePreEvent", "update"))
    assert [each.operation for each in watcher.outcome().changes] == ["update"]


def test_a_stack_that_says_nothing_of_its_outputs_keeps_what_it_said() -> None:
    watcher = Watcher()
    watcher(stack_outputs({"a": 1}))
    watcher(stack_outputs({}))
    watcher(step("resOutputsEvent", "same", urn=STACK_URN, type="pulumi:pulumi:Stack", new=None))
    assert watcher.outcome().outputs == {"a": 1}


@pytest.mark.parametrize(
    ("severity", "message", "kept"),
    [
        ("warning", "beware", [Diagnosis("warning", "beware")]),
        ("error", "  \n", []),
        ("info", "error: not of a host of programs", []),
        ("error", "waiting: for nobody", [Diagnosis("error", "waiting: for nobody")]),
        ("warning", "<{%fg 1%}>one<{%reset%}> two <{%bold%}>three", [Diagnosis("warning", "one two three")]),
    ],
)
def test_what_is_kept_of_what_is_said(severity: str, message: str, kept: list[Diagnosis]) -> None:
    said: list[str] = []
    watcher = Watcher(say=said.append)
    watcher(EngineEvent.from_json({"diagnosticEvent": {"message": message, "severity": severity, "color": "raw"}}))
    assert list(watcher.outcome().diagnoses) == kept
    assert said == []


def _said(urn: str, operation: str, state: str = "done") -> Change:
    return Change(urn, GROUP, urn, operation, state)


def test_two_operations_come_to_the_loudest_last_word_on_each_resource() -> None:
    beware, again = Diagnosis("warning", "beware"), Diagnosis("warning", "again")
    first = Outcome(
        (_said("made", "create"), _said("kept", "same"), _said("changed", "update")),
        {"old": 1},
        (beware,),
        {"create": 1, "same": 5, "update": 1, "read": 7},
        2.0,
    )
    after = Outcome(
        (_said("made", "same"), _said("kept", "same", "running"), _said("changed", "delete"), _said("new", "read")),
        {"new": 2},
        (beware, again),
        {"same": 6, "delete": 1, "create": 2},
        3.5,
    )
    both = first.then(after)
    assert both.changes == (
        _said("made", "create"),
        _said("kept", "same"),
        _said("changed", "delete"),
        _said("new", "read"),
    )
    assert both.outputs == {"new": 2}
    assert both.diagnoses == (beware, again)
    # Two of the six that the second left as they were are what the first had made and changed.
    assert both.summary == {"create": 3, "update": 1, "delete": 1, "same": 4}
    assert both.seconds == 5.5
    assert [each.urn for each in both.loud] == ["made", "changed"]


@pytest.mark.parametrize(("same", "left"), [({}, {}), ({"same": 2}, {}), ({"same": 3}, {"same": 1})])
def test_what_both_operations_left_as_it_was_is_counted_once(same: dict[str, int], left: dict[str, int]) -> None:
    assert Outcome(summary={"create": 2}).then(Outcome(summary=same)).summary == {"create": 2, **left}
    assert Outcome().then(Outcome()).summary == {}


def test_operations_that_people_have_no_word_for_are_told_in_the_engines() -> None:
    odd = Change(URN, GROUP, "mlflow-group", "import-replacement", "done", 1.0)
    assert line(odd).split()[0] == "import-replacement"
    assert plan_line(Change(URN, GROUP, "n", "import", "planned")).split()[:3] == ["?", "import", "ResourceGroup"]


def test_a_planned_replacement_is_one_line_in_its_colour_with_all_that_differs() -> None:
    text = plan_line(Change(URN, GROUP, "n", "create-replacement", "planned", keys=("a", "b")))
    assert text.startswith("\x1b[35m")  # magenta
    assert text.removeprefix("\x1b[35m").removesuffix("\x1b[0m").rstrip().endswith("ResourceGroup        n  [a, b]")
    assert "± replace" in text
    plain = plan_line(Change(URN, GROUP, "n", "create", "planned"))
    assert plain.removesuffix("\x1b[0m").endswith("ResourceGroup        n")
