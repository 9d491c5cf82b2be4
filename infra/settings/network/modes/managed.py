"""The mode `managed`: all is closed to the internet, and computes are in a network that Azure keeps.

Source: Microsoft, "Workspace managed virtual network isolation".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azmlflow.infra.plan.networks import APPROVED, INTERNET
from azmlflow.infra.settings.computes.compute import ComputeSettings
from azmlflow.infra.settings.faults import refuse
from azmlflow.infra.settings.network import places
from azmlflow.infra.settings.network.modes.mode import Mode, Said

_OUTBOUND = {"internet": INTERNET, "approved": APPROVED}


def _check(network: Said) -> None:
    if network.endpoints and not places.is_id(network.endpoints):
        raise refuse("in mode managed no network is made: endpoints is the ARM id of a subnet of yours")
    if not network.endpoints and {"dns", "zones"} & network.model_fields_set:
        raise refuse("dns and zones are of private endpoints, and there are none: say endpoints, a subnet's ARM id")


def _check_compute(compute: ComputeSettings, _network: Said, where: str) -> None:
    if compute.subnet:
        raise refuse(
            f"{compute.name} has a subnet, and in a managed network Azure takes no compute with a subnet of its own",
            fix=f"azmlflow set --unset '{where}.subnet'",
        )


def _described(properties: Mapping[str, Any]) -> Mapping[str, Any] | None:
    isolation = (properties.get("managedNetwork") or {}).get("isolationMode")
    return next(({"outbound": ours} for ours, azures in _OUTBOUND.items() if azures == isolation), None)


MANAGED = Mode(
    "managed",
    "all of them are closed to the internet, and computes are in a network that Azure keeps for the workspace, for "
    "good: it cannot be taken away again",
    keys=("outbound", "rules", "endpoints", "dns", "zones"),
    public_ip=False,
    isolation=lambda network: _OUTBOUND[network.outbound],
    check=_check,
    check_compute=_check_compute,
    described=_described,
)
