"""Azure Resource Manager, asked directly: what the engine cannot do (purge, sweep, look again) is done here.

Microsoft's clients ask where there is one: of subscriptions, providers, groups and what is in them, locks, role
assignments and definitions. All else goes by id through the same pipeline. The same on both clouds: the credential
comes from the environment, and so does the way there.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Self

from azmlflow.cli.azure.addresses import ASSIGNMENTS, DEFINITIONS, GROUPS, LOCKS, PROVIDERS, SUBSCRIPTIONS
from azmlflow.cli.azure.by_id import EVERY_METHOD, NO_NAMESPACE, RESOURCES, ById, every, found
from azmlflow.cli.azure.errors import NO_SUBSCRIPTION
from azmlflow.cli.azure.sharing import Memory
from azmlflow.rbac.patterns import PermissionBlock

if TYPE_CHECKING:
    from azure.mgmt.authorization import AuthorizationManagementClient
    from azure.mgmt.authorization.v2022_04_01.models import RoleAssignment
    from azure.mgmt.authorization.v2022_05_01_preview.models import RoleDefinition
    from azure.mgmt.resource.locks.models import ManagementLockObject
    from azure.mgmt.resource.resources import ResourceManagementClient
    from azure.mgmt.resource.resources.models import GenericResourceExpanded, Provider, ResourceGroup
    from azure.mgmt.resource.subscriptions import SubscriptionClient
    from azure.mgmt.resource.subscriptions.models import Subscription

_OF_ANY = ""  # of clients that are asked by scope


class ResourceManager(ById):
    """Resource Manager: typed where Microsoft's clients are, by id for the rest."""

    def within(self, seconds: float | None) -> Self:
        """A client without a memory that gives up (TimedOut) after this many seconds; None lifts the limit."""
        view = self.sharing(self._memory and self._memory.empty())
        view._connection = self._unbounded if seconds is None else self._unbounded.bounded(seconds, self._clock)
        return view

    def sharing(self, memory: Memory | None) -> Self:
        """The same, that remembers for a moment what it is told of a whole subscription."""
        view = copy.copy(self)
        view._memory = memory
        return view

    def apart(self) -> Self:
        """The same for one removal among many: they share a memory, and each forgets at once what it deletes itself."""
        return self.sharing(self._memory and self._memory.apart())

    def load(self, *, subscriptions: bool = False) -> None:
        """Import all that its clients import when they are first used, before threads use them side by side: Python's
        import system refuses (`_DeadlockError`) threads whose imports wait for each other.

        Args:
            subscriptions: the client that asks for subscriptions too, which who looks into one of them has no need of.
        """
        from azure.mgmt.resource.locks import ManagementLockClient

        resources, authorization = self._resources(_OF_ANY), self._authorization
        if subscriptions:
            assert self._subscriptions().subscriptions
        for each in (
            self._resources(_OF_ANY, PROVIDERS).providers,
            (resources.resource_groups, resources.resources),
            self._connection.client(ManagementLockClient, LOCKS, _OF_ANY).management_locks,
            (authorization(ASSIGNMENTS).role_assignments, authorization(DEFINITIONS).role_definitions),
        ):
            assert each

    def subscriptions(self) -> tuple[Subscription, ...]:
        """The subscriptions that the signed-in principal sees."""
        listed = self._subscriptions().subscriptions.list
        if self._memory is None:
            return every(listed(**RESOURCES))
        return self._memory.once("/subscriptions", lambda: every(listed(**RESOURCES)), lasting=True)

    def subscription(self, subscription: str) -> Subscription | None:
        """A subscription; None if it is not there."""
        return found(lambda: self._subscriptions().subscriptions.get(subscription), NO_SUBSCRIPTION)

    def provider(self, subscription: str, namespace: str) -> Provider | None:
        """A resource provider as a subscription has it; None if there is none of this name."""
        return found(lambda: self._resources(subscription, PROVIDERS).providers.get(namespace), NO_NAMESPACE)

    def register(self, subscription: str, namespace: str) -> None:
        """Have a resource provider registered; Azure takes minutes, which are not waited for."""
        providers = self._resources(subscription, PROVIDERS).providers
        providers.register(namespace, retry_on_methods=EVERY_METHOD, expects="document")

    def groups(self, subscription: str) -> tuple[ResourceGroup, ...]:
        """The resource groups of a subscription."""
        return every(self._resources(subscription).resource_groups.list(**RESOURCES))

    def group(self, group_id: str) -> ResourceGroup | None:
        """A resource group; None if it is not there."""
        subscription, name = _parts(group_id)
        return found(lambda: self._resources(subscription).resource_groups.get(name))

    def resources(self, group_id: str) -> tuple[GenericResourceExpanded, ...]:
        """What is in a group, without properties, which no list tells; nothing where the group is not there."""
        subscription, name = _parts(group_id)
        return every(self._resources(subscription).resources.list_by_resource_group(name, **RESOURCES))

    def locks(self, scope: str) -> tuple[ManagementLockObject, ...]:
        """The locks at a group or subscription, and those inside it."""
        from azure.mgmt.resource.locks import ManagementLockClient

        # By level: the client's `list_by_scope` escapes the slashes of a scope.
        subscription, group = _parts(scope)
        locks = self._connection.client(ManagementLockClient, LOCKS, subscription).management_locks
        if group:
            return every(locks.list_at_resource_group_level(group, **RESOURCES))
        return self._once(f"{scope}/providers/{LOCKS}", lambda: locks.list_at_subscription_level(**RESOURCES))

    def role_assignments(self, scope: str) -> tuple[RoleAssignment, ...]:
        """The role assignments at a scope, above it and inside it."""
        listed = self._authorization(ASSIGNMENTS).role_assignments.list_for_scope
        return self._once(f"{scope}/providers/{ASSIGNMENTS}", lambda: listed(scope.lstrip("/"), **RESOURCES))

    def role_assignment(self, id_: str) -> RoleAssignment | None:
        """A role assignment; None if it is not there."""
        return found(lambda: self._authorization(ASSIGNMENTS).role_assignments.get_by_id(id_.lstrip("/")))

    def custom_roles(self, scope: str) -> tuple[RoleDefinition, ...]:
        """The custom roles that can be assigned at a scope, or only inside it."""
        listed = self._authorization(DEFINITIONS).role_definitions.list
        only = "atScopeAndBelow() and type eq 'CustomRole'"
        return self._once(f"{scope}/providers/{DEFINITIONS}", lambda: listed(scope.lstrip("/"), only, **RESOURCES))

    def roles_called(self, name: str, scope: str) -> tuple[RoleDefinition, ...]:
        """The roles of a name that can be assigned at a scope, or only inside it."""
        only = f"atScopeAndBelow() and roleName eq '{name}'"
        return every(self._authorization(DEFINITIONS).role_definitions.list(scope.lstrip("/"), only, **RESOURCES))

    def role_definition(self, id_: str) -> RoleDefinition | None:
        """A role definition; None if it is not there."""
        return found(lambda: self._authorization(DEFINITIONS).role_definitions.get_by_id(id_.lstrip("/")))

    def permissions(self, scope: str) -> tuple[PermissionBlock, ...]:
        """What the signed-in principal may do at a scope.

        (Microsoft, "Permissions - List For Resource"; Microsoft's client knows it for groups and resources only.)
        """
        listed = self.list(f"{scope}/providers/Microsoft.Authorization/permissions", ids=False)
        return tuple(PermissionBlock(tuple(each["actions"]), tuple(each["notActions"])) for each in listed)

    def _subscriptions(self) -> SubscriptionClient:
        from azure.mgmt.resource.subscriptions import SubscriptionClient

        return self._connection.client(SubscriptionClient, SUBSCRIPTIONS)

    def _resources(self, subscription: str, type_: str = GROUPS) -> ResourceManagementClient:
        from azure.mgmt.resource.resources import ResourceManagementClient

        return self._connection.client(ResourceManagementClient, type_, subscription)

    def _authorization(self, type_: str) -> AuthorizationManagementClient:
        from azure.mgmt.authorization import AuthorizationManagementClient

        return self._connection.client(AuthorizationManagementClient, type_, _OF_ANY)


def _parts(scope: str) -> tuple[str, str]:
    """The subscription of a scope, and the group's name, empty for a subscription's."""
    _, subscription, *inside = scope.strip("/").split("/")
    return subscription, inside[1] if inside else ""
