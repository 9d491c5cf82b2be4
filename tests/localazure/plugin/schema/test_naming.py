"""Made-up names."""

from __future__ import annotations

import re
import uuid

import pytest

from azmlflow.localazure.plugin.schema.naming import (
    CREATE_BEFORE_DELETE,
    Autonaming,
    NameRequired,
    Naming,
    with_name,
)
from azmlflow.localazure.plugin.schema.types import catalogue

TYPES = catalogue().types
GROUP = TYPES["azure-native:resources:ResourceGroup"]
COMPUTE = TYPES["azure-native:machinelearningservices:Compute"]
ASSIGNMENT = TYPES["azure-native:authorization:RoleAssignment"]


def test_a_given_name_stays() -> None:
    assert with_name(GROUP, {"resourceGroupName": "g"}, {"resourceGroupName": "old"}, Naming("n")) == {
        "resourceGroupName": "g"
    }


def test_an_old_name_is_kept_with_its_note() -> None:
    old = {"resourceGroupName": "n12345678", CREATE_BEFORE_DELETE: True, "location": "x"}
    assert with_name(GROUP, {}, old, Naming("n", b"seed")) == {
        "resourceGroupName": "n12345678",
        CREATE_BEFORE_DELETE: True,
    }


def test_a_random_name_is_the_same_for_the_same_seed() -> None:
    first, again, other = (with_name(GROUP, {}, {}, Naming("n", seed)) for seed in (b"1", b"1", b"2"))
    assert re.fullmatch(r"n[0-9a-f]{8}", first["resourceGroupName"])
    assert first == again != other
    assert first[CREATE_BEFORE_DELETE] is True


def test_without_a_seed_names_differ() -> None:
    assert with_name(GROUP, {}, {}, Naming("n")) != with_name(GROUP, {}, {}, Naming("n"))


def test_what_lives_in_a_parent_is_named_as_in_the_program() -> None:
    assert with_name(COMPUTE, {}, {}, Naming("cpu", b"1")) == {"computeName": "cpu"}


def test_role_assignments_get_a_guid() -> None:
    name = with_name(ASSIGNMENT, {}, {}, Naming("n", b"1"))["roleAssignmentName"]
    assert str(uuid.UUID(name)) == name
    assert uuid.UUID(name).version == 4


def test_a_rule_that_proposes_nothing_leaves_the_name_to_us() -> None:
    name = with_name(GROUP, {}, {}, Naming("n", b"1", Autonaming("", "propose")))["resourceGroupName"]
    assert re.fullmatch(r"n[0-9a-f]{8}", name)


@pytest.mark.parametrize("mode", ["propose", "enforce"])
def test_the_stacks_naming_rule_wins(mode: str) -> None:
    rule = Autonaming("proposed", mode)  # type: ignore[arg-type]
    assert with_name(GROUP, {}, {}, Naming("n", b"1", rule))["resourceGroupName"] == "proposed"


def test_a_stack_without_made_up_names_wants_one() -> None:
    with pytest.raises(NameRequired, match="resourceGroupName"):
        with_name(GROUP, {}, {}, Naming("n", b"1", Autonaming("", "disable")))
