"""The workspace's user-assigned identity, and the roles that it needs on what the workspace stands on."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import pulumi
from pulumi_azure_native import authorization

from azmlflow.infra.components.parts.arguments import MlflowWorkspaceArgs
from azmlflow.infra.plan import workspace_roles
from azmlflow.rbac import roles, scopes
from azmlflow.rbac.grants import assignment_name


@dataclass(frozen=True)
class UserIdentity:
    """A user-assigned identity of the workspace.

    Attributes:
        name: its name.
        id: its ARM id.
        principal_id: its object id in the directory.
        client_id: its application's id.
    """

    name: str
    id: pulumi.Output[str]
    principal_id: pulumi.Output[str]
    client_id: pulumi.Output[str]


def declare_identity(
    name: str, args: MlflowWorkspaceArgs, group: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> UserIdentity | None:
    """The identity, made or given; None for a workspace that has its system-assigned one alone."""
    if args.identity_type in (None, "SystemAssigned"):
        return None
    from pulumi_azure_native import managedidentity  # few have one, and everybody would wait for its import

    if args.identity_id is not None:
        place = scopes.parse(args.identity_id)
        found = managedidentity.get_user_assigned_identity_output(
            resource_group_name=place.resource_group or "", resource_name=place.name
        )
        return UserIdentity(place.name, pulumi.Output.from_input(args.identity_id), found.principal_id, found.client_id)
    made = managedidentity.UserAssignedIdentity(
        f"{name}-identity",
        resource_name_=args.identity,
        resource_group_name=group,
        location=args.location,
        tags=args.tags,
        opts=opts,
    )
    return UserIdentity(args.identity or "", made.id, made.principal_id, made.client_id)


def declare_roles(
    name: str,
    args: MlflowWorkspaceArgs,
    identity: UserIdentity,
    parts: Mapping[str, pulumi.Output[str]],
    group: pulumi.Input[str],
    *,
    opts: pulumi.ResourceOptions,
) -> list[pulumi.Resource]:
    """The assignments of the roles that an identity needs on parts of the workspace; none if others grant them.

    `parts` has the ARM ids of the parts by how their logical names end. The assignments' names in Azure follow from the
    identity's ARM id: its object id is not known before it is made. Two stacks that are given one identity and one
    account call a role of it by one name: what it says tells whose it is.
    """
    if args.grant_roles is False:
        return []
    ways = {"storage_by_identity": args.storage_auth == "identity", "managed_network": bool(args.isolation)}
    return [
        authorization.RoleAssignment(
            f"{name}-{part}-{role.lower().replace(' ', '-')}",
            scope=scope,
            role_assignment_name=pulumi.Output.all(scope, identity.id).apply(partial(_name, role)),
            role_definition_id=scope.apply(partial(_definition, role)),
            principal_id=identity.principal_id,
            principal_type="ServicePrincipal",
            description=pulumi.Output.all(args.workspace, group).apply(
                lambda names: f"Workspace {names[0]} in group {names[1]} works as this identity"
            ),
            opts=opts,
        )
        for part, scope in parts.items()
        for role in workspace_roles.needed(part, **ways)
    ]


def _name(role: str, ids: list[str]) -> str:
    scope, identity = ids
    return assignment_name(scope, identity, roles.built_in_role(role).id)


def _definition(role: str, scope: str) -> str:
    return roles.built_in_role(role).definition_id(scope.split("/")[2])
