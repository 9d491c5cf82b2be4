"""Bringing a browser to a page of the embedded Azure, without telling the address to other users of the machine.

A browser gets what it is to open as an argument, which every user of the machine may read, and the address signs in
whoever is first. So the browser is given a file that only this user can read, and the file leads on.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from azmlflow.cli.project.project import Project, write_atomically

_FILE = "ui.html"


def address(project: Project, principal: str, workspace_id: str) -> str:
    """Where a browser signs in as a principal: good once, for a minute.

    Raises:
        LocalError: there is no such principal, or the embedded Azure does not answer.
    """
    from azmlflow.localazure.clients import control
    from azmlflow.localazure.machine.folder import Folder

    return control.ui_address(Folder.at(project.local), principal, workspace_id)


def show(project: Project | None, target: str, browse: Callable[[str], bool]) -> bool:
    """Open an address in the user's browser; False where there is none.

    Args:
        project: whose folder takes the file that leads to the address; None for an address that is not a secret.
        target: the address.
        browse: opens an address.
    """
    if project is None:
        return browse(target)
    path = project.state / _FILE
    onward = escape(target)
    head = f'<meta charset="utf-8">\n<meta http-equiv="refresh" content="0;url={onward}">\n<title>azmlflow</title>'
    write_atomically(path, f'<!doctype html>\n{head}\n<a href="{onward}">Go on</a>\n', mode=0o600)
    return browse(path.absolute().as_uri())
