"""Installing the plugin: found by the engine, done once, whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from azmlflow.localazure.plugin.install import EXECUTABLE, InstallError, install

NEXT = "unset AZMLFLOW_AZURE_NATIVE    (or install there what `pulumi plugin install` gets: version {})"


def test_the_launcher_is_where_the_engine_looks(tmp_path: Path) -> None:
    launcher = install(tmp_path / "home", "3.29.0")
    assert launcher == tmp_path / "home" / "plugins" / "resource-azure-native-v3.29.0" / EXECUTABLE
    assert launcher.stat().st_mode & 0o777 == 0o755
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
    with pytest.raises(InstallError) as caught:
        install(tmp_path, "3.29.0")
    place = tmp_path / "plugins" / "resource-azure-native-v3.29.0" / EXECUTABLE
    assert str(caught.value) == f"cannot write the azure-native plugin to {place}: Not a directory"
    assert caught.value.next is None


def test_a_link_to_what_is_right_is_replaced_by_it(tmp_path: Path) -> None:
    launcher = install(tmp_path, "3.29.0")
    launcher.rename(tmp_path / "elsewhere")
    launcher.symlink_to(tmp_path / "elsewhere")
    install(tmp_path, "3.29.0")
    assert not launcher.is_symlink()


def test_a_folder_in_the_launchers_place_is_left(tmp_path: Path) -> None:
    place = tmp_path / "plugins" / "resource-azure-native-v3.29.0" / EXECUTABLE
    place.mkdir(parents=True)
    with pytest.raises(InstallError, match="Is a directory"):
        install(tmp_path, "3.29.0")
    assert [path.name for path in place.parent.iterdir()] == [EXECUTABLE]


OFFICIAL = "#!/bin/sh\necho the official one\n"


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """A stand-in for the official plugin, in a plugins folder as the engine keeps it."""
    binary = tmp_path / "users" / "plugins" / "resource-azure-native-v3.29.0" / EXECUTABLE
    binary.parent.mkdir(parents=True)
    binary.write_text(OFFICIAL)
    binary.chmod(0o755)
    return binary


@pytest.mark.parametrize("named", ["binary", "folder"])
@pytest.mark.parametrize("before", ["nothing", "ours", "another", "a dangling link"])
def test_the_official_plugin_takes_the_place_of_ours(tmp_path: Path, official: Path, named: str, before: str) -> None:
    home = tmp_path / "home"
    place = home / "plugins" / "resource-azure-native-v3.29.0" / EXECUTABLE
    if before == "ours":
        install(home, "3.29.0")
    elif before != "nothing":
        place.parent.mkdir(parents=True)
        place.symlink_to("/bin/true" if before == "another" else tmp_path / "gone")
    assert install(home, "3.29.0", official if named == "binary" else official.parent) == place
    assert place.resolve() == official
    assert subprocess.run([place], capture_output=True, text=True, check=True).stdout == "the official one\n"
    assert [path.name for path in place.parent.iterdir()] == [EXECUTABLE]


def test_linking_again_touches_nothing(tmp_path: Path, official: Path) -> None:
    before = install(tmp_path / "home", "3.29.0", official).lstat()
    assert install(tmp_path / "home", "3.29.0", official).lstat().st_ino == before.st_ino


def test_ours_comes_back_and_the_official_plugin_stays_whole(tmp_path: Path, official: Path) -> None:
    install(tmp_path / "home", "3.29.0", official)
    launcher = install(tmp_path / "home", "3.29.0")
    assert not launcher.is_symlink()
    assert sys.executable in launcher.read_text()
    assert official.read_text() == OFFICIAL


def test_a_path_from_here_is_linked_whole(tmp_path: Path, official: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert install(tmp_path / "home", "3.29.0", official.relative_to(tmp_path)).resolve() == official


def test_an_official_plugin_may_lie_in_a_folder_of_any_name(tmp_path: Path, official: Path) -> None:
    moved = tmp_path / "built" / EXECUTABLE
    moved.parent.mkdir()
    official.rename(moved)
    assert install(tmp_path / "home", "3.30.0", moved).resolve() == moved


@pytest.mark.parametrize("fault", ["nothing there", "a folder without it", "not executable"])
def test_an_official_plugin_that_is_none(tmp_path: Path, official: Path, fault: str) -> None:
    named = official
    if fault == "nothing there":
        named = tmp_path / "nowhere"
    elif fault == "a folder without it":
        named = tmp_path / "users"
    else:
        official.chmod(0o644)
    with pytest.raises(InstallError, match="no azure-native plugin that can be run") as caught:
        install(tmp_path / "home", "3.29.0", named)
    assert caught.value.next == NEXT.format("3.29.0")
    assert not (tmp_path / "home" / "plugins").exists()


@pytest.mark.parametrize("named", ["binary", "folder"])
def test_an_official_plugin_of_another_version(tmp_path: Path, official: Path, named: str) -> None:
    with pytest.raises(InstallError, match=r"is of version 3\.29\.0, and the program asks for 3\.30\.0") as caught:
        install(tmp_path / "home", "3.30.0", official if named == "binary" else official.parent)
    assert caught.value.next == NEXT.format("3.30.0")


def test_the_launcher_refuses_to_run_off_a_local_stack(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "AZMLFLOW_CLOUD"}
    launcher = install(tmp_path, "3.29.0")
    done = subprocess.run(
        [launcher, "127.0.0.1:1"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1 and done.stdout == ""
    assert "never against the real Azure" in done.stderr and "Traceback" not in done.stderr
