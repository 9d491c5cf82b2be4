"""One setting of a stack's file by its key: what is there, what `Settings` takes it for, and the file with another.

A key is written as Pulumi writes paths, `clusters[0].maxNodes`; ours with or without `azmlflow:` before it. Of other
namespaces only what points the provider at a cloud is ours to set: the rest is its program's, and may be a secret, for
which a committed file is no place.
"""

from __future__ import annotations

import copy
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.project import StackFile
from azmlflow.cli.project.yaml_file import parse_value
from azmlflow.infra.settings import listing
from azmlflow.infra.settings.faults import nearest
from azmlflow.infra.settings.namespace import NAMESPACE
from azmlflow.infra.settings.settings import Settings

# Of the provider's own configuration; its other keys hold secrets, or are the engine's.
PROVIDER = ("azure-native:subscriptionId", "azure-native:tenantId", "azure-native:location")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")

Location = tuple[str | int, ...]


class NotThere(LookupError):
    """A list has no such entry, or a value nothing below it."""


@dataclass(frozen=True)
class Key:
    """A setting's key.

    Attributes:
        top: the key in the file's `config`, namespace included.
        below: the way from there.
        node: what the schema says of it; None where it is not a setting.
    """

    top: str
    below: Location
    node: listing.Node | None

    @property
    def text(self) -> str:
        """The key as it is typed."""
        first = self.top.removeprefix(f"{NAMESPACE}:")
        return listing.spelt((first, *self.below))

    def value(self, config: Mapping[str, Any]) -> Any:
        """What the file says.

        Raises:
            NotThere: nothing.
        """
        found: Any = config
        for part in (self.top, *self.below):
            if isinstance(found, str) and part in self.below:
                found = _from_text(found)
            try:
                found = found[part]
            except (KeyError, IndexError, TypeError):
                raise NotThere(self.text) from None
        return found

    def changed(self, config: Mapping[str, Any], value: Any) -> dict[str, Any]:
        """The configuration with another value.

        Raises:
            NotThere: a list has fewer entries than the key says.
        """
        found = copy.deepcopy(dict(config))
        way: Location = (self.top, *self.below)
        inside: Any = found
        for part, following in zip(way, (*way[1:], None), strict=True):
            there = part in inside if isinstance(inside, dict) else isinstance(part, int) and part < len(inside)
            if isinstance(inside, list) and not there and part != len(inside):
                raise NotThere(self.text)
            new = value
            if following is not None:
                old = inside[part] if there else None
                old = _from_text(old) if isinstance(old, str) else old
                kind = list if isinstance(following, int) else dict
                new = old if isinstance(old, kind) else kind()
            if isinstance(inside, list) and not there:
                inside.append(new)
            else:
                inside[part] = new
            inside = new
        return found

    def without(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration without it.

        Raises:
            NotThere: it is not there.
        """
        self.value(config)
        found = copy.deepcopy(dict(config))
        inside: Any = found
        for part in (self.top, *self.below)[:-1]:
            if isinstance(inside[part], str):
                inside[part] = _from_text(inside[part])
            inside = inside[part]
        del inside[(self.top, *self.below)[-1]]
        return found

    def read(self, text: str) -> Any:
        """A value that was typed, as the file is to hold it; whether it may be so, `Settings` says.

        Raises:
            CliError: it is not YAML, where the setting is a list or a map.
        """
        kind = (self.node or {}).get("type")
        if kind in ("array", "object"):
            return parse_value(text)
        if kind == "boolean" and text.strip().lower() in ("true", "false"):
            return text.strip().lower() == "true"
        if kind in ("integer", "number") and _NUMBER.fullmatch(text.strip()):
            return json.loads(text)
        return text


def find(text: str, *, known: bool = True) -> Key:
    """The key that was typed.

    Args:
        text: what was typed.
        known: it has to be one that there is.

    Raises:
        CliError: it is not a key, none of ours, or there is no such setting.
    """
    if text in PROVIDER:
        return Key(text, (), {"type": "string"})
    namespace, colon, rest = text.partition(":")
    if colon and namespace != NAMESPACE and re.fullmatch(r"[\w-]+", namespace):
        raise CliError(
            f"`{text}` is not azmlflow's to set: it may be a secret, and a stack's file is committed",
            next=f"export what the program or provider reads from the environment; ours are: {_all()}",
        )
    bare = rest if colon and namespace == NAMESPACE else text
    try:
        location = listing.located(bare)
    except ValueError as fault:
        raise CliError(str(fault), next="azmlflow get    (lists the settings)") from fault
    if not location:
        raise CliError(f"`{text}` is no key", next="azmlflow get    (lists the settings)")
    node = listing.node_at(Settings, location)
    if node is None and known:
        raise _unknown(location)
    return Key(f"{NAMESPACE}:{location[0]}", location[1:], node)


def default(key: Key) -> Any:
    """What a setting is where the file says nothing; None for nothing."""
    return (key.node or {}).get("default")


def refuse_wrong_id(key: Key, value: Any) -> None:
    """Azure's ids of subscriptions and tenants are GUIDs.

    Raises:
        CliError: it is none.
    """
    if key.top in PROVIDER[:2] and not _GUID.fullmatch(str(value)):
        raise CliError(
            f"`{value}` is not an id of a subscription or tenant (a GUID)", next="az account list --output table"
        )


def of_file(file: StackFile) -> list[str]:
    """All keys that can be typed for a stack: those of lists with the entries that are there, and the next one."""
    found = []
    for setting in listing.listed(Settings):
        keys = [setting.key]
        while any("[]" in each for each in keys):
            keys = [each.replace("[]", f"[{at}]", 1) for each in keys for at in range(_entries(file, each) + 1)]
        found += keys
    return [*found, *PROVIDER]


def _entries(file: StackFile, pattern: str) -> int:
    try:
        value = find(pattern.partition("[]")[0]).value(file.config)
    except (NotThere, CliError):
        return 0
    return len(value) if isinstance(value, list) else 0


def _unknown(location: Location) -> CliError:
    """The error for a setting that there is not; with the nearest that there is."""
    at = next(i for i in range(len(location)) if listing.node_at(Settings, location[: i + 1]) is None)
    known = listing.holder(Settings, location[: at + 1]).get("properties", {})
    what = f"there is no setting `{listing.spelt(location)}`"
    near = nearest(str(location[at]), known)
    if near:
        right = listing.spelt((*location[:at], near, *location[at + 1 :]))
        return CliError(f"{what}; did you mean {right}?", next=f"azmlflow get {shlex.quote(right)}")
    there = f"; there are: {', '.join(known)}" if known else ""
    return CliError(f"{what}{there}", next="azmlflow get")


def _all() -> str:
    return ", ".join(Settings.model_json_schema(by_alias=True)["properties"])


def _from_text(text: str) -> Any:
    """What a text of JSON holds, as Pulumi may have written a list or a map; the text itself where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text
