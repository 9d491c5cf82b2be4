"""Inputs to request, answer to outputs, outputs to inputs: the rule, and each exception to it by hand."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.localazure.plugin.schema import shapes
from azmlflow.localazure.plugin.schema.types import ENVELOPE, catalogue
from azmlflow.localazure.plugin.schema.unknown import UNKNOWN

CATALOGUE = catalogue()
GROUP = "/subscriptions/S/resourceGroups/g/providers"


def _type(name: str) -> Any:
    return CATALOGUE.types[f"azure-native:{name}"]


@pytest.mark.parametrize("token", sorted(CATALOGUE.types))
def test_every_input_comes_back_as_the_output_it_was(token: str) -> None:
    """The request's body, answered as it is, gives the inputs again: no name is lost or lands on another."""
    kind = CATALOGUE.types[token]
    inputs = {name: f"value of {name}" for name in kind.inputs if name not in kind.query}
    body = shapes.request_body(kind, inputs, CATALOGUE)
    assert set(body) <= ENVELOPE
    state = shapes.outputs(kind, body, CATALOGUE)
    answered = {name: value for name, value in inputs.items() if name in kind.answered and name != "id"}
    assert state == {**answered, "azureApiVersion": kind.apiVersion}


def test_a_key_is_answered_beside_what_it_was_asked_in() -> None:
    """Its input is `properties`, and its outputs are what is in them (pulumi_azure_native.keyvault.Key)."""
    kind = _type("keyvault:Key")
    inputs = {"vaultName": "v", "keyName": "k", "properties": {"kty": "RSA", "attributes": {"expires": 5}}}
    assert shapes.request_body(kind, inputs, CATALOGUE) == {"properties": {"kty": "RSA", "attributes": {"exp": 5}}}
    told = {"kty": "RSA", "attributes": {"exp": 5, "created": 1}, "keyUriWithVersion": "https://v/keys/k/1"}
    assert shapes.outputs(kind, {"name": "k", "properties": told}, CATALOGUE) == {
        "name": "k",
        "kty": "RSA",
        "attributes": {"expires": 5, "created": 1},
        "keyUriWithVersion": "https://v/keys/k/1",
        "azureApiVersion": "2024-11-01",
    }


@pytest.mark.parametrize(
    ("token", "inputs", "body"),
    [
        (
            "resources:ResourceGroup",
            {"resourceGroupName": "g", "location": "westeurope", "tags": {"a": "b"}},
            {"location": "westeurope", "tags": {"a": "b"}},
        ),
        (
            "storage:StorageAccount",
            {
                "kind": "StorageV2",
                "sku": {"name": "Standard_LRS"},
                "enableHttpsTrafficOnly": True,
                "minimumTlsVersion": "TLS1_2",
                "networkRuleSet": {
                    "defaultAction": "Deny",
                    "ipRules": [{"iPAddressOrRange": "1.2.3.4", "action": "Allow"}],
                    "virtualNetworkRules": [{"virtualNetworkResourceId": "/vnet"}],
                },
                "identity": {"type": "UserAssigned", "userAssignedIdentities": ["/one"]},
                "encryption": {
                    "keySource": "Microsoft.Keyvault",
                    "keyVaultProperties": {"keyName": "k", "keyVaultUri": "https://v"},
                    "encryptionIdentity": {"encryptionUserAssignedIdentity": "/one"},
                },
            },
            {
                "kind": "StorageV2",
                "sku": {"name": "Standard_LRS"},
                "identity": {"type": "UserAssigned", "userAssignedIdentities": {"/one": {}}},
                "properties": {
                    "supportsHttpsTrafficOnly": True,
                    "minimumTlsVersion": "TLS1_2",
                    "networkAcls": {
                        "defaultAction": "Deny",
                        "ipRules": [{"value": "1.2.3.4", "action": "Allow"}],
                        "virtualNetworkRules": [{"id": "/vnet"}],
                    },
                    "encryption": {
                        "keySource": "Microsoft.Keyvault",
                        "keyvaultproperties": {"keyname": "k", "keyvaulturi": "https://v"},
                        "identity": {"userAssignedIdentity": "/one"},
                    },
                },
            },
        ),
        (
            "operationalinsights:Workspace",
            {"sku": {"name": "PerGB2018"}, "retentionInDays": 30},
            {"properties": {"sku": {"name": "PerGB2018"}, "retentionInDays": 30}},
        ),
        (
            "applicationinsights:Component",
            {"kind": "web", "applicationType": "web", "workspaceResourceId": "/law"},
            {"kind": "web", "properties": {"Application_Type": "web", "WorkspaceResourceId": "/law"}},
        ),
        ("machinelearningservices:Workspace", {"location": "x"}, {"location": "x", "properties": {}}),
        (
            "machinelearningservices:Compute",
            {
                "location": "x",
                "properties": {"computeType": "AmlCompute", "properties": {"vmSize": "S", "subnet": None}},
            },
            {"location": "x", "properties": {"computeType": "AmlCompute", "properties": {"vmSize": "S"}}},
        ),
        ("authorization:RoleDefinition", {"roleName": "r", "roleType": "CustomRole"}, None),
        (
            "network:VirtualNetwork",
            {
                "addressSpace": {"addressPrefixes": ["10.0.0.0/16"], "ipamPoolPrefixAllocations": [{"id": "/pool"}]},
                "subnets": [
                    {
                        "name": "a",
                        "addressPrefix": "10.0.0.0/24",
                        "networkSecurityGroup": {"id": "/nsg", "securityRules": [{"name": "r", "access": "Allow"}]},
                        "delegations": [{"name": "d", "serviceName": "s"}],
                    }
                ],
            },
            {
                "properties": {
                    "addressSpace": {
                        "addressPrefixes": ["10.0.0.0/16"],
                        "ipamPoolPrefixAllocations": [{"pool": {"id": "/pool"}}],
                    },
                    "subnets": [
                        {
                            "name": "a",
                            "properties": {
                                "addressPrefix": "10.0.0.0/24",
                                "networkSecurityGroup": {
                                    "id": "/nsg",
                                    "properties": {"securityRules": [{"name": "r", "properties": {"access": "Allow"}}]},
                                },
                                "delegations": [{"name": "d", "properties": {"serviceName": "s"}}],
                            },
                        }
                    ],
                }
            },
        ),
    ],
)
def test_bodies(token: str, inputs: dict[str, Any], body: dict[str, Any] | None) -> None:
    expected = {"properties": {"roleName": "r", "type": "CustomRole"}} if body is None else body
    assert shapes.request_body(_type(token), inputs, CATALOGUE) == expected


def test_the_query_parameter_is_not_in_the_body() -> None:
    body = shapes.request_body(
        _type("machinelearningservices:Datastore"), {"properties": {"a": 1}, "skipValidation": True}, CATALOGUE
    )
    assert body == {"properties": {"a": 1}}


def test_an_identity_is_answered_with_more_than_was_asked() -> None:
    kind = _type("machinelearningservices:Workspace")
    answer = {
        "id": "/x",
        "identity": {
            "type": "SystemAssigned,UserAssigned",
            "principalId": "p",
            "userAssignedIdentities": {"/b": {}, "/a": {}},
        },
        "properties": {"workspaceId": "w", "description": None},
    }
    state = shapes.outputs(kind, answer, CATALOGUE)
    assert state["identity"]["principalId"] == "p"
    assert state["workspaceId"] == "w"
    assert "description" not in state and "id" not in state
    assert shapes.projected_inputs(kind, state, CATALOGUE) == {
        "identity": {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": ["/a", "/b"]}
    }


def test_what_only_azure_sets_is_no_input() -> None:
    state = {
        "properties": {
            "computeType": "AmlCompute",
            "provisioningState": "Succeeded",
            "properties": {"vmSize": "S", "currentNodeCount": 3, "scaleSettings": {"maxNodeCount": 4}},
        }
    }
    assert shapes.projected_inputs(_type("machinelearningservices:Compute"), state, CATALOGUE) == {
        "properties": {"computeType": "AmlCompute", "properties": {"vmSize": "S", "scaleSettings": {"maxNodeCount": 4}}}
    }


def test_sub_resources_are_lifted_at_every_depth() -> None:
    answer = {
        "properties": {
            "subnets": [
                {
                    "id": "/s",
                    "properties": {
                        "addressPrefix": "p",
                        "privateEndpoints": [{"id": "/pe", "properties": {"provisioningState": "Succeeded"}}],
                    },
                }
            ]
        }
    }
    state = shapes.outputs(_type("network:VirtualNetwork"), answer, CATALOGUE)
    assert state["subnets"] == [
        {"id": "/s", "addressPrefix": "p", "privateEndpoints": [{"id": "/pe", "provisioningState": "Succeeded"}]}
    ]


def test_the_answers_letter_case_does_not_matter_where_the_exact_name_is_missing() -> None:
    state = shapes.outputs(
        _type("applicationinsights:Component"), {"properties": {"workspaceresourceid": "/law", "AppId": "a"}}, CATALOGUE
    )
    assert (state["workspaceResourceId"], state["appId"]) == ("/law", "a")


def test_a_preview_promises_no_more_than_it_knows() -> None:
    kind = _type("machinelearningservices:Workspace")
    inputs = {"location": "x", "tags": {"a": "b"}, "identity": {"type": "SystemAssigned"}, "keyVault": UNKNOWN}
    new = shapes.preview_outputs(kind, inputs, {}, {})
    assert (new["location"], new["tags"]) == ("x", {"a": "b"})
    # A program that reads identity.principalId must wait for it, not find it absent.
    assert new["identity"] is UNKNOWN and new["keyVault"] is UNKNOWN and new["workspaceId"] is UNKNOWN

    old = {"identity": {"type": "SystemAssigned", "principalId": "p"}, "name": "w", "workspaceId": "1", "location": "x"}
    later = shapes.preview_outputs(kind, {**inputs, "tags": {}}, old, inputs)
    assert (later["identity"], later["name"], later["tags"]) == (old["identity"], "w", {})
    assert later["workspaceId"] is UNKNOWN


def test_an_import_leaves_out_what_is_empty_at_any_depth() -> None:
    shown: dict[str, Any] = {
        "tags": {},
        "kind": "StorageV2",
        "accessTier": None,
        "encryption": {"services": {"blob": {}}},
        "networkRuleSet": {
            "ipRules": [],
            "bypass": "None",
            "virtualNetworkRules": [{}, {"virtualNetworkResourceId": "/n", "action": None}],
        },
    }
    kind = catalogue().types["azure-native:storage:StorageAccount"]
    assert shapes.imported_inputs(kind, {"accountName": "a"}, shown, catalogue()) == {
        "accountName": "a",
        "kind": "StorageV2",
        "networkRuleSet": {"bypass": "None", "virtualNetworkRules": [{"virtualNetworkResourceId": "/n"}]},
    }


def test_every_gap_that_can_be_filled_is_filled() -> None:
    """A virtual network's subnets and peerings are resources of their own, too: a PUT without them would end them."""
    kind, peering = _type("network:VirtualNetwork"), [{"id": "/p"}]
    seen: dict[tuple[str, ...], Any] = {("subnets",): None, ("virtualNetworkPeerings",): peering}
    filled = shapes.with_maintained(kind, {"location": "x"}, lambda path: seen[path])
    assert filled == {"location": "x", "virtualNetworkPeerings": peering}
    told = {"subnets": [], "location": "x"}
    assert shapes.with_maintained(kind, told, lambda _: peering) == {**told, "virtualNetworkPeerings": peering}
    vault, policies = _type("keyvault:Vault"), [{"objectId": "o"}]
    filled = shapes.with_maintained(vault, {"properties": {"tenantId": "t"}}, lambda _: policies)
    assert filled == {"properties": {"tenantId": "t", "accessPolicies": policies}}


def test_what_has_changed_or_holds_more_than_plain_values_is_not_promised() -> None:
    kind = _type("network:VirtualNetwork")
    inputs = {"location": "x", "tags": {"a": "b"}, "subnets": [{"name": "s"}], "etag": None}
    old = {"id": "/v", "location": "y", "subnets": [{"name": "s", "id": "/s"}], "type": "t", "etag": "e"}
    kept = shapes.preview_outputs(kind, inputs, old, {**inputs, "location": "y"})
    assert "id" not in kept, "the engine has it"
    assert (kept["location"], kept["subnets"], kept["type"]) == ("x", old["subnets"], "t")
    fresh = shapes.preview_outputs(kind, inputs, {}, {})
    assert fresh["subnets"] is UNKNOWN and fresh["etag"] is UNKNOWN and fresh["type"] is UNKNOWN


def test_what_is_nothing_is_not_sent_and_what_comes_after_it_is() -> None:
    kind = _type("network:VirtualNetwork")
    subnet = {"addressPrefix": None, "name": "s", "privateEndpointNetworkPolicies": "Disabled"}
    body = shapes.request_body(kind, {"subnets": [subnet]}, CATALOGUE)
    assert body["properties"]["subnets"] == [
        {"name": "s", "properties": {"privateEndpointNetworkPolicies": "Disabled"}}
    ]


def test_what_only_azure_sets_in_each_of_a_list_is_no_input() -> None:
    state = {"subnets": [{"name": "one", "purpose": "PrivateEndpoints"}, {"name": "two"}]}
    inputs = shapes.projected_inputs(_type("network:VirtualNetwork"), state, CATALOGUE)
    assert inputs == {"subnets": [{"name": "one"}, {"name": "two"}]}


def test_what_is_nothing_within_a_list_is_neither_sent_nor_answered() -> None:
    kind = _type("keyvault:Vault")
    policies = [{"tenantId": "t", "applicationId": None}]
    body = shapes.request_body(kind, {"properties": {"accessPolicies": policies, "vaultUri": None}}, CATALOGUE)
    assert body == {"properties": {"accessPolicies": [{"tenantId": "t"}]}}
    state = shapes.outputs(kind, {"properties": {"accessPolicies": policies, "vaultUri": None}}, CATALOGUE)
    assert state["properties"] == {"accessPolicies": [{"tenantId": "t"}]}
    subnets = [{"name": "one", "properties": {"addressPrefix": None, "natGateway": None}}]
    state = shapes.outputs(_type("network:VirtualNetwork"), {"properties": {"subnets": subnets}}, CATALOGUE)
    assert state["subnets"] == [{"name": "one"}]


def test_a_preview_promises_nothing_of_what_was_not_asked_and_an_empty_list_as_it_is() -> None:
    promised = shapes.preview_outputs(_type("network:VirtualNetwork"), {"location": "x", "subnets": []}, {}, {})
    assert (promised["location"], promised["subnets"], promised["tags"]) == ("x", [], UNKNOWN)


def test_a_text_has_nothing_below_it() -> None:
    assert shapes.dig({"a": "text"}, ("a", "b")) is None
    assert shapes.dig({"a": {"b": 1}}, ("a", "b")) == 1
