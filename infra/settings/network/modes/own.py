"""The mode `own`: all is closed to the internet, and people come by private endpoints in a network of one's own.

Source: Microsoft, "Configure a private endpoint for an Azure Machine Learning workspace", "Secure workspace resources
with virtual networks".
"""

from __future__ import annotations

from azmlflow.infra.settings.computes.compute import ComputeSettings
from azmlflow.infra.settings.faults import refuse
from azmlflow.infra.settings.network import places
from azmlflow.infra.settings.network.modes.mode import Mode, Said


def _check(network: Said) -> None:
    yours = [places.is_id(network.endpoints), places.is_id(network.computes)]
    if not any(yours):
        places.divided(network.address_range, network.endpoints, network.computes)
    elif not yours[0] or (network.computes and not yours[1]):
        raise refuse("endpoints and computes are both ARM ids of subnets of yours, or both ranges of one that is made")
    elif "address_range" in network.model_fields_set:
        raise refuse("with subnets of yours no network is made: take addressRange out")


def _check_compute(compute: ComputeSettings, network: Said, _where: str) -> None:
    if not (compute.subnet or network.has_subnet()):
        raise refuse(f"{compute.name} has no subnet: say network.computes, or a subnet of its own")


OWN = Mode(
    "own",
    "all of them are closed to the internet, and computes are in a network of yours, or one that is made",
    keys=("outbound", "address_range", "endpoints", "computes", "dns", "zones"),
    makes=True,
    public_ip=False,
    check=_check,
    check_compute=_check_compute,
)
