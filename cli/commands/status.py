"""`azmlflow status`: what stands, where, and who holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from azmlflow.cli import cloud
from azmlflow.cli.deployment import State
from azmlflow.cli.hold import holding, note_path, read_note
from azmlflow.cli.invocation import Command, Invocation, common
from azmlflow.cli.session import Session, open_session


@click.command(cls=Command, examples=("azmlflow status", "azmlflow status -o json | jq -r .outputs.trackingUri"))
@common
def command(invocation: Invocation) -> None:
    """Show what stands, where, and who holds it."""
    session = open_session(invocation)
    state = session.stack().state()
    held = holding(session.project, session.name)
    unfinished = None if held else read_note(note_path(session.project, session.name))
    document: dict[str, Any] = {
        "stack": session.name,
        "cloud": "local" if session.file.local else "azure",
        "stands": "workspaceId" in state.outputs,
        "resources": len(state.resources),
        "pending": len(state.pending),
        "heldBy": held.words if held else None,
        "unfinished": unfinished.words if unfinished else None,
        "outputs": dict(state.outputs),
    }
    if session.file.local:
        document["embeddedAzure"] = "running" if cloud.running(session.project) else "stopped"
    invocation.result(document, lambda: _text(session, state, document))


def _text(session: Session, state: State, document: Mapping[str, Any]) -> str:
    where = f"the embedded Azure ({document['embeddedAzure']})" if session.file.local else "Azure"
    lines = [f"stack {session.name} on {where}, settings in {session.file.path.name}"]
    if document["heldBy"]:
        lines.append(f"  held by       {document['heldBy']}")
    if document["unfinished"]:
        lines.append(f"  unfinished    {document['unfinished']}: `azmlflow up` goes on from there")
    if not document["stands"]:
        some = f" ({len(state.resources)} resources are there)" if state.resources else ""
        return "\n".join([*lines, f"  nothing stands{some}", f"next: azmlflow up --stack {session.name}"])
    outputs = state.outputs
    lines += [
        f"  workspace     {outputs['workspaceName']} in {outputs['resourceGroup']}",
        f"  tracking URI  {outputs['trackingUri']}",
        f"  studio        {outputs['studioUrl']}",
        f"  resources     {len(state.resources)}" + (f", {len(state.pending)} pending" if state.pending else ""),
    ]
    for grant in outputs.get("grants") or ():
        lines.append(f"  grant         {grant['displayName'] or grant['principalId']}: {grant['persona']}")
    return "\n".join(lines)
