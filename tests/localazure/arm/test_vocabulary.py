"""What a request names is held against what Azure has: scopes, subscriptions, VM sizes, names, times of lists."""

from __future__ import annotations

import pytest

from tests.localazure.control import BODIES, CHAIN, COMPUTE, PROVIDERS, RG, STORAGE, SUB, WORKSPACE, Azure

_ROLES = "/providers/Microsoft.Authorization/roleAssignments"
_NAME = "11111111-1111-4111-8111-111111111111"
_TWIN = "10ca1000-0000-4000-8000-000000000009"


@pytest.mark.parametrize(
    ("scope", "status", "code"),
    [
        # Azure/azure-cli issues 1735, 28372 and 33953: a slip in the word, Git Bash's rewritten path, no slash.
        (SUB.replace("subscriptions", "subscription"), 404, "MissingSubscription"),
        (f"/C:/Program%20Files/Git{SUB}", 404, "MissingSubscription"),
        ("/resourceGroups/rg1", 404, "MissingSubscription"),
        ("/providers/Microsoft.Storage/storageAccounts/x", 404, "MissingSubscription"),
        (f"/subscriptions/{_TWIN}", 404, "SubscriptionNotFound"),
        ("/subscriptions/mine", 400, "InvalidSubscriptionId"),
        (f"{SUB}/resourceGroups/none", 404, "ResourceGroupNotFound"),
        (f"{RG}/providers/Microsoft.Storage/storageAccounts/none", 404, "ResourceNotFound"),
    ],
)
def test_a_scope_that_is_none(azure: Azure, scope: str, status: int, code: str) -> None:
    azure.make(RG)
    body = {
        "properties": {
            "principalId": azure.who("bob@local.test").object_id,
            "roleDefinitionId": f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/"
            "acdd72a7-3385-48ef-bd42-f606fba81ae7",
        }
    }
    refused = azure.arm("PUT", f"{scope}{_ROLES}/{_NAME}", body, api="2022-04-01")
    assert (refused.status, refused.code) == (status, code)
    if code == "MissingSubscription":
        assert refused.message == "The request did not have a subscription or a valid tenant level resource provider."


def test_an_assignments_role_is_in_azures_spelling(azure: Azure) -> None:
    """az compares role ids letter by letter (Azure/azure-cli issue 14037)."""
    azure.make(RG)
    role = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
    properties = {
        "principalId": azure.who("bob@local.test").object_id.upper(),
        "roleDefinitionId": f"{SUB.upper()}{role.upper()}",
    }
    upper = f"/subscriptions/{SUB.rpartition('/')[2].upper()}/resourceGroups/RG1"
    made = azure.arm("PUT", f"{upper}{_ROLES}/{_NAME}", {"properties": properties})
    assert made.body["properties"]["roleDefinitionId"] == f"{SUB}{role}"


@pytest.mark.parametrize("size", ["Standard_Nonsense_v9", "Standard_DS3", "", 5, None])
@pytest.mark.parametrize("kind", ["AmlCompute", "ComputeInstance"])
def test_a_size_that_azure_has_not(azure: Azure, size: object, kind: str) -> None:
    azure.make(*CHAIN[:-1])
    inner = {**BODIES[COMPUTE]["properties"]["properties"], "vmSize": size}
    body = {"location": "westeurope", "properties": {"computeType": kind, "properties": inner}}
    refused = azure.arm("PUT", COMPUTE, body)
    assert (refused.status, refused.code) == (400, "InvalidPropertyValue")
    # Azure/MachineLearningNotebooks issue 1169.
    assert refused.message == (
        f"The specified value {size} for property Cluster.Properties.VMSize is not a supported VM size. See "
        "additional details for supported VM sizes."
    )
    (told,) = refused.body["error"]["details"]
    assert (told["code"], "STANDARD_D14_V2" in told["message"].split(",")) == ("SupportedVMSizes", True)


def test_every_size_that_is_listed_can_be_had(azure: Azure) -> None:
    azure.make(*CHAIN[:-1])
    listed = azure.arm("GET", f"{PROVIDERS}/Microsoft.MachineLearningServices/locations/westeurope/vmSizes").body
    names = [size["name"] for size in listed["value"]]
    # Of the series that Microsoft's page names, one each.
    series = {"STANDARD_DS3_V2", "STANDARD_D4S_V3", "STANDARD_E4DS_V4", "STANDARD_F8S_V2", "STANDARD_L8S_V2",
            "STANDARD_M64S", "STANDARD_NC6S_V3", "STANDARD_NC4AS_T4_V3", "STANDARD_ND40RS_V2"}  # fmt: skip
    assert series <= set(names)
    assert len(names) == len(set(names)) > 100
    for number, name in enumerate(names[:3]):
        inner = {"vmSize": name.title(), "scaleSettings": {"maxNodeCount": 1}}
        body = {"location": "westeurope", "properties": {"computeType": "AmlCompute", "properties": inner}}
        assert azure.arm("PUT", f"{WORKSPACE}/computes/cpu{number}x", body).status == 201


@pytest.mark.parametrize(("name", "taken"), [("with_underscore_1", True), ("Upper", True), ("with-hyphen", False)])
def test_a_datastores_name(azure: Azure, name: str, taken: bool) -> None:
    azure.make(*CHAIN[:-1])
    properties = {"datastoreType": "AzureBlob", "accountName": "stacct1", "containerName": "data"}
    body = {"properties": {**properties, "credentials": {"credentialsType": "None"}}}
    answer = azure.arm("PUT", f"{WORKSPACE}/datastores/{name}", body)
    assert answer.status == (201 if taken else 400), answer
    assert taken or "should only consist of" in answer.message


def test_a_list_tells_when_resources_were_made(azure: Azure) -> None:
    azure.make(*CHAIN)
    plain = azure.arm("GET", f"{RG}/resources", api="2024-11-01").body["value"]
    assert not any(name in each for each in plain for name in ("createdTime", "changedTime", "provisioningState"))
    first = {each["id"]: each for each in _expanded(azure)}
    assert {each["provisioningState"] for each in first.values()} == {"Succeeded"}
    assert all(each["createdTime"] <= each["changedTime"] for each in first.values())
    azure.clock.advance(60)
    azure.arm("PATCH", STORAGE, {"tags": {"a": "b"}})
    azure.arm("PUT", STORAGE, {**BODIES[STORAGE], "tags": {"a": "b"}})
    azure.wait()
    second = {each["id"]: each for each in _expanded(azure)}
    assert second[STORAGE]["createdTime"] == first[STORAGE]["createdTime"]
    assert [id_ for id_, each in second.items() if each["changedTime"] != first[id_]["changedTime"]] == [STORAGE]
    azure.arm("DELETE", STORAGE)
    azure.clock.advance(60)
    azure.make(STORAGE)
    assert {each["id"]: each for each in _expanded(azure)}[STORAGE]["createdTime"] > second[STORAGE]["createdTime"]


def _expanded(azure: Azure) -> list[dict[str, str]]:
    # As az writes it (Azure/azure-cli issue 14598).
    expand = "createdTime%2CchangedTime%2CprovisioningState"
    return list(azure.arm("GET", f"{RG}/resources?$expand={expand}", api="2024-11-01").body["value"])


def test_what_else_is_asked_to_be_told_is_refused(azure: Azure) -> None:
    azure.make(RG)
    refused = azure.arm("GET", f"{RG}/resources?$expand=createdTime,size", api="2024-11-01")
    assert (refused.status, "'size'" in refused.message) == (400, True)


def test_managed_hsms_of_which_there_are_none(azure: Azure) -> None:
    for path in (f"{PROVIDERS}/Microsoft.KeyVault/deletedManagedHSMs", f"{PROVIDERS}/Microsoft.KeyVault/managedHSMs"):
        answer = azure.arm("GET", path, api="2024-11-01")
        assert (answer.status, answer.body) == (200, {"value": []})
    check = f"{PROVIDERS}/Microsoft.KeyVault/checkMhsmNameAvailability"
    for name, free in (("hsm-one", True), ("1hsm", False)):
        assert azure.arm("POST", check, {"name": name}, api="2024-11-01").body["nameAvailable"] is free
