"""A job's command line: `${{inputs.x}}` and `${{outputs.y}}` replaced, `$[[...]]` kept if its input is given.

Source: Microsoft, "CLI (v2) command job YAML schema" and "Manage inputs and outputs for components".
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

_OPTIONAL = re.compile(r"\$\[\[(.*?)\]\]", re.DOTALL)
_NAME = re.compile(r"\$\{\{\s*(inputs|outputs)\.([\w.-]+)\s*\}\}")


class UnknownName(ValueError):
    """The command names an input or output that the job has not."""


def render(command: str, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> str:
    """The command for the shell.

    Args:
        command: as the job has it.
        inputs: value, or path, of each input.
        outputs: path of each output.

    Raises:
        UnknownName: it names what is in neither.
    """
    values = {"inputs": inputs, "outputs": outputs}

    def optional(found: re.Match[str]) -> str:
        missing = any(name not in values[kind] for kind, name in _NAME.findall(found[1]))
        return "" if missing else found[1]

    def value(found: re.Match[str]) -> str:
        kind, name = found.groups()
        if name not in values[kind]:
            raise UnknownName(f"the command names ${{{{{kind}.{name}}}}}, which the job has not")
        return shlex.quote(values[kind][name])

    return _NAME.sub(value, _OPTIONAL.sub(optional, command))
