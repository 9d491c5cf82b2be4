"""Whether the environment of a model can be built: pip is asked, and installs nothing.

To what the model asks for comes Azure's inference server, which runs it (Microsoft, "Azure Machine Learning inference
HTTP server").
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from azmlflow.cli.endpoints.model import Model
from azmlflow.cli.frame.errors import CliError

LOOK = Path(__file__).with_name("look.py")  # runs in the data scientist's environment
SERVER = "azureml-inference-server-http>=1.5,<2"
_WITHIN = 600.0  # seconds
_MINOR = re.compile(r"\d+\.\d+")
_NO_ANSWER = re.compile(r"connection broken|Temporary failure|NewConnectionError|timed out|SSLError|ProxyError", re.I)


def check(python: str, model: Model, environment: Mapping[str, str]) -> str | None:
    """Ask whether pip finds packages that fit each other.

    Args:
        python: an interpreter with pip.
        model: whose packages.
        environment: the user's, whose package index is asked.

    Returns:
        Why it is not known; None if they fit.

    Raises:
        CliError: they do not fit, or one is not there.
    """
    if model.packages is None:
        return "its conda.yaml asks for more than pip can tell of" if model.python else "it has no conda.yaml"
    with tempfile.TemporaryDirectory() as folder:
        words = [python, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--no-input"]
        words += ["--disable-pip-version-check", "--target", folder]
        if wanted := _MINOR.match(model.python):
            words += ["--python-version", wanted[0], "--only-binary", ":all:"]
        try:
            done = subprocess.run(
                [*words, *model.packages, SERVER],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_WITHIN,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as fault:
            return f"pip did not answer: {type(fault).__name__}"
    if done.returncode == 0:
        return None
    if _NO_ANSWER.search(done.stderr):
        return "the package index does not answer"
    said = [line.removeprefix("ERROR:").strip() for line in done.stderr.splitlines() if line.startswith("ERROR:")]
    if not said:
        return f"pip did not answer: exit code {done.returncode}"
    raise CliError(
        f"the environment of {model.name}:{model.version} cannot be built: {' '.join(said)[:600]}",
        where=f"the conda.yaml of {model.name}:{model.version}",
        next="log the model again with packages that fit each other: mlflow.<flavor>.log_model(pip_requirements=[...])",
    )
