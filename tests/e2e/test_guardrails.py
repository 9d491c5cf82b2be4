"""A stack with identity, another's key, registry, logs, locks, budget and a network, first its own, then a managed one:
up, nothing to change, deleted elsewhere, found, down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from azmlflow.localazure.core.constants import SUBSCRIPTION_ID, TENANT_ID
from tests.e2e.estate import SCIENCE_PYTHON, Estate, make_estate
from tests.e2e.people import ARM, sign_in

pytestmark = pytest.mark.e2e

GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-mlflow-local"
KEYS = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-keys/providers/Microsoft.KeyVault/vaults/kv-keys"
ASSIGNMENTS = "providers/Microsoft.Authorization/roleAssignments"
GUARDRAILS: dict[str, Any] = {
    "encryption": {"keyVault": KEYS},
    "datastores": [{"name": "raw", "container": "raw-data"}],
    "identity": {"type": "UserAssigned"},
    "registry": "own",
    "diagnostics": True,
    "logDays": 90,
    "locks": True,
    "budget": {"monthly": 500, "mail": ["ml-team@contoso.com"]},
    "clusters": [{"name": "cpu"}],
    "network": {"mode": "own"},
}
MANAGED: dict[str, Any] = {
    "mode": "managed",
    "outbound": "approved",
    "rules": [{"fqdn": "example.com"}, {"serviceTag": "AzureFrontDoor.FirstParty"}],
}
ALICE: dict[str, Any] = {
    "name": "alice",
    "idleMinutes": 15,
    "schedules": [{"cron": "0 19 * * 1-5", "timeZone": "W. Europe Standard Time"}],
}


def _set(estate: Estate, **settings: Any) -> None:
    path = estate.folder / "Pulumi.local.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["config"] |= {f"azmlflow:{key}": value for key, value in settings.items()}
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def _asked(estate: Estate, method: str, path: str, version: str, body: Any = None) -> Any:
    with sign_in(estate, "developer@local.test") as owner:
        return owner.ask(method, f"{ARM}{path}", params={"api-version": version}, json=body)


def _edit(estate: Estate, registry: str) -> None:
    """Somebody edits of the registry what the program says."""
    admin = {"properties": {"adminUserEnabled": True}}
    assert _asked(estate, "PATCH", registry, "2023-01-01-preview", admin).status_code in (200, 201, 202)
    assert _edited(estate, registry) is True


def _edited(estate: Estate, registry: str) -> Any:
    return _asked(estate, "GET", registry, "2023-01-01-preview").json()["properties"]["adminUserEnabled"]


def _make_key(estate: Estate) -> None:
    """A vault of the security team's, with a key in it."""
    vault = {
        "tenantId": TENANT_ID,
        "sku": {"family": "A", "name": "standard"},
        "enableRbacAuthorization": True,
        "enablePurgeProtection": True,
    }
    for path, version, body in (
        (KEYS.partition("/providers/")[0], "2024-03-01", {"location": "westeurope"}),
        (KEYS, "2024-11-01", {"location": "westeurope", "properties": vault}),
        (f"{KEYS}/keys/workspace", "2024-11-01", {"properties": {"kty": "RSA", "keySize": 3072}}),
    ):
        assert _asked(estate, "PUT", path, version, body).status_code in (200, 201), path


def _is_encrypted(estate: Estate) -> None:
    workspace = _asked(estate, "GET", estate.outputs()["workspaceId"], "2025-12-01").json()["properties"]
    told = workspace["encryption"]["keyVaultProperties"]
    key = _asked(estate, "GET", f"{KEYS}/keys/workspace", "2024-11-01").json()["properties"]
    assert (told["keyVaultArmId"], told["keyIdentifier"]) == (KEYS, key["keyUriWithVersion"])
    store = _asked(estate, "GET", f"{estate.outputs()['workspaceId']}/datastores/raw", "2025-12-01").json()[
        "properties"
    ]
    wanted = ("AzureBlob", "raw-data", {"credentialsType": "None"})
    assert (store["datastoreType"], store["containerName"], store["credentials"]) == wanted
    (role,) = _on_key(estate)
    assert role["properties"]["roleDefinitionId"].endswith("e147488a-f6f5-4113-8e2d-b22465e65bf6")


def _left_the_key(estate: Estate) -> None:
    assert _asked(estate, "GET", f"{KEYS}/keys/workspace", "2024-11-01").status_code == 200
    assert _on_key(estate) == []


def _on_key(estate: Estate) -> list[Any]:
    """The roles on the key itself."""
    found = _asked(estate, "GET", f"{KEYS}/keys/workspace/{ASSIGNMENTS}", "2022-04-01").json()["value"]
    return [each for each in found if each["properties"]["scope"].lower().endswith("/keys/workspace")]


def _instance(estate: Estate) -> Any:
    path = f"{estate.outputs()['workspaceId']}/computes/alice"
    return _asked(estate, "GET", path, "2025-12-01").json()["properties"]


def _change(estate: Estate) -> None:
    # Another sum and another address change the budget alone; no locks any more take them away. Of an instance idle
    # time and schedules are changed by Azure's actions, not by the engine.
    _set(estate, budget={"monthly": 250, "mail": ["other@contoso.com"]}, locks=False, instances=[ALICE])
    done = json.loads(estate.azmlflow("up", "--yes", "-o", "json").out)["changes"]
    assert {name: count for name, count in done.items() if name != "same"} == {"update": 1, "delete": 3}
    made = _instance(estate)
    assert made["properties"]["idleTimeBeforeShutdown"] == "PT15M"
    (schedule,) = made["properties"]["schedules"]["computeStartStop"]
    assert schedule["cron"]["timeZone"] == "W. Europe Standard Time"

    # Another size takes another machine, which is said first.
    _set(estate, locks=True, instances=[{**ALICE, "vmSize": "Standard_DS2_v2"}])
    assert "with what is on its disk" in estate.azmlflow("up", "--yes", fails=True).err
    estate.azmlflow("up", "--yes", "--allow-replace")
    other = _instance(estate)
    assert (other["properties"]["vmSize"], other["createdOn"] > made["createdOn"]) == ("STANDARD_DS2_V2", True)
    assert other["properties"]["idleTimeBeforeShutdown"] == "PT15M"


def _reaches_from_inside_alone(estate: Estate) -> None:
    """The network lets in its own computes alone, and says so where it stands in the way."""
    cells = json.loads(estate.azmlflow("reach", "-o", "json").out)["cells"]
    let_in = {(each["from"].partition(":")[0], each["to"]) for each in cells if each["allowed"]}
    assert let_in == {("managed", each) for each in ("workspace", "blob", "file", "vault", "registry")}
    checks = json.loads(estate.azmlflow("doctor", "-o", "json", fails=True).out)["checks"]
    refused = next(each for each in checks if each["name"] == "mlflow")
    assert refused["says"].startswith("the network, not permission: Access to workspace was denied")


def _stands_in_its_own_network(estate: Estate) -> str:
    """Up, and nothing to change; the list of its private endpoints."""
    estate.azmlflow("local", "start")
    _make_key(estate)
    _set(estate, **GUARDRAILS)
    estate.azmlflow("up", "--yes")
    _is_encrypted(estate)
    endpoints = f"{GROUP}/providers/Microsoft.Network/privateEndpoints"
    doors = {each["name"]: each for each in _asked(estate, "GET", endpoints, "2024-05-01").json()["value"]}
    targets = ("amlworkspace", "blob", "file", "registry", "vault")
    assert sorted(doors) == [f"mlw-mlflow-local-{target}" for target in targets]
    zones = f"{GROUP}/providers/Microsoft.Network/privateDnsZones"
    records = _asked(estate, "GET", f"{zones}/privatelink.notebooks.azure.net/A", "2024-06-01").json()["value"]
    assert len(records) == 1, "both of the workspace's zones know it"
    alone = json.loads(estate.azmlflow("up", "--yes", "-o", "json").out)
    assert set(alone["changes"]) == {"same"}
    return endpoints


def _is_tracked_from_inside_alone(estate: Estate) -> None:
    """MLflow from the stack's network, metric and artifact; from the internet it is refused in Azure's words."""
    script = estate.folder / "track.py"
    script.write_text(
        "import mlflow\n"
        "with mlflow.start_run() as run:\n"
        "    mlflow.log_metric('a', 1)\n"
        "    mlflow.log_text('from inside', 'n.txt')\n"
        "print(mlflow.artifacts.load_text(f'runs:/{run.info.run_id}/n.txt'))\n"
    )
    told = estate.azmlflow("run", "--from", "network", "--", str(SCIENCE_PYTHON), str(script))
    assert "from inside" in told.out
    refused = estate.azmlflow("run", "--from", "internet", "--", str(SCIENCE_PYTHON), str(script), fails=True)
    assert "Access to workspace was denied based on workspace private link configuration." in refused.err


def test_guardrails_stand_are_made_again_and_go(tmp_path: Path) -> None:
    estate = make_estate(tmp_path / "project")
    try:
        endpoints = _stands_in_its_own_network(estate)
        _is_tracked_from_inside_alone(estate)
        _set(estate, network=MANAGED, instances=[{"name": "alice"}])
        began = estate.azmlflow("up", "--yes").err
        assert _asked(estate, "GET", endpoints, "2024-05-01").json()["value"] == []
        lines = [line.split() for line in began.splitlines() if line.strip().startswith(("created", "updated"))]
        order = [words[1] for words in lines if words[1] in {"ManagedNetworkSettingsRule", "ManagedNetwork", "Compute"}]
        assert order == ["ManagedNetworkSettingsRule"] * 2 + ["ManagedNetwork", "Compute", "Compute"]
        workspace = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw-mlflow-local"
        properties = _asked(estate, "GET", workspace, "2025-12-01").json()["properties"]
        assert properties["publicNetworkAccess"] == "Disabled"
        assert properties["managedNetwork"]["status"]["status"] == "Active"
        ours = {name: rule for name, rule in properties["managedNetwork"]["outboundRules"].items() if name[:2] != "__"}
        assert sorted(rule["type"] for rule in ours.values()) == ["FQDN", "ServiceTag"]
        state = json.loads(estate.azmlflow("up", "--yes", "-o", "json").out)
        assert set(state["changes"]) == {"same"}, "a second up changes nothing"
        _reaches_from_inside_alone(estate)

        locks = "providers/Microsoft.Authorization/locks"
        found = _asked(estate, "GET", f"{GROUP}/{locks}", "2020-05-01").json()["value"]
        kept = sorted(each["id"].split("/providers/")[1].split("/")[1] for each in found)
        assert kept == ["registries", "storageAccounts", "vaults"]
        budget = f"{GROUP}/providers/Microsoft.Consumption/budgets/azmlflow"
        assert _asked(estate, "GET", budget, "2024-08-01").json()["properties"]["amount"] == 500
        account = next(each for each in found if "storageAccounts" in each["id"])["id"].split("/providers/Micr")[:2]
        storage = "/providers/Micr".join(account)
        assert _asked(estate, "DELETE", storage, "2024-01-01").json()["error"]["code"] == "ScopeLocked"

        # Somebody takes a lock, the budget and the logs of the vault away.
        vault = next(each["id"] for each in found if "vaults" in each["id"]).partition(f"/{locks}")[0]
        logs = f"{vault}/providers/Microsoft.Insights/diagnosticSettings/azmlflow"
        for path, version in (
            (f"{vault}/{locks}/azmlflow", "2020-05-01"),
            (budget, "2024-08-01"),
            (logs, "2021-05-01-preview"),
            (f"{workspace}/outboundRules/{min(ours)}", "2025-12-01"),
        ):
            assert _asked(estate, "DELETE", path, version).status_code in (200, 202, 204)
        _edit(
            estate,
            registry := next(each["id"] for each in found if "registries" in each["id"]).partition(
                "/providers/Microsoft.Auth"
            )[0],
        )
        told = estate.azmlflow("status")
        assert "was deleted elsewhere" in told.out + told.err
        assert "was changed elsewhere: adminUserEnabled" in told.out
        estate.azmlflow("up", "--yes")
        assert _edited(estate, registry) is False
        assert _asked(estate, "GET", budget, "2024-08-01").status_code == 200
        assert _asked(estate, "GET", logs, "2021-05-01-preview").status_code == 200
        assert _asked(estate, "GET", f"{workspace}/outboundRules/{min(ours)}", "2025-12-01").status_code == 200
        assert len(_asked(estate, "GET", f"{GROUP}/{locks}", "2020-05-01").json()["value"]) == 3

        _change(estate)
        estate.azmlflow("down", "--yes")
        assert _asked(estate, "GET", GROUP, "2024-03-01").status_code == 404
        resources = _asked(estate, "GET", f"/subscriptions/{SUBSCRIPTION_ID}/resources", "2024-03-01").json()
        assert [each["id"] for each in resources["value"]] == [KEYS], "what is another's is as it was"
        _left_the_key(estate)
    finally:
        estate.azmlflow("local", "stop")
