"""Each service says no in one shape of its own, with all members that Azure's has.

Shapes by hand: Microsoft, "Common API response details" (Resource Manager), "Microsoft Graph error responses",
"Status and error codes" (blobs), Key Vault's "Authentication, requests and responses"; of Azure Machine Learning what
its clients read (`azureml/request/answers.py`; Azure/azure-sdk-for-python issue 40080).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from azure.core.exceptions import ODataV4Format

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import ASSIGNMENTS, RESOURCES
from azmlflow.localazure.process.app import build_app
from azmlflow.rbac.roles import built_in_role
from tests.localazure.process.test_refusals import ARM, RG, STANDING, STORAGE, SUB, WORKSPACE
from tests.localazure.transport import Client, make_cloud

VERSION = "api-version=2024-10-01"
LEARNING, GRAPH = "https://westeurope.api.azureml.ms", "https://graph.microsoft.com"
Asked = tuple[str, str, str]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """Olga owns the subscription, bob has nothing."""
    made = make_cloud(tmp_path_factory.mktemp("state"))
    for id_, document in STANDING.items():
        made.store.put(
            RESOURCES, id_.lower(), {"id": id_, "name": id_.rpartition("/")[2], "properties": {}, **document}
        )
    made.store.put(RESOURCES, RG.lower(), {"id": RG, "name": "rg", "properties": {"provisioningState": "Succeeded"}})
    owner = made.directory.add_user("olga@local.test")
    made.directory.add_user("bob@local.test")
    told = {"principalId": owner.object_id, "roleDefinitionId": built_in_role("Owner").id, "scope": SUB}
    made.store.put(ASSIGNMENTS, "hers", {"id": f"{SUB}/x", "properties": told})
    return made


def ask(cloud: Cloud, who: str, asked: Asked, body: Any = None, token: str | None = None) -> httpx.Response:
    method, url, audience = asked
    principal = cloud.directory.find_user(f"{who}@local.test")
    assert principal is not None
    token = token or cloud.tokens.issue(principal.object_id, audience)[0]
    headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2024-11-04"}
    return Client(build_app(cloud)).request(method, url, headers=headers, json=body)


JOBS = f"{ARM}{WORKSPACE}/jobs"
REFUSED: dict[str, tuple[Asked, Any]] = {
    "forbidden": (("DELETE", f"{ARM}{WORKSPACE}?{VERSION}", ARM), None),
    "absent": (
        ("GET", f"{ARM}{RG}/providers/Microsoft.Storage/storageAccounts/none?api-version=2024-01-01", ARM),
        None,
    ),
    "no version": (("GET", f"{ARM}{RG}", ARM), None),
    "a bad body": (("PUT", f"{ARM}{RG}?api-version=2024-11-01", ARM), {"location": "nowhere"}),
    "an unknown member": (
        ("PUT", f"{ARM}{SUB}/resourceGroups/new?api-version=2024-11-01", ARM),
        {"location": "westeurope", "x": 1},
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_resource_manager(cloud: Cloud, case: str) -> None:
    asked, body = REFUSED[case]
    answer = ask(cloud, "bob" if case == "forbidden" else "olga", asked, body)
    error = answer.json()["error"]
    assert answer.status_code >= 400
    assert answer.json().keys() == {"error"}
    assert {"code", "message"} <= error.keys() <= {"code", "message", "target", "details"}
    assert ODataV4Format(error).code == error["code"]  # as Microsoft's clients read it


def test_machine_learnings_provider(cloud: Cloud) -> None:
    answer = ask(cloud, "olga", ("PUT", f"{JOBS}/j1?{VERSION}", ARM), {"properties": {"jobType": "Sweep"}})
    error = answer.json()["error"]
    assert error.keys() == {"code", "message", "target", "details", "additionalInfo"}
    assert (error["code"], error["target"], error["details"]) == ("UserError", "jobType", [])
    told = {each["type"]: each["info"]["value"] for each in error["additionalInfo"]}
    assert told["ComponentName"] == "managementfrontend"
    assert told["Correlation"]["operation"] == answer.headers["x-ms-correlation-request-id"]
    assert told.keys() == {"ComponentName", "Correlation", "Environment", "Location", "Time"}
    # What Resource Manager refuses by itself has its own shape there too.
    refused = ask(cloud, "bob", ("GET", f"{JOBS}?{VERSION}", ARM)).json()["error"]
    assert refused.keys() == {"code", "message"}


@pytest.mark.parametrize(
    ("who", "asked", "body", "code"),
    [
        ("bob", ("POST", f"{GRAPH}/v1.0/users", GRAPH), {"userPrincipalName": "x@y.z"}, "Authorization_RequestDenied"),
        ("bob", ("GET", f"{GRAPH}/v1.0/users/none", GRAPH), None, "Request_ResourceNotFound"),
        ("bob", ("GET", f"{GRAPH}/v1.0/shoes", GRAPH), None, "ResourceNotFound"),
        ("bob", ("GET", f"{GRAPH}/v1.0/users?$filter=x", GRAPH), None, "Request_UnsupportedQuery"),
        ("olga", ("POST", f"{GRAPH}/v1.0/groups", GRAPH), {"displayName": 5}, "Request_BadRequest"),
        ("bob", ("GET", f"{GRAPH}/v1.0/me", ARM), None, "InvalidAuthenticationToken"),
    ],
)
def test_graph(cloud: Cloud, who: str, asked: Asked, body: Any, code: str) -> None:
    answer = ask(cloud, who, asked, body)
    error = answer.json()["error"]
    assert error["code"].startswith(code)
    assert error["innerError"].keys() == {"date", "request-id", "client-request-id"}
    assert error["innerError"]["request-id"] == answer.headers["x-ms-correlation-request-id"]
    assert error.keys() <= {"code", "message", "target", "innerError"}


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (("GET", f"{LEARNING}/mlflow/v1.0{WORKSPACE}/api/2.0/mlflow/experiments/get?experiment_id=1", ARM), 403),
        (("GET", f"{LEARNING}/mlflow/v1.0{WORKSPACE}/api/2.0/mlflow/no-such-thing", ARM), 404),
        (("GET", f"{LEARNING}/history/v1.0{WORKSPACE}/experiments/e", ARM), 403),
        (("GET", f"{LEARNING}/rp/workspaces{WORKSPACE}/computes/none", ARM), 403),
        (("GET", f"{LEARNING}/mlflow/v1.0{WORKSPACE}-none/api/2.0/mlflow/experiments/get", ARM), 404),
        (("GET", f"{LEARNING}/history/v1.0{WORKSPACE}/experiments/e", GRAPH), 401),
    ],
)
def test_the_data_plane_and_mlflow(cloud: Cloud, asked: Asked, status: int) -> None:
    answer = ask(cloud, "bob", asked)
    body = answer.json()
    assert answer.status_code == body["statusCode"] == status
    assert body.keys() == {
        "error_code", "message", "error", "correlation", "environment", "location", "time", "componentName", "code",
        "statusCode", "details",
    }  # fmt: skip
    assert body["error"].keys() == {
        "code", "severity", "message", "messageFormat", "messageParameters", "referenceCode", "detailsUri", "target",
        "details", "innerError", "debugInfo", "additionalInfo",
    }  # fmt: skip
    assert body["message"] == body["error"]["message"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (("GET", "https://stmlflow.blob.core.windows.net/azureml/x", STORAGE), "AuthorizationPermissionMismatch"),
        (("GET", "https://none.blob.core.windows.net/azureml/x", STORAGE), None),
        (("GET", "https://stmlflow.blob.core.windows.net/azureml/x", ARM), None),
        (("PUT", "https://stmlflow.blob.core.windows.net/AZ", STORAGE), None),
    ],
)
def test_blobs(cloud: Cloud, asked: Asked, code: str | None) -> None:
    answer = ask(cloud, "bob", asked)
    error = ElementTree.fromstring(answer.text)
    assert answer.status_code >= 400
    assert [error.tag, *(each.tag for each in error)][:3] == ["Error", "Code", "Message"]
    assert error.findtext("Code") == answer.headers["x-ms-error-code"]
    assert code in (None, error.findtext("Code"))


def test_vaults(cloud: Cloud) -> None:
    vault = "https://vault.azure.net"
    answer = ask(cloud, "bob", ("GET", "https://byroles.vault.azure.net/secrets?api-version=7.4", vault))
    error = answer.json()["error"]
    assert error.keys() == {"code", "message", "innererror"}
    assert error["innererror"] == {"code": "ForbiddenByRbac"}


def test_sign_in(tmp_path: Path, cloud: Cloud) -> None:
    url = "https://login.microsoftonline.com/common/oauth2/v2.0/token"
    body = Client(build_app(cloud)).request("POST", url, data={"grant_type": "client_credentials"}).json()
    assert {"error", "error_description", "error_codes", "timestamp", "trace_id", "correlation_id"} <= body.keys()
