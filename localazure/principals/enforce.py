"""Who may do what, decided on every request by `rbac.evaluate` over the stored role assignments.

The embedded Azure has no other rule: its developer is Owner by a stored assignment, and a workspace's own identity
works by the assignments that Azure itself would make for it. Facts are read anew only when assignments, definitions or
memberships were written, or when an assignment comes into force.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from azmlflow.localazure.core.clock import Clock
from azmlflow.localazure.core.collections import ASSIGNMENTS, DEFINITIONS, MEMBERS, PROPAGATION
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from azmlflow.localazure.core.errors import authorization_failed
from azmlflow.localazure.core.store import Document, Store, Version
from azmlflow.localazure.principals.directory import Directory, Principal
from azmlflow.rbac import builtin, scopes
from azmlflow.rbac.evaluate import Decision, evaluate
from azmlflow.rbac.facts import Facts
from azmlflow.rbac.patterns import PermissionBlock
from azmlflow.rbac.records import RoleAssignment, RoleDefinition
from azmlflow.rbac.report.reasons import sentence


@dataclass(frozen=True)
class Caller:
    """Whom a request's access token speaks for.

    Attributes:
        principal: the user, service principal or managed identity.
        claims: the token's verified claims.
    """

    principal: Principal
    claims: Mapping[str, Any] = field(default_factory=dict)


class Enforcer:
    """Decisions over a store.

    Args:
        store: holds assignments and custom role definitions.
        directory: holds who is in which group.
        clock: tells whether an assignment is in force yet.
    """

    def __init__(self, store: Store, directory: Directory, clock: Clock) -> None:
        self._store, self._directory, self._clock = store, directory, clock
        self._facts: Facts | None = None
        self._seen: Version | None = None
        self._next: datetime | None = None

    def facts(self) -> Facts:
        """All that decisions rest on at this moment."""
        seen = self._store.version(ASSIGNMENTS, DEFINITIONS, PROPAGATION, MEMBERS)
        stale = self._next is not None and self._clock.now() >= self._next
        if self._facts is None or seen != self._seen or stale:
            pending = self._pending()
            assignments = tuple(
                _assignment(document) for key, document in self._store.kept(ASSIGNMENTS) if key not in pending
            )
            used = {_guid(each.role_definition_id) for each in assignments}
            self._facts = Facts(
                assignments=assignments,
                definitions=(
                    *(role.definition() for guid in sorted(used) if (role := builtin.of_guid(guid)) is not None),
                    *(_definition(document) for _, document in self._store.kept(DEFINITIONS)),
                ),
                memberships=self._directory.memberships(),
                # There is one subscription, directly below the tenant's root.
                management_groups={scopes.subscription_id(SUBSCRIPTION_ID): ()},
            )
            self._seen, self._next = seen, min(pending.values(), default=None)
        return self._facts

    def decide(self, principal_id: str, action: str, scope: str, data: bool = False) -> Decision:
        """Whether a principal may perform an action at a scope, and why.

        Args:
            principal_id: object id.
            action: `Microsoft.MachineLearningServices/workspaces/read`.
            scope: ARM id of what is acted upon.
            data: ask the data actions.
        """
        return evaluate(principal_id, action, scope, self.facts(), data=data)

    def require(self, caller: Caller, action: str, scope: str, data: bool = False) -> None:
        """Let a request pass.

        Raises:
            AzureError: 403 `AuthorizationFailed` naming the caller, the action and the scope.
        """
        principal = caller.principal
        reason = self.why_not(principal.object_id, action, scope, data)
        if reason is not None:
            raise authorization_failed(principal.name, principal.object_id, action, scope, reason)

    def why_not(self, principal_id: str, action: str, scope: str, data: bool = False) -> str | None:
        """Why a principal may not perform an action at a scope, as `azmlflow access --explain` says it; None if it may.

        For the log: the real Azure tells its clients who may not do what, and never why.
        """
        decision = self.decide(principal_id, action, scope, data)
        if decision.allowed:
            return None
        principal = self._directory.get(principal_id)
        return sentence(decision, principal_id, principal.name if principal else principal_id)

    def identities(self, principal_id: str) -> frozenset[str]:
        """The object ids of a principal and of every group that holds it, transitively, lower case."""
        return frozenset(self.facts().index.identities(principal_id))

    def assigned_within(self, principal_id: str, scope: str) -> bool:
        """Whether a principal has any role at, above or below a scope.

        A subscription is listed for everyone who has a role anywhere in it (Microsoft, "Subscriptions - List").
        """
        mine = self.identities(principal_id)
        return any(
            assignment.principal_id.lower() in mine
            and (scopes.contains(scope, assignment.scope) or scopes.contains(assignment.scope, scope))
            for assignment in self.facts().assignments
        )

    def permissions(self, principal_id: str, scope: str) -> tuple[PermissionBlock, ...]:
        """The permission blocks of every role that a principal has at or above a scope."""
        mine = self.identities(principal_id)
        held = {
            _guid(assignment.role_definition_id)
            for assignment in self.facts().assignments
            if assignment.principal_id.lower() in mine and scopes.contains(assignment.scope, scope)
        }
        return tuple(block for role in self.facts().definitions if _guid(role.id) in held for block in role.permissions)

    def _pending(self) -> dict[str, datetime]:
        """Assignment key -> when it comes into force, of those that are not in force yet."""
        now = self._clock.now()
        starts = {key: datetime.fromisoformat(document["from"]) for key, document in self._store.scan(PROPAGATION)}
        return {key: at for key, at in starts.items() if at > now}


def permission_block(document: Mapping[str, Any]) -> PermissionBlock:
    """A permission block from ARM's spelling of one."""
    return PermissionBlock(
        actions=_texts(document.get("actions")),
        not_actions=_texts(document.get("notActions")),
        data_actions=_texts(document.get("dataActions")),
        not_data_actions=_texts(document.get("notDataActions")),
        condition=document.get("condition"),
    )


def _texts(given: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(given or ())


def _guid(role_definition_id: str) -> str:
    return role_definition_id.rpartition("/")[2].lower()


def _assignment(document: Document) -> RoleAssignment:
    properties = document["properties"]
    return RoleAssignment(
        id=document["id"],
        principal_id=properties["principalId"],
        role_definition_id=properties["roleDefinitionId"],
        scope=properties["scope"],
        condition=properties.get("condition"),
    )


def _definition(document: Document) -> RoleDefinition:
    properties = document["properties"]
    blocks = tuple(permission_block(block) for block in properties["permissions"])
    return RoleDefinition(document["id"], properties["roleName"], blocks)
