from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from azmlflow.infra.plan import tags


def test_ownership_is_proved_by_both_tags() -> None:
    ours = tags.ownership("azmlflow", "dev")
    assert tags.owned({**ours, "team": "x"}, "azmlflow", "dev")
    assert tags.owned({name.upper(): value for name, value in ours.items()}, "azmlflow", "dev")
    assert not tags.owned(ours, "azmlflow", "prod")
    assert not tags.owned(ours, "other", "dev")
    assert not tags.owned({tags.STACK_TAG: "dev"}, "azmlflow", "dev")
    assert not tags.owned(None, "azmlflow", "dev")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("", "v", "has an empty name"),
        ("Azmlflow-stack", "v", "starts with 'azmlflow-', which marks this project's own tags"),
        ("a/b%", "v", "has % / in its name, which Azure refuses"),
        ("n" * 129, "v", "has a name of more than 128 characters"),
        ("n", "v" * 257, "has a value of more than 256 characters"),
    ],
)
def test_refused_tags(name: str, value: str, words: str) -> None:
    assert tags.check(name, value) == words


@pytest.mark.parametrize(("name", "value"), [("cost centre", "4711 / R&D"), ("n" * 128, "v" * 256), ("n", "")])
def test_usual_tags_pass(name: str, value: str) -> None:
    assert tags.check(name, value) is None


@pytest.fixture(params=["UTC", "Asia/Tokyo"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's own time zone, which must not matter."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("zone")
def test_a_life_has_the_tags_that_are_known() -> None:
    noon = datetime(2027, 1, 31, 13, tzinfo=timezone(timedelta(hours=1)))
    assert tags.life(None, None, None) == {}
    assert tags.life(noon, "a<b>@x", noon) == {
        tags.CREATED_TAG: "2027-01-31T12:00:00Z",
        tags.OWNER_TAG: "ab@x",
        tags.EXPIRES_TAG: "2027-01-31T12:00:00Z",
    }


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2027-01-31T12:00:00Z", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        ("2027-01-31T13:00:00+01:00", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        (" 2027-01-31 ", datetime(2027, 1, 31, tzinfo=UTC)),
        ("2027-01-31T12:00:00", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        ("soon", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("", None),
        (None, None),
    ],
)
@pytest.mark.usefixtures("zone")
def test_moments(text: str | None, read: datetime | None) -> None:
    found = tags.read_instant(text)
    assert found == read
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize("year", [1, 987, 2027, 9999])
@pytest.mark.usefixtures("zone")
def test_what_is_written_is_read_again(year: int) -> None:
    """A year has four digits in ISO 8601; libc's `%Y` gives the first one."""
    moment = datetime(year, 3, 1, 12, 30, 5, 999, tzinfo=UTC)
    written = tags.instant(moment)
    assert written == f"{year:04}-03-01T12:30:05Z"
    assert tags.read_instant(written) == moment.replace(microsecond=0)
