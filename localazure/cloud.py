"""One embedded Azure: the things that its services share, made once by the daemon or by a test.

A service is a function `service(cloud) -> ASGI application`; it finds everything it needs here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from azmlflow.localazure.clock import Clock, Ids
from azmlflow.localazure.jobs.bell import Bell
from azmlflow.localazure.store import Store
from azmlflow.localazure.ui.sessions import Sessions

if TYPE_CHECKING:
    from azmlflow.localazure.directory import Directory
    from azmlflow.localazure.enforce import Enforcer
    from azmlflow.localazure.mlflow import MlflowServer
    from azmlflow.localazure.polling import Operations
    from azmlflow.localazure.tokens import Tokens

# One tenant and one subscription, the same on every machine, recognisable at sight.
TENANT_ID = "10ca1000-0000-4000-8000-000000000001"
SUBSCRIPTION_ID = "10ca1000-0000-4000-8000-000000000002"
REGIONS = (
    "westeurope",
    "northeurope",
    "eastus",
    "eastus2",
    "westus2",
    "uksouth",
    "swedencentral",
    "germanywestcentral",
)


@dataclass(frozen=True)
class Cloud:
    """What one embedded Azure is made of.

    Attributes:
        state: folder that holds everything it keeps (0700).
        store: its documents.
        clock: its time.
        ids: its GUIDs.
        directory: users, groups and service principals.
        tokens: signs and verifies access tokens and blob URLs.
        enforcer: decides by `rbac.evaluate` over the stored assignments.
        operations: long-running operations and their durations (the latency profile).
        mlflow: the MLflow server behind the workspaces.
        bell: wakes the runner of jobs.
        sessions: who looks at a workspace in a browser.
        run_token_seconds: how long a run token is good, which jobs renew before it ends.
    """

    state: Path
    store: Store
    clock: Clock
    ids: Ids
    directory: Directory
    tokens: Tokens
    enforcer: Enforcer
    operations: Operations
    mlflow: MlflowServer
    bell: Bell = field(default_factory=Bell)
    sessions: Sessions = field(default_factory=Sessions)
    run_token_seconds: int = 3600
