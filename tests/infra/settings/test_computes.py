"""The settings of computes: who they are in the directory, and in which network."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.infra.plan.records import ComputeIdentity
from azmlflow.infra.settings.faults import Fault, SettingsError
from azmlflow.infra.settings.settings import Settings

GROUP = "/subscriptions/s/resourceGroups/rg/providers"
ROBOT = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/robot"
SUBNET = f"{GROUP}/Microsoft.Network/virtualNetworks/vnet/subnets/computes"
WHO, OTHER = "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002"


def read(**settings: Any) -> Settings:
    return Settings.from_mapping({f"azmlflow:{key}": value for key, value in settings.items()})


def fault(**cluster: Any) -> Fault:
    with pytest.raises(SettingsError) as caught:
        read(clusters=[{"name": "cpu", **cluster}])
    (found,) = caught.value.faults
    return found


def test_a_cluster_is_nobody_in_nobodys_network_by_default() -> None:
    (cluster,) = read(clusters=[{"name": "cpu"}]).clusters
    assert (cluster.identity_type(), cluster.subnet, cluster.public_ip) == (None, None, True)


@pytest.mark.parametrize(
    ("given", "type_"),
    [({"identity": "system"}, "SystemAssigned"), ({"identities": {ROBOT: WHO}}, "UserAssigned")],
)
def test_it_has_an_identity_of_its_own_or_user_assigned_ones(given: dict[str, Any], type_: str) -> None:
    (cluster,) = read(clusters=[{"name": "cpu", **given}]).clusters
    assert cluster.identity_type() == type_


@pytest.mark.parametrize(
    ("given", "key", "told"),
    [
        ({"identity": "system", "identities": {ROBOT: WHO}}, "identities", "not both"),
        ({"identity": "user"}, "identity", "'none' or 'system'"),
        ({"identities": {"robot": WHO}}, "identities", "'robot' is not the ARM id"),
        ({"identities": {f"{ROBOT}/x": WHO}}, "identities", "is not the ARM id"),
        ({"identities": {ROBOT: WHO, ROBOT.upper(): WHO}}, "identities", "twice"),
        ({"subnet": SUBNET.rpartition("/subnets")[0]}, "subnet", "pattern"),
    ],
)
def test_what_azure_does_not_take_is_refused(given: dict[str, Any], key: str, told: str) -> None:
    found = fault(**given)
    assert (found.key, told in found.what) == (f"azmlflow:clusters[0].{key}", True)


def test_an_object_id_is_a_guid() -> None:
    assert "is not an object id" in fault(identities={ROBOT: "robot"}).what


def test_azures_ids_ignore_case() -> None:
    found = read(clusters=[{"name": "cpu", "identities": {ROBOT.upper(): WHO.upper()}, "subnet": SUBNET.lower()}])
    assert found.identities() == (ComputeIdentity(WHO),)
    assert read(clusters=[{"name": "cpu", "subnet": SUBNET, "publicIp": False}]).clusters[0].public_ip is False


def test_an_identity_of_several_clusters_is_one() -> None:
    settings = read(
        clusters=[
            {"name": "one", "identities": {ROBOT: WHO}},
            {"name": "two", "identities": {ROBOT: WHO, f"{ROBOT}2": OTHER}},
        ]
    )
    assert settings.identities() == (ComputeIdentity(WHO), ComputeIdentity(OTHER))
