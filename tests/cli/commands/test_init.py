"""`init`: settings from options, valid or not written at all."""

from __future__ import annotations

from collections.abc import Callable

import click
import pytest
import yaml

from azmlflow.infra.settings.listing import listed
from azmlflow.infra.settings.profiles import PROFILES
from azmlflow.infra.settings.settings import Settings
from tests.cli.desk import Desk


def config(desk: Desk, stack: str) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load((desk.root / f"Pulumi.{stack}.yaml").read_text())["config"]
    return found


def test_a_local_stack(desk: Desk) -> None:
    done = desk.run("init", "local", "--yes")
    assert done.code == 0
    assert config(desk, "local")["azmlflow:cloud"] == "local"
    assert "next: azmlflow up --stack local" in done.out


def test_an_azure_stack(desk: Desk) -> None:
    done = desk.run(
        *("init", "prod", "--cloud", "azure", "--location", "northeurope", "--subscription", "s-1", "--yes"),
        *("--cluster", "cpu:Standard_DS3_v2:4", "--cluster", "gpu", "--workspace", "mlw-prod", "--output", "json"),
    )
    assert done.code == 0
    found = config(desk, "prod")
    assert found.pop("azmlflow:salt")
    assert found == {
        "azmlflow:cloud": "azure",
        "azmlflow:location": "northeurope",
        "azmlflow:workspace": "mlw-prod",
        "azmlflow:clusters": [{"name": "cpu", "vmSize": "Standard_DS3_v2", "maxNodes": 4}, {"name": "gpu"}],
        "azure-native:subscriptionId": "s-1",
        "azure-native:location": "northeurope",
    }
    assert done.json()["path"].endswith("Pulumi.prod.yaml")


def test_the_same_checkout_suggests_the_same_salt(desk: Desk) -> None:
    desk.run("init", "one", "--yes")
    desk.run("init", "two", "--yes")
    assert config(desk, "one")["azmlflow:salt"] == config(desk, "two")["azmlflow:salt"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--location", "westeurop"], "did you mean westeurope"),
        (["--cluster", "gpu-1"], "gpu-1"),
        (["--workspace", "a b"], "workspace"),
        (["--resource-group", "x."], "resourceGroup"),
        (["--prefix", "Ä"], "prefix"),
        (["--cluster", "c:Standard_DS3_v2:0"], "maxNodes"),
    ],
)
def test_wrong_values_are_told_and_nothing_is_written(desk: Desk, options: list[str], told: str) -> None:
    done = desk.run("init", "prod", "--yes", *options)
    assert done.code == 1
    assert told in done.err
    assert "next: azmlflow init prod --" in done.err
    assert not (desk.root / "Pulumi.prod.yaml").exists()


def test_the_next_command_has_the_option_that_mends(desk: Desk) -> None:
    done = desk.run("init", "prod", "--yes", "--location", "westeurop")
    assert done.err.splitlines()[-1] == "next: azmlflow init prod --location westeurope"
    assert desk.run(*done.err.splitlines()[-1].split()[2:], "--yes").code == 0


def test_a_number_of_nodes_that_is_none(desk: Desk) -> None:
    done = desk.run("init", "prod", "--yes", "--cluster", "c:Standard_DS3_v2:many")
    assert done.code == 2
    assert "many" in done.err


def test_settings_that_are_there_stay_without_force(desk: Desk) -> None:
    path = desk.settings(text="encryptionsalt: v1:x\nconfig:\n  azmlflow:cloud: local\n  azmlflow:prefix: kept\n")
    text = path.read_text()
    done = desk.run("init", "local", "--yes")
    assert done.code == 1
    assert "has settings already" in done.err
    assert path.read_text() == text
    assert desk.run("init", "local", "--yes", "--force").code == 0
    assert "azmlflow:prefix" not in config(desk, "local")
    assert "encryptionsalt: v1:x" in path.read_text()


def test_questions_on_a_terminal(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["azure", "uksouth", "team", "s-9"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *_, **__: next(answers))
    assert desk.run("init", "prod").code == 0
    found = config(desk, "prod")
    assert (found["azmlflow:location"], found["azmlflow:prefix"]) == ("uksouth", "team")
    assert found["azure-native:subscriptionId"] == "s-9"


def test_a_question_whose_answer_cannot_be_is_asked_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else all are answered before the first is refused."""
    answers = iter(["local", "mars", "northeurope", "My_Prefix", "team"])
    refused: list[str] = []

    def prompt(_question: str, *, value_proc: Callable[[str], str] = str, **_: object) -> str:
        while True:
            try:
                return value_proc(next(answers))
            except click.UsageError as fault:
                refused.append(fault.message)

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", prompt)
    assert desk.run("init", "local").code == 0
    assert refused[0] == "Azure has no region 'mars'"
    assert refused[1] == "should look like `mlflow`, by the pattern ^[a-z](-?[a-z0-9])*$ (it is 'My_Prefix')"
    found = config(desk, "local")
    assert (found["azmlflow:location"], found["azmlflow:prefix"]) == ("northeurope", "team")


def test_the_help_lists_every_setting(desk: Desk) -> None:
    done = desk.run("init", "--help")
    assert done.code == 0
    words = [line.split()[0] for line in done.out.splitlines() if line.split()]
    for setting in listed(Settings):
        assert setting.key in words
    assert {"cloud", "clusters[].maxNodes", "grants[].until", "purgeProtection"} <= set(words)


def test_an_answer_left_empty_is_the_default(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *_, default, **__: default)
    assert desk.run("init", "local").code == 0
    assert config(desk, "local") == {
        "azmlflow:cloud": "local",
        "azmlflow:clusters": [{"name": "cpu"}],
        "azmlflow:location": "westeurope",
        "azmlflow:prefix": "mlflow",
        "azure-native:location": "westeurope",
    }


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_is_the_words_of_settings(desk: Desk, profile: str) -> None:
    done = desk.run("init", "prod", "--cloud", "azure", "--profile", profile, "--yes", "-o", "json")
    written = done.json()["settings"]
    assert {key: written[f"azmlflow:{key}"] for key in PROFILES[profile]} == dict(PROFILES[profile])


def test_an_option_goes_before_the_profile(desk: Desk) -> None:
    words = ("init", "prod", "--cloud", "azure", "--profile", "team", "--cluster", "gpu:Standard_NC6s_v3:2", "--yes")
    written = desk.run(*words, "-o", "json").json()["settings"]
    assert [each["name"] for each in written["azmlflow:clusters"]] == ["gpu"]
    assert written["azmlflow:registry"] == "own"


def test_a_profile_that_is_none_is_refused_with_those_that_are(desk: Desk) -> None:
    done = desk.run("init", "prod", "--profile", "prod", "--yes")
    assert done.code != 0
    assert "locked-down" in done.err
