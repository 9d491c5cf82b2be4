"""OData `$filter` as far as ARM's and Graph's clients use it: clauses joined by `and`.

    filter = clause *( "and" clause )
    clause = name "eq" value | function "(" [ name "," ] [ value ] ")"
    value  = "'" text with '' for ' "'" | word

Source: the filters that Azure's documentation lists for role assignments and definitions, resources, and Graph's users,
groups and service principals; anything else is refused rather than ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from azmlflow.localazure.errors import bad_request

_VALUE = r"'(?P<{0}>(?:[^']|'')*)'|(?P<{0}w>[A-Za-z0-9.:-]+)"
_CLAUSE = re.compile(
    r"\s*(?:"
    rf"(?P<name>[A-Za-z/]+)\s+eq\s+(?:{_VALUE.format('value')})"
    rf"|(?P<function>[A-Za-z]+)\(\s*(?:(?P<field>[A-Za-z/]+)\s*,\s*)?(?:{_VALUE.format('argument')})?\s*\)"
    r")\s*",
    re.IGNORECASE,
)
_AND = re.compile(r"and\b", re.IGNORECASE)


@dataclass(frozen=True)
class Clause:
    """One condition.

    Attributes:
        operator: `eq`, or a function's name in lower case (`atscope()` is `atscope`).
        name: the property it is about, as written; "" if the function takes none.
        value: the value it is compared with; "" if none.
    """

    operator: str
    name: str
    value: str


def parse(text: str | None, allowed: tuple[str, ...]) -> tuple[Clause, ...]:
    """The clauses of a `$filter`.

    Args:
        text: the filter; None or empty for none.
        allowed: what may be filtered by: `name` for `name eq`, `startswith(name)`, `atscope()`; lower case.

    Raises:
        AzureError: 400 `InvalidFilter`, it cannot be read or filters by something else.
    """
    clauses: list[Clause] = []
    rest = text or ""
    while rest.strip():
        match = _CLAUSE.match(rest)
        if match is None:
            raise _refused(text, allowed)
        groups = match.groupdict()
        if groups["name"]:
            clause = Clause("eq", groups["name"], _text(groups, "value"))
            form = clause.name.lower()
        else:
            clause = Clause(groups["function"].lower(), groups["field"] or "", _text(groups, "argument"))
            form = f"{clause.operator}({clause.name.lower()})"
        if form not in allowed:
            raise _refused(text, allowed)
        clauses.append(clause)
        rest = rest[match.end() :]
        if rest:
            joint = _AND.match(rest)
            if joint is None or not rest[joint.end() :].strip():
                raise _refused(text, allowed)
            rest = rest[joint.end() :]
    return tuple(clauses)


def _text(groups: dict[str, str | None], name: str) -> str:
    quoted = groups[name]
    return quoted.replace("''", "'") if quoted is not None else groups[f"{name}w"] or ""


def _refused(text: str | None, allowed: tuple[str, ...]) -> Exception:
    return bad_request(
        "InvalidFilter", f"The filter '{text}' is not supported. What can be filtered by: {', '.join(allowed)}."
    )
