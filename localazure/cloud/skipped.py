"""What is left out because it cannot be read, so that one broken thing stops nothing and nobody else.

Lists, the runner of jobs and what falls due go over the things of many owners. Where one of them is broken, by an
older version or by a fault of ours, the others are dealt with all the same. The broken one is told once in the log,
and in `skipped.json` of the state folder, which `azmlflow local status` shows.
"""

from __future__ import annotations

import contextlib
import json
import logging
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from azmlflow.localazure.machine.private import read_json, write_private

FILE = "skipped.json"
# What a thing of another form than is expected raises; not what Azure, MLflow or the machine say.
FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_MOST = 100  # things that are told of; the log says that there are more
_log = logging.getLogger("azmlflow.local")
_Thing = TypeVar("_Thing")
_Made = TypeVar("_Made")


class Skipped:
    """What was left out since this embedded Azure started.

    Args:
        folder: the state folder; what an earlier one left out is forgotten.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._told: dict[str, str] = {}
        self._path.unlink(missing_ok=True)

    def each(
        self, things: Iterable[_Thing], name: Callable[[_Thing], str], make: Callable[[_Thing], _Made]
    ) -> list[_Made]:
        """What is made from each thing, without those that cannot be read.

        Args:
            things: documents of many owners.
            name: what people call one.
            make: makes something of one.
        """
        made = []
        for thing in things:
            try:
                made.append(make(thing))
            except FAULTS as fault:
                self.tell(_named(thing, name), fault)
        return made

    def tell(self, name: str, fault: Exception) -> None:
        """A thing is left out; said once of each.

        Args:
            name: what people call it.
            fault: what is wrong with it; its text may quote a client, and is not told.
        """
        why = type(fault).__name__
        if self._told.get(name) == why or len(self._told) >= _MOST:
            return
        self._told[name] = why
        where = "".join(traceback.format_tb(fault.__traceback__))
        _log.error("%r is broken (%s) and left out; this is said once:\n%s", name[:300], why, where)
        if len(self._told) == _MOST:
            _log.error("more than %d things are broken; the others are left out silently", _MOST)
        content = [{"name": each, "fault": fault_name} for each, fault_name in self._told.items()]
        with contextlib.suppress(OSError):  # the log has it
            write_private(self._path, json.dumps(content).encode())


def left_out(folder: Path) -> tuple[tuple[str, str], ...]:
    """The name and the fault of each thing that the embedded Azure of a state folder left out since it started.

    Raises:
        UnreadableFile: the file that says so cannot be read.
    """
    try:
        return tuple((str(each["name"]), str(each["fault"])) for each in read_json(folder / FILE))
    except FileNotFoundError:
        return ()


def _named(thing: _Thing, name: Callable[[_Thing], str]) -> str:
    try:
        return name(thing)
    except FAULTS:
        return "something that has no name"
