"""A deployment's process under its keeper, with a server of the test's in the place of Azure's."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.environments.errors import UnusableEnvironment
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.runner import interpreter
from azmlflow.localazure.runner.interpreter import Chosen
from azmlflow.localazure.serving.errors import NotServing
from azmlflow.localazure.serving.instance import Instance, open_instance
from azmlflow.localazure.serving.sockets import Held
from tests.localazure.control import BLUE, BODIES, WORKSPACE, Azure

# Stands for gunicorn: `python -m gunicorn --bind unix:PATH --workers N ...` in the folder of the code.
SERVER = b"""
import http.server, json, os, socketserver, sys
path = sys.argv[sys.argv.index("--bind") + 1].removeprefix("unix:")
workers = sys.argv[sys.argv.index("--workers") + 1]
print("model files:", sorted(os.listdir(os.environ["AZUREML_MODEL_DIR"] + "/model")), flush=True)
if os.environ.get("FAILS"):
    print("cannot load the model", flush=True)
    sys.exit(3)
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if os.environ.get("SICK") else 200)
        self.end_headers()
        self.wfile.write(json.dumps([workers, os.environ.get("OWN"), os.environ["HOME"]]).encode())
    def address_string(self):
        return "-"
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    pass
Server(path, Answer).serve_forever()
"""
CODE, ENVIRONMENT = f"{WORKSPACE}/codes/c/versions/1", f"{WORKSPACE}/environments/e/versions/1"
SCRIPT = {"codeConfiguration": {"codeId": CODE, "scoringScript": "score.py"}, "environmentId": ENVIRONMENT}


def run(azure: Azure, script: Callable[[Instance], Awaitable[Any]], *, capacity: int = 1, **more: Any) -> Any:
    """Run something with the instance of a deployment, which is closed afterwards."""
    azure.blob("code", "gunicorn.py", SERVER)
    azure.arm("PUT", CODE, {"properties": {"codeUri": "https://stacct1.blob.core.windows.net/code"}})
    azure.arm("PUT", ENVIRONMENT, {"properties": {"image": "ubuntu"}})
    properties = {**BODIES[BLUE]["properties"], **SCRIPT, **more}
    answer = azure.arm("PUT", BLUE, {"location": "westeurope", "sku": {"capacity": capacity}, "properties": properties})
    assert answer.status == 201, answer
    users = Users(azure.cloud.state, root=False)

    async def whole() -> Any:
        begun = await open_instance(users, answer.body, "one")
        try:
            await begun.prepare(azure.cloud, users)
            return await script(begun)
        finally:
            await begun.close()

    found = asyncio.run(whole())
    assert list(users.folder.glob("*")) == []
    return found


@pytest.fixture(autouse=True)
def ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every environment is built: it is this interpreter's."""

    async def prepared(_cloud: Cloud, *_: object, **__: object) -> Chosen:
        return Chosen(Path(sys.executable), ())

    monkeypatch.setattr(interpreter, "prepare", prepared)


def test_it_answers_on_its_socket_with_as_many_workers_as_instances(served: Azure) -> None:
    async def script(begun: Instance) -> Any:
        await begun.answers(served.cloud)
        assert begun.backend is not None
        transport = httpx.AsyncHTTPTransport(uds=begun.backend.socket)
        async with httpx.AsyncClient(transport=transport) as client:
            return (await client.get("http://deployment/")).json()

    workers, own, home = run(served, script, capacity=3, environmentVariables={"OWN": "mine", "HOME": "/elsewhere"})
    assert (workers, own) == ("3", "mine")
    assert home.startswith(str(served.cloud.state))


def test_one_that_ends_at_its_start(served: Azure) -> None:
    async def script(begun: Instance) -> str:
        with pytest.raises(NotServing, match=r"statuscode: 502\. It exited with code 3") as failed:
            await begun.answers(served.cloud)
        assert failed.value.code == "ResourceNotReady"
        return failed.value.refusal(begun.log.path.read_text()).message

    told = run(served, script, environmentVariables={"FAILS": "yes"})
    assert "The last lines of the deployment's log:\nmodel files: ['MLmodel', 'conda.yaml', 'model.pkl']\n" in told
    assert told.endswith("cannot load the model")


def test_one_whose_packages_are_not_there(served: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    async def prepared(*_: object, **__: object) -> Chosen:
        raise UnusableEnvironment("No matching distribution found for nope==1")

    async def script(_begun: Instance) -> None:
        raise AssertionError("it does not come to that")

    monkeypatch.setattr(interpreter, "prepare", prepared)
    with pytest.raises(NotServing, match="No matching distribution found for nope==1") as failed:
        run(served, script)
    assert failed.value.code == "ImageBuildFailure"


def test_one_that_is_never_healthy(served: Azure) -> None:
    async def script(begun: Instance) -> None:
        with pytest.raises(NotServing, match="Readiness probe failed: it did not answer for 0 seconds"):
            await begun.answers(served.cloud)

    probe = {"initialDelay": "PT0S", "period": "PT0S"}
    run(served, script, environmentVariables={"SICK": "yes"}, readinessProbe=probe)


def test_what_opens_something_is_not_told(served: Azure) -> None:
    async def script(begun: Instance) -> tuple[str, ...]:
        return begun.secret

    words = run(served, script)
    assert len(words) == 2 and all(len(word) > 20 for word in words)  # the proxy's, and its identity's


def test_a_socket_is_the_one_that_was_looked_at(tmp_path: Path) -> None:
    path, link, other = tmp_path / "s.sock", tmp_path / "link", tmp_path / "file"
    other.write_text("")
    link.symlink_to(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        held = Held(path, None)
        path.unlink()
        path.symlink_to(other)  # what is put in its place afterwards changes nothing
        listener.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(held.path)
        held.close()
    for wrong in (path, link, other, tmp_path / "none"):
        with pytest.raises(OSError):
            Held(wrong, None)
    with socket.socket(socket.AF_UNIX) as listener:
        path.unlink()
        listener.bind(str(path))
        with pytest.raises(OSError, match="not a socket of the deployment's"):
            Held(path, os.geteuid() + 1)
