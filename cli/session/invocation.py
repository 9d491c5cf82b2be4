"""One run of the command line: how it answers, and where it gets its collaborators.

Results go to standard output, in the form `--output` asks for; every message goes to standard error, so
that `azmlflow ... --output json | jq` always works. This module is on the path of `azmlflow --help`: it
imports nothing beyond click.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path

    from click.shell_completion import CompletionItem

    from azmlflow.cli.session.collaborators import Collaborators

_A_WHILE = 1.0  # seconds between two looks at a stack that another command holds


@dataclass
class Invocation:
    """What every command is given.

    Attributes:
        connect: makes the collaborators (engine, cloud, directory); tests hand in their own.
        output: `text` or `json`.
        stack: the `--stack` option, None if absent.
        longest: seconds to wait, in all, for another command that holds the stack.
        opened: the stack that was found, once it is.
        local: whether that is on the embedded Azure.
        folder: the `-C` option, None if absent.
    """

    connect: Callable[[], Collaborators]
    output: str = "text"
    stack: str | None = None
    longest: float = 0.0
    opened: str | None = None
    local: bool = False
    folder: Path | None = None

    @functools.cached_property
    def ports(self) -> Collaborators:
        """The collaborators of this run."""
        return self.connect()

    def as_typed(self, command: str) -> str:
        """A command that is told, as it is typed for the stack that this one is about."""
        if self.opened is not None:
            from azmlflow.cli.frame.hints import as_typed

            command = as_typed(command, self.opened, name=self.stack is not None, local=self.local)
        return self._from_here(command)

    def _from_here(self, text: str) -> str:
        if self.folder is None:
            return text
        from azmlflow.cli.frame.hints import from_anywhere

        return from_anywhere(text, self.folder)

    def patience(self) -> Callable[[str], bool]:
        """Waits, a little at a time, for whoever holds the stack, as long as `--wait` says; then says no."""
        waited = 0.0

        def wait(who: str) -> bool:
            nonlocal waited
            if waited >= self.longest:
                return False
            if not waited:
                self.say(f"waiting for {who} to let go of the stack ...")
            self.ports.sleep(_A_WHILE)
            waited += _A_WHILE
            return True

        return wait

    def say(self, message: str) -> None:
        """A message for people, on standard error."""
        from azmlflow.cli.frame.folding import folded

        click.echo(folded(self._from_here(message), sys.stderr), err=True)

    def warn(self, message: str) -> None:
        """A warning for people, on standard error."""
        from azmlflow.cli.frame.folding import folded

        text = folded(f"warning: {self._from_here(message)}", sys.stderr).removeprefix("warning:")
        click.echo(click.style("warning:", fg="yellow") + text, err=True)

    def give(self, text: str, path: Path | None, more: str = "") -> None:
        """Print an answer in the form that was asked for, or write it to a file.

        Args:
            text: the answer, in that form; the newline at its end is ours.
            path: the file, None to print.
            more: what is added to the words that it was written.

        Raises:
            CliError: the file cannot be written.
        """
        text = text.removesuffix("\n")
        if path is None:
            from azmlflow.cli.frame.folding import folded

            click.echo(folded(text) if self.output == "text" else text)
            return
        try:
            path.write_text(f"{text}\n", encoding="utf-8", newline="")
        except OSError as fault:
            from azmlflow.cli.frame.errors import CliError

            raise CliError(
                f"the result cannot be written: {fault.strerror}", where=str(path), next="choose another --file"
            ) from fault
        self.say(f"wrote {path}{more}")

    def result(self, document: Any, text: Callable[[], str] | str) -> None:
        """The result, on standard output: `document` as JSON, or the text for people."""
        if self.output == "json":
            click.echo(json.dumps(document, indent=2))
            return
        from azmlflow.cli.frame.folding import folded

        shown = text if isinstance(text, str) else text()
        if shown:
            click.echo(folded(self._from_here(shown)))


class Command(click.Command):
    """A command whose help ends with examples.

    Args:
        examples: lines to type, shown under "Examples".
    """

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples after the options."""
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")
        super().format_epilog(ctx, formatter)


def _remember_output(ctx: click.Context, _: click.Parameter, value: str) -> None:
    ctx.ensure_object(Invocation).output = value


def _remember_stack(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    ctx.ensure_object(Invocation).stack = value


def complete_stack(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The stacks that begin so."""
    from click.shell_completion import CompletionItem

    from azmlflow.cli.frame.errors import CliError
    from azmlflow.cli.project.selection import find_project

    try:
        names = find_project().stacks()
    except CliError:
        names = ()
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _remember_wait(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    from azmlflow.cli.frame.words import read_duration

    try:
        ctx.ensure_object(Invocation).longest = read_duration(value).total_seconds()
    except ValueError as fault:
        raise click.BadParameter(str(fault)) from fault


# Of a command that holds the stack.
patient = click.option(
    "--wait",
    metavar="TIME",
    expose_value=False,
    callback=_remember_wait,
    help="Wait so long, such as 10m, for another command that holds the stack; else it is refused at once.",
)


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what every command has: `--stack` and `--output`; the command gets the `Invocation` first."""
    return answering("text", "json")(command)


def answering(*forms: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Like `common`, for a command that answers in further forms, and prints them itself."""
    return functools.partial(_with_options, forms)


def _with_options(forms: tuple[str, ...], command: Callable[..., Any]) -> Callable[..., Any]:
    with_output = click.option(
        "--output",
        "-o",
        type=click.Choice(forms),
        default="text",
        show_default=True,
        expose_value=False,
        is_eager=True,
        callback=_remember_output,
        help="Form of the result on standard output; messages and errors go to standard error.",
    )
    with_stack = click.option(
        "--stack",
        "-s",
        metavar="NAME",
        expose_value=False,
        is_eager=True,
        callback=_remember_stack,
        shell_complete=complete_stack,
        help="The stack; else AZMLFLOW_STACK, else the selected one, else `local`.",
    )
    passed = click.make_pass_decorator(Invocation, ensure=True)(command)
    return with_stack(with_output(passed))
