"""The members of Azure's resources, as its API has them: `data/members.json`, which says how it is written.

Drawn from Microsoft's specifications by `scripts/azure_members.py`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

_FILE = Path(__file__).parent.parent / "data" / "members.json"
_PLAIN = ("string", "boolean", "integer", "number", "map", "any", "told")


@dataclass(frozen=True)
class Member:
    """A member of an object.

    Attributes:
        name: as Azure spells it.
        takes: a plain word (`string`, `boolean`, `integer`, `number`, `map`, `any`), `told` of what only Azure says,
            `text` for one of `texts`, `object` for one of `objects`.
        texts: the texts that it may be.
        objects: names of the objects that it may be.
        listed: whether it is a list of those.
        must: whether the object that it is a member of cannot be without it.
    """

    name: str
    takes: str
    texts: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    listed: bool = False
    must: bool = False


Members = Mapping[str, Member]  # by name in lower case


def of_type(type_: str) -> Members | None:
    """The members of a resource's body; None for a type whose members are not known here."""
    return _objects().get(type_.lower())


def of_object(member: Member, *told: Any) -> Members:
    """The members of what a member is.

    Args:
        member: an object.
        told: what is said of it; the constants in it tell which of several objects is meant. If they do not, it may
            have the members of each.
    """
    several = [_objects()[name.lower()] for name in member.objects]
    for given in told:
        meant = [each for each in several if _fits(each, given)]
        if len(meant) == 1:
            return meant[0]
    return {name: each for members in several for name, each in members.items()}


def one_of(member: Member, told: Any) -> Members | None:
    """The members of the one object that is meant by what is said; None if that does not tell."""
    several = [_objects()[name.lower()] for name in member.objects]
    meant = several if len(several) == 1 else [each for each in several if _fits(each, told)]
    return meant[0] if len(meant) == 1 else None


def _fits(members: Members, told: Any) -> bool:
    if not isinstance(told, Mapping):
        return False
    said = {str(name).lower(): str(value).lower() for name, value in told.items()}
    constants = {name: each.texts[0].lower() for name, each in members.items() if each.takes == "constant"}
    return bool(constants) and all(said.get(name) == value for name, value in constants.items())


@functools.cache
def _objects() -> Mapping[str, Members]:
    read: dict[str, dict[str, str]] = json.loads(_FILE.read_text(encoding="utf-8"))
    return MappingProxyType(
        {
            name.lower(): MappingProxyType({each.lower(): _member(each, takes) for each, takes in members.items()})
            for name, members in read.items()
        }
    )


def _member(name: str, written: str) -> Member:
    must, listed = written.endswith("!"), written.startswith("[")
    takes = written.removesuffix("!").strip("[]")
    if takes.startswith("="):
        return Member(name, "text", texts=tuple(takes[1:].split("|")), listed=listed, must=must)
    if takes.startswith("'"):
        return Member(name, "constant", texts=(takes.strip("'"),), must=must)
    if takes in _PLAIN:
        return Member(name, takes, listed=listed, must=must)
    objects = tuple(each for each in takes.split("|") if each not in _PLAIN)
    takes = "object" if len(objects) == takes.count("|") + 1 else "any"
    return Member(name, takes, objects=objects, listed=listed, must=must)
