"""What azureml-core's run configuration may say: what is used in `execution` and `local_runs`, what says nothing, and
what is refused, since nothing here would do it.

The client sends all of its `RunConfiguration` (azureml-core 1.61, `runconfig.py`), most of it defaults. Parts that only
count with another framework or communicator are not looked at: without that they do nothing on Azure either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.azureml.request.bodies import member
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document

_USED = (
    "script", "arguments", "command", "target", "framework", "communicator", "maxRunDurationSeconds", "nodeCount",
    "environment", "environmentVariables",
)  # fmt: skip
# What counts with another framework, communicator or kind of compute only.
_OF_OTHERS = ("spark", "hdi", "tensorflow", "mpi", "pytorch", "paralleltask", "amlcompute", "kubernetescompute")
_FRAMEWORKS = ("Python", "PyTorch", "TensorFlow")
_DEFINITION = ("SnapshotId", "Configuration", "TelemetryValues", "ParentRunId", "TargetDetails")
_MPI = ("openmpi", "intelmpi", "mpi")
_PYTORCH = ("nccl", "gloo")
# The values that the members of two parts may have; `_ANY`: each that a job of Resource Manager may.
_ANY = object()
_SERVED: dict[str, dict[str, tuple[Any, ...]]] = {
    "history": {"outputCollection": (True,), "snapshotProject": (True, False), "directoriesToWatch": (["logs"], [])},
    "docker": {"useDocker": (True, False), "sharedVolumes": (True, False), "shmSize": (_ANY,), "arguments": ([],)},
}


def check(definition: Mapping[str, Any], configuration: Mapping[str, Any], *, local: bool) -> None:
    """Refuse what would be left out.

    Args:
        definition: the submission.
        configuration: its run configuration.
        local: whether the run is on the client's own machine.

    Raises:
        AzureError: 400, naming the first of it.
    """
    for name, value in definition.items():
        if _unknown(name, _DEFINITION) and not _is_empty(value):
            raise _refused(name)
    for name, value in configuration.items():
        known = next((each for each in _SERVED if each.lower() == name.lower()), None)
        if known is not None:
            _check_part(known, value)
        elif _unknown(name, (*_USED, *_OF_OTHERS)) and not _is_empty(value):
            raise _refused(name)
    framework = str(member(configuration, "framework") or _FRAMEWORKS[0])
    if framework.lower() not in (each.lower() for each in _FRAMEWORKS):
        raise _refused("framework", f"runs no {framework}")
    environment = member(configuration, "environment")
    docker = member(environment, "docker") if isinstance(environment, dict) else None
    if isinstance(docker, dict) and not _is_empty(member(docker, "arguments")):
        raise _refused("environment.docker.arguments")
    if local and member(configuration, "nodeCount") not in (None, 0, 1):
        raise _refused("nodeCount", "has one node on the client's own machine")
    if local and distribution(configuration) is not None:
        raise _refused("communicator", "starts one process on the client's own machine")


def distribution(configuration: Mapping[str, Any]) -> Document | None:
    """The distribution of a job of Resource Manager that a run configuration means, or None.

    Raises:
        AzureError: 400, its communicator is none that can be had.
    """
    communicator = str(member(configuration, "communicator") or "None")
    if communicator.lower() == "none":
        return None
    if communicator.lower() in _MPI:
        return {"distributionType": "Mpi", **_count(configuration, "mpi", "processCountPerNode")}
    if communicator.lower() in _PYTORCH:
        return {"distributionType": "PyTorch", **_count(configuration, "pytorch", "processCount")}
    if communicator.lower() == "parameterserver":
        part = _part(configuration, "tensorflow")
        counts = {
            "workerCount": member(part, "workerCount"),
            "parameterServerCount": member(part, "parameterServerCount"),
        }
        return {"distributionType": "TensorFlow", **{name: each for name, each in counts.items() if each is not None}}
    raise _refused("communicator", f"has no communicator {communicator}")


def shm_size(configuration: Mapping[str, Any]) -> str | None:
    """The size of shared memory that a run configuration asks for, or None."""
    found = member(_part(configuration, "docker"), "shmSize")
    return str(found) if found else None


def _count(configuration: Mapping[str, Any], name: str, counted: str) -> Document:
    found = member(_part(configuration, name), counted)
    return {} if found is None else {"processCountPerInstance": found}


def _part(configuration: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = member(configuration, name)
    return found if isinstance(found, dict) else {}


def _check_part(name: str, value: Any) -> None:
    if not isinstance(value, dict | None):
        raise bad_request("UserError", f"The run configuration's '{name}' must be an object.", target=name)
    served = {each.lower(): values for each, values in _SERVED[name].items()}
    for inner, each in (value or {}).items():
        values = served.get(inner.lower())
        if each is None or (values is None and _is_empty(each)) or (values and (_ANY in values or each in values)):
            continue
        raise _refused(f"{name}.{inner}")


def _unknown(name: str, known: tuple[str, ...]) -> bool:
    return name.lower() not in (each.lower() for each in known)


def _refused(where: str, why: str = "does nothing with it") -> AzureError:
    return bad_request("UserError", f"The run configuration sets '{where}': the embedded Azure {why}.", target=where)


def _is_empty(value: Any) -> bool:
    """Whether a value says nothing; azureml-core sends what it was not told as null, false, zero, or nothing inside."""
    if isinstance(value, dict):
        return all(_is_empty(each) for each in value.values())
    return value in (None, "", False, 0) or value == []
