"""The names of the store's collections: declared once, each its own."""

from __future__ import annotations

import ast
from pathlib import Path

from azmlflow.localazure.core import collections

_ROOM = Path(collections.__file__).parents[1]
_METHODS = ("get", "put", "delete", "scan", "kept", "version", "versions")


def _spelled_out(tree: ast.AST) -> list[str]:
    """The collections' names that are written out where a store is asked."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
            asked = ast.unparse(node.func.value).rpartition(".")[2]
            if asked in ("store", "_store") and node.args and isinstance(node.args[0], ast.Constant):
                found.append(ast.unparse(node))
    return found


def test_no_room_writes_a_collection_s_name() -> None:
    assert _spelled_out(ast.parse("self._store.get('resources', key)\ncloud.store.scan('locks')\nbody.get('id')")) == [
        "self._store.get('resources', key)",
        "cloud.store.scan('locks')",
    ]
    assert {
        str(file): spelled for file in _ROOM.rglob("*.py") if (spelled := _spelled_out(ast.parse(file.read_text())))
    } == {}


def test_no_two_collections_share_a_name() -> None:
    declared = [value for name, value in vars(collections).items() if name.isupper() and isinstance(value, str)]
    assert len(declared) == len(set(declared)) > 20
