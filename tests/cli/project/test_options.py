"""`init`'s options, questions and help come from the fields: a setting more, and `init` knows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import click
import pytest
from click.testing import CliRunner
from pydantic import Field

from azmlflow.cli.project.options import chosen, describe, offered, offers
from azmlflow.infra.settings.fields import Offered, SettingsModel
from azmlflow.infra.settings.listing import listed
from azmlflow.infra.settings.settings import Settings


class Network(SettingsModel):
    mode: Annotated[Literal["public", "managed"], Offered("How closed")] = Field("public", description="How closed.")


class Disk(SettingsModel):
    name: str = Field(description="Its name.")
    size: int = Field(1, description="Its size.")


class Wider(Settings):
    """Settings with more fields than there are."""

    depot: Annotated[str, Offered("Which depot")] = Field("none", description="Where images are.")
    verbose_logs: Annotated[bool, Offered()] = Field(False, description="Keep logs.")
    premises: Network = Field(Network.model_validate({}), description="Who reaches it.")
    disks: Annotated[tuple[Disk, ...], Offered(option="disk", parts=("name", "size"))] = Field((), description="Disks.")
    unoffered: str = Field("", description="Only in the file.")


@pytest.fixture
def typed() -> Callable[..., dict[str, Any]]:
    """What the options of `Wider` give: `typed("--depot", "own")`; wrong usage raises."""

    def run(*words: str, defaults: dict[str, Any] | None = None) -> dict[str, Any]:
        found: dict[str, Any] = {}

        @click.command()
        @offered(Wider)
        def command(**given: Any) -> None:
            found.update(chosen(Wider, given, defaults))

        done = CliRunner().invoke(command, list(words), standalone_mode=False)
        if done.exception:
            raise done.exception
        return found

    return run


def test_a_field_that_says_so_is_an_option(typed: Callable[..., dict[str, Any]]) -> None:
    assert typed() == {}
    assert typed("--depot", "own") == {"depot": "own"}
    assert typed("--verbose-logs", "--location", "uksouth") == {"location": "uksouth", "verboseLogs": True}
    assert typed("--no-verbose-logs") == {"verboseLogs": False}
    assert typed("--premises-mode", "managed") == {"premises": {"mode": "managed"}}
    with pytest.raises(click.NoSuchOption):
        typed("--unoffered", "x")
    with pytest.raises(click.BadParameter, match="'public', 'managed'"):
        typed("--premises-mode", "open")


def test_a_list_takes_its_option_many_times(typed: Callable[..., dict[str, Any]]) -> None:
    assert typed("--disk", "a:3", "--disk", "b", "--cluster", "c::2") == {
        "clusters": [{"name": "c", "maxNodes": 2}],
        "disks": [{"name": "a", "size": 3}, {"name": "b"}],
    }
    with pytest.raises(click.BadParameter, match="`big` is not a number for size"):
        typed("--disk", "a:big")


def test_what_has_a_question_is_asked_unless_said(
    typed: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def answer(question: str, *, default: Any, **_: Any) -> Any:
        asked[question] = default
        return default

    monkeypatch.setattr("click.prompt", answer)
    found = typed("--prefix", "team", defaults={"cloud": "local"})
    assert asked == {
        "cloud": "local",
        "Azure region": "westeurope",
        "Which depot": "none",
        "How closed": "public",
    }
    assert found == {
        "cloud": "local",
        "location": "westeurope",
        "prefix": "team",
        "depot": "none",
        "premises": {"mode": "public"},
    }


def test_the_help_lists_every_setting_with_type_default_and_line() -> None:
    formatter = click.HelpFormatter(width=200)
    describe(Wider, formatter)
    text = formatter.getvalue()
    for setting in listed(Wider):
        assert any(line.split()[:1] == [setting.key] for line in text.splitlines()), setting.key
    # A key that is longer than its column has its line to itself.
    lines = {line.split()[0]: line.partition("  ")[2].strip() for line in map(str.strip, text.splitlines()[1:]) if line}
    assert lines["unoffered"] == "Only in the file.  [text]"
    assert lines["premises.mode"] == "How closed.  [public | managed; default: public]"
    assert lines["disks[].name"] == "Its name.  [text; required]"


def test_what_init_offers_today() -> None:
    assert [offer.name for offer in offers(Settings)] == [
        "cloud", "location", "prefix", "salt", "resource-group", "workspace", "cluster"
    ]  # fmt: skip
