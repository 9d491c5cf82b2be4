"""`set` and `get`: one setting, typed; the file is valid afterwards, or as it was."""

from __future__ import annotations

import fcntl
from typing import Any

import pytest
import yaml
from click.shell_completion import ShellComplete

from azmlflow.cli import main
from azmlflow.cli.commands.stack import set as set_command
from azmlflow.cli.session.invocation import Invocation
from azmlflow.cli.session.session import Session, open_session
from azmlflow.infra.settings.listing import listed
from azmlflow.infra.settings.settings import Settings
from tests.cli.desk import Desk

TEXT = """\
# ours
encryptionsalt: v1:x
config:
  azmlflow:cloud: local  # no account needed
  azmlflow:clusters:
    # small
    - name: cpu
      maxNodes: 4
  azmlflow:tags:
    team: ml
"""


def config(desk: Desk, stack: str = "local") -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((desk.root / f"Pulumi.{stack}.yaml").read_text())["config"]
    return found


@pytest.mark.parametrize(
    ("key", "value", "before", "after"),
    [
        ("location", "northeurope", "    team: ml\n", "    team: ml\n  azmlflow:location: northeurope\n"),
        ("azmlflow:salt", "0123", "    team: ml\n", "    team: ml\n  azmlflow:salt: '0123'\n"),
        ("salt", "2", "    team: ml\n", "    team: ml\n  azmlflow:salt: '2'\n"),
        ("strictTracker", "true", "    team: ml\n", "    team: ml\n  azmlflow:strictTracker: true\n"),
        ("clusters[0].maxNodes", "8", "maxNodes: 4\n", "maxNodes: 8\n"),
        ("clusters[0].vmSize", "Standard_D2s_v3", "nodes", ""),
        ("clusters[1]", "{name: gpu}", "maxNodes: 4\n", "maxNodes: 4\n    - name: gpu\n"),
        ("tags.team", "yes", "team: ml", "team: 'yes'"),
        ('tags["cost.center"]', "7", "team: ml\n", "team: ml\n    cost.center: '7'\n"),
        ("tags", "{a: b}", "    team: ml\n", "    a: b\n"),
        ("budget.monthly", "500", "nodes", ""),
    ],
)
def test_a_value_is_written_and_all_else_stays(desk: Desk, key: str, value: str, before: str, after: str) -> None:
    path = desk.settings(text=TEXT)
    done = desk.run("set", key, value, "-o", "json")
    if key == "budget.monthly":  # a budget tells somebody
        assert (done.code, path.read_text()) == (1, TEXT)
        assert "azmlflow:budget.mail: is missing; nothing is changed" in done.err
        return
    assert done.code == 0, done.err
    assert done.json()["changed"] is True
    if before in TEXT:
        assert path.read_text() == TEXT.replace(before, after)
    else:
        assert path.read_text() == TEXT.replace("maxNodes: 4\n", "maxNodes: 4\n      vmSize: Standard_D2s_v3\n")
    again = desk.run("set", key, value, "-o", "json")
    assert again.json()["changed"] is False


@pytest.mark.parametrize(
    ("words", "says", "fix"),
    [
        (("location", "westeurop"), "did you mean westeurope?", "azmlflow set location westeurope --stack local"),
        (("locaton", "x"), "there is no setting `locaton`; did you mean location?", "azmlflow get location"),
        (("clusters[0].maxnodes", "8"), "did you mean clusters[0].maxNodes?", "azmlflow get 'clusters[0].maxNodes'"),
        (("clusters[0].maxNodes", "0"), "greater than or equal to 1", "azmlflow set 'clusters[0].maxNodes' 4 --stack"),
        (("clusters[0].maxNodes", "many"), "a whole number", "azmlflow set 'clusters[0].maxNodes' 4 --stack local"),
        (("clusters[2]", "{name: a}"), "skips entries", "azmlflow get clusters --stack local"),
        (("clusters", "[{name: cpu}, {name: CPU}]"), "two clusters are called 'cpu'", "edit azmlflow:clusters in"),
        (("clusters", "[{name"), "VALUE is not valid YAML", "edit VALUE"),
        (("tags", "{a: yes}"), "`yes` is read in different ways", "edit VALUE"),
        (("storageAuth", "keys"), "'key' or 'identity'", "azmlflow set storageAuth key --stack local"),
        (("cloud", "azure"), "would leave there what it has", "azmlflow init NAME --cloud azure"),
        (("--unset", "cloud"), "would leave there what it has", "azmlflow init NAME --cloud azure"),
        (("--unset", "clusters[0].name"), "is missing; nothing is changed", "azmlflow set 'clusters[0].name' cpu"),
        (("--unset", "locaton"), "did you mean location?", "azmlflow get location"),
        (("a..b", "x"), "is not a key such as", "azmlflow get"),
        (("shop:password", "x"), "is not azmlflow's to set", "export"),
        (("azure-native:clientSecret", "hunter2"), "a stack's file is committed", "export"),
        (("prefix", "{secure: v1}"), "should look like `mlflow`", "azmlflow set prefix mlflow"),
        (("tags", "{secure: v1abc}"), "settings hold no secrets", "azmlflow set tags"),
        (("azure-native:subscriptionId", "s1"), "is not an id of a subscription", "az account list"),
    ],
)
def test_what_cannot_be_is_refused_and_the_file_is_as_it_was(
    desk: Desk, words: tuple[str, ...], says: str, fix: str
) -> None:
    path = desk.settings(text=TEXT)
    done = desk.run("set", *words)
    assert (done.code, path.read_text()) == (1, TEXT)
    assert says in done.err
    assert fix in done.err.partition("next:")[2]


@pytest.mark.parametrize("words", [("location",), ("--unset", "location", "x"), ()])
def test_wrong_usage(desk: Desk, words: tuple[str, ...]) -> None:
    path = desk.settings(text=TEXT)
    assert desk.run("set", *words).code == 2
    assert path.read_text() == TEXT


def test_two_at_once_lose_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another command wrote after ours began is kept; and while ours reads and writes no other does."""
    path = desk.settings(text=TEXT)
    checked, locked = set_command._checked, []

    def open_then_another_writes(invocation: Invocation) -> Session:
        session = open_session(invocation)
        path.write_text(f"{TEXT}  azmlflow:salt: theirs\n")
        return session

    def check(*given: Any) -> Any:
        with (desk.root / ".azmlflow" / "settings.lock").open() as file, pytest.raises(BlockingIOError) as held:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        locked.append(held)
        return checked(*given)

    monkeypatch.setattr(set_command, "open_session", open_then_another_writes)
    monkeypatch.setattr(set_command, "_checked", check)
    assert desk.run("set", "location", "northeurope").code == 0
    assert len(locked) == 1
    assert (config(desk)["azmlflow:location"], config(desk)["azmlflow:salt"]) == ("northeurope", "theirs")


def test_unset(desk: Desk) -> None:
    path = desk.settings(text=TEXT)
    assert desk.run("set", "--unset", "tags").code == 0
    assert path.read_text() == TEXT.replace("  azmlflow:tags:\n    team: ml\n", "")
    done = desk.run("set", "--unset", "tags", "-o", "json")
    assert (done.code, done.json()["changed"]) == (0, False)
    assert desk.run("set", "clusters[0].maxNodes", "--unset").code == 0
    assert config(desk)["azmlflow:clusters"] == [{"name": "cpu"}]
    assert "# small" in path.read_text()


def test_a_file_with_several_faults_is_mended_one_by_one(desk: Desk) -> None:
    path = desk.settings(text=f"{TEXT}  azmlflow:locaton: x\n  azmlflow:prefix: Ä\n")
    refused = desk.run("preview")
    assert refused.code == 1
    fixes = [line.partition("fix: ")[2] for line in refused.err.splitlines() if line.startswith("    fix: ")]
    assert fixes == ["azmlflow set prefix mlflow --stack local", "azmlflow set --unset locaton --stack local"]
    first = desk.run(*fixes[0].split()[1:])
    assert (first.code, "there is no such setting" in first.err) == (0, True)
    second = desk.run(*fixes[1].split()[1:])
    assert (second.code, second.err) == (0, "")
    assert path.read_text() == f"{TEXT}  azmlflow:prefix: mlflow\n"


def test_the_region_of_the_provider_goes_along(desk: Desk) -> None:
    desk.run("init", "prod", "--cloud", "azure", "--location", "northeurope", "--yes")
    assert desk.run("set", "location", "uksouth", "--stack", "prod").code == 0
    assert config(desk, "prod")["azure-native:location"] == "uksouth"
    subscription = "00000000-0000-4000-8000-00000000000b"
    assert desk.run("set", "azure-native:subscriptionId", subscription, "--stack", "prod").code == 0
    assert desk.run("get", "azure-native:subscriptionId", "--stack", "prod").out.strip() == subscription
    desk.run("set", "azure-native:location", "westus", "--stack", "prod")
    desk.run("set", "location", "ukwest", "--stack", "prod")
    assert config(desk, "prod")["azure-native:location"] == "westus"  # set apart, it stays so


def test_a_list_that_the_engine_keeps_as_text(desk: Desk) -> None:
    desk.settings(text='config:\n  azmlflow:cloud: local\n  azmlflow:clusters: \'[{"name": "cpu"}]\'\n')
    assert desk.run("get", "clusters[0].name").out == "cpu\n"
    assert desk.run("set", "clusters[0].maxNodes", "9").code == 0
    assert config(desk)["azmlflow:clusters"] == [{"name": "cpu", "maxNodes": 9}]


def test_without_a_stack(desk: Desk) -> None:
    done = desk.run("set", "location", "westeurope")
    assert done.code == 1
    assert "next: azmlflow init local" in done.err
    assert not (desk.root / "Pulumi.local.yaml").exists()


def test_get_one(desk: Desk) -> None:
    desk.settings(text=TEXT)
    assert desk.run("get", "cloud").out == "local\n"
    assert desk.run("get", "location").out == "westeurope\n"  # the default
    assert desk.run("get", "tags").out == "team: ml\n"
    assert desk.run("get", "clusters[0].maxNodes", "-o", "json").json() == {
        "key": "clusters[0].maxNodes",
        "value": 4,
        "set": True,
    }
    assert desk.run("get", "clusters[0].vmSize", "-o", "json").json()["set"] is False
    assert "did you mean location?" in desk.run("get", "locaton").err


def test_get_all_is_yaml_with_every_setting(desk: Desk) -> None:
    desk.settings(text=f"{TEXT}  azure-native:clientSecret:\n    secure: v1:abc\n")
    done = desk.run("get")
    assert yaml.safe_load(done.out) == {
        "cloud": "local",
        "clusters": [{"name": "cpu", "maxNodes": 4}],
        "tags": {"team": "ml"},
    }
    tops = {each.key for each in listed(Settings) if each.key.isalnum()}
    assert all(f"\n# {each}:" in done.out or f"{each}:" in done.out for each in tops)
    assert "secure" not in done.out
    found = desk.run("get", "-o", "json").json()
    assert {*found["settings"], *found["defaults"]} == tops


def completed(words: str) -> list[str]:
    *before, incomplete = words.split(" ")
    invocation = Invocation(connect=lambda: pytest.fail("completion asks nothing"))
    shell = ShellComplete(main.cli, {"obj": invocation}, "azmlflow", "_AZMLFLOW_COMPLETE")
    return [each.value for each in shell.get_completions(before, incomplete)]


def test_completion(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.settings(text=TEXT)
    desk.settings("dev", "config: {}\n")
    assert completed("set lo") == ["location", "logDays", "locks"]
    assert completed("get clusters[0].m") == ["clusters[0].minNodes", "clusters[0].maxNodes"]
    assert "clusters[1].name" in completed("set clusters[")
    assert "clusters[1].name" not in completed("set --stack dev clusters[")
    assert completed("set storageAuth ") == ["key", "identity"]
    assert completed("set location northe") == ["northeurope"]
    assert completed("set diagnostics t") == ["true"]
    assert completed("set clusters[0].priority L") == ["LowPriority"]
    assert completed("set salt ") == []
    assert completed("set nonsense ") == []
    outside = desk.root.parent
    monkeypatch.chdir(outside)
    assert completed("set lo") == ["location", "logDays", "locks"]
