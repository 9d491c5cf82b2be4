"""The settings of one compute cluster."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from azmlflow.infra.settings.computes.compute import ComputeSettings
from azmlflow.infra.settings.faults import refuse
from azmlflow.resourcetypes.bounds import MOST_NODES


class ClusterSettings(ComputeSettings):
    """One compute cluster."""

    # Azure publishes no bound on the idle time, a week is ours; and a cluster of no nodes would run nothing.
    min_nodes: int = Field(
        0, description="Nodes kept running when idle; 0 costs nothing.", ge=0, le=MOST_NODES, examples=[0]
    )
    max_nodes: int = Field(
        4, description="Most nodes at a time.", ge=1, le=MOST_NODES, validate_default=True, examples=[4]
    )
    idle_seconds: int = Field(
        300, description="Seconds that an idle node waits before it is released.", ge=1, le=604_800, examples=[300]
    )
    priority: Literal["Dedicated", "LowPriority"] = Field(
        "Dedicated",
        description="LowPriority nodes cost less, and Azure may take them back at any time.",
        examples=["Dedicated"],
    )

    @field_validator("max_nodes")
    @classmethod
    def _order(cls, value: int, info: ValidationInfo) -> int:
        least = info.data.get("min_nodes")
        if least is not None and least > value:
            raise refuse(f"{value} is below minNodes, which is {least}", str(least))
        return value
