"""What the services of a storage account share: there is one of each, `default`, for as long as there is the account.

Source: Microsoft, "Blob Services" and "File Services" (REST 2025-08-01): they are read, listed and set. An account
whose kind lacks a service is refused in Azure's words (turbot/steampipe-plugin-azure issue 474, Azure/
PSRule.Rules.Azure issue 464).

Inferred: what a PUT leaves out stays as it is, as with the same settings in the service's own API ("Set Blob Service
Properties"); the code of a setting that does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.foundation.storage_accounts import TYPE as ACCOUNT_TYPE
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import pick, whole_number
from azmlflow.localazure.resources.find import resource
from azmlflow.localazure.resources.kind import Documents, Kind, NameRule, child_of
from azmlflow.localazure.resources.members import Members
from azmlflow.localazure.resources.paths import Target
from azmlflow.localazure.resources.verbs import Verb, Verbs

INVALID = "InvalidRequestPropertyValue"


def _as_kept(properties: Document) -> Document:
    return properties


def service(
    type_: str,
    label: str,
    *,
    without: tuple[str, ...],
    defaults: Document,
    check: Callable[[Mapping[str, Any]], None],
    told: Callable[[Document], Document] = _as_kept,
) -> Kind:
    """The kind of one of an account's services.

    Args:
        type_: its type.
        label: what Azure calls it, `Blob`.
        without: the kinds of accounts that have none.
        defaults: its properties until somebody sets others.
        check: raises `AzureError` for properties that Azure refuses.
        told: its properties as they are answered.
    """

    def account(cloud: Cloud, id_: str) -> Document | None:
        found = resource(cloud, id_)
        if found is not None and found["kind"] in without:
            raise AzureError(400, "FeatureNotSupportedForAccount", f"{label} is not supported for the account.")
        return found

    def at(cloud: Cloud, above: str) -> Document | None:
        found = account(cloud, above)
        if found is None:
            return None
        id_ = f"{found['id']}/{type_.rpartition('/')[2]}/default"
        unset = {"id": id_, "name": "default", "type": type_, "properties": defaults}
        return resource(cloud, id_) or unset

    def find(cloud: Cloud, target: Target) -> Document | None:
        return at(cloud, target.parent_id()) if target.name.lower() == "default" else None

    def listed(ask: Ask) -> list[Document]:
        found = at(ask.cloud, ask.target.id.rpartition("/")[0])
        return [found] if found is not None else []

    def shown(cloud: Cloud, document: Document) -> Document:
        found = resource(cloud, document["id"].rsplit("/", 2)[0])
        sku = {"sku": found["sku"]} if found is not None else {}
        return {**document, **sku, "properties": told(document["properties"])}

    def shape(ask: Ask, existing: Document | None) -> Document:
        sent = {name: value for name, value in ask.properties.items() if value is not None}
        lowered = {name.lower() for name in sent}
        before = {**defaults, **(existing or {}).get("properties", {})}
        kept = {name: value for name, value in before.items() if name.lower() not in lowered}
        typed = pick(sent, defaults)
        given = {
            name: pick(typed[name], value, ("days",)) for name, value in defaults.items() if name.lower() in lowered
        }
        others = {name: value for name, value in sent.items() if name.lower() not in map(str.lower, given)}
        check(Members({**kept, **others, **given}))
        return {"properties": {**kept, **given}}

    return Kind(
        type=type_,
        name=NameRule(
            "default",
            "InvalidResourceName",
            f"The {label.lower()} service of a storage account is called 'default', not '{{name}}'.",
        ),
        shape=shape,
        placement=child_of(ACCOUNT_TYPE),
        documents=Documents(find=find),
        has_provisioning_state=False,
        verbs=Verbs(get=shown, listed=listed, update=Verb(200), patch=False, removable=False),
    )


def check_retention(name: str, given: Any) -> None:
    """Refuse the retention of what is deleted, unless it is for 1 to 365 days or is turned off."""
    if isinstance(given, Mapping) and given.get("enabled"):
        whole_number(f"{name}.days", given.get("days"), 1, 365, INVALID)


def refused(name: str, why: str) -> AzureError:
    """400 for a property that does not fit."""
    return bad_request(INVALID, f"The value of property '{name}' is not valid: {why}.", target=name)
