"""`azmlflow settings`: what a stack may set, all of it or one thing; the JSON schema of a stack's file."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.session.invocation import Command, Invocation, common

if TYPE_CHECKING:
    from azmlflow.infra.settings.listing import Setting


def _complete(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from azmlflow.infra.settings.listing import listed
    from azmlflow.infra.settings.settings import Settings

    return [CompletionItem(each.key) for each in listed(Settings) if each.key.startswith(incomplete)]


@click.command(
    cls=Command,
    examples=(
        "azmlflow settings",
        "azmlflow settings clusters",
        "azmlflow settings 'clusters[].maxNodes' -o json",
        "azmlflow settings --schema",
    ),
)
@click.argument("key", required=False, shell_complete=_complete)
@click.option("--schema", "as_schema", is_flag=True, help="The JSON schema of Pulumi.<stack>.yaml, for editors.")
@common
def command(invocation: Invocation, key: str | None, as_schema: bool) -> None:
    """With KEY, that setting and all within it. No project is needed; `azmlflow get` tells what a stack has set."""
    if as_schema:
        if key is not None:
            raise click.UsageError("give a KEY or --schema, not both")
        from azmlflow.cli.project.project import SCHEMA

        click.echo(SCHEMA.read_text(encoding="utf-8"), nl=False)
        return
    from azmlflow.infra.settings.listing import listed
    from azmlflow.infra.settings.settings import Settings

    every = listed(Settings)
    shown = every if key is None else _within(every, key)
    invocation.result([_document(each) for each in shown], lambda: _table() if key is None else _told(shown))


def _within(every: tuple[Setting, ...], key: str) -> tuple[Setting, ...]:
    """A setting and those below it.

    Raises:
        CliError: there is none of that name.
    """
    from azmlflow.infra.settings.faults import nearest
    from azmlflow.infra.settings.namespace import NAMESPACE

    wanted = re.sub(r"\[\d+\]", "[]", key.removeprefix(f"{NAMESPACE}:"))
    below = (f"{wanted}.", f"{wanted}[].")
    found = tuple(each for each in every if each.key == wanted or each.key.startswith(below))
    if found:
        return found
    near = nearest(wanted, [each.key for each in every])
    hint = f"; did you mean {near}?" if near else ""
    raise CliError(f"there is no setting `{wanted}`{hint}", next=f"azmlflow settings {near or ''}".rstrip())


def _table() -> str:
    from azmlflow.cli.project.options import describe
    from azmlflow.infra.settings.settings import Settings

    formatter = click.HelpFormatter()
    describe(Settings, formatter)
    return f"{formatter.getvalue()}\nnext: azmlflow set KEY VALUE    (azmlflow settings KEY tells more)"


def _told(shown: tuple[Setting, ...]) -> str:
    from azmlflow.infra.settings import listing
    from azmlflow.infra.settings.settings import Settings

    lines = []
    for each in shown:
        default = "none: it must be said" if each.default is None else each.default or "nothing"
        lines += [each.key, f"  {each.line}", f"  may be   {each.type}", f"  default  {default}"]
    first = shown[0].key.replace("[]", "[0]")
    node = listing.node_at(Settings, listing.located(first)) or {}
    if node.get("type") not in ("array", "object"):
        typed = shlex.quote(str(listing.example(Settings, node)))
        lines.append(f"next: azmlflow set {shlex.quote(first)} {typed}")
    return "\n".join(lines)


def _document(setting: Setting) -> dict[str, str | None]:
    return {"key": setting.key, "type": setting.type, "default": setting.default, "what": setting.line}
