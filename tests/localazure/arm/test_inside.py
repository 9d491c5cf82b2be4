"""What other services ask of Resource Manager is what its PUT does."""

from __future__ import annotations

import pytest

from azmlflow.localazure.arm import inside
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.work import records
from tests.localazure.control import BOB, CHAIN, COMPUTE, DEVELOPER, WORKSPACE, Azure

JOB = {"jobType": "Command", "command": "true", "computeId": COMPUTE}


def test_a_job_submitted_twice_is_one_job_and_the_same_as_by_put(azure: Azure) -> None:
    azure.make(*CHAIN[:6], COMPUTE)
    caller = Caller(azure.who(DEVELOPER))
    made = inside.put(azure.cloud, caller, f"{WORKSPACE}/jobs/run_1", JOB)
    assert inside.put(azure.cloud, caller, f"{WORKSPACE}/jobs/run_1", JOB) == made
    assert azure.arm("PUT", f"{WORKSPACE}/jobs/run_1", {"properties": JOB}).body == made
    ((key, document, record),) = records.jobs(azure.cloud)
    assert (key, document["properties"]["status"]) == (f"{WORKSPACE}/jobs/run_1".lower(), "Queued")
    assert record["owner"] == caller.principal.object_id


def test_who_may_not_submit_is_refused(azure: Azure) -> None:
    azure.make(*CHAIN[:6], COMPUTE)
    with pytest.raises(AzureError) as refused:
        inside.put(azure.cloud, Caller(azure.who(BOB)), f"{WORKSPACE}/jobs/run_1", JOB)
    assert refused.value.status == 403


def test_a_job_is_canceled_by_who_may_and_by_nobody_else(azure: Azure) -> None:
    azure.make(*CHAIN[:6], COMPUTE)
    owner, other, job = Caller(azure.who(DEVELOPER)), Caller(azure.who(BOB)), f"{WORKSPACE}/jobs/run_1"
    inside.put(azure.cloud, owner, job, JOB)
    with pytest.raises(AzureError) as refused:
        inside.post(azure.cloud, other, f"{job}/cancel")
    assert refused.value.status == 403
    inside.post(azure.cloud, owner, f"{job}/cancel")
    azure.wait()
    assert azure.arm("GET", job).body["properties"]["status"] in ("CancelRequested", "Canceled")
