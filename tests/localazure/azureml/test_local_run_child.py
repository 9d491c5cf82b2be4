"""A local run's keeper: the command, its log, its outputs and its end, told to services that are listened to here."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from azmlflow.localazure.azureml.submission import local_run_child


class Services(ThreadingHTTPServer):
    """The services; remembers uploads and events.

    Attributes:
        blobs: path -> content of each upload.
        events: names of the events, the last part of each.
        errors: what the error events said.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.blobs: dict[str, bytes] = {}
        self.events: list[str] = []
        self.errors: list[str] = []
        self.fails = 1  # the first upload is answered 503
        self.refuses = False
        self.full = ""  # the blob that there is no room for
        self.away: dict[str, int] = {}  # what is answered 503 so often more: `events`, `metadata`, `token`

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Services

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.fails:
            self.server.fails -= 1
            self._answer(503, None)
            return
        if self.path.removeprefix("/blob/") == self.server.full:
            self._answer(507, None)
            return
        self.server.blobs[self.path.removeprefix("/blob/")] = content
        self._answer(201, None)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.headers["Authorization"] == "Bearer secret"
        if self.server.refuses:
            self._answer(401, None)
            return
        act = self.path.rpartition("/")[2]
        if self.server.away.get(act):
            self.server.away[act] -= 1
            self._answer(503, None)
            return
        if self.path.endswith("/events"):
            self.server.events.append(body["name"].rpartition(".")[2])
            self.server.errors += [body["data"]["ErrorResponse"]["error"]["message"]] if body["data"] else []
            self._answer(200, None)
            return
        path = body["paths"][0]["path"]
        self._answer(200, {"artifactContentInformation": {path: {"contentUri": f"{self.server.url}/blob/{path}"}}})

    def _answer(self, status: int, body: Any) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        return None


@pytest.fixture
def services() -> Iterator[Services]:
    with Services() as found:
        threading.Thread(target=found.serve_forever, args=(0.01,), daemon=True).start()
        yield found
        found.shutdown()


def run(
    services: Services, folder: Path, command: str, patience: float = 20, seconds: float = 0
) -> subprocess.CompletedProcess[str]:
    setup = folder / "azureml-setup"
    setup.mkdir()
    variables = {"AZUREML_RUN_TOKEN": "secret", "AZUREML_RUN_TOKEN_EXPIRY": "99999999999", "MLFLOW_RUN_ID": "r1"}
    told = {"command": command, "variables": variables, "run": f"{services.url}/runs/r1", "notes": ["a note"]}
    (setup / "run.json").write_text(json.dumps({**told, "seconds": seconds}), encoding="utf-8")
    script = setup / "run.py"
    text = Path(local_run_child.__file__).read_text(encoding="utf-8")
    for line, shorter in (("_PATIENCE = 120.0", f"_PATIENCE = {patience}"), ("_LOOK = 0.5", "_LOOK = 0.02")):
        assert text.count(line) == 1
        text = text.replace(line, shorter)
    script.write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-I", "-S", str(script)],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_run_that_goes_well(services: Services, tmp_path: Path) -> None:
    done = run(services, tmp_path, "echo run $MLFLOW_RUN_ID; mkdir -p outputs/deep; echo made > outputs/deep/made.txt")
    assert (done.returncode, done.stderr) == (0, "")
    assert services.blobs["user_logs/std_log.txt"] == b"[azmlflow] a note\nrun r1\n"
    assert services.blobs["outputs/deep/made.txt"] == b"made\n"
    assert services.events == ["Completed"]
    assert not (tmp_path / "azureml-setup" / "run.json").exists()  # it held the token


def test_a_run_that_fails_says_why(services: Services, tmp_path: Path) -> None:
    done = run(services, tmp_path, "echo before; exit 3")
    assert done.returncode == 3
    assert b"before" in services.blobs["user_logs/std_log.txt"]
    assert services.events == ["Error", "Failed"]
    assert "exited with code 3" in services.errors[0]


def test_a_run_over_its_time_limit_fails_by_it(services: Services, tmp_path: Path) -> None:
    done = run(services, tmp_path, "echo $$ > pid; exec sleep 1000", seconds=0.2)
    assert done.returncode != 0
    assert services.events == ["Error", "Failed"]
    assert services.errors == ["The run took longer than its limit of 0.2 seconds."]
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_a_run_is_ended_by_the_killfile(services: Services, tmp_path: Path) -> None:
    done = run(services, tmp_path, "touch azureml-setup/killfile; sleep 1000")
    assert done.returncode == 0
    assert services.events == []


def test_a_run_that_was_cancelled_elsewhere_is_ended(services: Services, tmp_path: Path) -> None:
    services.refuses = True
    done = run(services, tmp_path, "echo $$ > pid; exec sleep 1000")
    assert done.returncode == 0
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_services_that_are_away_do_not_end_a_run_and_hear_of_its_end_later(services: Services, tmp_path: Path) -> None:
    services.away = {"metadata": 40, "events": 6}
    done = run(services, tmp_path, "for each in 1 2 3 4 5 6; do echo $each; sleep 0.05; done")
    assert done.returncode == 0
    assert services.blobs["user_logs/std_log.txt"].endswith(b"5\n6\n")
    assert services.events == ["Completed"]


def test_an_end_that_nobody_hears_is_told_on_the_machine(services: Services, tmp_path: Path) -> None:
    services.away = {"events": 1000}
    done = run(services, tmp_path, "true", patience=1)
    assert done.returncode == 1
    assert "HTTP Error 503" in done.stderr
    assert "r1" in done.stderr
    assert "Traceback" not in done.stderr


def test_outputs_that_cannot_be_kept_are_the_runs_reason(services: Services, tmp_path: Path) -> None:
    services.full = "outputs/big"
    done = run(services, tmp_path, "echo made > outputs/big; echo made > outputs/small", patience=1)
    assert done.returncode == 1
    assert services.blobs["outputs/small"] == b"made\n"
    assert services.events == ["Error", "Failed"]
    assert "outputs/big" in services.errors[0]
    assert "507" in services.errors[0]
