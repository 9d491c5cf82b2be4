"""Which resource types and functions the plugin serves, and how each differs from the one rule.

The rule (azure-native 3.29.0's own): an input named like one of ARM's envelope keys stays at the top of the
body, every other input goes under `properties` with the same name; the answer comes back the same way.
`types.json` lists, per type, only the outputs' names and what does not follow the rule; its keys are fields of
`TypeMap`, `Shape` and `Function` below. Path, API version and what is fixed at creation come from the table of all
types (`azmlflow.resourcetypes`), the inputs from `inputs.json`, which `scripts/plugin_inputs.py` draws from the SDK.

Read off the published pulumi_azure_native 3.29.0 and the serialisation maps of the azure-mgmt packages.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

from azmlflow.resourcetypes import table

ENVELOPE = frozenset(
    [
        "id",
        "name",
        "type",
        "location",
        "tags",
        "identity",
        "sku",
        "kind",
        "extendedLocation",
        "managedBy",
        "etag",
        "eTag",
        "systemData",
        "properties",
    ]
)
_FILES = ("types.json", "inputs.json")
AutoName = Literal["random", "copy", "uuid"]


class NotServed(Exception):
    """A Pulumi type or function that this plugin does not serve."""


@dataclass(frozen=True)
class Shape:
    """How one kind of nested object differs between the program and the wire.

    Attributes:
        flat: an ARM sub-resource: on the wire all but its envelope keys live under `properties`.
        renames: name in the program -> dotted path on the wire.
        nested: name in the program -> name of the shape it has in turn.
        sets: lists of ids in the program that are `{id: {}}` maps on the wire.
    """

    flat: bool = False
    renames: Mapping[str, str] = field(default_factory=dict)
    nested: Mapping[str, str] = field(default_factory=dict)
    sets: tuple[str, ...] = ()


@dataclass(frozen=True)
class TypeMap:
    """One resource type.

    Attributes:
        token: Pulumi's type token.
        apiVersion: ARM API version.
        path: ARM path template, from the root.
        inputs: names that a program may set in the body: not those of the path's parameters or the query.
        outputs: names that only Azure sets.
        renames: input or output -> dotted path on the wire, where it is not the rule's.
        nested: input or output -> name of its shape.
        immutable: inputs whose change replaces the resource; the path's parameters always do.
        requireProperties: ARM wants `properties` in the body even when it is empty.
        query: input -> query parameter of the PUT.
        maintained: dotted lists that a PUT without them would clear: sent empty at creation, kept as they are after.
        restored: input -> what to send when a program stops setting it.
        unanswered: inputs that are no outputs: what is in them is answered beside them.
        readOnly: dotted outputs inside an input of the same name that only Azure sets: drift in them is none.
    """

    token: str
    apiVersion: str
    path: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    renames: Mapping[str, str] = field(default_factory=dict)
    nested: Mapping[str, str] = field(default_factory=dict)
    immutable: tuple[str, ...] = ()
    requireProperties: bool = False
    query: Mapping[str, str] = field(default_factory=dict)
    maintained: tuple[str, ...] = ()
    restored: Mapping[str, Any] = field(default_factory=dict)
    unanswered: tuple[str, ...] = ()
    readOnly: tuple[str, ...] = ()

    @property
    def answered(self) -> tuple[str, ...]:
        """The names of its outputs, but for the API version."""
        return (*(name for name in self.inputs if name not in self.unanswered), *self.outputs)

    @property
    def arguments(self) -> str:
        """Its inputs' name in `Catalogue.objects`."""
        return self.token.partition(":")[2]

    @property
    def parameters(self) -> tuple[str, ...]:
        """The inputs that make the path, in order."""
        return parameters(self.path)

    @property
    def name_input(self) -> str:
        """The input that names the resource: the last of its path."""
        return self.parameters[-1]

    @property
    def scope_input(self) -> str | None:
        """The input that is a whole ARM id (`scope`, `resourceUri`), if the path starts with one."""
        return self.parameters[0] if self.path.startswith("/{") else None

    @property
    def auto_name(self) -> AutoName:
        """How an absent name is made up: the official provider's AutoNamer, from the path alone."""
        if self.name_input in ("roleAssignmentName", "roleDefinitionId"):
            return "uuid"
        provider = self.path.lower().rfind("microsoft.")
        return "random" if provider < 0 or self.path.count("{", provider) == 1 else "copy"

    @property
    def has_location(self) -> bool:
        """Whether an absent location is filled in."""
        return "location" in self.inputs

    def wire(self, name: str) -> str:
        """Where an input or output lives in ARM's JSON, as a dotted path."""
        return self.renames.get(name) or (name if name in ENVELOPE else f"properties.{name}")


@dataclass(frozen=True)
class Function:
    """A function that is one POST: its path parameters and body come from its arguments, its answer goes back as is.

    Attributes:
        of: Pulumi's token of the type whose resource it asks.
        action: the last segment of its path, after the resource's.
        body: arguments that go into the body.
        query: argument -> query parameter.
    """

    of: str
    action: str
    body: tuple[str, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def apiVersion(self) -> str:
        """The API version of its resource's type."""
        return table.of_token(self.of).api_version

    @property
    def path(self) -> str:
        """ARM path template, from the root."""
        return f"{table.of_token(self.of).paths[self.of]}/{self.action}"


Objects = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Catalogue:
    """All of `types.json`, and of `inputs.json`.

    Attributes:
        types: by token.
        shapes: by name.
        functions: by token.
        objects: what a program gives, by module and type, or class of the SDK: input -> what it takes.
    """

    types: Mapping[str, TypeMap]
    shapes: Mapping[str, Shape]
    functions: Mapping[str, Function]
    objects: Objects

    def type(self, token: str) -> TypeMap:
        """The type of a token.

        Raises:
            NotServed: naming the token.
        """
        if token not in self.types:
            raise NotServed(
                f"the local azure-native plugin does not serve the type {token}; "
                f"a local stack can have the {len(self.types)} types of azmlflow/localazure/plugin/schema/types.json"
            )
        return self.types[token]

    def getter(self, token: str) -> TypeMap | None:
        """The type that a `get<Type>` function reads, or None if the token is no such function."""
        module, _, function = token.rpartition(":")
        return self.types.get(f"{module}:{function.removeprefix('get')}") if function.startswith("get") else None


def parameters(path: str) -> tuple[str, ...]:
    """The names in braces of a path template, in order, without the subscription's."""
    return tuple(name for name in re.findall(r"{(\w+)}", path) if name != "subscriptionId")


@functools.cache
def catalogue() -> Catalogue:
    """The types, shapes and functions served, read once from the package's own files."""
    data, objects = (json.loads(files(__package__).joinpath(name).read_text("utf-8")) for name in _FILES)
    return Catalogue(
        objects=MappingProxyType(objects),
        types=MappingProxyType({token: _type_map(token, body, objects) for token, body in data["types"].items()}),
        shapes=MappingProxyType({name: Shape(**_record(body)) for name, body in data["shapes"].items()}),
        functions=MappingProxyType({token: Function(**_record(body)) for token, body in data["functions"].items()}),
    )


def _type_map(token: str, body: Mapping[str, Any], objects: Objects) -> TypeMap:
    kind = table.of_token(token)
    path = kind.paths[token]
    elsewhere = {*parameters(path), *body.get("query", ())}
    return TypeMap(
        token=token,
        apiVersion=kind.api_version,
        path=path,
        inputs=tuple(name for name in objects[token.partition(":")[2]] if name not in elsewhere),
        immutable=kind.fixed,
        **_record(body),
    )


def _record(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in body.items()}
