"""Pulumi's property values as plain Python and back.

Plain means None, bool, int, float, str, list, dict, and `UNKNOWN` for what a preview cannot know yet.
Secrets never get here: the plugin tells the engine that it does not take them, so the engine sends the bare
value and marks what comes back under the same name as secret again (its `annotateSecrets`, nested too).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue, PropertyValueType
from pulumi.runtime import rpc

from azmlflow.localazure.plugin.schema.unknown import UNKNOWN

# How the engine writes "not known yet" on the wire: one constant per type, this one for strings, and these for
# the others (pulumi sdk/go/common/resource/plugin/rpc.go).
_UNKNOWN_SENTINELS = frozenset(
    (
        rpc.UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    )
)


class UnsupportedValue(Exception):
    """A value that no Azure resource served here can take, e.g. an asset."""


def plain(value: PropertyValue) -> Any:
    """A property value as plain Python; whole numbers become ints, as ARM writes them.

    Raises:
        UnsupportedValue: for an asset, an archive or a resource reference.
    """
    content: Any = value.value
    match value.type:
        case PropertyValueType.COMPUTED:
            return UNKNOWN
        case PropertyValueType.STRING:
            return UNKNOWN if content in _UNKNOWN_SENTINELS else content
        case PropertyValueType.NUMBER:
            return int(content) if content.is_integer() else content
        case PropertyValueType.ARRAY:
            return [plain(item) for item in content]
        case PropertyValueType.MAP:
            return plain_map(content)
        case PropertyValueType.NULL | PropertyValueType.BOOL:
            return content
    raise UnsupportedValue(f"a value of type {value.type.value} cannot be sent to Azure")


def plain_map(values: Mapping[str, PropertyValue]) -> dict[str, Any]:
    """A map of property values as plain Python, without its nulls: to the engine null and absent are the same."""
    return {name: plain(value) for name, value in values.items() if value.type is not PropertyValueType.NULL}


def wrap(value: Any) -> PropertyValue:
    """Plain Python as a property value."""
    if value is UNKNOWN:
        return PropertyValue(rpc.UNKNOWN)  # the base cannot marshal its own Computed
    if isinstance(value, Mapping):
        return PropertyValue(wrap_map(value))
    if isinstance(value, list | tuple):
        return PropertyValue([wrap(item) for item in value])
    if isinstance(value, int) and not isinstance(value, bool):
        return PropertyValue(float(value))
    return PropertyValue(value)


def wrap_map(values: Mapping[str, Any]) -> dict[str, PropertyValue]:
    """A map of plain Python as property values."""
    return {name: wrap(value) for name, value in values.items()}


def has_unknown(value: Any) -> bool:
    """Whether `UNKNOWN` is anywhere in a plain value."""
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(has_unknown(item) for item in value)
    return value is UNKNOWN
