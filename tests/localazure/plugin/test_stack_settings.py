"""What a stack's settings and a resource's options make of the provider's requests."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pulumi.provider.experimental import provider as base

from azmlflow.localazure.plugin.client.calls import ArmCall
from azmlflow.localazure.plugin.client.client import Arm
from azmlflow.localazure.plugin.provider import AzureProvider, CheckRequest
from azmlflow.localazure.plugin.schema.naming import Autonaming
from azmlflow.localazure.plugin.schema.values import plain_map, wrap_map

GROUP = "azure-native:resources:ResourceGroup"
URN = f"urn:pulumi:dev::project::{GROUP}::thing"


def _provider(arm: Any, subscription: str = "of-the-environment") -> AzureProvider:
    return AzureProvider(lambda: arm, lambda: None, subscription)


def _configured(arm: Arm, settings: dict[str, str], subscription: str = "of-the-environment") -> list[str]:
    """The paths that a group is made at."""
    provider = _provider(arm, subscription)
    inputs = wrap_map({"resourceGroupName": "g", "location": "x"})

    async def make() -> str:
        given = {f"azure-native:config:{name}": value for name, value in settings.items()}
        await provider.configure(base.ConfigureRequest(given, {}, accept_secrets=True, accept_resources=True))
        return str((await provider.create(base.CreateRequest(URN, inputs, 0, False))).resource_id)

    return asyncio.run(make()).split("/")[1:3]


def test_the_subscription_of_the_settings_comes_before_the_environments(arm: Arm) -> None:
    assert _configured(arm, {"subscriptionId": "of-the-stack"}) == ["subscriptions", "of-the-stack"]


@pytest.mark.parametrize("settings", [{}, {"subscriptionId": ""}, {"location": "x"}])
def test_else_it_is_the_environments(arm: Arm, settings: dict[str, str]) -> None:
    assert _configured(arm, settings) == ["subscriptions", "of-the-environment"]


def test_a_stack_without_made_up_names_is_told_at_the_input_that_lacks_one(arm: Arm) -> None:
    request = CheckRequest(URN, {}, wrap_map({"location": "x"}), b"seed")
    request.autonaming = Autonaming("", "disable")
    answer = asyncio.run(_provider(arm).check(request))
    assert [(failure.property, failure.reason) for failure in answer.failures or []] == [
        ("resourceGroupName", "'resourceGroupName' must be set: this stack's pulumi:autonaming is disabled")
    ]
    assert plain_map(answer.inputs or {}) == {"location": "x"}


def test_the_same_step_gives_the_same_name(arm: Arm) -> None:
    first, again, other = (
        plain_map(asyncio.run(_provider(arm).check(base.CheckRequest(URN, {}, {}, seed))).inputs or {})
        for seed in (b"1", b"1", b"2")
    )
    assert first["resourceGroupName"] == again["resourceGroupName"] != other["resourceGroupName"]
    assert "location" not in first


@pytest.mark.parametrize(("given", "taken"), [(60.0, 60.0), (0, 7200.0)])
def test_a_removal_has_the_time_that_the_program_gives_it(given: float, taken: float) -> None:
    calls: list[ArmCall] = []

    class Deletes:
        def delete(self, call: ArmCall) -> None:
            calls.append(call)

    asyncio.run(_provider(Deletes()).delete(base.DeleteRequest(URN, "/subscriptions/s/resourceGroups/g", {}, given)))
    assert [(call.path, call.timeout) for call in calls] == [("/subscriptions/s/resourceGroups/g", taken)]
