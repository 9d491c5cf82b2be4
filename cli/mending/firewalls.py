"""A storage account's firewall that somebody changed in Azure stays as they left it.

The engine compares the program with its state, not with Azure, and `up` does not refresh: whoever closed the firewall
would find it open after the next update of the account (`infra/components/parts/storage.py` says why). The state takes
it over, and with it the program, which ignores changes of it. What the setting `network` closes is closed again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.words import Say, called_token
from azmlflow.cli.mending.allowed_ips import let_in_before
from azmlflow.cli.pulumi.deployment import Resource
from azmlflow.cli.pulumi.stack import Stack
from azmlflow.resourcetypes.table import token_of

_TOKEN = token_of("Microsoft.Storage/storageAccounts")
_VAULT = token_of("Microsoft.KeyVault/vaults")
_SHUT = "Disabled"
_OPEN = {"bypass": "AzureServices", "defaultAction": "Allow"}
# What is closed to the internet together.
_WORKSPACE = token_of("Microsoft.MachineLearningServices/workspaces")
_CLOSED = {
    _TOKEN,
    _VAULT,
    token_of("Microsoft.ContainerRegistry/registries"),
    _WORKSPACE,
}


def keep(stack: Stack, open_arm: Callable[[], ResourceManager], say: Say) -> None:
    """Have the state say of the firewalls of a stack's storage accounts what Azure does.

    Args:
        stack: a stack of azmlflow's own program, ours to change.
        open_arm: gives what asks Azure; called only if there is an account.
        say: hears what was found.
    """
    accounts = [each for each in stack.state().resources if each.type == _TOKEN]
    if not accounts:
        return
    arm = open_arm()
    changed = [each for each in accounts if _differs(each, arm)]
    if changed:
        for resource in changed:
            name = resource.id.rsplit("/", 1)[-1]
            say(f"the firewall of storage account `{name}` was changed elsewhere: it stays as it is")
        stack.refresh([resource.urn for resource in changed])


def close_again(
    stack: Stack, open_arm: Callable[[], ResourceManager], say: Say, addresses: tuple[str, ...] = ()
) -> None:
    """Have the state say of a stack that is closed to the internet, or to all but some addresses, what somebody opened
    of it: `up` then closes it. A workspace that lets in some addresses is not the engine's (`allowed_ips.py`).

    Args:
        stack: a stack of azmlflow's own program, closed by its settings.
        open_arm: gives what asks Azure; called only if something was closed before.
        say: hears what was found.
        addresses: those that the settings let in all the same.
    """
    state = stack.state()
    types = _CLOSED - {_WORKSPACE} if addresses or let_in_before(state) else _CLOSED
    closed = [each for each in state.resources if each.type in types and _firewall(each.outputs)]
    arm = open_arm() if closed else None
    opened = [
        each for each in closed if arm and (found := arm.get(each.id)) and _firewall(found) != _firewall(each.outputs)
    ]
    for each in opened:
        called = f"{called_token(each.type)} `{each.id.rpartition('/')[2]}`"
        if _firewall(each.outputs) == (_SHUT,):
            say(f"{called} was opened elsewhere: it is closed again")
        else:
            say(f"the firewall of {called} was changed elsewhere: it is set back")
    if opened:
        stack.refresh([each.urn for each in opened])


def open_again(stack: Stack, open_arm: Callable[[], ResourceManager], say: Say) -> None:
    """Open the storage accounts of a stack that its settings closed before and do no more: the program, which leaves an
    account's firewall to others, would not. Ours are told by the vault, whose firewall is the program's alone.

    Args:
        stack: a stack of azmlflow's own program, open by its settings.
        open_arm: gives what asks Azure; called only if there is something to open.
        say: hears what was done.
    """
    resources = stack.state().resources
    vaults = [each.inputs.get("properties") or {} for each in resources if each.type == _VAULT]
    accounts = [each for each in resources if each.type == _TOKEN]
    if not accounts or not any(each.get("networkAcls") for each in vaults):
        return
    arm = open_arm()
    for each in accounts:
        say(f"opening storage account `{each.id.rpartition('/')[2]}`, which the settings closed before ...")
        arm.patch(each.id, {"properties": {"publicNetworkAccess": "Enabled", "networkAcls": _OPEN}})
    stack.refresh([each.urn for each in accounts])


def _firewall(document: Mapping[str, Any]) -> tuple[object, ...]:
    """How a resource is closed, as Azure answers it, or as azure-native's outputs have it: those of a vault alone keep
    its `properties` together. Empty where it is open to all."""
    inner = document.get("properties")
    found = {**document, **(inner if isinstance(inner, Mapping) else {})}
    if _public(found) == _SHUT:
        return (_SHUT,)
    rules = _rules(found.get("networkAcls") or found.get("networkRuleSet"))
    return rules if rules[0] == "Deny" else ()


def _differs(account: Resource, arm: ResourceManager) -> bool:
    """Whether an account's firewall is another than the state has."""
    found = arm.get(account.id)
    if found is None:
        return False
    now, before = found.get("properties") or {}, account.outputs
    rules, known = _rules(now.get("networkAcls")), _rules(before.get("networkRuleSet"))
    return rules != known or _public(now) != _public(before)


def _rules(rules: Any) -> tuple[object, ...]:
    """Network rules, comparable: as Azure answers them (`value`, `id`) or as azure-native's outputs have them."""
    found: Mapping[str, Any] = rules if isinstance(rules, Mapping) else {}

    def named(field: str, *names: str) -> frozenset[str]:
        return frozenset(
            next((str(rule[name]) for name in names if name in rule), "").lower().removesuffix("/32")
            for rule in found.get(field) or ()
        )

    return (
        found.get("defaultAction") or "Allow",
        found.get("bypass") or "AzureServices",
        named("ipRules", "value", "iPAddressOrRange"),
        named("virtualNetworkRules", "id", "virtualNetworkResourceId"),
        named("resourceAccessRules", "resourceId"),
    )


def _public(properties: Mapping[str, Any]) -> str:
    return str(properties.get("publicNetworkAccess") or "Enabled")
