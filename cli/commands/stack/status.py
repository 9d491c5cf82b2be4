"""`azmlflow status`: what stands, where, and who holds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import click

from azmlflow.cli.local import entering
from azmlflow.cli.project import report
from azmlflow.cli.project.hold import holding, note_path, read_note
from azmlflow.cli.pulumi.deployment import State
from azmlflow.cli.session import standing, twins
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.cli.session.session import Session, open_session
from azmlflow.rbac.grants import Grant


@click.command(cls=Command, examples=("azmlflow status", "azmlflow status -o json | jq -r .outputs.trackingUri"))
@common
def command(invocation: Invocation) -> None:
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
        "grants": _grants(session, state),
    }
    asked = True
    if session.file.local:
        asked = entering.running(session.project)
        document["embeddedAzure"] = "running" if asked else "stopped"
    if asked:
        document |= _asked(session, lambda: _looked(session, state) if document["stands"] else _held(session))
    elif document["stands"]:
        document |= {"asked": False, "unasked": "the embedded Azure is stopped"}
    invocation.result(document, lambda: _text(session, state, document))


def _asked(session: Session, look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What the cloud itself says; why it could not be asked, where it could not."""
    try:
        session.invocation.ports.visit(session.project, session.file, session.invocation.say)
        return {"asked": True, **look()}
    except Exception as fault:
        known = report.known(fault)
        if known is None:
            raise
        return {"asked": False, "unasked": known.what}


def _looked(session: Session, state: State) -> dict[str, Any]:
    """How what stands differs from what the last `up` left."""
    found = standing.of(session, state)
    return {
        "elsewhere": list(found.says()),
        "inTheWay": list(found.stops()),
        "stands": not found.without_workspace,
    }


def _held(session: Session) -> dict[str, Any]:
    """What is soft-deleted under the names of a stack that does not stand."""
    if session.project.own_program:
        return {}
    settings, subscription = session.settings(), session.subscription({})
    names, arm = settings.names(session.name, subscription), session.invocation.ports.open_arm()
    return {"softDeleted": list(twins.find(arm, subscription, settings.location, names).tells())}


def _text(session: Session, state: State, document: Mapping[str, Any]) -> str:
    where = f"the embedded Azure ({document['embeddedAzure']})" if session.file.local else "Azure"
    lines = [f"stack {session.name} on {where}, settings in {session.file.path.name}"]
    if document["heldBy"]:
        lines.append(f"  held by       {document['heldBy']}")
    if document["unfinished"]:
        lines.append(f"  unfinished    {document['unfinished']}: `azmlflow up` goes on from there")
    if document.get("unasked"):
        as_left = "what follows is as the last `up` left it: " if document["stands"] else ""
        lines.append(f"  not asked     {as_left}{document['unasked']}")
    differing = [f"  differs       {line}" for line in document.get("elsewhere") or ()]
    lines += [f"  in the way    {line}" for line in document.get("inTheWay") or ()]
    if differing or document.get("inTheWay"):
        puts = "says what to do" if document.get("inTheWay") else "puts it right"
        differing.append(f"next: azmlflow up --stack {session.name}    ({puts})")
    if not document["stands"] and differing:
        return "\n".join([*lines, "  the workspace is not there", *differing])
    if not document["stands"]:
        some = f" ({len(state.resources)} resources are there)" if state.resources else ""
        held = [f"  soft-deleted  {line}" for line in document.get("softDeleted") or ()]
        way = f"azmlflow up --stack {session.name}"
        if held and session.settings().on_soft_deleted == "fail":
            way = f"azmlflow doctor --stack {session.name}    (what to do about the names that are taken)"
        return "\n".join([*lines, f"  nothing stands{some}", *held, f"next: {way}"])
    outputs = state.outputs
    lines += [
        f"  workspace     {outputs['workspaceName']} in {outputs['resourceGroup']}",
        f"  tracking URI  {outputs['trackingUri']}",
        f"  in a browser  azmlflow ui --stack {session.name}"
        if session.file.local
        else f"  studio        {outputs['studioUrl']}",
        f"  resources     {len(state.resources)}" + (f", {len(state.pending)} pending" if state.pending else ""),
    ]
    lines += (f"  endpoint      {each['name']} at {each['scoringUri']}" for each in outputs.get("endpoints") or ())
    lines += differing[:-1]
    for grant in document["grants"]:
        at = " on the group" if grant["scope"] == "group" else ""
        lines.append(f"  grant         {grant['name']}: {grant['persona']}{at}, {grant['state']}")
    return "\n".join([*lines, *differing[-1:]])


def _grants(session: Session, state: State) -> list[dict[str, Any]]:
    """The grants of the settings and of the last `up`, and how each stands."""
    from azmlflow.infra.settings.faults import SettingsError

    today = session.invocation.ports.today()
    given = {(each["principalId"], each["persona"], each.get("scope", "workspace")): each for each in _given(state)}
    beyond = "no longer in the settings: the next `azmlflow up` takes it away"
    try:
        declared = session.settings().grants
    except SettingsError as fault:
        session.invocation.warn(str(fault))
        declared, beyond = (
            (),
            "given by the last `azmlflow up`; the settings have faults, so what they say is not known",
        )
    shown = [_told(grant, _state(grant, today, given.pop(grant.key, None) is not None)) for grant in declared]
    for (principal, persona, scope), each in given.items():
        name = each.get("displayName") or principal
        shown.append(
            {
                "name": name,
                "principalId": principal,
                "persona": persona,
                "scope": scope,
                "until": each.get("until") or None,
                "adopted": list(each.get("adopted") or ()),
                "state": beyond,
            }
        )
    return shown


def _given(state: State) -> list[Mapping[str, Any]]:
    return list(state.outputs.get("grants") or ())


def _told(grant: Grant, words: str) -> dict[str, Any]:
    return {
        "name": grant.display_name or grant.principal_id,
        "principalId": grant.principal_id,
        "persona": grant.persona,
        "scope": grant.scope,
        "until": grant.until.isoformat() if grant.until else None,
        "adopted": sorted(grant.adopted.values()),
        "state": words,
    }


def _state(grant: Grant, today: date, given: bool) -> str:
    """How a grant of the settings stands."""
    if not grant.in_force(today):
        return f"ended {grant.until}" + (", but in force until the next `azmlflow up`" if given else "")
    if not given:
        return "not given yet: `azmlflow up` does it"
    words = f"until {grant.until}" if grant.until else "no end"
    return f"{words}, adopted from somebody else's assignment" if grant.adopted else words
