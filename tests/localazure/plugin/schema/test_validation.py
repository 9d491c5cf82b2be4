"""What Check refuses: types, lengths, patterns and what is missing, nested inputs included; in azure-native's words."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.localazure.plugin.schema.types import catalogue
from azmlflow.localazure.plugin.schema.unknown import UNKNOWN
from azmlflow.localazure.plugin.schema.validation import faults, known

CATALOGUE = catalogue()
ACCOUNT: dict[str, Any] = {
    "resourceGroupName": "rg",
    "accountName": "stone",
    "location": "westeurope",
    "kind": "StorageV2",
    "sku": {"name": "Standard_LRS"},
    "azureApiVersion": "2024-01-01",
    "__createBeforeDelete": True,
}
VAULT: dict[str, Any] = {
    "resourceGroupName": "rg",
    "vaultName": "kv-one",
    "properties": {"tenantId": "t", "sku": {"family": "A", "name": "standard"}},
}


def _faults(token: str, inputs: dict[str, Any]) -> list[str]:
    return faults(CATALOGUE.types[f"azure-native:{token}"], inputs, CATALOGUE.objects)


def _account(**changes: Any) -> list[str]:
    return _faults("storage:StorageAccount", {**ACCOUNT, **changes})


def _vault(**properties: Any) -> list[str]:
    return _faults("keyvault:Vault", {**VAULT, "properties": {**VAULT["properties"], **properties}})


def test_what_fits_has_no_faults() -> None:
    assert _account() == _vault() == []


def test_what_is_missing_is_named_at_any_depth() -> None:
    account = {"accountName": "stone", "sku": {}, "networkRuleSet": {"ipRules": [{}]}}
    assert _faults("storage:StorageAccount", account) == [
        "missing required property 'resourceGroupName'",
        "missing required property 'kind'",
        "missing required property 'networkRuleSet.ipRules[0].iPAddressOrRange'",
        "missing required property 'sku.name'",
    ]
    assert _faults("keyvault:Vault", {**VAULT, "properties": {"tenantId": "t"}}) == [
        "missing required property 'properties.sku'"
    ]
    policy = {"tenantId": "t", "objectId": "o"}
    assert _vault(accessPolicies=[policy]) == ["missing required property 'properties.accessPolicies[0].permissions'"]


def test_what_is_not_known_yet_is_not_judged() -> None:
    assert (
        _account(resourceGroupName=UNKNOWN, sku=UNKNOWN, tags={"a": UNKNOWN}, networkRuleSet={"ipRules": UNKNOWN}) == []
    )


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"kind": 5}, "'kind' should be of type 'string' but got a number"),
        ({"kind": ["StorageV2"]}, "'kind' should be of type 'string' but got an array"),
        ({"isHnsEnabled": "yes"}, "'isHnsEnabled' should be of type 'boolean' but got a string"),
        ({"isHnsEnabled": 1}, "'isHnsEnabled' should be of type 'boolean' but got a number"),
        ({"tags": "a=b"}, "'tags' should be of type 'object' but got a string"),
        ({"sku": "Standard_LRS"}, "'sku' should be of type 'object' but got a string"),
        (
            {"networkRuleSet": {"ipRules": "1.2.3.4"}},
            "'networkRuleSet.ipRules' should be of type 'array' but got a string",
        ),
        (
            {"networkRuleSet": {"ipRules": [{"iPAddressOrRange": 5}]}},
            "'networkRuleSet.ipRules[0].iPAddressOrRange' should be of type 'string' but got a number",
        ),
        (
            {"identity": {"type": "None", "userAssignedIdentities": [7]}},
            "'identity.userAssignedIdentities[0]' should be of type 'string' but got a number",
        ),
    ],
)
def test_values_of_another_type(changes: dict[str, Any], fault: str) -> None:
    assert _account(**changes) == [fault]


def test_what_azure_native_does_not_judge() -> None:
    """A switch where a text belongs, an object where none belongs, what a map holds (provider.go, validateProperty)."""
    assert _account(kind=True, accessTier={"a": "b"}, tags={"a": 5}) == []


def test_whole_numbers() -> None:
    assert _vault(softDeleteRetentionInDays=7.5) == [
        "'properties.softDeleteRetentionInDays' must be an integer but got 7.500000"
    ]
    assert _vault(softDeleteRetentionInDays=90) == []
    budget = {
        "scope": "/s",
        "budgetName": "b",
        "category": "Cost",
        "timeGrain": "Monthly",
        "timePeriod": {"startDate": "x"},
    }
    assert _faults("consumption:Budget", {**budget, "amount": 0.5}) == []


# Lengths and patterns: Microsoft's REST specifications, as the azure-mgmt packages hold requests to them.
@pytest.mark.parametrize(
    ("token", "name", "value", "expected"),
    [
        (
            "storage:StorageAccount",
            "accountName",
            "ab",
            "'accountName' is too short (2): at least 3 characters required",
        ),
        (
            "storage:StorageAccount",
            "accountName",
            "a" * 25,
            "'accountName' is too long (25): at most 24 characters allowed",
        ),
        ("storage:StorageAccount", "accountName", "Stone", "'accountName' does not match expression '^[a-z0-9]+$'"),
        (
            "storage:StorageAccount",
            "resourceGroupName",
            "r" * 91,
            "'resourceGroupName' is too long (91): at most 90 characters allowed",
        ),
        ("keyvault:Vault", "vaultName", "no_good", "'vaultName' does not match expression '^[a-zA-Z0-9-]{3,24}$'"),
        (
            "machinelearningservices:Compute",
            "workspaceName",
            "ws",
            "'workspaceName' does not match expression '^[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}$'",
        ),
        (
            "machinelearningservices:Datastore",
            "name",
            "-x",
            "'name' does not match expression '^[a-zA-Z0-9][a-zA-Z0-9\\-_]{0,254}$'",
        ),
        (
            "operationalinsights:Workspace",
            "workspaceName",
            "log-",
            "'workspaceName' does not match expression '^[A-Za-z0-9][A-Za-z0-9-]+[A-Za-z0-9]$'",
        ),
        (
            "storage:BlobContainer",
            "containerName",
            "c" * 64,
            "'containerName' is too long (64): at most 63 characters allowed",
        ),
        (
            "containerregistry:Registry",
            "registryName",
            "cr-1x",
            "'registryName' does not match expression '^[a-zA-Z0-9]*$'",
        ),
        (
            "managedidentity:FederatedIdentityCredential",
            "federatedIdentityCredentialResourceName",
            "ab",
            "'federatedIdentityCredentialResourceName' does not match expression "
            "'^[a-zA-Z0-9]{1}[a-zA-Z0-9-_]{2,119}$'",
        ),
    ],
)
def test_lengths_and_patterns(token: str, name: str, value: str, expected: str) -> None:
    assert expected in _faults(token, {name: value})
    assert not [fault for fault in _faults(token, {name: UNKNOWN}) if fault.startswith(f"'{name}'")]


def test_a_workspace_is_not_held_to_the_rule_of_another_kind_of_workspace() -> None:
    assert not [
        fault
        for fault in _faults("machinelearningservices:Workspace", {"workspaceName": "ml_workspace"})
        if "workspaceName" in fault
    ]


def test_what_a_type_does_not_know_is_no_fault_and_not_sent() -> None:
    """azure-native drops it on the way to Azure (convert/sdkInputsToRequestBody.go)."""
    odd = {**ACCOUNT, "colour": "blue", "sku": {"name": "Standard_LRS", "size": 5}, "tags": {"any": "thing"}}
    odd["networkRuleSet"] = {"ipRules": [{"iPAddressOrRange": "1.2.3.4", "why": "?"}]}
    kind = CATALOGUE.types["azure-native:storage:StorageAccount"]
    assert faults(kind, odd, CATALOGUE.objects) == []
    assert known(kind, odd, CATALOGUE.objects) == {
        **{name: value for name, value in ACCOUNT.items() if name not in ("azureApiVersion", "__createBeforeDelete")},
        "tags": {"any": "thing"},
        "networkRuleSet": {"ipRules": [{"iPAddressOrRange": "1.2.3.4"}]},
    }


def test_one_of_several_objects_is_neither_judged_nor_cut() -> None:
    kind = CATALOGUE.types["azure-native:machinelearningservices:Compute"]
    inputs = {
        "resourceGroupName": "rg",
        "workspaceName": "mlw",
        "computeName": "cpu",
        "properties": {"computeType": "AmlCompute", "properties": {"vmSize": 5, "odd": {"a": [1]}}},
    }
    assert faults(kind, inputs, CATALOGUE.objects) == []
    assert known(kind, inputs, CATALOGUE.objects) == inputs


@pytest.mark.parametrize(
    ("token", "name", "value"),
    [
        ("storage:StorageAccount", "accountName", "a" * 24),
        ("storage:StorageAccount", "accountName", "a" * 3),
        ("storage:BlobContainer", "containerName", "c" * 63),
        ("storage:StorageAccount", "resourceGroupName", "r" * 90),
    ],
)
def test_a_name_as_long_as_is_allowed_is_no_fault(token: str, name: str, value: str) -> None:
    assert not [fault for fault in _faults(token, {name: value}) if fault.startswith(f"'{name}'")]


def test_a_name_is_a_text() -> None:
    assert _account(accountName=["stone"]) == ["'accountName' should be of type 'string' but got an array"]
