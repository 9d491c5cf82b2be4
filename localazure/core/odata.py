"""OData's `$filter`, and the numbers of `$top` and the like, as far as ARM's and Graph's clients use it.

    filter = term *( "or" term )
    term   = clause *( "and" clause )
    clause = name "eq" value | function "(" [ name "," ] [ value ] ")" | name "/any(" x ":" x "eq" value ")"
    value  = "'" text with '' for ' "'" | word

Source: the filters that Azure's documentation lists for role assignments and definitions, resources, and Graph's users,
groups and service principals; anything else is refused rather than ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from azmlflow.localazure.core.errors import bad_request

_VALUE = r"'(?P<{0}>(?:[^']|'')*)'|(?P<{0}w>[A-Za-z0-9.:-]+)"
_CLAUSE = re.compile(
    r"\s*(?:"
    rf"(?P<list>[A-Za-z]+)/any\(\s*(?P<each>\w+)\s*:\s*(?P=each)\s+eq\s+(?:{_VALUE.format('member')})\s*\)"
    rf"|(?P<name>[A-Za-z/]+)\s+eq\s+(?:{_VALUE.format('value')})"
    rf"|(?P<function>[A-Za-z]+)\(\s*(?:(?P<field>[A-Za-z/]+)\s*,\s*)?(?:{_VALUE.format('argument')})?\s*\)"
    r")\s*",
    re.IGNORECASE,
)
_JOINT = re.compile(r"(and|or)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Clause:
    """One condition.

    Attributes:
        operator: `eq`, `any`, or a function's name in lower case (`atscope()` is `atscope`).
        name: the property it is about, as written; "" if the function takes none.
        value: the value it is compared with; "" if none.
    """

    operator: str
    name: str
    value: str


def parse(text: str | None, allowed: tuple[str, ...]) -> tuple[Clause, ...]:
    """The clauses of a `$filter` that all have to hold.

    Args:
        text: the filter; None or empty for none.
        allowed: what may be filtered by, lower case: `name` for `name eq`, `startswith(name)`, `any(name)`,
            `atscope()`.

    Raises:
        AzureError: 400 `InvalidFilter`, it cannot be read, filters by something else, or says "or".
    """
    terms = alternatives(text, allowed)
    if len(terms) > 1:
        raise _refused(text, allowed)
    return terms[0]


def count(text: str) -> int | None:
    """The whole number from 0 on that a text is, of at most 18 digits; None of any other."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def alternatives(text: str | None, allowed: tuple[str, ...]) -> tuple[tuple[Clause, ...], ...]:
    """The terms of a `$filter` one of which must hold; an empty filter always holds. Otherwise as `parse`."""
    terms: list[list[Clause]] = [[]]
    rest = text or ""
    while rest.strip():
        match = _CLAUSE.match(rest)
        if match is None:
            raise _refused(text, allowed)
        form, clause = _clause(match.groupdict())
        if form not in allowed:
            raise _refused(text, allowed)
        terms[-1].append(clause)
        rest = rest[match.end() :]
        if rest:
            joint = _JOINT.match(rest)
            rest = rest[joint.end() :] if joint else rest
            if joint is None or not rest.strip():
                raise _refused(text, allowed)
            if joint.group(1).lower() == "or":
                terms.append([])
    return tuple(tuple(term) for term in terms)


def _clause(groups: dict[str, str | None]) -> tuple[str, Clause]:
    """What `allowed` calls a clause, and the clause."""
    if groups["list"]:
        return f"any({groups['list'].lower()})", Clause("any", groups["list"], _text(groups, "member"))
    if groups["name"]:
        return groups["name"].lower(), Clause("eq", groups["name"], _text(groups, "value"))
    operator, field = (groups["function"] or "").lower(), groups["field"] or ""
    return f"{operator}({field.lower()})", Clause(operator, field, _text(groups, "argument"))


def _text(groups: dict[str, str | None], name: str) -> str:
    quoted = groups[name]
    return quoted.replace("''", "'") if quoted is not None else groups[f"{name}w"] or ""


def _refused(text: str | None, allowed: tuple[str, ...]) -> Exception:
    return bad_request(
        "InvalidFilter", f"The filter '{text}' is not supported. What can be filtered by: {', '.join(allowed)}."
    )
