"""The permissions of a role or of a deny assignment, of Azure's clients, as the evaluator has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from azmlflow.rbac.patterns import PermissionBlock


def permission_blocks(permissions: Iterable[Any] | None) -> tuple[PermissionBlock, ...]:
    """Each entry of `permissions`, by a member of azure-mgmt-authorization's models; none of None."""
    return tuple(
        PermissionBlock(
            tuple(each.actions or ()),
            tuple(each.not_actions or ()),
            tuple(each.data_actions or ()),
            tuple(each.not_data_actions or ()),
            each.condition or None,
        )
        for each in permissions or ()
    )
