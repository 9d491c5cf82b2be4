"""Faults of settings: where, what, and the command that mends it; from pydantic's errors to words for people."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel
from pydantic_core import ErrorDetails, PydanticCustomError


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a stack's settings.

    Attributes:
        key: where, as Pulumi writes it, e.g. `azmlflow:clusters[0].maxNodes`.
        what: what is wrong, in plain words.
        fix: the command to type.
    """

    key: str
    what: str
    fix: str


class SettingsError(Exception):
    """The settings cannot be used. Its text names every fault, where it is, and the command that mends it.

    Attributes:
        faults: all of them, in the order of the settings' keys.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        count = len(self.faults)
        lines = [f"The stack's settings have {count} fault{'s' if count != 1 else ''}:"]
        for fault in self.faults:
            lines += [f"  {fault.key}: {fault.what}", f"    fix: {fault.fix}"]
        super().__init__("\n".join(lines))


def refuse(what: str, suggest: str = "") -> PydanticCustomError:
    """A refusal whose words are ours; `suggest` is the value that the fix proposes."""
    return PydanticCustomError("azmlflow", "{what}", {"what": what, "suggest": suggest})


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word nearest to a misspelt one, whatever its case and spaces; empty when none is near."""
    by_shape = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(re.sub(r"[\s_]", "", word).lower(), by_shape, n=1, cutoff=0.6)
    return by_shape[found[0]] if found else ""


def explain(details: ErrorDetails, namespace: str, model: type[BaseModel], *, structured: bool) -> Fault:
    """Pydantic's error as ours: Pulumi's path, plain words, and the command that mends it.

    Args:
        details: the error.
        namespace: of the settings' keys.
        model: the model that holds the fault, with its fields' aliases and examples.
        structured: is it a whole list or mapping that is at fault?
    """
    location = details["loc"]
    key = f"{namespace}:" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)[1:]
    nested = len(location) > 1
    path = f"--path '{key}'" if nested else key
    known = {field.alias or name: field for name, field in model.model_fields.items()}
    word = str(location[-1])
    if details["type"] == "extra_forbidden":
        near = nearest(word, known)
        listed = f"did you mean {near}?" if near else f"known are {', '.join(known)}"
        return Fault(key, f"there is no such setting; {listed}", f"pulumi config rm {path}")
    suggest = details.get("ctx", {}).get("suggest") or next(
        (example for name, field in known.items() if name == word for example in field.examples or ()), ""
    )
    if details["type"] == "azmlflow":
        what = details["msg"]
    elif details["type"] == "missing":
        what = "is missing"
    else:
        what = f"{details['msg'][:1].lower()}{details['msg'][1:]} (it is {_shown(details['input'])})"
    if structured:
        return Fault(key, what, f"edit {key} in Pulumi.<stack>.yaml, or pulumi config rm {key}")
    return Fault(key, what, f"pulumi config set {path} {suggest if suggest != '' else 'VALUE'}")


def _shown(value: object) -> str:
    """A value as an error may show it: short."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
