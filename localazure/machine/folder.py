"""The embedded Azure's state folder: where each thing lies, what is secret in it, and which ports it keeps.

    daemon.json   what runs: pid, ports, latency profile (meaningful only while `daemon.lock` is held)
    daemon.lock   held (flock) by the daemon for its lifetime: the kernel drops it however the daemon ends,
                  so there is no stale pid file to interpret and no re-used pid to mistake
                  (it holds the daemon's pid)
    daemon.log    what it has to say
    ports.json    the loopback ports, chosen once (`ports.py`)
    secrets.json  the proxy's credential and the key that identity addresses are made with (0600)
    signing.pem   signs access tokens (0600); sas.key signs blob URLs (0600)
    ca.pem, leaf.pem, leaf.key    the certificate authority and its one leaf (the authority's key is nowhere)
    azure.db, blobs/, mlflow/     what it remembers
    sockets       where the sockets are
    kept/         copies of the databases, as they were at the last start; damaged/ what `local repair` set aside

Beside the folder, `<folder>.lock` is held by whoever is starting, stopping or resetting the daemon.

The folder and everything secret in it is this user's alone; principals are kept apart by HTTP and RBAC, the users of
the machine by the operating system.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import shutil
import stat
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from azmlflow.localazure.machine import ports
from azmlflow.localazure.machine.errors import UnsafeFolder
from azmlflow.localazure.machine.private import create_private, read_json, unreadable, write_private
from azmlflow.localazure.machine.users import used

USUAL = "/tmp"  # where a user's temporary files are who says nothing


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
class Folder:
    """A state folder; creates nothing on its own.

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
    def ports_file(self) -> Path:
        return self.path / "ports.json"

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
            found = Secrets(**read_json(path))
        except TypeError as error:
            raise unreadable(path) from error
        if not all(isinstance(each, str) and each for each in (found.proxy, found.identity)):
            raise unreadable(path)
        return found

    def ports(self) -> ports.Ports:
        """The ports, chosen free at the first call and kept from then on.

        Raises:
            PortTaken: no free port at all.
            UnreadableFile: what is kept of them is not what was written.
            LocalError: this machine gives no ports.
        """
        return ports.kept(self.ports_file, str(self.path))

    def check_ports(self, within: float = 3.0) -> None:
        """See whether the ports can be had; one whose holder has just been killed is free a moment later.

        Args:
            within: seconds for which to look again.

        Raises:
            PortTaken: one of them is taken; the message names it.
            LocalError: one of them cannot be had for another reason.
        """
        ports.check(self.ports(), self.ports_file, within)

    def socket(self) -> Path:
        """Where MLflow's server listens: a path short enough for a unix socket (104 bytes on macOS), in a folder
        that only this user can enter.

        It is written down, for whoever asks with other variables for where temporary files are. Where another user has
        made a folder of the name that ours would have, ours gets another name.

        Raises:
            UnsafeFolder: no folder can be made where temporary files are.
        """
        kept, here = self.path / "sockets", Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
        noted = Path(kept.read_text(encoding="utf-8")) if kept.is_file() else None
        usual = here / self._short_name()
        parent = next((each for each in (noted, usual) if each is not None and _is_ours(each)), None)
        try:
            parent = parent or Path(tempfile.mkdtemp(prefix=f"{self._short_name()}-", dir=here))
        except OSError as error:
            raise UnsafeFolder(
                f"the folder of the embedded Azure's sockets cannot be made: {error.strerror}",
                where=str(here),
                next="export TMPDIR=FOLDER    (one that you can write to)",
            ) from error
        if parent != noted and self.path.is_dir():
            write_private(kept, str(parent).encode())
        return parent / "mlflow.sock"

    def temporary(self, outer: str | None) -> Path:
        """A folder for the temporary files of commands that work on it, this user's alone: libraries give files there
        names that are the same for all users of a machine.

        Args:
            outer: where the user's own temporary files are; None for the system's usual place.
        """
        path = self._temporary(outer)
        if _is_ours(path):
            return path
        own = self.path / "tmp"
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        return own

    def remove_temporary(self, outer: str | None) -> None:
        """Remove that folder with all that is in it, unless a command that it was made for still runs; links in it are
        not followed, and what somebody else made in its place stays.

        Args:
            outer: as `temporary` has it.
        """
        path = self._temporary(outer)
        with contextlib.suppress(FileNotFoundError):
            found = path.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not used(path):
                shutil.rmtree(path, ignore_errors=True)

    def _temporary(self, outer: str | None) -> Path:
        return Path(outer or USUAL) / f"{self._short_name()}-tmp"

    def jobs(self) -> Path:
        """Where jobs with users of their own have their folders, which they could not reach below ours: a folder that
        everybody may go through and nobody list.

        Raises:
            UnsafeFolder: someone else has made that folder, or others cannot go to where temporary files are.
        """
        path = self.jobs_path()
        with contextlib.suppress(FileExistsError):  # whose it is is looked at next
            path.mkdir(mode=0o711)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o022:
            raise UnsafeFolder("the folder of the jobs' folders is not this user's alone", where=str(path))
        path.chmod(0o711)
        if not all(parent.stat().st_mode & 0o001 for parent in path.parents):
            raise UnsafeFolder("other users cannot go to the folder of temporary files", where=str(path.parent))
        return path

    def jobs_path(self) -> Path:
        """Where `jobs` makes that folder."""
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
        for folder in (sockets, self.jobs_path()):
            with contextlib.suppress(OSError):  # it is not empty, or not there
                folder.rmdir()


def _is_ours(path: Path) -> bool:
    """Whether a folder is this user's alone; it is made if it is not there and can be."""
    with contextlib.suppress(OSError):  # whose it is is looked at next
        path.mkdir(mode=0o700)
    try:
        found = path.lstat()
    except OSError:
        return False
    alone = not stat.S_IMODE(found.st_mode) & 0o077
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and alone
