"""What ARM itself refuses before a provider sees a request: registration, parents, states, locations, locks."""

from __future__ import annotations

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import LOCKS, PROVIDERS
from azmlflow.localazure.core.errors import AzureError, bad_request, conflict
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.fields import region
from azmlflow.localazure.resources.kind import Ask, Kind
from azmlflow.localazure.resources.paths import GROUP_TYPE, group_id
from azmlflow.rbac import scopes

# These are part of ARM and never need registration (Microsoft, "Azure resource providers and types").
ALWAYS_REGISTERED = ("microsoft.resources", "microsoft.authorization")
_LOCK = "/providers/microsoft.authorization/locks/"


def registered(cloud: Cloud, namespace: str) -> bool:
    """Whether the subscription uses a provider; those that this project needs are registered from the start."""
    found = cloud.store.get(PROVIDERS, namespace.lower())
    return namespace.lower() in ALWAYS_REGISTERED or found is None or found["state"] == "Registered"


def require_registered(cloud: Cloud, namespace: str) -> None:
    """Raise 409 `MissingSubscriptionRegistration` unless the subscription uses the provider."""
    if not registered(cloud, namespace):
        raise AzureError(
            409,
            "MissingSubscriptionRegistration",
            f"The subscription is not registered to use namespace '{namespace}'. "
            "See https://aka.ms/rps-not-found for how to register subscriptions.",
            details=[
                {
                    "code": "MissingSubscriptionRegistration",
                    "target": namespace,
                    "message": f"The subscription is not registered to use namespace '{namespace}'. "
                    "See https://aka.ms/rps-not-found for how to register subscriptions.",
                }
            ],
        )


def standing(ask: Ask, kind: Kind) -> None:
    """What a resource is to stand on exists and is not about to go.

    Raises:
        AzureError: 404 `ResourceGroupNotFound`, `ParentResourceNotFound`; 409 `ResourceGroupBeingDeleted`.
    """
    if kind.place == "any":
        find.scope(ask.cloud, ask.target)
    if kind.place in ("group", "child"):
        find.group(ask.cloud, ask.target)
    if kind.place == "child":
        find.parent(ask.cloud, kind, ask.target, "write")
    group = find.resource(ask.cloud, group_id(ask.target)) if ask.target.group else None
    if group is not None and group["properties"]["provisioningState"] == "Deleting":
        raise conflict(
            "ResourceGroupBeingDeleted",
            f"The resource group '{ask.target.group}' is in deprovisioning state and cannot perform this operation.",
        )


def location(ask: Ask, kind: Kind, existing: Document | None) -> None:
    """The body's location is one that Azure has, and the one where the resource is.

    Raises:
        AzureError: 400 `LocationRequired`, `LocationNotAvailableFor...`; 409 `Invalid...Location`.
    """
    if not kind.regions:
        return
    given = ask.body.get("location")
    is_group = kind.type == GROUP_TYPE
    if not given:
        if existing is not None:
            return
        raise bad_request("LocationRequired", "The location property is required for this definition.")
    if not isinstance(given, str) or region(given) not in kind.regions:
        code = "LocationNotAvailableForResourceGroup" if is_group else "LocationNotAvailableForResourceType"
        what = "resource group" if is_group else f"resource type '{kind.type}'"
        raise bad_request(
            code,
            f"The provided location '{given}' is not available for {what}. "
            f"List of available regions {'' if is_group else 'for the resource type '}is '{','.join(kind.regions)}'.",
        )
    if existing is None or region(given) == existing["location"]:
        return
    if is_group:
        raise conflict(
            "InvalidResourceGroupLocation",
            f"Invalid resource group location '{given}'. "
            f"The Resource group already exists in location '{existing['location']}'.",
        )
    raise conflict(
        "InvalidResourceLocation",
        f"The resource '{existing['name']}' already exists in location '{existing['location']}' in resource group "
        f"'{ask.target.group}'. A resource with the same name cannot be created in location '{given}'. "
        "Please select a new resource name.",
    )


def idle(ask: Ask, document: Document | None) -> None:
    """Raise 409 `AnotherOperationInProgress` while something is being done to the resource."""
    running = ask.cloud.operations.running(document["id"] if document else ask.target.id)
    if running is not None:
        raise AzureError(
            409,
            "AnotherOperationInProgress",
            f"Another operation on this or dependent resource is in progress: '{running['verb']}' of "
            f"'{running['target']}', started at {running['started']}. Please try again later.",
            headers={"Retry-After": str(ask.cloud.operations.retry_after(running))},
        )


def unlocked(cloud: Cloud, id_: str, verb: str) -> None:
    """No lock stands in the way.

    `CanNotDelete` stops deletions, `ReadOnly` writes and POST actions too; a lock reaches all below its scope, and
    the deletion of what is above it would delete through it (Microsoft, "Lock your resources to protect your
    infrastructure").

    Args:
        id_: what is written or deleted.
        verb: `write` or `delete`.

    Raises:
        AzureError: 409 `ScopeLocked`, naming the locked scopes.
    """
    found = []
    for key, lock in cloud.store.scan(LOCKS):
        locked_scope = key.rpartition(_LOCK)[0] or scopes.ROOT
        reaches = scopes.contains(locked_scope, id_) or (verb == "delete" and scopes.contains(id_, locked_scope))
        if reaches and (verb == "delete" or lock["properties"]["level"] == "ReadOnly"):
            found.append(str(lock["id"])[: -len(_LOCK) - len(lock["name"])])
    if found:
        raise conflict(
            "ScopeLocked",
            f"The scope '{id_}' cannot perform {verb} operation because following scope(s) are locked: "
            f"'{','.join(sorted(set(found)))}'. Please remove the lock and try again.",
        )
