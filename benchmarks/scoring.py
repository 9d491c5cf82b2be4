"""Scoring through the embedded Azure against the same inference server, started by hand and asked directly.

Latency: one client, one request after the other. Throughput: 16 clients at once. Both in turn with what they are
compared with. A change under load: another deployment takes over while four clients ask. From `deploy` to the first
answer, with the environment ready, against starting the server by hand. Each client keeps its connection where it can:
the inference server closes its own after each answer.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from azmlflow.localazure.serving.model import SCRIPT_FILE
from azmlflow.resourcetypes.table import version_of
from tests.e2e.estate import Estate
from tests.e2e.people import ARM, Person, sign_in

LATENCY_BOUND, RATE_BOUND, START_BOUND = 1.5, 0.8, 2.0
CLIENTS = 16
RUNS, ROUNDS, EACH = 400, 5, 20  # requests of the latency; rounds of the throughput, requests of a client in one
STARTS = 3
_OWNER = "developer@local.test"
_VERSION = {"api-version": version_of("Microsoft.MachineLearningServices/workspaces/onlineEndpoints")}
_COLUMNS = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
_BODY = json.dumps({"input_data": {"columns": _COLUMNS, "data": [[0.01 * n for n in range(10)]] * 3}})
_ENDED = ("Succeeded", "Failed", "Canceled")
_LOOK = 0.05
_WITHIN = 900.0


@dataclass(frozen=True)
class Service:
    """Where a model is asked."""

    connect: Callable[[], http.client.HTTPConnection]
    headers: dict[str, str]
    keeps: bool

    def client(self) -> Callable[[], int]:
        """A client: each call asks once, and says the status."""
        connection = self.connect()

        def ask() -> int:
            connection.request("POST", "/score", _BODY, self.headers)
            answer = connection.getresponse()
            answer.read()
            if not self.keeps:
                connection.close()
            return answer.status

        return ask


def report(estate: Estate) -> str:
    """Five lines: each ratio or difference with the bound it is held to, and the memory of a deployment."""
    with tempfile.TemporaryDirectory() as kept, sign_in(estate, _OWNER) as owner:
        endpoint = f"{estate.outputs()['workspaceId']}/onlineEndpoints/scored"
        model = Path(kept) / "model"
        estate.science(_OWNER, Path(__file__).with_name("scored.py"), str(model))
        make_endpoint(owner, endpoint)
        deploy(owner, endpoint, "blue")
        send_all_to(owner, endpoint, "blue")
        through = embedded(estate, owner, endpoint)
        server = ByHand(_python(), model, Path(kept))
        with server.running() as direct:
            lines = [latency(through, direct), throughput(through, direct)]
        lines += [memory(), starts(owner, endpoint, through, server), change(owner, endpoint, through)]
        return "\n".join(lines)


def latency(through: Service, direct: Service) -> str:
    """One request after the other, in turn."""
    ask, bare = through.client(), direct.client()
    for _ in range(20):
        assert (ask(), bare()) == (200, 200)
    pairs = [(_seconds(ask), _seconds(bare)) for _ in range(RUNS)]
    one, other = (statistics.median(each[n] for each in pairs) for n in (0, 1))
    return (
        f"a score {one * 1000:.2f} ms  /  asked directly {other * 1000:.2f} ms  =  {one / other:.2f} "
        f"(medians, n={RUNS}; wanted: at most {LATENCY_BOUND})"
    )


def throughput(through: Service, direct: Service) -> str:
    """16 clients at once, in rounds."""
    pairs = [(_rate(through), _rate(direct)) for _ in range(ROUNDS)]
    ratios = sorted(one / other for one, other in pairs)
    return (
        f"{CLIENTS} clients: {statistics.median(one for one, _ in pairs):.0f}/s  /  asked directly "
        f"{statistics.median(other for _, other in pairs):.0f}/s  =  {statistics.median(ratios):.2f} "
        f"(min {ratios[0]:.2f}, max {ratios[-1]:.2f}, n={ROUNDS}; wanted: at least {RATE_BOUND})"
    )


def memory() -> str:
    """What the processes of the one deployment have of memory, each shared page counted once for all that share it."""
    total = 0
    for folder in _processes():
        with contextlib.suppress(OSError):  # it has ended
            found = re.search(r"^Pss:\s+(\d+) kB", (folder / "smaps_rollup").read_text(), re.MULTILINE)
            total += int(found[1]) if found else 0
    return f"memory of a deployment of one instance: {total / 1024:.0f} MiB"


def starts(owner: Person, endpoint: str, through: Service, server: ByHand) -> str:
    """From a deployment's PUT to its first answer, against a start by hand, in turn."""
    pairs = []
    for number in range(STARTS):
        name = f"start-{number}"
        began = time.perf_counter()
        deploy(owner, endpoint, name)
        named = Service(through.connect, {**through.headers, "azureml-model-deployment": name}, keeps=True)
        assert named.client()() == 200
        deployed = time.perf_counter() - began
        owner.ask("DELETE", f"{ARM}{endpoint}/deployments/{name}", params=_VERSION).raise_for_status()
        began = time.perf_counter()
        with server.running():
            pairs.append((deployed, time.perf_counter() - began))
    more = sorted(one - other for one, other in pairs)
    return (
        f"deploy to first answer {statistics.median(one for one, _ in pairs):.2f} s, by hand "
        f"{statistics.median(other for _, other in pairs):.2f} s: {statistics.median(more):.2f} s more "
        f"(min {more[0]:.2f}, max {more[-1]:.2f}, n={STARTS}; wanted: at most {START_BOUND:.0f})"
    )


def change(owner: Person, endpoint: str, through: Service) -> str:
    """Another deployment takes over while clients ask."""
    over, statuses = threading.Event(), list[int]()

    def asking() -> None:
        ask = through.client()
        while not over.is_set():
            statuses.append(ask())

    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(asking) for _ in range(4)]
        try:
            deploy(owner, endpoint, "green")
            send_all_to(owner, endpoint, "green")
            owner.ask("DELETE", f"{ARM}{endpoint}/deployments/blue", params=_VERSION).raise_for_status()
            time.sleep(1)
        finally:
            over.set()
        for client in clients:
            client.result()
    failed = sum(status != 200 for status in statuses)
    return f"a rolling change under load: {failed} of {len(statuses)} requests failed (wanted: 0)"


def _seconds(ask: Callable[[], int]) -> float:
    began = time.perf_counter()
    assert ask() == 200
    return time.perf_counter() - began


def _rate(service: Service) -> float:
    clients = [service.client() for _ in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        began = time.perf_counter()
        told = [pool.submit(lambda ask=ask: [ask() for _ in range(EACH)]) for ask in clients]  # type: ignore[misc]
        assert all(status == 200 for each in told for status in each.result())
        return CLIENTS * EACH / (time.perf_counter() - began)


def embedded(estate: Estate, owner: Person, endpoint: str) -> Service:
    """The endpoint, as a client of `azmlflow run` reaches it."""
    variables = estate.azmlflow("env", "--output", "json").json()["set"]
    proxy, context = urlsplit(variables["HTTPS_PROXY"]), ssl.create_default_context(cafile=variables["SSL_CERT_FILE"])
    credential = base64.b64encode(f"{proxy.username}:{unquote(proxy.password or '')}".encode()).decode()
    told = owner.ask("POST", f"{ARM}{endpoint}/listKeys", params=_VERSION)
    told.raise_for_status()
    host = "scored.westeurope.inference.ml.azure.com"

    def connect() -> http.client.HTTPConnection:
        made = http.client.HTTPSConnection(proxy.hostname or "", proxy.port, context=context)
        made.set_tunnel(host, 443, {"Proxy-Authorization": f"Basic {credential}"})
        return made

    headers = {"Authorization": f"Bearer {told.json()['primaryKey']}", "Content-Type": "application/json"}
    return Service(connect, headers, keeps=True)


def make_endpoint(owner: Person, endpoint: str) -> None:
    """An endpoint without deployments."""
    _put(owner, endpoint, {"properties": {"authMode": "Key"}})


def deploy(owner: Person, endpoint: str, name: str) -> None:
    """A deployment of the model, until it answers or has failed."""
    model = f"{endpoint.rpartition('/onlineEndpoints/')[0]}/models/scored/versions/1"
    settings = {"requestTimeout": "PT1M", "maxConcurrentRequestsPerInstance": CLIENTS}
    properties = {"endpointComputeType": "Managed", "model": model, "requestSettings": settings}
    sku = {"name": "Default", "capacity": 1}
    _put(owner, f"{endpoint}/deployments/{name}", {"sku": sku, "properties": properties})


def send_all_to(owner: Person, endpoint: str, name: str) -> None:
    """Have a deployment answer all requests."""
    _put(owner, endpoint, {"properties": {"authMode": "Key", "traffic": {name: 100}}})


def _put(owner: Person, id_: str, body: dict[str, Any]) -> None:
    answer = owner.ask("PUT", f"{ARM}{id_}", params=_VERSION, json={"location": "westeurope", **body})
    answer.raise_for_status()
    until = time.monotonic() + _WITHIN
    while (operation := owner.ask("GET", answer.headers["Azure-AsyncOperation"]).json())["status"] not in _ENDED:
        assert time.monotonic() < until
        time.sleep(_LOOK)
    assert operation["status"] == "Succeeded", operation


class ByHand:
    """The inference server as a person starts it: with the deployment's own environment, on a socket of its own.

    Args:
        python: of the environment.
        model: the model's folder.
        folder: for the script and the socket.
    """

    def __init__(self, python: str, model: Path, folder: Path) -> None:
        self._python, self._model, self._folder = python, model, folder
        self._socket = str(folder / "by-hand.sock")
        shutil.copy(SCRIPT_FILE, folder)

    @contextlib.contextmanager
    def running(self) -> Iterator[Service]:
        """It answers within."""
        told = {
            "AML_APP_ROOT": str(self._folder),
            "AZUREML_ENTRY_SCRIPT": SCRIPT_FILE.name,
            "AZUREML_MODEL_DIR": str(self._model.parent),
            "MLFLOW_MODEL_FOLDER": self._model.name,
        }
        words = [self._python, "-m", "gunicorn", "--bind", f"unix:{self._socket}", "--workers", "1", "--timeout", "300"]
        process = subprocess.Popen(
            [*words, "azureml_inference_server_http.server.entry:app"],
            cwd=self._folder,
            env={**os.environ, **told},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            direct = Service(self._connect, {"Content-Type": "application/json"}, keeps=False)
            until = time.monotonic() + _WITHIN
            while not self._answers(direct):
                assert time.monotonic() < until and process.poll() is None
                time.sleep(_LOOK)
            yield direct
        finally:
            process.terminate()
            process.wait()

    def _answers(self, direct: Service) -> bool:
        with contextlib.suppress(OSError):
            return direct.client()() == 200
        return False

    def _connect(self) -> http.client.HTTPConnection:
        return _UnixConnection(self._socket)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)


def _processes() -> Iterator[Path]:
    """The folders in /proc of the one deployment's processes."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            if b"/model/scored/1\0" in (folder / "environ").read_bytes():  # its AZUREML_MODEL_DIR
                yield folder


def _python() -> str:
    """The interpreter of the one deployment, as its server was started."""
    told = [(folder / "cmdline").read_bytes().decode().split("\0") for folder in _processes()]
    (found,) = {words[0] for words in told if "gunicorn" in words}
    return found
