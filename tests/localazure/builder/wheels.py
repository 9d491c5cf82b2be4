"""Tiny wheels and source packages made by hand, and an index that is a folder of them."""

from __future__ import annotations

import base64
import contextlib
import functools
import http.server
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def wheel(folder: Path, name: str, version: str = "1.0", *, needs: tuple[str, ...] = ()) -> None:
    """Put a wheel with one module, `<name>.VERSION`, into a folder."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    metadata = [
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}",
        *(f"Requires-Dist: {each}" for each in needs),
    ]
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", f"VERSION = {version!r}\n")
        archive.writestr(f"{info}/METADATA", "\n".join(metadata) + "\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


# A build backend that notes, as module `TOLD`, what setup code can do, and leaves a process behind.
_BACKEND = """
import json, os, subprocess, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    try:
        secret = open({secret!r}).read()
    except OSError:
        secret = "closed"
    stays = subprocess.Popen(["sleep", "60"], start_new_session=True, stdin=-3, stdout=-3, stderr=-3)
    told = dict(user=[os.getuid(), os.getgid(), *os.getgroups()], secret=secret, home=os.environ["HOME"])
    files = [os.path.join(at, name) for at, _, names in os.walk(os.environ["HOME"]) for name in names]
    told.update(environment=dict(os.environ), files=dict((each, open(each).read()) for each in files))
    told.update(stays=stays.pid, settings=open(os.path.expanduser("~/.config/pip/pip.conf")).read())
    name, info = "{name}-1.0-py3-none-any.whl", "{name}-1.0.dist-info"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("{name}.py", "TOLD = %r" % json.dumps(told))
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n")
        wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "/RECORD", "".join(n + ",,\\n" for n in wheel.namelist()))
    return name
"""


def source(folder: Path, name: str, secret: Path) -> None:
    """Put a source package into a folder, whose setup code tries to read a secret and leaves a process behind."""
    folder.mkdir(exist_ok=True)
    project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    information = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    files = {
        "pyproject.toml": project,
        "PKG-INFO": information,
        "backend.py": _BACKEND.format(name=name, secret=str(secret)),
    }
    with tarfile.open(folder / f"{name}-1.0.tar.gz", "w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(f"{name}-1.0/{path}")
            member.size, member.mode = len(text), 0o644
            archive.addfile(member, io.BytesIO(text.encode()))


class Index(http.server.BaseHTTPRequestHandler):
    """A simple index (PEP 503) of the wheels of a folder, for who gives a name and a password alone.

    Args:
        folder: theirs.
        credentials: `name:password`.
    """

    def __init__(self, folder: Path, credentials: str, *args: Any) -> None:
        self._folder, self._wanted = folder, f"Basic {base64.b64encode(credentials.encode()).decode()}"
        super().__init__(*args)

    def do_GET(self) -> None:
        """Answer a list of wheels, or a wheel."""
        name = self.path.strip("/").rpartition("/")[2]
        found = self._folder / name
        links = "".join(
            f'<a href="/{path.name}">{path.name}</a>' for path in sorted(self._folder.glob(f"{name}-*.whl"))
        )
        known = self.headers["Authorization"] == self._wanted
        content = found.read_bytes() if found.is_file() else links.encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "text/html" if links else "application/zip")
        self.send_header("WWW-Authenticate", "Basic")
        self.end_headers()
        self.wfile.write(content if known else b"")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def closed_index(folder: Path, credentials: str) -> Iterator[str]:
    """An index of a folder's wheels that wants credentials; `host:port`."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Index, folder, credentials))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
