"""A stack on what somebody else made: used, given roles on, left as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from azmlflow.localazure.core.constants import SUBSCRIPTION_ID, TENANT_ID
from tests.e2e.estate import Estate, make_estate
from tests.e2e.people import ARM, sign_in

pytestmark = pytest.mark.e2e

SHARED = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/shared"
STORAGE = f"{SHARED}/providers/Microsoft.Storage/storageAccounts/stshared"
VAULT = f"{SHARED}/providers/Microsoft.KeyVault/vaults/kv-shared"
INSIGHTS = f"{SHARED}/providers/Microsoft.Insights/components/appi-shared"
LOGS = f"{SHARED}/providers/Microsoft.OperationalInsights/workspaces/log-shared"
MADE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (SHARED, "2024-03-01", {}),
    (STORAGE, "2024-01-01", {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {}}),
    (
        VAULT,
        "2024-11-01",
        {
            "properties": {
                "tenantId": TENANT_ID,
                "sku": {"family": "A", "name": "standard"},
                "enableRbacAuthorization": True,
            }
        },
    ),
    (LOGS, "2023-09-01", {"properties": {}}),
    (
        INSIGHTS,
        "2020-02-02",
        {"kind": "web", "properties": {"Application_Type": "web", "WorkspaceResourceId": LOGS}},
    ),
)


BYHAND = f"{SHARED}/providers/Microsoft.MachineLearningServices/workspaces/byhand"
BY_HAND = f"""
from azure.ai.ml import MLClient
from azure.ai.ml._restclient.arm_ml_service import models
from azure.ai.ml.entities import AmlCompute, AzureBlobDatastore, ComputeInstance
from azure.identity import DefaultAzureCredential

client = MLClient(DefaultAzureCredential(), "{SUBSCRIPTION_ID}", "shared", "byhand")
properties = models.WorkspaceProperties(
    friendly_name="By hand", storage_account="{STORAGE}", key_vault="{VAULT}", application_insights="{INSIGHTS}"
)
body = models.Workspace(
    location="westeurope",
    tags={{"team": "blue"}},
    identity=models.ManagedServiceIdentity(type="SystemAssigned"),
    properties=properties,
)
client.workspaces._operation.begin_create_or_update("shared", "byhand", body).result()
for name, ssh in (("cpu", False), ("open", True)):
    cluster = AmlCompute(
        name=name,
        size="STANDARD_DS3_V2",
        min_instances=0,
        max_instances=2,
        idle_time_before_scale_down=120,
        ssh_public_access_enabled=ssh,
    )
    client.compute.begin_create_or_update(cluster).result()
client.compute.begin_create_or_update(ComputeInstance(name="theirs", size="STANDARD_DS3_V2")).result()
client.datastores.create_or_update(AzureBlobDatastore(name="short", account_name="stshared", container_name="raw-data"))
"""
# As a template makes it: for one person, without sign-in of its own, stopped when idle and by the clock.
TIMES = {"hours": [19], "minutes": [0], "weekDays": ["Friday"]}
INSTANCE = {
    "vmSize": "STANDARD_DS3_V2",
    "applicationSharingPolicy": "Personal",
    "computeInstanceAuthorizationType": "personal",
    "sshSettings": {"sshPublicAccess": "Disabled"},
    "idleTimeBeforeShutdown": "PT30M",
    "schedules": {
        "computeStartStop": [
            {
                "action": "Stop",
                "triggerType": "Recurrence",
                "recurrence": {"frequency": "Week", "interval": 1, "timeZone": "UTC", "schedule": TIMES},
            }
        ]
    },
}
# With where its account is, which azure-ai-ml does not say.
STORE = {
    "datastoreType": "AzureBlob",
    "accountName": "stshared",
    "resourceGroup": "shared",
    "subscriptionId": SUBSCRIPTION_ID,
    "containerName": "raw-data",
}


def _asked(estate: Estate, method: str, path: str, version: str, **more: Any) -> Any:
    with sign_in(estate, "developer@local.test") as owner:
        return owner.ask(method, f"{ARM}{path}", params={"api-version": version}, **more)


def _set(estate: Estate, **settings: Any) -> None:
    path = estate.folder / "Pulumi.local.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["config"] |= {f"azmlflow:{key}": value for key, value in settings.items()}
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def _shared(estate: Estate) -> list[dict[str, Any]]:
    """What stands in the group of others, and what is on it."""
    found: list[dict[str, Any]] = [_asked(estate, "GET", path, version).json() for path, version, _ in MADE]
    roles = f"{STORAGE}/providers/Microsoft.Authorization/roleAssignments"
    ours = [
        each["properties"]["principalId"]
        for each in _asked(estate, "GET", roles, "2022-04-01").json()["value"]
        if "azmlflow stack" in str(each["properties"].get("description"))
    ]
    return [*found, {"ours": ours}]


def _adopted(estate: Estate) -> None:
    """A workspace that Microsoft's SDK made: taken over, nothing but tags changed, and down again by itself."""
    script = estate.folder / "by_hand.py"
    script.write_text(BY_HAND, encoding="utf-8")
    estate.science("developer@local.test", script)
    inner = {"computeType": "ComputeInstance", "disableLocalAuth": True, "properties": INSTANCE}
    body = {"location": "westeurope", "properties": inner}
    assert _asked(estate, "PUT", f"{BYHAND}/computes/desk", "2025-12-01", json=body).status_code == 201
    body = {"properties": {**STORE, "credentials": {"credentialsType": "None"}}}
    assert _asked(estate, "PUT", f"{BYHAND}/datastores/raw", "2025-12-01", json=body).status_code == 201
    before = _asked(estate, "GET", BYHAND, "2025-12-01").json()
    told = estate.azmlflow("adopt", BYHAND, "--stack", "byhand", "--yes", "-o", "json")
    assert told.json()["taken"] == ["byhand", "cpu", "desk", "raw"], told.out
    assert [each.partition(":")[0] for each in told.json()["left"]] == ["open", "theirs", "datastore short"], told.out
    after = _asked(estate, "GET", BYHAND, "2025-12-01").json()
    assert {name: value for name, value in after.items() if name not in ("tags", "systemData")} == {
        name: value for name, value in before.items() if name not in ("tags", "systemData")
    }
    assert {"team": "blue", "azmlflow-stack": "byhand"}.items() <= after["tags"].items()
    shown = estate.azmlflow("preview", "--stack", "byhand", "-o", "json").json()
    assert (shown["resources"], shown["elsewhere"]) == ([], [])
    assert estate.azmlflow("status", "--stack", "byhand", "-o", "json").json()["outputs"]["workspaceName"] == "byhand"
    estate.azmlflow("down", "--stack", "byhand", "--yes")
    assert _asked(estate, "GET", BYHAND, "2025-12-01").status_code == 404


def _closed(estate: Estate) -> None:
    """A workspace that is closed in a network of others: refused on an account that is open, then taken over."""
    registry = f"{SHARED}/providers/Microsoft.ContainerRegistry/registries/crshared"
    hub = f"{SHARED}/providers/Microsoft.Network/virtualNetworks/hub"
    shut = f"{SHARED}/providers/Microsoft.MachineLearningServices/workspaces/shut"
    off = {"publicNetworkAccess": "Disabled"}
    space = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}
    subnets = [{"name": "computes", "properties": {"addressPrefix": "10.0.1.0/24"}}]
    parts = {"storageAccount": STORAGE, "keyVault": VAULT, "applicationInsights": INSIGHTS}
    inner = {
        "vmSize": "STANDARD_DS3_V2",
        "enableNodePublicIp": False,
        "subnet": {"id": f"{hub}/subnets/computes"},
        "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 2, "nodeIdleTimeBeforeScaleDown": "PT2M"},
    }
    for path, version, body in (
        (registry, "2023-07-01", {"sku": {"name": "Premium"}, "properties": off}),
        (hub, "2024-05-01", {"properties": {**space, "subnets": subnets}}),
        (
            shut,
            "2025-12-01",
            {"identity": {"type": "SystemAssigned"}, "properties": {**parts, "containerRegistry": registry, **off}},
        ),
        (
            f"{shut}/computes/cpu",
            "2025-12-01",
            {"properties": {"computeType": "AmlCompute", "disableLocalAuth": True, "properties": inner}},
        ),
    ):
        made = _asked(estate, "PUT", path, version, json={"location": "westeurope", **body})
        assert made.status_code in (200, 201, 202), made.text
    refused = estate.azmlflow("adopt", shut, "--stack", "shut", "--yes", fails=True).err
    assert "storage account stshared is open to the internet" in " ".join(refused.split())
    for path, version in ((STORAGE, "2024-01-01"), (VAULT, "2024-11-01")):
        assert _asked(estate, "PATCH", path, version, json={"properties": off}).status_code == 200
    told = estate.azmlflow("adopt", shut, "--stack", "shut", "--yes", "-o", "json").json()
    assert (told["taken"], told["left"], told["settings"]["network"]) == (["shut", "cpu"], [], {"mode": "closed"})


def test_what_is_given_is_used_and_stays(tmp_path: Path) -> None:
    estate = make_estate(tmp_path / "project")
    try:
        estate.azmlflow("local", "start")
        for path, version, body in MADE:
            made = _asked(estate, "PUT", path, version, json={"location": "westeurope", **body})
            assert made.status_code in (200, 201, 202), made.text
        before = _shared(estate)
        _set(estate, storage=STORAGE, vault=VAULT, insights=INSIGHTS, storageAuth="identity")
        estate.azmlflow("up", "--yes")
        estate.azmlflow("grant", "alice@local.test", "tracker")
        assert estate.azmlflow("up", "--yes", "-o", "json").json()["changes"].keys() == {"same"}
        stands = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-mlflow-local/resources"
        kinds = {each["type"] for each in _asked(estate, "GET", stands, "2024-03-01").json()["value"]}
        assert kinds == {"Microsoft.MachineLearningServices/workspaces"}
        assert len(_shared(estate)[-1]["ours"]) == 2, "Alice's roles on the account"
        estate.azmlflow("down", "--yes")
        assert _shared(estate) == before
        # The same in the group of others, where the account and the logs are the stack's own.
        _set(estate, storage="own", insights="own", storageAuth="key", group=SHARED, clusters=[{"name": "cpu"}])
        estate.azmlflow("up", "--yes")
        assert estate.azmlflow("up", "--yes", "-o", "json").json()["changes"].keys() == {"same"}
        inside = f"{SHARED}/resources"
        names = [each["name"] for each in _asked(estate, "GET", inside, "2024-03-01").json()["value"]]
        assert {"mlw-mlflow-local", "stshared", "kv-shared"} < set(names)
        _adopted(estate)
        told = estate.azmlflow("down", "--yes").err
        assert "resource group shared stays, and 4 resources in it: not this stack's" in told
        assert _shared(estate) == before
        names = [each["name"] for each in _asked(estate, "GET", inside, "2024-03-01").json()["value"]]
        assert sorted(names) == ["appi-shared", "kv-shared", "log-shared", "stshared"]
        _closed(estate)
    finally:
        estate.azmlflow("local", "stop")
