"""A mode of a network is one record in one file, and nobody else asks for its name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import azmlflow.cli
import azmlflow.infra
from azmlflow.infra.settings.network import modes
from azmlflow.infra.settings.network.modes.listed import MODES
from azmlflow.infra.settings.network.modes.mode import Mode
from azmlflow.infra.settings.network.network import NetworkSettings

HERE = Path(str(modes.__file__)).parent
FILES = sorted(each.stem for each in HERE.glob("*.py") if each.stem not in ("__init__", "mode", "listed"))


@pytest.mark.parametrize("file", FILES)
def test_a_file_has_one_mode_which_is_listed(file: str) -> None:
    module = import_module(f"{modes.__name__}.{file}")
    (found,) = (each for each in vars(module).values() if isinstance(each, Mode))
    assert MODES[found.name] is found


def test_what_belongs_to_a_mode_is_a_setting_of_networks() -> None:
    assert {key for mode in MODES.values() for key in mode.keys} == set(NetworkSettings.model_fields) - {"mode"}


def _compared(tree: ast.AST) -> Iterator[ast.Compare]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            left = node.left
            if (isinstance(left, ast.Attribute) and left.attr == "mode") or (
                isinstance(left, ast.Name) and left.id == "mode"
            ):
                yield node


def test_nobody_compares_a_modes_name() -> None:
    files = [
        each
        for package in (azmlflow.infra, azmlflow.cli)
        for each in Path(str(package.__file__)).parent.rglob("*.py")
        if HERE not in each.parents
    ]
    assert len(files) > 200
    found = {
        f"{each.name}:{node.lineno}"
        for each in files
        for node in _compared(ast.parse(each.read_text()))
        if any(isinstance(other, ast.Constant) and other.value in MODES for other in ast.walk(node))
    }
    assert not found


@pytest.mark.parametrize(
    ("name", "properties", "described"),
    [
        # Microsoft, "Workspaces - Create Or Update": IsolationMode.
        ("managed", {"managedNetwork": {"isolationMode": "AllowInternetOutbound"}}, {"outbound": "internet"}),
        ("managed", {"managedNetwork": {"isolationMode": "AllowOnlyApprovedOutbound"}}, {"outbound": "approved"}),
        ("managed", {"managedNetwork": {"isolationMode": "Disabled"}}, None),
        ("managed", {"managedNetwork": None}, None),
        ("closed", {"publicNetworkAccess": "Disabled"}, {}),
        ("closed", {"publicNetworkAccess": "Enabled"}, None),
    ],
)
def test_a_workspace_that_stands_tells_its_mode(
    name: str, properties: dict[str, object], described: dict[str, object] | None
) -> None:
    assert MODES[name].described is not None
    assert MODES[name].described(properties) == described
