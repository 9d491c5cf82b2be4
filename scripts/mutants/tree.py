"""A copy of the checkout in which mutmut can work.

The packages are found through links in src/; mutmut wants them to be there, and rewrites what it changes. So in the
copy the folders stand in src/azmlflow, the links at the root, and decorated functions are split (`bare`).
"""

from __future__ import annotations

import fnmatch
import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from scripts.mutants.bare import bared
from scripts.mutants.targets import DESELECTED, Target

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path("src/azmlflow")
PACKAGES = frozenset(path.name for path in (ROOT / SOURCE).iterdir() if path.is_symlink())
# Kept from run to run: what mypy knows of the libraries, which is most of its time, holds for every copy.
CACHE = ROOT / ".mypy_cache" / "mutants"
# A program that a change makes endless is stopped after as many seconds as its tests took when mutmut noted what each
# runs, which is several times what they take, and a few more.
PATIENCE, GRACE = 1.0, 15.0


def copy(target: Target, folder: Path) -> None:
    """Put all files that git knows or would add into a folder, which must be empty, ready for one target."""
    for name in _files():
        if name.is_symlink() and name.parent == SOURCE:
            continue
        where = folder / (SOURCE / name if name.parts[0] in PACKAGES else name)
        where.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, where, follow_symlinks=False)
    for package in PACKAGES:
        (folder / package).symlink_to(SOURCE / package)
    for path in sorted((folder / SOURCE).rglob("*.py")):
        if _is_meant(target, path.relative_to(folder / SOURCE)):
            path.write_text(bared(path.read_text(encoding="utf-8")), encoding="utf-8")
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(_settings(target, folder))


def _files() -> Iterable[Path]:
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(asked, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    return (Path(name) for name in sorted(names) if name and (ROOT / name).exists())


def _is_meant(target: Target, path: Path) -> bool:
    return any(fnmatch.fnmatch(str(path), pattern) for pattern in target.modules)


def _settings(target: Target, folder: Path) -> str:
    """What mutmut is told."""
    checked = sorted({str((SOURCE / pattern).parent) for pattern in target.modules})
    told = {
        "source_paths": ["src"],
        "only_mutate": [str(SOURCE / pattern) for pattern in target.modules],
        "also_copy": sorted(path.name for path in folder.iterdir() if path.name not in ("src", "tests", ".git")),
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:xdist"],
        "pytest_add_cli_args_test_selection": [*target.tests, *(f"--deselect={each}" for each in DESELECTED)],
        # Several `__init__` of one class, as mutmut has them, are no mistake of ours.
        "type_check_command": [
            *("mypy", *checked, "--output", "json", "--no-warn-unreachable", "--cache-dir", str(CACHE)),
            *(f"--disable-error-code={code}" for code in ("unused-ignore", "no-redef", "has-type")),
        ],
        # A process of its own imports and forks, and runs no test: what it keeps in caches would hide changes.
        "process_isolation": "forkserver",
        "timeout_multiplier": PATIENCE,
        "timeout_constant": GRACE,
        "use_git_change_detection": False,
        "debug": True,  # else a test that fails without any change is not named
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in told.items()]
    return "\n".join(["", "[tool.mutmut]", *lines, ""])
