"""The floors of the house: every import points down (`[tool.importlinter]` in pyproject.toml).

import-linter does not follow the links of `src/`, and would find nothing and report success; so it looks at a copy in
which the packages lie in a real folder, and a package that it did not see fails.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = tuple(sorted(path.name for path in (ROOT / "src" / "azmlflow").iterdir() if (path / "__init__.py").exists()))
# A room holds no more than this, so that a stranger can take it in.
MOST_FILES = 13  # a dozen, and `__init__`
MOST_LINES = 300
# Longer than that, and why.
LONG = {
    "rbac/operations.py": "a table: MLflow's operations",
}


def main() -> int:
    """Check imports, rooms and lengths; 1 when something is wrong."""
    wrong = [*_outside_the_library(), *_rooms(), *_lengths()]
    for line in wrong:
        sys.stdout.write(line + "\n")
    return 1 if wrong else _imports()


def _imports() -> int:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "azmlflow"
        shutil.copytree(ROOT / "src" / "azmlflow", copy, ignore=shutil.ignore_patterns("__pycache__"))
        done = subprocess.run(
            [Path(sys.executable).with_name("lint-imports"), ROOT / "pyproject.toml", "--no-cache"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": folder},
            capture_output=True,
            text=True,
            check=False,
        )
    read = re.search(r"Analyzed (\d+) files", done.stdout)
    files = sum(1 for _ in _sources())
    if done.returncode or read is None or int(read[1]) < files:
        sys.stdout.write(done.stdout + done.stderr)
        sys.stdout.write(f"import-linter read {read[1] if read else 0} files of {files}\n")
        return 1
    sys.stdout.write(done.stdout.splitlines()[-1] + "\n" if done.stdout else "")
    return 0


def _sources() -> list[Path]:
    return [ROOT / "src" / "azmlflow" / "__init__.py", *(f for each in PACKAGES for f in (ROOT / each).rglob("*.py"))]


def _outside_the_library() -> list[str]:
    """What the pure rooms, and the pure part of rbac, import beside the standard library and themselves."""
    wrong = []
    for file in [
        *(ROOT / "rbac").glob("*.py"),
        *(ROOT / "rbac" / "report").glob("*.py"),
        *ROOT.glob("resourcetypes/*.py"),
        *ROOT.glob("reach/*.py"),
        *ROOT.glob("scoring/*.py"),
    ]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                own = name.startswith(f"azmlflow.{file.relative_to(ROOT).parts[0]}")
                if name.partition(".")[0] not in sys.stdlib_module_names and not own:
                    wrong.append(f"{file.relative_to(ROOT)}: needs the standard library alone, not {name}")
    return wrong


def _rooms() -> list[str]:
    """Rooms without a sign, or with too much in them."""
    wrong = []
    for room in sorted({file.parent for file in _sources()[1:]}):
        name, files = room.relative_to(ROOT), list(room.glob("*.py"))
        if len(files) > MOST_FILES:
            wrong.append(f"{name}: {len(files)} files are too many for one room")
        sign = room / "__init__.py"
        if not sign.exists() or ast.get_docstring(ast.parse(sign.read_text(encoding="utf-8"))) is None:
            wrong.append(f"{name}: __init__.py does not say what belongs there")
    return wrong


def _lengths() -> list[str]:
    lengths = {str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines()) for file in _sources()}
    long = {name for name, lines in lengths.items() if lines > MOST_LINES}
    return [f"{name}: {lengths[name]} lines; split it" for name in sorted(long - set(LONG))] + [
        f"{name}: no longer over {MOST_LINES} lines, but listed so" for name in sorted(set(LONG) - long)
    ]


if __name__ == "__main__":
    sys.exit(main())
