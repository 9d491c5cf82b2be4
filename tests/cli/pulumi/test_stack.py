"""The stack over the Automation API, which a stand-in plays: what is asked of the engine, told, kept and refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pulumi.automation import CommandResult, EngineEvent
from pulumi.automation.errors import CommandError, ConcurrentUpdateError

from azmlflow.cli.frame.errors import CliError, Interrupted
from azmlflow.cli.pulumi import automation
from azmlflow.cli.pulumi.automation import Place
from azmlflow.cli.pulumi.changes import Change
from azmlflow.cli.pulumi.deployment import State
from azmlflow.cli.pulumi.engine import Engine
from azmlflow.cli.pulumi.engine_stack import EngineStack
from azmlflow.cli.pulumi.stack import Import

GROUP = "azure-native:resources:ResourceGroup"
URN = f"urn:pulumi:local::azmlflow::{GROUP}::mlflow-group"
COMPONENT = "urn:pulumi:local::azmlflow::azmlflow:index:MlflowWorkspace::mlflow"


def ended(stderr: str) -> CommandResult:
    """The end of an engine that failed."""
    return CommandResult(stdout="", stderr=stderr, code=255)


def step(kind: str, operation: str) -> EngineEvent:
    side = {"type": GROUP, "urn": URN, "custom": True, "inputs": {}}
    metadata = {"op": operation, "urn": URN, "type": GROUP, "provider": "", "new": side}
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1, kind: {"metadata": metadata}})


class Api:
    """Stands for the Automation API's stack: sends events, raises what it was told to, notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.fault: BaseException | None = None
        self.workspace = self

    def _operate(self, name: str, event: str, **given: Any) -> None:
        on_event, program = given.pop("on_event"), given.pop("program", None)
        self.asked.append((name, given))
        on_event(step("resourcePreEvent", event))
        if program:
            program()
        if self.fault:
            raise self.fault
        on_event(step("resOutputsEvent", event))

    def up(self, **given: Any) -> None:
        self._operate("up", "create", **given)

    def preview(self, **given: Any) -> None:
        self._operate("preview", "create", **given)

    def destroy(self, **given: Any) -> None:
        self._operate("destroy", "delete", **given)

    def import_resources(self, **given: Any) -> None:
        self.asked.append(("import", given))

    def cancel(self) -> None:
        self.asked.append(("cancel", {}))

    def remove_stack(self, name: str, **given: Any) -> None:
        self.asked.append((f"remove {name}", given))

    def create_stack(self, name: str) -> None:
        self.asked.append((f"create {name}", {}))


class Command:
    """Stands for the engine's process."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def interrupt(self) -> None:
        self.told.append("interrupt")

    def kill(self) -> None:
        self.told.append("kill")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    made = Api()
    monkeypatch.setattr(automation, "make", lambda *_: (made, Command()))
    return made


def stack(program: Callable[[], None] = lambda: None, backend: Path | None = None) -> EngineStack:
    place = Place(Path("/project"), "azmlflow", {}, backend)
    return EngineStack("local", place, lambda: Engine(Path("/bin/pulumi"), "3.259.0", "PATH"), program)


@pytest.mark.parametrize(
    ("operation", "states"),
    [
        ("up", [("create", "running"), ("create", "done")]),
        ("preview", [("create", "planned"), ("create", "planned")]),
        ("destroy", [("delete", "running"), ("delete", "done")]),
    ],
)
def test_every_step_is_told_while_it_is_taken(api: Api, operation: str, states: list[tuple[str, str]]) -> None:
    heard: list[Change] = []
    outcome = getattr(stack(), operation)(heard.append)
    assert [(each.operation, each.state) for each in heard] == states
    assert [name for name, _ in api.asked] == [operation]
    assert outcome.changes == (heard[-1],)


def test_up_takes_targets_or_what_to_leave_out_or_neither(api: Api) -> None:
    stack().up()
    stack().up(targets=["urn::a", "urn::b"])
    stack().up(without=["urn::c"])
    assert [given for _, given in api.asked] == [
        {"target": None, "exclude": None},
        {"target": ["urn::a", "urn::b"], "exclude": None},
        {"target": None, "exclude": ["urn::c"]},
    ]


def test_the_program_runs_in_up_and_preview_and_not_in_a_destroy(api: Api) -> None:
    ran: list[str] = []
    for operation in ("up", "preview", "destroy"):
        getattr(stack(lambda: ran.append("run")), operation)()
    assert ran == ["run", "run"]


def test_the_programs_own_error_comes_out_as_it_is(api: Api) -> None:
    own = CliError("this setting is wrong", next="change it")

    def program() -> None:
        raise own

    class Wrapping(Api):
        """The engine turns a program's error into text."""

        def up(self, **given: Any) -> None:
            with pytest.raises(CliError):
                given["program"]()
            raise CommandError(ended("error: an unhandled exception"))

    api.__class__ = Wrapping
    with pytest.raises(CliError) as told:
        stack(program).up()
    assert told.value is own


def test_what_the_engine_refuses_names_the_command_that_goes_on(api: Api) -> None:
    api.fault = CommandError(ended("error: something broke\n"))
    with pytest.raises(CliError) as told:
        stack().up()
    assert told.value.what == "the Pulumi engine failed: something broke"
    assert told.value.next == "azmlflow up --stack local    (it goes on from here)"


def test_a_stack_that_another_holds(api: Api) -> None:
    api.fault = ConcurrentUpdateError(ended("the stack is locked\n  created by ana@host (pid 7) at noon\n"))
    with pytest.raises(CliError) as told:
        stack().destroy()
    assert told.value.what == "stack `local` is held by another update: created by ana@host (pid 7) at noon"


def test_a_mistake_of_ours_is_not_dressed_up(api: Api) -> None:
    api.fault = ZeroDivisionError("oops")
    with pytest.raises(ZeroDivisionError):
        stack().preview()


def test_imports_name_components_that_are_there_and_make_those_that_are_not(api: Api) -> None:
    new = COMPONENT.replace("::mlflow", "::other")
    stack().import_resources(
        [
            Import("a:b:Vault", "vault", "/id/v", COMPONENT, "3.29.0"),
            Import("a:b:Logs", "logs", "/id/l", new, new_parent=True),
            Import("a:b:Logs", "more", "/id/m", new, new_parent=True),
            Import("a:b:Group", "group", "/id/g"),
        ]
    )
    ((name, given),) = api.asked
    assert name == "import"
    assert given["resources"] == [
        {"type": "azmlflow:index:MlflowWorkspace", "name": "other", "component": True},
        {"type": "a:b:Vault", "name": "vault", "id": "/id/v", "version": "3.29.0", "parent": "parent0"},
        {"type": "a:b:Logs", "name": "logs", "id": "/id/l", "parent": "other"},
        {"type": "a:b:Logs", "name": "more", "id": "/id/m", "parent": "other"},
        {"type": "a:b:Group", "name": "group", "id": "/id/g"},
    ]
    assert given["name_table"] == {"parent0": COMPONENT}
    assert (given["protect"], given["generate_code"]) == (False, False)


def test_the_state_is_made_dropped_and_unlocked_by_name(api: Api) -> None:
    one = stack()
    one.create()
    one.cancel()
    one.remove()
    assert api.asked == [("create local", {}), ("cancel", {}), ("remove local", {"preserve_config": True})]


def test_ctrl_c_asks_the_engine_to_stop_and_the_second_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    command, joins = Command(), 0
    said: list[str] = []

    class Thread:
        """Runs on until Ctrl-C was pressed twice."""

        def __init__(self, target: Callable[[], None], **_: Any) -> None:
            self.target = target

        def start(self) -> None:
            pass

        def is_alive(self) -> bool:
            return joins < 2

        def join(self, _: float) -> None:
            nonlocal joins
            joins += 1
            raise KeyboardInterrupt

    monkeypatch.setattr(automation, "make", lambda *_: (Api(), command))
    monkeypatch.setattr("threading.Thread", Thread)
    place = Place(Path("/project"), "azmlflow", {})
    one = EngineStack("local", place, lambda: Engine(Path("/p"), "3", "PATH"), lambda: None, say=said.append)
    with pytest.raises(Interrupted):
        one.up()
    assert command.told == ["interrupt", "kill"]
    assert len(said) == 1


def test_a_state_elsewhere_is_read_once_until_the_next_operation(api: Api) -> None:
    class Kept(Api):
        """With a backend that is not ours, in which the stack is."""

        def list_stacks(self) -> list[SimpleNamespace]:
            self.asked.append(("list", {}))
            return [SimpleNamespace(name="organization/azmlflow/local")]

        def export_stack(self) -> SimpleNamespace:
            self.asked.append(("export", {}))
            return SimpleNamespace(deployment={"resources": [{"urn": URN, "type": GROUP, "custom": True}]})

    api.__class__ = Kept
    held = stack()
    assert [each.urn for each in held.state().resources] == [URN]
    assert held.state() == held.state()
    assert [name for name, _ in api.asked] == ["list", "export"]
    held.up()
    held.state()
    assert [name for name, _ in api.asked] == ["list", "export", "up", "list", "export"]


def test_in_our_own_backend_an_empty_state_is_a_file_and_no_engine_is_asked(api: Api, tmp_path: Path) -> None:
    one = stack(backend=tmp_path)
    assert not one.exists()
    one.create()
    assert one.exists()
    assert one.state() == State()
    assert (tmp_path / ".pulumi/meta.yaml").read_text() == "version: 1\n"
    assert api.asked == []
    one.create()  # as `pulumi stack init` it is refused by the engine: it is there
    assert api.asked == [("create local", {})]


def test_a_backend_whose_layout_is_older_is_the_engines(api: Api, tmp_path: Path) -> None:
    (tmp_path / ".pulumi/stacks").mkdir(parents=True)
    (tmp_path / ".pulumi/stacks/local.json").write_text("{}")
    stack(backend=tmp_path).create()
    assert api.asked == [("create local", {})]


def test_what_an_engine_needs_is_there_before_an_empty_state(api: Api, tmp_path: Path) -> None:
    """A state that stands without its passphrase is set aside by whoever comes by."""
    held: list[bool] = []

    def ready() -> Engine:
        held.append(any(tmp_path.rglob("*.json")))
        return Engine(Path("/bin/pulumi"), "3.259.0", "PATH")

    EngineStack("local", Place(Path("/project"), "azmlflow", {}, tmp_path), ready, None).create()
    assert (held, api.asked) == ([False], [])
    assert (tmp_path / ".pulumi/stacks/azmlflow/local.json").exists()
