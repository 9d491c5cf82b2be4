"""Finds what azmlflow tells people to type: in its sources' texts, the help of its commands, and its documents.

One way, and no list: every text of the sources is read by Python's own parser (joined, with a hole where a value is put
in), and a command is what stands in it

    - at its beginning, or after `next: `, `: ` (of az alone), `, or `, `, then `, ` && `, `$(`: up to the next of
      these, `;`, ` (`, four spaces, ` #`, ` |`, ` >`, or the line's end;
    - between backticks.

In documents it is what stands in backticks, and each line of a block of code.
"""

from __future__ import annotations

import ast
import itertools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("cli", "infra", "rbac", "reach", "scoring", "localazure", "resourcetypes")
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/*.md", "engine/README.md", "CHANGELOG.md")
HOLE = "\x00"  # what a value is put in for, when the text is told
PROGRAMS = ("azmlflow", "pulumi", "az", "make")

_PROGRAM = f"(?:{'|'.join(PROGRAMS)})(?= )"
_BEGIN = re.compile(rf"(?:^|next: |: (?=az )|, or |, then |&& |\$\()({_PROGRAM})")
_END = re.compile(r", or |, then | && |; |;$| \(| {4}| #|\)|\n|, and |`| [|>] ")
_QUOTED = re.compile(rf"`({_PROGRAM}[^`]*)`", re.DOTALL)


@dataclass(frozen=True, order=True)
class Hint:
    """A command that is told.

    Attributes:
        line: what is to be typed, with `HOLE` for what is not known before.
        where: file and line.
        mention: it is named in prose (between backticks, or in a docstring), where its values need not stand.
    """

    line: str
    where: str
    mention: bool = False

    @property
    def program(self) -> str:
        return self.line.split(" ", 1)[0]


def hints() -> list[Hint]:
    """Every command that is told anywhere."""
    found = {hint for path in _sources() for hint in of_source(path.read_text(), str(path.relative_to(ROOT)))}
    found |= {hint for path in _documents() for hint in of_document(path.read_text(), str(path.relative_to(ROOT)))}
    return sorted(found)


def of_source(text: str, where: str) -> Iterator[Hint]:
    """The commands in the texts of a Python source."""
    tree = ast.parse(text)
    comments = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inner: set[ast.AST] = set()
    for node in ast.walk(tree):
        if node in inner or not _is_text(node):
            continue
        inner |= set(ast.walk(node))
        text = _joined(node)
        place, docstring = f"{where}:{getattr(node, 'lineno', 0)}", id(node) in comments
        typed = [] if docstring else list(_typed(text))
        yield from (Hint(line, place) for line in typed)
        for line in _mentioned(text):
            bare = docstring or not re.search(r" -|\x00| [A-Z]{2}", line)
            yield Hint(line, place, mention=bare)


def told(text: str) -> Iterator[str]:
    """The commands in a text."""
    yield from _mentioned(text)
    yield from _typed(text)


def _mentioned(text: str) -> Iterator[str]:
    for found in _QUOTED.finditer(text):
        yield " ".join(found[1].split())


def _typed(text: str) -> Iterator[str]:
    for found in _BEGIN.finditer(text):
        line = _END.split(text[found.start(1) :], maxsplit=1)[0]
        if line.count("'") % 2 == 0 and " " in line.strip():
            yield line.strip().rstrip(".,:")


def of_document(text: str, where: str) -> Iterator[Hint]:
    """The commands in a document."""
    blocks = re.compile(r"^```\w*\n(.*?)^```", re.DOTALL | re.MULTILINE)
    for block in blocks.findall(text):
        for line in block.splitlines():
            for each in told(re.sub(r"^(- )?run: ", "", line.strip())):
                yield Hint(each, where)
    for each in _QUOTED.findall(blocks.sub("", text)):
        yield Hint(" ".join(each.split()), where, mention=True)


def wrong(line: str, cli: click.Command) -> str | None:
    """Why click would refuse an `azmlflow` line, with words or nothing in its holes; None if it would not."""
    found: str | None = None
    line = re.split(r" [|>] ", line)[0]
    holes = line.count(HOLE)
    for filling in itertools.islice(itertools.product(("x", ""), repeat=holes), 64):
        parts = line.split(HOLE)
        text = "".join(part + fill for part, fill in itertools.zip_longest(parts, filling, fillvalue=""))
        found = _refused(shlex.split(text)[1:], cli, free=bool(holes))
        if found is None:
            return None
    return found


def _refused(words: list[str], command: click.Command, *, free: bool) -> str | None:  # noqa: PLR0911
    context = click.Context(command)
    while isinstance(command, click.Group):
        if not words or words[0] in ("--help", "-h", "--version"):
            return None
        if words[0] == "-C":
            words = words[2:]
        if not words:  # it is named for the option's sake
            return None
        below = command.get_command(context, words[0])
        if below is None:
            return f"no command `{words[0]}`"
        context, command, words = click.Context(below, parent=context, info_name=words[0]), below, words[1:]
    if {"--help", "-h"} & set(words):
        return None
    try:
        given, rest, _ = command.make_parser(context).parse_args(list(words))
        if rest:
            return f"too many words: {' '.join(rest)}"
        for parameter in command.params:
            value = given.get(parameter.name or "")
            filled = isinstance(value, str | list | tuple) and len(value) > 0
            if isinstance(parameter, click.Argument) and parameter.required and not filled:
                return f"`{parameter.human_readable_name}` is missing"
            typed = isinstance(value, str) and not (free and "x" in value) and not value.isupper()
            if typed and isinstance(parameter.type, click.Choice):
                parameter.type_cast_value(context, value)
    except click.ClickException as fault:
        return fault.format_message()
    return None


def _sources() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def _documents() -> list[Path]:
    # The help of commands is read from the commands themselves.
    return sorted({path for pattern in DOCUMENTS for path in ROOT.glob(pattern)} - {ROOT / "docs" / "commands.md"})


def _is_text(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and (_is_text(node.left) or _is_text(node.right))
    )


def _joined(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"\{\w*\}", HOLE, node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_joined(each) for each in node.values)
    if isinstance(node, ast.BinOp):
        return _joined(node.left) + _joined(node.right)
    return HOLE
