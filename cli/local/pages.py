"""Bringing a browser to a page of the embedded Azure, without telling the address to other users of the machine.

A browser gets what it is to open as an argument, which every user of the machine may read, and the address signs in
whoever is first. So the browser is given a file that only this user can read, and the file leads on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from urllib.parse import parse_qs, quote, urlsplit

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.project import Project, write_atomically

_FILE = "ui.html"
_RUN = r"/experiments/\d+(/runs/[\w-]+)?"
_NAME = r"([A-Za-z0-9_-]+)"
# Paths of the studio, and our pages of the same.
_STUDIO = ((rf"/(?:runs|experiments/runs)/{_NAME}", "jobs"), (rf"/endpoints/realtime/{_NAME}", "endpoints"))


def address(
    project: Project, principal: str, workspace_id: str, grants: Sequence[Mapping[str, str]], page: str = ""
) -> str:
    """Where a browser signs in as a principal: good once, for a minute.

    Args:
        project: whose embedded Azure.
        principal: a sign-in name or an id.
        workspace_id: the workspace's ARM id.
        grants: the stack's, as `control.ui_address` takes them.
        page: what is opened then (`page_of`); the workspace's own page if empty.

    Raises:
        LocalError: there is no such principal, or the embedded Azure does not answer.
    """
    from azmlflow.localazure.clients import control
    from azmlflow.localazure.machine.folder import Folder

    found = control.ui_address(Folder.at(project.local), principal, workspace_id, grants)
    return f"{found}&to={quote(page, safe='')}" if page else found


def page_of(link: str, workspace_id: str) -> str:
    """The page of ours that a link leads to, which a tool has printed for Azure.

    MLflow prints `View run NAME at: https://REGION.api.azureml.ms/mlflow/v2.0/<workspace>/#/experiments/1/runs/ID`,
    the SDKs and az `https://ml.azure.com/runs/NAME?wsid=<workspace>`, or `/endpoints/realtime/NAME/...`.

    Args:
        link: as it was printed.
        workspace_id: the stack's workspace.

    Raises:
        CliError: it is no such link, or one of another workspace.
    """
    try:
        parts = urlsplit(link.strip())
    except ValueError:
        parts = urlsplit("")
    host, path = parts.hostname or "", ""
    if host.endswith(".api.azureml.ms") and re.fullmatch(_RUN, parts.fragment):
        meant, path = parts.path, f"mlflow/#{parts.fragment}"
    elif host == "ml.azure.com":
        meant = parse_qs(parts.query).get("wsid", [""])[0]
        path = next((f"{ours}/{found[1]}" for theirs, ours in _STUDIO if (found := re.match(theirs, parts.path))), "")
    if not path:
        raise CliError(
            f"`{link}` is no link to a run, an experiment, a job or an endpoint of Azure Machine Learning",
            next="azmlflow ui    (the workspace's page, from which all of them are reached)",
        )
    if f"{workspace_id}/".lower() not in f"{meant}/".lower():
        raise CliError(f"`{link}` is of another workspace than this stack's", where=workspace_id, next="azmlflow stack")
    return path


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
