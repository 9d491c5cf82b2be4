"""The venv of a plan: the one in the cache, else built now by pip, under the job's keeper.

    <digest>/lock         held while it is built, by us and by the keeper, so that nobody clears away under a pip that
                          lives on for a moment; of two that build the same, the second waits and finds it there
    <digest>/venv         at its final place, since a venv's scripts hold its path
    <digest>/ready.json   written last, in one piece: without it the venv is half a one, and is built anew

pip and not uv: it is in every venv, and reads the user's pip.conf and PIP_* variables (index, proxy, certificates),
which uv does not. It sees the user's own way to the network and not the embedded Azure's (`environ.outer`), and none
of the user's other variables, since a source package runs code of its own. For the same reason it runs as the job's
user (`keeper.users`) where we are root, with a home of its own. Where the user's way has credentials (`home`), wheels
are fetched with them first, of which no code runs, and what is not among these is built without. The venv is that
user's while it is built, and ours when all its processes have ended. When pip fails, its index is asked for each of
conda's names too, so that all that are missing are told at once.
"""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from azmlflow.localazure.builder.building import Building, Ended
from azmlflow.localazure.builder.failure import WITHOUT, reason
from azmlflow.localazure.builder.home import Home, read
from azmlflow.localazure.builder.plan import Plan
from azmlflow.localazure.clients.environ import outer
from azmlflow.localazure.keeper.place import Place, once
from azmlflow.localazure.keeper.process import Endable, Keeping
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.machine.cache import cache_folder

BUILD = "build"  # the folder of the job's in which pip has its home
READY, VENV, WHEELS = "ready.json", "venv", "wheels"
_PIP = "-m pip --disable-pip-version-check --no-input"
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
    python = folder / VENV / "bin" / "python"
    return python if (folder / READY).exists() and python.exists() else None


async def ensure(
    plan: Plan, cache: Path, place: Place, log: Path, *, started: Callable[[Endable], None], users: Users
) -> Path:
    """The interpreter of a plan's venv, which is built unless it is there.

    Args:
        plan: what is to be in it.
        cache: see `environments_folder`.
        place: the job's.
        log: the job's log, which the build's output goes to.
        started: told of the building, which may be ended.
        users: whom jobs run as.

    Raises:
        UnusableEnvironment: it cannot be built; the message names the package, the log has pip's own words.
        CannotStart: the job's user cannot start the interpreter that it is made of.
        OSError: files cannot be written.
    """
    where = cache / plan.key
    if (found := ready(where)) is not None:
        return found
    seen = await users.lay_open(place, plan.python.path, plan.python.path)
    where.mkdir(parents=True, exist_ok=True)
    where.chmod(0o755)  # whichever user a job runs as reads it
    variables = build_environment(os.environ)
    home = None if place.user is None else read(place.folder / BUILD / "home", variables)
    if home is not None:
        variables = dict(home.variables)
        await _settle(home, place)
    keeping = Keeping(log=log.name, seen=(*seen, *_named(variables)), own=(str(where / VENV),))
    building = Building(place, log, variables, keeping)
    started(building)
    try:
        async with building.locked(where / "lock", plan.name):
            if ready(where) is None:
                await _build(plan, where, place, building, home)
    except Ended:
        pass  # it is told as what it is: no environment
    finally:
        async with await place.porter() as porter:
            await porter.empty([BUILD])  # what pip needed to reach its index is not for the job
    if (found := ready(where)) is None:
        raise reason(plan, log.read_text(encoding="utf-8", errors="replace").splitlines())
    return found


async def _build(plan: Plan, where: Path, place: Place, building: Building, home: Home | None) -> None:
    (where / READY).unlink(missing_ok=True)
    started, count = time.monotonic(), len(plan.requirements)
    building.say(
        f"building environment {plan.name}, for the first time on this machine: {count} packages and what they need"
    )
    venv = where / VENV
    await place.lend(venv)
    built = False
    try:
        made = await building.run(shlex.join([str(plan.python.path), "-m", "venv", str(venv)]))
        built = made == 0 and await _install(plan, venv, place, building, home)
        if built:
            await place.take_back(venv)
    finally:
        if not built:
            await place.discard(venv)
    if built:
        seconds = round(time.monotonic() - started, 1)
        told = {"name": plan.name, "python": str(plan.python.path), "seconds": seconds}
        written = where / f".{READY}"
        written.write_text(json.dumps(told), encoding="utf-8")
        written.chmod(0o644)
        written.replace(where / READY)
        building.say(f"environment {plan.name} is built: {seconds:.1f} s")


async def _install(plan: Plan, venv: Path, place: Place, building: Building, home: Home | None) -> bool:
    if not plan.requirements:
        return True
    lines = "".join(f"{line}\n" for line in plan.requirements).encode()
    async with await place.porter() as porter:
        await porter.put([BUILD, "requirements.txt"], once(lines))
    pip, listed = f"{shlex.quote(str(venv / 'bin' / 'python'))} {_PIP}", place.folder / BUILD / "requirements.txt"
    # A pip.conf that says `user = true` is meant for other installations than into a venv.
    install = f"{pip} install --no-user --progress-bar off -r {shlex.quote(str(listed))}"
    asked = False
    if home is not None and (plain := home.plain()) is not home:
        wheels = shlex.quote(str(place.folder / BUILD / WHEELS))
        install += f" --find-links {wheels}"
        if await _fetch(plan, f"{pip} download --progress-bar off --only-binary :all: -d {wheels}", building):
            install += " --no-index"
        else:
            building.say(WITHOUT)
            await _ask(plan, pip, building)
            asked = True
        await _settle(plain, place)
        building.see(plain.variables)
    code = await building.run(install)
    if code and not asked:
        await _ask(plan, pip, building)
    return code == 0


async def _fetch(plan: Plan, download: str, building: Building) -> bool:
    """Fetch wheels, of which no code runs, as far as there are any; whether these are all that is needed.

    Only what is named by a name and versions is fetched: for an address pip runs setup code, whatever it is told.
    """
    named = [line for line in plan.requirements if _is_name(line)]
    if not named:
        return False
    whole = await building.run(f"{download} {shlex.join(named)}") == 0
    for line in () if whole else named:
        await building.run(f"{download} {shlex.quote(line)} >{os.devnull} 2>&1")
    return whole and len(named) == len(plan.requirements)


def _is_name(line: str) -> bool:
    try:
        return not line.startswith("-") and Requirement(line).url is None
    except InvalidRequirement:  # it has options, or is an address
        return False


async def _ask(plan: Plan, pip: str, building: Building) -> None:
    for each in sorted(plan.conda):
        await building.run(f"{pip} index versions {shlex.quote(each)} >{os.devnull}")


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


async def _settle(home: Home, place: Place) -> None:
    """Make a home what it is to be, with nothing else in it."""
    parts = [BUILD, home.path.name]
    async with await place.porter() as porter:
        for folder in (home.path.name, "tmp", WHEELS):
            await porter.make([BUILD, folder])
        await porter.empty(parts)
        for name, content in home.files.items():
            await porter.put([*parts, *name.split("/")], once(content))


def _named(variables: Mapping[str, str]) -> Iterator[str]:
    """Folders that the user's variables name and everybody may enter: also where a build has a /tmp of its own."""
    for name, value in variables.items():
        for word in value.split() if name.startswith("PIP_") else ():
            path = Path(word.removeprefix("file://"))
            if path.is_absolute() and path.is_dir() and all(each.stat().st_mode & 1 for each in (path, *path.parents)):
                yield os.path.normpath(path)
