"""What the identity endpoint says is told as it is: an endpoint that fails knows neither that nobody goes by a name nor
that an older azmlflow started it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from azmlflow.localazure.clients import control
from azmlflow.localazure.clients.control import NotRunning, UnknownPrincipal
from azmlflow.localazure.machine.errors import LocalError
from azmlflow.localazure.machine.folder import Folder

ALICE = {"id": "a-1", "kind": "User", "displayName": "alice", "userPrincipalName": "alice@local.test", "appId": None}
ARM = "https://management.azure.com/subscriptions?api-version=2022-12-01"
ASKED: dict[str, Callable[[Folder], object]] = {
    "principal": lambda folder: control.who(folder, "alice@local.test"),
    "ui": lambda folder: control.ui_address(folder, "alice@local.test", "/subscriptions/s"),
    "token": lambda folder: control.ask(folder, "GET", ARM, principal="alice@local.test"),
}


class Endpoint(ThreadingHTTPServer):
    """The identity endpoint; `answers` says what it answers at an address that ends so."""

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answers: dict[str, tuple[int, Any]] = {"principal": (200, ALICE)}


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, told = self.server.answers[self.path.partition("?")[0].rpartition("/")[2]]
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder.at(tmp_path / "state")
    made.make()
    return made


@pytest.fixture
def endpoint(folder: Folder) -> Iterator[Endpoint]:
    with Endpoint(folder.ports().identity) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    "answer", [(500, {"error": "server_error"}), (503, b"<h1>busy</h1>"), (200, b"welcome"), (200, {})]
)
@pytest.mark.parametrize("asked", ASKED)
def test_an_endpoint_that_fails_is_told_as_such(
    folder: Folder, endpoint: Endpoint, asked: str, answer: tuple[int, Any]
) -> None:
    endpoint.answers[asked] = answer
    with pytest.raises(LocalError, match=f"answered {answer[0]}") as told:
        ASKED[asked](folder)
    assert not isinstance(told.value, NotRunning | UnknownPrincipal)
    assert (told.value.where, told.value.next) == (str(folder.path), "azmlflow local logs")


def test_who_is_not_there_and_what_an_older_one_lacks(folder: Folder, endpoint: Endpoint) -> None:
    endpoint.answers["ui"] = (404, {"error": "not_found"})
    with pytest.raises(NotRunning, match="older"):
        ASKED["ui"](folder)
    endpoint.answers["principal"] = (404, {"error": "principal_not_found"})
    with pytest.raises(UnknownPrincipal, match="alice"):
        ASKED["principal"](folder)
    told = "AADSTS50034: 'alise@local.test' is not in the directory. Did you mean 'alina@local.test'?"
    endpoint.answers["principal"] = (404, {"error": "principal_not_found", "error_description": told})
    with pytest.raises(UnknownPrincipal, match=r"directory; did you mean 'alina@local.test'\?$"):
        ASKED["principal"](folder)
