"""What is wrong with a program's inputs before anything is sent, and what of them Azure knows. Pure.

As azure-native's Check (provider/pkg/provider/provider.go: validateType, validateProperty), in its words: what must be
given, at any depth; types; lengths and patterns. It does not judge what may be one of several objects, nor a switch or
an object in the wrong place, and it refuses no input that the type does not have: such a one is only not sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from azmlflow.localazure.plugin.schema.types import Objects, TypeMap
from azmlflow.localazure.plugin.schema.unknown import UNKNOWN


@dataclass(frozen=True)
class Limit:
    """What a name in a path may be."""

    shortest: int = 0
    longest: int | None = None
    pattern: str = ""


# The end of a path up to a parameter -> its limit. Source: Microsoft's REST specifications, as the azure-mgmt packages'
# operations (for machine learning azure-ai-ml's) hold requests to them.
_LIMITS: Mapping[str, Limit] = {
    "/{resourceGroupName}": Limit(1, 90),
    "Microsoft.Storage/storageAccounts/{accountName}": Limit(3, 24, r"^[a-z0-9]+$"),
    "/containers/{containerName}": Limit(3, 63),
    "Microsoft.KeyVault/vaults/{vaultName}": Limit(pattern=r"^[a-zA-Z0-9-]{3,24}$"),
    "/keys/{keyName}": Limit(pattern=r"^[a-zA-Z0-9-]{1,127}$"),
    "Microsoft.OperationalInsights/workspaces/{workspaceName}": Limit(4, 63, r"^[A-Za-z0-9][A-Za-z0-9-]+[A-Za-z0-9]$"),
    "Microsoft.MachineLearningServices/workspaces/{workspaceName}": Limit(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}$"),
    "/outboundRules/{ruleName}": Limit(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}$"),
    "/datastores/{name}": Limit(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9\-_]{0,254}$"),
    "Microsoft.MachineLearningServices/registries/{registryName}": Limit(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9\-_]{0,254}$"),
    "Microsoft.ContainerRegistry/registries/{registryName}": Limit(5, 50, r"^[a-zA-Z0-9]*$"),
    "/federatedIdentityCredentials/{federatedIdentityCredentialResourceName}": Limit(
        pattern=r"^[a-zA-Z0-9]{1}[a-zA-Z0-9-_]{2,119}$"
    ),
}


def faults(kind: TypeMap, inputs: Mapping[str, Any], objects: Objects) -> list[str]:
    """Everything that is wrong with a resource's inputs.

    Args:
        kind: the type.
        inputs: what the program gives and the provider filled in; `UNKNOWN` is not judged.
        objects: `Catalogue.objects`.
    """
    named = [fault for name in kind.parameters for fault in _named(kind, name, inputs.get(name))]
    rest = {name: value for name, value in inputs.items() if name not in kind.parameters}
    return [*named, *_object("", kind.arguments, rest, objects, skipped=frozenset(kind.parameters))]


def known(kind: TypeMap, inputs: Mapping[str, Any], objects: Objects) -> dict[str, Any]:
    """The inputs without what their objects do not have."""
    found: dict[str, Any] = _cut(kind.arguments, inputs, objects)
    return found


def _cut(takes: str, value: Any, objects: Objects) -> Any:
    if isinstance(value, list) and takes.startswith("["):
        return [_cut(takes[1:-1], item, objects) for item in value]
    if not isinstance(value, Mapping) or takes not in objects:
        return value
    inputs = objects[takes]
    return {name: _cut(inputs[name].rstrip("!"), item, objects) for name, item in value.items() if name in inputs}


def _named(kind: TypeMap, name: str, value: Any) -> Iterator[str]:
    """A parameter of the path: the text that it must be."""
    if value is None:
        yield f"missing required property '{name}'"
    yield from _value(name, "string", value, {})
    if isinstance(value, str):
        for end, limit in _LIMITS.items():
            if end.endswith(f"{{{name}}}") and end in kind.path:
                yield from _limited(name, limit, value)


def _limited(name: str, limit: Limit, value: str) -> Iterator[str]:
    if len(value) < limit.shortest:
        yield f"'{name}' is too short ({len(value)}): at least {limit.shortest} characters required"
    if limit.longest is not None and len(value) > limit.longest:
        yield f"'{name}' is too long ({len(value)}): at most {limit.longest} characters allowed"
    if limit.pattern and re.search(limit.pattern, value) is None:
        yield f"'{name}' does not match expression '{limit.pattern}'"


def _object(
    path: str, name: str, given: Mapping[str, Any], objects: Objects, skipped: frozenset[str] = frozenset()
) -> Iterator[str]:
    inputs = {key: takes for key, takes in objects[name].items() if key not in skipped}
    for key, takes in inputs.items():
        if takes.endswith("!") and key not in given:
            yield f"missing required property '{_below(path, key)}'"
    for key, takes in inputs.items():
        if key in given:
            yield from _value(_below(path, key), takes.rstrip("!"), given[key], objects)


def _value(path: str, takes: str, value: Any, objects: Objects) -> Iterator[str]:
    if value is None or value is UNKNOWN or takes == "any":
        return
    wanted = "array" if takes.startswith("[") else "object" if takes in objects else takes
    if isinstance(value, Mapping):
        if takes in objects:
            yield from _object(path, takes, value, objects)
    elif isinstance(value, list):
        if wanted != "array":
            yield f"'{path}' should be of type '{wanted}' but got an array"
            return
        for index, item in enumerate(value):
            yield from _value(f"{path}[{index}]", takes[1:-1], item, objects)
    elif isinstance(value, str):
        if wanted != "string":
            yield f"'{path}' should be of type '{wanted}' but got a string"
    elif not isinstance(value, bool):
        if wanted not in ("number", "integer"):
            yield f"'{path}' should be of type '{wanted}' but got a number"
        elif wanted == "integer" and value != int(value):
            yield f"'{path}' must be an integer but got {value:f}"


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
