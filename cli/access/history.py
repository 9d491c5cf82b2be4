"""Azure's activity log, asked for role assignments that were made and taken away (`rbac/report/changes.py`)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from azmlflow.cli.azure.errors import ArmError, Document, MalformedAnswer
from azmlflow.rbac.report import changes
from azmlflow.rbac.report.changes import History

if TYPE_CHECKING:
    from azmlflow.cli.azure.resource_manager import ResourceManager


def read(arm: ResourceManager, scope: str, now: datetime) -> History:
    """What was granted and taken away again at a scope, above it and below.

    Who may read the group's events alone is asked for no more than these. Where Azure refuses for another reason, that
    is told: what stands is known without them.

    Args:
        arm: Resource Manager.
        scope: ARM id of a resource in a group.
        now: the current instant.

    Raises:
        MalformedAnswer: what is answered is not Azure's.
    """
    for asked in changes.questions(scope, now):
        try:
            listed = arm.list(asked.path, {"$filter": asked.filter}, ids=False)
        except ArmError as fault:
            if fault.status != 403:
                return History((), None, fault=f"{fault.code}: {fault.message}")
            continue
        try:
            return changes.read(map(Document, listed), asked, scope)
        except changes.NoTime as fault:
            raise MalformedAnswer("an event's time is none", str(fault)) from None
    return History((), None)
