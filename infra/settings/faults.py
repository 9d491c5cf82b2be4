"""Faults of settings: where, what, and the command that mends it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from pydantic_core import PydanticCustomError

_SHOWN = 20  # a screen of them


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a stack's settings.

    Attributes:
        key: where, as Pulumi writes it, e.g. `azmlflow:clusters[0].maxNodes`.
        what: what is wrong, in plain words.
        fix: the command to type.
        suggest: the value that it proposes, as it is typed; empty if it proposes none.
    """

    key: str
    what: str
    fix: str
    suggest: str = ""


class SettingsError(Exception):
    """The settings cannot be used. Its text names the first faults, where each is, and the command that mends it.

    Attributes:
        faults: all of them, in the order of the settings' keys.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        count = len(self.faults)
        lines = [f"The stack's settings have {count} fault{'s' if count != 1 else ''}:"]
        for fault in self.faults[:_SHOWN]:
            lines += [f"  {fault.key}: {fault.what}", f"    fix: {fault.fix}"]
        if count > _SHOWN:
            lines.append(f"  and {count - _SHOWN} more, told when these are mended")
        super().__init__("\n".join(lines))

    def of_stack(self, stack: str) -> SettingsError:
        """The same, with commands that name the stack."""
        return SettingsError(
            replace(each, fix=f"{each.fix.replace('<stack>', stack)} --stack {stack}") for each in self.faults
        )


def refuse(what: str, suggest: str = "", *, fix: str = "") -> PydanticCustomError:
    """A refusal whose words are ours.

    Args:
        what: what is wrong.
        suggest: the value that the fix proposes.
        fix: the command to type, where it is not another value of this setting.
    """
    return PydanticCustomError("azmlflow", "{what}", {"what": what, "suggest": suggest, "fix": fix})


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word nearest to a misspelt one, whatever its case and spaces; empty when none is near."""
    by_shape = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(re.sub(r"[\s_]", "", word).lower(), by_shape, n=1, cutoff=0.6)
    return by_shape[found[0]] if found else ""


def repeated(values: Iterable[str]) -> str:
    """The first value that comes a second time, or empty."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return ""
