"""The settings of when a compute instance starts and stops by the clock: by cron, or by recurrence.

Source: Microsoft, "Compute" (REST 2025-12-01): a schedule has the one or the other; a recurrence has hours and minutes.
That days of the month are not supported says azure-ai-ml (`RecurrencePattern`), which leaves them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from azmlflow.infra.settings.faults import nearest, refuse, repeated
from azmlflow.infra.settings.fields import SettingsModel
from azmlflow.resourcetypes.bounds import LONGEST_INTERVAL, is_cron
from azmlflow.resourcetypes.time_zones import TIME_ZONES

WeekDay = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


class RecurrenceSettings(SettingsModel):
    """How often something is done, and at which times of the day."""

    frequency: Literal["Minute", "Hour", "Day", "Week", "Month"] = Field(
        description="What is counted.", examples=["Week"]
    )
    interval: int = Field(
        1, description="Every how many of them, from when it was set.", ge=1, le=LONGEST_INTERVAL, examples=[1]
    )
    hours: tuple[int, ...] = Field(description="At which hours, 0 to 23.", min_length=1, examples=[[19]])
    minutes: tuple[int, ...] = Field(
        (0,), description="At which minutes of them, 0 to 59.", min_length=1, examples=[[0]]
    )
    week_days: tuple[WeekDay, ...] = Field(
        (), description="On which days; of the frequency Week alone.", examples=[["Monday", "Friday"]]
    )

    @field_validator("hours", "minutes")
    @classmethod
    def _on_the_clock(cls, value: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        most = 23 if info.field_name == "hours" else 59
        if wrong := next((each for each in value if not 0 <= each <= most), None):
            raise refuse(f"{wrong} is none of the {info.field_name}, which are 0 to {most}")
        if twice := repeated(map(str, value)):
            raise refuse(f"{twice} is there twice")
        return value

    @field_validator("week_days")
    @classmethod
    def _of_weeks(cls, value: tuple[WeekDay, ...], info: ValidationInfo) -> tuple[WeekDay, ...]:
        if value and info.data.get("frequency") not in (None, "Week"):
            raise refuse("belongs to the frequency Week")
        if twice := repeated(value):
            raise refuse(f"{twice} is there twice")
        return value

    def as_azure_has_it(self) -> dict[str, Any]:
        """The recurrence in a body of Resource Manager, without its time zone."""
        days = {"weekDays": list(self.week_days)} if self.week_days else {}
        times = {"hours": list(self.hours), "minutes": list(self.minutes), **days}
        return {"frequency": self.frequency, "interval": self.interval, "schedule": times}


class ScheduleSettings(SettingsModel):
    """When an instance starts or stops by the clock."""

    action: Literal["Start", "Stop"] = Field("Stop", description="What is done then.", examples=["Stop"])
    cron: str | None = Field(
        None,
        description="When, by minute, hour, day of the month, month and day of the week (0 is Sunday).",
        examples=["0 19 * * 1-5"],
    )
    recurrence: RecurrenceSettings | None = Field(
        None, description="When, in place of cron: how often, and at which times of the day."
    )
    time_zone: str = Field(
        "UTC",
        description="The time zone, by Windows' name. Azure's schedules know no summer time.",
        examples=["W. Europe Standard Time"],
        json_schema_extra={"enum": list(TIME_ZONES)},
    )

    @field_validator("cron")
    @classmethod
    def _cron(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not is_cron(value):
            raise refuse(
                f"'{value}' is not five fields of numbers, ranges such as 1-5, lists of them, or a star", "0 19 * * 1-5"
            )
        return " ".join(value.split())

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        known = {each.lower(): each for each in TIME_ZONES}
        if value.lower() in known:
            return known[value.lower()]
        near = nearest(value, TIME_ZONES)
        meant = f"; did you mean {near}?" if near else ", which takes Windows' names, such as W. Europe Standard Time"
        raise refuse(f"Azure knows no time zone '{value}'{meant}", near or "UTC")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.cron is None) is (self.recurrence is None):
            both = "both" if self.cron else "neither"
            raise refuse(f"a schedule goes by cron or by recurrence, and this one has {both}")
        return self

    def as_azure_has_it(self) -> Mapping[str, Any]:
        """The schedule in a body of Resource Manager."""
        if self.recurrence is not None:
            when = {"recurrence": {**self.recurrence.as_azure_has_it(), "timeZone": self.time_zone}}
        else:
            when = {"cron": {"expression": self.cron, "timeZone": self.time_zone}}
        kind = "Cron" if self.recurrence is None else "Recurrence"
        return {"action": self.action, "status": "Enabled", "triggerType": kind, **when}
