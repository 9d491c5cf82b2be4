"""`azmlflow config`: write the config.json that the Azure ML SDKs read."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from azmlflow.cli.project import config_json
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.cli.session.session import open_session


@click.command(cls=Command, examples=("azmlflow config", "azmlflow config --path ~/work/.azureml/config.json"))
@click.option(
    "--path",
    type=click.Path(path_type=Path),
    help="The file to write; default .azureml/config.json in the project's folder.",
)
@click.option("--force", is_flag=True, help="Write over another workspace's file.")
@common
def command(invocation: Invocation, path: Path | None, force: bool) -> None:
    """Another workspace's file is left as it is, unless --force is given."""
    session = open_session(invocation)
    outputs = session.outputs()
    wanted = config_json.Coordinates(outputs.subscription_id, outputs.resource_group, outputs.workspace_name)
    target = Path.cwd() / path.expanduser() if path else session.project.root / config_json.DEFAULT
    written = config_json.write(target, wanted, stack=session.name, force=force)
    config_json.remember(session.project, session.name, target)
    other = config_json.shadow(target, Path.cwd())
    if other:
        invocation.warn(f"the SDKs find {other} first, not {target}; remove it, or pass path= to from_config()")
    invocation.result(
        {"path": str(target), "written": written, "shadowedBy": str(other) if other else None, **asdict(wanted)},
        f"{'wrote' if written else 'is right already:'} {target}  ({wanted.words()})",
    )
