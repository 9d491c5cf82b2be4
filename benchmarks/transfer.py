"""Run by the data scientist's interpreter: 1 GiB as an artifact, up and down, in turn with a plain copy through TLS.

    python transfer.py FOLDER CERTIFICATE KEY SIZE

Prints one JSON line: seconds of each. The plain copy is what the same bytes cost at least: a Python process
takes them from a TLS connection on loopback and writes them to the same disk, synced; then it sends them back. And the
client's own cost: what azureml-mlflow downloads with (azure-storage-blob, range by range) has the same bytes from a
server that does nothing but send what it is asked for.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import time
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing import get_context
from pathlib import Path

import mlflow
from azure.storage.blob import BlobClient
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


class Ranges(BaseHTTPRequestHandler):
    """Sends the ranges of a file that are asked for, and asks nobody who may have them."""

    protocol_version = "HTTP/1.1"

    def __init__(self, path: Path, *given: object) -> None:
        self._path = path
        super().__init__(*given)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """A range."""
        size = self._path.stat().st_size
        first, last = map(int, self.headers["x-ms-range"].removeprefix("bytes=").split("-"))
        left = min(last + 1, size) - first
        self.send_response(206)
        for name, value in (
            ("Content-Length", str(left)),
            ("Content-Range", f"bytes {first}-{first + left - 1}/{size}"),
            ("ETag", '"0x1"'),
            ("x-ms-blob-type", "BlockBlob"),
        ):
            self.send_header(name, value)
        self.end_headers()
        with self._path.open("rb", buffering=0) as source:
            source.seek(first)
            while left and (chunk := source.read(min(CHUNK, left))):
                self.wfile.write(chunk)
                left -= len(chunk)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def serve_ranges(listener: socket.socket, certificate: str, key: str, path: Path) -> None:
    """Serve the ranges of a file on a listening socket."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = HTTPServer(("127.0.0.1", 0), partial(Ranges, path), bind_and_activate=False)
    server.socket.close()
    server.socket = context.wrap_socket(listener, server_side=True)
    server.serve_forever()


def client_down(port: int, path: Path) -> None:
    """Fetch the file as azureml-mlflow does, from a server that only sends it."""
    address = f"https://127.0.0.1:{port}/container/artifact"
    with path.open("wb") as target:
        BlobClient.from_blob_url(address, connection_verify=False).download_blob().readinto(target)


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
    """Make the artifact, then time all of them."""
    artifact, back = folder / "artifact", folder / "back"
    block = os.urandom(CHUNK)
    with artifact.open("wb") as target:
        for _ in range(size // CHUNK):
            target.write(block)
    workspace = Workspace.from_config()
    mlflow.set_tracking_uri(workspace.get_mlflow_tracking_uri())
    mlflow.set_experiment("transfer")
    listener, other = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    port = listener.getsockname()[1]
    starts = partial(get_context("fork").Process, daemon=True)
    servers = [
        starts(target=serve, args=(listener, certificate, key, folder)),
        starts(target=serve_ranges, args=(other, certificate, key, artifact)),
    ]
    for server in servers:
        server.start()
    try:
        with mlflow.start_run() as run:
            up = timed(mlflow.log_artifact, str(artifact))
        down = timed(mlflow.artifacts.download_artifacts, f"runs:/{run.info.run_id}/artifact", None, None, str(back))
        assert (back / "artifact").stat().st_size == size
        told = {"up": up, "down": down, "plain_up": timed(plain_up, port, artifact)}
        told["plain_down"] = timed(plain_down, port, folder / "plain_back")
        assert (folder / "plain_back").stat().st_size == size
        told["client_down"] = timed(client_down, other.getsockname()[1], folder / "client_back")
        assert (folder / "client_back").stat().st_size == size
        print(json.dumps(told), flush=True)
    finally:
        for server in servers:
            server.terminate()
            server.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
