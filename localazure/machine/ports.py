"""The loopback ports that an embedded Azure keeps: chosen once, free between its runs."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import socket
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from azmlflow.localazure.machine.errors import LocalError, PortTaken
from azmlflow.localazure.machine.private import create_private, read_json, unreadable, write_private

LOOPBACK = "127.0.0.1"
# Below the ranges that Linux (32768) and macOS (49152) draw outgoing ports from, so that ours stay free between runs.
_FIRST_PORT, _PORTS = 20000, 12000


@dataclass(frozen=True)
class Ports:
    """The ports on 127.0.0.1: the proxy's, the identity endpoint's, that of the pages of `azmlflow ui`.

    The pages have one of their own, because a port is what browsers take for a site's border: the identity endpoint
    refuses whatever comes from a web page.
    """

    proxy: int
    identity: int
    ui: int


def kept(path: Path, whose: str) -> Ports:
    """The ports that a file keeps, chosen free at the first call.

    Args:
        path: the file.
        whose: what the search begins with, so that two embedded Azures seldom meet.

    Raises:
        PortTaken: no free port at all.
        UnreadableFile: what is kept of them is not what was written.
        LocalError: this machine gives no ports.
    """
    found = read_json(path) if path.exists() else {}
    if not isinstance(found, dict) or not found.keys() <= {each.name for each in fields(Ports)}:
        raise unreadable(path)
    missing = [each.name for each in fields(Ports) if each.name not in found]
    if missing:  # all at first; those that a later version has more
        made = json.dumps(found | dict(zip(missing, _choose(len(missing), found.values(), whose), strict=True)))
        write = write_private if found else create_private
        write(path, made.encode())
        found = read_json(path)
    numbers = list(found.values())
    if not all(type(port) is int and 0 < port < 65536 for port in numbers) or len(set(numbers)) < len(numbers):
        raise unreadable(path)
    return Ports(**found)


def check(ports: Ports, path: Path, within: float) -> None:
    """Check that the ports are free, trying again for a number of seconds.

    Raises:
        PortTaken: one of them is taken; the message names it.
        LocalError: one of them cannot be had for another reason.
    """
    until = time.monotonic() + within
    for name, port in asdict(ports).items():
        while (error := _refused(port)) is not None:
            if error.errno != errno.EADDRINUSE:
                raise _no_port(port, error) from error
            if time.monotonic() > until:
                raise taken(name, port, path) from error
            time.sleep(0.05)


def taken(name: str, port: int, path: Path) -> PortTaken:
    """What to raise of a port that another program holds.

    Args:
        name: which of ours it is.
        port: the port.
        path: the file that keeps it.
    """
    return PortTaken(
        f"port {port}, kept for the embedded Azure's {name} endpoint, is taken by another program",
        where=f"{LOOPBACK}:{port}",
        next=f"see who holds it with `lsof -nP -iTCP:{port}` and stop that program, "
        f"or delete {path} to have other ports chosen",
    )


def bind(listener: socket.socket, port: int) -> None:
    """Bind to a loopback port; connections of an earlier daemon that linger in TIME_WAIT do not count as taken.

    Raises:
        OSError: it is taken.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK, port))


def listening(ports: Ports, path: Path, name: str, backlog: int) -> socket.socket:
    """A socket that listens on one of the ports.

    Args:
        ports: the ports.
        path: the file that keeps them.
        name: which of them.
        backlog: how many connections wait in it.

    Raises:
        PortTaken: another program has taken it since it was looked at.
        OSError: it cannot be had for another reason.
    """
    port = asdict(ports)[name]
    listener = socket.socket()
    try:
        bind(listener, port)
        listener.listen(backlog)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise taken(name, port, path) from error
        raise
    return listener


def _choose(many: int, taken: Collection[int], whose: str) -> list[int]:
    start = int.from_bytes(hashlib.sha256(whose.encode()).digest()[:4], "big") % _PORTS
    free: list[int] = []
    for step in range(_PORTS):
        port = _FIRST_PORT + (start + step) % _PORTS
        if port in taken:
            continue
        error = _refused(port)
        if error is not None:
            if error.errno != errno.EADDRINUSE:
                raise _no_port(port, error) from error
            continue
        free.append(port)
        if len(free) == many:
            return free
    raise PortTaken(f"too few ports between {_FIRST_PORT} and {_FIRST_PORT + _PORTS} are free on {LOOPBACK}")


def _refused(port: int) -> OSError | None:
    """Why a port cannot be had; None if it can."""
    with contextlib.closing(socket.socket()) as probe:
        try:
            bind(probe, port)
        except OSError as error:
            return error
    return None


def _no_port(port: int, error: OSError) -> LocalError:
    return LocalError(f"port {port} cannot be had: {error.strerror or error}", where=f"{LOOPBACK}:{port}")
