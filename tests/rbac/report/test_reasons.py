"""The words of a decision, written by hand: the log of the embedded Azure and `access --explain` say them alike."""

from __future__ import annotations

import pytest

from azmlflow.rbac.evaluate import Decision, evaluate
from azmlflow.rbac.facts import Facts
from azmlflow.rbac.patterns import PermissionBlock
from azmlflow.rbac.records import DenyAssignment, RoleAssignment, RoleDefinition
from azmlflow.rbac.report.reasons import because, sentence

ALICE = "AAAAAAAA-0000-4000-8000-000000000001"
TEAM = "bbbbbbbb-0000-4000-8000-000000000002"
SUB = "/subscriptions/00000000-0000-4000-8000-00000000000a"
RG = f"{SUB}/resourceGroups/rg"
READ, WRITE = "Microsoft.Storage/storageAccounts/read", "Microsoft.Storage/storageAccounts/write"
READER = RoleDefinition("r1", "Reader", (PermissionBlock(("*/read",)),))
ALL_BUT = RoleDefinition("r2", "All but writing", (PermissionBlock(("*",), ("*/write",)),))
DENY = DenyAssignment("d1", "the lock", RG, (ALICE,), (), (PermissionBlock(("*/write",)),))


def decide(action: str, *roles: str, who: str = ALICE, deny: bool = False, condition: str | None = None) -> Decision:
    facts = Facts(
        assignments=tuple(RoleAssignment(f"a-{role}", who, role, RG, condition) for role in roles),
        definitions=(READER, ALL_BUT),
        denies=(DENY,) if deny else (),
        memberships={ALICE.lower(): frozenset({TEAM})},
        management_groups={SUB: ()},
    )
    return evaluate(ALICE, action, RG, facts)


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (decide(READ), f"may not {READ}: No role assignment of alice or of its groups reaches {RG}."),
        (decide(WRITE, "r1"), f"may not {WRITE}: Role 'Reader' does not allow it."),
        (
            decide(WRITE, "r2"),
            f"may not {WRITE}: Role 'All but writing', assigned at {RG}, excludes it by its NotActions '*/write'.",
        ),
        (
            decide(WRITE, "r2", who=TEAM),
            f"may not {WRITE}: Role 'All but writing', assigned at {RG} through group {TEAM}, excludes it by its "
            "NotActions '*/write'.",
        ),
        (
            decide(WRITE, "r1", deny=True),
            f"may not {WRITE}: Deny assignment 'the lock' at {RG} denies it (pattern '*/write').",
        ),
        (
            decide(READ, "r1", condition="@Resource"),
            f"may or may not (unknown) {READ}: Role 'Reader', assigned at {RG}, allows it only under a condition, "
            "which is not judged here.",
        ),
        (decide(READ, "r1"), f"may {READ}: Role 'Reader', assigned at {RG}, allows it."),
    ],
)
def test_a_decision_in_one_line(decision: Decision, words: str) -> None:
    assert sentence(decision, ALICE, "alice") == f"alice {words}"
    assert because(decision, ALICE, "alice") == words.partition(": ")[2]
