"""What is given by id is looked at before anything is made: each thing that Azure refuses, or that would do harm."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.desk import DEVELOPER, GROUP_ID, SUBSCRIPTION, WORKSPACE_ID, Desk

SHARED = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shared"
STORAGE = f"{SHARED}/providers/Microsoft.Storage/storageAccounts/stshared"
VAULT = f"{SHARED}/providers/Microsoft.KeyVault/vaults/kv-shared"
REGISTRY = f"{SHARED}/providers/Microsoft.ContainerRegistry/registries/crshared"
OTHER = WORKSPACE_ID.replace("mlw-mlflow-local", "other")
LISTED = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices/workspaces"
LOCK = f"{STORAGE}/providers/Microsoft.Authorization/locks/keep"
PERSON = "{principalId: aaaaaaaa-0000-4000-8000-000000000001, principalType: User, persona: viewer}"


@pytest.fixture
def given(desk: Desk) -> Desk:
    """A storage account and a vault that fit."""
    choose(desk)
    account(desk)
    vault(desk)
    return desk


def choose(desk: Desk, *more: str) -> None:
    lines = ("cloud: local", f"storage: {STORAGE}", f"vault: {VAULT}", *more)
    desk.settings(text="config:\n" + "".join(f"  azmlflow:{line}\n" for line in lines))


def account(desk: Desk, kind: str = "StorageV2", sku: str = "Standard_LRS", **properties: Any) -> None:
    desk.arm.put(STORAGE, location="westeurope", kind=kind, sku={"name": sku}, properties=properties)


def vault(desk: Desk, **properties: Any) -> None:
    known = {"tenantId": DEVELOPER.tenant, "enableRbacAuthorization": True}
    desk.arm.put(VAULT, location="westeurope", properties={**known, **properties})


def others(desk: Desk, id_: str, **properties: str) -> None:
    """A workspace, as the subscription's list has it."""
    desk.arm.documents[f"{LISTED}/x".lower()] = {"id": id_, "name": id_.rpartition("/")[2], "properties": properties}


def told(desk: Desk) -> str:
    """What the check says."""
    (found,) = (each for each in desk.run("doctor", "-o", "json").json()["checks"] if each["name"] == "given")
    return f"{found['status']}: {found['says']}"


def test_what_fits(given: Desk) -> None:
    assert told(given) == "ok: a workspace can stand on what is given: storage, vault"


def test_nothing_given(desk: Desk) -> None:
    desk.settings(text="config:\n  azmlflow:cloud: local\n")
    assert told(desk) == "skipped: the stack makes all that it stands on"


def test_a_group_that_is_not_there(given: Desk) -> None:
    choose(given, f"group: {SHARED}")
    assert told(given) == f"failed: group: there is no resource group shared, or it may not be read: {SHARED}"
    given.arm.put(SHARED, location="westeurope")
    assert told(given) == "ok: a workspace can stand on what is given: group, storage, vault"


def test_one_that_is_not_there(given: Desk) -> None:
    del given.arm.documents[STORAGE.lower()]
    assert told(given) == f"failed: storage: there is no storage account stshared, or it may not be read: {STORAGE}"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"isHnsEnabled": True}, "storage account stshared has a hierarchical namespace"),
        ({"sku": "Premium_LRS"}, "is StorageV2 Premium_LRS: a workspace's default account is StorageV2"),
        ({"kind": "BlobStorage"}, "is BlobStorage Standard_LRS"),
        ({"allowSharedKeyAccess": False}, "takes no keys (azmlflow set storageAuth identity --stack local)"),
    ],
)
def test_accounts_that_azure_refuses(given: Desk, change: dict[str, Any], word: str) -> None:
    account(given, **change)
    assert told(given).startswith("failed: storage: ")
    assert word in told(given)


def test_an_account_without_keys_goes_with_identity_based_storage(given: Desk) -> None:
    choose(given, "storageAuth: identity")
    account(given, allowSharedKeyAccess=False)
    assert told(given).startswith("ok")


def test_an_account_that_another_workspace_has_as_its_default(given: Desk) -> None:
    others(given, OTHER, storageAccount=STORAGE.upper(), keyVault="/x")
    says = told(given)
    assert says.startswith("failed: storage: storage account stshared is the default one of workspace other already")
    others(given, OTHER, storageAccount="/x", keyVault=VAULT)
    assert told(given).startswith("warning: vault: key vault kv-shared is the default one of workspace other")
    others(given, WORKSPACE_ID, storageAccount=STORAGE, keyVault=VAULT)
    assert told(given).startswith("ok"), "the stack's own may"


def test_a_vault_of_another_tenant(given: Desk) -> None:
    vault(given, tenantId="t2")
    assert "failed: vault: key vault kv-shared trusts tenant t2, and you are signed in to t1" in told(given)


def test_a_vault_with_access_policies_gives_a_role_nothing(given: Desk) -> None:
    vault(given, enableRbacAuthorization=False)
    assert told(given).startswith("ok"), "to a system-assigned identity Azure gives a policy"
    choose(given, "identity: {type: UserAssigned}")
    assert "failed: vault: key vault kv-shared goes by access policies" in told(given)
    choose(given, "identity: {type: UserAssigned, grantRoles: false}")
    assert "goes by access policies" not in told(given)


def test_locks(given: Desk) -> None:
    given.arm.put(LOCK, properties={"level": "CanNotDelete"})
    assert told(given).startswith("ok"), "nothing of the stack's is on it"
    choose(given, "storageAuth: identity", f"grants: [{PERSON}]")
    assert "is locked (keep): `down` could not take away the roles that this stack gives on it" in told(given)
    choose(given)
    given.arm.put(LOCK, properties={"level": "ReadOnly"})
    assert "failed: storage: storage account stshared is locked (keep, ReadOnly)" in told(given)


def test_a_lock_on_its_group_binds_it_and_one_on_its_neighbour_does_not(given: Desk) -> None:
    given.arm.put(f"{STORAGE}2/providers/Microsoft.Authorization/locks/keep", properties={"level": "ReadOnly"})
    assert told(given).startswith("ok")
    given.arm.put(f"{SHARED}/providers/Microsoft.Authorization/locks/keep", properties={"level": "ReadOnly"})
    assert "storage account stshared is locked (keep, ReadOnly)" in told(given)


def test_what_is_given_lets_in_the_same_addresses(given: Desk) -> None:
    network = "network: {mode: publicIps, allowedIps: [203.0.113.7, 198.51.100.0/24]}"
    choose(given, network, f"registry: {REGISTRY}")
    both = [{"value": "203.0.113.7/32"}, {"value": "198.51.100.0/24"}]
    account(given, networkAcls={"defaultAction": "Deny", "ipRules": both})
    vault(given, networkAcls={"defaultAction": "Deny", "ipRules": both[:1]})
    given.arm.put(REGISTRY, sku={"name": "Premium"}, properties={"publicNetworkAccess": "Disabled"})
    says = told(given)
    assert "storage account" not in says
    assert "key vault kv-shared does not let in 198.51.100.0/24 of network.allowedIps: its owner has to" in says
    assert "container registry crshared does not let in 203.0.113.7, 198.51.100.0/24 of network.allowedIps" in says


@pytest.mark.parametrize(
    ("has", "more"),
    [
        (["203.0.113.7", "198.51.100.0/24"], ""),
        (["203.0.113.7/32", "198.51.100.0/25", "198.51.100.128/25"], ""),
        (["203.0.113.7", "198.51.100.0/24", "192.0.2.0/24"], "192.0.2.0/24"),
        (["203.0.113.6/31", "198.51.100.0/23"], "203.0.113.6/31, 198.51.100.0/23"),
    ],
)
def test_what_is_given_lets_in_no_other_address(given: Desk, has: list[str], more: str) -> None:
    choose(given, "network: {mode: publicIps, allowedIps: [203.0.113.7, 198.51.100.0/24]}", "registry: own")
    closed = {"defaultAction": "Deny", "ipRules": [{"value": each} for each in has]}
    account(given, networkAcls=closed)
    vault(given, networkAcls=closed)
    says = told(given)
    if more:
        wanted = f"lets in {more}, which network.allowedIps does not: its owner has to close it, or name it there"
        assert f"failed: storage: storage account stshared {wanted}" in says
        assert f"vault: key vault kv-shared {wanted}" in says
    else:
        assert says.startswith("ok")


def test_a_closed_account_that_lets_in_its_network_alone(given: Desk) -> None:
    """Disabled, its rules of addresses mean nothing; the networks that it lets in are its owner's."""
    choose(given, "network: {mode: managed}", "registry: own")
    rules = {"defaultAction": "Deny", "ipRules": [{"value": "192.0.2.0/24"}]}
    account(given, networkAcls=rules)
    vault(given, publicNetworkAccess="Disabled", networkAcls=rules)
    assert told(given) == (
        "failed: storage: storage account stshared lets in 192.0.2.0/24, and network.mode managed lets in nobody "
        "from the internet: its owner has to close it"
    )


def test_what_is_given_to_a_closed_workspace_has_to_be_closed(given: Desk) -> None:
    choose(given, "network: {mode: managed}", f"registry: {REGISTRY}")
    given.arm.put(REGISTRY, sku={"name": "Basic"}, properties={"publicNetworkAccess": "Enabled"})
    says = told(given)
    assert "storage account stshared is open to the internet, and network.mode managed closes all" in says
    assert "registry: container registry crshared is Basic, and only Premium has private endpoints" in says
    account(given, networkAcls={"defaultAction": "Deny"})
    vault(given, publicNetworkAccess="Disabled")
    given.arm.put(REGISTRY, sku={"name": "Premium"}, properties={"publicNetworkAccess": "Disabled"})
    assert told(given).startswith("ok")


ROBOT = f"{SHARED}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/robot"
WHO = "aaaaaaaa-0000-4000-8000-0000000000b0"
AUTHORIZATION = "providers/Microsoft.Authorization"
# Of Microsoft's "Azure built-in roles", as far as they count here.
CONTRIBUTOR = {"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]}
BLOBS = {"dataActions": ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"]}
SECRETS = {"dataActions": ["Microsoft.KeyVault/vaults/*"]}


def role(
    desk: Desk, name: str, block: dict[str, Any], scope: str, *, who: str = WHO, kind: str = "ServicePrincipal"
) -> None:
    id_ = f"/subscriptions/{SUBSCRIPTION}/{AUTHORIZATION}/roleDefinitions/{name}"
    desk.arm.put(id_, properties={"roleName": name, "permissions": [block]})
    properties = {"scope": scope, "principalId": who, "principalType": kind, "roleDefinitionId": id_}
    desk.arm.put(f"{scope}/{AUTHORIZATION}/roleAssignments/{name}-{len(desk.arm.documents)}", properties=properties)


@pytest.fixture
def robot(given: Desk) -> Desk:
    """A workspace that works as an identity of somebody else's, who gives it its roles."""
    choose(given, f"identity: {{type: UserAssigned, id: {ROBOT}, grantRoles: false}}", f"group: {SHARED}")
    given.arm.put(SHARED, location="westeurope")
    given.arm.put(ROBOT, properties={"principalId": WHO.upper()})
    return given


def test_an_identity_that_is_not_there(robot: Desk) -> None:
    del robot.arm.documents[ROBOT.lower()]
    assert f"identity.id: there is no managed identity robot, or it may not be read: {ROBOT}" in told(robot)


def test_an_identity_that_lacks_a_right_which_nobody_here_gives(robot: Desk) -> None:
    says = told(robot)
    assert says.startswith("failed: identity.id: managed identity robot lacks Microsoft.Storage/storageAccounts/read")
    assert "blobs/write on stshared, and identity.grantRoles is false: its owner has to give it" in says
    assert (
        "lacks Microsoft.Insights/components/read on the group, where the Application Insights component comes" in says
    )
    role(robot, "contributor", CONTRIBUTOR, SHARED)
    role(robot, "blobs", BLOBS, f"{STORAGE}2")  # on its neighbour
    role(robot, "secrets", SECRETS, VAULT, who=WHO.replace("b0", "b1"))  # another's
    says = told(robot)
    assert "components/read" not in says
    assert "lacks Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write on stshared" in says
    assert "lacks Microsoft.KeyVault/vaults/secrets/setSecret/action on kv-shared" in says
    role(robot, "blobs", BLOBS, STORAGE)
    role(robot, "secrets", SECRETS, VAULT, who="g", kind="Group")  # in which it may be: Azure has the last word
    assert told(robot) == "ok: a workspace can stand on what is given: group, storage, vault, identity.id"


def test_an_identity_whose_roles_the_stack_gives_on_its_own_alone_is_asked_about_on_what_is_given(robot: Desk) -> None:
    choose(robot, f"identity: {{type: UserAssigned, id: {ROBOT}, grantOnGiven: false}}", f"group: {SHARED}")
    says = told(robot)
    assert "blobs/write on stshared, and identity.grantOnGiven is false: its owner has to give it" in says
    assert "insights" not in says.lower()
    role(robot, "contributor", CONTRIBUTOR, SHARED)
    role(robot, "blobs", BLOBS, STORAGE)
    role(robot, "secrets", SECRETS, VAULT)
    assert told(robot) == "ok: a workspace can stand on what is given: group, storage, vault, identity.id"


def test_an_identity_that_is_to_be_made_has_its_roles_from_nobody(desk: Desk) -> None:
    """The first `up` would stop at the workspace; what that leaves can be given roles, and is asked about."""
    desk.settings(
        text="config:\n  azmlflow:cloud: local\n  azmlflow:identity: {type: UserAssigned, grantRoles: false}\n"
    )
    done = desk.run("up")
    assert done.code == 1
    says = " ".join(done.err.split())
    assert "identity: id-mlflow-local is only to be made, and identity.grantRoles is false: nobody can have" in says
    assert "next: azmlflow set identity.grantRoles true --stack local" in says
    made = f"{GROUP_ID}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-mlflow-local"
    desk.arm.put(GROUP_ID, location="westeurope")
    desk.arm.put(made, properties={"principalId": WHO})
    assert "identity: managed identity id-mlflow-local lacks Microsoft.Storage" in told(desk)
    for name, block in (("contributor", CONTRIBUTOR), ("blobs", BLOBS), ("secrets", SECRETS)):
        role(desk, name, block, GROUP_ID)
    assert told(desk) == "skipped: the stack makes all that it stands on"


def test_an_identity_that_the_stack_gives_its_roles_is_not_asked_about(robot: Desk) -> None:
    choose(robot, f"identity: {{type: UserAssigned, id: {ROBOT}}}")
    assert told(robot).startswith("ok")


def test_a_vault_with_access_policies_is_not_asked_for_roles(robot: Desk) -> None:
    role(robot, "contributor", CONTRIBUTOR, SHARED)
    role(robot, "blobs", BLOBS, STORAGE)
    vault(robot, enableRbacAuthorization=False)
    assert told(robot).startswith("ok")


KEYS = f"{SHARED}/providers/Microsoft.KeyVault/vaults/kv-keys"


@pytest.fixture
def encrypted(given: Desk) -> Desk:
    """A vault with a key that fits, besides."""
    choose(given, f"encryption: {{keyVault: {KEYS}}}")
    vault_of_key(given)
    key(given)
    return given


def vault_of_key(desk: Desk, **properties: Any) -> None:
    known = {"enableRbacAuthorization": True, "enablePurgeProtection": True, "publicNetworkAccess": "Enabled"}
    desk.arm.put(KEYS, location="westeurope", properties={**known, **properties})


def key(desk: Desk, **attributes: Any) -> None:
    desk.arm.put(f"{KEYS}/keys/workspace", properties={"attributes": {"enabled": True, **attributes}})


def test_a_key_that_fits(encrypted: Desk) -> None:
    assert told(encrypted).endswith("given: storage, vault, encryption.keyVault")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"enablePurgeProtection": None}, "kv-keys has no purge protection: az keyvault update --name kv-keys"),
        ({"enableRbacAuthorization": False}, "gives that identity Get, Wrap Key and Unwrap Key"),
        ({"publicNetworkAccess": "Disabled"}, "is closed to the internet, which service-side encryption"),
    ],
)
def test_a_vault_that_no_key_is_taken_from(encrypted: Desk, change: dict[str, Any], word: str) -> None:
    choose(encrypted, f"encryption: {{keyVault: {KEYS}, serviceSide: true}}")
    vault_of_key(encrypted, **change)
    assert told(encrypted).startswith("failed: encryption.keyVault: key vault kv-keys ")
    assert word in told(encrypted)


def test_a_key_that_is_not_there_or_disabled(encrypted: Desk) -> None:
    key(encrypted, enabled=False)
    assert "has the key workspace disabled" in told(encrypted)
    del encrypted.arm.documents[f"{KEYS}/keys/workspace".lower()]
    assert "has no key workspace, or it may not be read" in told(encrypted)


def test_accounts_of_datastores(desk: Desk) -> None:
    store = f"{{name: lake, type: dataLake, container: files, account: {STORAGE}}}"
    desk.settings(text=f"config:\n  azmlflow:cloud: local\n  azmlflow:datastores: [{store}]\n")
    assert (
        f"failed: datastores[0].account: there is no storage account stshared, or it may not be read: {STORAGE}"
        in told(desk)
    )
    account(desk)
    assert "storage account stshared has no hierarchical namespace, which a dataLake needs" in told(desk)
    account(desk, isHnsEnabled=True)
    assert told(desk) == "skipped: the stack makes all that it stands on"
