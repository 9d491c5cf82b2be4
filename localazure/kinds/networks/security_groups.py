"""Microsoft.Network/networkSecurityGroups, with the rules in their body; rules of their own type are not served.

Source: Microsoft, "Network Security Groups" (REST 2024-05-01), "Network security groups": priorities from 100 to 4096,
no two of a direction the same, and six default rules. Inferred: the code of a priority out of bounds.
"""

from __future__ import annotations

from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import RESOURCES
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.networks.references import name_rule, stamp_etag
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice, envelope, pick, whole_number, wrong_type
from azmlflow.localazure.resources.kind import Kind, Lifecycle
from azmlflow.localazure.resources.verbs import Deletion, Verb, Verbs

TYPE = "Microsoft.Network/networkSecurityGroups"
_PROTOCOLS = ("Tcp", "Udp", "Icmp", "Esp", "Ah", "*")
_ENDS = (
    ("sourcePortRange", "sourcePortRanges"),
    ("destinationPortRange", "destinationPortRanges"),
    ("sourceAddressPrefix", "sourceAddressPrefixes", "sourceApplicationSecurityGroups"),
    ("destinationAddressPrefix", "destinationAddressPrefixes", "destinationApplicationSecurityGroups"),
)
# Name, priority, direction, access, from, to.
_DEFAULT_RULES = (
    ("AllowVnetInBound", 65000, "Inbound", "Allow", "VirtualNetwork", "VirtualNetwork"),
    ("AllowAzureLoadBalancerInBound", 65001, "Inbound", "Allow", "AzureLoadBalancer", "*"),
    ("DenyAllInBound", 65500, "Inbound", "Deny", "*", "*"),
    ("AllowVnetOutBound", 65000, "Outbound", "Allow", "VirtualNetwork", "VirtualNetwork"),
    ("AllowInternetOutBound", 65001, "Outbound", "Allow", "*", "Internet"),
    ("DenyAllOutBound", 65500, "Outbound", "Deny", "*", "*"),
)


def _shape(ask: Ask, existing: Document | None) -> Document:
    id_ = existing["id"] if existing else find.new_id(ask.cloud, NETWORK_SECURITY_GROUP, ask.target)
    before = (existing or {}).get("properties", {})
    given = ask.properties.get("securityRules") or []
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise wrong_type("securityRules", given, "array")
    rules = [_rule(id_, each) for each in given]
    _require_distinct(rules)
    properties: Document = {
        **pick(ask.properties, {}, ("flushConnection",)),
        "securityRules": rules,
        "defaultSecurityRules": [_default(id_, each) for each in _DEFAULT_RULES],
        "resourceGuid": before.get("resourceGuid") or ask.cloud.ids.guid(),
    }
    return {**envelope(ask, existing), "etag": (existing or {}).get("etag"), "properties": properties}


def _rule(group_id: str, given: Document) -> Document:
    name, inner = str(given.get("name") or ""), given.get("properties")
    NETWORK_SECURITY_GROUP.name.check(name)
    if not isinstance(inner, dict):
        raise wrong_type("securityRules.properties", inner, "object")
    for names in _ENDS:
        if not any(inner.get(each) for each in names):
            raise bad_request("InvalidRequestFormat", f"The security rule '{name}' needs a '{names[0]}'.")
    found: Document = {
        "protocol": choice("protocol", inner.get("protocol"), _PROTOCOLS),
        "access": choice("access", inner.get("access"), ("Allow", "Deny")),
        "direction": choice("direction", inner.get("direction"), ("Inbound", "Outbound")),
        "priority": whole_number("priority", inner.get("priority"), 100, 4096, "SecurityRuleInvalidPriority"),
        "provisioningState": "Succeeded",
    }
    found |= pick(inner, {}, ("description", *(each for names in _ENDS for each in names)))
    return {
        "id": f"{group_id}/securityRules/{name}",
        "name": name,
        "type": f"{TYPE}/securityRules",
        "properties": found,
    }


def _require_distinct(rules: list[Document]) -> None:
    seen: dict[Any, str] = {}
    for rule in rules:
        for key in (rule["name"].lower(), (rule["properties"]["priority"], rule["properties"]["direction"])):
            if key in seen:
                raise bad_request(
                    "SecurityRuleConflict",
                    f"Security rule {rule['name']} conflicts with rule {seen[key]}. Rules cannot have the same "
                    "Priority and Direction.",
                )
            seen[key] = rule["name"]


def _default(group_id: str, rule: tuple[str, int, str, str, str, str]) -> Document:
    name, priority, direction, access, source, to = rule
    properties = {
        "protocol": "*", "access": access, "direction": direction, "priority": priority, "sourcePortRange": "*",
        "destinationPortRange": "*", "sourceAddressPrefix": source, "destinationAddressPrefix": to,
        "provisioningState": "Succeeded",
    }  # fmt: skip
    place = f"{group_id}/defaultSecurityRules/{name}"
    return {"id": place, "name": name, "type": f"{TYPE}/defaultSecurityRules", "properties": properties}


def _subnets(cloud: Cloud, document: Document) -> list[Document]:
    wanted = document["id"].lower()
    return [
        {"id": each["id"]}
        for _, each in cloud.store.scan(RESOURCES)
        if str((each["properties"].get("networkSecurityGroup") or {}).get("id")).lower() == wanted
    ]


def _shown(cloud: Cloud, document: Document) -> Document:
    found = _subnets(cloud, document)
    return {**document, "properties": {**document["properties"], **({"subnets": found} if found else {})}}


def _deleting(ask: Ask, document: Document) -> None:
    found = _subnets(ask.cloud, document)
    if found:
        raise bad_request(
            "InUseNetworkSecurityGroupCannotBeDeleted",
            f"Network security group {document['id']} cannot be deleted because it is in use by the following "
            f"resources: {', '.join(each['id'] for each in found)}. In order to delete the Network security group, "
            "remove the association with the resource(s). To learn how to do this, see aka.ms/deletensg.",
        )


NETWORK_SECURITY_GROUP = Kind(
    type=TYPE,
    name=name_rule(TYPE),
    shape=_shape,
    verbs=Verbs(
        get=_shown,
        put=Verb(201, "operation", "Updating"),
        update=Verb(200, "operation", "Updating"),
        delete=Deletion(202, "location"),
    ),
    lifecycle=Lifecycle(on_write=stamp_etag, before_delete=_deleting),
    matched=True,
)
