"""Microsoft.Resources/resourceGroups.

Source: Microsoft, "Resource Groups" (REST) and "Resource naming rules": 1-90 letters, digits, `-_.()`, no full stop at
the end. The deletion is one operation that removes all inside; it is told by Location, and GET answers 404 at its end.
"""

from __future__ import annotations

from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import envelope
from azmlflow.localazure.resources.kind import Kind, LocationRule, NameRule, Placement
from azmlflow.localazure.resources.paths import GROUP_ACTIONS, GROUP_TYPE
from azmlflow.localazure.resources.verbs import Deletion, Verbs
from azmlflow.resourcetypes.bounds import NAMES


def _shape(ask: Ask, existing: Document | None) -> Document:
    document = {**envelope(ask, existing), "properties": {}}
    manager = ask.body.get("managedBy")
    return {**document, "managedBy": manager} if manager else document


_LOCATION = LocationRule(
    unavailable=(
        "LocationNotAvailableForResourceGroup",
        "The provided location '{given}' is not available for resource group. List of available regions is "
        "'{regions}'.",
    ),
    fixed=(
        "InvalidResourceGroupLocation",
        "Invalid resource group location '{given}'. The Resource group already exists in location '{location}'.",
    ),
)
RESOURCE_GROUP = Kind(
    type=GROUP_TYPE,
    name=NameRule(
        NAMES["Microsoft.Resources/resourceGroups"],
        "InvalidResourceGroup",
        "The provided resource group name '{name}' is not valid: a name has 1 to 90 letters, digits, '-', '.', '(', "
        "')' or '_', and does not end with a full stop.",
    ),
    shape=_shape,
    placement=Placement("subscription", location=_LOCATION),
    action_type=GROUP_ACTIONS,
    verbs=Verbs(delete=Deletion(202, "location", member_by_member=True)),
)
