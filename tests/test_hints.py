"""What azmlflow tells people to type can be typed: each command is parsed by the command line itself."""

from __future__ import annotations

import re

import click
import pytest

from azmlflow.cli.frame.hints import as_typed, with_engine
from azmlflow.cli.main import cli
from azmlflow.cli.session.invocation import Command
from tests.hints import HOLE, ROOT, Hint, hints, of_document, of_source, told, wrong
from tests.told_and_typed import untyped

# Names that begin as a command does: an owner's mark in Azure, and a certificate's.
AZ_NAMES = ("az has no command",)
NAMES = ("azmlflow stack", f"azmlflow embedded Azure {HOLE}", f"azmlflow stack {HOLE} of project {HOLE}")


@pytest.fixture(scope="module")
def every() -> list[Hint]:
    """All that is told; read by the process that runs these tests, and by none that only collects them."""
    return hints()


def faults(found: list[Hint]) -> list[str]:
    """Those of azmlflow's own that cannot be typed; what is only mentioned needs no values."""
    return [
        f"{hint.where}: {hint.line}: {why}"
        for hint in found
        if hint.program == "azmlflow" and not hint.line.startswith(NAMES) and (why := wrong(hint.line, cli))
        if not (hint.mention and ("requires" in why or "is missing" in why or "COMMAND" in why or "..." in why))
    ]


def test_there_is_something_to_type(every: list[Hint]) -> None:
    lines = {hint.line for hint in every if not hint.mention}
    assert len(lines) > 150
    for known in (
        f"azmlflow init {HOLE}",
        f"azmlflow set salt 2 --stack {HOLE}",
        f"azmlflow down --resource-group {HOLE} --unmanaged",
        "azmlflow grant alice@local.test tracker --until 30d",
        f"az lock delete --ids {HOLE}",
    ):
        assert known in lines


def test_every_command_that_is_told_can_be_typed(every: list[Hint]) -> None:
    assert faults(every) == []


def test_no_hint_needs_pulumi_on_path(every: list[Hint]) -> None:
    """Pulumi's own command is told only where the line itself, or the block, brings it."""
    thread = "cli/pulumi/engine_stack.py"  # calls a thread so
    told = [each for each in every if each.program == "pulumi" and not each.mention and ".md" not in each.where]
    assert [hint for hint in told if not hint.where.startswith(thread)] == []
    for path in ROOT.glob("**/README.md"):
        if {".venv", ".venv-examples", "node_modules"} & set(path.parts):
            continue
        for block in re.findall(r"^```\w*\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE):
            if re.search(r"^pulumi ", block, re.MULTILINE):
                assert block.startswith('eval "$(azmlflow env --engine)"'), path


def test_every_make_target_that_is_told_is_there(every: list[Hint]) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = {hint.line.split()[1] for hint in every if hint.program == "make"}
    assert targets
    assert [each for each in targets if not re.search(rf"^{each}:", makefile, re.MULTILINE)] == []


def _commands(group: click.Group, context: click.Context) -> list[click.Command]:
    found: list[click.Command] = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found += _commands(command, context) if isinstance(command, click.Group) else [command]
    return found


def test_every_example_and_help_can_be_typed() -> None:
    context = click.Context(cli)
    lines = []
    for command in _commands(cli, context):
        assert isinstance(command, Command)
        lines += [Hint(line, str(command.name)) for each in command.examples for line in told(each)]
        lines += [Hint(line, str(command.name), mention=True) for line in told(command.get_help(context))]
    assert len(lines) > 80
    assert faults(lines) == []


def test_every_command_that_is_told_is_typed_by_a_test(every: list[Hint]) -> None:
    lines = {hint.line for hint in every if hint.program == "azmlflow" and not hint.mention}
    for command in _commands(cli, click.Context(cli)):
        assert isinstance(command, Command)
        lines |= {line for each in command.examples for line in told(each) if line.startswith("azmlflow")}
    assert len(lines) > 200
    assert untyped(line for line in lines if not line.startswith(NAMES)) == []


def test_every_line_of_az_that_is_told_is_typed_by_a_test(every: list[Hint]) -> None:
    lines = {hint.line for hint in every if hint.program == "az" and not hint.mention}
    assert len(lines) > 30
    assert untyped(line for line in lines if not line.startswith(AZ_NAMES)) == []


@pytest.mark.parametrize(
    ("line", "typed"),
    [
        ("azmlflow up --stack prod", True),
        (f"azmlflow grant {HOLE} PERSONA", True),
        (f"azmlflow set salt {HOLE}", True),
        ("azmlflow set salt 3", False),
        (f"azmlflow revoke {HOLE} --until 30d", False),
        ("azmlflow run -- .venv-examples/bin/python examples/view_runs.py", True),
        ("azmlflow run -- .venv-examples/bin/python examples/view_run.py", False),
    ],
)
def test_one_that_nobody_typed_is_found(line: str, typed: bool) -> None:
    assert untyped([line]) == ([] if typed else [line])


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ('next="azmlflow confgi --stack x"', "no command `confgi`"),
        ('next=f"azmlflow down --stak {x}"', "No such option"),
        ('x = f"it is so; next: azmlflow roles {who} --stack"', "requires an argument"),
        ('say("wait, or azmlflow up now please")', "too many words"),
        ('x = "azmlflow local" + " strat"', "no command `strat`"),
        ('x = f"azmlflow init {name} --cloud gcp"', "'gcp' is not one of"),
        ('x = "run `azmlflow access --explain alice` then"', "requires 2 arguments"),
        ('x = "azmlflow set location"', ""),
    ],
)
def test_a_wrong_one_is_found(source: str, why: str) -> None:
    found = faults(list(of_source(source, "x.py")))
    assert len(found) == (1 if why else 0)
    assert why in "".join(found)


def test_a_wrong_one_in_a_document_is_found() -> None:
    text = "Type `azmlflow statsu` now.\n\n```\nazmlflow up --nonsense    # x\n```\n"
    assert len(faults(list(of_document(text, "x.md")))) == 2
    assert [hint.program for hint in of_source('next="pulumi config set a b"', "x")] == ["pulumi"]


@pytest.mark.parametrize(
    ("command", "name", "local", "typed"),
    [
        ("azmlflow status", True, False, "azmlflow status --stack dev"),
        ("azmlflow status", False, True, "azmlflow status"),
        ("azmlflow up --stack prod", True, True, "azmlflow up --stack prod"),
        ("azmlflow run -- python x.py", True, True, "azmlflow run --stack dev -- python x.py"),
        ("azmlflow init dev --force", True, True, "azmlflow init dev --force"),
        (
            "azmlflow local stop, then azmlflow local start",
            True,
            True,
            "azmlflow local stop --stack dev, then azmlflow local start --stack dev",
        ),
        ("azmlflow doctor    (why; azmlflow says)", True, True, "azmlflow doctor --stack dev    (why; azmlflow says)"),
        ("az lock delete --ids /x", False, True, "azmlflow run --without-stack -- az lock delete --ids /x"),
        ("az lock delete --ids /x", True, True, "azmlflow run --without-stack --stack dev -- az lock delete --ids /x"),
        ("az lock delete --ids /x", True, False, "az lock delete --ids /x"),
        ("az login", True, True, "az login"),
        ("it is yours: az x --ids /y", False, False, "it is yours: az x --ids /y"),
        ("it is yours: az x", False, True, "it is yours, behind `azmlflow run --without-stack --`: az x"),
        ("mine: az x", True, True, "mine, behind `azmlflow run --without-stack --stack dev --`: az x"),
        ("edit Pulumi.dev.yaml", True, True, "edit Pulumi.dev.yaml"),
    ],
)
def test_a_hint_is_for_the_stack_that_was_meant(command: str, name: bool, local: bool, typed: str) -> None:
    assert as_typed(command, "dev", name=name, local=local) == typed
    if typed.startswith("azmlflow"):
        assert wrong(typed.partition("    ")[0].partition(", then")[0], cli) is None


def test_pulumis_own_command_brings_its_engine() -> None:
    line = with_engine("pulumi cancel --stack dev", "dev")
    (first, *_) = [each for each in told(line) if each.startswith("azmlflow")]
    assert wrong(first, cli) is None
    assert line.endswith("&& pulumi cancel --stack dev)")
