"""The settings as a list, and any of them by where it is: read off the JSON schema that pydantic draws of their model.

So whatever is a field, at whatever depth, is in the help, in the docs and in the words for a fault, with no list kept.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

Node = Mapping[str, Any]  # a part of a JSON schema
_MOST_CHOICES = 6  # more than these are no help in a line
_PLAIN = r"[A-Za-z_][A-Za-z0-9_-]*"
_STEP = re.compile(rf"(?:^|\.)({_PLAIN})|\[(\d{{1,6}})\]|\[(\"(?:[^\"\\]|\\.)*\")\]")
_TYPES = {
    "string": "text",
    "integer": "number",
    "number": "number",
    "boolean": "true | false",
    "array": "list",
    "object": "map",
}
_FORMATS = {"date": "day", "date-time": "moment"}


@dataclass(frozen=True)
class Setting:
    """One setting, for people.

    Attributes:
        key: where it stands, as Pulumi writes paths: `location`, `clusters[].maxNodes`.
        type: what it may be, in words.
        default: what it is where nothing is said; empty for nothing, None where something must be said.
        line: what it is for.
    """

    key: str
    type: str
    default: str | None
    line: str


@functools.cache
def schema(model: type[BaseModel]) -> Node:
    """The JSON schema of a model, by the keys that people write."""
    return model.model_json_schema(by_alias=True)


def listed(model: type[BaseModel]) -> tuple[Setting, ...]:
    """Every setting of a model, in the order of the fields, each group before what is in it."""
    whole = schema(model)
    return tuple(_below(whole, whole, ""))


def holder(model: type[BaseModel], location: Sequence[str | int]) -> Node:
    """The part of the schema that holds the last name of a location; one without properties where there is none.

    Args:
        model: the whole.
        location: keys, and numbers in lists, as pydantic's errors have them.
    """
    whole = found = schema(model)
    for part in location[:-1]:
        inside = found.get("items", {}) if isinstance(part, int) else found.get("properties", {}).get(part, {})
        found = resolved(whole, inside)
    return found


def node_at(model: type[BaseModel], location: Sequence[str | int]) -> Node | None:
    """The part of the schema at a location, its reference followed; None where there is no such setting."""
    found = whole = schema(model)
    for part in location:
        if isinstance(part, int):
            inside = found.get("items")
        else:
            inside = found.get("properties", {}).get(part, found.get("additionalProperties"))
        if not isinstance(inside, Mapping):
            return None
        found = resolved(whole, inside)
    return found


def choices(node: Node) -> tuple[str, ...]:
    """The values that a setting may have, where they can be counted."""
    if node.get("type") == "boolean":
        return ("true", "false")
    return tuple(str(each) for each in ([node["const"]] if "const" in node else node.get("enum", ())))


def example(model: type[BaseModel], node: Node) -> Any:
    """A value that a setting could have; of a group what it has to have, or else the first that it may have.

    Args:
        model: what the settings are.
        node: the setting's part of the schema.
    """
    node = resolved(schema(model), node)
    if node.get("examples"):
        return node["examples"][0]
    if node.get("type") == "array":
        return [example(model, node["items"])] * max(node.get("minItems", 0), 1)
    if node.get("type") == "object":
        properties = node.get("properties", {})
        return {name: example(model, properties[name]) for name in node.get("required") or [*properties][:1]}
    return next(iter(choices(node)), node.get("default", node.get("minimum", "x")))


def spelt(location: Sequence[str | int]) -> str:
    """A location as Pulumi writes it: `clusters[0].maxNodes`, `tags["cost.center"]`."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(_PLAIN, part) or not text:
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part, ensure_ascii=False)}]"
    return text


def located(text: str) -> tuple[str | int, ...]:
    """The location that `spelt` writes so.

    Raises:
        ValueError: it is none.
    """
    found: list[str | int] = []
    at = 0
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None or (at == 0) != (step[0] == step[1]):
            raise ValueError(f"`{text}` is not a key such as location or clusters[0].maxNodes")
        found.append(int(step[2]) if step[2] else json.loads(step[3]) if step[3] else step[1])
        at = step.end()
    return tuple(found)


def resolved(whole: Node, node: Node) -> Node:
    """A part of a schema with its reference followed, and without the `null` that an optional one has beside it."""
    kinds = [each for each in node.get("anyOf", ()) if each.get("type") != "null"]
    if len(kinds) == 1:
        node = {**kinds[0], **{name: value for name, value in node.items() if name != "anyOf"}}
    if "$ref" not in node:
        return node
    own = {name: value for name, value in node.items() if name != "$ref"}
    return {**whole["$defs"][node["$ref"].rpartition("/")[2]], **own}


def _below(whole: Node, group: Node, prefix: str) -> Iterator[Setting]:
    for name, property_ in group["properties"].items():
        node, key = resolved(whole, property_), f"{prefix}{name}"
        default = None if name in group.get("required", ()) else _text(node.get("default"))
        yield Setting(key, _words(whole, node), default, node["description"])
        item = resolved(whole, node.get("items", {}))
        for inner, path in ((node, f"{key}."), (item, f"{key}[].")):
            if "properties" in inner:
                yield from _below(whole, inner, path)


def _words(whole: Node, node: Node) -> str:
    """What a value may be."""
    node = resolved(whole, node)
    if "anyOf" in node:
        return " or ".join(_words(whole, each) for each in node["anyOf"] if each.get("type") != "null")
    few = () if node.get("type") == "boolean" else choices(node)
    if 0 < len(few) <= _MOST_CHOICES:
        return " | ".join(few)
    if "minimum" in node and "maximum" in node:
        return f"{node['minimum']} to {node['maximum']}"
    if "properties" in node:
        return "group"
    return _FORMATS.get(node.get("format", "")) or _TYPES[node["type"]]


def _text(default: Any) -> str:
    """A default as YAML has it; empty for none."""
    if default in (None, "", [], {}):
        return ""
    return default if isinstance(default, str) else json.dumps(default)
