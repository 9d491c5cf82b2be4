"""The check of what is given by id: whether a workspace can stand on it, before Azure refuses it in the middle.

Sources: Microsoft, "Workspaces" (REST 2025-12-01) and "What is an Azure Machine Learning workspace?" (which storage
account may be the default one); "Customer-managed keys for Azure Machine Learning" (what the vault of a key has to
be); "Lock your resources" (a read-only lock keeps keys from being listed, and roles from being given; each lock keeps
roles from being taken away). That two workspaces have one default account Azure allows: each then reads the other's
artifacts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network, collapse_addresses
from typing import TYPE_CHECKING, Any

from azmlflow.cli.checks import rights
from azmlflow.cli.checks.base import Check, Finding, Situation
from azmlflow.cli.frame import imports
from azmlflow.rbac import scopes
from azmlflow.resourcetypes.table import resource_type

if TYPE_CHECKING:
    from azmlflow.infra.settings.network.network import NetworkSettings

_GROUP = "Microsoft.Resources/resourceGroups"
_IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
_WORKSPACES = "Microsoft.MachineLearningServices/workspaces"
CLOSED_ALIKE = ("storage", "vault", "registry")  # one word of the network closes these with the workspace
_LINKS = {"storage": "storageAccount", "vault": "keyVault"}
Document = Mapping[str, Any]


def _given(situation: Situation) -> Finding:
    given = situation.settings.given()
    if stores := [*_stores(situation)]:
        return Finding("failed", "; ".join(stores), f"edit Pulumi.{situation.session.name}.yaml")
    faults = [*_unhelped(situation)]
    if not given and not faults:
        return Finding("skipped", "the stack makes all that it stands on")
    if "group" in given and situation.group_document is None:
        faults.append(f"group: there is no {called(given['group'])}, or it may not be read: {given['group']}")
    given = {key: id_ for key, id_ in given.items() if key != "group"}
    found = {key: situation.arm.get(id_) for key, id_ in given.items()}
    for key, id_ in given.items():
        document = found[key]
        if document is None:
            faults.append(f"{key}: there is no {called(id_)}, or it may not be read: {id_}")
            continue
        whys = (*_UNFIT.get(key, _nothing)(situation, document), *not_closed(situation.settings.network, key, document))
        faults += [f"{key}: {called(id_)} {why}" for why in (*whys, *_locked(situation, id_))]
    shared = [*_shared(situation, given)]
    faults += [told for key, told in shared if key == "storage"]
    if faults:
        key, stack = faults[0].partition(":")[0], situation.session.name
        fix = f"azmlflow set --unset {key} --stack {stack}"
        if key == "identity":
            fix = (
                f"azmlflow set identity.grantRoles true --stack {stack}    (or identity.id: one that stands, with them)"
            )
        return Finding("failed", "; ".join(faults), fix)
    if shared:
        return Finding("warning", "; ".join(told for _, told in shared))
    return Finding("ok", f"a workspace can stand on what is given: {', '.join(situation.settings.given())}")


def _unhelped(situation: Situation) -> Iterator[str]:
    """What an identity lacks that the stack makes, and gives no roles: before it stands nobody can have given it any,
    and Azure makes no workspace without. One that stands is what an `up` left that Azure stopped there."""
    identity = situation.settings.identity
    if not identity.made or identity.grant_roles:
        return
    name = situation.names.identity or ""
    found = situation.arm.get(f"{situation.group}/providers/{_IDENTITIES}/{name}")
    if found is None:
        yield (
            f"identity: {name} is only to be made, and identity.grantRoles is false: nobody can have given it the "
            "roles without which Azure makes no workspace"
        )
    else:
        yield from (f"identity: managed identity {name} {why}" for why in rights.of_identity(situation, found))


def _stores(situation: Situation) -> Iterator[str]:
    """What is wrong with the accounts of datastores."""
    for number, store in enumerate(situation.settings.datastores):
        if store.account is None:
            continue
        document, key = situation.arm.get(store.account), f"datastores[{number}].account"
        if document is None:
            yield f"{key}: there is no {called(store.account)}, or it may not be read: {store.account}"
        elif store.type == "dataLake" and not (document.get("properties") or {}).get("isHnsEnabled"):
            yield f"{key}: {called(store.account)} has no hierarchical namespace, which a dataLake needs: take blob"


def called(id_: str) -> str:
    """What something given is, and its name, for people."""
    found = scopes.parse(id_)
    return f"{resource_type(found.type or _GROUP).called()} {found.name}"


def _nothing(_situation: Situation, _document: Document) -> Iterator[str]:
    yield from ()


def _account(situation: Situation, document: Document) -> Iterator[str]:
    properties, sku = document.get("properties") or {}, str((document.get("sku") or {}).get("name", ""))
    if properties.get("isHnsEnabled"):
        yield "has a hierarchical namespace, which no workspace's default account may have"
    if sku.startswith("Premium") or document.get("kind") not in (None, "StorageV2", "Storage"):
        yield f"is {document.get('kind')} {sku}: a workspace's default account is StorageV2, and not Premium"
    if properties.get("allowSharedKeyAccess") is False and situation.settings.storage_auth == "key":
        yield f"takes no keys (azmlflow set storageAuth identity --stack {situation.session.name})"


def _vault(situation: Situation, document: Document) -> Iterator[str]:
    properties, identity = document.get("properties") or {}, situation.settings.identity
    tenant = str(properties.get("tenantId", ""))
    if tenant.lower() != situation.caller.tenant.lower():
        yield f"trusts tenant {tenant}, and you are signed in to {situation.caller.tenant}"
    if identity.user_assigned and identity.grants(given=True):
        yield from _by_policies(properties, "a policy")


def _by_policies(properties: Document, instead: str) -> Iterator[str]:
    if not properties.get("enableRbacAuthorization"):
        yield (
            "goes by access policies, so that a role gives the workspace's identity nothing: its owner gives that "
            f"identity {instead}, and identity.grantOnGiven is false, or grantRoles"
        )


def _vault_of_key(situation: Situation, document: Document) -> Iterator[str]:
    settings, properties = situation.settings, document.get("properties") or {}
    encryption = settings.encryption
    if encryption is None:
        return
    if not properties.get("enablePurgeProtection"):
        yield f"has no purge protection: az keyvault update --name {document['name']} --enable-purge-protection true"
    if encryption.service_side and properties.get("publicNetworkAccess") == "Disabled":
        yield "is closed to the internet, which service-side encryption does not support"
    if settings.identity.grants(given=True):
        yield from _by_policies(properties, "Get, Wrap Key and Unwrap Key")
    key = situation.arm.get(f"{document['id']}/keys/{encryption.key}")
    if key is None:
        yield f"has no key {encryption.key}, or it may not be read"
    elif ((key.get("properties") or {}).get("attributes") or {}).get("enabled") is False:
        yield f"has the key {encryption.key} disabled"


_UNFIT = {
    "storage": _account,
    "vault": _vault,
    "encryption.keyVault": _vault_of_key,
    "identity.id": rights.of_identity,
}


def not_closed(network: NetworkSettings, key: str, document: Document) -> Iterator[str]:
    """Why something given does not go with the network: one word closes all alike; what is another's, its owner has
    closed, or not.

    Args:
        network: the stack's.
        key: the setting that gives it.
        document: Azure's of it.
    """
    if not network.of_mode.closed or key not in CLOSED_ALIKE:
        return
    properties = document.get("properties") or {}
    rules = properties.get("networkAcls" if key != "registry" else "networkRuleSet") or {}
    listed = [str(each.get("value")) for each in rules.get("ipRules") or ()]
    has = listed if properties.get("publicNetworkAccess") != "Disabled" else []
    wanted = network.network().addresses
    if properties.get("publicNetworkAccess") != "Disabled" and rules.get("defaultAction") != "Deny":
        yield f"is open to the internet, and network.mode {network.mode} closes all: its owner has to close it"
    elif lacking := _beyond(wanted, has):
        yield f"does not let in {lacking} of network.allowedIps: its owner has to"
    elif more := _beyond(has, wanted):
        if wanted:
            yield f"lets in {more}, which network.allowedIps does not: its owner has to close it, or name it there"
        else:
            yield (
                f"lets in {more}, and network.mode {network.mode} lets in nobody from the internet: its owner has to "
                "close it"
            )
    sku = str((document.get("sku") or {}).get("name", ""))
    if key == "registry" and sku != "Premium":
        yield f"is {sku or 'not Premium'}, and only Premium has private endpoints"


def _beyond(some: Iterable[str], others: Iterable[str]) -> str:
    """Those of some addresses and ranges that do not lie in others, as they are written; what is none lies in none."""
    ranges = [*collapse_addresses(each for text in others if (each := _range(text)) is not None)]

    def lies(text: str) -> bool:
        found = _range(text)
        return found is not None and any(found.subnet_of(each) for each in ranges)

    return ", ".join(text for text in some if not lies(text))


def _range(text: str) -> IPv4Network | None:
    try:
        return IPv4Network(text, strict=False)
    except ValueError:
        return None


def _locked(situation: Situation, id_: str) -> Iterator[str]:
    group = scopes.resource_group_id(*_place(id_))
    for lock in situation.arm.locks(group):
        scope = str(lock.id).lower().partition("/providers/microsoft.authorization/locks/")[0]
        if not scopes.contains(scope, id_):
            continue
        if lock.level == "ReadOnly":
            yield f"is locked ({lock.name}, ReadOnly): Azure lists no keys of it, and gives no roles on it"
        elif any(_on(each, id_) for each in _declared(situation)):
            yield f"is locked ({lock.name}): `down` could not take away the roles that this stack gives on it"


def _place(id_: str) -> tuple[str, str]:
    found = scopes.parse(id_)
    return found.subscription or "", found.resource_group or ""


def _declared(situation: Situation) -> Iterator[str]:
    imports.wait()
    from azmlflow.infra.rehearsal import rehearse

    session = situation.session
    declared = rehearse(
        session.file.config,
        project=session.project.name,
        stack=session.name,
        subscription=situation.subscription,
        tenant=situation.caller.tenant,
    )
    return (each.id for each in declared)


def _on(declared: str, id_: str) -> bool:
    return declared.lower().startswith(f"{id_.lower()}/")


def _shared(situation: Situation, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The workspaces of others that stand on the same, as far as they are seen."""
    wanted = {key: given[key].lower() for key in _LINKS if key in given}
    own = f"{situation.group}/providers/{_WORKSPACES}/{situation.names.workspace}".lower()
    for entry in situation.arm.list(f"{situation.place}/providers/{_WORKSPACES}") if wanted else ():
        if str(entry["id"]).lower() == own:
            continue
        properties = entry.get("properties") or {}
        for key, id_ in wanted.items():
            if str(properties.get(_LINKS[key], "")).lower() == id_:
                yield (
                    key,
                    f"{key}: {called(id_)} is the default one of workspace {entry['name']} already: {entry['id']}",
                )


GIVEN = Check(
    "given",
    "Can a workspace stand on what is given by id?",
    _given,
    "edit Pulumi.{stack}.yaml",
    preflight=True,
)
CHECKS = (GIVEN,)
