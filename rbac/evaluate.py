"""Azure's access decision: (principal, action, scope, facts) -> Decision with its reason.

The rules, in Azure's order (Microsoft, "How Azure RBAC determines if a user has access to a resource", "Understand
Azure role definitions", "Understand Azure deny assignments"):

1. Who: the principal and every group that holds it, transitively.
2. Where: assignments at the scope and above, whole segments, case-insensitive; management groups as read from Azure.
3. A deny assignment that matches blocks, whatever the roles say.
4. Else the union over roles and, within a role, over its permission blocks of actions minus that block's not_actions.
   NotActions is not a deny: another block or role may grant the same action.
5. A condition cannot be judged here: what rests on a conditional assignment is unknown, never allowed.

`patterns` holds how a wildcard matches; a verdict that rests on its one inferred rule is `marked`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from azmlflow.rbac.facts import Facts
from azmlflow.rbac.index import Barrier, Doubt, Held, Index, Reached
from azmlflow.rbac.patterns import Match

# "All principals" in a deny assignment (Microsoft, "Understand Azure deny assignments": system-defined principal).
EVERYONE = "00000000-0000-0000-0000-000000000000"

Verdict = Literal["allowed", "refused", "unknown"]
Cause = Literal[
    "granted",  # a role allows it
    "denied",  # a deny assignment blocks it
    "excluded",  # a role would allow it but for its NotActions
    "not-in-roles",  # roles reach the scope, none allows it
    "no-assignment",  # no role assignment reaches the scope
    "condition",  # rests on a condition, of an assignment or of a deny
    "hierarchy",  # rests on a management group whose place above the scope is not known
    "membership",  # rests on a group whose members could not be read
]

_IF: Mapping[Doubt, str] = {
    "hierarchy": "if that management group is above this scope, which is not known",
    "membership": "if the principal is in that group, whose members could not be read",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and its reason.

    Attributes:
        verdict: `allowed`, `refused` or `unknown`; only `allowed` opens anything.
        reason: one sentence for people.
        action: the action asked about.
        scope: the scope asked about.
        cause: the rule that decided, for programs.
        assignment: id of the role or deny assignment that decided, if one did.
        assigned_at: that assignment's scope.
        role: name of the role (or deny assignment) that decided.
        pattern: its pattern that matched: of Actions if allowed, of NotActions if excluded, of the deny's if denied.
        through: the group by which the assignment reaches the principal, if not its own.
        marked: the verdict rests on a middle wildcard that stands for no segment (`patterns`).
    """

    verdict: Verdict
    reason: str
    action: str
    scope: str
    cause: Cause
    assignment: str | None = None
    assigned_at: str | None = None
    role: str | None = None
    pattern: str | None = None
    through: str | None = None
    marked: bool = False

    @property
    def allowed(self) -> bool:
        """Whether access is granted; an unknown verdict is not."""
        return self.verdict == "allowed"


@dataclass(frozen=True, slots=True)
class _Hit:
    """An assignment that reaches the question, with what its role says."""

    held: Held
    role: str
    match: Match

    @property
    def conditional(self) -> bool:
        """Whether it holds under a condition only, the assignment's or the role's own."""
        return bool(self.held.assignment.condition) or self.match.conditional

    def rank(self) -> tuple[bool, int, str, str]:
        """Which of several equal hits is told: a plain pattern first, the narrowest scope, then names. Never order."""
        return self.match.marked, -self.held.depth, self.role, self.held.assignment.id


def evaluate(principal_id: str, action: str, scope: str, facts: Facts, *, data: bool = False) -> Decision:
    """Decide whether a principal may perform an action at a scope.

    Args:
        principal_id: object id of a user, group, service principal or managed identity.
        action: a concrete action, `Microsoft.MachineLearningServices/workspaces/read`.
        scope: the id of the resource, group, subscription or management group acted upon.
        facts: assignments, definitions, denies and memberships.
        data: ask the data actions instead of the actions.

    Returns:
        The decision with the rule, assignment, role and pattern that decided. Nothing is raised: what cannot be known
        is `unknown`, and a role definition that is not among the facts is ignored and named in the reason.
    """
    index = facts.index
    reached = index.reached(principal_id, scope)
    question = _Question(index, reached, action, scope, data)
    blocked = _denied(question)
    if blocked is not None and blocked.cause == "denied":
        return blocked
    says = index.say(action, data)
    hits = question.hits(says.allows)
    decision = _granted(question, hits) if hits else _refused(question, says.excludes)
    if blocked is not None and decision.allowed:
        decision = blocked
    if not reached.unresolved:
        return decision
    return replace(decision, reason=f"{decision.reason} Ignored: {'; '.join(reached.unresolved)}.")


@dataclass(frozen=True, slots=True)
class _Question:
    """What was asked, and all that reaches it."""

    index: Index
    reached: Reached
    action: str
    scope: str
    data: bool

    def hits(self, roles: Mapping[str, Match]) -> list[_Hit]:
        """The assignments of these roles that reach the question, or may."""
        return [
            _Hit(held, self.index.role_name(guid), roles[guid])
            for guid in roles.keys() & self.reached.roles.keys()
            for held in self.reached.roles[guid]
        ]

    def answer(self, verdict: Verdict, cause: Cause, hit: _Hit, predicate: str) -> Decision:
        """A decision that rests on one role assignment."""
        held, assignment = hit.held, hit.held.assignment
        through = None if held.identity == self.reached.identities[0] else held.identity
        by = f" through group {through}" if through else ""
        mark = f" ('{hit.match.pattern}' with '*' standing for no segment)" if hit.match.marked else ""
        return Decision(
            verdict,
            f"Role '{hit.role}', assigned at {assignment.scope}{by}, {predicate}{mark}.",
            self.action,
            self.scope,
            cause,
            assignment=assignment.id,
            assigned_at=assignment.scope,
            role=hit.role,
            pattern=hit.match.pattern,
            through=through,
            marked=hit.match.marked,
        )


def _granted(question: _Question, hits: list[_Hit]) -> Decision:
    """Allowed by what is certain and unconditional; else unknown: for the condition, or for what may not reach here."""
    certain = [hit for hit in hits if hit.held.doubt is None]
    plain = [hit for hit in certain if not hit.conditional]
    if plain:
        return question.answer("allowed", "granted", min(plain, key=_Hit.rank), "allows it")
    hit = min(certain or hits, key=_Hit.rank)
    if hit.held.doubt is None:
        return question.answer(
            "unknown", "condition", hit, "allows it only under a condition, which is not judged here"
        )
    return question.answer("unknown", hit.held.doubt, hit, f"allows it {_IF[hit.held.doubt]}")


def _refused(question: _Question, excludes: Mapping[str, Match]) -> Decision:
    """The refusal where no role allows the action: excluded, not in the roles, or no role at all.

    What may not even reach here changes nothing by not allowing it.
    """
    names = question.reached.names
    excluded = [hit for hit in question.hits(excludes) if hit.held.doubt is None]
    if excluded:
        hit = min(excluded, key=_Hit.rank)
        others = [name for name in names if name != hit.role]
        also = f"; {_names(others)} not allow it either" if others else ""
        return question.answer("refused", "excluded", hit, f"excludes it by its NotActions '{hit.match.pattern}'{also}")
    if names:
        reason = f"{_names(names)} not allow {question.action}."
        return Decision("refused", reason, question.action, question.scope, "not-in-roles")
    reason = f"No role assignment of {question.reached.identities[0]} or of its groups reaches {question.scope}."
    return Decision("refused", reason, question.action, question.scope, "no-assignment")


def _denied(question: _Question) -> Decision | None:
    """What deny assignments say: denied, unknown (a condition, a management group in doubt), or None."""
    found: list[tuple[tuple[bool, bool, int, str, str], Decision]] = []
    for barrier in question.index.barriers(question.action, question.scope, question.data):
        concerned, unsure = _concerned(barrier, question.reached)
        if not concerned:
            continue
        decision = _denial(question, barrier, unsure or barrier.doubt)
        rank = decision.verdict != "refused", barrier.match.marked, -barrier.depth, decision.cause, barrier.deny.id
        found.append((rank, decision))
    # What is certain comes first; ids are unique in a tenant, so that decisions are never compared.
    return min(found, key=lambda item: item[0])[1] if found else None


def _denial(question: _Question, barrier: Barrier, doubt: Doubt | None) -> Decision:
    """The decision that rests on one deny assignment."""
    deny, match = barrier.deny, barrier.match
    verdict: Verdict = "unknown"
    cause: Cause
    if deny.condition or match.conditional:
        cause, predicate = "condition", "denies it under a condition, which is not judged here"
    elif doubt is not None:
        cause, predicate = doubt, f"denies it {_IF[doubt]}"
    else:
        verdict, cause, predicate = "refused", "denied", "denies it"
    return Decision(
        verdict,
        f"Deny assignment '{deny.name}' at {deny.scope} {predicate} (pattern '{match.pattern}').",
        question.action,
        question.scope,
        cause,
        assignment=deny.id,
        assigned_at=deny.scope,
        role=deny.name,
        pattern=match.pattern,
        marked=match.marked,
    )


def _concerned(barrier: Barrier, reached: Reached) -> tuple[bool, Doubt | None]:
    """Whether a deny assignment is about the principal: it or a group of it listed, none of them excluded."""
    if not barrier.excluded.isdisjoint(reached.identities):
        return False, None
    unsure: Doubt | None = None if barrier.excluded.isdisjoint(reached.perhaps) else "membership"
    if EVERYONE in barrier.listed or not barrier.listed.isdisjoint(reached.identities):
        return True, unsure
    return not barrier.listed.isdisjoint(reached.perhaps), "membership"


def _names(roles: Iterable[str]) -> str:
    """`Role 'Reader' does` or `Roles 'Reader', 'Tracker' do`, in the order given."""
    quoted = [f"'{role}'" for role in roles]
    return f"Roles {', '.join(quoted)} do" if len(quoted) > 1 else f"Role {quoted[0]} does"
