"""What a dead engine or a lost answer left is mended, and nothing that isn't ours is touched."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.mending import recover
from azmlflow.cli.project.hold import Note, hold
from azmlflow.cli.pulumi import processes
from azmlflow.cli.pulumi.deployment import Pending, Resource, State
from azmlflow.infra.plan.identifiers import Place
from azmlflow.infra.plan.tags import ownership
from azmlflow.infra.rehearsal import Declared, rehearse
from azmlflow.infra.settings.settings import Settings
from azmlflow.rbac.grants import Grant
from tests.cli.desk import ALICE, GROUP_ID, SUBSCRIPTION, Desk, FakeArm, FakeStack
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
    # The plugin says that it is up: before its first instruction Linux shows no words of it.
    script = "import subprocess, sys, time; plugin = 'import time; print(1, flush=True); time.sleep(60)'; "
    script += "subprocess.Popen([sys.executable, '-c', plugin, 'pulumi-resource-x'], process_group=0); time.sleep(60)"
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
        engine.wait(60)
        recover.end_leftovers(Note(1, "azmlflow up", "2026-01-01T00:00:00+00:00", engine.pid), said.append)
    assert not processes.session_members(engine.pid)
    assert "1 process that `azmlflow up`" in said[0]


def test_another_programs_session_is_left_alone() -> None:
    """Process ids come again: what has the engine's by now is not an engine."""
    said: list[str] = []
    with subprocess.Popen([sys.executable, "-c", "input()"], start_new_session=True, stdin=subprocess.PIPE) as other:
        recover.end_leftovers(Note(1, "azmlflow up", "", other.pid), said.append)
        assert processes.alive(other.pid)
        other.communicate(b"\n")
    recover.end_leftovers(Note(1, "azmlflow up", "", os.getsid(0)), said.append)
    recover.end_leftovers(Note(1, "azmlflow up", "", 0), said.append)
    recover.end_leftovers(None, said.append)
    assert said == []
    assert processes.alive(os.getpid())
    assert not processes.alive(0)


def test_a_program_that_just_begins_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between a fork and its program's first instruction Linux shows no words of it."""
    said: list[str] = []
    monkeypatch.setattr(processes, "command_of", lambda _: "")
    with subprocess.Popen([sys.executable, "-c", "input()"], start_new_session=True, stdin=subprocess.PIPE) as other:
        recover.end_leftovers(Note(1, "azmlflow up", "", other.pid), said.append)
        other.communicate(b"\n")
    assert (said, other.returncode) == ([], 0)


def test_what_a_dead_leader_of_anothers_session_left_is_left_alone() -> None:
    """The engine's id was given to a program of the user's, which has ended and left others at work."""
    script = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'input()']).pid, flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", script], start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as leader:
        assert leader.stdout is not None
        assert leader.stdin is not None
        left = int(leader.stdout.readline())
        leader.wait(60)
        said: list[str] = []
        recover.end_leftovers(Note(1, "azmlflow up", "", leader.pid), said.append)
        assert said == []
        assert processes.alive(left)
        leader.stdin.close()  # which ends it


def test_the_lock_of_an_engine_whose_number_is_another_programs_by_now_is_a_dead_ones(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        lock(tmp_path, other.pid, socket.gethostname())
        recover.check_dead("local", recover.locks(tmp_path, "azmlflow", "local"))
        other.communicate(b"\n")
    words = [sys.executable, "-c", "print(flush=True); input()", "pulumi"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as engine:
        assert engine.stdout is not None
        engine.stdout.readline()  # one that just begins has no words yet
        with pytest.raises(CliError, match=f"held by pulumi .pid {engine.pid}"):
            recover.check_dead("local", (recover.Lock(tmp_path, engine.pid, socket.gethostname(), ""),))
        engine.communicate(b"\n")


@pytest.mark.parametrize("number", [-1, 0, 2**70])
def test_a_number_that_is_no_processs_is_nobodys(number: int) -> None:
    assert not processes.alive(number)
    assert not processes.is_engine(number)
    recover.end_leftovers(Note(1, "azmlflow up", "", number), pytest.fail)


@pytest.mark.parametrize(("count", "told"), [(1, "1 process that"), (3, "3 processes that")])
def test_how_many_were_left_is_told(monkeypatch: pytest.MonkeyPatch, count: int, told: str) -> None:
    said: list[str] = []
    monkeypatch.setattr(processes, "alive", lambda pid: pid == 4711)
    monkeypatch.setattr(processes, "is_engine", lambda pid: pid == 4711)
    monkeypatch.setattr(processes, "end_session", lambda pid: count if pid == 4711 else 0)
    recover.end_leftovers(Note(1, "azmlflow up", "2026-01-01T00:00:00+00:00", 4711), said.append)
    assert len(said) == 1
    assert said[0].startswith(f"ended {told} `azmlflow up`")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{"pid": 7, "hostname": "h", "timestamp": "t"}', (7, "h", "t")),
        ('{"pid": null, "hostname": null, "timestamp": null}', (0, None, "")),
        ("{}", (0, None, "")),
        ("[]", (0, None, "")),
        ("null", (0, None, "")),
        ('{"pid": "abc", "hostname": "h"}', (0, None, "")),
        ('{"pid": 1e400, "hostname": "h"}', (0, None, "")),
        ('{"pid": 7', (0, None, "")),  # torn by a crash: nobody can hold it
        ("", (0, None, "")),
    ],
)
def test_a_lock_as_it_is_written(tmp_path: Path, text: str, read: tuple[int, str | None, str]) -> None:
    lock(tmp_path, 1, "x")
    folder = tmp_path / ".pulumi" / "locks" / "organization" / "azmlflow" / "local"
    (folder / "0.json").write_text(text)
    (folder / "0.txt").write_text(text)
    (found,) = recover.locks(tmp_path, "azmlflow", "local")
    assert (found.pid, found.host, found.since) == (read[0], read[1] or socket.gethostname(), read[2])
    assert found.path == folder / "0.json"
    assert recover.locks(tmp_path, "azmlflow", "other") == ()


@pytest.mark.parametrize(
    ("host", "alive", "what", "next_"),
    [
        ("here", True, "held by pulumi (pid 4711), since 2026-01-01T00:00:00Z", "wait for it to end: ps -p 4711"),
        (
            "elsewhere",
            False,
            "held by pid 4711 on elsewhere, since 2026-01-01T00:00:00Z",
            "ask there; if it is dead: "
            '(eval "$(azmlflow env --engine --stack local)" && pulumi cancel --yes --stack local)',
        ),
    ],
)
def test_who_holds_it_is_said_whole(tmp_path: Path, host: str, alive: bool, what: str, next_: str) -> None:
    lock(tmp_path, 4711, host)
    found = recover.locks(tmp_path, "azmlflow", "local")
    asked: list[int] = []
    with pytest.raises(CliError) as told:
        recover.check_dead("local", found, alive=lambda pid: asked.append(pid) or alive, host="here")  # type: ignore[func-returns-value]
    assert (told.value.what, told.value.next) == (f"stack `local` is {what}", next_)
    assert told.value.where == str(found[0].path)
    assert asked == ([4711] if host == "here" else [])


def test_this_machine_is_the_one_that_is_meant(tmp_path: Path) -> None:
    lock(tmp_path, DEAD, socket.gethostname())
    found = recover.locks(tmp_path, "azmlflow", "local")
    recover.check_dead("local", found)
    with pytest.raises(CliError, match="held by pulumi"):
        recover.check_dead("local", found, alive=lambda _: True)


def test_up_without_a_sign_of_trouble_looks_for_nothing(desk: Desk) -> None:
    desk.settings()
    desk.stand()
    assert desk.run("up").code == 0
    assert desk.stack.calls == ["up"]
    assert desk.arm.calls == []


def plan(stack: str = "local", **settings: object) -> tuple[Declared, ...]:
    config = {f"azmlflow:{key}": value for key, value in settings.items()}
    return rehearse(config, project="azmlflow", stack=stack, subscription=SUBSCRIPTION, tenant="")


def wanted() -> list[recover.Wanted]:
    return [recover.Wanted(each.type, each.name, each.id, each.urn, each.parent) for each in plan()]


def plans() -> dict[str, str]:
    return {each.name: each.id for each in plan()}


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


def test_what_a_dead_up_left_is_looked_for_and_said(desk: Desk) -> None:
    desk.settings()
    with hold(desk.project, "local", "azmlflow grant") as holder:
        holder.engine(DEAD)
    desk.stand()
    done = desk.run("up")
    assert done.code == 0
    assert "did not come to its end: looking for what it left" in done.err
    assert "`azmlflow grant`" in done.err
    assert desk.stack.calls == ["up"]  # nothing was left


def test_everything_planned_is_asked_for_by_its_kind_and_what_bears_no_tags_is_ours_by_its_words(desk: Desk) -> None:
    """A cluster bears tags; roles and assignments bear none, but a name that only this stack computes, and a word."""
    grant = f"{{principalId: {ALICE.id}, principalType: User, persona: viewer}}"
    desk.settings(
        text="config:\n  azmlflow:cloud: local\n  azmlflow:clusters:\n  - {name: cpu}\n"
        f"  azmlflow:grants:\n  - {grant}\n"
    )
    with hold(desk.project, "local", "azmlflow up") as holder:
        holder.engine(DEAD)
    desk.stack.there = True
    plan_ = plan(
        clusters=[{"name": "cpu"}],
        grants=[{"principalId": ALICE.id, "principalType": "User", "persona": "viewer"}],
    )
    for each in plan_:
        said = {"properties": {"description": each.inputs.get("description")}}
        desk.arm.put(each.id, **(said if "authorization" in each.type else {"tags": TAGS}))
    assert desk.run("up").code == 0
    imported = {(entry.type, entry.name, entry.id, entry.parent) for entry in desk.stack.imported}
    assert imported == {(each.type, each.name, each.id, each.parent) for each in plan_}
    assert len(desk.stack.imported) == len(plan_) == 9


def test_a_cluster_that_bears_no_tag_of_ours_stops_up(desk: Desk) -> None:
    desk.settings(text="config:\n  azmlflow:cloud: local\n  azmlflow:clusters:\n  - {name: cpu}\n")
    with hold(desk.project, "local", "azmlflow up") as holder:
        holder.engine(DEAD)
    desk.stack.there = True
    desk.arm.put(plans()["mlflow-group"], tags=TAGS)
    desk.arm.put(f"{plans()['mlflow-workspace']}/computes/cpu", tags={})
    done = desk.run("up")
    assert done.code == 1
    assert "compute `cpu` exists already, and is not this stack's (no tag of ours)" in done.err
    assert "choose another name, or another azmlflow:salt, in Pulumi.local.yaml" in done.err


def take_over(stack: FakeStack, arm: FakeArm) -> tuple[list[str], list[str]]:
    """What is said, and what ARM is asked for, when planned resources are looked for."""
    said: list[str] = []
    asked: list[str] = []
    get = arm.get

    def asking(path: str) -> dict[str, Any] | None:
        asked.append(path)
        return get(path)

    arm.get = asking  # type: ignore[method-assign]
    recover.take_over(
        stack,
        arm.open(),
        wanted(),
        version="3",
        owned=lambda tags: tags == TAGS,
        owner="azmlflow stack local of project azmlflow",
        say=said.append,
    )
    return said, asked


def test_what_the_state_has_is_not_asked_for() -> None:
    group, *others = plan()
    stack = FakeStack(held=State((Resource(group.urn, group.type, group.id),)))
    said, asked = take_over(stack, FakeArm())
    assert (said, sorted(asked)) == ([], sorted(each.id for each in others))
    assert stack.calls == []


def test_without_the_group_nothing_of_the_rest_can_be_there() -> None:
    arm = FakeArm()
    arm.put(plans()["mlflow-vault"], tags=TAGS)
    said, asked = take_over(FakeStack(), arm)
    assert (said, asked) == ([], [plans()["mlflow-group"]])


def test_what_is_taken_over_is_said() -> None:
    arm = FakeArm()
    arm.put(plans()["mlflow-group"], tags=TAGS)
    stack = FakeStack()
    said, _ = take_over(stack, arm)
    assert said == ["taking over resource group `rg-mlflow-local`, which stands and is not in the state"]
    assert [(each.version, each.new_parent) for each in stack.imported] == [("3", True)]


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
    group = next(each.id for each in plan("prod") if each.name == "mlflow-group")
    desk.arm.put(group, tags=ownership("azmlflow", "prod"))
    done = desk.run("up", "--stack", "prod")
    assert (done.code, desk.stack.calls) == (1, ["create", "remove"])
    assert f"its resources stand: resource group `{names.resource_group}`" in done.err
    assert "export PULUMI_BACKEND_URL=" in done.err
    assert desk.run("up", "--stack", "prod").code == 1, "asked again"
    desk.stack.calls.clear()
    assert desk.run("up", "--stack", "prod", "--yes").code == 0
    assert desk.stack.calls == ["create", "import", "up"]


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("Persona viewer, azmlflow stack local of project azmlflow", True),
        ("Why it was made once, azmlflow stack local of project azmlflow", True),
        ("Persona viewer, azmlflow stack prod of project azmlflow", False),
        ("Persona viewer, azmlflow stack prod-azmlflow stack local of project theirs", False),
        ("", False),
    ],
)
def test_a_role_assignment_is_taken_over_only_where_it_says_that_it_is_ours(desk: Desk, said: str, taken: bool) -> None:
    """It has no tags; on what two stacks share both call the same one by the same name."""
    grant = {"principalId": ALICE.id, "principalType": "User", "persona": "viewer"}
    desk.settings(text=yaml.safe_dump({"config": {"azmlflow:cloud": "local", "azmlflow:grants": [grant]}}))
    desk.arm.put(GROUP_ID, tags=TAGS)
    place = Place(SUBSCRIPTION, GROUP_ID.rpartition("/")[2], "mlw-mlflow-local")
    id_ = place.assignment(Grant(ALICE.id, "User", "", "viewer")).id
    desk.arm.put(id_, properties={"description": said})
    done = desk.run("up", "--yes")
    assert (done.code == 0) is taken, done.err
    assert (id_ in [each.id for each in desk.stack.imported]) is taken
    if not taken:
        assert f"and is not this stack's: it says `{said}`" in " ".join(done.err.split())
        assert f"az role assignment delete --ids {id_}" in done.err.replace("\n", "").replace(" " * 6, "")


SHARED = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers/Microsoft.Storage/storageAccounts/stshared"
ANOTHERS = "Artifacts of a workspace with identity-based storage, azmlflow stack first of project azmlflow"


def second(desk: Desk, *lines: str) -> list[Declared]:
    """A stack that comes to an account on which another stack gave the roles; those of its program on it."""
    person = f"{{principalId: {ALICE.id}, principalType: User, persona: viewer}}"
    given = (f"storage: {SHARED}", "storageAuth: identity", f"grants: [{person}]", *lines)
    path = desk.settings(
        text="".join(["config:\n  azmlflow:cloud: local\n", *(f"  azmlflow:{each}\n" for each in given)])
    )
    config = yaml.safe_load(path.read_text())["config"]
    every = rehearse(config, project="azmlflow", stack="local", subscription=SUBSCRIPTION, tenant="t1")
    return [each for each in every if each.id.startswith(SHARED)]


def test_the_first_up_relies_on_the_roles_of_people_that_another_stack_gave_on_a_shared_account(desk: Desk) -> None:
    """Azure has one assignment for both: the engine could not make a second, and the first is not ours to delete."""
    desk.arm.put(SHARED, type="Microsoft.Storage/storageAccounts", properties={"isHnsEnabled": False}, kind="StorageV2")
    roles = second(desk)
    assert len(roles) == 2
    for each in roles:
        desk.arm.put(
            each.id,
            name=each.id.rpartition("/")[2],
            properties={**{name: each.inputs[name] for name in IN_ROLE}, "description": ANOTHERS},
        )
    done = desk.run("up", "--yes")
    assert done.code == 0, done.err
    (grant,) = yaml.safe_load((desk.root / "Pulumi.local.yaml").read_text())["config"]["azmlflow:grants"]
    assert sorted(grant["adopted"].values()) == sorted(each.id for each in roles)
    assert desk.stack.imported == []
    assert [call for call in desk.arm.calls if call.startswith("DELETE")] == []


@pytest.mark.parametrize("group", [True, False])
def test_the_roles_of_an_identity_that_another_stack_gave_are_shared(desk: Desk, group: bool) -> None:
    """Both keep them in their state; whichever goes last deletes them."""
    desk.arm.put(SHARED, type="Microsoft.Storage/storageAccounts", properties={"isHnsEnabled": False}, kind="StorageV2")
    if group:
        desk.arm.put(GROUP_ID, tags=TAGS)
    roles = second(desk, "identity: {type: UserAssigned}")
    said = "Workspace mlw-mlflow-first in group rg-mlflow-first works as this identity"
    theirs = [each for each in roles if "works as" in each.inputs["description"]]
    for each in theirs:
        desk.arm.put(each.id, properties={**{name: each.inputs[name] for name in IN_ROLE}, "description": said})
    done = desk.run("up", "--yes")
    assert done.code == 0, done.err
    assert {each.id for each in theirs} <= {each.id for each in desk.stack.imported}
    assert done.err.count(f"which says `{said}`") == len(theirs)


def test_a_role_that_somebody_gave_by_hand_is_not_shared(desk: Desk) -> None:
    desk.arm.put(SHARED, type="Microsoft.Storage/storageAccounts", properties={"isHnsEnabled": False}, kind="StorageV2")
    each = next(
        each for each in second(desk, "identity: {type: UserAssigned}") if "works as" in each.inputs["description"]
    )
    desk.arm.put(each.id, properties={**{name: each.inputs[name] for name in IN_ROLE}, "description": "by hand"})
    done = desk.run("up", "--yes")
    assert done.code == 1
    assert "next: azmlflow set identity.grantRoles false --stack local" in done.err


IN_ROLE = ("scope", "principalId", "roleDefinitionId")
SERVED = f"{GROUP_ID}/providers/Microsoft.MachineLearningServices/workspaces/w/onlineEndpoints/e"
BLUE = f"{SERVED}/deployments/wine-1"


def settled(arm: FakeArm, *, wanted: tuple[str, ...] = (BLUE,), known: tuple[str, ...] = ()) -> list[str]:
    said: list[str] = []
    arm.put(SERVED)
    recover.settle(arm.open(), [SERVED], lambda tags: tags == TAGS, said.append, wanted=wanted, known=known)
    return said


@pytest.mark.parametrize("state", ["Creating", "Updating"])
def test_a_deployment_that_is_under_way_is_waited_for(state: str) -> None:
    class Slow(FakeArm):
        """Ends it when it was asked twice."""

        def get(self, path: str) -> dict[str, Any] | None:
            found = super().get(path)
            self.calls += [path] if path == BLUE else []
            if found and len(self.calls) == 2:
                found["properties"] = {"provisioningState": "Succeeded"}
            return found

    arm = Slow()
    arm.put(BLUE, tags=TAGS, properties={"provisioningState": state})
    assert settled(arm) == ["waiting for deployment `wine-1`, which is under way ..."]
    assert BLUE.lower() in arm.documents


def test_a_deployment_that_failed_is_removed() -> None:
    arm = FakeArm()
    arm.put(BLUE, tags=TAGS, properties={"provisioningState": "Failed"})
    assert settled(arm) == ["removing deployment `wine-1`, which failed"]
    assert arm.calls == [f"DELETE {BLUE}"]


def test_one_that_nobody_wants_any_more_is_removed_and_the_engines_own_is_not() -> None:
    arm = FakeArm()
    arm.put(BLUE, tags=TAGS, properties={"provisioningState": "Succeeded"})
    assert settled(arm, wanted=(), known=(BLUE.upper(),)) == []
    assert settled(arm, wanted=()) == ["removing deployment `wine-1`, which is not in the settings any more"]
    assert arm.calls == [f"DELETE {BLUE}"]


@pytest.mark.parametrize(
    ("tags", "state"), [(TAGS, "Succeeded"), ({}, "Failed"), ({**TAGS, "azmlflow-stack": "other"}, "Creating")]
)
def test_a_deployment_that_stands_or_is_anothers_is_left(tags: dict[str, str], state: str) -> None:
    arm = FakeArm()
    arm.put(BLUE, tags=tags, properties={"provisioningState": state})
    assert settled(arm) == []
    assert arm.calls == []
