"""What stands in a workspace, as settings describe it: computes, datastores, outbound rules. Pure.

A document is described, or left as it is with the reason. Source: Microsoft, "Datastores" and "Managed Network Settings
Rules" (REST 2025-12-01).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from azmlflow.cli.adoption import machines
from azmlflow.cli.adoption.describe import network_of
from azmlflow.cli.adoption.member import Described, Document, Member, Undescribed, name_of
from azmlflow.infra.plan.changes import at
from azmlflow.infra.plan.networks import rule_resource_name
from azmlflow.resourcetypes.bounds import AZURES_DATASTORES

# Azure's words -> ours.
_STORES = {
    "AzureBlob": ("blob", "containerName"),
    "AzureFile": ("file", "fileShareName"),
    "AzureDataLakeGen2": ("dataLake", "filesystem"),
}
_OPENED_AS = {
    "": "caller",
    "None": "caller",
    "WorkspaceSystemAssignedIdentity": "workspace",
    "WorkspaceUserAssignedIdentity": "workspace",
}


def described(
    workspace: Document, computes: Iterable[Document], datastores: Iterable[Document]
) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    """What of a workspace's contents the settings describe; and what they do not, each with the reason."""
    found: list[Member] = []
    left: list[str] = []
    for name, describe in (
        *machines.computes(computes),
        *_datastores(workspace, datastores),
        *_rules(workspace),
    ):
        try:
            found.append(_checked(describe(), workspace))
        except Undescribed as why:
            left.append(f"{name}: {why}: it is not taken over")
    return tuple(found), tuple(left)


def _checked(member: Member, workspace: Document) -> Member:
    """A member whose settings are taken, in its workspace's network.

    Raises:
        Undescribed: they are not.
    """
    from pydantic import BaseModel, ValidationError
    from pydantic_core import PydanticCustomError

    from azmlflow.infra.settings.computes.clusters import ClusterSettings
    from azmlflow.infra.settings.computes.compute import ComputeSettings
    from azmlflow.infra.settings.computes.instances import InstanceSettings
    from azmlflow.infra.settings.contents.datastores import DatastoreSettings
    from azmlflow.infra.settings.network.combinations import fitted
    from azmlflow.infra.settings.network.network import NetworkSettings
    from azmlflow.infra.settings.network.rules import RuleSettings

    models: Mapping[str, type[BaseModel]] = {
        "clusters": ClusterSettings,
        "instances": InstanceSettings,
        "datastores": DatastoreSettings,
        "network.rules": RuleSettings,
    }
    try:
        read = models[member.key].model_validate(member.says)
        if isinstance(read, ComputeSettings):
            network = NetworkSettings.model_validate(network_of(workspace) or {})
            (fitting,) = fitted([read], network, None)
            network.of_mode.check_compute(fitting, network, member.key)
    except ValidationError as fault:
        told = fault.errors()[0]
        raise Undescribed(f"{'.'.join(map(str, told['loc']))}: {told['msg']}") from None
    except PydanticCustomError as fault:
        raise Undescribed(fault.message()) from None
    return member


def _datastores(workspace: Document, documents: Iterable[Document]) -> Described:
    account = str(at(workspace, "properties.storageAccount") or "").lower()
    for each in documents:
        if name_of(each).lower() not in AZURES_DATASTORES:
            yield f"datastore {name_of(each)}", lambda each=each: _datastore(each, account)  # type: ignore[misc]


def _datastore(store: Document, own_account: str) -> Member:
    told = store.get("properties") or {}
    kind = str(told.get("datastoreType"))
    if kind not in _STORES:
        raise Undescribed(f"of type {kind}")
    if at(told, "credentials.credentialsType") != "None":
        raise Undescribed("it holds a credential")
    opened = str(told.get("serviceDataAccessAuthIdentity") or "")
    if opened not in _OPENED_AS:
        raise Undescribed(f"services open it as {opened}")
    if not told.get("subscriptionId") or not told.get("resourceGroup"):
        raise Undescribed("it does not say where its account is")
    word, container = _STORES[kind]
    account = (
        f"/subscriptions/{told['subscriptionId']}/resourceGroups/{told['resourceGroup']}"
        f"/providers/Microsoft.Storage/storageAccounts/{told.get('accountName')}"
    )
    says = {"name": name_of(store), "type": word, "container": told.get(container), "identity": _OPENED_AS[opened]}
    says |= {"account": account} if account.lower() != own_account or word == "dataLake" else {}
    return Member("datastores", "datastore", f"datastores/{name_of(store)}", f"{name_of(store)}-datastore", says)


def _rules(workspace: Document) -> Described:
    rules = at(workspace, "properties.managedNetwork.outboundRules") or {}
    for name, rule in rules.items():
        if rule.get("category", "UserDefined") == "UserDefined":
            yield f"outbound rule {name}", lambda name=name, rule=rule: _rule(name, rule)  # type: ignore[misc]


def _rule(name: str, rule: Document) -> Member:
    kind, to = rule.get("type"), rule.get("destination")
    says: dict[str, Any]
    if kind == "FQDN":
        says = {"fqdn": to}
    elif kind == "PrivateEndpoint" and isinstance(to, Mapping):
        if to.get("sparkEnabled"):
            raise Undescribed("it is for Spark too")
        says = {"privateEndpoint": to.get("serviceResourceId"), "target": to.get("subresourceTarget")}
    elif kind == "ServiceTag" and isinstance(to, Mapping):
        if to.get("addressPrefixes") or to.get("action", "Allow") != "Allow":
            raise Undescribed("it goes by addresses, or keeps from them")
        says = {"serviceTag": to.get("serviceTag"), "protocol": to.get("protocol"), "ports": to.get("portRanges")}
    else:
        raise Undescribed(f"of type {kind}")
    return Member(
        "network.rules", "outbound rule", f"outboundRules/{name}", rule_resource_name(name), {"name": name, **says}
    )
