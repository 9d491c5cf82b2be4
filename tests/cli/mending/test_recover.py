"""What a dead engine or a lost answer left is mended, and nothing that isn't ours is touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.mending import recover
from azmlflow.cli.project.hold import Note, hold
from azmlflow.cli.pulumi import processes
from azmlflow.cli.pulumi.deployment import Pending, Resource, State
from azmlflow.infra.plan.identifiers import planned
from azmlflow.infra.plan.tags import ownership
from azmlflow.infra.settings.settings import Settings
from tests.cli.desk import GROUP_ID, SUBSCRIPTION, Desk, FakeStack
from tests.waits import bounded

DEAD = 2**22 + 1  # above every process id of Linux and macOS
TAGS = ownership("azmlflow", "local")


def lock(backend: Path, pid: int, host: str) -> None:
    folder = backend / ".pulumi" / "locks" / "organization" / "azmlflow" / "local"
    folder.mkdir(parents=True)
    document = {"pid": pid, "username": "u", "hostname": host, "timestamp": "2026-01-01T00:00:00Z"}
    (folder / "0.json").write_text(json.dumps(document))


def test_the_lock_of_a_dead_process_is_dropped(tmp_path: Path) -> None:
    lock(tmp_path, 4711, "here")
    stack = FakeStack()
    said: list[str] = []
    found = recover.locks(tmp_path, "azmlflow", "local")
    recover.check_dead("local", found, alive=lambda _: False, host="here")
    recover.drop_dead_locks(stack, found, said.append)
    assert stack.calls == ["cancel"]
    assert "4711" in said[0]


@pytest.mark.parametrize(("host", "alive"), [("here", True), ("elsewhere", False)])
def test_a_lock_that_may_be_alive_is_named_and_left(tmp_path: Path, host: str, alive: bool) -> None:
    lock(tmp_path, 4711, host)
    found = recover.locks(tmp_path, "azmlflow", "local")
    with pytest.raises(CliError, match=r"held by .*4711.*since 2026-01-01"):
        recover.check_dead("local", found, alive=lambda _: alive, host="here")


def test_files_that_were_half_written_go_and_whole_ones_stay(tmp_path: Path) -> None:
    folder = tmp_path / ".pulumi" / "stacks" / "azmlflow"
    folder.mkdir(parents=True)
    whole = {"local.json": "{}", "local.json.attrs": '{"user.metadata": null}', "local.json.bak": "{}"}
    torn = {"local.json.bak.attrs": "", "prod.json.attrs": '{"user.cac', "local.json.18ab9c.tmp": '{"versi'}
    for name, text in {**whole, **torn}.items():
        (folder / name).write_text(text)
    recover.drop_torn_files(tmp_path)
    assert {path.name for path in folder.iterdir()} == set(whole)
    recover.drop_torn_files(tmp_path / "nowhere")


def test_only_a_sign_of_trouble_has_files_looked_at(desk: Desk) -> None:
    desk.settings()
    desk.stand()
    torn = desk.project.backend / ".pulumi" / "stacks" / "azmlflow" / "local.json.attrs"
    torn.parent.mkdir(parents=True, exist_ok=True)
    torn.touch()
    assert desk.run("up").code == 0
    assert torn.exists()
    with hold(desk.project, "local", "azmlflow up") as holder:
        holder.engine(DEAD)
    assert desk.run("up").code == 0
    assert not torn.exists()


def test_no_lock_costs_nothing(tmp_path: Path) -> None:
    stack = FakeStack()
    recover.drop_dead_locks(stack, recover.locks(tmp_path, "azmlflow", "local"), lambda _: None)
    assert stack.calls == []


def test_a_leftover_engine_ends_with_its_plugins() -> None:
    script = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
    script += " process_group=0); print('up', flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", script, "pulumi"], start_new_session=True, stdout=subprocess.PIPE, text=True
    ) as engine:
        assert engine.stdout is not None
        with bounded(engine):
            engine.stdout.readline()
        members = processes.session_members(engine.pid)
        assert len(members) == 2
        said: list[str] = []
        # The engine itself is gone, as after kill -9; its plugin, in a process group of its own, is not.
        engine.send_signal(signal.SIGKILL)
        engine.wait(10)
        recover.end_leftovers(Note(1, "azmlflow up", "2026-01-01T00:00:00+00:00", engine.pid), said.append)
    assert not processes.session_members(engine.pid)
    assert "1 process that `azmlflow up`" in said[0]


def test_another_programs_session_is_left_alone() -> None:
    said: list[str] = []
    recover.end_leftovers(Note(1, "azmlflow up", "", os.getsid(0)), said.append)
    recover.end_leftovers(Note(1, "azmlflow up", "", 0), said.append)
    recover.end_leftovers(None, said.append)
    assert said == []
    assert processes.alive(os.getpid())
    assert not processes.alive(0)


def test_up_without_a_sign_of_trouble_looks_for_nothing(desk: Desk) -> None:
    desk.settings()
    desk.stand()
    assert desk.run("up").code == 0
    assert desk.stack.calls == ["up"]
    assert desk.arm.calls == []


def plans() -> dict[str, str]:
    settings = Settings.from_mapping({"azmlflow:cloud": "local"})
    names = settings.names("local", SUBSCRIPTION)
    return {plan.name: plan.id for plan in planned(names, SUBSCRIPTION)}


def test_up_after_a_death_takes_over_what_is_ours(desk: Desk) -> None:
    desk.settings()
    ids = plans()
    with hold(desk.project, "local", "azmlflow up") as holder:
        holder.engine(DEAD)
    component = Resource("urn:pulumi:local::azmlflow::azmlflow:index:MlflowWorkspace::mlflow", "c:c:C")
    desk.stack.there = True
    desk.stack.held = State((), (component,), {}, (Pending(Resource("urn:x", "t:t:T"), "creating"),))
    desk.arm.put(ids["mlflow-group"], tags=TAGS)
    desk.arm.put(ids["mlflow-vault"], tags=TAGS)
    done = desk.run("up")
    assert done.code == 0
    assert desk.stack.calls == ["clear", "import", "up"]
    assert [(entry.name, entry.id, entry.parent, entry.new_parent) for entry in desk.stack.imported] == [
        ("mlflow-group", ids["mlflow-group"], component.urn, False),
        ("mlflow-vault", ids["mlflow-vault"], component.urn, False),
    ]
    assert all(entry.version for entry in desk.stack.imported)
    assert "taking over resource group" in done.err
    desk.stack.calls.clear()
    assert desk.run("up").code == 0
    assert desk.stack.calls == ["up"]


@pytest.mark.parametrize("tags", [{}, ownership("azmlflow", "other"), None])
def test_something_that_is_not_ours_is_named_and_left(desk: Desk, tags: object) -> None:
    desk.settings()
    with hold(desk.project, "local", "azmlflow up") as holder:
        holder.engine(DEAD)
    desk.stack.there = True
    desk.arm.put(plans()["mlflow-group"], tags=tags)
    done = desk.run("up")
    assert done.code == 1
    assert "exists already, and is not this stack's" in done.err
    assert "azmlflow:salt" in done.err
    assert desk.stack.calls == []
    assert desk.arm.calls == []
    assert GROUP_ID.rsplit("/", 1)[0] in done.err


def test_a_state_that_was_lost_is_made_anew_from_what_stands(desk: Desk) -> None:
    desk.settings()
    ids = plans()
    for name in ("mlflow-group", "mlflow-storage"):
        desk.arm.put(ids[name], tags=TAGS)
    assert desk.run("up").code == 0
    assert desk.stack.calls == ["create", "import", "up"]
    assert [(entry.name, entry.new_parent) for entry in desk.stack.imported] == [
        ("mlflow-group", True),
        ("mlflow-storage", True),
    ]


def test_on_azure_a_state_that_seems_to_be_elsewhere_is_asked_about(desk: Desk) -> None:
    desk.settings("prod", f"config:\n  azmlflow:cloud: azure\n  azure-native:subscriptionId: {SUBSCRIPTION}\n")
    names = Settings.from_mapping({}).names("prod", SUBSCRIPTION)
    group = next(plan.id for plan in planned(names, SUBSCRIPTION) if plan.name == "mlflow-group")
    desk.arm.put(group, tags=ownership("azmlflow", "prod"))
    done = desk.run("up", "--stack", "prod")
    assert (done.code, desk.stack.calls) == (1, ["create", "remove"])
    assert f"its resources stand: resource group `{names.resource_group}`" in done.err
    assert "pulumi login" in done.err
    assert desk.run("up", "--stack", "prod").code == 1, "asked again"
    desk.stack.calls.clear()
    assert desk.run("up", "--stack", "prod", "--yes").code == 0
    assert desk.stack.calls == ["create", "import", "up"]
