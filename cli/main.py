"""The command `azmlflow`: the group, and the sole place where an error becomes an exit code.

Exit codes: 0 done, 1 an error (what, where, the next command), 2 wrong usage, 130 Ctrl-C; `azmlflow run`
passes its command's own code through. Commands load when they are asked for, so this module imports only click. A
command's line for people is declared here alone: it is in the list of `azmlflow --help`, and above what the command's
own docstring adds in `azmlflow COMMAND --help`.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import inspect
import io
import json
import os
import shlex
import sys
from typing import TYPE_CHECKING

import click

from azmlflow.cli.frame.errors import CliError, Interrupted
from azmlflow.cli.session.invocation import Invocation

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from azmlflow.cli.session.collaborators import Collaborators

# New objects between two looks for garbage, Python's own number being 700: imports make none, and take a sixth longer
# when it is looked for so often. A command that asks and tells makes fewer than these.
_COLLECTED_EVERY = 200_000
_COMPLETE = "_AZMLFLOW_COMPLETE"  # click's, by which a shell asks for completions
# (name, module, one line for people), in the order of a day's work.
COMMANDS: tuple[tuple[str, str, str], ...] = (
    ("init", "stack.init", "Write a stack's settings, from options or questions."),
    ("set", "stack.set", "Set one of the stack's settings, checked with all others."),
    ("get", "stack.get", "Show the stack's settings, or one of them."),
    ("settings", "stack.settings", "List what a stack may set, or explain one setting."),
    ("stack", "stack.stack", "Show the project's stacks and which is meant; select another."),
    ("adopt", "use.adopt", "Take over a workspace that was made by hand, where that changes nothing."),
    ("up", "stack.up", "Stand the workspace up, or bring it in line with the settings."),
    ("preview", "stack.preview", "Show what `up` would change, and change nothing."),
    ("status", "stack.status", "Show what stands, where, and who holds it."),
    ("config", "use.config", "Write the config.json that Workspace.from_config() and MLClient.from_config() read."),
    ("env", "use.env", "Print the variables that point a shell at the stack, for `eval`."),
    ("run", "use.run", "Run a command with the stack's variables, as yourself or as somebody else."),
    ("why", "use.why", "Tell what an error means, whether the stack bears it out, and what to type."),
    ("grant", "access.grant", "Give a principal a persona on the workspace."),
    ("revoke", "access.revoke", "Take a persona from a principal, or every one that the stack gave."),
    ("roles", "access.roles", "Show the personas, what each allows, and its role as `az` takes it."),
    ("access", "access.access", "Show who can do what, why, and what differs from the grants."),
    ("deploy", "use.deploy", "Deploy a registered model as a web service, and move the traffic to it."),
    ("score", "use.score", "Ask a deployed model for predictions."),
    ("reach", "access.reach", "Show who reaches what: origins, endpoints, the reason, what would open it."),
    ("ui", "use.ui", "Open the workspace in a browser: experiments, runs, models, computes, jobs, access."),
    ("verify", "access.verify", "Prove with MLflow's real client what a principal can do."),
    ("doctor", "stack.doctor", "Ask whether everything is here that the stack needs, and how to mend what is not."),
    ("down", "stack.down", "Remove everything that the stack made: plan, confirm, progress, residue report."),
    ("sweep", "stack.sweep", "Find what azmlflow made, by tags, age or name; remove it side by side."),
    ("fleet", "stack.fleet", "Many workspaces from one fleet.yaml: up, preview, status, down, side by side."),
    ("local", "local.local", "The embedded Azure on this machine: start, stop, look inside."),
)


class LazyGroup(click.Group):
    """A group whose commands are imported when they are typed, not before."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Names in the order of `COMMANDS`."""
        return [name for name, _, _ in COMMANDS]

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import `commands/<module>.py` and take its `command`, under its line; None for an unknown name."""
        for name, module, line in COMMANDS:
            if name == cmd_name:
                found: click.Command = importlib.import_module(f"azmlflow.cli.commands.{module}").command
                found.short_help = line
                found.help = f"{line}\n\n{inspect.getdoc(found.callback) or ''}".rstrip()
                return found
        return None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands that begin so, from the declared lines: nothing is imported; and the options."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name, help=line) for name, _, line in COMMANDS if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; for an unknown name, name the nearest that there is."""
        names = self.list_commands(ctx)
        if args[0] not in names and not args[0].startswith("-"):
            from difflib import get_close_matches

            if near := get_close_matches(args[0], names, n=1):
                ctx.fail(f"No such command '{args[0]}'; did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the declared lines: nothing is imported."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, _, line in COMMANDS])


def _print_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        click.echo(f"azmlflow {version('azmlflow')}")
        ctx.exit()


def _choose(ctx: click.Context, _: click.Parameter, folder: str | None) -> None:
    if folder is not None:
        from pathlib import Path

        from azmlflow.cli.project.selection import CHOSEN

        chosen = ctx.ensure_object(Invocation).folder = Path(folder).resolve()
        before = CHOSEN.set(chosen)
        ctx.call_on_close(lambda: CHOSEN.reset(before))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="The version."
)
@click.option(
    "-C",
    "folder",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    is_eager=True,
    expose_value=False,
    callback=_choose,
    help="The project's folder, from anywhere; else AZMLFLOW_PROJECT, else this folder or one above it.",
)
def cli() -> None:
    """Azure Machine Learning workspaces for MLflow, as code.

    Stand a workspace up, grant access, track with MLflow, remove everything. A stack is on Azure, or, with no
    account, on an Azure on this machine.
    """


def _connect() -> Collaborators:
    from azmlflow.cli.wiring import real

    return real()


def run(args: list[str] | None = None, invocation: Invocation | None = None) -> int:
    """The console entry: run the command line and give its exit code. Never lets a traceback reach the user."""
    told: list[int] = []
    if args is None:
        atexit.register(_leave, told)
    told.append(_run(args, invocation))
    return told[0]


def _leave(told: list[int]) -> None:
    """End a process that was one command.

    Python looks for garbage among all modules then, a quarter of a short command's time, though the system takes the
    memory back anyway: what is frozen is not looked at. Nor does Python take itself down beside a thread that still
    imports: CPython 3.11.7 crashed so (SIGSEGV) where a command failed at once.
    """
    from azmlflow.cli.frame import imports

    gc.freeze()
    if told and imports.under_way():
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):  # its reader went away
                stream.flush()
        os._exit(told[0])


def _run(args: list[str] | None, invocation: Invocation | None) -> int:
    gc.set_threshold(_COLLECTED_EVERY)
    _open_streams()
    arguments = sys.argv[1:] if args is None else args
    invocation = invocation or Invocation(_connect)
    if _COMPLETE in os.environ:
        from azmlflow.cli.frame import completion

        completion.register()
    try:
        code = cli.main(arguments, prog_name="azmlflow", standalone_mode=False, obj=invocation)
    except click.ClickException as fault:
        return _usage(fault, invocation)
    except (click.Abort, KeyboardInterrupt, Interrupted):
        again = shlex.join(["azmlflow", *arguments])
        click.echo(f"\ninterrupted: nothing is lost; `{again}` goes on from here", err=True)
        return 130
    except BrokenPipeError:
        # The reader went away (`azmlflow status | head`); leave nothing for the interpreter to flush into it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as fault:  # noqa: BLE001 - the one place that may: it must not let a traceback out
        return _failure(fault, invocation)
    return code if isinstance(code, int) else 0


def _open_streams() -> None:
    """Where a shell has closed a standard stream (`<&-`, `>&-`), one that says and hears nothing: else Python has none,
    and the next file that is opened takes its number."""
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(("stdin", "stdout", "stderr").index(name), mode, closefd=False))  # noqa: SIM115


def _usage(fault: click.ClickException, invocation: Invocation) -> int:
    if invocation.output == "json":
        click.echo(json.dumps(CliError(fault.format_message(), next="azmlflow --help").document()), err=True)
    else:
        from azmlflow.cli.frame.folding import folded

        fault.show(shown := io.StringIO())
        click.echo(folded(shown.getvalue(), sys.stderr), err=True, nl=False)
    return 2


def _failure(fault: Exception, invocation: Invocation) -> int:
    from azmlflow.cli.frame.folding import folded
    from azmlflow.cli.project import report

    if os.environ.get("AZMLFLOW_DEBUG") == "1":
        report.show_traceback(fault)
    known = report.known(fault) or report.unexpected(fault)
    known.next = invocation.as_typed(known.next) if known.next else None
    if invocation.output == "json":
        click.echo(json.dumps(known.document()), err=True)
        return 1
    place = f" [{known.where}]" if known.where and known.where not in known.what else ""
    text = folded(f"error: {known.what}{place}", sys.stderr).removeprefix("error:")
    click.echo(click.style("error:", fg="red", bold=True) + text, err=True)
    if known.next:
        click.echo(click.style("next:", bold=True) + f" {known.next}", err=True)
    return 1
