"""Every setting, changed on a stack that stands: which resources change, and whether any has to be made anew.

The rows are written by hand, from what Azure says can change (`replace` where it says that it cannot). A setting
without a row fails: say here what changing yours costs.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

import pytest

from azmlflow.infra.plan.changes import effect
from azmlflow.infra.rehearsal import Declared, rehearse
from azmlflow.infra.settings.listing import listed
from azmlflow.infra.settings.settings import Settings

PERSON = {"principalId": "aaaaaaaa-0000-4000-8000-000000000001", "principalType": "User", "persona": "viewer"}
ROLE = "11111111-0000-4000-8000-000000000001"
CPU, BUDGET = {"name": "cpu"}, {"monthly": 5, "mail": ["a@contoso.com"]}
OTHER = "aaaaaaaa-0000-4000-8000-000000000002"
_ID = "/subscriptions/s/resourceGroups/rg/providers"
SUBNET = f"{_ID}/Microsoft.Network/virtualNetworks/vnet/subnets/computes"
IDENTITY = {f"{_ID}/Microsoft.ManagedIdentity/userAssignedIdentities/a": OTHER}
EVENING = {"cron": "0 19 * * *"}
WEEKLY = {"frequency": "Week", "hours": [19]}
STORE = {"storageAuth": "identity"}
ROBOT = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/robot"
KEYS = "/subscriptions/s/resourceGroups/rg-keys/providers/Microsoft.KeyVault/vaults/kv-keys"
PROTECTED = {"purgeProtection": True}
OWN_IDENTITY = "+RoleAssignment +UserAssignedIdentity Workspace"
ELSEWHERE = "-ResourceGroup Component StorageAccount Vault Workspace"
ALL = "the group and all in it"


def grant(**other: Any) -> dict[str, Any]:
    return {"grants": [{**PERSON, **other}]}


def cluster(**other: Any) -> dict[str, Any]:
    return {"clusters": [{**CPU, **other}]}


def instance(**other: Any) -> dict[str, Any]:
    return {"instances": [{"name": "alice", **other}]}


def budget(**other: Any) -> dict[str, Any]:
    return {"budget": {**BUDGET, **other}}


ACCOUNT = "/subscriptions/s/resourceGroups/rg-data/providers/Microsoft.Storage/storageAccounts/stdata"


def datastore(**other: Any) -> dict[str, Any]:
    return {"datastores": [{"name": "raw", "container": "raw-data", **other}]}


ANSWERS = {"model": "wine", "version": "1"}


def served(*deployments: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {"registry": "own", "endpoints": [{"name": "wine", "deployments": list(deployments or [ANSWERS]), **other}]}


def canary(**other: Any) -> dict[str, Any]:
    return served(ANSWERS, {**ANSWERS, "name": "canary", "traffic": 0, **other})


def encrypted(**other: Any) -> dict[str, Any]:
    return {**PROTECTED, "encryption": other}


SQL = "/subscriptions/s/resourceGroups/rg-data/providers/Microsoft.Sql/servers/sql"


def managed(*rules: dict[str, Any], **other: Any) -> dict[str, Any]:
    network = {"mode": "managed", "outbound": "approved", **other}
    return {"registry": "own", "network": {**network, "rules": list(rules)} if rules else network}


def tag(**other: Any) -> dict[str, Any]:
    return managed({"serviceTag": "DataFactory", **other})


def endpoint(**other: Any) -> dict[str, Any]:
    return managed({"privateEndpoint": SQL, "target": "sqlServer", **other})


NET = "/subscriptions/s/resourceGroups/rg-net/providers/Microsoft.Network"
SUBNETS = f"{NET}/virtualNetworks/hub/subnets"
YOURS = {"endpoints": f"{SUBNETS}/endpoints", "computes": f"{SUBNETS}/computes"}


def own(**other: Any) -> dict[str, Any]:
    return {"registry": "own", "network": {"mode": "own", **other}, **cluster()}


def let_in(*addresses: str) -> dict[str, Any]:
    return {"registry": "own", "network": {"mode": "publicIps", "allowedIps": addresses}}


# What says in its tags which resources were made for the stack, beside what changes.
MARKED = (
    "Component Compute NetworkSecurityGroup PrivateEndpoint Registry ResourceGroup StorageAccount Vault VirtualNetwork "
    "Workspace"
)
ROLLING = "+OnlineDeployment -OnlineDeployment Deployment"
RULE, ANOTHER = "ManagedNetworkSettingsRule", "+ManagedNetworkSettingsRule -ManagedNetworkSettingsRule"
# Setting -> (settings before, after, effect, resources by their types' last words; + is made, - goes).
ROWS: Mapping[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "cloud": ({"protect": False}, {"protect": False, "cloud": "local"}, "none", ""),
    "location": ({}, {"location": "northeurope"}, "replace", ALL),
    "prefix": ({}, {"prefix": "other"}, "replace", ALL),
    "salt": ({}, {"salt": "2"}, "replace", ALL),
    "resourceGroup": ({}, {"resourceGroup": "rg-other"}, "replace", ALL),
    "workspace": ({}, {"workspace": "mlw-other"}, "replace", "Workspace"),
    "storageAccount": ({}, {"storageAccount": "stother"}, "replace", "StorageAccount Workspace"),
    "keyVault": ({}, {"keyVault": "kv-other"}, "replace", "Vault Workspace"),
    "logDays": ({}, {"logDays": 90}, "update", "Workspace"),
    "clusters": ({}, cluster(), "none", "+Compute"),
    "clusters[].name": (cluster(), cluster(name="gpu"), "none", "+Compute -Compute"),
    # Azure takes neither; `up` removes the cluster, which holds nothing, and makes another of its name.
    "clusters[].vmSize": (cluster(), cluster(vmSize="Standard_NC6s_v3"), "update", "Compute"),
    "clusters[].priority": (cluster(), cluster(priority="LowPriority"), "update", "Compute"),
    "clusters[].minNodes": (cluster(), cluster(minNodes=1), "update", "Compute"),
    "clusters[].maxNodes": (cluster(), cluster(maxNodes=8), "update", "Compute"),
    "clusters[].idleSeconds": (cluster(), cluster(idleSeconds=60), "update", "Compute"),
    "clusters[].identity": (cluster(), cluster(identity="system"), "update", "Compute"),
    "clusters[].identities": (
        {**cluster(), **STORE, "registry": "own"},
        {**cluster(identities=IDENTITY), **STORE, "registry": "own"},
        "update",
        "+RoleAssignment Compute",
    ),
    # As with the size: the cluster is removed and made anew.
    "clusters[].subnet": (cluster(), cluster(subnet=SUBNET), "update", "Compute"),
    "clusters[].publicIp": (
        {**managed(), **cluster(publicIp=True)},
        {**managed(), **cluster(publicIp=False)},
        "update",
        "Compute",
    ),
    "imageBuildCompute": (cluster(), {**cluster(), "imageBuildCompute": "cpu"}, "update", "Workspace"),
    "instances": ({}, instance(), "none", "+Compute"),
    "instances[].name": (instance(), instance(name="bob"), "none", "+Compute -Compute"),
    # Azure changes none of these; `up` removes the instance, with its disk, and makes another of its name.
    "instances[].vmSize": (instance(), instance(vmSize="Standard_NC6s_v3"), "update", "Compute"),
    "instances[].subnet": (instance(), instance(subnet=SUBNET), "update", "Compute"),
    "instances[].publicIp": (
        {**managed(), **instance(publicIp=True)},
        {**managed(), **instance(publicIp=False)},
        "update",
        "Compute",
    ),
    "instances[].owner": (instance(), instance(owner=OTHER), "update", "Compute"),
    "instances[].ownerTenant": (instance(owner=OTHER), instance(owner=OTHER, ownerTenant=OTHER), "update", "Compute"),
    "instances[].setupScript": (instance(), instance(setupScript="date"), "update", "Compute"),
    "instances[].identity": (instance(), instance(identity="none"), "none", ""),
    "instances[].identities": (instance(), instance(identities=IDENTITY), "update", "+RoleAssignment Compute"),
    # By Azure's actions, which `up` calls: the engine is told to ignore them.
    "instances[].idleMinutes": (instance(), instance(idleMinutes=15), "update", "Compute"),
    "instances[].schedules": (instance(), instance(schedules=[EVENING]), "update", "Compute"),
    **{
        f"instances[].schedules[].{key}": (
            instance(schedules=[EVENING]),
            instance(schedules=[{**EVENING, key: value}]),
            "update",
            "Compute",
        )
        for key, value in (("action", "Start"), ("cron", "0 7 * * *"), ("timeZone", "Tokyo Standard Time"))
    },
    "instances[].schedules[].recurrence": (
        instance(schedules=[EVENING]),
        instance(schedules=[{"recurrence": WEEKLY}]),
        "update",
        "Compute",
    ),
    **{
        f"instances[].schedules[].recurrence.{key}": (
            instance(schedules=[{"recurrence": WEEKLY}]),
            instance(schedules=[{"recurrence": {**WEEKLY, key: value}}]),
            "update",
            "Compute",
        )
        for key, value in (
            ("frequency", "Day"),
            ("interval", 2),
            ("hours", [20]),
            ("minutes", [30]),
            ("weekDays", ["Monday"]),
        )
    },
    "grants": ({}, grant(), "none", "+RoleAssignment +RoleDefinition"),
    "grants[].principalId": (grant(), grant(principalId=OTHER), "none", "+RoleAssignment -RoleAssignment"),
    # The name in Azure follows from scope, principal and role: of a type of principal Azure takes no change.
    "grants[].principalType": (grant(), grant(principalType="Group"), "update", "RoleAssignment"),
    "grants[].displayName": (grant(), grant(displayName="Alice"), "none", ""),
    "grants[].persona": (
        grant(),
        grant(persona="tracker"),
        "none",
        "+RoleAssignment +RoleDefinition -RoleAssignment -RoleDefinition",
    ),
    "grants[].scope": (grant(), grant(scope="group"), "none", "+RoleAssignment -RoleAssignment"),
    "grants[].until": (grant(), grant(until="2020-01-01"), "none", "-RoleAssignment -RoleDefinition"),
    "grants[].adopted": (grant(), grant(adopted={ROLE: "/x"}), "none", ""),
    "roleProfile": (
        grant(),
        {**grant(), "roleProfile": "built-in"},
        "none",
        "+RoleAssignment -RoleAssignment -RoleDefinition",
    ),
    "strictTracker": (
        grant(persona="tracker"),
        {**grant(persona="tracker"), "strictTracker": True},
        "update",
        "RoleDefinition",
    ),
    "storageAuth": ({}, {"storageAuth": "identity"}, "update", "StorageAccount Workspace"),
    # A workspace is encrypted when it is made, or never.
    "encryption": ({}, {**PROTECTED, "encryption": {}}, "replace", f"+Key {OWN_IDENTITY}"),
    "encryption.keyVault": (encrypted(), encrypted(keyVault=KEYS), "replace", "-Key RoleAssignment Workspace"),
    # Another key of the same vault, and a role on it; the old key is kept.
    "encryption.key": (encrypted(), encrypted(key="next"), "replace", "Key RoleAssignment"),
    "encryption.serviceSide": (encrypted(), encrypted(serviceSide=True), "replace", "Workspace"),
    "identity": ({}, {"identity": {"type": "UserAssigned"}}, "update", OWN_IDENTITY),
    "identity.type": (
        {"identity": {"type": "UserAssigned"}},
        {"identity": {"type": "SystemAssigned,UserAssigned"}},
        "update",
        "Workspace",
    ),
    # The identity that was made goes; the roles on the same things are another's.
    "identity.id": (
        {"identity": {"type": "UserAssigned"}},
        {"identity": {"type": "UserAssigned", "id": ROBOT}},
        "replace",
        "-UserAssignedIdentity RoleAssignment",
    ),
    "identity.grantRoles": (
        {"identity": {"type": "UserAssigned"}},
        {"identity": {"type": "UserAssigned", "grantRoles": False}},
        "none",
        "-RoleAssignment",
    ),
    "identity.grantOnGiven": (
        {"identity": {"type": "UserAssigned", "id": ROBOT}, "storage": ACCOUNT},
        {"identity": {"type": "UserAssigned", "id": ROBOT, "grantOnGiven": False}, "storage": ACCOUNT},
        "none",
        "-RoleAssignment",
    ),
    "registry": ({}, {"registry": "own"}, "update", "+Registry Workspace"),
    "group": ({}, {"group": "/subscriptions/s/resourceGroups/theirs"}, "replace", ELSEWHERE),
    # A workspace stays with the account and the vault that it was made with.
    "storage": ({}, {"storage": f"{_ID}/Microsoft.Storage/storageAccounts/st"}, "replace", "-StorageAccount Workspace"),
    "vault": ({}, {"vault": f"{_ID}/Microsoft.KeyVault/vaults/kv"}, "replace", "-Vault Workspace"),
    "insights": (
        {},
        {"insights": f"{_ID}/Microsoft.Insights/components/appi"},
        "update",
        "-Component -Workspace Workspace",
    ),
    "network": ({"registry": "own"}, managed(), "update", "Registry StorageAccount Vault Workspace"),
    "network.mode": (managed(), {"registry": "own"}, "replace", "Workspace"),
    "network.allowedIps": (let_in("203.0.113.7"), let_in("198.51.100.0/24"), "update", "Registry StorageAccount Vault"),
    "network.outbound": (managed(outbound="internet"), managed(), "update", "Workspace"),
    # Ranges of subnets in which private endpoints stand are not changed: `up` refuses it.
    "network.addressRange": (own(), own(addressRange="10.43.0.0/24"), "replace", "Subnet"),
    "network.endpoints": (own(**YOURS), own(**YOURS | {"endpoints": f"{SUBNETS}/other"}), "replace", "PrivateEndpoint"),
    "network.computes": (own(**YOURS), own(**YOURS | {"computes": f"{SUBNETS}/other"}), "update", "Compute"),
    "network.dns": (
        own(),
        own(dns="policy"),
        "update",
        f"-PrivateDnsZoneGroup -PrivateZone -VirtualNetworkLink {MARKED}",
    ),
    "network.zones": (
        own(),
        own(zones=[f"{NET}/privateDnsZones/privatelink.azurecr.io"]),
        "replace",
        "-PrivateZone VirtualNetworkLink",
    ),
    "network.rules": (managed(), managed({"fqdn": "a.com"}), "none", f"+{RULE}"),
    "network.rules[].name": (managed({"fqdn": "a.com"}), managed({"fqdn": "a.com", "name": "one"}), "none", ANOTHER),
    "network.rules[].fqdn": (managed({"fqdn": "a.com"}), managed({"fqdn": "b.com"}), "none", ANOTHER),
    "network.rules[].serviceTag": (tag(), tag(serviceTag="AzureMonitor"), "none", ANOTHER),
    "network.rules[].protocol": (tag(), tag(protocol="UDP"), "none", ANOTHER),
    "network.rules[].ports": (tag(), tag(ports="80,443"), "update", RULE),
    "network.rules[].privateEndpoint": (endpoint(), endpoint(privateEndpoint=f"{SQL}2"), "none", ANOTHER),
    "network.rules[].target": (endpoint(), endpoint(target="other"), "none", ANOTHER),
    "datastores": ({}, datastore(), "none", "+Datastore"),
    # A datastore holds nothing: another takes its place.
    "datastores[].name": (datastore(), datastore(name="clean"), "none", "+Datastore -Datastore"),
    "datastores[].type": (datastore(), datastore(type="file"), "replace", "Datastore"),
    "datastores[].account": (datastore(), datastore(account=ACCOUNT), "replace", "Datastore"),
    "datastores[].container": (datastore(), datastore(container="other"), "replace", "Datastore"),
    "datastores[].identity": (datastore(), datastore(identity="workspace"), "replace", "Datastore"),
    "endpoints": (
        {"registry": "own"},
        served(),
        "none",
        "+Deployment +OnlineDeployment +OnlineEndpoint",
    ),
    "endpoints[].name": (
        served(),
        served(name="other"),
        "none",
        "+Deployment +OnlineDeployment +OnlineEndpoint -Deployment -OnlineDeployment -OnlineEndpoint",
    ),
    # The template writes it; the engine is told to leave the endpoint, which it would write without its traffic.
    "endpoints[].auth": (served(), served(auth="aadToken"), "update", "Deployment OnlineEndpoint"),
    # Azure: "immutable".
    "endpoints[].identities": (served(), served(identities=IDENTITY), "replace", "+RoleAssignment OnlineEndpoint"),
    "endpoints[].deployments": (served(), canary(), "none", "+OnlineDeployment"),
    # Another deployment, which answers before the traffic moves; the old one goes after.
    **{
        f"endpoints[].deployments[].{key}": (served(), served({**ANSWERS, key: value}), "update", ROLLING)
        for key, value in (("model", "beer"), ("version", "2"), ("name", "blue"), ("instanceType", "Standard_F4s_v2"))
    },
    "endpoints[].deployments[].instanceCount": (
        served(),
        served({**ANSWERS, "instanceCount": 2}),
        "update",
        "OnlineDeployment",
    ),
    "endpoints[].deployments[].traffic": (served(), served({**ANSWERS, "traffic": 0}), "update", "Deployment"),
    "endpoints[].deployments[].mirror": (canary(), canary(mirror=10), "update", "Deployment"),
    "diagnostics": ({}, {"diagnostics": True}, "none", "+DiagnosticSetting"),
    "locks": ({}, {"locks": True}, "none", "+ManagementLockByScope"),
    "budget": ({}, budget(), "none", "+Budget"),
    "budget.monthly": (budget(), budget(monthly=6), "update", "Budget"),
    "budget.mail": (budget(), budget(mail=["b@contoso.com"]), "update", "Budget"),
    "createdOn": ({}, {"createdOn": "2027-01-31T12:00:00Z"}, "update", "ResourceGroup"),
    "owner": ({}, {"owner": "alice"}, "update", "ResourceGroup"),
    "expiresOn": ({}, {"expiresOn": "2027-01-31T12:00:00Z"}, "update", "ResourceGroup"),
    "tags": (
        {},
        {"tags": {"team": "blue"}},
        "update",
        "Component ResourceGroup StorageAccount Vault Workspace",
    ),
    "purgeProtection": ({}, {"purgeProtection": True}, "update", "Vault"),
    # Pulumi's own, in its state.
    "protect": ({}, {"protect": False}, "none", ""),
    # What `up` does before the program runs.
    "onSoftDeleted": ({}, {"onSoftDeleted": "purge"}, "none", ""),
}
_ORDER = ("none", "update", "replace")


def rehearsed(settings: Mapping[str, Any]) -> dict[str, Declared]:
    config = {f"azmlflow:{key}": value for key, value in settings.items()}
    found = rehearse(config, project="azmlflow", stack="dev", subscription="s", tenant="t")
    return {each.urn: each for each in found}


@functools.cache
def _once(settings: str) -> dict[str, Declared]:
    return rehearsed(json.loads(settings))


def declared(settings: Mapping[str, Any]) -> dict[str, Declared]:
    return _once(json.dumps(settings))


def word(each: Declared) -> str:
    return each.type.rpartition(":")[2]


def test_every_setting_has_a_row_and_no_other() -> None:
    missing = {setting.key for setting in listed(Settings)} - set(ROWS)
    assert not missing, f"say in ROWS what changing these costs: {sorted(missing)}"
    assert set(ROWS) == {setting.key for setting in listed(Settings)}


@pytest.mark.parametrize("key", sorted(ROWS))
def test_what_changing_a_setting_costs(key: str) -> None:
    before, after = declared(ROWS[key][0]), declared(ROWS[key][1])
    effects = {urn: effect(each.type, each.inputs, after[urn].inputs) for urn, each in before.items() if urn in after}
    worst = max(effects.values(), key=_ORDER.index)
    # `azmlflow-made` tells names that are given: it changes with any of them, and is a tag.
    touched = {word(before[urn]) for urn, found in effects.items() if found != "none"}
    if worst == "replace":
        touched = {word(before[urn]) for urn, found in effects.items() if found == "replace"}
    expected = ROWS[key][3]
    if expected == ALL:
        assert (worst, touched >= {"ResourceGroup", "StorageAccount", "Vault", "Workspace"}) == ("replace", True)
        return
    made = {f"+{word(each)}" for urn, each in after.items() if urn not in before}
    gone = {f"-{word(each)}" for urn, each in before.items() if urn not in after}
    assert (worst, " ".join(sorted(made) + sorted(gone) + sorted(touched))) == (ROWS[key][2], expected)


@pytest.mark.parametrize("key", sorted(ROWS))
def test_nothing_changed_is_nothing_to_do(key: str) -> None:
    first, second = declared(ROWS[key][1]), rehearsed(ROWS[key][1])
    assert [effect(each.type, each.inputs, second[urn].inputs) for urn, each in first.items()] == ["none"] * len(first)


def test_what_holds_data_is_protected_on_azure_and_by_the_setting() -> None:
    def protected(**settings: Any) -> set[str]:
        return {word(each) for each in declared({"registry": "own", **settings}).values() if each.protected}

    data = {"Component", "Registry", "ResourceGroup", "StorageAccount", "Vault", "Workspace"}
    assert protected() == data
    assert protected(cloud="local") == set()
    assert protected(cloud="local", protect=True) == data
    assert protected(protect=False) == set()


def test_a_rule_of_another_kind_under_the_same_name_takes_its_place() -> None:
    """Azure changes no rule's type (Microsoft, "Managed Network Settings Rules"), and the name says nothing of it."""
    before = declared(managed({"fqdn": "a.com", "name": "one"}))
    after = declared(managed({"serviceTag": "DataFactory", "name": "one"}))
    (rule,) = (each for each in before.values() if word(each) == RULE)
    assert effect(rule.type, rule.inputs, after[rule.urn].inputs) == "replace"
    other = declared(managed({"fqdn": "b.com", "name": "one"}))
    assert effect(rule.type, rule.inputs, other[rule.urn].inputs) == "update"
