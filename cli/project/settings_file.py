"""Writes a stack's settings file, `Pulumi.<stack>.yaml`, whole or not at all.

The file is also Pulumi's, which keeps `encryptionsalt` and its like in it: what is not ours is carried over as it is.
Comments are not, by us as little as by `pulumi config set`.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import re
from collections.abc import Mapping
from typing import Any

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.project import Project, StackFile, read_stack, write_atomically
from azmlflow.cli.project.yaml_file import dump_yaml, parse_yaml, read_yaml
from azmlflow.infra.settings.namespace import NAMESPACE


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
    document = read_yaml(path) if path.exists() else {}
    config = {} if fresh else dict(document.get("config") or {})
    for key, value in ours.items():
        full = f"{NAMESPACE}:{key}"
        if value is None or value in ([], {}):
            config.pop(full, None)
        else:
            config[full] = value
    config.update(others or {})
    document["config"] = config
    write_atomically(path, dump_yaml(document))
    return StackFile(name, path, config)


def write_scalars(project: Project, name: str, ours: Mapping[str, str | None]) -> StackFile:
    """Set plain settings line by line, so that every comment stays; None removes a key.

    Args:
        project: the checkout.
        name: the stack, whose file is there.
        ours: bare key to text.

    Raises:
        CliError: the file cannot be read or written.
    """
    path = project.settings_path(name)
    before = read_stack(project, name)
    text = path.read_text(encoding="utf-8")
    for key, value in ours.items():
        line = f"  {NAMESPACE}:{key}: {json.dumps(value)}\n" if value is not None else ""
        old = re.compile(rf"^ +[\"']?{NAMESPACE}:{key}[\"']?:.*\n?", re.MULTILINE)
        text, count = old.subn(lambda _, line=line: line, text, count=1)  # type: ignore[misc]
        if not count and line:
            text = re.sub(r"^config:[ \t]*(#.*)?\n", lambda match: match[0] + line, text, count=1, flags=re.MULTILINE)  # noqa: B023
    wanted = {**before.config, **{f"{NAMESPACE}:{key}": value for key, value in ours.items()}}
    try:
        held = parse_yaml(text, path).get("config") or {}
    except CliError:
        held = None
    if held != {key: value for key, value in wanted.items() if value is not None}:
        return write_settings(project, name, ours)  # written in another style, such as on one line
    write_atomically(path, text)
    return StackFile(name, path, held)


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
        return str(os.getuid())
