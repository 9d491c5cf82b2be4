"""Which right each handler of Resource Manager asks for, from a table written by hand, and that it asks for no more.

Sources of the table: Microsoft, "Azure permissions for ..." (resource provider operations), "Manage access to an Azure
Machine Learning workspace". Inferred are those of Azure Machine Learning's data assets, and what is linked (`linked`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from azmlflow.localazure.arm import dispatch, extensions
from azmlflow.localazure.kinds import KINDS
from tests.localazure.control import (
    ALICE,
    BLUE,
    BODIES,
    COMPUTE,
    ENDPOINT,
    GREEN,
    INSIGHTS,
    RG,
    STORAGE,
    SUB,
    VAULT,
    WORKSPACE,
    ZONE,
    Answer,
    Azure,
)
from tests.localazure.made import DEPLOYED, INSTANCE, MADE, ML, OTHERS, build, own

NET = "Microsoft.Network"
AUTH, STORE, WS = "Microsoft.Authorization", "Microsoft.Storage/storageAccounts", ML
# Type -> rights to read, write and delete one; "" where nobody can.
RIGHTS: dict[str, tuple[str, str, str]] = {
    "Microsoft.Resources/resourceGroups": (
        "Microsoft.Resources/subscriptions/resourceGroups/read",
        "Microsoft.Resources/subscriptions/resourceGroups/write",
        "Microsoft.Resources/subscriptions/resourceGroups/delete",
    ),
    "Microsoft.Resources/deployments": (
        "Microsoft.Resources/deployments/read",
        "Microsoft.Resources/deployments/write",
        "Microsoft.Resources/deployments/delete",
    ),
    f"{AUTH}/roleDefinitions": (
        f"{AUTH}/roleDefinitions/read",
        f"{AUTH}/roleDefinitions/write",
        f"{AUTH}/roleDefinitions/delete",
    ),
    f"{AUTH}/roleAssignments": (
        f"{AUTH}/roleAssignments/read",
        f"{AUTH}/roleAssignments/write",
        f"{AUTH}/roleAssignments/delete",
    ),
    f"{AUTH}/locks": (f"{AUTH}/locks/read", f"{AUTH}/locks/write", f"{AUTH}/locks/delete"),
    "Microsoft.Consumption/budgets": (
        "Microsoft.Consumption/budgets/read",
        "Microsoft.Consumption/budgets/write",
        "Microsoft.Consumption/budgets/delete",
    ),
    "Microsoft.Insights/diagnosticSettings": (
        "Microsoft.Insights/diagnosticSettings/read",
        "Microsoft.Insights/diagnosticSettings/write",
        "Microsoft.Insights/diagnosticSettings/delete",
    ),
    "Microsoft.ManagedIdentity/userAssignedIdentities": (
        "Microsoft.ManagedIdentity/userAssignedIdentities/read",
        "Microsoft.ManagedIdentity/userAssignedIdentities/write",
        "Microsoft.ManagedIdentity/userAssignedIdentities/delete",
    ),
    STORE: (f"{STORE}/read", f"{STORE}/write", f"{STORE}/delete"),
    f"{STORE}/blobServices": (f"{STORE}/blobServices/read", f"{STORE}/blobServices/write", ""),
    f"{STORE}/fileServices": (f"{STORE}/fileServices/read", f"{STORE}/fileServices/write", ""),
    f"{STORE}/fileServices/shares": (
        f"{STORE}/fileServices/shares/read",
        f"{STORE}/fileServices/shares/write",
        f"{STORE}/fileServices/shares/delete",
    ),
    f"{STORE}/blobServices/containers": (
        f"{STORE}/blobServices/containers/read",
        f"{STORE}/blobServices/containers/write",
        f"{STORE}/blobServices/containers/delete",
    ),
    "Microsoft.KeyVault/vaults": (
        "Microsoft.KeyVault/vaults/read",
        "Microsoft.KeyVault/vaults/write",
        "Microsoft.KeyVault/vaults/delete",
    ),
    "Microsoft.KeyVault/vaults/keys": (
        "Microsoft.KeyVault/vaults/keys/read",
        "Microsoft.KeyVault/vaults/keys/write",
        "",
    ),
    "Microsoft.OperationalInsights/workspaces": (
        "Microsoft.OperationalInsights/workspaces/read",
        "Microsoft.OperationalInsights/workspaces/write",
        "Microsoft.OperationalInsights/workspaces/delete",
    ),
    "Microsoft.Insights/components": (
        "Microsoft.Insights/components/read",
        "Microsoft.Insights/components/write",
        "Microsoft.Insights/components/delete",
    ),
    "Microsoft.ContainerRegistry/registries": (
        "Microsoft.ContainerRegistry/registries/read",
        "Microsoft.ContainerRegistry/registries/write",
        "Microsoft.ContainerRegistry/registries/delete",
    ),
    "Microsoft.ContainerRegistry/registries/replications": (
        "Microsoft.ContainerRegistry/registries/replications/read",
        "Microsoft.ContainerRegistry/registries/replications/write",
        "Microsoft.ContainerRegistry/registries/replications/delete",
    ),
    f"{NET}/virtualNetworks": (
        f"{NET}/virtualNetworks/read",
        f"{NET}/virtualNetworks/write",
        f"{NET}/virtualNetworks/delete",
    ),
    f"{NET}/virtualNetworks/subnets": (
        f"{NET}/virtualNetworks/subnets/read",
        f"{NET}/virtualNetworks/subnets/write",
        f"{NET}/virtualNetworks/subnets/delete",
    ),
    f"{NET}/networkSecurityGroups": (
        f"{NET}/networkSecurityGroups/read",
        f"{NET}/networkSecurityGroups/write",
        f"{NET}/networkSecurityGroups/delete",
    ),
    f"{NET}/privateDnsZones": (
        f"{NET}/privateDnsZones/read",
        f"{NET}/privateDnsZones/write",
        f"{NET}/privateDnsZones/delete",
    ),
    f"{NET}/privateDnsZones/virtualNetworkLinks": (
        f"{NET}/privateDnsZones/virtualNetworkLinks/read",
        f"{NET}/privateDnsZones/virtualNetworkLinks/write",
        f"{NET}/privateDnsZones/virtualNetworkLinks/delete",
    ),
    f"{NET}/privateDnsZones/A": (
        f"{NET}/privateDnsZones/A/read",
        f"{NET}/privateDnsZones/A/write",
        f"{NET}/privateDnsZones/A/delete",
    ),
    f"{NET}/privateEndpoints": (
        f"{NET}/privateEndpoints/read",
        f"{NET}/privateEndpoints/write",
        f"{NET}/privateEndpoints/delete",
    ),
    f"{NET}/privateEndpoints/privateDnsZoneGroups": (
        f"{NET}/privateEndpoints/privateDnsZoneGroups/read",
        f"{NET}/privateEndpoints/privateDnsZoneGroups/write",
        f"{NET}/privateEndpoints/privateDnsZoneGroups/delete",
    ),
    WS: (f"{WS}/read", f"{WS}/write", f"{WS}/delete"),
    f"{WS}/datastores": (f"{WS}/datastores/read", f"{WS}/datastores/write", f"{WS}/datastores/delete"),
    f"{WS}/computes": (f"{WS}/computes/read", f"{WS}/computes/write", f"{WS}/computes/delete"),
    f"{WS}/outboundRules": (f"{WS}/outboundRules/read", f"{WS}/outboundRules/write", f"{WS}/outboundRules/delete"),
    f"{WS}/codes": (f"{WS}/metadata/codes/read", f"{WS}/metadata/codes/write", f"{WS}/metadata/codes/delete"),
    f"{WS}/codes/versions": (
        f"{WS}/metadata/codes/read",
        f"{WS}/metadata/codes/write",
        f"{WS}/metadata/codes/delete",
    ),
    f"{WS}/environments": (f"{WS}/environments/read", f"{WS}/environments/write", f"{WS}/environments/delete"),
    f"{WS}/environments/versions": (
        f"{WS}/environments/read",
        f"{WS}/environments/write",
        f"{WS}/environments/delete",
    ),
    f"{WS}/data": (f"{WS}/data/read", f"{WS}/data/write", f"{WS}/data/delete"),
    f"{WS}/data/versions": (f"{WS}/data/versions/read", f"{WS}/data/versions/write", f"{WS}/data/versions/delete"),
    f"{WS}/jobs": (f"{WS}/jobs/read", f"{WS}/jobs/write", f"{WS}/jobs/delete"),
    f"{WS}/onlineEndpoints": (
        f"{WS}/onlineEndpoints/read",
        f"{WS}/onlineEndpoints/write",
        f"{WS}/onlineEndpoints/delete",
    ),
    f"{WS}/onlineEndpoints/deployments": (
        f"{WS}/onlineEndpoints/deployments/read",
        f"{WS}/onlineEndpoints/deployments/write",
        f"{WS}/onlineEndpoints/deployments/delete",
    ),
    f"{WS}/models": (f"{WS}/models/read", f"{WS}/models/write", f"{WS}/models/delete"),
    f"{WS}/models/versions": (
        f"{WS}/models/versions/read",
        f"{WS}/models/versions/write",
        f"{WS}/models/versions/delete",
    ),
}
# What else a request takes: of MLflow's operations, and at what the body names.
MORE: dict[tuple[str, str], tuple[str, ...]] = {
    ("Microsoft.Insights/components", "PUT"): ("Microsoft.OperationalInsights/workspaces/sharedKeys/action",),
    ("Microsoft.Insights/diagnosticSettings", "PUT"): ("Microsoft.OperationalInsights/workspaces/sharedKeys/action",),
    (f"{NET}/privateEndpoints", "PUT"): (
        f"{NET}/virtualNetworks/subnets/join/action", f"{STORE}/PrivateEndpointConnectionsApproval/action",
    ),
    (f"{NET}/privateEndpoints/privateDnsZoneGroups", "PUT"): (f"{NET}/privateDnsZones/join/action",),
    (f"{NET}/privateDnsZones/virtualNetworkLinks", "PUT"): (f"{NET}/virtualNetworks/join/action",),
    (WS, "PUT"): (f"{STORE}/listKeys/action", "Microsoft.KeyVault/vaults/write", "Microsoft.Insights/components/read"),
    (f"{WS}/datastores", "PUT"): (f"{STORE}/listKeys/action",),  # a container that others have too
    (f"{WS}/codes/versions", "PUT"): (f"{STORE}/listKeys/action",),
    (f"{WS}/jobs", "PUT"): (
        f"{WS}/computes/read", f"{WS}/environments/read", f"{WS}/environments/write", f"{WS}/datastores/read",
        f"{WS}/metadata/codes/write", f"{WS}/metadata/artifacts/write", f"{WS}/experiments/runs/submit/action",
    ),
    ("Microsoft.Resources/deployments", "PUT"): ("Microsoft.ManagedIdentity/userAssignedIdentities/write",),
    **{(f"{WS}/onlineEndpoints/deployments", verb): (f"{WS}/models/versions/read",) for verb in ("PUT", "PATCH")},
    **{(f"{WS}/models", verb): (f"{WS}/models/versions/read",) for verb in ("GET", "list")},
    **{(f"{WS}/models/versions", verb): (f"{WS}/models/read",) for verb in ("GET", "list")},
    (f"{WS}/models", "PUT"): (f"{WS}/models/versions/write",),
    (f"{WS}/models/versions", "PUT"): (f"{WS}/models/write", f"{WS}/datastores/read"),
    (f"{WS}/models", "DELETE"): (f"{WS}/models/versions/delete",),
    (f"{WS}/models/versions", "DELETE"): (f"{WS}/models/delete",),
}  # fmt: skip
# POST actions: type, name -> right.
ACTIONS: dict[tuple[str, str], str] = {
    (STORE, "listKeys"): f"{STORE}/listKeys/action",
    (STORE, "regenerateKey"): f"{STORE}/regenerateKey/action",
    ("Microsoft.OperationalInsights/workspaces", "sharedKeys"): (
        "Microsoft.OperationalInsights/workspaces/sharedKeys/action"
    ),
    ("Microsoft.ContainerRegistry/registries", "listCredentials"): (
        "Microsoft.ContainerRegistry/registries/listCredentials/action"
    ),
    (WS, "listKeys"): f"{WS}/listKeys/action",
    (WS, "listStorageAccountKeys"): f"{WS}/listStorageAccountKeys/action",
    (WS, "resyncKeys"): f"{WS}/resynckeys/action",
    (WS, "provisionManagedNetwork"): f"{WS}/provisionManagedNetwork/action",
    (f"{WS}/datastores", "listSecrets"): f"{WS}/datastores/listsecrets/action",
    (f"{WS}/computes", "listNodes"): f"{WS}/computes/listNodes/action",
    (f"{WS}/computes", "start"): f"{WS}/computes/start/action",
    (f"{WS}/computes", "stop"): f"{WS}/computes/stop/action",
    (f"{WS}/computes", "restart"): f"{WS}/computes/restart/action",
    (f"{WS}/computes", "updateIdleShutdownSetting"): f"{WS}/computes/updateIdleShutdownSetting/action",
    (f"{WS}/computes", "updateSchedules"): f"{WS}/computes/updateSchedules/action",
    (f"{WS}/jobs", "cancel"): f"{WS}/jobs/cancel/action",
    (f"{WS}/onlineEndpoints", "listKeys"): f"{WS}/onlineEndpoints/listkeys/action",
    (f"{WS}/onlineEndpoints", "regenerateKeys"): f"{WS}/onlineEndpoints/regeneratekeys/action",
    (f"{WS}/onlineEndpoints", "token"): f"{WS}/onlineEndpoints/token/action",
    (f"{WS}/onlineEndpoints/deployments", "getLogs"): f"{WS}/onlineEndpoints/deployments/getlogs/action",
}
PLACE = f"{SUB}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv-gone"
ML_PLACE = f"{SUB}/providers/Microsoft.MachineLearningServices/locations/westeurope"
# Requests at no resource: method, type and action as the path has them -> the path, and the right.
EXTRAS: dict[tuple[str, str], tuple[str, str]] = {
    **{
        (method, "microsoft.insights/components/currentbillingfeatures"): (
            f"{INSIGHTS}/currentBillingFeatures",
            f"Microsoft.Insights/components/currentBillingFeatures/{right}",
        )
        for method, right in (("GET", "read"), ("PUT", "write"))
    },
    ("GET", "microsoft.network/privatednszones/soa"): (f"{ZONE}/SOA/@", f"{NET}/privateDnsZones/SOA/read"),
    ("GET", "microsoft.keyvault/deletedvaults"): (
        f"{SUB}/providers/Microsoft.KeyVault/deletedVaults",
        "Microsoft.KeyVault/deletedVaults/read",
    ),
    ("GET", "microsoft.keyvault/locations/deletedvaults"): (
        PLACE,
        "Microsoft.KeyVault/locations/deletedVaults/read",
    ),
    ("POST", "microsoft.keyvault/locations/deletedvaults/purge"): (
        f"{PLACE}/purge",
        "Microsoft.KeyVault/locations/deletedVaults/purge/action",
    ),
    ("POST", "microsoft.keyvault/checknameavailability"): (
        f"{SUB}/providers/Microsoft.KeyVault/checkNameAvailability",
        "Microsoft.KeyVault/checkNameAvailability/read",
    ),
    ("GET", "microsoft.keyvault/vaults/keys/versions"): (
        f"{VAULT}/keys/key1/versions",
        "Microsoft.KeyVault/vaults/keys/versions/read",
    ),
    ("GET", "microsoft.keyvault/managedhsms"): (
        f"{SUB}/providers/Microsoft.KeyVault/managedHSMs",
        "Microsoft.KeyVault/managedHSMs/read",
    ),
    ("GET", "microsoft.keyvault/deletedmanagedhsms"): (
        f"{SUB}/providers/Microsoft.KeyVault/deletedManagedHSMs",
        "Microsoft.KeyVault/deletedManagedHsms/read",
    ),
    ("POST", "microsoft.keyvault/checkmhsmnameavailability"): (
        f"{SUB}/providers/Microsoft.KeyVault/checkMhsmNameAvailability",
        "Microsoft.KeyVault/checkMhsmNameAvailability/read",
    ),
    ("POST", "microsoft.storage/checknameavailability"): (
        f"{SUB}/providers/Microsoft.Storage/checkNameAvailability",
        "Microsoft.Storage/checknameavailability/read",
    ),
    ("POST", "microsoft.containerregistry/checknameavailability"): (
        f"{SUB}/providers/Microsoft.ContainerRegistry/checkNameAvailability",
        "Microsoft.ContainerRegistry/checkNameAvailability/read",
    ),
    ("GET", "microsoft.operationalinsights/deletedworkspaces"): (
        f"{SUB}/providers/Microsoft.OperationalInsights/deletedWorkspaces",
        "Microsoft.OperationalInsights/deletedWorkspaces/read",
    ),
    ("GET", "microsoft.machinelearningservices/locations/deletedworkspaces"): (
        f"{ML_PLACE}/deletedWorkspaces",
        f"{WS}/read",
    ),
    ("GET", "microsoft.machinelearningservices/locations/vmsizes"): (
        f"{ML_PLACE}/vmSizes",
        "Microsoft.MachineLearningServices/locations/vmSizes/read",
    ),
    ("GET", "microsoft.machinelearningservices/locations/usages"): (
        f"{ML_PLACE}/usages",
        "Microsoft.MachineLearningServices/locations/usages/read",
    ),
    ("GET", "microsoft.machinelearningservices/workspaces/onlineendpoints/checknameavailability"): (
        f"{ENDPOINT}/checkNameAvailability",
        f"{WS}/onlineEndpoints/checkNameAvailability/read",
    ),
    ("GET", "microsoft.machinelearningservices/workspaces/onlineendpoints/deployments/skus"): (
        f"{BLUE}/skus",
        f"{WS}/onlineEndpoints/deployments/skus/read",
    ),
    ("POST", "microsoft.machinelearningservices/workspaces/codes/versions/startpendingupload"): (
        f"{WORKSPACE}/codes/c/versions/1/startPendingUpload",
        f"{WS}/metadata/codes/write",
    ),
}
# Resource Manager's own: method, path -> an example, and the right; "" where any role in the subscription will do,
# None where nobody is asked for one.
OWN: dict[tuple[str, str], tuple[str, str | None]] = {
    ("GET", "tenants"): ("/tenants", None),
    ("GET", "providers"): ("/providers", ""),
    ("GET", "providers/*"): ("/providers/Microsoft.Authorization", ""),
    ("GET", "subscriptions"): ("/subscriptions", None),  # those that the caller has a role in
    ("GET", "subscriptions/*"): (SUB, "Microsoft.Resources/subscriptions/read"),
    ("GET", "subscriptions/*/locations"): (f"{SUB}/locations", ""),
    ("GET", "subscriptions/*/tagnames"): (f"{SUB}/tagNames", ""),
    ("GET", "subscriptions/*/resources"): (f"{SUB}/resources", None),  # those that the caller may read
    ("GET", "subscriptions/*/resourcegroups/*/resources"): (f"{RG}/resources", None),
    ("GET", "subscriptions/*/providers"): (f"{SUB}/providers", ""),
    ("GET", "subscriptions/*/providers/*"): (f"{SUB}/providers/Microsoft.Storage", ""),
    ("GET", "subscriptions/*/providers/microsoft.insights/eventtypes/management/values"): (
        f"{SUB}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01"
        "&$filter=eventTimestamp ge '2026-01-01'",
        "Microsoft.Insights/eventtypes/values/read",
    ),
    ("POST", "subscriptions/*/providers/*/register"): (
        f"{SUB}/providers/Microsoft.Storage/register",
        "Microsoft.Storage/register/action",
    ),
    ("POST", "subscriptions/*/providers/*/unregister"): (
        f"{SUB}/providers/Microsoft.Storage/unregister",
        "Microsoft.Storage/unregister/action",
    ),
}
AT_ANY_SCOPE: dict[str, tuple[str, str | None]] = {
    "microsoft.authorization/permissions": (f"{RG}/providers/{AUTH}/permissions", None),  # the caller's own
    "microsoft.authorization/denyassignments": (
        f"{RG}/providers/{AUTH}/denyAssignments",
        f"{AUTH}/denyAssignments/read",
    ),
    "microsoft.insights/metrics": (
        f"{STORAGE}/providers/Microsoft.Insights/metrics?metricnames=UsedCapacity",
        "Microsoft.Insights/metrics/read",
    ),
}
TAGS = f"{STORAGE}/providers/Microsoft.Resources/tags/default"
TAGGING = {
    "GET": "Microsoft.Resources/tags/read",
    "PUT": "Microsoft.Resources/tags/write",
    "PATCH": "Microsoft.Resources/tags/write",
    "DELETE": "Microsoft.Resources/tags/delete",
}
JOB = {"properties": {"jobType": "Command", "command": "true", "computeId": COMPUTE, "experimentName": "e"}}
# Kinds that read their bodies member by member.
OWN_READERS: dict[str, tuple[str, Any]] = {
    "Microsoft.Resources/deployments": DEPLOYED,
    f"{WS}/jobs": (f"{WORKSPACE}/jobs/job1", JOB),
    f"{WS}/onlineEndpoints": (f"{WORKSPACE}/onlineEndpoints/beer", BODIES[ENDPOINT]),
    f"{WS}/onlineEndpoints/deployments": (GREEN, BODIES[BLUE]),
}
# Where an action is tried that takes something of its own.
TRIED = {
    ("start", f"{WS}/computes"): INSTANCE,
    ("stop", f"{WS}/computes"): INSTANCE,
    ("restart", f"{WS}/computes"): INSTANCE,
    ("updateIdleShutdownSetting", f"{WS}/computes"): INSTANCE,
    ("updateSchedules", f"{WS}/computes"): INSTANCE,
}
# Who lacks one right may have another in its place, and is told of that.
_READ = f"{STORE}/blobServices/containers/blobs/read"
INSTEAD = {
    (f"{STORE}/listKeys/action", MADE[f"{ML}/datastores"][0]): _READ,
    (f"{STORE}/listKeys/action", MADE[f"{ML}/codes/versions"][0]): _READ,
}


# The actions that no stable api-version has -> one that has it.
PREVIEWS = {"updateIdleShutdownSetting": "2024-10-01-preview", "updateSchedules": "2021-03-01-preview"}


class _Undone(Exception):
    """Everything that was written is taken back."""


def place(type_: str) -> tuple[str, Any]:
    """A path of a type and the least that makes it there."""
    return OWN_READERS[type_] if type_ in OWN_READERS else MADE[type_]


@dataclass(frozen=True)
class Asked:
    """A request, and what is made for it before: a path and a body."""

    method: str
    path: str
    body: Any = None
    made: Any = None


def try_as(azure: Azure, asked: Asked, rights: Iterable[str], but: Iterable[str] = ()) -> Answer:
    """The answer to Alice, who has some rights in the subscription; nothing stays."""
    models = {name: dict(vars(azure.mlflow)[name]) for name in ("models", "versions", "highest")}
    try:
        with azure.cloud.store.transaction():
            if asked.made is not None:
                assert azure.arm("PUT", *asked.made).status < 300, asked.made
                azure.wait()
            azure.give(ALICE, rights, but=but)
            version = "2024-11-01" if asked.path == TAGS else PREVIEWS.get(asked.path.rpartition("/")[2], "")
            answer = azure.arm(asked.method, asked.path, asked.body, who=ALICE, api=version)
            raise _Undone
    except _Undone:
        vars(azure.mlflow).update(models)
    return answer


def check(azure: Azure, asked: Asked, *rights: str) -> list[Any]:
    """What is wrong: a right that is not asked for, or one more that is."""
    wrong: list[Any] = []
    for right in rights:
        refused = try_as(azure, asked, ["*"], [right])
        named = f"'{INSTEAD.get((right, asked.path), right)}'".lower()
        if refused.status != 403 or (asked.method != "HEAD" and named not in refused.message.lower()):
            wrong.append(("not asked", right, asked, refused))
    let_in = try_as(azure, asked, rights)
    if let_in.status in (403, 405) or let_in.status >= 500:
        wrong.append(("more asked", asked, let_in))
    return wrong


@pytest.fixture
def estate(azure: Azure) -> Azure:
    """All that is linked is there, and a vault that is soft-deleted."""
    build(azure)
    azure.make(ENDPOINT, BLUE)
    azure.cloud.directory.find_user(ALICE) or azure.cloud.directory.add_user(ALICE)
    gone = VAULT.replace("kv-one", "kv-gone")
    assert azure.arm("PUT", gone, MADE["Microsoft.KeyVault/vaults"][1]).status == 201
    azure.wait()
    assert azure.arm("DELETE", gone).status == 200
    azure.wait()
    return azure


def test_every_handler_has_its_row() -> None:
    assert set(RIGHTS) == {kind.type for kind in KINDS}
    assert set(ACTIONS) == {(kind.type, action.name) for kind in KINDS for action in kind.actions}
    extras = [extra for kind in KINDS for extra in kind.extras]
    assert set(EXTRAS) == {(each.method, "/".join(filter(None, (each.type, each.action)))) for each in extras}
    assert set(OWN) == {(method, "/".join(path)) for method, path, _ in dispatch.OWN}
    assert set(AT_ANY_SCOPE) == set(extensions.AT_ANY_SCOPE)


@pytest.mark.parametrize("type_", RIGHTS)
def test_what_a_resource_takes(estate: Azure, type_: str) -> None:
    kind = next(kind for kind in KINDS if kind.type == type_)
    (read, write, delete), (path, least) = RIGHTS[type_], place(type_)
    least = own(estate, least)
    above, made = path.rpartition("/")[0], (path, least)

    def more(verb: str) -> tuple[str, ...]:
        return MORE.get((type_, verb), ())

    wrong = [
        *check(estate, Asked("GET", path, None, made), read, *more("GET")),
        *check(estate, Asked("HEAD", path, None, made), read),
        *check(estate, Asked("PUT", path, least), write, *more("PUT")),
    ]
    if delete:
        wrong += check(estate, Asked("DELETE", path, None, made), delete, *more("DELETE"))
    if kind.verbs.patch:
        wrong += check(estate, Asked("PATCH", path, {"tags": {}}, made), write, *more("PATCH"))
    above_it = Asked("GET", above, None, made)
    if kind.placement.level == "child" or kind.verbs.listed is not None:
        wrong += check(estate, above_it, read, *more("list"))
    else:  # of many places: what may not be read is left out
        hidden, shown = try_as(estate, above_it, ["*"], [read]), try_as(estate, above_it, [read])
        if hidden.body["value"] or path not in [each["id"] for each in shown.body["value"]]:
            wrong.append((hidden, shown))
    assert wrong == []


@pytest.mark.parametrize(("type_", "action"), ACTIONS)
def test_what_an_action_takes(estate: Azure, type_: str, action: str) -> None:
    path, least = place(type_)
    if (action, type_) in TRIED:
        path, least = OTHERS[type_, "ComputeInstance"]
    body = {"regenerateKey": {"keyName": "key1"}, "regenerateKeys": {"keyType": "Primary"}}.get(action, {})
    made: Any = (path, own(estate, least))
    if action == "listSecrets":  # of a datastore that has its account's key
        path, made = f"{WORKSPACE}/datastores/workspaceblobstore", None
    assert check(estate, Asked("POST", f"{path}/{action}", body, made), ACTIONS[type_, action]) == []


@pytest.mark.parametrize(("method", "type_"), EXTRAS)
def test_what_a_request_at_no_resource_takes(estate: Azure, method: str, type_: str) -> None:
    path, right = EXTRAS[method, type_]
    body = {"POST": {"name": "some-name"}, "PUT": {}}.get(method)
    assert check(estate, Asked(method, path, body), right) == []


@pytest.mark.parametrize(
    ("method", "path", "right"),
    [
        *((method, *row) for (method, _), row in OWN.items()),
        *(("GET", *row) for row in AT_ANY_SCOPE.values()),
        *((method, TAGS, right) for method, right in TAGGING.items()),
    ],
)
def test_what_resource_managers_own_takes(estate: Azure, method: str, path: str, right: str | None) -> None:
    body = {"operation": "Merge", "properties": {"tags": {}}} if method in ("PUT", "PATCH") else None
    if right:
        assert check(estate, Asked(method, path, body), right) == []
        return
    nobody = estate.arm(method, path, who=ALICE)
    assert nobody.status == (403 if right == "" else 200)
    if right is None and path in (f"{SUB}/resources", f"{RG}/resources", "/subscriptions"):
        assert nobody.body["value"] == []
    assert try_as(estate, Asked(method, path), ["Microsoft.Resources/tags/read"]).status == 200
