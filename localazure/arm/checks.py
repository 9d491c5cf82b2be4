"""What ARM itself refuses before a provider sees a request: registration, parents, states, locations, locks."""

from __future__ import annotations

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import PROVIDERS
from azmlflow.localazure.core.errors import AzureError, conflict
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.foundation.locks import require_unlocked
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import location_required
from azmlflow.localazure.resources.kind import Kind
from azmlflow.localazure.resources.paths import group_id

# These are part of ARM and never need registration (Microsoft, "Azure resource providers and types").
ALWAYS_REGISTERED = ("microsoft.resources", "microsoft.authorization")


def registered(cloud: Cloud, namespace: str) -> bool:
    """Whether the subscription uses a provider; those that this project needs are registered from the start."""
    found = cloud.store.get(PROVIDERS, namespace.lower())
    return namespace.lower() in ALWAYS_REGISTERED or found is None or found["state"] == "Registered"


def conditions(ask: Ask, kind: Kind, before: Document | None) -> None:
    """A write that is for another state of a resource than the one that is there is not done.

    Source: Microsoft, "Private Zones - Create Or Update" (If-Match, If-None-Match: other values than `*` are ignored),
    and the refusals that Azure PowerShell's tests expect (Azure/azure-powershell, PrivateDns: ScenarioTests). Of
    networks: kubernetes-sigs/cloud-provider-azure issue 9729, where a PUT is refused; the other verbs are inferred.

    Of all others Microsoft's pages name neither header, and whether Azure looks at them is not known: they have no ETag
    to be compared with, and what is asked for then is done under no condition but `*` (RFC 9110, 13.1; inferred).

    Raises:
        AzureError: 412 `PreconditionFailed`.
    """
    if kind.matched and before is not None:
        _match(ask, before)
    if not kind.conditional:
        if not kind.matched:
            _unmatched(ask, before)
        return
    if ask.conditions.get("if-none-match") == "*" and before is not None:
        what = f"The {kind.conditional} {before['name']} exists already and hence cannot be created again."
        raise AzureError(412, "PreconditionFailed", what)
    wanted = ask.conditions.get("if-match") or None
    if wanted is None or (before is not None and wanted in ("*", before["etag"])):
        return
    current = f" The current was '{before['etag']}'." if before is not None else ""
    raise AzureError(
        412, "PreconditionFailed", f"The condition '{wanted}' in the If-Match header was not satisfied.{current}"
    )


def _unmatched(ask: Ask, before: Document | None) -> None:
    """A write of what has no ETag, under a condition: `*` asks whether it is there at all."""
    wanted, unwanted = (ask.conditions.get(name) or None for name in ("if-match", "if-none-match"))
    if wanted is not None and (before is None or wanted not in ("*", before.get("etag") or before.get("eTag"))):
        what = f"The condition '{wanted}' in the If-Match header was not satisfied: '{ask.target.id}' has no such ETag."
        raise AzureError(412, "PreconditionFailed", what)
    if unwanted == "*" and before is not None:
        raise AzureError(412, "PreconditionFailed", f"'{ask.target.id}' exists already: If-None-Match forbids a write.")


def _match(ask: Ask, before: Document) -> None:
    wanted = ask.conditions.get("if-match") or "*"
    if wanted not in ("*", before["etag"]):
        what = f"Etag provided in if-match header {wanted} does not match etag {before['etag']} of resource "
        details = [{"code": "PreconditionFailedEtagMismatch", "message": f"{what}{before['id']} in NRP data store."}]
        raise AzureError(412, "PreconditionFailed", "Precondition failed.", details=details)


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
    if kind.placement.level == "extension":
        find.scope(ask.cloud, ask.target)
    elif kind.placement.level != "subscription":
        find.ground(ask.cloud, kind, ask.target, "write")
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
    rule, given = kind.placement.location, ask.body.get("location")
    if rule is None or (not given and existing is not None):
        return
    if not given:
        raise location_required()
    rule.check(kind.type, given)
    if existing is not None:
        rule.check_fixed(existing, given, ask.target.group)


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


def unlocked(ask: Ask, kind: Kind, verb: str, id_: str | None = None) -> None:
    """No lock stands in the way.

    Args:
        ask: the request.
        kind: what it is about.
        verb: `write` (POST actions too) or `delete`.
        id_: the resource's id as it was made, where that is known.

    Raises:
        AzureError: 409 `ScopeLocked`, naming the locked scopes.
    """
    if kind.placement.lockable:
        require_unlocked(ask.cloud, id_ or ask.target.id, verb)
