"""A job's command line: `${{inputs.x}}` and `${{outputs.y}}` replaced, `$[[...]]` kept if its input is given.

A value is put in as it is, as Azure does: who wants it to be one word for the shell quotes it in the command
(Azure/azureml-assets#1833), and a value of several words is several arguments. Source: Microsoft, "CLI (v2) command job
YAML schema" and "Manage inputs and outputs for components".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_OPTIONAL = re.compile(r"\$\[\[(.*?)\]\]", re.DOTALL)
_NAME = re.compile(r"\$\{\{\s*(inputs|outputs)\.([\w.-]+)\s*\}\}")


class UnknownName(ValueError):
    """The command names an input or output that the job has not."""


def check(command: str, inputs: Iterable[str], outputs: Iterable[str]) -> None:
    """See whether a command can be rendered with inputs and outputs of these names.

    Args:
        command: as the job has it.
        inputs: names of the inputs.
        outputs: names of the outputs.

    Raises:
        UnknownName: it names what is in neither.
    """
    render(command, dict.fromkeys(inputs, ""), dict.fromkeys(outputs, ""))


def render(command: str, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> str:
    """The command for the shell.

    Args:
        command: as the job has it.
        inputs: value, or path, of each input that has one.
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
            raise UnknownName(f"the command names ${{{{{kind}.{name}}}}}, which the job does not have")
        return values[kind][name]

    return _NAME.sub(value, _OPTIONAL.sub(optional, command))
