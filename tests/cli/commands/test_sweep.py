"""`sweep`: what is meant, what is shown, and a removal in which no failure stops the others."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.frame.errors import CliError, Interrupted
from azmlflow.cli.frame.words import read_duration
from azmlflow.cli.sweep.groups import Found, Wanted
from azmlflow.cli.sweep.removals import AuditLog, Fate, Tell, Turn, sweep
from azmlflow.cli.teardown import Left
from azmlflow.infra.plan import tags
from tests.cli.desk import Desk, FakeArm
from tests.cli.terminal import drawn, sit_at

NOW = datetime.now(UTC)
ONE, TWO = ("00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b")


class ManyGroups(FakeArm):
    """ARM with two subscriptions and groups in them."""

    def list(self, path: str) -> Iterator[dict[str, Any]]:
        if path == "/subscriptions":
            yield from ({"id": f"/subscriptions/{each}", "subscriptionId": each} for each in (ONE, TWO))
        elif path.endswith("/resourceGroups"):
            below = f"{path.lower()}/"
            yield from (doc for key, doc in self.documents.items() if key.startswith(below) and key.count("/") == 4)
        elif path.endswith("/resources"):
            inside = f"{path.lower().removesuffix('resources')}providers/"
            yield from (doc for key, doc in list(self.documents.items()) if key.startswith(inside))
        else:
            yield from super().list(path)


def group_id(name: str, subscription: str = ONE) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{name}"


@pytest.fixture
def groups(desk: Desk) -> ManyGroups:
    """Four groups of ours, in two subscriptions, and two that are not."""
    arm = ManyGroups()
    desk.arm = arm
    desk.settings()
    ours = tags.ownership("azmlflow", "dev")
    week = timedelta(days=7)
    arm.put(group_id("rg-new"), tags={**ours, **tags.life(NOW, "alice@contoso.com", NOW + week)}, location="westeurope")
    arm.put(group_id("rg-old"), tags={**ours, **tags.life(NOW - 2 * week, "bob@contoso.com", NOW - week)})
    arm.put(group_id("rg-ageless"), tags={**ours, "Team": "search"})
    arm.put(group_id("pr-17", TWO), tags={**ours, **tags.life(NOW - week, None, None)})
    arm.put(group_id("theirs"), tags={"expires-on": "2020-01-01"})
    arm.put(group_id("half"), tags={tags.PROJECT_TAG: "azmlflow", "expires-on": "2020-01-01"})
    storage = f"{group_id('rg-new')}/providers/Microsoft.Storage/storageAccounts/st1"
    arm.put(storage, type="Microsoft.Storage/storageAccounts", tags=ours)
    return arm


def test_an_endpoint_that_answers_keeps_its_group(groups: ManyGroups, desk: Desk) -> None:
    from azmlflow.infra.settings.settings import Settings

    names = Settings.from_mapping({"azmlflow:cloud": "azure"}).names("dev", ONE)
    workspace = f"{group_id('rg-old')}/providers/Microsoft.MachineLearningServices/workspaces/{names.workspace}"
    ours = tags.ownership("azmlflow", "dev")
    groups.put(workspace, type="Microsoft.MachineLearningServices/workspaces", location="westeurope", tags=ours)
    groups.put(f"{workspace}/onlineEndpoints/wine", properties={"traffic": {"blue": 100}})

    def why(*words: str) -> str:
        (found,) = desk.run("sweep", "--expired", "-o", "json", *words).json()["groups"]
        return " ".join(found["refused"])

    assert "endpoints answer requests: wine (blue 100 %; requests of the last day unknown)" in why()
    assert "endpoints" not in why("--stop-endpoints")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), ["rg-old", "pr-17", "rg-new", "rg-ageless"]),
        (("--expired",), ["rg-old"]),
        (("--older-than", "6d"), ["rg-old", "pr-17"]),
        (("--older-than", "2w"), ["rg-old"]),
        (("--name", "RG-*"), ["rg-old", "rg-new", "rg-ageless"]),
        (("--name", "rg-?ew"), ["rg-new"]),
        (("--tag", "team=search"), ["rg-ageless"]),
        (("--tag", "team=Search"), []),
        (("--tag", "team=search", "--tag", "x=y"), []),
        (("--name", "rg-*", "--older-than", "1d"), ["rg-old"]),
    ],
)
def test_what_is_meant(desk: Desk, groups: ManyGroups, words: tuple[str, ...], found: list[str]) -> None:
    document = desk.run("sweep", *words, "-o", "json").json()
    assert sorted(group["name"] for group in document["groups"]) == sorted(found)
    assert document["applied"] is False
    assert groups.calls == []


def test_the_table_tells_age_owner_end_and_contents(desk: Desk, groups: ManyGroups) -> None:
    shown = desk.run("sweep").out
    row = next(line for line in shown.splitlines() if "rg-old" in line)
    assert "14d" in row
    assert "bob@contoso.com" in row
    assert "7d ago" in row
    assert "\n      1 storage account\n" in shown
    assert "nothing is changed without --apply" in shown
    assert "theirs" not in shown
    document = desk.run("sweep", "--name", "rg-new", "-o", "json").json()["groups"][0]
    assert document["contents"] == {"Microsoft.Storage/storageAccounts": 1}
    assert document["owner"] == "alice@contoso.com"


def test_a_subscription_that_may_not_be_seen_is_told_and_the_others_are_looked_at(
    desk: Desk, groups: ManyGroups, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(path: str) -> Iterator[dict[str, Any]]:
        if path == f"/subscriptions/{ONE}/resourceGroups":
            raise ArmError(403, "AuthorizationFailed", "not for you", path)
        return ManyGroups.list(groups, path)

    monkeypatch.setattr(groups, "list", closed)
    done = desk.run("sweep", "-o", "json")
    assert [group["name"] for group in done.json()["groups"]] == ["pr-17"]
    assert f"subscription {ONE} are not looked at: not for you" in done.err


def test_what_may_not_be_seen_is_not_called_empty(
    desk: Desk, groups: ManyGroups, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(path: str) -> Iterator[dict[str, Any]]:
        if path.endswith("rg-new/resources"):
            raise ArmError(403, "AuthorizationFailed", "no", path)
        return ManyGroups.list(groups, path)

    monkeypatch.setattr(groups, "list", closed)
    shown = desk.run("sweep", "--name", "rg-new").out
    assert "what is in it is not yours to see" in shown
    assert "empty" not in shown


def test_what_cannot_go_is_said_before(desk: Desk, groups: ManyGroups) -> None:
    groups.put(f"{group_id('rg-old')}/providers/Foo.Bar/things/x", type="Foo.Bar/things", tags={})
    assert "not removable: " in desk.run("sweep", "--expired").out


def test_nothing_found(desk: Desk, groups: ManyGroups) -> None:
    assert desk.run("sweep", "--name", "none").out == "nothing that azmlflow made fits\n"
    assert desk.run("sweep", "--name", "none", "--apply").code == 0


@pytest.mark.parametrize(
    "words", [("--apply",), ("--older-than", "soon"), ("--tag", "novalue"), ("--expired", "--apply", "--width", "0")]
)
def test_wrong_usage(desk: Desk, groups: ManyGroups, words: tuple[str, ...]) -> None:
    assert desk.run("sweep", *words).code == 2
    assert groups.calls == []


@pytest.mark.parametrize(("typed", "removed"), [("1", True), ("2", False), ("", False)])
def test_on_a_terminal_the_number_is_typed_back_below_what_forbids_a_removal(
    desk: Desk, groups: ManyGroups, monkeypatch: pytest.MonkeyPatch, typed: str, removed: bool
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *_, **__: typed)
    done = desk.run("sweep", "--name", "rg-old", "--apply")
    assert (done.code == 0) is removed
    assert bool(groups.calls) is removed
    groups.put(f"{group_id('rg-new')}/providers/Foo.Bar/things/x", type="Foo.Bar/things", tags={})
    assert "not removable: things/x" in desk.run("sweep", "--name", "rg-new", "--apply").err


def test_apply_removes_notes_and_goes_on_after_a_failure(desk: Desk, groups: ManyGroups) -> None:
    groups.faults[group_id("rg-old")] = ArmError(403, "AuthorizationFailed", "not you", group_id("rg-old"))
    done = desk.run("sweep", "--older-than", "1d", "--apply", "-o", "json")
    assert done.code == 1
    assert {end["name"]: end["result"] for end in done.json()["groups"]} == {"rg-old": "failed", "pr-17": "removed"}
    assert group_id("pr-17", TWO).lower() not in groups.documents
    assert group_id("rg-new").lower() in groups.documents
    assert (
        f"next: azmlflow down --resource-group {group_id('rg-old')}" in done.err
        or group_id("rg-old") in json.loads(done.err.splitlines()[-1])["error"]["next"]
    )
    lines = [json.loads(line) for line in Path(done.json()["audit"]).read_text().splitlines()]
    assert [(line["what"], line["result"]) for line in lines if "pr-17" in line["what"]] == [
        (group_id("pr-17", TWO), "began"),
        (group_id("pr-17", TWO), "removed"),
    ]
    failed = next(line for line in lines if line["result"] == "failed")
    assert "not you" in failed["says"]
    assert {line["who"] for line in lines} == {"developer@local.test"}
    assert all(line["when"] for line in lines)
    assert Path(done.json()["audit"]).stat().st_mode & 0o077 == 0


def test_a_foreign_resource_keeps_its_group(desk: Desk, groups: ManyGroups) -> None:
    groups.put(f"{group_id('rg-old')}/providers/Foo.Bar/things/x", type="Foo.Bar/things", tags={})
    done = desk.run("sweep", "--expired", "--apply")
    assert done.code == 1
    assert group_id("rg-old").lower() in groups.documents
    assert groups.calls == []


@pytest.mark.parametrize("at", [1, 2], ids=["before the plan", "before the deletion"])
def test_an_end_that_is_put_off_meanwhile_keeps_its_group(
    desk: Desk, groups: ManyGroups, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    looks = [0]

    def get(path: str) -> dict[str, Any] | None:
        looks[0] += path == group_id("rg-old")
        if looks[0] == at:
            kept = {**tags.ownership("azmlflow", "dev"), **tags.life(NOW, "bob@contoso.com", NOW + timedelta(days=7))}
            groups.put(group_id("rg-old"), tags=kept)
        return FakeArm.get(groups, path)

    monkeypatch.setattr(groups, "get", get)
    done = desk.run("sweep", "--expired", "--apply")
    assert (done.code, groups.calls) == (1, [])
    assert "none of those that were chosen" in done.err


def soft_deleted(groups: ManyGroups, group: str, name: str | None) -> str:
    """A vault of a group that is gone; gives what is purged."""
    assert name is not None
    place = f"/subscriptions/{ONE}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/{name}"
    id_ = f"{group_id(group)}/providers/Microsoft.KeyVault/vaults/{name}"
    groups.put(place, properties={"vaultId": id_, "tags": tags.ownership("azmlflow", "dev")})
    return place


def test_of_a_group_that_is_gone_what_is_ours_is_purged_and_the_rest_told(desk: Desk, groups: ManyGroups) -> None:
    from azmlflow.infra.settings.settings import Settings

    names = Settings.from_mapping({"azmlflow:cloud": "azure"}).names("dev", ONE)
    place = soft_deleted(groups, names.resource_group, str(names.key_vault))
    theirs = soft_deleted(groups, names.resource_group, "kv-boris")
    shown = desk.run("sweep", "--name", names.resource_group)
    assert "gone; soft-deleted: 1 key vault" in shown.out
    assert "soft-deleted vaults/kv-boris" in shown.err
    assert groups.calls == []
    done = desk.run("sweep", "--name", names.resource_group, "--apply", "-o", "json")
    (end,) = done.json()["groups"]
    assert (end["result"], end["gone"], done.code) == ("removed", True, 0)
    assert len(done.json()["notes"]) == 1
    assert groups.calls == [f"POST {place}/purge"]
    assert theirs.lower() in groups.documents


def test_a_group_that_is_made_again_meanwhile_is_not_the_one_that_was_chosen(
    desk: Desk, groups: ManyGroups, monkeypatch: pytest.MonkeyPatch
) -> None:
    from azmlflow.infra.settings.settings import Settings

    names = Settings.from_mapping({"azmlflow:cloud": "azure"}).names("dev", ONE)
    soft_deleted(groups, names.resource_group, str(names.key_vault))
    looks = [0]

    def get(path: str) -> dict[str, Any] | None:
        looks[0] += path == group_id(names.resource_group)
        if looks[0] == 2:
            groups.put(group_id(names.resource_group), tags=tags.ownership("azmlflow", "dev"))
        return FakeArm.get(groups, path)

    monkeypatch.setattr(groups, "get", get)
    done = desk.run("sweep", "--name", names.resource_group, "--apply")
    assert (done.code, groups.calls) == (1, [])
    assert group_id(names.resource_group).lower() in groups.documents


def test_a_stack_of_this_checkout_is_told_that_its_state_is_old(desk: Desk, groups: ManyGroups) -> None:
    desk.settings("dev")
    done = desk.run("sweep", "--expired", "--apply")
    assert done.code == 0
    assert "next: azmlflow down --stack dev" in done.err


def test_a_group_of_the_same_name_in_another_subscription_stays(desk: Desk, groups: ManyGroups) -> None:
    ours = tags.ownership("azmlflow", "dev")
    groups.put(group_id("rg-old", TWO), tags={**ours, **tags.life(NOW, "carol@contoso.com", NOW + timedelta(days=7))})
    done = desk.run("sweep", "--expired", "--apply", "-o", "json")
    assert [end["id"] for end in done.json()["groups"]] == [group_id("rg-old")]
    assert groups.calls == [f"DELETE {group_id('rg-old')}"]
    assert group_id("rg-old", TWO).lower() in groups.documents


def test_what_is_not_gone_when_the_time_is_over_is_told(desk: Desk, groups: ManyGroups) -> None:
    done = desk.run("sweep", "--older-than", "1d", "--apply", "--timeout", "30s", "-o", "json")
    assert done.code == 1
    assert {end["name"]: end["result"] for end in done.json()["groups"]} == {"rg-old": "failed", "pr-17": "failed"}
    assert all("still there: " in end["says"] for end in done.json()["groups"])


def many(count: int) -> list[Found]:
    return [Found(group_id(f"rg-{number}"), tags.ownership("p", "s")) for number in range(count)]


def test_at_most_so_many_at_a_time(tmp_path: Path) -> None:
    """Each removal waits until as many as may be are under way: fewer would hang, more are counted."""
    gate, lock, counts = threading.Barrier(3), threading.Lock(), [0, 0]

    def remove(_group: Found, _tell: Tell, turn: Turn) -> tuple[Left, ...]:
        with turn:
            with lock:
                counts[0] += 1
                counts[1] = max(counts[1], counts[0])
            gate.wait(10)
            with lock:
                counts[0] -= 1
        return ()

    audit = AuditLog(tmp_path / "audit.jsonl", "me")
    ends = sweep(many(9), remove, width=3, audit=audit, on_change=lambda _: None)
    audit.close()
    assert [end.state for end in ends] == ["removed"] * 9
    assert counts == [0, 3]
    assert len((tmp_path / "audit.jsonl").read_text().splitlines()) == 18


def test_every_end_has_its_state(tmp_path: Path) -> None:
    def remove(group: Found, tell: Tell, _turn: Turn) -> tuple[Left, ...]:
        tell("purging")
        if group.name == "rg-0":
            raise CliError("it is locked")
        vault = Left("key vault", "kv", "/x", "soft-deleted")
        return {"rg-1": (vault,), "rg-3": (replace(vault, until="2027-02-25"),)}.get(group.name, ())

    heard: list[Fate] = []
    audit = AuditLog(tmp_path / "audit.jsonl", "me")
    ends = sweep(many(4), remove, width=1, audit=audit, on_change=heard.append, clock=lambda: 0.0)
    audit.close()
    states = [("failed", "it is locked"), ("left", ""), ("removed", ""), ("removed", "")]
    assert [(end.state, end.says) for end in ends] == states
    assert [end.left for end in ends] == [(), ("key vault kv: soft-deleted",), (), ("key vault kv: soft-deleted",)]
    assert [step.says for step in heard if step.state == "running"] == ["looking", "purging"] * 4


def test_ctrl_c_notes_what_was_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began, go_on = threading.Event(), threading.Event()

    def remove(_group: Found, _tell: Tell, turn: Turn) -> tuple[Left, ...]:
        with turn:
            began.set()
            go_on.wait(10)
        return ()

    class Pressed(threading.Thread):
        def join(self, timeout: float | None = None) -> None:
            began.wait(10)
            raise KeyboardInterrupt

    monkeypatch.setattr("azmlflow.cli.sweep.removals.threading.Thread", Pressed)
    audit = AuditLog(tmp_path / "audit.jsonl", "me")
    with pytest.raises(Interrupted):
        sweep(many(2), remove, width=1, audit=audit, on_change=lambda _: None)
    results = [json.loads(line)["result"] for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert results == ["began", "interrupted", "interrupted"]
    go_on.set()
    for thread in [each for each in threading.enumerate() if isinstance(each, Pressed)]:
        super(Pressed, thread).join(10)
    later = [json.loads(line)["result"] for line in (tmp_path / "audit.jsonl").read_text().splitlines()[3:]]
    assert later == ["removed"]  # what was under way; nobody else's turn has come


def test_on_a_terminal_those_under_way_are_seen_until_each_ends(
    desk: Desk, groups: ManyGroups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One removal ends; the other is under way when Ctrl-C is pressed, and so stands in the last frame."""

    def removing(
        found: Sequence[Found], remove: object, *, on_change: Callable[[Fate], None], **_: object
    ) -> tuple[Fate, ...]:
        first, second = found
        on_change(Fate(first, "running", "looking", 0.0))
        on_change(Fate(second, "running", "delete the group: vaults/kv", 1.0))
        on_change(Fate(first, "failed", "not for you", 2.5))
        on_change(Fate(second, "running", "purge the key vault: kv", 3.0))
        raise Interrupted

    sit_at(monkeypatch)
    monkeypatch.setattr("azmlflow.cli.commands.stack.sweep.sweep", removing)
    done = desk.run("sweep", "--older-than", "1d", "--apply", "--yes")
    lines = drawn(done.err)
    # The oldest comes first.
    assert [" ".join(line.split()) for line in lines if "✗" in line] == ["✗ rg-old 2.5 s not for you"]
    before, under_way, count, _interrupted = (" ".join(line.split()) for line in lines[-4:])
    assert before.endswith("of 2 done")  # the frame before the last: there is no other row in this one
    assert under_way == "… pr-17 3.0 s purge the key vault: kv"
    assert count == "1 of 2 done"


def test_where_nobody_watches_each_end_is_a_line(desk: Desk, groups: ManyGroups) -> None:
    groups.faults[group_id("rg-old")] = ArmError(403, "AuthorizationFailed", "not you", group_id("rg-old"))
    err = desk.run("sweep", "--older-than", "1d", "--apply").err
    ends = {line.split()[1]: line.split()[0] for line in err.splitlines() if line.startswith("  ")}
    assert ends == {"rg-old": "✗", "pr-17": "✓"}
    assert "not you" in next(line for line in err.splitlines() if line.startswith("  ✗ rg-old"))


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("")
    with pytest.raises(CliError, match="audit log"):
        AuditLog(tmp_path / "logs" / "audit.jsonl", "me")


def test_a_choice_that_leaves_nothing_out() -> None:
    assert Wanted().everything
    assert not Wanted(older_than=timedelta()).everything
    assert not Wanted(expired=True).everything


@pytest.mark.parametrize(("text", "hours"), [("90m", 1.5), ("12h", 12), ("7d", 168), ("2W", 336)])
def test_times(text: str, hours: float) -> None:
    assert read_duration(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "1y", "9999999d"])
def test_no_times(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        read_duration(text)


def test_up_notes_a_beginning_once_and_keeps_comments(desk: Desk) -> None:
    path = desk.settings(text="# mine\nconfig:  # all of it\n  azmlflow:cloud: local  # here\n")
    assert desk.run("up", "--expires", "7d").code == 0
    first = path.read_text()
    assert first.startswith("# mine\nconfig:  # all of it\n")
    assert "azmlflow:cloud: local  # here" in first
    assert "azmlflow:owner: developer@local.test" in first
    assert desk.run("up").code == 0
    assert path.read_text() == first
    assert desk.run("up", "--expires", "never").code == 0
    assert path.read_text() == "".join(line for line in first.splitlines(True) if "expiresOn" not in line)


def test_settings_in_another_style_are_written_all_the_same(desk: Desk) -> None:
    path = desk.settings(text='{"config": {"azmlflow:cloud": "local"}}\n')
    assert desk.run("up", "--expires", "1h").code == 0
    assert "azmlflow:expiresOn" in path.read_text()


def test_an_end_that_is_none(desk: Desk) -> None:
    done = desk.run("up", "--expires", "tomorrow")
    assert (done.code, "next: azmlflow up --expires 7d" in done.err) == (1, True)
    assert desk.stack.calls == []
