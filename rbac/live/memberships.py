"""Who is in which group, read from Microsoft Graph as the groups are heard of: several at a time, each once."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from types import TracebackType

from azmlflow.rbac.live.errors import DirectoryForbidden
from azmlflow.rbac.live.graph import AT_ONCE, Graph
from azmlflow.rbac.live.pool import Pool


class Memberships:
    """Direct members of every group that is heard of, and of every group in those. To be used in a `with`.

    Reading begins with the first group and goes on while others are heard of; groups that hold each other are read
    once each. A group that may not be read is told as such, not raised.
    """

    def __init__(self, graph: Graph) -> None:
        """Prepare; nothing is asked.

        Args:
            graph: the directory.
        """
        self._graph = graph
        self._pool = Pool(AT_ONCE, "group")
        self._lock = threading.Lock()
        self._asked: dict[str, Future[list[tuple[str, bool]] | None]] = {}

    def __enter__(self) -> Memberships:
        self._pool.__enter__()
        return self

    def __exit__(
        self, type_: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.__exit__(type_, fault, trace)

    def hear(self, group: str) -> None:
        """Read a group's members, soon; from any thread."""
        with self._lock:
            if group not in self._asked:
                self._asked[group] = self._pool.submit(lambda: self._members(group))

    def read(self) -> tuple[dict[str, frozenset[str]], tuple[str, ...]]:
        """Wait for all: member -> the groups that hold it directly, and the groups that may not be read.

        Raises:
            HttpResponseError: Graph refused for another reason than a lack of rights, still after retries.
        """
        held: dict[str, set[str]] = {}
        unread: list[str] = []
        done: set[str] = set()
        # A group's future is over only after the groups in it were heard of: no round ends with one overlooked.
        while waiting := self._but(done):
            for group, asked in waiting:
                members = asked.result()
                if members is None:
                    unread.append(group)
                for member, _ in members or ():
                    held.setdefault(member, set()).add(group)
                done.add(group)
        return {member: frozenset(of) for member, of in held.items()}, tuple(sorted(unread))

    def _but(self, done: set[str]) -> list[tuple[str, Future[list[tuple[str, bool]] | None]]]:
        with self._lock:
            return [(group, asked) for group, asked in self._asked.items() if group not in done]

    def _members(self, group: str) -> list[tuple[str, bool]] | None:
        """A group's direct members, those that are groups heard of; None where they may not be read."""
        try:
            members = self._graph.members(group)
        except DirectoryForbidden:
            return None
        for member, is_group in members:
            if is_group:
                self.hear(member)
        return members
