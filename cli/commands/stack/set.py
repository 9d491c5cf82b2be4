"""`azmlflow set`: one setting in the stack's file, checked with all others before anything is written."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.cli.session.session import Session, open_session

if TYPE_CHECKING:
    from azmlflow.cli.project.keys import Key
    from azmlflow.infra.settings.faults import Fault


def complete_key(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The keys that begin so."""
    from azmlflow.cli.project import keys
    from azmlflow.cli.project.project import StackFile, read_stack
    from azmlflow.cli.project.selection import choose_stack, find_project

    file = StackFile("", None, {})  # type: ignore[arg-type]
    invocation = ctx.find_object(Invocation)
    with contextlib.suppress(CliError):
        project = find_project()
        file = read_stack(project, choose_stack(project, invocation.stack if invocation else None, os.environ))
    return [CompletionItem(each) for each in keys.of_file(file) if each.startswith(incomplete)]


def complete_value(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The values that the setting may have and that begin so, where they can be counted."""
    from azmlflow.cli.project import keys
    from azmlflow.infra.settings.listing import choices

    with contextlib.suppress(CliError):
        found = choices(keys.find(ctx.params["key"]).node or {})
        return [CompletionItem(each) for each in found if each.startswith(incomplete)]
    return []


@click.command(
    cls=Command,
    examples=(
        "azmlflow set location northeurope",
        "azmlflow set 'clusters[0].maxNodes' 8 --stack prod",
        "azmlflow set clusters '[{name: cpu}, {name: gpu, vmSize: Standard_NC6s_v3}]'",
        "azmlflow set tags.team research",
        "azmlflow set --unset tags",
    ),
)
@click.argument("key", shell_complete=complete_key)
@click.argument("value", required=False, shell_complete=complete_value)
@click.option("--unset", is_flag=True, help="Take the setting out of the file: it is its default again.")
@common
def command(invocation: Invocation, key: str, value: str | None, *, unset: bool) -> None:
    """KEY is a setting as `azmlflow get` lists it, or a way into one: clusters[0].maxNodes, tags.team. VALUE is a text
    or number, for lists and maps YAML on one line. The file Pulumi.<stack>.yaml keeps its comments and order; it is
    written only if the settings are valid then. Nothing is changed on Azure before `azmlflow up`. Settings hold no
    secrets: the file is meant to be committed.
    """
    if unset and value is not None:
        raise click.UsageError("give a VALUE or --unset, not both")
    if not unset and value is None:
        raise click.UsageError(f"give a VALUE for `{key}`, or --unset")
    from azmlflow.cli.project import keys
    from azmlflow.cli.project.project import read_stack
    from azmlflow.cli.project.settings_file import editing, write_config

    session = open_session(invocation)
    found = keys.find(key, known=not unset)
    with editing(session.project):
        before = dict(read_stack(session.project, session.name).config)
        after = _without(found, before) if value is None else _with(session, found, before, value)
        _follow(session, found, before, after)
        left = _checked(session, before, after)
        if after != before:
            write_config(session.project, session.name, after)
    for fault in left:
        invocation.warn(f"{fault.key}: {fault.what}; next: {fault.fix}")
    told = "not set" if unset else _shown(found.value(after))
    invocation.result(
        {
            "stack": session.name,
            "path": str(session.file.path),
            "key": found.text,
            "value": None if unset else found.value(after),
            "changed": after != before,
        },
        f"{found.text}: {told}{'' if after != before else ', as it was'}\nnext: azmlflow up --stack {session.name}",
    )


def _with(session: Session, found: Key, before: dict[str, Any], text: str) -> dict[str, Any]:
    from azmlflow.cli.project import keys

    value = found.read(text)
    keys.refuse_wrong_id(found, value)
    try:
        return found.changed(before, value)
    except keys.NotThere:
        raise CliError(
            f"`{found.text}` skips entries: a list grows by one at a time",
            where=str(session.file.path),
            next=f"azmlflow get {found.text.partition('[')[0]} --stack {session.name}",
        ) from None


def _without(found: Key, before: dict[str, Any]) -> dict[str, Any]:
    from azmlflow.cli.project import keys

    try:
        return found.without(before)
    except keys.NotThere:
        keys.find(found.text)  # where there is no such setting, it says so
        return before


def _follow(session: Session, found: Key, before: dict[str, Any], after: dict[str, Any]) -> None:
    """What goes along with a setting: the provider's own region; and what cannot be set at all.

    Raises:
        CliError: a stack would move to another cloud, and leave behind what it has.
    """
    ours, theirs = "azmlflow:location", "azure-native:location"
    if found.top == ours and theirs in before and before.get(theirs) == before.get(ours):
        after[theirs] = after.get(ours, before[theirs])
    known = ("azure", "local")
    was, will = before.get("azmlflow:cloud", "azure"), after.get("azmlflow:cloud", "azure")
    if was in known and will in known and was != will:
        raise CliError(
            f"stack `{session.name}` is {'local' if was == 'local' else 'on Azure'}, and would leave there what it has",
            where=str(session.file.path),
            next=f"azmlflow init NAME --cloud {will}    (a stack of its own)",
        )


def _checked(session: Session, before: dict[str, Any], after: dict[str, Any]) -> tuple[Fault, ...]:
    """The faults that the settings have had and still have.

    Raises:
        CliError: they would have another one.
    """
    old = _faults(session, before)
    new = _faults(session, after)
    known = {(each.key, each.what) for each in old}
    added = [each for each in new if (each.key, each.what) not in known]
    if added:
        raise CliError(
            "; ".join(f"{each.key}: {each.what}" for each in added) + "; nothing is changed",
            where=str(session.file.path),
            next=added[0].fix,
        )
    return new


def _faults(session: Session, config: dict[str, Any]) -> tuple[Fault, ...]:
    from azmlflow.infra.settings.faults import SettingsError
    from azmlflow.infra.settings.settings import Settings

    try:
        Settings.from_mapping(config)
    except SettingsError as fault:
        return fault.of_stack(session.name).faults
    return ()


def _shown(value: Any) -> str:
    from azmlflow.cli.project.yaml_file import dump_value

    return dump_value(value, flow=True)
