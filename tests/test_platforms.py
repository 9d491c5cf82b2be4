"""What stacks on Azure need imports on every system: no module that only POSIX has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.local.entering import refuse_here

ROOT = Path(__file__).resolve().parents[1]
# "Unix Specific Services" and what else the library's reference marks "Availability: Unix".
POSIX = ("crypt", "curses", "fcntl", "grp", "pty", "pwd", "readline", "resource", "spwd", "syslog", "termios", "tty")
PACKAGES = ("cli", "infra", "rbac", "resourcetypes", "scoring")
# It runs a program, which asks for its stack.
RUN = {"azmlflow.infra.__main__"}
LOCAL = {
    "azmlflow.cli.local.directory",
    "azmlflow.cli.local.groups",
}  # the embedded Azure's, imported by what has asked for one


def test_no_module_that_only_posix_has_is_imported() -> None:
    names = [
        ".".join(("azmlflow", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    ]
    assert len(names) > 150
    script = (
        f"import importlib, sys, filelock, psutil\nsys.modules.update(dict.fromkeys({POSIX}))\n"
        f"for name in {[name for name in names if name not in RUN | LOCAL]}: importlib.import_module(name)\n"
        "print(*(name for name in sys.modules if name.startswith('azmlflow.localazure.')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    rooms = {name.split(".")[2] for name in done.stdout.split()}
    assert rooms <= {"core", "machine", "clients", "plugin"}, "of the embedded Azure, constants and paths alone"


def test_on_windows_the_embedded_azure_wants_wsl() -> None:
    with pytest.raises(CliError, match="on Windows it wants WSL") as caught:
        refuse_here("win32")
    assert str(caught.value.next).startswith("wsl --install")
    refuse_here("linux")


def test_without_its_packages_the_embedded_azure_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "mlflow" else object())
    with pytest.raises(CliError, match="mlflow is missing") as caught:
        refuse_here("darwin")
    assert caught.value.next == "python -m pip install 'azmlflow[local]'"
