"""The data planes refuse who comes from where they do not let in, each in Azure's words; Resource Manager does not."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.services import azureml, blobs, vault
from azmlflow.reach.records import INTERNET, Origin
from tests.localazure.control import (
    BODIES,
    CHAIN,
    DEVELOPER,
    MANAGED,
    NETWORK,
    PRIVATE_ENDPOINT,
    RG,
    STORAGE,
    SUBNET,
    VAULT,
    WORKSPACE,
    ZONE,
    Azure,
)
from tests.localazure.transport import Client

INSIDE = Origin("network", NETWORK)
NODE = Origin("managed", WORKSPACE)
_BLOBS = "https://stacct1.blob.core.windows.net/?comp=list"
_KEYS = "https://kv-one.vault.azure.net/secrets?api-version=7.4"
_RUNS = f"https://westeurope.api.azureml.ms/history/v1.0{WORKSPACE}/experiments"


@pytest.fixture
def estate(azure: Azure) -> Azure:
    """A workspace and what it stands on, open."""
    azure.make(*CHAIN[:6])
    return azure


def _ask(azure: Azure, url: str, origin: Origin | None) -> httpx.Response:
    """A service's answer to the developer, who comes from somewhere."""
    kinds = {"blob": blobs, "vault": vault, "api": azureml}
    service = kinds[url.split("/")[2].split(".")[1]].service(azure.cloud)

    async def arrived(scope: Scope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})
        state["caller"] = Caller(azure.who(DEVELOPER))
        if origin is not None:
            state["origin"] = origin
        await service(scope, receive, send)

    app: ASGIApp = arrived
    return Client(app).request("GET", url)


def _close(azure: Azure, path: str, **properties: Any) -> None:
    body = azure.arm("GET", path).body
    body["properties"] |= properties or {"publicNetworkAccess": "Disabled"}
    assert azure.arm("PUT", path, body).status in (200, 201, 202)
    azure.wait()


def test_what_is_open_lets_everybody_in(estate: Azure) -> None:
    for url in (_BLOBS, _KEYS, _RUNS):
        for origin in (None, INTERNET, INSIDE, NODE):
            found = _ask(estate, url, origin)
            assert "AuthorizationFailure" not in found.text and "ForbiddenByConnection" not in found.text
            assert "private link configuration" not in found.text, (url, origin)


def test_a_storage_account_that_is_closed(estate: Azure) -> None:
    _close(estate, STORAGE)
    refused = _ask(estate, _BLOBS, None)
    assert (refused.status_code, refused.headers["x-ms-error-code"]) == (403, "AuthorizationFailure")
    assert "This request is not authorized to perform this operation." in refused.text
    assert _ask(estate, _BLOBS, INSIDE).headers["x-ms-error-code"] == "AuthorizationFailure"
    estate.make(NETWORK, SUBNET, ZONE, PRIVATE_ENDPOINT)
    link = {"location": "global", "properties": {"virtualNetwork": {"id": NETWORK}}}
    estate.arm("PUT", f"{ZONE}/virtualNetworkLinks/l", link)
    estate.wait()
    lost = _ask(estate, _BLOBS, INSIDE)
    assert lost.headers["x-ms-error-code"] == "NotReachable"
    assert "has no record for stacct1.blob.core.windows.net" in lost.text
    configs = [{"name": "blob", "properties": {"privateDnsZoneId": ZONE}}]
    group = f"{PRIVATE_ENDPOINT}/privateDnsZoneGroups/default"
    estate.arm("PUT", group, {"properties": {"privateDnsZoneConfigs": configs}})
    estate.wait()
    assert _ask(estate, _BLOBS, INSIDE).headers.get("x-ms-error-code") == "NoAuthenticationInformation"  # it arrived
    assert _ask(estate, _BLOBS, None).headers["x-ms-error-code"] == "AuthorizationFailure"


def test_a_firewall_knows_addresses(estate: Azure) -> None:
    rules = {"defaultAction": "Deny", "ipRules": [{"value": "198.51.100.0/24"}]}
    _close(estate, STORAGE, networkAcls=rules)
    assert _ask(estate, _BLOBS, None).headers["x-ms-error-code"] == "AuthorizationFailure"
    passed = _ask(estate, _BLOBS, Origin("internet", "198.51.100.7"))
    assert passed.headers["x-ms-error-code"] == "NoAuthenticationInformation"


def test_a_vault_that_is_closed(estate: Azure) -> None:
    _close(estate, VAULT)
    refused = _ask(estate, _KEYS, None)
    assert refused.status_code == 403
    assert refused.json()["error"] == {
        "code": "Forbidden",
        "message": "Public network access is disabled and request is not from a trusted service nor via an approved "
        "private link.",
        "innererror": {"code": "ForbiddenByConnection"},
    }


def test_a_workspace_that_is_closed(estate: Azure) -> None:
    _close(estate, WORKSPACE)
    refused = _ask(estate, _RUNS, None)
    assert refused.status_code == 403
    assert refused.json()["message"] == "Access to workspace was denied based on workspace private link configuration."
    assert refused.json()["error"]["code"] == "UserError"
    assert estate.arm("GET", WORKSPACE).status == 200  # Resource Manager is reached from everywhere
    assert _ask(estate, "https://westeurope.api.azureml.ms/discovery", None).status_code == 200


def test_a_firewall_of_addresses(estate: Azure) -> None:
    """`network.mode: publicIps`: all let in the same, each in its own member of its document."""
    rules = {"defaultAction": "Deny", "ipRules": [{"value": "198.51.100.0/24"}]}
    for path in (WORKSPACE, STORAGE, VAULT):
        _close(estate, path, networkAcls=rules)
    for url in (_BLOBS, _KEYS, _RUNS):
        let_in = _ask(estate, url, Origin("internet", "198.51.100.9")).text
        assert not any(word in let_in for word in ("AuthorizationFailure", "ForbiddenByFirewall", "private link"))
        assert _ask(estate, url, INTERNET).status_code == 403
    assert "ForbiddenByFirewall" in _ask(estate, _KEYS, INTERNET).text
    assert "private link configuration" in _ask(estate, _RUNS, NODE).text, "nor Azure's own computes"


def test_a_compute_in_a_managed_network(azure: Azure) -> None:
    azure.make(RG, STORAGE, VAULT)
    for path in (STORAGE, VAULT):
        _close(azure, path)
    body = BODIES[MANAGED]
    closed = {**body, "properties": {**body["properties"], "publicNetworkAccess": "Disabled"}}
    assert azure.arm("PUT", MANAGED, closed).status == 202
    azure.wait()
    node, url = Origin("managed", MANAGED), _RUNS.replace("ws-one", "ws-managed")
    held = _ask(azure, url, node).json()
    assert held["error"]["code"] == "NotReachable"
    assert azure.arm("POST", f"{MANAGED}/provisionManagedNetwork", {}).status == 202
    azure.wait()
    assert _ask(azure, url, node).json()["error"]["code"] == "EndpointNotFound"  # it arrived
    assert _ask(azure, _BLOBS, node).headers["x-ms-error-code"] == "NoAuthenticationInformation"
    assert _ask(azure, url, None).status_code == 403
