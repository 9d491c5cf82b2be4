"""Drift: the access that there is, beside the grants that are declared.

Four sorts: `missing`, a declared grant that Azure does not hold, or holds in part; `undeclared`, access of somebody who
is granted nothing; `wider`, more than somebody's grants say, in operations or in scope; `orphaned`, an assignment of a
principal that is deleted. What counts as access is a `Subject`: what opens an operation of `access.COLUMNS`, or, where
datastores are opened as the caller, what opens the data in the workspace's storage account.

Access that a stack could not declare is told apart and is no drift: what comes from above its resource group to those
whom it grants nothing, and what Azure itself gives to the workspace's own identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from azmlflow.rbac import scopes
from azmlflow.rbac.facts import Facts
from azmlflow.rbac.index import role_guid
from azmlflow.rbac.patterns import PermissionBlock, permits
from azmlflow.rbac.records import RoleAssignment
from azmlflow.rbac.report.access import ACTIONS, COLUMNS, WhoIsWho

Sort = Literal["missing", "undeclared", "wider", "orphaned"]


@dataclass(frozen=True)
class Subject:
    """What is compared.

    Attributes:
        actions: the actions that count as access.
        data: whether they are data actions.
        opens: names, for people, of what some of them open.
    """

    actions: tuple[str, ...]
    data: bool
    opens: Callable[[Iterable[str]], tuple[str, ...]]


def operations_of(actions: Iterable[str]) -> tuple[str, ...]:
    """The matrix's operations that need one of these actions."""
    wanted = set(actions)
    return tuple(each.operation.name for each in COLUMNS if wanted.intersection(each.operation.actions))


def data_of(actions: Iterable[str]) -> tuple[str, ...]:
    """What data actions on a storage account open."""
    wanted = set(actions)
    return tuple(name for name, action in _DATA.items() if action in wanted)


# Data actions (Microsoft, "Azure permissions for Storage"). Reading an account's keys, which open all of it, is an
# action on the account and not compared here.
_ACCOUNTS = "Microsoft.Storage/storageAccounts"
_DATA: Mapping[str, str] = {
    f"{verb}_{what}": f"{_ACCOUNTS}/{path}/{verb}"
    for what, path in (("blobs", "blobServices/containers/blobs"), ("files", "fileServices/fileshares/files"))
    for verb in ("read", "write", "delete")
}
MLFLOW = Subject(ACTIONS, False, operations_of)
STORAGE = Subject(tuple(_DATA.values()), True, data_of)


@dataclass(frozen=True)
class Declared:
    """A grant as Azure should hold it.

    Attributes:
        principal_id: object id.
        persona: name of the persona, for people.
        roles: what stands for it: pairs of scope (of the workspace, its group or its storage account) and role
            definition's GUID.
        permissions: what they should allow.
        ended: it has expired, and should be gone.
    """

    principal_id: str
    persona: str
    roles: tuple[tuple[str, str], ...]
    permissions: tuple[PermissionBlock, ...]
    ended: bool = False

    def actions(self, subject: Subject) -> frozenset[str]:
        """The actions compared that it should allow."""
        return frozenset(each for each in subject.actions if permits(self.permissions, each, subject.data)[0])


@dataclass(frozen=True)
class Finding:
    """One difference.

    Attributes:
        sort: which of the four.
        principal_id: whose.
        name: its name for people.
        what: one sentence.
        next: the command that mends it.
        assignment: id of the role assignment, if there is one.
        role: name of its role.
        scope: its scope.
        operations: the operations, or the data, that it is about.
    """

    sort: Sort
    principal_id: str
    name: str
    what: str
    next: str
    assignment: str | None = None
    role: str | None = None
    scope: str | None = None
    operations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drift:
    """All differences.

    Attributes:
        findings: the differences.
        outside: access that the stack could not declare; no drift.
        unchecked: what could not be looked into.
    """

    findings: tuple[Finding, ...]
    outside: tuple[str, ...]
    unchecked: tuple[str, ...]


def find_drift(
    facts: Facts,
    scope: str,
    group: str,
    declared: Iterable[Declared],
    directory: WhoIsWho,
    *,
    own: frozenset[str] = frozenset(),
    subject: Subject = MLFLOW,
) -> Drift:
    """Compare.

    Args:
        facts: what there is.
        scope: id of the workspace, or of its storage account.
        group: id of its resource group.
        declared: what there should be.
        directory: who is who.
        own: object ids (lower case) of the workspace's own identities.
        subject: what counts as access.
    """
    names = {role_guid(each.id): each.name for each in facts.definitions}
    places = frozenset(place for place, _ in facts.index.places(scope))
    seen = _Seen(facts, places, group, tuple(declared), directory, own, names, subject)
    findings = [finding for each in seen.declared if not each.ended for finding in seen.missing(each)]
    outside: list[str] = []
    for assignment in facts.assignments:
        found = seen.judge(assignment)
        if isinstance(found, Finding):
            findings.append(found)
        elif found is not None:
            outside.append(found)
    findings.sort(key=_order)
    unchecked = []
    if not directory.readable:
        unchecked.append(
            "whether principals are deleted: needs User.Read.All, GroupMember.Read.All, Application.Read.All"
        )
    return Drift(tuple(findings), tuple(sorted(outside)), tuple(unchecked))


def merged(found: Iterable[Drift]) -> Drift:
    """Several comparisons as one; what more than one of them tells, such as an orphan at the group, is told once."""
    every = tuple(found)
    return Drift(
        tuple(sorted(dict.fromkeys(each for drift in every for each in drift.findings), key=_order)),
        tuple(sorted({each for drift in every for each in drift.outside})),
        tuple(dict.fromkeys(each for drift in every for each in drift.unchecked)),
    )


def _order(finding: Finding) -> tuple[int, str, str, str]:
    order = ("missing", "undeclared", "wider", "orphaned")
    return order.index(finding.sort), finding.name.lower(), finding.assignment or "", finding.what


@dataclass(frozen=True)
class _Seen:
    """What is compared; `places` are the scopes that reach the workspace, `roles` the names of roles by GUID."""

    facts: Facts
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

        def say(what: str, operations: tuple[str, ...] = ()) -> Finding:
            return Finding(
                "missing",
                wanted.principal_id,
                name,
                what,
                "azmlflow up",
                scope=wanted.roles[0][0],
                operations=operations,
            )

        holds: frozenset[str] = frozenset()
        for scope, guid in wanted.roles:
            found = list(self.held(wanted, scope, guid))
            if not found:
                given = f"'{self.roles[guid]}' at {scope}" if guid in self.roles else "it"
                yield say(f"{name} is declared {wanted.persona}, but no role assignment gives {given}")
                return
            if all(each.condition for each in found):
                yield say(f"{name} is declared {wanted.persona}, but has it under a condition only")
                return
            holds |= self.allowed(guid) or frozenset()
        if lacking := wanted.actions(self.subject) - holds:
            yield say(
                f"{name} is declared {wanted.persona}, but its role does not allow {', '.join(sorted(lacking))}",
                self.subject.opens(lacking),
            )

    def judge(self, assignment: RoleAssignment) -> Finding | str | None:
        """What is to be said of one assignment: a finding, a line about what is no drift, or nothing."""
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
        if current or not allowed:
            return self._wider(assignment, allowed, current) if allowed else None
        if any(guid == role for each in mine for _, role in each.roles):
            line = f"{line}: its grant has ended"
            return self._finding("undeclared", assignment, line, self.subject.opens(allowed), "azmlflow up")
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
