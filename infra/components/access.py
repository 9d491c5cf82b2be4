"""`Access`: who may do what in a workspace, as Azure's role definitions and role assignments.

The rules:
- one custom role for each persona in use, defined at the resource group; no role without a grant, and none at all in
  the profile `built-in`;
- one assignment for each role that a grant calls for, at the workspace or the group (and, with identity-based storage,
  on the storage account), under a name that follows from (scope, principal, role): Azure refuses the same assignment
  under a second name, and the provider would otherwise name it at random;
- what computes' user-assigned identities need, be it that a grant gives it already;
- an assignment that somebody else made is not declared. The role it is of is kept in Azure when the last grant goes:
  it could not be deleted while that assignment is there;
- an assignment depends on its role, and both on the workspace, so that a destroy takes them in the order that Azure
  accepts: a role in use cannot be deleted (`RoleDefinitionHasAssignments`). None of them is `deleted_with` the
  group: a group's deletion leaves its role definitions behind.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NotRequired, TypedDict

import pulumi
from pulumi_azure_native import authorization

from azmlflow.infra.components.arguments import given
from azmlflow.infra.plan import identifiers
from azmlflow.infra.plan.records import ComputeIdentity
from azmlflow.rbac import roles
from azmlflow.rbac.grants import Grant, GrantScope
from azmlflow.rbac.profiles import Profile


class GrantArgs(TypedDict):
    """A persona for a principal."""

    principal_id: str
    """Object id in the directory."""
    principal_type: str
    """User, Group or ServicePrincipal."""
    persona: str
    """What the principal may do with MLflow."""
    scope: NotRequired[str]
    """At the `workspace`, or at its whole `group`."""
    adopted: NotRequired[list[str]]
    """GUIDs of roles that the principal has there by somebody else's assignment, which is left alone."""


class ComputeIdentityArgs(TypedDict):
    """A user-assigned identity that a compute has."""

    principal_id: str
    """Object id in the directory."""
    stops: NotRequired[bool]
    """Whether a compute instance has it, which could not stop by itself without its rights."""


if TYPE_CHECKING:
    Granted = Grant | GrantArgs
    Identity = ComputeIdentity | ComputeIdentityArgs
else:
    # What Pulumi's component host draws its schema from, and hands over: it knows neither unions nor our records.
    Granted, Identity = GrantArgs, ComputeIdentityArgs


@dataclass(frozen=True)
class AccessArgs:
    """What an `Access` is made of. The names are plain: the ids of roles and assignments follow from them."""

    subscription_id: str
    """Subscription of the workspace."""
    resource_group: str
    """Name of its resource group."""
    workspace: str
    """Name of the workspace."""
    grants: Sequence[Granted]
    """Who may do what."""
    owner: str | None = "azmlflow"
    """Who declares this; said in the descriptions, since roles and assignments carry no tags."""
    storage_account: str | None = None
    """Name of the storage account, if its datastores are opened as the caller: personas then need roles on it."""
    profile: str | None = "least-privilege"
    """`least-privilege`: a custom role for each persona; `built-in`: the nearest built-in role, which allows more."""
    strict_tracker: bool | None = False
    """Take `jobs/write` from the tracker."""
    container_registry: str | None = None
    """Name of the container registry that computes pull images from, if their identities need a role on it."""
    identities: Sequence[Identity] | None = None
    """The user-assigned identities of computes."""

    @classmethod
    def of(
        cls,
        place: identifiers.Place,
        grants: Iterable[Grant],
        owner: str,
        strict_tracker: bool = False,
        identities: Iterable[ComputeIdentity] = (),
    ) -> "AccessArgs":
        """The arguments for grants as `azmlflow.rbac` has them."""
        return cls(
            place.subscription_id,
            place.resource_group,
            place.workspace,
            tuple(grants),
            owner,
            place.storage_account,
            place.profile,
            strict_tracker,
            place.registry,
            tuple(identities),
        )

    def place(self) -> identifiers.Place:
        """Where the grants apply, and how their personas become roles there."""
        profile: Profile = "built-in" if self.profile == "built-in" else "least-privilege"
        return identifiers.Place(
            self.subscription_id,
            self.resource_group,
            self.workspace,
            self.storage_account,
            profile,
            self.container_registry,
        )


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
        """
        super().__init__(identifiers.ACCESS, name, None, opts)
        args = given(AccessArgs, args)
        grants = [each if isinstance(each, Grant) else _grant(**each) for each in args.grants]
        identities = [
            each
            if isinstance(each, ComputeIdentity)
            else ComputeIdentity(each["principal_id"], each.get("stops", False))
            for each in args.identities or ()
        ]
        place = args.place()
        already = place.assignments(grants, adopted=True)
        # A component's own dependencies don't reach its children, so each child is given them.
        after = pulumi.ResourceOptions(parent=self, depends_on=opts.depends_on if opts else None)
        kept = {grant.persona for grant in grants if place.role_guid(grant.persona) in grant.adopted}
        definitions = {
            persona: _definition(
                roles.persona(persona, strict_tracker=bool(args.strict_tracker)),
                place,
                args.owner,
                pulumi.ResourceOptions.merge(after, pulumi.ResourceOptions(retain_on_delete=persona in kept)),
            )
            for persona in dict.fromkeys(grant.persona for grant in grants)
            if place.profile == "least-privilege"
        }
        assignments = [
            authorization.RoleAssignment(
                each.name,
                scope=each.scope,
                role_assignment_name=each.guid,
                role_definition_id=each.role_definition_id,
                principal_id=each.principal_id,
                principal_type=each.principal_type,
                description=f"{each.why}, {args.owner}",
                opts=pulumi.ResourceOptions.merge(
                    after,
                    pulumi.ResourceOptions(depends_on=[definitions[each.persona]] if each.persona else []),
                ),
            )
            for each in (*place.assignments(grants), *place.of_computes(identities, already))
        ]
        self.assignment_ids = pulumi.Output.all(*(assignment.id for assignment in assignments))
        self.register_outputs({"assignmentIds": self.assignment_ids})


def _grant(
    principal_id: str,
    principal_type: str,
    persona: str,
    scope: str | None = None,
    adopted: Iterable[str] | None = None,
) -> Grant:
    """The grant of a mapping that Pulumi's component host gives; TypeError where one lacks a field or has one too many.

    An id of what was adopted is for people to read, and nobody tells it here.
    """
    at: GrantScope = "group" if scope == "group" else "workspace"
    return Grant(principal_id, principal_type, "", persona, at, None, {guid.lower(): "" for guid in adopted or ()})


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
