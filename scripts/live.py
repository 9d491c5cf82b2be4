"""`make live`: a data scientist's day on a real subscription, which costs money. The authors have not run it on one.

    python -m scripts.live [--cloud local]

It takes who is signed in, and the Pulumi backend that is set. A stack `azmlflow-live`, with one cluster of no nodes, is
previewed with its price; it is stood up only if its name is typed back, and removed after a failure too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
STACK = "azmlflow-live"
AZMLFLOW = Path(sys.executable).with_name("azmlflow")


class Failed(Exception):
    """A step did not end well."""


def azmlflow(folder: Path, *words: str) -> None:
    """Run `azmlflow WORDS` on the stack of the folder, at this terminal; Failed if it does not end well."""
    click.secho(f"$ azmlflow {' '.join(words)}", bold=True, err=True)
    variables = {**os.environ, "AZMLFLOW_STACK": STACK}
    if subprocess.run(
        [AZMLFLOW, "-C", folder, *words], env=variables, check=False, stdin=subprocess.DEVNULL
    ).returncode:
        raise Failed(f"`azmlflow {' '.join(words)}` failed")


def day(folder: Path, python: str) -> None:
    """Stand it up, change nothing, track, look, and prove what may be done."""
    azmlflow(folder, "up", "--yes")
    azmlflow(folder, "preview")
    for script in ("track_local_run.py", "view_runs.py"):
        azmlflow(folder, "run", "--", python, str(ROOT / "examples" / script))
    azmlflow(folder, "verify", "--python", python)
    azmlflow(folder, "access", "--drift")


def removed(folder: Path) -> bool:
    """Remove all of it; says what to type where that fails."""
    try:
        azmlflow(folder, "down", "--yes")
    except Failed:
        click.secho(f"not all is removed; next: azmlflow -C {folder} down --stack {STACK}", fg="red", err=True)
        return False
    return True


@click.command()
@click.option("--cloud", type=click.Choice(["azure", "local"]), default="azure", show_default=True)
@click.option("--location", envvar="AZMLFLOW_LIVE_LOCATION", default="westeurope", show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), default=ROOT, help="The project.")
@click.option("--python", default=str(ROOT / ".venv-examples/bin/python"), help="The data scientist's.")
def main(cloud: str, location: str, folder: Path, python: str) -> None:
    """A data scientist's day on a real subscription; asks first, and removes everything at its end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    settings = folder / f"Pulumi.{STACK}.yaml"
    try:
        if not settings.exists():  # else an earlier one was killed: its stack is taken as it is
            azmlflow(folder, "init", STACK, "--cloud", cloud, "--location", location, "--cluster", "cpu", "--yes")
        azmlflow(folder, "doctor", "--python", python)
        azmlflow(folder, "preview")
    except Failed as fault:
        raise click.ClickException(f"{fault}; nothing was made") from None
    if click.prompt(f"this costs money; type {STACK} to go on", default="", show_default=False, err=True) != STACK:
        raise click.ClickException("nothing was made")
    how, gone = "it was interrupted", False
    try:
        day(folder, python)
        how = ""
    except Failed as fault:
        how = str(fault)
    finally:
        gone = removed(folder)
    if how or not gone:
        raise click.ClickException(f"{how or 'the day went well'}; {'all is removed' if gone else 'see above'}")
    settings.unlink()
    click.secho("the day went well, and all is removed", fg="green", err=True)


if __name__ == "__main__":
    main()
