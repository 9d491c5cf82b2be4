"""One embedded Azure: the things that its services share, made once by the daemon or by a test.

A service is a function `service(cloud) -> ASGI application`; it finds everything it needs here.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from azmlflow.localazure.cloud.operations import Operations
from azmlflow.localazure.cloud.reaching import Reaching
from azmlflow.localazure.cloud.serving import Serving
from azmlflow.localazure.cloud.skipped import Skipped
from azmlflow.localazure.core.bell import Bell
from azmlflow.localazure.core.clock import Clock, Ids
from azmlflow.localazure.core.store import Store
from azmlflow.localazure.principals.directory import Directory
from azmlflow.localazure.principals.enforce import Enforcer
from azmlflow.localazure.principals.sessions import Sessions
from azmlflow.localazure.principals.tokens import Tokens
from azmlflow.localazure.tracking.server import MlflowServer


@dataclass(frozen=True)
class Cloud:
    """What one embedded Azure is made of.

    Attributes:
        state: folder that holds everything it keeps (0700).
        store: its documents.
        clock: its time.
        ids: its GUIDs.
        directory: users, groups and service principals.
        tokens: signs and verifies access tokens.
        enforcer: decides by `rbac.evaluate` over the stored assignments.
        operations: long-running operations and their durations (the latency profile).
        mlflow: the MLflow server behind the workspaces.
        bell: wakes the runner of jobs.
        serving: what serves deployments now.
        sessions: who looks at a workspace in a browser.
        sas_key: what user delegation keys follow from.
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
    serving: Serving = field(default_factory=Serving)
    sessions: Sessions = field(default_factory=Sessions)
    sas_key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    run_token_seconds: int = 3600

    @cached_property
    def reaching(self) -> Reaching:
        """Decides by `reach.decide` who reaches what."""
        return Reaching(self.store)

    @cached_property
    def skipped(self) -> Skipped:
        """What is left out because it is broken."""
        return Skipped(self.state)
