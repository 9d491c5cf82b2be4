"""Names that are unique in all Azure: storage accounts and key vaults are DNS names.

What other people took lies in the collection FOREIGN_NAMES; a test puts it there.
"""

from __future__ import annotations

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import DELETED, FOREIGN_NAMES, RESOURCES
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice, require


def asked_for(ask: Ask, type_: str) -> str:
    """The name that a request asks whether it is free.

    Name and type are both needed (Azure/azure-rest-api-specs: CheckNameAvailability of Microsoft.Storage 2024-01-01,
    KeyVault 2024-11-01, ContainerRegistry 2023-01-01-preview).

    Raises:
        AzureError: 400, one of them is missing, or the type is another.
    """
    require(ask.body, ("name", "type"))
    choice("type", ask.body["type"], (type_,))
    return str(ask.body["name"])


def is_foreign(cloud: Cloud, type_: str, name: str) -> bool:
    """Whether somebody outside the tenant has a global name."""
    return cloud.store.get(FOREIGN_NAMES, f"{type_}/{name}".lower()) is not None


def holder(cloud: Cloud, type_: str, name: str) -> Document | None:
    """The tenant's own resource that has a global name, or None."""
    ending = f"/providers/{type_}/{name}".lower()
    return next((found for key, found in cloud.store.scan(RESOURCES) if key.endswith(ending)), None)


def buried(cloud: Cloud, type_: str, name: str) -> Document | None:
    """The record of the soft-deleted resource that has a global name, or None."""
    ending = f"/providers/{type_}/{name}".lower()
    return next((found for key, found in cloud.store.scan(DELETED) if key.endswith(ending)), None)
