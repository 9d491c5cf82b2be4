"""The mode `closed`: all is closed to the internet, and nothing of a network is made: whoever runs the networks makes
the private endpoints, as in companies where they are a team's of their own.

Source: Microsoft, "Configure a private endpoint for an Azure Machine Learning workspace": a workspace without public
network access is reached by private endpoints alone, whoever makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azmlflow.infra.settings.computes.compute import ComputeSettings
from azmlflow.infra.settings.faults import refuse
from azmlflow.infra.settings.network.modes.mode import Mode, Said


def _check_compute(compute: ComputeSettings, _network: Said, where: str) -> None:
    if not compute.subnet:
        raise refuse(
            f"{compute.name} has no subnet: in mode closed it reaches workspace and storage account from a subnet of "
            "yours alone, whose network has private endpoints to them",
            fix=f"azmlflow set '{where}.subnet' SUBNET_ID",
        )


def _described(properties: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return {} if properties.get("publicNetworkAccess") == "Disabled" else None


CLOSED = Mode(
    "closed",
    "all of them are closed to the internet, and nothing of a network is made: the private endpoints to them are made "
    "by somebody else",
    public_ip=False,
    way_in="people come by private endpoints that somebody else makes",
    check_compute=_check_compute,
    described=_described,
)
