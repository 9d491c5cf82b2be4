"""Where a project keeps its things, and on which cloud a stack is.

The rule:
    cloud  = `azmlflow:cloud` in `Pulumi.<stack>.yaml`: `local`, or `azure`, which is the default
"""

from __future__ import annotations

import difflib
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import azmlflow.infra.settings
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.yaml_file import read_yaml
from azmlflow.infra.settings.namespace import NAMESPACE
from azmlflow.localazure.machine.shortage import remedy

DEFAULT_STACK = "local"
# The JSON schema of a stack's file; a copy lies in the state folder, where the file's first line has editors find it.
SCHEMA = Path(azmlflow.infra.settings.__path__[0]) / "schema.json"

# Pulumi's own rule for stack names (pkg/backend: "may only contain alphanumeric, hyphens, underscores, or periods").
STACK_NAME = re.compile(r"^[A-Za-z0-9_.-]{1,100}$")


@dataclass(frozen=True)
class Project:
    """A folder with stacks in it.

    Attributes:
        root: the folder of `Pulumi.yaml`.
        name: the Pulumi project's name.
        own_program: the folder holds a Pulumi program of its user's, which then runs instead of azmlflow's.
    """

    root: Path
    name: str
    own_program: bool = False

    @property
    def state(self) -> Path:
        """Everything azmlflow keeps for this project; never committed."""
        return self.root / ".azmlflow"

    @property
    def local(self) -> Path:
        """State of the embedded Azure."""
        return self.state / "local"

    @property
    def pulumi_home(self) -> Path:
        """PULUMI_HOME of local stacks: the user's own is never touched."""
        return self.state / "pulumi"

    @property
    def backend(self) -> Path:
        """Pulumi's state of local stacks (a file backend)."""
        return self.state / "backend"

    @property
    def backend_url(self) -> str:
        """The same as Pulumi wants it."""
        return f"file://{self.backend}"

    @property
    def passphrase(self) -> Path:
        """File with the passphrase that encrypts the secrets of local stacks."""
        return self.state / "passphrase"

    @property
    def logs(self) -> Path:
        """Where unexpected faults are written down."""
        return self.state / "logs"

    def settings_path(self, stack: str) -> Path:
        """The stack's settings file."""
        return self.root / f"Pulumi.{stack}.yaml"

    def stacks(self) -> tuple[str, ...]:
        """Stacks that have a settings file here, by name."""
        files = sorted(self.root.glob("Pulumi.*.yaml"))
        return tuple(file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in files)


@dataclass(frozen=True)
class StackFile:
    """What stands in `Pulumi.<stack>.yaml`.

    Attributes:
        name: the stack.
        path: the file.
        config: the `config:` mapping as written, namespaces included.
    """

    name: str
    path: Path
    config: Mapping[str, Any]

    @property
    def local(self) -> bool:
        """Is the stack on the embedded Azure?"""
        return bool(self.get("cloud") == "local")

    def get(self, key: str) -> Any:
        """A setting of ours by its bare key, None if absent."""
        return self.config.get(f"{NAMESPACE}:{key}")


def read_stack(project: Project, name: str) -> StackFile:
    """The stack's settings file.

    Raises:
        CliError: the stack has none (it does not exist here), or it cannot be read.
    """
    path = project.settings_path(name)
    if not path.exists():
        known = project.stacks()
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else f"; there are: {', '.join(known)}" if known else ""
        make = f"azmlflow init {name}"
        next_ = f"azmlflow status --stack {near[0]}    (or {make}, for another)" if near else make
        raise CliError(f"stack `{name}` does not exist{hint}", where=str(path), next=next_)
    config = read_yaml(path).get("config") or {}
    if not isinstance(config, dict):
        raise CliError("`config` must be a mapping", where=str(path), next=f"edit {path.name}")
    return StackFile(name, path, config)


def refuse_mixed_clouds(stack: StackFile, environment: Mapping[str, str]) -> None:
    """An Azure stack in a shell that points at the embedded Azure would reach for the wrong cloud.

    Raises:
        CliError: the environment carries the embedded Azure's variables.
    """
    marker = environment.get("AZMLFLOW_CLOUD", "")
    if not stack.local and marker.startswith("local:"):
        raise CliError(
            f"stack `{stack.name}` is on Azure, but this shell points at the embedded Azure",
            where=f"AZMLFLOW_CLOUD={marker}",
            next='eval "$(azmlflow env --unset)"',
        )


def make_state(project: Project) -> None:
    """Make the folder that azmlflow keeps its things in, for this user alone; it ignores itself in git.

    Raises:
        CliError: it cannot be made.
    """
    try:
        project.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise CliError(
            f"cannot make {project.state.name}: {fault.strerror}",
            where=str(project.state),
            next=remedy(fault, f"ls -ld {project.root}"),
        ) from fault
    for name, text in ((".gitignore", "*\n"), (SCHEMA.name, SCHEMA.read_text(encoding="utf-8"))):
        path = project.state / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_atomically(path, text)


def write_atomically(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a whole file or nothing: beside it first, then renamed over it.

    Raises:
        CliError: the folder cannot be made or written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(mode)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as fault:
        raise CliError(
            f"cannot write {path.name}: {fault.strerror or fault}",
            where=str(path),
            next=remedy(fault, f"ls -ld {path.parent}"),
        ) from fault
