"""What the Tab key knows: people, personas, operations, endpoints. It reads files of this machine and asks nobody.

People are those of the stack's grants, its computes, and the users, groups and applications of the embedded Azure,
whose database is only read. Where something cannot be read, nothing is offered: no place for an error.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any, get_args

import click
from click.shell_completion import CompletionItem

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.session.invocation import Invocation

if TYPE_CHECKING:
    from azmlflow.cli.project.project import Project, StackFile

_UNREADABLE = (CliError, OSError, ValueError, sqlite3.Error)


def principal(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Who may be meant."""
    return _those(_principals(ctx), incomplete)


def granted(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Who has something by the stack."""
    return _those(_granted(_config(ctx)), incomplete)


def local_user(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Who can sign in on the embedded Azure."""
    return _those(_directory(_stack(ctx), ("User", "ServicePrincipal")), incomplete)


def as_user(does: str = "Sign in as this user") -> Callable[[Any], Any]:
    """The option `--as PRINCIPAL`; `does`: what its help says that the command then does."""
    return click.option(
        "--as",
        "principal",
        metavar="PRINCIPAL",
        shell_complete=local_user,
        help=f"{does} (embedded Azure only).",
    )


def local_member(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Who may be in a group of the embedded Azure."""
    return _those(_directory(_stack(ctx), ("User", "ServicePrincipal", "Group")), incomplete)


def local_group(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The groups of the embedded Azure."""
    return _those(_directory(_stack(ctx), ("Group",)), incomplete)


def persona(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The personas, with their lines; after a `+` those that are not there yet."""
    from azmlflow.rbac.roles import PERSONAS

    before, plus, last = incomplete.rpartition("+")
    found = [each for each in PERSONAS if each.name.startswith(last) and each.name not in before.split("+")]
    return [CompletionItem(f"{before}{plus}{each.name}", help=each.summary) for each in found]


def scope(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Where a grant may be."""
    from azmlflow.rbac.grants import GrantScope

    return _those(get_args(GrantScope), incomplete)


def question(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Who is asked about, and the operations of MLflow: a shell does not tell which of the two it is at."""
    from azmlflow.rbac.operations import OPERATIONS

    named = [each for each in OPERATIONS if each.name.startswith(incomplete)]
    return [*principal(ctx, parameter, incomplete), *(CompletionItem(each.name, help=each.summary) for each in named)]


def endpoint(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The online endpoints that the settings declare."""
    return _those(_texts(_config(ctx).get("endpoints"), "name"), incomplete)


def model(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The registered models that the settings' endpoints serve."""
    served = [_entries(each.get("deployments")) for each in _entries(_config(ctx).get("endpoints"))]
    return _those((name for each in served for name in _texts(each, "model")), incomplete)


def _those(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in dict.fromkeys(names) if name.lower().startswith(incomplete.lower())]


def _principals(ctx: click.Context) -> Iterator[str]:
    config = _config(ctx)
    yield from _granted(config)
    yield from _directory(_stack(ctx), ("User", "Group", "ServicePrincipal"))
    for kind in ("clusters", "instances"):
        yield from (f"compute/{name}" for name in _texts(config.get(kind), "name"))


def _granted(config: Mapping[str, Any]) -> Iterator[str]:
    for each in _entries(config.get("grants")):
        yield str(each.get("displayName") or each.get("principalId") or "")


def _stack(ctx: click.Context) -> tuple[Project, StackFile] | None:
    from azmlflow.cli.project.project import read_stack
    from azmlflow.cli.project.selection import choose_stack, find_project

    invocation = ctx.find_object(Invocation)
    with contextlib.suppress(*_UNREADABLE):
        project = find_project()
        return project, read_stack(project, choose_stack(project, invocation.stack if invocation else None, os.environ))
    return None


def _config(ctx: click.Context) -> Mapping[str, Any]:
    """The stack's own settings, by their keys."""
    found = _stack(ctx)
    keys = ("grants", "clusters", "instances", "endpoints")
    return {key: found[1].get(key) for key in keys} if found else {}


def _directory(stack: tuple[Project, StackFile] | None, kinds: tuple[str, ...]) -> Iterator[str]:
    """Those of the embedded Azure's directory, by the names that people type."""
    if stack is None or not stack[1].local:
        return
    from azmlflow.localazure.core.collections import PRINCIPALS
    from azmlflow.localazure.machine.folder import Folder

    with contextlib.suppress(*_UNREADABLE):
        address = f"{Folder.at(stack[0].local).database.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=0.1)) as database:
            rows = database.execute("SELECT body FROM documents WHERE collection = ?", (PRINCIPALS,)).fetchall()
        found = (json.loads(body) for (body,) in rows)
        named = (each.get("upn") or each.get("display_name") for each in found if each.get("kind") in kinds)
        yield from sorted(filter(None, named))


def _entries(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _texts(value: Any, name: str) -> list[str]:
    return [each[name] for each in _entries(value) if isinstance(each.get(name), str)]
