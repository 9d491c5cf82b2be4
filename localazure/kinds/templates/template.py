"""A template of Resource Manager, as far as the embedded Azure deploys one: resources, literally.

Source: Microsoft, "Understand the structure and syntax of ARM templates". A text that begins with `[` is an expression,
unless with `[[`, which means one `[`; expressions, parameters and an order of resources are refused, not ignored.
Inferred: the words, which on Azure begin alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.resources.members import Members

_MOST = 800  # resources (Microsoft, "Azure subscription and service limits", "Template limits")
_EMPTY = ("parameters", "variables", "functions", "outputs", "definitions")
_NAMES = ("$schema", "contentversion", "languageversion", "metadata", "resources", "apiprofile", *_EMPTY)
_OF_RESOURCE = ("type", "apiversion", "name", "comments", "condition")


@dataclass(frozen=True)
class Resource:
    """One resource of a template.

    Attributes:
        type: `Microsoft.MachineLearningServices/workspaces/onlineEndpoints`.
        api_version: in which it is asked for.
        names: its name, below those that it stands in.
        body: of its PUT.
    """

    type: str
    api_version: str
    names: tuple[str, ...]
    body: Mapping[str, Any]

    def id_in(self, group: str) -> str:
        """Its ARM id in a group."""
        namespace, *types = self.type.split("/")
        pairs = zip(types, self.names, strict=True)
        return "/".join((group, "providers", namespace, *(part for pair in pairs for part in pair)))


def resources(template: Any) -> tuple[Resource, ...]:
    """The resources of a template.

    Raises:
        AzureError: 400 `InvalidTemplate`, it is none, or says what the embedded Azure does not deploy.
    """
    if not isinstance(template, Mapping):
        raise invalid("The template is missing: an object is expected")
    for name, value in template.items():
        if name.lower() not in _NAMES:
            raise invalid(f"Could not find member '{name}' on object of type 'Template'")
        if name.lower() in _EMPTY and value:
            raise invalid(f"the embedded Azure deploys no template with '{name}'")
    for name in ("$schema", "contentVersion"):
        if not template.get(name):
            raise invalid(f"Required property '{name}' not found in JSON")
    given = template.get("resources")
    if not isinstance(given, list) or not 0 < len(given) <= _MOST:
        raise invalid(f"'resources' are a list of 1 to {_MOST}")
    found = tuple(map(_resource, given))
    keys = [(each.type.lower(), tuple(map(str.lower, each.names))) for each in found]
    if len(set(keys)) != len(keys):
        raise invalid("a resource is defined multiple times in the template")
    return found


def _resource(given: Any) -> Resource:
    if not isinstance(given, Mapping):
        raise invalid("a resource is an object")
    told = {name: given.get(name) for name in ("type", "apiVersion", "name")}
    for name, value in told.items():
        if not isinstance(value, str) or not value:
            raise invalid(f"Required property '{name}' not found in a resource")
    if given.get("condition") not in (None, True):
        raise invalid("the embedded Azure deploys no resource on a condition")
    kind, names = literal(told["type"]), literal(told["name"]).split("/")
    if kind.count("/") != len(names) or not all(names):
        raise invalid(f"the name '{told['name']}' does not have as many segments as the type '{kind}'")
    body = Members({name: literal(value) for name, value in given.items() if name.lower() not in _OF_RESOURCE})
    return Resource(kind, literal(told["apiVersion"]), tuple(names), body)


def literal(value: Any) -> Any:
    """A value of a template without expressions, as it is meant.

    Raises:
        AzureError: 400 `InvalidTemplate`, there is an expression.
    """
    if isinstance(value, Mapping):
        meant = {name: literal(each) for name, each in value.items()}
        return Members(meant) if isinstance(value, Members) else meant
    if isinstance(value, list):
        return [literal(each) for each in value]
    if isinstance(value, str) and value.startswith("[["):
        return value[1:]
    if isinstance(value, str) and value.startswith("[") and value.endswith("]"):
        raise invalid(f"the embedded Azure evaluates no expressions: '{value[:80]}'")
    return value


def invalid(why: str) -> AzureError:
    """The refusal of a template."""
    return bad_request("InvalidTemplate", f"Deployment template validation failed: '{why}.'")
