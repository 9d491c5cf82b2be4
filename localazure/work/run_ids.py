"""Whose the ids of runs are that a client chose: names of jobs, and of SDK v1's local runs.

MLflow knows a run by its id alone, through all workspaces, and keeps the run of a job that was deleted: such an id is
given once, for as long as its workspace is there. Who asks for it again is refused before anything is made.
"""

from __future__ import annotations

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import RUN_IDS


def owner(cloud: Cloud, run_id: str) -> str | None:
    """The workspaceId of the workspace that has this id, or None where it is free."""
    kept = cloud.store.get(RUN_IDS, run_id)
    return None if kept is None else str(kept["workspace"])


def take(cloud: Cloud, workspace_id: str, run_id: str) -> None:
    """Note that an id is a workspace's.

    Args:
        cloud: the embedded Azure.
        workspace_id: the workspace's workspaceId.
        run_id: the id, as it is spelt: MLflow takes note of case.
    """
    cloud.store.put(RUN_IDS, run_id, {"workspace": workspace_id})


def free(cloud: Cloud, run_id: str) -> None:
    """An id that MLflow has never heard of is nobody's again."""
    cloud.store.delete(RUN_IDS, run_id)


def lapse(cloud: Cloud, workspace_id: str) -> None:
    """A workspace is gone for good, and MLflow forgets its runs."""
    for run_id, kept in list(cloud.store.scan(RUN_IDS)):
        if kept["workspace"] == workspace_id:
            cloud.store.delete(RUN_IDS, run_id)
