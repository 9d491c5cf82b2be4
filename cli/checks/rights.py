"""Whether the identity that a workspace is to work as has its rights, where somebody else is to have given them.

Azure refuses the workspace otherwise, when the rest stands. Source: Microsoft, "Set up service authentication between
Azure Machine Learning and other services". Roles by way of groups are not followed: one that a group has counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from azmlflow.infra.plan.workspace_roles import NEEDED_RIGHTS
from azmlflow.rbac import scopes
from azmlflow.rbac.live.blocks import permission_blocks
from azmlflow.rbac.patterns import PermissionBlock, permits

if TYPE_CHECKING:
    from azure.mgmt.authorization.v2022_04_01.models import RoleAssignment

    from azmlflow.cli.checks.base import Situation

Document = Mapping[str, Any]
_CALLED = {
    "storage": "storage account",
    "vault": "key vault",
    "insights": "Application Insights component",
    "registry": "container registry",
    "encryption.keyVault": "key",
}


def of_identity(situation: Situation, identity: Document) -> Iterator[str]:
    """What the workspace's identity lacks, for people.

    Args:
        situation: the stack.
        identity: the identity's document.
    """
    who = str((identity.get("properties") or {}).get("principalId", "")).lower()
    granting, given = situation.settings.identity, situation.settings.given()
    for part, wanted in NEEDED_RIGHTS.items():
        place = None if granting.grants(given=part in given) else _place(situation, part)
        if place is None:
            continue
        scope, called = place
        lacking = [action for action, data in wanted if not _may(situation, who, scope, action, data=data)]
        if lacking:
            says = "grantOnGiven" if granting.grant_roles else "grantRoles"
            yield f"lacks {', '.join(lacking)} on {called}, and identity.{says} is false: its owner has to give it"


def _place(situation: Situation, part: str) -> tuple[str, str] | None:
    """Where a right on a part of the workspace has to be given by now, and what that is; None without the part."""
    settings, given = situation.settings, situation.settings.given()
    if part == "registry" and settings.registry == "none":
        return None
    if part == "encryption.keyVault" and settings.encryption is None:
        return None
    if part in given:
        if part == "vault" and _by_policies(situation, given[part]):
            return None
        return given[part], given[part].rpartition("/")[2]
    # What is not there yet: only from above can somebody have given anything on it.
    if situation.group_document is not None:
        return situation.group, f"the group, where the {_CALLED[part]} comes"
    return situation.place, f"the subscription, where the {_CALLED[part]} comes"


def _by_policies(situation: Situation, id_: str) -> bool:
    vault = situation.arm.get(id_) or {}
    return not (vault.get("properties") or {}).get("enableRbacAuthorization")


def _may(situation: Situation, who: str, scope: str, action: str, *, data: bool) -> bool:
    return any(
        permits(_blocks(situation, entry), action, data)[0] is not None
        for entry in situation.arm.role_assignments(scope)
        if scopes.contains(str(entry.scope), scope)
        and (str(entry.principal_id).lower() == who or entry.principal_type == "Group")
    )


def _blocks(situation: Situation, entry: RoleAssignment) -> tuple[PermissionBlock, ...]:
    role = situation.arm.role_definition(str(entry.role_definition_id))
    return permission_blocks(role.permissions if role else None)
