"""User-assigned identities: a service principal of their own, which computes may use and grants may name."""

from __future__ import annotations

from tests.localazure.control import BODIES, CHAIN, COMPUTE, RG, SUB, Azure

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
