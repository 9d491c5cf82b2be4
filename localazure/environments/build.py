"""The venv of a plan: the one in the cache, else built now by pip, in a process under a keeper as a job's.

pip and not uv: it is in every venv, and reads the user's pip.conf and PIP_* variables (index, proxy, certificates),
which uv does not. It sees the user's own way to the network and not the embedded Azure's (`environ.outer`), and none
of the user's other variables, since a source package runs code of its own. It runs as the embedded Azure's user.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from azmlflow.localazure.cache import cache_folder
from azmlflow.localazure.environ import outer
from azmlflow.localazure.environments import build_child
from azmlflow.localazure.environments.failure import reason
from azmlflow.localazure.environments.plan import Plan
from azmlflow.localazure.jobs.process import JobProcess, Keeping

_KEPT = frozenset(
    {"PATH", "HOME", "TMPDIR", "LANG", "TZ", "LD_LIBRARY_PATH", "NETRC"}
    | {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
    | {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"}
    | {"XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_CACHE_HOME"}
)
# Where pip shall install, which here is the venv.
_ELSEWHERE = frozenset({"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_DRY_RUN"})


def environments_folder(environment: Mapping[str, str]) -> Path:
    """The folder of all built environments."""
    return cache_folder(environment) / "environments"


def ready(folder: Path) -> Path | None:
    """The interpreter of an environment that is built, or None.

    Args:
        folder: the environment's, in the cache.
    """
    python = folder / build_child.VENV / "bin" / "python"
    return python if (folder / build_child.READY).exists() and python.exists() else None


async def ensure(plan: Plan, cache: Path, folder: Path, log: Path, started: Callable[[JobProcess], None]) -> Path:
    """The interpreter of a plan's venv, which is built unless it is there.

    Args:
        plan: what is to be in it.
        cache: see `environments_folder`.
        folder: the job's folder.
        log: the job's log, which the build's output goes to.
        started: told of the building process, which may be ended.

    Raises:
        UnusableEnvironment: it cannot be built; the message names the package, the log has pip's own words.
        OSError: the process cannot be started.
    """
    place = cache / plan.key
    if (found := ready(place)) is not None:
        return found
    requirements = folder / "requirements.txt"
    requirements.write_text("".join(f"{line}\n" for line in plan.requirements), encoding="utf-8")
    words = (str(place), str(plan.python.path), str(requirements), plan.name, *sorted(plan.conda))
    command = shlex.join([sys.executable, "-I", build_child.__file__, *words])
    process = await JobProcess.start(command, folder, build_environment(os.environ), Keeping(str(log), str(folder)))
    try:
        started(process)
        await process.wait()
    finally:
        await process.close()
    if (found := ready(place)) is None:
        raise reason(plan, log.read_text(encoding="utf-8", errors="replace").splitlines())
    return found


def build_environment(base: Mapping[str, str]) -> dict[str, str]:
    """The variables that pip sees.

    Args:
        base: the embedded Azure's own environment.
    """
    kept = {
        name: value
        for name, value in outer(base).items()
        if name.upper() in _KEPT or (name.startswith(("LC_", "PIP_")) and name not in _ELSEWHERE)
    }
    return {**kept, "PYTHONNOUSERSITE": "1", "PYTHONUNBUFFERED": "1"}
