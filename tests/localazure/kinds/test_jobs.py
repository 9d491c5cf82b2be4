"""What a submission may say, what of a job changes later, how jobs are listed. Expectations are Microsoft's words."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.localazure.core.store import Document
from azmlflow.localazure.work import records, run_ids
from tests.localazure.control import ALICE, CHAIN, COMPUTE, DEVELOPER, RG, WORKSPACE, Answer, Azure

JOBS = f"{WORKSPACE}/jobs"
JOB = {"jobType": "Command", "command": "true", "computeId": COMPUTE}
FILE = {"jobInputType": "uri_file", "uri": "azureml://datastores/workspaceblobstore/paths/a.csv"}
OUT = {"jobOutputType": "uri_folder"}
IDENTITIES = f"{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"


@pytest.fixture
def ready(azure: Azure) -> Azure:
    """A workspace with a cluster."""
    azure.make(*CHAIN[:6], COMPUTE)
    return azure


def put(azure: Azure, name: str = "job-1", who: str = DEVELOPER, **more: Any) -> Answer:
    return azure.arm("PUT", f"{JOBS}/{name}", {"properties": {**JOB, **more}}, who=who)


def kept(azure: Azure, name: str = "job-1") -> Document:
    found: Document = azure.arm("GET", f"{JOBS}/{name}").body["properties"]
    return found


# --- made --------------------------------------------------------------------------------------------------------


def test_what_is_kept_as_it_was(ready: Azure) -> None:
    said: dict[str, Any] = {
        "displayName": "shown",
        "description": "about",
        "tags": {"a": "1"},
        "properties": {"p": "2"},
        "isArchived": True,
        "experimentName": "tried",
        "environmentVariables": {"A": ""},
        "limits": {"jobLimitsType": "Command", "timeout": "PT10M"},
        "resources": {"instanceCount": 1, "shmSize": "2g", "properties": {"x": {"y": 1}}},
        "identity": {"identityType": "AMLToken"},
        "distribution": {"distributionType": "PyTorch", "processCountPerInstance": 1},
    }
    assert put(ready, **said).status == 201
    assert {name: value for name, value in kept(ready).items() if name in said} == said


def test_names_and_enums_have_any_case_in_a_request_and_azures_in_the_answer(ready: Azure) -> None:
    body = {
        "JOBTYPE": "command",
        "Command": "true",
        "computeid": COMPUTE.upper(),
        "IDENTITY": {"IdentityType": "amltoken"},
    }
    assert ready.arm("PUT", f"{JOBS}/job-1", {"properties": body}).status == 201
    found = kept(ready)
    assert (found["jobType"], found["identity"]) == ("Command", {"identityType": "AMLToken"})
    assert found["computeId"] == COMPUTE


def test_inputs_and_outputs_have_their_modes(ready: Azure) -> None:
    put(ready, inputs={"a": FILE, "b": {"jobInputType": "literal", "value": "1"}}, outputs={"o": OUT})
    found = kept(ready)
    assert found["inputs"] == {"a": {**FILE, "mode": "ReadOnlyMount"}, "b": {"jobInputType": "literal", "value": "1"}}
    assert found["outputs"] == {"o": {**OUT, "mode": "ReadWriteMount"}}


def test_what_is_azures_to_say_is_not_read(ready: Azure) -> None:
    """A client sends what it was answered of another job."""
    default = {"jobOutputType": "uri_folder", "uri": "azureml://datastores/workspaceartifactstore/ExperimentRun/dcid.x"}
    tracking = {"jobServiceType": "Tracking", "endpoint": "https://elsewhere"}
    put(ready, status="Completed", parameters={}, services={"Tracking": tracking}, outputs={"default": default})
    found = kept(ready)
    assert (found["status"], found["outputs"]) == ("Queued", {})
    assert found["services"]["Tracking"]["endpoint"].startswith("azureml://")


@pytest.mark.parametrize(
    "empty",
    [
        {"services": {}},
        {"queueSettings": {"jobTier": None}},
        {"queueSettings": {"jobTier": "Null"}},
        {"notificationSetting": {"emails": [], "webhooks": {}}},
        {"componentId": None},
        {"autologgerSettings": {"mlflowAutologger": "Disabled"}},
        {"resources": {"dockerArgs": "", "dockerArgsList": [], "locations": []}},
        {"distribution": None, "identity": None, "limits": None, "resources": None},
        {"outputs": {"default": OUT}},
    ],
)
def test_what_says_nothing_is_taken(ready: Azure, empty: dict[str, Any]) -> None:
    assert put(ready, **empty).status == 201


NODES = {"services": {"ssh": {"jobServiceType": "SSH", "nodes": {"nodesValueType": "All"}}}}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"jobType": "Pipeline"}, "Pipeline"),
        ({"jobType": "Workflow"}, "not a valid value"),
        ({"command": ""}, "command"),
        ({"command": "echo ${{inputs.x}}"}, "inputs.x"),
        ({"command": "echo ${{outputs.x}}"}, "outputs.x"),
        ({"componentId": f"{WORKSPACE}/components/c/versions/1"}, "componentId"),
        (NODES, "'ssh'"),
        ({"services": {"board": {"jobServiceType": "TensorBoard", "properties": {"logDir": "x"}}}}, "'board'"),
        ({"schedule": {"scheduleType": "Cron"}}, "schedule"),
        ({"queueSettings": {"jobTier": "Spot"}}, "queueSettings"),
        ({"notificationSetting": {"emailOn": ["JobFailed"], "emails": ["a@b.c"]}}, "notificationSetting"),
        ({"notificationSetting": {"webhooks": {"a": {"webhookType": "AzureDevOps"}}}}, "notificationSetting"),
        ({"secretsConfiguration": {"a": {"uri": "x"}}}, "secretsConfiguration"),
        ({"autologgerSettings": {"mlflowAutologger": "Enabled"}}, "autologgerSettings"),
        ({"distribution": {"distributionType": "PyTorch", "processCountPerInstance": 2}}, "processCountPerInstance"),
        ({"distribution": {"distributionType": "Mpi", "workerCount": 1}}, "workerCount"),
        ({"distribution": {"distributionType": "TensorFlow", "parameterServerCount": 1}}, "parameterServerCount"),
        ({"distribution": {"distributionType": "Ray"}}, "not a valid value"),
        ({"identity": {"identityType": "UserIdentity"}}, "sign in as who submits it"),
        ({"identity": {"identityType": "Managed"}}, "does not have the job's identity"),
        ({"identity": {"identityType": "AMLToken", "clientId": "x"}}, "clientId"),
        ({"resources": {"instanceCount": 2}}, "instanceCount"),
        ({"resources": {"instanceCount": "1"}}, "instanceCount"),
        ({"resources": {"maxInstanceCount": 3}}, "maxInstanceCount"),
        ({"resources": {"instanceType": "Standard_NC6"}}, "STANDARD_DS3_V2"),
        ({"resources": {"shmSize": "2 GB"}}, "2 GB"),
        ({"resources": {"dockerArgs": "--gpus all"}}, "dockerArgs"),
        ({"resources": {"locations": ["westeurope"]}}, "locations"),
        ({"limits": {"timeout": "1h"}}, "1h"),
        ({"limits": {"timeout": "PT0S"}}, "at least one second"),
        ({"limits": {"timeout": "PT" + "9" * 400 + "S"}}, "limits"),
        ({"limits": {"jobLimitsType": "Sweep"}}, "not a valid value"),
        ({"computeId": ""}, "serverless"),
        ({"computeId": "cpu-cluster"}, "was not found"),
        ({"computeId": COMPUTE.replace("ws-one", "ws-two")}, "was not found"),
        ({"codeId": f"{WORKSPACE}/codes/c/versions/1"}, "was not found"),
        ({"environmentId": f"{WORKSPACE}/environments/e/versions/1"}, "was not found"),
        ({"parentJobName": "nobody"}, "'nobody'"),
        ({"experimentName": ""}, "experiment"),
        ({"experimentName": "x" * 257}, "ExperimentDto.Name/Length"),
        ({"displayName": "x" * 257}, "RunDto.DisplayName/Length"),
        ({"tags": {str(each): "" for each in range(51)}}, "RunDto.Tags/Count"),
        ({"properties": {"a": "x" * 1001}}, "RunDto.Properties.Value/Length"),
        ({"unheardOf": 1}, "'unheardOf'"),
        ({"COMMAND": "false"}, "two spellings"),
    ],
)
def test_what_is_not_done_is_refused(ready: Azure, more: dict[str, Any], said: str) -> None:
    refused = put(ready, **more)
    assert (refused.status, said in refused.message) == (400, True), refused
    assert ready.arm("GET", f"{JOBS}/job-1").status == 404


@pytest.mark.parametrize(
    "more",
    [
        {"tags": [1]}, {"tags": 5}, {"tags": {"a": {"b": 1}}}, {"tags": {"a": 1}}, {"displayName": {"a": 1}},
        {"description": [1]}, {"isArchived": "x"}, {"properties": {"a": [1]}}, {"inputs": {"x": "text"}},
        {"inputs": {"x": [1]}}, {"inputs": []}, {"outputs": {"x": "text"}}, {"outputs": {"x": 5}}, {"outputs": "x"},
        {"outputs": {"x": None}}, {"inputs": {"x": {"jobInputType": "literal", "value": 5}}},
        {"inputs": {"x": {**FILE, "uri": ["x"]}}}, {"outputs": {"x": {**OUT, "assetName": 1}}},
        {"resources": [1]}, {"resources": {"properties": []}}, {"limits": 5}, {"limits": {"timeout": 5}},
        {"environmentVariables": []}, {"environmentVariables": {"A": 1}}, {"environmentVariables": {"A=B": "x"}},
        {"environmentVariables": {"": "x"}}, {"environmentVariables": {"A\0": "x"}},
        {"environmentVariables": {"A": "\ud800"}}, {"command": "echo \0"}, {"command": ["true"]}, {"command": 1},
        {"experimentName": "a\0b"}, {"experimentName": 5}, {"computeId": "\0"}, {"computeId": 5},
        {"environmentId": ["x"]}, {"codeId": 5}, {"identity": "AMLToken"}, {"distribution": []}, {"services": [1]},
        {"services": {"x": 1}}, {"parentJobName": 1}, {"jobType": 1}, {"jobType": None},
    ],
)  # fmt: skip
def test_a_wrong_type_is_refused_in_azures_shape_and_breaks_no_list(ready: Azure, more: dict[str, Any]) -> None:
    refused = put(ready, **more)
    assert refused.status == 400
    assert set(refused.body["error"]) >= {"code", "message"}
    assert put(ready, "job-2").status == 201
    assert put(ready, "job-2", **more).status == 400, "nor is an existing job changed by it"
    assert [each["name"] for each in ready.arm("GET", JOBS).body["value"]] == ["job-2"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "/tmp/x",
        "../../x",
        "a/b",
        "a\\b",
        "a b",
        "a-b",
        "a.b",
        "1a",
        "é",
        "a\0",
        "a\n",
        "x" * 256,
        "~",
        "$x",
    ],
)
@pytest.mark.parametrize("kind", ["inputs", "outputs"])
def test_names_of_inputs_and_outputs_are_identifiers(ready: Azure, kind: str, name: str) -> None:
    """azure-ai-ml: `validate_key_contains_allowed_characters`."""
    told = {"jobInputType": "literal", "value": "x"} if kind == "inputs" else OUT
    more: dict[str, Any] = {kind: {name: told}}
    refused = put(ready, **more)
    assert (refused.status, "must be composed letters, numbers, and underscore" in refused.message) == (400, True)


@pytest.mark.parametrize("name", ["default", "Artifacts"])
def test_names_that_are_a_jobs_artifacts(ready: Azure, name: str) -> None:
    told = {"jobOutputType": "uri_file", "uri": "azureml://datastores/workspaceblobstore/paths/x"}
    assert "a job's artifacts" in put(ready, outputs={name: told}).message


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"jobInputType": "uri_file"}, "uri"),
        ({"uri": "x"}, "not a valid value"),
        ({"jobInputType": "text", "value": "x"}, "not a valid value"),
        ({**FILE, "value": "x"}, "value"),
        ({"jobInputType": "literal", "value": "x", "uri": "y"}, "uri"),
        ({**FILE, "mode": "ReadWriteMount"}, "ReadWriteMount"),
        ({**FILE, "mode": "EvalMount"}, "EvalMount"),
        ({**FILE, "mode": "Mount"}, "not a valid value"),
        ({**FILE, "pathOnCompute": "/data"}, "pathOnCompute"),
        ({**FILE, "more": 1}, "'more'"),
        ({**FILE, "uri": "https://example.org/a.csv"}, "not in a datastore"),
        ({**FILE, "uri": "/etc/passwd"}, "not in a datastore"),
        ({**FILE, "uri": "azureml://datastores/workspaceblobstore/paths/../x"}, "does not name a file"),
        ({**FILE, "uri": f"{WORKSPACE}/data/none/versions/1"}, "was not found"),
        ({**FILE, "uri": f"{WORKSPACE.replace('ws-one', 'ws-two')}/data/a/versions/1"}, "another workspace's"),
    ],
)
def test_inputs_that_are_refused(ready: Azure, told: dict[str, Any], said: str) -> None:
    refused = put(ready, inputs={"x": told})
    assert (refused.status, said in refused.message) == (400, True), refused


STORE = "azureml://datastores/workspaceblobstore/paths"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, "not a valid value"),
        ({**OUT, "mode": "Download"}, "not a valid value"),
        ({**OUT, "assetName": "../x"}, "not valid"),
        ({**OUT, "assetName": "a", "assetVersion": "../1"}, "not valid"),
        ({**OUT, "assetVersion": "1"}, "assetName"),
        ({**OUT, "pathOnCompute": "/x"}, "pathOnCompute"),
        ({**OUT, "uri": "https://example.org/a"}, "no output can lie there"),
        ({**OUT, "uri": "azureml://datastores/nowhere/paths/x"}, "no output can lie there"),
        ({**OUT, "uri": "azureml://datastores/workspaceartifactstore/paths/ExperimentRun/dcid.x"}, "no output can lie"),
        ({**OUT, "uri": "azureml://jobs/job-0/outputs/o"}, "no output can lie there"),
        ({**OUT, "uri": f"{STORE}/../x"}, "does not name a file"),
        ({**OUT, "uri": f"{STORE}/azureml/job-0/o"}, "outputs of other jobs"),
        ({**OUT, "uri": f"{STORE}/LocalUpload/1234/data"}, "uploads"),
        ({**OUT, "uri": STORE + "/${{settings.x}}"}, "placeholder"),
    ],
)
def test_outputs_that_are_refused(ready: Azure, told: dict[str, Any], said: str) -> None:
    refused = put(ready, outputs={"x": told})
    assert (refused.status, said in refused.message) == (400, True), refused


def test_who_may_not_read_datastores_chooses_no_place_in_them(ready: Azure) -> None:
    ready.assign(ALICE, "AzureML Compute Operator", WORKSPACE)
    assert put(ready, who=ALICE, outputs={"x": {**OUT, "uri": f"{STORE}/x"}}).status == 403
    assert put(ready, outputs={"x": {**OUT, "uri": f"{STORE}/x"}}).status == 201


def test_a_managed_identity_is_one_of_the_clusters(ready: Azure) -> None:
    ids = [f"{IDENTITIES}/{name}" for name in ("used", "other")]
    for id_ in ids:
        assert ready.arm("PUT", id_, {"location": "westeurope"}).status in (200, 201)
    used, other = (ready.arm("GET", id_).body for id_ in ids)
    body = ready.arm("GET", COMPUTE).body
    identity = {"type": "UserAssigned", "userAssignedIdentities": {used["id"]: {}}}
    inner = {"computeType": "AmlCompute", "properties": {**body["properties"]["properties"]}}
    assert (
        ready.arm("PUT", COMPUTE, {"location": "westeurope", "identity": identity, "properties": inner}).status == 200
    )
    client = {"clientId": used["properties"]["clientId"]}
    for number, told in enumerate((client, {"resourceId": used["id"].upper()}, {})):
        assert put(ready, f"job-{number}", identity={"identityType": "Managed", **told}).status == 201
    told = {"identityType": "Managed", "objectId": other["properties"]["principalId"]}
    assert "does not have the job's identity" in put(ready, "job-9", identity=told).message


# --- changed -----------------------------------------------------------------------------------------------------

EXISTS = "A job with this name already exists. If you are trying to create a new job, use a different name."


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"command": "false"}, "existing job's Command cannot be changed"),
        ({"environmentVariables": {"A": "2"}}, "EnvironmentVariables"),
        ({"experimentName": "other"}, "ExperimentName"),
        ({"inputs": {}}, "Inputs"),
        ({"inputs": None}, "Inputs"),
        ({"environmentVariables": None, "outputs": None}, "EnvironmentVariables,  Outputs"),
        ({"distribution": {"distributionType": "Mpi"}}, "Distribution"),
        ({"outputs": {"o": {**OUT, "mode": "Upload"}}}, "Outputs"),
        ({"limits": {"jobLimitsType": "Command", "timeout": "PT2S"}}, "Limits"),
        ({"properties": {"p": "other"}}, "Properties.p"),
    ],
)
def test_what_a_job_is_cannot_change(ready: Azure, change: dict[str, Any], said: str) -> None:
    """MicrosoftDocs/azure-docs#122250."""
    first: dict[str, Any] = {
        "environmentVariables": {"A": "1"},
        "inputs": {"a": FILE},
        "outputs": {"o": OUT},
        "properties": {"p": "1"},
    }
    put(ready, **first)
    before = ready.arm("GET", f"{JOBS}/job-1").body
    refused = put(ready, **{**first, **change})
    assert refused.status == 400
    assert refused.message.startswith(EXISTS)
    assert refused.message.endswith("Only description, tags, displayName, properties, and isArchived can be updated.")
    assert said in refused.message
    assert ready.arm("GET", f"{JOBS}/job-1").body == before


def test_what_can_change(ready: Azure) -> None:
    """Tags are never taken away (Azure/azure-sdk-for-python#30671)."""
    put(ready, tags={"a": "1", "b": "1"}, description="before", inputs={"a": FILE})
    answer = ready.arm("GET", f"{JOBS}/job-1").body
    change = {
        "tags": {"b": "2"},
        "description": "after",
        "displayName": "new",
        "isArchived": True,
        "properties": {"p": "1"},
    }
    assert ready.arm("PUT", f"{JOBS}/job-1", {"properties": {**answer["properties"], **change}}).status == 200
    found = kept(ready)
    assert {name: found[name] for name in change} == {**change, "tags": {"a": "1", "b": "2"}}
    assert (found["command"], found["status"]) == ("true", "Queued")


def test_the_same_submission_again_changes_nothing(ready: Azure) -> None:
    put(ready, tags={"a": "1"}, inputs={"a": FILE}, outputs={"o": OUT})
    before = ready.arm("GET", f"{JOBS}/job-1").body
    again = put(ready, tags={"a": "1"}, inputs={"a": FILE}, outputs={"o": OUT}, computeId=COMPUTE.upper())
    assert (again.status, again.body) == (200, before)


def test_patch_is_not_served(ready: Azure) -> None:
    put(ready)
    assert ready.arm("PATCH", f"{JOBS}/job-1", {"properties": {"tags": {"a": "1"}}}).status == 405


def test_mlflow_is_to_hear_what_changed_of_a_run(ready: Azure) -> None:
    put(ready, tags={"a": "1"})
    key = f"{JOBS}/job-1".lower()
    put(ready, tags={"a": "2"})
    assert records.untold(ready.cloud) == {}, "it has no run: that will be made as the job is then"
    records.note(ready.cloud, key, run_of="w")
    put(ready, tags={"a": "2", "b": "3"}, description="d")
    put(ready, displayName="new")
    tags = {"b": "3", "mlflow.note.content": "d"}
    told = {"workspace": "w", "run": "job-1", "tags": tags, "name": "new", "state": ""}
    assert records.untold(ready.cloud) == {key: told}


def test_a_deleted_jobs_name_is_refused_while_its_run_is_there(ready: Azure) -> None:
    put(ready)
    key = f"{JOBS}/job-1".lower()
    records.note(ready.cloud, key, run_of="w")
    assert ready.arm("DELETE", f"{JOBS}/job-1").status == 200
    told = records.untold(ready.cloud)[key]
    assert told["state"] == "Canceled"
    refused = put(ready)
    assert (refused.status, "being deleted" in refused.message) == (409, True)
    records.is_told(ready.cloud, key, told)
    refused = put(ready)
    assert (refused.status, refused.code) == (400, "UserError")
    assert "As a run with runId = job-1 already exists in the workspace" in refused.message
    assert ready.arm("GET", f"{JOBS}/job-1").status == 404


def test_the_name_of_a_deleted_job_that_never_had_a_run_is_free(ready: Azure) -> None:
    put(ready)
    assert ready.arm("DELETE", f"{JOBS}/job-1").status == 200
    assert put(ready).status == 201


def test_a_name_that_is_the_id_of_another_workspaces_run_is_refused_until_that_workspace_is_gone(ready: Azure) -> None:
    run_ids.take(ready.cloud, "another", "job-1")
    refused = put(ready)
    assert (refused.status, refused.code) == (400, "UserError")
    assert "another workspace's run has this id" in refused.message
    run_ids.lapse(ready.cloud, "another")
    assert put(ready).status == 201


def test_a_workspace_that_is_gone_for_good_frees_its_names(ready: Azure) -> None:
    put(ready)
    records.note(ready.cloud, f"{JOBS}/job-1".lower(), run_of="w")
    assert run_ids.owner(ready.cloud, "job-1") is not None
    ready.arm("DELETE", f"{WORKSPACE}?forceToPurge=true")
    ready.wait()
    assert run_ids.owner(ready.cloud, "job-1") is None


# --- listed ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["job-3", "job-1"]),
        ({"listViewType": "activeonly"}, ["job-3", "job-1"]),
        ({"listViewType": "ArchivedOnly"}, ["job-2"]),
        ({"listViewType": "All"}, ["job-3", "job-2", "job-1"]),
        ({"jobType": "command"}, ["job-3", "job-1"]),
        ({"jobType": "Sweep"}, []),
        ({"tag": "a"}, ["job-1"]),
        ({"tag": "A"}, []),
        ({"tag": "b", "listViewType": "All"}, ["job-2"]),
        ({"properties": "p"}, ["job-3", "job-1"]),
        ({"properties": "p=1"}, ["job-1"]),
        ({"properties": "p=1,q"}, []),
        ({"assetName": "made"}, ["job-3"]),
        ({"scheduled": "false"}, ["job-3", "job-1"]),
        ({"scheduled": "true"}, []),
        ({"scheduleId": "nightly"}, []),
        ({"$skip": "1"}, ["job-1"]),
        ({"$top": "1"}, ["job-3"]),
    ],
)
def test_lists(ready: Azure, query: dict[str, str], names: list[str]) -> None:
    """Microsoft, "Jobs - List"."""
    made: dict[str, dict[str, Any]] = {
        "job-1": {"tags": {"a": "1"}, "properties": {"p": "1"}},
        "job-2": {"tags": {"b": "1"}, "isArchived": True},
        "job-3": {"properties": {"p": "2"}, "outputs": {"o": {**OUT, "assetName": "made"}}},
    }
    for name, more in made.items():
        put(ready, name, **more)
        ready.clock.advance(1)
    assert [each["name"] for each in ready.arm("GET", JOBS, **query).body["value"]] == names


def test_pages(ready: Azure) -> None:
    for number in range(5):
        put(ready, f"job-{number}")
        ready.clock.advance(1)
    url, names = f"{JOBS}?$top=2&$skip=1", []
    while url:
        page = ready.follow(url) if url.startswith("http") else ready.arm("GET", JOBS, **{"$top": "2", "$skip": "1"})
        names += [[each["name"] for each in page.body["value"]]]
        url = page.body.get("nextLink", "")
    assert names == [["job-3", "job-2"], ["job-1", "job-0"]]


@pytest.mark.parametrize(
    "query",
    [
        {"listViewType": "Some"}, {"jobType": "Any"}, {"$skip": "x"}, {"$skip": "-1"}, {"$top": "0"}, {"$top": "x"},
        {"scheduled": "maybe"}, {"$orderBy": "name"}, {"$filter": "x eq 1"}, {"more": "1"}, {"$skipToken": "x"},
    ],
)  # fmt: skip
def test_lists_that_are_refused(ready: Azure, query: dict[str, str]) -> None:
    assert ready.arm("GET", JOBS, **query).status == 400
