"""Identities that follow from settings alone: URNs in Pulumi's state, ids in Azure. Pure, without Pulumi.

The rule: whatever a stack declares is findable before it exists and after its state is lost. Recovery imports by
these ids, `grant` and `revoke` aim at these URNs; tests hold both to what the program really declares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from azmlflow.infra.plan import networks, records
from azmlflow.infra.plan.guardrails import NO_GUARDRAILS, REGISTRY, Guardrails, logged_id
from azmlflow.infra.plan.naming import Names
from azmlflow.infra.plan.networks import PUBLIC, Network
from azmlflow.infra.plan.private import Private
from azmlflow.infra.plan.records import Assignment, ComputeIdentity, Planned
from azmlflow.infra.plan.tags import LOCK_NAME
from azmlflow.rbac import roles, scopes
from azmlflow.rbac.grants import Grant, GrantScope
from azmlflow.rbac.profiles import Profile
from azmlflow.resourcetypes.table import token_of

WORKSPACE, GUARDRAILS = map(records.component, ("MlflowWorkspace", "Guardrails"))
CLUSTER, INSTANCE = map(records.component, ("ComputeCluster", "ComputeInstance"))
WORKSPACE_NAME, GUARDRAILS_NAME = "mlflow", "guardrails"
ACCESS, ACCESS_NAME = records.ACCESS, records.ACCESS_NAME
# Azure types of what a stack declares.
_GROUP = "Microsoft.Resources/resourceGroups"
_REGISTRY = "Microsoft.ContainerRegistry/registries"
_STORAGE_ACCOUNT = "Microsoft.Storage/storageAccounts"
_ML_WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
_COMPUTE = "Microsoft.MachineLearningServices/workspaces/computes"
_ROLE_DEFINITION = "Microsoft.Authorization/roleDefinitions"
_LOCK = "Microsoft.Authorization/locks"
LOCK_TOKEN = "azure-native:authorization:ManagementLockByScope"  # the type has another token, at a group
_DIAGNOSTIC_SETTING = "Microsoft.Insights/diagnosticSettings"
_BUDGET = "Microsoft.Consumption/budgets"
# What stands in the group by itself: its Azure type, end of the logical name, field of `Names`.
IN_GROUP = (
    (_STORAGE_ACCOUNT, "storage", "storage_account"),
    ("Microsoft.KeyVault/vaults", "vault", "key_vault"),
    ("Microsoft.OperationalInsights/workspaces", "logs", "log_analytics"),
    ("Microsoft.Insights/components", "insights", "application_insights"),
    (_REGISTRY, REGISTRY, "container_registry"),
    ("Microsoft.ManagedIdentity/userAssignedIdentities", "identity", "identity"),
    (_ML_WORKSPACE, "workspace", "workspace"),
)


@dataclass(frozen=True)
class Place:
    """A workspace, by plain names, and how personas become roles there.

    Attributes:
        subscription_id: the subscription.
        resource_group: name of the resource group.
        workspace: name of the workspace.
        storage_account: name of the storage account where personas need roles on it (identity-based storage), or
            the ARM id of another's; else None.
        profile: a role of its own for each persona, or the nearest built-in one.
        registry: name of the container registry that computes pull images from, or the ARM id of another's.
        own_group: whether the group is the stack's own, after which its roles are called then; else after the
            workspace, since others may have theirs there.
        models: name of the storage account that models are in, or the ARM id of another's.
    """

    subscription_id: str
    resource_group: str
    workspace: str
    storage_account: str | None = None
    profile: Profile = "least-privilege"
    registry: str | None = None
    own_group: bool = True
    models: str | None = None

    @property
    def home(self) -> str:
        """ARM id of what the names of roles of ours follow from."""
        return self.group_id if self.own_group else self.workspace_id

    @property
    def group_id(self) -> str:
        """ARM id of the resource group, where the stack's roles are defined."""
        return scopes.resource_group_id(self.subscription_id, self.resource_group)

    @property
    def workspace_id(self) -> str:
        """ARM id of the workspace, where the grants apply."""
        return scopes.resource_id(self.subscription_id, self.resource_group, _ML_WORKSPACE, self.workspace)

    @property
    def storage_id(self) -> str | None:
        """ARM id of the storage account, where personas need roles on it."""
        return self._standing(_STORAGE_ACCOUNT, self.storage_account)

    @property
    def models_id(self) -> str | None:
        """ARM id of the storage account that models are in."""
        return self._standing(_STORAGE_ACCOUNT, self.models)

    @property
    def registry_id(self) -> str | None:
        """ARM id of the container registry that computes pull images from."""
        return self._standing(_REGISTRY, self.registry)

    def _standing(self, azure_type: str, name: str | None) -> str | None:
        """ARM id of what is in the group under a name; an ARM id is its own."""
        if name is None or name.startswith("/"):
            return name
        return scopes.resource_id(self.subscription_id, self.resource_group, azure_type, name)

    def scope_id(self, scope: GrantScope) -> str:
        """ARM id of where a grant applies."""
        return self.group_id if scope == "group" else self.workspace_id

    def role_guid(self, persona: str) -> str:
        """GUID of the role definition of a persona."""
        return roles.custom_role_guid(persona, self.home)

    def role_definition_id(self, persona: str) -> str:
        """The role definition as assignments name it: Azure answers with this form, whatever scope it was made at."""
        return self._role_id(self.role_guid(persona))

    def assignments(self, grants: Iterable[Grant], *, adopted: bool = False) -> tuple[Assignment, ...]:
        """The role assignments that grants call for, each once, in the order of the grants.

        Args:
            grants: who may do what.
            adopted: also those that somebody else made already and that are relied on.
        """
        listed = tuple(grants)
        every = [(grant, each) for grant in listed for each in self._called_for(grant)]
        others = {each.key for grant, each in every if each.role_guid in grant.adopted}
        distinct = {each.key: each for _, each in reversed(every) if adopted or each.key not in others}
        return tuple(dict.fromkeys(distinct[each.key] for _, each in every if each.key in distinct))

    def role(self, persona: str) -> Planned:
        """The role definition of a persona."""
        id_ = scopes.extension_id(self.group_id, _ROLE_DEFINITION, self.role_guid(persona))
        return Planned(token_of(_ROLE_DEFINITION), role_name(persona), ACCESS, ACCESS_NAME, id_)

    def roles(self, grants: Iterable[Grant]) -> tuple[Planned, ...]:
        """The role definitions that grants call for: none where the built-in ones stand in."""
        if self.profile == "built-in":
            return ()
        return tuple(self.role(persona) for persona in dict.fromkeys(grant.persona for grant in grants))

    def of_computes(
        self, identities: Iterable[ComputeIdentity], granted: Iterable[Assignment]
    ) -> tuple[Assignment, ...]:
        """The role assignments that user-assigned identities of computes and endpoints need, but for those `granted`,
        that is, those that grants call for."""
        found: dict[tuple[str, str, str], Assignment] = {}
        for each in identities:
            needed = each.needs(self.workspace_id, self.registry_id, self.storage_id, self.models_id)
            for role, scope, why in needed:
                name = f"identity-{role.lower().replace(' ', '-')}-{each.principal_id}"
                id_ = self._role_id(roles.built_in_role(role).id)
                made = Assignment(name, scope, id_, each.principal_id, "ServicePrincipal", None, why)
                found.setdefault(made.key, made)
        for key in (each.key for each in granted):
            found.pop(key, None)
        return tuple(found.values())

    def assignment(self, grant: Grant) -> Planned:
        """The role assignment of a grant's persona."""
        return self._own(grant).planned()

    def _called_for(self, grant: Grant) -> tuple[Assignment, ...]:
        account = self.storage_id
        if account is None:
            return (self._own(grant),)
        why = "Artifacts of a workspace with identity-based storage"
        needed = roles.persona(grant.persona).storage_roles
        return (self._own(grant), *(self._built_in(grant, role, account, "", why) for role in needed))

    def _own(self, grant: Grant) -> Assignment:
        scope, suffix = self.scope_id(grant.scope), "-group" if grant.scope == "group" else ""
        if self.profile == "built-in":
            nearest = roles.persona(grant.persona).nearest
            return self._built_in(grant, nearest, scope, suffix, "Nearest built-in role of its persona")
        name = f"{assignment_resource_name(grant.persona, grant.principal_id)}{suffix}"
        role, why = self.role_definition_id(grant.persona), f"Persona {grant.persona}"
        return Assignment(name, scope, role, grant.principal_id, grant.principal_type, grant.persona, why)

    def _built_in(self, grant: Grant, role: str, scope: str, suffix: str, why: str) -> Assignment:
        # Named by the role, not by the persona: two personas may call for the same one.
        name = f"{assignment_resource_name(role.lower().replace(' ', '-'), grant.principal_id)}{suffix}"
        id_ = self._role_id(roles.built_in_role(role).id)
        return Assignment(name, scope, id_, grant.principal_id, grant.principal_type, None, why)

    def _role_id(self, guid: str) -> str:
        subscription = scopes.subscription_id(self.subscription_id)
        return scopes.extension_id(subscription, _ROLE_DEFINITION, guid)


def role_name(persona: str) -> str:
    """Logical name of a persona's role definition."""
    return f"role-{persona}"


def assignment_resource_name(persona: str, principal_id: str) -> str:
    """Logical name of a grant's role assignment at the workspace."""
    return f"grant-{persona}-{principal_id}"


def cluster_resource_name(cluster: str) -> str:
    """Logical name of a cluster inside its component, which bears the cluster's own name."""
    return f"{cluster}-cluster"


def instance_resource_name(instance: str) -> str:
    """Logical name of a compute instance inside its component, which bears the instance's own name."""
    return f"{instance}-instance"


def in_group(names: Names, subscription_id: str) -> tuple[str, ...]:
    """ARM ids of what stands in a stack's group by itself, in the order of `IN_GROUP`."""
    group = names.resource_group
    return tuple(
        scopes.resource_id(subscription_id, group, azure_type, getattr(names, field))
        for azure_type, _, field in _parts(names)
    )


def _parts(names: Names) -> tuple[tuple[str, str, str], ...]:
    return tuple(part for part in IN_GROUP if getattr(names, part[2]) is not None)


def planned(
    names: Names,
    subscription_id: str,
    clusters: Iterable[str] = (),
    grants: Iterable[Grant] = (),
    *,
    place: Place | None = None,
    guardrails: Guardrails = NO_GUARDRAILS,
    identities: Iterable[ComputeIdentity] = (),
    network: Network = PUBLIC,
    instances: Iterable[str] = (),
    private: Private | None = None,
) -> tuple[Planned, ...]:
    """Every Azure resource that a stack declares, each after those that it needs.

    Args:
        names: the stack's names (`Settings.names`).
        subscription_id: the subscription.
        clusters: names of the clusters.
        grants: who may do what.
        place: how personas become roles (`Settings.place`), if not by roles of their own over key-based storage.
        guardrails: what watches over it (`Settings.guardrails`).
        identities: user-assigned ones of computes (`Settings.identities`).
        network: who reaches it, and whom it reaches (`Settings.network`).
        instances: names of the compute instances.
        private: network, private endpoints and DNS of its own (`Settings.private`).
    """
    place = place or Place(subscription_id, names.resource_group, names.workspace)
    found = [Planned(token_of(_GROUP), f"{WORKSPACE_NAME}-group", WORKSPACE, WORKSPACE_NAME, place.group_id)]
    if not place.own_group:
        found.clear()
    ids: dict[str, str] = {}
    parts = _parts(names)
    for (azure_type, end, _), id_ in zip(parts, in_group(names, subscription_id), strict=True):
        ids[end] = id_
        found.append(Planned(token_of(azure_type), f"{WORKSPACE_NAME}-{end}", WORKSPACE, WORKSPACE_NAME, id_))
    found += networks.planned(network, place.workspace_id)
    found += private.planned() if private else ()
    named = [(each, cluster_resource_name(each), CLUSTER) for each in clusters]
    named += [(each, instance_resource_name(each), INSTANCE) for each in instances]
    for compute, name, component in named:
        id_ = scopes.extension_id(place.group_id, _COMPUTE, names.workspace, compute)
        found.append(Planned(token_of(_COMPUTE), name, component, compute, id_))
    listed = tuple(grants)
    found += place.roles(listed)
    found += [each.planned() for each in place.assignments(listed)]
    found += [each.planned() for each in place.of_computes(identities, place.assignments(listed, adopted=True))]
    return (*found, *_watching(guardrails, ids, place.group_id))


def _watching(guardrails: Guardrails, ids: Mapping[str, str], group: str) -> Iterable[Planned]:
    """The diagnostic settings, locks and budget of a stack, given the ids of its parts."""

    def on(scope: str, azure_type: str, end: str, token: str) -> Planned:
        id_ = scopes.extension_id(scope, azure_type, LOCK_NAME)
        return Planned(token, f"{GUARDRAILS_NAME}-{end}", GUARDRAILS, GUARDRAILS_NAME, id_)

    for part in guardrails.watched():
        yield on(logged_id(part, ids[part]), _DIAGNOSTIC_SETTING, f"logs-{part}", token_of(_DIAGNOSTIC_SETTING))
    for part in guardrails.locked():
        yield on(ids[part], _LOCK, f"lock-{part}", LOCK_TOKEN)
    if guardrails.budget:
        yield on(group, _BUDGET, "budget", token_of(_BUDGET))
