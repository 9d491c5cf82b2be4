"""`Access`: who may do what in a workspace, as Azure's role definitions and role assignments.

The rules:
- one custom role for each persona in use, defined at the resource group; no role without a grant;
- one assignment for each grant, at the workspace, under a name that follows from (scope, principal, role): Azure
  refuses the same assignment under a second name, and the provider would otherwise name it at random;
- an assignment depends on its role, and both on the workspace, so that a destroy takes them in the order that Azure
  accepts: a role in use cannot be deleted (`RoleDefinitionHasAssignments`). None of them is `deleted_with` the
  group: a group's deletion leaves its role definitions behind.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization

from azmlflow.infra import identifiers
from azmlflow.infra.arguments import given
from azmlflow.rbac import roles
from azmlflow.rbac.grants import Grant


@dataclass(frozen=True)
class GrantArgs:
    """A persona for a principal."""

    principal_id: str
    """Object id in the directory."""
    principal_type: str
    """User, Group or ServicePrincipal."""
    persona: str
    """What the principal may do with MLflow."""


@dataclass(frozen=True)
class AccessArgs:
    """What an `Access` is made of. The names are plain: the ids of roles and assignments follow from them."""

    subscription_id: str
    """Subscription of the workspace."""
    resource_group: str
    """Name of its resource group."""
    workspace: str
    """Name of the workspace."""
    grants: list[GrantArgs]
    """Who may do what."""
    owner: str | None = "azmlflow"
    """Who declares this; said in the descriptions, since roles and assignments carry no tags."""

    @classmethod
    def of(cls, place: identifiers.Place, grants: Iterable[Grant], owner: str) -> "AccessArgs":
        """The arguments for grants as `azmlflow.rbac` has them."""
        listed = [GrantArgs(grant.principal_id, grant.principal_type, grant.persona) for grant in grants]
        return cls(place.subscription_id, place.resource_group, place.workspace, listed, owner)


class Access(pulumi.ComponentResource):
    """The grants of a workspace. Its option `dependsOn` must name the workspace."""

    assignment_ids: pulumi.Output[list[str]]
    """ARM ids of the role assignments, in the order of the grants."""

    def __init__(self, name: str, args: AccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the grants.

        Args:
            name: logical name.
            args: who may do what, and where.
            opts: Pulumi's options, with the workspace as `depends_on`; every role and assignment waits for it.

        Raises:
            UnknownPersona: a grant's persona is none of `rbac.roles.PERSONAS`.
        """
        super().__init__(identifiers.ACCESS, name, None, opts)
        args = given(AccessArgs, args)
        grants = [given(GrantArgs, grant) for grant in args.grants]
        place = identifiers.Place(args.subscription_id, args.resource_group, args.workspace)
        # A component's own dependencies don't reach its children, so each child is given them.
        after = pulumi.ResourceOptions(parent=self, depends_on=opts.depends_on if opts else None)
        definitions = {
            persona: _definition(roles.persona(persona), place, args.owner, after)
            for persona in dict.fromkeys(grant.persona for grant in grants)
        }
        assignments = [
            authorization.RoleAssignment(
                identifiers.assignment_resource_name(grant.persona, grant.principal_id),
                scope=place.workspace_id,
                role_assignment_name=place.assignment_guid(grant.persona, grant.principal_id),
                role_definition_id=place.role_definition_id(grant.persona),
                principal_id=grant.principal_id,
                principal_type=grant.principal_type,
                description=f"Persona {grant.persona}, {args.owner}",
                opts=pulumi.ResourceOptions.merge(
                    after, pulumi.ResourceOptions(depends_on=[definitions[grant.persona]])
                ),
            )
            for grant in grants
        ]
        self.assignment_ids = pulumi.Output.all(*(assignment.id for assignment in assignments))
        self.register_outputs({"assignmentIds": self.assignment_ids})


def _definition(
    persona: roles.Persona, place: identifiers.Place, owner: str | None, opts: pulumi.ResourceOptions
) -> authorization.RoleDefinition:
    """The least-privilege role of a persona, assignable in this resource group only."""
    return authorization.RoleDefinition(
        identifiers.role_name(persona.name),
        scope=place.group_id,
        role_definition_id=place.role_guid(persona.name),
        role_name=roles.custom_role_name(persona.name, place.group_id),
        role_type="CustomRole",
        description=f"{persona.summary} ({owner})",
        assignable_scopes=[place.group_id],
        permissions=[
            authorization.PermissionArgs(
                actions=list(persona.actions), not_actions=[], data_actions=[], not_data_actions=[]
            )
        ],
        opts=opts,
    )
