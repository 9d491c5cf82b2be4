"""Soft-deleted twins: a deleted key vault or workspace that holds a name which the stack wants.

Azure keeps a deleted vault for 7 to 90 days, a deleted workspace for 14, and their names with them (Microsoft, "Azure
Key Vault soft-delete overview", "Recover workspace data while soft deleted").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azmlflow.cli.azure.errors import ArmError
from azmlflow.rbac import scopes
from azmlflow.rbac.live.pool import Pool

if TYPE_CHECKING:
    from azmlflow.cli.azure.resource_manager import ResourceManager
    from azmlflow.infra.plan.naming import Names

_VAULTS, _ML = "Microsoft.KeyVault", "Microsoft.MachineLearningServices"
_AT_ONCE = 8  # regions that are asked side by side
_UNTOLD = frozenset(
    (400, 404, 405)
)  # not every region has the list of workspaces, and no page of Microsoft's tells of it


@dataclass(frozen=True)
class Twins:
    """What is soft-deleted under a stack's names.

    Attributes:
        vault: the deleted vault's document; None if there is none.
        workspace: whether there is a deleted workspace; None where Azure does not tell.
        names: the names that were looked for.
    """

    vault: Mapping[str, Any] | None
    workspace: bool | None
    names: Names

    @property
    def vault_id(self) -> str:
        """Where the deleted vault is kept, which is what is purged."""
        return str((self.vault or {}).get("id", ""))

    @property
    def vault_tags(self) -> Mapping[str, str]:
        """The tags that the vault bears still."""
        return tags_of_vault(self.vault or {})

    @property
    def protected_until(self) -> str:
        """As `protected_until`, of the stack's."""
        return protected_until(self.vault or {})

    def tells(self) -> tuple[str, ...]:
        """Each by its name, and what that means, for people."""
        day = self.protected_until
        vault = f"key vault {self.names.key_vault}: {keeping(day) if day else 'its name is taken until it is purged'}"
        workspace = f"workspace {self.names.workspace}: its name is taken for 14 days, or until it is purged"
        return (*([vault] if self.vault is not None else []), *([workspace] if self.workspace else []))

    def says(self) -> tuple[str, ...]:
        """Each by its name, for people."""
        vault = (f"key vault {self.names.key_vault}",) if self.vault is not None else ()
        return (*vault, f"workspace {self.names.workspace}") if self.workspace else vault


def find(arm: ResourceManager, subscription: str, location: str, names: Names) -> Twins:
    """What is soft-deleted under these names in a region. Raises as `ResourceManager` does."""
    return Twins(vault_of(arm, subscription, location, names), _workspace(arm, subscription, location, names), names)


def vault_of(arm: ResourceManager, subscription: str, location: str, names: Names) -> Mapping[str, Any] | None:
    """The document of the soft-deleted vault of the stack's name; None where it uses another's."""
    return arm.get(deleted_vault(subscription, location, names.key_vault)) if names.key_vault else None


def deleted_vault(subscription: str, location: str, name: str) -> str:
    """Where a soft-deleted vault is kept."""
    return f"{scopes.subscription_id(subscription)}/providers/{_VAULTS}/locations/{location}/deletedVaults/{name}"


def deleted_workspaces(arm: ResourceManager, subscription: str, location: str) -> tuple[Mapping[str, Any], ...]:
    """The soft-deleted workspaces of a region; none where Azure does not tell."""
    try:
        return arm.list(_workspaces(subscription, location))
    except ArmError as fault:
        if fault.status in _UNTOLD:
            return ()
        raise


def deleted_in_every_region(arm: ResourceManager, subscription: str) -> tuple[Mapping[str, Any], ...]:
    """A subscription's soft-deleted workspaces: Azure tells them by region, and each that has workspaces is asked."""
    provider = arm.provider(subscription, _ML)
    offered = [each for each in (provider and provider.resource_types) or () if each.resource_type == "workspaces"]
    regions = sorted({place.lower().replace(" ", "") for each in offered for place in each.locations or ()})
    with Pool(_AT_ONCE, "region") as pool:
        pages = pool.map(lambda region: deleted_workspaces(arm, subscription, region), regions)
        return tuple(entry for page in pages for entry in page)


def id_of_workspace(entry: Mapping[str, Any]) -> str:
    """The id that a soft-deleted workspace had; empty where Azure doesn't say."""
    return str((entry.get("properties") or {}).get("workspaceId", ""))


def deleted_vaults(arm: ResourceManager, subscription: str) -> tuple[Mapping[str, Any], ...]:
    """A subscription's soft-deleted vaults."""
    return arm.list(f"{scopes.subscription_id(subscription)}/providers/{_VAULTS}/deletedVaults")


def id_of_vault(entry: Mapping[str, Any]) -> str:
    """The id that a soft-deleted vault had; empty where Azure doesn't say."""
    return str((entry.get("properties") or {}).get("vaultId", ""))


def tags_of_vault(entry: Mapping[str, Any]) -> Mapping[str, str]:
    """The tags that a soft-deleted vault bears still."""
    tags = (entry.get("properties") or {}).get("tags")
    return tags if isinstance(tags, Mapping) else {}


def protected_until(entry: Mapping[str, Any]) -> str:
    """The day on which Azure lets go of a soft-deleted vault that nobody may purge; empty where it may be purged.

    (Microsoft, "Azure Key Vault soft-delete overview": with purge protection not even Microsoft can purge it before.)
    """
    properties = entry.get("properties") or {}
    if not properties.get("purgeProtectionEnabled"):
        return ""
    day = str(properties.get("scheduledPurgeDate") or "").partition("T")[0]
    return day or "it was kept as long as it had to be"


def keeping(day: str) -> str:
    """What purge protection means for who meets it: of a soft-deleted vault, and of its name."""
    return (
        f"purge protection keeps it, soft-deleted, and its name, until {day}: nobody can purge it, and it costs nothing"
    )


def may_be_of(entry: Mapping[str, Any], workspace: str, group_id: str) -> bool:
    """Whether a soft-deleted workspace has a name and was in a group, or does not say in which it was."""
    text = str(entry.get("properties", {})).lower()
    near = "/resourcegroups/" not in text or f"{group_id}/".lower() in text
    return near and str(entry.get("name", "")).lower() == workspace.lower()


def _workspace(arm: ResourceManager, subscription: str, location: str, names: Names) -> bool | None:
    listed = _listed(arm, _workspaces(subscription, location))
    group = scopes.resource_group_id(subscription, names.resource_group)
    return None if listed is None else any(may_be_of(entry, names.workspace, group) for entry in listed)


def _workspaces(subscription: str, location: str) -> str:
    return f"{scopes.subscription_id(subscription)}/providers/{_ML}/locations/{location}/deletedWorkspaces"


def _listed(arm: ResourceManager, path: str) -> Iterable[Mapping[str, Any]] | None:
    """A list; None where Azure has none, which `ResourceManager.list` tells by an empty one."""
    try:
        page = arm.page(path)
        if page is None:
            return None
        return arm.list(path) if page.get("nextLink") else tuple(page["value"])
    except ArmError as fault:
        if fault.status in _UNTOLD:
            return None
        raise
