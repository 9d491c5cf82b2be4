"""What a deployment serves: which environment, which script, where its files are."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from azmlflow.localazure.environments.errors import UnusableEnvironment
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.serving import model
from azmlflow.localazure.serving.errors import NotServing
from azmlflow.localazure.serving.model import Served
from tests.localazure.control import BLUE, BODIES, WORKSPACE, Azure
from tests.localazure.serving.conftest import MLMODEL, register

CODE, ENVIRONMENT = f"{WORKSPACE}/codes/c/versions/1", f"{WORKSPACE}/environments/e/versions/1"
SCRIPT = {"codeConfiguration": {"codeId": CODE, "scoringScript": "inner/score.py"}, "environmentId": ENVIRONMENT}


def read(azure: Azure, **more: Any) -> Served:
    properties = {**BODIES[BLUE]["properties"], **more}
    answer = azure.arm("PUT", BLUE, {"location": "westeurope", "properties": properties})
    assert answer.status in (200, 201), answer
    document = azure.arm("GET", BLUE).body
    azure.wait()
    return asyncio.run(model.read(azure.cloud, document))


def test_a_model_of_mlflows_brings_its_environment_and_gets_the_server(served: Azure, tmp_path: Path) -> None:
    found = read(served)
    assert found.environment.python == "==3.11.7.*"
    assert found.environment.pip == ("mlflow==2.22.5", "azureml-inference-server-http>=1.5,<2")
    assert found.variables(tmp_path) == {
        "AML_APP_ROOT": f"{tmp_path}/code",
        "AZUREML_ENTRY_SCRIPT": "mlflow_score.py",
        "AZUREML_MODEL_DIR": f"{tmp_path}/model/wine/1",
        "MLFLOW_MODEL_FOLDER": "model",
    }


def environment(azure: Azure, **properties: Any) -> None:
    assert azure.arm("PUT", ENVIRONMENT, {"properties": properties}).status == 201
    azure.arm("PUT", CODE, {"properties": {"codeUri": "https://stacct1.blob.core.windows.net/code"}})


def test_a_script_of_ones_own_brings_an_environment_as_it_is(served: Azure, tmp_path: Path) -> None:
    environment(served, image="ubuntu", condaFile="dependencies: [python=3.11, pip, {pip: [numpy]}]")
    found = read(served, **SCRIPT)
    assert found.environment.pip == ("numpy",)
    assert found.variables(tmp_path)["AZUREML_ENTRY_SCRIPT"] == "inner/score.py"


def test_an_environment_that_is_an_image_has_the_server(served: Azure) -> None:
    environment(served, image="mcr.microsoft.com/azureml/minimal-py312-inference")
    found = read(served, **SCRIPT).environment
    assert (found.built, found.pip) == (True, ("azureml-inference-server-http>=1.5,<2",))


def test_a_script_without_a_model(served: Azure, tmp_path: Path) -> None:
    environment(served, image="ubuntu")
    found = read(served, model=None, **SCRIPT)
    assert found.model is None and "AZUREML_MODEL_DIR" not in found.variables(tmp_path)


@pytest.mark.parametrize(
    ("name", "files", "why"),
    [
        ("none", {}, "The model none:1 was not found"),
        ("plain", {"weights.bin": b"x"}, "has no MLmodel file"),
        ("broken", {"MLmodel": b"\x00{", "conda.yaml": b""}, "has no MLmodel file"),
        ("bare", {"MLmodel": b"flavors: {sklearn: {}}"}, "does not say what it needs"),
        ("torn", {"MLmodel": MLMODEL}, "does not say what it needs"),
        ("upward", {"MLmodel": b"flavors: {python_function: {env: ../conda.yaml}}"}, "does not say what it needs"),
    ],
)
def test_a_model_that_cannot_be_served(served: Azure, name: str, files: dict[str, bytes], why: str) -> None:
    if files:
        register(served, files, name)
    with pytest.raises(NotServing, match=why) as refused:
        read(served, model=f"{WORKSPACE}/models/{name}/versions/1")
    assert refused.value.code == "BadArgument"


def test_a_model_whose_environment_cannot_be_used(served: Azure) -> None:
    register(served, {"MLmodel": MLMODEL, "conda.yaml": b"dependencies: [{pip: [../wheel.whl]}]"}, "local")
    with pytest.raises(UnusableEnvironment):
        read(served, model=f"{WORKSPACE}/models/local/versions/1")


def test_its_files_keep_the_name_of_their_folder(served: Azure) -> None:
    found = read(served)
    users = Users(served.cloud.state, root=False)

    async def fetched() -> dict[str, bytes]:
        place = await users.open("one", ("code", "model"))
        try:
            async with await place.porter() as porter:
                await found.fetch(served.cloud, porter)
            files = [path for path in place.folder.rglob("*") if path.is_file()]
            return {str(path.relative_to(place.folder)): path.read_bytes() for path in files}
        finally:
            await place.close()

    files = asyncio.run(fetched())
    script = Path(model.__file__).with_name("mlflow_score.py").read_bytes()
    assert files.pop("code/mlflow_score.py") == script
    assert set(files) == {f"model/wine/1/model/{name}" for name in ("MLmodel", "conda.yaml", "model.pkl")}
