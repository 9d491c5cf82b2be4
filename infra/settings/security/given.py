"""Resources that somebody else made, given by id: used, and neither changed nor deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator

from azmlflow.infra.settings.faults import Fault, SettingsError, refuse
from azmlflow.infra.settings.fields import read_arm_id
from azmlflow.infra.settings.namespace import NAMESPACE
from azmlflow.infra.settings.security.identity import IdentitySettings
from azmlflow.rbac import scopes

_REGISTRY = "Microsoft.ContainerRegistry/registries"


def _registry(value: object) -> object:
    if value in ("none", "own"):
        return value
    if not isinstance(value, str) or not value.startswith("/"):
        raise refuse(f"{value!r} is neither none nor own, nor the ARM id of a container registry", "own")
    return read_arm_id(_REGISTRY, value)


# none, own, or an ARM id.
RegistryChoice = Annotated[str, BeforeValidator(_registry)]


def given_ids(identity: IdentitySettings, registry: str) -> dict[str, str | None]:
    """Ids of what somebody else made, by the keys of their settings."""
    return {"identity.id": identity.id, "registry": registry if registry.startswith("/") else None}


def check_subscription(given: Mapping[str, str | None], subscription: str) -> None:
    """Refuse what lies in another subscription: a workspace stands on nothing there (Microsoft, "Workspaces").

    Args:
        given: ids by the keys of their settings; None for none.
        subscription: the stack's.

    Raises:
        SettingsError: naming each.
    """
    faults = [
        Fault(
            f"{NAMESPACE}:{key}",
            f"lies in subscription {scopes.parse(id_).subscription}; the stack is in {subscription}, and a workspace "
            "uses what is in its own alone",
            f"azmlflow set --unset {key}",
        )
        for key, id_ in given.items()
        if id_ and (scopes.parse(id_).subscription or "").lower() != subscription.lower()
    ]
    if faults:
        raise SettingsError(faults)
