"""Profiles: a persona as a custom role of its own, or as the nearest built-in role where a tenant forbids custom ones.

What a built-in role grants too much is found by asking its own patterns: the MLflow operations that the persona does
not have, and the actions below, which reach past MLflow. Actions: Microsoft, "Azure permissions for AI + machine
learning" and "... for Storage".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from azmlflow.rbac import roles, scopes
from azmlflow.rbac.operations import OPERATIONS, WORKSPACE
from azmlflow.rbac.patterns import PermissionBlock, permits
from azmlflow.rbac.roles import Persona

Profile = Literal["least-privilege", "built-in"]

# An action beyond MLflow, and what holding it means.
SENSITIVE: tuple[tuple[str, str], ...] = (
    (f"{WORKSPACE}/listStorageAccountKeys/action", "read the storage account's keys"),
    (f"{WORKSPACE}/datastores/listsecrets/action", "read the datastores' secrets"),
    (f"{WORKSPACE}/listNotebookAccessToken/read", "read notebook access tokens"),
    (f"{WORKSPACE}/listNotebookKeys/read", "read notebook keys"),
    (f"{WORKSPACE}/metadata/secrets/read", "read the metadata of secrets"),
    (f"{WORKSPACE}/listKeys/action", "read the workspace's keys"),
    (f"{WORKSPACE}/connections/listsecrets/action", "read the connections' secrets"),
    (f"{WORKSPACE}/computes/listNodes/action", "see the computes' nodes and addresses"),
    (f"{WORKSPACE}/computes/write", "create and resize computes"),
    (f"{WORKSPACE}/computes/delete", "delete computes"),
    (f"{WORKSPACE}/onlineEndpoints/write", "deploy endpoints"),
    (f"{WORKSPACE}/data/delete", "delete data assets"),
    (f"{WORKSPACE}/environments/write", "change environments"),
    (f"{WORKSPACE}/write", "change the workspace"),
    (f"{WORKSPACE}/delete", "delete the workspace"),
    ("Microsoft.Authorization/roleAssignments/read", "see who has access"),
    ("Microsoft.Storage/storageAccounts/read", "see the storage account's settings (where it is given there)"),
)


@dataclass(frozen=True)
class Comparison:
    """A persona beside the built-in role that stands for it.

    Attributes:
        role: name of the built-in role.
        too_much: what it allows beyond the persona, in words.
        missing: actions of the persona that it does not allow.
    """

    role: str
    too_much: tuple[str, ...]
    missing: tuple[str, ...]


def compare(persona: Persona) -> Comparison:
    """What the nearest built-in role of a persona of the table grants too much, and what it lacks.

    Raises:
        UnknownRole: the persona is a combination: each part has a role of its own.
    """
    role = roles.built_in_role(persona.nearest)
    own = persona.permissions
    operations = [
        each.summary for each in OPERATIONS if _all(role.permissions, each.actions) and not _all(own, each.actions)
    ]
    further = [words for action, words in SENSITIVE if _all(role.permissions, (action,)) and not _all(own, (action,))]
    missing = tuple(action for action in persona.actions if not _all(role.permissions, (action,)))
    lowered = (f"{words[:1].lower()}{words[1:]}" for words in (*operations, *further))
    return Comparison(role.name, tuple(dict.fromkeys(lowered)), missing)


def _all(permissions: Iterable[PermissionBlock], actions: Iterable[str]) -> bool:
    blocks = tuple(permissions)
    return all(permits(blocks, action, data=False)[0] is not None for action in actions)


def role_document(persona: Persona, resource_group_id: str) -> dict[str, Any]:
    """A persona's custom role as `az role definition create --role-definition` takes it.

    Source: Microsoft, "Azure custom roles", "Custom role properties" and "Azure CLI".

    Raises:
        InvalidScope: the id is not an ARM id.
    """
    scope = scopes.normalise(resource_group_id)
    return {
        "Name": roles.custom_role_name(persona.name, scope),
        "IsCustom": True,
        "Description": persona.summary,
        "Actions": list(persona.actions),
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": [scope],
    }
