"""Installing the plugin: found by the engine, done once, whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from azmlflow.localazure.plugin.install import EXECUTABLE, InstallError, install


def test_the_launcher_is_where_the_engine_looks(tmp_path: Path) -> None:
    launcher = install(tmp_path / "home", "3.29.0")
    assert launcher == tmp_path / "home" / "plugins" / "resource-azure-native-v3.29.0" / EXECUTABLE
    assert os.access(launcher, os.X_OK)
    assert sys.executable in launcher.read_text()
    assert [path.name for path in launcher.parent.iterdir()] == [EXECUTABLE]


def test_installing_again_touches_nothing(tmp_path: Path) -> None:
    launcher = install(tmp_path, "3.29.0")
    before = launcher.stat()
    assert install(tmp_path, "3.29.0") == launcher
    assert launcher.stat().st_ino == before.st_ino and launcher.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize("damage", ["other interpreter", "not executable"])
def test_a_wrong_launcher_is_mended(tmp_path: Path, damage: str) -> None:
    launcher = install(tmp_path, "3.29.0")
    right = launcher.read_text()
    if damage == "not executable":
        launcher.chmod(0o644)
    else:
        launcher.write_text("#!/bin/sh\nexec /gone/python\n")
    install(tmp_path, "3.29.0")
    assert launcher.read_text() == right and os.access(launcher, os.X_OK)


@pytest.mark.parametrize("version", ["", "latest", "3.29", "3.29.0/../../x"])
def test_a_version_that_is_none(tmp_path: Path, version: str) -> None:
    with pytest.raises(InstallError, match="not a version"):
        install(tmp_path, version)


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "plugins").write_text("a file")
    with pytest.raises(InstallError, match=r"cannot write the azure-native plugin to .*plugins"):
        install(tmp_path, "3.29.0")


def test_the_launcher_refuses_to_run_off_a_local_stack(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "AZMLFLOW_CLOUD"}
    launcher = install(tmp_path, "3.29.0")
    done = subprocess.run(
        [launcher, "127.0.0.1:1"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1 and done.stdout == ""
    assert "never against the real Azure" in done.stderr and "Traceback" not in done.stderr
