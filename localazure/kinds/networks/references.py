"""What kinds of Microsoft.Network have in common: names, etags, and how a resource that is not there is refused.

The words of the name rule and of the references are Azure's (hashicorp/terraform-provider-azurerm, issues of
`azurerm_subnet` and `azurerm_private_endpoint`).
"""

from __future__ import annotations

from typing import Any

from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import wrong_type
from azmlflow.localazure.resources.kind import NameRule
from azmlflow.rbac import scopes
from azmlflow.resourcetypes.bounds import NAMES


def name_rule(type_: str) -> NameRule:
    """How resources of a type of Microsoft.Network are named."""
    return NameRule(
        NAMES[type_],
        "InvalidResourceName",
        "Resource name {name} is invalid. The name can be up to 80 characters long. It must begin with a word "
        "character, and it must end with a word character or with '_'. The name may contain word characters or '.', "
        "'-', '_'.",
    )


def stamp_etag(ask: Ask, document: Document) -> None:
    """Give a resource that is written a new etag."""
    document["etag"] = f'W/"{ask.cloud.ids.guid()}"'


def linked_id(name: str, given: Any, type_: str) -> str:
    """The id in a member such as `{"id": ...}`.

    Raises:
        AzureError: 400, it is not the id of a resource of that type.
    """
    if not isinstance(given, dict):
        raise wrong_type(name, given, "object")
    id_ = given.get("id")
    try:
        is_fit = isinstance(id_, str) and str(scopes.parse(id_).type).lower() == type_.lower()
    except scopes.InvalidScope:
        is_fit = False
    if not is_fit:
        raise bad_request(
            "LinkedInvalidPropertyId",
            f"Property id '{id_}' at path 'properties.{name}.id' is invalid. Expect fully qualified resource Id of "
            f"type '{type_}'.",
            target=f"properties.{name}.id",
        )
    return str(id_)


def referenced(ask: Ask, id_: str, region: str | None = None) -> Document:
    """A resource that another one names, in the region that it must be in.

    Raises:
        AzureError: 400 `InvalidResourceReference`, it is not there or elsewhere; 409, it is being changed.
    """
    found = find.resource(ask.cloud, id_)
    if found is None or (region is not None and located(ask, found) != region):
        raise bad_request(
            "InvalidResourceReference",
            f"Resource {id_} referenced by resource {ask.target.id} was not found. Please make sure that the "
            "referenced resource exists, and that both resources are in the same region.",
        )
    if found["properties"].get("provisioningState", "Succeeded") not in ("Succeeded", "Updating"):
        raise AzureError(
            409,
            "ReferencedResourceNotProvisioned",
            f"Cannot proceed with operation because resource {id_} used by resource {ask.target.id} is not in "
            f"Succeeded state. Resource is in {found['properties']['provisioningState']} state.",
        )
    return found


def located(ask: Ask, document: Document) -> str:
    """The region of a resource: of a subnet that of its network."""
    if "location" in document:
        return str(document["location"])
    above = find.resource(ask.cloud, document["id"].rsplit("/", 2)[0])
    return str((above or {}).get("location"))
