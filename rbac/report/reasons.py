"""Why a principal may or may not do something, in words for people.

`azmlflow access --explain` says them, and the embedded Azure's log where it refuses a request: the same words.
"""

from __future__ import annotations

from collections.abc import Mapping

from azmlflow.rbac.evaluate import Decision, Verdict

MAY: Mapping[Verdict, str] = {"allowed": "may", "refused": "may not", "unknown": "may or may not (unknown)"}


def because(decision: Decision, principal_id: str, name: str) -> str:
    """What decided, in one sentence in which the principal has its name, and the action is `it`.

    Args:
        decision: the decision.
        principal_id: object id of who was asked about.
        name: what people call it.
    """
    return decision.reason.replace(principal_id.lower(), name).replace(decision.action, "it")


def sentence(decision: Decision, principal_id: str, name: str) -> str:
    """Who may or may not do what, and because of what. Arguments as of `because`."""
    return f"{name} {MAY[decision.verdict]} {decision.action}: {because(decision, principal_id, name)}"
