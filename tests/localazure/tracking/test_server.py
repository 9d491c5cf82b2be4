"""The MLflow server's life: waiting for it, asking it, losing it, ending it. A small stand-in plays the server."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import pytest

from azmlflow.localazure.tracking.answers import MlflowAnswer, MlflowUnavailable
from azmlflow.localazure.tracking.process import environment
from azmlflow.localazure.tracking.server import WORKSPACE_HEADER, MlflowServer
from tests.localazure.tracking.conftest import asked, played, stand_in


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A killed grandchild has nobody to collect it here but stays a zombie for a moment.
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def ends(pid: int) -> bool:
    """A process that was killed is gone when the system gets round to it: until then, ask again."""
    until = time.monotonic() + 10
    while alive(pid):
        if time.monotonic() > until:
            return False
        os.sched_yield()
    return True


def test_a_request_waits_until_the_server_is_up(state: Path) -> None:
    (state / "mlflow" / "wait").touch()

    async def play(server: MlflowServer) -> MlflowAnswer:
        request = asyncio.create_task(server.request("GET", "/x", "WS-1", params={"a": "1"}))
        done, _ = await asyncio.wait({request}, timeout=0.2)
        assert not done
        (state / "mlflow" / "wait").unlink()
        return await request

    answer = played(state, play).json()
    assert answer["host"] == "localhost", "MLflow's guard against DNS rebinding accepts no other"
    assert (answer["workspace"], answer["path"]) == ("ws-1", "/x?a=1")


def test_waiting_has_an_end(state: Path) -> None:
    (state / "mlflow" / "wait").touch()

    async def play(server: MlflowServer) -> None:
        with pytest.raises(MlflowUnavailable, match="still starting") as refused:
            await server.request("GET", "/x", "ws-1")
        assert refused.value.retry_after > 0

    played(state, play, start_within=0.1)


def test_a_server_that_cannot_start_says_where_its_log_is(state: Path) -> None:
    (state / "mlflow" / "broken").touch()

    async def play(server: MlflowServer) -> None:
        with pytest.raises(MlflowUnavailable, match=r"server\.log"):
            await server.request("GET", "/x", "ws-1")
        with pytest.raises(MlflowUnavailable, match="ended while it started"):
            await server.request("GET", "/x", "ws-1")
        assert "cannot start" in server.log.read_text()
        assert server.pid is None

    played(state, play)


def test_a_server_that_died_is_started_again_by_the_next_request(state: Path) -> None:
    async def play(server: MlflowServer) -> None:
        await server.ready()
        first = server.pid
        with pytest.raises(MlflowUnavailable) as lost:
            await server.request("GET", "/die", "ws-1")
        assert lost.value.retry_after == 1
        answer = await server.request("GET", "/x", "ws-1")
        assert answer.status_code == 200
        assert server.pid not in (first, None)

    played(state, play)


def test_stopping_ends_the_server_and_what_it_started(state: Path) -> None:
    (state / "mlflow" / "with-grandchild").touch()

    async def play(server: MlflowServer) -> tuple[int, int]:
        await server.ready()
        assert server.pid is not None
        return server.pid, int((state / "mlflow" / "grandchild").read_text())

    server, grandchild = played(state, play)
    assert not alive(server)
    assert ends(grandchild)


def test_a_stopped_server_refuses_and_can_be_started_again(state: Path) -> None:
    async def run() -> None:
        server = MlflowServer(state, command=stand_in)
        with pytest.raises(MlflowUnavailable, match="not started"):
            await server.request("GET", "/x", "ws-1")
        for _ in range(2):
            await server.start()
            await server.start()
            assert (await server.request("GET", "/x", "ws-1")).status_code == 200
            await server.stop()

    asyncio.run(run())


def test_a_workspace_is_made_once_at_its_first_request(state: Path) -> None:
    async def play(server: MlflowServer) -> None:
        await server.request("POST", "/x", "WS-1", json_body={"value": float("nan")})
        await server.request("GET", "/y", "ws-1")

    played(state, play)
    assert [(call["method"], call["path"], call["workspace"]) for call in asked(state)] == [
        ("POST", "/api/3.0/mlflow/workspaces", None),
        ("POST", "/x", "ws-1"),
        ("GET", "/y", "ws-1"),
    ]
    assert asked(state)[0]["body"] == {"name": "ws-1"}
    assert str(asked(state)[1]["body"]) == "{'value': nan}"
    assert WORKSPACE_HEADER == "X-MLFLOW-WORKSPACE"


def test_the_default_experiment_is_made_when_wanted_and_then_known(state: Path) -> None:
    async def play(server: MlflowServer) -> list[str | None]:
        return [await server.default_experiment("ws-1", make=make) for make in (False, True, False)]

    assert played(state, play) == [None, "41", "41"]


def test_a_forgotten_workspace_is_removed_with_all_it_held(state: Path) -> None:
    async def play(server: MlflowServer) -> None:
        await server.request("GET", "/x", "ws-1")
        server.forget("WS-1")
        await server.request("GET", "/x", "ws-2")

    played(state, play)
    removals = [call["path"] for call in asked(state) if call["method"] == "DELETE"]
    assert removals == ["/api/3.0/mlflow/workspaces/ws-1?mode=CASCADE"]


def test_a_workspace_forgotten_while_the_server_is_down_goes_at_the_next_start(state: Path) -> None:
    MlflowServer(state).forget("ws-1")
    played(state, lambda server: server.ready())
    assert [call["method"] for call in asked(state)] == ["DELETE"]
    played(state, lambda server: server.ready())
    assert len(asked(state)) == 1


def test_the_server_sees_nothing_of_the_users_settings(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "AZURE_CLIENT_SECRET", "HTTPS_PROXY", "https_proxy", "MLFLOW_AUTH_CONFIG_PATH"):
        monkeypatch.setenv(name, "users own")

    async def play(server: MlflowServer) -> None:
        await server.ready()

    played(state, play)
    seen = json.loads((state / "mlflow" / "environment.json").read_text())
    assert "users own" not in seen.values()
    assert seen["MLFLOW_ENABLE_WORKSPACES"] == "true"
    assert seen["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert seen["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert seen["HOME"] == str(state / "mlflow")


def test_the_server_has_a_temporary_folder_of_its_own(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow locks `/tmp/db_init_lock-<hash of the database's address>`, which is the same for every checkout."""
    monkeypatch.setenv("TMPDIR", "/elsewhere")
    assert environment(state / "mlflow")["TMPDIR"] == str(state / "mlflow" / "tmp")


def test_the_state_is_this_users_alone(state: Path) -> None:
    async def play(server: MlflowServer) -> None:
        await server.ready()
        (path,) = Path(os.environ["XDG_RUNTIME_DIR"]).glob("*/mlflow.sock")
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0

    played(state, play)


def test_a_server_that_ignores_the_polite_signal_is_killed(state: Path) -> None:
    ignoring = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); sys.stdin.read()"

    async def run() -> int | None:
        server = MlflowServer(state, command=lambda _: [sys.executable, "-c", ignoring], end_within=0.2)
        await server.start()
        pid = server.pid
        await server.stop()
        return pid

    pid = asyncio.run(run())
    assert pid is not None
    assert not alive(pid)
