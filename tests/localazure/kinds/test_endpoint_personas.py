"""Who may do what with endpoints, by real requests of each persona, against a table written by hand.

Sources: Microsoft, "Authentication and authorization for online endpoints" (control plane operations), and what each
persona says of itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.localazure.control import ALICE, BLUE, BODIES, CHAIN, ENDPOINT, GREEN, WORKSPACE, Azure
from tests.localazure.test_arm_operations import grant
from tests.rbac.expected import PERSONA_ACTIONS

NEW = f"{WORKSPACE}/onlineEndpoints/new"
CODE, ENVIRONMENT = f"{WORKSPACE}/codes/c/versions/1", f"{WORKSPACE}/environments/e/versions/1"
SCRIPT = {"environmentId": ENVIRONMENT, "codeConfiguration": {"codeId": CODE, "scoringScript": "score.py"}}
CUSTOM: dict[str, Any] = {**BODIES[GREEN], "properties": {**BODIES[GREEN]["properties"], **SCRIPT}}
TRAFFIC = {"properties": {"traffic": {"blue": 100}}}
REQUESTS: Mapping[str, tuple[str, str, Any]] = {
    "see an endpoint": ("GET", ENDPOINT, None),
    "list endpoints": ("GET", f"{WORKSPACE}/onlineEndpoints", None),
    "see a deployment": ("GET", BLUE, None),
    "sizes": ("GET", f"{BLUE}/skus", None),
    "is a name free": ("GET", f"{NEW}/checkNameAvailability", None),
    "keys": ("POST", f"{ENDPOINT}/listKeys", {}),
    "new keys": ("POST", f"{ENDPOINT}/regenerateKeys", {"keyType": "Primary"}),
    "logs": ("POST", f"{BLUE}/getLogs", {}),
    "make an endpoint": ("PUT", NEW, BODIES[ENDPOINT]),
    "deploy a model": ("PUT", GREEN, BODIES[GREEN]),
    "deploy a script": ("PUT", GREEN, CUSTOM),
    "move traffic": ("PATCH", ENDPOINT, TRAFFIC),
    "delete a deployment": ("DELETE", BLUE, None),
    "delete an endpoint": ("DELETE", ENDPOINT, None),
    "register an environment": ("PUT", ENVIRONMENT, {"properties": {"image": "ubuntu"}}),
}
# The persona or personas -> what they may; everything else is refused.
ALLOWED: Mapping[str, frozenset[str]] = {
    "viewer": frozenset(),
    "tracker": frozenset(),
    "registrar": frozenset(),
    "submitter": frozenset({"register an environment"}),
    "operator": frozenset(),
    "scorer": frozenset({"see an endpoint", "list endpoints"}),
    "deployer": frozenset(REQUESTS) - {"deploy a script", "register an environment"},
    "deployer+submitter": frozenset(REQUESTS),
}


@pytest.mark.parametrize("who", ALLOWED)
def test_each_persona_may_do_what_the_table_says_and_nothing_else(azure: Azure, who: str) -> None:
    azure.make(*CHAIN[:6], ENDPOINT, BLUE)
    azure.arm("PUT", CODE, {"properties": {"codeUri": "https://stacct1.blob.core.windows.net/code"}})
    azure.arm("PUT", ENVIRONMENT, {"properties": {"image": "ubuntu"}})
    grant(azure, frozenset().union(*(PERSONA_ACTIONS[each] for each in who.split("+"))))
    wrong = []
    for what, (method, path, body) in REQUESTS.items():
        status = azure.arm(method, path, body, who=ALICE).status
        if (status == 403) is (what in ALLOWED[who]) or (status >= 400 and status != 403):
            wrong.append((what, status))
        azure.wait()
        azure.arm("PATCH", ENDPOINT, {"properties": {"traffic": {}}})
        azure.wait()
    assert wrong == []


def test_every_persona_is_in_the_table() -> None:
    assert set(ALLOWED) - {"deployer+submitter"} == set(PERSONA_ACTIONS)


def test_a_scorer_of_one_endpoint_has_no_other(azure: Azure) -> None:
    azure.make(*CHAIN[:6], ENDPOINT)
    azure.arm("PUT", NEW, BODIES[ENDPOINT])
    azure.wait()
    role = f"{WORKSPACE.partition('/resourceGroups')[0]}/providers/Microsoft.Authorization/roleDefinitions"
    definition = f"{role}/11111111-1111-4111-8111-111111111111"
    told = {"roleName": "scorer", "permissions": [{"actions": sorted(PERSONA_ACTIONS["scorer"])}]}
    scope = WORKSPACE.partition("/resourceGroups")[0]
    azure.arm("PUT", definition, {"properties": {**told, "assignableScopes": [scope]}})
    given = {"principalId": azure.who(ALICE).object_id, "roleDefinitionId": definition}
    assignment = f"{ENDPOINT}/providers/Microsoft.Authorization/roleAssignments/{azure.cloud.ids.guid()}"
    assert azure.arm("PUT", assignment, {"properties": given}).status == 201
    score = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action"
    alice = azure.who(ALICE).object_id
    decide = azure.cloud.enforcer.decide
    assert [azure.arm("GET", path, who=ALICE).status for path in (ENDPOINT, NEW, WORKSPACE)] == [200, 403, 403]
    assert [decide(alice, score, path).allowed for path in (ENDPOINT, NEW)] == [True, False]
