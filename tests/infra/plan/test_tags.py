from __future__ import annotations

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
        ("", "v", "empty name"),
        ("Azmlflow-stack", "v", "this project's own tags"),
        ("a/b%", "v", "has % / in its name"),
        ("n" * 129, "v", "more than 128"),
        ("n", "v" * 257, "more than 256"),
    ],
)
def test_refused_tags(name: str, value: str, words: str) -> None:
    assert words in (tags.check(name, value) or "")


def test_usual_tags_pass() -> None:
    assert tags.check("cost centre", "4711 / R&D") is None


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
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_moments(text: str | None, read: datetime | None) -> None:
    assert tags.read_instant(text) == read
