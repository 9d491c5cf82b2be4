"""A new project: the files that `azmlflow init` writes into a folder that is in none, and `pulumi new` as well.

They stand in `template/`, which goes along in the wheel. Nothing that is there already is written over: a `.gitignore`
gets the lines that it lacks.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.project import Project, write_atomically
from azmlflow.cli.project.selection import TEMPLATE
from azmlflow.cli.project.yaml_file import dump_yaml, parse_yaml

_PROGRAM, _IGNORED, _DESCRIBED = "__main__.py", ".gitignore", "Pulumi.yaml"


def planned(folder: Path) -> Project:
    """The project that `write` would make of a folder.

    Raises:
        CliError: there is a program already, which azmlflow would run as its own.
    """
    program = folder / _PROGRAM
    if program.exists() and program.read_bytes() != (TEMPLATE / _PROGRAM).read_bytes():
        raise CliError(
            f"this folder holds a program, {_PROGRAM}, which Pulumi would run as the project's",
            where=str(program),
            next="mkdir infra, then azmlflow -C infra init local    (a folder of its own)",
        )
    # Pulumi's own rule for project names (sdk/go/common/tokens: alphanumeric, `-`, `_`, `.`; at most 100).
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", folder.name).strip("-.")[:100]
    return Project(folder, name or "azmlflow")


def write(project: Project) -> None:
    """Write the files of a project, Pulumi.yaml last: without it the folder is none.

    Raises:
        CliError: one cannot be written.
    """
    ignored = project.root / _IGNORED
    write_atomically(ignored, _joined(ignored.read_text("utf-8") if ignored.exists() else ""))
    if not (project.root / _PROGRAM).exists():
        write_atomically(project.root / _PROGRAM, (TEMPLATE / _PROGRAM).read_text("utf-8"))
    write_atomically(project.root / _DESCRIBED, _described(project))


def _joined(text: str) -> str:
    wanted = (TEMPLATE / _IGNORED).read_text("utf-8").splitlines()
    if not text:
        return "\n".join(wanted) + "\n"
    lacking = [line for line in wanted if line not in text.splitlines() and not line.startswith("#")]
    return text if not lacking else "\n".join([text.rstrip("\n"), *lacking]) + "\n"


def _described(project: Project) -> str:
    path = TEMPLATE / _DESCRIBED
    document = parse_yaml(path.read_text("utf-8"), path)
    # For people who begin with `pulumi new`.
    asked = document.pop("template")
    document |= {"name": project.name, "description": asked["description"]}
    venv = Path(sys.prefix)
    if venv.is_relative_to(project.root):
        document["runtime"]["options"] = {"virtualenv": str(venv.relative_to(project.root))}
    else:
        document["runtime"] = "python"  # the first on PATH, which `azmlflow env --engine` sees to
    return dump_yaml(document)
