"""Microsoft.OperationalInsights/workspaces: Log Analytics.

Source: Microsoft, "Workspaces" (REST 2023-09-01) and "Delete and recover an Azure Log Analytics workspace". A DELETE
keeps the workspace for 14 days, and a PUT of the same id within them takes it back; `force=true` keeps nothing.

Assumption of this emulation: the deletion of its resource group removes it for good.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta

from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.collections import DELETED, SECRETS
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import choice, envelope, pick, whole_number
from azmlflow.localazure.resources.identity import give_identity, identity, remove_identity
from azmlflow.localazure.resources.kind import Kind, Lifecycle, NameRule, SoftDelete
from azmlflow.localazure.resources.verbs import Action, Deletion, Extra, Verb, Verbs
from azmlflow.resourcetypes.bounds import NAMES

TYPE = "Microsoft.OperationalInsights/workspaces"
_SKUS = ("PerGB2018", "PerNode", "Standalone", "CapacityReservation", "Free", "Standard", "Premium", "LACluster")
_DEFAULTS: Document = {
    "publicNetworkAccessForIngestion": "Enabled",
    "publicNetworkAccessForQuery": "Enabled",
    "retentionInDays": 30,
}
_FEATURES: Document = {"legacy": 0, "searchVersion": 1, "enableLogAccessUsingOnlyResourcePermissions": True}


def _shape(ask: Ask, existing: Document | None) -> Document:
    before = (existing or {}).get("properties", {})
    given = pick(ask.properties, _DEFAULTS, ("forceCmkForQuery", "defaultDataCollectionRuleResourceId"))
    for name in ("publicNetworkAccessForIngestion", "publicNetworkAccessForQuery"):
        given[name] = choice(name, given[name], ("Enabled", "Disabled"))
    # azurerm sends 0 where its user says nothing, and its tests of such a workspace on Azure pass.
    given["retentionInDays"] = given["retentionInDays"] or _DEFAULTS["retentionInDays"]
    whole_number("retentionInDays", given["retentionInDays"], 7, 730, "InvalidParameter")
    sku = ask.properties.get("sku")
    sku_name = choice("sku.name", sku.get("name") if isinstance(sku, dict) else "PerGB2018", _SKUS)
    created = before.get("createdDate") or timestamp(ask.cloud.clock.now())
    capping = ask.properties.get("workspaceCapping")
    quota = capping.get("dailyQuotaGb", -1.0) if isinstance(capping, dict) else -1.0
    features = ask.properties.get("features")
    if features is not None and not isinstance(features, dict):
        raise bad_request("InvalidRequestContent", "The property 'features' must be an object.", target="features")
    properties: Document = {
        **given,
        "source": "Azure",
        "customerId": before.get("customerId") or ask.cloud.ids.guid(),
        "createdDate": created,
        "modifiedDate": before.get("modifiedDate") or created,
        "sku": {"name": sku_name, "lastSkuUpdate": before.get("sku", {}).get("lastSkuUpdate") or created},
        "features": {**_FEATURES, **(features or {})},
        "workspaceCapping": {
            "dailyQuotaGb": quota,
            "quotaNextResetTime": before.get("workspaceCapping", {}).get("quotaNextResetTime") or _tomorrow(ask),
            "dataIngestionStatus": "RespectQuota",
        },
    }
    document = {**envelope(ask, existing), "etag": (existing or {}).get("etag"), "properties": properties}
    asked = identity(ask, existing)
    return {**document, "identity": asked} if asked else document


def _tomorrow(ask: Ask) -> str:
    return timestamp((ask.cloud.clock.now() + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0))


def _written(ask: Ask, document: Document) -> None:
    give_identity(ask, document)
    document["etag"] = f'"{ask.cloud.ids.guid()}"'
    document["properties"]["modifiedDate"] = timestamp(ask.cloud.clock.now())


def _make_keys(ask: Ask, document: Document) -> None:
    keys = [hashlib.sha512((ask.cloud.ids.guid() + document["id"]).encode()).digest() for _ in range(2)]
    found = {"keys": [base64.b64encode(key).decode() for key in keys]}
    ask.cloud.store.put(SECRETS, document["id"].lower(), found)


def _shared_keys(ask: Ask, document: Document) -> Answer:
    found = ask.cloud.store.get(SECRETS, document["id"].lower()) or {"keys": ["", ""]}
    return Answer(200, {"primarySharedKey": found["keys"][0], "secondarySharedKey": found["keys"][1]})


def _list_deleted(ask: Ask) -> Answer:
    found = [record["document"] for _, record in ask.cloud.store.scan(DELETED) if record["type"] == TYPE]
    inside = ask.target.scope.lower() + "/"
    return Answer(200, {"value": [document for document in found if document["id"].lower().startswith(inside)]})


LOG_ANALYTICS = Kind(
    type=TYPE,
    name=NameRule(
        NAMES[TYPE],
        "InvalidResourceName",
        "The workspace name '{name}' is not valid: it has 4 to 63 letters, digits or '-', and begins and ends with a "
        "letter or digit.",
    ),
    shape=_shape,
    verbs=Verbs(put=Verb(201, "operation"), delete=Deletion(202, "location")),
    lifecycle=Lifecycle(on_create=_make_keys, on_write=_written, on_delete=remove_identity),
    soft_delete=SoftDelete(
        asked=lambda query: query.get("force", "").lower() != "true",
        days=lambda _document: 14,
        recover=lambda _ask, document: document,
        with_group=False,
    ),
    actions=(Action("sharedKeys", _shared_keys),),
    extras=(
        Extra(
            "GET",
            "microsoft.operationalinsights/deletedworkspaces",
            _list_deleted,
            "Microsoft.OperationalInsights/deletedWorkspaces/read",
            collection=True,
            stands="group",
        ),
    ),
)
