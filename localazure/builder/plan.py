"""From a specification and this machine's Pythons to what is built: an interpreter, lines for pip, a name by content.

Two environments that come to the same share one folder in the cache.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from dataclasses import dataclass

from azmlflow.localazure.builder.pythons import Interpreter, choose
from azmlflow.localazure.environments.errors import UnusableEnvironment
from azmlflow.localazure.environments.specification import Specification

BUILDER = 1  # a change of the way environments are built builds them anew


@dataclass(frozen=True)
class Plan:
    """What is to be built.

    Attributes:
        name: the environment's, for people.
        python: the interpreter of the venv.
        requirements: lines for pip, sorted.
        conda: which of pip's names come from conda's side.
        notes: what the job's log is to say.
    """

    name: str
    python: Interpreter
    requirements: tuple[str, ...]
    conda: frozenset[str]
    notes: tuple[str, ...]

    @property
    def key(self) -> str:
        """The name of its folder: a digest of all that decides what is in it."""
        told = [BUILDER, self.python.version, str(self.python.path), sys.platform, platform.machine()]
        return hashlib.sha256(json.dumps([*told, self.requirements]).encode()).hexdigest()[:20]


def plan(specification: Specification, pythons: tuple[Interpreter, ...]) -> Plan:
    """What a specification comes to here.

    Args:
        specification: one that is to be built.
        pythons: see `pythons.find`.

    Raises:
        UnusableEnvironment: it asks for what conda alone offers, or there is no Python to build with.
    """
    name = specification.name
    if not pythons:
        raise UnusableEnvironment(
            f"The environment '{name}' cannot be built: no Python here has the modules venv and ensurepip; "
            "install them (on Debian and Ubuntu: apt install python3-venv)."
        )
    alone = sorted(each.name for each in specification.packages if each.conda_alone)
    if alone:
        raise conda_alone(name, alone)
    python, replaced = choose(specification.python, pythons)
    notes = [*specification.notes]
    if replaced:
        notes.append(replaced)
    if specification.channels:
        notes.append(f"conda channels are not asked ({', '.join(specification.channels)}): pip installs all packages")
    lines = {each.requirement for each in specification.packages} | set(specification.pip)
    conda = frozenset(each.pypi for each in specification.packages)
    return Plan(name, python, tuple(sorted(lines)), conda, tuple(notes))


def conda_alone(name: str, packages: list[str]) -> UnusableEnvironment:
    """The refusal of packages that pip's index has not."""
    return UnusableEnvironment(
        f"The environment '{name}' cannot be built: pip's index has no {', '.join(packages)}, and conda is not used "
        "here. Take out of 'dependencies' what only conda offers, or name what PyPI has instead below 'pip:'."
    )
