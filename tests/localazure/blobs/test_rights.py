"""Which right each operation of the Blob service asks for, from a table written by hand, and that it asks for no more.

Microsoft, "Permissions for calling data operations" ("Permissions for blob service operations"), for the actions;
"Create a service SAS" and "Create an account SAS", "Permissions", for the letters.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from azure.storage.blob import generate_account_sas

from azmlflow.localazure.core.collections import ASSIGNMENTS, BLOBS, BLOCKS, DEFINITIONS, RESOURCES, SECRETS
from azmlflow.localazure.services.blobs import OPERATIONS, BlobOperation
from tests.localazure.blobs.test_said import asked_of
from tests.localazure.blobs.world import ACCOUNT, ACCOUNT_ID, HOST, KEY1, KEY2, Azure

SERVICE = "Microsoft.Storage/storageAccounts/blobServices"
CONTAINER, BLOB = f"{SERVICE}/containers", f"{SERVICE}/containers/blobs"
# Operation -> its action, whether that is a data action, the letters of which one is enough, the resource type.
RIGHTS = {
    "Put Block": (f"{BLOB}/write", True, "w", "o"),
    "Put Block List": (f"{BLOB}/write", True, "w", "o"),
    "Set Blob Metadata": (f"{BLOB}/write", True, "w", "o"),
    "Set Blob Properties": (f"{BLOB}/write", True, "w", "o"),
    "Copy Blob": (f"{BLOB}/write", True, "cw", "o"),
    "Put Blob": (f"{BLOB}/write", True, "cw", "o"),
    "Get Block List": (f"{BLOB}/read", True, "r", "o"),
    "Get Blob Metadata": (f"{BLOB}/read", True, "r", "o"),
    "Get Blob": (f"{BLOB}/read", True, "r", "o"),
    "Get Blob Properties": (f"{BLOB}/read", True, "r", "o"),
    "Delete Blob": (f"{BLOB}/delete", True, "d", "o"),
    "List Blobs": (f"{BLOB}/read", True, "l", "c"),
    "Get Container Properties": (f"{CONTAINER}/read", False, "r", "c"),
    "Get Container Metadata": (f"{CONTAINER}/read", False, "r", "c"),
    "Create Container": (f"{CONTAINER}/write", False, "cw", "c"),
    "Set Container Metadata": (f"{CONTAINER}/write", False, "w", "c"),
    "Delete Container": (f"{CONTAINER}/delete", False, "d", "c"),
    "List Containers": (f"{CONTAINER}/read", False, "l", "s"),
    "Get Account Information": (f"{SERVICE}/getInfo/action", False, "", "sco"),
    "Get User Delegation Key": (f"{SERVICE}/generateUserDelegationKey/action", False, None, "s"),
}
LETTERS = "racwdxlti"
SOURCE = "CannotVerifyCopySource"  # past the right to write: a copy takes the right to read its source as well


def test_each_operation_has_its_row() -> None:
    assert {each.name for each in OPERATIONS} == set(RIGHTS)


def token(azure: Azure, action: str, data: bool, *, holds: bool) -> str:
    """A new user's token, who holds one action alone, or everything but that one."""
    someone = azure.cloud.directory.add_user(f"{azure.cloud.ids.guid()}@local.test")
    kind, key = ("dataActions", "notDataActions") if data else ("actions", "notActions")
    block: dict[str, Any] = {kind: [action]} if holds else {"actions": ["*"], "dataActions": ["*"], key: [action]}
    role = f"/{azure.cloud.ids.guid()}"
    properties = {"roleName": role, "permissions": [block], "type": "CustomRole", "assignableScopes": [ACCOUNT_ID]}
    azure.cloud.store.put(DEFINITIONS, role, {"id": role, "properties": properties})
    told = {"principalId": someone.object_id, "roleDefinitionId": role, "scope": ACCOUNT_ID}
    azure.cloud.store.put(ASSIGNMENTS, role, {"id": role, "properties": told})
    found, _ = azure.cloud.tokens.issue(someone.object_id, "https://storage.azure.com")
    return found


def ask(azure: Azure, operation: BlobOperation, more: str = "", **headers: str) -> tuple[int, str]:
    url, told = asked_of(operation)
    method = operation.methods.split()[0]
    answer = azure.http.request(method, f"{HOST}{url}{more}", headers={"x-ms-version": "2023-11-03", **told, **headers})
    return answer.status_code, answer.headers.get("x-ms-error-code", "")


EACH = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.name}-{each.level}")


@EACH
def test_its_action_lets_in_and_all_others_do_not(azure: Azure, operation: BlobOperation) -> None:
    azure.put("a", b"1")
    action, data, *_ = RIGHTS[operation.name]
    bearer = f"Bearer {token(azure, action, data, holds=False)}"
    assert ask(azure, operation, authorization=bearer) == (403, "AuthorizationPermissionMismatch")
    status, code = ask(azure, operation, authorization=f"Bearer {token(azure, action, data, holds=True)}")
    assert status not in (401, 403) or code == SOURCE, code
    assert status < 500


@EACH
def test_its_letter_lets_in_and_all_others_do_not(azure: Azure, operation: BlobOperation) -> None:
    azure.put("a", b"1")
    _, _, letters, level = RIGHTS[operation.name]

    def signed(permissions: str, types: str) -> str:
        end = azure.clock.now() + timedelta(hours=1)
        return "&" + generate_account_sas(ACCOUNT, KEY1, resource_types=types, permission=permissions, expiry=end)

    if letters is None:
        assert ask(azure, operation, signed(LETTERS, "sco")) == (403, "AuthenticationFailed")
        return
    others = "".join(each for each in LETTERS if each not in letters)
    if letters:
        assert ask(azure, operation, signed(others, "sco")) == (403, "AuthorizationPermissionMismatch")
    if len(level) == 1:
        types = "sco".replace(level, "")
        assert ask(azure, operation, signed(LETTERS, types)) == (403, "AuthorizationResourceTypeMismatch")
    for each in letters or "r":
        status, code = ask(azure, operation, signed(each, level))
        assert status not in (401, 403) or code in ("UnauthorizedBlobOverwrite", SOURCE), code


# Operations with a body that becomes a blob or a part of one.
UPLOADS = [each for each in OPERATIONS if each.name in ("Put Blob", "Put Block", "Put Block List")]


@pytest.mark.parametrize("operation", UPLOADS, ids=lambda each: each.name)
@pytest.mark.parametrize("taken", ["role", "key", "account"])
def test_what_lets_in_when_an_upload_begins_is_there_when_it_ends(
    azure: Azure, operation: BlobOperation, taken: str
) -> None:
    """Else who expects to lose it begins an upload today, and ends it when he has none."""
    store = azure.cloud.store
    action, data, *_ = RIGHTS[operation.name]
    url, told = asked_of(operation)
    told["x-ms-blob-type"] = "BlockBlob"
    if taken == "role":
        told["authorization"] = f"Bearer {token(azure, action, data, holds=True)}"
    else:
        end = azure.clock.now() + timedelta(hours=1)
        url += "&" if "?" in url else "?"
        url += generate_account_sas(ACCOUNT, KEY1, resource_types="o", permission="cw", expiry=end)

    def take() -> None:
        if taken == "role":
            for key, _ in list(store.scan(ASSIGNMENTS)):
                store.delete(ASSIGNMENTS, key)
        elif taken == "account":
            store.delete(RESOURCES, ACCOUNT_ID)
        else:
            store.put(SECRETS, ACCOUNT_ID, {"keys": [KEY2, KEY2]})

    async def slowly() -> AsyncIterator[bytes]:
        yield b"<BlockList>" if operation.name == "Put Block List" else b"1"
        take()
        yield b"</BlockList>" if operation.name == "Put Block List" else b"2"

    answer = azure.http.request("PUT", f"{HOST}{url}", headers={"x-ms-version": "2023-11-03", **told}, content=slowly())
    assert answer.status_code == (404 if taken == "account" else 403), answer.text
    assert not [*store.scan(BLOBS), *store.scan(BLOCKS)]
