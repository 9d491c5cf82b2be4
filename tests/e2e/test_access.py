"""`azmlflow access` over a standing estate: nested groups, drift of each sort, the page."""

from __future__ import annotations

import os
import shlex
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from azmlflow.localazure.clients import control
from azmlflow.localazure.machine.folder import Folder
from azmlflow.rbac.roles import built_in_role
from tests.e2e.estate import Estate, make_estate

pytestmark = pytest.mark.e2e

GRAPH, ARM = "https://graph.microsoft.com/v1.0", "https://management.azure.com"
DEVELOPER = "developer@local.test"
ML = "Microsoft.MachineLearningServices/workspaces"
# The one command of az that drift advises, by Microsoft's own client.
AZ = """
import sys
from azure.identity import DefaultAzureCredential
from azure.mgmt.authorization import AuthorizationManagementClient
*command, first = sys.argv[1:6]
assert command == ["role", "assignment", "delete", "--ids"]
client = AuthorizationManagementClient(DefaultAzureCredential(), first.split("/")[2])
for each in sys.argv[5:]:
    assert client.role_assignments.delete_by_id(each)
"""


@pytest.fixture(scope="module")
def own_estate(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A standing estate of this module's own: drift is counted, so nobody else may grant there."""
    estate = make_estate(tmp_path_factory.mktemp("access") / "project")
    az = estate.folder / "bin" / "az"
    az.parent.mkdir()
    az.write_text(f"#!{sys.executable}\n{AZ}")
    az.chmod(0o755)
    estate.environment["PATH"] = os.pathsep.join([str(az.parent), estate.environment["PATH"]])
    try:
        estate.azmlflow("up")
        yield estate
    finally:
        estate.azmlflow("local", "stop")


def ask(estate: Estate, method: str, url: str, body: Any = None) -> Any:
    """A request as the developer."""
    answer = control.ask(Folder.at(estate.folder / ".azmlflow" / "local"), method, url, principal=DEVELOPER, body=body)
    assert answer.status < 300, answer
    return answer.body


def assign(estate: Estate, who: str, role: str, scope: str) -> str:
    """Assign a built-in role past azmlflow; the assignment's address."""
    definition = built_in_role(role).definition_id(scope.split("/")[2])
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{who} {role} {scope}")
    url = f"{ARM}{scope}/providers/Microsoft.Authorization/roleAssignments/{name}?api-version=2022-04-01"
    ask(estate, "PUT", url, {"properties": {"principalId": who, "roleDefinitionId": definition}})
    return url


def verdict(estate: Estate, who: str, operation: str) -> dict[str, Any]:
    told: dict[str, Any] = estate.azmlflow("access", "--explain", who, operation, "--output", "json").json()
    return told


def drift(estate: Estate, *, differs: bool) -> list[tuple[str, str]]:
    """The sorts and names of the differences; the exit code says whether there are any."""
    done = estate.azmlflow("access", "--drift", "--output", "json", fails=differs)
    return [(each["sort"], each["name"]) for each in done.json()["drift"]]


def new_user(estate: Estate, name: str) -> str:
    """A new user's object id."""
    found: str = estate.azmlflow("local", "user", "add", name, "--output", "json").json()["id"]
    return found


def test_a_user_in_a_nested_group_gains_and_loses_access(own_estate: Estate) -> None:
    user = new_user(own_estate, "nested@local.test")
    groups = [ask(own_estate, "POST", f"{GRAPH}/groups", {"displayName": name})["id"] for name in ("outer", "inner")]
    own_estate.azmlflow("grant", "outer", "tracker")
    members = f"{GRAPH}/groups/{{}}/members/$ref"
    assert verdict(own_estate, "nested@local.test", "write_run")["verdict"] == "refused"
    for group, member in ((groups[0], groups[1]), (groups[1], user)):
        ask(own_estate, "POST", members.format(group), {"@odata.id": f"{GRAPH}/directoryObjects/{member}"})
    told = verdict(own_estate, "nested@local.test", "write_run")
    assert (told["verdict"], told["actions"][0]["through"]) == ("allowed", groups[0])
    rows = own_estate.azmlflow("access", "--output", "json").json()["principals"]
    assert {"nested@local.test", "outer", "inner", DEVELOPER} <= {row["name"] for row in rows}
    ask(own_estate, "DELETE", f"{GRAPH}/groups/{groups[1]}/members/{user}/$ref")
    told = verdict(own_estate, "nested@local.test", "write_run")
    assert (told["verdict"], told["next"]) == ("refused", "azmlflow grant nested@local.test tracker --stack local")
    own_estate.azmlflow("revoke", "outer")


def follow(estate: Estate) -> list[tuple[str, str, str]]:
    """Type each command that the differences advise, once; their sorts and names, and the first word of the advice."""
    done = estate.azmlflow("access", "--drift", "--output", "json", fails=True)
    found = done.json()["drift"]
    for part in dict.fromkeys(part for each in found for part in each["next"].split(" && ")):
        estate.command(*shlex.split(part))
    return [(each["sort"], each["name"], "az" if " az " in each["next"] else each["next"].split()[1]) for each in found]


def test_drift_of_each_sort_and_what_it_advises_mends_it(own_estate: Estate) -> None:
    workspace = own_estate.outputs()["workspaceId"]
    group = workspace.partition("/providers/")[0]
    assert drift(own_estate, differs=False) == []

    alice = ask(own_estate, "GET", f"{GRAPH}/users/alice@local.test")["id"]
    bob = ask(own_estate, "GET", f"{GRAPH}/users/bob@local.test")["id"]
    granted = own_estate.azmlflow("grant", "alice@local.test", "viewer", "--output", "json").json()
    own_estate.azmlflow("grant", "bob@local.test", "scorer", "--until", "30d")
    assert drift(own_estate, differs=False) == []

    assign(own_estate, alice, "Contributor", group)
    assign(own_estate, bob, "Reader", workspace)
    leaver = new_user(own_estate, "leaver@local.test")
    assign(own_estate, leaver, "Reader", workspace)
    own_estate.azmlflow("local", "user", "remove", "leaver@local.test")
    other = new_user(own_estate, "other@local.test")
    assign(own_estate, other, "Reader", workspace)
    own_estate.azmlflow("set", "grants[1].until", "2026-01-01")
    ask(own_estate, "DELETE", f"{ARM}{granted['assignmentId']}?api-version=2022-04-01")
    assert follow(own_estate) == [
        ("missing", "alice@local.test", "up"),
        ("expired", "bob@local.test", "up"),
        ("undeclared", "bob@local.test", "az"),
        ("undeclared", "other@local.test", "az"),
        ("wider", "alice@local.test", "az"),
        ("orphaned", leaver, "az"),
    ]
    assert drift(own_estate, differs=False) == []

    # A role of ours that allows more now; and the grant's role under a condition only.
    there = ask(own_estate, "GET", f"{ARM}{granted['assignmentId']}?api-version=2022-04-01")["properties"]
    role = f"{ARM}{there['roleDefinitionId']}?api-version=2022-04-01"
    known = ask(own_estate, "GET", role)
    known["properties"]["permissions"][0]["actions"].append(f"{ML}/experiments/runs/write")
    ask(own_estate, "PUT", role, {"properties": known["properties"]})
    assert follow(own_estate) == [("wider", "alice@local.test", "up")]
    assert drift(own_estate, differs=False) == []
    ask(own_estate, "DELETE", f"{ARM}{granted['assignmentId']}?api-version=2022-04-01")
    body = {name: there[name] for name in ("principalId", "roleDefinitionId")}
    under = {**body, "condition": "@Resource[x] StringEquals 'y'", "conditionVersion": "2.0"}
    url = f"{ARM}{workspace}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}?api-version=2022-04-01"
    ask(own_estate, "PUT", url, {"properties": under})
    assert follow(own_estate) == [("missing", "alice@local.test", "az")]
    assert drift(own_estate, differs=False) == []
    own_estate.azmlflow("revoke", "alice@local.test")


def test_an_identity_is_granted_works_and_leaves_an_orphan(own_estate: Estate) -> None:
    """A user-assigned identity, by its ARM id and by the compute that uses it."""
    workspace = own_estate.outputs()["workspaceId"]
    group = workspace.partition("/providers/")[0]
    robot = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/robot"
    made = ask(own_estate, "PUT", f"{ARM}{robot}?api-version=2023-01-31", {"location": "westeurope"})
    who = made["properties"]["principalId"]
    compute = f"{ARM}{workspace}/computes/cpu?api-version=2024-10-01"
    body = ask(own_estate, "GET", compute)
    body["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {robot: {}}}
    ask(own_estate, "PUT", compute, {key: body[key] for key in ("location", "properties", "identity")})

    granted = own_estate.azmlflow("grant", robot, "tracker", "--output", "json").json()
    assert (granted["principalId"], granted["principalType"]) == (who, "ServicePrincipal")
    again = own_estate.azmlflow("grant", "compute/cpu", "tracker", "--output", "json").json()
    assert (again["principalId"], again["changed"]) == (who, False), "the compute asks as that identity"

    ask(own_estate, "DELETE", f"{ARM}{robot}?api-version=2023-01-31")
    found = own_estate.azmlflow("access", "--drift", "--output", "json", fails=True).json()["drift"]
    assert [(each["sort"], each["name"], each["next"]) for each in found] == [
        ("orphaned", who, f"azmlflow revoke {who} --stack local")
    ]
    own_estate.azmlflow("revoke", who)
    assert drift(own_estate, differs=False) == []


def test_the_page_and_the_list(own_estate: Estate, tmp_path: Path) -> None:
    own_estate.azmlflow("access", "--output", "html", "--file", str(tmp_path / "access.html"))
    assert DEVELOPER in (tmp_path / "access.html").read_text()
    lines = own_estate.azmlflow("access", "--output", "csv").out.splitlines()
    assert any(DEVELOPER in line for line in lines[1:])
