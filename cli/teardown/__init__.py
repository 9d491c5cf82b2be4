"""Removal, as one visible list of steps (`steps`): of a stack, of a group that no stack owns, of many side by side.

Whose a thing is, is told in `ownership`, what is there in `inventory`, what goes and what forbids it in `plan`. The
steps on a group are in `group`, those that only a stack has in `stack`. What people type is in `commands`.
"""

from azmlflow.cli.teardown.ownership import Owner
from azmlflow.cli.teardown.plan import GroupPlan, Limits, Refusal, plan_group
from azmlflow.cli.teardown.removal import Left, OnProgress, Progress, Removal, Report
from azmlflow.cli.teardown.steps import overdue, remove_group

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
