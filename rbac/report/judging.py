"""What is to be said of a declared grant, and of an assignment that is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from azmlflow.rbac import scopes
from azmlflow.rbac.evaluate import Decision, evaluate
from azmlflow.rbac.facts import Facts
from azmlflow.rbac.index import role_guid
from azmlflow.rbac.records import RoleAssignment
from azmlflow.rbac.report.access import WhoIsWho
from azmlflow.rbac.report.differences import Declared, Finding, Sort
from azmlflow.rbac.report.subjects import Subject


@dataclass(frozen=True)
class Judge:
    """Says what is missing of each grant, and whether each assignment was declared.

    Attributes:
        facts: what there is.
        scope: id of the workspace, or of its storage account.
        places: the scopes that reach it.
        group: id of its resource group.
        declared: what there should be.
        directory: who is who.
        own: object ids (lower case) of the workspace's own identities.
        roles: the names of roles, by GUID.
        subject: what counts as access.
    """

    facts: Facts
    scope: str
    places: frozenset[str]
    group: str
    declared: tuple[Declared, ...]
    directory: WhoIsWho
    own: frozenset[str]
    roles: Mapping[str, str]
    subject: Subject

    def allowed(self, guid: str) -> frozenset[str] | None:
        """The actions compared that a role allows, whatever the condition; None for a role that is not known."""
        if guid not in self.roles:
            return None
        index, subject = self.facts.index, self.subject
        return frozenset(each for each in subject.actions if guid in index.say(each, subject.data).allows)

    def role_name(self, guid: str) -> str:
        """The role's name, or its GUID where it is not known."""
        return self.roles.get(guid, guid)

    def held(self, wanted: Declared, scope: str, guid: str) -> Iterator[RoleAssignment]:
        """The assignments that stand for a declared grant's role, whatever their names."""
        return (
            each
            for each in self.facts.assignments
            if each.principal_id.lower() == wanted.principal_id.lower()
            and role_guid(each.role_definition_id) == guid
            and scopes.key(each.scope) == scopes.key(scope)
        )

    def missing(self, wanted: Declared) -> Iterator[Finding]:
        """What Azure lacks of a declared grant."""
        name = self.directory.name(wanted.principal_id)

        def say(what: str, command: str = "azmlflow up") -> Finding:
            return Finding(
                "missing",
                wanted.principal_id,
                name,
                what,
                command,
                scope=wanted.roles[0][0],
                operations=self.refused(wanted),
            )

        holds: frozenset[str] = frozenset()
        for scope, guid in wanted.roles:
            found = list(self.held(wanted, scope, guid))
            if not found:
                given = f"'{self.roles[guid]}' at {scope}" if guid in self.roles else "it"
                yield say(f"{name} is declared {wanted.persona}, but no role assignment gives {given}")
                return
            if all(each.condition for each in found):
                # Azure refuses a second assignment of the same role to the same principal at the same scope.
                ids = " ".join(each.id for each in found)
                command = f"az role assignment delete --ids {ids} && azmlflow up"
                yield say(f"{name} is declared {wanted.persona}, but has it under a condition only", command)
                return
            holds |= self.allowed(guid) or frozenset()
        if lacking := wanted.actions(self.subject) - holds:
            yield say(f"{name} is declared {wanted.persona}, but its role does not allow {', '.join(sorted(lacking))}")
            return
        denials = {each.assignment: each for each in self.decisions(wanted) if each.cause == "denied"}
        for id_, denial in denials.items():
            what = f"{name} is declared {wanted.persona}, but deny assignment '{denial.role}' takes it away"
            yield say(what, f"ask who made it to lift the deny assignment {id_}; no role helps")

    def decisions(self, wanted: Declared) -> list[Decision]:
        """What the evaluator says of each action that a grant should allow."""
        actions, data = sorted(wanted.actions(self.subject)), self.subject.data
        return [evaluate(wanted.principal_id, each, self.scope, self.facts, data=data) for each in actions]

    def refused(self, wanted: Declared) -> tuple[str, ...]:
        """What a grant should open, and is not open, by the evaluator that `--explain` and the matrix ask."""
        decisions = self.decisions(wanted)
        beyond = set(self.subject.opens(set(self.subject.actions).difference(each.action for each in decisions)))
        lost = self.subject.opens(each.action for each in decisions if not each.allowed)
        return tuple(each for each in lost if each not in beyond)

    def judge(self, assignment: RoleAssignment) -> Finding | str | None:
        """What is to be said of one assignment: a finding, a line about what is not drift, or nothing."""
        who, guid = assignment.principal_id.lower(), role_guid(assignment.role_definition_id)
        line = f"{self.directory.name(who)} has '{self.role_name(guid)}' at {assignment.scope}"
        above = not scopes.contains(self.group, assignment.scope)
        if self.directory.is_deleted(who):
            line = f"{line}, left over from a principal that is deleted"
            # A declared grant would be given again, and refused: there is nobody to give it to.
            declared = any(each.principal_id.lower() == who for each in self.declared)
            revoke = f"azmlflow revoke {who}" if declared else None
            return line if above else self._finding("orphaned", assignment, line, command=revoke)
        if scopes.key(assignment.scope) not in self.places:
            return None
        if who in self.own:
            return f"{line}: the workspace's own identity, given by Azure"
        return self._reaching(assignment, line, above)

    def _reaching(self, assignment: RoleAssignment, line: str, above: bool) -> Finding | str | None:
        """What is to be said of an assignment that reaches the workspace, of a principal that there is."""
        who, guid = assignment.principal_id.lower(), role_guid(assignment.role_definition_id)
        allowed = self.allowed(guid)
        mine = [each for each in self.declared if each.principal_id.lower() == who]
        current = [each for each in mine if not each.ended]
        if allowed is None:
            return self._finding("undeclared", assignment, f"{line}: a role that cannot be read")
        if not allowed:
            return None
        asking = [each for each in mine if each.calls_for(assignment.scope, guid)]
        if asking and all(each.ended for each in asking):
            theirs = any(assignment.id.lower() in each.adopted for each in asking)
            line = f"{line}: its grant as {', '.join(sorted(each.persona for each in asking))} has ended"
            return self._finding(
                "expired", assignment, line, self.subject.opens(allowed), None if theirs else "azmlflow up"
            )
        if current:
            return self._wider(assignment, allowed, current)
        if above:
            return line
        return self._finding("undeclared", assignment, f"{line}: not declared", self.subject.opens(allowed))

    def _wider(self, assignment: RoleAssignment, allowed: frozenset[str], mine: list[Declared]) -> Finding | None:
        """Whether an assignment gives more than the principal's grants, in actions or in scope."""
        guid = role_guid(assignment.role_definition_id)
        name, role = self.directory.name(assignment.principal_id), self.role_name(guid)
        personas = ", ".join(sorted({each.persona for each in mine}))
        extra = allowed.difference(*(each.actions(self.subject) for each in mine))
        declared = {(scopes.key(scope), role) for each in mine for scope, role in each.roles}
        ours = (scopes.key(assignment.scope), guid) in declared
        if extra:
            line = (
                f"{name} is declared {personas}; '{role}' at {assignment.scope} also allows {', '.join(sorted(extra))}"
            )
            return self._finding("wider", assignment, line, self.subject.opens(extra), "azmlflow up" if ours else None)
        if any(scopes.contains(scope, assignment.scope) for each in mine for scope, _ in each.roles):
            return None
        line = f"{name} is declared {personas} at {mine[0].roles[0][0]}; '{role}' reaches from {assignment.scope}"
        return self._finding("wider", assignment, line)

    def _finding(
        self,
        sort: Sort,
        assignment: RoleAssignment,
        what: str,
        operations: tuple[str, ...] = (),
        command: str | None = None,
    ) -> Finding:
        return Finding(
            sort,
            assignment.principal_id,
            self.directory.name(assignment.principal_id),
            what,
            command or f"az role assignment delete --ids {assignment.id}",
            assignment.id,
            self.role_name(role_guid(assignment.role_definition_id)),
            assignment.scope,
            operations,
        )
