"""The table of the Azure resource types that azmlflow declares, reads or removes (`types.json`).

One entry a type, under the name that Azure Resource Manager gives it. The api-version of an entry is the only one that
azmlflow sends for the type: what pulumi_azure_native sends for its tokens, so that a program, the plugin and the
commands see the same resource. A test holds each against what Azure lists (`localazure/data/api-versions.json`).

Requests that are not about one resource have entries too, named as Azure's providers name them: a list of soft-deleted
vaults is `Microsoft.KeyVault/deletedVaults`, a question about a name `Microsoft.Storage/checkNameAvailability`, and
what Resource Manager answers itself is `Microsoft.Resources/subscriptions` and its like. Azure ignores the case of
types, and so does the table.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

GROUP_PROVIDERS = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/"


class UnknownType(LookupError):
    """A resource type that the table does not have."""


@dataclass(frozen=True)
class ResourceType:
    """One type of Azure's resources.

    Attributes:
        name: `Microsoft.Storage/storageAccounts`.
        api_version: the one that azmlflow sends.
        paths: Pulumi's type token -> path template from the root, for types that a program may declare. In the data a
            path without a leading slash continues the resource group's.
        words: what people call one of it, and several.
        fixed: inputs of a program, by Pulumi's names, that Azure takes at creation only; a path's parameters always
            are fixed.
        refused: further ones, by the way to them, that Azure refuses to change, and of which Pulumi's provider knows
            nothing: it previews such a change as an update (azure-native replaces a workspace for its names alone).
            Source: Microsoft's REST specification, the models of PATCH (Workspace.tsp); the rest inferred from them.
        refused_with: the same of those that Azure refuses to change where another one is set: that one -> these.
            Source: Microsoft, "Customer-managed keys for Azure Machine Learning", of service-side encryption.
        rising: those that Azure changes one way only, by the way to them: their values in that order, nothing before
            the first. Source: Microsoft, "Workspace managed virtual network isolation".
        told: inputs, by the way to them, that Azure alone says: they are no program's, and no import keeps them. A rule
            of a managed network is a resource of its own: one that went would come again with the workspace's inputs.
        tagged: whether its resources carry tags.
        identity: the part of its document that tells its own principal; empty where it has none that may be granted to.
        purge: the query of the DELETE after which nothing of it is kept, where a plain one only soft-deletes it.
    """

    name: str
    api_version: str
    paths: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, str] | None = None
    fixed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    refused_with: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rising: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    tagged: bool = False
    identity: str = ""
    purge: Mapping[str, str] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        """The resource provider: `Microsoft.Storage`."""
        return self.name.partition("/")[0]

    @property
    def short_name(self) -> str:
        """The name without the provider's: `storageAccounts`."""
        return self.name.partition("/")[2]

    @property
    def token(self) -> str:
        """Pulumi's type token; the first of several.

        Raises:
            UnknownType: no program may declare it.
        """
        for token in self.paths:
            return token
        raise UnknownType(f"Pulumi has no type for {self.name} here")

    def called(self, count: int = 1) -> str:
        """What people call one of it, or as many as there are."""
        one, several = self.words or (self.name.rpartition("/")[2],) * 2
        return one if count == 1 else several


@functools.cache
def types() -> Mapping[str, ResourceType]:
    """All types by lower-case name, read once from the package's own `types.json`."""
    data = json.loads(Path(__file__).with_name("types.json").read_text("utf-8"))
    return MappingProxyType({name.lower(): _read(name, entry) for name, entry in data.items()})


def find(name: str) -> ResourceType | None:
    """The type of a name, or None."""
    return types().get(name.lower())


def resource_type(name: str) -> ResourceType:
    """The type of a name.

    Raises:
        UnknownType: the table does not have it.
    """
    found = find(name)
    if found is None:
        raise UnknownType(f"azmlflow's table of resource types has no {name}")
    return found


def version_of(name: str) -> str:
    """The api-version to send for a type.

    Raises:
        UnknownType: the table does not have it.
    """
    return resource_type(name).api_version


def token_of(name: str) -> str:
    """Pulumi's token of a type.

    Raises:
        UnknownType: the table does not have it, or no program may declare it.
    """
    return resource_type(name).token


def of_token(token: str) -> ResourceType:
    """The type of Pulumi's token.

    Raises:
        UnknownType: the table does not have it.
    """
    for each in types().values():
        if token in each.paths:
            return each
    raise UnknownType(f"azmlflow's table of resource types has no {token}")


@functools.cache
def told_by_azure(token: str) -> tuple[str, ...]:
    """What Azure alone says among the inputs of a Pulumi type; nothing for a type that the table does not have."""
    return next((each.told for each in types().values() if token in each.paths), ())


def _read(name: str, entry: Mapping[str, Any]) -> ResourceType:
    paths = {token: path if path.startswith("/") else GROUP_PROVIDERS + path for token, path in _map(entry, "tokens")}
    words = entry.get("words")
    return ResourceType(
        name=name,
        api_version=entry["apiVersion"],
        paths=MappingProxyType(paths),
        words=None if words is None else (words[0], words[1]),
        fixed=tuple(entry.get("fixed", ())),
        refused=tuple(entry.get("refused", ())),
        refused_with=MappingProxyType({way: tuple(those) for way, those in _map(entry, "refusedWith")}),
        rising=MappingProxyType({way: tuple(values) for way, values in _map(entry, "rising")}),
        told=tuple(entry.get("told", ())),
        tagged=entry.get("tagged", False),
        identity=entry.get("identity", ""),
        purge=MappingProxyType(dict(_map(entry, "purge"))),
    )


def _map(entry: Mapping[str, Any], key: str) -> list[tuple[str, str]]:
    return list(entry.get(key, {}).items())
