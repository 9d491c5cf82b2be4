"""A workspace that is encrypted by a key of one's own: the key, who may use it, and what goes with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from azmlflow.infra.plan.prices import bill
from azmlflow.infra.rehearsal import rehearse
from azmlflow.infra.settings.faults import SettingsError
from azmlflow.infra.settings.settings import Settings
from tests.infra.conftest import SUBSCRIPTION

Up = Callable[..., Any]
GIVEN = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-keys/providers/Microsoft.KeyVault/vaults/kv-keys"
# Microsoft, "Azure built-in roles": Key Vault Crypto Service Encryption User.
CRYPTO = "e147488a-f6f5-4113-8e2d-b22465e65bf6"


def of_key(done: Any) -> Any:
    (found,) = (each for each in done.of("RoleAssignment") if each.inputs["roleDefinitionId"].endswith(CRYPTO))
    return found


def test_a_key_is_made_in_the_stacks_own_vault_and_the_identity_may_use_it_before_the_workspace(up: Up) -> None:
    done = up(encryption={}, purgeProtection=True)
    key, workspace, identity = done.one("Key"), done.one("services:Workspace"), done.one("UserAssignedIdentity")
    assert (key.inputs["keyName"], key.inputs["properties"]) == ("workspace", {"kty": "RSA", "keySize": 3072})
    assert (key.retained, key.ignored) == (True, ("tags",)), "what it encrypted would be lost without it"
    assert workspace.inputs["encryption"] == {
        "status": "Enabled",
        "keyVaultProperties": {
            "keyVaultArmId": "/id/mlflow-vault",
            "keyIdentifier": f"https://{key.inputs['vaultName']}.vault.azure.net/keys/workspace/7",
        },
        "identity": {"userAssignedIdentity": "/id/mlflow-identity"},
    }
    assert "enableServiceSideCMKEncryption" not in workspace.inputs
    assert workspace.inputs["identity"]["type"] == "UserAssigned", "the default goes with it"
    assert identity.inputs["resourceName"] == "id-mlflow-dev"
    role = of_key(done)
    assert role.inputs["scope"] == "/id/mlflow-key" and role.deleted_with
    assert role.urn in workspace.depends_on


@pytest.mark.parametrize("given", [{}, {"keyVault": GIVEN}], ids=["own", "given"])
def test_a_key_that_was_rotated_is_followed_but_not_service_side(up: Up, given: dict[str, str]) -> None:
    """A key of one's own was made with version `1`; its vault has by now another one."""

    def told(**other: Any) -> tuple[str, bool]:
        workspace = up(encryption={**given, **other}, purgeProtection=True).one("services:Workspace")
        version = workspace.inputs["encryption"]["keyVaultProperties"]["keyIdentifier"].rpartition("/")[2]
        return version, "encryption.keyVaultProperties.keyIdentifier" in workspace.ignored

    assert told() == ("7", False)
    assert told(serviceSide=True) == ("7", True), "the version of its making stays"


def test_a_key_that_stands_in_anothers_vault_is_used_and_only_the_role_on_it_is_ours(up: Up) -> None:
    done = up(encryption={"keyVault": GIVEN, "key": "team", "serviceSide": True})
    workspace = done.one("services:Workspace")
    assert done.of(":Key") == []
    assert workspace.inputs["encryption"]["keyVaultProperties"] == {
        "keyVaultArmId": GIVEN,
        "keyIdentifier": "https://kv-keys.vault.azure.net/keys/team/7",
    }
    assert workspace.inputs["enableServiceSideCMKEncryption"] is True
    role = of_key(done)
    assert (role.inputs["scope"], role.deleted_with) == (f"{GIVEN}/keys/team", ""), "it does not go with our group"


def test_without_roles_of_ours_somebody_else_has_given_them(up: Up) -> None:
    done = up(encryption={}, purgeProtection=True, identity={"type": "UserAssigned", "grantRoles": False})
    assert done.of("RoleAssignment") == []


@pytest.mark.parametrize(
    ("settings", "key", "word", "fix"),
    [
        ({"encryption": {}}, "purgeProtection", "none from a vault without purge protection", "purgeProtection true"),
        (
            {"encryption": {}, "purgeProtection": True, "identity": {"type": "SystemAssigned"}},
            "identity",
            "SystemAssigned is made with the workspace",
            "azmlflow set identity.type UserAssigned",
        ),
        (
            {
                "encryption": {"serviceSide": True},
                "purgeProtection": True,
                "registry": "own",
                "network": {"mode": "managed"},
            },
            "encryption",
            "takes no key from a closed one",
            "azmlflow set encryption.serviceSide false",
        ),
        (
            {"encryption": {}, "purgeProtection": True, "vault": GIVEN},
            "vault",
            "name the vault that the key stands in",
            f"azmlflow set encryption.keyVault {GIVEN}",
        ),
        ({"encryption": {"key": "a_key"}, "purgeProtection": True}, "encryption.key", "", ""),
        ({"encryption": {"keyVault": "kv"}}, "encryption.keyVault", "is not the ARM id of a resource", ""),
    ],
)
def test_what_azure_refuses_is_refused_with_the_nearest_that_works(
    settings: dict[str, Any], key: str, word: str, fix: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping({f"azmlflow:{name}": value for name, value in settings.items()})
    (fault,) = caught.value.faults
    assert fault.key == f"azmlflow:{key}"
    assert word in fault.what
    assert fix in fault.fix


def test_a_vault_of_another_subscription_is_refused(up: Up) -> None:
    other = GIVEN.replace(SUBSCRIPTION, "00000000-0000-4000-8000-00000000000f")
    with pytest.raises(Exception, match=r"azmlflow:encryption.keyVault: lies in subscription"):
        up(encryption={"keyVault": other})


def told(**settings: Any) -> dict[str, float | None]:
    config = {f"azmlflow:{key}": value for key, value in settings.items()}
    found = rehearse(config, project="azmlflow", stack="dev", subscription="s", tenant="t")
    return {line.what: line.month for line in bill((each.type, each.inputs) for each in found).lines}


def test_what_it_costs_is_said() -> None:
    classic = told(encryption={}, purgeProtection=True)
    assert classic["Cosmos DB and Search that a customer-managed key makes Azure keep for the workspace"] == 250
    assert classic["key"] == 0
    service_side = told(encryption={"serviceSide": True}, purgeProtection=True)
    assert service_side["Search that Azure keeps for a workspace with service-side encryption"] is None
