"""Nothing of a body is dropped in silence: each member is in the resource that it makes, or the request is refused.

    in the resource      the kind has used it, or kept it; a text that is one of a few gets Azure's spelling
    not in it            Azure's API has it: it is kept, as it was said, and comes back
    said by Azure alone  a request may repeat it, and Azure does not look
    none of a few        an empty text where one of a few is wanted says nothing, as null does (azurerm's sharingScope)
    unknown              refused. Resource Manager does so beside `properties`; that providers do is inferred
    not said             refused, where Azure's specification requires it of an object inside of the body; of the
                         resource itself its kind asks for what it needs

An unknown text among a few is refused, with the code that Azure's providers share (InvalidRequestPropertyValue);
where a provider has a code of its own, its kind has refused it before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from azmlflow.localazure.bodies import vocabulary
from azmlflow.localazure.bodies.vocabulary import Member, Members
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.fields import choice, wrong_type


@dataclass(frozen=True)
class _Place:
    """Where in a body a value stands.

    Attributes:
        path: of names with full stops between; "" for the body.
        unread: paths, lower case, of what is used and never answered.
    """

    path: str = ""
    unread: Collection[str] = ()

    def within(self, name: str) -> _Place:
        return _Place(f"{self.path}.{name}" if self.path else name, self.unread)

    @property
    def is_unread(self) -> bool:
        return self.path.lower() in self.unread


def check_forms(type_: str, sent: Mapping[str, Any]) -> None:
    """Refuse a body in which something else stands where Azure has an object or a list, before its kind reads it.

    Args:
        type_: of the resource.
        sent: the body.

    Raises:
        AzureError: 400, naming the first of them.
    """
    _check_forms(vocabulary.of_type(type_) or {}, sent, "")


def _check_forms(members: Members, sent: Mapping[str, Any], path: str) -> None:
    for given, value in sent.items():
        member, where = members.get(given.lower()), f"{path}.{given}" if path else given
        if member is None or value is None or member.takes == "told":
            continue
        if member.listed and not isinstance(value, list):
            raise wrong_type(where, value, "array")
        if member.takes != "object":
            continue
        for each in value if member.listed else [value]:
            if not isinstance(each, Mapping):
                raise wrong_type(where, each, "object")
            if len(member.objects) == 1:  # which of several objects it is, its kind says
                _check_forms(vocabulary.of_object(member, each), each, where)


def complete(
    type_: str, sent: Mapping[str, Any], made: Document, before: Document | None, unread: Collection[str] = ()
) -> None:
    """Keep in a resource what its body says and its kind has left out.

    Args:
        type_: of the resource.
        sent: the body.
        made: what its kind has made of it; changed.
        before: the resource as it was: what stands in it already may be sent again.
        unread: paths of members, lower case, that the kind uses and never answers: `properties.createmode`.

    Raises:
        AzureError: 400, a member is unknown or has the wrong type, or a text is none of those that it may be.
    """
    members = vocabulary.of_type(type_)
    if members is not None:
        _complete(members, sent, made, before or {}, _Place(unread=unread))
        _check_said(members, sent, "")


def _check_said(members: Members, sent: Mapping[str, Any], path: str) -> None:
    """Refuse an object inside of a body that lacks what Azure requires of it.

    Raises:
        AzureError: 400 `InvalidRequestContent`, naming the first such member.
    """
    said = {given.lower(): value for given, value in sent.items() if value is not None}
    for name, member in members.items():
        where = f"{path}.{member.name}" if path else member.name
        if member.must and name not in said:
            raise bad_request("InvalidRequestContent", f"The required property '{where}' is missing.", target=where)
        if member.takes != "object" or name not in said:
            continue
        for each in said[name] if member.listed else [said[name]]:
            inside = vocabulary.one_of(member, each)
            if inside is not None and isinstance(each, Mapping):
                _check_said(inside, each, where)


def require(type_: str, sent: Mapping[str, Any], used: Document) -> None:
    """Refuse what a body says and nothing here keeps.

    Args:
        type_: of the resource.
        sent: the body.
        used: of it what is used or kept.

    Raises:
        AzureError: as `complete`, and 400 `UserError` for what Azure has and the embedded Azure has not.
    """
    members = vocabulary.of_type(type_)
    if members is None:
        return
    made = {name: dict(value) if isinstance(value, dict) else value for name, value in used.items()}
    _complete(members, sent, made, {}, _Place())
    for name, value in (made.get("properties") or {}).items():
        if name not in (used.get("properties") or {}) and value not in ({}, []):
            raise bad_request("UserError", f"The embedded Azure does nothing with '{name}'.", target=name)


def _complete(members: Members, sent: Mapping[str, Any], made: Document, before: Any, place: _Place) -> None:
    names = {name.lower(): name for name in made}
    stood = {str(name).lower() for name in before} if isinstance(before, Mapping) else set()
    for given, value in sent.items():
        lowered, where = given.lower(), place.within(given)
        member, here = members.get(lowered), names.get(lowered)
        if value is None or (value == "" and member is not None and member.takes == "text"):
            continue
        if member is None:
            if lowered not in stood:
                raise _unknown(given, where.path)
            continue
        if where.is_unread:
            _kept(member, value, _Place(where.path))
            continue
        if member.takes == "told":
            continue
        inside = before.get(here or member.name) if isinstance(before, Mapping) else None
        name = here or member.name
        if here is None or made[here] is None:
            made[name] = _kept(member, value, where)
        else:
            made[name] = _spelt(member, value, made[here], inside, where)


def _kept(member: Member, value: Any, where: _Place) -> Any:
    """A value that its kind has left out, as it is kept."""
    if member.listed:
        if not isinstance(value, list):
            raise wrong_type(where.path, value, "array")
        return [_kept_one(member, each, where) for each in value]
    return _kept_one(member, value, where)


def _kept_one(member: Member, value: Any, where: _Place) -> Any:
    _check(member, value, where.path)
    if member.takes == "object":
        made: Document = {}
        _complete(vocabulary.of_object(member, value), value, made, {}, where)
        return made
    return _text(member, value, where.path) if member.takes in ("text", "constant") else value


def _spelt(member: Member, value: Any, made: Any, before: Any, where: _Place) -> Any:
    """A value that its kind has kept or used, with what it has left out of it, in Azure's spelling."""
    if member.listed:
        if not isinstance(value, list):
            raise wrong_type(where.path, value, "array")
        same = isinstance(made, list) and len(made) == len(value)
        old = before if isinstance(before, list) and len(before) == len(value) else [None] * len(value)
        pairs: Iterable[tuple[Any, Any, Any]] = zip(value, made, old, strict=True) if same else ()
        found = [_spelt_one(member, *each, where) for each in pairs]
        return found if same else made
    return _spelt_one(member, value, made, before, where)


def _spelt_one(member: Member, value: Any, made: Any, before: Any, where: _Place) -> Any:
    _check(member, value, where.path)
    if member.takes == "object" and isinstance(made, dict):
        found = dict(made)
        _complete(vocabulary.of_object(member, made, value), value, found, before, where)
        return found
    if member.takes == "map" and made == {} and value:
        return dict(value)
    if member.takes in ("text", "constant"):
        text = _text(member, value, where.path)
        return text if isinstance(made, str) and made.lower() == str(value).lower() else made
    return made


def _text(member: Member, value: str, where: str) -> str:
    """One of the texts that a member may be, or some of them with commas between, as flags are written."""
    known = {_squeezed(each): each for each in member.texts}
    if _squeezed(value) in known:
        return known[_squeezed(value)]
    parts = [known.get(_squeezed(each)) for each in value.split(",")]
    if len(parts) > 1 and None not in parts:
        return ", ".join(str(each) for each in parts)
    return choice(where, value, member.texts)


def _squeezed(text: str) -> str:
    return text.replace(" ", "").lower()


def _check(member: Member, value: Any, where: str) -> None:
    match member.takes:
        case "string" | "text" | "constant":
            fits, expected = isinstance(value, str), "string"
        case "boolean":
            fits, expected = isinstance(value, bool) or str(value).lower() in ("true", "false"), "boolean"
        case "integer" | "number":
            fits, expected = isinstance(value, int | float) and not isinstance(value, bool), member.takes
        case "object" | "map":
            fits, expected = isinstance(value, Mapping), "object"
        case _:
            return
    if not fits:
        raise wrong_type(where, value, expected)


def _unknown(name: str, where: str) -> AzureError:
    return bad_request(
        "InvalidRequestContent",
        "The request content was invalid and could not be deserialized: "
        f"'Could not find member '{name}' on object of type 'ResourceDefinition'. Path '{where}'.'",
        target=where,
    )
