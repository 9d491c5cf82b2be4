"""Resource Manager asked directly: documents, pages, long-running operations, refusals, the bound."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceResponseError, ServiceResponseTimeoutError

from azmlflow.cli.azure.errors import ArmError, TimedOut
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.errors import CliError
from tests.cli.azure.asked import GROUP, SUBSCRIPTION, VAULTS, WORKSPACE, Asked
from tests.cli.wire import ENDPOINT, answer

OPERATION = f"{ENDPOINT}{SUBSCRIPTION}/operations/1"
ID = SUBSCRIPTION.rpartition("/")[2]


def test_a_document_and_its_absence() -> None:
    azure = Asked(answer(200, {"id": "/x"}), answer(404))
    assert azure.arm.get(WORKSPACE) == {"id": "/x"}
    assert azure.arm.get(WORKSPACE) is None
    assert azure.lines[0] == f"GET {ENDPOINT}{WORKSPACE}?api-version=2025-12-01"
    assert azure.tokens() == {f"{ENDPOINT}{WORKSPACE}"}


def test_a_list_over_its_pages() -> None:
    next_ = f"{ENDPOINT}{VAULTS}?page=2"
    azure = Asked(answer(200, {"value": [{"id": "1"}], "nextLink": next_}), answer(200, {"value": [{"id": "2"}]}))
    assert [entry["id"] for entry in azure.arm.list(VAULTS, {"$filter": "a eq 'b'"})] == ["1", "2"]
    query = "api-version=2024-11-01&%24filter=a+eq+%27b%27"
    assert azure.lines == [f"GET {ENDPOINT}{VAULTS}?{query}", f"GET {next_}"]


def test_a_list_of_what_is_not_there_is_empty() -> None:
    assert Asked(answer(404)).arm.list(VAULTS) == ()
    assert Asked(answer(404)).arm.resources(GROUP) == ()


# What Azure says of a request that it could not place: of the resource it says nothing
# (Microsoft, "Troubleshoot common Azure deployment errors").
NOWHERE = ("SubscriptionNotFound", "InvalidResourceType", "InvalidResourceNamespace", "MissingSubscription")


@pytest.mark.parametrize("code", NOWHERE)
def test_a_404_that_is_not_about_the_resource_is_no_absence(code: str) -> None:
    """Else a state would be forgotten for a subscription that is not visible, and a wrong version find nothing."""
    refusal = answer(404, {"error": {"code": code, "message": "Microsoft's sentence."}})
    ways: tuple[Callable[[ResourceManager], object], ...] = (
        lambda arm: arm.get(WORKSPACE),
        lambda arm: arm.list(VAULTS),
        lambda arm: arm.resources(GROUP),
        lambda arm: arm.groups(ID),
        lambda arm: arm.delete(WORKSPACE),
        lambda arm: arm.post(WORKSPACE, "resync"),
        lambda arm: arm.ask(VAULTS, {}),
    )
    for ask in ways:
        with pytest.raises(ArmError, match=f"{code}: Microsoft's sentence"):
            ask(Asked(refusal).arm)


def test_a_subscription_that_is_not_visible_is_told_as_such_and_what_to_type() -> None:
    azure = Asked(answer(404, {"error": {"code": "SubscriptionNotFound", "message": "could not be found."}}))
    assert azure.arm.subscription(ID) is None
    with pytest.raises(ArmError) as caught:
        azure.arm.get(GROUP)
    assert str(caught.value.next).startswith("az account list --all")


def test_a_page_that_is_not_there_is_no_end_of_a_list() -> None:
    azure = Asked(answer(200, {"value": [{"id": "1"}], "nextLink": f"{ENDPOINT}{VAULTS}?page=2"}), answer(404))
    with pytest.raises(ArmError, match="404"):
        azure.arm.list(VAULTS)


def test_microsofts_clients_ask_where_there_is_one() -> None:
    """Their requests through our pipeline, with our token and our versions; their models out."""
    azure = Asked(answer(200, {"value": [{"id": GROUP, "name": "rg", "tags": {"a": "b"}}]}))
    (group,) = azure.arm.groups(ID)
    assert (group.id, group.tags) == (GROUP, {"a": "b"})
    assert azure.lines == [f"GET {ENDPOINT}{SUBSCRIPTION}/resourcegroups?api-version=2024-03-01"]
    assert azure.tokens() == {f"{ENDPOINT}{SUBSCRIPTION}/resourcegroups"}
    assert azure.requests[0].headers["User-Agent"].startswith("azmlflow")

    found = {"id": "i", "name": "g", "properties": {"principalId": "p", "scope": WORKSPACE}}
    azure = Asked(answer(200, {"value": [found]}))
    (assignment,) = azure.arm.role_assignments(WORKSPACE)
    assert [str(each) for each in (assignment.name, assignment.principal_id, assignment.scope)] == ["g", "p", WORKSPACE]
    path = f"{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments"
    assert azure.lines == [f"GET {ENDPOINT}{path}?api-version=2022-04-01"]

    found = {"id": "i", "name": "keep", "properties": {"level": "ReadOnly", "notes": "n"}}
    azure = Asked(answer(200, {"value": [found]}))
    for scope in (SUBSCRIPTION, GROUP):
        (lock,) = azure.arm.locks(scope)
        assert (lock.name, lock.level, lock.notes) == ("keep", "ReadOnly", "n")
    locks = "providers/Microsoft.Authorization/locks?api-version=2020-05-01"
    assert [line.replace("resourcegroups", "resourceGroups") for line in azure.lines] == [
        f"GET {ENDPOINT}{SUBSCRIPTION}/{locks}",
        f"GET {ENDPOINT}{GROUP}/{locks}",
    ]


def test_roles_that_can_be_assigned_only_in_a_group_are_listed_too() -> None:
    """Microsoft, "Role Definitions - List": "Use atScopeAndBelow filter to search below the given scope as well"."""
    azure = Asked(answer(200, {"value": []}))
    azure.arm.custom_roles(SUBSCRIPTION)
    azure.arm.roles_called("my role", GROUP)
    filters = [request.url.partition("$filter=")[2].partition("&")[0] for request in azure.requests]
    assert filters == [
        "atScopeAndBelow%28%29%20and%20type%20eq%20%27CustomRole%27",
        "atScopeAndBelow%28%29%20and%20roleName%20eq%20%27my%20role%27",
    ]


def test_a_deletion_is_waited_for_by_its_operation() -> None:
    azure = Asked(
        answer(202, None, {"Azure-AsyncOperation": OPERATION, "Retry-After": "7"}),
        answer(200, {"status": "InProgress"}, {"Retry-After": "3"}),
        answer(200, {"status": "Succeeded"}),
    )
    assert azure.arm.delete(WORKSPACE, {"forceToPurge": "true"})
    assert azure.slept == [3]  # azure-core looks once before it waits
    assert azure.lines[0] == f"DELETE {ENDPOINT}{WORKSPACE}?api-version=2025-12-01&forceToPurge=true"
    assert azure.lines[1:] == [f"GET {OPERATION}"] * 2


def test_a_deletion_is_waited_for_by_its_location() -> None:
    azure = Asked(
        answer(202, None, {"Location": f"{ENDPOINT}/r/1", "Retry-After": "0"}),
        answer(202, None, {"Location": f"{ENDPOINT}/r/2"}),
        answer(204),
    )
    assert azure.arm.post(f"{VAULTS}/kv", "purge")
    assert azure.lines[0] == f"POST {ENDPOINT}{VAULTS}/kv/purge?api-version=2024-11-01"
    assert [line.rsplit("/", 1)[-1] for line in azure.lines[1:]] == ["1", "2"]
    assert azure.slept == [1]


@pytest.mark.parametrize("status", [204, 404])
def test_nothing_to_delete(status: int) -> None:
    azure = Asked(answer(status))
    assert not azure.arm.delete(WORKSPACE)
    assert azure.arm.begin_delete(WORKSPACE) is None
    assert azure.slept == []


def test_an_operation_that_went_with_what_it_deleted_has_ended() -> None:
    azure = Asked(answer(202, None, {"Location": f"{ENDPOINT}/r/1"}), answer(404))
    assert azure.arm.delete(GROUP)


def test_who_waits_hears_of_each_pause() -> None:
    told: list[float] = []
    still = answer(200, {"status": "InProgress"}, {"Retry-After": "5"})
    azure = Asked(
        answer(202, None, {"Azure-AsyncOperation": OPERATION}), still, still, answer(200, {"status": "Succeeded"})
    )
    operation = azure.arm.begin_delete(GROUP)
    assert operation is not None
    assert len(azure.requests) == 1  # nobody looks before somebody waits
    operation.wait(told.append)
    assert told == [0, 5]


def test_a_refusal_keeps_azures_words() -> None:
    error = {"error": {"code": "AuthorizationFailed", "message": "The client 'bob' may not."}}
    for method in ("delete", "get"):
        with pytest.raises(ArmError, match=r"AuthorizationFailed: The client 'bob' may not\.") as caught:
            getattr(Asked(answer(403, error)).arm, method)(WORKSPACE)
        assert (caught.value.status, caught.value.where) == (403, WORKSPACE)
        assert "ask an Owner" in str(caught.value.next)


def test_a_refusal_of_what_microsofts_clients_ask_is_the_same() -> None:
    error = {"error": {"code": "AuthorizationFailed", "message": "no"}}
    with pytest.raises(ArmError, match="AuthorizationFailed: no") as caught:
        Asked(answer(403, error)).arm.role_assignments(SUBSCRIPTION)
    assert caught.value.status == 403
    assert caught.value.where == f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments"


def test_a_refusal_without_a_body() -> None:
    azure = Asked(answer(500))
    with pytest.raises(ArmError, match="500: no reason given"):
        azure.arm.get(WORKSPACE)
    assert len(azure.requests) == 4  # azure-core's three more attempts


def test_an_operation_that_fails() -> None:
    failed = {"status": "Failed", "error": {"code": "Conflict", "message": "in use"}}
    azure = Asked(answer(202, None, {"Azure-AsyncOperation": OPERATION}), answer(200, failed))
    with pytest.raises(ArmError, match="Conflict: in use") as caught:
        azure.arm.delete(WORKSPACE)
    assert (caught.value.status, caught.value.where) == (409, WORKSPACE)


def test_who_is_signed_out_while_waiting_is_told_so() -> None:
    gone = ClientAuthenticationError("the session has ended")
    with pytest.raises(ClientAuthenticationError):
        Asked(answer(202, None, {"Azure-AsyncOperation": OPERATION}), gone).arm.delete(WORKSPACE)


def test_what_came_of_an_action_is_not_asked_for() -> None:
    headers = {"Azure-AsyncOperation": OPERATION, "Location": f"{ENDPOINT}/r/1"}
    azure = Asked(answer(202, None, headers), answer(200, {"status": "Succeeded"}))
    assert azure.arm.post(f"{VAULTS}/kv", "purge")
    assert azure.lines[1:] == [f"GET {OPERATION}"]


def test_an_operation_whose_end_is_a_refusal() -> None:
    refused = answer(409, {"error": {"code": "Conflict", "message": "in use"}})
    with pytest.raises(ArmError, match="Conflict: in use") as caught:
        Asked(answer(202, None, {"Location": OPERATION}), refused).arm.delete(WORKSPACE)
    assert caught.value.where == WORKSPACE


def test_an_operation_that_never_ends() -> None:
    azure = Asked(
        answer(202, None, {"Azure-AsyncOperation": OPERATION, "Retry-After": "60"}),
        answer(200, {"status": "InProgress"}, {"Retry-After": "60"}),
    )
    with pytest.raises(CliError, match="not finished"):
        azure.arm.delete(WORKSPACE)
    assert azure.slept == [60, 60]


def test_what_is_posted_may_be_said_twice() -> None:
    azure = Asked(ServiceResponseError("the connection was reset"), answer(200, {"nameAvailable": True}))
    path = f"{SUBSCRIPTION}/providers/Microsoft.Storage/checkNameAvailability"
    assert azure.arm.ask(path, {"name": "st"}) == {"nameAvailable": True}
    assert azure.lines == [f"POST {ENDPOINT}{path}?api-version=2024-01-01"] * 2
    azure = Asked(ServiceResponseError("the connection was reset"), answer(200, {"namespace": "Microsoft.KeyVault"}))
    azure.arm.register(ID, "Microsoft.KeyVault")
    assert [line.partition("?")[0] for line in azure.lines] == [
        f"POST {ENDPOINT}{SUBSCRIPTION}/providers/Microsoft.KeyVault/register"
    ] * 2


def test_nothing_is_registered_that_nobody_asked_for() -> None:
    error = {"error": {"code": "MissingSubscriptionRegistration", "message": "not registered: 'Microsoft.KeyVault'."}}
    azure = Asked(answer(409, error))
    with pytest.raises(ArmError, match="MissingSubscriptionRegistration"):
        azure.arm.delete(WORKSPACE)
    assert len(azure.requests) == 1


def test_a_bound_ends_the_wait_as_soon_as_the_next_look_would_be_too_late() -> None:
    azure = Asked(
        answer(202, None, {"Azure-AsyncOperation": OPERATION, "Retry-After": "7"}),
        answer(200, {"status": "InProgress"}, {"Retry-After": "7"}),
        answer(200, {"status": "InProgress"}, {"Retry-After": "7"}),
        answer(404),
    )
    arm = azure.arm.within(10)
    with pytest.raises(TimedOut, match="not finished within 10 seconds") as told:
        arm.delete(WORKSPACE)
    assert azure.slept == [7]  # the next look would be allowed at 14
    assert told.value.where == WORKSPACE
    assert (azure.wire.options["connection_timeout"], azure.wire.options["read_timeout"]) == (3, 3)
    assert arm.within(None).get(WORKSPACE) is None  # who is told what still stands has to ask


def test_a_bound_holds_for_microsofts_clients_and_for_retries() -> None:
    azure = Asked(answer(429, None, {"Retry-After": "600"}))
    with pytest.raises(TimedOut, match="within 60 seconds") as told:
        azure.arm.within(60).group(GROUP)
    assert str(told.value.where).lower() == GROUP.lower()
    assert azure.slept == []


def test_a_bound_that_is_over_sends_nothing() -> None:
    azure = Asked(answer(200))
    with pytest.raises(TimedOut):
        azure.arm.within(0).post(f"{VAULTS}/kv", "purge")
    assert azure.requests == []


def test_an_answer_that_does_not_come_in_time_is_the_bound() -> None:
    with pytest.raises(TimedOut, match="within 3 minutes") as told:
        Asked(ServiceResponseTimeoutError("late")).arm.within(200).get(WORKSPACE)
    assert told.value.where == WORKSPACE


def test_a_bound_holds_for_what_has_no_operation() -> None:
    azure = Asked(answer(200, {"id": "/j", "properties": {"status": "CancelRequested"}}))
    with pytest.raises(TimedOut, match="within 10 seconds") as told:
        azure.arm.within(10).until(f"{WORKSPACE}/jobs/j", lambda job: job is None)
    assert told.value.where == f"{WORKSPACE}/jobs/j"
    assert azure.slept == [0.25, 0.5, 1, 2, 4]


def test_seconds_that_passed_before_the_wait_count_for_its_first_pause() -> None:
    """Two deletions begun together, one waited for after the other: the second's pause is over by then."""
    begun = answer(202, None, {"Location": f"{ENDPOINT}/r", "Retry-After": "3"})
    azure = Asked(begun, begun, begun, answer(200))
    first, second = azure.arm.begin_delete(WORKSPACE), azure.arm.begin_delete(GROUP)
    assert first is not None
    assert second is not None
    first.wait()
    second.wait()
    assert azure.slept == [3]


def test_azures_own_time() -> None:
    azure = Asked(answer(200, {"value": []}, {"Date": "Wed, 25 Nov 2026 10:00:00 GMT"}), answer(200, {"value": []}))
    assert str(azure.arm.now()) == "2026-11-25 10:00:00+00:00"
    assert azure.arm.now() is None
    assert azure.lines[0] == f"GET {ENDPOINT}/tenants?api-version=2022-12-01"


def test_all_that_threads_would_import_is_imported_before() -> None:
    """Threads whose imports wait for each other end in `_DeadlockError`."""
    script = """
import sys
from azmlflow.cli.azure.resource_manager import ResourceManager
from tests.cli.wire import Credential, Wire, answer
arm = ResourceManager(Wire(lambda _request: answer(200, {"value": []})), Credential())
def imported(ask):
    before = set(sys.modules)
    ask()
    return sorted(name for name in set(sys.modules) - before if name.startswith("azure"))
arm.load()
print(imported(lambda: (
    arm.groups("s"), arm.resources("/subscriptions/s/resourceGroups/g"), arm.role_assignments("/subscriptions/s"),
    arm.custom_roles("/subscriptions/s"), arm.locks("/subscriptions/s"),
)))
more = imported(lambda: arm.load(subscriptions=True))
print("azure.mgmt.resource.subscriptions" in more, imported(arm.subscriptions))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3]
    )
    # Who looks into one subscription does not load what asks for subscriptions.
    assert (done.returncode, done.stdout) == (0, "[]\nTrue []\n"), done.stderr
