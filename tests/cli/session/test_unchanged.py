"""When an `up`, or a preview, does without the engine; in whatever doubt, it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from azmlflow.cli.pulumi.changes import Outcome
from azmlflow.cli.pulumi.deployment import Pending, Resource, State, Written
from azmlflow.cli.session import unchanged
from azmlflow.cli.session.invocation import Invocation
from azmlflow.cli.session.session import open_session
from azmlflow.infra import replay
from tests.cli.desk import GROUP_ID, OUTPUTS, SUBSCRIPTION, Desk

SETTINGS = "config:\n  azmlflow:cloud: local\nencryptionsalt: v1:salt\n"
GROUP = Resource("urn:pulumi:local::azmlflow::t::mlflow-group", "t", GROUP_ID, {"location": "westeurope"})
ENTRIES: tuple[dict[str, Any], ...] = (
    {"urn": "p", "type": "pulumi:providers:azure-native", "custom": True},
    {"urn": "s", "type": "pulumi:pulumi:Stack"},
    {"urn": GROUP.urn, "type": "t", "custom": True},
)
STATE = State((GROUP,), (), OUTPUTS, (), Written(ENTRIES, "v1:salt"))


def outcome(desk: Desk, state: State = STATE, settings: str = SETTINGS, stack: str = "local") -> Outcome | None:
    desk.settings(stack, settings)
    session = open_session(Invocation(connect=desk.connect, stack=stack))
    return unchanged.outcome(session, state)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A program that is what the state has; how it was asked."""
    calls: list[Any] = []

    def differences(*words: Any, **more: Any) -> tuple[str, ...]:
        calls.append((words, more))
        return ()

    monkeypatch.setattr(replay, "differences", differences)
    return calls


def test_what_an_engine_would_have_told(desk: Desk, asked: list[Any]) -> None:
    found = outcome(desk)
    assert found is not None
    assert (found.summary, found.outputs, found.loud) == ({"same": 2}, OUTPUTS, ())  # a provider is nobody's resource
    assert [(each.urn, each.operation, each.custom, each.inputs) for each in found.changes] == [
        (GROUP.urn, "same", True, {"location": "westeurope"})
    ]
    ((config, entries), more) = asked[0]
    assert (config, entries) == ({"azmlflow:cloud": "local"}, ENTRIES)
    assert more == {
        "project": "azmlflow",
        "stack": "local",
        "subscription": SUBSCRIPTION,
        "tenant": "10ca1000-0000-4000-8000-000000000001",
    }


def test_a_program_that_differs_or_fails_is_the_engines(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "differences", lambda *_, **__: ("the group differs",))
    assert outcome(desk) is None

    def fails(*_: Any, **__: Any) -> tuple[str, ...]:
        raise ValueError

    monkeypatch.setattr(replay, "differences", fails)
    assert outcome(desk) is None


@pytest.mark.parametrize(
    "state",
    [
        replace(STATE, written=None),  # another backend's, or of a form that is not known
        replace(STATE, written=Written(ENTRIES, "v1:another")),
        replace(STATE, pending=(Pending(GROUP, "updating"),)),
        State(),
    ],
)
def test_a_state_that_is_in_doubt_is_the_engines(desk: Desk, asked: list[Any], state: State) -> None:
    assert outcome(desk, state) is None
    assert asked == []


@pytest.mark.parametrize(
    "more",
    [
        "secretsprovider: passphrase\n",
        "encryptedkey: AAAA\n",
        "environment: [prod]\n",
        "x: {}\n",
    ],
)
def test_more_in_a_stacks_file_is_the_engines(desk: Desk, asked: list[Any], more: str) -> None:
    assert outcome(desk, settings=SETTINGS + more) is None
    assert asked == []


@pytest.mark.parametrize(
    "config",
    [
        "pulumi:autonaming: {mode: verbatim}",
        "pulumi:disable-default-providers: ['*']",
        "other:word: x",
        "azmlflow:tags: {secure: 'v1:x'}",
    ],
)
def test_a_setting_of_the_engine_or_of_nobody_we_know_is_the_engines(desk: Desk, asked: list[Any], config: str) -> None:
    assert outcome(desk, settings=SETTINGS.replace("encryptionsalt", f"  {config}\nencryptionsalt")) is None
    assert asked == []


@pytest.mark.parametrize(
    "more",
    ["options: {refresh: always}", "plugins: {}", "config: {azmlflow:prefix: x}", "packages: {}", "backend: {url: x}"],
)
def test_more_in_pulumi_yaml_is_the_engines(desk: Desk, asked: list[Any], more: str) -> None:
    path = desk.root / "Pulumi.yaml"
    path.write_text(f"{path.read_text()}{more}\n")
    assert outcome(desk) is None
    assert asked == []


def test_a_program_of_its_users_is_the_engines(desk: Desk, asked: list[Any]) -> None:
    (desk.root / "infra").mkdir()
    (desk.root / "infra" / "__main__.py").write_text("print('mine')\n")
    assert outcome(desk) is None
    assert asked == []


def test_a_stack_on_azure_is_the_engines(desk: Desk, asked: list[Any]) -> None:
    assert outcome(desk, settings="config: {}\nencryptionsalt: v1:salt\n", stack="prod") is None
    assert asked == []


@pytest.mark.parametrize(
    "variable",
    [
        "AZMLFLOW_AZURE_NATIVE",
        "PULUMI_OPTION_REFRESH",
        "PULUMI_OPTION_TARGET",
        "PULUMI_OPTION_POLICY_PACK",
        "PULUMI_RUN_PROGRAM",
        "PULUMI_DEBUG_PROVIDERS",
        "PULUMI_WHATEVER_COMES",
    ],
)
def test_a_variable_that_the_engine_reads_is_the_engines(desk: Desk, asked: list[Any], variable: str) -> None:
    desk.environment[variable] = "x"
    assert outcome(desk) is None
    assert asked == []


@pytest.mark.parametrize(("words", "engine"), [(("up",), "up"), (("preview",), "preview")])
@pytest.mark.parametrize("same", [True, False])
def test_commands_ask_before_the_engine(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], engine: str, *, same: bool
) -> None:
    found = Outcome((), OUTPUTS, (), {"same": 2}, 0.1) if same else None
    monkeypatch.setattr(unchanged, "outcome", lambda *_: found)
    desk.settings(text=SETTINGS)
    desk.stand_whole()
    done = desk.run(*words, "-o", "json")
    assert desk.stack.calls == ([] if same else [engine])
    assert done.json()["changes"] == ({"same": 2} if same else {"same": 9})
