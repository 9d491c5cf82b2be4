"""What is known of a tenant's access: assignments, definitions, denies, memberships (`index` arranges them).

Pure records. Case never matters: Azure compares ids, scopes and object ids without it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from azmlflow.rbac.index import Index
from azmlflow.rbac.patterns import PermissionBlock


@dataclass(frozen=True)
class RoleDefinition:
    """A role: `id` is its full id or only its GUID, `name` what people call it."""

    id: str
    name: str
    permissions: tuple[PermissionBlock, ...]


@dataclass(frozen=True)
class RoleAssignment:
    """A role given to a principal at a scope, perhaps under a condition; `principal_type` empty where not told."""

    id: str
    principal_id: str
    role_definition_id: str
    scope: str
    condition: str | None = None
    principal_type: str = ""


@dataclass(frozen=True)
class DenyAssignment:
    """What Azure forbids to some principals at a scope; `applies_to_children` False: at that very scope only."""

    id: str
    name: str
    scope: str
    principals: tuple[str, ...]
    excluded: tuple[str, ...]
    permissions: tuple[PermissionBlock, ...]
    applies_to_children: bool = True
    condition: str | None = None


@dataclass(frozen=True)
class Facts:
    """What is known of a tenant; the order of nothing in it matters.

    Attributes:
        assignments: role assignments at, above or below the scopes that will be asked about.
        definitions: role definitions they name; one that is missing is ignored, and named in the reason.
        denies: deny assignments.
        memberships: object id -> the groups that hold it directly (groups in groups likewise).
        management_groups: scope of a subscription or management group -> all management groups above it. A
            subscription that is missing here has unknown ones: an assignment at a management group that would decide
            makes the verdict unknown.
        unread_groups: groups whose members could not be read. Anybody may be a member, so what rests on such a
            membership is unknown.
    """

    assignments: Sequence[RoleAssignment] = ()
    definitions: Sequence[RoleDefinition] = ()
    denies: Sequence[DenyAssignment] = ()
    memberships: Mapping[str, Iterable[str]] = field(default_factory=dict)
    management_groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unread_groups: Sequence[str] = ()

    @functools.cached_property
    def index(self) -> Index:
        """The facts arranged for look-ups; made once, at the first question."""
        return Index(self)
