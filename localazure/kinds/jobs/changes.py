"""What a PUT of a job that is there changes: names, description, tags, and whether it is archived; nothing of its run.

Azure's words are those of MicrosoftDocs/azure-docs#122250 and Azure/azure-sdk-for-python#47389 (`JobPropertyImmutable`;
which members it names there are a pipeline's). Tags are added and never taken away (Azure/azure-sdk-for-python#30671);
properties are added and never changed (azure-ai-ml, `create_or_update`: "MFE does not allow existing properties to be
updated, only for new props to be added").
"""

from __future__ import annotations

from typing import Any

from azmlflow.localazure.core import service_limits as limits
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.jobs.members import texts
from azmlflow.localazure.resources.ask import Ask

_CHANGEABLE = ("displayName", "description", "isArchived")
_GROWING = ("tags", "properties")
_FIXED = (
    "jobType", "command", "codeId", "environmentId", "computeId", "environmentVariables", "experimentName", "inputs",
    "outputs", "limits", "resources", "identity", "distribution", "parentJobName",
)  # fmt: skip
_IDS = ("codeId", "computeId", "environmentId")
_EXISTS = (
    "A job with this name already exists. If you are trying to create a new job, use a different name. If you are "
    "trying to update an existing job, the existing job's {changed} cannot be changed. Only description, tags, "
    "displayName, properties, and isArchived can be updated."
)


def changed(ask: Ask, before: Document, told: Document) -> Document:
    """The properties of a job after a PUT.

    Args:
        ask: the request.
        before: the job's document.
        told: what the body says (`body.read`).

    Raises:
        AzureError: 400, it says something that cannot change.
    """
    old, said = before["properties"], {name.lower() for name, value in ask.properties.items() if value is not None}
    # With a command it is a whole submission: what it does not say is said to be nothing.
    fixed = [name for name in _FIXED if "command" in said or name.lower() in said]
    other = [name for name in fixed if _meant(name, told.get(name)) != _meant(name, old.get(name))]
    kept = old["properties"]
    other += [f"properties.{name}" for name, value in told["properties"].items() if kept.get(name, value) != value]
    if other:
        raise _immutable(other)
    new = {name: told[name] for name in _CHANGEABLE if name.lower() in said}
    if not new.get("displayName", True):
        new["displayName"] = before["name"]  # as of a job that is made without one
    for name in _GROWING:
        new[name] = {**old[name], **told[name]}
    texts("tags", new["tags"], limits.RUN_TAGS)
    texts("properties", new["properties"], limits.RUN_PROPERTIES)
    return {**old, **new}


def _immutable(names: list[str]) -> AzureError:
    words = ",  ".join(name[:1].upper() + name[1:] for name in names)
    return bad_request("UserError", _EXISTS.format(changed=words), target=names[0])


def _meant(name: str, value: Any) -> Any:
    """A value as far as it is told apart: ids without case, what says nothing as nothing."""
    if name in _IDS:
        return str(value or "").lower().removeprefix("azureml:")
    if isinstance(value, dict):
        value = {key: each for key, each in value.items() if each not in (None, "", {}, [])}
    return value or None
