"""Packs Azure's built-in roles into rbac/data/built-in-roles.json.gz: `python scripts/built_in_roles.py FILE`.

FILE is azure/built-in-roles-raw.json of github.com/iann0036/iam-dataset (MIT): Azure's own answer to a list of
roleDefinitions. Packed is what this project reads of a role; the same FILE gives the same bytes.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

_INTO = Path(__file__).parent.parent / "rbac" / "data" / "built-in-roles.json.gz"
_LISTS = ("actions", "notActions", "dataActions", "notDataActions")


def pack(published: list[dict[str, Any]]) -> bytes:
    """The roles in order of their names, each as [GUID, name, description, permission blocks]."""
    rows = []
    for role in published:
        properties = role.get("properties", role)
        blocks = [
            {name: block[name] for name in (*_LISTS, "condition") if block.get(name)}
            for block in properties["permissions"]
        ]
        rows.append([role["name"].lower(), properties["roleName"], properties.get("description") or "", blocks])
    rows.sort(key=lambda row: row[1].lower())
    return gzip.compress(json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode(), 9, mtime=0)


def main(given: str) -> None:
    """Read FILE and write the packed roles."""
    document = json.loads(Path(given).read_text(encoding="utf-8"))
    _INTO.write_bytes(pack(document["roles"] if isinstance(document, dict) else document))


if __name__ == "__main__":
    main(sys.argv[1])
