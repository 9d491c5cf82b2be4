"""The MLflow server's life: waiting for it, asking it, losing it, ending it. A small stand-in plays the server."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.tracking.answers import MlflowUnavailable
from azmlflow.localazure.tracking.server import WORKSPACE_HEADER, MlflowServer

STAND_IN = """
import json, os, pathlib, socket, subprocess, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

pathlib.Path("environment.json").write_text(json.dumps(dict(os.environ)))
while pathlib.Path("wait").exists():
    time.sleep(0.01)
if pathlib.Path("broken").exists():
    sys.exit("cannot start")
if pathlib.Path("with-grandchild").exists():
    pathlib.Path("grandchild").write_text(str(subprocess.Popen(["sleep", "1000"]).pid))

class Handler(BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.partition("?")[0]
        if path == "/die":
            os._exit(1)
        told = {
            "method": self.command, "path": self.path, "host": self.headers["Host"],
            "workspace": self.headers["X-MLFLOW-WORKSPACE"], "body": json.loads(body or "null"),
        }
        with open("asked.jsonl", "a") as log:
            log.write(json.dumps(told) + "\\n")
        if self.command == "DELETE" and pathlib.Path("dies").exists():
            pathlib.Path("dies").unlink()
            os._exit(1)
        while path == "/slow" and pathlib.Path("wait").exists():
            time.sleep(0.01)
        status = 201 if path == "/api/3.0/mlflow/workspaces" else 200
        if path.endswith("/experiments/get-by-name"):
            status = 404
            told["error_code"] = "RESOURCE_DOES_NOT_EXIST"
        if path.endswith("/experiments/create"):
            told["experiment_id"] = "41"
        content = json.dumps(told).encode()
        scripted = pathlib.Path("scripted.json")
        if scripted.exists():
            script = json.loads(scripted.read_text())
            if script.get(path):
                status, text = script[path].pop(0)
                content = text.encode()
                scripted.write_text(json.dumps(script))
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *args):
        pass

server = ThreadingHTTPServer(("", 0), Handler, bind_and_activate=False)
server.socket.close()
server.socket = socket.socket(fileno=int(sys.argv[1]))
server.serve_forever()
"""


def stand_in(descriptor: int) -> list[str]:
    return [sys.executable, "-c", STAND_IN, str(descriptor)]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    state = tmp_path / "state"
    (state / "mlflow").mkdir(parents=True)
    with tempfile.TemporaryDirectory() as run:  # tmp_path may be too long for a socket's path
        monkeypatch.setenv("XDG_RUNTIME_DIR", run)
        yield state
        assert list(Path(run).glob("*/*")) == [], "the socket is removed"


def played(state: Path, play: Any, **options: Any) -> Any:
    """Run `play(server)` with a started server, and stop it."""

    async def run() -> Any:
        server = MlflowServer(state, command=stand_in, **options)
        await server.start()
        try:
            return await play(server)
        finally:
            await server.stop()

    return asyncio.run(run())


def script(state: Path, path: str, *answers: tuple[int, str]) -> None:
    """What the server is to answer at a path, one after the other, before it answers as usual."""
    (state / "mlflow" / "scripted.json").write_text(json.dumps({path: answers}))


def asked(state: Path) -> list[dict[str, Any]]:
    lines = (state / "mlflow" / "asked.jsonl").read_text().splitlines()
    return [call for call in map(json.loads, lines) if call["path"] != "/health"]


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

    async def play(server: MlflowServer) -> httpx.Response:
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


EXPERIMENTS = "/api/2.0/mlflow/experiments"
FAILED = (500, '{"error_code": "INTERNAL_ERROR", "message": "the disk is on fire"}')
PAGE = (502, "<h1>Bad gateway</h1>")


@pytest.mark.parametrize(("answer", "said"), [(FAILED, "on fire"), (PAGE, "502"), ((200, "[]"), "200")])
@pytest.mark.parametrize("act", ["get-by-name", "create"])
def test_an_experiment_that_mlflow_fails_to_tell_of_is_not_taken_for_none(
    state: Path, answer: tuple[int, str], said: str, act: str
) -> None:
    script(state, f"{EXPERIMENTS}/{act}", answer, answer)

    async def play(server: MlflowServer) -> None:
        for _ in range(2):
            with pytest.raises(MlflowUnavailable, match=said) as failed:
                await server.default_experiment("ws-1", make=act == "create")
            assert failed.value.retry_after > 0
        assert await server.default_experiment("ws-1", make=True) == "41", "nothing was remembered of the failures"

    played(state, play)


def test_an_experiment_that_mlflow_refuses_is_told_in_its_words(state: Path) -> None:
    script(state, f"{EXPERIMENTS}/create", (400, '{"error_code": "INVALID_PARAMETER_VALUE", "message": "too long"}'))

    async def play(server: MlflowServer) -> None:
        with pytest.raises(AzureError, match="too long") as refused:
            await server.experiment("ws-1", "x" * 501)
        assert refused.value.status == 400

    played(state, play)


def test_an_experiment_that_another_request_makes_meanwhile_is_found(state: Path) -> None:
    there = {"experiment": {"experiment_id": "7"}}
    absent = '{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"}'
    exists = '{"error_code": "RESOURCE_ALREADY_EXISTS", "message": "there"}'
    (state / "mlflow" / "scripted.json").write_text(
        json.dumps(
            {
                f"{EXPERIMENTS}/get-by-name": [(404, absent), (200, json.dumps(there))],
                f"{EXPERIMENTS}/create": [(400, exists)],
            }
        )
    )

    async def play(server: MlflowServer) -> str | None:
        return await server.experiment("ws-1", "e")

    assert played(state, play) == "7"


def test_a_server_that_is_up_and_unwell_is_told(state: Path) -> None:
    script(state, "/health", *[PAGE] * 1000)

    async def play(server: MlflowServer) -> None:
        with pytest.raises(MlflowUnavailable, match=r"answers 502 .*server\.log"):
            await server.request("GET", "/x", "ws-1")

    played(state, play, start_within=0.5)


def test_a_server_that_answers_too_late_is_told(state: Path) -> None:
    async def play(server: MlflowServer) -> None:
        await server.ready()
        (state / "mlflow" / "wait").touch()
        with pytest.raises(MlflowUnavailable, match="too long"):
            await server.request("GET", "/slow", "ws-1")
        (state / "mlflow" / "wait").unlink()

    played(state, play, answer_within=0.2)


def test_a_server_without_a_program_says_why(state: Path) -> None:
    async def run() -> None:
        server = MlflowServer(state, command=lambda _: ["/nonexistent/mlflow"])
        with pytest.raises(MlflowUnavailable, match="nonexistent"):
            await server.start()
        with pytest.raises(MlflowUnavailable):
            await server.request("GET", "/x", "ws-1")
        await server.stop()

    asyncio.run(run())


def test_a_server_without_a_socket_says_why(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        server = MlflowServer(state, command=stand_in)
        with monkeypatch.context() as patched:
            patched.setattr(socket.socket, "listen", _no_room)
            with pytest.raises(OSError, match="no room"):
                await server.start()
        with pytest.raises(MlflowUnavailable, match="no room"):
            await server.request("GET", "/x", "ws-1")
        await server.stop()

    asyncio.run(run())


def _no_room(*_: object) -> None:
    raise OSError("no room")


@pytest.mark.parametrize("answer", [FAILED, PAGE, (400, '{"error_code": "INVALID_STATE", "message": "busy"}')])
def test_a_workspace_that_mlflow_fails_to_forget_is_forgotten_by_a_later_request(
    state: Path, answer: tuple[int, str]
) -> None:
    script(state, "/api/3.0/mlflow/workspaces/ws-1", answer)

    async def play(server: MlflowServer) -> None:
        server.forget("ws-1")
        assert (await server.request("GET", "/x", "ws-2")).status_code == 200
        assert (await server.request("GET", "/x", "ws-2")).status_code == 200
        assert (await server.request("GET", "/x", "ws-2")).status_code == 200

    played(state, play)
    assert [call["method"] for call in asked(state)].count("DELETE") == 2


def test_a_workspace_that_is_not_there_any_more_is_forgotten(state: Path) -> None:
    gone = '{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"}'
    script(state, "/api/3.0/mlflow/workspaces/ws-1", (404, gone), (404, gone))

    async def play(server: MlflowServer) -> None:
        server.forget("ws-1")
        await server.ready()
        await server.ready()

    played(state, play)
    assert [call["method"] for call in asked(state)] == ["DELETE"]


def test_a_server_that_dies_while_it_forgets_is_told_again(state: Path) -> None:
    async def play(server: MlflowServer) -> None:
        await server.ready()
        server.forget("ws-1")
        (state / "mlflow" / "dies").touch()
        with pytest.raises(MlflowUnavailable):
            await server.ready()
        await server.ready()

    played(state, play)
    assert [call["method"] for call in asked(state)] == ["DELETE", "DELETE"]


def test_requests_that_come_together_forget_once(state: Path) -> None:
    async def play(server: MlflowServer) -> None:
        await server.ready()
        server.forget("ws-1")
        answers = await asyncio.gather(*(server.request("GET", "/x", "ws-2") for _ in range(8)))
        assert {answer.status_code for answer in answers} == {200}

    played(state, play)
    assert [call["method"] for call in asked(state)].count("DELETE") == 1


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
