"""`Access`: who may do what in a workspace, as Azure's role definitions and role assignments.

The rules:
- one custom role for each persona in use, defined at the resource group; no role without a grant, and none at all in
  the profile `built-in`;
- one assignment for each role that a grant calls for, at the workspace or the group (and, with identity-based storage,
  on the storage account), under a name that follows from (scope, principal, role): Azure refuses the same assignment
  under a second name, and the provider would otherwise name it at random;
- what user-assigned identities of computes and endpoints need, be it that a grant gives it already: then the engine
  hears of the other name, by which it keeps the assignment when the grant goes, or comes;
- an assignment that somebody else made is not declared. The role it is of is kept in Azure when the last grant goes:
  it could not be deleted while that assignment is there. (One that came after the grant is found by the commands:
  `cli/session/relying.py`.)
- an assignment depends on its role, and both on the workspace, so that a destroy takes them in the order that Azure
  accepts: a role in use cannot be deleted (`RoleDefinitionHasAssignments`). None of them is `deleted_with` the
  group: a group's deletion leaves its role definitions behind.
"""

from collections.abc import Sequence

import pulumi
from pulumi_azure_native import authorization

from azmlflow.infra.components.arguments import given
from azmlflow.infra.components.parts.grants import AccessArgs, Meant
from azmlflow.infra.plan import identifiers
from azmlflow.infra.plan.records import Assignment, ComputeIdentity
from azmlflow.rbac import roles
from azmlflow.rbac.grants import Grant


class Access(pulumi.ComponentResource):
    """The grants of a workspace. Its option `dependsOn` must name the workspace."""

    assignment_ids: pulumi.Output[list[str]]
    """ARM ids of the role assignments declared, in the order of the grants."""

    def __init__(self, name: str, args: AccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the grants.

        Args:
            name: logical name.
            args: who may do what, and where.
            opts: Pulumi's options, with the workspace as `depends_on`; every role and assignment waits for it.

        Raises:
            UnknownPersona: a grant's persona is none of `rbac.roles.PERSONAS`.
            ValueError: a grant's principal is an output, and the grant has no name; or has something `adopted`.
        """
        super().__init__(identifiers.ACCESS, name, None, opts)
        args = given(AccessArgs, args)
        identities = [
            each
            if isinstance(each, ComputeIdentity)
            else ComputeIdentity(each["principal_id"], each.get("stops", False), each.get("serves", False))
            for each in args.identities or ()
        ]
        meant = Meant.of(args, self)
        place, grants = meant.place, meant.grants
        # A component's own dependencies don't reach its children, so each child is given them.
        after = pulumi.ResourceOptions(parent=self, depends_on=opts.depends_on if opts else None)
        kept = {grant.persona for grant in grants if place.role_guid(grant.persona) in grant.adopted}
        definitions = {
            persona: _definition(
                roles.persona(persona, strict_tracker=bool(args.strict_tracker)),
                meant,
                args.owner,
                pulumi.ResourceOptions.merge(after, pulumi.ResourceOptions(retain_on_delete=persona in kept)),
            )
            for persona in dict.fromkeys(grant.persona for grant in grants)
            if place.profile == "least-privilege"
        }

        def listed(place: identifiers.Place, grants: Sequence[Grant]) -> tuple[Assignment, ...]:
            already = place.assignments(grants, adopted=True)
            return (*place.assignments(grants), *place.of_computes(identities, already))

        def told(number: int, field: str) -> pulumi.Input[str]:
            return meant.told(lambda place, grants: str(getattr(listed(place, grants)[number], field)))

        assignments = [
            authorization.RoleAssignment(
                each.name,
                scope=told(number, "scope"),
                role_assignment_name=told(number, "guid"),
                role_definition_id=told(number, "role_definition_id"),
                principal_id=told(number, "principal_id"),
                principal_type=each.principal_type,
                description=f"{each.why}, {args.owner}",
                opts=pulumi.ResourceOptions.merge(
                    after,
                    pulumi.ResourceOptions(
                        depends_on=[definitions[each.persona]] if each.persona else [],
                        aliases=[pulumi.Alias(name=each.otherwise)] if each.otherwise else None,
                    ),
                ),
            )
            for number, each in enumerate(listed(place, grants))
        ]
        self.assignment_ids = pulumi.Output.all(*(assignment.id for assignment in assignments))
        self.register_outputs({"assignmentIds": self.assignment_ids})


def _definition(
    persona: roles.Persona, meant: Meant, owner: str | None, opts: pulumi.ResourceOptions
) -> authorization.RoleDefinition:
    """The least-privilege role of a persona, assignable in this resource group only."""
    group = meant.told(lambda place, _: place.group_id)
    return authorization.RoleDefinition(
        identifiers.role_name(persona.name),
        scope=group,
        role_definition_id=meant.told(lambda place, _: place.role_guid(persona.name)),
        role_name=meant.told(lambda place, _: roles.custom_role_name(persona.name, place.home)),
        role_type="CustomRole",
        description=f"{persona.summary} ({owner})",
        assignable_scopes=[group],
        permissions=[
            authorization.PermissionArgs(
                actions=list(persona.actions), not_actions=[], data_actions=[], not_data_actions=[]
            )
        ],
        opts=opts,
    )
