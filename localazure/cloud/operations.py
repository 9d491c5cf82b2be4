"""Long-running operations: accepted now, done later, without anything running in between.

An operation is a document with the instant at which it is due. `arm.due` applies all that are due, in order and in
one transaction, before each request is answered: to every client it looks as if the work had been done meanwhile, and
a process killed at any point loses nothing. Running operations lie in the collection `running`, ended ones in
`operations`, where they can be asked about for a day.

One that follows others, as the deployment of a template does, is due only when they have ended. One that is `held`
waits for what happens outside of the store, as a model that is being loaded: it is due when whoever works at it
releases it.

With the latency profile `none` any other operation is due at once: the request that starts it is answered 201 or 202 as
on Azure, and the first poll says Succeeded.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from azmlflow.localazure.core.clock import Clock, Ids, timestamp
from azmlflow.localazure.core.collections import ACTIVITY, DELETED, ENDED_OPERATIONS, RUNNING_OPERATIONS
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.latency import Latency
from azmlflow.localazure.core.store import Document, Store, Version

_KEPT = timedelta(days=1)
_HELD_RETRY = 1  # seconds: nobody knows when a held one ends


class Operations:
    """The operations of a store.

    Args:
        store: keeps them.
        clock: tells when one is due.
        ids: names them; a name cannot be guessed when the ids cannot.
        latency: how long each takes.
    """

    def __init__(self, store: Store, clock: Clock, ids: Ids, latency: Latency) -> None:
        self._store, self._clock, self._ids = store, clock, ids
        self.latency = latency
        self._seen: Version | None = None
        self._next: datetime | None = None

    def begin(
        self, verb: str, arm_type: str, target: str, *, timed_as: str | None = None, held: bool = False, **details: Any
    ) -> Document:
        """Start an operation.

        Args:
            verb: what `arm.due` will do: `put`, `delete` or `purge`.
            arm_type: the kind of the target.
            target: ARM id of what is worked on.
            timed_as: row of the latency profile, where it is not `arm_type`.
            held: whether it waits to be released.
            details: whatever the verb needs to know when it is done; `answer`, what the operation results in, where
                that is not the resource; `members`, how many resources were inside, where
                a deletion goes member by member.

        Returns:
            The operation's document; `id` names it.
        """
        started = self._clock.now()
        table = "put" if verb == "put" else "delete"
        seconds = self.latency.seconds(table, timed_as or arm_type)
        before = [document["sequence"] for _, document in self._store.scan(RUNNING_OPERATIONS)]
        operation: Document = {
            "id": self._ids.guid(),
            "sequence": max(before, default=0) + 1,
            "verb": verb,
            "type": arm_type,
            "target": target,
            "status": "InProgress",
            "started": timestamp(started),
            "ready_at": (started + timedelta(seconds=seconds)).isoformat(),
            "seconds": seconds,
            **({"held": True} if held else {}),
            **details,
        }
        self._store.put(RUNNING_OPERATIONS, operation["id"], operation)
        return operation

    def get(self, operation_id: str) -> Document | None:
        """An operation, running or ended, or None."""
        return self._store.get(RUNNING_OPERATIONS, operation_id) or self._store.get(ENDED_OPERATIONS, operation_id)

    def running(self, target: str) -> Document | None:
        """The operation that works on a resource now, or None."""
        wanted = target.lower()
        return next(
            (found for _, found in self._store.scan(RUNNING_OPERATIONS) if found["target"].lower() == wanted), None
        )

    def retry_after(self, operation: Document) -> int:
        """Seconds after which asking again makes sense: what is left, at most ten; 0 when due at once."""
        if operation.get("held") or "after" in operation:
            return _HELD_RETRY
        left = (datetime.fromisoformat(operation["ready_at"]) - self._clock.now()).total_seconds()
        return max(0, min(10, round(left)))

    def due(self) -> list[Document]:
        """The running operations whose time has come, in the order in which they end."""
        now = self._clock.now()
        found = [document for _, document in self._store.scan(RUNNING_OPERATIONS) if not self._waits(document)]
        ready = [document for document in found if datetime.fromisoformat(document["ready_at"]) <= now]
        return sorted(ready, key=lambda one: (datetime.fromisoformat(one["ready_at"]), one["sequence"]))

    def expired(self) -> list[str]:
        """Keys of the soft-deleted resources whose retention is over."""
        now = self._clock.now()
        return [key for key, record in self._store.scan(DELETED) if datetime.fromisoformat(record["purge_at"]) <= now]

    def is_anything_due(self) -> bool:
        """Whether an operation or a retention ends by now, or a deletion goes on.

        Asked before each request: the next such instant is kept until an operation or a soft-deleted resource is
        written, by whatever process, so that all but the first look is at the clock.
        """
        seen = self._store.version(RUNNING_OPERATIONS, DELETED)
        if seen != self._seen:
            self._next, self._seen = self._next_due(), seen
        return self._next is not None and self._next <= self._clock.now()

    def going(self) -> list[tuple[Document, float]]:
        """The deletions under way that go member by member, each with the share of its time that has passed."""
        now = self._clock.now()
        found: list[tuple[Document, float]] = []
        for _, one in self._store.scan(RUNNING_OPERATIONS):
            left = (datetime.fromisoformat(one["ready_at"]) - now).total_seconds()
            if "members" in one and left > 0:
                found.append((one, 1 - left / one["seconds"]))
        return found

    def end(self, operation: Document, error: AzureError | None = None, *, canceled: bool = False) -> None:
        """Note the outcome of an operation: Succeeded, Failed with an error, or Canceled."""
        ended = dict(operation)
        ended["status"] = "Canceled" if canceled else "Failed" if error else "Succeeded"
        ended["ended"] = timestamp(self._clock.now())
        if error is not None:
            ended["error"] = {"status": error.status, **error.body()["error"]}
        self._store.delete(RUNNING_OPERATIONS, operation["id"])
        self._store.put(ENDED_OPERATIONS, operation["id"], ended)
        self._log_end(ended)
        self._forget_old()

    def release(self, target: str, error: AzureError | None = None) -> None:
        """Let a held operation on a resource end, with an error if it has failed; nothing where there is none."""
        found = self.running(target)
        if found is None or not found.get("held"):
            return
        failed = {} if error is None else {"failed": [error.status, error.code, error.message]}
        self._store.put(RUNNING_OPERATIONS, found["id"], {**found, "held": False, **failed})

    def follow(self, target: str, others: Collection[str]) -> None:
        """Let the operation on a resource end only after others have, given their ids."""
        found = self.running(target)
        if found is not None and others:
            self._store.put(RUNNING_OPERATIONS, found["id"], {**found, "after": list(others)})

    def _waits(self, operation: Document) -> bool:
        """Whether an operation is held, or one that it follows still runs."""
        others = operation.get("after", ())
        return bool(operation.get("held")) or any(self._store.get(RUNNING_OPERATIONS, id_) for id_ in others)

    def cancel_within(self, scope: str) -> None:
        """Cancel what works on anything below a scope: its ground is gone."""
        prefix = scope.lower().rstrip("/") + "/"
        for _, found in list(self._store.scan(RUNNING_OPERATIONS)):
            if found["target"].lower().startswith(prefix):
                self.end(found, canceled=True)

    def _next_due(self) -> datetime | None:
        ends = [datetime.fromisoformat(record["purge_at"]) for _, record in self._store.scan(DELETED)]
        for _, one in self._store.scan(RUNNING_OPERATIONS):
            if self._waits(one):
                continue
            ready = datetime.fromisoformat(one["ready_at"])
            ends.append(ready - timedelta(seconds=one["seconds"]) if "members" in one else ready)
        return min(ends, default=None)

    def _log_end(self, ended: Document) -> None:
        """Keep the end of what a request began in the activity log, beside the request itself."""
        began = self._store.get(ACTIVITY, f"{ended['started']}/{ended['id']}")
        if began is not None:
            told = {name: ended[name] for name in ("id", "status", "ended", "error") if name in ended}
            self._store.put(ACTIVITY, f"{ended['ended']}/{ended['id']}.end", {**began, "operationEnded": told})

    def _forget_old(self) -> None:
        oldest = timestamp(self._clock.now() - _KEPT)
        for key, document in list(self._store.scan(ENDED_OPERATIONS)):
            if document["ended"] < oldest:
                self._store.delete(ENDED_OPERATIONS, key)
