"""A run token: it speaks for who submitted a job or local run, about that run in its own workspace, while it runs.

It is an access token for the data plane alone (audience `https://ml.azure.com`, which Azure Resource Manager, Graph,
vaults and storage refuse) with two more claims, the run and the workspace's id.
"""

from __future__ import annotations

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.principals.tokens import MACHINE_LEARNING

RUN, WORKSPACE = "azmlflow_run", "azmlflow_workspace"  # the claims


def issue(cloud: Cloud, workspace: Document, run_id: str, owner: str) -> tuple[str, int]:
    """A run's token, and when it expires.

    Args:
        cloud: the embedded Azure.
        workspace: the workspace's document.
        run_id: the run's id, which is its job's name.
        owner: object id of who submitted it.
    """
    claims = {RUN: run_id, WORKSPACE: workspace["properties"]["workspaceId"]}
    return cloud.tokens.issue(owner, MACHINE_LEARNING.audiences[0], cloud.run_token_seconds, claims)
