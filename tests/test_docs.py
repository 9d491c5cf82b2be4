"""The documents are held to the code: every command, option, persona and file that they name is there."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
import yaml
from scripts.commands_page import page as commands_page

from azmlflow.cli.main import cli
from azmlflow.rbac.roles import PERSONAS

ROOT = Path(__file__).resolve().parents[1]
PAGES = tuple(sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")))
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", *PAGES)
TEXT = {name: (ROOT / name).read_text() for name in DOCUMENTS}


def commands() -> list[str]:
    """Every `azmlflow ...` line of a code block, and every one in backticks or in `$(...)`, once."""
    found: dict[str, None] = {}
    for text in TEXT.values():
        for block in re.findall(r"```\n(.*?)```", text, re.DOTALL):
            found |= dict.fromkeys(re.findall(r"^(?:eval \"\$\()?(azmlflow [^#\n)]*)", block, re.MULTILINE))
        found |= dict.fromkeys(re.findall(r"(?:`|\$\()(azmlflow [^`)]*)(?:`|\))", text))
    marks = ("azmlflow stack S of project P",)  # an owner's, in Azure: it only begins as a command does
    return sorted({command.strip() for command in found} - set(marks))


def make_targets() -> list[str]:
    return sorted({target for text in TEXT.values() for target in re.findall(r"\bmake ([a-z]+)(?=`|\s{2,}|$)", text)})


def test_there_is_something_to_hold() -> None:
    assert len(commands()) >= 10
    assert {"up", "test", "check"} <= set(make_targets())


@pytest.mark.parametrize("line", commands())
def test_every_command_of_the_documents_parses(line: str) -> None:
    words = shlex.split(line)[1:]
    group: click.Command = cli
    context = click.Context(cli)
    while isinstance(group, click.Group) and words and not words[0].startswith("-"):
        command = group.get_command(context, words[0])
        assert command is not None, f"no command {words[0]!r} in {line!r}"
        context = click.Context(command, parent=context, info_name=words.pop(0))
        group = command
    given = words[: words.index("--")] if "--" in words else words
    known = {option for parameter in group.params for option in (*parameter.opts, *parameter.secondary_opts)}
    options = {word.partition("=")[0] for word in given if word.startswith("-")} - {"--help", "-h"}
    assert options <= known, f"{line!r}: no option {sorted(options - known)}"


@pytest.mark.parametrize("target", make_targets())
def test_every_make_target_of_the_documents_is_there(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target


def test_the_page_of_access_names_every_persona() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", TEXT["docs/access.md"], re.MULTILINE)
    assert rows == [persona.name for persona in PERSONAS]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_that_a_document_names_is_there(name: str) -> None:
    folders = "resourcetypes|infra|rbac|cli|localazure|engine|examples|benchmarks|tests|src"
    named = set(re.findall(rf"`((?:{folders})/[\w./-]*)`", TEXT[name]))
    named |= set(re.findall(r"(examples/\w+\.py)", TEXT[name]))
    linked = set(re.findall(r"\]\(((?!https?:)[^)#]+)\)", TEXT[name]))
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    assert [path for path in sorted(linked) if not ((ROOT / name).parent / path).exists()] == []


def test_the_commands_page_is_that_of_the_commands(pytestconfig: pytest.Config) -> None:
    file = ROOT / "docs" / "commands.md"
    if pytestconfig.getoption("--renew"):
        file.write_text(commands_page(), encoding="utf-8")
    assert file.read_text(encoding="utf-8") == commands_page(), "renew it: pytest tests/test_docs.py --renew"


def test_the_site_has_every_page_once() -> None:
    def files(entry: object) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        below = list(entry.values()) if isinstance(entry, dict) else entry
        assert isinstance(below, list)
        return [file for each in below for file in files(each)]

    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    assert sorted(f"docs/{file}" for file in files(nav)) == sorted({*PAGES})


def test_the_readme_leads_to_every_page_that_people_read() -> None:
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md)", TEXT["README.md"]))
    assert set(PAGES) - linked == {"docs/index.md", "docs/mutants.md"}
    assert len(TEXT["README.md"].splitlines()) < 90


def test_every_example_is_run_by_a_test() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "e2e").glob("test_*.py"))
    assert [path.name for path in sorted((ROOT / "examples").glob("*.py")) if path.name not in tests] == []


def test_the_floors_are_drawn_as_they_are_held() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = {each["containers"][0]: each["layers"] for each in contracts if "containers" in each}
    assert set(floors) == {"azmlflow.cli", "azmlflow.infra", "azmlflow.localazure"}
    for package, layers in floors.items():
        drawing = TEXT["ARCHITECTURE.md"].partition(f"subgraph {package.removeprefix('azmlflow.')}\n")[2]
        drawn = [set(names.split(" · ")) for names in re.findall(r'\w+\["([^"]*)"\]', drawing.partition("end\n")[0])]
        held = [set(names.split(" | ")) - {"plugin"} for names in layers]
        assert drawn == held, package


def test_every_test_that_holds_a_claim_of_security_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "security.md").read_text()))
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert len(named) >= 30
    assert named <= there, sorted(named - there)
