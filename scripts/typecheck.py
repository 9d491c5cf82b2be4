"""mypy --strict over the packages, failing also when it read fewer files than there are.

(`mypy -p azmlflow` through the links of src/ reads nothing and reports success, so success alone proves nothing.)
"""

import re
import subprocess
import sys
from pathlib import Path

PLACES = ("src/azmlflow", "tests", "benchmarks", "scripts")


def main() -> int:
    """Run mypy; 1 when it finds a fault or did not read every file."""
    packages = [path for path in Path("src/azmlflow").iterdir() if path.is_dir()]
    places = [*packages, *map(Path, PLACES[1:])]
    sources = [path for place in places for path in place.rglob("*.py")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *PLACES], capture_output=True, text=True, check=False
    )
    sys.stdout.write(done.stdout + done.stderr)
    read = re.search(r"(?:checked|no issues found in) (\d+) source files?", done.stdout)
    if done.returncode == 0 and (read is None or int(read[1]) < len(sources)):
        sys.stdout.write(f"mypy read {read[1] if read else 0} files of {len(sources)}\n")
        return 1
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
