"""`roles`: for people, and as `az role definition create` takes it."""

from __future__ import annotations

import pytest

from azmlflow.rbac.roles import PERSONAS, persona
from tests.cli.desk import GROUP_ID, Desk


def test_every_persona_with_its_operations_actions_and_the_price_of_a_built_in_role(desk: Desk) -> None:
    desk.settings()
    text = desk.run("roles").out
    for each in PERSONAS:
        assert f"{each.name}: {each.summary}" in text
        assert f"({each.name}): {each.nearest}, which also allows to" in text
    assert "write_run " in text
    assert "read the storage account's keys" in text
    assert "and lacks Microsoft.MachineLearningServices/workspaces/read" in text


def test_one_is_a_role_definition_and_all_are_a_list(desk: Desk) -> None:
    desk.settings()
    one = desk.run("roles", "tracker", "-o", "json").json()
    assert (one["IsCustom"], one["AssignableScopes"]) == (True, [GROUP_ID])
    assert one["Actions"] == list(persona("tracker").actions)
    assert desk.run("roles", "-o", "json").json()[1] == one
    assert desk.run("roles", "tracker+operator", "-o", "json").json()["Name"].startswith("azmlflow tracker+operator (")


def test_the_stacks_settings_count(desk: Desk) -> None:
    desk.settings(
        text="config:\n  azmlflow:cloud: local\n  azmlflow:strictTracker: true\n  azmlflow:roleProfile: built-in\n"
    )
    assert desk.run("roles", "tracker", "-o", "json").json()["Actions"] == list(
        persona("tracker", strict_tracker=True).actions
    )
    assert "as built-in roles, as this stack has it (tracker)" in desk.run("roles", "tracker").out


def test_without_a_stack_the_text_is_there_and_the_json_says_what_is_missing(desk: Desk) -> None:
    assert "jobs/write" in desk.run("roles", "tracker").out
    done = desk.run("roles", "tracker", "-o", "json")
    assert done.code == 1
    assert '"next"' in done.err


@pytest.mark.parametrize("word", ["traker", "tracker+", "tracker+nobody"])
def test_an_unknown_persona(desk: Desk, word: str) -> None:
    done = desk.run("roles", word)
    assert done.code == 1
    assert "unknown persona" in done.err
    assert "next: azmlflow roles" in done.err.splitlines()
