"""What a proof's findings mean: each step beside the evaluator's verdict, what is missing, and who has it. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from azmlflow.rbac.evaluate import Verdict, evaluate
from azmlflow.rbac.facts import Facts
from azmlflow.rbac.operations import WORKSPACE
from azmlflow.rbac.report.access import find_operation
from azmlflow.rbac.roles import least_persona


@dataclass(frozen=True)
class Finding:
    """One step.

    Attributes:
        step: its name.
        operation: the operation that it is, or is a part of.
        outcome: what happened: `done`, `refused`, `unrefused` (let through, with nothing there to do it on), `stopped`
            (let through, and something else than access stood in the way), `untried` (nothing here to try it on),
            `error`.
        message: what the client said, if it raised.
        verdict: what the role assignments say; None where they may not be read.
        missing: the actions that they do not grant.
        persona: the least persona that has all of the step's actions; None if none has.
    """

    step: str
    operation: str
    outcome: str
    message: str
    verdict: Verdict | None
    missing: tuple[str, ...]
    persona: str | None

    @property
    def passed(self) -> bool:
        """Whether the principal could do it."""
        return self.outcome in ("done", "unrefused", "stopped")

    @property
    def differs(self) -> bool:
        """Whether Azure did other than the role assignments say; `unknown` says nothing."""
        if self.outcome in ("error", "untried"):
            return False
        return self.verdict == ("refused" if self.passed else "allowed")

    def document(self) -> dict[str, Any]:
        """The step as `--output json` has it."""
        return {
            "step": self.step,
            "operation": self.operation,
            "outcome": self.outcome,
            "pass": self.passed,
            "verdict": self.verdict,
            "differs": self.differs,
            "missing": list(self.missing),
            "persona": self.persona,
            "message": self.message,
        }


def judge(told: Mapping[str, Any], principal_id: str, workspace_id: str, facts: Facts | None) -> Finding:
    """A step's line from the proof, beside the verdict on its actions: all are needed.

    Raises:
        UnknownOperation: the proof names an operation that there is not.
    """
    own = tuple(f"{WORKSPACE}/{action}" for action in told["actions"])
    wanted = own or find_operation(told["operation"]).actions
    scope = workspace_id + told["at"]
    verdict: Verdict | None = None
    missing: tuple[str, ...] = ()
    if facts is not None:
        decisions = [evaluate(principal_id, action, scope, facts) for action in wanted]
        missing = tuple(decision.action for decision in decisions if not decision.allowed)
        verdicts = {decision.verdict for decision in decisions}
        verdict = next(each for each in ("refused", "unknown", "allowed") if each in verdicts)
    elif told["outcome"] == "refused":
        # Azure names the one action at which it stopped.
        missing = tuple(action for action in wanted if f"'{action}'" in told["message"]) or wanted
    return Finding(
        told["step"], told["operation"], told["outcome"], told["message"], verdict, missing, least_persona(wanted)
    )


def line(finding: Finding, principal: str, stack: str) -> str:
    """A step on the screen."""
    mark = "pass" if finding.passed else finding.outcome
    text = f"  {mark:<9}{finding.step:<20}"
    if finding.outcome == "refused":
        needs = ", ".join(action.removeprefix("Microsoft.MachineLearningServices/") for action in finding.missing)
        expected = "as expected: " if finding.verdict == "refused" else ""
        text += f"{expected}it needs {needs or finding.operation}; {remedy(finding, principal, stack)}"
    elif finding.outcome == "unrefused":
        text += "let through; there was nothing of its own to do it on"
    elif finding.outcome == "stopped":
        text += f"let through, and stopped by something else than access: {_first(finding.message)}"
    elif finding.outcome in ("error", "untried"):
        text += _first(finding.message) or "unknown error"
    if finding.differs:
        text += f"\n        DIFFERS: by the role assignments this is {finding.verdict}"
    return text.rstrip()


def _first(message: str) -> str:
    return message.splitlines()[0] if message else ""


def remedy(finding: Finding, principal: str, stack: str) -> str:
    """The command that would grant what is missing."""
    if finding.persona is None:
        return "no persona has it, Contributor and Owner do"
    command = shlex.join(["azmlflow", "grant", principal, finding.persona, "--stack", stack])
    return f"{finding.persona} has it: `{command}`"


def summary(findings: Iterable[Finding]) -> str:
    """The last line: how the proof and the role assignments go together."""
    steps = tuple(findings)
    differing = [finding.step for finding in steps if finding.differs]
    broken = [finding.step for finding in steps if finding.outcome == "error"]
    untried = [finding.step for finding in steps if finding.outcome == "untried"]
    passed = sum(finding.passed for finding in steps)
    refused = sum(finding.outcome == "refused" for finding in steps)
    text = f"{passed} of {len(steps)} steps pass" + (f", {refused} refused" if refused else "")
    if broken:
        text += f"; without a verdict because of an error: {', '.join(broken)}"
    if untried:
        text += f"; not tried: {', '.join(untried)}"
    if all(finding.verdict is None for finding in steps):
        return f"{text}; the role assignments may not be read by who is signed in, so there is nothing to compare with"
    if differing:
        return f"{text}; DIFFERENT from the role assignments: {', '.join(differing)} (changes take up to ten minutes)"
    unsure = [finding.step for finding in steps if finding.verdict == "unknown"]
    if unsure:
        text += f"; the role assignments leave open: {', '.join(unsure)}"
    return f"{text}, as the role assignments say"
