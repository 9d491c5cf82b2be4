"""Whom the public endpoint of a workspace lets in, in the network's mode `publicIps`.

Azure takes the addresses only once the workspace stands, and by previews of its API alone, which the engine does not
speak: the program closes the workspace, and after the engine `up` opens it to the addresses. So it is never open to
others: what the engine writes to it closes it until then.

Source: Microsoft, "Configure a private endpoint for an Azure Machine Learning workspace", "Enable Public Access only
from internet IP ranges"; azure-ai-ml (`network_acls`), which takes the addresses away with the access.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_network
from typing import Any

from azmlflow.cli.azure.addresses import WITH_FIREWALL
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.words import Say
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.cli.pulumi.stack import Stack
from azmlflow.resourcetypes.table import token_of

_WORKSPACE = token_of("Microsoft.MachineLearningServices/workspaces")
_VAULT = token_of("Microsoft.KeyVault/vaults")
_REGISTRY = token_of("Microsoft.ContainerRegistry/registries")
_NONE = {"publicNetworkAccess": "Disabled", "networkAcls": {"defaultAction": "Allow", "ipRules": []}}


def tend(stack: Stack, open_arm: Callable[[], ResourceManager], say: Say, addresses: Iterable[str]) -> None:
    """Before the engine: tell where a workspace lets in others than it was told to; and where its settings name no
    addresses any more, close it to those of before.

    Args:
        stack: a stack of azmlflow's own program.
        open_arm: gives what asks Azure; called only if addresses were let in before.
        say: hears what was found.
        addresses: those that the settings name.
    """
    state = stack.state()
    before, workspace = let_in_before(state), _workspace(state)
    if not before or workspace is None:
        return
    arm, name = open_arm(), workspace.id.rpartition("/")[2]
    if not tuple(addresses):
        say(f"closing workspace `{name}` to the internet addresses that it lets in ...")
        arm.patch(workspace.id, {"properties": _NONE}, version=WITH_FIREWALL)
    elif (found := arm.get(workspace.id, version=WITH_FIREWALL)) and _let_in(found) != before:
        say(f"the firewall of workspace `{name}` lets in others than it was told to: it is set again")


def open_to(arm: ResourceManager, workspace_id: str, addresses: Iterable[str]) -> None:
    """After the engine: have a workspace let in these addresses alone, and see that it does.

    Args:
        arm: asks Azure.
        workspace_id: ARM id of the workspace.
        addresses: internet addresses and ranges.

    Raises:
        CliError: Azure has taken them, and does not show them.
    """
    wanted = tuple(addresses)
    if _let_in(arm.get(workspace_id, version=WITH_FIREWALL) or {}) == _plain(wanted):
        return
    rules = {"defaultAction": "Deny", "ipRules": [{"value": each} for each in wanted]}
    changed = {"properties": {"publicNetworkAccess": "Enabled", "networkAcls": rules}}
    arm.patch(workspace_id, changed, version=WITH_FIREWALL)
    if _let_in(arm.get(workspace_id, version=WITH_FIREWALL) or {}) != _plain(wanted):
        raise CliError(
            "the workspace does not let in what network.allowedIps names, though Azure took it",
            where=workspace_id,
            next="azmlflow reach --explain    (whom it lets in), then azmlflow up",
        )


def let_in_before(state: State) -> frozenset[str] | None:
    """The addresses that a stack was told to let in, by its vault or registry, whose firewall has the same; None for
    none. A workspace that is open to all has none, whatever others made of the vault."""
    workspace = _workspace(state)
    if workspace is None or workspace.inputs.get("publicNetworkAccess") != "Disabled":
        return None
    for each in state.resources:
        inner = each.inputs.get("properties") if each.type == _VAULT else each.inputs
        if each.type in (_VAULT, _REGISTRY) and not each.external and isinstance(inner, Mapping):
            found = _named(inner.get("networkAcls") or inner.get("networkRuleSet") or {})
            if found:
                return found
    return None


def _workspace(state: State) -> Resource | None:
    return next((each for each in state.resources if each.type == _WORKSPACE and not each.external), None)


def _let_in(workspace: Mapping[str, Any]) -> frozenset[str] | None:
    """The addresses that a workspace lets in; None where it is closed, or open to all."""
    properties = workspace.get("properties") or {}
    rules = properties.get("networkAcls") or {}
    is_open = str(properties.get("publicNetworkAccess") or "Enabled").lower() == "enabled"
    denies = str(rules.get("defaultAction")).lower() == "deny"
    return _named(rules) if is_open and denies else None


def _named(rules: Mapping[str, Any]) -> frozenset[str]:
    return _plain(str(each.get("value") or each.get("iPAddressOrRange")) for each in rules.get("ipRules") or ())


def _plain(addresses: Iterable[str]) -> frozenset[str]:
    """Addresses as ranges, so that one with `/32` is the same as one without."""
    return frozenset(str(ip_network(each, strict=False)) for each in addresses)
