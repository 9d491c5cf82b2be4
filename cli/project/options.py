"""The options and questions of `azmlflow init`, and the list in its help: made from the fields of the settings' model.

A field marked `Offered` has an option: a choice where its values are few, a flag where it is true or false, a text
otherwise; what a text may be, the settings say when they are read. A list of models takes the option many times, each a
text such as `cpu:Standard_DS3_v2:4`. In a group of settings the option is named by the way to it: `--network-mode`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from azmlflow.infra.settings.faults import SettingsError
from azmlflow.infra.settings.fields import Offered
from azmlflow.infra.settings.listing import listed
from azmlflow.infra.settings.namespace import NAMESPACE
from azmlflow.infra.settings.reading import read


@dataclass(frozen=True)
class Offer:
    """One option of `init`.

    Attributes:
        path: keys that lead to the setting.
        name: the option's name, without dashes.
        field: the setting.
        mark: what it says of its option.
    """

    path: tuple[str, ...]
    name: str
    field: FieldInfo
    mark: Offered

    @property
    def parameter(self) -> str:
        """The argument that click passes its value as."""
        return "_".join(self.path)

    @property
    def choices(self) -> tuple[str, ...]:
        """The values, where they are few."""
        annotation = self.field.annotation
        return get_args(annotation) if get_origin(annotation) is Literal else ()

    def option(self) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """It, for click."""
        help_, many = self.field.description or "", bool(self.mark.parts)
        if self.field.annotation is bool:
            return click.option(f"--{self.name}/--no-{self.name}", self.parameter, default=None, help=help_)
        if many:
            help_ = f"{help_.rstrip('.')}; may be repeated."
        type_ = click.Choice(self.choices) if self.choices else click.STRING
        metavar = "[:".join(part.upper() for part in self.mark.parts) + "]" * (len(self.mark.parts) - 1)
        return click.option(
            f"--{self.name}", self.parameter, type=type_, metavar=metavar or None, multiple=many, help=help_
        )

    def ask(self, model: type[BaseModel], default: Any) -> Any:
        """Ask on the terminal, and again where the answer cannot be the setting's; an empty one is the default."""
        if self.choices:
            return click.prompt(self.mark.question, type=click.Choice(self.choices), default=default, err=True)

        def checked(text: Any) -> Any:
            value = text
            for key in reversed(self.path[1:]):
                value = {key: value}
            try:
                read(model, {f"{NAMESPACE}:{self.path[0]}": value})
            except SettingsError as found:
                for fault in found.faults:
                    if fault.key == f"{NAMESPACE}:{'.'.join(self.path)}":
                        raise click.UsageError(fault.what) from None
            return text

        return click.prompt(self.mark.question, default=default, err=True, value_proc=checked)

    def read(self, given: Any) -> Any:
        """What the settings file is to hold for what click passes.

        Raises:
            click.BadParameter: a part of a text that is to be a number is none.
        """
        return [self._item(text) for text in given] if self.mark.parts else given

    def _item(self, text: str) -> dict[str, Any]:
        (model, *_) = get_args(self.field.annotation)
        found: dict[str, Any] = {}
        for name, word in zip(self.mark.parts, text.split(":", len(self.mark.parts) - 1), strict=False):
            field = model.model_fields[name]
            if field.annotation is int and word and not word.isdigit():
                raise click.BadParameter(f"`{word}` is not a number for {field.alias}", param_hint=f"--{self.name}")
            if word:
                found[field.alias] = int(word) if field.annotation is int else word
        return found


def offers(model: type[BaseModel], above: tuple[str, ...] = (), prefix: str = "") -> Iterator[Offer]:
    """What a model's fields offer, in their order, those of its groups included."""
    for name, field in model.model_fields.items():
        path, word = (*above, field.alias or name), f"{prefix}{name.replace('_', '-')}"
        for mark in (each for each in field.metadata if isinstance(each, Offered)):
            yield Offer(path, mark.option or word, field, mark)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from offers(field.annotation, path, f"{word}-")


def offered(model: type[BaseModel]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options of a model."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for offer in reversed(tuple(offers(model))):
            command = offer.option()(command)
        return command

    return add


def chosen(
    model: type[BaseModel], given: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The settings that options and answers say, as the settings file holds them.

    Args:
        model: the settings' model.
        given: what click passes for the options of `offered(model)`.
        defaults: the answers that questions propose where the field's default is not it; None: nothing is asked.

    Raises:
        click.BadParameter: an option's text cannot be read.
    """
    found: dict[str, Any] = {}
    for offer in offers(model):
        value = given[offer.parameter]
        if value in (None, ()) and defaults is not None and offer.mark.question:
            value = offer.ask(model, defaults.get(offer.parameter, offer.field.default))
        if value in (None, ()):
            continue
        group = found
        for key in offer.path[:-1]:
            group = group.setdefault(key, {})
        group[offer.path[-1]] = offer.read(value)
    return found


def describe(model: type[BaseModel], formatter: click.HelpFormatter) -> None:
    """Write every setting into a help text: key, what it is for, what it may be, its default."""
    rows = []
    for setting in listed(model):
        said = "required" if setting.default is None else f"default: {setting.default}" if setting.default else ""
        rows.append((setting.key, f"{setting.line}  [{'; '.join(filter(None, (setting.type, said)))}]"))
    with formatter.section(f"Settings, in Pulumi.<stack>.yaml as {NAMESPACE}:KEY"):
        formatter.write_dl(rows)
