"""Renew requirements/*.lock and examples/requirements.lock: hashes, every platform.

What is locked already stays as it is, unless `--upgrade` says otherwise.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

LOCKS = (
    ("pyproject.toml", ("--extra", "dev"), "requirements/toolkit.lock"),
    ("examples/requirements.txt", (), "examples/requirements.lock"),
)


def main() -> None:
    """Compile each lock with uv."""
    for source, extras, lock in LOCKS:
        _compile([source, *extras], lock)
    # The extra alone, without what azmlflow itself needs: the site is built of texts, and uv comes before all else.
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extra in ("docs", "installer"):
        _compile(["-"], f"requirements/{extra}.lock", "\n".join(project["optional-dependencies"][extra]))


def _compile(sources: list[str], lock: str, text: str = "") -> None:
    """One lock, leaving out the address of the registry."""
    subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", *sources, *sys.argv[1:]),
            *("--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url"),
            *("--no-annotate", "--custom-compile-command", "make lock", "--output-file", lock),
        ],
        input=text,
        text=True,
        check=True,
    )


if __name__ == "__main__":
    main()
