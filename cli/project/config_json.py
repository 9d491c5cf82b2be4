"""The config.json that `Workspace.from_config()` and `MLClient.from_config()` read, and only that.

Both SDKs search the same way (azureml/core/workspace.py, azure/ai/ml/_ml_client.py): first `.azureml/` in the
starting folder and each one above it up to the root, then `aml_config/` likewise, then the folders themselves. So a
far `.azureml/config.json` beats a near `config.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.project import Project, write_atomically

DEFAULT = Path(".azureml") / "config.json"
_SUBFOLDERS = (".azureml", "aml_config", "")
_NAMES = ("config.json", "project.json")


@dataclass(frozen=True)
class Coordinates:
    """Which workspace a config.json names, by the SDKs' own keys."""

    subscription_id: str
    resource_group: str
    workspace_name: str

    def same(self, other: Coordinates | None) -> bool:
        """Whether both name one workspace: Azure's names ignore case."""
        return other is not None and self._key() == other._key()

    def _key(self) -> tuple[str, ...]:
        return self.subscription_id.lower(), self.resource_group.lower(), self.workspace_name.lower()

    def words(self) -> str:
        """For people: `workspace in group`."""
        return f"{self.workspace_name} in {self.resource_group}"


def write(path: Path, wanted: Coordinates, *, stack: str, force: bool = False) -> bool:
    """Write the file, whole, and read it back.

    Args:
        path: the file.
        wanted: the workspace.
        stack: for the error's next command.
        force: write over whatever is there.

    Returns:
        False if it was there already and right.

    Raises:
        CliError: the path is a folder, holds another workspace's file or something that is not a config.json, or cannot
            be written.
    """
    overwrite = f"azmlflow config --stack {stack} --path {path} --force    (or another --path)"
    if path.is_dir():
        raise CliError(
            f"{path.name} is a folder, not a file",
            where=str(path),
            next=f"rmdir {path}, or azmlflow config --stack {stack} --path FILE",
        )
    try:
        present = read(path)
    except CliError as fault:
        if not force:
            raise CliError(f"{fault.what}; it is left as it is", where=str(path), next=overwrite) from fault
        present = None
    if wanted.same(present):
        return False
    if present is not None and not force:
        raise CliError(
            f"{path.name} names another workspace: {present.words()}; it is left as it is",
            where=str(path),
            next=overwrite,
        )
    write_atomically(path, json.dumps(asdict(wanted), indent=2) + "\n")
    if read(path) != wanted:
        raise CliError("config.json does not read back as it was written", where=str(path), next=f"cat {path}")
    return True


def read(path: Path) -> Coordinates | None:
    """The workspace that a file names; None if there is no file.

    Raises:
        CliError: it cannot be read, is not JSON, or lacks one of the three keys.
    """
    try:
        if path.exists() and not path.is_file():
            raise CliError(f"{path.name} is not a file", where=str(path), next=f"ls -l {path}")
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except NotADirectoryError as fault:
        raise CliError(
            f"{path.parent.name} is a file, not a folder", where=str(path.parent), next=f"mv {path.parent} elsewhere"
        ) from fault
    except OSError as fault:
        raise CliError(f"cannot read {path.name}: {fault.strerror}", where=str(path), next=f"ls -l {path}") from fault
    except (ValueError, RecursionError) as fault:
        raise CliError(f"{path.name} is not valid JSON ({fault})", where=str(path), next=f"cat {path}") from fault
    keys = tuple(Coordinates.__dataclass_fields__)
    if not isinstance(document, dict) or not all(isinstance(document.get(key), str) for key in keys):
        raise CliError(
            f"{path.name} is not a workspace's file: it lacks one of {', '.join(keys)}",
            where=str(path),
            next=f"cat {path}",
        )
    return Coordinates(*(document[key] for key in keys))


def found_from(start: Path) -> Path | None:
    """The file that the SDKs would take when a script starts in `start`."""
    folders = (start, *start.parents)
    for subfolder in _SUBFOLDERS:
        for name in _NAMES:
            for folder in folders:
                candidate = folder / subfolder / name
                if candidate.is_file():
                    return candidate
    return None


def shadow(path: Path, working_folder: Path) -> Path | None:
    """Another file that the SDKs would take before `path`, None if they take `path`.

    Args:
        path: the file written.
        working_folder: where the user is; counts if it is at or below the file's folder.
    """
    base = path.parent.parent if path.parent.name in _SUBFOLDERS[:2] else path.parent
    starts = [base]
    if working_folder.is_relative_to(base):
        starts.append(working_folder)
    for start in starts:
        found = found_from(start)
        if found is not None and found.resolve() != path.resolve():
            return found
    return None


def remember(project: Project, stack: str, path: Path) -> None:
    """Note a file that was written, so that `down` can remove it."""
    known = remembered(project, stack)
    if path not in known:
        files = [str(entry) for entry in (*known, path)]
        write_atomically(_notes(project, stack), json.dumps(files))


def remembered(project: Project, stack: str) -> tuple[Path, ...]:
    """The files written for a stack, the default one always among them."""
    default = project.root / DEFAULT
    try:
        document = json.loads(_notes(project, stack).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return (default,)
    paths = [Path(entry) for entry in document if isinstance(entry, str)] if isinstance(document, list) else []
    return tuple(dict.fromkeys((default, *paths)))


def names(path: Path, wanted: Coordinates) -> bool:
    """Does a file name this workspace?"""
    try:
        return wanted.same(read(path))
    except CliError:
        return False


def ours(project: Project, stack: str, wanted: Coordinates) -> tuple[Path, ...]:
    """The files written for a stack that still name its workspace."""
    return tuple(path for path in remembered(project, stack) if names(path, wanted))


def remove(project: Project, stack: str, wanted: Coordinates) -> None:
    """Remove the files that still name the stack's workspace, and their folder if it is empty then."""
    for path in ours(project, stack, wanted):
        path.unlink(missing_ok=True)
        if path.parent.name == ".azureml" and not any(path.parent.iterdir()):
            path.parent.rmdir()
    _notes(project, stack).unlink(missing_ok=True)


def coordinates(outputs: Mapping[str, object]) -> Coordinates:
    """From a stack's outputs."""
    return Coordinates(str(outputs["subscriptionId"]), str(outputs["resourceGroup"]), str(outputs["workspaceName"]))


def _notes(project: Project, stack: str) -> Path:
    return project.state / "configs" / f"{stack}.json"
