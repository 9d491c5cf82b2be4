"""What of the other settings goes with a network, and what it makes of the computes.

Source: Microsoft, "Workspace managed virtual network isolation"; "Secure an Azure Machine Learning training
environment", "No public IP". What Azure refuses is refused here, with the reason and the nearest that works.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from azmlflow.infra.settings.computes.compute import ComputeSettings
from azmlflow.infra.settings.faults import refuse
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
    closed = network is not None and network.network().closed
    if network is not None and closed and registry.startswith("/"):
        raise refuse(
            f"network.mode {network.mode} closes the registry too, and one that somebody else made is not changed",
            "own",
        )
    if network is not None and closed and registry == "none":
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
    managed = network is not None and network.mode == "managed"
    for number, each in enumerate(computes):
        if managed and each.subnet:
            raise refuse(
                f"{each.name} has a subnet, and in a managed network Azure takes no compute with a subnet of its own",
                fix=f"azmlflow set --unset '{key}[{number}].subnet'",
            )
        if network is not None and not managed and not each.public_ip and not each.subnet:
            raise refuse(
                f"{each.name}: without public IP addresses its nodes reach nothing unless they are in a subnet, or the "
                "network is managed",
                fix=f"azmlflow set '{key}[{number}].publicIp' true",
            )


def fitted(compute: Compute, network: NetworkSettings) -> Compute:
    """A compute as it is made in a network: in a closed one without public addresses, unless its settings say so."""
    if network.network().closed and "public_ip" not in compute.model_fields_set:
        return compute.model_copy(update={"public_ip": False})
    return compute
