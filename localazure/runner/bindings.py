"""What a job's command is told for its inputs and outputs, and how its outputs are kept.

An input of files is copied into the job's folder; an output is a folder there, or the path of a file that the command
writes (`uri_file`). In the mode Direct the command is told where the files lie, and nothing is copied. Source:
Microsoft, "Access data in a job" (what each type and mode is in the command).
"""

from __future__ import annotations

import re
from pathlib import Path

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.keeper.place import Porter
from azmlflow.localazure.models import places
from azmlflow.localazure.runner import files
from azmlflow.localazure.work.layout import CODE, INPUTS, OUTPUTS, UPLOADED

_PLAIN = re.compile(r"[\w/.+-]+", re.ASCII)
_INPUT_LIMIT = 8 * 1024 * 1024 * 1024


async def inputs(cloud: Cloud, workspace: Document, job: Document, folder: Path, porter: Porter) -> dict[str, str]:
    """The value, or path, of each input that has one; files are copied into the job's folder.

    Args:
        cloud: the embedded Azure.
        workspace: the workspace's document.
        job: the job's.
        folder: the job's folder.
        porter: the job's.

    Raises:
        FilesError: files cannot be had.
        OSError: they cannot be written, or the input's name leads elsewhere.
    """
    found: dict[str, str] = {}
    for name, told in job["properties"]["inputs"].items():
        if _is_literal(told):
            if told.get("value") is not None:  # an optional input that is not given has none
                found[name] = str(told["value"])
        elif _is_direct(told):
            found[name] = await files.place(cloud, workspace, str(told["uri"]))
        else:
            uri, into = str(told["uri"]), (INPUTS, name)
            found[name] = str(
                folder.joinpath(*await files.uri_input(cloud, workspace, uri, porter, into, limit=_INPUT_LIMIT))
            )
    return _spelt(found, folder)


async def outputs(workspace: Document, job: Document, folder: Path, porter: Porter) -> dict[str, str]:
    """The path of each output; folders are made.

    Args:
        workspace: the workspace's document.
        job: the job's.
        folder: the job's folder.
        porter: the job's.

    Raises:
        OSError: one cannot be made, or its name leads elsewhere.
    """
    found = {}
    for name, told in job["properties"]["outputs"].items():
        if _is_direct(told):
            found[name] = places.long_uri(places.output(workspace, job, name), workspace)
            continue
        if told.get("jobOutputType") != "uri_file":
            await porter.make((OUTPUTS, name))
        found[name] = str(folder / OUTPUTS / name)
    return _spelt(found, folder)


async def keep(cloud: Cloud, workspace: Document, job: Document, porter: Porter, disk: int) -> None:
    """Keep what the job left: its named outputs, and the folders that become artifacts.

    Args:
        cloud: the embedded Azure.
        workspace: the workspace's document.
        job: the job's.
        porter: the job's.
        disk: bytes that they may come to together; 0: any number.

    Raises:
        TooLarge: they come to more: what fits is kept.
        FilesError: there is no place for them any more.
        OSError: they cannot be read.
    """
    account = str(workspace["properties"]["storageAccount"]).rpartition("/")[2].lower()
    room = files.Room(disk or None)
    for name in UPLOADED:
        address = files.artifact(account, job["name"], name)
        where = (account, address.container, address.name)
        await files.keep_tree(cloud, *where, porter=porter, parts=(CODE, name), room=room)
    for name, told in job["properties"]["outputs"].items():
        if _is_direct(told):
            continue
        place = places.output(workspace, job, name)
        found = places.container(cloud, workspace, place.datastore)
        if found is None:
            raise files.FilesError(f"the datastore '{place.datastore}' of the output '{name}' was deleted")
        await files.keep_tree(cloud, *found, place.path, porter=porter, parts=(OUTPUTS, name), room=room)


def _spelt(found: dict[str, str], folder: Path) -> dict[str, str]:
    """Paths as the command gets them, in which they stand as they are: where the job's folder has characters that a
    shell takes apart, from the working folder, which is beside them. On Azure it never has."""
    if _PLAIN.fullmatch(str(folder)):
        return found
    inside = f"{folder}/"
    return {
        name: f"../{value.removeprefix(inside)}" if value.startswith(inside) else value for name, value in found.items()
    }


def _is_literal(told: Document) -> bool:
    return bool(told.get("jobInputType") == "literal")


def _is_direct(told: Document) -> bool:
    return bool(told.get("mode") == "Direct")
