"""Two commands in turn, A B A B ..., and the ratio of their times pair by pair, which holds when the machine drifts."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Command:
    """A command to time: what it is called in the table, its words, its folder and environment."""

    title: str
    words: Sequence[str]
    folder: Path
    environment: Mapping[str, str]

    def seconds(self) -> float:
        """Run it once; wall seconds. Raises CalledProcessError when it fails."""
        started = time.perf_counter()
        subprocess.run(
            self.words,
            cwd=self.folder,
            env=dict(self.environment),
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
        return time.perf_counter() - started


@dataclass(frozen=True)
class Pair:
    """Two commands' times over the same runs, in seconds."""

    a: Command
    b: Command
    a_seconds: tuple[float, ...]
    b_seconds: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """a/b of each pair, sorted."""
        return tuple(sorted(a / b for a, b in zip(self.a_seconds, self.b_seconds, strict=True)))


def compare(a: Command, b: Command, runs: int = 7) -> Pair:
    """Warm both up once, then time them in turn `runs` times."""
    a.seconds()
    b.seconds()
    times = [(a.seconds(), b.seconds()) for _ in range(runs)]
    return Pair(a, b, tuple(first for first, _ in times), tuple(second for _, second in times))


def show(pair: Pair, bound: float) -> str:
    """One line: medians, the ratio's minimum, median and maximum, and the bound it is held to."""
    ratios = pair.ratios
    return (
        f"{pair.a.title} {statistics.median(pair.a_seconds):.3f} s  /  {pair.b.title} "
        f"{statistics.median(pair.b_seconds):.3f} s  =  {statistics.median(ratios):.2f} "
        f"(min {ratios[0]:.2f}, max {ratios[-1]:.2f}, n={len(ratios)}; wanted: at most {bound})"
    )
