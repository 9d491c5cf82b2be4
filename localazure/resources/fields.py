"""Reading a request's body as ARM does: property names without case, wrong types refused.

What a kind does not pick is not lost: `bodies.whole` keeps it or refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.constants import REGIONS
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.ask import Ask

_TYPE_NAMES = {bool: "boolean", str: "string", int: "integer", dict: "object", list: "array"}


def pick(given: Mapping[str, Any], defaults: Mapping[str, Any], optional: Iterable[str] = ()) -> Document:
    """The writable properties of a body.

    Args:
        given: the body's properties.
        defaults: writable properties that always have a value; one of another type than its default is refused.
        optional: writable properties that appear only if given.

    Returns:
        Defaults overlaid with what was given; null counts as not given, read-only and unknown names are dropped.

    Raises:
        AzureError: 400 `InvalidRequestContent`, a value has the wrong type.
    """
    lowered = {name.lower(): value for name, value in given.items() if value is not None}
    found: Document = {}
    for name, default in defaults.items():
        value = lowered.get(name.lower(), default)
        if default is not None and not _same_type(value, default):
            raise wrong_type(name, value, _TYPE_NAMES.get(type(default), "value"))
        found[name] = value
    found.update({name: lowered[name.lower()] for name in optional if name.lower() in lowered})
    return found


def wrong_type(name: str, value: Any, expected: str) -> AzureError:
    """400 `InvalidRequestContent` for a property of the wrong type."""
    return bad_request(
        "InvalidRequestContent",
        "The request content was invalid and could not be deserialized: "
        f"'Error converting value {value!r} of property '{name}' to type '{expected}'.'",
        target=name,
    )


def require(given: Mapping[str, Any], names: Iterable[str], of: str = "") -> None:
    """Members that a body has to say.

    Args:
        given: the object they are members of.
        names: the members.
        of: what the object is, where its members are named with it: `credentials`.

    Raises:
        AzureError: 400 `InvalidRequestContent`, naming the first that is missing, or is null or empty.
    """
    for name in names:
        if given.get(name) in (None, ""):
            way = f"{of}.{name}" if of else name
            raise bad_request("InvalidRequestContent", f"The required property '{way}' is missing.", target=way)


def texts(name: str, given: Mapping[str, Any]) -> dict[str, str]:
    """The member `name`, an object of texts; null members count as not given, as with ARM's PATCH.

    A number or a boolean is taken for its text, as Azure's services do: azure-ai-ml gives a code's `hash_version` as a
    number and reads it back as a text.

    Raises:
        AzureError: 400 `InvalidRequestContent`, a value is an object or a list.
    """
    found = {key: value for key, value in given[name].items() if value is not None}
    for key, value in found.items():
        if not isinstance(value, str | int | float):
            raise wrong_type(f"{name}.{key}", value, "string")
    return {key: str(value) for key, value in found.items()}


def choice(name: str, value: Any, allowed: tuple[str, ...], code: str = "InvalidRequestPropertyValue") -> str:
    """The allowed spelling of a value, whatever its case; 400 `code` if it is none of them."""
    for each in allowed:
        if isinstance(value, str) and value.lower() == each.lower():
            return each
    raise bad_request(
        code,
        f"The value '{value}' is not a valid value for property '{name}'. The supported values are "
        f"'{','.join(allowed)}'.",
        target=name,
    )


def whole_number(name: str, value: Any, low: int, high: int, code: str) -> int:
    """An integer within bounds; 400 `code` otherwise."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise bad_request(
            code, f"The property '{name}' must be an integer from {low} to {high}; it is {value!r}.", target=name
        )
    return value


def location_required() -> AzureError:
    """400: what is made says nowhere where. Resource Manager's words, for each type that is tracked."""
    return bad_request("LocationRequired", "The location property is required for this definition.")


def envelope(ask: Ask, existing: Document | None, *, regions: tuple[str, ...] = REGIONS) -> Document:
    """Location and tags as most kinds answer them: tags are what the PUT says, the location never changes."""
    document: Document = {"tags": tags(ask)}
    if existing is not None and "location" in existing:
        document["location"] = existing["location"]
    elif regions:
        document["location"] = region(str(ask.body.get("location") or ""))
    return document


def tags(ask: Ask) -> dict[str, str]:
    """The body's tags; {} if absent.

    Raises:
        AzureError: 400, a tag that Azure refuses: at most 50, names to 512 characters without `<>%&\\?/`, values
            to 256.
    """
    return checked_tags(ask.body.get("tags"))


def checked_tags(given: Any) -> dict[str, str]:
    """As `tags`, of what a body has as its tags."""
    given = given or {}
    if not isinstance(given, dict):
        raise wrong_type("tags", given, "object")
    if len(given) > 50:
        raise bad_request("TooManyTags", "A resource can have at most 50 tags.", target="tags")
    for name, value in given.items():
        if not isinstance(value, str):
            raise wrong_type(f"tags.{name}", value, "string")
        if not name or len(name) > 512 or re.search(r"[<>%&\\?/]", name) or len(value) > 256:
            raise bad_request(
                "InvalidTagName", f"The tag '{name}' has an invalid name or too long a value.", target="tags"
            )
    return dict(given)


def region(text: str) -> str:
    """A region's name from what people write: `West Europe` is `westeurope`."""
    return text.replace(" ", "").lower()


def linked_id(name: str, value: Any, type_: str) -> str:
    """The id of another resource in a body.

    Raises:
        AzureError: 400 `LinkedInvalidPropertyId`, it is not the id of a resource of that type.
    """
    if (
        not isinstance(value, str)
        or re.fullmatch(
            rf"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/{re.escape(type_)}/[^/]+", value, re.IGNORECASE
        )
        is None
    ):
        raise bad_request(
            "LinkedInvalidPropertyId",
            f"Property id '{value}' at path 'properties.{name}' is invalid. Expect fully qualified resource Id that "
            "start "
            "with '/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/', "
            f"of type '{type_}'.",
            target=f"properties.{name}",
        )
    return value


def stamp(ask: Ask, before: Document | None) -> Document:
    """`systemData` of a resource that the request makes, or changes from `before`."""
    now, who = timestamp(ask.cloud.clock.now()), ask.caller.principal
    kind = "User" if who.kind == "User" else "Application"
    created = (before or {}).get("systemData") or {"createdBy": who.name, "createdByType": kind, "createdAt": now}
    return {**created, "lastModifiedBy": who.name, "lastModifiedByType": kind, "lastModifiedAt": now}


def _same_type(value: Any, default: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    return isinstance(value, (int, float) if isinstance(default, int | float) else type(default))
