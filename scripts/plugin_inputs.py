"""Renew localazure/plugin/schema/inputs.json: the inputs that the installed pulumi_azure_native declares for what the
plugin serves.

An object a key: a resource by module and type, what is inside of one by module and class of the SDK. An input a key
below it, and what it takes: `string`, `boolean`, `integer`, `number`, `object` (a map), `any` (one of several objects,
which azure-native does not check), the name of an object, or one of these in brackets for a list of them. A mark `!`
says that it must be given.
"""

import collections.abc
import enum
import importlib
import inspect
import json
import sys
import textwrap
import typing
from pathlib import Path

from pulumi import Output, _types

SCHEMA = Path(__file__).parent.parent / "localazure" / "plugin" / "schema"
FILE = SCHEMA / "inputs.json"
_GLUE = "\N{NO-BREAK SPACE}"
_PLAIN: dict[typing.Any, str] = {str: "string", bool: "boolean", int: "integer", float: "number", typing.Any: "any"}

Objects = dict[str, dict[str, str]]


def drawn() -> Objects:
    """The objects of all types that the plugin serves, drawn from the SDK's classes of arguments."""
    objects: Objects = {}
    for token in json.loads((SCHEMA / "types.json").read_text("utf-8"))["types"]:
        _, module, name = token.split(":")
        # By the package's own way, which loads late: a module imported by itself would leave it half loaded.
        resource = getattr(importlib.import_module(f"pulumi_azure_native.{module}"), name)
        sdk = sys.modules[resource.__module__]
        # Where a resource comes inside of others too, `<name>Args` is what is inside.
        arguments = getattr(sdk, f"{name}InitArgs", None) or getattr(sdk, f"{name}Args")
        _object(f"{module}:{name}", arguments, objects)
    return dict(sorted(objects.items()))


def written(objects: Objects) -> str:
    """The file's text: an object a paragraph."""
    paragraphs = []
    for name, inputs in objects.items():
        # A key stays on a line with its value.
        pairs = (f"{json.dumps(key)}: {json.dumps(takes)}".replace(" ", _GLUE) for key, takes in inputs.items())
        text = ", ".join(pairs)
        lines = textwrap.indent(textwrap.fill(text, 112, break_long_words=False, break_on_hyphens=False), "    ")
        lines = lines.replace(_GLUE, " ")
        paragraphs.append(f"  {json.dumps(name)}: {{\n{lines}\n  }}" if inputs else f"  {json.dumps(name)}: {{}}")
    return "{\n" + ",\n".join(paragraphs) + "\n}\n"


def _object(name: str, sdk: type, objects: Objects) -> str:
    if name not in objects:
        inputs = objects[name] = {}
        parameters = inspect.signature(sdk).parameters
        takes = _types.input_type_types(sdk)
        names = _types.input_type_py_to_pulumi_names(sdk)
        for python, pulumi_name in sorted(names.items(), key=lambda pair: pair[1]):
            must = parameters[python].default is inspect.Parameter.empty
            inputs[pulumi_name] = _taken(takes[pulumi_name], objects) + ("!" if must else "")
    return name


def _taken(annotation: typing.Any, objects: Objects) -> str:
    """What an input of an annotation takes."""
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Union:
        return _one_of(arguments, objects)
    if origin in (collections.abc.Sequence, collections.abc.Mapping):
        return "object" if origin is collections.abc.Mapping else f"[{_taken(arguments[0], objects)}]"
    if issubclass(annotation, enum.Enum):
        return next(word for kind, word in _PLAIN.items() if inspect.isclass(kind) and issubclass(annotation, kind))
    return _object(f"{annotation.__module__.split('.')[1]}:{annotation.__name__}", annotation, objects)


def alternatives(annotations: tuple[typing.Any, ...]) -> list[typing.Any]:
    """What is left of a union: that an input may be absent, or not be there yet, is no other."""
    waiting = (collections.abc.Awaitable, Output)
    return [each for each in annotations if each is not type(None) and typing.get_origin(each) not in waiting]


def _one_of(annotations: tuple[typing.Any, ...], objects: Objects) -> str:
    """What an input of one of several annotations takes."""
    left = alternatives(annotations)
    if sum(map(_types.is_input_type, left)) > 1:
        return "any"
    found = {_taken(each, objects) for each in left}
    return found.pop() if len(found) == 1 else "any"


if __name__ == "__main__":
    FILE.write_text(written(drawn()), encoding="utf-8")
