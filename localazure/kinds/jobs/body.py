"""What the body of a job may say. Each member is used, kept as it is, or refused.

    used      command, code, environment, compute, inputs, outputs, variables, limits, identity, distribution, parent
    kept      names, description, tags, properties, isArchived, shmSize and the properties of `resources`
    refused   what would need more than a process on one node: endpoints into the job, mail, queues, more nodes,
              docker's arguments, components, secrets of a vault, automatic logging
    not read  what is Azure's to say: status, parameters, the endpoints Tracking and Studio

Source: Microsoft, "Jobs - Create Or Update" (REST 2025-01-01-preview, 2025-12-01), and what azure-ai-ml 1.35 sends.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from azmlflow.localazure.core import service_limits as limits
from azmlflow.localazure.core.clock import duration
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.jobs import bindings
from azmlflow.localazure.kinds.jobs.members import CODE, flag, members, named, refused, text, texts, within
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice, whole_number

_USED = (
    "jobType", "command", "codeId", "environmentId", "computeId", "environmentVariables", "experimentName", "inputs",
    "outputs", "limits", "resources", "identity", "distribution", "displayName", "description", "tags", "properties",
    "isArchived", "parentJobName",
)  # fmt: skip
_NOT_READ = ("status", "parameters", "warnings")
_REFUSED = {
    "componentId": "It has no components.",
    "queueSettings": "It has no serverless compute, whose queues these settings are for.",
    "notificationSetting": "It sends no mail and calls no webhooks.",
    "secretsConfiguration": "It gives no secrets of a vault to jobs.",
    "autologgerSettings": "Autologging is the script's own call: mlflow.autolog().",
    "schedule": "It has no schedules.",
    "priority": "It has no queues with priorities.",
}
_OWN_SERVICES = ("Tracking", "Studio")
_SERVICE = ("endpoint", "errorMessage", "jobServiceType", "nodes", "port", "properties", "status")
_RESOURCES = (
    "instanceCount", "instanceType", "properties", "dockerArgs", "dockerArgsList", "shmSize", "locations",
    "maxInstanceCount",
)  # fmt: skip
_DISTRIBUTIONS = {
    "PyTorch": {"processCountPerInstance": 1},
    "Mpi": {"processCountPerInstance": 1},
    "TensorFlow": {"parameterServerCount": 0, "workerCount": 1},
}
_IDENTITIES = ("AMLToken", "Managed", "UserIdentity")
_JOB_TYPES = ("AutoML", "Command", "Pipeline", "Spark", "Sweep")
_SIZE = re.compile(r"[1-9][0-9]*[bkmg]", re.IGNORECASE)


def read(ask: Ask, workspace: Document) -> Document:
    """What a body says, with the defaults of what it does not say.

    Args:
        ask: the request.
        workspace: the workspace's document.

    Raises:
        AzureError: 400, a member has the wrong type or cannot be had; 403, see `bindings`.
    """
    given = members("", ask.properties, (*_USED, *_NOT_READ, *_REFUSED, "services"))
    for name, why in _REFUSED.items():
        if not _is_empty(given.get(name)):
            raise refused(name, f"The embedded Azure does nothing with '{name}'. {why}")
    _check_services(given.get("services"))
    kind = choice("jobType", given.get("jobType"), _JOB_TYPES, CODE)
    if kind != "Command":
        raise refused("jobType", f"The embedded Azure runs jobs of the 'jobType' Command, not {kind}.")
    found: Document = {
        "jobType": kind,
        "command": text("command", given.get("command", "")),
        "environmentId": text("environmentId", given.get("environmentId", "")),
        "experimentName": text("experimentName", given.get("experimentName", "Default")),
        "environmentVariables": _variables(given.get("environmentVariables", {})),
        "inputs": bindings.inputs(given.get("inputs", {})),
        "outputs": bindings.outputs(ask, workspace, given.get("outputs", {})),
        "isArchived": flag("isArchived", given.get("isArchived", False)),
        "tags": texts("tags", given.get("tags", {}), limits.RUN_TAGS),
        "properties": texts("properties", given.get("properties", {}), limits.RUN_PROPERTIES),
    }
    parts: dict[str, Callable[[Any], Any]] = {
        "computeId": lambda value: text("computeId", value),
        "codeId": lambda value: text("codeId", value),
        "parentJobName": lambda value: text("parentJobName", value),
        "displayName": lambda value: within("displayName", text("displayName", value), limits.RUN_NAME),
        "description": lambda value: within("description", text("description", value), limits.RUN_DESCRIPTION),
        "limits": _limits,
        "resources": _resources,
        "identity": _identity,
        "distribution": _distribution,
    }
    for name, part in parts.items():
        if name in given:
            found[name] = part(given[name])
    if not found["experimentName"].strip():
        raise refused("experimentName", "The name of an experiment cannot be empty.")
    within("experimentName", found["experimentName"], limits.EXPERIMENT_NAME)
    return found


def _variables(value: Any) -> dict[str, str]:
    found = texts("environmentVariables", value)
    for name in found:
        if not name or "=" in name:
            raise refused("environmentVariables", f"'{name}' is not a name of an environment variable.")
    return found


def _limits(value: Any) -> Document:
    told = members("limits", value, ("jobLimitsType", "timeout"))
    choice("limits.jobLimitsType", told.get("jobLimitsType", "Command"), ("Command",), CODE)
    if "timeout" in told:
        try:
            seconds = duration(text("limits.timeout", told["timeout"])).total_seconds()
        except (ValueError, OverflowError) as error:
            raise refused("limits.timeout", f"The job's limits are not valid: {error}.") from error
        if seconds < 1:
            raise refused("limits.timeout", "The job's limits are not valid: a timeout is at least one second.")
    return {**told, "jobLimitsType": "Command"}


def _resources(value: Any) -> Document:
    told = members("resources", value, _RESOURCES)
    for name in ("instanceCount", "maxInstanceCount"):
        if name in told and whole_number(f"resources.{name}", told[name], 0, 2**31 - 1, CODE) != 1:
            raise refused(f"resources.{name}", f"The embedded Azure runs a job on one node; '{name}' must be 1.")
    for name in ("dockerArgs", "dockerArgsList", "locations"):
        if not _is_empty(told.get(name)):
            raise refused(
                f"resources.{name}", f"The embedded Azure runs jobs without docker, where it is: no '{name}'."
            )
        told.pop(name, None)
    if "instanceType" in told:
        text("resources.instanceType", told["instanceType"])
    if "shmSize" in told and _SIZE.fullmatch(text("resources.shmSize", told["shmSize"])) is None:
        raise refused("resources.shmSize", f"'{told['shmSize']}' is not a size such as 2g: a number, and b, k, m or g.")
    if "properties" in told:
        named("resources.properties", told["properties"])
    return told


def _identity(value: Any) -> Document:
    told = members("identity", value, ("identityType", "clientId", "objectId", "resourceId"))
    kind = choice("identity.identityType", told.get("identityType"), _IDENTITIES, CODE)
    if kind == "UserIdentity":
        raise refused("identity", "The embedded Azure lets no job sign in as who submits it: AMLToken and Managed are.")
    chosen = [name for name in told if name != "identityType"]
    if kind != "Managed" and chosen:
        raise refused(f"identity.{chosen[0]}", f"An identity of the type {kind} has no '{chosen[0]}'.")
    if len(chosen) > 1:
        raise refused("identity", f"One of {', '.join(chosen)} says which identity is meant, not several.")
    for name in chosen:
        text(f"identity.{name}", told[name])
    return {**told, "identityType": kind}


def _distribution(value: Any) -> Document:
    names = sorted({name for each in _DISTRIBUTIONS.values() for name in each})
    told = members("distribution", value, ("distributionType", *names))
    kind = choice("distribution.distributionType", told.get("distributionType"), tuple(_DISTRIBUTIONS), CODE)
    for name in told.keys() - {"distributionType"}:
        most = _DISTRIBUTIONS[kind].get(name)
        if most is None:
            raise refused(f"distribution.{name}", f"A distribution of the type {kind} has no '{name}'.")
        if whole_number(f"distribution.{name}", told[name], 0, 2**31 - 1, CODE) != most:
            raise refused(
                f"distribution.{name}", f"The embedded Azure runs a job as one process: '{name}' must be {most}."
            )
    return {**told, "distributionType": kind}


def _check_services(value: Any) -> None:
    for name, given in named("services", value or {}).items():
        told = members(f"services.{name}", given, _SERVICE) if given is not None else {}
        if told and told.get("jobServiceType") not in _OWN_SERVICES:
            raise refused(
                f"services.{name}", f"The embedded Azure opens no way into a running job: no service '{name}'."
            )


def _is_empty(value: Any) -> bool:
    """Whether a member says nothing: clients send empty parts too."""
    if isinstance(value, dict):
        return all(_is_empty(each) for each in value.values())
    if isinstance(value, list):
        return not value
    return value is None or value in ("", "Null", "Disabled")
