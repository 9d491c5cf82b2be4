"""Puts the plugin where Pulumi's engine looks for azure-native: `plugins/resource-azure-native-v<version>/`.

The engine takes a folder of that name as an installed plugin and runs the executable in it; it needs no other
marker (`.partial` would mean an unfinished download, and there is none). Found there, it is not asked for again.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import tempfile
from pathlib import Path

EXECUTABLE = "pulumi-resource-azure-native"


class InstallError(Exception):
    """The plugin cannot be written to its place."""


def install(pulumi_home: Path, sdk_version: str) -> Path:
    """Write the launcher; what is there already and right stays untouched.

    Args:
        pulumi_home: the engine's PULUMI_HOME, made if absent.
        sdk_version: version of the installed pulumi-azure-native: the program asks the engine for exactly this one.

    Returns:
        The launcher's path.

    Raises:
        InstallError: for a version that is none, or when the folder cannot be written, naming it.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+[\w.+-]*", sdk_version):
        raise InstallError(f"'{sdk_version}' is not a version of pulumi-azure-native (expected e.g. 3.29.0)")
    launcher = pulumi_home / "plugins" / f"resource-azure-native-v{sdk_version}" / EXECUTABLE
    # -I: neither the program's folder nor PYTHON* variables may shadow a module; exec: the engine signals this pid.
    script = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -m azmlflow.localazure.plugin "$@"\n'
    try:
        if not (launcher.is_file() and os.access(launcher, os.X_OK) and launcher.read_text("utf-8") == script):
            _write(launcher, script)
    except OSError as error:
        raise InstallError(f"cannot write the azure-native plugin to {launcher}: {error.strerror or error}") from error
    return launcher


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".launcher-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        temporary.chmod(0o755)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
