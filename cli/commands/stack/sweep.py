"""`azmlflow sweep`: what azmlflow made, wherever it is, and its removal side by side."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.azure.sharing import Memory
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.side_by_side import drawing
from azmlflow.cli.frame.words import called, hanging, span
from azmlflow.cli.pulumi import progress
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.cli.session.life import duration
from azmlflow.cli.session.session import Session, open_session
from azmlflow.cli.sweep.buried import find_buried
from azmlflow.cli.sweep.groups import Found, Wanted, find, look_into, refused
from azmlflow.cli.sweep.removals import AuditLog, Fate, Remove, Tell, Turn, sweep

if TYPE_CHECKING:
    from azmlflow.cli.teardown import Left

_WIDTH, _WIDEST = 10, 64


def _tags(_ctx: click.Context, _: click.Parameter, values: Sequence[str]) -> tuple[tuple[str, str], ...]:
    pairs = tuple(value.partition("=") for value in values)
    for name, sign, _value in pairs:
        if not name or not sign:
            raise click.BadParameter(f"`{name}{sign}` is not a NAME=VALUE")
    return tuple((name, value) for name, _sign, value in pairs)


@click.command(
    cls=Command,
    examples=(
        "azmlflow sweep",
        "azmlflow sweep --expired --apply",
        "azmlflow sweep --name 'rg-mlflow-pr*' --older-than 7d --apply --yes",
        "azmlflow sweep --tag team=search -o json | jq '.groups[].name'",
    ),
)
@click.option(
    "--tag", "tags", multiple=True, metavar="NAME=VALUE", callback=_tags, help="Has this tag; may be repeated."
)
@click.option("--older-than", metavar="TIME", callback=duration, help="Made at least 90m, 12h, 7d or 2w ago.")
@click.option("--name", metavar="GLOB", help="Group's name, with `*`, `?` and `[...]`.")
@click.option("--expired", is_flag=True, help="Past the end that `up --expires` set.")
@click.option("--apply", is_flag=True, help="Remove them; without it nothing is changed.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask on a terminal.")
@click.option(
    "--width",
    type=click.IntRange(1, _WIDEST),
    default=_WIDTH,
    show_default=True,
    help="How many are removed at a time.",
)
@click.option("--stop-endpoints", is_flag=True, help="Delete online endpoints that answer requests.")
@click.option("--timeout", metavar="TIME", callback=duration, help="Give up after 30s, 20m, 2h.")
@common
def command(
    invocation: Invocation,
    *,
    apply: bool,
    yes: bool,
    width: int,
    timeout: timedelta | None,
    stop_endpoints: bool,
    **choice: Any,
) -> None:
    """Looks at the resource groups in all subscriptions that you see on the stack's cloud.

    Shows what it finds and changes nothing, unless --apply is given with a choice of it. A group that holds what
    azmlflow did not make, or that others locked, or whose endpoints answer requests, is refused and named; the others
    go on. Of a group that is gone, soft-deleted vaults that are proven to be azmlflow's are purged; other vaults of
    its stack are told, and so are, without --apply, workspaces, which nobody purges then. Each removal is noted in
    .azmlflow/logs/sweep.jsonl: who, when, what, result.
    """
    wanted = Wanted(**choice)
    if apply and wanted.everything:
        raise click.UsageError("--apply wants a choice: --tag, --older-than, --name or --expired")
    session = open_session(invocation)
    invocation.ports.visit(session.project, session.file, invocation.say)
    arm, now = invocation.ports.open_arm().sharing(Memory()), datetime.now(UTC)
    asks = apply and not yes and sys.stdin.isatty()
    why: Mapping[str, tuple[str, ...]] = {}
    with progress.drawing("looking for what azmlflow made"):
        looks = asks or not apply
        buried = find_buried(arm, wanted, now, width, invocation.warn, workspaces=looks)
        groups = (*find(arm, wanted, now, width, invocation.warn), *buried.groups)
        if looks:
            groups = look_into(arm, groups, width)
            why = refused(arm, groups, width, stop_endpoints=stop_endpoints)
    notes = list(buried.notes)
    for note in notes:
        invocation.warn(note)
    if not apply or not groups:
        document = [{**group.document(now), "refused": list(why[group.id])} for group in groups]
        found = {"applied": False, "groups": document, "notes": notes}
        invocation.result(found, lambda: _table(groups, now, why, apply))
        return
    if asks:
        _confirm(invocation, _table(groups, now, why, apply), len(groups))
    if timeout is not None:
        arm = arm.within(timeout.total_seconds())
    audit = AuditLog(session.project.logs / "sweep.jsonl", invocation.ports.whoami().name)
    view = drawing(invocation.say, len(groups), name=lambda each: each.group.id, row=_row, line=_line)
    with view as on_change:
        ends = sweep(
            groups, _remove_by(arm, wanted, now, stop_endpoints), width=width, audit=audit, on_change=on_change
        )
    audit.close()
    removed = sum(end.state == "removed" for end in ends)
    _tell_states(session, ends)
    invocation.result(
        {
            "applied": True,
            "groups": [{**end.group.document(now), **end.document()} for end in ends],
            "notes": notes,
            "audit": str(audit.path),
        },
        lambda: click.style(f"{removed} of {len(ends)} removed", bold=True) + f"; noted in {audit.path}",
    )
    bad = [end for end in ends if end.state != "removed"]
    if bad:
        raise CliError(
            f"{len(bad)} of {len(ends)} groups are left: {', '.join(end.group.name for end in bad)}",
            where=bad[0].group.id,
            next=f"azmlflow down --resource-group {bad[0].group.id}",
        )


def _tell_states(session: Session, ends: Sequence[Fate]) -> None:
    """A stack of this checkout whose group is gone: Pulumi's state doesn't know, and `up` would change nothing."""
    here = session.project.stacks()
    for end in ends:
        group = end.group
        if end.state == "removed" and group.project == session.project.name and group.stack in here:
            session.invocation.warn(
                f"Pulumi's state of stack `{group.stack}` still names what was in {group.name}; "
                f"next: azmlflow down --stack {group.stack}"
            )


def _remove_by(arm: ResourceManager, wanted: Wanted, now: datetime, stop_endpoints: bool) -> Remove:
    """Removal of one group, as `down` does it: what is not azmlflow's stops it, and so does an end put off since."""
    from azmlflow.cli.teardown import Limits, remove_group

    def remove(group: Found, tell: Tell, turn: Turn) -> Sequence[Left]:
        def chosen(document: Mapping[str, Any]) -> bool:  # one that was gone, and stands again, is another
            return not group.gone and wanted.fits(Found.of(document), now)

        limits = Limits(chosen=chosen, stop_endpoints=stop_endpoints)
        report = remove_group(
            arm.apart(), group.id, limits, on_progress=lambda step: tell(f"{step.step}: {step.what}"), turn=turn
        )
        return (*report.left, *report.kept)

    return remove


def _confirm(invocation: Invocation, table: str, count: int) -> None:
    """On a terminal the count is typed back; elsewhere --apply has said it."""
    invocation.say(table)
    typed = click.prompt(f"type how many go ({count}), for good", err=True, default="", show_default=False)
    if typed.strip() != str(count):
        raise CliError("nothing is removed: the number typed is another", next="azmlflow sweep")


def _table(groups: Sequence[Found], now: datetime, why: Mapping[str, tuple[str, ...]], apply: bool) -> str:
    """A line each of whose and since when, and below it what is in the group and what forbids its removal."""
    if not groups:
        return "nothing that azmlflow made fits"
    name, owner = (max(map(len, each)) for each in zip(*((one.name, one.owner) for one in groups), strict=True))
    owner = max(owner, len("owner"))
    lines = [f"  {'group':<{name}}  {'age':>4}  {'expires':<8}  {'owner':<{owner}}  stack"]
    for group in groups:
        late = group.expires is not None and group.expires <= now
        lines += [
            f"  {group.name:<{name}}  {span(now - group.created) if group.created else '?':>4}  "
            + click.style(f"{_end(group, now):<8}", fg="red" if late else None)
            + f"  {group.owner or '?':<{owner}}  {group.project}/{group.stack}",
            f"      {hanging(_contents(group), 6)}",
            *(
                click.style(f"      {hanging(f'not removable: {each}', 6)}", fg="yellow")
                for each in why.get(group.id, ())
            ),
        ]
    if not apply:
        lines.append(f"{len(groups)} found in all; nothing is changed without --apply")
    return "\n".join(lines)


def _end(group: Found, now: datetime) -> str:
    if group.expires is None:
        return "-"
    return f"{span(now - group.expires)} ago" if group.expires <= now else f"in {span(group.expires - now)}"


def _contents(group: Found) -> str:
    if group.contents is None:
        return "what is in it is not yours to see"
    what = ", ".join(f"{count} {called(type_, count)}" for type_, count in group.contents.items()) or "empty"
    return f"gone; soft-deleted: {what}" if group.gone else what


def _row(step: Fate) -> str:
    return f"  … {step.group.name:<44} {step.seconds:6.1f} s  {step.says}"


def _line(end: Fate) -> str:
    sign, colour = {"removed": ("✓", "green"), "left": ("!", "yellow")}.get(end.state, ("✗", "red"))
    says = f"  {end.says or '; '.join(end.left)}" if end.says or end.left else ""
    return click.style(f"  {sign} ", fg=colour) + f"{end.group.name:<44} {end.seconds:6.1f} s{says}"
