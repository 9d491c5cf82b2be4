"""ARM ids from inputs and back, by a type's path template. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from azmlflow.localazure.plugin.schema.types import TypeMap


class BadId(Exception):
    """An ARM id that does not fit a type's path, or inputs that make none."""


def resource_id(kind: TypeMap, inputs: Mapping[str, Any], subscription: str) -> str:
    """The ARM id that inputs stand for.

    Path parameters are percent-encoded, but for a leading scope, which is an ARM id itself.

    Raises:
        BadId: when a parameter is missing or not a string.
    """
    return fill(kind.path, inputs, subscription)


def fill(path: str, values: Mapping[str, Any], subscription: str) -> str:
    """A path template with its parameters filled in from `values`.

    Raises:
        BadId: when a parameter is missing, empty or not a string.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        text = subscription if name == "subscriptionId" else values.get(name)
        if not isinstance(text, str) or not text.strip("/"):
            raise BadId(f"'{name}' must be a non-empty string to make the path {path}")
        return text.strip("/") if match.start() == 1 else quote(text, safe="")

    return re.sub(r"{(\w+)}", value, path)


def parse_id(kind: TypeMap, identifier: str) -> dict[str, str]:
    """The path parameters in an ARM id, the subscription's left out; ARM ids have no case.

    Raises:
        BadId: when the id is not of this type.
    """
    pattern = "/" + "/".join(
        _segment(part, scope=part == f"{{{kind.scope_input}}}") for part in kind.path.strip("/").split("/")
    )
    match = re.fullmatch(pattern, identifier.rstrip("/"), re.IGNORECASE)
    if match is None:
        raise BadId(f"'{identifier}' is not the id of a {kind.token}: those look like {kind.path}")
    found = {name: unquote(text) for name, text in match.groupdict().items() if name != "subscriptionId"}
    if kind.scope_input is not None:
        found[kind.scope_input] = "/" + found[kind.scope_input]
    return found


def _segment(part: str, *, scope: bool) -> str:
    if part.startswith("{"):
        return f"(?P<{part[1:-1]}>{'.+' if scope else '[^/]+'})"
    return re.escape(part)
