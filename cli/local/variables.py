"""The variables that point a shell at a stack, and back: what `azmlflow env` prints.

What a shell had before is kept in one variable, so that `--unset` can give it back. Inherited sign-ins that must not
pre-empt ours (`AZURE_CLIENT_SECRET` and its like) are dropped and not kept: a kept secret would travel on.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

BEFORE = "AZMLFLOW_BEFORE"


@dataclass(frozen=True)
class Variables:
    """What changes in a shell's environment.

    Attributes:
        set: name to value.
        unset: names to drop.
    """

    set: Mapping[str, str]
    unset: tuple[str, ...] = ()


def with_memory(wanted: Variables, environment: Mapping[str, str]) -> Variables:
    """Add the variable that remembers what the shell had under the names that are set.

    A shell that is set up already keeps its first memory: what it has now under those names is ours.
    """
    memory = {**{name: environment.get(name) for name in wanted.set}, **_memory(environment)}
    return Variables({**wanted.set, BEFORE: json.dumps(memory, sort_keys=True)}, wanted.unset)


def undo(environment: Mapping[str, str]) -> Variables | None:
    """What gives the shell back what it had; None if it is not set up."""
    memory = _memory(environment)
    if not memory:
        return None
    back = {name: value for name, value in memory.items() if value is not None}
    gone = tuple(name for name, value in memory.items() if value is None)
    return Variables(back, (*gone, BEFORE))


def script(variables: Variables) -> str:
    """The changes as lines for a POSIX shell."""
    lines = [f"unset {name}" for name in variables.unset if name not in variables.set]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in sorted(variables.set.items())]
    return "\n".join(lines)


def dotenv(variables: Variables) -> str:
    """The changes as a file of variables, as editors and notebooks read it: what is to go is set to nothing.

    Values stand between single quotes (python-dotenv, "File format"), and there is no way back.
    """
    wanted = {**dict.fromkeys(variables.unset, ""), **variables.set}
    quoted = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in wanted.items() if name != BEFORE}
    return "\n".join(f"{name}='{value}'" for name, value in sorted(quoted.items()))


def path_with(folders: Iterable[Path], environment: Mapping[str, str]) -> str:
    """PATH with folders in front, each once."""
    first: Sequence[str] = [str(folder) for folder in folders]
    rest = [entry for entry in environment.get("PATH", "").split(os.pathsep) if entry and entry not in first]
    return os.pathsep.join([*dict.fromkeys(first), *rest])


def _memory(environment: Mapping[str, str]) -> dict[str, str | None]:
    try:
        document = json.loads(environment.get(BEFORE, ""))
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
