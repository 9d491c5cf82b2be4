"""Why a request is refused stands in the log, in every service's refusals, and nowhere in what the client is told."""

from __future__ import annotations

import logging
import re
from typing import Any

import httpx
import pytest

from azmlflow.cli.access.report import explained_text
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import ASSIGNMENTS, DEFINITIONS, RESOURCES, SECRETS
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from azmlflow.localazure.process.app import build_app
from azmlflow.rbac.report.access import WhoIsWho, explain, find_operation
from azmlflow.rbac.roles import built_in_role
from tests.localazure.transport import Client, make_cloud

SUB = f"/subscriptions/{SUBSCRIPTION_ID}"
RG = f"{SUB}/resourceGroups/rg"
WORKSPACE = f"{RG}/providers/Microsoft.MachineLearningServices/workspaces/ws"
ACCOUNT = f"{RG}/providers/Microsoft.Storage/storageAccounts/stmlflow"
ML = "Microsoft.MachineLearningServices/workspaces"
STANDING: dict[str, dict[str, Any]] = {
    RG: {"type": "Microsoft.Resources/resourceGroups"},
    WORKSPACE: {"type": ML, "location": "westeurope", "properties": {"workspaceId": "w", "storageAccount": ACCOUNT}},
    ACCOUNT: {"type": "Microsoft.Storage/storageAccounts", "properties": {}},
    f"{RG}/providers/Microsoft.KeyVault/vaults/byroles": {
        "type": "Microsoft.KeyVault/vaults",
        "properties": {"enableRbacAuthorization": True},
    },
    f"{RG}/providers/Microsoft.KeyVault/vaults/bypolicy": {
        "type": "Microsoft.KeyVault/vaults",
        "properties": {"accessPolicies": []},
    },
}


def assign(cloud: Cloud, name: str, principal_id: str, role_id: str) -> None:
    """Give a role at the group, by an assignment of that name."""
    id_ = f"{RG}/providers/Microsoft.Authorization/roleAssignments/{name}"
    properties = {"principalId": principal_id, "roleDefinitionId": role_id, "scope": RG}
    cloud.store.put(ASSIGNMENTS, id_.lower(), {"id": id_, "properties": properties})


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """Alice is a Reader of the group, carol by her team a Contributor; nobody else has anything."""
    made = make_cloud(tmp_path_factory.mktemp("state"))
    for id_, document in STANDING.items():
        made.store.put(RESOURCES, id_.lower(), {"id": id_, "name": id_.rpartition("/")[2], **document})
    made.store.put(SECRETS, ACCOUNT.lower(), {"keys": ["a2V5MQ==", "a2V5Mg=="]})
    alice, carol = (made.directory.add_user(f"{name}@local.test") for name in ("alice", "carol"))
    made.directory.add_user("bob@local.test")
    team = made.directory.add_group("team")
    made.directory.add_member(team.object_id, carol.object_id)
    assign(made, "hers", alice.object_id, built_in_role("Reader").id)
    assign(made, "theirs", team.object_id, built_in_role("Contributor").id)
    return made


@pytest.fixture(scope="module")
def client(cloud: Cloud) -> Client:
    return Client(build_app(cloud))


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "azmlflow.local")
    return caplog


Request = tuple[str, str, str]  # method, address, what the token is for


def ask(client: Client, cloud: Cloud, who: str, request: Request) -> httpx.Response:
    method, url, audience = request
    principal = cloud.directory.find_user(f"{who}@local.test")
    assert principal is not None
    token, _ = cloud.tokens.issue(principal.object_id, audience)
    headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2024-11-04"}
    return client.request(method, url, headers=headers, **({"json": {}} if method == "POST" else {}))


def why(log: pytest.LogCaptureFixture) -> str:
    """What the log's one line says behind the milliseconds."""
    (line,) = [record.getMessage() for record in log.records if record.name == "azmlflow.local"]
    found = re.fullmatch(r"\S+ \S+ \S+ 403 \d+ ms: (.*)", line)
    assert found, line
    return found[1]


ARM, STORAGE = "https://management.azure.com", "https://storage.azure.com"
READER = "Role 'Reader' does not allow it."
CASES: dict[str, tuple[Request, str]] = {
    "Resource Manager": (
        ("DELETE", f"{ARM}{WORKSPACE}?api-version=2024-10-01", ARM),
        f"alice@local.test may not {ML}/delete: {READER}",
    ),
    "the data plane": (
        ("POST", f"https://westeurope.api.azureml.ms/mlflow/v1.0{WORKSPACE}/api/2.0/mlflow/experiments/create", ARM),
        f"alice@local.test may not {ML}/experiments/write: {READER}",
    ),
    "blobs": (
        ("GET", "https://stmlflow.blob.core.windows.net/azureml/x", STORAGE),
        "alice@local.test may not Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read: " + READER,
    ),
    "a vault by roles": (
        ("GET", "https://byroles.vault.azure.net/secrets?api-version=7.4", "https://vault.azure.net"),
        "alice@local.test may not Microsoft.KeyVault/vaults/secrets/readMetadata/action: " + READER,
    ),
    "a vault by policies": (
        ("GET", "https://bypolicy.vault.azure.net/keys/one?api-version=7.4", "https://vault.azure.net"),
        "no access policy of the vault gives alice@local.test get on keys",
    ),
    "Graph": (
        ("POST", "https://graph.microsoft.com/v1.0/users", "https://graph.microsoft.com"),
        "alice@local.test may not Microsoft.Authorization/roleAssignments/write: No role assignment of "
        f"alice@local.test or of its groups reaches {SUB}.",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_service_says_why_in_the_log_alone(
    client: Client, cloud: Cloud, log: pytest.LogCaptureFixture, case: str
) -> None:
    request, reason = CASES[case]
    answer = ask(client, cloud, "alice", request)
    assert answer.status_code == 403
    assert why(log) == reason
    for told in ("Reader", "No role assignment", "no access policy"):
        assert told not in answer.text


def test_a_signature_that_is_not_good_is_said_to_be_so_and_not_shown(
    client: Client, log: pytest.LogCaptureFixture
) -> None:
    query = "sv=2024-11-04&sr=b&sp=r&se=2999-01-01T00%3A00%3A00Z&sig=c2VjcmV0"
    answer = client.get(f"https://stmlflow.blob.core.windows.net/azureml/x?{query}")
    assert answer.status_code == 403
    assert why(log) == (
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly "
        "including the signature. Signature did not match."
    )
    assert "c2VjcmV0" not in log.text


def test_azures_text_stays_as_it_is(client: Client, cloud: Cloud, log: pytest.LogCaptureFixture) -> None:
    bob = cloud.directory.find_user("bob@local.test")
    assert bob is not None
    answer = ask(client, cloud, "bob", ("GET", f"{ARM}{RG}?api-version=2024-03-01", ARM))
    action = "Microsoft.Resources/subscriptions/resourceGroups/read"
    assert answer.json() == {
        "error": {
            "code": "AuthorizationFailed",
            "message": f"The client 'bob@local.test' with object id '{bob.object_id}' does not have authorization to "
            f"perform action '{action}' over scope '{RG}' or the scope is invalid. If access was recently granted, "
            "please refresh your credentials.",
        }
    }
    reason = f"No role assignment of bob@local.test or of its groups reaches {RG}."
    assert why(log) == f"bob@local.test may not {action}: {reason}"


def test_access_explain_says_the_same(client: Client, cloud: Cloud, log: pytest.LogCaptureFixture) -> None:
    ask(client, cloud, "alice", CASES["the data plane"][0])
    alice = cloud.directory.find_user("alice@local.test")
    assert alice is not None
    explained = explain(alice.object_id, find_operation("write_experiment"), WORKSPACE, cloud.enforcer.facts())
    lines = explained_text(explained, alice.object_id, alice.name, "local", WhoIsWho({}), local=True).splitlines()
    at = lines.index(f"  -   {ML}/experiments/write")
    assert lines[at + 1] == f"        {READER}"
    assert why(log).endswith(f"{ML}/experiments/write: {READER}")


def test_what_not_actions_take_away_is_told_with_scope_and_group(
    client: Client, cloud: Cloud, log: pytest.LogCaptureFixture
) -> None:
    (team,) = cloud.directory.list("Group")
    hers = f"{RG}/providers/Microsoft.Authorization/roleAssignments/hers"
    ask(client, cloud, "carol", ("DELETE", f"{ARM}{hers}?api-version=2022-04-01", ARM))
    assert why(log) == (
        "carol@local.test may not Microsoft.Authorization/roleAssignments/delete: Role 'Contributor', assigned at "
        f"{RG} through group {team.object_id}, excludes it by its NotActions 'Microsoft.Authorization/*/Delete'."
    )


def test_what_is_not_refused_has_no_reason(client: Client, cloud: Cloud, log: pytest.LogCaptureFixture) -> None:
    request = ("GET", f"{ARM}{SUB}/resourcegroups?api-version=2022-12-01", ARM)
    assert ask(client, cloud, "alice", request).is_success
    (line,) = [record.getMessage() for record in log.records if record.name == "azmlflow.local"]
    assert re.fullmatch(r"GET management\.azure\.com \S+ 200 \d+ ms", line)


def test_a_roles_name_cannot_begin_a_line_of_the_log(
    client: Client, cloud: Cloud, log: pytest.LogCaptureFixture
) -> None:
    dave = cloud.directory.add_user("dave@local.test")
    role = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/22222222-2222-4222-8222-222222222222"
    properties = {"roleName": "x\nGET forged 200", "permissions": [{"actions": []}]}
    cloud.store.put(DEFINITIONS, role.lower(), {"id": role, "properties": properties})
    assign(cloud, "daves", dave.object_id, role)
    ask(client, cloud, "dave", ("DELETE", f"{ARM}{WORKSPACE}?api-version=2024-10-01", ARM))
    assert why(log) == f"dave@local.test may not {ML}/delete: Role 'x?GET forged 200' does not allow it."
