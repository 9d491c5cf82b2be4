"""YAML that a client wrote, read so that no few bytes of it become many.

What it says counts with its aliases written out: values and their characters, before anything is made of them. What is
read is what JSON has: names are texts, and so are dates, binary values and numbers that are none.
"""

from __future__ import annotations

import math
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as fast
_MOST_VALUES = 20_000
_DEEPEST = 60
_EMPTY = 4  # characters that a value has at least, as JSON writes it with what parts it from the next


class UnreadableYaml(ValueError):
    """A text that is not YAML, or says more than is taken; the message says why."""


def read(text: str | bytes, most: int) -> Any:
    """What a YAML document says.

    Args:
        text: the document.
        most: characters that it may have, and that it may come to with its aliases written out.

    Raises:
        UnreadableYaml: it is not YAML, or too large.
    """
    if len(text) > most:
        raise UnreadableYaml(f"it is longer than {most} characters")
    try:
        _measure(text, most)
        return _plain(yaml.load(text, Loader=_LOADER))
    except UnreadableYaml:
        raise
    except yaml.YAMLError as error:
        told = str(error).splitlines()
        raise UnreadableYaml(told[0] if told else "it is not YAML") from error
    except (ValueError, OverflowError, RecursionError, TypeError) as error:  # a date or number that there is not
        raise UnreadableYaml(f"a value in it cannot be read ({type(error).__name__})") from error


def _measure(text: str | bytes, most: int) -> None:
    """Go through what the parser finds, and stop where it becomes too much: nothing is made of it yet.

    Raises:
        UnreadableYaml: it has too many values, too long ones, is too deep, or is part of itself.
    """
    named: dict[str, tuple[int, int]] = {}  # of each anchor: how many values and characters it stands for
    open_: list[tuple[str | None, int, int]] = []  # the lists and mappings that we are in, and what was before them
    values = characters = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in named:
                raise UnreadableYaml(f"'*{event.anchor}' is part of itself, or of nothing")
            values, characters = values + named[event.anchor][0], characters + named[event.anchor][1]
        elif isinstance(event, yaml.ScalarEvent):
            values, characters = values + 1, characters + len(event.value) + _EMPTY
            if event.anchor:
                named[event.anchor] = (1, len(event.value) + _EMPTY)
        elif isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, values, characters))
            values, characters = values + 1, characters + _EMPTY
            if event.anchor:
                named.pop(event.anchor, None)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, values_before, characters_before = open_.pop()
            if anchor:
                named[anchor] = (values - values_before, characters - characters_before)
        if values > _MOST_VALUES:
            raise UnreadableYaml(f"it has more than {_MOST_VALUES} values, its aliases written out")
        if characters > most:
            raise UnreadableYaml(f"it is longer than {most} characters, its aliases written out")
        if len(open_) > _DEEPEST:
            raise UnreadableYaml(f"it is deeper than {_DEEPEST}")


def _plain(value: Any) -> Any:
    """The value as JSON has it."""
    if isinstance(value, dict):
        return {name if isinstance(name, str) else str(_plain(name)): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return str(value)
