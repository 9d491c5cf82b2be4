"""The settings of one compute cluster."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from azmlflow.infra.settings.computes.compute import ComputeSettings
from azmlflow.infra.settings.faults import refuse
from azmlflow.infra.settings.fields import Sent
from azmlflow.resourcetypes.bounds import MOST_NODES


class ClusterSettings(ComputeSettings):
    """One compute cluster."""

    # Azure publishes no bound on the idle time, a week is ours; and a cluster of no nodes would run nothing.
    min_nodes: Annotated[int, Sent("scaleSettings.minNodeCount")] = Field(
        0, description="Nodes kept running when idle; 0 costs nothing.", ge=0, le=MOST_NODES, examples=[0]
    )
    max_nodes: Annotated[int, Sent("scaleSettings.maxNodeCount")] = Field(
        4, description="Most nodes at a time.", ge=1, le=MOST_NODES, validate_default=True, examples=[4]
    )
    idle_seconds: Annotated[int, Sent("scaleSettings.nodeIdleTimeBeforeScaleDown", "S")] = Field(
        300, description="Seconds that an idle node waits before it is released.", ge=1, le=604_800, examples=[300]
    )
    priority: Annotated[Literal["Dedicated", "LowPriority"], Sent("vmPriority", fixed=True)] = Field(
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
