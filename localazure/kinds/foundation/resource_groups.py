"""Microsoft.Resources/resourceGroups.

Source: Microsoft, "Resource Groups" (REST) and "Resource naming rules": 1-90 letters, digits, `-_.()`, no full stop at
the end. The deletion is one operation that removes all inside; it is told by Location, and GET answers 404 at its end.
"""

from __future__ import annotations

from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.fields import envelope
from azmlflow.localazure.resources.kind import Ask, Kind, NameRule, Verb
from azmlflow.localazure.resources.paths import GROUP_TYPE
from azmlflow.resourcetypes.bounds import NAMES


def _shape(ask: Ask, existing: Document | None) -> Document:
    document = {**envelope(ask, existing), "properties": {}}
    manager = ask.body.get("managedBy")
    return {**document, "managedBy": manager} if manager else document


RESOURCE_GROUP = Kind(
    type=GROUP_TYPE,
    name=NameRule(
        NAMES["Microsoft.Resources/resourceGroups"],
        "InvalidResourceGroup",
        "The provided resource group name '{name}' is not valid: a name has 1 to 90 letters, digits, '-', '.', '(', "
        "')' "
        "or '_', and does not end with a full stop.",
    ),
    shape=_shape,
    place="subscription",
    action_type="Microsoft.Resources/subscriptions/resourceGroups",
    delete=Verb(202, "location", "Deleting"),
    visible=False,
)
