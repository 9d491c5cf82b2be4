"""Machine Learning workspaces, datastores, computes: what is particular to each."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localazure.control import (
    ALICE,
    BOB,
    BODIES,
    CHAIN,
    COMPUTE,
    INSIGHTS,
    NETWORK,
    PRIVATE_ENDPOINT,
    PROVIDERS,
    RG,
    STORAGE,
    SUB,
    SUBNET,
    VAULT,
    WORKSPACE,
    ZONE,
    Azure,
)


def _workspace(**properties: Any) -> dict[str, Any]:
    return {**BODIES[WORKSPACE], "properties": {**BODIES[WORKSPACE]["properties"], **properties}}


def _cluster(**properties: Any) -> dict[str, Any]:
    inner = {**BODIES[COMPUTE]["properties"]["properties"], **properties}
    return {"location": "westeurope", "properties": {"computeType": "AmlCompute", "properties": inner}}


def test_where_clients_find_it(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    found = azure.arm("GET", WORKSPACE).body
    properties = found["properties"]
    assert properties["mlFlowTrackingUri"] == f"azureml://westeurope.api.azureml.ms/mlflow/v1.0{WORKSPACE}"
    assert properties["discoveryUrl"] == "https://westeurope.api.azureml.ms/discovery"
    assert found["systemData"]["createdBy"] == "developer@local.test"
    for scope in (RG, SUB):
        listed = azure.arm("GET", f"{scope}/providers/Microsoft.MachineLearningServices/workspaces").body["value"]
        assert [each["id"] for each in listed] == [WORKSPACE]


def test_its_identity_gets_its_grants_and_goes_with_it(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    principal_id = azure.arm("GET", WORKSPACE).body["identity"]["principalId"]
    principal = azure.cloud.directory.get(principal_id)
    assert principal is not None
    assert (principal.kind, principal.display_name) == ("ServicePrincipal", "ws-one")
    decide = azure.cloud.enforcer.decide
    assert decide(principal_id, "Microsoft.MachineLearningServices/workspaces/computes/write", COMPUTE).allowed
    blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"
    assert decide(principal_id, blobs, STORAGE, data=True).allowed
    assert decide(principal_id, "Microsoft.KeyVault/vaults/secrets/getSecret/action", VAULT, data=True).allowed
    # Azure AI Administrator, on the group (Microsoft, "Manage access to an Azure Machine Learning workspace").
    assert decide(principal_id, "Microsoft.Storage/storageAccounts/listKeys/action", STORAGE).allowed
    assert not decide(principal_id, "Microsoft.Authorization/roleAssignments/write", RG).allowed
    azure.arm("DELETE", WORKSPACE)
    azure.wait()
    assert azure.cloud.directory.get(principal_id) is None


def test_with_access_policies_the_identity_gets_one(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    properties = {**BODIES[VAULT]["properties"], "enableRbacAuthorization": False}
    refused = azure.arm("PUT", VAULT, {**BODIES[VAULT], "properties": properties})
    assert (refused.status, "accessPolicies" in refused.message) == (400, True)
    azure.arm("PUT", VAULT, {**BODIES[VAULT], "properties": {**properties, "accessPolicies": []}})
    azure.wait()
    azure.arm("PUT", WORKSPACE, _workspace(applicationInsights=None))
    azure.wait()
    principal_id = azure.arm("GET", WORKSPACE).body["identity"]["principalId"]
    policies = azure.arm("GET", VAULT).body["properties"]["accessPolicies"]
    assert [policy["objectId"] for policy in policies] == [principal_id]


def test_a_soft_deleted_workspace_keeps_its_name(azure: Azure) -> None:
    azure.make(*CHAIN)
    first = azure.arm("GET", WORKSPACE).body["properties"]["workspaceId"]
    assert azure.arm("DELETE", WORKSPACE).status == 202
    azure.wait()
    assert (azure.arm("GET", WORKSPACE).status, azure.arm("GET", COMPUTE).status) == (404, 404)
    refused = azure.arm("PUT", WORKSPACE, BODIES[WORKSPACE])
    assert (refused.status, refused.code) == (400, "BadRequest")
    assert "Soft-deleted workspace exists" in refused.message
    assert "az ml workspace delete --name ws-one --resource-group rg1 --permanently-delete" in refused.message
    assert azure.arm("DELETE", WORKSPACE).status == 204
    assert azure.mlflow.forgotten == []
    purge = azure.arm("DELETE", f"{WORKSPACE}?forceToPurge=true")
    assert purge.status == 202
    assert azure.follow(purge.headers["azure-asyncoperation"]).body["status"] == "Succeeded"
    assert azure.mlflow.forgotten == [first]
    azure.make(WORKSPACE)
    assert azure.arm("GET", WORKSPACE).body["properties"]["workspaceId"] != first


def test_a_soft_deleted_workspace_is_recovered_when_asked_to(azure: Azure) -> None:
    azure.make(*CHAIN)
    before = azure.arm("GET", WORKSPACE).body
    azure.arm("DELETE", WORKSPACE)
    azure.wait()
    assert azure.arm("PUT", WORKSPACE, _workspace(allowRecoverSoftDeletedWorkspace=True)).status == 202
    azure.wait()
    after = azure.arm("GET", WORKSPACE).body
    assert after["properties"] == before["properties"]
    assert after["identity"]["principalId"] != before["identity"]["principalId"]
    assert azure.arm("GET", COMPUTE).status == 404
    assert azure.arm("GET", f"{WORKSPACE}/datastores/workspaceblobstore").status == 200


def test_purging_at_once_leaves_nothing(azure: Azure) -> None:
    azure.make(*CHAIN)
    azure.arm("DELETE", f"{WORKSPACE}?forceToPurge=true")
    azure.wait()
    assert list(azure.cloud.store.scan("deleted")) == []
    assert len(azure.mlflow.forgotten) == 1
    assert azure.arm("DELETE", f"{WORKSPACE}?forceToPurge=true").status == 204


def test_what_is_left_of_a_gone_group_can_still_be_purged(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    azure.arm("DELETE", RG)
    azure.wait()
    assert azure.arm("DELETE", f"{WORKSPACE}?forceToPurge=true", who=BOB).status == 403
    assert azure.arm("DELETE", f"{WORKSPACE}?forceToPurge=true").status == 202
    azure.wait()
    assert [record["type"] for _, record in azure.cloud.store.scan("deleted")] == ["Microsoft.KeyVault/vaults"]


@pytest.mark.parametrize(
    ("properties", "code", "word"),
    [
        ({"storageAccount": None}, "BadRequest", "storageAccount"),
        ({"keyVault": None}, "BadRequest", "keyVault"),
        ({"storageAccount": "stacct1"}, "LinkedInvalidPropertyId", "storageAccount"),
        ({"storageAccount": VAULT}, "LinkedInvalidPropertyId", "storageAccount"),
        ({"storageAccount": STORAGE + "x"}, "BadRequest", "stacct1x"),
        ({"keyVault": VAULT + "x"}, "BadRequest", "kv-onex"),
        ({"applicationInsights": INSIGHTS + "x"}, "BadRequest", "insights-onex"),
        ({"systemDatastoresAuthMode": "magic"}, "InvalidRequestPropertyValue", "magic"),
        ({"hbiWorkspace": "yes"}, "InvalidRequestContent", "hbiWorkspace"),
    ],
)
def test_what_it_may_not_stand_on(azure: Azure, properties: dict[str, Any], code: str, word: str) -> None:
    azure.make(*CHAIN[:5])
    refused = azure.arm("PUT", WORKSPACE, _workspace(**properties))
    assert (refused.status, refused.code, word in refused.message) == (400, code, True)
    assert azure.arm("GET", WORKSPACE).status == 404


@pytest.mark.parametrize(
    "account",
    [
        {"properties": {"isHnsEnabled": True}},
        {"sku": {"name": "Premium_LRS"}},
        {"kind": "BlobStorage"},
    ],
)
def test_an_account_that_is_unfit_for_a_workspace(azure: Azure, account: dict[str, Any]) -> None:
    azure.make(RG, VAULT)
    azure.arm("PUT", STORAGE, {**BODIES[STORAGE], **account})
    azure.wait()
    refused = azure.arm("PUT", WORKSPACE, _workspace(applicationInsights=None))
    assert (refused.status, "stacct1" in refused.message) == (400, True)


def test_it_does_not_move_to_another_account(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    other = STORAGE.replace("stacct1", "stacct2")
    azure.arm("PUT", other, BODIES[STORAGE])
    azure.wait()
    assert "storageAccount" in azure.arm("PUT", WORKSPACE, _workspace(storageAccount=other)).message
    lower = azure.arm("PUT", WORKSPACE, _workspace(storageAccount=STORAGE.lower()))
    assert lower.status == 200


def test_its_keys_are_told_by_the_action_alone(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    keys = azure.arm("POST", f"{WORKSPACE}/listKeys").body
    account = azure.arm("POST", f"{STORAGE}/listKeys").body["keys"]
    assert keys["userStorageKey"] == account[0]["value"]
    assert keys["appInsightsInstrumentationKey"]
    assert azure.arm("POST", f"{WORKSPACE}/resyncKeys").status == 200
    azure.assign(ALICE, "Reader", RG)
    refused = azure.arm("POST", f"{WORKSPACE}/listKeys", who=ALICE)
    assert "Microsoft.MachineLearningServices/workspaces/listKeys/action" in refused.message


def test_the_containers_of_its_datastores_are_arms_too(azure: Azure) -> None:
    """So that a removal's plan counts them."""
    azure.make(*CHAIN[:6])
    own = azure.arm("GET", WORKSPACE).body["properties"]["workspaceId"]
    listed = azure.arm("GET", f"{STORAGE}/blobServices/default/containers").body["value"]
    assert {each["name"] for each in listed} == {"azureml", f"azureml-blobstore-{own}"}


def test_it_has_its_datastores(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    stores = azure.arm("GET", f"{WORKSPACE}/datastores?count=30&orderByAsc=false").body["value"]
    assert {store["name"]: store["properties"]["isDefault"] for store in stores} == {
        "workspaceblobstore": True,
        "workspaceartifactstore": False,
        "workspacefilestore": False,
    }
    # Azure/azure-rest-api-specs, Datastore, 2025-12-01: each says who made it.
    assert {store["systemData"]["createdBy"] for store in stores} == {"developer@local.test"}
    default = azure.arm("GET", f"{WORKSPACE}/datastores?isDefault=true").body["value"]
    assert [store["name"] for store in default] == ["workspaceblobstore"]
    artifacts = azure.arm("GET", f"{WORKSPACE}/datastores/workspaceartifactstore").body["properties"]
    assert (artifacts["accountName"], artifacts["containerName"]) == ("stacct1", "azureml")
    secret = azure.arm("POST", f"{WORKSPACE}/datastores/workspaceblobstore/listSecrets").body
    assert secret == {
        "secretsType": "AccountKey",
        "key": azure.arm("POST", f"{STORAGE}/listKeys").body["keys"][0]["value"],
    }


def test_with_identity_based_datastores_there_is_no_secret(azure: Azure) -> None:
    azure.make(*CHAIN[:5])
    azure.arm("PUT", WORKSPACE, _workspace(systemDatastoresAuthMode="identity"))
    azure.wait()
    path = f"{WORKSPACE}/datastores/workspaceblobstore"
    assert azure.arm("GET", path).body["properties"]["credentials"] == {"credentialsType": "None"}
    assert azure.arm("POST", f"{path}/listSecrets").status == 400


def test_all_datastores_but_the_default_can_be_deleted(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    assert azure.arm("DELETE", f"{WORKSPACE}/datastores/workspaceblobstore").status == 400
    assert azure.arm("DELETE", f"{WORKSPACE}/datastores/workspacefilestore").status == 200
    names = [store["name"] for store in azure.arm("GET", f"{WORKSPACE}/datastores").body["value"]]
    assert sorted(names) == ["workspaceartifactstore", "workspaceblobstore"]


def test_a_datastores_secrets_are_write_only(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    secrets = {"secretsType": "Sas", "sasToken": "sv=hidden"}
    credentials = {"credentialsType": "Sas", "secrets": secrets}
    given = {"datastoreType": "AzureBlob", "accountName": "a", "containerName": "b", "credentials": credentials}
    path = f"{WORKSPACE}/datastores/mine"
    made = azure.arm("PUT", path, {"properties": given}, skipValidation="true")
    assert (made.status, "hidden" in str(made.body)) == (201, False)
    assert azure.arm("POST", f"{path}/listSecrets").body == secrets
    assert azure.arm("PUT", path, {"properties": {"datastoreType": "AzureBlob"}}).status == 400


OTHER_STORE = f"{RG}/providers/Microsoft.Storage/storageAccounts/stother1"
LOOKS = {
    "AzureBlob": {"containerName": "c-1"},
    "AzureFile": {"fileShareName": "s-1"},
    "AzureDataLakeGen2": {"filesystem": "f-1"},
}


@pytest.mark.parametrize("kind", LOOKS)
def test_a_datastores_account_is_there_and_seen(azure: Azure, kind: str) -> None:
    """ "Flag to skip validation", false by default: Microsoft, "Datastores - Create Or Update"."""
    azure.make(*CHAIN[:6])
    path = f"{WORKSPACE}/datastores/mine"
    given = {
        "datastoreType": kind,
        "accountName": "stother1",
        **LOOKS[kind],
        "credentials": {"credentialsType": "None"},
    }
    missing = azure.arm("PUT", path, {"properties": given})
    assert (missing.status, "'stother1' does not exist, or you may not read it" in missing.message) == (400, True)
    assert azure.arm("GET", path).status == 404
    assert azure.arm("PUT", OTHER_STORE, BODIES[STORAGE]).status in (200, 201, 202)
    azure.wait()
    assert azure.arm("PUT", path, {"properties": given}).status == 201
    # Bob may do everything in the workspace, and nothing elsewhere: what is there is told as what is not.
    azure.give(BOB, ["*"], WORKSPACE)
    hidden = azure.arm("PUT", f"{WORKSPACE}/datastores/other", {"properties": given}, who=BOB)
    assert (hidden.status, hidden.message) == (400, missing.message)
    azure.give(BOB, ["*/read"], OTHER_STORE)
    assert azure.arm("PUT", f"{WORKSPACE}/datastores/other", {"properties": given}, who=BOB).status == 201


def test_a_datastore_whose_account_is_not_looked_at(azure: Azure) -> None:
    """As azure-ai-ml asks for it."""
    azure.make(*CHAIN[:6])
    given = {"datastoreType": "AzureBlob", "accountName": "elsewhere", "containerName": "c-1"}
    body = {"properties": {**given, "credentials": {"credentialsType": "None"}}}
    assert azure.arm("PUT", f"{WORKSPACE}/datastores/mine", body, skipValidation="true").status == 201


def test_there_is_no_one_lake(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    given = {"datastoreType": "OneLake", "oneLakeWorkspaceName": "w", "artifact": {"artifactType": "LakeHouse"}}
    body = {"properties": {**given, "credentials": {"credentialsType": "None"}}}
    refused = azure.arm("PUT", f"{WORKSPACE}/datastores/mine", body, skipValidation="true")
    assert (refused.status, "The embedded Azure has no OneLake" in refused.message) == (400, True)


def test_a_datastores_key_is_its_accounts(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    assert azure.arm("PUT", OTHER_STORE, BODIES[STORAGE]).status in (200, 201, 202)
    azure.wait()
    key = azure.arm("POST", f"{OTHER_STORE}/listKeys", api="2024-01-01").body["keys"][0]["value"]
    azure.give(BOB, ["*"], WORKSPACE)

    def made(secret: str, who: str) -> Any:
        credentials = {"credentialsType": "AccountKey", "secrets": {"secretsType": "AccountKey", "key": secret}}
        given = {"datastoreType": "AzureBlob", "accountName": "stother1", "containerName": "c-1"}
        body = {"properties": {**given, "credentials": credentials}}
        return azure.arm("PUT", f"{WORKSPACE}/datastores/mine", body, who=who)

    wrong = made("a2V5", BOB)
    assert (wrong.status, "not one of the storage account 'stother1'" in wrong.message) == (400, True)
    assert made(key, BOB).status == 201, "who has the key needs no right to read the account"


def test_a_cluster_is_as_large_as_it_has_to_be(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    azure.arm("PUT", COMPUTE, _cluster(scaleSettings={"minNodeCount": 2, "maxNodeCount": 4}))
    azure.wait()
    found = azure.arm("GET", COMPUTE).body["properties"]
    cluster = found["properties"]
    assert (found["provisioningState"], cluster["allocationState"]) == ("Succeeded", "Steady")
    assert (cluster["currentNodeCount"], cluster["nodeStateCounts"]["idleNodeCount"]) == (2, 2)
    assert cluster["scaleSettings"]["nodeIdleTimeBeforeScaleDown"] == "PT120S"
    assert cluster["vmSize"] == "STANDARD_DS3_V2"
    assert len(azure.arm("POST", f"{COMPUTE}/listNodes").body["nodes"]) == 2
    # azureml-core takes a null identity or login for a malformed one; they are left out.
    assert "identity" not in azure.arm("GET", COMPUTE).body and "userAccountCredentials" not in cluster


@pytest.mark.parametrize(
    "body",
    [
        _cluster(scaleSettings={"minNodeCount": 3, "maxNodeCount": 2}),
        _cluster(scaleSettings={"minNodeCount": -1, "maxNodeCount": 2}),
        _cluster(scaleSettings={"minNodeCount": 0, "maxNodeCount": "many"}),
        _cluster(scaleSettings={"minNodeCount": 0, "maxNodeCount": 65_001}),
        _cluster(scaleSettings={"minNodeCount": 0}),
        _cluster(scaleSettings={"maxNodeCount": 2, "nodeIdleTimeBeforeScaleDown": "soon"}),
        _cluster(scaleSettings=[1]),
        _cluster(vmSize="huge"),
        _cluster(vmSize=None),
        _cluster(vmPriority="Urgent"),
        {"location": "mars", **{"properties": _cluster()["properties"]}},
        {"properties": {"computeType": "AKS"}},
        {"properties": {}},
    ],
)
def test_a_cluster_that_azure_refuses(azure: Azure, body: dict[str, Any]) -> None:
    azure.make(*CHAIN[:6])
    assert azure.arm("PUT", COMPUTE, body).status == 400
    assert azure.arm("GET", COMPUTE).status == 404


def test_a_cluster_may_have_65000_nodes(azure: Azure) -> None:
    """Microsoft, "Manage and increase quotas": "100 nodes but configurable up to 65,000 nodes"."""
    azure.make(*CHAIN[:6])
    assert azure.arm("PUT", COMPUTE, _cluster(scaleSettings={"maxNodeCount": 65_000})).status == 201


def test_a_cluster_without_scale_settings_is_as_small_as_azure_ai_ml_makes_it(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    made = azure.arm("PUT", COMPUTE, _cluster(scaleSettings=None)).body["properties"]["properties"]
    assert made["scaleSettings"] == {
        "minNodeCount": 0,
        "maxNodeCount": 1,
        "nodeIdleTimeBeforeScaleDown": "PT120S",
    }


def test_a_cluster_scales_but_does_not_change_its_nodes(azure: Azure) -> None:
    azure.make(*CHAIN)
    larger = azure.arm("PUT", COMPUTE, _cluster(scaleSettings={"minNodeCount": 1, "maxNodeCount": 9}))
    assert (larger.status, larger.body["properties"]["provisioningState"]) == (200, "Updating")
    azure.wait()
    assert azure.arm("GET", COMPUTE).body["properties"]["properties"]["scaleSettings"]["maxNodeCount"] == 9
    assert "vmSize" in azure.arm("PUT", COMPUTE, _cluster(vmSize="Standard_DS12_v2")).message


def test_deleting_a_compute_takes_a_word_on_what_becomes_of_it(azure: Azure) -> None:
    azure.make(*CHAIN)
    for query in ("", "?underlyingResourceAction=Keep", "?underlyingResourceAction=Detach"):
        assert azure.arm("DELETE", COMPUTE + query).status == 400
    assert azure.arm("DELETE", f"{COMPUTE}?underlyingResourceAction=delete").status == 202
    azure.wait()
    assert azure.arm("GET", COMPUTE).status == 404


def test_only_an_instance_is_started_and_stopped(azure: Azure) -> None:
    azure.make(*CHAIN)
    for action in ("start", "stop", "restart"):
        refused = azure.arm("POST", f"{COMPUTE}/{action}")
        assert (refused.status, "AmlCompute" in refused.message) == (400, True)
    instance = f"{WORKSPACE}/computes/alice-ci"
    body = {"properties": {"computeType": "ComputeInstance", "properties": {"vmSize": "Standard_DS3_v2"}}}
    assert azure.arm("PUT", instance, body).status == 201
    azure.wait()
    made = azure.arm("GET", instance).body
    assert made["location"] == "westeurope"
    # azureml-core lists no computes at all where one is without any of these.
    assert {"vmSize", "sshSettings", "createdBy", "errors", "state"} <= made["properties"]["properties"].keys()
    for action, state in (("stop", "Stopped"), ("start", "Running")):
        assert azure.arm("POST", f"{instance}/{action}").status == 202
        assert azure.arm("GET", instance).body["properties"]["properties"]["state"] == state
    assert azure.arm("POST", f"{instance}/listNodes").status == 400
    assert azure.arm("PUT", instance, _cluster()).status == 400


def test_computes_are_listed_to_whoever_may_read_them(azure: Azure) -> None:
    azure.make(*CHAIN)
    listed = azure.arm("GET", f"{WORKSPACE}/computes").body["value"]
    assert [each["id"] for each in listed] == [COMPUTE]
    refused = azure.arm("GET", f"{WORKSPACE}/computes", who=BOB)
    assert (refused.status, "workspaces/computes/read" in refused.message) == (403, True)
    sizes = azure.arm("GET", f"{PROVIDERS}/Microsoft.MachineLearningServices/locations/westeurope/vmSizes").body
    assert "STANDARD_DS3_V2" in [size["name"] for size in sizes["value"]]


def test_usages_count_the_vcpus_of_a_family_in_a_region(azure: Azure) -> None:
    azure.make(*CHAIN)
    scale = {"minNodeCount": 2, "maxNodeCount": 4, "nodeIdleTimeBeforeScaleDown": "PT120S"}
    body = {"location": "westeurope", "properties": _cluster(scaleSettings=scale)["properties"]}
    assert azure.arm("PUT", f"{WORKSPACE}/computes/busy", body).status < 300
    asked = f"{PROVIDERS}/Microsoft.MachineLearningServices/locations"
    for place, used in (("westeurope", 8), ("northeurope", 0)):
        found = {entry["name"]["value"]: entry for entry in azure.arm("GET", f"{asked}/{place}/usages").body["value"]}
        assert (found["standardDSv2Family"]["currentValue"], found["standardDSv2Family"]["limit"]) == (used, 24)
        assert found["standardNCSv3Family"]["limit"] == 0


def test_who_may_not_assign_an_identity_cannot_let_a_cluster_use_it(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    used = f"{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/used"
    assert azure.arm("PUT", used, {"location": "westeurope"}).status == 201
    azure.assign(ALICE, "Contributor", WORKSPACE)
    body = {**BODIES[COMPUTE], "identity": {"type": "UserAssigned", "userAssignedIdentities": {used: {}}}}
    assert azure.arm("PUT", COMPUTE, body, who=ALICE).status == 403
    azure.assign(ALICE, "Managed Identity Operator", used)
    assert azure.arm("PUT", COMPUTE, body, who=ALICE).status == 201


def test_datastores_follow_the_mode_and_keys_are_refused_in_that_order_alone(azure: Azure) -> None:
    azure.make(*CHAIN[:6])

    def keyed() -> list[str]:
        listed = azure.arm("GET", f"{WORKSPACE}/datastores").body["value"]
        return [each["properties"]["credentials"]["credentialsType"] for each in listed]

    def turn(mode: str, keys: bool) -> tuple[int, str]:
        account = BODIES[STORAGE]
        account = {**account, "properties": {**account.get("properties", {}), "allowSharedKeyAccess": keys}}
        assert azure.arm("PUT", STORAGE, account).status in (200, 202)
        azure.wait()
        answer = azure.arm("PATCH", WORKSPACE, {"properties": {"systemDatastoresAuthMode": mode}})
        azure.wait()
        return answer.status, answer.code if answer.status >= 400 else ""

    assert keyed() == ["AccountKey"] * 3
    assert turn("AccessKey", keys=False) == (400, "KeyBasedAuthenticationNotPermitted")
    assert turn("Identity", keys=True)[0] in (200, 202)
    assert turn("Identity", keys=False)[0] in (200, 202)
    assert keyed() == ["None"] * 3
    refused = azure.arm("POST", f"{WORKSPACE}/datastores/workspaceblobstore/listSecrets")
    assert (refused.status, "uses the caller's identity" in refused.message) == (400, True)
    assert turn("AccessKey", keys=False) == (400, "KeyBasedAuthenticationNotPermitted")
    assert turn("AccessKey", keys=True)[0] in (200, 202)
    assert keyed() == ["AccountKey"] * 3


def test_addresses_are_let_in_once_it_stands(azure: Azure) -> None:
    """Microsoft, "Configure a private endpoint for an Azure Machine Learning workspace"."""
    acls = {"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.7"}, {"value": "198.51.100.0/24"}]}
    azure.make(*CHAIN[:5])
    refused = azure.arm("PUT", WORKSPACE, _workspace(networkAcls=acls))
    assert (refused.status, "after the workspace has been created" in refused.message) == (400, True)
    azure.make(WORKSPACE)
    assert azure.arm("PATCH", WORKSPACE, {"properties": {"networkAcls": acls}}).status in (200, 202)
    azure.wait()
    assert azure.arm("GET", WORKSPACE).body["properties"]["networkAcls"] == acls
    # As azure-ai-ml does with each update that disables the access.
    none = {"publicNetworkAccess": "Disabled", "networkAcls": {"defaultAction": "Allow"}}
    azure.arm("PATCH", WORKSPACE, {"properties": none})
    azure.wait()
    found = azure.arm("GET", WORKSPACE).body["properties"]
    assert (found["publicNetworkAccess"], found["networkAcls"]["defaultAction"]) == ("Disabled", "Allow")


@pytest.mark.parametrize(
    "rules",
    [
        [{"value": "10.0.0.1"}],
        [{"value": "2001:db8::1"}],
        [{"value": "198.51.100.1/24"}],
        [{"address": "198.51.100.1"}],
        [{"value": f"203.0.{number // 250}.{number % 250}"} for number in range(201)],
    ],
)
def test_what_its_firewall_does_not_take(azure: Azure, rules: list[dict[str, str]]) -> None:
    azure.make(*CHAIN[:6])
    body = {"properties": {"networkAcls": {"defaultAction": "Deny", "ipRules": rules}}}
    assert azure.arm("PATCH", WORKSPACE, body).status == 400
    assert "networkAcls" not in azure.arm("GET", WORKSPACE).body["properties"]


@pytest.mark.parametrize(
    ("id_", "properties", "nodes", "what"),
    [
        (f"{NETWORK}/subnets/none", {}, 1, "was not found"),
        (SUBNET, {}, 252, "has 251 addresses left, and 252 are needed"),
        (SUBNET, {"delegations": [{"name": "x", "properties": {"serviceName": "Microsoft.Web/serverFarms"}}]}, 1,
         "is delegated to another service"),
        ("computes", {}, 1, "Expect fully qualified resource Id"),
    ],
)  # fmt: skip
def test_a_subnet_that_a_cluster_cannot_stand_in(
    azure: Azure, id_: str, properties: dict[str, Any], nodes: int, what: str
) -> None:
    """Microsoft, "Secure an Azure Machine Learning training environment with virtual networks"."""
    azure.make(*CHAIN[:6], NETWORK)
    azure.arm("PUT", SUBNET, {"properties": {**BODIES[SUBNET]["properties"], **properties}})
    azure.wait()
    body = _cluster(subnet={"id": id_}, scaleSettings={"minNodeCount": 0, "maxNodeCount": nodes})
    refused = azure.arm("PUT", COMPUTE, body)
    assert refused.status == 400
    assert what in refused.message
    assert azure.arm("GET", COMPUTE).status == 404


def test_nodes_take_the_room_that_others_left(azure: Azure) -> None:
    azure.make(*CHAIN[:6], NETWORK, SUBNET, ZONE, PRIVATE_ENDPOINT)

    def make(name: str, nodes: int) -> Any:
        body = _cluster(subnet={"id": SUBNET}, scaleSettings={"minNodeCount": 0, "maxNodeCount": nodes})
        answer = azure.arm("PUT", f"{WORKSPACE}/computes/{name}", body)
        azure.wait()
        return answer

    assert make("one", 200).status == 201
    assert "has 50 addresses left, and 51 are needed" in make("two", 51).message
    assert make("two", 50).status == 201
    assert make("one", 200).status == 200, "its own room is its own"


def test_a_cluster_is_where_its_network_is(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    azure.arm("PUT", NETWORK, {**BODIES[NETWORK], "location": "northeurope"})
    azure.wait()
    azure.make(SUBNET)
    refused = azure.arm("PUT", COMPUTE, _cluster(subnet={"id": SUBNET}))
    assert (refused.status, refused.code) == (400, "InvalidResourceReference")
    assert "both resources are in the same region" in refused.message
