"""Writes a stack's settings file, `Pulumi.<stack>.yaml`, whole or not at all.

The file is also Pulumi's, which keeps `encryptionsalt` and its like in it: what is not ours is carried over as it is,
and so are comments, order and spelling of all that stays.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from filelock import FileLock

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.project import SCHEMA, Project, StackFile, make_state, write_atomically
from azmlflow.cli.project.yaml_file import change_yaml, dump_yaml, read_yaml
from azmlflow.infra.settings.namespace import NAMESPACE
from azmlflow.localazure.machine.locks import refuse_odd
from azmlflow.localazure.machine.shortage import remedy


@contextlib.contextmanager
def editing(project: Project) -> Iterator[None]:
    """Let no other command write settings files of the project between what is read here and what is written.

    Raises:
        CliError: the lock cannot be had, since its folder cannot be written to.
    """
    make_state(project)
    path = project.state / "settings.lock"
    refuse_odd(path)
    lock = FileLock(path, mode=0o600)
    try:
        lock.acquire()
    except OSError as fault:
        raise CliError(
            f"cannot write {path.name}: {fault.strerror}", where=str(path), next=remedy(fault, f"ls -l {path}")
        ) from fault
    try:
        yield
    finally:
        lock.release()


# As the YAML language servers of editors read it.
_FIRST_LINE = f"# yaml-language-server: $schema=.azmlflow/{SCHEMA.name}\n"


def write_settings(
    project: Project,
    name: str,
    ours: Mapping[str, Any],
    others: Mapping[str, Any] | None = None,
    *,
    fresh: bool = False,
) -> StackFile:
    """Set settings in the stack's file, keeping everything else that stands in it.

    Args:
        project: the checkout.
        name: the stack.
        ours: bare key to value; None, or an empty list, removes the key.
        others: full key to value, for other namespaces.
        fresh: drop the settings that were there; what Pulumi itself keeps in the file stays.

    Raises:
        CliError: the file cannot be read or written.
    """
    path = project.settings_path(name)
    with editing(project):
        config = {} if fresh or not path.exists() else dict(read_yaml(path).get("config") or {})
        for key, value in ours.items():
            full = f"{NAMESPACE}:{key}"
            if value is None or value in ([], {}):
                config.pop(full, None)
            else:
                config[full] = value
        return write_config(project, name, {**config, **(others or {})})


def write_config(project: Project, name: str, config: Mapping[str, Any]) -> StackFile:
    """Write the whole of a stack's `config`, keeping everything else that stands in the file; while `editing`.

    Raises:
        CliError: the file cannot be read or written.
    """
    path = project.settings_path(name)
    document = {**(read_yaml(path) if path.exists() else {}), "config": dict(config)}
    write_atomically(path, change_yaml(path, document) if path.exists() else _FIRST_LINE + dump_yaml(document))
    return StackFile(name, path, document["config"])


def local_defaults() -> dict[str, Any]:
    """The settings of a stack on the embedded Azure."""
    return {"cloud": "local", "clusters": [{"name": "cpu"}]}


def suggested_salt(project: Project) -> str:
    """A salt that differs between checkouts and people, and stays the same for one: names on Azure are global."""
    source = f"{project.root}\n{_user()}"
    return hashlib.sha256(source.encode()).hexdigest()[:4]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(getattr(os, "getuid", lambda: 0)())
