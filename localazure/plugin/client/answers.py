"""What one answer of ARM's says to its client: that nothing is there, to ask again, to register first. Pure.

As azure-native and the azcore under it: provider/pkg/azure/client_azcore.go and azure.go (`IsNotFound`) of
pulumi/pulumi-azure-native, sdk/azcore/runtime/policy_retry.go and arm/runtime/policy_register_rp.go of
Azure/azure-sdk-for-go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.plugin.client.operations import ArmResponse

# Without one of these codes a 404 may as well be a proxy's (pulumi/pulumi-azure-native#4841 quotes the list).
_GONE = frozenset(
    (
        "NotFound",
        "ResourceNotFound",
        "ResourceGroupNotFound",
        "LockNotFound",
        "ParentResourceNotFound",
        "EntityNotFound",
        "SubscriptionNotFound",
        "RoleAssignmentNotFound",
        "VulnerabilityAssessmentBaselineDoesNotExists",
    )
)
RETRY_DELAYS = (20.0, 60.0, 120.0)
_PASSING = frozenset((408, 429, 500, 502, 503, 504))
_UNREGISTERED = frozenset(
    (
        "missingsubscriptionregistration",
        "missingregistrationforresourceprovider",
        "subscription not registered",
        "subscriptionnotregistered",
    )
)


def is_empty(answer: ArmResponse) -> bool:
    """Whether it says, without an error, that there is nothing: 204, and a 200 without a body."""
    return answer.status == 204 or (answer.status == 200 and not answer.body)


def is_gone(answer: ArmResponse) -> bool:
    """Whether it is a 404 of Azure's that says that the resource is not there any more."""
    return answer.status == 404 and answer.error[0] in _GONE


def mistaken(body: Mapping[str, Any], path: str) -> str:
    """The members by which it shows another thing than a resource at a path, or that it shows nothing; else empty.

    Those that every resource has are of the types that they have everywhere, and the id names the resource; that of a
    role definition is the subscription's, wherever it was asked for.

    Args:
        body: of an answer that should show the resource.
        path: where it was asked for.

    Source: Microsoft, "Resource Manager RPC", common properties of resources.
    """
    if not body:
        return "it is empty"
    types = {"id": str, "name": str, "type": str, "location": str, "tags": Mapping, "properties": Mapping}
    wrong = [name for name, type_ in types.items() if not isinstance(body.get(name), type_ | None)]
    id_ = body.get("id")
    if isinstance(id_, str) and not (id_.startswith("/") and _last(id_) == _last(path)):
        wrong.insert(0, "id")
    return ", ".join(wrong)


def _last(path: str) -> str:
    return path.rpartition("/")[2].lower()


def pause(answer: ArmResponse, delay: float) -> float | None:
    """Seconds after which to send the request again, or None if it is not to be sent again.

    Args:
        answer: the answer to it.
        delay: what to wait where Azure does not say; a longer time than the longest of `RETRY_DELAYS` is given up.
    """
    busy = answer.status == 409 and answer.error[0] == "AnotherOperationInProgress"
    if answer.status not in _PASSING and not busy:
        return None
    after = answer.retry_after
    if after is None:
        return delay
    return after if after <= RETRY_DELAYS[-1] else None


def unregistered(answer: ArmResponse, path: str) -> str | None:
    """The path of the resource provider that the subscription must register first, if that is what is wrong."""
    if answer.status != 409 or answer.error[0].lower() not in _UNREGISTERED:
        return None
    found = re.match(r"(/subscriptions/[^/]+)(?:/.*)?/(providers/[^/]+)/", path, re.IGNORECASE)
    return "/".join(found.groups()) if found else None
