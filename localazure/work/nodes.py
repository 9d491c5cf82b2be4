"""The nodes of a cluster: how many there are, and which is free.

As Azure's autoscale does: as many as there are jobs, up to the maximum; a node that was idle for
`nodeIdleTimeBeforeScaleDown` goes, down to the minimum. Nodes here are places for a process: they come at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from azmlflow.localazure.core.clock import duration
from azmlflow.localazure.core.collections import NODES
from azmlflow.localazure.core.store import Document, Store


@dataclass(frozen=True)
class Scale:
    """A cluster's scale settings."""

    min_nodes: int
    max_nodes: int
    idle: timedelta

    @classmethod
    def of(cls, compute: Mapping[str, Any]) -> Scale:
        """Those of a compute's document."""
        told = compute["properties"]["properties"]["scaleSettings"]
        return cls(told["minNodeCount"], told["maxNodeCount"], duration(told["nodeIdleTimeBeforeScaleDown"]))


@dataclass
class Node:
    """One node: its number, the job on it, and since when it has it, or none."""

    number: int
    job: str | None
    since: datetime


@dataclass
class Pool:
    """The nodes of one cluster."""

    nodes: list[Node] = field(default_factory=list)

    def adjust(self, scale: Scale, waiting: int, now: datetime, room: int | None = None) -> list[Node]:
        """Let nodes come and go; the free ones.

        Args:
            scale: the cluster's settings.
            waiting: how many jobs wait for a node.
            now: the current instant.
            room: how many nodes more the quota allows; None: any number.
        """
        busy = sum(node.job is not None for node in self.nodes)
        wanted = max(scale.min_nodes, min(scale.max_nodes, busy + waiting))
        if room is not None:
            wanted = min(wanted, len(self.nodes) + room)
        for node in sorted(self.nodes, key=lambda each: -each.number):
            if len(self.nodes) > wanted and node.job is None and now >= node.since + scale.idle:
                self.nodes.remove(node)
        numbers = {node.number for node in self.nodes}
        free_numbers = (number for number in range(scale.max_nodes + len(numbers)) if number not in numbers)
        while len(self.nodes) < wanted:
            self.nodes.append(Node(next(free_numbers), None, now))
        return sorted((node for node in self.nodes if node.job is None), key=lambda node: node.number)

    def evict(self, count: int, going: Collection[str]) -> list[str]:
        """Take nodes away, free ones first, then those whose jobs began last; the jobs that were on them.

        A node with a job goes when its job has ended (`release`).

        Args:
            count: how many.
            going: jobs that are being taken away already; theirs are not chosen again.
        """
        ordered = sorted(self.nodes, key=lambda node: (node.job is None, node.since, node.number), reverse=True)
        chosen = [node for node in ordered if node.job not in going][: max(0, count)]
        self.nodes = [node for node in self.nodes if node not in chosen or node.job is not None]
        return [node.job for node in chosen if node.job is not None]

    def release(self, node: Node, now: datetime, *, gone: bool = False) -> None:
        """A node's job has ended; with `gone`, the node goes with it."""
        node.job, node.since = None, now
        if gone and node in self.nodes:
            self.nodes.remove(node)

    def at_rest(self, scale: Scale) -> bool:
        """Whether nothing runs and nothing is about to change: the cluster is as its document says."""
        return len(self.nodes) == scale.min_nodes and all(node.job is None for node in self.nodes)

    def next_change(self, scale: Scale) -> datetime | None:
        """When the next idle node will go, if nothing happens."""
        if len(self.nodes) <= scale.min_nodes:
            return None
        return min((node.since + scale.idle for node in self.nodes if node.job is None), default=None)

    def summary(self) -> Document:
        """What is told of the nodes."""
        return {"nodes": [{"number": node.number, "job": node.job} for node in self.nodes]}


def counted(store: Store, compute: Document) -> Document:
    """A cluster's document with the nodes that it has now."""
    kept = store.get(NODES, compute["id"].lower())
    if kept is None or compute["properties"]["computeType"] != "AmlCompute":
        return compute
    total, running = len(kept["nodes"]), sum(node["job"] is not None for node in kept["nodes"])
    inner = compute["properties"]["properties"]
    counts = {**inner["nodeStateCounts"], "idleNodeCount": total - running, "runningNodeCount": running}
    now = {**inner, "currentNodeCount": total, "targetNodeCount": total, "nodeStateCounts": counts}
    return {**compute, "properties": {**compute["properties"], "properties": now}}
