"""What Azure refuses of a network at its place: subscription and names, which the settings do not say, are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from azmlflow.infra.plan.networks import Network
from azmlflow.infra.plan.private import Private
from azmlflow.infra.settings.faults import Fault, SettingsError
from azmlflow.infra.settings.namespace import NAMESPACE
from azmlflow.rbac import scopes


def check(network: Network, private: Private | None, ids: Iterable[str]) -> None:
    """Refuse a network that does not go with its place.

    Args:
        network: the stack's.
        private: what of it is private; None for nothing.
        ids: of the workspace and what it stands on.

    Raises:
        SettingsError: naming each fault.
    """
    faults = (*_own_endpoints(network, ids), *(_elsewhere(private) if private else ()))
    if faults:
        raise SettingsError(faults)


def _own_endpoints(network: Network, ids: Iterable[str]) -> Iterator[Fault]:
    for number, called in network.own(ids):
        yield _fault(
            f"rules[{number}].privateEndpoint",
            f"leads to the stack's own {called}: Azure makes that private endpoint by itself, and refuses another",
            "take this rule out",
        )


def _elsewhere(private: Private) -> Iterator[Fault]:
    """Azure puts an endpoint where its network is (Microsoft, "What is a private endpoint?"), and computes into
    networks of the workspace's subscription alone."""
    here = private.group.split("/")[2].lower()
    for key, id_ in (("endpoints", private.endpoints_id), ("computes", private.computes_id)):
        if id_ and str(scopes.parse(id_).subscription).lower() != here:
            told = "is a subnet of another subscription: endpoints and computes are in networks of the stack's own"
            yield _fault(key, told, "name a subnet of this subscription")
    for number, id_ in enumerate(private.given.values()):
        if private.made and str(scopes.parse(id_).subscription).lower() != here:
            told = "is of another subscription, whose owner has to link it to the network that is made here"
            yield _fault(
                f"zones[{number}]", told, "name subnets of yours, whose network is linked, or take the zone out"
            )


def _fault(key: str, what: str, how: str) -> Fault:
    where = f"{NAMESPACE}:network"
    return Fault(f"{where}.{key}", what, f"edit {where} in Pulumi.<stack>.yaml: {how}, then azmlflow up")
