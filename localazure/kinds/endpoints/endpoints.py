"""Microsoft.MachineLearningServices/workspaces/onlineEndpoints: managed ones.

Source: Microsoft, "Online Endpoints" (REST 2025-12-01, 2022-02-01-preview), and what azure-ai-ml 1.35 and
azureml-mlflow 1.62 send. A system-assigned identity gets from Azure the right to pull images, to read blobs and to
write metrics; a user-assigned one nothing (Microsoft, "Authentication and authorization for online endpoints").
Inferred: the words, and that an endpoint is in its workspace's region.
"""

from __future__ import annotations

from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.endpoints import body, keys, names, requests, traffic
from azmlflow.localazure.kinds.foundation.role_assignments import assign
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import choice, location_required, pick, region, tags, texts
from azmlflow.localazure.resources.find import parent, resource
from azmlflow.localazure.resources.identity import give_identity, identity, remove_identity
from azmlflow.localazure.resources.kind import Kind, Lifecycle, NameRule, child_of
from azmlflow.localazure.resources.verbs import Action, Deletion, Extra, Verb, Verbs
from azmlflow.resourcetypes.bounds import NAMES

_WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
TYPE = f"{_WORKSPACE}/onlineEndpoints"
_CODE = "BadRequest"
_NAMES = (
    "authMode", "compute", "description", "keys", "mirrorTraffic", "properties", "provisioningState",
    "publicNetworkAccess", "scoringUri", "swaggerUri", "traffic",
)  # fmt: skip
_MODES = ("Key", "AMLToken", "AADToken")
_NAME = NameRule(
    NAMES[TYPE],
    "InvalidEndpointName",
    "The endpoint name '{name}' is not valid: it has 3 to 32 letters, digits or single '-', begins with a letter and "
    "ends with a letter or digit.",
)


def _shape(ask: Ask, existing: Document | None) -> Document:
    body.known(ask, _NAMES)
    workspace = parent(ask.cloud, ONLINE_ENDPOINT, ask.target, "write")
    place = _place(ask, workspace, existing)
    if existing is None:
        names.check(ask.cloud, ask.target.name, place)
    given = pick(ask.properties, {"properties": {}, "publicNetworkAccess": "Enabled"}, ("description",))
    if ask.properties.get("compute"):
        raise bad_request(_CODE, "The embedded Azure has managed endpoints only, none on Kubernetes.", target="compute")
    live, mirrored = traffic.read(ask, existing)
    name = existing["name"] if existing else ask.target.name
    host = names.host(name, place)
    properties: Document = {
        **given,
        "publicNetworkAccess": choice("publicNetworkAccess", given["publicNetworkAccess"], ("Enabled", "Disabled")),
        "properties": texts("properties", given),
        "authMode": choice("authMode", ask.properties.get("authMode"), _MODES, _CODE),
        "traffic": live,
        "mirrorTraffic": mirrored,
        "scoringUri": f"https://{host}/score",
        "swaggerUri": f"https://{host}/swagger.json",
    }
    asked = identity(ask, existing, default="SystemAssigned")
    if existing is not None and ask.body.get("identity") is None:
        asked = existing.get("identity")  # who says nothing of it leaves it as it was made: inferred
    if existing is not None and _kind_of(asked) != _kind_of(existing.get("identity")):
        raise bad_request(_CODE, "The identity of an online endpoint cannot be changed.", target="identity")
    document: Document = {"location": place, "tags": tags(ask), "kind": "Managed", "properties": properties}
    return {**document, "identity": asked} if asked else document


def _kind_of(told: Document | None) -> tuple[str, list[str]]:
    found = told or {}
    return str(found.get("type", "None")), sorted(id_.lower() for id_ in found.get("userAssignedIdentities") or {})


def _place(ask: Ask, workspace: Document, existing: Document | None) -> str:
    given = ask.body.get("location")
    if not given and existing is None:
        raise location_required()
    if given and region(str(given)) != workspace["location"]:
        raise bad_request(
            "InvalidEndpointLocation",
            f"The location '{given}' of the endpoint is not that of its workspace, '{workspace['location']}'.",
            target="location",
        )
    return str(workspace["location"])


def _made(ask: Ask, document: Document) -> None:
    keys.make(ask, document)
    names.take(ask.cloud, document)


def _written(ask: Ask, document: Document) -> None:
    before = (document.get("identity") or {}).get("principalId")
    give_identity(ask, document)
    principal_id = (document.get("identity") or {}).get("principalId")
    if not principal_id or principal_id == before:
        return
    workspace = parent(ask.cloud, ONLINE_ENDPOINT, ask.target, "write")
    properties = workspace["properties"]
    assign(ask, workspace["id"], principal_id, "AzureML Metrics Writer (preview)")
    assign(ask, properties["storageAccount"], principal_id, "Storage Blob Data Reader")
    if resource(ask.cloud, properties.get("containerRegistry") or "") is not None:
        assign(ask, properties["containerRegistry"], principal_id, "AcrPull")


def _gone(cloud: Cloud, document: Document) -> None:
    names.free(cloud, document)
    requests.forget(cloud, document)
    remove_identity(cloud, document)
    cloud.serving.bell.ring()


def _check_name(ask: Ask) -> Answer:
    """Whether a name can be had. Which request asks so is told nowhere; that there is one, the list of operations tells
    (`onlineEndpoints/checkNameAvailability/read`)."""
    name = ask.target.names[-1]
    workspace = resource(ask.cloud, ask.target.path.rpartition("/onlineEndpoints/")[0])
    found: dict[str, Any] = {"nameAvailable": True, "reason": None, "message": None}
    if not _NAME.fits(name):
        found = {"nameAvailable": False, "reason": "Invalid", "message": _NAME.message.format(name=name)}
    elif workspace is not None and names.is_taken(ask.cloud, name, workspace["location"]):
        message = names.taken(name, workspace["location"])
        found = {"nameAvailable": False, "reason": "AlreadyExists", "message": message}
    return Answer(200, found)


ONLINE_ENDPOINT = Kind(
    type=TYPE,
    name=_NAME,
    shape=_shape,
    placement=child_of(_WORKSPACE),
    has_system_data=True,
    verbs=Verbs(
        put=Verb(201, "operation"), update=Verb(200, "operation", "Updating"), delete=Deletion(202, "operation")
    ),
    lifecycle=Lifecycle(on_create=_made, on_write=_written, on_delete=_gone),
    actions=(
        Action("listKeys", keys.listed, "listkeys"),
        Action("regenerateKeys", keys.regenerate, "regeneratekeys"),
        Action("token", keys.token),
    ),
    metrics=(requests.REQUESTS,),
    extras=(
        Extra(
            "GET",
            f"{TYPE}/checkNameAvailability".lower(),
            _check_name,
            f"{TYPE}/checkNameAvailability/read",
            collection=True,
            stands="resource",
        ),
    ),
)
