"""Whether a request from an origin arrives at an endpoint.

Sources: Microsoft, "Azure Private Endpoint DNS integration" (a name resolves to its private address where its zone is
linked to the network, and to the public one elsewhere; a linked zone without the record answers that there is no such
name), "Use private endpoints for Azure Storage", "Configure Azure Key Vault networking settings", "Configure a private
endpoint for an Azure Machine Learning workspace", "Workspace managed virtual network isolation".

Not known here, and so refused: peered networks, gateways to a network, and the internet address that a network goes
out with. What service tags stand for is not known either, but for those that a workspace cannot do without.
"""

from __future__ import annotations

from azmlflow.reach.records import Decision, Endpoint, Facts, Link, ManagedNetwork, Origin, Zone

GROUPS = {"workspace": "amlworkspace", "blob": "blob", "file": "file", "vault": "vault", "registry": "registry"}
# Service -> the private DNS zone of its names, and what stands in their place there.
ZONES = {
    "workspace": ("privatelink.api.azureml.ms", "api.azureml.ms"),
    "blob": ("privatelink.blob.core.windows.net", "blob.core.windows.net"),
    "file": ("privatelink.file.core.windows.net", "file.core.windows.net"),
    "vault": ("privatelink.vaultcore.azure.net", "vault.azure.net"),
    "registry": ("privatelink.azurecr.io", "azurecr.io"),
}
CALLED = {
    "workspace": "workspace", "blob": "storage account", "file": "storage account", "vault": "key vault",
    "registry": "container registry",
}  # fmt: skip


def decide(facts: Facts, origin: Origin, endpoint: Endpoint) -> Decision:
    """Whether a request from an origin arrives at an endpoint, with the reason and what would open it.

    Args:
        facts: the links, zones and managed networks that there are.
        origin: from where it comes.
        endpoint: where it is to arrive, with its firewall.
    """
    match origin.kind:
        case "internet":
            return _by_public(endpoint, origin.where, f"the internet address {origin.where}")
        case "network":
            return _from_network(facts, origin.where, endpoint)
        case "managed":
            return _from_managed(facts, origin.where, endpoint)


def _by_public(endpoint: Endpoint, address: str, called: str, more: str = "") -> Decision:
    """By the public endpoint; `address` is "" where nobody knows it."""
    what = f"{CALLED[endpoint.service]} {endpoint.name}"
    if not endpoint.is_public:
        return Decision(
            False, "refused", f"the public network access of {what} is disabled{more}", "network.mode: public"
        )
    if not endpoint.denies:
        return Decision(True, "public", f"the public endpoint of {what} answers everybody{more}")
    if address and endpoint.lets(address):
        return Decision(True, "public", f"the firewall of {what} has {address}")
    opens = f"network.allowedIps: [{address}]" if address else "network.mode: own"
    return Decision(False, "refused", f"the firewall of {what} does not have {called}{more}", opens)


def _from_network(facts: Facts, network: str, endpoint: Endpoint) -> Decision:
    what, name = f"{CALLED[endpoint.service]} {endpoint.name}", network.rpartition("/")[2]
    links = [each for each in facts.links if _leads(each, endpoint)]
    here = [each for each in links if _same(each.network, network)]
    zone = _zone(facts, network, endpoint)
    if zone is not None and links:
        found = _resolved(zone, endpoint)
        if found:
            link = next((each for each in here if set(each.addresses) & set(found)), None)
            if link is not None:
                return Decision(True, "private", f"by the private endpoint {link.id.rpartition('/')[2]} in {name}")
            return Decision(
                False,
                "unroutable",
                f"zone {zone.name} leads to {', '.join(found)}, which is no private endpoint of {what} in {name}",
                "network.mode: own",
            )
        if not any(_same(each, network) for each in zone.falling_back):
            return Decision(
                False,
                "unresolved",
                f"zone {zone.name}, linked to {name}, has no record for {endpoint.host}",
                "network.mode: own, which writes it",
            )
    if endpoint.is_public and any(_same(_network_of(each), network) for each in endpoint.subnets):
        return Decision(True, "public", f"the firewall of {what} has a subnet of {name}")
    more = ""
    if here:
        more = f"; there is a private endpoint in {name}, but no zone {ZONES[endpoint.service][0]} is linked to it"
    found_public = _by_public(endpoint, "", f"the addresses that {name} goes out with", more)
    if found_public.allowed:
        return found_public
    opens = "network.dns: zones" if here else "network.mode: own"
    return Decision(False, found_public.way, found_public.reason, opens)


def _from_managed(facts: Facts, workspace: str, endpoint: Endpoint) -> Decision:
    managed = next((each for each in facts.managed if _same(each.workspace, workspace)), None)
    what = f"{CALLED[endpoint.service]} {endpoint.name}"
    called = "the addresses that Azure's computes go out with"
    if managed is None or managed.mode.lower() == "disabled":
        return _by_public(endpoint, "", called)
    rule = next(
        (
            each
            for each in managed.rules
            if each.kind == "PrivateEndpoint"
            and _same(each.to, endpoint.resource_id)
            and each.group.lower() == GROUPS[endpoint.service]
        ),
        None,
    )
    if rule is not None and rule.is_active:
        return Decision(True, "private", f"by the managed network's private endpoint to {what}")
    if rule is not None:
        return Decision(
            False, "held", f"the managed network's private endpoint to {what} is not active yet", "azmlflow up"
        )
    if _lets_out(managed, endpoint):
        return _by_public(endpoint, "", called)
    return Decision(
        False,
        "held",
        f"the managed network lets out to what is approved alone, and no rule is for {endpoint.host}",
        "network.rules: [{privateEndpoint: <id>}]",
    )


def _lets_out(managed: ManagedNetwork, endpoint: Endpoint) -> bool:
    if managed.mode.lower() == "allowinternetoutbound":
        return True
    hosts = [each.to.lower() for each in managed.rules if each.kind == "FQDN" and each.is_active]
    return any(
        endpoint.host.lower() == each or (each.startswith("*.") and endpoint.host.lower().endswith(each[1:]))
        for each in hosts
    )


def _leads(link: Link, endpoint: Endpoint) -> bool:
    return (
        link.is_approved and link.group.lower() == GROUPS[endpoint.service] and _same(link.target, endpoint.resource_id)
    )


def _zone(facts: Facts, network: str, endpoint: Endpoint) -> Zone | None:
    name = ZONES[endpoint.service][0]
    found = (each for each in facts.zones if each.name.lower() == name)
    return next((each for each in found if any(_same(one, network) for one in each.networks)), None)


def _resolved(zone: Zone, endpoint: Endpoint) -> tuple[str, ...]:
    suffix = ZONES[endpoint.service][1]
    name = endpoint.host.lower().removesuffix(f".{suffix}")
    return next((found for each, found in zone.records.items() if each.lower() == name), ())


def _network_of(subnet: str) -> str:
    return subnet.rsplit("/", 2)[0]


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()
