"""The venv of a plan: the one in the cache, else built now by pip, in a process under a keeper as a job's.

pip and not uv: it is in every venv, and reads the user's pip.conf and PIP_* variables (index, proxy, certificates),
which uv does not. It sees the user's own way to the network and not the embedded Azure's (`environ.outer`), and none
of the user's other variables, since a source package runs code of its own. For the same reason it runs as a job's
user (`keeper.users`) where we are root: with a home of its own, in which are copies of the files that tell the way.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import shutil
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from azmlflow.localazure.builder import build_child
from azmlflow.localazure.builder.failure import reason
from azmlflow.localazure.builder.plan import Plan
from azmlflow.localazure.clients.environ import outer
from azmlflow.localazure.keeper import folders
from azmlflow.localazure.keeper.process import JobProcess, Keeping
from azmlflow.localazure.keeper.users import RunsAs
from azmlflow.localazure.machine.cache import cache_folder

_KEPT = frozenset(
    {"PATH", "HOME", "TMPDIR", "LANG", "TZ", "LD_LIBRARY_PATH", "NETRC"}
    | {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
    | {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"}
    | {"XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_CACHE_HOME"}
)
# Where pip shall install, which here is the venv.
_ELSEWHERE = frozenset({"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_DRY_RUN"})
# Variables that name a file which pip reads.
_FILES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "PIP_CERT", "PIP_CLIENT_CERT", "PIP_CONFIG_FILE")


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


async def ensure(
    plan: Plan,
    cache: Path,
    folder: Path,
    log: Path,
    *,
    started: Callable[[JobProcess], None],
    choose: Callable[[Path], Awaitable[RunsAs]],
) -> Path:
    """The interpreter of a plan's venv, which is built unless it is there.

    Args:
        plan: what is to be in it.
        cache: see `environments_folder`.
        folder: the job's folder.
        log: the job's log, which the build's output goes to.
        started: told of the building process, which may be ended.
        choose: whom it runs as, who has to be able to start the interpreter given.

    Raises:
        UnusableEnvironment: it cannot be built; the message names the package, the log has pip's own words.
        OSError: the process cannot be started.
    """
    place = cache / plan.key
    if (found := ready(place)) is not None:
        return found
    runs_as = await choose(plan.python.path)
    own = folder / "build"
    try:
        own.mkdir(mode=0o700)
        requirements = own / "requirements.txt"
        requirements.write_text("".join(f"{line}\n" for line in plan.requirements), encoding="utf-8")
        variables = build_environment(os.environ)
        spec = ""
        if runs_as.user is not None:
            variables = await asyncio.to_thread(_home, own, variables)
            await asyncio.to_thread(folders.give, [own], runs_as.user)
            seen = (*runs_as.seen, str(place / build_child.VENV))
            spec = json.dumps(asdict(Keeping(str(log), str(folder), user=runs_as.user, seen=seen)))
        words = (str(place), str(plan.python.path), str(requirements), spec, plan.name, *sorted(plan.conda))
        command = shlex.join([sys.executable, "-I", build_child.__file__, *words])
        process = await JobProcess.start(command, folder, variables, Keeping(str(log), str(folder)))
        try:
            started(process)
            await process.wait()
        finally:
            await process.close()
    finally:
        await asyncio.to_thread(folders.remove, own)
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


def _home(own: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables of a build as another user, who has a home here; what pip reads from ours is copied there."""
    home, told = own / "home", dict(variables)
    theirs = Path(told.get("HOME") or Path.home())
    settings = Path(told.pop("XDG_CONFIG_HOME", "") or theirs / ".config") / "pip" / "pip.conf"
    netrc = Path(told.pop("NETRC", "") or theirs / ".netrc")
    copies = {".config/pip/pip.conf": settings, ".pip/pip.conf": theirs / ".pip" / "pip.conf", ".netrc": netrc}
    for name in _FILES:
        if Path(told.get(name, "")).is_file():
            copies[name] = Path(told[name])
            told[name] = str(home / name)
    for name, path in copies.items():
        if path.is_file():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, home / name)
    for folder in (home, own / "tmp"):
        folder.mkdir(exist_ok=True)
    told.pop("XDG_CACHE_HOME", None)
    # What the setup code of one environment leaves in a cache would be in the next one.
    return told | {"HOME": str(home), "TMPDIR": str(own / "tmp"), "PIP_NO_CACHE_DIR": "1"}
