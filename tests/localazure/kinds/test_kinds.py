"""What holds for every kind, taken from the declarations themselves."""

from __future__ import annotations

import copy
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from azmlflow.localazure import kinds
from azmlflow.localazure.resources.kind import Kind
from azmlflow.rbac import scopes
from tests.localazure.control import (
    ALICE,
    BLUE,
    BOB,
    BODIES,
    CHAIN,
    COMPUTE,
    ENDPOINT,
    INSIGHTS,
    LOGS,
    MANAGED,
    NETWORK,
    PRIVATE_ENDPOINT,
    REGISTRY,
    RG,
    STORAGE,
    SUB,
    SUBNET,
    VAULT,
    WORKSPACE,
    ZONE,
    Azure,
)
from tests.localazure.made import DEPLOYED, RULE

_GUID = "11111111-1111-4111-8111-111111111111"
_READER = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"


@dataclass(frozen=True)
class Sample:
    """One resource of a kind: where, what, what must stand before, a name that Azure refuses, a change."""

    path: str
    body: dict[str, Any]
    needs: tuple[str, ...]
    bad_name: str
    change: dict[str, Any]
    delete: str = ""


_DATASTORE = {"datastoreType": "AzureBlob", "accountName": "stacct1", "containerName": "data"}
_JOB = {"jobType": "Command", "command": "true", "computeId": COMPUTE}
_TAGGED = {"tags": {"a": "b"}}
SAMPLES = {
    "Microsoft.Resources/resourceGroups": Sample(RG, BODIES[RG], (), "ends-with.", _TAGGED),
    "Microsoft.Authorization/roleDefinitions": Sample(
        f"{RG}/providers/Microsoft.Authorization/roleDefinitions/{_GUID}",
        {"properties": {"roleName": "r", "permissions": [{"actions": ["*/read"]}], "assignableScopes": [RG]}},
        (RG,),
        "not-a-guid",
        {"properties": {"roleName": "s", "permissions": [], "assignableScopes": [RG]}},
    ),
    "Microsoft.Authorization/roleAssignments": Sample(
        f"{RG}/providers/Microsoft.Authorization/roleAssignments/{_GUID}",
        {"properties": {"principalId": "<alice>", "roleDefinitionId": _READER}},
        (RG,),
        "not-a-guid",
        {"properties": {"principalId": "<alice>", "roleDefinitionId": _READER, "description": "why"}},
    ),
    "Microsoft.Authorization/locks": Sample(
        f"{RG}/providers/Microsoft.Authorization/locks/keep",
        {"properties": {"level": "CanNotDelete"}},
        (RG,),
        "what%3F",
        {"properties": {"level": "CanNotDelete", "notes": "n"}},
    ),
    "Microsoft.ManagedIdentity/userAssignedIdentities": Sample(
        f"{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/robot",
        {"location": "westeurope"},
        CHAIN[:1],
        "no",
        _TAGGED,
    ),
    "Microsoft.Storage/storageAccounts": Sample(STORAGE, BODIES[STORAGE], CHAIN[:1], "Upper-Case", _TAGGED),
    "Microsoft.Storage/storageAccounts/blobServices": Sample(
        f"{STORAGE}/blobServices/default",
        {"properties": {"isVersioningEnabled": False}},
        CHAIN[:2],
        "other",
        {"properties": {"isVersioningEnabled": True}},
    ),
    "Microsoft.Storage/storageAccounts/fileServices": Sample(
        f"{STORAGE}/fileServices/default",
        {"properties": {"shareDeleteRetentionPolicy": {"enabled": True, "days": 14}}},
        CHAIN[:2],
        "other",
        {"properties": {"shareDeleteRetentionPolicy": {"enabled": False, "days": 14}}},
    ),
    "Microsoft.Storage/storageAccounts/fileServices/shares": Sample(
        f"{STORAGE}/fileServices/default/shares/data",
        {"properties": {}},
        CHAIN[:2],
        "double--hyphen",
        {"properties": {"shareQuota": 10}},
    ),
    "Microsoft.Storage/storageAccounts/blobServices/containers": Sample(
        f"{STORAGE}/blobServices/default/containers/data",
        {"properties": {}},
        CHAIN[:2],
        "double--hyphen",
        {"properties": {"metadata": {"a": "b"}}},
    ),
    "Microsoft.KeyVault/vaults": Sample(VAULT, BODIES[VAULT], CHAIN[:1], "double--hyphen", _TAGGED),
    "Microsoft.KeyVault/vaults/keys": Sample(
        f"{VAULT}/keys/key1", {"properties": {"kty": "RSA"}}, CHAIN[:3], "no_key", {"properties": {"kty": "EC"}}
    ),
    "Microsoft.OperationalInsights/workspaces": Sample(LOGS, BODIES[LOGS], CHAIN[:1], "abc", _TAGGED),
    "Microsoft.Insights/components": Sample(INSIGHTS, BODIES[INSIGHTS], (RG, LOGS), "what%3F", _TAGGED),
    "Microsoft.MachineLearningServices/workspaces": Sample(WORKSPACE, BODIES[WORKSPACE], CHAIN[:5], "no", _TAGGED),
    "Microsoft.MachineLearningServices/workspaces/outboundRules": Sample(
        f"{MANAGED}/outboundRules/site",
        {"properties": {"type": "FQDN", "destination": "example.com"}},
        (RG, STORAGE, VAULT, MANAGED),
        "what%3F",
        {"properties": {"type": "FQDN", "destination": "*.example.com"}},
    ),
    "Microsoft.MachineLearningServices/workspaces/datastores": Sample(
        f"{WORKSPACE}/datastores/mine",
        {"properties": {**_DATASTORE, "credentials": {"credentialsType": "None"}}},
        CHAIN[:6],
        "-mine",
        {"properties": {**_DATASTORE, "credentials": {"credentialsType": "None"}, "description": "d"}},
    ),
    "Microsoft.MachineLearningServices/workspaces/computes": Sample(
        COMPUTE, BODIES[COMPUTE], CHAIN[:6], "gpu-1", _TAGGED, "?underlyingResourceAction=Delete"
    ),
    "Microsoft.MachineLearningServices/workspaces/codes/versions": Sample(
        f"{WORKSPACE}/codes/script/versions/1",
        {"properties": {"codeUri": "https://stacct1.blob.core.windows.net/some-code"}},
        CHAIN[:6],
        "-1",
        {"properties": {"codeUri": "https://stacct1.blob.core.windows.net/some-code", "description": "d"}},
    ),
    "Microsoft.MachineLearningServices/workspaces/environments/versions": Sample(
        f"{WORKSPACE}/environments/env/versions/1",
        {"properties": {"image": "ubuntu"}},
        CHAIN[:6],
        "-1",
        {"properties": {"image": "ubuntu", "description": "d"}},
    ),
    "Microsoft.MachineLearningServices/workspaces/jobs": Sample(
        f"{WORKSPACE}/jobs/train-1",
        {"properties": _JOB},
        (*CHAIN[:6], COMPUTE),
        "-1",
        {"properties": {**_JOB, "displayName": "another"}},
    ),
}
_LOGGED = {"workspaceId": LOGS, "logs": [{"categoryGroup": "audit", "enabled": True}]}
_BUDGET = {
    "category": "Cost",
    "amount": 100,
    "timeGrain": "Monthly",
    "timePeriod": {"startDate": "2027-01-01T00:00:00Z"},
    "notifications": {},
}
SAMPLES |= {
    "Microsoft.ContainerRegistry/registries": Sample(
        REGISTRY, {"location": "westeurope", "sku": {"name": "Basic"}}, CHAIN[:1], "with-hyphen", _TAGGED
    ),
    "Microsoft.ContainerRegistry/registries/replications": Sample(
        f"{REGISTRY}/replications/north", {"location": "northeurope"}, (RG, REGISTRY), "with-hyphen", _TAGGED
    ),
    "Microsoft.Insights/diagnosticSettings": Sample(
        f"{VAULT}/providers/Microsoft.Insights/diagnosticSettings/to-logs",
        {"properties": _LOGGED},
        (RG, VAULT, LOGS),
        "what%3F",
        {"properties": {**_LOGGED, "metrics": [{"category": "AllMetrics", "enabled": True}]}},
    ),
    "Microsoft.Consumption/budgets": Sample(
        f"{RG}/providers/Microsoft.Consumption/budgets/monthly",
        {"properties": _BUDGET},
        (RG,),
        "two%20words",
        {"properties": {**_BUDGET, "amount": 200}},
    ),
}
_DATA = {"dataType": "uri_file", "dataUri": "https://example.org/iris.csv"}
for _asset, _least in (("codes", {}), ("environments", {}), ("data", {"dataType": "uri_file"})):
    _other = {"properties": {**_least, "description": "d"}}
    SAMPLES[f"Microsoft.MachineLearningServices/workspaces/{_asset}"] = Sample(
        f"{WORKSPACE}/{_asset}/mine", {"properties": _least}, CHAIN[:6], "-m", _other
    )
_MODEL = f"{WORKSPACE}/models/iris"
_MODEL_FILES = {"modelUri": "azureml://jobs/run-1/outputs/artifacts/paths/model", "modelType": "custom_model"}
SAMPLES |= {
    "Microsoft.MachineLearningServices/workspaces/data/versions": Sample(
        f"{WORKSPACE}/data/mine/versions/1",
        {"properties": _DATA},
        CHAIN[:6],
        "-1",
        {"properties": {**_DATA, "tags": {"a": "b"}}},
    ),
    "Microsoft.MachineLearningServices/workspaces/models": Sample(
        _MODEL, {"properties": {"tags": {"a": "b"}}}, CHAIN[:6], "-m", {"properties": {"description": "d"}}
    ),
    "Microsoft.MachineLearningServices/workspaces/models/versions": Sample(
        f"{_MODEL}/versions/1",
        {"properties": _MODEL_FILES},
        CHAIN[:6],
        "1.0",
        {"properties": {**_MODEL_FILES, "description": "d", "tags": {"a": "b"}}},
    ),
}
SAMPLES |= {
    "Microsoft.Resources/deployments": Sample(*DEPLOYED, (RG,), "a*b", _TAGGED),
    "Microsoft.MachineLearningServices/workspaces/onlineEndpoints": Sample(
        ENDPOINT, BODIES[ENDPOINT], CHAIN[:6], "double--hyphen", _TAGGED
    ),
    "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments": Sample(
        BLUE, BODIES[BLUE], (*CHAIN[:6], ENDPOINT), "no", _TAGGED
    ),
}
_NET = f"{RG}/providers/Microsoft.Network"
_ZONED = {"privateDnsZoneConfigs": [{"name": "blob", "properties": {"privateDnsZoneId": ZONE}}]}
SAMPLES |= {
    "Microsoft.Network/networkSecurityGroups": Sample(
        f"{_NET}/networkSecurityGroups/nsg",
        {"location": "westeurope", "properties": {"securityRules": [RULE]}},
        (RG,),
        "-no",
        _TAGGED,
    ),
    "Microsoft.Network/virtualNetworks": Sample(NETWORK, BODIES[NETWORK], (RG,), "n", _TAGGED),
    "Microsoft.Network/virtualNetworks/subnets": Sample(
        SUBNET, BODIES[SUBNET], (RG, NETWORK), "-no", {"properties": {"addressPrefix": "10.0.2.0/24"}}
    ),
    "Microsoft.Network/privateDnsZones": Sample(ZONE, BODIES[ZONE], (RG,), "one", _TAGGED),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": Sample(
        f"{ZONE}/virtualNetworkLinks/link",
        {"location": "global", "properties": {"virtualNetwork": {"id": NETWORK}, "registrationEnabled": False}},
        (RG, NETWORK, ZONE),
        "-no",
        _TAGGED,
    ),
    "Microsoft.Network/privateDnsZones/A": Sample(
        f"{ZONE}/A/stacct1",
        {"properties": {"ttl": 10, "aRecords": [{"ipv4Address": "10.0.1.4"}]}},
        (RG, ZONE),
        "two%20words",
        {"properties": {"ttl": 20, "aRecords": [{"ipv4Address": "10.0.1.4"}]}},
    ),
    "Microsoft.Network/privateEndpoints": Sample(
        PRIVATE_ENDPOINT,
        BODIES[PRIVATE_ENDPOINT],
        (RG, STORAGE, NETWORK, SUBNET),
        "p",
        {"tags": {"one": "more"}},
    ),
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": Sample(
        f"{PRIVATE_ENDPOINT}/privateDnsZoneGroups/default",
        {"properties": _ZONED},
        (RG, STORAGE, NETWORK, SUBNET, ZONE, PRIVATE_ENDPOINT),
        "-no",
        {"properties": {"privateDnsZoneConfigs": [{"name": "b", "properties": {"privateDnsZoneId": ZONE}}]}},
    ),
}
_ALL = pytest.mark.parametrize("kind", kinds.KINDS, ids=lambda kind: kind.type)


def _sample(azure: Azure, kind: Kind) -> Sample:
    """The kind's sample, with what it stands on made."""
    sample = copy.deepcopy(SAMPLES[kind.type])
    for body in (sample.body, sample.change):
        if body.get("properties", {}).get("principalId") == "<alice>":
            body["properties"]["principalId"] = azure.who(ALICE).object_id
    azure.make(*sample.needs)
    if kind.type.endswith("/models/versions"):
        azure.run("run-1")
        azure.blob("azureml", "ExperimentRun/dcid.run-1/model/weights.bin")
    return sample


def _changed(sample: Sample) -> dict[str, Any]:
    return {**sample.body, **sample.change}


def test_each_kind_is_listed_and_has_a_sample() -> None:
    folder = Path(kinds.__file__).parent
    declared = set()
    for file in folder.rglob("*.py"):
        path = file.relative_to(folder).with_suffix("").parts
        module = importlib.import_module(".".join([kinds.__name__, *path]).removesuffix(".__init__"))
        declared |= {value.type for value in vars(module).values() if isinstance(value, Kind)}
    assert declared == {kind.type for kind in kinds.KINDS} == set(SAMPLES)
    assert len(kinds.BY_TYPE) == len(kinds.KINDS)


def test_kinds_come_after_what_they_stand_on() -> None:
    order = [kind.type for kind in kinds.KINDS]
    assert all(
        kind.placement.parent is None or order.index(kind.placement.parent) < order.index(kind.type)
        for kind in kinds.KINDS
    )


@_ALL
def test_made_read_and_deleted(azure: Azure, kind: Kind) -> None:
    sample = _sample(azure, kind)
    made = azure.arm("PUT", sample.path, sample.body)
    assert made.status in (200, 201, 202), made
    assert made.status != 201 or kind.type != "Microsoft.Storage/storageAccounts"
    azure.wait()
    found = azure.arm("GET", sample.path).body
    assert (found["type"], found["name"]) == (kind.type, scopes.parse(sample.path).name)
    assert ("systemData" in found) == kind.has_system_data
    if kind.has_provisioning_state:
        assert found["properties"]["provisioningState"] == "Succeeded"
    collection = sample.path.rsplit("/", 1)[0]
    assert found["id"] in [each["id"] for each in azure.arm("GET", collection).body["value"]]
    above = VAULT if kind.namespace == "Microsoft.KeyVault" else STORAGE
    removed = sample.path if kind.verbs.removable else above
    gone = azure.arm("DELETE", removed + sample.delete)
    assert gone.status == kind.verbs.delete.status
    azure.wait()
    assert azure.arm("GET", sample.path).status == 404
    if removed != sample.path:
        return
    assert found["id"] not in [each["id"] for each in azure.arm("GET", collection).body.get("value", ())]


@pytest.mark.parametrize(
    # Each PUT of a template deploys it anew (test_templates).
    "kind",
    [kind for kind in kinds.KINDS if kind.type != "Microsoft.Resources/deployments"],
    ids=lambda kind: kind.type,
)
def test_the_same_put_changes_nothing_and_another_does(azure: Azure, kind: Kind) -> None:
    sample = _sample(azure, kind)
    azure.arm("PUT", sample.path, sample.body)
    azure.wait()
    before = azure.arm("GET", sample.path).body
    azure.clock.advance(60)
    again = azure.arm("PUT", sample.path, sample.body)
    assert (again.status in (200, 201), again.body) == (True, before)
    assert azure.arm("GET", sample.path).body == before
    if kind.type == "Microsoft.KeyVault/vaults/keys":  # a PUT never changes one
        assert azure.arm("PUT", sample.path, _changed(sample)).body == before
        return
    changed = azure.arm("PUT", sample.path, _changed(sample))
    assert changed.status in (200, 201), changed
    azure.wait()
    after = azure.arm("GET", sample.path).body
    assert after != before
    computed = ("workspaceId", "InstrumentationKey", "customerId", "creationTime", "createdOn", "vaultUri")
    assert all(after["properties"].get(name) == before["properties"].get(name) for name in computed)
    azure.arm("PUT", sample.path, sample.body)
    azure.wait()
    back = azure.arm("GET", sample.path).body
    assert back["properties"].keys() == before["properties"].keys()
    assert back.get("tags") == before.get("tags")


@_ALL
def test_ids_are_read_in_any_case_and_kept_as_made(azure: Azure, kind: Kind) -> None:
    sample = _sample(azure, kind)
    azure.arm("PUT", sample.path, sample.body)
    azure.wait()
    found = azure.arm("GET", sample.path).body
    assert azure.arm("GET", sample.path.upper()).body == found
    assert azure.arm("PUT", sample.path.lower(), sample.body).body["id"] == found["id"]


@_ALL
def test_a_name_that_azure_refuses(azure: Azure, kind: Kind) -> None:
    sample = _sample(azure, kind)
    path = f"{sample.path.rsplit('/', 1)[0]}/{sample.bad_name}"
    refused = azure.arm("PUT", path, sample.body)
    assert (refused.status, refused.code) == (400, kind.name.code)
    assert azure.arm("GET", path).status == 404


@_ALL
def test_nobody_without_a_role_does_anything(azure: Azure, kind: Kind) -> None:
    sample = _sample(azure, kind)
    for exists in (False, True):
        # A group has no actions.
        methods = ("GET", "HEAD", "PUT", "PATCH", "DELETE", *(() if sample.path == RG else ("POST",)))
        for method in methods:
            path = sample.path + ("/listKeys" if method == "POST" else "")
            body = sample.body if method in ("PUT", "PATCH") else None
            refused = azure.arm(method, path, body, who=BOB)
            assert refused.status == 403, (method, exists)
        azure.arm("PUT", sample.path, sample.body)
        azure.wait()


@_ALL
def test_deleting_what_is_not_there(azure: Azure, kind: Kind) -> None:
    sample = _sample(azure, kind)
    gone = azure.arm("DELETE", sample.path + sample.delete)
    if not kind.verbs.removable:  # it is always there
        assert (gone.status, gone.code) == (405, "MethodNotAllowed")
        return
    assert gone.status == (404 if kind.type == "Microsoft.Resources/resourceGroups" else 204)


@pytest.mark.parametrize("kind", [kind for kind in kinds.KINDS if kind.regions], ids=lambda kind: kind.type)
def test_a_location_that_azure_has_not_or_that_would_move(azure: Azure, kind: Kind) -> None:
    sample = _sample(azure, kind)
    nowhere = azure.arm("PUT", sample.path, {**sample.body, "location": "mars"})
    assert (nowhere.status, nowhere.code.startswith("LocationNotAvailableFor")) == (400, True)
    assert azure.arm("PUT", sample.path, {**sample.body, "location": ""}).code == "LocationRequired"
    home, name = ("Global", "global") if kind.regions == ("global",) else ("West Europe", "westeurope")
    assert azure.arm("PUT", sample.path, {**sample.body, "location": home}).body["location"] == name
    azure.wait()
    moved = azure.arm("PUT", sample.path, {**sample.body, "location": "eastus"})
    if kind.regions == ("global",):
        assert (moved.status, moved.code) == (400, "LocationNotAvailableForResourceType")
        return
    assert (moved.status, moved.code in ("InvalidResourceLocation", "InvalidResourceGroupLocation")) == (409, True)


_TAGGABLE = [kind for kind in kinds.KINDS if kind.verbs.patch and SAMPLES[kind.type].change == _TAGGED]


@pytest.mark.parametrize("kind", _TAGGABLE, ids=lambda kind: kind.type)
def test_patch_lays_itself_over(azure: Azure, kind: Kind) -> None:
    sample = _sample(azure, kind)
    azure.arm("PUT", sample.path, {**sample.body, "tags": {"old": "1"}})
    azure.wait()
    before = azure.arm("GET", sample.path).body
    assert azure.arm("PATCH", sample.path, {"tags": {"new": "2"}}).status == 200
    azure.wait()
    after = azure.arm("GET", sample.path).body
    assert after["tags"] == {"new": "2"}
    volatile = ("modifiedOn", "modifiedDate")
    assert {name: value for name, value in after["properties"].items() if name not in volatile} == {
        name: value for name, value in before["properties"].items() if name not in volatile
    }


@pytest.mark.parametrize("tags", [{"a": 1}, {"a<b": "c"}, {"a": "x" * 257}, {str(n): "" for n in range(51)}, "text"])
def test_tags_that_azure_refuses(azure: Azure, tags: Any) -> None:
    assert azure.arm("PUT", RG, {"location": "westeurope", "tags": tags}).status == 400
