# mypy: disable-error-code="no-untyped-call, no-any-return"
"""MLflow's workspaces, which each request names: those found are remembered, in the one process that has them.

MLflow asks its database for the workspace of every request.
"""

from __future__ import annotations

import threading
from typing import Any

from mlflow.entities.workspace import Workspace
from mlflow.store.workspace.sqlalchemy_store import SqlAlchemyStore


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
