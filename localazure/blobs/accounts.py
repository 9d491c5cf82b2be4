"""Storage accounts as the blob service sees them: by name, with their keys.

An account's name is a DNS name, unique in all Azure, and all that a request to the blob service tells of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from azmlflow.localazure.core.collections import RESOURCES, SECRETS
from azmlflow.localazure.core.store import Document, Store, Version

_TYPE = "/providers/microsoft.storage/storageaccounts/"
_WORKSPACE_TYPE = "/providers/microsoft.machinelearningservices/workspaces/"


@dataclass(frozen=True)
class Account:
    """A storage account.

    Attributes:
        id: its ARM id, lower case.
        name: its name.
        keys: its two keys, base64.
        by_key: whether requests may be signed with them (`allowSharedKeyAccess`; Azure's default is yes).
        document: the account as ARM answers it.
    """

    id: str
    name: str
    keys: tuple[str, ...] = field(repr=False)
    by_key: bool
    document: Document = field(default_factory=dict, repr=False)


class Accounts:
    """The storage accounts of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ids: dict[str, str] = {}
        self._seen: Version | None = None

    def find(self, name: str) -> Account | None:
        """The account of this name, or None."""
        seen = self._store.version(RESOURCES)
        if seen != self._seen:
            self._ids = {_name(key): key for key, _ in self._store.scan(RESOURCES) if _name(key)}
            self._seen = seen
        key = self._ids.get(name)
        document = None if key is None else self._store.get(RESOURCES, key)
        if key is None or document is None:
            return None
        kept = self._store.get(SECRETS, key) or {}
        # A missing value is Azure's default, which permits keys (Microsoft, "Prevent Shared Key authorization").
        by_key = document.get("properties", {}).get("allowSharedKeyAccess") is not False
        return Account(key, name, tuple(kept.get("keys", ())), by_key, document)

    def identity(self, account: Account) -> str | None:
        """The object id of the identity of a workspace whose storage account this is, or None."""
        for key, document in self._store.scan(RESOURCES):
            if _WORKSPACE_TYPE in key and str(_storage(document)).lower() == account.id:
                identity = document.get("identity") or {}
                primary = str(document["properties"].get("primaryUserAssignedIdentity")).lower()
                used = {id_.lower(): ids for id_, ids in (identity.get("userAssignedIdentities") or {}).items()}
                found = (used.get(primary) or identity).get("principalId")
                if found is not None:
                    return str(found)
        return None


def _storage(document: Document) -> object:
    return document.get("properties", {}).get("storageAccount")


def _name(resource_id: str) -> str:
    _, found, name = resource_id.partition(_TYPE)
    return name if found and "/" not in name else ""
