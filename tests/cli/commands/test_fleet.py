"""`azmlflow fleet`: side by side, one failure leaves the others whole, a rerun goes on; bad input."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from azmlflow.cli.commands.stack import fleet as fleets
from azmlflow.cli.fleet import crew
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.fleet import Member, read
from azmlflow.cli.project.project import Project
from tests.cli.desk import Desk

THREE = "defaults: {location: northeurope}\nworkspaces:\n  a-dev: {}\n  b-dev: {registry: own}\n  c-prod: {prefix: p}\n"


class Runs:
    """Stands in for the processes: what was run, and which stacks fail."""

    def __init__(self) -> None:
        self.words: list[tuple[str, ...]] = []
        self.failing: set[str] = set()

    def __call__(
        self, words: Sequence[str], environment: dict[str, str], tell: Callable[[str], None]
    ) -> dict[str, Any]:
        self.words.append(tuple(words))
        tell("creating")
        if words[2] in self.failing:
            raise CliError("Azure refused", next=f"azmlflow up --stack {words[2]} --allow-replace")
        price = {"month": 5, "currency": "USD", "date": "2026-08", "unknown": [], "resources": ["dropped"]}
        return {"stack": words[2], "changes": {"create": 7, "same": 1}, "outputs": {"big": 1}, "price": price}


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    found = Runs()
    monkeypatch.setattr(crew, "command", found)
    return found


def fleet(desk: Desk, text: str = THREE) -> Path:
    path = desk.root / "fleet.yaml"
    path.write_text(text)
    return path


def test_up_writes_each_ones_settings_and_runs_each(desk: Desk, runs: Runs) -> None:
    fleet(desk)
    done = desk.run("fleet", "up", "-o", "json")
    assert done.code == 0
    assert sorted(runs.words) == [("up", "--stack", name) for name in ("a-dev", "b-dev", "c-prod")]
    written = (desk.root / "Pulumi.b-dev.yaml").read_text()
    assert "azmlflow:location: northeurope" in written
    assert "azmlflow:registry: own" in written
    document = done.json()
    assert (document["done"], document["failed"]) == (3, 0)
    first = document["workspaces"][0]
    assert (first["stack"], first["state"], first["result"]["changes"]["create"]) == ("a-dev", "done", 7)
    assert "outputs" not in first["result"]  # what is kept of each is small
    assert "resources" not in first["result"]["price"]


def test_one_failure_leaves_the_others_whole_and_a_rerun_goes_on(desk: Desk, runs: Runs) -> None:
    fleet(desk)
    runs.failing.add("b-dev")
    done = desk.run("fleet", "up")
    assert done.code == 1
    assert len(runs.words) == 3
    assert "1 of 3 workspaces failed: b-dev" in done.err
    assert "next: azmlflow up --stack b-dev --allow-replace" in done.err
    assert "Azure refused" in done.out
    runs.failing.clear()
    assert desk.run("fleet", "up").code == 0


def test_what_commands_wrote_stays_and_null_takes_a_key_away(desk: Desk, runs: Runs) -> None:
    desk.settings("a-dev", "config:\n  azmlflow:owner: alice\n  azmlflow:registry: own\nencryptionsalt: v1:x\n")
    fleet(desk, "workspaces: {a-dev: {registry: null, location: northeurope}}")
    assert desk.run("fleet", "up").code == 0
    text = (desk.root / "Pulumi.a-dev.yaml").read_text()
    assert "azmlflow:owner: alice" in text
    assert "encryptionsalt: v1:x" in text
    assert "registry" not in text


def test_subscriptions_differ(desk: Desk, runs: Runs) -> None:
    fleet(desk, "workspaces: {a-dev: {subscription: 00000000-0000-4000-8000-000000000001}}")
    assert desk.run("fleet", "preview").code == 0
    text = (desk.root / "Pulumi.a-dev.yaml").read_text()
    assert "azure-native:subscriptionId: 00000000-0000-4000-8000-000000000001" in text
    assert "azmlflow:subscription" not in text


def test_one_whose_settings_are_broken_is_told_and_the_others_go_on(desk: Desk, runs: Runs) -> None:
    fleet(desk, "workspaces: {good: {}, bad: {locatoin: x}, worse: 7, 'no name': {}}")
    done = desk.run("fleet", "up", "-o", "json")
    assert done.code == 1
    assert runs.words == [("up", "--stack", "good")]
    states = {each["stack"]: each for each in done.json()["workspaces"]}
    assert [states[name]["state"] for name in ("good", "bad", "worse", "no name")] == ["done", *["failed"] * 3]
    assert "locatoin" in states["bad"]["says"]
    assert states["bad"]["next"] == "edit fleet.yaml"
    assert not (desk.root / "Pulumi.bad.yaml").exists()


def test_one_whose_file_cannot_be_written_is_told_and_the_others_go_on(desk: Desk, runs: Runs) -> None:
    fleet(desk)
    (desk.root / "Pulumi.b-dev.yaml").mkdir()
    done = desk.run("fleet", "up")
    assert (done.code, len(runs.words)) == (1, 2)
    assert "1 of 3 workspaces failed: b-dev" in done.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("workspaces:\n  a: {}\n  a: {}\n", "`a` is there twice"),
        ("workspaces:\n  a: {}\n  A: {}\n", "`a` and `A` are one name"),
        ("workspaces: [a]\n", "`workspaces` must be a mapping"),
        ("stacks: {a: {}}\n", "`stacks` is no part of a fleet"),
        ("workspaces: {a: {\n", "not valid YAML"),
    ],
)
def test_a_file_that_is_no_fleet_is_refused_whole(desk: Desk, runs: Runs, text: str, says: str) -> None:
    fleet(desk, text)
    done = desk.run("fleet", "up")
    assert (done.code, says in done.err, runs.words) == (1, True, [])


def test_two_that_name_one_group_are_not_both_stood_up(desk: Desk, runs: Runs) -> None:
    fleet(desk, "workspaces: {a: {resourceGroup: rg-x}, b: {resourceGroup: RG-X}}")
    done = desk.run("fleet", "up")
    assert (done.code, runs.words) == (1, [("up", "--stack", "a")])
    assert "resourceGroup `RG-X` is that of `a` too" in done.out


def test_a_file_that_is_not_there_or_no_file(desk: Desk, runs: Runs) -> None:
    done = desk.run("fleet", "up")
    assert "there is no fleet.yaml here" in done.err
    typed = done.err.partition("next: ")[2].partition("    (")[0]
    subprocess.run(["sh", "-c", typed], check=True, cwd=desk.root)
    assert [each.stack for each in read(Project(desk.root, "p"))] == ["dev", "prod"]
    (desk.root / "fleet.yaml").unlink()
    (desk.root / "fleet.yaml").mkdir()
    done = desk.run("fleet", "status")
    assert (done.code, "fleet.yaml is not a file" in done.err) == (1, True)


def test_only_some(desk: Desk, runs: Runs) -> None:
    fleet(desk)
    assert desk.run("fleet", "up", "--only", "*-dev").code == 0
    assert sorted(words[2] for words in runs.words) == ["a-dev", "b-dev"]
    assert "no workspace of the fleet is called `x`" in desk.run("fleet", "up", "--only", "x").err


def test_status_of_what_never_was_runs_nothing(desk: Desk, runs: Runs) -> None:
    fleet(desk)
    assert desk.run("fleet", "status").out.count("nothing stands") == 3
    assert runs.words == []
    assert not list(desk.root.glob("Pulumi.*-dev.yaml"))


def test_down_asks_for_the_number(desk: Desk, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet(desk)
    desk.run("fleet", "up")
    runs.words.clear()
    assert desk.run("fleet", "down").code == 1
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *_, **__: "2")
    assert desk.run("fleet", "down").code == 1
    assert runs.words == []
    monkeypatch.setattr("click.prompt", lambda *_, **__: "3")
    assert desk.run("fleet", "down").code == 0
    assert sorted(runs.words)[0] == ("down", "--stack", "a-dev", "--yes")


def test_no_more_at_a_time_than_the_width() -> None:
    together, most, lock = [0], [0], threading.Lock()
    meeting = threading.Barrier(3, timeout=30)

    def run(_member: Member, _tell: Callable[[str], None]) -> dict[str, Any]:
        with lock:
            together[0] += 1
            most[0] = max(most[0], together[0])
        meeting.wait()  # three are at work at once, or nobody gets on
        with lock:
            together[0] -= 1
        return {}

    members = [Member(f"s{at}", {}) for at in range(9)]
    ends = crew.work(members, run, width=3, on_change=lambda _: None, clock=lambda: 0.0)
    assert ([end.stack for end in ends], most[0]) == ([each.stack for each in members], 3)
    assert threading.active_count() < 20


def test_a_command_in_a_process_of_its_own_tells_its_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # no project here
    with pytest.raises(CliError, match="no azmlflow project here"):
        crew.command(["status", "--stack", "x"], {"PATH": "/usr/bin:/bin"}, lambda _: None)


def test_a_vault_that_purge_protection_keeps_is_told_of_each(desk: Desk, runs: Runs) -> None:
    vault = {"kind": "key vault", "name": "kv-one", "until": "2027-02-25"}
    assert (
        fleets._says(crew.Fate("s", "done", result={"protected": [vault]})) == "key vault kv-one stays until 2027-02-25"
    )


def test_how_long_each_took_is_told() -> None:
    times = iter([1.0, 4.5])
    ends = crew.work([Member("s", {})], lambda *_: {}, width=4, on_change=lambda _: None, clock=lambda: next(times))
    assert ends[0].seconds == 3.5
