"""What becomes of a resource while something is being done to it, and when it goes."""

from __future__ import annotations

import pytest

from azmlflow.localazure.arm import effects
from azmlflow.localazure.core.collections import DELETED, RUNNING_OPERATIONS, SECRETS, TIMES
from azmlflow.localazure.kinds import BY_TYPE
from tests.localazure.control import (
    ALICE,
    BODIES,
    CHAIN,
    COMPUTE,
    LOGS,
    NETWORK,
    RG,
    STORAGE,
    SUB,
    SUBNET,
    VAULT,
    WORKSPACE,
    Azure,
)

MODEL = f"{WORKSPACE}/models/wine"
_LOCK = "/providers/Microsoft.Authorization/locks/keep"


def test_a_group_that_goes_takes_nothing_new(slow_azure: Azure) -> None:
    slow_azure.make(RG, STORAGE)
    first = slow_azure.arm("DELETE", RG)
    again = slow_azure.arm("DELETE", RG)
    assert (first.status, again.status) == (202, 202)
    assert again.headers["location"] == first.headers["location"], "it is one deletion"
    refused = slow_azure.arm("PUT", VAULT, BODIES[VAULT])
    assert (refused.status, refused.code) == (409, "ResourceGroupBeingDeleted")
    slow_azure.wait()
    assert slow_azure.arm("PUT", VAULT, BODIES[VAULT]).code == "ResourceGroupNotFound"


def test_who_comes_while_another_works_on_it_is_told_when_to_come_again(slow_azure: Azure) -> None:
    slow_azure.make(RG, NETWORK)
    assert slow_azure.arm("PUT", SUBNET, BODIES[SUBNET]).status == 201
    refused = slow_azure.arm("PUT", SUBNET, {"properties": {"addressPrefix": "10.0.2.0/24"}})
    assert (refused.status, refused.code) == (409, "AnotherOperationInProgress")
    assert int(refused.headers["retry-after"]) > 0


def test_an_unregistered_provider_is_named_in_the_details_too(azure: Azure) -> None:
    """Terraform and azure-core's own policy read it there."""
    azure.make(RG)
    assert azure.arm("POST", f"{SUB}/providers/Microsoft.Storage/unregister").status == 200
    azure.wait()
    refused = azure.arm("PUT", STORAGE, BODIES[STORAGE])
    assert (refused.status, refused.code) == (409, "MissingSubscriptionRegistration")
    (detail,) = refused.body["error"]["details"]
    assert (detail["code"], detail["target"]) == ("MissingSubscriptionRegistration", "Microsoft.Storage")
    assert detail["message"] == refused.message


@pytest.mark.parametrize("soft", [True, False])
def test_what_is_buried_can_be_dug_out_until_it_is_purged_with_all_that_is_kept_of_it(azure: Azure, soft: bool) -> None:
    azure.make(RG, VAULT)
    store, kind = azure.cloud.store, BY_TYPE["microsoft.keyvault/vaults"]
    key = next(key for key, each in store.scan(kind.documents.collection) if each["id"] == VAULT)
    document = store.get(kind.documents.collection, key)
    assert document is not None
    for kept in (SECRETS, TIMES):
        store.put(kept, key, {"of": key})
    effects.drop(azure.cloud, kind, key, document, soft=soft)
    assert store.get(kind.documents.collection, key) is None
    assert [store.get(each, key) is not None for each in (DELETED, SECRETS, TIMES)] == [soft] * 3
    effects.finish_purge(azure.cloud, {"key": key})
    assert [store.get(each, key) for each in (DELETED, SECRETS, TIMES)] == [None] * 3


def test_a_model_is_at_its_own_path_and_nothing_else_is(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    assert azure.arm("GET", MODEL).status == 404
    made = azure.arm("PUT", MODEL, {"properties": {"description": "red"}})
    assert (made.status, made.body["id"]) == (201, MODEL)
    read = azure.arm("GET", MODEL)
    assert (read.status, read.body["id"], read.body["name"]) == (200, MODEL, "wine")
    assert [each["id"] for each in azure.arm("GET", f"{WORKSPACE}/models").body["value"]] == [MODEL]
    assert azure.arm("PUT", MODEL, {"properties": {"description": 7}}).status == 400
    elsewhere = MODEL.replace(RG, f"{RG}-not")
    assert azure.arm("GET", elsewhere).code == "ResourceGroupNotFound"
    for method in ("PATCH", "POST"):
        assert azure.arm(method, MODEL, {}).status in (404, 405), method
        assert azure.arm(method, MODEL, {}, who=ALICE).status == 403, method


@pytest.mark.parametrize(("level", "refused"), [("ReadOnly", ("PUT", "DELETE")), ("CanNotDelete", ("DELETE",))])
def test_a_lock_on_the_workspace_holds_for_its_models(azure: Azure, level: str, refused: tuple[str, ...]) -> None:
    azure.make(*CHAIN[:6])
    assert azure.arm("PUT", MODEL, {"properties": {}}).status == 201
    azure.arm("PUT", f"{WORKSPACE}{_LOCK}", {"properties": {"level": level}})
    for method in ("PUT", "DELETE"):
        answer = azure.arm(method, MODEL, {"properties": {"description": "white"}})
        assert (answer.status == 409) is (method in refused), (method, answer)
        if method in refused:
            assert answer.code == "ScopeLocked"


def test_what_failed_is_made_again_by_the_same_request(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    store, kind = azure.cloud.store, BY_TYPE["microsoft.storage/storageaccounts"]
    key, document = next(each for each in store.scan(kind.documents.collection) if each[1]["id"] == STORAGE)
    effects.set_state(azure.cloud, kind, key, document, "Failed")
    assert azure.arm("GET", STORAGE).body["properties"]["provisioningState"] == "Failed"
    azure.arm("PUT", STORAGE, BODIES[STORAGE])
    azure.wait()
    assert azure.arm("GET", STORAGE).body["properties"]["provisioningState"] == "Succeeded"


def test_a_groups_deletion_that_fails_has_taken_half_of_what_was_inside(slow_azure: Azure) -> None:
    slow_azure.make(*CHAIN[:6])
    before = [each["id"] for _, each in effects.contained(slow_azure.cloud, RG)]
    assert slow_azure.arm("DELETE", RG).status == 202
    store = slow_azure.cloud.store
    ((key, operation),) = store.scan(RUNNING_OPERATIONS)
    assert operation["members"] == len(before)
    store.put(RUNNING_OPERATIONS, key, {**operation, "fails": True})
    slow_azure.wait()
    assert slow_azure.arm("GET", RG).body["properties"]["provisioningState"] == "Failed"
    left = [each["id"] for _, each in effects.contained(slow_azure.cloud, RG)]
    assert left == before[len(before) - round(len(before) / 2) :], "who depends on others went first"


def test_what_fails_to_go_by_itself_takes_nothing_with_it(slow_azure: Azure) -> None:
    slow_azure.make(*CHAIN[:6], COMPUTE)
    assert slow_azure.arm("DELETE", WORKSPACE).status == 202
    store = slow_azure.cloud.store
    ((key, operation),) = store.scan(RUNNING_OPERATIONS)
    store.put(RUNNING_OPERATIONS, key, {**operation, "fails": True})
    slow_azure.wait()
    assert slow_azure.arm("GET", COMPUTE).status == 200


def test_what_nothing_is_done_with_is_refused_of_what_others_keep(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    refused = azure.arm("PUT", MODEL, {"properties": {"nonsense": True}})
    assert (refused.status, azure.arm("GET", MODEL).status) == (400, 404)


def test_what_is_of_a_group_is_listed_there_and_in_its_subscription_and_nowhere_else(azure: Azure) -> None:
    """Microsoft, "Deleted Workspaces - List By Resource Group" and "- List"."""
    azure.make(RG, LOGS)
    azure.arm("DELETE", LOGS)
    azure.wait()
    name = "providers/Microsoft.OperationalInsights/deletedWorkspaces"
    for place in (RG, SUB):
        assert [each["id"] for each in azure.arm("GET", f"{place}/{name}").body["value"]] == [LOGS], place
    assert azure.arm("GET", f"{STORAGE}/{name}").status == 404


def test_roles_are_read_at_the_directory_by_who_may_in_the_subscription(azure: Azure) -> None:
    """Microsoft, "Role Definitions - Get By Id": a built-in one is in no subscription."""
    reader = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
    azure.make(RG, STORAGE)
    assert azure.arm("GET", reader, who=ALICE).status == 403
    azure.assign(ALICE, "Reader", SUB)
    assert azure.arm("GET", reader, who=ALICE).status == 200


def test_what_is_read_is_asked_for_where_it_is(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    azure.assign(ALICE, "Reader", RG)
    assert azure.arm("GET", STORAGE, who=ALICE).status == 200, "a role in the subscription is not needed"
