"""Moves a job's files into its folder and out of it, as the job's user: a process that has no other rights.

It is asked by the embedded Azure over a socket. Names are lists of parts, each the name of one file or folder; each is
opened by the descriptor of the one before, and no link is followed, so nothing leaves the folder.

    {"make": [...]}                       a folder, with those above it            -> {}
    {"put": [...], "runs": bool}, chunks  a new file, which may be one to run      -> {}
    {"empty": [...]}                      all that is in a folder goes             -> {}
    {"show": [...]}                       a file, or all files below a folder      -> {"file": [...]}, chunks; ...; {}

A chunk is its length in eight digits of hexadecimal and so many bytes; the one of length 0 is the last. What cannot be
done is answered by {"error": text}. Files that are no plain ones, and what lies deeper than 128 folders, are not shown.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from azmlflow.localazure.keeper import ending

CHUNK = 1 << 18
DEEPEST = 128
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def serve(root: int, asked: BinaryIO, answers: BinaryIO) -> None:
    """Do what is asked until nobody asks any more.

    Args:
        root: descriptor of the job's folder.
        asked: requests and chunks.
        answers: answers and chunks.
    """
    while line := asked.readline(1 << 20):
        request = json.loads(line)
        try:
            if "make" in request:
                os.close(_folder(root, request["make"], make=True))
            elif "empty" in request:
                _empty(root, request["empty"])
            elif "put" in request:
                _put(root, request["put"], asked, 0o755 if request["runs"] else 0o644)
            else:
                _show(root, request["show"], answers)
            answers.write(b"{}\n")
        except OSError as error:
            answers.write(json.dumps({"error": error.strerror or str(error), "errno": error.errno}).encode() + b"\n")
        answers.flush()


def chunks(source: BinaryIO) -> Iterator[bytes]:
    """The chunks that are read from somewhere, without the last one."""
    while length := int(source.read(8), 16):
        data = source.read(length)
        if len(data) != length:
            raise EOFError
        yield data


def framed(data: bytes) -> bytes:
    """A chunk as it is sent."""
    return b"%08x" % len(data) + data


def is_part(name: object) -> bool:
    """Whether a text names one file or folder."""
    return isinstance(name, str) and name not in ("", ".", "..") and "/" not in name and "\0" not in name


def _folder(root: int, parts: Sequence[str], *, make: bool = False) -> int:
    """Open a folder, part by part."""
    if not all(map(is_part, parts)) or len(parts) > DEEPEST:
        raise OSError(errno.EINVAL, "no name of a file in the job's folder")
    current = os.dup(root)
    for part in parts:
        try:
            if make:
                with contextlib.suppress(FileExistsError):  # it is opened next, if it is a folder
                    os.mkdir(part, 0o755, dir_fd=current)
            following = os.open(part, _FOLDER, dir_fd=current)
        finally:
            os.close(current)
        current = following
    return current


def _empty(root: int, parts: Sequence[str]) -> None:
    folder = _folder(root, parts)
    try:
        stays = [name for name in os.listdir(folder) if not ending.remove(folder, name)]
        if stays:
            raise OSError(errno.ENOTEMPTY, "something in it stays")
    finally:
        os.close(folder)


def _put(root: int, parts: Sequence[str], asked: BinaryIO, mode: int) -> None:
    content = chunks(asked)
    try:
        if not parts:
            raise OSError(errno.EINVAL, "no name of a file in the job's folder")
        folder = _folder(root, parts[:-1], make=True)
        try:
            if not is_part(parts[-1]):
                raise OSError(errno.EINVAL, "no name of a file in the job's folder")
            file = os.open(parts[-1], _NEW, mode, dir_fd=folder)
        finally:
            os.close(folder)
        with os.fdopen(file, "wb") as target:
            for data in content:
                target.write(data)
    finally:
        for _ in content:  # what was sent is read in any case: the next request follows it
            pass


def _show(root: int, parts: Sequence[str], answers: BinaryIO) -> None:
    if not parts or not is_part(parts[-1]):
        raise OSError(errno.EINVAL, "no name of a file in the job's folder")
    folder = _folder(root, parts[:-1])
    try:
        _show_entry(folder, parts[-1], [], answers)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR):  # there is nothing that is ours to show
            raise
    finally:
        os.close(folder)


def _show_entry(folder: int, name: str, parts: list[str], answers: BinaryIO) -> None:
    mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    if stat.S_ISREG(mode):
        _show_file(folder, name, parts, answers)
    elif stat.S_ISDIR(mode) and len(parts) < DEEPEST:
        inner = os.open(name, _FOLDER, dir_fd=folder)
        try:
            for each in sorted(os.listdir(inner)):
                try:
                    _show_entry(inner, each, [*parts, each], answers)
                except OSError:
                    continue  # the job closed it to itself, or it is gone: nothing to keep
        finally:
            os.close(inner)


def _show_file(folder: int, name: str, parts: list[str], answers: BinaryIO) -> None:
    file = os.open(name, _FILE, dir_fd=folder)
    with os.fdopen(file, "rb", buffering=0) as source:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            return
        shown = [os.fsencode(part).decode("utf-8", "backslashreplace") for part in parts]
        answers.write(json.dumps({"file": shown}).encode() + b"\n")
        try:
            while data := source.read(CHUNK):
                answers.write(framed(data))
        finally:
            answers.write(framed(b""))
