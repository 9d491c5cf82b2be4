from __future__ import annotations

import pytest

from azmlflow.infra import tags


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
