"""The vaults' data plane: who may look, and that there is nothing to see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import ASSIGNMENTS
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.services import vault
from azmlflow.rbac.roles import built_in_role
from tests.localazure.transport import Client, make_cloud

VERSION = {"api-version": "7.4"}
GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg"


def put_vault(cloud: Cloud, name: str, **properties: Any) -> str:
    resource_id = f"{GROUP}/providers/Microsoft.KeyVault/vaults/{name}"
    cloud.store.put(
        "resources",
        resource_id.lower(),
        {"id": resource_id, "name": name, "type": "Microsoft.KeyVault/vaults", "properties": properties},
    )
    return resource_id


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    made = make_cloud(tmp_path_factory.mktemp("state"))
    alice, bob = made.directory.add_user("alice@local.test"), made.directory.add_user("bob@local.test")
    group = made.directory.add_group("team")
    made.directory.add_member(group.object_id, bob.object_id)
    byroles = put_vault(made, "ByRoles", enableRbacAuthorization=True)
    put_vault(
        made,
        "bypolicy",
        accessPolicies=[{"objectId": group.object_id, "permissions": {"secrets": ["List"], "keys": ["all"]}}],
    )
    role = built_in_role("Key Vault Administrator")
    made.store.put(
        ASSIGNMENTS,
        "one",
        {
            "id": f"{byroles}/providers/Microsoft.Authorization/roleAssignments/one",
            "properties": {"principalId": alice.object_id, "roleDefinitionId": role.id, "scope": byroles},
        },
    )
    return made


@pytest.fixture(scope="module")
def ask(cloud: Cloud) -> Any:
    inner = vault.service(cloud)

    async def signed_in(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            name = dict(scope["headers"])[b"x-test-caller"].decode()
            principal = cloud.directory.find_user(name)
            assert principal is not None
            scope.setdefault("state", {})["caller"] = Caller(principal)
        await inner(scope, receive, send)

    client = Client(signed_in)

    def asking(who: str, name: str, path: str, method: str = "GET", **params: str) -> httpx.Response:
        url = f"https://{name}.vault.azure.net{path}"
        headers = {"x-test-caller": f"{who}@local.test"}
        return client.request(method, url, params=params or VERSION, headers=headers)

    return asking


@pytest.mark.parametrize(("who", "name"), [("alice", "byroles"), ("bob", "bypolicy")])
def test_a_listing_is_empty(ask: Any, who: str, name: str) -> None:
    answer = ask(who, name, "/secrets")
    assert (answer.status_code, answer.json()) == (200, {"value": [], "nextLink": None})


MADE = {
    "kty": "RSA",
    "keySize": 3072,
    "keyOps": ["wrapKey", "unwrapKey"],
    "attributes": {"enabled": True, "created": 1, "updated": 1, "recoveryLevel": "Recoverable"},
    "keyUri": "https://keyed.vault.azure.net/keys/one",
    "keyUriWithVersion": "https://keyed.vault.azure.net/keys/one/1a2b",
}


@pytest.fixture(scope="module")
def keyed(cloud: Cloud) -> str:
    """A vault with a key that Resource Manager made; its ARM id."""
    id_ = put_vault(cloud, "keyed", enableRbacAuthorization=True)
    told = {"id": f"{id_}/keys/one", "name": "one", "type": "Microsoft.KeyVault/vaults/keys", "properties": MADE}
    cloud.store.put("resources", f"{id_}/keys/one".lower(), told)
    return id_


def give(cloud: Cloud, who: str, role: str, scope: str) -> None:
    user = cloud.directory.find_user(f"{who}@local.test") or cloud.directory.add_user(f"{who}@local.test")
    told = {"principalId": user.object_id, "roleDefinitionId": built_in_role(role).id, "scope": scope}
    name = cloud.ids.guid()
    id_ = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
    cloud.store.put(ASSIGNMENTS, name, {"id": id_, "properties": told})


def test_a_key_is_told_without_its_material(cloud: Cloud, ask: Any, keyed: str) -> None:
    give(cloud, "carol", "Key Vault Crypto User", keyed)
    shown = {"key": {"kid": MADE["keyUriWithVersion"], "kty": "RSA", "key_ops": ["wrapKey", "unwrapKey"]}}
    whole = {**shown, "attributes": MADE["attributes"], "tags": {}}
    for path in ("/keys/one", "/keys/ONE/1A2B"):
        assert ask("carol", "keyed", path).json() == whole, path
    assert ask("carol", "keyed", "/keys/one/other").json()["error"]["code"] == "KeyNotFound"
    listed = {"attributes": MADE["attributes"], "tags": {}}
    assert ask("carol", "keyed", "/keys").json()["value"] == [{"kid": MADE["keyUri"], **listed}]
    assert ask("carol", "keyed", "/keys/one/versions").json()["value"] == [{"kid": MADE["keyUriWithVersion"], **listed}]
    assert ask("carol", "keyed", "/secrets").status_code == 403, "her role is on keys"


def test_a_role_on_one_key_reads_that_key_alone(cloud: Cloud, ask: Any, keyed: str) -> None:
    """As the identity of an encrypted workspace has it."""
    give(cloud, "dave", "Key Vault Crypto Service Encryption User", f"{keyed}/keys/one")
    assert ask("dave", "keyed", "/keys/one").status_code == 200
    for path in ("/keys/other", "/keys", "/keys/one/versions"):
        assert ask("dave", "keyed", path).json()["error"]["innererror"]["code"] == "ForbiddenByRbac", path


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_keys_are_neither_imported_nor_deleted(ask: Any, keyed: str, method: str) -> None:
    refused = ask("alice", "byroles", "/keys/one", method)
    assert (refused.status_code, "does not emulate" in refused.json()["error"]["message"]) == (404, True)


@pytest.mark.parametrize("path", ["/secrets/key", "/keys/key", "/certificates/key", "/secrets/key/0123"])
def test_reading_finds_nothing(ask: Any, path: str) -> None:
    answer = ask("alice", "byroles", path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] in {"SecretNotFound", "KeyNotFound", "CertificateNotFound"}


@pytest.mark.parametrize(
    ("asked", "inner"),
    [
        (("bob", "byroles", "/secrets"), "ForbiddenByRbac"),
        (("bob", "byroles", "/keys/k"), "ForbiddenByRbac"),
        (("alice", "bypolicy", "/secrets"), "ForbiddenByPolicy"),
        (("bob", "bypolicy", "/secrets/s"), "ForbiddenByPolicy"),  # may list, not get
    ],
)
def test_who_may_not_is_told_so(ask: Any, cloud: Cloud, asked: tuple[str, str, str], inner: str) -> None:
    answer = ask(*asked)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["innererror"]["code"]) == (403, "Forbidden", inner)
    caller = cloud.directory.find_user(f"{asked[0]}@local.test")
    assert caller is not None
    assert caller.object_id in error["message"]


def test_a_policy_for_all_covers_each(ask: Any) -> None:
    assert ask("bob", "bypolicy", "/keys").status_code == 200
    assert ask("bob", "bypolicy", "/keys/k").status_code == 404


def test_a_vault_that_is_not_there(ask: Any) -> None:
    answer = ask("alice", "nowhere", "/secrets")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "VaultNotFound")


def test_the_version_is_wanted(ask: Any) -> None:
    answer = ask("alice", "byroles", "/secrets", other="1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadParameter")


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/secrets/s"), ("GET", "/"), ("GET", "/other"), ("DELETE", "/keys/k"), ("GET", "/keys/k/")],
)
def test_what_is_not_emulated_is_a_404(ask: Any, method: str, path: str) -> None:
    answer = ask("alice", "byroles", path, method)
    assert answer.status_code == 404
    assert "does not emulate" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "version", ["2016-10-01", "7.0", "7.4", "7.6-preview.2", "7.6", "2025-07-01", "2026-01-01-preview"]
)
def test_versions_that_key_vault_has(ask: Any, version: str) -> None:
    assert ask("alice", "byroles", "/secrets", **{"api-version": version}).status_code == 200


@pytest.mark.parametrize("version", ["1999-01-01", "7", "7.7", "2024-11-01"])
def test_a_version_that_key_vault_does_not_have(ask: Any, version: str) -> None:
    answer = ask("alice", "byroles", "/secrets", **{"api-version": version})
    latest = "Consider using the latest supported version (2025-07-01)."
    message = f"The specified version ({version}) is not recognized. {latest}"
    assert (answer.status_code, answer.json()) == (400, {"error": {"code": "BadParameter", "message": message}})


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/secrets", {"$skiptoken": "x"}),
        ("/secrets", {"maxresults": "0"}),
        ("/secrets", {"maxresults": "26"}),
        ("/secrets", {"maxresults": "many"}),
        ("/secrets/one", {"maxresults": "5"}),
        ("/keys", {"colour": "red"}),
    ],
)
def test_a_parameter_that_would_be_left_out_is_refused(ask: Any, path: str, params: dict[str, str]) -> None:
    answer = ask("alice", "byroles", path, **VERSION, **params)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadParameter")
    assert ask("alice", "byroles", "/secrets", **VERSION, maxresults="25").json() == {"value": [], "nextLink": None}


def test_state_folder_is_untouched(cloud: Cloud) -> None:
    assert {path.name for path in Path(cloud.state).iterdir()} <= {"signing.pem", "sas.key"}
