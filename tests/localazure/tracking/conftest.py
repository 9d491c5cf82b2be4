"""A small program that plays MLflow's server, and what tests play with it."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from azmlflow.localazure.tracking.server import MlflowServer

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


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    state = tmp_path / "state"
    (state / "mlflow").mkdir(parents=True)
    with tempfile.TemporaryDirectory() as run:  # tmp_path may be too long for a socket's path
        monkeypatch.setenv("XDG_RUNTIME_DIR", run)
        yield state
        assert list(Path(run).glob("*/*")) == [], "the socket is removed"
