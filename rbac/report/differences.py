"""The records of drift: what a stack declares, one difference from it, and all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from azmlflow.rbac import scopes
from azmlflow.rbac.patterns import PermissionBlock, permits
from azmlflow.rbac.report.subjects import Subject

# In the order in which they are told.
Sort = Literal["missing", "expired", "undeclared", "wider", "orphaned"]


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
        adopted: ids (lower case) of assignments that somebody else made and that it relies on: no `up` deletes them.
    """

    principal_id: str
    persona: str
    roles: tuple[tuple[str, str], ...]
    permissions: tuple[PermissionBlock, ...]
    ended: bool = False
    adopted: frozenset[str] = frozenset()

    def calls_for(self, scope: str, guid: str) -> bool:
        """Whether it calls for a role at a scope."""
        return any(scopes.key(at) == scopes.key(scope) and role == guid for at, role in self.roles)

    def actions(self, subject: Subject) -> frozenset[str]:
        """The actions compared that it should allow."""
        return frozenset(each for each in subject.actions if permits(self.permissions, each, subject.data)[0])


@dataclass(frozen=True)
class Finding:
    """One difference.

    Attributes:
        sort: which of the five.
        principal_id: whose.
        name: its name for people.
        what: one sentence.
        next: the command that mends it.
        assignment: id of the role assignment, if there is one.
        role: name of its role.
        scope: its scope.
        operations: the operations, or the data, that it is about: those that it opens, or that are missing.
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
