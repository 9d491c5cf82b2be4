"""The engine's events, as it really sends them, become plain records."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.automation import EngineEvent

from azmlflow.cli.pulumi.changes import Change, Watcher
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
    for text in ("<{%reset%}>waiting: Azure asks us to wait 60 seconds<{%reset%}>\n", "of a program"):
        watcher(EngineEvent.from_json({"diagnosticEvent": {"message": text, "severity": "info", "color": "raw"}}))
    assert said == ["waiting: Azure asks us to wait 60 seconds"]
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
