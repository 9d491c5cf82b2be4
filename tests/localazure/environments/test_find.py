"""The environment that a job names: found, refused at once, or one that asks for no packages."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from azmlflow.localazure.core.collections import SDK1_ENVIRONMENTS
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.environments.errors import UnusableEnvironment
from azmlflow.localazure.environments.find import find
from azmlflow.localazure.keeper.process import Endable
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.runner.interpreter import SETTING, prepare
from tests.localazure.control import CHAIN, COMPUTE, WORKSPACE, Azure

CONDA = "dependencies: [numpy=1.21, {pip: [mlflow<3]}]"
ENVIRONMENT = f"{WORKSPACE}/environments/env/versions/1"


class Log:
    """Stands in for a job's log."""

    def __init__(self, path: Path) -> None:
        self.path, self.said = path, list[str]()

    def say(self, line: str) -> None:
        self.said.append(line)


@pytest.fixture
def workspace(azure: Azure) -> Azure:
    azure.make(*CHAIN[:6], COMPUTE)
    return azure


def _put(azure: Azure, **properties: object) -> None:
    answer = azure.arm("PUT", ENVIRONMENT, {"properties": properties})
    assert answer.status == 201, answer


def test_one_of_the_workspaces_own_in_any_case(workspace: Azure) -> None:
    _put(workspace, condaFile=CONDA)
    found = find(workspace.cloud, ENVIRONMENT.upper())
    assert found.pip == ("mlflow<3",)
    assert [each.requirement for each in found.packages] == ["numpy==1.21.*"]


def test_what_azureml_core_said_of_it_counts(workspace: Azure) -> None:
    _put(workspace, image="none")
    definition = {"python": {"userManagedDependencies": True, "interpreterPath": "/opt/python"}}
    workspace.cloud.store.put(SDK1_ENVIRONMENTS, ENVIRONMENT.lower(), definition)
    assert find(workspace.cloud, ENVIRONMENT).interpreter == "/opt/python"


@pytest.mark.parametrize(
    "environment_id",
    [
        "azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
        "azureml://registries/azureml/environments/sklearn-1.5/versions/12",
        f"{WORKSPACE}/environments/AzureML-sklearn-1.5/versions/1",
        "azureml:AzureML-sklearn-1.5@latest",
        "azureml:AzureML-sklearn-1.5:1",
    ],
)
def test_azures_own_by_name(workspace: Azure, environment_id: str) -> None:
    assert find(workspace.cloud, environment_id).packages[0].requirement == "scikit-learn==1.5.*"


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"build": {"contextUri": "https://stacct1.blob.core.windows.net/c/context"}}, "no images are built here"),
        ({"condaFile": "dependencies: [numpy=1|2]"}, "'env:1' cannot be used: 'numpy=1|2'"),
    ],
)
def test_what_can_never_be_built_is_refused_at_once(workspace: Azure, properties: dict[str, object], said: str) -> None:
    answer = workspace.arm("PUT", ENVIRONMENT, {"properties": properties})
    assert answer.status == 400
    assert said in answer.message


@pytest.mark.parametrize(
    ("environment_id", "said"),
    [
        (ENVIRONMENT, "'env:1' was not found"),
        ("numpy", "not an id"),
        ("azureml://registries/azureml/environments/acpt-pytorch-2.2/labels/latest", "those that are: lightgbm-"),
    ],
)
def test_a_job_whose_environment_is_not_there_is_refused(workspace: Azure, environment_id: str, said: str) -> None:
    with pytest.raises(UnusableEnvironment, match=said):
        find(workspace.cloud, environment_id)
    properties = {
        "jobType": "Command",
        "command": "true",
        "computeId": COMPUTE,
        "environmentId": environment_id,
    }
    answer = workspace.arm("PUT", f"{WORKSPACE}/jobs/job-1", {"properties": properties})
    assert answer.status == 400
    assert said in answer.message


@pytest.mark.parametrize(
    ("definition", "own", "said"),
    [
        ({"docker": {"baseImage": "registry.test/image"}}, False, "the image registry.test/image is not pulled"),
        ({"python": {"userManagedDependencies": True, "interpreterPath": "python"}}, False, "no packages"),
        ({"python": {"userManagedDependencies": True, "interpreterPath": sys.executable}}, True, "no packages"),
        ({"python": {"userManagedDependencies": True, "interpreterPath": "/nowhere/python"}}, False, "no packages"),
    ],
)
def test_without_packages_a_job_has_the_interpreter_that_jobs_have(
    workspace: Azure, monkeypatch: pytest.MonkeyPatch, definition: Document, own: bool, said: str
) -> None:
    folder = workspace.cloud.state
    given = folder / "python"
    given.touch(mode=0o700)
    monkeypatch.setenv(SETTING, str(given))
    workspace.cloud.store.put(SDK1_ENVIRONMENTS, ENVIRONMENT.lower(), definition)
    log = Log(folder / "log")

    def never(_building: Endable) -> None:
        raise AssertionError("nothing is to be built")

    wanted = find(workspace.cloud, ENVIRONMENT)

    async def prepared() -> Path:
        users = Users(folder, root=False)
        place = await users.open("job", ())
        try:
            return (await prepare(workspace.cloud, wanted, place, log, started=never, users=users)).python
        finally:
            await place.close()

    found = asyncio.run(prepared())
    assert found == (Path(sys.executable) if own else given)
    assert any(said in line for line in log.said)
    assert str(found) in log.said[-1]
