"""Managed networks of workspaces: modes, outbound rules, provisioning; in Azure's words where they are known."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localazure.control import BODIES, CHAIN, COMPUTE, RG, STORAGE, WORKSPACE, Azure

_INTERNET, _APPROVED = "AllowInternetOutbound", "AllowOnlyApprovedOutbound"
_WITHOUT_COMPUTE = tuple(path for path in CHAIN if path != COMPUTE)
_ELSEWHERE = f"{RG}/providers/Microsoft.Storage/storageAccounts/other"


def _rule(name: str = "one") -> str:
    return f"{WORKSPACE}/outboundRules/{name}"


def _fqdn(host: str = "example.com") -> dict[str, Any]:
    return {"properties": {"type": "FQDN", "category": "UserDefined", "destination": host}}


def _endpoint(to: str = _ELSEWHERE, target: str = "blob") -> dict[str, Any]:
    destination = {"serviceResourceId": to, "subresourceTarget": target, "sparkEnabled": False}
    return {"properties": {"type": "PrivateEndpoint", "category": "UserDefined", "destination": destination}}


def _tag(**changes: Any) -> dict[str, Any]:
    destination = {"serviceTag": "DataFactory", "protocol": "TCP", "portRanges": "80, 8080-8089", **changes}
    return {"properties": {"type": "ServiceTag", "category": "UserDefined", "destination": destination}}


def _managed(azure: Azure, mode: str, **network: Any) -> Any:
    azure.make(*_WITHOUT_COMPUTE)
    return azure.arm("PATCH", WORKSPACE, {"properties": {"managedNetwork": {"isolationMode": mode, **network}}})


def _network(azure: Azure) -> Any:
    return azure.arm("GET", WORKSPACE).body["properties"]["managedNetwork"]


def test_rules_are_resources_and_shown_with_the_workspace(azure: Azure) -> None:
    assert _managed(azure, _APPROVED).status == 200
    for name, body in (("host", _fqdn()), ("tag", _tag()), ("account", _endpoint())):
        made = azure.arm("PUT", _rule(name), body)
        # 200 or 202, never 201: azurerm takes no other (go-azure-sdk, managednetwork, SettingsRuleCreateOrUpdate).
        assert (made.status, made.body["properties"]["status"]) == (202, "Inactive")
        assert azure.arm("PUT", _rule(name), body).status == 200, "the same again"
    listed = azure.arm("GET", f"{WORKSPACE}/outboundRules").body["value"]
    assert sorted(each["name"] for each in listed) == ["account", "host", "tag"]
    assert _network(azure)["outboundRules"]["host"]["destination"] == "example.com"
    assert azure.arm("DELETE", _rule("host")).status == 202
    assert azure.arm("GET", _rule("host")).status == 404
    assert set(_network(azure)["outboundRules"]) == {"account", "tag"}


def test_provisioning_is_long_running_and_makes_azures_own_endpoints(azure: Azure) -> None:
    _managed(azure, _APPROVED)
    azure.arm("PUT", _rule(), _fqdn())
    assert _network(azure)["status"] == {"status": "Inactive", "sparkReady": False}
    begun = azure.arm("POST", f"{WORKSPACE}/provisionManagedNetwork", {"includeSpark": False})
    assert (begun.status, begun.body) == (202, None)
    result = azure.arm("GET", begun.headers["location"].removeprefix("https://management.azure.com"))
    assert (result.status, result.body) == (200, {"status": "Active", "sparkReady": False})
    network = _network(azure)
    assert network["status"]["status"] == "Active"
    own = {name: each for name, each in network["outboundRules"].items() if each["category"] == "Required"}
    targets = sorted(each["destination"]["subresourceTarget"] for each in own.values())
    assert targets == ["amlworkspace", "blob", "file", "vault"]
    assert {each["status"] for each in network["outboundRules"].values()} == {"Active"}
    assert azure.arm("DELETE", _rule(next(iter(own)))).status == 400
    again = azure.arm("POST", f"{WORKSPACE}/provisionManagedNetwork")
    assert (again.status, again.body["status"]) == (200, "Active")


def test_what_provisions_takes_no_compute_and_no_rule(slow_azure: Azure) -> None:
    azure = slow_azure
    azure.make(*_WITHOUT_COMPUTE)
    azure.arm("PATCH", WORKSPACE, {"properties": {"managedNetwork": {"isolationMode": _INTERNET}}})
    azure.wait()
    azure.arm("POST", f"{WORKSPACE}/provisionManagedNetwork")
    assert azure.arm("PUT", COMPUTE, BODIES[COMPUTE]).status == 409
    assert azure.arm("PUT", _rule(), _endpoint()).code == "AnotherOperationInProgress"
    assert _network(azure)["status"]["status"] == "Inactive"
    azure.clock.advance(1799)
    assert _network(azure)["status"]["status"] == "Inactive"
    azure.clock.advance(1)
    assert _network(azure)["status"]["status"] == "Active"
    assert azure.arm("PUT", COMPUTE, BODIES[COMPUTE]).status == 201


def test_in_internet_mode_only_closed_parts_get_an_endpoint(azure: Azure) -> None:
    _managed(azure, _INTERNET)
    closed = {**BODIES[STORAGE], "properties": {"publicNetworkAccess": "Disabled"}}
    azure.arm("PUT", STORAGE, closed)
    azure.wait()
    azure.arm("POST", f"{WORKSPACE}/provisionManagedNetwork")
    rules = _network(azure)["outboundRules"].values()
    assert {each["destination"]["serviceResourceId"] for each in rules} == {STORAGE}


def test_the_first_compute_provisions(azure: Azure) -> None:
    _managed(azure, _INTERNET)
    azure.arm("PUT", COMPUTE, BODIES[COMPUTE])
    assert _network(azure)["status"]["status"] == "Active"


def test_no_compute_has_a_subnet_in_it(azure: Azure) -> None:
    _managed(azure, _INTERNET)
    inner = {**BODIES[COMPUTE]["properties"]["properties"], "subnet": {"id": f"{RG}/x"}}
    body = {**BODIES[COMPUTE], "properties": {**BODIES[COMPUTE]["properties"], "properties": inner}}
    assert azure.arm("PUT", COMPUTE, body).status == 400


@pytest.mark.parametrize(("was", "to"), [(_APPROVED, _INTERNET), (_APPROVED, "Disabled"), (_INTERNET, "Disabled")])
def test_it_is_never_opened_again(azure: Azure, was: str, to: str) -> None:
    _managed(azure, was)
    changed = azure.arm("PATCH", WORKSPACE, {"properties": {"managedNetwork": {"isolationMode": to}}})
    assert changed.status == 400
    assert _network(azure)["isolationMode"] == was


def test_it_is_closed_further_and_a_put_without_it_leaves_it(azure: Azure) -> None:
    _managed(azure, _INTERNET)
    assert _managed(azure, _APPROVED).status == 200
    azure.arm("PUT", WORKSPACE, BODIES[WORKSPACE])
    assert _network(azure)["isolationMode"] == _APPROVED


@pytest.mark.parametrize(
    ("mode", "body"),
    [
        (None, _fqdn()),
        (_INTERNET, _fqdn()),
        (_INTERNET, _tag()),
        (_APPROVED, _fqdn("")),
        (_APPROVED, _fqdn("no host")),
        (_APPROVED, _fqdn("x.blob.core.windows.net")),
        (_APPROVED, _endpoint(STORAGE)),
        (_APPROVED, _endpoint(WORKSPACE, "amlworkspace")),
        (_APPROVED, _endpoint("stacct1")),
        (_APPROVED, _endpoint(target="")),
        (_APPROVED, _tag(serviceTag="")),
        (_APPROVED, _tag(portRanges="http")),
        (_APPROVED, _tag(protocol="carrier pigeon")),
        (_APPROVED, {"properties": {"type": "Door", "destination": "x.com"}}),
        (_APPROVED, {"properties": {**_fqdn()["properties"], "category": "Required"}}),
    ],
)
def test_rules_that_azure_refuses(azure: Azure, mode: str | None, body: dict[str, Any]) -> None:
    azure.make(*_WITHOUT_COMPUTE) if mode is None else _managed(azure, mode)
    assert azure.arm("PUT", _rule(), body).status == 400
    assert azure.arm("GET", _rule()).status == 404
    if mode is not None:
        inline = {"isolationMode": mode, "outboundRules": {"one": body["properties"]}}
        if body["properties"].get("category") != "Required":  # what Azure told is sent back, and left alone
            assert azure.arm("PATCH", WORKSPACE, {"properties": {"managedNetwork": inline}}).status == 400


def test_internet_mode_refuses_hosts_in_azures_words(azure: Azure) -> None:
    _managed(azure, _INTERNET)
    assert azure.arm("PUT", _rule(), _fqdn()).message == (
        'Only "PrivateEndpoint" outbound rules are supported when managed network isolation mode is '
        "AllowInternetOutbound"
    )


def test_rules_of_a_workspaces_body_are_kept_and_a_type_never_changes(azure: Azure) -> None:
    _managed(azure, _APPROVED, outboundRules={"host": _fqdn()["properties"]})
    assert azure.arm("GET", _rule("host")).body["properties"]["destination"] == "example.com"
    assert azure.arm("PUT", _rule("host"), _tag()).status == 400
    back = azure.arm("GET", WORKSPACE).body
    assert azure.arm("PUT", WORKSPACE, back).status == 200, "what it tells, it takes"
    assert azure.arm("PUT", _rule("a b"), _fqdn()).status in (400, 404)


def test_a_workspace_without_one_provisions_nothing(azure: Azure) -> None:
    azure.make(*_WITHOUT_COMPUTE)
    assert azure.arm("POST", f"{WORKSPACE}/provisionManagedNetwork").status == 400
