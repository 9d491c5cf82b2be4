"""An MLflow that fails is told to whoever asks; what it was to do is done later, and never taken for done."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.tracking.answers import MlflowUnavailable
from azmlflow.localazure.tracking.server import MlflowServer
from tests.localazure.tracking.conftest import asked, played, script, stand_in

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


def test_a_full_disk_beneath_mlflow_is_told_as_such(state: Path) -> None:
    full = '{"error_code": "INTERNAL_ERROR", "message": "(sqlite3.OperationalError) database or disk is full"}'
    script(state, f"{EXPERIMENTS}/create", (500, full))

    async def play(server: MlflowServer) -> None:
        with pytest.raises(AzureError, match="the disk is full") as failed:
            await server.experiment("ws-1", "e")
        assert (failed.value.status, failed.value.code) == (507, "DiskFull")

    played(state, play)


def test_where_the_disk_is_full_mlflow_is_not_asked_to_open_its_database(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tries for two minutes, seen with MLflow 3.17."""
    room = [0, 1 << 30]
    monkeypatch.setattr(
        "azmlflow.localazure.machine.database.shutil.disk_usage", lambda _: SimpleNamespace(free=room.pop(0))
    )

    async def play(server: MlflowServer) -> None:
        with pytest.raises(OSError, match="No space left"):
            await server.experiment("ws-1", "e")
        assert not (state / "mlflow" / "asked.jsonl").exists() or not asked(state)
        assert await server.experiment("ws-1", "e")

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
