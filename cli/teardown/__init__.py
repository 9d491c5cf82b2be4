"""Ordered removal: whose it is (`ownership`), what is there (`inventory`), one group (`group`), a stack (`steps`)."""

from azmlflow.cli.teardown.group import Removal, overdue, remove_group
from azmlflow.cli.teardown.outcome import Left, OnProgress, Progress, Report
from azmlflow.cli.teardown.ownership import Owner
from azmlflow.cli.teardown.plan import GroupPlan, Limits, Refusal, plan_group

__all__ = [
    "GroupPlan",
    "Left",
    "Limits",
    "OnProgress",
    "Owner",
    "Progress",
    "Refusal",
    "Removal",
    "Report",
    "overdue",
    "plan_group",
    "remove_group",
]
