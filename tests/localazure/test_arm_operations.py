"""MLflow operations that are requests to Resource Manager: each needs all of its actions, by the hand-written table."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.localazure.control import ALICE, CHAIN, SUB, WORKSPACE, Answer, Azure
from tests.rbac.expected import ALLOWED, PERSONA_ACTIONS, REQUESTS, REQUIRED, Asked

_DEFINITION = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/11111111-1111-4111-8111-111111111111"
_ASSIGNMENT = f"{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/22222222-2222-4222-8222-222222222222"
CALLS = [asked for asked in REQUESTS if asked.service == "arm"]
OPERATIONS = list(dict.fromkeys(asked.operation for asked in CALLS))


def grant(azure: Azure, actions: Iterable[str]) -> None:
    """Let Alice do exactly this in the workspace."""
    role = {
        "roleName": "what alice may do",
        "permissions": [{"actions": sorted(actions)}],
        "assignableScopes": [SUB],
    }
    assert azure.arm("PUT", _DEFINITION, {"properties": role}).status == 201
    given = {"principalId": azure.who(ALICE).object_id, "roleDefinitionId": _DEFINITION}
    assert azure.arm("PUT", _ASSIGNMENT, {"properties": given}).status in (200, 201)


def ask(azure: Azure, asked: Asked) -> Answer:
    """Ask as Alice for what is not there; with a body that says nothing, which is looked at after the permission."""
    path = asked.path.replace("{model}", "m1").replace("{version}", "1").replace("{job}", "j1")
    return azure.arm(asked.method, WORKSPACE + path, {} if asked.method == "PUT" else None, who=ALICE)


def check_refused(answer: Answer, asked: Asked, missing: str) -> None:
    assert (answer.status, answer.code) == (403, "AuthorizationFailed"), asked
    for named in (ALICE, f"'{missing}'", WORKSPACE):
        assert named in answer.message, asked


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_needs_each_of_its_actions_and_no_more(azure: Azure, operation: str) -> None:
    azure.make(*CHAIN[:6])
    mine = [asked for asked in CALLS if asked.operation == operation]
    for missing in REQUIRED[operation]:
        # One action that nothing asks for, since a role has to hold one.
        grant(azure, {"Microsoft.Resources/tags/read", *REQUIRED[operation]} - {missing})
        for asked in mine:
            check_refused(ask(azure, asked), asked, missing)
    grant(azure, REQUIRED[operation])
    for asked in mine:
        assert ask(azure, asked).status in (200, 201, 204, 400, 404), asked


@pytest.mark.parametrize("who", PERSONA_ACTIONS)
def test_a_persona_asks_what_the_table_allows_it_and_nothing_else(azure: Azure, who: str) -> None:
    azure.make(*CHAIN[:6])
    grant(azure, PERSONA_ACTIONS[who])
    for asked in CALLS:
        answer = ask(azure, asked)
        if asked.operation in ALLOWED[who]:
            assert answer.status in (200, 201, 204, 400, 404), asked
        else:
            lacking = [each for each in REQUIRED[asked.operation] if each not in PERSONA_ACTIONS[who]]
            check_refused(answer, asked, lacking[0])
