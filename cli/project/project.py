"""Where a checkout keeps its things, which stack is meant, and on which cloud that stack is.

Rules:
    project = the nearest folder upwards that holds `Pulumi.yaml`, if that file says `azmlflow: true`
    program = the one that `main:` of Pulumi.yaml leads to; azmlflow's own where there is none
    stack   = `--stack`, else AZMLFLOW_STACK, else the one selected last in Pulumi, else `local`
    cloud   = `azmlflow:cloud` in `Pulumi.<stack>.yaml`: `local`, or `azure`, which is the default
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.yaml_file import read_yaml
from azmlflow.infra.settings.namespace import NAMESPACE
from azmlflow.localazure.machine.shortage import remedy

DEFAULT_STACK = "local"
MARK = "azmlflow"  # the key of Pulumi.yaml that says whose project it is; Pulumi lets keys pass that it does not know

# Pulumi's own rule for stack names (pkg/backend: "may only contain alphanumeric, hyphens, underscores, or periods").
_STACK_NAME = re.compile(r"^[A-Za-z0-9_.-]{1,100}$")


@dataclass(frozen=True)
class Project:
    """A checkout.

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
        """Everything azmlflow keeps for this checkout; never committed."""
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


def find_project(start: Path | None = None) -> Project:
    """The project that `start` (default: the current folder) is in.

    Raises:
        CliError: there is none, its Pulumi.yaml cannot be read, or it is not azmlflow's.
    """
    folder = (start or Path.cwd()).resolve()
    for candidate in (folder, *folder.parents):
        path = candidate / "Pulumi.yaml"
        if path.is_file():
            document = read_yaml(path)
            name = document.get("name")
            if not isinstance(name, str):
                raise CliError("Pulumi.yaml has no name", where=str(path), next="add a line `name: azmlflow`")
            if document.get(MARK) is not True:
                # Another program's stacks would lose to ours all that ours does not declare.
                raise CliError(
                    f"the Pulumi project `{name}` is not azmlflow's, and is left alone",
                    where=str(path),
                    next=f"cd into a project of azmlflow; or, if this is one, add `{MARK}: true` to its Pulumi.yaml",
                )
            return Project(candidate, name, _has_own_program(candidate, document))
    raise CliError(
        "no azmlflow project here: no Pulumi.yaml in this folder or above it",
        where=str(folder),
        next="cd into a checkout of azmlflow, and type the command again",
    )


def _has_own_program(root: Path, document: Mapping[str, Any]) -> bool:
    """Whether `main:` leads to a program that is not azmlflow's own."""
    import azmlflow.infra

    runtime = document.get("runtime")
    language = runtime.get("name") if isinstance(runtime, dict) else runtime
    if language not in (None, "python"):
        return True
    folder = (root / str(document.get("main") or ".")).resolve()
    ours = Path(str(azmlflow.infra.__file__)).resolve().parent
    return folder != ours and (folder / "__main__.py").exists()


def choose_stack(project: Project, asked: str | None, environment: Mapping[str, str]) -> str:
    """Which stack is meant.

    Raises:
        CliError: the name is none that Pulumi takes.
    """
    if asked == "":
        # An unset variable in a script (`--stack "$STACK"`) must not become another stack.
        raise CliError("--stack names no stack", next=f"azmlflow status --stack {DEFAULT_STACK}")
    name = asked or environment.get("AZMLFLOW_STACK") or _selected(project, environment) or DEFAULT_STACK
    if not _STACK_NAME.match(name):
        raise CliError(
            f"`{name}` is not a stack name: letters, digits, `-`, `_` and `.` only",
            next="azmlflow status --stack NAME",
        )
    return name


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
        raise CliError(f"stack `{name}` does not exist{hint}", where=str(path), next=f"azmlflow init {name}")
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
    ignore = project.state / ".gitignore"
    if not ignore.exists():
        write_atomically(ignore, "*\n")


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


def selection_files(project: Project, environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Where Pulumi writes down which stack is selected: in the user's home of Pulumi, then in ours.

    The name is Pulumi's: `<project>-<sha1 of the path of Pulumi.yaml>-workspace.json` (sdk/go/common/workspace).
    """
    digest = hashlib.sha1(str(project.root / "Pulumi.yaml").encode(), usedforsecurity=False).hexdigest()
    users = Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")
    name = f"{project.name}-{digest}-workspace.json"
    homes = dict.fromkeys((users, project.pulumi_home))
    return tuple(home / "workspaces" / name for home in homes)


def _selected(project: Project, environment: Mapping[str, str]) -> str | None:
    """The stack that Pulumi was last told to select, of those that have settings here."""
    known = project.stacks()
    for path in sorted(selection_files(project, environment), key=_written, reverse=True):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(document, dict):
            # Older engines keep one name, newer ones one for each backend, as organization/project/stack.
            by_backend = document.get("stacks") or {}
            wanted = by_backend.get(environment.get("PULUMI_BACKEND_URL"))
            for name in (wanted, document.get("stack"), *by_backend.values()):
                if isinstance(name, str) and name.rsplit("/", 1)[-1] in known:
                    return name.rsplit("/", 1)[-1]
    return None


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
