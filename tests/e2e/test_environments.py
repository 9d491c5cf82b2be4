"""Jobs whose environments are built, through the real index; and what cannot be built."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.estate import Estate
from tests.e2e.people import ARM, Person, sign_in
from tests.e2e.test_remote_run import ENDED, PAUSE, VERSION, _details, _workspace, submit
from tests.localazure.builder.wheels import wheel

pytestmark = pytest.mark.e2e

BUILD = 150  # seconds


@pytest.fixture(scope="module")
def owner(estate: Estate) -> Iterator[Person]:
    with sign_in(estate, "developer@local.test") as person:
        yield person


def _environment(person: Person, workspace: str, name: str, conda: str) -> str:
    path = f"{workspace}/environments/{name}/versions/1"
    body = {"properties": {"condaFile": conda}}
    person.ask("PUT", f"{ARM}{path}", params=VERSION, json=body).raise_for_status()
    return path


def _ended(person: Person, workspace: str, name: str, seen: list[str]) -> str:
    """The state that a job ends in; those before it are noted."""
    until = time.monotonic() + BUILD
    while time.monotonic() < until:
        answer = person.ask("GET", f"{ARM}{workspace}/jobs/{name}", params=VERSION)
        status = str(answer.json()["properties"]["status"])
        if status not in seen:
            seen.append(status)
        if status in ENDED:
            return status
        time.sleep(PAUSE)
    raise AssertionError(f"job {name} stays {seen}")


def _log(person: Person, told: dict[str, Any]) -> str:
    return person.ask("GET", told["logFiles"]["user_logs/std_log.txt"], headers={"Authorization": ""}).text


def _unlike(package: str) -> str:
    """The package, in an environment like no other: what is excluded is not there."""
    return f"{package}!=0.{uuid.uuid4().int % 10**9}"


def _place(log: str) -> Path:
    """Where the environment is that a job ran with."""
    found = re.search(r"its Python is (\S+/environments/\w+)/", log)
    assert found, log
    return Path(found[1])


def test_an_environment_is_built_once_and_then_there(estate: Estate, owner: Person) -> None:
    workspace = _workspace(estate)
    conda = f"channels: [conda-forge]\ndependencies: [python=3.6.2, pip, toolz, {{pip: ['{_unlike('toolz')}']}}]\n"
    wanted = {"environmentId": _environment(owner, workspace, "small", conda)}
    command = "python -c \"import sys, toolz; print('toolz', toolz.__version__, sys.prefix)\""
    states: list[str] = []
    submit(owner, workspace, "built-1", command, **wanted).raise_for_status()
    assert _ended(owner, workspace, "built-1", states) == "Completed"
    log = _log(owner, _details(owner, estate, "built-1"))
    place = _place(log)
    try:
        assert "Preparing" in states
        for part in (
            "Python 3.6.2 is not on this machine",
            "channels are not asked (conda-forge)",
            "building environment small:1",
            "Successfully installed toolz",
            f"{place}/venv\n",
        ):
            assert part in log, log
        submit(owner, workspace, "built-2", command, **wanted).raise_for_status()
        assert _ended(owner, workspace, "built-2", states) == "Completed"
        told = _details(owner, estate, "built-2")
        again = _log(owner, told)
        assert "building environment" not in again
        assert "toolz" in again
    finally:
        shutil.rmtree(place)


def test_what_cannot_be_built_fails_its_job_by_name(estate: Estate, owner: Person) -> None:
    workspace = _workspace(estate)
    nowhere = "azmlflow-no-such-package-9f1c"
    cases = (
        ("unknown", f"dependencies: [{{pip: [{nowhere}]}}]", f"has no '{nowhere}'"),
        ("conda-alone", "dependencies: [numpy, cudatoolkit=11.3]", "has no cudatoolkit"),
    )
    for name, conda, said in cases:
        wanted = {"environmentId": _environment(owner, workspace, name, conda)}
        submit(owner, workspace, f"{name}-1", "true", **wanted).raise_for_status()
        assert _ended(owner, workspace, f"{name}-1", []) == "Failed"
        told = _details(owner, estate, f"{name}-1")
        assert said in told["error"]["error"]["message"]
    assert f"No matching distribution found for {nowhere}" in _log(owner, _details(owner, estate, "unknown-1"))


@pytest.fixture
def wheels() -> Iterator[Path]:
    """A folder with one package, which the user that pip runs as can read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        wheel(folder, "azmlflow_crash")
        yield folder


def test_after_a_crash_no_pip_runs_and_the_environment_is_built_anew(bare_estate: Estate, wheels: Path) -> None:
    """pip waits for an index that does not answer; the embedded Azure is killed (-9)."""
    estate = bare_estate
    conda = f"dependencies: [{{pip: ['{_unlike('azmlflow_crash')}']}}]"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(BUILD)
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        estate.command("azmlflow", "up", "--yes", extra={"PIP_INDEX_URL": index})
        workspace = _workspace(estate)
        with sign_in(estate, "developer@local.test") as person:
            wanted = {"environmentId": _environment(person, workspace, "crash", conda)}
            submit(person, workspace, "lost-1", "true", **wanted).raise_for_status()
            asked, _ = silent.accept()
            os.kill(int((estate.folder / ".azmlflow" / "local" / "daemon.lock").read_text()), signal.SIGKILL)
            asked.settimeout(BUILD)
            while asked.recv(4096):
                pass  # until pip has ended
            asked.close()
    estate.command("azmlflow", "local", "start", extra={"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)})
    with sign_in(estate, "developer@local.test") as person:
        assert _ended(person, workspace, "lost-1", []) == "Failed"
        submit(person, workspace, "again-1", "python -c 'import azmlflow_crash'", **wanted).raise_for_status()
        ended = _ended(person, workspace, "again-1", [])
        log = _log(person, _details(person, estate, "again-1"))
        assert ended == "Completed", log
        assert "building environment crash:1" in log
        shutil.rmtree(_place(log))
