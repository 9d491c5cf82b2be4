"""A large tenant: 500 role definitions, 1,000 users in 100 groups that hold each other five deep, and assignments.

The assignments are spread over the subscription, the group, the workspace and 19 computes in it, so that Azure lists
all of them for the workspace; one in four has a condition.
Everything follows from a fixed seed.
"""

from __future__ import annotations

import random
from dataclasses import asdict

from azmlflow.localazure.core.collections import ASSIGNMENTS, DEFINITIONS
from azmlflow.localazure.core.store import Store
from azmlflow.localazure.kinds.foundation import role_assignments, role_definitions
from azmlflow.localazure.principals.directory import Principal, PrincipalKind
from azmlflow.rbac import scopes
from azmlflow.rbac.facts import Facts
from azmlflow.rbac.operations import WORKSPACE
from azmlflow.rbac.patterns import PermissionBlock
from azmlflow.rbac.records import RoleAssignment, RoleDefinition
from azmlflow.rbac.roles import PERSONAS, built_in_role

# Roles of the sort that a tenant with machine learning hands out.
_BUILT_IN = (
    "Owner", "Contributor", "Reader", "User Access Administrator", "Role Based Access Control Administrator",
    "AzureML Data Scientist", "AzureML Compute Operator", "AzureML Metrics Writer (preview)",
    "Storage Blob Data Reader", "Storage Blob Data Contributor", "Storage Blob Data Owner",
    "Storage File Data Privileged Reader", "Storage File Data Privileged Contributor", "AcrPull", "AcrPush",
    "Key Vault Reader", "Key Vault Secrets User", "Key Vault Secrets Officer", "Key Vault Administrator",
    "Managed Identity Operator",
)  # fmt: skip
DEFINITIONS_HELD, USERS, GROUPS = 500, 1000, 100
SUBSCRIPTION = "/subscriptions/10ca1000-0000-4000-8000-000000000002"
SCOPE = f"{SUBSCRIPTION}/resourceGroups/rg-0/providers/{WORKSPACE}/mlw-0"


def tenant(assignments: int, workspace: str = SCOPE) -> Facts:
    """A tenant with that many assignments, some of them at the workspace and at its group."""
    chance = random.Random(7)
    group = workspace.partition("/providers/")[0]
    places = [SUBSCRIPTION, group, workspace, *(f"{workspace}/computes/cpu{number}" for number in range(19))]
    users = [f"{number:08x}-0000-4000-8000-00000000000a" for number in range(USERS)]
    groups = [f"{number:08x}-0000-4000-8000-00000000000b" for number in range(GROUPS)]
    memberships: dict[str, list[str]] = {user: chance.sample(groups, 2) for user in users}
    memberships |= {each: [groups[number // 3]] for number, each in enumerate(groups) if number}
    roles = _roles()
    held: dict[tuple[str, str, str], RoleAssignment] = {}
    while len(held) < assignments:
        who = chance.choice(users) if chance.random() < 0.8 else chance.choice(groups)
        role, place, name = (
            chance.choice(roles).id,
            chance.choice(places),
            f"{len(held):08x}-0000-4000-8000-00000000000d",
        )
        condition = "@Resource[x] StringEquals 'y'" if len(held) % 4 == 0 else None
        id_ = scopes.extension_id(place, role_assignments.TYPE, name)
        # Azure keeps one assignment of a role to a principal at a scope.
        held.setdefault((who, role, place), RoleAssignment(id_, who, role, place, condition))
    return Facts(tuple(held.values()), roles, memberships=memberships, management_groups={SUBSCRIPTION: ()})


def _roles() -> list[RoleDefinition]:
    """The built-in roles and personas, then roles with wildcards and exclusions, as many as a tenant may well have."""
    known = [built_in_role(name).permissions for name in _BUILT_IN] + [each.permissions for each in PERSONAS]
    made = [
        (
            PermissionBlock(
                (f"Microsoft.Service{number}/*/read", f"Microsoft.Service{number}/things/write", f"{WORKSPACE}/*/read"),
                (f"{WORKSPACE}/computes/*",),
            ),
        )
        for number in range(DEFINITIONS_HELD - len(known))
    ]
    return [
        RoleDefinition(f"{number:08x}-0000-4000-8000-00000000000c", f"Role {number}", permissions)
        for number, permissions in enumerate([*known, *made])
    ]


def write(store: Store, facts: Facts) -> None:
    """Put a tenant into the store of an embedded Azure, beside what is there."""
    prefix = f"{SUBSCRIPTION}/providers/{role_definitions.TYPE}"
    with store.transaction():
        for number, member in enumerate(facts.memberships):
            if member.endswith("a"):
                _write_principal(store, member, "User", f"user{number}")
            else:
                _write_principal(store, member, "Group", f"group{number}")
            for group in facts.memberships[member]:
                store.put("members", f"{group}/{member}", {"group": group, "member": member})
        top = {group for held in facts.memberships.values() for group in held} - facts.memberships.keys()
        for group in top:
            _write_principal(store, group, "Group", "everybody")
        for role in facts.definitions:
            _write_definition(store, f"{prefix}/{role.id}", role)
        for each in facts.assignments:
            _write_assignment(store, prefix, each)


def _write_definition(store: Store, id_: str, role: RoleDefinition) -> None:
    properties = {
        "roleName": role.name,
        "type": "CustomRole",
        "description": "",
        "assignableScopes": [SUBSCRIPTION],
        "permissions": role_definitions.permissions(tuple(role.permissions)),
    }
    store.put(
        DEFINITIONS, role.id, {"id": id_, "type": role_definitions.TYPE, "name": role.id, "properties": properties}
    )


def _write_assignment(store: Store, prefix: str, assignment: RoleAssignment) -> None:
    name = assignment.id.rpartition("/")[2]
    properties = {
        "roleDefinitionId": f"{prefix}/{assignment.role_definition_id}",
        "principalId": assignment.principal_id,
        "principalType": "User" if assignment.principal_id.endswith("a") else "Group",
        "condition": assignment.condition,
        "scope": assignment.scope,
    }
    store.put(
        ASSIGNMENTS,
        name,
        {"id": assignment.id, "name": name, "type": role_assignments.TYPE, "properties": properties},
    )


def _write_principal(store: Store, object_id: str, kind: PrincipalKind, name: str) -> None:
    upn = f"{name}@tenant.test" if kind == "User" else None
    store.put("principals", object_id, asdict(Principal(object_id, kind, name, upn=upn, mail=upn)))
