"""Questions that are checks of `azmlflow doctor`: what a check finds fault with confirms the cause."""

from __future__ import annotations

from azmlflow.cli.checks import CHECKS, Situation, doctor
from azmlflow.cli.why.questions.base import Named, Question, Verdict

_CONFIRMED = {"failed": True, "warning": True, "ok": False, "skipped": None}


def of_check(name: str) -> Question:
    """The question that a check asks.

    Args:
        name: of one of `CHECKS`.
    """
    check = next(each for each in CHECKS if each.name == name)

    def ask(situation: Situation, _named: Named) -> Verdict:
        (answer,) = doctor.examine(situation, (check,))
        return Verdict(_CONFIRMED[answer.finding.status], answer.finding.says, answer.fix)

    return ask
