"""What must hold of the evaluator for any facts: Hypothesis over small tenants that collide often."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azmlflow.rbac import scopes
from azmlflow.rbac.evaluate import EVERYONE, Decision, evaluate
from azmlflow.rbac.facts import Facts
from azmlflow.rbac.patterns import PermissionBlock
from azmlflow.rbac.records import DenyAssignment, RoleAssignment, RoleDefinition

T = TypeVar("T")

PRINCIPALS = ("u1", "u2", "g1", "g2", "g3")
SCOPES = (
    "/",
    "/providers/Microsoft.Management/managementGroups/m",
    "/subscriptions/s",
    "/subscriptions/s/resourceGroups/rg",
    "/subscriptions/s/resourceGroups/rg1",
    "/subscriptions/s/resourceGroups/rg/providers/a.b/t/n",
)
ACTIONS = ("p/read", "p/q/read", "p/write", "p/q/write")
PATTERNS = (*ACTIONS, "*", "p/*", "*/read", "p/*/read", "p/*/write", "*q*")

principals, places, actions = st.sampled_from(PRINCIPALS), st.sampled_from(SCOPES), st.sampled_from(ACTIONS)
patterns = st.lists(st.sampled_from(PATTERNS), max_size=2).map(tuple)
blocks = st.builds(PermissionBlock, patterns, patterns, patterns, patterns)
permissions = st.lists(blocks, min_size=1, max_size=2).map(tuple)
conditions = st.sampled_from((None, None, "c"))
roles = st.integers(0, 3).map(str)
listed = st.lists(st.sampled_from((*PRINCIPALS, EVERYONE)), max_size=2).map(tuple)


@st.composite
def tenants(draw: st.DrawFn) -> Facts:
    definitions = [RoleDefinition(str(number), f"role {number}", draw(permissions)) for number in range(3)]
    assignments = [
        RoleAssignment(f"a{number}", draw(principals), draw(roles), draw(places), draw(conditions))
        for number in range(draw(st.integers(0, 5)))
    ]
    denies = [
        DenyAssignment(
            f"d{number}",
            f"deny {number}",
            draw(places),
            draw(listed),
            draw(listed),
            draw(permissions),
            draw(st.booleans()),
            draw(conditions),
        )
        for number in range(draw(st.integers(0, 2)))
    ]
    memberships = draw(st.dictionaries(principals, st.frozensets(principals, max_size=2), max_size=4))
    known: list[dict[str, tuple[str, ...]]] = [{}, {"/subscriptions/s": (SCOPES[1],)}, {"/subscriptions/s": ()}]
    unread = draw(st.sampled_from(((), (), ("g1",))))
    return Facts(assignments, definitions, denies, memberships, draw(st.sampled_from(known)), unread)


@dataclasses.dataclass(frozen=True)
class Asked:
    """One question, put to any facts."""

    who: str
    action: str
    scope: str
    data: bool

    def of(self, facts: Facts) -> Decision:
        """The decision."""
        return evaluate(self.who, self.action, self.scope, facts, data=self.data)


questions = st.builds(Asked, principals, actions, places, st.booleans())
# A busy machine is no fault of the evaluator's: time decides nothing here.
settled = settings(derandomize=True, max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def shuffled(items: Sequence[T], seed: int) -> list[T]:
    """The items in an order that follows from the seed."""
    return random.Random(seed).sample(items, len(items))


@settled
@given(tenants(), questions, permissions, principals, places)
def test_adding_a_role_never_removes_access(
    facts: Facts, asked: Asked, extra: tuple[PermissionBlock, ...], holder: str, at: str
) -> None:
    more = dataclasses.replace(
        facts,
        definitions=[*facts.definitions, RoleDefinition("extra", "extra", extra)],
        assignments=[*facts.assignments, RoleAssignment("ax", holder, "extra", at)],
    )
    if asked.of(facts).allowed:
        assert asked.of(more).allowed


@settled
@given(questions, blocks, blocks)
def test_not_actions_never_reach_another_block(asked: Asked, first: PermissionBlock, second: PermissionBlock) -> None:
    def allows(*permissions: PermissionBlock) -> bool:
        role = RoleDefinition("one", "one", permissions)
        return asked.of(Facts([RoleAssignment("a", asked.who, "one", "/")], [role])).allowed

    assert allows(first, second) == (allows(first) or allows(second))


@settled
@given(tenants(), questions, st.integers(0, 1000))
def test_the_order_of_the_facts_does_not_matter(facts: Facts, asked: Asked, seed: int) -> None:
    other = Facts(
        shuffled(facts.assignments, seed),
        [
            dataclasses.replace(role, permissions=tuple(shuffled(role.permissions, seed)))
            for role in shuffled(facts.definitions, seed)
        ],
        shuffled(facts.denies, seed),
        dict(shuffled(list(facts.memberships.items()), seed)),
        facts.management_groups,
        facts.unread_groups,
    )
    assert asked.of(other) == asked.of(facts)


@settled
@given(tenants(), questions)
def test_asking_again_or_saying_twice_changes_nothing(facts: Facts, asked: Asked) -> None:
    first = asked.of(facts)
    assert asked.of(facts) == first
    twice = Facts(
        [*facts.assignments, *facts.assignments],
        [*facts.definitions, *facts.definitions],
        [*facts.denies, *facts.denies],
        facts.memberships,
        facts.management_groups,
        facts.unread_groups,
    )
    assert asked.of(twice) == first


@settled
@given(tenants(), questions)
def test_case_does_not_matter(facts: Facts, asked: Asked) -> None:
    loud = Asked(asked.who.upper(), asked.action.upper(), asked.scope.upper(), asked.data)
    assert loud.of(facts).verdict == asked.of(facts).verdict


@settled
@given(tenants(), questions, principals, places)
def test_a_deny_of_everything_blocks_what_it_reaches_and_nothing_else(
    facts: Facts, asked: Asked, target: str, at: str
) -> None:
    everything = (PermissionBlock(actions=("*",), data_actions=("*",)),)
    blocked = dataclasses.replace(facts, denies=[DenyAssignment("d", "d", at, (target,), (), everything)])
    free = dataclasses.replace(facts, denies=[])
    if target not in (*facts.index.identities(asked.who), *facts.index.perhaps(asked.who)):
        assert asked.of(blocked) == asked.of(free)
    elif scopes.contains(at, asked.scope) and target in facts.index.identities(asked.who):
        assert asked.of(blocked).cause == "denied"


@settled
@given(tenants(), questions)
def test_every_verdict_says_why(facts: Facts, asked: Asked) -> None:
    decision = asked.of(facts)
    assert decision.reason.endswith(".")
    assert (decision.cause == "granted") is decision.allowed
    assert (decision.verdict == "unknown") is (decision.cause in ("condition", "hierarchy", "membership"))
    at = {each.id: each.scope for each in facts.assignments} | {each.id: each.scope for each in facts.denies}
    if decision.cause in ("no-assignment", "not-in-roles"):
        assert decision.assignment is None
    else:
        assert decision.assignment is not None
        assert at[decision.assignment] == decision.assigned_at
        assert decision.pattern in PATTERNS
