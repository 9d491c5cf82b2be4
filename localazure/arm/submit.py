"""Submitting a job from inside: what a PUT of Resource Manager does, for services whose clients submit another way."""

from __future__ import annotations

from typing import Any

from azmlflow.localazure.arm import lifecycle
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.workspaces.jobs import JOB
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.resources import paths
from azmlflow.localazure.resources.ask import Ask
from azmlflow.resourcetypes.table import version_of


def submit(cloud: Cloud, caller: Caller, workspace_id: str, name: str, properties: dict[str, Any]) -> Document:
    """Make a job; one that is there already stays as it is, so that a client may send its submission again.

    Args:
        cloud: the embedded Azure.
        caller: who submits.
        workspace_id: the workspace's ARM id.
        name: the job's, which is its MLflow run's id.
        properties: as Resource Manager takes them (`kinds.workspaces.jobs`): jobType, command, computeId, codeId, ...

    Returns:
        The job's document.

    Raises:
        AzureError: 400, 403, 404 or 409, as Resource Manager answers.
    """
    target = paths.parse(f"{workspace_id}/jobs/{name}", "PUT")
    answer = lifecycle.write(Ask(cloud, caller, target, {}, {"properties": properties}, version_of(JOB.type)), JOB)
    document: Document = answer.body
    return document
