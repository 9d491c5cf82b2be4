"""mypy --strict over the packages, failing also when it read fewer files than there are.

(`mypy -p azmlflow` through the links of src/ reads nothing and reports success, so success alone proves nothing.)
Then what stacks on Azure need, as Windows and macOS have the standard library; the embedded Azure wants POSIX.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

PLACES = ("src/azmlflow", "tests", "benchmarks", "scripts")
PLATFORMS = ("win32", "darwin")
EVERYWHERE = ("cli", "infra", "rbac", "resourcetypes", "scoring")
# Of the standard library alone, since the rest is checked above: seconds instead of minutes. Without other packages'
# types, some kinds of faults are no faults.
QUICK = (
    *("--config-file=", "--no-site-packages", "--ignore-missing-imports", "--follow-imports=silent"),
    *("--explicit-package-bases", "--check-untyped-defs", "--disable-error-code=arg-type"),
    *("--disable-error-code=valid-type", "--disable-error-code=has-type"),
)


def main() -> int:
    """Run mypy; 1 when it finds a fault or did not read every file."""
    packages = [path for path in Path("src/azmlflow").iterdir() if path.is_dir()]
    code = _check(["--strict", *PLACES], [*packages, *map(Path, PLACES[1:])])
    places = [Path("src/azmlflow") / name for name in EVERYWHERE]
    for platform in PLATFORMS:
        cache = Path(os.environ.get("MYPY_CACHE_DIR", ".mypy_cache")) / platform
        words = [*QUICK, f"--platform={platform}", f"--cache-dir={cache}", *map(str, places)]
        code |= _check(words, places)
    return code


def _check(words: list[str], places: list[Path]) -> int:
    sources = [path for place in places for path in place.rglob("*.py")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MYPYPATH": "src"},
    )
    sys.stdout.write(done.stdout + done.stderr)
    read = re.search(r"(?:checked|no issues found in) (\d+) source files?", done.stdout)
    if done.returncode == 0 and (read is None or int(read[1]) < len(sources)):
        sys.stdout.write(f"mypy read {read[1] if read else 0} files of {len(sources)}\n")
        return 1
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
