"""The mode `publicIps`: some addresses of the internet are let in, and nobody else.

Source: Microsoft, "Configure a private endpoint for an Azure Machine Learning workspace", "Enable public access only
from internet IP ranges"; "Secure an Azure Machine Learning training environment", "No public IP".
"""

from __future__ import annotations

from azmlflow.infra.settings.computes.compute import ComputeSettings
from azmlflow.infra.settings.faults import refuse
from azmlflow.infra.settings.network.modes.mode import Mode, Said


def _check(network: Said) -> None:
    if not network.allowed_ips:
        raise refuse(
            "in mode publicIps nobody but allowedIps is let in, and there are none",
            fix="azmlflow set network '{mode: publicIps, allowedIps: [198.51.100.7]}'",
        )


def _check_compute(compute: ComputeSettings, _network: Said, _where: str) -> None:
    if not (compute.subnet and compute.public_ip):
        raise refuse(
            f"{compute.name}: in mode publicIps its nodes reach neither workspace nor storage account, unless they "
            "have public IP addresses and a subnet that lets them out by one of network.allowedIps; else there is "
            "mode managed"
        )


PUBLIC_IPS = Mode(
    "publicIps",
    "all of them answer `allowedIps` alone",
    keys=("allowed_ips",),
    serves_not="lets in some addresses alone, and Azure opens an endpoint to everybody or to private endpoints: take "
    "mode managed or own",
    check=_check,
    check_compute=_check_compute,
)
