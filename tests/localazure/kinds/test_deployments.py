"""Deployments of online endpoints: what they may say, and an operation that waits for a process."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.localazure.core.errors import AzureError
from tests.localazure.control import ALICE, BLUE, BODIES, CHAIN, ENDPOINT, GREEN, RG, WORKSPACE, Answer, Azure

CODE, ENVIRONMENT = f"{WORKSPACE}/codes/c/versions/1", f"{WORKSPACE}/environments/e/versions/1"


@pytest.fixture
def azure(azure: Azure) -> Azure:
    azure.make(*CHAIN[:6], ENDPOINT)
    return azure


def put(azure: Azure, path: str = BLUE, *, capacity: Any = 1, who: str = "developer@local.test", **more: Any) -> Answer:
    properties = {**BODIES[BLUE]["properties"], **more}
    sku = {"name": "Default", "capacity": capacity}
    return azure.arm("PUT", path, {"location": "westeurope", "sku": sku, "properties": properties}, who=who)


def state(azure: Azure, path: str = BLUE) -> str:
    return str(azure.arm("GET", path).body["properties"]["provisioningState"])


def test_the_operation_stays_open_until_the_process_answers(azure: Azure) -> None:
    made = put(azure)
    assert (made.status, made.body["properties"]["provisioningState"]) == (201, "Creating")
    url = made.headers["azure-asyncoperation"]
    for _ in range(3):
        azure.clock.advance(3600)
        assert azure.follow(url).body["status"] == "InProgress"
    assert azure.follow(url).headers["retry-after"] == "1"
    azure.cloud.operations.release(BLUE)
    assert azure.follow(url).body["status"] == "Succeeded"
    assert state(azure) == "Succeeded"


def test_the_operation_fails_with_what_is_said(azure: Azure) -> None:
    made = put(azure)
    azure.cloud.operations.release(BLUE, AzureError(400, "ResourceNotReady", "User container has crashed"))
    found = azure.follow(made.headers["azure-asyncoperation"]).body
    assert (found["status"], found["error"]["code"]) == ("Failed", "ResourceNotReady")
    assert found["error"]["message"] == "User container has crashed"
    assert azure.follow(made.headers["location"]).code == "ResourceNotReady"
    assert state(azure) == "Failed"
    assert put(azure).status == 200  # the same again is tried again
    assert state(azure) == "Updating"


def test_of_two_of_one_name_at_once_the_second_is_refused(azure: Azure) -> None:
    put(azure)
    refused = put(azure, description="another")
    assert (refused.status, refused.code) == (409, "AnotherOperationInProgress")


def test_what_is_said_again_changes_nothing(azure: Azure) -> None:
    put(azure)
    azure.wait()
    assert put(azure).status == 200
    assert state(azure) == "Succeeded"


def test_no_deployment_while_its_endpoint_changes(azure: Azure) -> None:
    azure.arm("PUT", ENDPOINT, {"location": "westeurope", "properties": {"authMode": "Key", "description": "d"}})
    document = azure.cloud.store.get("resources", ENDPOINT.lower())
    assert document is not None
    document["properties"]["provisioningState"] = "Updating"
    azure.wait()
    azure.cloud.store.put("resources", ENDPOINT.lower(), document)
    refused = put(azure)
    assert refused.status == 409
    assert "Cannot create a deployment in endpoint wine because it is in Updating" in refused.message


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"model": None}, "needs a model"),
        ({"model": f"{RG}/models/wine/versions/1"}, "not a registered model of the workspace"),
        ({"model": "azureml://registries/azureml/models/wine/versions/1"}, "not a registered model"),
        ({"environmentId": f"{WORKSPACE}/environments/none/versions/1"}, "was not found"),
        ({"codeConfiguration": {"codeId": CODE, "scoringScript": "score.py"}}, "needs an environment"),
        ({"codeConfiguration": {"codeId": CODE}}, "names a 'scoringScript'"),
        ({"codeConfiguration": {"codeId": CODE, "scoringScript": "../score.py"}}, "not a script in a folder"),
        ({"codeConfiguration": {"codeId": f"{WORKSPACE}/codes/no/versions/1", "scoringScript": "a.py"}}, "not found"),
        ({"instanceType": "Standard_Nothing"}, "not supported"),
        ({"instanceType": 3}, "type 'string'"),
        ({"endpointComputeType": "Kubernetes"}, "none on Kubernetes"),
        ({"requestSettings": {"requestTimeout": "PT181S"}}, "up to 180 seconds"),
        ({"requestSettings": {"requestTimeout": "soon"}}, "not a duration"),
        ({"requestSettings": {"maxConcurrentRequestsPerInstance": 0}}, "from 1 to"),
        ({"readinessProbe": {"period": "10"}}, "not a duration"),
        ({"capacity": 0}, "from 1 to 50"),
        ({"modle": "m"}, "Could not find member 'modle'"),
        ({"requestSettings": {"timeout": "PT1S"}}, "Could not find member 'timeout'"),
        ({"livenessProbe": {"delay": "PT1S"}}, "Could not find member 'delay'"),
        ({"codeConfiguration": {"codeId": CODE, "scoringScript": "a.py", "entry": "b"}}, "find member 'entry'"),
        ({"containerResourceRequirements": {"a": "b"}}, "for deployments on Kubernetes"),
        ({"environmentVariables": {"A": ["b"]}}, "type 'string'"),
    ],
)
def test_what_cannot_be(azure: Azure, more: dict[str, Any], why: str) -> None:
    azure.arm("PUT", CODE, {"properties": {"codeUri": "https://stacct1.blob.core.windows.net/code"}})
    refused = put(azure, **more)
    assert refused.status == 400 and why in refused.message


def test_code_and_environment_take_the_right_to_read_them(azure: Azure) -> None:
    azure.arm("PUT", CODE, {"properties": {"codeUri": "https://stacct1.blob.core.windows.net/code"}})
    azure.arm("PUT", ENVIRONMENT, {"properties": {"image": "ubuntu"}})
    role = f"{RG}/providers/Microsoft.Authorization/roleDefinitions/22222222-2222-4222-8222-222222222222"
    actions = [f"Microsoft.MachineLearningServices/workspaces/{each}" for each in (
        "read", "onlineEndpoints/deployments/write", "models/versions/read",
    )]  # fmt: skip
    azure.arm("PUT", role, {"properties": {
        "roleName": "r", "permissions": [{"actions": actions}], "assignableScopes": [RG],
    }})  # fmt: skip
    azure.arm("PUT", f"{RG}/providers/Microsoft.Authorization/roleAssignments/{azure.cloud.ids.guid()}", {
        "properties": {"roleDefinitionId": role, "principalId": azure.who(ALICE).object_id},
    })  # fmt: skip
    script = {"codeId": CODE, "scoringScript": "score.py"}
    custom: dict[str, Any] = {"environmentId": ENVIRONMENT, "codeConfiguration": script}
    assert put(azure, who=ALICE, **custom).status == 403
    assert put(azure, who=ALICE).status == 201


def test_the_cores_of_a_family_are_counted(azure: Azure) -> None:
    assert put(azure, capacity=6).status == 201  # 6 x 4 of 24
    region = f"{WORKSPACE.partition('/resourceGroups/')[0]}/providers/Microsoft.MachineLearningServices/locations"
    usages = azure.arm("GET", f"{region}/westeurope/usages").body["value"]
    assert [each["currentValue"] for each in usages if each["name"]["value"] == "standardDSv2Family"] == [24]
    refused = put(azure, GREEN)
    assert (refused.status, refused.code) == (400, "OutOfQuota")
    assert "Not enough quota available for Standard_DS3_v2 in SubscriptionId" in refused.message
    assert "Current usage/limit: 24/24. Additional needed: 4" in refused.message
    assert put(azure, GREEN, instanceType="Standard_F2s_v2").status == 201  # of another family
    azure.wait()
    assert azure.arm("DELETE", BLUE).status == 202
    azure.wait()
    assert put(azure, f"{ENDPOINT}/deployments/red", capacity=6).status == 201


def test_what_has_traffic_is_not_deleted(azure: Azure) -> None:
    put(azure)
    azure.wait()
    azure.arm("PATCH", ENDPOINT, {"properties": {"traffic": {"blue": 100}}})
    azure.wait()
    refused = azure.arm("DELETE", BLUE)
    assert refused.status == 400 and "has 100 percent of the traffic" in refused.message
    azure.arm("PATCH", ENDPOINT, {"properties": {"traffic": {"blue": 0}}})
    azure.wait()
    assert azure.arm("DELETE", BLUE).status == 202
    azure.wait()
    assert azure.arm("GET", ENDPOINT).body["properties"]["traffic"] == {}


def test_it_is_scaled_by_its_sku(azure: Azure) -> None:
    put(azure)
    azure.wait()
    assert azure.arm("PATCH", BLUE, {"sku": {"capacity": 2}}).status == 200
    assert state(azure) == "Updating"
    azure.wait()
    assert azure.arm("GET", BLUE).body["sku"] == {"name": "Default", "capacity": 2}
    listed = azure.arm("GET", f"{BLUE}/skus").body["value"]
    assert listed[0]["capacity"]["default"] == 2


def test_what_mlflows_client_says_of_an_api_that_is_gone_is_left_out(azure: Azure) -> None:
    assert put(azure, privateNetworkConnection=False).status == 201
    assert "privateNetworkConnection" not in azure.arm("GET", BLUE).body["properties"]


def test_logs_begin_with_the_state_of_the_start(azure: Azure) -> None:
    put(azure)
    path = azure.cloud.state / "log"
    path.write_text("one\ntwo\nthe word is hidden\n")
    azure.cloud.serving.logs[BLUE.lower()] = path
    azure.cloud.serving.secret[BLUE.lower()] = ("hidden",)
    told = azure.arm("POST", f"{BLUE}/getLogs", {"tail": 2}).body["content"]
    assert told.startswith("Instance status:\nSystemSetup: Succeeded\n")
    assert "UserContainerStart: InProgress" in told
    assert told.endswith("two\nthe word is ***\n") and "one" not in told
    assert "two" not in azure.arm("POST", f"{BLUE}/getLogs", {"containerType": "StorageInitializer"}).body["content"]
    assert azure.arm("POST", f"{BLUE}/getLogs", {"tail": "all"}).status == 400
    assert azure.arm("POST", f"{BLUE}/getLogs", {}, who=ALICE).status == 403


def test_at_most_twenty(azure: Azure) -> None:
    for number in range(20):
        size = {"instanceType": "Standard_NC6s_v3"}  # not counted
        assert put(azure, f"{ENDPOINT}/deployments/d-{number}x", **size).status == 201
        azure.wait()
    assert "at most 20" in put(azure, f"{ENDPOINT}/deployments/d-20x").message
