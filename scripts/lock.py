"""Renew requirements/toolkit.lock and examples/requirements.lock, with hashes and for every platform.

What is locked already stays as it is, unless `--upgrade` says otherwise.
"""

import subprocess
import sys

LOCKS = (
    ("pyproject.toml", ("--extra", "dev"), "requirements/toolkit.lock"),
    ("examples/requirements.txt", (), "examples/requirements.lock"),
)


def main() -> None:
    """Compile each lock with uv, leaving out the address of the registry."""
    for source, extras, lock in LOCKS:
        subprocess.run(
            [
                *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", source, *extras, *sys.argv[1:]),
                *("--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url"),
                *("--no-annotate", "--custom-compile-command", "make lock", "--output-file", lock),
            ],
            check=True,
        )


if __name__ == "__main__":
    main()
