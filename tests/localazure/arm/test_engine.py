"""The engine of kinds knows no kind: what is special about a type stands in its record."""

from __future__ import annotations

import ast
from pathlib import Path

from azmlflow.localazure import arm
from azmlflow.localazure.kinds import KINDS


def _texts(file: Path) -> list[str]:
    """The texts in a file's code, docstrings left out."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in prose)
    return [node.value.lower() for node in constants if isinstance(node.value, str)]


def test_no_module_of_the_engine_spells_a_kind_s_type() -> None:
    folder = Path(str(arm.__file__)).parent
    assert any("microsoft.insights/metrics" in _texts(file) for file in folder.glob("*.py"))
    spelled = {
        (file.name, kind.type)
        for file in folder.glob("*.py")
        for kind in KINDS
        if any(kind.type.lower() in text or kind.permission_type.lower() in text for text in _texts(file))
    }
    assert spelled == set()
