"""Role definitions and assignments."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.rbac import builtin
from tests.localazure.control import ALICE, BOB, CHAIN, DEVELOPER, RG, STORAGE, SUB, WORKSPACE, Answer, Azure

_DEFINITIONS = "/providers/Microsoft.Authorization/roleDefinitions"
_ASSIGNMENTS = "/providers/Microsoft.Authorization/roleAssignments"
_ONE, _TWO = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
_READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


def _role(name: str = "Tracker", **changes: Any) -> dict[str, Any]:
    permissions = [{"actions": ["Microsoft.MachineLearningServices/workspaces/read"]}]
    return {"properties": {"roleName": name, "permissions": permissions, "assignableScopes": [RG], **changes}}


def _assign(azure: Azure, scope: str, name: str, who: str = ALICE, **properties: Any) -> Answer:
    given = {"principalId": azure.who(who).object_id, "roleDefinitionId": f"{SUB}{_DEFINITIONS}/{_READER}"}
    return azure.arm("PUT", f"{scope}{_ASSIGNMENTS}/{name}", {"properties": {**given, **properties}})


def _listed(azure: Azure, path: str, who: str = DEVELOPER) -> list[str]:
    return [each["properties"].get("roleName", each["name"]) for each in azure.arm("GET", path, who=who).body["value"]]


def test_built_in_roles_are_listed_and_fixed(azure: Azure) -> None:
    names = _listed(azure, f"{SUB}{_DEFINITIONS}?$filter=type eq 'BuiltInRole'")
    assert set(names) == set(builtin.names())
    found = azure.arm("GET", f"{SUB}{_DEFINITIONS}?$filter=roleName eq 'Reader'").body["value"]
    assert [each["name"] for each in found] == [_READER]
    assert found[0]["properties"]["permissions"][0]["actions"] == ["*/read"]
    for path in (_DEFINITIONS, f"{_DEFINITIONS}/{_READER}"):
        assert azure.arm("GET", path).status == 200
        assert azure.arm("GET", path, who=BOB).status == 403
    azure.make(RG)
    assert azure.arm("PUT", f"{SUB}{_DEFINITIONS}/{_READER}", _role("Reader 2")).code == "RoleDefinitionNotEditable"
    assert azure.arm("DELETE", f"{SUB}{_DEFINITIONS}/{_READER}").code == "RoleDefinitionNotEditable"


def test_a_custom_role_lives_below_the_subscription_and_outlives_its_group(azure: Azure) -> None:
    azure.make(RG)
    made = azure.arm("PUT", f"{RG}{_DEFINITIONS}/{_ONE}", _role())
    assert (made.status, made.body["id"]) == (201, f"{SUB}{_DEFINITIONS}/{_ONE}")
    assert made.body["properties"]["type"] == "CustomRole"
    assert made.body["properties"]["permissions"][0]["notActions"] == []
    assert azure.arm("PUT", f"{RG}{_DEFINITIONS}/{_ONE}", _role()).body == made.body
    assert _listed(azure, f"{RG}{_DEFINITIONS}?$filter=roleName eq 'tracker'") == ["Tracker"]
    assert _listed(azure, f"{SUB}{_DEFINITIONS}?$filter=roleName eq 'Tracker'") == []
    below = f"{SUB}{_DEFINITIONS}?$filter=atScopeAndBelow() and type eq 'CustomRole'"
    assert _listed(azure, below) == ["Tracker"]
    azure.arm("DELETE", RG)
    assert azure.arm("GET", f"{SUB}{_DEFINITIONS}/{_ONE}").status == 200
    gone = azure.arm("DELETE", f"{SUB}{_DEFINITIONS}/{_ONE}")
    assert (gone.status, gone.body["name"]) == (200, _ONE)
    assert azure.arm("DELETE", f"{SUB}{_DEFINITIONS}/{_ONE}").status == 204


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (_role("Reader"), 409, "RoleDefinitionWithSameNameExists"),
        (_role("first"), 409, "RoleDefinitionWithSameNameExists"),
        (_role(""), 400, "RoleDefinitionNameNullOrEmpty"),
        (_role(assignableScopes=[]), 400, "InvalidRequestContent"),
        (_role(assignableScopes=["/"]), 403, "AuthorizationFailed"),
        (
            _role(permissions=[{"actions": ["Microsoft.MachineLearningServices/workspaces/models/*/*"]}]),
            400,
            "InvalidActionOrNotAction",
        ),
        (_role(permissions=[{"notActions": ["read everything"]}]), 400, "InvalidActionOrNotAction"),
        (_role(permissions=[{"actions": "read"}]), 400, "InvalidRequestContent"),
        (_role(permissions="read"), 400, "InvalidRequestContent"),
    ],
)
def test_a_custom_role_that_azure_refuses(azure: Azure, body: dict[str, Any], status: int, code: str) -> None:
    azure.make(RG)
    assert azure.arm("PUT", f"{RG}{_DEFINITIONS}/{_ONE}", _role("First")).status == 201
    refused = azure.arm("PUT", f"{RG}{_DEFINITIONS}/{_TWO}", body)
    assert (refused.status, refused.code) == (status, code)


@pytest.mark.parametrize(
    "action", ["*", "*/read", "Microsoft.MachineLearningServices/workspaces/*/read", "Microsoft.Storage/*"]
)
def test_one_wildcard_is_allowed(azure: Azure, action: str) -> None:
    azure.make(RG)
    body = _role(permissions=[{"actions": [action]}])
    assert azure.arm("PUT", f"{RG}{_DEFINITIONS}/{_ONE}", body).status == 201


def test_a_role_takes_permission_on_each_of_its_scopes(azure: Azure) -> None:
    azure.make(RG)
    azure.arm("PUT", f"{SUB}/resourceGroups/rg2", {"location": "westeurope"})
    azure.assign(ALICE, "User Access Administrator", RG)
    both = _role(assignableScopes=[RG, f"{SUB}/resourceGroups/rg2"])
    refused = azure.arm("PUT", f"{RG}{_DEFINITIONS}/{_ONE}", both, who=ALICE)
    assert "Microsoft.Authorization/roleDefinitions/write" in refused.message
    assert "/resourceGroups/rg2" in refused.message
    assert azure.arm("PUT", f"{RG}{_DEFINITIONS}/{_ONE}", _role(), who=ALICE).status == 201
    assert azure.arm("PUT", f"{RG}{_DEFINITIONS}/{_ONE}", both).status == 201
    assert azure.arm("DELETE", f"{RG}{_DEFINITIONS}/{_ONE}", who=ALICE).status == 403


def test_a_role_in_use_stays(azure: Azure) -> None:
    azure.make(RG)
    azure.arm("PUT", f"{RG}{_DEFINITIONS}/{_ONE}", _role())
    assert _assign(azure, RG, _TWO, roleDefinitionId=f"{SUB}{_DEFINITIONS}/{_ONE}").status == 201
    assert azure.arm("DELETE", f"{RG}{_DEFINITIONS}/{_ONE}").code == "RoleDefinitionHasAssignments"
    assert azure.arm("DELETE", f"{RG}{_ASSIGNMENTS}/{_TWO}").status == 200
    assert azure.arm("DELETE", f"{RG}{_DEFINITIONS}/{_ONE}").status == 200


def test_a_custom_role_is_assigned_only_within_its_scopes(azure: Azure) -> None:
    azure.make(*CHAIN[:2])
    azure.arm("PUT", f"{RG}{_DEFINITIONS}/{_ONE}", _role())
    role = f"{SUB}{_DEFINITIONS}/{_ONE}"
    refused = _assign(azure, SUB, _TWO, roleDefinitionId=role)
    assert refused.code == "RoleAssignmentScopeNotAssignableToRoleDefinition"
    assert _assign(azure, STORAGE, _TWO, roleDefinitionId=role).status == 201


def test_an_assignment_is_complete_and_idempotent(azure: Azure) -> None:
    azure.make(RG)
    made = _assign(azure, RG, _ONE, principalType="User", description="why")
    assert made.status == 201
    properties = made.body["properties"]
    assert properties["scope"] == RG
    assert properties["principalType"] == "User"
    assert properties["createdBy"] == azure.who(DEVELOPER).object_id
    azure.clock.advance(60)
    again = _assign(azure, RG, _ONE, principalType="User", description="why")
    assert (again.status, again.body) == (200, made.body)
    assert azure.arm("GET", f"{RG.upper()}{_ASSIGNMENTS}/{_ONE}").body == made.body
    changed = _assign(azure, RG, _ONE, description="because")
    assert (changed.status, changed.body["properties"]["description"]) == (200, "because")
    gone = azure.arm("DELETE", f"{RG}{_ASSIGNMENTS}/{_ONE}")
    assert (gone.status, gone.body["name"]) == (200, _ONE)
    assert azure.arm("DELETE", f"{RG}{_ASSIGNMENTS}/{_ONE}").status == 204
    assert azure.arm("GET", f"{RG}{_ASSIGNMENTS}/{_ONE}").status == 404


def test_an_assignment_that_azure_refuses(azure: Azure) -> None:
    azure.make(RG)
    assert _assign(azure, RG, _ONE).status == 201
    twin = _assign(azure, RG, _TWO)
    assert (twin.status, twin.code) == (409, "RoleAssignmentExists")
    assert _ONE.replace("-", "") in twin.message
    for refused in (_assign(azure, RG, _ONE, who=BOB), _assign(azure, SUB, _ONE)):
        assert (refused.status, refused.code) == (400, "RoleAssignmentUpdateNotPermitted")
    nobody = _assign(azure, RG, _TWO, principalId="33333333-3333-4333-8333-333333333333")
    assert (nobody.status, nobody.code) == (400, "PrincipalNotFound")
    assert _assign(azure, RG, _TWO, who=BOB, principalType="ServicePrincipal").code == "UnmatchedPrincipalType"
    no_role = _assign(azure, RG, _TWO, who=BOB, roleDefinitionId=f"{SUB}{_DEFINITIONS}/{_TWO}")
    assert (no_role.status, no_role.code) == (404, "RoleDefinitionDoesNotExist")
    assert _assign(azure, RG, "not-a-guid").code == "InvalidRoleAssignmentId"
    assert _assign(azure, f"{SUB}/resourceGroups/none", _TWO).code == "ResourceGroupNotFound"
    assert _assign(azure, RG, _TWO, who=BOB, principalId=7).code == "InvalidRequestContent"


def test_assigning_takes_the_permission(azure: Azure) -> None:
    azure.make(RG)
    azure.assign(ALICE, "Contributor", RG)
    body = {"principalId": azure.who(BOB).object_id, "roleDefinitionId": f"{SUB}{_DEFINITIONS}/{_READER}"}
    refused = azure.arm("PUT", f"{RG}{_ASSIGNMENTS}/{_ONE}", {"properties": body}, who=ALICE)
    assert (refused.status, "Microsoft.Authorization/roleAssignments/write" in refused.message) == (403, True)


def test_assignments_are_listed_above_at_and_below(azure: Azure) -> None:
    azure.make(*CHAIN[:2])
    group = azure.cloud.directory.add_group("team")
    azure.cloud.directory.add_member(group.object_id, azure.who(ALICE).object_id)
    _assign(azure, RG, _ONE)
    _assign(azure, STORAGE, _TWO, principalId=group.object_id)
    path = f"{RG}{_ASSIGNMENTS}"
    owner = next(key for key, _ in azure.cloud.store.scan("assignments") if key not in (_ONE, _TWO))
    assert set(_listed(azure, path)) == {owner, _ONE, _TWO}
    assert set(_listed(azure, f"{path}?$filter=atScope()")) == {owner, _ONE}
    alice = azure.who(ALICE).object_id
    assert _listed(azure, f"{path}?$filter=principalId eq '{alice}'") == [_ONE]
    assert set(_listed(azure, f"{path}?$filter=assignedTo('{alice}')")) == {_ONE, _TWO}
    assert _listed(azure, f"{path}?$filter=atScope() and assignedTo('{alice}')") == [_ONE]
    assert azure.arm("GET", f"{SUB}{_ASSIGNMENTS}", who=ALICE).status == 403


def test_assignments_inside_a_group_go_with_it(azure: Azure) -> None:
    azure.make(*CHAIN)
    _assign(azure, RG, _ONE)
    _assign(azure, WORKSPACE, _TWO)
    azure.arm("DELETE", RG)
    azure.wait()
    assert [document["properties"]["scope"] for _, document in azure.cloud.store.scan("assignments")] == [SUB]


def test_permissions_are_told_and_denials_there_are_none(azure: Azure) -> None:
    azure.make(RG)
    _assign(azure, RG, _ONE)
    path = f"{RG}/providers/Microsoft.Authorization/permissions"
    assert [each["actions"] for each in azure.arm("GET", path, who=ALICE).body["value"]] == [["*/read"]]
    assert azure.arm("GET", path, who=BOB).body["value"] == []
    denials = f"{RG}/providers/Microsoft.Authorization/denyAssignments"
    assert azure.arm("GET", denials, who=ALICE).body["value"] == []
    assert azure.arm("GET", denials, who=BOB).status == 403


def test_what_is_not_there_is_told_in_azures_words(azure: Azure) -> None:
    """pulumi/pulumi-azure#840; openshift/installer#4829."""
    azure.make(RG)
    role = azure.arm("GET", f"{SUB}{_DEFINITIONS}/{_ONE}")
    assert (role.status, role.code) == (404, "RoleDefinitionDoesNotExist")
    assert role.message == f"The specified role definition with ID '{_ONE}' does not exist."
    assignment = azure.arm("GET", f"{RG}{_ASSIGNMENTS}/{_ONE}")
    assert (assignment.status, assignment.code) == (404, "RoleAssignmentNotFound")
    assert assignment.message == f"The role assignment '{_ONE}' is not found."
