"""Remote runs by the real clients: the example as a data scientist runs it, and what becomes of jobs that end badly."""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.estate import EXAMPLES, SCIENCE_PYTHON, Estate, processes_of
from tests.e2e.people import ARM, Person, sign_in

pytestmark = pytest.mark.e2e

VERSION = {"api-version": "2025-01-01-preview"}
ENDED = ("Completed", "Failed", "Canceled")
LONG, PAUSE = 60, 0.05  # seconds
SCRIPTS = Path(__file__).parent / "scripts"


@pytest.fixture(scope="module")
def owner(estate: Estate) -> Iterator[Person]:
    with sign_in(estate, "developer@local.test") as person:
        yield person


def _workspace(estate: Estate) -> str:
    return str(estate.outputs()["workspaceId"])


def submit(person: Person, workspace: str, name: str, command: str, **more: Any) -> httpx.Response:
    clusters = person.ask("GET", f"{ARM}{workspace}/computes", params=VERSION)
    properties = {
        "jobType": "Command",
        "command": command,
        "computeId": next(each["id"] for each in clusters.json()["value"] if "identity" not in each)
        if clusters.is_success
        else "",
        "experimentName": "remote",
        **more,
    }
    url = f"{ARM}{workspace}/jobs/{name}"
    return person.ask("PUT", url, params=VERSION, json={"properties": properties})


def until(person: Person, workspace: str, name: str, good: Callable[[str], bool]) -> str:
    """The job's state once it is as wanted. A pause between requests leaves the job the processor that it waits for."""
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline:
        answer = person.ask("GET", f"{ARM}{workspace}/jobs/{name}", params=VERSION)
        answer.raise_for_status()
        status = str(answer.json()["properties"]["status"])
        if good(status):
            return status
        time.sleep(PAUSE)
    raise AssertionError(f"job {name} stays {status}")


def _details(person: Person, estate: Estate, name: str) -> dict[str, Any]:
    host = "https://westeurope.api.azureml.ms"
    answer = person.ask("GET", f"{host}/history/v1.0{_workspace(estate)}/runs/{name}/details")
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told


def _log(person: Person, estate: Estate, name: str) -> str:
    found = _details(person, estate, name)["logFiles"]
    url = found.get("user_logs/std_log.txt")
    return person.ask("GET", url, headers={"Authorization": ""}).text if url else ""


def test_the_example_runs_is_watched_and_fetched(estate: Estate) -> None:
    done = estate.science("developer@local.test", EXAMPLES / "remote_run_v2.py")
    assert "epoch 4: loss 0.135" in done.out
    assert ": FINISHED, loss 0.135 after 5" in done.out
    for path in ("artifacts/outputs/summary.txt", "artifacts/user_logs/std_log.txt", "named-outputs/model/weights.txt"):
        assert f"fetched {path}" in done.out


def test_submitter_may_submit_and_see_tracker_may_not(estate: Estate) -> None:
    workspace = _workspace(estate)
    for name, persona in (("sam@jobs.test", "submitter"), ("tom@jobs.test", "tracker")):
        estate.azmlflow("local", "user", "add", name)
        estate.azmlflow("grant", name, persona)
    with sign_in(estate, "sam@jobs.test") as sam, sign_in(estate, "tom@jobs.test") as tom:
        assert submit(tom, workspace, "tom-1", "true").status_code == httpx.codes.FORBIDDEN
        assert submit(sam, workspace, "sam-1", "true").status_code == httpx.codes.CREATED
        assert submit(sam, workspace, "sam-1", "true").status_code == httpx.codes.OK  # idempotent
        assert until(sam, workspace, "sam-1", ENDED.__contains__) == "Completed"
        cancel = f"{ARM}{workspace}/jobs/sam-1/cancel"
        assert tom.ask("POST", cancel, params=VERSION).status_code == httpx.codes.FORBIDDEN


def test_a_failing_script_fails_its_job_and_its_run(estate: Estate, owner: Person) -> None:
    workspace = _workspace(estate)
    submit(owner, workspace, "fails-1", "echo before; exit 3").raise_for_status()
    assert until(owner, workspace, "fails-1", ENDED.__contains__) == "Failed"
    assert "exited with code 3" in _details(owner, estate, "fails-1")["error"]["error"]["message"]
    assert "before" in _log(owner, estate, "fails-1")


def test_cancel_ends_the_process(estate: Estate, owner: Person) -> None:
    workspace = _workspace(estate)
    submit(owner, workspace, "endless-1", "trap '' TERM; echo $$; sleep 1000 & wait").raise_for_status()
    until(owner, workspace, "endless-1", lambda status: status == "Running")
    owner.ask("POST", f"{ARM}{workspace}/jobs/endless-1/cancel", params=VERSION).raise_for_status()
    assert until(owner, workspace, "endless-1", ENDED.__contains__) == "Canceled"


def test_a_job_over_its_time_limit_fails(estate: Estate, owner: Person) -> None:
    workspace = _workspace(estate)
    limits = {"jobLimitsType": "Command", "timeout": "PT1S"}
    submit(owner, workspace, "long-1", "while :; do :; done", limits=limits).raise_for_status()
    assert until(owner, workspace, "long-1", ENDED.__contains__) == "Failed"
    assert "longer than its limit" in _details(owner, estate, "long-1")["error"]["error"]["message"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"computeId": "nowhere"}, "nowhere"),
        ({"command": " "}, "command"),
        ({"codeId": "/somewhere/codes/c/versions/1"}, "code"),
        ({"limits": {"timeout": "soon"}}, "soon"),
        ({"resources": {"instanceCount": 2}}, "instanceCount"),
    ],
)
def test_what_can_never_run_is_refused(estate: Estate, owner: Person, more: dict[str, Any], said: str) -> None:
    answer = submit(owner, _workspace(estate), "never-1", **{"command": "true", **more})
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert said in answer.text


def test_inputs_outputs_names_and_lists_by_azure_ai_ml(estate: Estate) -> None:
    done = estate.science("developer@local.test", SCRIPTS / "job_faces.py")
    for line in (
        "file JobStatus.COMPLETED ['a|b|a b|a b|']",
        "asset uri_file True",
        "taken JobStatus.COMPLETED ['42']",
        "again True",
        "changed after [('a', '2'), ('b', '3')] shown",
        "run after 2 shown",
        "ListViewType.ACTIVE_ONLY True False",
        "ListViewType.ARCHIVED_ONLY False True",
        "ListViewType.ALL True True",
        "restored True",
    ):
        assert line in done.out


def test_a_job_that_is_deleted_while_it_runs_ends_its_process_and_its_run(estate: Estate, owner: Person) -> None:
    workspace = _workspace(estate)
    submit(owner, workspace, "deleted-1", "echo $$; sleep 1000").raise_for_status()
    until(owner, workspace, "deleted-1", lambda status: status == "Running")
    owner.ask("DELETE", f"{ARM}{workspace}/jobs/deleted-1", params=VERSION).raise_for_status()
    url = f"https://westeurope.api.azureml.ms/mlflow/v1.0{workspace}/api/2.0/mlflow/runs/get"

    def ended() -> bool:
        answer = owner.ask("GET", url, params={"run_id": "deleted-1"})
        return bool(answer.json()["run"]["info"]["status"] == "KILLED")

    deadline = time.monotonic() + LONG
    while not ended():
        assert time.monotonic() < deadline
    assert submit(owner, workspace, "deleted-2", "true").is_success


def test_a_job_trusts_the_authorities_that_the_user_trusts(estate: Estate, owner: Person) -> None:
    """As `azmlflow run` does: without them there is no way out of some networks."""
    count = "import os; print('authorities', open(os.environ['SSL_CERT_FILE']).read().count('BEGIN CERTIFICATE'))"
    mine = estate.azmlflow("run", "--", str(SCIENCE_PYTHON), "-c", count).out.split()[-1]
    submit(owner, _workspace(estate), "trusts-1", f'python -c "{count}"').raise_for_status()
    assert until(owner, _workspace(estate), "trusts-1", ENDED.__contains__) == "Completed"
    assert int(_log(owner, estate, "trusts-1").split()[-1]) >= int(mine) > 0


def test_a_snapshot_over_the_limit_is_refused_by_azureml_cores_route(estate: Estate, owner: Person) -> None:
    content = f"https://westeurope.api.azureml.ms/content/v2.0{_workspace(estate)}/snapshots"
    place = owner.ask("POST", f"{content}/getblob", json={"FileNames": ["big.bin"]}).json()["fileNodes"][0]["blobUri"]
    block = bytes(1024 * 1024)
    sent = owner.ask(
        "PUT",
        place,
        content=(block for _ in range(301)),
        headers={"x-ms-blob-type": "BlockBlob", "Authorization": "", "Content-Length": str(301 * len(block))},
    )
    assert sent.status_code == httpx.codes.CREATED, sent.text
    body = {
        "ParentSnapshotId": "00000000-0000-0000-0000-000000000000",
        "DirTreeNode": {"name": "", "children": {"big.bin": {"name": "big.bin", "type": "File", "hash": "h"}}},
        "FileRevisionList": {"FileNodes": [{"FullName": "big.bin", "BlobUri": place, "FileSize": 301 * len(block)}]},
    }
    answer = owner.ask("POST", f"{content}/{uuid.uuid4()}", json=body)
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert "300 MiB" in answer.text
    assert ".amlignore" in answer.text


RUN_TOKEN = """
import json, os, urllib.error, urllib.request
uri = os.environ["MLFLOW_TRACKING_URI"].replace("azureml://", "https://").replace("/v1.0/", "/v2.0/")
def ask(path, body, host=uri):
    request = urllib.request.Request(host + path, json.dumps(body).encode() if body else None, {
        "Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"], "Content-Type": "application/json"})
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code
metric = lambda run: {"run_id": run, "key": "m", "value": 1, "timestamp": 1}
print("own", ask("/api/2.0/mlflow/runs/log-metric", metric(os.environ["MLFLOW_RUN_ID"])))
print("other", ask("/api/2.0/mlflow/runs/log-metric", metric("sam-1")))
print("new", ask("/api/2.0/mlflow/runs/create", {"experiment_id": os.environ["MLFLOW_EXPERIMENT_ID"]}))
print("delete", ask("/api/2.0/mlflow/runs/delete", {"run_id": os.environ["MLFLOW_RUN_ID"]}))
renewal = lambda run: ask("/token", None, uri.replace("/mlflow/v2.0/", "/history/v1.0/")
    + "/experimentids/" + os.environ["MLFLOW_EXPERIMENT_ID"] + "/runs/" + run)
print("renewed", renewal(os.environ["MLFLOW_RUN_ID"]))
print("other renewed", renewal("sam-1"))
print("token", os.environ["MLFLOW_TRACKING_TOKEN"])
print("arm", ask("/subscriptions?api-version=2022-12-01", None, "https://management.azure.com"))
print("secrets", [name for name in os.environ if "SECRET" in name or "IDENTITY" in name])
"""


def test_a_run_token_is_good_for_its_own_run_only(estate: Estate, owner: Person) -> None:
    workspace = _workspace(estate)
    variables = {"SCRIPT": RUN_TOKEN}
    submit(owner, workspace, "token-1", 'python -c "$SCRIPT"', environmentVariables=variables).raise_for_status()
    until(owner, workspace, "token-1", ENDED.__contains__)
    log = _log(owner, estate, "token-1")
    for line in ("own 200", "other 403", "new 403", "delete 403", "renewed 200", "other renewed 403", "arm 401"):
        assert f"\n{line}" in f"\n{log}", log
    (token,) = (line.removeprefix("token ") for line in log.splitlines() if line.startswith("token "))
    url = f"https://westeurope.api.azureml.ms/history/v1.0{workspace}/runs/token-1/details"
    refused = owner.ask("GET", url, headers={"Authorization": f"Bearer {token}"})
    assert (refused.status_code, "has ended" in refused.text) == (httpx.codes.UNAUTHORIZED, True)


CLOSED = """
import glob, os
state, keeper = os.environ["STATE"], os.getppid()
def reads(path):
    try:
        return bool(open(path, "rb").read(1))
    except OSError as error:
        return type(error).__name__
print("user", os.getuid() != 0, os.getgroups())
for name in ("secrets.json", "leaf.key", "signing.pem", "azure.db"):
    print(name, reads(f"{state}/{name}"))
print("keeper's environment", reads(f"/proc/{keeper}/environ"))
homes = glob.glob(os.path.dirname(os.environ["HOME"]) + "/../*/home")
print("other jobs", [home for home in homes if not os.path.samefile(home, os.environ["HOME"])])
print("own home", os.access(os.environ["HOME"], os.W_OK), os.path.expanduser("~") == os.environ["HOME"])
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give jobs users of their own")
def test_a_job_reads_nothing_of_the_embedded_azures_nor_of_other_jobs(estate: Estate, owner: Person) -> None:
    workspace = _workspace(estate)
    variables = {"SCRIPT": CLOSED, "STATE": str(estate.folder / ".azmlflow" / "local")}
    submit(owner, workspace, "closed-1", 'exec python -c "$SCRIPT"', environmentVariables=variables).raise_for_status()
    assert until(owner, workspace, "closed-1", ENDED.__contains__) == "Completed", _log(owner, estate, "closed-1")
    told = _log(owner, estate, "closed-1").splitlines()
    assert "user True []" in told
    for name in ("secrets.json", "leaf.key", "signing.pem", "azure.db", "keeper's environment"):
        assert f"{name} PermissionError" in told or f"{name} FileNotFoundError" in told, told
    assert "other jobs []" in told
    assert "own home True True" in told


def test_jobs_over_a_limit_that_was_set_fail_by_its_name(estate: Estate, owner: Person) -> None:
    workspace = _workspace(estate)
    estate.azmlflow("local", "limits", "--time", "30s", "--memory", "80MiB", "--disk", "4MiB")
    try:
        hungry = "python -c 'kept = bytearray(200 << 20); import time; time.sleep(1000)'"
        full = 'python -c \'open("outputs/big", "wb").write(bytes(9 << 20))\''
        for name, command in (("memory", hungry), ("disk", full)):
            submit(owner, workspace, f"over-{name}", command).raise_for_status()
        for name, told in (("memory", "more memory than its limit of 80 MiB"), ("disk", "limit of 4 MiB")):
            assert until(owner, workspace, f"over-{name}", ENDED.__contains__) == "Failed"
            assert told in _details(owner, estate, f"over-{name}")["error"]["error"]["message"]
    finally:
        estate.azmlflow("local", "limits", "--none")


IDENTITY = """
import json, os, urllib.error, urllib.request
def ask(url, method="GET", **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers, method=method)) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, None
arm = "https://management.azure.com"
endpoint = os.environ["IDENTITY_ENDPOINT"] + "?api-version=2019-08-01&resource=" + arm
_, token = ask(endpoint, **{"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]})
scope = os.environ["AZUREML_WORKSPACE_SCOPE"]
def arm_as_identity(path, version, method="GET"):
    bearer = "Bearer " + token["access_token"]
    return ask(arm + path + "?api-version=" + version, method=method, Authorization=bearer)[0]
print("workspace", arm_as_identity(scope, "2024-10-01"))
print("group", arm_as_identity(scope.partition("/providers/")[0], "2022-09-01"))
print("delete", arm_as_identity(scope + "/computes/systemassigned", "2024-10-01", "DELETE"))
print("client", "DEFAULT_IDENTITY_CLIENT_ID" in os.environ)
"""


@pytest.mark.parametrize("kind", ["SystemAssigned", "UserAssigned"])
def test_a_job_signs_in_as_its_clusters_identity_and_has_what_that_was_granted(
    estate: Estate, owner: Person, kind: str
) -> None:
    workspace = _workspace(estate)
    scale = {"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": "PT120S"}
    cluster, principal = f"{workspace}/computes/{kind.lower()}", ""
    identity: dict[str, Any] = {"type": kind}
    if kind == "UserAssigned":
        group = workspace.partition("/providers/")[0]
        used = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/of-jobs"
        version = {"api-version": "2023-01-31"}
        answer = owner.ask("PUT", f"{ARM}{used}", params=version, json={"location": "westeurope"})
        answer.raise_for_status()
        principal = answer.json()["properties"]["principalId"]
        identity["userAssignedIdentities"] = {used: {}}
    body = {
        "location": "westeurope",
        "identity": identity,
        "properties": {
            "computeType": "AmlCompute",
            "properties": {"vmSize": "Standard_DS3_v2", "scaleSettings": scale},
        },
    }
    made = owner.ask("PUT", f"{ARM}{cluster}", params=VERSION, json=body)
    made.raise_for_status()
    principal = principal or made.json()["identity"]["principalId"]

    def told(name: str) -> list[str]:
        more = {"computeId": cluster, "environmentVariables": {"SCRIPT": IDENTITY}}
        submit(owner, workspace, name, 'python -c "$SCRIPT"', **more).raise_for_status()
        until(owner, workspace, name, ENDED.__contains__)
        return _log(owner, estate, name).splitlines()[-4:]

    assert told(f"{kind.lower()}-1") == ["workspace 403", "group 403", "delete 403", "client True"]
    reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
    subscription = workspace.partition("/resourceGroups/")[0]
    definition = f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{reader}"
    properties = {"principalId": principal, "principalType": "ServicePrincipal", "roleDefinitionId": definition}
    owner.ask(
        "PUT",
        f"{ARM}{workspace}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid5(uuid.NAMESPACE_URL, kind)}",
        params={"api-version": "2022-04-01"},
        json={"properties": properties},
    ).raise_for_status()
    assert told(f"{kind.lower()}-2") == ["workspace 200", "group 403", "delete 403", "client True"]


def test_a_run_has_one_id_in_every_client_whichever_submitted_it(estate: Estate, owner: Person) -> None:
    workspace = _workspace(estate)
    by_v2, by_v1 = "by_v2_of_more_than_thirty-two_characters", "by_v1_1700000000_of_more_than_thirty-two_too"
    command = 'mkdir -p outputs && echo "$MLFLOW_RUN_ID" > outputs/id.txt'
    submit(owner, workspace, by_v2, command, experimentName="one_id").raise_for_status()
    cluster = owner.ask("GET", f"{ARM}{workspace}/jobs/{by_v2}", params=VERSION).json()["properties"]["computeId"]
    environment = {"name": "one-id", "python": {"userManagedDependencies": True}}
    configuration = {"command": command, "target": cluster.rpartition("/")[2], "environment": environment}
    host = f"https://westeurope.api.azureml.ms/execution/v1.0{workspace}"
    until(owner, workspace, by_v2, ENDED.__contains__)
    owner.ask(
        "POST", f"{host}/experiments/one_id/snapshotrun?runId={by_v1}", json={"Configuration": configuration}
    ).raise_for_status()
    until(owner, workspace, by_v1, ENDED.__contains__)
    done = estate.science("developer@local.test", SCRIPTS / "one_id.py", by_v2, by_v1)
    for name in (by_v2, by_v1):
        assert json.loads(done.out.partition(f"{name}: ")[2].partition("\n")[0]) == {
            "azure-ai-ml": [name, "Completed"],
            "azure-ai-ml lists it": True,
            "azureml-core": [name, "Completed", f"dcid.{name}"],
            "azureml-core lists it": True,
            "mlflow": [name, "FINISHED", True],
            "mlflow finds it": True,
            "inside": name,
            "deleted": ["deleted", False],
            "restored": ["active", True],
        }


def test_the_jobs_of_a_deleted_workspace_end_with_it(estate: Estate, owner: Person) -> None:
    first = owner.ask("GET", f"{ARM}{_workspace(estate)}", params=VERSION).json()
    linked = {name: first["properties"][name] for name in ("storageAccount", "keyVault", "applicationInsights")}
    url = f"{ARM}{first['id']}-gone"
    scale = {"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": "PT120S"}
    inner = {"computeType": "AmlCompute", "properties": {"vmSize": "Standard_F4s_v2", "scaleSettings": scale}}

    def make() -> None:
        body = {"location": first["location"], "identity": {"type": "SystemAssigned"}, "properties": linked}
        owner.ask("PUT", url, params=VERSION, json=body).raise_for_status()
        cluster = {"location": first["location"], "properties": inner}
        owner.ask("PUT", f"{url}/computes/cpu-cluster", params=VERSION, json=cluster).raise_for_status()

    make()
    workspace = url.removeprefix(ARM)
    for name in ("gone-1", "gone-2"):  # one runs, one waits
        submit(owner, workspace, name, "trap '' TERM; sleep 1000 & wait").raise_for_status()
    deadline = time.monotonic() + LONG
    while not processes_of("gone-1"):
        assert until(owner, workspace, "gone-1", bool) not in ENDED
        assert time.monotonic() < deadline
    owner.ask("DELETE", url, params={**VERSION, "forceToPurge": "true"}).raise_for_status()
    while owner.ask("GET", url, params=VERSION).status_code != httpx.codes.NOT_FOUND or processes_of("gone-1"):
        assert time.monotonic() < deadline
    make()
    assert owner.ask("GET", f"{url}/jobs", params=VERSION).json()["value"] == []
    assert not processes_of("gone-2")
    owner.ask("DELETE", url, params={**VERSION, "forceToPurge": "true"}).raise_for_status()


def test_a_job_outlives_its_token(bare_estate: Estate) -> None:
    estate = bare_estate
    estate.command("azmlflow", "up", "--yes", extra={"AZMLFLOW_RUN_TOKEN_SECONDS": "15"})
    estate.azmlflow("run", "--", str(SCIENCE_PYTHON), "-c", "pass")  # what jobs run with from now on
    workspace = _workspace(estate)
    with sign_in(estate, "developer@local.test") as person:
        variables = {"SCRIPT": (SCRIPTS / "outlives_its_token.py").read_text()}
        submit(person, workspace, "outlives", 'python -c "$SCRIPT"', environmentVariables=variables).raise_for_status()
        assert until(person, workspace, "outlives", ENDED.__contains__) == "Completed", _log(person, estate, "outlives")
        told = _log(person, estate, "outlives").splitlines()
        assert "first token 401" in told
        assert "logged after its end True" in told


def test_after_a_crash_nothing_runs_and_the_job_is_failed(bare_estate: Estate) -> None:
    estate = bare_estate
    estate.azmlflow("up", "--yes")
    workspace = _workspace(estate)
    with sign_in(estate, "developer@local.test") as person:
        submit(person, workspace, "lost-1", "echo begun; sleep 1000").raise_for_status()
        until(person, workspace, "lost-1", lambda _: "begun" in _log(person, estate, "lost-1"))
        job = set(processes_of("lost-1"))
        assert job
    (state,) = estate.folder.glob(".azmlflow/local/daemon.lock")
    os.kill(int(state.read_text()), signal.SIGKILL)
    estate.azmlflow("local", "start")
    with sign_in(estate, "developer@local.test") as person:
        assert until(person, workspace, "lost-1", ENDED.__contains__) == "Failed"
        assert "ended while the job ran" in _details(person, estate, "lost-1")["error"]["error"]["message"]
    assert not job & set(processes_of("lost-1"))
