"""What is written of the settings for people and editors: docs/settings.md, and schema.json beside this file.

Both are made from `Settings`' fields and committed; `pytest tests/infra/settings --renew` writes them anew, and without
the flag the same test fails where they differ.
"""

from __future__ import annotations

import json
from typing import Any

from azmlflow.infra.settings.listing import Setting, listed, schema
from azmlflow.infra.settings.namespace import NAMESPACE
from azmlflow.infra.settings.settings import Settings

_PAGE = """\
# Settings

Made from the fields of `Settings`, as `azmlflow settings` is; not to be edited by hand.

A stack's settings stand in `Pulumi.<stack>.yaml` under `config`, each as `{namespace}:` and its key:

```yaml
config:
  {namespace}:location: westeurope
  {namespace}:clusters:
    - name: cpu
      maxNodes: 8
```

An unknown key is refused, and every fault is told at once, with the command that mends it. An editor that knows JSON
Schema (VS Code with its YAML extension) checks the file while it is written: its first line names a copy of the schema,
which commands put into `.azmlflow/`. `azmlflow settings --schema` prints it; in the package it is
[`azmlflow/infra/settings/schema.json`](../infra/settings/schema.json).

`[]` stands for each entry of a list.

| Key | May be | Default | What it is |
|---|---|---|---|
{rows}
"""


def page() -> str:
    """docs/settings.md."""
    return _PAGE.format(namespace=NAMESPACE, rows="\n".join(_row(each) for each in listed(Settings)))


def stack_file_schema() -> str:
    """The JSON schema of `Pulumi.<stack>.yaml`: our keys as `Settings` has them, no other of our namespace; whatever
    Pulumi and other packages keep in the file is left to them."""
    drawn = schema(Settings)
    keys = {f"{NAMESPACE}:{key}": node for key, node in drawn["properties"].items()}
    config: dict[str, Any] = {
        "type": "object",
        "properties": keys,
        "propertyNames": {"anyOf": [{"enum": list(keys)}, {"not": {"pattern": f"^{NAMESPACE}:"}}]},
    }
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A stack's settings (Pulumi.<stack>.yaml)",
        "type": "object",
        "properties": {"config": config},
        "$defs": drawn["$defs"],
    }
    return json.dumps(whole, indent=2) + "\n"


def _row(setting: Setting) -> str:
    default = "required" if setting.default is None else f"`{setting.default}`" if setting.default else ""
    cells = (f"`{setting.key}`", setting.type, default, setting.line)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
