"""`/environment/v1.0<workspace id>/environments/...`: environments as azureml-core registers and gets them.

    PUT environments/<name>                   the next version, if it differs from the last
    GET environments, environments/<name>, environments/<name>/versions/<version>

They are the workspace's environments of Resource Manager (`kinds.assets.environments`), as azure-ai-ml sees them.
What that has no place for (variables, the interpreter's path, ...) is kept beside, as it was given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml
from starlette.responses import JSONResponse, Response

from azmlflow.localazure.arm import inside
from azmlflow.localazure.azureml.request.bodies import json_object, member
from azmlflow.localazure.azureml.request.target import WorkspaceRequest, no_such_endpoint
from azmlflow.localazure.core import yaml_reading
from azmlflow.localazure.core.collections import SDK1_ENVIRONMENTS
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.environments.specification import CONDA_FILE
from azmlflow.localazure.resources import find

_NUMBER = re.compile(r"[1-9][0-9]*")


async def answer(target: WorkspaceRequest) -> Response:
    """Answer a request to the service.

    Raises:
        AzureError: 404 for another path or no such environment, 400, 403.
    """
    match (target.request.method, *(part for part in target.rest if part)):
        case ("GET", "environments"):
            target.require("environments/read")
            names = {document["id"].split("/")[-3] for document in _documents(target, "")}
            skipped = target.cloud.skipped
            shown = skipped.each(sorted(names), lambda name: name, lambda name: _shown(target, _latest(target, name)))
            return JSONResponse({"value": shown})
        case ("GET", "environments", name):
            target.require("environments/read")
            return JSONResponse(_shown(target, _latest(target, name)))
        case ("GET", "environments", name, "versions", version):
            target.require("environments/read")
            found = next((each for each in _documents(target, name) if each["name"] == version), None)
            if found is None:
                raise _missing(f"{name}:{version}")
            return JSONResponse(_shown(target, found))
        case ("PUT", "environments", name):
            return JSONResponse(_shown(target, register(target, name, await json_object(target))))
    raise no_such_endpoint(f"{target.request.method} {target.request.url.path}")


def register(target: WorkspaceRequest, name: str, given: Mapping[str, Any]) -> Document:
    """The environment's version that is as given: the last one, or a new one.

    Args:
        target: the request.
        name: the environment's; what Resource Manager does not take in a name becomes "-".
        given: azureml-core's definition of it.

    Raises:
        AzureError: 400, the definition cannot be read; 403, the caller may not write environments.
    """
    target.require("environments/write")
    name = re.sub(r"[^a-zA-Z0-9._-]+", "-", name).strip("-._") or "environment"
    kept = _kept(given)
    versions = _documents(target, name)
    for document in sorted(versions, key=_order, reverse=True):
        if _said(target.cloud.store.get(SDK1_ENVIRONMENTS, document["id"].lower())) == _said(kept):
            return document
    numbers = [int(each["name"]) for each in versions if _NUMBER.fullmatch(each["name"])]
    path = f"{target.id}/environments/{name}/versions/{max(numbers, default=0) + 1}"
    made = inside.put(target.cloud, target.caller, path, specification(kept))
    target.cloud.store.put(SDK1_ENVIRONMENTS, made["id"].lower(), kept)
    return made


def specification(given: Mapping[str, Any]) -> Document:
    """An environment of azureml-core as Resource Manager has it: image, and conda file as text.

    Raises:
        AzureError: 400, its parts are of other types.
    """
    python, docker = (_part(given, name) for name in ("python", "docker"))
    told: Document = {"image": member(docker, "baseImage") or "none"}
    dependencies = member(python, "condaDependencies")
    if dependencies and not member(python, "userManagedDependencies"):
        told["condaFile"] = yaml.safe_dump(dependencies, sort_keys=False)
    return told


def variables(given: Mapping[str, Any]) -> Document:
    """The environment variables that an environment of azureml-core brings."""
    return _part(given, "environmentVariables")


def _kept(given: Mapping[str, Any]) -> Document:
    """A definition with names in camel case, as the service gives it back; without its name and version."""
    shaped = _camel(dict(given))
    return {key: value for key, value in shaped.items() if key not in ("name", "version")}


def _said(value: Any) -> Any:
    """A definition without what says nothing: azureml-core writes empty parts in one request and null in another."""
    if not isinstance(value, dict):
        return value
    said = {key: _said(each) for key, each in value.items()}
    return {key: each for key, each in said.items() if each not in (None, {}, [])}


def _camel(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    # What is below these is the user's own: names of variables and of packages.
    own = ("environmentvariables", "condadependencies")
    return {
        key[:1].lower() + key[1:]: each if key.lower() in own else _camel(each)
        for key, each in value.items()
    }  # fmt: skip


def _part(given: Mapping[str, Any], name: str) -> Document:
    found = member(given, name) or {}
    if not isinstance(found, dict):
        raise bad_request("UserError", f"The environment's '{name}' must be an object.", target=name)
    return found


def _documents(target: WorkspaceRequest, name: str) -> list[Document]:
    found = find.below(target.cloud, f"{target.id}/environments" + (f"/{name}/versions" if name else ""))
    # Not the containers, which versions stand under.
    return [document for document in found if "/versions/" in document["id"].lower()]


def _latest(target: WorkspaceRequest, name: str) -> Document:
    found = _documents(target, name)
    if not found:
        raise _missing(name)
    return max(found, key=_order)


def _order(document: Document) -> tuple[int, str]:
    """Later versions after earlier ones; those that are no numbers first."""
    name = str(document["name"])
    return (int(name) if _NUMBER.fullmatch(name) else 0, name)


def _missing(name: str) -> AzureError:
    return AzureError(404, "EnvironmentNotFound", f"Environment {name} was not found in the workspace.")


def _shown(target: WorkspaceRequest, document: Document) -> Document:
    given = target.cloud.store.get(SDK1_ENVIRONMENTS, document["id"].lower())
    if given is None:
        given = _of_arm(document["properties"])
    return {**given, "name": document["id"].split("/")[-3], "version": document["name"]}


def _of_arm(properties: Mapping[str, Any]) -> Document:
    """An environment that azure-ai-ml made, as azureml-core reads it."""
    told = properties.get("condaFile")
    dependencies = yaml_reading.read(told, CONDA_FILE) if isinstance(told, str) else told
    python = {
        "interpreterPath": "python",
        "userManagedDependencies": not dependencies,
        "condaDependencies": dependencies,
        "baseCondaEnvironment": None,
    }
    return {"python": python, "docker": {"baseImage": properties.get("image")}, "environmentVariables": {}}
