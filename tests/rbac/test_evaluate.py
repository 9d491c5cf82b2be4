"""The evaluator, rule by rule, over cases written by hand from Microsoft's text; each names its source.

[overview]   "What is Azure RBAC?", How Azure RBAC determines if a user has access to a resource
[scope]      "Understand scope for Azure RBAC"
[definition] "Understand Azure role definitions"
[deny]       "Understand Azure deny assignments"
[condition]  "What is Azure attribute-based access control?"
[built-in]   "Azure built-in roles"
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from azmlflow.rbac import index
from azmlflow.rbac.evaluate import EVERYONE, Decision, evaluate
from azmlflow.rbac.facts import Facts
from azmlflow.rbac.patterns import PermissionBlock
from azmlflow.rbac.records import DenyAssignment, RoleAssignment, RoleDefinition
from azmlflow.rbac.roles import built_in_role

SUB = "/subscriptions/10ca1000-0000-4000-8000-000000000002"
GROUP = f"{SUB}/resourceGroups/rg1"
WS = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/ws"
CORP = "/providers/Microsoft.Management/managementGroups/corp"
TEAM = "/providers/Microsoft.Management/managementGroups/team"
ALICE = "aaaaaaaa-0000-4000-8000-000000000001"
BOB = "bbbbbbbb-0000-4000-8000-000000000001"
INNER = "cccccccc-0000-4000-8000-000000000001"
OUTER = "dddddddd-0000-4000-8000-000000000001"
ML = "Microsoft.MachineLearningServices/workspaces"
READ = f"{ML}/read"
WRITE = f"{ML}/write"


def role(name: str, *actions: str, without: tuple[str, ...] = ()) -> RoleDefinition:
    """A role of one block; its id is its name."""
    return RoleDefinition(f"id-{name}", name, (PermissionBlock(actions=actions, not_actions=without),))


READER = role("reader", READ)
WRITER = role("writer", WRITE)
ALL_BUT_WRITE = role("all-but-write", "*", without=(WRITE,))


def given(
    definition: RoleDefinition,
    who: str = ALICE,
    at: str = WS,
    *,
    id_: str | None = None,
    condition: str | None = None,
) -> RoleAssignment:
    """An assignment of a role; its id is made of role and holder."""
    return RoleAssignment(id_ or f"{definition.name}-of-{who[0]}", who, definition.id, at, condition)


def deny(
    *actions: str, at: str = GROUP, to: tuple[str, ...] = (ALICE,), but: tuple[str, ...] = (), children: bool = True
) -> DenyAssignment:
    """A deny assignment of one block."""
    return DenyAssignment("deny-1", "the lock", at, to, but, (PermissionBlock(actions=actions),), children)


def ask(facts: Facts, action: str = READ, scope: str = WS, who: str = ALICE, *, data: bool = False) -> Decision:
    """The decision on one question."""
    return evaluate(who, action, scope, facts, data=data)


# --- who -----------------------------------------------------------------------------------------------------------


def test_an_own_assignment_grants_and_is_named() -> None:
    decision = ask(Facts([given(READER)], [READER]))
    assert (decision.verdict, decision.allowed, decision.cause) == ("allowed", True, "granted")
    assert (decision.assignment, decision.assigned_at) == ("reader-of-a", WS)
    assert (decision.role, decision.pattern, decision.through, decision.marked) == ("reader", READ, None, False)
    assert (decision.action, decision.scope) == (READ, WS)
    assert decision.reason == f"Role 'reader', assigned at {WS}, allows it."


def test_another_principals_assignment_does_not() -> None:
    decision = ask(Facts([given(READER, BOB)], [READER]))
    assert (decision.verdict, decision.cause) == ("refused", "no-assignment")
    assert decision.reason == f"No role assignment of {ALICE} or of its groups reaches {WS}."


def test_groups_in_groups_count() -> None:
    # [overview] "If the user is a member of a group that has a role assignment"; membership is transitive.
    facts = Facts([given(READER, OUTER)], [READER], memberships={ALICE: {INNER}, INNER: {OUTER}})
    decision = ask(facts)
    assert decision.allowed
    assert decision.through == OUTER
    assert f"through group {OUTER}" in decision.reason
    assert not ask(facts, who=BOB).allowed


def test_a_group_does_not_get_what_its_member_has() -> None:
    assert not ask(Facts([given(READER)], [READER], memberships={ALICE: {INNER}}), who=INNER).allowed


def test_groups_that_hold_each_other_end_the_walk() -> None:
    memberships = {ALICE: {INNER}, INNER: {OUTER}, OUTER: {INNER, ALICE}}
    facts = Facts([given(READER, OUTER)], [READER], memberships=memberships)
    assert ask(facts).allowed
    assert ask(facts, who=INNER).allowed
    assert not ask(facts, WRITE).allowed


def test_object_ids_have_no_case() -> None:
    facts = Facts([given(READER, OUTER.upper())], [READER], memberships={ALICE.upper(): {OUTER.lower()}})
    assert ask(facts, who=ALICE.lower()).allowed
    own = ask(Facts([given(READER, ALICE.upper())], [READER]), who=ALICE.upper())
    assert own.allowed
    assert own.through is None


def test_memberships_told_twice_in_another_case_add_up() -> None:
    # Object ids have no case, so both entries are about one principal, and neither may hide the other's groups.
    facts = Facts(
        [given(READER, INNER), given(WRITER, OUTER)],
        [READER, WRITER],
        memberships={ALICE: {INNER}, ALICE.upper(): {OUTER}},
    )
    assert ask(facts, READ).through == INNER
    assert ask(facts, WRITE).through == OUTER


def test_a_group_whose_members_could_not_be_read_is_unknown_never_yes() -> None:
    # Anybody may be in it: neither a yes nor a silent no would be true.
    facts = Facts([given(READER, OUTER)], [READER], memberships={INNER: {OUTER}}, unread_groups=[INNER.upper()])
    decision = ask(facts)
    assert (decision.verdict, decision.cause, decision.through) == ("unknown", "membership", OUTER)
    assert "whose members could not be read" in decision.reason
    assert ask(facts, WRITE).cause == "no-assignment"
    assert ask(facts, who=INNER).allowed  # the group itself is no matter of membership
    assert ask(dataclasses.replace(facts, assignments=[given(READER), *facts.assignments])).allowed
    assert ask(dataclasses.replace(facts, memberships={INNER: {OUTER}, ALICE: {OUTER}})).allowed


# --- where ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [WS, GROUP, SUB, "/", GROUP.upper(), f"{SUB}/"])
def test_scopes_above_reach_down_in_any_case(at: str) -> None:
    # [scope] "child scopes inherit"; resource ids have no case.
    assert ask(Facts([given(READER, at=at)], [READER])).allowed


@pytest.mark.parametrize(
    "at", [f"{WS}/computes/c", f"{GROUP}0", f"{GROUP[:-1]}", f"{WS}2", WS[:-1], SUB[:-1], f"{GROUP}/providers/other"]
)
def test_below_and_beside_do_not(at: str) -> None:
    # Whole segments: rg1 is neither rg10 nor rg.
    decision = ask(Facts([given(READER, at=at)], [READER]))
    assert decision.cause == "no-assignment"


def test_roles_at_several_scopes_add_up() -> None:
    # [overview] "Azure RBAC is an additive model": the effective permissions are the sum.
    facts = Facts([given(READER, at=SUB), given(WRITER)], [READER, WRITER])
    assert ask(facts, READ).allowed
    assert ask(facts, WRITE).allowed


def test_of_several_grants_the_narrowest_is_told() -> None:
    facts = Facts([given(READER, at=SUB, id_="1"), given(READER, id_="3"), given(READER, at="/", id_="2")], [READER])
    assert ask(facts).assignment == "3"


def test_a_management_group_above_reaches_down() -> None:
    # [scope] the four levels: management group, subscription, resource group, resource.
    facts = Facts([given(READER, at=CORP)], [READER], management_groups={SUB.upper(): [TEAM, CORP.upper()]})
    assert ask(facts).allowed
    assert ask(facts).assigned_at == CORP


def test_a_management_group_elsewhere_does_not() -> None:
    facts = Facts([given(READER, at=CORP)], [READER], management_groups={SUB: [TEAM]})
    assert ask(facts).cause == "no-assignment"


def test_a_management_group_of_unknown_place_is_unknown_never_yes() -> None:
    facts = Facts([given(READER, at=CORP)], [READER])
    decision = ask(facts)
    assert (decision.verdict, decision.allowed, decision.cause) == ("unknown", False, "hierarchy")
    assert ask(facts, WRITE).cause == "no-assignment"  # what it says nothing of stays as it was
    assert ask(facts, scope=CORP).allowed  # at the management group itself its place does not matter
    assert ask(facts, scope="/").cause == "no-assignment"
    assert ask(facts, scope="/providers/Microsoft.Authorization/roleDefinitions/x").cause == "no-assignment"
    assert ask(facts, scope=TEAM).cause == "hierarchy"
    excluded = Facts([given(ALL_BUT_WRITE, at=CORP)], [ALL_BUT_WRITE])
    assert ask(excluded, WRITE).cause == "no-assignment"


def test_a_management_group_asked_about_is_not_in_doubt_of_itself() -> None:
    facts = Facts([given(READER, at=CORP), given(READER, at=TEAM)], [READER])
    doubts = dict(facts.index.places(CORP))
    assert doubts[CORP.lower()] is None
    assert doubts[TEAM.lower()] == "hierarchy"
    assert [place for place, _ in facts.index.places(CORP)].count(CORP.lower()) == 1


def test_a_management_group_below_its_parent() -> None:
    facts = Facts([given(READER, at=CORP)], [READER], management_groups={TEAM: [CORP], SUB: [TEAM, CORP]})
    assert ask(facts, scope=TEAM).allowed
    assert not ask(Facts([given(READER, at=TEAM)], [READER], management_groups={CORP: []}), scope=CORP).allowed


# --- what ----------------------------------------------------------------------------------------------------------


def test_roles_that_say_nothing_are_named() -> None:
    facts = Facts([given(WRITER), given(READER, at=SUB)], [WRITER, READER])
    decision = ask(facts, f"{ML}/delete")
    assert (decision.verdict, decision.cause, decision.role) == ("refused", "not-in-roles", None)
    assert decision.reason == f"Roles 'reader', 'writer' do not allow {ML}/delete."
    one = ask(Facts([given(WRITER)], [WRITER]))
    assert one.reason == f"Role 'writer' does not allow {READ}."


def test_not_actions_take_away() -> None:
    # [definition] "The NotActions permission specifies the control plane actions that are subtracted".
    decision = ask(Facts([given(ALL_BUT_WRITE)], [ALL_BUT_WRITE]), WRITE)
    assert (decision.verdict, decision.cause) == ("refused", "excluded")
    assert (decision.role, decision.pattern) == ("all-but-write", WRITE)
    assert decision.reason == f"Role 'all-but-write', assigned at {WS}, excludes it by its NotActions '{WRITE}'."
    with_others = ask(Facts([given(ALL_BUT_WRITE), given(READER)], [ALL_BUT_WRITE, READER]), WRITE)
    assert with_others.reason.endswith("; Role 'reader' does not allow it either.")


def test_of_several_exclusions_the_narrowest_is_told() -> None:
    holds = [
        given(ALL_BUT_WRITE, at=SUB, id_="1"),
        given(ALL_BUT_WRITE, id_="3"),
        given(ALL_BUT_WRITE, at=GROUP, id_="2"),
    ]
    for assignments in (holds, holds[::-1]):
        decision = ask(Facts(assignments, [ALL_BUT_WRITE]), WRITE)
        assert (decision.cause, decision.assignment, decision.assigned_at) == ("excluded", "3", WS)


def test_not_actions_are_no_deny() -> None:
    # [definition] "If a user is assigned a role that excludes an action in NotActions, and is assigned a second role
    # that grants access to the same action, the user is allowed to perform that action."
    facts = Facts([given(ALL_BUT_WRITE), given(WRITER, at=SUB)], [ALL_BUT_WRITE, WRITER])
    assert ask(facts, WRITE).role == "writer"


def test_not_actions_reach_their_own_block_only() -> None:
    # [definition] permissions is a list; the sum of its blocks is granted.
    blocks = (PermissionBlock(actions=("*",), not_actions=(WRITE,)), PermissionBlock(actions=(f"{ML}/*",)))
    two = RoleDefinition("two", "two", blocks)
    assert ask(Facts([given(two)], [two]), WRITE).pattern == f"{ML}/*"
    assert not ask(Facts([given(two)], [two]), "Microsoft.Storage/read", "/x", BOB).allowed


def test_excluding_what_was_never_granted_is_no_exclusion() -> None:
    odd = role("odd", READ, without=(WRITE,))
    assert ask(Facts([given(odd)], [odd]), WRITE).cause == "not-in-roles"


def test_actions_and_data_actions_are_apart() -> None:
    # [definition] "Role-based access control for control plane actions is not inherited to the data plane."
    block = PermissionBlock(actions=("a/*",), data_actions=("b/*",), not_actions=("b/x",), not_data_actions=("a/y",))
    both = RoleDefinition("both", "both", (block,))
    facts = Facts([given(both)], [both])
    assert ask(facts, "a/y").allowed
    assert not ask(facts, "b/x").allowed
    assert ask(facts, "b/x", data=True).allowed
    assert not ask(facts, "a/y", data=True).allowed
    excluding = RoleDefinition("e", "e", (PermissionBlock(data_actions=("*",), not_data_actions=("b/x",)),))
    assert ask(Facts([given(excluding)], [excluding]), "b/x", data=True).cause == "excluded"
    # The same question of the other plane is answered apart, not from what was worked out before.
    assert ask(Facts([given(excluding)], [excluding]), "b/y", data=True).allowed
    assert not ask(Facts([given(excluding)], [excluding]), "b/y").allowed


def test_actions_have_no_case() -> None:
    assert ask(Facts([given(READER)], [READER]), READ.upper()).allowed


def test_role_ids_are_compared_by_guid() -> None:
    # ARM names a built-in role with and without the subscription before it.
    guid = "ACDD72A7-3385-48ef-bd42-f606fba81ae7"
    long = RoleAssignment("a", ALICE, f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{guid}", WS)
    short = dataclasses.replace(READER, id=f"/providers/Microsoft.Authorization/roleDefinitions/{guid.lower()}")
    assert ask(Facts([long], [short])).allowed
    assert ask(Facts([long], [built_in_role("Reader").definition()])).allowed
    for written in ("/x/roleDefinitions/ABX", "/x/roleDefinitions/abx/", "abX"):
        assert index.role_guid(written) == "abx"


def test_an_unknown_role_definition_is_ignored_and_named() -> None:
    decision = ask(Facts([given(WRITER), given(READER)], [READER]))
    assert decision.allowed
    assert "Ignored: assignment writer-of-a, whose role definition id-writer is not known." in decision.reason
    both = ask(Facts([given(READER), given(WRITER), given(ALL_BUT_WRITE)], [READER])).reason
    assert both.endswith(
        " Ignored: assignment all-but-write-of-a, whose role definition id-all-but-write is not known; "
        "assignment writer-of-a, whose role definition id-writer is not known."
    )
    refused = ask(Facts([given(WRITER)], []))
    assert refused.cause == "no-assignment"
    assert "writer-of-a" in refused.reason


# --- wildcards in the built-in roles -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "action", "cause", "marked"),
    [
        # [built-in] Owner: "full access to manage all resources, including the ability to assign roles".
        ("Owner", "Microsoft.Authorization/roleAssignments/write", "granted", False),
        # [built-in] Contributor: "does not allow you to assign roles in Azure RBAC".
        ("Contributor", "Microsoft.Authorization/roleAssignments/write", "excluded", False),
        ("Contributor", "Microsoft.Authorization/roleAssignments/delete", "excluded", False),
        ("Contributor", "Microsoft.Authorization/roleAssignments/read", "granted", False),
        ("Contributor", WRITE, "granted", False),
        # [built-in] Reader: "View all resources, but does not allow you to make any changes".
        ("Reader", f"{ML}/experiments/runs/read", "granted", False),
        ("Reader", f"{ML}/listKeys/action", "not-in-roles", False),
        ("User Access Administrator", "Microsoft.Authorization/roleAssignments/write", "granted", False),
        ("User Access Administrator", WRITE, "not-in-roles", False),
        # [built-in] AzureML Data Scientist: "all actions within a workspace, except for creating or deleting compute
        # resources and modifying the workspace itself": only so if `*` may stand for no segment.
        ("AzureML Data Scientist", READ, "granted", True),
        ("AzureML Data Scientist", f"{ML}/experiments/runs/write", "granted", False),
        ("AzureML Data Scientist", f"{ML}/computes/write", "excluded", True),
        ("AzureML Data Scientist", f"{ML}/computes/delete", "excluded", True),
        ("AzureML Data Scientist", f"{ML}/computes/start/action", "granted", False),
        ("AzureML Data Scientist", WRITE, "excluded", False),
        ("AzureML Data Scientist", f"{ML}/listKeys/action", "excluded", False),
        ("AzureML Data Scientist", f"{ML}/listStorageAccountKeys/action", "granted", False),
        ("AzureML Compute Operator", f"{ML}/computes/write", "granted", False),
        ("AzureML Compute Operator", READ, "not-in-roles", False),
        ("AzureML Metrics Writer (preview)", f"{ML}/experiments/runs/write", "not-in-roles", False),
        # [built-in] Managed Identity Operator: "Read and Assign User Assigned Identity".
        ("Managed Identity Operator", "Microsoft.ManagedIdentity/userAssignedIdentities/read", "granted", True),
        (
            "Managed Identity Operator",
            "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
            "granted",
            True,
        ),
        ("Managed Identity Operator", "Microsoft.ManagedIdentity/userAssignedIdentities/write", "not-in-roles", False),
    ],
)
def test_built_in_roles(name: str, action: str, cause: str, marked: bool) -> None:
    definition = built_in_role(name).definition()
    decision = ask(Facts([given(definition)], [definition]), action)
    assert (decision.cause, decision.marked) == (cause, marked)
    assert decision.allowed is (cause == "granted")
    assert ("standing for no segment" in decision.reason) is marked


def test_built_in_data_actions() -> None:
    # [built-in] Storage Blob Data Reader reads blobs; Owner has no data action at all.
    blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
    for name, allowed in (("Storage Blob Data Reader", True), ("Owner", False)):
        definition = built_in_role(name).definition()
        assert ask(Facts([given(definition)], [definition]), f"{blobs}/read", data=True).allowed is allowed
        assert not ask(Facts([given(definition)], [definition]), f"{blobs}/write", data=True).allowed


def test_a_plain_grant_is_told_rather_than_a_marked_one() -> None:
    marked = role("marked", f"{ML}/*/read")
    facts = Facts([given(marked), given(READER, at="/")], [marked, READER])
    assert (ask(facts).role, ask(facts).marked) == ("reader", False)


# --- conditions ----------------------------------------------------------------------------------------------------


def test_a_condition_is_unknown_never_yes() -> None:
    # [condition] the condition narrows the assignment by attributes that are not among the facts.
    decision = ask(Facts([given(READER, condition="@Resource[a] StringEquals 'b'")], [READER]))
    assert (decision.verdict, decision.allowed, decision.cause) == ("unknown", False, "condition")
    assert decision.assignment == "reader-of-a"


def test_of_several_uncertain_grants_the_narrowest_is_told() -> None:
    conditional = [given(READER, at=SUB, id_="1", condition="c"), given(READER, id_="3", condition="c")]
    for assignments in (conditional, conditional[::-1]):
        decision = ask(Facts(assignments, [READER]))
        assert (decision.cause, decision.assignment, decision.assigned_at) == ("condition", "3", WS)


def test_an_unconditional_grant_elsewhere_wins() -> None:
    facts = Facts([given(READER, condition="c", id_="1"), given(READER, at="/", id_="2")], [READER])
    assert (ask(facts).verdict, ask(facts).assignment) == ("allowed", "2")


def test_a_condition_on_what_a_role_does_not_allow_changes_nothing() -> None:
    assert ask(Facts([given(READER, condition="c")], [READER]), WRITE).cause == "not-in-roles"


def test_a_condition_comes_before_a_management_group_in_doubt() -> None:
    facts = Facts([given(READER, at=CORP, id_="1"), given(READER, at="/", condition="c", id_="2")], [READER])
    assert (ask(facts).cause, ask(facts).assignment) == ("condition", "2")


def test_a_roles_own_condition_counts_too() -> None:
    # [built-in] Key Vault Data Access Administrator carries its condition in the role's permissions.
    own = RoleDefinition("own", "own", (PermissionBlock(actions=(READ,), condition="c"),))
    assert ask(Facts([given(own)], [own])).cause == "condition"
    mixed = dataclasses.replace(own, permissions=(*own.permissions, PermissionBlock(actions=("*",))))
    assert ask(Facts([given(mixed)], [mixed])).allowed


def test_what_is_unknown_says_what_it_rests_on() -> None:
    """A sentence for people, whole: of a grant and of a deny, by a condition, a management group and a group."""
    role, lock = "Role 'reader', assigned at", "Deny assignment 'the lock' at"
    judged = "under a condition, which is not judged here"
    above = "if that management group is above this scope, which is not known"
    inside = "if the principal is in that group, whose members could not be read"
    mine, team = given(READER), given(READER, OUTER)
    told = {
        f"{role} {WS}, allows it only {judged}.": Facts([given(READER, condition="c")], [READER]),
        f"{role} {CORP}, allows it {above}.": Facts([given(READER, at=CORP)], [READER]),
        f"{role} {WS} through group {OUTER}, allows it {inside}.": Facts([team], [READER], unread_groups=[OUTER]),
        f"{lock} {GROUP} denies it {judged} (pattern '{READ}').": Facts(
            [mine], [READER], [dataclasses.replace(deny(READ), condition="c")]
        ),
        f"{lock} {CORP} denies it {above} (pattern '{READ}').": Facts([mine], [READER], [deny(READ, at=CORP)]),
        f"{lock} {GROUP} denies it {inside} (pattern '{READ}').": Facts(
            [mine], [READER], [deny(READ, to=(OUTER,))], unread_groups=[OUTER]
        ),
    }
    assert [ask(facts).reason for facts in told.values()] == [*told]


# --- deny assignments ----------------------------------------------------------------------------------------------


def test_a_deny_blocks_whatever_the_roles_say() -> None:
    # [deny] "Deny assignments block users from performing specified actions even if a role assignment grants them".
    owner = built_in_role("Owner").definition()
    decision = ask(Facts([given(owner)], [owner], [deny(f"{ML}/*")]))
    assert (decision.verdict, decision.cause) == ("refused", "denied")
    assert (decision.assignment, decision.role, decision.pattern) == ("deny-1", "the lock", f"{ML}/*")
    assert decision.reason == f"Deny assignment 'the lock' at {GROUP} denies it (pattern '{ML}/*')."
    assert ask(Facts([given(owner)], [owner], [deny(f"{ML}/*")]), "Microsoft.Storage/storageAccounts/read").allowed


def test_a_deny_is_told_even_where_no_role_reaches() -> None:
    assert ask(Facts(denies=[deny(READ)])).cause == "denied"


@pytest.mark.parametrize(
    ("forbids", "allowed"),
    [
        (deny(READ, at=f"{GROUP}0"), True),  # elsewhere
        (deny(READ, at=f"{WS}/computes/c"), True),  # below
        (deny(READ, at="/"), False),
        (deny(READ, at=GROUP.upper()), False),
        (deny(WRITE), True),  # something else
        (deny(READ, to=(BOB,)), True),  # somebody else
        (deny(READ, to=(OUTER,)), False),  # a group of hers, transitively
        (deny(READ, to=(OUTER.upper(),)), False),
        # [deny] "All Principals" is principal 00000000-0000-0000-0000-000000000000, with exclusions.
        (deny(READ, to=(EVERYONE,)), False),
        (deny(READ, to=(EVERYONE,), but=(ALICE,)), True),
        (deny(READ, to=(EVERYONE,), but=(ALICE.upper(),)), True),
        (deny(READ, to=(EVERYONE,), but=(OUTER,)), True),  # excluded through a group
        (deny(READ, to=(EVERYONE,), but=(BOB,)), False),
        (deny(READ, but=(INNER,)), True),
        # [deny] "DoNotApplyToChildScopes".
        (deny(READ, children=False), True),
        (deny(READ, at=WS.upper(), children=False), False),
    ],
)
def test_whom_and_where_a_deny_concerns(forbids: DenyAssignment, allowed: bool) -> None:
    memberships = {ALICE: {INNER}, INNER: {OUTER}}
    decision = ask(Facts([given(READER)], [READER], [forbids], memberships))
    assert decision.allowed is allowed
    assert decision.cause == ("granted" if allowed else "denied")


def test_of_several_denies_the_narrowest_is_told() -> None:
    wide, narrow = deny(READ, at="/"), dataclasses.replace(deny(READ, at=WS), id="deny-2")
    assert ask(Facts(denies=[wide, narrow])).assignment == "deny-2"
    assert ask(Facts(denies=[narrow, dataclasses.replace(wide, id="deny-3")])).assignment == "deny-2"


def test_a_deny_that_is_about_somebody_else_hides_none() -> None:
    mine, other = deny(READ), dataclasses.replace(deny(READ, to=(BOB,)), id="deny-0")
    for denies in ([other, mine], [mine, other]):
        assert ask(Facts([given(READER)], [READER], denies)).assignment == "deny-1"


def test_a_denys_own_not_actions_let_through() -> None:
    # [deny] "NotActions: the control plane actions to exclude from the deny assignment".
    block = PermissionBlock(actions=("*",), not_actions=("*/read",))
    forbids = dataclasses.replace(deny(), permissions=(block,))
    facts = Facts([given(READER), given(WRITER)], [READER, WRITER], [forbids])
    assert ask(facts, READ).allowed
    assert ask(facts, WRITE).cause == "denied"


def test_a_deny_of_data_actions_is_apart() -> None:
    forbids = dataclasses.replace(deny(), permissions=(PermissionBlock(data_actions=("*",)),))
    both = RoleDefinition("both", "both", (PermissionBlock(actions=("*",), data_actions=("*",)),))
    facts = Facts([given(both)], [both], [forbids])
    assert ask(facts, "x/read").allowed
    assert ask(facts, "x/read", data=True).cause == "denied"


def test_a_conditional_deny_is_unknown_unless_refused_anyway() -> None:
    forbids = dataclasses.replace(deny(READ, WRITE), condition="c")
    facts = Facts([given(READER)], [READER], [forbids])
    assert (ask(facts).verdict, ask(facts).cause, ask(facts).assignment) == ("unknown", "condition", "deny-1")
    assert ask(facts, WRITE).cause == "not-in-roles"
    certain = dataclasses.replace(deny(READ, at="/"), id="deny-2")
    assert ask(dataclasses.replace(facts, denies=[forbids, certain])).assignment == "deny-2"
    own = dataclasses.replace(deny(), permissions=(PermissionBlock(actions=(READ,), condition="c"),))
    assert ask(dataclasses.replace(facts, denies=[own])).verdict == "unknown"


def test_a_deny_at_a_management_group_in_doubt_is_unknown() -> None:
    facts = Facts([given(READER)], [READER], [deny(READ, at=CORP)])
    assert (ask(facts).verdict, ask(facts).cause) == ("unknown", "hierarchy")
    assert ask(dataclasses.replace(facts, management_groups={SUB: [CORP]})).cause == "denied"
    assert ask(dataclasses.replace(facts, management_groups={SUB: [TEAM]})).allowed


def test_a_deny_on_a_group_with_unread_members_is_unknown() -> None:
    facts = Facts([given(READER)], [READER], [deny(READ, to=(OUTER,))], unread_groups=[OUTER])
    assert (ask(facts).verdict, ask(facts).cause) == ("unknown", "membership")
    assert ask(facts, who=BOB).cause == "no-assignment"
    assert ask(facts, who=OUTER).cause == "denied"
    sparing = dataclasses.replace(facts, denies=[deny(READ, to=(EVERYONE,), but=(OUTER,))])
    assert (ask(sparing).verdict, ask(sparing).cause) == ("unknown", "membership")
    both = dataclasses.replace(facts, denies=[deny(READ, to=(OUTER,), but=(ALICE,))])
    assert ask(both).allowed


def test_a_deny_resting_on_no_segment_is_marked() -> None:
    assert ask(Facts(denies=[deny(f"{ML}/*/read")])).marked


# --- size ----------------------------------------------------------------------------------------------------------


def test_a_question_costs_what_reaches_it_not_the_tenant() -> None:
    """Ten times the tenant, the same question: counted in look-ups through the facts, not in seconds."""

    def tenant(size: int) -> Facts:
        others = [given(READER, f"user-{number}", f"{SUB}/resourceGroups/g{number}") for number in range(size)]
        return Facts([*others, given(READER)], [READER])

    def steps(facts: Facts) -> int:
        counted = 0  # the index is made here, once; what reaches a principal is gathered at the first question
        original = facts.index.assignments

        def counting(identity: str, scope: str) -> Sequence[RoleAssignment]:
            nonlocal counted
            found = original(identity, scope)
            counted += 1 + len(found)
            return found

        facts.index.assignments = counting  # type: ignore[method-assign]
        assert ask(facts).allowed
        return counted

    assert steps(tenant(10_000)) == steps(tenant(1_000))


def test_answers_are_kept_but_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded Azure asks about ever new scopes for as long as it runs, and must not grow with them."""
    monkeypatch.setattr(index, "_KEPT", 3)
    facts = Facts([given(READER, at="/")], [READER])
    scopes = [f"{GROUP}/providers/a.b/t/{number}" for number in range(8)]
    first = [facts.index.reached(ALICE, scope) for scope in scopes[:3]]
    for found, scope in zip(first, scopes, strict=False):
        assert facts.index.reached(ALICE, scope) is found  # worked out once
    for scope in scopes:
        assert ask(facts, scope=scope).allowed
        assert len(facts.index._reached) <= 3
        assert len(facts.index._places) <= 3
