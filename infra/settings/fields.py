"""What the settings' models have in common: their base, the types of their values, and the mark of what `init` offers.

A setting is a field: its type with bounds, its default, a description for people, examples. That `azmlflow init` has an
option for it is said at the field as well:

    location: Annotated[str, Offered("Azure region")] = Field("westeurope", description="Azure region of ...")

And where Azure takes it as it is, so that nobody else has to know the setting: the component that declares its group,
the one that takes a resource over, and the one that looks at what stands, go over these marks:

    max_nodes: Annotated[int, Sent("scaleSettings.maxNodeCount")] = Field(4, description="Most nodes at a time.")
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel, to_snake

from azmlflow.infra.plan import tags
from azmlflow.infra.plan.changes import at
from azmlflow.infra.settings.faults import refuse
from azmlflow.rbac import scopes
from azmlflow.resourcetypes.bounds import IDENTITY_ID

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?")


class SettingsModel(BaseModel):
    """A group of settings: frozen, keys in camel case, unknown ones refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, coerce_numbers_to_str=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_word_for_a_number(cls, value: object, info: ValidationInfo) -> object:
        annotation = cls.model_fields[str(info.field_name)].annotation
        if isinstance(value, bool) and int in (annotation, *get_args(annotation)):
            raise refuse(f"should be a whole number (it is {str(value).lower()})", "1")
        return value


@dataclass(frozen=True)
class Offered:
    """The mark of a setting that `azmlflow init` has an option for.

    Attributes:
        question: what `init` asks on a terminal where the option is not given; empty: it does not ask.
        option: the option's name, else the field's in kebab case.
        parts: of a list of models: the fields that one text `A[:B[:C]]` gives, by their names.
    """

    question: str = ""
    option: str = ""
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sent:
    """The mark of a setting that Azure takes as it is.

    Attributes:
        path: where, in the properties of what its group is of, in Azure's words: `scaleSettings.minNodeCount`.
        unit: of a time, which Azure takes as a duration of ISO 8601: S for seconds, M for minutes.
        fixed: whether Azure changes it in nothing that stands.
        of: the part of a workspace whose property it is, by the end of its logical name (`logs`); empty: what its group
            is of.
    """

    path: str
    unit: Literal["", "S", "M"] = ""
    fixed: bool = False
    of: str = ""

    def write(self, value: Any) -> Any:
        """A setting's value as Azure takes it."""
        return f"PT{value}{self.unit}" if self.unit else value

    def read(self, value: Any) -> Any:
        """Azure's value as the setting has it; None for none, and for a time that is not a whole number."""
        return whole_units(value, {"S": 1, "M": 60}[self.unit]) if self.unit else value


def whole_units(duration: object, seconds: int) -> int | None:
    """How many times so many seconds a duration of ISO 8601 is, which has several words for one length; None for one
    that is none, has no length of its own (a month), is not a whole number of them, or is nought."""
    found = _DURATION.fullmatch(str(duration or ""))
    days, hours, minutes, rest = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
    whole, over = divmod(((days * 24 + hours) * 60 + minutes) * 60 + rest, seconds)
    return whole or None if not over else None


@functools.cache
def marked(model: type[BaseModel]) -> Mapping[str, Sent]:
    """The settings of a group that Azure takes as they are, by their fields' names."""
    each = ((name, mark) for name, field in model.model_fields.items() for mark in field.metadata)
    return {name: mark for name, mark in each if isinstance(mark, Sent)}


def sent(settings: BaseModel, of: str = "") -> dict[str, Any]:
    """What Azure takes of a group as it is, as arguments of azure-native's class: what is below them is in Azure's
    words. What is not said is left out.

    Args:
        settings: the group.
        of: the part of a workspace that it is for; empty: what the group itself is of.
    """
    found: dict[str, Any] = {}
    for name, mark in marked(type(settings)).items():
        if mark.of == of and (value := getattr(settings, name)) is not None:
            first, *others = mark.path.split(".")
            within, last = found, to_snake(first)
            for other in others:
                within, last = within.setdefault(last, {}), other
            within[last] = mark.write(value)
    return found


def sent_to_parts(settings: BaseModel) -> dict[str, dict[str, Any]]:
    """The same of each part of a workspace."""
    parts = dict.fromkeys(mark.of for mark in marked(type(settings)).values() if mark.of)
    return {part: sent(settings, part) for part in parts}


def told(model: type[BaseModel], properties: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a group, by their keys, of something that stands; None for what Azure does not say."""
    return {
        str(model.model_fields[name].alias): mark.read(at(properties, mark.path))
        for name, mark in marked(model).items()
    }


def _guid(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value):
        return str(UUID(value))
    raise refuse(f"{value!r} is not an object id (a GUID); `azmlflow grant NAME PERSONA` finds a name's object id")


def _day(value: object) -> object:
    if value is None or type(value) is date:
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise refuse(f"{value!r} is not a day such as 2027-01-31") from None


def _instant(value: object) -> object:
    found = value if isinstance(value, datetime) else tags.read_instant(str(value)) if value is not None else None
    if value is not None and found is None:
        raise refuse(f"{value!r} is not a moment such as 2027-01-31T12:00:00Z")
    return tags.read_instant(found.isoformat()) if found else None


def arm_id(azure_type: str) -> BeforeValidator:
    """The mark of a setting that is the ARM id of a resource of a type in a group: it is kept in Azure's spelling."""

    return BeforeValidator(lambda value: None if value is None else read_arm_id(azure_type, value))


def read_arm_id(azure_type: str, value: object) -> str:
    """The ARM id of a resource of a type in a group, in Azure's spelling.

    Raises:
        PydanticCustomError: the value is no such id, or one of another type.
    """
    try:
        found = scopes.parse(value if isinstance(value, str) else "")
    except scopes.InvalidScope:
        found = None
    if found is None or not (found.type and found.subscription and found.resource_group):
        raise refuse(f"{value!r} is not the ARM id of a resource")
    if found.type.lower() != azure_type.lower():
        raise refuse(f"{value!r} is a {found.type}, not a {azure_type}")
    return scopes.resource_id(found.subscription, found.resource_group, azure_type, *found.names)


def _tags(value: Mapping[str, str]) -> Mapping[str, str]:
    for name, text in value.items():
        if wrong := tags.check(name, text):
            raise refuse(f"the tag '{name}' {wrong}")
    if len(value) > tags.MOST_TAGS:
        raise refuse(f"{len(value)} tags are more than the {tags.MOST_TAGS} that Azure leaves beside our own")
    return value


def _identities(value: Mapping[str, str]) -> Mapping[str, str]:
    for id_ in value:
        if not re.fullmatch(IDENTITY_ID, id_, re.IGNORECASE):
            raise refuse(f"'{id_}' is not the ARM id of a user-assigned identity")
    if len({id_.lower() for id_ in value}) < len(value):
        raise refuse("an identity is there twice; Azure's ids ignore case")
    return value


Tags = Annotated[Mapping[str, str], AfterValidator(_tags), Field(examples=[{"team": "ml"}])]
# A GUID in Azure's spelling, 8-4-4-4-12 in lower case.
ObjectId = Annotated[str, BeforeValidator(_guid)]
# User-assigned identities: the ARM id of each, and its object id.
Identities = Annotated[Mapping[str, ObjectId], AfterValidator(_identities)]
# As YAML reads them, or as the engine passes them.
Day = Annotated[date | None, BeforeValidator(_day)]
Instant = Annotated[datetime | None, BeforeValidator(_instant)]
