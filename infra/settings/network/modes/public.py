"""The mode `public`: everybody who may sign in reaches all of it."""

from __future__ import annotations

from azmlflow.infra.settings.computes.compute import ComputeSettings
from azmlflow.infra.settings.faults import refuse
from azmlflow.infra.settings.network.modes.mode import Mode, Said


def _check_compute(compute: ComputeSettings, _network: Said, where: str) -> None:
    if not compute.public_ip:
        raise refuse(
            f"{compute.name}: without public IP addresses its nodes reach the workspace by a private endpoint alone, "
            "which network.mode own has; or there is mode managed",
            fix=f"azmlflow set '{where}.publicIp' true",
        )


PUBLIC = Mode(
    "public",
    "everybody who may sign in reaches workspace, storage account, key vault and registry",
    closed=False,
    check_compute=_check_compute,
)
