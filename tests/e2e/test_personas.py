"""Every persona and built-in role x every MLflow operation, by real requests, against the table written by hand."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from azmlflow.rbac.roles import built_in_role
from tests.e2e.estate import Estate
from tests.e2e.people import ARM, ARM_VERSION, ML_VERSION, Person, add_users, sign_in
from tests.e2e.world import Ask, World, requests_of

pytestmark = pytest.mark.e2e

EXPECTED = json.loads((Path(__file__).parents[1] / "rbac" / "data" / "persona-operations.json").read_text())
OPERATIONS = tuple(EXPECTED["required_actions"])
ROLES = tuple(EXPECTED["allowed"])
BAD_REQUEST, FORBIDDEN = 400, 403


def upn(role: str) -> str:
    """The user who has a role: `azureml-data-scientist@roles.test`."""
    return "".join(letter if letter.isalnum() else "-" for letter in role.lower()).strip("-") + "@roles.test"


@dataclass(frozen=True)
class Stage:
    """A standing estate in which each role of the table is held by a user of its own, at the workspace."""

    world: World
    sibling: World
    elsewhere: World
    people: Mapping[str, Person]
    _asked: dict[tuple[str, str], list[Ask]] = field(default_factory=dict)

    def requests(self, operation: str, world: World) -> list[Ask]:
        """The requests of an operation, on things that stay as they are, since whoever makes these is refused."""
        key = operation, world.workspace
        if key not in self._asked:
            self._asked[key] = requests_of(operation, world)
        return self._asked[key]


def world_of(owner: Person, workspace: Mapping[str, Any]) -> World:
    return World(owner, workspace["id"], f"https://{workspace['location']}.api.azureml.ms")


def workspace_of(owner: Person, workspace_id: str) -> dict[str, Any]:
    answer = owner.ask("GET", f"{ARM}{workspace_id}", params=ML_VERSION)
    answer.raise_for_status()
    workspace: dict[str, Any] = answer.json()
    return workspace


def make_sibling(owner: Person, workspace: Mapping[str, Any]) -> dict[str, Any]:
    """A second workspace in the same group, over the same storage, vault and insights."""
    linked = {name: workspace["properties"][name] for name in ("storageAccount", "keyVault", "applicationInsights")}
    body = {"location": workspace["location"], "identity": {"type": "SystemAssigned"}, "properties": linked}
    url = f"{ARM}{workspace['id']}-sibling"
    owner.ask("PUT", url, params=ML_VERSION, json=body).raise_for_status()
    return workspace_of(owner, f"{workspace['id']}-sibling")


def assign(owner: Person, role: str, user_id: str, scope: str) -> None:
    guid = built_in_role(role).id
    definition = f"/{'/'.join(scope.split('/')[1:3])}/providers/Microsoft.Authorization/roleDefinitions/{guid}"
    properties = {"principalId": user_id, "principalType": "User", "roleDefinitionId": definition}
    url = f"{ARM}{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid5(uuid.NAMESPACE_URL, role)}"
    owner.ask("PUT", url, params=ARM_VERSION, json={"properties": properties}).raise_for_status()


@pytest.fixture(scope="module")
def stage(estate: Estate, holders: Mapping[str, str]) -> Iterator[Stage]:
    with ExitStack() as open_people:
        yield make_stage(estate, holders, open_people)


def make_stage(estate: Estate, holders: Mapping[str, str], open_people: ExitStack) -> Stage:
    """Stand the other workspaces up, make the users of built-in roles, sign all in."""
    owner = open_people.enter_context(sign_in(estate, "developer@local.test"))
    workspace = workspace_of(owner, estate.outputs()["workspaceId"])
    estate.azmlflow("init", "elsewhere", "--cloud", "local", "--yes")
    estate.azmlflow("up", "--stack", "elsewhere")
    other = estate.outputs("elsewhere")["workspaceId"]
    built_in = [role for role in ROLES if role not in holders]
    ids = add_users(estate, [upn(role) for role in built_in])
    for role in built_in:
        assign(owner, role, ids[upn(role)], workspace["id"])
    assert all(holders[role] == upn(role) for role in ROLES if role in holders)
    return Stage(
        world=world_of(owner, workspace),
        sibling=world_of(owner, make_sibling(owner, workspace)),
        elsewhere=world_of(owner, workspace_of(owner, other)),
        people={role: open_people.enter_context(sign_in(estate, upn(role))) for role in ROLES},
    )


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_role_may_do_what_the_table_says_and_nothing_else(stage: Stage, role: str, operation: str) -> None:
    allowed = operation in EXPECTED["allowed"][role]
    for method, url, options in (requests_of if allowed else stage.requests)(operation, stage.world):
        answer = stage.people[role].ask(method, url, **options)
        told = f"{role} {method} {url}: {answer.status_code} {answer.text}"
        if not allowed:
            assert answer.status_code == FORBIDDEN, told
            assert upn(role) in answer.text, told
            assert stage.world.workspace.lower() in answer.text.lower(), told
        elif operation == "submit_job":
            # Allowed: it gets as far as being looked at, and the body names neither command nor cluster.
            assert answer.status_code == BAD_REQUEST, told
        else:
            assert answer.is_success, told


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("place", ["sibling", "elsewhere"])
def test_no_role_reaches_another_workspace_or_group(stage: Stage, role: str, place: str) -> None:
    world: World = getattr(stage, place)
    for operation in OPERATIONS:
        for method, url, options in stage.requests(operation, world):
            answer = stage.people[role].ask(method, url, **options)
            assert answer.status_code == FORBIDDEN, f"{role} {method} {url}: {answer.status_code} {answer.text}"


def test_a_run_of_another_workspace_cannot_be_reached_through_ones_own(stage: Stage) -> None:
    foreign = stage.elsewhere.run()
    tracker = stage.people["tracker"]
    for method, url, options in (
        ("GET", stage.world.mlflow("runs/get"), {"params": {"run_id": foreign}}),
        ("GET", stage.world.artifacts(foreign, ""), {}),
        ("GET", stage.world.artifacts(foreign, "/contentinfo"), {"params": {"path": "a.txt"}}),
        ("POST", stage.world.artifacts(foreign, "/batch/metadata"), {"json": {"paths": [{"path": "x.txt"}]}}),
        (
            "POST",
            stage.world.mlflow("runs/log-metric"),
            {"json": {"run_id": foreign, "key": "m", "value": 1, "timestamp": 1}},
        ),
    ):
        answer = tracker.ask(method, url, **options)
        assert answer.status_code == 404, f"{method} {url}: {answer.status_code} {answer.text}"
