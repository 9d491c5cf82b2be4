"""Microsoft.ContainerRegistry/registries/replications: the regions that hold a registry's images.

Source: Microsoft, "Replications" (REST 2023-01-01-preview), "Geo-replication in Azure Container Registry", "Enable zone
redundancy in Azure Container Registry": only Premium has any, and it has one of its home region from the start, which
cannot be deleted. That one is made for the home region is taken (Azure/azure-rest-api-specs issue 10233). azurerm lists
them of every registry, whatever its SKU.

Inferred: that the home's is called as its region, that there is one a region, and the refusals' codes and words.
"""

from __future__ import annotations

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.errors import bad_request, conflict
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.registries.container_registries import TYPE as REGISTRY
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice, envelope, pick, region
from azmlflow.localazure.resources.kind import ANY_REGION, Documents, Kind, Lifecycle, NameRule, Placement
from azmlflow.localazure.resources.paths import Target
from azmlflow.localazure.resources.verbs import Deletion, Verb, Verbs

_TYPE = f"{REGISTRY}/replications"


def _all(cloud: Cloud, registry_id: str) -> list[Document]:
    """Those of a registry, in the order of their names: none of one that is not Premium."""
    registry = find.resource(cloud, registry_id)
    if registry is None or registry["sku"]["name"] != "Premium":
        return []
    made = [each for each in find.below(cloud, registry["id"]) if each["type"] == _TYPE]
    home = [] if any(each["location"] == registry["location"] for each in made) else [_home(registry)]
    return sorted((*home, *made), key=lambda each: str(each["name"]).lower())


def _home(registry: Document) -> Document:
    properties = registry["properties"]
    return {
        "id": f"{registry['id']}/replications/{registry['location']}",
        "name": registry["location"],
        "type": _TYPE,
        "location": registry["location"],
        "tags": {},
        "properties": {
            "regionEndpointEnabled": True,
            "zoneRedundancy": properties["zoneRedundancy"],
            "status": {"displayStatus": "Ready", "timestamp": properties["creationDate"]},
            "provisioningState": "Succeeded",
        },
    }


def _find(cloud: Cloud, target: Target) -> Document | None:
    found = _all(cloud, target.parent_id())
    return next((each for each in found if each["name"].lower() == target.name.lower()), None)


def _listed(ask: Ask) -> list[Document]:
    return _all(ask.cloud, ask.target.id.rpartition("/")[0])


def _check(ask: Ask, existing: Document | None) -> None:
    registry = find.parent(ask.cloud, REPLICATION, ask.target, "write")
    if registry["sku"]["name"] != "Premium":
        raise bad_request(
            "FeatureNotSupportedForSku",
            f"Replications need a registry of the SKU Premium; '{registry['name']}' is {registry['sku']['name']}.",
        )
    wanted = region(str(ask.body.get("location") or ""))
    if existing is None and wanted != registry["location"]:
        for each in _all(ask.cloud, registry["id"]):
            if each["location"] == wanted:
                raise conflict(
                    "ReplicationAlreadyExists",
                    f"The registry '{registry['name']}' is replicated to '{wanted}' already, as '{each['name']}'.",
                )


def _shape(ask: Ask, existing: Document | None) -> Document:
    before = (existing or {}).get("properties", {})
    given = pick(ask.properties, {"regionEndpointEnabled": True, "zoneRedundancy": "Disabled"})
    given["zoneRedundancy"] = choice("zoneRedundancy", given["zoneRedundancy"], ("Enabled", "Disabled"))
    if before and before["zoneRedundancy"] != given["zoneRedundancy"]:
        raise bad_request(
            "InvalidRequestContent", "The zone redundancy of a replication cannot be changed.", target="zoneRedundancy"
        )
    now = timestamp(ask.cloud.clock.now())
    status = before.get("status") or {"displayStatus": "Ready", "timestamp": now}
    return {**envelope(ask, existing), "properties": {**given, "status": status}}


def _require_not_home(ask: Ask, document: Document) -> None:
    registry = find.parent(ask.cloud, REPLICATION, ask.target, "delete")
    if document["location"] == registry["location"]:
        raise bad_request(
            "CannotDeleteHomeReplication",
            f"The replication '{document['name']}' is of the home region of the registry '{registry['name']}', and "
            "cannot be deleted.",
        )


REPLICATION = Kind(
    type=_TYPE,
    name=NameRule(
        r"[a-zA-Z0-9]{5,50}",
        "InvalidResourceName",
        "The replication name '{name}' is not valid: it has 5 to 50 letters and digits.",
    ),
    shape=_shape,
    placement=Placement("child", REGISTRY, ANY_REGION),
    documents=Documents(find=_find),
    has_system_data=True,
    verbs=Verbs(listed=_listed, put=Verb(201, "operation"), update=Verb(200), delete=Deletion(202, "location")),
    lifecycle=Lifecycle(before_write=_check, before_delete=_require_not_home),
)
