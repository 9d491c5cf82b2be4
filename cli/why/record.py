"""What a record of the table is: how an error's text looks, what it means, what to ask, what to type.

Text is recognised with each run of white space as one blank, since terminals and logs break lines. A pattern is a
regular expression, without case; what its groups catch can be named in `cause` and `next`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from string import Formatter

from azmlflow.cli.why.questions.base import Question

STACK = "stack"  # can be named in `next` beside the groups


@dataclass(frozen=True)
class Record:
    """An error that is known. A fault in the record itself is found when it is declared.

    Attributes:
        name: short, unique: the heading in docs/troubleshooting.md.
        pattern: what the text is recognised by.
        cause: one sentence.
        next: the command to type, or what to change.
        source: the page that says so.
        example: the error, as its client prints it.
        ask: what the stack is asked; None where it cannot tell.
        seen: the client that was seen to print it against the embedded Azure, or by itself; empty where the text alone
            is known.
    """

    name: str
    pattern: str
    cause: str
    next: str
    source: str
    example: str
    ask: Question | None = None
    seen: str = ""

    def __post_init__(self) -> None:
        """Hold the record to itself.

        Raises:
            ValueError: its example is not recognised, or it names what its pattern does not catch.
        """
        if not self.expression.search(" ".join(self.example.split())):
            raise ValueError(f"record `{self.name}`: its pattern does not recognise its example")
        named = {field for text in (self.cause, self.next) for _, field, _, _ in Formatter().parse(text) if field}
        if lacking := named - set(self.expression.groupindex) - {STACK}:
            raise ValueError(f"record `{self.name}`: its pattern has no group {sorted(lacking)}")

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """The pattern, compiled."""
        return re.compile(self.pattern, re.IGNORECASE)
