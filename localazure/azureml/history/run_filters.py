"""Filters and orders of `runs:query` and `experiments:query`, as azureml-core writes them.

    filter = term *( "or" term )
    term   = factor *( "and" factor )
    factor = "(" filter ")" | name operator value
    name   = a property of the run | "Tags/" key | "Properties/" key
    value  = "null" | '"' text '"' | text up to the next ")", " and " or " or "

azureml-core quotes the values of tags and properties only. That a tag is there it asks as "ne null or eq null": a tag
that is not there is neither.
Source: azureml-core 1.61, `_restclient/_odata`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from azmlflow.localazure.core.errors import AzureError, bad_request

Run = Mapping[str, Any]
Test = Callable[[Run], bool]
# No text can be read in two ways: else one that fits none is tried in all of them, for hours.
_COMPARISON = re.compile(
    r"\s*(?P<name>[^\s()]+)\s+(?P<operator>eq|ne|gt|ge|lt|le)\s+"
    r"(?:\"(?P<quoted>[^\"]*)\"\s*(?=\)|and\s|or\s|$)|(?P<value>[^\s)]*(?:\s+(?!(?:and|or)\s)[^\s)]+)*)\s*)"
)
_DEEPEST = 50  # parentheses within parentheses
_PROPERTIES = {
    name.lower(): name
    for name in ("runId", "rootRunId", "parentRunId", "status", "runType", "target", "createdUtc", "startTimeUtc",
                 "endTimeUtc", "displayName", "experimentId")
}  # fmt: skip
_MAPS = {"tags": "tags", "properties": "properties"}
_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
}


def parse(text: object, properties: Mapping[str, str] = _PROPERTIES) -> Test:
    """The test that a filter is.

    Args:
        text: the filter; None or empty for none.
        properties: what can be filtered by, in lower case, and as it is spelt; those of runs by default.

    Raises:
        AzureError: 400, it cannot be read, or asks for what they have not.
    """
    if text is not None and not isinstance(text, str):
        raise bad_request("UserError", f"A filter is a text; it is {text!r}.", target="filter")
    if not text or not text.strip():
        return lambda _run: True
    reader = _Reader(text, properties)
    test = reader.either()
    if not reader.at_end():
        raise reader.refused()
    return test


def order(runs: Iterable[Run], orderby: object) -> list[Run]:
    """Runs in the order that `orderby` says, e.g. "StartTimeUtc desc"; those without the property come last.

    Raises:
        AzureError: 400, it names what runs have not.
    """
    asked, _, direction = str(orderby or "StartTimeUtc desc").strip().partition(" ")
    name = _PROPERTIES.get(asked.lower())
    if name is None or direction.strip().lower() not in ("", "asc", "desc"):
        raise bad_request("UserError", f"Runs cannot be ordered by '{orderby}'.", target="orderby")
    known = sorted(runs, key=lambda run: str(run.get("runId")))
    there = [run for run in known if run.get(name) is not None]
    there.sort(key=lambda run: str(run[name]), reverse=direction.strip().lower() == "desc")
    return there + [run for run in known if run.get(name) is None]


class _Reader:
    """Reads one filter from left to right."""

    def __init__(self, text: str, properties: Mapping[str, str]) -> None:
        self._text, self._properties, self._at, self._depth = text, properties, 0, 0

    def at_end(self) -> bool:
        return not self._text[self._at :].strip()

    def refused(self) -> AzureError:
        return bad_request("UserError", f"The filter '{self._text}' cannot be understood.", target="filter")

    def either(self) -> Test:
        tests = [self._both()]
        while self._take("or"):
            tests.append(self._both())
        return lambda run: any(test(run) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._take("and"):
            tests.append(self._one())
        return lambda run: all(test(run) for test in tests)

    def _one(self) -> Test:
        if self._take(r"\("):
            self._depth += 1
            if self._depth > _DEEPEST:
                raise self.refused()
            test = self.either()
            self._depth -= 1
            if not self._take(r"\)"):
                raise self.refused()
            return test
        found = _COMPARISON.match(self._text, self._at)
        if found is None:
            raise self.refused()
        self._at = found.end()
        value = found["value"] if found["quoted"] is None else found["quoted"]
        known = _comparison(found["name"], found["operator"], value, self._properties)
        return known or self._unknown(found["name"])

    def _unknown(self, name: str) -> Test:
        raise bad_request("UserError", f"What is asked for cannot be filtered by '{name}'.", target="filter")

    def _take(self, word: str) -> bool:
        found = re.compile(rf"\s*{word}(?![\w/])" if word.isalpha() else rf"\s*{word}").match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return found is not None


def _comparison(name: str, operator: str, value: str, properties: Mapping[str, str]) -> Test | None:
    """The test of one comparison; None when there is no such property."""
    compare = _OPERATORS[operator]
    head, slash, key = name.partition("/")
    if slash and head.lower() in _MAPS:
        member = _MAPS[head.lower()]

        def of_map(run: Run) -> bool:
            if key not in run.get(member, {}):
                return False
            return operator == "ne" if value == "null" else compare(run[member][key], value)

        return of_map
    known = properties.get(name.lower())
    if known is None:
        return None

    def of_run(run: Run) -> bool:
        found = run.get(known)
        if value == "null":
            return (found is None) is (operator == "eq")
        return found is not None and compare(str(found), value)

    return of_run
