"""What becomes of pip's words, as pip 23.2 printed them when each of these failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from azmlflow.localazure.builder.failure import WITHOUT, reason
from azmlflow.localazure.builder.plan import plan
from azmlflow.localazure.builder.pythons import Interpreter
from azmlflow.localazure.environments.specification import from_conda

PLAN = plan(
    from_conda("env:1", {"dependencies": ["alpha", "scikit-learn=0.22", {"pip": ["gamma==1.0"]}]}),
    (Interpreter("3.11.7", Path("/usr/bin/python3.11")),),
)
NOTHING = """\
ERROR: Could not find a version that satisfies the requirement {what} (from versions: {versions})
ERROR: No matching distribution found for {what}
"""
OLD_SOURCE = """\
Collecting scikit-learn==0.22
  Downloading scikit-learn-0.22.tar.gz (6.9 MB)
  Getting requirements to build wheel: finished with status 'error'
  error: subprocess-exited-with-error

  Getting requirements to build wheel did not run successfully.
  │ exit code: 1
  ╰─> [22 lines of output]
      ModuleNotFoundError: No module named 'pkg_resources'
      [end of output]
note: This error originates from a subprocess, and is likely not a problem with pip.
error: subprocess-exited-with-error
"""
CONFLICT = """\
ERROR: Cannot install alpha==1.0 and alpha==2.0 because these package versions have conflicting dependencies.
ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/
"""
NO_WHEEL = """\
Collecting gamma==1.0
  ERROR: Failed building wheel for gamma
ERROR: Could not build wheels for gamma, which is required to install pyproject.toml-based projects
"""
UNREACHABLE = """\
WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by \
'NewConnectionError('<connection>: Failed to establish a new connection: [Errno 111] refused')': /simple/alpha/
ERROR: Could not find a version that satisfies the requirement alpha (from versions: none)
ERROR: No matching distribution found for alpha
"""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (NOTHING.format(what="alpha", versions="none"), "has no alpha, and conda is not used here. Take out"),
        (NOTHING.format(what="gamma==1.0", versions="none"), "has no 'gamma==1.0' for Python 3.11.7; check the name"),
        (NOTHING.format(what="alpha==3.*", versions="1.0, 2.0"), "'alpha==3.*' for Python 3.11.7, only 1.0, 2.0."),
        (NOTHING.format(what="gamma==1.0", versions=", ".join(map(str, range(9)))), "only 0, ..., 5, 6, 7, 8."),
        (OLD_SOURCE, "'scikit-learn==0.22' could not be built for Python 3.11.7; name a version"),
        (CONFLICT, "Cannot install alpha==1.0 and alpha==2.0: these want versions that exclude each other"),
        (NO_WHEEL, "'gamma' has no wheel for Python 3.11.7"),
        (UNREACHABLE, "index did not answer; see `pip config list`"),
        ("ERROR: Could not install packages due to an OSError: disk full\n", "Could not install packages due to"),
        ("", "pip gave no reason"),
    ],
)
def test_the_reason_names_the_package_and_what_to_do(said: str, told: str) -> None:
    found = str(reason(PLAN, said.splitlines()))
    assert told in found
    assert found.startswith("The environment 'env:1' c")


def test_what_was_said_of_wheels_alone_is_no_reason() -> None:
    before, after = NOTHING.format(what="gamma==1.0", versions="none"), NO_WHEEL
    told = str(reason(PLAN, f"{before}[azmlflow] {WITHOUT}\n{after}".splitlines()))
    assert "'gamma' has no wheel for Python" in told
    assert "without the credentials of pip's settings" in told
