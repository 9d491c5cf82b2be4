"""What ARM itself answers: clouds, tenants, subscriptions, regions, outcomes of operations.

Sources: Microsoft, "Subscriptions", "Tenants" (REST 2022-12-01), "Track asynchronous Azure operations".
"""

from __future__ import annotations

import json
from pathlib import Path

from azmlflow.localazure.arm import lifecycle, lists
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import SUBSCRIPTION_TAGS
from azmlflow.localazure.core.constants import CLOUD_NAME, DOMAIN, REGIONS, SUBSCRIPTION_ID, TENANT_ID
from azmlflow.localazure.core.errors import AzureError, not_found
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds import BY_TYPE
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.rbac import scopes

_DATA = Path(__file__).parent.parent / "data"
_SUBSCRIPTION = scopes.subscription_id(SUBSCRIPTION_ID)
_READ = "Microsoft.Resources/subscriptions/read"
# How the path of a request to Resource Manager begins, and the providers that have resources of a tenant (Microsoft,
# "Tenant deployments", "Supported resources").
_BEGINNINGS = ("subscriptions", "providers", "tenants")
_TENANT_LEVEL = (
    "microsoft.authorization", "microsoft.billing", "microsoft.management", "microsoft.resources",
    "microsoft.subscription", "microsoft.support",
)  # fmt: skip
_OPERATION_PATHS = ("operationsstatus", "operationresults", "asyncoperations", "operationstatuses")


def metadata(api_version: str) -> Answer:
    """The clouds that there are, as clients ask before they sign in: an array in 2019's shape, one object in 2022's."""
    cloud = json.loads((_DATA / "cloud.json").read_text(encoding="utf-8"))
    return Answer(200, cloud if api_version >= "2022" else [cloud])


def tenants(ask: Ask) -> Answer:
    """The one tenant, for every principal in it."""
    tenant = {
        "id": f"/tenants/{TENANT_ID}",
        "tenantId": TENANT_ID,
        "displayName": CLOUD_NAME,
        "defaultDomain": DOMAIN,
        "domains": [DOMAIN],
        "tenantCategory": "Home",
        "tenantType": "AAD",
        "countryCode": "NL",
    }
    return lists.paged(ask, [tenant])


def list_subscriptions(ask: Ask) -> Answer:
    """The one subscription, for every principal with a role anywhere in it."""
    visible = ask.cloud.enforcer.assigned_within(ask.caller.principal.object_id, _SUBSCRIPTION)
    return lists.paged(ask, [_subscription(ask.cloud)] if visible else [])


def get_subscription(ask: Ask) -> Answer:
    """The subscription."""
    ask.cloud.enforcer.require(ask.caller, _READ, _SUBSCRIPTION)
    return Answer(200, _subscription(ask.cloud))


def tags(cloud: Cloud) -> dict[str, str]:
    """The tags of the subscription itself."""
    return dict((cloud.store.get(SUBSCRIPTION_TAGS, SUBSCRIPTION_ID) or {}).get("tags", {}))


def require_subscription(ask: Ask) -> None:
    """Refuse a path that lies in no subscription and at no tenant-level provider, or in a subscription not ours.

    Raises:
        AzureError: 404 `MissingSubscription` (Azure/azure-cli issues 1735, 28372); 404 `SubscriptionNotFound`.
    """
    first, _, rest = ask.target.path.lower().lstrip("/").partition("/")
    if first not in _BEGINNINGS or (first == "providers" and "/" in rest and rest.split("/")[0] not in _TENANT_LEVEL):
        raise AzureError(
            404,
            "MissingSubscription",
            "The request did not have a subscription or a valid tenant level resource provider.",
        )
    given = ask.target.subscription
    if given is not None and given.lower() != SUBSCRIPTION_ID:
        raise AzureError(404, "SubscriptionNotFound", f"The subscription '{given}' could not be found.")


def locations(ask: Ask) -> Answer:
    """The regions."""
    require_visible(ask, "Microsoft.Resources/subscriptions/locations/read")
    names = json.loads((_DATA / "regions.json").read_text(encoding="utf-8"))
    found = [
        {
            "id": f"{_SUBSCRIPTION}/locations/{region}",
            "name": region,
            "type": "Region",
            "displayName": names[region],
            "regionalDisplayName": names[region],
            "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
        }
        for region in REGIONS
    ]
    return Answer(200, {"value": found})


def is_operation(ask: Ask) -> bool:
    """Whether the path asks for the outcome of an operation."""
    segments = ask.target.path.lower().split("/")
    return len(segments) > 2 and segments[-2] in _OPERATION_PATHS


def operation(ask: Ask) -> Answer:
    """The status of an operation (Azure-AsyncOperation), or its outcome once it has one (Location)."""
    id_ = ask.target.path.rpartition("/")[2]
    found = ask.cloud.operations.get(id_)
    if found is None:
        raise not_found(ask.target.path)
    running = found["status"] == "InProgress"
    retry = {"Retry-After": str(ask.cloud.operations.retry_after(found))}
    if ask.target.path.lower().split("/")[-2] == "operationsstatus":
        return Answer(200, _status(ask, found), retry if running else {})
    if running:
        return Answer(202, None, {**retry, "Location": _same_url(ask)})
    error = found.get("error")
    if error is not None:
        raise AzureError(error["status"], error["code"], error["message"])
    if found["status"] == "Canceled":
        raise AzureError(
            409, "OperationCanceled", f"The operation on '{found['target']}' was canceled: its group went."
        )
    if "answer" in found:
        return Answer(200, found["answer"])
    if found["verb"] != "put":
        return Answer(200)
    kind = BY_TYPE[found["type"].lower()]
    document = ask.cloud.store.get(kind.documents.collection, found["key"])
    return Answer(204) if document is None else Answer(200, kind.verbs.get(ask.cloud, document))


def _status(ask: Ask, found: Document) -> Document:
    status: Document = {
        "id": ask.target.path,
        "name": found["id"],
        "status": found["status"],
        "startTime": found["started"],
    }
    if "ended" in found:
        status |= {"endTime": found["ended"], "percentComplete": 100.0}
    if "error" in found:
        status["error"] = {name: value for name, value in found["error"].items() if name != "status"}
    return status


def _same_url(ask: Ask) -> str:
    return f"{lifecycle.MANAGEMENT}{ask.target.path}?api-version={ask.api_version}"


def _subscription(cloud: Cloud) -> Document:
    found = tags(cloud)
    return {
        **({"tags": found} if found else {}),
        "id": _SUBSCRIPTION,
        "subscriptionId": SUBSCRIPTION_ID,
        "tenantId": TENANT_ID,
        "displayName": CLOUD_NAME,
        "state": "Enabled",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }


def require_visible(ask: Ask, action: str) -> None:
    """Whoever sees the subscription sees what is offered in it."""
    if not ask.cloud.enforcer.assigned_within(ask.caller.principal.object_id, _SUBSCRIPTION):
        ask.cloud.enforcer.require(ask.caller, action, _SUBSCRIPTION)
