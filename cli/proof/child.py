"""Runs a program of ours (the proof, `client`) with the data scientist's interpreter, and reads what it found.

azureml-mlflow and the toolkit are never in one environment: the plugin holds MLflow's version down.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azmlflow.cli.frame.errors import CliError

# The proof is a package, found beside this file: its modules import each other, and nothing of azmlflow.
_PROOF = "import sys; sys.path.insert(0, sys.argv.pop(1)); from client.run import main; main(sys.argv[1:])"
_CAN = "import importlib.util as u, sys; sys.exit(not (u.find_spec('mlflow') and u.find_spec('azureml.mlflow')))"
_INSTALL = "-m pip install mlflow-skinny azureml-mlflow"
# MLflow tries a failing request again for minutes; a proof is there to fail.
_IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_DISABLE_TELEMETRY": "1"}


@dataclass(frozen=True)
class Python:
    """An interpreter that can import MLflow and its Azure plugin."""

    path: str


def find_python(named: str | None, root: Path, environment: Mapping[str, str], command: str = "verify") -> Python:
    """The interpreter that runs the script.

    Args:
        named: the one that the user names; then only this.
        root: the checkout, whose `.venv-examples` is looked at.
        environment: the user's, for VIRTUAL_ENV and PATH.
        command: of azmlflow, whose option names one.

    Raises:
        CliError: none can import both; it says what to install.
    """
    if named is not None:
        path = shutil.which(named, path=environment.get("PATH"))
        if path is None:
            raise CliError(f"no interpreter `{named}`", next=f"ls -l {named}")
        if not _able(path, environment):
            raise CliError("it cannot import mlflow and azureml.mlflow", where=path, next=f"{path} {_INSTALL}")
        return Python(path)
    tried: list[str] = []
    for candidate in _candidates(root, environment):
        if _able(candidate, environment):
            return Python(candidate)
        tried.append(candidate)
    raise CliError(
        f"no Python here can import mlflow and azureml.mlflow, which `azmlflow {command}` needs",
        where=", ".join(tried) or None,
        next=f"python {_INSTALL}, in your environment; or name one by --python",
    )


def _candidates(root: Path, environment: Mapping[str, str]) -> tuple[str, ...]:
    active = environment.get("VIRTUAL_ENV")
    folders = [*([Path(active)] if active else []), root / ".venv-examples"]
    found = [str(path) for folder in folders if (path := folder / "bin" / "python").exists()]
    on_path = (shutil.which(name, path=environment.get("PATH")) for name in ("python", "python3"))
    return tuple(dict.fromkeys([*found, *(path for path in on_path if path)]))


def _able(python: str, environment: Mapping[str, str]) -> bool:
    try:
        done = subprocess.run(
            [python, "-c", _CAN], env=dict(environment), capture_output=True, stdin=subprocess.DEVNULL, check=False
        )
    except OSError:
        return False
    return done.returncode == 0


def prove(python: Python, words: tuple[str, ...], environment: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Run the proof: what it finds, as it finds it.

    Raises:
        CliError: the proof itself broke; with the last line that it said.
    """
    return run(python, ("-c", _PROOF, str(Path(__file__).parent), *words), environment, "the proof")


def run(python: Python, words: tuple[str, ...], environment: Mapping[str, str], what: str) -> Iterator[dict[str, Any]]:
    """Run the interpreter: the JSON documents that it prints, line by line.

    Args:
        python: the interpreter.
        words: of its command line.
        environment: the child's.
        what: is done so, for the error.

    Raises:
        CliError: it failed; with the last line that it said.
    """
    wanted = {**_IMPATIENT, **environment, "PYTHONUNBUFFERED": "1"}
    # PYTHONPATH and PYTHONHOME of the toolkit's shell would lead the other interpreter to the wrong packages.
    wanted.pop("PYTHONHOME", None)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as noise:
        with subprocess.Popen(
            [python.path, *words], env=wanted, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=noise, text=True
        ) as child:
            if child.stdout is None:
                raise AssertionError("a pipe was asked for")
            for line in child.stdout:
                yield json.loads(line)
        if child.returncode:
            noise.seek(0, os.SEEK_SET)
            said = noise.read().strip().splitlines()
            raise CliError(
                f"{what} broke: {said[-1] if said else f'exit code {child.returncode}'}",
                where=python.path,
                next=f"azmlflow run -- {python.path} -c 'import mlflow, azureml.mlflow'",
            )
