"""Types and versions stand in the table, and nowhere else in the code."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from azmlflow.resourcetypes.table import find

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path.relative_to(ROOT)
    for package in ("resourcetypes", "rbac", "reach", "infra", "cli", "localazure", "benchmarks", "scripts", "examples")
    for path in (ROOT / package).rglob("*.py")
)
_VERSION = re.compile(r"\d{4}-\d\d-\d\d(-\w+)?")
_QUERY = re.compile(r"api-version=\d{4}")
LOOK_UPS = ("version_of", "token_of", "resource_type")
# Dates that are no api-version of a resource type, by file.
OTHERS = {
    # Versions of the storage service's own protocol (`x-ms-version`, a signature's `sv`).
    "localazure/blobs/sas.py": {
        "2015-04-05",
        "2018-11-09",
        "2020-02-10",
        "2020-12-06",
        "2024-11-04",
        "2025-07-05",
        "2026-04-06",
    },
    "localazure/services/blobs.py": {"2023-11-03"},
    # App Service's identity endpoint.
    "localazure/clients/control.py": {"2019-08-01"},
    # A workspace that is recovered, which no version has that is sent for the type.
    "cli/mending/soft_deleted.py": {"2023-08-01-preview"},
    # The actions on an instance's idle time and schedules: the previews alone have that, and no later version this.
    "cli/mending/instances.py": {"2024-10-01-preview", "2021-03-01-preview"},
    "localazure/kinds/workspaces/instances.py": {"2021-03-01-preview"},
    # A workspace's own firewall, which previews alone have.
    "cli/azure/addresses.py": {"2024-10-01-preview"},
    # A day, as an example of one.
    "infra/settings/grants.py": {"2027-01-31"},
}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def texts(path: Path) -> set[str]:
    constants = (each.value for each in ast.walk(tree(path)) if isinstance(each, ast.Constant))
    return {text for text in constants if isinstance(text, str)}


@pytest.mark.parametrize("path", FILES, ids=str)
def test_no_version_stands_outside_of_the_table(path: Path) -> None:
    found = {text for text in texts(path) if _VERSION.fullmatch(text)}
    assert found <= OTHERS.get(str(path), set())
    assert not [text for text in texts(path) if _QUERY.search(text)]


def test_what_is_excused_is_there() -> None:
    assert {path: dates & texts(Path(path)) for path, dates in OTHERS.items()} == OTHERS


def test_the_plugins_data_repeats_nothing_of_the_table() -> None:
    data = json.loads((ROOT / "localazure" / "plugin" / "schema" / "types.json").read_text(encoding="utf-8"))
    keys = {key for entry in (*data["types"].values(), *data["functions"].values()) for key in entry}
    assert not keys & {"apiVersion", "path", "immutable"}


def constants(path: Path) -> dict[str, str]:
    """Names of a module that stand for a text."""
    return {
        target.id: each.value.value
        for each in tree(path).body
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant) and isinstance(each.value.value, str)
        for target in each.targets
        if isinstance(target, ast.Name)
    }


def looked_up(path: Path) -> Iterator[str]:
    """Types that a module looks up by a text of its own."""
    for call in ast.walk(tree(path)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in LOOK_UPS and call.args:
            asked = call.args[0]
            if isinstance(asked, ast.Constant):
                yield str(asked.value)
            elif isinstance(asked, ast.Name) and asked.id in constants(path):
                yield constants(path)[asked.id]


def asked_by_path(path: Path) -> Iterator[str]:
    """Types that a module names in a path; `cli/azure/addresses.py` looks them up."""
    for text in texts(path) if path.parts[0] == "cli" else ():
        if named := re.search(r"/providers/(Microsoft\.\w+(?:/[A-Za-z]+)+)$", text):
            yield named[1]


def test_every_type_that_is_looked_up_is_in_the_table() -> None:
    found = {name for path in FILES for name in (*looked_up(path), *asked_by_path(path))}
    assert len(found) > 12
    assert sorted(name for name in found if find(name) is None) == []
