"""Asks checks side by side, does the safe fixes, and stops an `up` that could not succeed.

A check's own fault is an answer too: it never keeps the others from answering.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from azmlflow.cli.checks import CHECKS, Check, Finding, Situation
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.session.session import Session
from azmlflow.rbac.live.pool import Pool

_AT_ONCE = 8


@dataclass(frozen=True)
class Answer:
    """A check and what it found."""

    check: Check
    finding: Finding
    session: Session

    @property
    def fix(self) -> str:
        """The command to type; empty where nothing is to be done."""
        if self.finding.status in {"ok", "skipped"}:
            return ""
        fix = self.finding.fix or self.check.fix.format(stack=self.session.name)
        return self.session.invocation.as_typed(fix)

    def document(self) -> dict[str, object]:
        """As `--output json` prints it."""
        return {
            "name": self.check.name,
            "question": self.check.question,
            "status": self.finding.status,
            "says": self.finding.says,
            "fix": self.fix or None,
            "safe": self.check.safe is not None,
        }


def examine(situation: Situation, checks: Sequence[Check] = CHECKS) -> tuple[Answer, ...]:
    """Ask the checks: those that come first one after the other, and, unless one of them fails, the rest side by side.

    The answers come in the checks' order.
    """
    found: dict[str, Finding] = {}
    cause = ""
    for check in checks:
        if check.first:
            found[check.name] = Finding("skipped", cause) if cause else _found(check, situation)
            if found[check.name].status == "failed":
                cause = f"not asked: it needs `{check.name}`"
    if cause:
        found |= {check.name: Finding("skipped", cause) for check in checks if check.cloud and not check.first}
    rest = [check for check in checks if check.name not in found]
    if not situation.unreachable and any(check.cloud for check in rest):
        situation.arm.load(subscriptions=True)
    with Pool(_AT_ONCE, "check") as pool:
        findings = pool.map(lambda check: _found(check, situation), rest)
        found |= {check.name: finding for check, finding in zip(rest, findings, strict=True)}
    return tuple(Answer(check, found[check.name], situation.session) for check in checks)


def _found(check: Check, situation: Situation) -> Finding:
    if check.cloud and (why := situation.unreachable):
        return Finding("failed", f"the cloud cannot be asked: {why.what}", why.next or "")
    try:
        return check.ask(situation)
    except Exception as fault:  # noqa: BLE001 - one check's fault must not hide what the others found
        from azmlflow.cli.azure.errors import ArmError
        from azmlflow.cli.project import report

        if isinstance(fault, ArmError) and fault.status == 403:
            return Finding("skipped", f"you may not look: {fault.message}")
        known = report.known(fault) or report.unexpected(fault)
        return Finding("failed", known.what, known.next or "")


def repair(situation: Situation, answers: Iterable[Answer]) -> tuple[Answer, ...]:
    """Do the safe fixes of what is not well, and ask those checks again."""
    after: list[Answer] = []
    for answer in answers:
        safe = answer.check.safe
        if safe is None or answer.finding.status in {"ok", "skipped"}:
            after.append(answer)
            continue
        situation.session.invocation.say(f"fixing: {answer.check.name}")
        try:
            safe(situation)
        except Exception as fault:
            from azmlflow.cli.project import report

            known = report.known(fault)
            if known is None:
                raise
            told = f"{known.what}; next: {known.next}" if known.next else known.what
            situation.session.invocation.warn(f"{answer.check.name}: {told}")
        after += examine(situation, (answer.check,))
    return tuple(after)


def preflight(session: Session, outputs: Mapping[str, Any], again: Sequence[Check] = ()) -> None:
    """Before a stack's first `up`: stop what Azure would refuse, minutes from now, at once.

    A stack that stands has passed; asking again would only make each `up` slower.

    Args:
        session: the stack's.
        outputs: of the stack; none where it does not stand.
        again: what is asked of one that stands, too.

    Raises:
        CliError: a check failed.
    """
    asked = again if "workspaceName" in outputs else [check for check in CHECKS if check.preflight]
    if not asked:
        return
    situation = Situation(session, outputs, session.invocation.ports.environment)
    answers = examine(situation, asked)
    for answer in answers:
        if answer.finding.status == "warning":
            session.invocation.warn(f"{answer.check.name}: {answer.finding.says}")
    refuse(answers, session.name)


def refuse(answers: Sequence[Answer], stack: str) -> None:
    """Raise CliError if a check failed: what the first says, and its fix."""
    failed = [answer for answer in answers if answer.finding.status == "failed"]
    if not failed:
        return
    first, more = failed[0], len(failed) - 1
    others = f" (and {more} more: azmlflow doctor --stack {stack})" if more else ""
    raise CliError(
        f"{first.check.name}: {first.finding.says}{others}", next=first.fix or f"azmlflow doctor --stack {stack}"
    )
