"""`why`: three lines, what the stack is asked, and what is told where nothing can be."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from azmlflow.cli.pulumi import engine
from azmlflow.cli.session.collaborators import Collaborators
from azmlflow.infra.plan.identifiers import Place
from azmlflow.rbac.facts import Facts
from azmlflow.rbac.live.people import Tenant
from azmlflow.rbac.records import RoleAssignment, RoleDefinition
from azmlflow.rbac.report.access import WhoIsWho
from azmlflow.rbac.roles import built_in_role, persona
from tests.cli.desk import ALICE, GROUP, GROUP_ID, SUBSCRIPTION, WORKSPACE, WORKSPACE_ID, Desk, assignment_id

PLACE = Place(SUBSCRIPTION, GROUP, WORKSPACE)
STORAGE = f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/stone"
TRACKER = RoleDefinition(PLACE.role_definition_id("tracker"), "azmlflow tracker", persona("tracker").permissions)
DATA = built_in_role("Storage Blob Data Contributor").definition()
HERS = RoleAssignment(assignment_id(PLACE, "tracker", ALICE.id), ALICE.id, TRACKER.id, WORKSPACE_ID)
HERS_TOO = RoleAssignment(f"{STORAGE}/hers", ALICE.id, DATA.id, STORAGE)
GRANT = (
    "config:\n  azmlflow:cloud: local\n  azmlflow:grants:\n"
    f"    - principalId: {ALICE.id}\n      principalType: User\n      displayName: {ALICE.name}\n"
    "      persona: tracker\n      until: 'UNTIL'\n"
)


def refused(action: str = "experiments/runs/write", scope: str = WORKSPACE_ID) -> str:
    return (
        f"The client '{ALICE.name}' with object id '{ALICE.id}' does not have authorization to perform action "
        f"'Microsoft.MachineLearningServices/workspaces/{action}' over scope '{scope}' or the scope is invalid."
    )


@pytest.fixture(autouse=True)
def engine_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "present", lambda _environment: engine.Engine("/opt/pulumi", "3.259.0", "built"))  # type: ignore[arg-type]


@pytest.fixture
def stands(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A standing stack, with whatever assignments a test gives."""
    desk.settings()
    desk.stand_whole()
    ml = "Microsoft.MachineLearningServices/workspaces"
    desk.arm.put(WORKSPACE_ID, type=ml, properties={"storageAccount": STORAGE})
    desk.arm.put(STORAGE, properties={})
    connect = desk.connect

    def hold(*assignments: RoleAssignment) -> None:
        facts = Facts(assignments, [TRACKER, DATA], (), {}, {f"/subscriptions/{SUBSCRIPTION}": ()}, ())

        def read(_subscription: str, _scope: str, _also: tuple[str, ...]) -> Tenant:
            return Tenant(facts, WhoIsWho({}))

        monkeypatch.setattr(desk, "connect", lambda: _with(connect(), read))

    hold()
    return hold


def _with(ports: Collaborators, read: Any) -> Collaborators:
    return dataclasses.replace(ports, read_tenant=read)


def asked(desk: Desk, text: str, *words: str) -> dict[str, Any]:
    done = desk.run("why", text, "-o", "json", *words)
    found: dict[str, Any] = done.json()
    assert done.code == (0 if found["known"] else 1)
    return found


def test_three_lines(desk: Desk, stands: Callable[..., None]) -> None:
    done = desk.run("why", refused())
    assert done.code == 0
    assert [line.partition(":")[0] for line in done.out.splitlines()] == ["cause", "confirmed", "next"]
    assert "confirmed: yes: No role assignment of alice@local.test" in done.out
    assert done.out.endswith("next: azmlflow grant alice@local.test tracker\n")


def test_who_may_do_it_by_now_is_told_so(desk: Desk, stands: Callable[..., None]) -> None:
    stands(HERS)
    found = asked(desk, refused())
    assert (found["confirmed"], found["says"]) == (False, "alice@local.test may do it now")
    assert "ten minutes" in found["next"]


def test_a_grant_that_has_ended_is_the_cause(desk: Desk, stands: Callable[..., None]) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    desk.settings(text=GRANT.replace("UNTIL", str(yesterday)))
    found = asked(desk, refused())
    assert found["says"] == f"the grant of tracker to alice@local.test ended on {yesterday}"
    assert found["next"] == "azmlflow grant alice@local.test tracker --until 30d"


def test_what_no_persona_has_gets_a_role(desk: Desk, stands: Callable[..., None]) -> None:
    found = asked(desk, refused("computes/write"))
    assert found["next"].startswith(
        f"azmlflow run --without-stack -- az role assignment create --assignee {ALICE.id} --role "
    )


def test_another_place_is_not_judged_by_this_stack(desk: Desk, stands: Callable[..., None]) -> None:
    found = asked(desk, refused(scope=f"/subscriptions/{SUBSCRIPTION}/resourceGroups/other"))
    assert found["confirmed"] is None
    assert "outside of stack `local`" in found["says"]


@pytest.mark.parametrize(("held", "confirmed"), [((), True), ((HERS_TOO,), False)])
def test_a_data_role_is_asked_about_for_whom_it_is_said(
    desk: Desk, stands: Callable[..., None], held: tuple[RoleAssignment, ...], confirmed: bool
) -> None:
    stands(*held)
    found = asked(desk, "ErrorCode:AuthorizationPermissionMismatch", "--as", ALICE.name)
    assert found["confirmed"] is confirmed
    assert ALICE.name in found["says"]


@pytest.mark.parametrize(
    ("properties", "confirmed"),
    [
        ({}, False),
        ({"publicNetworkAccess": "Disabled"}, True),
        ({"networkRuleSet": {"defaultAction": "Deny"}}, True),
        ({"networkRuleSet": {"defaultAction": "Allow"}}, False),
    ],
)
def test_a_closed_account(desk: Desk, stands: Callable[..., None], properties: dict[str, Any], confirmed: bool) -> None:
    desk.arm.put(STORAGE, properties=properties)
    assert asked(desk, "ErrorCode:AuthorizationFailure")["confirmed"] is confirmed


@pytest.mark.parametrize(("allowed", "confirmed"), [(False, True), (True, False)])
def test_an_account_without_keys(desk: Desk, stands: Callable[..., None], allowed: bool, confirmed: bool) -> None:
    desk.arm.put(STORAGE, properties={"allowSharedKeyAccess": allowed})
    assert asked(desk, "KeyBasedAuthenticationNotPermitted")["confirmed"] is confirmed


def test_a_closed_workspace_and_a_registry_that_it_has_not(desk: Desk, stands: Callable[..., None]) -> None:
    text = "Access to workspace was denied based on workspace private link configuration."
    assert asked(desk, text)["says"] == f"workspace {WORKSPACE} is open to public networks now"
    found = asked(desk, "client with IP '203.0.113.7' is not allowed access")
    assert (found["confirmed"], found["cause"]) == (None, "The container registry does not let in 203.0.113.7.")


def test_a_compute_that_is_not_there(desk: Desk, stands: Callable[..., None]) -> None:
    desk.arm.put(f"{WORKSPACE_ID}/computes/cpu")
    assert asked(desk, "Compute target 'gpu' was not found in the workspace.")["says"] == "the workspace has cpu"
    assert asked(desk, "Compute target 'CPU' was not found in the workspace.")["confirmed"] is False


def test_a_resource_of_another_workspace(desk: Desk, stands: Callable[..., None]) -> None:
    said = "The Resource 'Microsoft.MachineLearningServices/workspaces/{}' under resource group '{}' was not found."
    other = asked(desk, said.format("mlw-other", GROUP))
    assert other["confirmed"] is True
    assert other["next"].startswith("azmlflow config --force")
    desk.arm.put(f"{WORKSPACE_ID}/computes/cpu-big")
    near = asked(desk, said.format(f"{WORKSPACE}/computes/cpu-bog", GROUP))
    assert near["says"] == "cpu-bog is not there; there is cpu-big"


def test_a_check_of_doctor_confirms(desk: Desk, stands: Callable[..., None]) -> None:
    path = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Storage"
    desk.arm.put(path, namespace="Microsoft.Storage", registrationState="NotRegistered", resourceTypes=[])
    found = asked(desk, "MissingSubscriptionRegistration")
    assert found["confirmed"] is True
    assert "az provider register --namespace Microsoft.Storage --wait" in found["next"]


def test_without_a_stack_the_text_alone_is_told(desk: Desk) -> None:
    (desk.root / "Pulumi.yaml").unlink()
    found = asked(desk, refused())
    assert found["confirmed"] is None
    assert found["says"].startswith("no stack can be asked: ")


def test_what_is_not_known_is_said_to_be_unknown(desk: Desk) -> None:
    done = desk.run("why", "the cat sat on the keyboard")
    assert done.code == 1
    assert done.out.startswith("cause: unknown: ")
    assert asked(desk, "the cat sat on the keyboard")["cause"] is None


def test_from_a_pipe_and_from_a_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    class Piped:
        buffer = io.BytesIO(b"error: Soft-deleted workspace\nexists\xff")

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr("sys.stdin", Piped())
    assert "Soft-deleted" not in desk.run("why").out
    path = desk.root / "train.log"
    path.write_text("x" * 300_000 + "\nSoft-deleted workspace exists.")
    done = desk.run("why", "--file", str(path), "-o", "json")
    assert done.json()["name"] == "A soft-deleted workspace holds the name"
    assert desk.run("why", "text", "--file", str(path)).code == 2
    monkeypatch.setattr("sys.stdin", Piped())
    assert "there is no text" in desk.run("why").err


def test_no_secret_comes_back(desk: Desk, stands: Callable[..., None]) -> None:
    secret = "sv=2024-11-04&sig=Xdb0T83ImZLdiSLZN0fD3A%2Ba"
    for form in ("text", "json"):
        done = desk.run(
            "why", f"{refused()} https://st.blob.core.windows.net/c/b?{secret} AccountKey=aGVsbG8=", "-o", form
        )
        assert "Xdb0" not in done.out + done.err
        assert "aGVsbG8" not in done.out + done.err
