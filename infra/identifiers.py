"""Identities that follow from settings alone: URNs in Pulumi's state, ids in Azure. Pure, without Pulumi.

The rule: whatever a stack declares is findable before it exists and after its state is lost. Recovery imports by
these ids, `grant` and `revoke` aim at these URNs; tests hold both to what the program really declares.

URN grammar: `urn:pulumi:<stack>::<project>::<parent type>$<type>::<name>`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from azmlflow.infra.naming import Names
from azmlflow.rbac import roles, scopes
from azmlflow.rbac.grants import Grant, assignment_name

WORKSPACE, CLUSTER, ACCESS = (f"azmlflow:index:{name}" for name in ("MlflowWorkspace", "ComputeCluster", "Access"))
WORKSPACE_NAME, ACCESS_NAME = "mlflow", "access"
ROLE_DEFINITION = "azure-native:authorization:RoleDefinition"
ROLE_ASSIGNMENT = "azure-native:authorization:RoleAssignment"
_GROUP = "azure-native:resources:ResourceGroup"

# Pulumi type, end of the logical name, Azure type, field of `Names`.
_IN_GROUP = (
    ("azure-native:storage:StorageAccount", "storage", "Microsoft.Storage/storageAccounts", "storage_account"),
    ("azure-native:keyvault:Vault", "vault", "Microsoft.KeyVault/vaults", "key_vault"),
    (
        "azure-native:operationalinsights:Workspace",
        "logs",
        "Microsoft.OperationalInsights/workspaces",
        "log_analytics",
    ),
    (
        "azure-native:applicationinsights:Component",
        "insights",
        "Microsoft.Insights/components",
        "application_insights",
    ),
    (
        "azure-native:machinelearningservices:Workspace",
        "workspace",
        "Microsoft.MachineLearningServices/workspaces",
        "workspace",
    ),
)


@dataclass(frozen=True)
class Planned:
    """One Azure resource that a stack declares.

    Attributes:
        type: Pulumi's type token.
        name: logical name in the program.
        parent_type: type token of the component that declares it.
        parent: logical name of that component.
        id: where Azure keeps it.
    """

    type: str
    name: str
    parent_type: str
    parent: str
    id: str

    def urn(self, stack: str, project: str) -> str:
        """Its name in Pulumi's state."""
        return f"urn:pulumi:{stack}::{project}::{self.parent_type}${self.type}::{self.name}"

    def parent_urn(self, stack: str, project: str) -> str:
        """Its component's name in Pulumi's state."""
        return f"urn:pulumi:{stack}::{project}::{self.parent_type}::{self.parent}"


@dataclass(frozen=True)
class Place:
    """A workspace, by plain names.

    Attributes:
        subscription_id: the subscription.
        resource_group: name of the resource group.
        workspace: name of the workspace.
    """

    subscription_id: str
    resource_group: str
    workspace: str

    @property
    def group_id(self) -> str:
        """ARM id of the resource group, where the stack's roles are defined."""
        return scopes.resource_group_id(self.subscription_id, self.resource_group)

    @property
    def workspace_id(self) -> str:
        """ARM id of the workspace, where the grants apply."""
        return scopes.resource_id(
            self.subscription_id, self.resource_group, "Microsoft.MachineLearningServices/workspaces", self.workspace
        )

    def role_guid(self, persona: str) -> str:
        """GUID of the role definition of a persona."""
        return roles.custom_role_guid(persona, self.group_id)

    def role_definition_id(self, persona: str) -> str:
        """The role definition as assignments name it: Azure answers with this form, whatever scope it was made at."""
        return scopes.extension_id(
            scopes.subscription_id(self.subscription_id),
            "Microsoft.Authorization/roleDefinitions",
            self.role_guid(persona),
        )

    def assignment_guid(self, persona: str, principal_id: str) -> str:
        """Name of the role assignment of a grant."""
        return assignment_name(self.workspace_id, principal_id, self.role_definition_id(persona))

    def assignment_id(self, persona: str, principal_id: str) -> str:
        """ARM id of the role assignment of a grant."""
        return scopes.extension_id(
            self.workspace_id,
            "Microsoft.Authorization/roleAssignments",
            self.assignment_guid(persona, principal_id),
        )

    def role(self, persona: str) -> Planned:
        """The role definition of a persona."""
        id_ = scopes.extension_id(self.group_id, "Microsoft.Authorization/roleDefinitions", self.role_guid(persona))
        return Planned(ROLE_DEFINITION, role_name(persona), ACCESS, ACCESS_NAME, id_)

    def assignment(self, grant: Grant) -> Planned:
        """The role assignment of a grant."""
        name = assignment_resource_name(grant.persona, grant.principal_id)
        id_ = self.assignment_id(grant.persona, grant.principal_id)
        return Planned(ROLE_ASSIGNMENT, name, ACCESS, ACCESS_NAME, id_)


def role_name(persona: str) -> str:
    """Logical name of a persona's role definition."""
    return f"role-{persona}"


def assignment_resource_name(persona: str, principal_id: str) -> str:
    """Logical name of a grant's role assignment."""
    return f"grant-{persona}-{principal_id}"


def cluster_resource_name(cluster: str) -> str:
    """Logical name of a cluster inside its component, which bears the cluster's own name."""
    return f"{cluster}-cluster"


def planned(
    names: Names, subscription_id: str, clusters: Iterable[str] = (), grants: Iterable[Grant] = ()
) -> tuple[Planned, ...]:
    """Every Azure resource that a stack declares, each after those that it needs.

    Args:
        names: the stack's names (`Settings.names`).
        subscription_id: the subscription.
        clusters: names of the clusters.
        grants: who may do what.
    """
    place = Place(subscription_id, names.resource_group, names.workspace)
    found = [Planned(_GROUP, f"{WORKSPACE_NAME}-group", WORKSPACE, WORKSPACE_NAME, place.group_id)]
    for type_, end, azure_type, field in _IN_GROUP:
        id_ = scopes.resource_id(subscription_id, names.resource_group, azure_type, getattr(names, field))
        found.append(Planned(type_, f"{WORKSPACE_NAME}-{end}", WORKSPACE, WORKSPACE_NAME, id_))
    for cluster in clusters:
        id_ = scopes.extension_id(
            place.group_id, "Microsoft.MachineLearningServices/workspaces/computes", names.workspace, cluster
        )
        type_ = "azure-native:machinelearningservices:Compute"
        found.append(Planned(type_, cluster_resource_name(cluster), CLUSTER, cluster, id_))
    listed = tuple(grants)
    found += [place.role(persona) for persona in dict.fromkeys(grant.persona for grant in listed)]
    found += [place.assignment(grant) for grant in listed]
    return tuple(found)
