"""Locks: what they stop, from where."""

from __future__ import annotations

import pytest

from tests.localazure.control import ALICE, BODIES, CHAIN, RG, STORAGE, SUB, VAULT, Azure

_LOCKS = "/providers/Microsoft.Authorization/locks"


def _lock(azure: Azure, scope: str, level: str = "CanNotDelete") -> str:
    answer = azure.arm("PUT", f"{scope}{_LOCKS}/keep", {"properties": {"level": level, "notes": "why"}})
    assert (answer.status, answer.body["properties"]) == (201, {"level": level, "notes": "why"})
    return f"{scope}{_LOCKS}/keep"


@pytest.mark.parametrize("scope", [SUB, RG, STORAGE])
def test_a_lock_stops_deletions_at_below_and_above_its_scope(azure: Azure, scope: str) -> None:
    azure.make(*CHAIN[:3])
    lock = _lock(azure, scope)
    for target in (STORAGE, RG):
        refused = azure.arm("DELETE", target)
        assert (refused.status, refused.code) == (409, "ScopeLocked")
        assert scope in refused.message
    # A vault beside a locked account is free; below a locked group it is not.
    assert azure.arm("DELETE", VAULT).status == (200 if scope == STORAGE else 409)
    assert azure.arm("PUT", STORAGE, {**BODIES[STORAGE], "tags": {"a": "b"}}).status == 200
    assert azure.arm("DELETE", lock).status == 200
    assert azure.arm("DELETE", RG).status == 202


def test_a_read_only_lock_stops_writes_and_actions_too(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    lock = _lock(azure, RG, "ReadOnly")
    for method, path in (("PUT", STORAGE), ("PATCH", STORAGE), ("POST", f"{STORAGE}/listKeys")):
        assert azure.arm(method, path, BODIES[STORAGE]).code == "ScopeLocked", method
    assert azure.arm("GET", STORAGE).status == 200
    assert azure.arm("DELETE", lock).status == 200
    assert azure.arm("POST", f"{STORAGE}/listKeys").status == 200


def test_locks_are_listed_at_a_scope_and_below(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    locks = {_lock(azure, RG), _lock(azure, STORAGE)}
    assert {each["id"] for each in azure.arm("GET", f"{RG}{_LOCKS}").body["value"]} == locks
    only_here = azure.arm("GET", f"{RG}{_LOCKS}?$filter=atScope()").body["value"]
    assert [each["id"] for each in only_here] == [f"{RG}{_LOCKS}/keep"]
    assert azure.arm("GET", f"{RG}{_LOCKS}", who=ALICE).status == 403


def test_a_lock_needs_a_level_a_scope_and_permission(azure: Azure) -> None:
    azure.make(RG)
    assert azure.arm("PUT", f"{RG}{_LOCKS}/keep", {"properties": {"level": "Never"}}).code == "InvalidLockLevel"
    assert azure.arm("PUT", f"{STORAGE}{_LOCKS}/keep", {"properties": {"level": "ReadOnly"}}).status == 404
    azure.assign(ALICE, "Contributor", RG)
    refused = azure.arm("PUT", f"{RG}{_LOCKS}/keep", {"properties": {"level": "ReadOnly"}}, who=ALICE)
    assert "Microsoft.Authorization/locks/write" in refused.message
    assert azure.arm("DELETE", f"{RG}{_LOCKS}/keep").status == 204


def test_a_lock_does_not_lock_locks(azure: Azure) -> None:
    azure.make(RG)
    _lock(azure, RG, "ReadOnly")
    lock = _lock(azure, SUB, "ReadOnly")
    assert azure.arm("PATCH", lock, {"properties": {"notes": "n"}}).status == 405
    assert azure.arm("PUT", lock, {"properties": {"level": "CanNotDelete"}}).status == 200
    assert azure.arm("DELETE", lock).status == 200


def test_a_lock_that_is_not_there_is_told_in_azures_words(azure: Azure) -> None:
    """pulumi/pulumi-azure-native#4482."""
    azure.make(RG)
    missing = azure.arm("GET", f"{RG}{_LOCKS}/keep")
    assert (missing.status, missing.code) == (404, "LockNotFound")
    assert missing.message == "The lock 'keep' could not be found."
