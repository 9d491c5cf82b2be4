"""Many small groups as `up` would leave them: tagged, with resources in them, made by plain requests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from azmlflow.infra.plan import tags
from azmlflow.localazure.clients import control
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID, TENANT_ID
from azmlflow.localazure.machine.folder import Folder
from tests.e2e.estate import Estate

OWNER = "developer@local.test"
_ARM = "https://management.azure.com"
_STORAGE = {"sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "properties": {}}
_VAULT = {
    "properties": {"tenantId": TENANT_ID, "sku": {"family": "A", "name": "standard"}, "enableRbacAuthorization": True}
}


def group_id(name: str) -> str:
    """ARM id of a group."""
    return f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{name}"


class Arm:
    """Requests to an estate's embedded Azure, which runs, as the developer."""

    def __init__(self, estate: Estate) -> None:
        self._folder = Folder.at(estate.folder / ".azmlflow" / "local")

    def ask(self, method: str, path: str, version: str, body: Any = None) -> control.Reply:
        """One request, whatever is answered."""
        return control.ask(self._folder, method, f"{_ARM}{path}?api-version={version}", principal=OWNER, body=body)

    def put(self, path: str, version: str, body: dict[str, Any]) -> None:
        """Make something."""
        answer = self.ask("PUT", path, version, {"location": "westeurope", **body})
        assert answer.status < 300, answer

    def stands(self, path: str, version: str) -> bool:
        """Is it there?"""
        return self.ask("GET", path, version).status == 200

    def group(self, name: str, stack: str, age: timedelta, ends: timedelta, *, workspace: bool = True) -> None:
        """A group of a stack: with a workspace and what that needs, or with a storage account alone."""
        now, group, short = datetime.now(UTC), group_id(name), name.replace("-", "")
        storage = f"{group}/providers/Microsoft.Storage/storageAccounts/st{short}"
        vault = f"{group}/providers/Microsoft.KeyVault/vaults/kv-{short}"
        insights = f"{group}/providers/Microsoft.Insights/components/appi-{short}"
        path = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/mlw-{short}"
        ours = {**tags.ownership("azmlflow", stack), **tags.record((storage, vault, insights, path))}
        self.put(group, "2024-03-01", {"tags": {**ours, **tags.life(now - age, OWNER, now + ends)}})
        self.put(storage, "2024-01-01", {**_STORAGE, "tags": ours})
        if not workspace:
            return
        self.put(vault, "2023-07-01", {**_VAULT, "tags": ours})
        web = {"kind": "web", "properties": {"Application_Type": "web"}}
        self.put(insights, "2020-02-02", {**web, "tags": ours})
        used = {"storageAccount": storage, "keyVault": vault, "applicationInsights": insights}
        self.put(path, "2024-10-01", {"identity": {"type": "SystemAssigned"}, "properties": used, "tags": ours})


def make_groups(estate: Estate, names: list[str], age: timedelta, ends: timedelta, *, workspace: bool) -> Arm:
    """Groups of stacks of their own, all alike."""
    arm = Arm(estate)
    with ThreadPoolExecutor(8) as pool:
        tuple(pool.map(lambda name: arm.group(name, name, age, ends, workspace=workspace), names))
    return arm
