"""Microsoft.MachineLearningServices/workspaces/outboundRules: what a workspace's managed network lets out.

Source: Microsoft, "Managed Network Settings Rules" (REST 2025-12-01), "Workspace managed virtual network isolation": a
host by its name on ports 80 and 443, which is never a storage account's; a service tag or addresses; a private
endpoint. In internet mode only private endpoints, in the words of foundry-samples issue 961. Endpoints to what the
workspace stands on are Azure's own in approved mode, and are refused from others (azureml-examples issue 2990).

Inferred: the other words, the rule of names, and that two writes at once are refused: on Azure one of them is lost
(Azure/terraform-provider-azapi issues 453 and 498).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.workspaces import managed_networks
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice, stamp, wrong_type
from azmlflow.localazure.resources.kind import Kind, Lifecycle, NameRule, child_of
from azmlflow.localazure.resources.verbs import Deletion, Verb, Verbs
from azmlflow.rbac import scopes
from azmlflow.resourcetypes.bounds import FQDN, NAMES

_CODE = "BadRequest"
_TYPES = ("FQDN", "PrivateEndpoint", "ServiceTag")
_CATEGORIES = ("Required", "Recommended", "UserDefined", "Dependency")
_PORTS = re.compile(r"\*|\d{1,5}(-\d{1,5})?(,\s*\d{1,5}(-\d{1,5})?)*")


def _check(ask: Ask, existing: Document | None) -> None:
    workspace = find.parent(ask.cloud, OUTBOUND_RULE, ask.target, "write")
    if existing is not None and existing["properties"]["category"] != "UserDefined":
        raise bad_request(_CODE, f"The rule '{existing['name']}' is Azure's own and cannot be changed.")
    managed_networks.require_idle(ask.cloud, workspace["id"], ask.target.id.lower())
    shaped = _rule(ask.properties)
    if existing is not None and shaped["type"] != existing["properties"]["type"]:
        raise bad_request(_CODE, f"The type of the outbound rule '{ask.target.name}' cannot be changed.")
    require_allowed(workspace, shaped)


def require_allowed(workspace: Document, rule: Document) -> None:
    """Refuse a rule that a workspace's network does not take.

    Raises:
        AzureError: 400, with the reason.
    """
    mode = managed_networks.mode(workspace)
    if mode == managed_networks.DISABLED:
        raise bad_request(_CODE, "Outbound rules need a managed network, and this workspace has none.")
    if mode == managed_networks.INTERNET and rule["type"] != "PrivateEndpoint":
        raise bad_request(
            _CODE,
            'Only "PrivateEndpoint" outbound rules are supported when managed network isolation mode is '
            "AllowInternetOutbound",
        )
    if rule["type"] == "PrivateEndpoint" and mode == managed_networks.APPROVED:
        wanted = rule["destination"]
        own = [str(workspace["properties"].get(part) or "").lower() for part in managed_networks.PARTS]
        if wanted["serviceResourceId"].lower() in (*own, workspace["id"].lower()):
            raise bad_request(
                _CODE,
                f"An outbound rule to '{wanted['serviceResourceId']}' with the sub-resource "
                f"'{wanted['subresourceTarget']}' already exists.",
            )


def _shape(ask: Ask, _existing: Document | None) -> Document:
    workspace = find.parent(ask.cloud, OUTBOUND_RULE, ask.target, "write")
    return {"properties": kept(workspace, ask.properties)}


def kept(workspace: Document, given: Mapping[str, Any]) -> Document:
    """A rule of the user's as it is kept."""
    status = "Active" if managed_networks.is_active(workspace) else "Inactive"
    return {**_rule(given), "category": "UserDefined", "status": status}


def _rule(given: Mapping[str, Any]) -> Document:
    kind = choice("type", given.get("type"), _TYPES, _CODE)
    category = choice("category", given.get("category") or "UserDefined", _CATEGORIES, _CODE)
    if category != "UserDefined":
        raise bad_request(_CODE, f"Rules of the category '{category}' are Azure's own.", target="category")
    destination = given.get("destination")
    if kind == "FQDN":
        return {"type": kind, "destination": _host(destination)}
    if not isinstance(destination, dict):
        raise wrong_type("destination", destination, "object")
    return {"type": kind, "destination": _endpoint(destination) if kind == "PrivateEndpoint" else _tag(destination)}


def _host(given: Any) -> str:
    if not isinstance(given, str) or re.fullmatch(FQDN, given) is None:
        raise bad_request(_CODE, f"The FQDN '{given}' is not valid.", target="destination")
    if re.search(r"\.core\.windows\.net$", given, re.IGNORECASE):
        raise bad_request(
            _CODE, f"The FQDN '{given}' is a storage account's: use a private endpoint.", target="destination"
        )
    return given


def _endpoint(given: Document) -> Document:
    id_, target = given.get("serviceResourceId"), given.get("subresourceTarget")
    try:
        named = isinstance(id_, str) and bool(scopes.parse(id_).names)
    except scopes.InvalidScope:
        named = False
    if not named or not isinstance(target, str) or not target:
        raise bad_request(
            _CODE,
            "A private endpoint rule needs the id of a resource as 'serviceResourceId', and a 'subresourceTarget'.",
            target="destination",
        )
    return {"serviceResourceId": id_, "subresourceTarget": target, "sparkEnabled": bool(given.get("sparkEnabled"))}


def _tag(given: Document) -> Document:
    prefixes, tag, ports = given.get("addressPrefixes"), given.get("serviceTag"), str(given.get("portRanges") or "")
    if not tag and not prefixes:
        raise bad_request(_CODE, "A service tag rule needs a 'serviceTag' or 'addressPrefixes'.", target="destination")
    if _PORTS.fullmatch(ports) is None:
        raise bad_request(_CODE, f"The port ranges '{ports}' are not valid.", target="destination.portRanges")
    protocol = choice("protocol", given.get("protocol") or "TCP", ("TCP", "UDP", "ICMP", "*"), _CODE)
    tag_or_prefixes: Document = {"addressPrefixes": prefixes} if prefixes else {"serviceTag": tag}
    action = choice("action", given.get("action") or "Allow", ("Allow", "Deny"), _CODE)
    return {**tag_or_prefixes, "protocol": protocol, "portRanges": ports, "action": action}


def _deleting(ask: Ask, document: Document) -> None:
    if document["properties"]["category"] != "UserDefined":
        raise bad_request(_CODE, f"The rule '{document['name']}' is Azure's own and cannot be deleted.")
    managed_networks.require_idle(ask.cloud, document["id"].rpartition("/outboundRules/")[0], document["id"].lower())


def inline(given: Any) -> dict[str, Mapping[str, Any]]:
    """The user's own rules among those that a workspace's body has; Azure's, which clients send back, are left out."""
    rules = given.get("outboundRules") if isinstance(given, dict) else None
    if not isinstance(rules or {}, dict):
        raise wrong_type("managedNetwork.outboundRules", rules, "object")
    for name, rule in (rules or {}).items():
        if not isinstance(rule, dict):
            raise wrong_type(f"managedNetwork.outboundRules.{name}", rule, "object")
    return {name: rule for name, rule in (rules or {}).items() if rule.get("category", "UserDefined") == "UserDefined"}


def check_inline(workspace: Document, given: Any) -> None:
    """Refuse a workspace's body whose own rules are at fault.

    Raises:
        AzureError: 400, with the reason.
    """
    for name, rule in inline(given).items():
        OUTBOUND_RULE.name.check(name)
        require_allowed(workspace, _rule(rule))


def keep_inline(ask: Ask, workspace: Document, given: Any) -> None:
    """Keep the rules of a workspace's body; those that it does not name stay."""
    for name, rule in inline(given).items():
        id_ = f"{workspace['id']}/outboundRules/{name}"
        document: Document = {"id": id_, "name": name, "type": managed_networks.RULES}
        find.keep(ask.cloud, {**document, "properties": kept(workspace, rule), "systemData": stamp(ask, None)})


def _missing(target: Any) -> AzureError:
    return AzureError(404, "NotFound", f"Outbound rule '{target.name}' was not found.")


OUTBOUND_RULE = Kind(
    type=managed_networks.RULES,
    name=NameRule(
        NAMES[managed_networks.RULES],
        _CODE,
        "The outbound rule's name '{name}' is not valid: 1 to 80 letters, digits, '-', '_' or '.'.",
    ),
    shape=_shape,
    placement=child_of(managed_networks.TYPE),
    has_provisioning_state=False,
    has_system_data=True,
    verbs=Verbs(put=Verb(202, "operation"), update=Verb(200), patch=False, delete=Deletion(202, "location")),
    lifecycle=Lifecycle(before_write=_check, before_delete=_deleting),
)
