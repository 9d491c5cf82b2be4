"""What a question is: asked of a situation with what the error's text named, answered by a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from azmlflow.cli.azure.addresses import WITH_FIREWALL
from azmlflow.cli.checks import Situation

NOT_STANDING = "the stack's workspace does not stand"
# What the text named: client, action, scope, ...; `as` is the principal of `--as`.
Named = Mapping[str, str]


@dataclass(frozen=True)
class Verdict:
    """What the stack says to a cause.

    Attributes:
        confirmed: it is so; False where it is not (any more); None where that cannot be told.
        says: what was found, in one sentence.
        next: the command to type, where the record's own can be said better.
    """

    confirmed: bool | None
    says: str
    next: str = ""


Question = Callable[[Situation, Named], Verdict]


def workspace(situation: Situation) -> Mapping[str, Any] | None:
    """The stack's workspace, as Azure has it now; None where it does not stand."""
    id_ = str(situation.outputs["workspaceId"])
    return situation.arm.get(id_, version=WITH_FIREWALL) if situation.stands else None


def behind(situation: Situation, member: str) -> str:
    """ARM id of what the workspace stands on; empty where it is not known.

    Args:
        situation: the stack.
        member: the workspace's property that names it, such as `storageAccount`.
    """
    return str(((workspace(situation) or {}).get("properties") or {}).get(member) or "")
