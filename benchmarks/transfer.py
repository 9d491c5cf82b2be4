"""Run by the data scientist's interpreter: 1 GiB as an artifact, up and down, in turn with a plain copy through TLS.

    python transfer.py FOLDER CERTIFICATE KEY SIZE

Prints one JSON line: seconds of each. The plain copy is what the same bytes cost at least: a Python process
takes them from a TLS connection on loopback and writes them to the same disk, synced; then it sends them back.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import mlflow
from azureml.core import Workspace  # type: ignore[import-not-found]  # the examples' environment has it

CHUNK = 1024 * 1024


def serve(listener: socket.socket, certificate: str, key: str, folder: Path) -> None:
    """Take what each connection sends, or send it what came before."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    buffer = bytearray(CHUNK)
    while True:
        with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
            if connection.recv(1) == b"u":
                with (folder / "plain").open("wb", buffering=0) as target:
                    while count := connection.recv_into(buffer):
                        target.write(memoryview(buffer)[:count])
                        if target.tell() == (folder / "artifact").stat().st_size:
                            break
                    os.fsync(target.fileno())
                connection.sendall(b"!")
            else:
                with (folder / "plain").open("rb", buffering=0) as source:
                    while chunk := source.read(CHUNK):
                        connection.sendall(chunk)


def connect(port: int) -> ssl.SSLSocket:
    """A TLS connection to the server; whose certificate it shows costs the same, checked or not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port)))


def plain_up(port: int, path: Path) -> None:
    """Send a file; it is on the server's disk at return."""
    with connect(port) as connection, path.open("rb", buffering=0) as source:
        connection.sendall(b"u")
        while chunk := source.read(CHUNK):
            connection.sendall(chunk)
        assert connection.recv(1) == b"!"


def plain_down(port: int, path: Path) -> None:
    """Fetch what was sent into a file."""
    buffer = bytearray(CHUNK)
    with connect(port) as connection, path.open("wb", buffering=0) as target:
        connection.sendall(b"d")
        while count := connection.recv_into(buffer):
            target.write(memoryview(buffer)[:count])


def timed(work: Callable[..., object], *arguments: object) -> float:
    """Wall seconds of a call."""
    started = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - started


def main(folder: Path, certificate: str, key: str, size: int) -> None:
    """Make the artifact, then time all four."""
    artifact, back = folder / "artifact", folder / "back"
    block = os.urandom(CHUNK)
    with artifact.open("wb") as target:
        for _ in range(size // CHUNK):
            target.write(block)
    workspace = Workspace.from_config()
    mlflow.set_tracking_uri(workspace.get_mlflow_tracking_uri())
    mlflow.set_experiment("transfer")
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = get_context("fork").Process(target=serve, args=(listener, certificate, key, folder), daemon=True)
    server.start()
    try:
        with mlflow.start_run() as run:
            up = timed(mlflow.log_artifact, str(artifact))
        down = timed(mlflow.artifacts.download_artifacts, f"runs:/{run.info.run_id}/artifact", None, None, str(back))
        assert (back / "artifact").stat().st_size == size
        told = {"up": up, "down": down, "plain_up": timed(plain_up, port, artifact)}
        told["plain_down"] = timed(plain_down, port, folder / "plain_back")
        assert (folder / "plain_back").stat().st_size == size
        print(json.dumps(told), flush=True)
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
