"""Azure's access decision: (principal, action, scope, facts) -> Decision with its reason.

The rules, in Azure's order (Microsoft, "How Azure RBAC determines if a user has access to a resource", "Understand
Azure role definitions", "Understand Azure deny assignments"):

1. Who: the principal and every group that holds it, transitively.
2. Where: assignments at the scope and above, whole segments, case-insensitive; management groups as read from Azure.
3. A deny assignment that matches blocks, whatever the roles say.
4. Else the union over roles and, within a role, over its permission blocks of actions minus that block's not_actions.
   NotActions is no deny: another block or role may grant the same action.
5. A condition cannot be judged here: what rests on a conditional assignment is unknown, never allowed.

`patterns` holds how a wildcard matches; a verdict that rests on its one inferred rule is `marked`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from azmlflow.rbac import scopes
from azmlflow.rbac.facts import DenyAssignment, Facts, Index, RoleAssignment, RoleDefinition, RoleSays
from azmlflow.rbac.patterns import Match, PermissionBlock, permits

__all__ = [
    "EVERYONE",
    "Cause",
    "Decision",
    "DenyAssignment",
    "Facts",
    "PermissionBlock",
    "RoleAssignment",
    "RoleDefinition",
    "Verdict",
    "evaluate",
]

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


_Doubt = Literal["hierarchy", "membership"]
_IF: Mapping[_Doubt, str] = {
    "hierarchy": "if that management group is above this scope, which is not known",
    "membership": "if the principal is in that group, whose members could not be read",
}


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class _Hit:
    """An assignment that reaches the scope, with what its role says; `doubt` where it is not known to reach it."""

    assignment: RoleAssignment
    role: RoleSays
    identity: str
    match: Match
    doubt: _Doubt | None

    @property
    def conditional(self) -> bool:
        """Whether it holds under a condition only, the assignment's or the role's own."""
        return bool(self.assignment.condition) or self.match.conditional

    def rank(self) -> tuple[bool, int, str, str]:
        """Which of several equal hits is told: a plain pattern first, the narrowest scope, then names. Never order."""
        depth = len(scopes.prefixes(self.assignment.scope))
        return self.match.marked, -depth, self.role.name, self.assignment.id


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
    question = _Question.ask(principal_id, action, scope, facts, data)
    reach = _reach(question)
    blocked = _denied(question)
    if blocked is not None and blocked.cause == "denied":
        return blocked
    decision = _granted(question, reach.hits) if reach.hits else _refused(question, reach)
    if blocked is not None and decision.allowed:
        decision = blocked
    if not reach.unresolved:
        return decision
    return replace(decision, reason=f"{decision.reason} Ignored: {'; '.join(sorted(reach.unresolved))}.")


@dataclass(frozen=True)
class _Question:
    """What was asked, and who and where that concerns."""

    index: Index
    identities: tuple[str, ...]
    perhaps: tuple[str, ...]
    certain: tuple[str, ...]
    uncertain: tuple[str, ...]
    action: str
    scope: str
    data: bool

    @classmethod
    def ask(cls, principal_id: str, action: str, scope: str, facts: Facts, data: bool) -> _Question:
        index = facts.index
        identities, perhaps = index.identities(principal_id), index.perhaps(principal_id)
        return cls(index, identities, perhaps, *index.places(scope), action, scope, data)

    def places(self) -> Iterator[tuple[str, _Doubt | None]]:
        """Every scope whose assignments reach, or may reach, the one asked about."""
        yield from ((place, None) for place in self.certain)
        yield from ((place, "hierarchy") for place in self.uncertain)

    def assignments(self) -> Iterator[tuple[RoleAssignment, str, _Doubt | None]]:
        """Every role assignment that reaches, or may reach, the question, with the identity by which it does."""
        for place, doubt in self.places():
            for identity in self.identities:
                yield from ((found, identity, doubt) for found in self.index.assignments(identity, place))
            for identity in self.perhaps:
                yield from ((found, identity, "membership") for found in self.index.assignments(identity, place))

    def answer(self, verdict: Verdict, cause: Cause, hit: _Hit, predicate: str) -> Decision:
        """A decision that rests on one role assignment."""
        through = None if hit.identity == self.identities[0] else hit.identity
        by = f" through group {through}" if through else ""
        mark = f" ('{hit.match.pattern}' with '*' standing for no segment)" if hit.match.marked else ""
        return Decision(
            verdict,
            f"Role '{hit.role.name}', assigned at {hit.assignment.scope}{by}, {predicate}{mark}.",
            self.action,
            self.scope,
            cause,
            assignment=hit.assignment.id,
            assigned_at=hit.assignment.scope,
            role=hit.role.name,
            pattern=hit.match.pattern,
            through=through,
            marked=hit.match.marked,
        )


@dataclass(frozen=True)
class _Reach:
    """The assignments that reach a question, by what their roles say of it."""

    hits: list[_Hit]
    excluded: list[_Hit]
    silent: set[str]
    unresolved: set[str]


def _reach(question: _Question) -> _Reach:
    """Sort the assignments of all identities at all places by what their roles say."""
    reach = _Reach([], [], set(), set())
    for assignment, identity, doubt in question.assignments():
        role = question.index.role(assignment.role_definition_id, question.action, question.data)
        if role is not None and role.allows is not None:
            reach.hits.append(_Hit(assignment, role, identity, role.allows, doubt))
        elif doubt is not None:
            continue  # what may not even reach here changes nothing by not allowing it
        elif role is None:
            missing = assignment.role_definition_id
            reach.unresolved.add(f"assignment {assignment.id}, whose role definition {missing} is not known")
        elif role.excludes is not None:
            reach.excluded.append(_Hit(assignment, role, identity, role.excludes, doubt))
        else:
            reach.silent.add(role.name)
    return reach


def _granted(question: _Question, hits: list[_Hit]) -> Decision:
    """Allowed by what is certain and unconditional; else unknown: for the condition, or for what may not reach here."""
    certain = [hit for hit in hits if hit.doubt is None]
    plain = [hit for hit in certain if not hit.conditional]
    if plain:
        return question.answer("allowed", "granted", min(plain, key=_Hit.rank), "allows it")
    hit = min(certain or hits, key=_Hit.rank)
    if hit.doubt is None:
        return question.answer(
            "unknown", "condition", hit, "allows it only under a condition, which is not judged here"
        )
    return question.answer("unknown", hit.doubt, hit, f"allows it {_IF[hit.doubt]}")


def _refused(question: _Question, reach: _Reach) -> Decision:
    """The refusal where no role allows the action: excluded, not in the roles, or no role at all."""
    if reach.excluded:
        hit = min(reach.excluded, key=_Hit.rank)
        others = (reach.silent | {other.role.name for other in reach.excluded}) - {hit.role.name}
        also = f"; {_names(others)} not allow it either" if others else ""
        return question.answer("refused", "excluded", hit, f"excludes it by its NotActions '{hit.match.pattern}'{also}")
    if reach.silent:
        reason = f"{_names(reach.silent)} not allow {question.action}."
        return Decision("refused", reason, question.action, question.scope, "not-in-roles")
    reason = f"No role assignment of {question.identities[0]} or of its groups reaches {question.scope}."
    return Decision("refused", reason, question.action, question.scope, "no-assignment")


def _denied(question: _Question) -> Decision | None:
    """What deny assignments say: denied, unknown (a condition, a management group in doubt), or None."""
    found: list[tuple[tuple[bool, bool, int, str, str], Decision]] = []
    target = scopes.key(question.scope)
    for place, unplaced in question.places():
        for deny in question.index.denies(place):
            match, _ = permits(deny.permissions, question.action, question.data)
            applies = place == target or deny.applies_to_children
            if match is None or not applies:
                continue
            concerned, unsure = _concerned(deny, question)
            if not concerned:
                continue
            decision = _denial(question, deny, match, unsure or unplaced)
            depth = len(scopes.prefixes(place))
            found.append(((decision.verdict != "refused", match.marked, -depth, decision.cause, deny.id), decision))
    # What is certain comes first; ids are unique in a tenant, so that decisions are never compared.
    return min(found, key=lambda item: item[0])[1] if found else None


def _denial(question: _Question, deny: DenyAssignment, match: Match, doubt: _Doubt | None) -> Decision:
    """The decision that rests on one deny assignment."""
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


def _concerned(deny: DenyAssignment, question: _Question) -> tuple[bool, _Doubt | None]:
    """Whether a deny assignment is about the principal: it or a group of it listed, none of them excluded."""
    listed = {principal.lower() for principal in deny.principals}
    excluded = {principal.lower() for principal in deny.excluded}
    if not excluded.isdisjoint(question.identities):
        return False, None
    unsure: _Doubt | None = None if excluded.isdisjoint(question.perhaps) else "membership"
    if EVERYONE in listed or not listed.isdisjoint(question.identities):
        return True, unsure
    return not listed.isdisjoint(question.perhaps), "membership"


def _names(roles: Iterable[str]) -> str:
    """`Role 'Reader' does` or `Roles 'Reader', 'Tracker' do`, in a fixed order."""
    quoted = [f"'{role}'" for role in sorted(roles)]
    return f"Roles {', '.join(quoted)} do" if len(quoted) > 1 else f"Role {quoted[0]} does"
