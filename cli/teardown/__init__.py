"""Removal, as one visible list of steps (`steps`): of a stack, of a group that no stack owns, of many side by side.

Whose a thing is, is told in `ownership`, what is there in `inventory`, what goes and what forbids it in `plan`. The
steps on a group are in `group`, those that only a stack has in `stack`. What people type is in `commands`.
"""

from azmlflow.cli.teardown.ownership import Limits, Owner
from azmlflow.cli.teardown.plan import plan_group
from azmlflow.cli.teardown.removal import Left, Progress, Removal
from azmlflow.cli.teardown.steps import overdue, remove_group

__all__ = ["Left", "Limits", "Owner", "Progress", "Removal", "overdue", "plan_group", "remove_group"]
