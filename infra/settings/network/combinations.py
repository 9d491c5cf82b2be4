"""What of the other settings goes with a network, and what it makes of the computes.

Source: Microsoft, "Workspace managed virtual network isolation"; "Secure an Azure Machine Learning training
environment", "No public IP". What Azure refuses is refused here, with the reason and the nearest that works.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network
from typing import Any, TypeVar

from azmlflow.infra.plan.private import Private
from azmlflow.infra.settings.computes.compute import ComputeSettings
from azmlflow.infra.settings.faults import refuse
from azmlflow.infra.settings.network.addresses import room
from azmlflow.infra.settings.network.network import NetworkSettings

Compute = TypeVar("Compute", bound=ComputeSettings)


def check_registry(network: NetworkSettings | None, registry: str) -> None:
    """Refuse a registry that does not go with a network.

    Args:
        network: the network's settings; None where they are at fault themselves.
        registry: the setting of this name.

    Raises:
        PydanticCustomError: with the reason and the nearest that works.
    """
    if network is not None and network.of_mode.closed and registry == "none":
        raise refuse(
            f"network.mode {network.mode} closes the registry too, and without one of the stack's own Azure makes one "
            "at the first image that is open to the internet",
            "own",
        )


def check_computes(network: NetworkSettings | None, computes: Iterable[ComputeSettings], key: str) -> None:
    """Refuse computes that do not go with a network.

    Args:
        network: the network's settings; None where they are at fault themselves.
        computes: the computes.
        key: the setting that lists them.

    Raises:
        PydanticCustomError: with the reason and the nearest that works.
    """
    if network is None:
        return
    for number, each in enumerate(computes):
        network.of_mode.check_compute(each, network, f"{key}[{number}]")


def check_room(network: NetworkSettings | None, computes: Iterable[ComputeSettings]) -> None:
    """Refuse more nodes than the subnet has addresses that is made for them; an instance is one.

    Raises:
        PydanticCustomError: with how many it has.
    """
    made = network.ranges() if network is not None else None
    if made is None:
        return
    left = room(IPv4Network(made[1]))
    nodes = sum(getattr(each, "max_nodes", 1) for each in computes if not each.subnet)
    if nodes > left:
        raise refuse(f"{nodes} nodes at most are more than the {left} addresses of network.computes {made[1]}")


def fitted(computes: Iterable[Compute], network: NetworkSettings, private: Private | None) -> tuple[Compute, ...]:
    """Computes as they are made in a network: in a closed one without public addresses, and in the network's subnet,
    unless their settings say otherwise.

    Args:
        computes: the computes.
        network: the network's settings.
        private: what of it is private, at its place.
    """
    public_ip = network.of_mode.public_ip
    given: dict[str, Any] = {} if public_ip is None else {"public_ip": public_ip}
    if private and private.computes_id:
        given["subnet"] = private.computes_id
    return tuple(
        each.model_copy(update={name: value for name, value in given.items() if name not in each.model_fields_set})
        for each in computes
    )
