"""Which project and which stack are meant.

Rules:
    project = the nearest folder upwards that holds `Pulumi.yaml`, if that file says `azmlflow: true`; upwards from
              `-C DIR`, else AZMLFLOW_PROJECT, else the current folder
    program = the one that `main:` of Pulumi.yaml leads to; azmlflow's own where there is none
    stack   = `--stack`, else AZMLFLOW_STACK, else the one selected last in Pulumi, else `local`
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import azmlflow
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.project import DEFAULT_STACK, STACK_NAME, Project, make_state, write_atomically
from azmlflow.cli.project.yaml_file import read_yaml

PROJECT = "AZMLFLOW_PROJECT"
MARK = "azmlflow"  # the key of Pulumi.yaml that says whose project it is; Pulumi lets keys pass that it does not know
# The files of a new project; the program among them is azmlflow's as long as nobody changed it.
TEMPLATE = Path(__file__).resolve().parents[2] / "template"
# `-C DIR` of the command that runs.
CHOSEN: ContextVar[Path | None] = ContextVar("-C", default=None)


def find_project(start: Path | None = None) -> Project:
    """The project that is meant.

    Args:
        start: where to look for it, and above; default: as the module's rules say.

    Raises:
        CliError: there is none, its Pulumi.yaml cannot be read, or it is not azmlflow's.
    """
    folder = start or start_folder(os.environ)
    if found := project_at(folder):
        return found
    raise CliError(
        "no azmlflow project here: no Pulumi.yaml in this folder or above it",
        where=str(folder),
        next="azmlflow init local    (makes it one; or azmlflow -C DIR ..., where a project is)",
    )


def start_folder(environment: Mapping[str, str]) -> Path:
    """Where the project is looked for.

    Raises:
        CliError: AZMLFLOW_PROJECT names no folder, or another project than the one that the current folder is in.
    """
    chosen, named = CHOSEN.get(), environment.get(PROJECT)
    if chosen is not None:
        return chosen
    try:
        here = Path.cwd().resolve()
    except FileNotFoundError:
        raise CliError("the folder that this shell is in is not there any more", next="cd ~") from None
    if not named:
        return here
    folder = Path(named).expanduser().resolve()
    if not folder.is_dir():
        raise CliError(f"{PROJECT} names a folder that is not there", where=str(folder), next=f"unset {PROJECT}")
    inside = _marked_above(here)
    if inside not in (None, _marked_above(folder)):
        # A command that changes a stack must not take another project's, because of a variable set long ago.
        raise CliError(
            f"{PROJECT} names {folder}, but this folder is in the project {inside}",
            where=str(here),
            next=f"unset {PROJECT}, or say which is meant: azmlflow -C DIR ...",
        )
    return folder


def project_at(folder: Path) -> Project | None:
    """The project that a folder is in, None if it is in no Pulumi project at all.

    Raises:
        CliError: the Pulumi.yaml cannot be read, or it is not azmlflow's, or it is a newer azmlflow's.
    """
    for candidate in (folder, *folder.parents):
        path = candidate / "Pulumi.yaml"
        if path.is_file():
            document = read_yaml(path)
            name, mark = document.get("name"), document.get(MARK)
            if not isinstance(name, str):
                raise CliError("Pulumi.yaml has no name", where=str(path), next="add a line `name: azmlflow`")
            if type(mark) is int and mark > 1:
                raise CliError(
                    f"the project `{name}` is a newer azmlflow's ({MARK}: {mark}); this is {azmlflow.__version__}",
                    where=str(path),
                    next="python -m pip install --upgrade azmlflow",
                )
            if mark is not True:
                # Another program's stacks would lose to ours all that ours does not declare.
                raise CliError(
                    f"the Pulumi project `{name}` is not azmlflow's, and is left alone",
                    where=str(path),
                    next=f"cd into a project of azmlflow; or, if this is one, add `{MARK}: true` to its Pulumi.yaml",
                )
            found = Project(candidate, name, _has_own_program(candidate, document))
            _refuse_odd_state(found.state)
            return found
    return None


def _refuse_odd_state(path: Path) -> None:
    """What is no folder holds no state: a command that went on would say that nothing stands."""
    if os.path.lexists(path) and not path.is_dir():
        why = "a link that leads to no folder" if path.is_symlink() else "a file, where a folder should be"
        raise CliError(
            f"{path.name}, where azmlflow keeps the state of this project, is {why}",
            where=str(path),
            next=f"mv {path} {path}.old    (then a new one is made; or put the folder back)",
        )


def _marked_above(folder: Path) -> Path | None:
    """The root of azmlflow's project that a folder is in."""
    try:
        found = project_at(folder)
    except CliError:
        return None
    return found.root if found else None


def _has_own_program(root: Path, document: Mapping[str, Any]) -> bool:
    """Whether `main:` leads to a program that is not azmlflow's own."""
    import azmlflow.infra

    runtime = document.get("runtime")
    language = runtime.get("name") if isinstance(runtime, dict) else runtime
    if language not in (None, "python"):
        return True
    program = (root / str(document.get("main") or ".")).resolve() / "__main__.py"
    if program.parent == Path(str(azmlflow.infra.__file__)).resolve().parent or not program.exists():
        return False
    return program.read_bytes() != (TEMPLATE / "__main__.py").read_bytes()


def choose_stack(project: Project, asked: str | None, environment: Mapping[str, str]) -> str:
    """Which stack is meant.

    Raises:
        CliError: the name is none that Pulumi takes.
    """
    return meant(project, asked, environment)[0]


def meant(project: Project, asked: str | None, environment: Mapping[str, str]) -> tuple[str, str]:
    """Which stack is meant, and why, in words.

    Raises:
        CliError: the name is none that Pulumi takes.
    """
    if asked == "":
        # An unset variable in a script (`--stack "$STACK"`) must not become another stack.
        raise CliError("--stack names no stack", next=f"azmlflow status --stack {DEFAULT_STACK}")
    reasons = (
        (asked, "--stack"),
        (environment.get("AZMLFLOW_STACK"), "AZMLFLOW_STACK"),
        (_selected(project, environment), "it is selected"),
        (DEFAULT_STACK, "none is selected"),
    )
    name, why = next((name, why) for name, why in reasons if name)
    if not STACK_NAME.match(name):
        raise CliError(
            f"`{name}` is not a stack name: letters, digits, `-`, `_` and `.` only",
            next="azmlflow status --stack NAME",
        )
    return name, why


def select(project: Project, name: str, environment: Mapping[str, str]) -> None:
    """Have bare commands mean a stack. It is written down in the project's own home of Pulumi, as Pulumi does it.

    Raises:
        CliError: it cannot be written.
    """
    make_state(project)
    *others, path = selection_files(project, environment)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        document = {}
    kept = {key: value for key, value in document.items() if key != "stacks"} if isinstance(document, dict) else {}
    write_atomically(path, json.dumps({**kept, "stack": name}))
    newest = max((_written(each) for each in others), default=0.0)
    if _written(path) <= newest:  # of a clock that went back, or a file system that counts in seconds
        os.utime(path, (newest + 1, newest + 1))


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
