"""Who may submit, see, cancel and read what jobs need: every persona x every such request, by both API families.

`ALLOWED` is written by hand, from what each persona is for; it is compared with, and derived from nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from tests.e2e.estate import Estate
from tests.e2e.people import ARM, Person, sign_in
from tests.e2e.test_remote_run import ENDED, until

pytestmark = pytest.mark.e2e

OWNER = "developer@local.test"
PERSONAS = ("viewer", "tracker", "registrar", "submitter", "operator", "nobody")
VERSION = {"api-version": "2024-10-01"}
HOST = "https://westeurope.api.azureml.ms"
EXPERIMENT, DONE, ENDLESS = "personas", "personas-done", "personas-endless"
INSTANCE = "personas-instance"

SUBMIT = {"submitter"}
LOOK = {"viewer", "tracker", "registrar", "submitter"}
OPERATE = {"operator"}
# Azure's "see computes" is an action of its own, which a viewer has not.
SEE_COMPUTES = {"submitter", "operator"}
ALLOWED: Mapping[str, set[str]] = {
    "submit, ARM": SUBMIT,
    "submit, SDK v1": SUBMIT,
    "upload a snapshot, SDK v1": SUBMIT,
    "get a job, ARM": LOOK,
    "list jobs, ARM": LOOK,
    "get a job's run, SDK v1": LOOK,
    "list runs, SDK v1": LOOK,
    "details": LOOK,
    "log": LOOK,
    "get a job's run, MLflow": LOOK,
    "list computes, ARM": SEE_COMPUTES,
    "get a compute, ARM": SEE_COMPUTES,
    "list computes, SDK v1": SEE_COMPUTES,
    "get a compute, SDK v1": SEE_COMPUTES,
    "nodes of a cluster": set(),  # computes/listNodes/action: no persona has it
    "resize a cluster": set(),  # computes/write, which creates as well
    "stop a compute": OPERATE,
    "start a compute": OPERATE,
    "restart a compute": OPERATE,
    "list environments, ARM": SUBMIT,
    "list environments, SDK v1": SUBMIT,
    "register an environment, SDK v1": SUBMIT,
    "list datastores": SUBMIT,
    "read a datastore's key": set(),  # the account key reaches everybody's data
    "cancel, SDK v1": SUBMIT,
    "cancel, ARM": SUBMIT,
}


class Stage:
    """A workspace with a job that has ended, one that does not end, and a compute instance."""

    def __init__(self, owner: Person, workspace: str, people: Mapping[str, Person]) -> None:
        self.owner, self.workspace, self.people = owner, workspace, people
        computes = owner.ask("GET", f"{ARM}{workspace}/computes", params=VERSION).json()["value"]
        self.cluster = next(each["id"] for each in computes if each["properties"]["computeType"] == "AmlCompute")
        instance = {"computeType": "ComputeInstance", "properties": {"vmSize": "Standard_DS3_v2"}}
        body = {"location": "westeurope", "properties": instance}
        self.good("PUT", f"{ARM}{workspace}/computes/{INSTANCE}", params=VERSION, json=body)
        for name, command in ((DONE, "echo done"), (ENDLESS, "sleep 1000")):
            self.good("PUT", f"{ARM}{workspace}/jobs/{name}", params=VERSION, json=self.job(command))
        assert until(owner, workspace, DONE, ENDED.__contains__) == "Completed"

    def good(self, method: str, url: str, **options: Any) -> None:
        self.owner.ask(method, url, **options).raise_for_status()

    def job(self, command: str) -> dict[str, Any]:
        properties = {"jobType": "Command", "command": command, "computeId": self.cluster, "experimentName": EXPERIMENT}
        return {"properties": properties}

    def request(self, what: str, who: str) -> tuple[str, str, dict[str, Any]]:
        """A request of the table; what it makes is `who`'s own."""
        arm, cluster = f"{ARM}{self.workspace}", self.cluster.rpartition("/")[2]
        environment = {"name": f"personas-{who}", "python": {"userManagedDependencies": True}}
        configuration = {"command": "true", "target": cluster, "environment": environment}
        cancel = {"name": "Microsoft.MachineLearning.Run.Canceled", "data": {"RunId": ENDLESS}}
        storage = {"secretsType": "AccountKey"}
        versioned = {"params": VERSION}

        def at(service: str, path: str) -> str:
            return f"{HOST}/{service}{self.workspace}/{path}"

        execution = at("execution/v1.0", f"experiments/{EXPERIMENT}/snapshotrun?runId=personas-v1-{who}")
        scale = {"properties": {"properties": {"scaleSettings": {"minNodeCount": 0, "maxNodeCount": 4}}}}
        logs = f"artifacts/prefix/contentinfo/ExperimentRun/dcid.{DONE}/user_logs"
        requests: dict[str, tuple[str, str, dict[str, Any]]] = {
            "submit, ARM": ("PUT", f"{arm}/jobs/personas-{who}", {**versioned, "json": self.job("true")}),
            "submit, SDK v1": ("POST", execution, {"json": {"Configuration": configuration}}),
            "upload a snapshot, SDK v1": (
                "POST", at("content/v2.0", "snapshots/getblob"), {"json": {"FileNames": ["a.py"]}},
            ),
            "get a job, ARM": ("GET", f"{arm}/jobs/{DONE}", versioned),
            "list jobs, ARM": ("GET", f"{arm}/jobs", versioned),
            "get a job's run, SDK v1": ("GET", at("history/v1.0", f"experiments/{EXPERIMENT}/runs/{DONE}"), {}),
            "list runs, SDK v1": ("POST", at("history/v1.0", f"experiments/{EXPERIMENT}/runs:query"), {"json": {}}),
            "details": ("GET", at("history/v1.0", f"runs/{DONE}/details"), {}),
            "log": ("GET", at("artifact/v2.0", logs), {}),
            "get a job's run, MLflow": (
                "GET", at("mlflow/v2.0", "api/2.0/mlflow/runs/get"), {"params": {"run_id": DONE}},
            ),
            "list computes, ARM": ("GET", f"{arm}/computes", versioned),
            "get a compute, ARM": ("GET", f"{ARM}{self.cluster}", versioned),
            "list computes, SDK v1": ("GET", f"{HOST}/rp/workspaces{self.workspace}/computes", {}),
            "get a compute, SDK v1": ("GET", f"{HOST}/rp/workspaces{self.workspace}/computes/{cluster}", {}),
            "nodes of a cluster": ("POST", f"{ARM}{self.cluster}/listNodes", versioned),
            "resize a cluster": ("PATCH", f"{ARM}{self.cluster}", {**versioned, "json": scale}),
            "stop a compute": ("POST", f"{arm}/computes/{INSTANCE}/stop", versioned),
            "start a compute": ("POST", f"{arm}/computes/{INSTANCE}/start", versioned),
            "restart a compute": ("POST", f"{arm}/computes/{INSTANCE}/restart", versioned),
            "list environments, ARM": ("GET", f"{arm}/environments", versioned),
            "list environments, SDK v1": ("GET", at("environment/v1.0", "environments"), {}),
            "register an environment, SDK v1": (
                "PUT", at("environment/v1.0", f"environments/personas-{who}"), {"json": environment},
            ),
            "list datastores": ("GET", f"{arm}/datastores", versioned),
            "read a datastore's key": (
                "POST", f"{arm}/datastores/workspaceblobstore/listSecrets", {**versioned, "json": storage},
            ),
            "cancel, SDK v1": (
                "POST", at("history/v1.0", f"experiments/{EXPERIMENT}/runs/{ENDLESS}/events"), {"json": cancel},
            ),
            "cancel, ARM": ("POST", f"{arm}/jobs/{ENDLESS}/cancel", versioned),
        }  # fmt: skip
        return requests[what]


@pytest.fixture(scope="module")
def stage(estate: Estate, holders: Mapping[str, str]) -> Iterator[Stage]:
    with ExitStack() as opened:
        owner = opened.enter_context(sign_in(estate, OWNER))
        people = {who: opened.enter_context(sign_in(estate, holders[who])) for who in PERSONAS}
        yield Stage(owner, estate.outputs()["workspaceId"], people)


@pytest.mark.parametrize("what", ALLOWED)
def test_each_persona_may_do_with_jobs_what_the_table_says(stage: Stage, what: str) -> None:
    for who in sorted(PERSONAS, key=lambda each: each in ALLOWED[what]):  # refusals first: what is allowed is done
        method, url, options = stage.request(what, who)
        answer = stage.people[who].ask(method, url, **options)
        told = f"{who}: {what}: {answer.status_code} {answer.text}"
        if who in ALLOWED[what]:
            assert answer.is_success, told
        else:
            assert answer.status_code == httpx.codes.FORBIDDEN, told
            assert f"{who}@roles.test" in answer.text, told
            assert "Microsoft.MachineLearningServices/workspaces/" in answer.text, told  # which action is missing


def test_what_was_allowed_has_happened_and_nothing_else(stage: Stage) -> None:
    owner, workspace = stage.owner, stage.workspace
    for name in ("personas-submitter", "personas-v1-submitter"):
        assert until(owner, workspace, name, ENDED.__contains__) == "Completed"
    assert until(owner, workspace, ENDLESS, ENDED.__contains__) == "Canceled"
    made = owner.ask("GET", f"{ARM}{workspace}/jobs", params=VERSION).json()["value"]
    mine = {each["name"] for each in made if each["name"].startswith("personas-")}
    assert mine == {DONE, ENDLESS, "personas-submitter", "personas-v1-submitter"}
