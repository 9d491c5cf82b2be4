"""MLflow's page by `azmlflow ui` against the bare MLflow server's own, in turn.

A load: the same browser without a cache opens the list of experiments, until one of them is on the screen. Both are
answered by the same MLflow process; the bare one through a pipe, since browsers cannot open its unix socket, that adds
the header by which MLflow knows the workspace, and keeps its page from offering others.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from azmlflow.localazure.clients import control
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.tracking.server import WORKSPACE_HEADER
from azmlflow.resourcetypes.table import version_of
from tests.browser import chromium
from tests.e2e.estate import SCIENCE_PYTHON, Estate

BOUND = 1.5
RUNS = 9
_TRACK = "import mlflow; mlflow.set_experiment('loaded'); mlflow.start_run(); mlflow.log_metric('loss', 0.3)"


def report(estate: Estate) -> str:
    """One line: medians, the ratio's minimum, median and maximum, and the bound it is held to."""
    estate.azmlflow("run", "--", str(SCIENCE_PYTHON), "-c", _TRACK)
    address = estate.azmlflow("ui", "--print", "-o", "json").json()["address"]
    with chromium() as browser, _bare(estate) as bare:
        first = browser.new_context()
        page = first.new_page()
        page.goto(address)
        page.wait_for_url(lambda url: "/sign-in" not in url)
        state: Any = first.storage_state()
        ours, theirs = f"{page.url}mlflow/#/experiments", f"{bare}/#/experiments"
        _load(browser, ours, state)
        _load(browser, theirs, None)
        times = [(_load(browser, ours, state), _load(browser, theirs, None)) for _ in range(RUNS)]
    ratios = sorted(one / other for one, other in times)
    return (
        f"MLflow's page by azmlflow ui {statistics.median(one for one, _ in times):.3f} s  /  by the bare server "
        f"{statistics.median(other for _, other in times):.3f} s  =  {statistics.median(ratios):.2f} "
        f"(min {ratios[0]:.2f}, max {ratios[-1]:.2f}, n={RUNS}; wanted: at most {BOUND})"
    )


def _load(browser: Browser, address: str, state: Any) -> float:
    context = browser.new_context(storage_state=state)
    page = context.new_page()
    started = time.perf_counter()
    page.goto(address)
    page.get_by_role("link", name="loaded").first.wait_for()
    taken = time.perf_counter() - started
    context.close()
    return taken


@contextlib.contextmanager
def _bare(estate: Estate) -> Iterator[str]:
    """The bare MLflow server's address, as the workspace's own MLflow would have it."""
    state = Folder.at(estate.folder / ".azmlflow" / "local")
    path = state.socket()
    name = _workspace_guid(estate, state)
    with ThreadingHTTPServer(("127.0.0.1", 0), _pipe(path, name)) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()


def _workspace_guid(estate: Estate, state: Folder) -> str:
    version = version_of("Microsoft.MachineLearningServices/workspaces")
    url = f"https://management.azure.com{estate.outputs()['workspaceId']}?api-version={version}"
    body = control.ask(state, "GET", url, principal="developer@local.test").body
    return str(body["properties"]["workspaceId"]).lower()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(self._path))


def _pipe(path: Path, workspace: str) -> type[BaseHTTPRequestHandler]:
    """Passes each request on to MLflow's socket, with the workspace's header."""
    kept = threading.local()

    class Pipe(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._pass_on()

        def do_POST(self) -> None:
            self._pass_on()

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not hasattr(kept, "connection"):
                kept.connection = _UnixConnection(path)
            headers = {"Host": "localhost", WORKSPACE_HEADER: workspace}
            if body:
                headers["Content-Type"] = self.headers.get("Content-Type", "application/json")
            kept.connection.request(self.command, self.path, body or None, headers)
            answer = kept.connection.getresponse()
            content = answer.read().replace(b'"workspaces_enabled":true', b'"workspaces_enabled":false')
            self.send_response(answer.status)
            for name in ("Content-Type", "Cache-Control"):
                if answer.headers[name]:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing is said."""

    return Pipe
