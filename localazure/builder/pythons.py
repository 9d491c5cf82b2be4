"""The Pythons of this machine that a venv can be made of, and which of them an environment gets."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet

_NAME = re.compile(r"python3(\.\d+)?")
# Where a venv's Python comes from: what goes with the venv is not a base for others. Before 3.11 `_base_executable` is
# the venv's own, or is not there; with -S the prefix is the base's in all versions.
_ASK = """
import importlib.util, json, os, platform, sys
ready = all(importlib.util.find_spec(each) for each in ("venv", "ensurepip"))
base = os.path.join(sys.base_prefix, "bin", "python%d.%d" % sys.version_info[:2])
if sys.version_info >= (3, 11) or not os.access(base, os.X_OK):
    base = getattr(sys, "_base_executable", sys.executable)
print(json.dumps([platform.python_version(), base, ready]))
"""
OLDEST = (3, 8)  # MLflow 2 and the versions of Azure's clients that speak to it need it
_LONG = 10  # seconds after which an interpreter that does not answer is none


@dataclass(frozen=True)
class Interpreter:
    """An interpreter: its version as `3.11.7`, and where it is."""

    version: str
    path: Path

    @property
    def numbers(self) -> tuple[int, ...]:
        """The version's numbers."""
        return _numbers(self.version)


def find(environment: Mapping[str, str], preferred: Path) -> tuple[Interpreter, ...]:
    """The Pythons that are here, the preferred one first.

    Args:
        environment: PATH is looked through, and the versions of pyenv (its shims are not: each stands for several).
        preferred: the interpreter that jobs have when nothing else is asked for.
    """
    candidates = [preferred, *_on_path(environment.get("PATH", "")), *_of_pyenv(environment)]
    with ThreadPoolExecutor(4) as pool:
        found = [each for each in pool.map(_ask, dict.fromkeys(candidates)) if each is not None]
    return tuple({each.path.resolve(): each for each in reversed(found)}.values())[::-1]


def choose(wanted: str, pythons: tuple[Interpreter, ...]) -> tuple[Interpreter, str | None]:
    """The Python for an environment, and what to say where it is not the one wanted.

    Args:
        wanted: the versions that will do, in pip's syntax; empty: any.
        pythons: those that are here, at least one; the first is taken where it will do.
    """
    specifiers = SpecifierSet(wanted)
    fitting = [each for each in pythons if each.version in specifiers]
    if fitting:
        best = fitting[0] if fitting[0] == pythons[0] else max(fitting, key=lambda each: each.numbers)
        return best, None
    target = _numbers(next(iter(sorted(specifiers, key=str))).version)
    nearest = min(pythons, key=lambda each: (_distance(each, target), -each.numbers[1], -each.numbers[2]))
    told = wanted.removeprefix("==").removesuffix(".*")
    return nearest, f"Python {told} is not on this machine: {nearest.version} is used, the nearest that is"


def _distance(python: Interpreter, target: tuple[int, ...]) -> int:
    wanted = target[1] if len(target) > 1 else python.numbers[1]
    return abs(python.numbers[0] - target[0]) * 100 + abs(python.numbers[1] - wanted)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _on_path(path: str) -> Iterator[Path]:
    for folder in _folders(path):
        names = (each for each in folder.iterdir() if _NAME.fullmatch(each.name))
        yield from sorted(each for each in names if os.access(each, os.X_OK))


def _of_pyenv(environment: Mapping[str, str]) -> list[Path]:
    root = environment.get("PYENV_ROOT") or f"{environment.get('HOME', '/nonexistent')}/.pyenv"
    return sorted(Path(root).glob("versions/3.*/bin/python3"))


def _folders(path: str) -> Iterable[Path]:
    for name in dict.fromkeys(path.split(os.pathsep)):
        folder = Path(name)
        if name and folder.is_absolute() and folder.name != "shims" and folder.is_dir() and os.access(folder, os.R_OK):
            yield folder


def _ask(path: Path) -> Interpreter | None:
    try:
        done = subprocess.run(
            [path, "-I", "-S", "-c", _ASK], capture_output=True, timeout=_LONG, check=False, stdin=subprocess.DEVNULL
        )
        version, base, ready = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None  # one that was only found: which Python is taken instead is said in the job's log
    python = Interpreter(version.rstrip("+"), Path(base))
    return python if ready and python.numbers[:2] >= OLDEST else None
