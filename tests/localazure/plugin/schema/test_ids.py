"""ARM ids, put together and taken apart."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.localazure.plugin.schema import ids
from azmlflow.localazure.plugin.schema.types import catalogue
from azmlflow.localazure.plugin.schema.unknown import UNKNOWN

GROUP = "/subscriptions/S/resourceGroups/g/providers"


def _type(name: str) -> Any:
    return catalogue().types[f"azure-native:{name}"]


def test_ids_encode_names_but_not_scopes() -> None:
    assert (
        ids.resource_id(_type("keyvault:Vault"), {"resourceGroupName": "a b", "vaultName": "v"}, "S")
        == "/subscriptions/S/resourceGroups/a%20b/providers/Microsoft.KeyVault/vaults/v"
    )
    inputs = {"scope": "/subscriptions/S/resourceGroups/g/", "roleAssignmentName": "r"}
    assert (
        ids.resource_id(_type("authorization:RoleAssignment"), inputs, "S")
        == f"{GROUP}/Microsoft.Authorization/roleAssignments/r"
    )


def test_no_name_leads_to_another_resource() -> None:
    inputs = {"resourceGroupName": "g", "vaultName": "v/../w"}
    assert ids.resource_id(_type("keyvault:Vault"), inputs, "S").endswith("/vaults/v%2F..%2Fw")


def test_a_scope_keeps_its_letters() -> None:
    inputs = {"scope": "/subscriptions/X/", "roleAssignmentName": "r"}
    found = ids.resource_id(_type("authorization:RoleAssignment"), inputs, "S")
    assert found == "/subscriptions/X/providers/Microsoft.Authorization/roleAssignments/r"


@pytest.mark.parametrize("inputs", [{}, *({"resourceGroupName": name} for name in ("", "/", 3, UNKNOWN))])
def test_an_id_needs_all_its_parts(inputs: dict[str, Any]) -> None:
    with pytest.raises(ids.BadId, match="'resourceGroupName' must be a non-empty string"):
        ids.resource_id(_type("resources:ResourceGroup"), inputs, "S")


def test_ids_are_taken_apart_without_case() -> None:
    parsed = ids.parse_id(
        _type("machinelearningservices:Compute"),
        "/subscriptions/S/resourcegroups/G/providers/microsoft.machinelearningservices/Workspaces/w/computes/c",
    )
    assert parsed == {"resourceGroupName": "G", "workspaceName": "w", "computeName": "c"}
    parsed = ids.parse_id(_type("authorization:RoleAssignment"), f"{GROUP}/Microsoft.Authorization/roleAssignments/r")
    assert parsed == {"scope": "/subscriptions/S/resourceGroups/g", "roleAssignmentName": "r"}


def test_an_id_of_another_type_is_refused() -> None:
    with pytest.raises(ids.BadId, match="not the id of a azure-native:keyvault:Vault"):
        ids.parse_id(_type("keyvault:Vault"), f"{GROUP}/Microsoft.Storage/storageAccounts/s")


def test_an_id_may_end_in_a_slash_which_is_no_part_of_the_name() -> None:
    parsed = ids.parse_id(_type("keyvault:Vault"), f"{GROUP}/Microsoft.KeyVault/vaults/vaultX/")
    assert parsed == {"resourceGroupName": "g", "vaultName": "vaultX"}


def test_the_id_of_what_stands_in_a_resource_is_not_the_resources_own() -> None:
    with pytest.raises(ids.BadId, match="not the id of a"):
        ids.parse_id(_type("keyvault:Vault"), f"{GROUP}/Microsoft.KeyVault/vaults/v/keys/k")
