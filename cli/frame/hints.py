"""Commands as they are told: typed where they are read, for the stack that was meant."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from azmlflow.cli.frame.words import lasting

# Microsoft, "Throttling Resource Manager requests": counted by the minute and the hour, for each principal.
THROTTLED = "wait a few minutes, then type the command again: it goes on from here (Azure limits requests)"
_ASKED = re.compile(r"asks us to wait (\d+) seconds")

_BETWEEN = re.compile(r"(, then |, or | && |; | {4}\(.*$)", re.DOTALL)
_BEGIN = re.compile(r"(^\s*|next: |`|, or |, then |&& |\$\()azmlflow (?!-C )", re.MULTILINE)
_AZ = re.compile(r"(?:(.+): )?(az (?!login).+)", re.DOTALL)
_NAMED = re.compile(r" (--stack|-s)\b")


def as_typed(command: str, stack: str, *, name: bool, local: bool) -> str:
    """A command for people, which says the stack where another would be meant.

    Args:
        command: one command or several, with a note behind four spaces.
        stack: the stack.
        name: bare commands would mean another one.
        local: it is on the embedded Azure, which `az` knows under `azmlflow run` only; after words and a colon the
            line stays, and the words say so.
    """
    return "".join(_one(each, stack, name, local) for each in _BETWEEN.split(command))


def from_anywhere(text: str, folder: Path) -> str:
    """A text whose commands of azmlflow's say which project is meant: one that the current folder need not be in."""
    return _BEGIN.sub(lambda found: f"{found[1]}azmlflow -C {shlex.quote(str(folder))} ", text)


def throttled(message: str) -> str:
    """What to do where Azure limits requests: to wait as long as it says, if it says so."""
    found = _ASKED.search(message)
    return THROTTLED.replace("a few minutes", lasting(float(found[1]))) if found else THROTTLED


def with_engine(command: str, stack: str) -> str:
    """A command of Pulumi's own, in a shell that has the stack's engine on PATH, and its backend and secrets."""
    return f'(eval "$(azmlflow env --engine --stack {stack})" && {command})'


def _one(piece: str, stack: str, name: bool, local: bool) -> str:
    under = " ".join(("azmlflow", "run", "--without-stack", *(("--stack", stack) if name else ()), "--"))
    if local and (found := _AZ.fullmatch(piece)):
        words, line = found.groups()
        return f"{words}, behind `{under}`: {line}" if words else f"{under} {line}"
    plain = piece.startswith("azmlflow ") and not piece.startswith("azmlflow init") and "--help" not in piece
    if not (name and plain) or _NAMED.search(piece):
        return piece
    words, dashes, rest = piece.partition(" -- ")
    return f"{words} --stack {stack}{dashes}{rest}"
