"""Keys at a vault itself: made, rotated, changed, told by version; expected by hand from Microsoft's Key Vault REST."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import ASSIGNMENTS
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.services import vault
from tests.localazure.services.test_vault import VERSION, give, put_vault
from tests.localazure.transport import Client, make_cloud

Ask = Callable[..., httpx.Response]
HOST = "https://kv.vault.azure.net"


@pytest.fixture
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    made = make_cloud(tmp_path_factory.mktemp("state"))
    id_ = put_vault(made, "kv", enableRbacAuthorization=True, vaultUri=f"{HOST}/", sku={"name": "standard"})
    made.store.put("resources", id_.lower(), {**(made.store.get("resources", id_.lower()) or {}), "location": "x"})
    give(made, "olga", "Key Vault Crypto Officer", id_)
    give(made, "uwe", "Key Vault Crypto User", id_)
    return made


@pytest.fixture
def ask(cloud: Cloud) -> Ask:
    inner = vault.service(cloud)

    async def signed_in(scope: Scope, receive: Receive, send: Send) -> None:
        who = cloud.directory.find_user(dict(scope["headers"])[b"x-test-caller"].decode())
        assert who is not None
        scope.setdefault("state", {})["caller"] = Caller(who)
        await inner(scope, receive, send)

    client = Client(signed_in)

    def asking(method: str, path: str, body: Any = None, who: str = "olga") -> httpx.Response:
        headers = {"x-test-caller": f"{who}@local.test"}
        sent: dict[str, Any] = {"content": body} if isinstance(body, bytes | AsyncIterator) else {"json": body}
        params = None if "api-version" in path else VERSION
        return client.request(method, f"{HOST}{path}", params=params, headers=headers, **sent)

    return asking


def test_a_key_is_made_and_made_again_as_another_version(ask: Ask) -> None:
    first = ask("POST", "/keys/one/create", {"kty": "RSA", "key_size": 3072, "tags": {"a": "b"}}).json()
    assert (first["key"]["kty"], first["tags"], first["attributes"]["enabled"]) == ("RSA", {"a": "b"}, True)
    second = ask("POST", "/keys/one/create", {"kty": "EC", "crv": "P-384", "attributes": {"exp": 2000000000}}).json()
    assert (second["key"]["crv"], second["attributes"]["exp"]) == ("P-384", 2000000000)
    assert first["key"]["kid"].rpartition("/")[0] == f"{HOST}/keys/one"
    assert first["key"]["kid"] != second["key"]["kid"]
    assert ask("GET", "/keys/one").json() == second
    assert ask("GET", first["key"]["kid"].removeprefix(HOST)).json() == first
    kids = {each["kid"] for each in ask("GET", "/keys/one/versions").json()["value"]}
    assert kids == {first["key"]["kid"], second["key"]["kid"]}
    assert [each["kid"] for each in ask("GET", "/keys").json()["value"]] == [f"{HOST}/keys/one"]


def test_a_rotated_key_is_like_the_last_and_expires_by_its_policy(ask: Ask) -> None:
    ask("POST", "/keys/one/create", {"kty": "RSA", "key_size": 4096, "key_ops": ["wrapKey", "unwrapKey"]})
    assert ask("GET", "/keys/one/rotationpolicy").json()["attributes"] == {}
    actions = [{"trigger": {"timeAfterCreate": "P18M"}, "action": {"type": "Rotate"}}]
    kept = ask("PUT", "/keys/one/rotationpolicy", {"lifetimeActions": actions, "attributes": {"expiryTime": "P90D"}})
    assert (kept.json()["lifetimeActions"], kept.json()["attributes"]["expiryTime"]) == (actions, "P90D")
    assert ask("GET", "/keys/one/rotationpolicy").json() == kept.json()
    rotated = ask("POST", "/keys/one/rotate").json()
    assert rotated["key"]["key_ops"] == ["wrapKey", "unwrapKey"]
    assert rotated["attributes"]["exp"] - rotated["attributes"]["created"] == 90 * 24 * 3600
    assert len(ask("GET", "/keys/one/versions").json()["value"]) == 2
    assert ask("GET", "/keys/one").json() == rotated


def test_one_version_is_disabled_and_the_others_stay(ask: Ask) -> None:
    first = ask("POST", "/keys/one/create", {"kty": "RSA"}).json()
    second = ask("POST", "/keys/one/rotate").json()
    old, new = (each["key"]["kid"].removeprefix(HOST) for each in (first, second))
    assert ask("PATCH", old, {"attributes": {"enabled": False}}).json()["attributes"]["enabled"] is False
    assert ask("GET", old).json()["attributes"]["enabled"] is False
    assert ask("GET", new).json()["attributes"]["enabled"] is True
    assert ask("PATCH", "/keys/one", {"tags": {"x": "y"}, "key_ops": ["sign"]}).json()["tags"] == {"x": "y"}
    assert ask("GET", new).json()["key"]["key_ops"] == ["sign"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/keys/one/create", {}),
        ("POST", "/keys/one/create", {"kty": "oct"}),
        ("POST", "/keys/one/create", {"kty": "RSA", "key_size": 1024}),
        ("POST", "/keys/one/create", {"kty": "RSA-HSM"}),
        ("POST", "/keys/one_two/create", {"kty": "RSA"}),
        ("POST", "/keys/one/create", {"kty": "RSA", "release_policy": {}}),
        ("POST", "/keys/one/create", []),
        ("PUT", "/keys/there/rotationpolicy", {"attributes": {"expiryTime": "P27D"}}),
        ("PUT", "/keys/there/rotationpolicy", {"attributes": {"expiryTime": "soon"}}),
        ("PUT", "/keys/there/rotationpolicy", {"lifetimeActions": [{"action": {"type": "Rotate"}}]}),
        ("PUT", "/keys/there/rotationpolicy", {"lifetimeActions": ["x"]}),
        ("PATCH", "/keys/there", {"kty": "EC"}),
        ("PUT", "/keys/there/rotationpolicy", {"attributes": {"expiryTime": f"P{'9' * 5000}D"}}),
        ("PUT", "/keys/there/rotationpolicy", {"attributes": {"expiryTime": "P999999D"}}),
        ("PUT", "/keys/there/rotationpolicy", {"attributes": {"unheardOf": 1}}),
        ("PUT", "/keys/there/rotationpolicy", {"unheardOf": 1}),
        ("PUT", "/keys/there/rotationpolicy", {"lifetimeActions": {}}),
        *(
            ("PUT", "/keys/there/rotationpolicy", {"lifetimeActions": [{"trigger": trigger, "action": action}]})
            for trigger, action in (
                (["timeAfterCreate"], {"type": "Notify"}),
                ({"timeAfterCreate": "P30D"}, "Notify"),
                ({"timeAfterCreate": "P30D"}, {"type": {}}),
                ({"timeAfterCreate": "P30D"}, {"type": "Notify", "unheardOf": 1}),
                ({"timeAfterCreate": 30}, {"type": "Notify"}),
            )
        ),
        ("PATCH", "/keys/there", {"attributes": 1}),
        ("PATCH", "/keys/there", {"attributes": {"unheardOf": 1}}),
        ("PATCH", "/keys/there", {"attributes": {"enabled": "no"}}),
        ("PATCH", "/keys/there", {"attributes": {"exp": "soon"}}),
        ("PATCH", "/keys/there", {"attributes": {"exp": 10**40}}),
        ("POST", "/keys/one/create", {"kty": "RSA", "attributes": {"nbf": -1}}),
        ("POST", "/keys/one/create", {"kty": "RSA", "attributes": {"exp": 1.5}}),
        ("POST", "/keys/one/create", {"kty": "RSA", "attributes": {"exportable": True}}),
        ("POST", "/keys/one/create", b'{"kty": "RSA", "kty": "EC"}'),
        ("POST", "/keys/one/create", b"[" * 100_000),
        ("POST", "/keys/one/create", b'{"kty": "RSA", "tags": {"a": "\\ud800"}}'),
    ],
)
def test_what_a_vault_does_not_take(ask: Ask, method: str, path: str, body: Any) -> None:
    before = ask("POST", "/keys/there/create", {"kty": "RSA"}).json()
    refused = ask(method, path, body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BadParameter"), refused.text
    assert ask("GET", "/keys/there").json() == before
    assert ask("GET", "/keys/one").status_code == 404


def test_null_says_nothing(ask: Ask) -> None:
    made = ask("POST", "/keys/one/create", {"kty": "RSA", "tags": {"a": "b"}, "attributes": {"exp": None}}).json()
    assert "exp" not in made["attributes"]
    same = ask("PATCH", "/keys/one", {"tags": None, "key_ops": None, "attributes": {"enabled": None, "created": 1}})
    assert same.json() == made
    action = {"trigger": {"timeBeforeExpiry": "P30D"}, "action": {"type": "notify"}}
    kept = ask("PUT", "/keys/one/rotationpolicy", {"lifetimeActions": [action], "attributes": None}).json()
    assert kept["lifetimeActions"] == [{**action, "action": {"type": "Notify"}}]


def test_lists_go_on_from_page_to_page(ask: Ask) -> None:
    for number in range(27):
        ask("POST", f"/keys/many{number:02}/create", {"kty": "RSA"})
    for _ in range(2):
        ask("POST", "/keys/many00/create", {"kty": "RSA"})
    for path, size, wanted in (
        ("/keys", None, [25, 2]),
        ("/keys", 10, [10, 10, 7]),
        ("/keys/many00/versions", 2, [2, 1]),
    ):
        link: str | None = f"{HOST}{path}?api-version={VERSION['api-version']}" + (
            f"&maxresults={size}" if size else ""
        )
        pages: list[list[str]] = []
        while link is not None:
            page = ask("GET", link.removeprefix(HOST)).json()
            pages.append([each["kid"] for each in page["value"]])
            link = page["nextLink"]
        assert [len(each) for each in pages] == wanted
        assert len({kid for each in pages for kid in each}) == sum(wanted)
    for wrong in ("$skiptoken=soon", "$skiptoken=-1", "maxresults=٣"):
        assert ask("GET", f"/keys?api-version={VERSION['api-version']}&{wrong}").status_code == 400, wrong


def test_who_uses_keys_may_read_them_and_make_none(ask: Ask) -> None:
    ask("POST", "/keys/one/create", {"kty": "RSA"})
    assert ask("GET", "/keys/one", who="uwe").status_code == 200
    for method, path in (("POST", "create"), ("POST", "rotate"), ("PUT", "rotationpolicy")):
        assert ask(method, f"/keys/one/{path}", {"kty": "RSA"}, who="uwe").status_code == 403, path


def test_a_body_comes_before_the_right_is_asked_for_and_has_an_end(cloud: Cloud, ask: Ask) -> None:
    """Else who expects to lose the right begins a request today and ends it when he has none."""

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"kty"'
        for key, _ in list(cloud.store.scan(ASSIGNMENTS)):
            cloud.store.delete(ASSIGNMENTS, key)
        yield b': "RSA"}'

    assert ask("POST", "/keys/long/create", b" " * 1024 * 1024 + b"{}").status_code == 413
    assert ask("POST", "/keys/late/create", slowly()).status_code == 403
    assert not [key for key, _ in cloud.store.scan("resources") if key.endswith("/keys/late")]
