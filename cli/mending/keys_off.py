"""A storage account's keys are refused after its workspace has stopped to use them.

The engine would change the account first, on which the workspace stands. Until the workspace works by identities, Azure
answers it `KeyBasedAuthenticationNotPermitted` (Microsoft, "Disable shared key access for your workspace's storage").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from azmlflow.cli.pulumi.deployment import State
from azmlflow.resourcetypes.table import token_of

if TYPE_CHECKING:
    from azmlflow.infra.settings.settings import Settings

_WORKSPACE = token_of("Microsoft.MachineLearningServices/workspaces")
_ACCOUNT = token_of("Microsoft.Storage/storageAccounts")


def last(state: State, settings: Settings) -> tuple[str, ...]:
    """URNs of the accounts that change after all else, as their workspace uses their keys; none where it uses none."""
    ours = [each for each in state.resources if not each.external]
    keyed = any(each.inputs.get("systemDatastoresAuthMode") == "AccessKey" for each in ours if each.type == _WORKSPACE)
    if settings.storage_auth != "identity" or not keyed:
        return ()
    return tuple(each.urn for each in ours if each.type == _ACCOUNT)
