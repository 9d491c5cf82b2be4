"""What a deployment serves: its model's files, its script, and the environment that both need.

A model that MLflow logged needs neither script nor environment (Microsoft, "Deploy MLflow models to online endpoints"):
its own `conda.yaml` says what it needs, to which Azure's inference server comes, and the script is ours. With a script
of its own, a deployment brings its environment, with the server in it as on Azure; only an environment that is nothing
but an image gets it, since Azure's images for inference have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.environments.find import find as find_environment
from azmlflow.localazure.environments.specification import CONDA_FILE, Specification, from_conda
from azmlflow.localazure.keeper.place import Porter, once
from azmlflow.localazure.kinds.endpoints.deployments import MODEL as MODEL_ID
from azmlflow.localazure.models import mlmodel, places
from azmlflow.localazure.models.places import DatastorePath
from azmlflow.localazure.models.registry import Registry
from azmlflow.localazure.resources import find
from azmlflow.localazure.runner import files
from azmlflow.localazure.serving.errors import NotServing

SERVER = "azureml-inference-server-http>=1.5,<2"
CODE, MODEL = "code", "model"  # folders of the deployment's folder
SCRIPT_FILE = Path(__file__).with_name("mlflow_score.py")
_LIMIT = 20 * 1024**3  # bytes of a model's files


@dataclass(frozen=True)
class Served:
    """What a deployment serves.

    Attributes:
        name: of its environment, for people.
        workspace: the workspace's document.
        environment: what it needs.
        model: name and version of the model, and where its files are; None without one.
        code: `codeUri` and script; None for our own script.
    """

    name: str
    workspace: Document
    environment: Specification
    model: tuple[str, str, DatastorePath] | None
    code: tuple[str, str] | None

    def variables(self, folder: Path) -> dict[str, str]:
        """What the server and the script are told of it (Microsoft, "Azure Machine Learning inference HTTP server").

        Args:
            folder: the deployment's.
        """
        script = self.code[1] if self.code else SCRIPT_FILE.name
        told = {"AML_APP_ROOT": str(folder / CODE), "AZUREML_ENTRY_SCRIPT": script}
        if self.model is not None:
            name, version, place = self.model
            told["AZUREML_MODEL_DIR"] = str(folder / MODEL / name / version)
            told["MLFLOW_MODEL_FOLDER"] = _base(place)
        return told

    async def fetch(self, cloud: Cloud, porter: Porter) -> None:
        """Copy its files into the deployment's folder.

        Raises:
            FilesError: they are too large.
            OSError: one cannot be written.
        """
        if self.model is not None:
            name, version, place = self.model
            found = places.container(cloud, self.workspace, place.datastore)
            if found is None:
                raise NotServing("BadArgument", f"The files of the model {name}:{version} are in no datastore here.")
            root = [MODEL, name, version]
            single = [place.path] == [each for each, _ in places.files(cloud, self.workspace, place)]
            into = root if single else [*root, _base(place)]
            await files.fetch(cloud, *found, place.path, porter=porter, into=into, limit=_LIMIT)
        if self.code is not None:
            await files.snapshot(cloud, self.workspace, self.code[0], porter, CODE)
        else:
            await porter.put([CODE, SCRIPT_FILE.name], once(SCRIPT_FILE.read_bytes()))


async def read(cloud: Cloud, deployment: Document) -> Served:
    """What a deployment's document says.

    Raises:
        NotServing: it names what is not there, or a model that needs a script.
        UnusableEnvironment: its environment cannot be used.
    """
    workspace = find.resource(cloud, deployment["id"].rpartition("/onlineEndpoints/")[0])
    assert workspace is not None, "a deployment goes with its workspace"
    told = deployment["properties"]
    model = await _model(cloud, workspace, told["model"]) if told.get("model") else None
    code = _code(cloud, told["codeConfiguration"]) if told.get("codeConfiguration") else None
    environment = _environment(cloud, workspace, told, model)
    return Served(environment.name, workspace, environment, model, code)


async def _model(cloud: Cloud, workspace: Document, id_: str) -> tuple[str, str, DatastorePath]:
    found = MODEL_ID.fullmatch(id_)
    assert found is not None, "the kind has looked at it"
    registry = Registry(cloud, workspace)
    version = await registry.version(found["name"], found["version"])
    place = None if version is None else await places.of_version(registry, version)
    if version is None or place is None:
        raise NotServing("BadArgument", f"The model {found['name']}:{found['version']} was not found in the workspace.")
    return version.name, str(version.number), place


def _code(cloud: Cloud, told: Mapping[str, Any]) -> tuple[str, str]:
    version = find.resource(cloud, told["codeId"])
    if version is None:
        raise NotServing("BadArgument", f"The code {told['codeId']} was deleted.")
    return str(version["properties"]["codeUri"]), str(told["scoringScript"])


def _environment(
    cloud: Cloud, workspace: Document, told: Document, model: tuple[str, str, DatastorePath] | None
) -> Specification:
    if told.get("environmentId"):
        found = find_environment(cloud, told["environmentId"])
        if not found.built:
            return replace(found, built=True, pip=(SERVER,), interpreter=None)
        return found if told.get("codeConfiguration") else _with_server(found)
    assert model is not None, "the kind has looked at it"
    name, version, place = model
    content = mlmodel.read(cloud, workspace, place)
    if content is None:
        raise NotServing(
            "BadArgument",
            f"The model {name}:{version} has no MLmodel file, so MLflow did not log it: deploy it with an environment "
            "and a scoring script.",
        )
    conda = _conda_file(content)
    file = places.content(cloud, workspace, place, conda, CONDA_FILE) if conda else None
    if file is None:
        raise NotServing(
            "BadArgument",
            f"The model {name}:{version} does not say what it needs: its MLmodel names no conda.yaml that is there.",
        )
    return _with_server(from_conda(f"{name}:{version}", file.decode(errors="replace")))


def _with_server(found: Specification) -> Specification:
    return replace(found, pip=(*found.pip, SERVER))


def _conda_file(content: Document) -> str | None:
    flavors = content.get("flavors")
    flavor = flavors.get("python_function") if isinstance(flavors, dict) else None
    env = flavor.get("env") if isinstance(flavor, dict) else None
    named = env.get("conda") if isinstance(env, dict) else env
    good = isinstance(named, str) and {"", ".", ".."}.isdisjoint(named.split("/"))
    return named if good else None


def _base(place: DatastorePath) -> str:
    return place.path.rstrip("/").rpartition("/")[2]
