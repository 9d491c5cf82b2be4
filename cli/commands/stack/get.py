"""`azmlflow get`: the stack's settings, or one of them, as they count: from the file, else the default."""

from __future__ import annotations

from typing import Any

import click

from azmlflow.cli.commands.stack.set import complete_key
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.cli.session.session import open_session


@click.command(
    cls=Command,
    examples=("azmlflow get", "azmlflow get location", "azmlflow get 'clusters[0].maxNodes' --stack prod -o json"),
)
@click.argument("key", required=False, shell_complete=complete_key)
@common
def command(invocation: Invocation, key: str | None) -> None:
    """Without KEY, all settings as YAML: those of the file first, then, as comments, those that are at their default.
    Nothing is asked of Azure or Pulumi.
    """
    from azmlflow.cli.project import keys
    from azmlflow.cli.project.yaml_file import dump_value
    from azmlflow.infra.settings.listing import listed
    from azmlflow.infra.settings.namespace import NAMESPACE
    from azmlflow.infra.settings.settings import Settings

    config = open_session(invocation).file.config
    if key is not None:
        found = keys.find(key)
        value, is_set = keys.default(found), True
        try:
            value = found.value(config)
        except keys.NotThere:
            is_set = False
        shown = dump_value(value).removesuffix("...\n").rstrip("\n")
        text = value if isinstance(value, str) else "" if value is None else shown
        invocation.result({"key": found.text, "value": value, "set": is_set}, text)
        return
    ours = {name.removeprefix(f"{NAMESPACE}:"): value for name, value in config.items() if _is_ours(name)}
    tops = [each.key for each in listed(Settings) if each.key.isalnum()]
    defaults: dict[str, Any] = {each: keys.default(keys.find(each)) for each in tops if each not in ours}
    comments = "\n".join(f"# {line}" for line in dump_value(defaults).splitlines())
    invocation.result(
        {"settings": ours, "defaults": defaults},
        f"{dump_value(ours) if ours else ''}# at their default:\n{comments}",
    )


def _is_ours(name: str) -> bool:
    from azmlflow.cli.project.keys import PROVIDER
    from azmlflow.infra.settings.namespace import NAMESPACE

    return name in PROVIDER or name.startswith(f"{NAMESPACE}:")
