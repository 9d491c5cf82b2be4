"""What is given up where not all can be: without namespaces of mounts, and where no right can be given up at all.

Each in a process of its own, since what is given up is gone for good.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root on Linux has rights to give up"
)
PROBE = """
import json, sys
from pathlib import Path
from azmlflow.localazure.keeper.command import Calls
from azmlflow.localazure.machine.errors import RightsKept
from azmlflow.localazure.process import shedding

def refused(*_, **__):
    raise PermissionError(1, "Operation not permitted")

if "mounts" in sys.argv[2:]:
    Calls.unshare = refused
if "read-only" in sys.argv[2:]:
    Calls.set_read_only = refused
if "capabilities" in sys.argv[2:]:
    shedding._drop = refused
folder = Path(sys.argv[1])
try:
    told = shedding.shed([folder], [Path(sys.executable)])
except RightsKept as error:
    told = f"refused: {error.next}"
lines = Path("/proc/self/status").read_text().splitlines()
status = dict(line.split(":", 1) for line in lines)
try:
    (folder.parent / "beside").write_text("x")
    beside = True
except OSError:
    beside = False
(folder / "own").write_text("x")
print(json.dumps([told, int(status["CapEff"], 16), status["NoNewPrivs"].strip(), beside]))
"""
OPENS_FILES = 2  # capability(7): CAP_DAC_OVERRIDE is the number 1


def shed(folder: Path, *impossible: str) -> list[Any]:
    """What is told, the capabilities that are left, no_new_privs, and whether a file beside the folder can be made."""
    own = folder / "own"
    own.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-c", PROBE, str(own), *impossible]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    found: list[Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("impossible", ["mounts", "read-only"])
def test_without_namespaces_of_mounts_it_still_gives_up_every_capability_but_one(
    tmp_path: Path, impossible: str
) -> None:
    told, capabilities, privileges, _ = shed(tmp_path, impossible)
    assert told == "it holds no capability but that to open files"
    assert (capabilities, privileges) == (OPENS_FILES, "1")


def test_where_no_right_can_be_given_up_it_does_not_start(tmp_path: Path) -> None:
    told, *_ = shed(tmp_path, "mounts", "capabilities")
    assert told == "refused: start it as a user of your own: `azmlflow local start` without root"
    told, *_ = shed(tmp_path, "capabilities")
    assert told.startswith("refused: ")


LOOK = """
import json, os, socket, sys
from pathlib import Path
from azmlflow.localazure.process import shedding

own, listening = Path(sys.argv[1]), sys.argv[2]
told = shedding.shed([own, own.parent], [Path(sys.executable)])
with socket.socket(socket.AF_UNIX) as asking:
    try:
        asking.connect(listening)
        speaks = True
    except OSError:
        speaks = False
(own / "kept").write_text("x")
Path("/dev/null").write_text("x")
print(json.dumps([told, os.listdir("/dev"), speaks, len(os.urandom(8)), os.path.exists("/etc/resolv.conf")]))
"""


def test_no_disk_and_no_socket_of_roots_is_there_to_it() -> None:
    """A read-only mount keeps nobody from writing to a device on it, nor from speaking to a socket."""
    with tempfile.TemporaryDirectory(dir="/run") as place, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{place}/roots.sock")
        listener.listen()
        own = Path(place) / "of-its-own" / "sockets"
        own.mkdir(parents=True)
        words = [sys.executable, "-c", LOOK, str(own), f"{place}/roots.sock"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
        told, devices, speaks, chance, resolver = json.loads(done.stdout)
        assert (own / "kept").read_text() == "x"
    assert chance == 8
    assert resolver is Path("/etc/resolv.conf").exists()
    if not told.endswith("can write to its own folders alone"):
        pytest.skip("there are no namespaces of mounts for us")
    assert set(devices) <= {"null", "zero", "full", "random", "urandom", "tty", "shm"}
    assert speaks is False


GIVE_UP = """
import json, logging, os, socket, sys
from pathlib import Path
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.process import shedding

folder = Folder.at(Path(sys.argv[1]))
folder.make()
shedding.give_up(folder)
with socket.socket(socket.AF_UNIX) as ours:
    ours.bind(str(folder.socket()))
with socket.socket(socket.AF_UNIX) as asking:
    try:
        asking.connect(sys.argv[2])
        speaks = True
    except OSError:
        speaks = False
print(json.dumps([speaks, os.stat("/proc/self/ns/mnt").st_ino, str(folder.socket())]))
"""


def test_of_its_users_runtime_folder_it_sees_its_own_sockets_alone(tmp_path: Path) -> None:
    """There lie those of root's session bus and service manager, if root has signed in."""
    with tempfile.TemporaryDirectory(dir="/run") as place, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{place}/bus")
        listener.listen()
        words = [sys.executable, "-c", GIVE_UP, str(tmp_path / "state"), f"{place}/bus"]
        found = {**os.environ, "XDG_RUNTIME_DIR": place, "TMPDIR": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True, env=found)
        speaks, namespace, own = json.loads(done.stdout)
        assert own.startswith(place)
        assert Path(own).is_socket()
    if namespace == Path("/proc/self/ns/mnt").stat().st_ino:
        pytest.skip("there are no namespaces of mounts for us")
    assert speaks is False


def test_where_all_can_be_only_its_own_folders_can_be_written_to(tmp_path: Path) -> None:
    told, capabilities, privileges, beside = shed(tmp_path)
    assert (capabilities, privileges) == (OPENS_FILES, "1")
    if told.endswith("can write to its own folders alone"):  # a container may have no namespaces for us
        assert beside is False
