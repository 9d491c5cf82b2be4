"""What others changed of a resource, and whether it is another one by now: documents as Azure answers them, by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.cli.session.look.looking import look
from azmlflow.cli.session.standing import mend
from tests.cli.desk import GROUP_ID, WORKSPACE_ID, Desk, FakeArm

OURS = {"azmlflow-project": "azmlflow", "azmlflow-stack": "local"}
COMPUTE_ID = f"{WORKSPACE_ID}/computes/cpu"
VAULT_ID = f"{GROUP_ID}/providers/Microsoft.KeyVault/vaults/kv1"
STORAGE_ID = f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/st1"
ENDPOINT_ID = f"{GROUP_ID}/providers/Microsoft.Network/privateEndpoints/pe1"
LOGS_ID = f"{VAULT_ID}/providers/Microsoft.Insights/diagnosticSettings/azmlflow"
ASSIGNMENT_ID = f"{STORAGE_ID}/providers/Microsoft.Authorization/roleAssignments/b0000000-0000-4000-8000-000000000001"


def scale(**changed: Any) -> dict[str, Any]:
    return {"maxNodeCount": 4, "minNodeCount": 0, "nodeIdleTimeBeforeScaleDown": "PT300S", **changed}


def compute(size: str = "Standard_DS3_v2", **changed: Any) -> dict[str, Any]:
    inner = {"vmSize": size, "scaleSettings": scale(**changed)}
    return {"computeType": "AmlCompute", "properties": inner}


CLUSTER = Resource(
    "urn::cpu",
    "azure-native:machinelearningservices:Compute",
    COMPUTE_ID,
    {"computeName": "cpu", "properties": compute()},
    # As Azure spells a size, and with an idle time that it has made a whole number of minutes.
    {"name": "cpu", "properties": compute("STANDARD_DS3_V2", nodeIdleTimeBeforeScaleDown="PT5M")},
)
VAULT = Resource(
    "urn::vault",
    "azure-native:keyvault:Vault",
    VAULT_ID,
    {"tags": OURS, "properties": {"publicNetworkAccess": "enabled", "softDeleteRetentionInDays": 90}},
    {
        "properties": {"publicNetworkAccess": "Enabled", "softDeleteRetentionInDays": 90, "vaultUri": "https://kv1/"},
        "systemData": {"createdAt": "2026-11-01T00:00:00Z"},
    },
)
STORAGE = Resource(
    "urn::storage",
    "azure-native:storage:StorageAccount",
    STORAGE_ID,
    {"tags": OURS, "allowBlobPublicAccess": False, "enableHttpsTrafficOnly": True, "publicNetworkAccess": "Enabled"},
    {"allowBlobPublicAccess": False, "enableHttpsTrafficOnly": True, "publicNetworkAccess": "Enabled",
     "creationTime": "2026-11-01T00:00:00Z"},
)  # fmt: skip
LOGS = Resource(
    "urn::logs",
    "azure-native:monitor:DiagnosticSetting",
    LOGS_ID,
    {"logs": [{"categoryGroup": "audit", "enabled": True}, {"categoryGroup": "allLogs", "enabled": True}]},
    {"logs": [
        {"category": None, "categoryGroup": "allLogs", "enabled": True, "retentionPolicy": {"days": 0}},
        {"category": None, "categoryGroup": "audit", "enabled": True, "retentionPolicy": {"days": 0}},
    ]},
)  # fmt: skip
GRANT = Resource("urn::grant", "azure-native:authorization:RoleAssignment", ASSIGNMENT_ID, {"principalId": "p"})


def told(resource: Resource, document: Mapping[str, Any]) -> tuple[str, ...]:
    arm = FakeArm()
    arm.put(resource.id, **{"type": "t", "tags": dict(OURS), **document})
    found = look(arm.open(), State((resource,)))
    assert found.gone == ()
    return (*found.says(), *found.stops())


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({}, ""),
        ({"maxNodeCount": 9}, "scaleSettings.maxNodeCount"),
        ({"minNodeCount": 1, "maxNodeCount": 5}, "scaleSettings.maxNodeCount, scaleSettings.minNodeCount"),
        ({"nodeIdleTimeBeforeScaleDown": "PT1M"}, "scaleSettings.nodeIdleTimeBeforeScaleDown"),
    ],
)
def test_a_cluster_that_somebody_scaled(changed: dict[str, Any], names: str) -> None:
    now = compute("STANDARD_DS3_V2", **{"nodeIdleTimeBeforeScaleDown": "PT5M", **changed})
    now["properties"]["currentNodeCount"] = 3
    wanted = (f"compute `cpu` was changed elsewhere: {names}",) if names else ()
    assert told(CLUSTER, {"properties": now}) == wanted


def test_what_azure_fills_in_or_spells_another_way_is_no_change() -> None:
    now = {"properties": {"publicNetworkAccess": "ENABLED", "softDeleteRetentionInDays": 90, "accessPolicies": []}}
    assert told(VAULT, now) == ()
    wire = {"allowBlobPublicAccess": False, "supportsHttpsTrafficOnly": True, "creationTime": "2026-11-01T00:00:00Z"}
    assert told(STORAGE, {"properties": wire}) == ()


def test_a_setting_that_somebody_changed_by_the_name_that_the_program_gives_it() -> None:
    wire = {"allowBlobPublicAccess": True, "supportsHttpsTrafficOnly": False, "creationTime": "2026-11-01T00:00:00Z"}
    assert told(STORAGE, {"properties": wire}) == (
        "storage account `storage` was changed elsewhere: allowBlobPublicAccess, enableHttpsTrafficOnly",
    )
    now = {"publicNetworkAccess": "Disabled", "softDeleteRetentionInDays": 90}
    assert told(VAULT, {"properties": now}) == ("key vault `vault` was changed elsewhere: publicNetworkAccess",)


def test_a_storage_accounts_firewall_stays_as_others_left_it() -> None:
    wire = {"allowBlobPublicAccess": False, "supportsHttpsTrafficOnly": True, "publicNetworkAccess": "Disabled"}
    assert told(STORAGE, {"properties": wire}) == ()


@pytest.mark.parametrize(
    ("logs", "changed"),
    [
        ([("audit", True), ("allLogs", True)], False),
        ([("audit", False), ("allLogs", True)], True),
        ([("audit", True)], True),
        ([], True),
    ],
)
def test_a_diagnostic_setting_that_somebody_edited(logs: list[tuple[str, bool]], changed: bool) -> None:
    now = [{"categoryGroup": name, "enabled": on, "retentionPolicy": {"days": 7}} for name, on in logs]
    wanted = ("diagnostic setting `logs` was changed elsewhere: logs",) if changed else ()
    assert told(LOGS, {"properties": {"logs": now}}) == wanted


def test_an_assignment_that_somebody_put_under_a_condition() -> None:
    properties = {"principalId": "p", "roleDefinitionId": "r"}
    assert told(GRANT, {"properties": properties}) == ()
    assert told(GRANT, {"properties": {**properties, "condition": "@Resource[x] StringEquals 'y'"}}) == (
        "role assignment `grant` was changed elsewhere: condition",
    )


@pytest.mark.parametrize("status", ["Rejected", "Disconnected", "Approved", "Pending"])
def test_a_private_endpoint_that_was_rejected(status: str) -> None:
    endpoint = Resource(
        "urn::pe", "azure-native:network:PrivateEndpoint", ENDPOINT_ID, {"tags": OURS}, {"location": "westeurope"}
    )
    link = {"properties": {"privateLinkServiceConnectionState": {"status": status}}}
    said = told(endpoint, {"location": "westeurope", "properties": {"privateLinkServiceConnections": [link]}})
    wanted = (
        f"private endpoint `pe1` was {status.lower()} by whom its target belongs to, and leads nowhere: delete it, and "
        "`azmlflow up` makes another",
    )
    assert said == (wanted if status in ("Rejected", "Disconnected") else ())


LATER: dict[str, Any] = {
    "properties": {"publicNetworkAccess": "Enabled", "softDeleteRetentionInDays": 7},
    "systemData": {"createdAt": "2026-11-26T00:00:00Z"},
}


def test_one_that_was_made_again_with_our_tags_is_taken_as_it_is_and_put_right() -> None:
    assert told(VAULT, LATER) == ("key vault `vault` was deleted elsewhere, and made again, with this stack's tags",)


@pytest.mark.parametrize("tags", [{}, None, {**OURS, "azmlflow-stack": "dev"}])
def test_one_that_was_made_again_without_our_tags_is_anothers(tags: dict[str, str] | None, desk: Desk) -> None:
    assert told(VAULT, {**LATER, "tags": tags}) == (
        "key vault `vault` is another's: it was deleted elsewhere, and made again without this stack's tags",
    )
    desk.settings()
    desk.stand(VAULT)
    desk.arm.put(VAULT_ID, type="Microsoft.KeyVault/vaults", **{**LATER, "tags": tags})
    done = desk.run("up", "--yes")
    assert done.code == 1
    assert "key vault `kv1` is another's" in done.err
    assert "--tags azmlflow-project=azmlflow azmlflow-stack=local" in done.err
    assert desk.stack.calls == [], "nothing of it is touched"
    assert desk.arm.calls == []


def test_a_group_that_somebody_made_again_is_anothers() -> None:
    group = Resource("urn::group", "azure-native:resources:ResourceGroup", GROUP_ID, {"tags": OURS})
    arm = FakeArm()
    arm.put(GROUP_ID)
    found = look(arm.open(), State((group, VAULT)))
    assert ([each.name for each in found.foreign], [each.name for each in found.gone]) == (["group"], ["vault"])
    assert found.retagged == ()
    # One whose tags alone were taken is still ours.
    arm.put(VAULT_ID, type="Microsoft.KeyVault/vaults", tags=OURS, properties=VAULT.outputs["properties"])
    found = look(arm.open(), State((group, VAULT)))
    assert ([each.name for each in found.retagged], found.foreign) == (["group"], ())


def test_what_was_edited_is_refreshed_so_that_up_sets_it_back(desk: Desk) -> None:
    arm, said = FakeArm(), list[str]()
    arm.put(COMPUTE_ID, properties=compute("STANDARD_DS3_V2", maxNodeCount=9))
    desk.stack.held = State((CLUSTER,))
    mend(desk.stack, look(arm.open(), desk.stack.held), said.append, arm.open)
    assert desk.stack.calls == ["refresh cpu"]
    assert said == [
        "compute `cpu` was changed elsewhere: scaleSettings.maxNodeCount, scaleSettings.nodeIdleTimeBeforeScaleDown"
    ]


def test_many_of_a_type_are_asked_for_by_one_list() -> None:
    many = [
        Resource(
            f"urn::{number}",
            "azure-native:network:PrivateZone",
            f"{GROUP_ID}/providers/Microsoft.Network/privateDnsZones/z{number}",
            {"tags": OURS},
            {"location": "global"},
        )
        for number in range(3)
    ]

    class Counting(FakeArm):
        def get(self, path: str) -> dict[str, Any] | None:
            assert "privateDnsZones" not in path
            return super().get(path)

    arm = Counting()
    for each in many:
        arm.put(each.id, type="Microsoft.Network/privateDnsZones", tags=OURS, location="global")
    assert look(arm.open(), State(tuple(many))).says() == ()
