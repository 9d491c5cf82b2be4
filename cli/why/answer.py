"""From the records that fit a text to one answer: what the stack confirms goes before what it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from azmlflow.cli.checks import Situation
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.why.questions.base import Named, Verdict
from azmlflow.cli.why.reading import Recognised
from azmlflow.cli.why.record import STACK, Record

_MOST = 4  # records that are asked about: each costs a request or several
_CANNOT = "the stack cannot tell"


@dataclass(frozen=True)
class Answer:
    """Why, in three lines.

    Attributes:
        record: what the text was recognised as.
        cause: what went wrong.
        verdict: whether the stack bears it out.
        next: what to type.
    """

    record: Record
    cause: str
    verdict: Verdict
    next: str


def answer(recognised: Sequence[Recognised], situation: Situation | None, unasked: str, principal: str = "") -> Answer:
    """The answer that the stack confirms; else the first that it does not contradict; else the first.

    Args:
        recognised: what fits, at least one.
        situation: the stack; None where there is none to ask.
        unasked: why there is none.
        principal: who had the error, where its text does not say.
    """
    answers: list[Answer] = []
    for each in recognised[:_MOST]:
        verdict = _asked(each, situation, unasked, {**each.named, "as": principal})
        made = _made(each, verdict, situation)
        if verdict.confirmed:
            return made
        answers.append(made)
    return next((each for each in answers if each.verdict.confirmed is None), answers[0])


def _asked(each: Recognised, situation: Situation | None, unasked: str, named: Named) -> Verdict:
    if each.record.ask is None:
        return Verdict(None, _CANNOT)
    if situation is None:
        return Verdict(None, unasked)
    try:
        return each.record.ask(situation, named)
    except Exception as fault:
        from azmlflow.cli.project import report

        known: CliError | None = report.known(fault)
        if known is None:
            raise
        return Verdict(None, f"it could not be asked: {known.what}")


def _made(each: Recognised, verdict: Verdict, situation: Situation | None) -> Answer:
    words = {**each.named, STACK: situation.session.name if situation else "local"}
    words = {name: value or "..." for name, value in words.items()}
    record = each.record
    return Answer(record, record.cause.format(**words), verdict, verdict.next or record.next.format(**words))
