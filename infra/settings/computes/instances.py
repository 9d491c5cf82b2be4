"""The settings of one compute instance: a machine for one person, which stops when it is idle."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from azmlflow.infra.settings.computes.compute import ComputeSettings
from azmlflow.infra.settings.computes.schedules import ScheduleSettings
from azmlflow.infra.settings.faults import refuse
from azmlflow.infra.settings.fields import ObjectId, Sent
from azmlflow.resourcetypes.bounds import LONGEST_IDLE, MOST_SCHEDULES, SHORTEST_IDLE


class InstanceSettings(ComputeSettings):
    """One compute instance. Idle time and schedules change at any time; all else makes it anew, with its disk."""

    owner: ObjectId | None = Field(
        None,
        description="Object id of whom it is for, who alone works on it. Default: whoever makes it.",
        examples=["00000000-0000-4000-8000-000000000000"],
    )
    owner_tenant: ObjectId | None = Field(
        None,
        description="The owner's tenant. Default: the subscription's.",
        examples=["00000000-0000-4000-8000-000000000000"],
    )
    idle_minutes: Annotated[int, Sent("idleTimeBeforeShutdown", "M")] = Field(
        60,
        description="Minutes without work after which it stops; stopped, it costs its disk and its address.",
        ge=SHORTEST_IDLE,
        le=LONGEST_IDLE,
        examples=[60],
    )
    schedules: tuple[ScheduleSettings, ...] = Field((), description="When it starts and stops by the clock.")
    setup_script: str | None = Field(
        None,
        description="Shell script that is run once, as root, when it is made; no place for secrets. For another owner, "
        "Azure then leaves single sign-on off, until the owner switches it on.",
        examples=["pip install mlflow"],
    )

    @field_validator("identity")
    @classmethod
    def _stops(cls, value: str) -> str:
        # Microsoft, "Create an Azure Machine Learning compute instance", "Assign managed identity".
        if value == "system":
            raise refuse(
                "an instance stops when idle only if its identity is Contributor of the workspace, which one that is "
                "made with it cannot be yet; give user-assigned ones, as identities",
                "none",
            )
        return value

    @field_validator("owner_tenant")
    @classmethod
    def _tenant(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and "owner" in info.data and info.data["owner"] is None:
            raise refuse("there is a tenant of an owner, but no owner")
        return value

    @field_validator("schedules")
    @classmethod
    def _few(cls, value: tuple[ScheduleSettings, ...]) -> tuple[ScheduleSettings, ...]:
        if len(value) > MOST_SCHEDULES:
            raise refuse(f"{len(value)} schedules are more than the {MOST_SCHEDULES} that Azure takes")
        return value
