"""User-assigned identities: a service principal of their own, which computes may use and grants may name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localazure.control import BODIES, CHAIN, COMPUTE, RG, STORAGE, SUB, VAULT, WORKSPACE, Azure

ROBOT = f"{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/robot"
BODY = {"location": "westeurope"}


def principal_of(azure: Azure) -> str:
    """The identity's service principal; the identity is made if need be."""
    properties = azure.arm("PUT", ROBOT, BODY).body["properties"]
    return str(properties["principalId"])


def test_its_service_principal_comes_and_goes_with_it(azure: Azure) -> None:
    azure.make(RG)
    made = azure.arm("PUT", ROBOT, BODY)
    assert (made.status, made.body["name"]) == (201, "robot")
    properties = made.body["properties"]
    found = azure.graph("GET", f"/servicePrincipals/{properties['principalId']}").body
    assert (found["displayName"], found["appId"]) == ("robot", properties["clientId"])
    again = azure.arm("PUT", ROBOT, {**BODY, "tags": {"a": "b"}})
    assert (again.status, again.body["properties"]) == (200, properties)

    assert azure.arm("DELETE", ROBOT).status == 200
    assert azure.graph("GET", f"/servicePrincipals/{properties['principalId']}").status == 404
    assert principal_of(azure) != properties["principalId"], "a new one of the same name is somebody else"


def test_its_isolation_is_what_the_last_put_says(azure: Azure) -> None:
    """azurerm sends `isolationScope` with each PUT (Microsoft, "User Assigned Identities", REST 2024-11-30)."""
    azure.make(RG)
    made = azure.arm("PUT", ROBOT, {**BODY, "properties": {"isolationScope": "Regional"}}, api="2024-11-30").body
    assert made["properties"]["isolationScope"] == "Regional" and made["properties"]["principalId"]
    changed = azure.arm("PUT", ROBOT, {**BODY, "properties": {"isolationScope": "none"}}, api="2024-11-30").body
    assert changed["properties"] == {**made["properties"], "isolationScope": "None"}
    refused = azure.arm("PUT", ROBOT, {**BODY, "properties": {"isolationScope": "Half"}}, api="2024-11-30")
    assert (refused.status, refused.code) == (400, "InvalidRequestPropertyValue")


def test_what_it_was_assigned_stays_behind_when_it_goes_with_its_group(azure: Azure) -> None:
    azure.make(RG)
    who = principal_of(azure)
    role = azure.arm("GET", f"{SUB}/providers/Microsoft.Authorization/roleDefinitions?$filter=roleName eq 'Reader'")
    assignment = f"{SUB}/providers/Microsoft.Authorization/roleAssignments/{azure.cloud.ids.guid()}"
    body = {"properties": {"principalId": who, "roleDefinitionId": role.body["value"][0]["id"]}}
    assert azure.arm("PUT", assignment, body).body["properties"]["principalType"] == "ServicePrincipal"
    azure.arm("DELETE", RG)
    azure.wait()
    assert azure.graph("GET", f"/servicePrincipals/{who}").status == 404
    assert azure.arm("GET", assignment).body["properties"]["principalId"] == who


def test_a_compute_tells_the_ids_of_what_it_uses(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    wanted = {**BODIES[COMPUTE], "identity": {"type": "UserAssigned", "userAssignedIdentities": {ROBOT: {}}}}
    refused = azure.arm("PUT", COMPUTE, wanted)
    assert (refused.status, refused.code) == (400, "FailedIdentityOperation")
    assert ROBOT in refused.message
    who = principal_of(azure)
    assert azure.arm("PUT", COMPUTE, wanted).status in (200, 201, 202)
    azure.wait()
    used = azure.arm("GET", COMPUTE).body["identity"]["userAssignedIdentities"]
    assert used[ROBOT]["principalId"] == who
    wrong = {**BODIES[COMPUTE], "identity": {"type": "UserAssigned", "userAssignedIdentities": [ROBOT]}}
    assert azure.arm("PUT", COMPUTE, wrong).status == 400


def test_a_cluster_has_one_of_its_own_or_user_assigned_ones(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    principal_of(azure)
    both = {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {ROBOT: {}}}
    refused = azure.arm("PUT", COMPUTE, {**BODIES[COMPUTE], "identity": both})
    assert (refused.status, "not both" in refused.message) == (400, True)
    assert azure.arm("PUT", COMPUTE, {**BODIES[COMPUTE], "identity": {"type": "SystemAssigned"}}).status == 201


def workspace(kind: str, *ids: str, primary: str | None = None) -> dict[str, Any]:
    body = BODIES[WORKSPACE]
    identity = {"type": kind, **({"userAssignedIdentities": {each: {} for each in ids}} if ids else {})}
    more = {"primaryUserAssignedIdentity": primary} if primary else {}
    return {**body, "identity": identity, "properties": {**body["properties"], **more}}


@pytest.fixture
def robot(azure: Azure) -> Azure:
    """All that a workspace stands on, and an identity without rights."""
    azure.make(*CHAIN[:5])
    principal_of(azure)
    return azure


def give(azure: Azure, role: str, scope: str) -> None:
    roles = azure.arm("GET", f"{SUB}/providers/Microsoft.Authorization/roleDefinitions?$filter=roleName eq '{role}'")
    told = {"principalId": principal_of(azure), "roleDefinitionId": roles.body["value"][0]["id"]}
    name = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{azure.cloud.ids.guid()}"
    assert azure.arm("PUT", name, {"properties": told}).status == 201


# Microsoft, "Set up service authentication", "User-assigned managed identity".
ROLES = [
    *((role, STORAGE) for role in ("Contributor", "Storage Blob Data Contributor")),
    *((role, VAULT) for role in ("Contributor", "Key Vault Administrator")),
    ("Contributor", BODIES[WORKSPACE]["properties"]["applicationInsights"]),
]


def test_a_workspace_works_as_an_identity_that_has_the_roles(robot: Azure) -> None:
    who, wanted = principal_of(robot), workspace("UserAssigned", ROBOT, primary=ROBOT)
    for role, scope in ROLES:
        refused = robot.arm("PUT", WORKSPACE, wanted)
        assert (refused.status, who in refused.message) == (400, True), (role, scope)
        assert robot.arm("GET", WORKSPACE).status == 404
        give(robot, role, scope)
    assert robot.arm("PUT", WORKSPACE, wanted).status == 202
    robot.wait()
    found = robot.arm("GET", WORKSPACE).body
    assert found["identity"]["userAssignedIdentities"][ROBOT]["principalId"] == who
    assert "principalId" not in found["identity"]
    assert found["properties"]["primaryUserAssignedIdentity"] == ROBOT


@pytest.mark.parametrize(
    ("body", "code", "word"),
    [
        (workspace("UserAssigned", ROBOT), "BadRequest", "needs 'primaryUserAssignedIdentity'"),
        (workspace("UserAssigned", ROBOT, primary=f"{ROBOT}2"), "BadRequest", "is not among"),
        (workspace("UserAssigned", f"{ROBOT}2", primary=f"{ROBOT}2"), "FailedIdentityOperation", "was not found"),
    ],
)
def test_identities_that_no_workspace_can_work_as(robot: Azure, body: dict[str, Any], code: str, word: str) -> None:
    refused = robot.arm("PUT", WORKSPACE, body)
    assert (refused.status, refused.code, word in refused.message) == (400, code, True)


def test_one_identity_becomes_two_and_never_the_systems_alone_again(robot: Azure) -> None:
    for role, scope in ROLES:
        give(robot, role, scope)
    assert robot.arm("PUT", WORKSPACE, workspace("SystemAssigned")).status == 202
    robot.wait()
    system = robot.arm("GET", WORKSPACE).body["identity"]["principalId"]
    both = workspace("SystemAssigned,UserAssigned", ROBOT, primary=ROBOT)
    assert robot.arm("PUT", WORKSPACE, both).status in (200, 202)
    robot.wait()
    assert robot.arm("GET", WORKSPACE).body["identity"]["principalId"] == system
    refused = robot.arm("PUT", WORKSPACE, workspace("SystemAssigned"))
    assert (refused.status, "cannot be changed" in refused.message) == (400, True)
    assert robot.arm("PATCH", WORKSPACE, {"tags": {"a": "b"}}).status in (200, 202)
