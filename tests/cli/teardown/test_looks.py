"""The look before each step that cannot be undone: what is not as the plan has it stops it, and nothing goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from azmlflow.cli.azure.errors import ArmError, TimedOut
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.teardown import Limits, Owner, Removal, group, plan_group, stack
from azmlflow.cli.teardown.removal import Progress
from azmlflow.cli.teardown.steps import overdue
from azmlflow.infra.plan import naming
from tests.cli.desk import SUBSCRIPTION, FakeArm

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
ML = "Microsoft.MachineLearningServices/workspaces"
WORKSPACE, STORAGE = f"{GROUP}/providers/{ML}/ws", f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st"
ENDPOINT, LOCK = f"{WORKSPACE}/onlineEndpoints/wine", f"{GROUP}/providers/Microsoft.Authorization/locks/azmlflow"
THEIRS = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/theirs"
OURS = Owner("azmlflow", "dev")
TAGS = {"azmlflow-project": "azmlflow", "azmlflow-stack": "dev"}
KNOWN = frozenset((WORKSPACE.lower(), STORAGE.lower()))
LIMITS = Limits(holder=OURS, known=KNOWN, stop_endpoints=True)


def ours(arm: FakeArm, *, tags: dict[str, str] = TAGS, locked: bool = True) -> FakeArm:
    """A group of ours with a workspace, an endpoint that answers, an account, and our lock."""
    arm.put(GROUP, location="westeurope", tags=tags)
    arm.put(WORKSPACE, type=ML, tags=TAGS, location="westeurope", properties={})
    arm.put(STORAGE, type="Microsoft.Storage/storageAccounts", tags=TAGS)
    arm.put(ENDPOINT, properties={"traffic": {"blue": 100}})
    if locked:
        notes = "azmlflow stack dev of project azmlflow"
        arm.put(LOCK, properties={"level": "CanNotDelete", "notes": notes})
    return arm


def removal(arm: FakeArm, limits: Limits = LIMITS, **more: Any) -> Removal:
    opened = arm.open()
    plan = plan_group(opened, GROUP, limits)
    assert plan.refusals == ()
    return Removal(opened, plan, **more)


Step = Callable[[Removal], bool]


@pytest.mark.parametrize("step", [group.drop_locks, group.delete_endpoints, group.purge_workspaces, group.delete_group])
def test_what_came_after_the_plan_stops_each_step(step: Step) -> None:
    arm = ours(FakeArm())
    planned = removal(arm)
    arm.put(THEIRS, type="Microsoft.Storage/storageAccounts", tags={})
    with pytest.raises(CliError):
        step(planned)
    assert arm.calls == []


@pytest.mark.parametrize("step", [group.drop_locks, group.delete_endpoints, group.purge_workspaces, group.delete_group])
def test_what_of_the_stacks_own_came_after_the_plan_was_shown_stops_each_step(step: Step) -> None:
    """It may hold what nobody was asked about."""
    arm = ours(FakeArm())
    planned = removal(arm, replace(LIMITS, known=KNOWN | {THEIRS.lower()}))
    arm.put(THEIRS, type="Microsoft.Storage/storageAccounts", tags=TAGS)
    with pytest.raises(CliError, match="has changed since the plan was shown: storageAccounts/theirs came"):
        step(planned)
    assert arm.calls == []


@pytest.mark.parametrize("step", [group.drop_locks, group.delete_endpoints, group.purge_workspaces, group.delete_group])
def test_a_group_that_is_another_stacks_by_now_is_left_though_nothing_forbids_its_removal(step: Step) -> None:
    arm = ours(FakeArm())
    planned = removal(arm, Limits(stop_endpoints=True, unmanaged=True))
    for id_ in (GROUP, WORKSPACE, STORAGE):
        arm.documents[id_.lower()]["tags"] = {**TAGS, "azmlflow-stack": "prod"}
    arm.documents[LOCK.lower()]["properties"]["notes"] = "azmlflow stack prod of project azmlflow"
    with pytest.raises(CliError, match="`rg` is another than the one in the plan"):
        step(planned)
    assert arm.calls == []


def test_and_in_a_group_of_others_what_is_the_stacks_is_looked_at_again() -> None:
    arm = ours(FakeArm(), tags={}, locked=False)
    planned = removal(arm, Limits(holder=OURS, known=KNOWN, stop_endpoints=True, given=True, home=WORKSPACE))
    arm.put(f"{GROUP}/providers/Microsoft.Authorization/locks/keep", properties={"level": "CanNotDelete"})
    with pytest.raises(CliError):
        stack.delete_ours(planned)
    assert arm.calls == []


@pytest.mark.parametrize(
    ("step", "calls"),
    [
        (group.drop_locks, [f"DELETE {LOCK}"]),
        (group.delete_endpoints, [f"DELETE {ENDPOINT}"]),
        (group.purge_workspaces, [f"DELETE {WORKSPACE}?forceToPurge=true"]),
        (group.delete_group, [f"DELETE {GROUP}"]),
    ],
)
def test_where_all_is_as_planned_each_does_its_own(step: Step, calls: list[str]) -> None:
    arm = ours(FakeArm())
    assert step(removal(arm))
    assert arm.calls == calls


def test_a_group_that_went_meanwhile_is_not_deleted() -> None:
    arm = ours(FakeArm())
    planned = removal(arm)
    arm.documents.clear()
    assert not group.delete_group(planned)
    assert arm.calls == []


def test_what_is_under_way_is_told_when_it_begins_and_while_it_lasts() -> None:
    heard: list[Progress] = []
    arm = ours(FakeArm())
    planned = removal(arm, on_progress=heard.append)
    group.purge_workspaces(planned)
    assert [(each.what, each.state) for each in heard] == [("workspaces/ws", "purging"), ("workspaces/ws", "purging")]
    heard.clear()
    group.delete_group(planned)
    assert {(each.what, each.state) for each in heard} == {("storageAccounts/st", "deleting")}


def test_a_purge_that_azure_fails_is_begun_again() -> None:
    """With the same words: a workspace that is deleted without them keeps its name."""
    arm = ours(FakeArm())
    look, failed = arm._look, list[str]()

    def once(operation: str, first: bool) -> Any:
        if not failed:
            failed.append(operation)
            del arm.going[operation]
            raise ArmError(409, "Conflict", "no", operation)
        return look(operation, first)

    arm._look = once  # type: ignore[method-assign]
    assert group.purge_workspaces(removal(arm))
    assert arm.calls == [f"DELETE {WORKSPACE}?forceToPurge=true"] * 2


class Secretive(FakeArm):
    """Access may not be read any more; nor may the group, where `group` is set."""

    secret = group = False

    def get(self, path: str) -> dict[str, Any] | None:
        if self.group and path.lower() == GROUP.lower():
            raise ArmError(403, "AuthorizationFailed", "no", path)
        return super().get(path)

    def list(self, path: str) -> Iterable[dict[str, Any]]:
        if self.secret and path.endswith(("roleAssignments", "roleDefinitions")):
            raise ArmError(403, "AuthorizationFailed", "no", path)
        return super().list(path)


def test_access_that_may_not_be_read_is_gone_only_where_the_group_went_with_the_right_to_see_it() -> None:
    arm = Secretive()
    planned = removal(ours(arm))
    arm.secret = True
    with pytest.raises(ArmError, match="AuthorizationFailed"):
        group.access_left(planned)
    arm.group = True
    assert group.access_left(planned) == ()


def test_a_failure_of_another_kind_is_none_of_hidden_things() -> None:
    class Broken(Secretive):
        def list(self, path: str) -> Iterable[dict[str, Any]]:
            if self.secret:
                raise ArmError(400, "BadRequest", "no", path)
            return super().list(path)

    arm = Broken()
    planned = removal(ours(arm))
    arm.secret = arm.group = True
    with pytest.raises(ArmError, match="BadRequest"):
        group.access_left(planned)


@pytest.mark.parametrize(
    ("status", "code", "tries"),
    [
        (500, "Odd", 3),
        (409, "Conflict", 3),
        (400, "OperationFailed", 3),
        (409, "ScopeLocked", 1),
        (403, "Forbidden", 1),
    ],
)
def test_what_azure_fails_by_itself_is_begun_again_and_a_refusal_is_final(status: int, code: str, tries: int) -> None:
    tried: list[int] = []

    def act() -> bool:
        tried.append(1)
        raise ArmError(status, code, "no", "/x")

    with pytest.raises(ArmError):
        removal(ours(FakeArm())).persist(act)
    assert len(tried) == tries


@pytest.mark.parametrize(
    ("status", "ends"), [("Completed", True), ("Canceled", True), ("Running", False), ("CancelRequested", False)]
)
def test_a_job_that_azure_does_not_cancel_has_to_have_ended_by_itself(status: str, ends: bool) -> None:
    arm, job = ours(FakeArm()), f"{WORKSPACE}/jobs/run"
    arm.put(job, properties={"status": "Running"})
    planned = removal(arm, Limits(holder=OURS, known=KNOWN, stop_endpoints=True, cancel_jobs=True))
    arm.put(job, properties={"status": status})
    arm.faults[f"{job}/cancel"] = ArmError(400, "UserError", "no", job)
    if ends:
        assert group.cancel_jobs(planned)
    else:
        with pytest.raises(ArmError, match="UserError"):
            group.cancel_jobs(planned)


def test_jobs_are_all_cancelled_before_one_is_waited_for() -> None:
    arm, jobs = ours(FakeArm()), [f"{WORKSPACE}/jobs/{name}" for name in ("a", "b")]
    for job in jobs:
        arm.put(job, properties={"status": "Running"})
    heard: list[Progress] = []
    limits = Limits(holder=OURS, known=KNOWN, stop_endpoints=True, cancel_jobs=True)
    planned = removal(arm, limits, on_progress=heard.append)
    assert group.plan_jobs(planned) == ("job a", "job b")
    assert group.cancel_jobs(planned)
    assert arm.calls == [f"POST {job}/cancel" for job in jobs]
    assert [(each.what, each.state) for each in heard] == [("jobs/a", "cancelling"), ("jobs/b", "cancelling")]


def test_when_the_time_is_over_what_stands_is_looked_for_without_haste() -> None:
    arm = ours(FakeArm())
    planned = removal(arm)
    late = TimedOut("Azure has not finished within 30 seconds", where=GROUP, next="again")
    told = overdue(replace(planned, arm=planned.arm.within(0)), late)
    assert (told.where, told.next) == (GROUP, "again")
    assert told.what.startswith("Azure has not finished within 30 seconds; still there: workspaces/ws, ")
    arm.documents.clear()
    assert overdue(planned, late).what.endswith("; still there: nothing that Azure shows")


@pytest.mark.parametrize("stands", [False, True])
def test_the_tags_of_a_deleted_vault_name_the_owner_of_a_group_that_is_gone_and_of_no_other(stands: bool) -> None:
    """A group that stands names its owner itself, or has none: then what was deleted in it is nobody's to purge."""
    arm, vault = FakeArm(), naming.generate("mlflow", "dev", "", SUBSCRIPTION).key_vault
    group_id = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-mlflow-dev"
    if stands:
        arm.put(group_id, location="westeurope", tags={"team": "blue"})
    gone = f"{group_id}/providers/Microsoft.KeyVault/vaults/{vault}"
    deleted = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/{vault}"
    arm.put(deleted, properties={"vaultId": gone, "tags": TAGS})
    plan = plan_group(arm.open(), group_id, Limits(unmanaged=True))
    assert (plan.holder, sorted(plan.purge)) == ((None, []) if stands else (OURS, [gone.lower()]))
