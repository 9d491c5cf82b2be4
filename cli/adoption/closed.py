"""Whether what a workspace that is taken over stands on is as closed as it is: one word of the settings closes all."""

from __future__ import annotations

from azmlflow.cli.adoption.takeover import Found
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.checks import given
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.session.session import Session


def check(session: Session, arm: ResourceManager, found: Found) -> None:
    """Refuse a workspace whose storage account, key vault or registry is open where its settings would say that all is
    closed; what may not be read is told.

    Raises:
        CliError: naming each, and why.
        SettingsError: infra's; the settings that describe it are not taken.
    """
    settings, whys = session.settings(), []
    there = settings.given().items() if settings.network.of_mode.closed else ()
    for key, id_ in ((key, id_) for key, id_ in there if key in given.CLOSED_ALIKE):
        if (document := arm.get(id_)) is None:
            session.invocation.warn(f"{key}: you may not read it, so that it may be open: {id_}")
            continue
        whys += [f"{given.called(id_)} {why}" for why in given.not_closed(settings.network, key, document)]
    if whys:
        raise CliError(
            f"the workspace cannot be taken over: {'; '.join(whys)}",
            where=found.id,
            next="have it closed, and adopt again; or begin with a new workspace: azmlflow init NAME",
        )
