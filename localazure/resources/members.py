"""The members of a request's body, as Resource Manager reads them: their names have no case.

One reader may ask for `storageAccount`, another go through all names: both find the one that was sent. Two spellings
of one name are refused, unless the names are the user's own words (tags of assets, variables, inputs).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.core.spelling import NotOneReading

# Members whose own members are named by people. A resource's tags are not among them: Azure's have no case.
_WORDS_OF_PEOPLE = (
    "environmentvariables", "inputs", "outputs", "secrets", "flavors", "traffic", "mirrortraffic",
)  # fmt: skip
# What a PATCH replaces whole: tags as ARM does; traffic, since MLflow's client takes a deployment out of it so.
_WHOLE = ("tags", "traffic", "mirrorTraffic")


class Members(dict[str, Any]):
    """An object's members, found by name in any case."""

    def __init__(self, pairs: Mapping[str, Any]) -> None:
        super().__init__(pairs)
        self._sent = {name.lower(): name for name in self}
        if len(self._sent) != len(self):
            twice = next(name for name in self if self._sent[name.lower()] != name)
            raise NotOneReading(f"the member '{twice}' is given in two spellings")

    def __missing__(self, name: str) -> Any:
        return super().__getitem__(self._sent[name.lower()])

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and name.lower() in self._sent)

    def get(self, name: str, default: Any = None) -> Any:
        """The member of that name in any case."""
        try:
            return self[name]
        except KeyError:
            return default


def read(value: Any) -> Any:
    """A body's value, its objects such that names have no case.

    Raises:
        NotOneReading: a name is given in two spellings.
    """
    return _read(value, of_people=False, top=True)


def _read(value: Any, *, of_people: bool, top: bool = False) -> Any:
    if isinstance(value, list):
        return [_read(each, of_people=of_people) for each in value]
    if not isinstance(value, dict):
        return value
    inner = {
        name: _read(each, of_people=not of_people and _named_by_people(name.lower(), top=top))
        for name, each in value.items()
    }
    return inner if of_people else Members(inner)


def _named_by_people(member: str, *, top: bool) -> bool:
    return member in _WORDS_OF_PEOPLE or (member == "tags" and not top)


def laid_over(before: Any, over: Any) -> Any:
    """JSON merge patch (RFC 7396) with names without case, except that tags are replaced whole, as ARM's PATCH does,
    and the traffic of an endpoint."""
    if not isinstance(before, dict) or not isinstance(over, dict):
        return over
    kept = {name.lower(): name for name in before} if isinstance(over, Members) else {}
    merged = dict(before)
    for name, value in over.items():
        known = kept.get(name.lower(), name)
        if value is None:
            merged.pop(known, None)
        else:
            merged[known] = value if known in _WHOLE else laid_over(before.get(known), value)
    return Members(merged) if isinstance(over, Members) else merged
