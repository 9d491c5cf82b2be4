"""What whoever is signed in may not do at a scope, as Azure itself tells (Microsoft, "Permissions")."""

from __future__ import annotations

from collections.abc import Iterable

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.rbac.patterns import permits


def lacking(arm: ResourceManager, scope: str, actions: Iterable[str]) -> tuple[str, ...]:
    """Those of the actions that are not permitted at a scope.

    Raises:
        ArmError: Azure refuses the question.
    """
    blocks = arm.permissions(scope)
    return tuple(action for action in actions if permits(blocks, action, False)[0] is None)
