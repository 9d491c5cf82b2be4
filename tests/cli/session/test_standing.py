"""A state beside its cloud: what others deleted or changed is found, and no more than that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.local import entering
from azmlflow.cli.pulumi.deployment import Resource, State, without
from azmlflow.cli.session.look.looking import look
from azmlflow.cli.session.standing import mend
from tests.cli.desk import GROUP, GROUP_ID, SUBSCRIPTION, WORKSPACE_ID, Desk, FakeArm

STORAGE_ID = f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/st1"
COMPUTE_ID = f"{WORKSPACE_ID}/computes/cpu"
ROLE = "a0000000-0000-4000-8000-000000000001"
ASSIGNMENT = "b0000000-0000-4000-8000-000000000001"
ROLE_ID = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{ROLE}"
ASSIGNMENT_ID = f"{WORKSPACE_ID}/providers/Microsoft.Authorization/roleAssignments/{ASSIGNMENT}"
LOCK_ID = f"{STORAGE_ID}/providers/Microsoft.Authorization/locks/azmlflow"
LOGS_ID = f"{STORAGE_ID}/blobServices/default/providers/Microsoft.Insights/diagnosticSettings/azmlflow"
BUDGET_ID = f"{GROUP_ID}/providers/Microsoft.Consumption/budgets/azmlflow"
TAGS = {"azmlflow-stack": "local"}


def resource(name: str, type_: str, id_: str, tags: Mapping[str, str] | None = None) -> Resource:
    return Resource(f"urn::{name}", f"azure-native:{type_}", id_, {"tags": tags} if tags else {})


STATE = State(
    (
        resource("group", "resources:ResourceGroup", GROUP_ID, TAGS),
        resource("storage", "storage:StorageAccount", STORAGE_ID, TAGS),
        resource("workspace", "machinelearningservices:Workspace", WORKSPACE_ID, TAGS),
        resource("cpu", "machinelearningservices:Compute", COMPUTE_ID),
        resource("role", "authorization:RoleDefinition", ROLE_ID),
        resource("grant", "authorization:RoleAssignment", ASSIGNMENT_ID),
        resource("lock", "authorization:ManagementLockByScope", LOCK_ID),
        resource("logs", "monitor:DiagnosticSetting", LOGS_ID),
        resource("budget", "consumption:Budget", BUDGET_ID),
        Resource("urn::elsewhere", "aws:s3:Bucket", "a-bucket"),
    )
)


@pytest.fixture
def arm() -> FakeArm:
    found = FakeArm()
    found.put(GROUP_ID, tags=TAGS)
    found.put(STORAGE_ID, type="Microsoft.Storage/storageAccounts", tags=TAGS)
    found.put(WORKSPACE_ID, type="Microsoft.MachineLearningServices/workspaces", tags=TAGS)
    found.put(COMPUTE_ID)
    found.put(ROLE_ID)
    found.put(ASSIGNMENT_ID)
    for id_ in (LOCK_ID, LOGS_ID, BUDGET_ID):
        found.put(id_)
    return found


def gone(arm: FakeArm) -> list[str]:
    return sorted(each.name for each in look(arm.open(), STATE).gone)


def test_all_stands(arm: FakeArm) -> None:
    found = look(arm.open(), STATE)
    assert (found.gone, found.retagged, found.unseen, found.says()) == ((), (), (), ())


@pytest.mark.parametrize(
    ("id_", "names"),
    [
        (STORAGE_ID, ["storage"]),
        (COMPUTE_ID, ["cpu"]),
        (ASSIGNMENT_ID, ["grant"]),
        (ROLE_ID, ["role"]),
        (LOCK_ID, ["lock"]),
        (LOGS_ID, ["logs"]),
        (BUDGET_ID, ["budget"]),
    ],
)
def test_what_was_deleted_elsewhere(arm: FakeArm, id_: str, names: list[str]) -> None:
    del arm.documents[id_.lower()]
    assert gone(arm) == names


def test_the_letters_of_an_id_do_not_matter(arm: FakeArm) -> None:
    arm.documents[STORAGE_ID.lower()]["id"] = STORAGE_ID.upper()
    assert gone(arm) == []


def test_a_group_that_is_gone_takes_all_with_it_but_its_roles(arm: FakeArm) -> None:
    for id_ in [each for each in arm.documents if each.startswith(GROUP_ID.lower())]:
        del arm.documents[id_]
    found = look(arm.open(), STATE)
    names = ["budget", "cpu", "grant", "group", "lock", "logs", "storage", "workspace"]
    assert sorted(each.name for each in found.gone) == names
    assert found.without_workspace
    assert found.says() == (f"resource group `{GROUP}` was deleted elsewhere, with all in it",)


@pytest.mark.parametrize(
    ("tags", "differs"),
    [({"azmlflow-stack": "other"}, True), ({}, True), (None, True), ({**TAGS, "team": "x"}, False)],
)
def test_tags_that_others_changed_and_those_that_they_added(arm: FakeArm, tags: Any, differs: bool) -> None:
    arm.documents[STORAGE_ID.lower()]["tags"] = tags
    found = look(arm.open(), STATE)
    assert [each.name for each in found.retagged] == (["storage"] if differs else [])
    assert found.gone == ()


def test_what_may_not_be_asked_counts_as_standing_and_is_told(arm: FakeArm) -> None:
    class Blind(FakeArm):
        def list(self, path: str) -> Any:
            if path.endswith("/roleAssignments"):
                raise ArmError(403, "AuthorizationFailed", "no", path)
            return super().list(path)

    blind = Blind(arm.documents)
    del blind.documents[ASSIGNMENT_ID.lower()]
    found = look(blind.open(), STATE)
    assert found.gone == ()
    assert found.unseen == ("whether they stand may not be asked: role assignment (AuthorizationFailed)",)


def test_another_refusal_is_an_error(arm: FakeArm) -> None:
    class Broken(FakeArm):
        def get(self, path: str) -> Any:
            raise ArmError(500, "InternalServerError", "broken", path)

    with pytest.raises(ArmError, match="InternalServerError"):
        look(Broken(arm.documents).open(), STATE)


def test_a_state_without_what_is_gone_points_at_nothing_that_is_gone() -> None:
    entries = [
        {"urn": "a", "type": "t"},
        {
            "urn": "b",
            "type": "t",
            "dependencies": ["a", "c"],
            "propertyDependencies": {"x": ["a"], "y": ["c"]},
            "deletedWith": "a",
        },
        {"urn": "c", "type": "t", "deletedWith": "b"},
    ]
    assert without({"manifest": 1, "resources": entries}, {"a"}) == {
        "manifest": 1,
        "resources": [
            {"urn": "b", "type": "t", "dependencies": ["c"], "propertyDependencies": {"x": [], "y": ["c"]}},
            {"urn": "c", "type": "t", "deletedWith": "b"},
        ],
    }


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entering, "running", lambda _project: True)


@pytest.mark.usefixtures("running")
def test_up_makes_again_what_was_deleted_and_sets_back_what_was_retagged(desk: Desk, arm: FakeArm) -> None:
    desk.settings()
    desk.stand(*(each for each in STATE.resources if each.id != "a-bucket"))
    desk.arm.documents.update(arm.documents)
    del desk.arm.documents[ASSIGNMENT_ID.lower()]
    desk.arm.documents[STORAGE_ID.lower()]["tags"] = {}
    status = desk.run("status")
    assert "role assignment `grant` was deleted elsewhere" in status.out
    assert "the tags of storage account `storage` were changed elsewhere" in status.out
    preview = desk.run("preview")
    assert "role assignment `grant` was deleted elsewhere; `up` puts it right" in preview.out
    assert desk.stack.calls == ["preview"], "to look changes nothing"
    desk.stack.calls.clear()
    assert desk.run("up", "--yes").code == 0
    assert desk.stack.calls == ["forget grant", "refresh storage", "up"]


@pytest.mark.usefixtures("running")
def test_status_says_when_the_workspace_is_gone(desk: Desk) -> None:
    desk.settings()
    desk.stand(resource("workspace", "machinelearningservices:Workspace", WORKSPACE_ID))
    document = desk.run("status", "--output", "json").json()
    assert (document["stands"], document["asked"]) == (False, True)
    assert "the workspace is not there" in desk.run("status").out


ACTIONS = ["Microsoft.MachineLearningServices/workspaces/read", "Microsoft.MachineLearningServices/workspaces/jobs/*"]


@pytest.mark.parametrize(
    ("permissions", "changed"),
    [
        ([{"actions": ACTIONS, "notActions": []}], False),
        ([{"actions": [each.lower() for each in reversed(ACTIONS)], "notActions": [], "dataActions": []}], False),
        ([{"actions": ACTIONS[:1], "notActions": []}], True),
        ([{"actions": [*ACTIONS, "*"], "notActions": []}], True),
        ([{"actions": ACTIONS, "notActions": [ACTIONS[0]]}], True),
        ([{"actions": ACTIONS, "dataActions": ["Microsoft.Storage/*"]}], True),
        ([{"actions": ACTIONS}, {"actions": ["*"]}], True),
        ([], True),
    ],
)
def test_a_role_that_was_edited_elsewhere(arm: FakeArm, permissions: list[dict[str, Any]], changed: bool) -> None:
    inputs = {"permissions": [{"actions": ACTIONS, "notActions": []}]}
    role = Resource("urn::role", "azure-native:authorization:RoleDefinition", ROLE_ID, inputs)
    arm.put(ROLE_ID, properties={"roleName": "role", "type": "CustomRole", "permissions": permissions})
    found = look(arm.open(), State((role,)))
    assert (found.rewritten, found.gone) == ((role,) if changed else (), ())
    assert found.says() == (("what role definition `role` allows was changed elsewhere",) if changed else ())


def test_a_role_that_was_edited_elsewhere_is_refreshed_so_that_up_sets_it_back(desk: Desk) -> None:
    inputs = {"permissions": [{"actions": ACTIONS}]}
    role = Resource("urn::role", "azure-native:authorization:RoleDefinition", ROLE_ID, inputs)
    desk.settings()
    desk.stand(role)
    desk.arm.put(ROLE_ID, properties={"permissions": [{"actions": ["*"]}]})
    done = desk.run("up")
    assert "refresh role" in desk.stack.calls
    assert "what role definition `role` allows was changed elsewhere" in done.err


SERVED_ID = f"{WORKSPACE_ID}/onlineEndpoints/wine"
BLUE_ID = f"{SERVED_ID}/deployments/wine-1"
TRAFFIC_ID = f"{GROUP_ID}/providers/Microsoft.Resources/deployments/wine-traffic"
WRITTEN = {"authMode": "Key", "traffic": {"wine-1": 90.0, "wine-2": 10.0}, "mirrorTraffic": {}}


def template(**properties: Any) -> Mapping[str, Any]:
    type_ = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
    written = {
        "type": type_,
        "name": f"{WORKSPACE_ID.rpartition('/')[2]}/wine",
        "properties": {**WRITTEN, **properties},
    }
    return {"properties": {"template": {"metadata": {"endpointMade": ""}, "resources": [written]}}}


# Somebody's own template, in which a name is an expression.
OTHERS = {"type": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints", "name": "[variables('e')]"}


SERVED = State(
    (
        *STATE.resources,
        resource("endpoint", "machinelearningservices:OnlineEndpoint", SERVED_ID),
        resource("blue", "machinelearningservices:OnlineDeployment", BLUE_ID),
        Resource("urn::traffic", "azure-native:resources:Deployment", TRAFFIC_ID, template()),
        Resource(
            "urn::other",
            "azure-native:resources:Deployment",
            f"{TRAFFIC_ID}2",
            {"properties": {"template": {"resources": [OTHERS]}}},
        ),
    )
)


@pytest.fixture
def served(arm: FakeArm) -> FakeArm:
    now = {"authMode": "Key", "traffic": {"wine-1": 90, "wine-2": 10, "old": 0}, "mirrorTraffic": None}
    arm.put(SERVED_ID, properties=now)
    arm.put(BLUE_ID)
    return arm


def test_an_endpoint_stands_as_its_template_wrote_it(served: FakeArm) -> None:
    found = look(served.open(), SERVED)
    assert (found.says(), found.gone) == ((), ()), "a group's list has no deployments of templates, of others neither"


@pytest.mark.parametrize(
    "change",
    [
        {"traffic": {"wine-1": 100}},
        {"traffic": {}},
        {"mirrorTraffic": {"wine-3": 10}},
        {"authMode": "AADToken"},
    ],
)
def test_traffic_that_somebody_moved(served: FakeArm, change: dict[str, Any]) -> None:
    served.documents[SERVED_ID.lower()]["properties"] |= change
    found = look(served.open(), SERVED)
    assert [each.urn for each in found.moved] == ["urn::traffic"]
    assert found.says() == ("the traffic of online endpoint `wine` was moved elsewhere",)


def test_moved_traffic_is_given_anew(served: FakeArm, desk: Desk) -> None:
    served.documents[SERVED_ID.lower()]["properties"]["traffic"] = {}
    served.put(TRAFFIC_ID)
    desk.stack.held = SERVED
    told: list[str] = []
    mend(desk.stack, look(served.open(), SERVED), told.append, served.open)
    assert served.calls == [f"DELETE {TRAFFIC_ID}"], "the engine makes nothing that is there"
    assert desk.stack.calls == ["forget traffic"]
    assert told == ["the traffic of online endpoint `wine` was moved elsewhere"]


@pytest.mark.parametrize(("id_", "name"), [(SERVED_ID, "endpoint"), (BLUE_ID, "blue")])
def test_an_endpoint_or_deployment_that_was_deleted_elsewhere(served: FakeArm, id_: str, name: str) -> None:
    del served.documents[id_.lower()]
    found = look(served.open(), SERVED)
    assert [each.name for each in found.gone] == [name]
    assert found.moved == ()
