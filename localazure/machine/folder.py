"""The embedded Azure's state folder: where each thing lies, what is secret in it, and which ports it keeps.

    daemon.json   what runs: pid, ports, latency profile (meaningful only while `daemon.lock` is held)
    daemon.lock   held (flock) by the daemon for its lifetime: the kernel drops it however the daemon ends,
                  so there is no stale pid file to interpret and no re-used pid to mistake
                  (it holds the daemon's pid)
    daemon.log    what it has to say
    ports.json    the loopback ports, chosen once
    secrets.json  the proxy's credential and the key that identity addresses are made with (0600)
    signing.pem   signs access tokens (0600); sas.key signs blob URLs (0600)
    ca.pem, leaf.pem, leaf.key    the certificate authority and its one leaf (the authority's key is nowhere)
    azure.db, blobs/, mlflow/     what it remembers

Beside the folder, `<folder>.lock` is held by whoever is starting, stopping or resetting the daemon.

The folder and everything secret in it is this user's alone; principals are kept apart by HTTP and RBAC, the users of
the machine by the operating system.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import hmac
import json
import os
import secrets
import socket
import stat
import tempfile
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from azmlflow.localazure.machine.errors import LocalError, PortTaken, UnsafeFolder
from azmlflow.localazure.machine.private import create_private, read_json, unreadable, write_private

LOOPBACK = "127.0.0.1"
# Below the ranges that Linux (32768) and macOS (49152) draw outgoing ports from, so that ours stay free between runs.
_FIRST_PORT, _PORTS = 20000, 12000


@dataclass(frozen=True)
class Secrets:
    """What only this user's processes may know.

    Attributes:
        proxy: password of the proxy credential.
        identity: key from which each principal's identity address and service principal secret are derived.
    """

    proxy: str = field(repr=False)
    identity: str = field(repr=False)

    def identity_mark(self, reference: str) -> str:
        """The 256-bit mark that proves an identity address for `reference` was made by this user."""
        return hmac.digest(self.identity.encode(), b"identity:" + reference.encode(), "sha256").hex()

    def client_secret(self, app_id: str) -> str:
        """A client secret for the service principal `app_id`, good beside those in the directory: `run --as` has no
        other way to sign in as it, as the directory keeps only hashes."""
        digest = hmac.digest(self.identity.encode(), b"client:" + app_id.lower().encode(), "sha256")
        return f"local~{digest.hex()}"


@dataclass(frozen=True)
class Ports:
    """The ports on 127.0.0.1: the proxy's, the identity endpoint's, that of the pages of `azmlflow ui`.

    The pages have one of their own, because a port is what browsers take for a site's border: the identity endpoint
    refuses whatever comes from a web page.
    """

    proxy: int
    identity: int
    ui: int


@dataclass(frozen=True)
class Folder:
    """A state folder; makes nothing by itself.

    Args:
        path: the folder, absolute.
    """

    path: Path

    @classmethod
    def at(cls, path: Path) -> Folder:
        """The folder at `path`, resolved: its spelling decides the socket's name and the marker variable."""
        return cls(Path(os.path.realpath(path)))

    def make(self) -> None:
        """Make the folder, for this user alone.

        Raises:
            UnsafeFolder: it exists and is someone else's, or not a folder.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.path.stat().st_uid != os.getuid():
            raise UnsafeFolder("the state folder belongs to another user", where=str(self.path))
        self.path.chmod(0o700)

    @property
    def record(self) -> Path:
        return self.path / "daemon.json"

    @property
    def lock(self) -> Path:
        return self.path / "daemon.lock"

    @property
    def start_lock(self) -> Path:
        # Not in the folder: `reset` removes the folder while it holds this lock.
        return self.path.with_name(self.path.name + ".lock")

    @property
    def log(self) -> Path:
        return self.path / "daemon.log"

    @property
    def database(self) -> Path:
        return self.path / "azure.db"

    @property
    def ca(self) -> Path:
        return self.path / "ca.pem"

    @property
    def leaf(self) -> Path:
        return self.path / "leaf.pem"

    @property
    def leaf_key(self) -> Path:
        return self.path / "leaf.key"

    def secrets(self) -> Secrets:
        """The secrets, made at the first call.

        Raises:
            UnreadableFile: what is kept of them is not what was written.
        """
        path = self.path / "secrets.json"
        if not path.exists():
            made = Secrets(proxy=secrets.token_hex(32), identity=secrets.token_hex(32))
            create_private(path, json.dumps(asdict(made)).encode())
        try:
            return Secrets(**read_json(path))
        except TypeError as error:
            raise unreadable(path) from error

    def ports(self) -> Ports:
        """The ports, chosen free at the first call and kept from then on.

        Raises:
            PortTaken: no free port at all.
            UnreadableFile: what is kept of them is not what was written.
            LocalError: this machine gives no ports.
        """
        path = self.path / "ports.json"
        kept = read_json(path) if path.exists() else {}
        if not isinstance(kept, dict) or not kept.keys() <= {each.name for each in fields(Ports)}:
            raise unreadable(path)
        missing = [each.name for each in fields(Ports) if each.name not in kept]
        if missing:  # all at first; those that a later version has more
            made = json.dumps(kept | dict(zip(missing, self._choose_ports(len(missing), kept.values()), strict=True)))
            write = write_private if kept else create_private
            write(path, made.encode())
            kept = read_json(path)
        try:
            return Ports(**kept)
        except TypeError as error:
            raise unreadable(path) from error

    def check_ports(self) -> None:
        """See whether the ports can be had.

        Raises:
            PortTaken: one of them is taken; the message names it.
            LocalError: one of them cannot be had for another reason.
        """
        for name, port in asdict(self.ports()).items():
            with contextlib.closing(socket.socket()) as probe:
                try:
                    bind(probe, port)
                except OSError as error:
                    if error.errno != errno.EADDRINUSE:
                        raise _no_port(port, error) from error
                    raise PortTaken(
                        f"port {port}, kept for the embedded Azure's {name} endpoint, is taken by another program",
                        where=f"{LOOPBACK}:{port}",
                        next=f"see who holds it with `lsof -nP -iTCP:{port}` and stop that program, "
                        f"or delete {self.path / 'ports.json'} to have other ports chosen",
                    ) from error

    def _choose_ports(self, many: int, taken: Collection[int]) -> list[int]:
        start = int.from_bytes(hashlib.sha256(str(self.path).encode()).digest()[:4], "big") % _PORTS
        free: list[int] = []
        for step in range(_PORTS):
            port = _FIRST_PORT + (start + step) % _PORTS
            if port in taken:
                continue
            with contextlib.closing(socket.socket()) as probe:
                try:
                    bind(probe, port)
                except OSError as error:
                    if error.errno != errno.EADDRINUSE:
                        raise _no_port(port, error) from error
                    continue
            free.append(port)
            if len(free) == many:
                return free
        raise PortTaken(f"too few ports between {_FIRST_PORT} and {_FIRST_PORT + _PORTS} are free on {LOOPBACK}")

    def socket(self) -> Path:
        """Where the TLS application listens: a path short enough for a unix socket (104 bytes on macOS), in a folder
        that only this user can enter.

        Raises:
            UnsafeFolder: someone else has made that folder.
        """
        parent = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / self._short_name()
        with contextlib.suppress(FileExistsError):  # whose it is is looked at next
            parent.mkdir(mode=0o700)
        found = parent.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise UnsafeFolder(
                "the folder of the embedded Azure's sockets is not this user's alone (0700)",
                where=str(parent),
                next="remove it and start again",
            )
        return parent / "azure.sock"

    def jobs(self) -> Path:
        """Where jobs with users of their own have their folders, which they could not reach below ours: a folder that
        everybody may go through and nobody list.

        Raises:
            UnsafeFolder: someone else has made that folder, or others cannot go to where temporary files are.
        """
        path = self._jobs_path()
        with contextlib.suppress(FileExistsError):  # whose it is is looked at next
            path.mkdir(mode=0o711)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o022:
            raise UnsafeFolder("the folder of the jobs' folders is not this user's alone", where=str(path))
        path.chmod(0o711)
        if not all(parent.stat().st_mode & 0o001 for parent in path.parents):
            raise UnsafeFolder("other users cannot go to the folder of temporary files", where=str(path.parent))
        return path

    def _jobs_path(self) -> Path:
        # Not where the socket is: XDG_RUNTIME_DIR is closed to others by its nature.
        return Path(tempfile.gettempdir()) / f"{self._short_name()}-jobs"

    def _short_name(self) -> str:
        return f"azmlflow-{os.getuid()}-{hashlib.sha256(str(self.path).encode()).hexdigest()[:12]}"

    def remove_sockets(self) -> None:
        """Remove the sockets and their folder, and that of the jobs' folders if it is empty: nobody listens any more.

        Raises:
            UnsafeFolder: someone else has made the sockets' folder.
        """
        sockets = self.socket().parent
        for path in sockets.glob("*.sock"):
            path.unlink()
        for folder in (sockets, self._jobs_path()):
            with contextlib.suppress(OSError):  # it is not empty, or not there
                folder.rmdir()


def bind(listener: socket.socket, port: int) -> None:
    """Bind to a loopback port; connections of an earlier daemon that linger in TIME_WAIT do not count as taken.

    Raises:
        OSError: it is taken.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK, port))


def _no_port(port: int, error: OSError) -> LocalError:
    return LocalError(f"port {port} cannot be had: {error.strerror or error}", where=f"{LOOPBACK}:{port}")
