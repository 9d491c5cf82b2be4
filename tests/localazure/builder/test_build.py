"""Environments built by the real pip from wheels made here: two at once, a second start, failure, a kill in the middle.

Each build makes a venv, which takes seconds: what pip can say is in test_failure.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from azmlflow.localazure.builder import build
from azmlflow.localazure.builder.plan import Plan, plan
from azmlflow.localazure.builder.pythons import Interpreter
from azmlflow.localazure.environments.errors import UnusableEnvironment
from azmlflow.localazure.environments.specification import from_conda
from azmlflow.localazure.keeper.process import Endable, Keeping
from azmlflow.localazure.keeper.users import Users
from tests.localazure.builder.wheels import closed_index, source, wheel
from tests.localazure.keeper.kept import of_user

PYTHON = Interpreter(sys.version.split()[0], Path(sys.executable))


class Desk:
    """A cache, an index, and jobs that want environments."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.index, self.cache = folder, folder / "index", folder / "cache"
        self.users = Users(folder / "state", root=False)
        self.logs: list[str] = []
        for name, version in (("alpha", "1.0"), ("alpha", "2.0"), ("beta", "1.0")):
            wheel(self.index, name, version, needs=("beta",) if name == "alpha" else ())

    def plan(self, *dependencies: Any) -> Plan:
        return plan(from_conda("env:1", {"dependencies": list(dependencies)}), (PYTHON,))

    async def start(self, wanted: Plan, started: Callable[[Endable], None] = lambda _building: None) -> Path:
        job = len(self.logs)
        self.logs.append("")
        place = await self.users.open(f"job-{job}", ("build",))
        log = place.folder / "log.txt"
        log.touch()
        try:
            return await build.ensure(wanted, self.cache, place, log, started=started, users=self.users)
        finally:
            self.logs[job] = log.read_text()
            await place.close()

    def log(self, job: int) -> str:
        return self.logs[job - 1]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    found = Desk(tmp_path)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(found.index))
    return found


def _asked(python: Path, what: str) -> str:
    done = subprocess.run([python, "-c", what], capture_output=True, text=True, check=True, env={}, timeout=60)
    return done.stdout.strip()


def test_two_that_want_the_same_build_it_once_and_the_next_start_builds_nothing(desk: Desk) -> None:
    async def both() -> tuple[Path, Path]:
        wanted = desk.plan("alpha=1", "pip")
        return await asyncio.gather(desk.start(wanted), desk.start(wanted))

    python, other = asyncio.run(both())
    assert python == other
    assert _asked(python, "import alpha, beta; print(alpha.VERSION, beta.VERSION)") == "1.0 1.0"
    assert sorted("Successfully installed" in desk.log(job) for job in (1, 2)) == [False, True]
    told = desk.log(1) + desk.log(2)
    for part in ("building environment env:1, for the first time", "waiting for it", "is built: "):
        assert part in told

    def never(_process: Endable) -> None:
        raise AssertionError("it is built already")

    assert asyncio.run(desk.start(desk.plan("pip", {"pip": ["alpha==1.*"]}), never)) == python
    assert desk.log(3) == ""
    place = python.parents[2]
    assert json.loads((place / "ready.json").read_text())["python"] == sys.executable
    assert place.stat().st_mode & 0o777 == 0o755  # whichever user a job runs as reads it


def test_all_that_the_index_has_not_is_named_and_pips_own_words_are_in_the_log(desk: Desk) -> None:
    with pytest.raises(UnusableEnvironment, match=r"'env:1' cannot be built: pip's index has no delta, gamma, and"):
        asyncio.run(desk.start(desk.plan("alpha", "gamma", "delta=1")))
    assert "ERROR: No matching distribution found for " in desk.log(1)
    assert not list(desk.cache.glob("*/venv"))


def test_one_that_was_ended_in_the_middle_is_built_anew(desk: Desk) -> None:
    wanted = desk.plan("alpha")

    async def ended() -> None:
        def end(process: Endable) -> None:
            process.end()

        with pytest.raises(UnusableEnvironment):
            await desk.start(wanted, end)

    asyncio.run(ended())
    place = desk.cache / wanted.key
    (place / "venv" / "bin").mkdir(parents=True, exist_ok=True)  # as `kill -9` leaves it: half a venv, no mark
    (place / "venv" / "bin" / "python").touch()
    assert build.ready(place) is None
    python = asyncio.run(desk.start(wanted))
    assert _asked(python, "import alpha; print(alpha.VERSION)") == "2.0"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_as_root_setup_code_runs_as_a_jobs_user_without_pips_credentials_and_what_is_built_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache lies below a closed folder, as in root's home; another job's user then starts what was built there."""
    home, place = tmp_path / "home", Path(tempfile.mkdtemp())  # tmp_path is closed to others
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, place)
        place.chmod(0o755)
        wheel(place / "closed", "delta", needs=("epsilon",))
        wheel(place / "closed", "epsilon")
        index = stack.enter_context(closed_index(place / "closed", "me:pass-of-netrc"))
        (home / ".config" / "pip").mkdir(parents=True)
        settings = "[global]\nretries = 0\nextra-index-url = http://{}127.0.0.1:1/simple\n"
        (home / ".config" / "pip" / "pip.conf").write_text(settings.format("me:pass-of-settings@"))
        (home / ".netrc").write_text("machine 127.0.0.1 login me password pass-of-netrc\n")
        home.chmod(0o700)
        (home / "secret").write_text("told")
        source(place / "index", "gamma", tmp_path / "home" / "secret")
        for name in [name for name in os.environ if name.startswith(("PIP_", "XDG_"))]:
            monkeypatch.delenv(name)
        for name, value in (
            ("HOME", str(home)),
            ("PIP_INDEX_URL", f"http://{index}/simple"),
            ("PIP_FIND_LINKS", str(place / "index")),
            ("ALL_PROXY", "http://me:pass-of-proxy@proxy.test"),
            ("NO_PROXY", "127.0.0.1"),
        ):
            monkeypatch.setenv(name, value)
        desk, users = Desk(place), Users(place / "state", root=True)
        desk.cache, desk.users = home / "cache", users
        wanted = desk.plan({"pip": ["gamma", "delta"]})

        async def built() -> tuple[Path, int | None]:
            python = await desk.start(wanted)
            another = await users.open("another", ("code",))
            try:
                seen = await users.lay_open(another, python, wanted.python.path, venv=python.parents[1])
                process = await another.start(
                    f"{python} -c 'import gamma, delta, epsilon'", Path("/"), {"PATH": os.defpath}, Keeping(seen=seen)
                )
                assert (await process.wait()).code == 0
                await process.close()
            finally:
                await another.close()
            return python, another.user

        python, another = asyncio.run(built())
        users.folder.rmdir()
        told = json.loads(_asked(python, "import gamma; print(gamma.TOLD)"))
        builder = told["user"][0]
        assert told["user"] == [builder, builder]
        assert 50000 <= builder < 60000
        assert told["secret"] == "closed"
        assert told["settings"] == settings.format("")
        assert told["environment"]["ALL_PROXY"] == "http://proxy.test"
        assert "pass-of" not in json.dumps([told["environment"], told["files"], desk.log(1)])
        assert not Path(told["home"]).exists()
        assert not of_user(builder)  # what the setup code left running
        for path in (python.parents[2]).rglob("*"):
            found = path.lstat()
            assert found.st_uid == os.getuid()
            assert path.is_symlink() or found.st_mode & 0o022 == 0
            assert path.is_symlink() or found.st_mode & 0o004
        assert another not in (None, builder)


def test_pip_sees_the_users_way_out_and_neither_ours_nor_other_secrets() -> None:
    base = {
        "PATH": "/bin",
        "HOME": "/home/me",
        "PIP_INDEX_URL": "https://index.test",
        "PIP_USER": "1",
        "https_proxy": "http://127.0.0.1:1",
        "AZMLFLOW_OUTER": json.dumps({"https_proxy": "http://proxy.test"}),
        "AZMLFLOW_CLOUD": "local:/state",
        "AZURE_CLIENT_SECRET": "x",
        "TOKEN": "x",
    }
    assert build.build_environment(base) == {
        "PATH": "/bin",
        "HOME": "/home/me",
        "PIP_INDEX_URL": "https://index.test",
        "https_proxy": "http://proxy.test",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
    }
