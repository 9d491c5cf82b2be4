"""`azmlflow ui`: the workspace's own page, in a browser."""

from __future__ import annotations

import click

from azmlflow.cli.access import completing, declared
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.local import entering, pages
from azmlflow.cli.project.project import refuse_mixed_clouds
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.cli.session.session import open_session, standing
from azmlflow.localazure.core.constants import DEVELOPER


@click.command(
    cls=Command,
    examples=(
        "azmlflow ui",
        "azmlflow ui --as bob@local.test",
        "azmlflow ui 'https://ml.azure.com/runs/NAME?wsid=...'",
        "azmlflow ui --print -o json | jq -r .address",
    ),
)
@completing.as_user("Look as this user or application")
@click.option("--print", "--no-browser", "printed", is_flag=True, help="Only print the address; open no browser.")
@click.argument("link", required=False)
@common
def command(invocation: Invocation, principal: str | None, printed: bool, link: str | None) -> None:
    """With a LINK that a tool printed ("View run at ...", the studio's address of a job or endpoint), it is that page.
    On the embedded Azure the page is signed in by an address that is good once, for a minute, and shows what the
    principal may see. On Azure it is the workspace in Azure Machine Learning studio.
    """
    session = open_session(invocation)
    local = session.file.local
    if principal and not local:
        raise CliError(
            f"stack `{session.name}` is on Azure, where nobody can sign in as `{principal}` for them",
            next="drop --as, and sign in as them in the browser",
        )
    refuse_mixed_clouds(session.file, invocation.ports.environment)
    if local:
        entering.start(session.project, invocation.say)
    outputs = standing(session.name, session.stack().state().outputs)
    who = principal or DEVELOPER
    page = pages.page_of(link, outputs.workspace_id) if link else ""
    on_azure = link or outputs.studio_url
    grants = declared.by_assignment(session) if local else ()
    address = pages.address(session.project, who, outputs.workspace_id, grants, page) if local else on_azure
    opened = not printed and pages.show(session.project if local else None, address, invocation.ports.browse)
    document = {"stack": session.name, "address": address, "as": who if local else None, "opened": opened}
    invocation.result(document, address)
    if not printed and not opened:
        invocation.say("no browser could be opened here: open the address yourself")
