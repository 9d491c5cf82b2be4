# mypy: disable-error-code="no-untyped-call, no-any-return"
"""What MLflow's stores do again for each request, done once, in the one process that has them.

MLflow sets up the same connection in each session, three statements before each that somebody asked for
(mlflow/store/db/utils.py, `_get_managed_session_maker`), and asks its database for the workspace that a request names:
together a third of what a logged metric took of it.
"""

from __future__ import annotations

import threading
from typing import Any

from mlflow.entities.workspace import Workspace
from mlflow.store.db.utils import _get_managed_session_maker
from mlflow.store.workspace.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy import event
from sqlalchemy.orm import sessionmaker

# What MLflow 3.17 says; a test asks the MLflow that is installed.
PRAGMAS = ("PRAGMA foreign_keys = ON;", "PRAGMA busy_timeout = 20000;", "PRAGMA case_sensitive_like = true;")
# Ours: no commit waits for the disk, a fifth of MLflow's time over a metric. "WAL mode is safe from corruption with
# synchronous=NORMAL [...] Transactions are durable across application crashes", and the last of them may be lost when
# the machine itself fails (https://www.sqlite.org/pragma.html#pragma_synchronous).
_UNSYNCED = "PRAGMA synchronous = NORMAL;"


def set_up_once(store: Any) -> None:
    """Have a store's connections set up once, and its sessions no more.

    Args:
        store: of MLflow's, over SQLite; nobody uses it yet.
    """
    if not event.contains(store.engine, "connect", _set_up):  # stores of one database share an engine
        event.listen(store.engine, "connect", _set_up)
        store.engine.dispose()  # those that are open were not
    store.ManagedSessionMaker = _get_managed_session_maker(sessionmaker(bind=store.engine), "set up")


def _set_up(connection: Any, _record: object) -> None:
    for pragma in (*PRAGMAS, _UNSYNCED):
        connection.execute(pragma)


class KnownWorkspaces(SqlAlchemyStore):  # type: ignore[misc, unused-ignore]
    """The workspaces of `mlflow server --enable-workspaces`, each asked for once."""

    def __init__(self, workspace_uri: str) -> None:
        self._one_at_a_time = threading.Lock()  # so that none is remembered that is removed just then
        self._known: dict[str, Workspace] = {}
        super().__init__(workspace_uri)

    def get_workspace(self, workspace_name: str) -> Workspace:
        """The workspace of that name.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST.
        """
        found = self._known.get(workspace_name)
        if found is None:
            with self._one_at_a_time:
                found = self._known[workspace_name] = super().get_workspace(workspace_name)
        return found

    def update_workspace(self, workspace: Workspace) -> Workspace:
        """Change a workspace.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST; INVALID_PARAMETER_VALUE.
        """
        with self._one_at_a_time:
            self._known.pop(workspace.name, None)
            return super().update_workspace(workspace)

    def delete_workspace(self, workspace_name: str, *given: Any, **named: Any) -> None:
        """Remove a workspace.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST; INVALID_STATE, it is not empty and was to be.
        """
        with self._one_at_a_time:
            self._known.pop(workspace_name, None)
            super().delete_workspace(workspace_name, *given, **named)
