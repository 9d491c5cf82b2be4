"""`azmlflow score`: one request to an online endpoint."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from azmlflow.cli.access import completing
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.cli.session.session import open_session


@click.command(
    cls=Command,
    examples=(
        "azmlflow score diabetes-1a2b request.json",
        "jq '{input_data: .rows}' day.json | azmlflow score diabetes-1a2b -",
        "azmlflow score diabetes-1a2b request.json --deployment version-2 -o json",
    ),
)
@click.option("--deployment", metavar="NAME", default="", help="The deployment that answers, whatever the traffic.")
@click.argument("endpoint", metavar="ENDPOINT", shell_complete=completing.endpoint)
@click.argument("file", metavar="FILE|-", type=click.Path(path_type=Path, allow_dash=True))
@common
def command(invocation: Invocation, deployment: str, endpoint: str, file: Path) -> None:
    """The request is the file's JSON, or standard input's: `{"input_data": ...}` for a model that MLflow logged. It
    goes with the endpoint's key or token, or with your own sign-in, as the endpoint asks for; it is shown as curl.
    """
    from azmlflow.cli.endpoints.scoring import score
    from azmlflow.scoring.asking import Asked

    body = _read(file)
    session = open_session(invocation)
    session.enter()
    arm = invocation.ports.open_arm()
    outputs = session.outputs()
    found = arm.get(f"{outputs.workspace_id}/onlineEndpoints/{endpoint}") if "/" not in endpoint else None
    if found is None:
        there = [str(each["name"]) for each in arm.list(f"{outputs.workspace_id}/onlineEndpoints")]
        told = f"there are: {', '.join(there)}" if there else "there are none"
        raise CliError(
            f"the workspace has no online endpoint `{endpoint}`; {told}",
            where=outputs.workspace_name,
            next="azmlflow deploy MODEL",
        )
    asked = Asked(found, body, deployment)
    if invocation.output == "text":
        invocation.say(asked.as_curl())
    answer = score(arm, asked)
    invocation.result({"endpoint": endpoint, "answer": _document(answer)}, answer)


def _read(file: Path) -> bytes:
    where = "standard input" if str(file) == "-" else str(file)
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as fault:
        raise CliError(f"the request cannot be read: {fault.strerror}", where=where, next=f"ls -l {file}") from fault
    try:
        json.loads(content)
    except ValueError as fault:
        raise CliError(
            f"the request is not JSON: {fault}", where=where, next='write it as {"input_data": ...}'
        ) from fault
    return content


def _document(answer: str) -> Any:
    try:
        return json.loads(answer)
    except ValueError:
        return answer
