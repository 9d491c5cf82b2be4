"""What an environment asks for, one record for all ways of saying it.

    from_conda(name, text or mapping)    a conda file: v2's `condaFile`, SDK v1's condaDependencies, MLflow's conda.yaml
    from_version(name, properties)       an environment version of Resource Manager (azure-ai-ml)
    from_definition(name, definition)    an environment of azureml-core, in its JSON

Sources: Microsoft, "Environment Versions" (REST 2025-12-01) and "azureml.core.Environment"; conda, "Managing
environments"; pip, "Requirements file format".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from azmlflow.localazure.core import yaml_reading
from azmlflow.localazure.environments.conda import Package, package
from azmlflow.localazure.environments.errors import UnusableEnvironment

CONDA_FILE = 256 * 1024  # characters that one may come to, inferred: Azure tells no limit
# Of pip's options in a requirements file, those that name files: an environment has none beside it.
_FILES = re.compile(r"(-r|-c|-e|--requirement|--constraint|--editable)\b|[./~]|file:|[^#]*@\s*file:", re.IGNORECASE)

# What azureml-core writes by itself (`CondaDependencies`, DEFAULT_SDK_ORIGIN): on the internet it leads on to pypi.org,
# where only that is reachable pip waits minutes for it.
_OLD_PYPI = re.compile(r"--(extra-index-url|index-url|find-links)[ =]https?://pypi\.python\.org/", re.IGNORECASE)


@dataclass(frozen=True)
class Specification:
    """What a job's environment asks for.

    Attributes:
        name: `name:version`, for people.
        built: whether packages are asked for; else the job runs with the interpreter that jobs have anyway.
        python: the versions of Python that will do, in pip's syntax; empty: any.
        packages: those from conda's side.
        pip: lines for pip, as written.
        channels: conda's, which nobody asks here.
        interpreter: the path of a user-managed interpreter, or None.
        notes: what the job's log is to say about it.
    """

    name: str
    built: bool = False
    python: str = ""
    packages: tuple[Package, ...] = ()
    pip: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    interpreter: str | None = None
    notes: tuple[str, ...] = ()


def from_conda(name: str, told: Any) -> Specification:
    """Read a conda file.

    Args:
        name: `name:version` of the environment.
        told: its text, or what the text comes to.

    Raises:
        UnusableEnvironment: it is not a conda file, or asks for what cannot be had here.
    """
    if isinstance(told, str):
        try:
            told = yaml_reading.read(told, CONDA_FILE)
        except yaml_reading.UnreadableYaml as error:
            raise _unusable(name, f"its conda file is not YAML that can be used: {error}") from error
    if not isinstance(told, dict):
        raise _unusable(name, "its conda file is not a mapping with 'dependencies'")
    dependencies = told.get("dependencies") or []
    if not isinstance(dependencies, list):
        raise _unusable(name, "'dependencies' of its conda file is not a list")
    python, packages, lines = "", [], []
    for each in dependencies:
        if isinstance(each, dict):
            lines += _pip_lines(name, each)
        elif isinstance(each, str):
            found = _package(name, each)
            if found.name == "python":
                python = found.versions
            else:
                packages.append(found)
        else:
            raise _unusable(name, f"'{each}' in its conda file is neither a package nor a list of pip's")
    channels = told.get("channels") or []
    if not isinstance(channels, list) or not all(isinstance(each, str) for each in channels):
        raise _unusable(name, "'channels' of its conda file is not a list of names")
    old = [line for line in lines if _OLD_PYPI.match(line)]
    notes = tuple(f"'{line}' is left out: the old address of PyPI; pip asks its own index" for line in old)
    asked = tuple(line for line in lines if line not in old)
    return Specification(name, True, python, tuple(packages), asked, tuple(channels), notes=notes)


def from_version(name: str, properties: Mapping[str, Any]) -> Specification:
    """Read the properties of an environment version.

    Args:
        name: `name:version`.
        properties: `image`, `condaFile`, `build`, ...

    Raises:
        UnusableEnvironment: it is to be built as an image, or its conda file cannot be used.
    """
    if properties.get("build"):
        raise _unusable(name, "it is built from a Dockerfile, and no images are built here: give it a conda file")
    image = properties.get("image")
    notes = (f"the image {image} is not pulled",) if image and image != "none" else ()
    if not properties.get("condaFile"):
        return Specification(name, notes=notes)
    found = from_conda(name, properties["condaFile"])
    return replace(found, notes=(*notes, *found.notes))


def from_definition(name: str, definition: Mapping[str, Any]) -> Specification:
    """Read an environment of azureml-core.

    Args:
        name: `name:version`.
        definition: its JSON; names of members in any case (azureml-core writes some in Pascal case).

    Raises:
        UnusableEnvironment: its conda dependencies cannot be used.
    """
    python, docker = _member(definition, "python") or {}, _member(definition, "docker") or {}
    if _member(docker, "baseDockerfile"):
        raise _unusable(name, "it is built from a Dockerfile, and no images are built here: give it conda packages")
    image = {"image": _member(docker, "baseImage")}
    if _member(python, "userManagedDependencies"):
        path = _member(python, "interpreterPath")
        found = from_version(name, image)
        return Specification(**{**vars(found), "interpreter": str(path) if path else None})
    return from_version(name, {**image, "condaFile": _member(python, "condaDependencies")})


def _pip_lines(name: str, each: Mapping[str, Any]) -> list[str]:
    told = each.get("pip")
    if set(each) != {"pip"} or not isinstance(told, list | None):
        raise _unusable(name, f"'{', '.join(map(str, each))}' in its conda file is not a list of pip's packages")
    lines = [" ".join(str(line).split()) for line in told or []]
    for line in lines:
        if not line.startswith(("-", "#")) and line and not _FILES.match(line):
            _check_requirement(name, line)
        elif _FILES.match(line):
            raise _unusable(name, f"'{line}' names a file, and an environment has none beside it: name the packages")
    return [line for line in lines if line and not line.startswith("#")]


def _check_requirement(name: str, line: str) -> None:
    try:
        Requirement(re.split(r"\s+(?:#|--)", line, maxsplit=1)[0])
    except InvalidRequirement as error:
        if not re.match(r"(git|hg|svn|bzr)\+|https?:", line):
            raise _unusable(name, f"'{line}' below 'pip:' is not a requirement of pip's") from error


def _package(name: str, text: str) -> Package:
    try:
        return package(text)
    except UnusableEnvironment as error:
        raise _unusable(name, str(error)) from error


def _member(body: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in body.items() if key.lower() == name.lower()), None)


def _unusable(name: str, why: str) -> UnusableEnvironment:
    return UnusableEnvironment(f"The environment '{name}' cannot be used: {why}.")
