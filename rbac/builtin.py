"""Azure's built-in roles, all of them, with the names, GUIDs and permissions that Azure publishes.

From github.com/iann0036/iam-dataset, azure/built-in-roles-raw.json at commit 2073fa52ac00 (2026-08-22), packed by
`scripts/built_in_roles.py`; unpacked when a role is first asked for. The GUIDs are the same in every tenant.
"""

from __future__ import annotations

import functools
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from azmlflow.rbac import scopes
from azmlflow.rbac.patterns import PermissionBlock
from azmlflow.rbac.records import RoleDefinition

_FILE = Path(__file__).parent / "data" / "built-in-roles.json.gz"


@dataclass(frozen=True)
class BuiltInRole:
    """A role of Azure's own.

    Attributes:
        name: its name.
        id: its GUID.
        description: what Azure says of it.
        permissions: its permission blocks.
    """

    name: str
    id: str
    description: str
    permissions: tuple[PermissionBlock, ...]

    def definition_id(self, subscription: str) -> str:
        """The role's full id as ARM gives it within a subscription."""
        scope = scopes.subscription_id(subscription)
        return scopes.extension_id(scope, "Microsoft.Authorization/roleDefinitions", self.id)

    def definition(self) -> RoleDefinition:
        """The role as the evaluator takes it."""
        return RoleDefinition(self.id, self.name, self.permissions)


def named(name: str) -> BuiltInRole | None:
    """The role of that name, as Azure writes it; None if Azure has none."""
    guid = _guids().get(name)
    return None if guid is None else of_guid(guid)


@functools.cache
def of_guid(guid: str) -> BuiltInRole | None:
    """The role of that GUID, in any case; None if Azure has none."""
    row = _rows().get(guid.lower())
    return None if row is None else _role(row)


def every() -> Iterator[BuiltInRole]:
    """All roles, in order of their names."""
    return (found for guid in _rows() if (found := of_guid(guid)) is not None)


def names() -> tuple[str, ...]:
    """The names of all roles, in order."""
    return tuple(_guids())


@functools.cache
def _rows() -> Mapping[str, list[Any]]:
    """By GUID: GUID, name, description, permission blocks."""
    return MappingProxyType({row[0]: row for row in json.loads(gzip.decompress(_FILE.read_bytes()))})


@functools.cache
def _guids() -> Mapping[str, str]:
    """Name -> GUID."""
    return MappingProxyType({row[1]: guid for guid, row in _rows().items()})


def _role(row: list[Any]) -> BuiltInRole:
    guid, name, description, blocks = row
    return BuiltInRole(name, guid, description, tuple(map(_block, blocks)))


def _block(found: Mapping[str, Any]) -> PermissionBlock:
    return PermissionBlock(
        tuple(found.get("actions", ())),
        tuple(found.get("notActions", ())),
        tuple(found.get("dataActions", ())),
        tuple(found.get("notDataActions", ())),
        found.get("condition"),
    )
