"""What somebody else made is given by id: used, and neither declared nor changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from azmlflow.infra.settings.faults import SettingsError
from azmlflow.infra.settings.settings import Settings
from tests.infra.conftest import SUBSCRIPTION

Up = Callable[..., Any]
OTHER = "33333333-3333-4333-8333-333333333333"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers"
REGISTRY = f"{GROUP}/Microsoft.ContainerRegistry/registries/crshared"
IDENTITY = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/ml"


def test_a_given_registry_is_the_workspaces_and_nothing_is_declared_on_it(up: Up) -> None:
    done = up(
        registry=REGISTRY.replace("ContainerRegistry", "containerregistry"),
        identity={"type": "UserAssigned"},
        diagnostics=True,
        locks=True,
    )
    assert done.one("machinelearningservices:Workspace").inputs["containerRegistry"] == REGISTRY
    assert done.of("containerregistry:Registry") == []
    on_it = [each for each in done.declared if each.inputs.get("scope") == REGISTRY]
    assert on_it + [each for each in done.declared if each.inputs.get("resourceUri") == REGISTRY] == []


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"registry": REGISTRY.replace(SUBSCRIPTION, OTHER)}, "azmlflow:registry"),
        ({"identity": {"type": "UserAssigned", "id": IDENTITY.replace(SUBSCRIPTION, OTHER)}}, "azmlflow:identity.id"),
    ],
)
def test_what_lies_in_another_subscription_is_refused(up: Up, settings: dict[str, Any], key: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        up(**settings)
    assert f"{key}: lies in subscription {OTHER}" in str(refused.value)
    assert f"azmlflow set --unset {key.removeprefix('azmlflow:')} --stack dev" in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"registry": "mine"}, "is neither none nor own, nor the ARM id of a container registry"),
        ({"registry": IDENTITY}, "is a Microsoft.ManagedIdentity/userAssignedIdentities, not a"),
        ({"registry": "/subscriptions/x"}, "is not the ARM id of a resource"),
        ({"registry": REGISTRY, "network": {"mode": "managed"}}, "one that somebody else made is not changed"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_mapping({f"azmlflow:{key}": value for key, value in settings.items()})
    assert word in str(refused.value)
    assert "azmlflow set registry own" in str(refused.value)
