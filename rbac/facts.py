"""What is known of a tenant's access: assignments, definitions, denies, memberships (`index` arranges them).

Pure records. Case never matters: Azure compares ids, scopes and object ids without it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from azmlflow.rbac.index import Index
from azmlflow.rbac.records import DenyAssignment, RoleAssignment, RoleDefinition


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
        return Index(
            assignments=self.assignments,
            definitions=self.definitions,
            denies=self.denies,
            memberships=self.memberships,
            management_groups=self.management_groups,
            unread_groups=self.unread_groups,
        )
