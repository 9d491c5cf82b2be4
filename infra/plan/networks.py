"""How closed a stack is, and what its managed network lets out: as Azure's words, and as resources. Pure.

Source: Microsoft, "Workspace managed virtual network isolation" and "Managed Network Settings Rules" (REST 2025-12-01).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from azmlflow.infra.plan.records import Planned
from azmlflow.rbac import scopes
from azmlflow.resourcetypes.table import resource_type, token_of

OUTBOUND, OUTBOUND_NAME = "azmlflow:index:OutboundRules", "out"
RULE = "Microsoft.MachineLearningServices/workspaces/outboundRules"
INTERNET, APPROVED = "AllowInternetOutbound", "AllowOnlyApprovedOutbound"


@dataclass(frozen=True)
class Rule:
    """An outbound rule of a managed network.

    Attributes:
        name: its name in Azure.
        properties: what it lets out to, as Azure takes it.
    """

    name: str
    properties: Mapping[str, Any]

    @property
    def target(self) -> str:
        """Lower-case id of the resource that a private endpoint leads to; empty for other rules."""
        destination = self.properties["destination"]
        return str(destination["serviceResourceId"]).lower() if self.properties["type"] == "PrivateEndpoint" else ""


@dataclass(frozen=True)
class Network:
    """The network of a stack.

    Attributes:
        closed: whether workspace, storage account, key vault and registry are closed to the internet, all alike.
        isolation: Azure's word for whom its managed network lets out to; None without a managed network.
        rules: the outbound rules of the managed network, in the order in which they are written.
        addresses: the internet addresses and ranges that are let in all the same.
    """

    closed: bool = False
    isolation: str | None = None
    rules: tuple[Rule, ...] = ()
    addresses: tuple[str, ...] = ()

    def own(self, ids: Iterable[str]) -> Iterator[tuple[int, str]]:
        """The rules for private endpoints that Azure makes by itself, and refuses from others.

        Args:
            ids: of the workspace and what it stands on.

        Returns:
            The number of each such rule, and what it leads to.
        """
        known = {id_.lower(): id_ for id_ in ids}
        for number, rule in enumerate(self.rules):
            if rule.target in known:
                found = scopes.parse(known[rule.target])
                yield number, f"{resource_type(found.type or '').called()} `{found.name}`"


PUBLIC = Network()


def rule_resource_name(rule: str, component: str = OUTBOUND_NAME) -> str:
    """Logical name of an outbound rule inside its component."""
    return f"{component}-{rule}"


def planned(network: Network, workspace_id: str) -> Iterator[Planned]:
    """The resources of a stack's network, in the order in which they are made."""
    for rule in network.rules:
        id_ = f"{workspace_id}/outboundRules/{rule.name}"
        yield Planned(token_of(RULE), rule_resource_name(rule.name), OUTBOUND, OUTBOUND_NAME, id_)
