"""Azure Resource Manager ids and the scopes that they form.

The grammar (Microsoft, "Understand scope for Azure RBAC"); names are case-insensitive, segments are whole:

    scope        = "/" | management-group | subscription | group | resource
    management-group = "/providers/Microsoft.Management/managementGroups/" name
    subscription = "/subscriptions/" id
    group        = subscription "/resourceGroups/" name
    resource     = (any scope above | resource) "/providers/" namespace 1*("/" type "/" name)

A resource under a resource (`.../workspaces/ws/providers/Microsoft.Authorization/roleAssignments/x`) extends it. A
management group is above its subscriptions, but no id says which: that has to be read from Azure (`evaluate.Facts`).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

ROOT = "/"
MANAGEMENT_GROUPS = "/providers/Microsoft.Management/managementGroups"

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# Types and namespaces are plain words; a name may hold anything but the characters that end a path's segment.
_NAMESPACE = re.compile(r"[A-Za-z][A-Za-z0-9.]*")
_TYPE = re.compile(r"[A-Za-z$][A-Za-z0-9_.$-]*")


class InvalidScope(ValueError):
    """A text that is not an Azure resource id; the message says which part and what was expected."""


def is_guid(text: str) -> bool:
    """Whether a text is a GUID, such as a subscription id or a principal's object id."""
    return _GUID.fullmatch(text) is not None


@dataclass(frozen=True)
class ResourceId:
    """A resource id taken apart.

    Attributes:
        id: the whole id, one leading slash, none at the end; case as given.
        subscription: the subscription's id, or None above subscriptions.
        resource_group: the resource group's name, or None outside groups.
        namespace: resource provider of the innermost resource, `Microsoft.MachineLearningServices`; None for a scope
            without resource.
        types: its type segments, `("workspaces", "computes")`.
        names: its name segments, one for each type.
        scope: what the innermost `/providers/` stands on: the group, subscription or the resource that it extends.
    """

    id: str
    subscription: str | None
    resource_group: str | None
    namespace: str | None
    types: tuple[str, ...]
    names: tuple[str, ...]
    scope: str

    @property
    def type(self) -> str | None:
        """The full type, `Microsoft.MachineLearningServices/workspaces/computes`; None without resource."""
        return None if self.namespace is None else "/".join((self.namespace, *self.types))

    @property
    def name(self) -> str:
        """The last segment: the resource's, group's or subscription's own name; empty for the root."""
        return self.id.rpartition("/")[2]


def subscription_id(subscription: str) -> str:
    """The scope of a subscription."""
    return f"/subscriptions/{subscription}"


def resource_group_id(subscription: str, resource_group: str) -> str:
    """The scope of a resource group."""
    return f"{subscription_id(subscription)}/resourceGroups/{resource_group}"


def resource_id(subscription: str, resource_group: str, type_: str, *names: str) -> str:
    """The id of a resource in a group.

    Args:
        subscription: subscription id.
        resource_group: the group's name.
        type_: full type, `Microsoft.MachineLearningServices/workspaces/computes`.
        names: one name for each type segment.

    Raises:
        InvalidScope: the numbers of names and of type segments differ.
    """
    return extension_id(resource_group_id(subscription, resource_group), type_, *names)


def extension_id(scope: str, type_: str, *names: str) -> str:
    """The id of a resource that stands on any scope, such as a role assignment.

    Raises:
        InvalidScope: the numbers of names and of type segments differ.
    """
    namespace, *types = type_.split("/")
    if not types or len(types) != len(names):
        raise InvalidScope(f"{type_} takes {len(types)} name(s), not {len(names)}: {', '.join(names) or 'none'}")
    pairs = "".join(f"/{kind}/{name}" for kind, name in zip(types, names, strict=True))
    return f"{normalise(scope).rstrip('/')}/providers/{namespace}{pairs}"


def normalise(scope: str) -> str:
    """A scope with one leading slash and none at the end; case is kept, since Azure answers with the case given."""
    return "/" + scope.strip("/")


def parse(id_: str) -> ResourceId:
    """Take a resource id apart.

    Raises:
        InvalidScope: the text does not follow the grammar above.
    """
    whole = normalise(id_)
    segments = whole[1:].split("/") if whole != ROOT else []
    if any(not segment for segment in segments):
        raise InvalidScope(f"'{id_}' is not an Azure resource id: it has an empty segment")
    rest = segments
    subscription = resource_group = None
    if rest and rest[0].lower() == "subscriptions":
        if len(rest) < 2:
            raise InvalidScope(f"'{id_}' is not an Azure resource id: the subscription's id is missing")
        subscription, rest = rest[1], rest[2:]
        if rest and rest[0].lower() == "resourcegroups":
            if len(rest) < 2:
                raise InvalidScope(f"'{id_}' is not an Azure resource id: the resource group's name is missing")
            resource_group, rest = rest[1], rest[2:]
    namespace: str | None = None
    types: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    scope = whole
    while rest:
        scope = normalise("/".join(segments[: len(segments) - len(rest)]))
        namespace, types, names, rest = _provider(id_, rest)
    return ResourceId(whole, subscription, resource_group, namespace, types, names, scope)


def _provider(id_: str, rest: list[str]) -> tuple[str, tuple[str, ...], tuple[str, ...], list[str]]:
    """One `providers/namespace/type/name...` from the front of the segments, and what follows it."""
    if rest[0].lower() != "providers" or len(rest) < 2 or not _NAMESPACE.fullmatch(rest[1]):
        raise InvalidScope(f"'{id_}' is not an Azure resource id: expected '/providers/NAMESPACE' at '/{rest[0]}'")
    end = next((at for at in range(2, len(rest), 2) if rest[at].lower() == "providers"), len(rest))
    pairs = rest[2:end]
    if not pairs or len(pairs) % 2 or not all(_TYPE.fullmatch(kind) for kind in pairs[::2]):
        raise InvalidScope(f"'{id_}' is not an Azure resource id: '{rest[1]}' is not followed by TYPE/NAME pairs")
    return rest[1], tuple(pairs[::2]), tuple(pairs[1::2]), rest[end:]


def contains(outer: str, inner: str) -> bool:
    """Whether `outer` is `inner` or above it, by whole segments, in any case: `rg1` does not contain `rg10`."""
    return key(outer) in prefixes(inner)


def key(scope: str) -> str:
    """The form of a scope under which it is compared: normalised, lower case."""
    return normalise(scope).lower()


@functools.lru_cache(maxsize=4096)
def prefixes(scope: str) -> tuple[str, ...]:
    """The keys of a scope and of every whole-segment prefix, longest first, the root last.

    Every scope above one is such a prefix (not every prefix is a scope, but then nothing can be assigned there).
    """
    segments = key(scope)[1:].split("/") if normalise(scope) != ROOT else []
    return (*("/" + "/".join(segments[:end]) for end in range(len(segments), 0, -1)), ROOT)
