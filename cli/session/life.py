"""A stack's life, in its settings: since when, whose, until when. `up` writes it, `sweep` reads it off the group.

The beginning is noted once, when nothing of the stack stands, so that an `up` without changes stays one.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import click

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.words import read_duration
from azmlflow.cli.project.settings_file import write_settings
from azmlflow.cli.pulumi.deployment import State
from azmlflow.cli.session.session import Session

NEVER: Literal["never"] = "never"


def duration(_ctx: click.Context, _: click.Parameter, value: str | None) -> timedelta | None:
    """An option's callback: the time that its text says; wrong usage if it says none."""
    try:
        return read_duration(value) if value is not None else None
    except ValueError as fault:
        raise click.BadParameter(str(fault)) from fault


def note(session: Session, state: State, expires: str | None) -> Session:
    """Write into the settings what a new stack begins with, and the end that was asked for.

    Args:
        session: the stack.
        state: what stands of it.
        expires: the option `--expires`: a time from now, `never`, or None to leave the end as it is.

    Returns:
        The session with the settings as they are now.

    Raises:
        CliError: the file cannot be written.
    """
    from azmlflow.infra.plan import tags

    now = datetime.now(UTC)
    ours: dict[str, str | None] = {}
    if expires not in {None, NEVER} and "group" in session.settings().given():
        raise CliError(
            "the end of a stack is a tag of its resource group, and this one's is another's",
            where=str(session.file.path),
            next=f"azmlflow up --stack {session.name}    (without --expires)",
        )
    if not state.resources and not state.outputs:
        ours |= {"createdOn": tags.instant(now), "owner": session.invocation.ports.whoami().name}
        if expires is None and _over(session.file.get("expiresOn"), now):
            ours["expiresOn"] = None  # an earlier stack's of this name
    if expires is not None:
        ours["expiresOn"] = None if expires == NEVER else tags.instant(now + read_duration(expires))
    if not ours:
        return session
    return replace(session, file=write_settings(session.project, session.name, ours))


def check(expires: str | None) -> None:
    """Refuse an end that is none, before anything is done.

    Raises:
        CliError: it is neither a time nor `never`.
    """
    if expires in {None, NEVER}:
        return
    try:
        read_duration(str(expires))
    except ValueError as fault:
        raise CliError(f"{fault}, nor `never`", next="azmlflow up --expires 7d") from fault


def _over(text: object, now: datetime) -> bool:
    from azmlflow.infra.plan import tags

    end = tags.read_instant(str(text)) if text else None
    return end is not None and end < now
