"""Every rule of the evaluator by name, over Azure's real built-in roles; a case fails by the name of its rule.

Each rule has cases that hold only because of it, and cases that hold only because it goes no further: deleted, it fails
the first; inverted, both. `make mutants` does that to each line of the evaluator.
Sources, all of Microsoft: [overview] "What is Azure RBAC?"; [scope] "Understand scope for Azure RBAC"; [definition]
"Understand Azure role definitions"; [deny] "Understand Azure deny assignments"; [condition] "What is Azure ABAC?";
[built-in] "Azure built-in roles", whose own text says what a role allows.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest

from azmlflow.rbac.evaluate import EVERYONE, evaluate
from azmlflow.rbac.facts import Facts
from azmlflow.rbac.patterns import PermissionBlock
from azmlflow.rbac.records import DenyAssignment, RoleAssignment, RoleDefinition
from azmlflow.rbac.roles import built_in_role

SUB = "/subscriptions/10ca1000-0000-4000-8000-000000000002"
GROUP = f"{SUB}/resourceGroups/rg1"
ML = "Microsoft.MachineLearningServices/workspaces"
WS = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/ws"
CORP, TEAM = (f"/providers/Microsoft.Management/managementGroups/{name}" for name in ("corp", "team"))
ALICE, BOB, INNER, OUTER = (f"{letter * 8}-0000-4000-8000-000000000001" for letter in "abcd")
BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
READ, WRITE, KEYS = f"{ML}/read", f"{ML}/write", f"{ML}/listKeys/action"
ASSIGN = "Microsoft.Authorization/roleAssignments/write"
ROLES = {
    name: built_in_role(name).definition()
    for name in (
        "Owner",
        "Contributor",
        "Reader",
        "User Access Administrator",
        "AzureML Data Scientist",
        "AzureML Compute Operator",
        "Storage Blob Data Reader",
        "Managed Identity Operator",
    )
}
TWO_BLOCKS = RoleDefinition(
    "two", "two", (*ROLES["Contributor"].permissions, *ROLES["User Access Administrator"].permissions)
)


@dataclass(frozen=True)
class Case:
    """One question and the one right answer.

    Attributes:
        rule: the rule's name, by which the test fails.
        facts: the tenant.
        action: what is asked.
        cause: the answer's cause; `granted` alone is allowed.
        who: the principal.
        scope: where.
        data: a data action.
        told: attributes of the decision that must hold besides.
    """

    rule: str
    facts: Facts
    action: str
    cause: str
    who: str = ALICE
    scope: str = WS
    data: bool = False
    told: tuple[tuple[str, object], ...] = ()


def has(role: str, who: str = ALICE, at: str = GROUP, condition: str | None = None, id_: str = "a") -> RoleAssignment:
    """An assignment of a built-in role, named as ARM does, with the subscription before it."""
    guid = ROLES[role].id.rpartition("/")[2].upper()
    return RoleAssignment(id_, who, f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{guid}", at, condition)


def tenant(*assignments: RoleAssignment, **others: Any) -> Facts:
    """A tenant with these assignments and every built-in role."""
    return dataclasses.replace(Facts(assignments, tuple(ROLES.values())), **others)


def deny(action: str = f"{ML}/*", **others: Any) -> DenyAssignment:
    """A deny assignment for Alice at the group."""
    block = PermissionBlock(actions=(action,))
    return dataclasses.replace(DenyAssignment("d", "lock", GROUP, (ALICE,), (), (block,)), **others)


OWNED = tenant(has("Owner"))
NESTED = {ALICE: {INNER}, INNER: {OUTER}, OUTER: {INNER}}


def owned(*denies: DenyAssignment, **others: Any) -> Facts:
    """Alice owns the group, and these are denied."""
    return dataclasses.replace(OWNED, denies=denies, **others)


CASES = (
    # --- who
    Case("own assignment", tenant(has("Reader")), READ, "granted", told=(("through", None), ("assigned_at", GROUP))),
    Case("own assignment", tenant(has("Reader", BOB)), READ, "no-assignment"),
    # [overview] "transitive": a user is a member of the groups that hold its groups.
    Case("groups, transitively", tenant(has("Reader", OUTER), memberships=NESTED), READ, "granted",
         told=(("through", OUTER),)),
    Case("groups, transitively", tenant(has("Reader"), memberships=NESTED), READ, "no-assignment", who=OUTER),
    Case("groups, transitively", tenant(has("Reader", OUTER), memberships=NESTED), READ, "no-assignment", who=BOB),
    Case("ids without case", tenant(has("Reader", OUTER.upper()), memberships={ALICE.upper(): {OUTER}}), READ,
         "granted", who=ALICE.upper()),
    Case("unread group is unknown", tenant(has("Reader", OUTER), unread_groups=(OUTER.upper(),)), READ, "membership"),
    Case("unread group is unknown", tenant(has("Reader", OUTER), unread_groups=(INNER,), memberships={INNER: {OUTER}}),
         READ, "membership"),
    Case("unread group is unknown", tenant(has("Reader", OUTER), unread_groups=(INNER,)), READ, "no-assignment"),
    Case("unread group is unknown", tenant(has("Reader", OUTER), unread_groups=(OUTER,)), WRITE, "no-assignment"),
    Case("unread group is unknown", tenant(has("Reader", OUTER), unread_groups=(OUTER,)), READ, "granted", who=OUTER),
    # --- where
    *(Case("scopes above reach down", tenant(has("Reader", at=at)), READ, "granted")
      for at in ("/", SUB, GROUP, WS, f"{GROUP}/")),
    Case("scopes above reach down", tenant(has("Reader", at=WS)), READ, "no-assignment", scope=GROUP),
    Case("scopes without case", tenant(has("Reader", at=GROUP.upper())), READ, "granted", scope=WS.lower()),
    # [scope] `rg1` is neither `rg10` nor `rg`.
    *(Case("whole segments", tenant(has("Reader", at=at)), READ, "no-assignment")
      for at in (f"{GROUP}0", GROUP[:-1], WS[:-1], f"{WS}2", f"{WS}/computes/c")),
    Case("management groups above", tenant(has("Reader", at=CORP), management_groups={SUB.upper(): (CORP.upper(),)}),
         READ, "granted"),
    Case("management groups above", tenant(has("Reader", at=CORP), management_groups={SUB: (TEAM,)}), READ,
         "no-assignment"),
    Case("management groups above", tenant(has("Reader", at=CORP), management_groups={TEAM: (CORP,)}), READ,
         "granted", scope=TEAM),
    Case("unknown hierarchy is unknown", tenant(has("Reader", at=CORP)), READ, "hierarchy"),
    Case("unknown hierarchy is unknown", tenant(has("Reader", at=CORP)), READ, "hierarchy", scope=TEAM),
    Case("unknown hierarchy is unknown", tenant(has("Reader", at=CORP)), WRITE, "no-assignment"),
    Case("unknown hierarchy is unknown", tenant(has("Reader", at=CORP)), READ, "granted", scope=CORP),
    Case("unknown hierarchy is unknown", tenant(has("Reader", at=CORP)), READ, "no-assignment", scope="/"),
    Case("unknown hierarchy is unknown", tenant(has("Contributor", at=CORP)), ASSIGN, "no-assignment"),
    # --- what: [overview] "Azure RBAC is an additive model".
    *(Case("roles add up", tenant(has("Reader", at=SUB), has("AzureML Compute Operator", id_="b")), action, cause)
      for action, cause in ((READ, "granted"), (f"{ML}/computes/write", "granted"), (WRITE, "not-in-roles"))),
    # [built-in] Contributor: "does not allow you to assign roles in Azure RBAC".
    Case("NotActions subtract", tenant(has("Contributor")), ASSIGN, "excluded",
         told=(("pattern", "Microsoft.Authorization/*/Write"),)),
    Case("NotActions subtract", tenant(has("Contributor")), WRITE, "granted"),
    Case("NotActions subtract", tenant(has("AzureML Data Scientist")), KEYS, "excluded"),
    # [definition] "NotActions is not a deny rule": a second role may grant it.
    Case("NotActions are no deny", tenant(has("Contributor"), has("User Access Administrator", id_="b")), ASSIGN,
         "granted", told=(("assignment", "b"),)),
    Case("NotActions stay in their block",
         Facts((RoleAssignment("a", ALICE, "two", GROUP),), (TWO_BLOCKS,)), ASSIGN, "granted"),
    Case("NotActions stay in their block",
         Facts((RoleAssignment("a", ALICE, "two", GROUP),), (TWO_BLOCKS,)), WRITE, "granted"),
    # [built-in] Storage Blob Data Reader reads blobs; Owner has no data action.
    Case("data actions apart", tenant(has("Storage Blob Data Reader")), f"{BLOBS}/blobs/read", "granted", data=True),
    Case("data actions apart", tenant(has("Storage Blob Data Reader")), f"{BLOBS}/blobs/read", "not-in-roles"),
    Case("data actions apart", tenant(has("Storage Blob Data Reader")), f"{BLOBS}/read", "granted"),
    Case("data actions apart", OWNED, f"{BLOBS}/blobs/read", "not-in-roles", data=True),
    Case("data actions apart",
         Facts((RoleAssignment("a", ALICE, "r", GROUP),),
               (RoleDefinition("r", "r", (PermissionBlock((), (), ("*",), (f"{BLOBS}/blobs/write",)),)),)),
         f"{BLOBS}/blobs/write", "excluded", data=True),
    Case("unknown role is ignored", Facts((has("Reader"),)), READ, "no-assignment"),
    Case("unknown role is ignored", Facts((has("Owner"), has("Reader", id_="b")), (ROLES["Reader"],)), READ, "granted",
         told=(("assignment", "b"),)),
    # --- wildcards: [definition] "*"; [built-in] says what the roles do.
    Case("wildcard crosses segments", tenant(has("Reader")), f"{ML}/experiments/runs/read", "granted"),
    Case("wildcard crosses segments", tenant(has("AzureML Compute Operator")), f"{ML}/computes/start/action",
         "granted"),
    Case("wildcard matches both ends", tenant(has("Reader")), KEYS, "not-in-roles"),
    Case("wildcard matches both ends", tenant(has("AzureML Compute Operator")), WRITE, "not-in-roles"),
    Case("wildcard matches both ends", tenant(has("Reader")), f"{ML}/readx", "not-in-roles"),
    Case("patterns without case", tenant(has("Contributor")), ASSIGN.upper(), "excluded"),
    Case("patterns without case", tenant(has("Reader")), READ.upper(), "granted"),
    # [built-in] Managed Identity Operator: "Read and Assign User Assigned Identity".
    Case("middle wildcard for no segment", tenant(has("Managed Identity Operator")), f"{IDENTITY}/read", "granted",
         told=(("marked", True),)),
    Case("middle wildcard for no segment", tenant(has("Managed Identity Operator")), f"{IDENTITY}/x/read", "granted",
         told=(("marked", False),)),
    Case("middle wildcard for no segment", tenant(has("AzureML Data Scientist")), f"{ML}/computes/write", "excluded",
         told=(("marked", True),)),
    Case("middle wildcard for no segment", tenant(has("Reader")), "read", "not-in-roles"),
    # --- conditions
    Case("condition is unknown", tenant(has("Reader", condition="c")), READ, "condition"),
    Case("condition is unknown", tenant(has("Reader", condition="c")), WRITE, "not-in-roles"),
    Case("condition is unknown", tenant(has("Reader", condition="c"), has("Reader", at="/", id_="b")), READ, "granted"),
    Case("role's own condition is unknown",
         Facts((RoleAssignment("a", ALICE, "r", GROUP),),
               (RoleDefinition("r", "r", (PermissionBlock((ASSIGN,), condition="c"),)),)),
         ASSIGN, "condition"),
    Case("condition before doubt", tenant(has("Reader", at=CORP), has("Reader", at="/", condition="c", id_="b")), READ,
         "condition"),
    # --- deny assignments: [deny] "even if a role assignment grants them access".
    Case("deny wins", owned(deny()), READ, "denied", told=(("assignment", "d"), ("assigned_at", GROUP))),
    Case("deny wins", owned(deny()), "Microsoft.Storage/storageAccounts/read", "granted"),
    Case("deny reaches down", owned(deny(scope="/")), READ, "denied"),
    Case("deny reaches down", owned(deny(scope=f"{WS}/computes/c")), READ, "granted"),
    Case("deny reaches down", owned(deny(scope=f"{GROUP}0")), READ, "granted"),
    Case("deny spares children", owned(deny(applies_to_children=False)), READ, "granted"),
    Case("deny spares children", owned(deny(applies_to_children=False)), READ, "denied", scope=GROUP.upper()),
    Case("deny's principals", owned(deny(principals=(BOB,))), READ, "granted"),
    Case("deny's principals", owned(deny(principals=(OUTER.upper(),)), memberships=NESTED), READ, "denied"),
    # [deny] "All Principals", 00000000-0000-0000-0000-000000000000.
    Case("everyone is denied", owned(deny(principals=(EVERYONE,))), READ, "denied"),
    Case("everyone is denied", owned(deny(principals=(EVERYONE[:-1] + "1",))), READ, "granted"),
    Case("deny's exclusions", owned(deny(principals=(EVERYONE,), excluded=(ALICE.upper(),))), READ, "granted"),
    Case("deny's exclusions", owned(deny(excluded=(OUTER,)), memberships=NESTED), READ, "granted"),
    Case("deny's exclusions", owned(deny(excluded=(BOB,))), READ, "denied"),
    Case("deny's NotActions", owned(deny(permissions=(PermissionBlock(("*",), ("*/read",)),))), READ, "granted"),
    Case("deny's NotActions", owned(deny(permissions=(PermissionBlock(("*",), ("*/read",)),))), WRITE, "denied"),
    Case("conditional deny is unknown", owned(deny(condition="c")), READ, "condition"),
    Case("conditional deny is unknown", tenant(has("Reader"), denies=(deny(condition="c"),)), WRITE, "not-in-roles"),
    Case("conditional deny is unknown", owned(deny(condition="c"), deny(id="e", scope="/")), READ, "denied"),
    Case("conditional deny is unknown",
         owned(deny(permissions=(PermissionBlock((READ,), condition="c"),))), READ, "condition"),
    Case("doubtful deny is unknown", owned(deny(scope=CORP)), READ, "hierarchy"),
    Case("doubtful deny is unknown", owned(deny(scope=CORP), management_groups={SUB: (CORP,)}), READ, "denied"),
    Case("doubtful deny is unknown", owned(deny(scope=CORP), management_groups={SUB: (TEAM,)}), READ, "granted"),
    Case("doubtful deny is unknown", owned(deny(principals=(OUTER,)), unread_groups=(OUTER,)), READ, "membership"),
    Case("doubtful deny is unknown", owned(deny(excluded=(OUTER,)), unread_groups=(OUTER,)), READ, "membership"),
    # --- what is told
    Case("narrowest is told", tenant(has("Reader", at="/", id_="1"), has("Reader", at=WS, id_="3"),
                                     has("Reader", at=SUB, id_="2")), READ, "granted", told=(("assignment", "3"),)),
    Case("narrowest is told", owned(deny(scope="/", id="1"), deny(scope=WS, id="3"), deny(scope=SUB, id="2")), READ,
         "denied", told=(("assignment", "3"),)),
    Case("plain before marked", tenant(has("AzureML Data Scientist", at=WS), has("Reader", at="/", id_="b")), READ,
         "granted", told=(("assignment", "b"), ("marked", False))),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.rule}-{at}") for at, case in enumerate(CASES)])
def test_rule(case: Case) -> None:
    decision = evaluate(case.who, case.action, case.scope, case.facts, data=case.data)
    assert decision.cause == case.cause, f"rule '{case.rule}': {decision.reason}"
    assert decision.allowed is (case.cause == "granted"), f"rule '{case.rule}'"
    unknown = case.cause in ("condition", "hierarchy", "membership")
    assert (decision.verdict == "unknown") is unknown, f"rule '{case.rule}'"
    for attribute, value in case.told:
        assert getattr(decision, attribute) == value, f"rule '{case.rule}', {attribute}: {decision.reason}"


def test_every_rule_has_a_case_on_either_side() -> None:
    """One that its deletion fails is not enough: a rule that goes too far must fail as well."""
    for rule in {case.rule for case in CASES}:
        answers = {(case.cause, case.told) for case in CASES if case.rule == rule}
        assert len(answers) > 1 or rule in ONE_SIDED, rule


# Rules about spelling and order have one answer, on which several spellings agree.
ONE_SIDED = frozenset(
    (
        "ids without case",
        "scopes without case",
        "whole segments",
        "NotActions are no deny",
        "NotActions stay in their block",
        "wildcard crosses segments",
        "wildcard matches both ends",
        "role's own condition is unknown",
        "condition before doubt",
        "plain before marked",
    )
)
