"""A 1 GiB artifact up and down, by MLflow's own client, against a plain copy through TLS on loopback; down also against
what that client takes to have it from a server that only sends it, which no Azure can be faster than. And how the
embedded Azure's memory grows meanwhile.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path

from tests.e2e.estate import Estate

SIZE, RUNS, BOUND = 1024**3, 5, 2
OWNER = "developer@local.test"
_SCRIPT = Path(__file__).with_name("transfer.py")


def resident(estate: Estate) -> dict[str, int]:
    """Resident memory of the embedded Azure's process, and its peak, in KiB; nothing where the system tells none."""
    pid = json.loads((estate.folder / ".azmlflow/local/daemon.json").read_text())["pid"]
    status = Path(f"/proc/{pid}/status")
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines()) if status.exists() else {}
    return {name: int(lines[name].split()[0]) for name in ("VmRSS", "VmHWM") if name in lines}


def transfer(estate: Estate, work: Path) -> dict[str, float]:
    """Seconds of the artifact and of the plain copy, up and down, and of the client's own download."""
    local = estate.folder / ".azmlflow/local"
    done = estate.science(OWNER, _SCRIPT, str(work), str(local / "leaf.pem"), str(local / "leaf.key"), str(SIZE))
    told: dict[str, float] = json.loads(next(line for line in done.out.splitlines() if line.startswith("{")))
    return told


def report(estate: Estate) -> str:
    """One line for each direction, and one for the memory."""
    work = estate.folder.with_name("work")
    work.mkdir()
    before = resident(estate)
    runs = [transfer(estate, work) for _ in range(RUNS)]
    after = resident(estate)
    compared = (
        ("up", "plain_up", "plain copy through TLS"),
        ("down", "plain_down", "plain copy through TLS"),
        ("down", "client_down", "the same client from a server that only sends"),
    )
    lines = []
    for way, other, title in compared:
        ratios = sorted(run[way] / run[other] for run in runs)
        seconds, plain = (statistics.median(run[name] for run in runs) for name in (way, other))
        bound = f"; wanted: at most {BOUND:.0f}" if other.startswith("plain") else ""
        lines.append(
            f"1 GiB artifact {way} {seconds:.2f} s  /  {title} {plain:.2f} s  =  "
            f"{statistics.median(ratios):.2f} (min {ratios[0]:.2f}, max {ratios[-1]:.2f}, n={len(ratios)}{bound})"
        )
    if before:
        rest, end, peak = (kib / 1024 for kib in (before["VmRSS"], after["VmRSS"], after["VmHWM"]))
        lines.append(f"the embedded Azure's memory: {rest:.0f} MiB before, {end:.0f} MiB after, peak {peak:.0f} MiB")
    return "\n".join(lines)
