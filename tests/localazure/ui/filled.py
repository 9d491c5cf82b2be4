"""A workspace with much in it, to look at its pages: jobs of all states, computes, endpoints, groups, long names."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from azmlflow.localazure.principals.tokens import Tokens
from azmlflow.localazure.work import records
from tests.localazure.control import BLUE, COMPUTE, ENDPOINT, GREEN, WORKSPACE
from tests.localazure.ui.conftest import Browser

LONG = "customer-churn-gradient-boosting-with-a-name-of-somebody-who-writes-long-names-v12"
LOG = "epoch 1: loss 0.912, accuracy 0.411\nepoch 2: loss 0.731, accuracy 0.604\nsaved the model to ./outputs/model\n"
ERROR = "The command exited with 1: ModuleNotFoundError: No module named 'lightgbm'"
STATES = ("Completed", "Completed", "Failed", "Completed", "Running", "Canceled", "Queued", "Completed")


def fill(browser: Browser, folder: Path) -> None:
    """Put it all there."""
    azure = browser.azure
    azure.cloud = dataclasses.replace(azure.cloud, tokens=Tokens(azure.cloud.store, azure.clock, folder))
    azure.make(ENDPOINT, BLUE, GREEN)
    body = {"location": "westeurope", "properties": {"authMode": "Key", "traffic": {"blue": 90, "green": 10}}}
    assert azure.arm("PUT", ENDPOINT, body).status == 200
    azure.wait()
    _jobs(browser)
    _people(browser)


def _jobs(browser: Browser) -> None:
    azure = browser.azure
    for number in range(24):
        name = f"train-{number:02}" if number % 5 else f"{LONG}-{number}"
        job = {
            "jobType": "Command",
            "command": "python train.py --data ${{inputs.data}} --depth 7 --learning-rate 0.05",
            "inputs": {"data": {"jobInputType": "literal", "value": "iris"}},
            "computeId": COMPUTE,
            "displayName": name if number % 3 else "Nightly training",
            "experimentName": "churn" if number % 2 else LONG[:60],
        }
        made = azure.arm("PUT", f"{WORKSPACE}/jobs/{name}", {"properties": job})
        assert made.status == 201, made
        key, state = f"{WORKSPACE}/jobs/{name}".lower(), STATES[number % len(STATES)]
        azure.run(name)
        azure.clock.advance(number * 400)
        if state != "Queued":
            records.set_status(azure.cloud, key, "Running", experiment="1")
            azure.clock.advance(900 + 61 * number)
        if state not in ("Queued", "Running"):
            error = (
                "The command exited with 1: ModuleNotFoundError: No module named 'lightgbm'"
                if state == "Failed"
                else None
            )
            records.set_status(azure.cloud, key, state, **({"error": error} if error else {}))
    azure.blob("azureml", f"ExperimentRun/dcid.{LONG}-10/user_logs/std_log.txt", LOG.encode())
    running = f"{WORKSPACE}/jobs/train-04"
    azure.cloud.store.put(
        "nodes", COMPUTE.lower(), {"nodes": [{"number": 0, "job": running}, {"number": 1, "job": None}]}
    )


def _people(browser: Browser) -> None:
    azure, directory = browser.azure, browser.azure.cloud.directory
    group = directory.add_group("data-scientists-of-the-netherlands")
    for number in range(14):
        user = directory.add_user(f"person{number}.with-a-long-family-name@contoso.example")
        directory.add_member(group.object_id, user.object_id)
        azure.clock.advance(3600)
        if number % 3 == 0:
            azure.assign(str(user.upn), "AzureML Data Scientist", WORKSPACE)
    role = azure.arm(
        "GET", f"{WORKSPACE}/providers/Microsoft.Authorization/roleDefinitions?$filter=roleName eq 'Reader'"
    ).body["value"][0]["id"]
    id_ = f"{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/{azure.cloud.ids.guid()}"
    told = {"roleDefinitionId": role, "principalId": group.object_id, "principalType": "Group"}
    assert azure.arm("PUT", id_, {"properties": told}).status == 201
