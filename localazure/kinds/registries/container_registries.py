"""Microsoft.ContainerRegistry/registries: where images of environments would be kept. No image is served here.

Source: Microsoft, "Registries" (REST 2023-01-01-preview), "Azure Container Registry SKUs". Names are DNS names, unique
in all Azure. Only Premium can be closed to the internet, have network rules, or keep its keys with the customer.

Inferred: the words with which a lower SKU is refused what Premium has.
"""

from __future__ import annotations

import hashlib
from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.collections import SECRETS
from azmlflow.localazure.core.errors import bad_request, conflict
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.networks import connections
from azmlflow.localazure.kinds.networks.addresses import require_internet
from azmlflow.localazure.resources import names
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import choice, envelope, pick, wrong_type
from azmlflow.localazure.resources.find import below
from azmlflow.localazure.resources.identity import give_identity, identity, remove_identity
from azmlflow.localazure.resources.kind import Kind, Lifecycle, NameRule
from azmlflow.localazure.resources.verbs import Action, Deletion, Extra, Verb, Verbs
from azmlflow.resourcetypes.bounds import NAMES

TYPE = "Microsoft.ContainerRegistry/registries"
_NAME = NameRule(
    NAMES[TYPE],
    "InvalidResourceName",
    "The registry name '{name}' is not valid: it has 5 to 50 letters and digits.",
)
_SKUS = ("Basic", "Standard", "Premium")
_DEFAULTS: Document = {
    "adminUserEnabled": False,
    "anonymousPullEnabled": False,
    "dataEndpointEnabled": False,
    "networkRuleBypassOptions": "AzureServices",
    "publicNetworkAccess": "Enabled",
    "zoneRedundancy": "Disabled",
}
_MOST_IP_RULES = 100  # Microsoft, "Configure public IP network rules"
_OPTIONAL = ("encryption", "networkRuleSet", "policies")


def _check(ask: Ask, existing: Document | None) -> None:
    name = ask.target.name
    if existing is None and (names.is_foreign(ask.cloud, TYPE, name) or names.holder(ask.cloud, TYPE, name)):
        raise conflict(
            "AlreadyInUse",
            f"The registry DNS name {name.lower()}.azurecr.io is already in use. You can check if the name is already "
            "claimed using following API: "
            "https://docs.microsoft.com/en-us/rest/api/containerregistry/registries/checknameavailability",
        )


def _shape(ask: Ask, existing: Document | None) -> Document:
    sku = ask.body.get("sku")
    if not isinstance(sku, dict):
        raise bad_request("InvalidRequestContent", "A container registry needs a 'sku' with a name.", target="sku")
    tier = choice("sku.name", sku.get("name"), _SKUS)
    given = pick(ask.properties, _DEFAULTS, _OPTIONAL)
    given["publicNetworkAccess"] = choice("publicNetworkAccess", given["publicNetworkAccess"], ("Enabled", "Disabled"))
    given["networkRuleBypassOptions"] = choice(
        "networkRuleBypassOptions", given["networkRuleBypassOptions"], ("AzureServices", "None")
    )
    if "networkRuleSet" in given:
        given["networkRuleSet"] = _rules(given["networkRuleSet"])
    _require_premium(tier, given)
    if existing and tier != "Premium":
        _require_one_region(ask.cloud, existing)
    name = existing["name"] if existing else ask.target.name
    before = (existing or {}).get("properties", {})
    properties: Document = {
        "policies": {},
        **given,
        "loginServer": f"{name.lower()}.azurecr.io",
        "creationDate": before.get("creationDate") or timestamp(ask.cloud.clock.now()),
        "dataEndpointHostNames": [],
        "privateEndpointConnections": before.get("privateEndpointConnections", []),
    }
    document = {**envelope(ask, existing), "sku": {"name": tier, "tier": tier}, "properties": properties}
    asked = identity(ask, existing)
    return {**document, "identity": asked} if asked else document


def _rules(given: Any) -> Document:
    if not isinstance(given, dict):
        raise wrong_type("networkRuleSet", given, "object")
    rules = pick(given, {"defaultAction": "Allow", "ipRules": []})
    rules["defaultAction"] = choice("defaultAction", rules["defaultAction"], ("Allow", "Deny"))
    require_internet(rules["ipRules"], "networkRuleSet", _MOST_IP_RULES, smallest=32)
    return rules


def _require_premium(tier: str, given: Document) -> None:
    rules = given.get("networkRuleSet", {})
    wanted = {
        "publicNetworkAccess": given["publicNetworkAccess"] == "Disabled",
        "networkRuleSet": bool(rules.get("ipRules")) or rules.get("defaultAction") == "Deny",
        "encryption": "encryption" in given,
        "zoneRedundancy": given["zoneRedundancy"] == "Enabled",
        "dataEndpointEnabled": given["dataEndpointEnabled"],
    }
    refused = [name for name, is_wanted in wanted.items() if is_wanted]
    if refused and tier != "Premium":
        raise bad_request(
            "FeatureNotSupportedForSku",
            f"The property '{refused[0]}' needs a registry of the SKU Premium; this one is {tier}.",
            target=refused[0],
        )


def _require_one_region(cloud: Cloud, registry: Document) -> None:
    """Inferred: a registry that is in other regions too stays Premium; azurerm takes them away first."""
    for each in below(cloud, registry["id"]):
        if each["type"] == f"{TYPE}/replications" and each["location"] != registry["location"]:
            raise conflict(
                "FeatureNotSupportedForSku",
                f"The registry '{registry['name']}' is replicated to '{each['location']}', which needs Premium.",
            )


def _make_passwords(ask: Ask, document: Document) -> None:
    words = [hashlib.sha256((ask.cloud.ids.guid() + document["id"]).encode()).hexdigest() for _ in range(2)]
    ask.cloud.store.put(SECRETS, document["id"].lower(), {"passwords": words})


def _credentials(ask: Ask, document: Document) -> Answer:
    if not document["properties"]["adminUserEnabled"]:
        raise bad_request(
            "UnAuthorizedForCredentialOperations",
            f"Cannot perform credential operations for {document['id']} as admin user is disabled. Kindly enable admin "
            "user as per docs: https://docs.microsoft.com/en-us/azure/container-registry/"
            "container-registry-authentication#admin-account",
        )
    kept = ask.cloud.store.get(SECRETS, document["id"].lower()) or {"passwords": []}
    passwords = [
        {"name": name, "value": value}
        for name, value in zip(("password", "password2"), kept["passwords"], strict=False)
    ]
    return Answer(200, {"username": document["name"], "passwords": passwords})


def _forget(cloud: Cloud, document: Document) -> None:
    remove_identity(cloud, document)
    cloud.store.delete(SECRETS, document["id"].lower())


def _check_name(ask: Ask) -> Answer:
    name = names.asked_for(ask, TYPE)
    if not _NAME.fits(name):
        return Answer(200, {"nameAvailable": False, "reason": "Invalid", "message": _NAME.message.format(name=name)})
    if names.is_foreign(ask.cloud, TYPE, name) or names.holder(ask.cloud, TYPE, name):
        message = f"The registry {name} is already in use."
        return Answer(200, {"nameAvailable": False, "reason": "AlreadyExists", "message": message})
    return Answer(200, {"nameAvailable": True})


CONTAINER_REGISTRY = Kind(
    type=TYPE,
    name=_NAME,
    shape=_shape,
    has_system_data=True,
    verbs=Verbs(get=connections.shown, put=Verb(201, "operation"), update=Verb(200), delete=Deletion(202, "location")),
    lifecycle=Lifecycle(before_write=_check, on_create=_make_passwords, on_write=give_identity, on_delete=_forget),
    actions=(Action("listCredentials", _credentials),),
    extras=(
        Extra(
            "POST",
            "microsoft.containerregistry",
            _check_name,
            "Microsoft.ContainerRegistry/checkNameAvailability/read",
            action="checknameavailability",
        ),
    ),
)
