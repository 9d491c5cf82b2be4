"""Reading the objects of a job's body: each member is known and of its type; null counts as not said.

Azure refuses what has the wrong type ("Error converting value") and cannot be asked what it makes of a member that its
models do not have. Here that is refused (inferred): what is not understood is not left out in silence.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from azmlflow.localazure.core import service_limits as limits
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.service_limits import OverLimit, Pairs
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.fields import wrong_type

CODE = "UserError"


def refused(where: str, why: str) -> AzureError:
    """400 for a member that is understood and cannot be had.

    Args:
        where: the member's path, `resources.instanceCount`.
        why: a sentence.
    """
    return bad_request(CODE, why, target=where)


def members(where: str, value: Any, known: Collection[str]) -> Document:
    """An object's members that are said, under the names that Azure's models have for them.

    Args:
        where: its path in the body; "" for the job itself.
        value: what was sent.
        known: the names that it may have; their case does not matter in a request.

    Raises:
        AzureError: 400, it is not an object, or a member is unknown.
    """
    if not isinstance(value, Mapping):
        raise wrong_type(where, value, "object")
    spelt = {name.lower(): name for name in known}
    found: Document = {}
    for name, each in value.items():
        path = f"{where}.{name}" if where else str(name)
        meant = spelt.get(str(name).lower())
        if meant is None:
            raise bad_request(
                "InvalidRequestContent",
                "The request content was invalid and could not be deserialized: "
                f"'Could not find member '{name}' on object{f' of property {where!r}' if where else ''}.'",
                target=path,
            )
        if each is not None:
            found[meant] = each
    return found


def named(where: str, value: Any) -> dict[str, Any]:
    """An object whose members' names are the user's own.

    Raises:
        AzureError: 400, it is not an object.
    """
    if not isinstance(value, Mapping):
        raise wrong_type(where, value, "object")
    return dict(value)


def text(where: str, value: Any) -> str:
    """A text that a process and a database can take.

    Raises:
        AzureError: 400, it is none.
    """
    if not isinstance(value, str):
        raise wrong_type(where, value, "string")
    if "\0" in value or (not value.isprintable() and any("\ud800" <= each <= "\udfff" for each in value)):
        raise refused(where, f"The value of '{where}' has characters that no text can have.")
    return value


def texts(where: str, value: Any, pairs: Pairs | None = None) -> dict[str, str]:
    """An object of texts, within the service's limits; null members count as not said.

    Raises:
        AzureError: 400.
    """
    given = named(where, value)
    found = {
        text(f"{where}.{name}", name): text(f"{where}.{name}", each) for name, each in given.items() if each is not None
    }
    if pairs is not None:
        try:
            pairs.count.check(len(found))
            pairs.check(found.items())
        except OverLimit as over:
            raise bad_request("ValidationError", str(over), target=where) from over
    return found


def flag(where: str, value: Any) -> bool:
    """A boolean.

    Raises:
        AzureError: 400, it is none.
    """
    if not isinstance(value, bool):
        raise wrong_type(where, value, "boolean")
    return value


def within(where: str, value: str, limit: limits.Limit) -> str:
    """A text within one of the service's limits.

    Raises:
        AzureError: 400, it is longer.
    """
    try:
        limit.check(len(value))
    except OverLimit as over:
        raise bad_request("ValidationError", str(over), target=where) from over
    return value
