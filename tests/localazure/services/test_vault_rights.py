"""Which right each handler of a vault's data plane asks for, at which vault, from a table written by hand.

Microsoft, "Azure RBAC for Key Vault: built-in roles" and the provider operations of Microsoft.KeyVault, for the data
actions; "Vaults - Create Or Update", `SecretPermissions`, `KeyPermissions` and `CertificatePermissions`, for the access
policies'.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import ASSIGNMENTS, DEFINITIONS
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.services import vault
from tests.localazure.services.test_vault import GROUP, VERSION, put_vault
from tests.localazure.transport import Client, make_cloud

VAULTS = "Microsoft.KeyVault/vaults"
# Method, path -> the data action, the access policy's permission, and what an allowed caller is answered.
RIGHTS = {
    ("GET", "/secrets"): (f"{VAULTS}/secrets/readMetadata/action", "list", 200),
    ("GET", "/secrets/{name}"): (f"{VAULTS}/secrets/getSecret/action", "get", 404),
    ("GET", "/secrets/{name}/versions"): (f"{VAULTS}/secrets/readMetadata/action", "list", 200),
    ("GET", "/secrets/{name}/{version}"): (f"{VAULTS}/secrets/getSecret/action", "get", 404),
    ("GET", "/keys"): (f"{VAULTS}/keys/read", "list", 200),
    ("GET", "/keys/{name}"): (f"{VAULTS}/keys/read", "get", 404),
    ("GET", "/keys/{name}/versions"): (f"{VAULTS}/keys/read", "list", 200),
    ("GET", "/keys/{name}/{version}"): (f"{VAULTS}/keys/read", "get", 404),
    ("POST", "/keys/{name}/create"): (f"{VAULTS}/keys/create/action", "create", 400),
    ("POST", "/keys/{name}/rotate"): (f"{VAULTS}/keys/rotate/action", "rotate", 404),
    ("PATCH", "/keys/{name}"): (f"{VAULTS}/keys/update/action", "update", 404),
    ("PATCH", "/keys/{name}/{version}"): (f"{VAULTS}/keys/update/action", "update", 404),
    ("GET", "/keys/{name}/rotationpolicy"): (f"{VAULTS}/keyrotationpolicies/read", "getrotationpolicy", 404),
    ("PUT", "/keys/{name}/rotationpolicy"): (f"{VAULTS}/keyrotationpolicies/write", "setrotationpolicy", 404),
    ("GET", "/certificates"): (f"{VAULTS}/certificates/read", "list", 200),
    ("GET", "/certificates/{name}"): (f"{VAULTS}/certificates/read", "get", 404),
    ("GET", "/certificates/{name}/versions"): (f"{VAULTS}/certificates/read", "list", 200),
    ("GET", "/certificates/{name}/{version}"): (f"{VAULTS}/certificates/read", "get", 404),
}
ACTIONS = {action for action, _, _ in RIGHTS.values()}
# All that a policy can give, but for `all`, which covers each.
PERMISSIONS = {
    "secrets": ["get", "list", "set", "delete", "backup", "restore", "recover", "purge"],
    "keys": [
        *("encrypt", "decrypt", "wrapKey", "unwrapKey", "sign", "verify", "get", "list", "create", "update", "import"),
        *("delete", "backup", "restore", "recover", "purge", "release", "rotate", "getrotationpolicy"),
        "setrotationpolicy",
    ],
    "certificates": [
        *("get", "list", "delete", "create", "import", "update", "managecontacts", "getissuers", "listissuers"),
        *("setissuers", "deleteissuers", "manageissuers", "recover", "purge", "backup", "restore"),
    ],
}
EACH = pytest.mark.parametrize(("method", "path"), list(RIGHTS))
Ask = Callable[[str, str, str, str], tuple[int, str]]  # who, vault, method, path -> status, the finer code


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    return make_cloud(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def service(cloud: Cloud) -> Starlette:
    made = vault.service(cloud)
    assert isinstance(made, Starlette)
    return made


@pytest.fixture(scope="module")
def ask(cloud: Cloud, service: Starlette) -> Ask:
    async def signed_in(scope: Scope, receive: Receive, send: Send) -> None:
        principal = cloud.directory.find_user(dict(scope["headers"])[b"x-test-caller"].decode())
        assert principal is not None
        scope.setdefault("state", {})["caller"] = Caller(principal)
        await service(scope, receive, send)

    def asking(who: str, name: str, method: str, path: str) -> tuple[int, str]:
        url = f"https://{name}.vault.azure.net{path.format(name='one', version='0123')}"
        told = Client(signed_in).request(method, url, params=VERSION, headers={"x-test-caller": who})
        error = told.json().get("error") or {}
        return told.status_code, (error.get("innererror") or {}).get("code", "")

    return asking


def someone(cloud: Cloud, at: str = "", **block: list[str]) -> tuple[str, str]:
    """A new user, with a role of one block of permissions at a scope, if any is given; name and object id."""
    user = cloud.directory.add_user(f"{cloud.ids.guid()}@local.test")
    if at:
        role = f"/{cloud.ids.guid()}"
        properties = {"roleName": role, "permissions": [block], "type": "CustomRole", "assignableScopes": [at]}
        cloud.store.put(DEFINITIONS, role, {"id": role, "properties": properties})
        told = {"principalId": user.object_id, "roleDefinitionId": role, "scope": at}
        cloud.store.put(ASSIGNMENTS, role, {"id": role, "properties": told})
    return user.name, user.object_id


def a_vault(cloud: Cloud, **properties: Any) -> tuple[str, str]:
    """A new vault; its name and its id."""
    name = f"kv{cloud.ids.guid().replace('-', '')[-20:]}"
    return name, put_vault(cloud, name, **properties)


def test_each_handler_has_its_row(service: Starlette) -> None:
    served = {
        (method, route.path.replace("{kind}", kind))
        for route in service.routes
        if isinstance(route, Route)
        for kind in (PERMISSIONS if "{kind}" in route.path else [""])
        for method in (route.methods or set()) - {"HEAD"}  # which Starlette answers as the GET, without its body
    }
    assert served == set(RIGHTS)


@EACH
def test_by_roles_its_action_lets_in_and_all_others_do_not(cloud: Cloud, ask: Ask, method: str, path: str) -> None:
    action, _, status = RIGHTS[method, path]
    name, id_ = a_vault(cloud, enableRbacAuthorization=True)
    has, _ = someone(cloud, id_, dataActions=[action])
    has_not, _ = someone(cloud, id_, actions=["*"], dataActions=["*"], notDataActions=[action])
    assert ask(has, name, method, path)[0] == status
    assert ask(has_not, name, method, path) == (403, "ForbiddenByRbac")


@EACH
def test_by_roles_it_is_asked_at_this_vault_and_as_a_data_action(
    cloud: Cloud, ask: Ask, method: str, path: str
) -> None:
    name, id_ = a_vault(cloud, enableRbacAuthorization=True)
    _, other = a_vault(cloud, enableRbacAuthorization=True)
    elsewhere, _ = someone(cloud, other, dataActions=["*"])
    owner, _ = someone(cloud, id_, actions=["*"])  # Owner: no data action
    above, _ = someone(cloud, GROUP, dataActions=[RIGHTS[method, path][0]])
    assert ask(elsewhere, name, method, path) == (403, "ForbiddenByRbac")
    assert ask(owner, name, method, path) == (403, "ForbiddenByRbac")
    assert ask(above, name, method, path)[0] == RIGHTS[method, path][2]


@EACH
def test_by_policy_its_permission_lets_in_and_all_others_do_not(cloud: Cloud, ask: Ask, method: str, path: str) -> None:
    _, permission, status = RIGHTS[method, path]
    kind = path.split("/")[1]
    (has, has_id), (has_not, has_not_id), (other, _) = someone(cloud), someone(cloud), someone(cloud)
    rest = {**PERMISSIONS, kind: [each for each in PERMISSIONS[kind] if each != permission]}
    policies = [
        {"objectId": has_id, "permissions": {kind: [permission.capitalize()]}},
        {"objectId": has_not_id, "permissions": rest},
    ]
    name, _ = a_vault(cloud, accessPolicies=policies)
    assert ask(has, name, method, path)[0] == status
    assert ask(has_not, name, method, path) == (403, "ForbiddenByPolicy")
    assert ask(other, name, method, path) == (403, "ForbiddenByPolicy")


@EACH
def test_one_model_of_rights_is_worth_nothing_in_the_other(cloud: Cloud, ask: Ask, method: str, path: str) -> None:
    by_policy, id_ = a_vault(cloud, accessPolicies=[])
    all_roles, _ = someone(cloud, id_, actions=["*"], dataActions=["*"])
    holder, holder_id = someone(cloud)
    policy = {"objectId": holder_id, "permissions": {kind: ["all"] for kind in PERMISSIONS}}
    by_role, _ = a_vault(cloud, enableRbacAuthorization=True, accessPolicies=[policy])
    assert ask(all_roles, by_policy, method, path) == (403, "ForbiddenByPolicy")
    assert ask(holder, by_role, method, path) == (403, "ForbiddenByRbac")
