"""What az needs so that it works at once: it asks to be signed in before it asks any endpoint, and keeps its
extensions in its own folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from azmlflow.localazure.clients.control import Identity
from azmlflow.localazure.core.constants import CLOUD_NAME, SUBSCRIPTION_ID, TENANT_ID
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.machine.private import create_private


def signed_in(folder: Folder, identity: Identity) -> Path:
    """az's own folder of a principal, in which a user is signed in as `az login --identity` signs in.

    That writes no secret: each token comes from the identity endpoint. A service principal's sign-in would keep its
    secret in a file; it is left to `az login --service-principal`.

    Source: azureProfile.json as azure-cli 2.91 writes it (azure-cli-core, `_profile.py`). What stands there stays.
    """
    place = folder.path / "azure-cli" / identity.id
    profile = place / "azureProfile.json"
    if identity.app_id is None and not profile.exists():
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        create_private(profile, json.dumps({"subscriptions": [_SUBSCRIPTION]}).encode())
    return place


def extensions(base: Mapping[str, str], *, ours: bool) -> str:
    """The folder of the user's own extensions of az, such as `ml`: code, and no sign-in.

    Source: azure-cli-core, `extension/__init__.py`.

    Args:
        base: the user's variables.
        ours: AZURE_CONFIG_DIR in it is none of the user's.
    """
    own = None if ours else base.get("AZURE_CONFIG_DIR")
    home = Path(base.get("HOME") or Path.home())
    return base.get("AZURE_EXTENSION_DIR") or str(Path(own or home / ".azure") / "cliextensions")


_SUBSCRIPTION = {
    "id": SUBSCRIPTION_ID,
    "name": CLOUD_NAME,
    "state": "Enabled",
    "user": {"name": "systemAssignedIdentity", "type": "servicePrincipal", "assignedIdentityInfo": "MSI"},
    "isDefault": True,
    "tenantId": TENANT_ID,
    "environmentName": "AzureCloud",
    "homeTenantId": TENANT_ID,
    "managedByTenants": [],
}
