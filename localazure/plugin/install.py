"""Puts a plugin where Pulumi's engine looks for azure-native: `plugins/resource-azure-native-v<version>/`.

Ours, or the official one where its user has one and says so. The engine takes a folder of that name as an installed
plugin and runs the executable in it; it needs no other marker (`.partial` would mean an unfinished download, and there
is none). Found there, it is not asked for again.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import tempfile
from pathlib import Path

EXECUTABLE = "pulumi-resource-azure-native"
_FOLDER = re.compile(r"resource-azure-native-v(?P<version>\d.*)")


class InstallError(Exception):
    """The plugin cannot be put in its place.

    Attributes:
        next: what to type, if that is known.
    """

    def __init__(self, what: str, next: str | None = None) -> None:
        super().__init__(what)
        self.next = next


def install(pulumi_home: Path, sdk_version: str, official: Path | None = None) -> Path:
    """Write the launcher of ours, or link the official plugin; what is there already and right stays untouched.

    Args:
        pulumi_home: the engine's PULUMI_HOME, made if absent.
        sdk_version: version of the installed pulumi-azure-native: the program asks the engine for exactly this one.
        official: the official plugin, or the folder that it lies in; None for ours.

    Returns:
        The path that the engine runs.

    Raises:
        InstallError: for a version that is none, an official plugin that is none or of another version, or when the
            folder cannot be written, naming it.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+[\w.+-]*", sdk_version):
        raise InstallError(f"'{sdk_version}' is not a version of pulumi-azure-native (expected e.g. 3.29.0)")
    place = pulumi_home / "plugins" / f"resource-azure-native-v{sdk_version}" / EXECUTABLE
    binary = _binary(official, sdk_version) if official else None
    try:
        if binary:
            _link(place, binary)
        else:
            _launch(place)
    except OSError as error:
        raise InstallError(f"cannot write the azure-native plugin to {place}: {error.strerror or error}") from error
    return place


def _binary(official: Path, sdk_version: str) -> Path:
    get = f"unset AZMLFLOW_AZURE_NATIVE    (or install there what `pulumi plugin install` gets: version {sdk_version})"
    path = (official / EXECUTABLE if official.is_dir() else official).absolute()
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise InstallError(f"no azure-native plugin that can be run is at {path}", get)
    named = _FOLDER.fullmatch(path.parent.name)
    if named and named["version"] != sdk_version:
        raise InstallError(
            f"the azure-native plugin in {path.parent} is of version {named['version']}, "
            f"and the program asks for {sdk_version}",
            get,
        )
    return path


def _link(place: Path, binary: Path) -> None:
    if place.is_symlink() and place.readlink() == binary:
        return
    with tempfile.TemporaryDirectory(dir=_made(place.parent.parent), prefix=".link-") as folder:
        link = Path(folder) / EXECUTABLE
        link.symlink_to(binary)
        link.replace(_made(place.parent) / EXECUTABLE)


def _launch(launcher: Path) -> None:
    # -I: neither the program's folder nor PYTHON* variables may shadow a module; exec: the engine signals this pid.
    script = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -m azmlflow.localazure.plugin "$@"\n'
    runs = launcher.is_file() and not launcher.is_symlink() and os.access(launcher, os.X_OK)
    if runs and launcher.read_text("utf-8") == script:
        return
    descriptor, name = tempfile.mkstemp(dir=_made(launcher.parent), prefix=".launcher-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(script)
        temporary.chmod(0o755)
        temporary.replace(launcher)
    finally:
        temporary.unlink(missing_ok=True)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
