"""Nothing of a body is dropped in silence: each member that Azure's API has comes back, or is refused.

The members are Microsoft's (`data/members.json`, drawn from its specifications). What is written here by hand is how a
resource of each kind is made, what a member takes where its name says more than its type, and each member that does not
come back as it was sent.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from scripts import azure_members, plugin_inputs

from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.kinds import KINDS
from tests.localazure.control import (
    DEVELOPER,
    INSIGHTS,
    LOGS,
    NETWORK,
    RG,
    STORAGE,
    SUBNET,
    VAULT,
    ZONE,
    Answer,
    Azure,
)
from tests.localazure.made import (
    BLOB,
    FILE,
    GROUP,
    HOST,
    IDENTITY,
    MADE,
    ML,
    NOTICE,
    OTHERS,
    READER,
    REGISTRY,
    build,
    own,
)

# What a member takes, where its type alone does not say it: by its path, or by its name.
VALUES: dict[str, list[Any]] = {
    "location": ["westeurope"],
    "addressPrefixes": ["10.0.0.0/16"],
    "addressPrefix": ["10.0.3.0/24"],
    "properties.networkSecurityGroup": [{"id": GROUP}],
    "properties.subnets.0.properties.networkSecurityGroup": [{"id": GROUP}],
    "ipv4Address": ["10.0.1.10"],
    "properties.networkAcls.ipRules.0.value": ["203.0.113.7"],
    "properties.networkRuleSet.ipRules.0.value": ["203.0.113.7"],
    "privateDnsZoneId": [ZONE],
    "privateLinkServiceId": [STORAGE],
    "groupIds": ["file"],
    "priority": [200],
    "serviceName": ["Microsoft.Sql/managedInstances"],
    "properties.virtualNetwork.id": [NETWORK],
    "properties.properties.subnet.id": [SUBNET],
    "properties.subnet": [{"id": SUBNET}],
    "computeLocation": ["westeurope"],
    "principalId": [DEVELOPER],
    "roleDefinitionId": [READER],
    "assignableScopes": [RG],
    "actions": ["*/read"],
    "notActions": ["*/delete"],
    "dataActions": ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"],
    "notDataActions": ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"],
    "properties.type": ["CustomRole"],
    "notifications": [{"two": {"enabled": True, "thresholdType": "Actual", **NOTICE}}],
    "startDate": ["2031-02-01T00:00:00Z"],
    "endDate": ["2031-03-01T00:00:00Z"],
    "properties.workspaceId": [LOGS],
    "category": ["AuditEvent"],
    "properties.metrics.0.category": ["AllMetrics"],
    "WorkspaceResourceId": [LOGS],
    "tenantId": [TENANT_ID],
    "publicNetworkAccess": ["Enabled", "Disabled"],
    "applicationInsights": [INSIGHTS],
    "containerRegistry": [REGISTRY],
    "keyVault": [VAULT],
    "storageAccount": [STORAGE],
    "discoveryUrl": ["https://westeurope.api.azureml.ms/discovery"],
    "minNodeCount": [2],
    "nodeIdleTimeBeforeScaleDown": ["PT7M"],
    "vmSize": ["STANDARD_DS3_V2"],
    "codeUri": [f"{BLOB}/b"],
    "condaFile": ["dependencies: [python=3.11]"],
    "dataUri": [FILE],
    "modelUri": [FILE],
    "properties.managedNetwork.outboundRules": [{"one": HOST}],
    "modelType": ["custom_model", "triton_model"],
    "idleTimeBeforeShutdown": ["PT30M"],
    "expression": ["0 19 * * 1-5"],
    "timeZone": ["W. Europe Standard Time"],
    "userAssignedIdentities": [{IDENTITY: {}}],
    "authenticationMethods": ["Kerberos"],
    "kerberosTicketEncryption": ["AES-256"],
    "channelEncryption": ["AES-128-GCM;AES-256-GCM"],
    "properties.protocolSettings.smb.versions": ["SMB3.1.1"],
}
# In some types the same name takes something else.
OWN_VALUES: dict[tuple[str, str], list[Any]] = {
    (f"{ML}/outboundRules", "properties.destination"): ["other.example.com"],
    (f"{ML}/datastores", "properties.accountName"): ["stacct1"],
    (ML, "kind"): ["Default", "Hub", "Project", "FeatureStore"],
    (ML, "sku.name"): ["Basic", "Enterprise"],
    ("Microsoft.Insights/components", "kind"): ["web"],
    ("Microsoft.KeyVault/vaults/keys", "properties.keySize"): [2048],
    ("Microsoft.Network/privateDnsZones", "location"): ["global"],
    ("Microsoft.Network/privateDnsZones/virtualNetworkLinks", "location"): ["global"],
    ("Microsoft.Network/virtualNetworks", "properties.subnets.0.name"): ["another"],
    ("Microsoft.Network/networkSecurityGroups", "properties.securityRules.0.name"): ["another"],
    ("Microsoft.Network/virtualNetworks/subnets", "properties.addressPrefixes.0"): ["10.0.3.0/24"],
}
# A member that takes another one beside it.
BESIDE: dict[str, dict[str, Any]] = {
    "identity.userAssignedIdentities": {"identity": {"type": "UserAssigned"}},
    "properties.logs.0.categoryGroup": {"properties": {"logs": [{"enabled": True}]}},
    "properties.enableRbacAuthorization": {"properties": {"accessPolicies": []}},
    "properties.networkAcls.ipRules.0.action": {"properties": {"networkAcls": {"ipRules": [{"value": "203.0.113.7"}]}}},
    "properties.networkRuleSet.ipRules.0.action": {
        "properties": {"networkRuleSet": {"ipRules": [{"value": "203.0.113.7"}]}}
    },
    "sku.tier": {"sku": {"name": "Basic"}},
    "properties.restorePolicy.days": {"properties": {"restorePolicy": {"enabled": False}}},
    "properties.logs.0.retentionPolicy.enabled": {
        "properties": {"logs": [{"categoryGroup": "allLogs", "enabled": True, "retentionPolicy": {"days": 0}}]}
    },
    "sku.capacity": {"sku": {"name": "Basic"}},
    "sku.family": {"sku": {"name": "Basic"}},
    "sku.size": {"sku": {"name": "Basic"}},
    "schedules": {
        "properties": {
            "properties": {
                "schedules": {
                    "computeStartStop": [
                        {
                            "action": "Stop",
                            "triggerType": "Cron",
                            "cron": {"expression": "0 19 * * *"},
                            "recurrence": {
                                "frequency": "Day",
                                "interval": 1,
                                "schedule": {"hours": [8], "minutes": [0]},
                            },
                        }
                    ]
                }
            }
        }
    },
    "properties.containerDeleteRetentionPolicy.enabled": {
        "properties": {"containerDeleteRetentionPolicy": {"days": 7}}
    },
    "properties.deleteRetentionPolicy.enabled": {"properties": {"deleteRetentionPolicy": {"days": 7}}},
    "properties.metrics.0": {
        "properties": {
            "metrics": [{"category": "AllMetrics", "enabled": True, "retentionPolicy": {"days": 0, "enabled": False}}]
        }
    },
}
# What does not come back as it was sent. (type's last word, path, value or ... for any) -> how it is answered instead.
ANSWERED: dict[tuple[str, str, Any], Any] = {
    ("outboundRules", "properties.status", ...): "Inactive",  # as Azure has it, until the network is built
    ("budgets", "eTag", ...): ...,  # the service's own
    ("datastores", "properties.credentials.secrets.clientSecret", ...): None,  # told by listSecrets alone
    ("computes", "properties.properties.userAccountCredentials.adminUserPassword", ...): None,
    ("computes", "properties.properties.userAccountCredentials.adminUserSshPublicKey", ...): None,
    ("MachineLearningServices/workspaces", "properties.allowRecoverSoftDeletedWorkspace", ...): None,
    ("vaults", "properties.createMode", "default"): None,  # what to do, not how it is
    ("registries", "identity.type", "SystemAssigned, UserAssigned"): "SystemAssigned,UserAssigned",
    ("OperationalInsights/workspaces", "properties.features", ...): ...,  # the same
    ("models/versions", "properties.properties", ...): ...,  # with what the service adds
    ("roleAssignments", "properties.roleDefinitionId", ...): ...,  # the id in full, in Azure's spelling
    ("data/versions", "properties.dataUri", ...): ...,  # the path in full
    ("models/versions", "properties.modelUri", ...): ...,
    ("identity", "identity.userAssignedIdentities", ...): ...,  # with their ids
}
# What is refused. The same -> the code.
REFUSED: dict[tuple[str, str, Any], str] = {
    ("datastores", "properties.credentials.secrets.key", ...): "BadRequest",  # not one of the account's
    ("outboundRules", "properties.category", "Required"): "BadRequest",  # Azure's own rules
    ("outboundRules", "properties.category", "Recommended"): "BadRequest",
    ("outboundRules", "properties.category", "Dependency"): "BadRequest",
    ("workspaces", "properties.managedNetwork.outboundRules", ...): "BadRequest",  # without a managed network
    ("MachineLearningServices/workspaces", "identity.type", "UserAssigned"): "BadRequest",  # without a primary one
    ("computes", "identity.type", "SystemAssigned,UserAssigned"): "BadRequest",  # one or the other
    ("computes", "identity.type", "SystemAssigned, UserAssigned"): "BadRequest",
    ("roleAssignments", "properties.principalType", "Group"): "UnmatchedPrincipalType",
    ("roleAssignments", "properties.principalType", "ServicePrincipal"): "UnmatchedPrincipalType",
    ("roleAssignments", "properties.principalType", "ForeignGroup"): "UnmatchedPrincipalType",
    ("roleAssignments", "properties.principalType", "Device"): "UnmatchedPrincipalType",
    ("roleAssignments", "properties.principalType", "AgentUser"): "UnmatchedPrincipalType",
    ("roleAssignments", "properties.principalType", "AgentServicePrincipal"): "UnmatchedPrincipalType",
    ("locks", "properties.level", "NotSpecified"): "InvalidLockLevel",
    ("diagnosticSettings", "properties.eventHubAuthorizationRuleId", ...): "BadRequest",
    ("diagnosticSettings", "properties.marketplacePartnerId", ...): "BadRequest",
    ("diagnosticSettings", "properties.serviceBusRuleId", ...): "BadRequest",
    ("diagnosticSettings", "properties.storageAccountId", ...): "BadRequest",
    ("diagnosticSettings", "properties.logs.0.enabled", False): "BadRequest",  # then nothing is logged
    ("diagnosticSettings", "properties.logs.0.categoryGroup", ...): "BadRequest",  # beside a category
    ("diagnosticSettings", "properties.logs.0.retentionPolicy.days", ...): "BadRequest",
    ("diagnosticSettings", "properties.logs.0.retentionPolicy.enabled", True): "BadRequest",
    ("diagnosticSettings", "properties.metrics.0.retentionPolicy.days", ...): "BadRequest",
    ("diagnosticSettings", "properties.metrics.0.retentionPolicy.enabled", True): "BadRequest",
    ("storageAccounts", "properties.encryption.services.blob.enabled", False): "InvalidRequestPropertyValue",
    ("storageAccounts", "properties.encryption.services.file.enabled", False): "InvalidRequestPropertyValue",
    ("storageAccounts", "properties.encryption.services.queue.enabled", False): "InvalidRequestPropertyValue",
    ("storageAccounts", "properties.encryption.services.table.enabled", False): "InvalidRequestPropertyValue",
    **{
        ("storageAccounts", "sku.name", f"{tier}V2_{kind}"): "InvalidRequestPropertyValue"
        for tier, kinds in (("Standard", ("LRS", "GRS", "ZRS", "GZRS")), ("Premium", ("LRS", "ZRS")))
        for kind in kinds
    },
    ("blobServices", "properties.restorePolicy.enabled", True): "InvalidRequestPropertyValue",  # without versions
    ("containers", "properties.publicAccess", "Container"): "PublicAccessNotPermitted",
    ("containers", "properties.publicAccess", "Blob"): "PublicAccessNotPermitted",
    ("fileServices/shares", "properties.accessTier", "Premium"): "InvalidRequestPropertyValue",  # of premium accounts
    ("fileServices/shares", "properties.enabledProtocols", "NFS"): "InvalidRequestPropertyValue",
    ("fileServices/shares", "properties.rootSquash", ...): "InvalidRequestPropertyValue",  # of NFS
    ("vaults", "properties.createMode", "recover"): "DeletedVaultNotFound",
    ("vaults", "properties.enablePurgeProtection", False): "BadRequest",
    ("vaults", "properties.enableSoftDelete", False): "BadRequest",
    ("components", "properties.IngestionMode", "ApplicationInsights"): "BadRequest",
    ("components", "properties.IngestionMode", "ApplicationInsightsWithDiagnosticSettings"): "BadRequest",
    **{
        ("MachineLearningServices/workspaces", "sku.tier", tier): "BadRequest"
        for tier in ("Free", "Standard", "Premium")
    },
    ("MachineLearningServices/workspaces", "sku.tier", "Enterprise"): "BadRequest",
    # Only once it stands.
    ("MachineLearningServices/workspaces", "properties.networkAcls.defaultAction", "Deny"): "BadRequest",
    ("MachineLearningServices/workspaces", "properties.networkAcls.ipRules.0.value", ...): "BadRequest",
    ("vaults/keys", "properties.kty", "EC-HSM"): "BadRequest",  # of a premium vault
    ("vaults/keys", "properties.kty", "RSA-HSM"): "BadRequest",
    ("vaults/keys", "properties.attributes.exportable", True): "BadParameter",  # without a release policy
    (
        "MachineLearningServices/workspaces",
        "properties.encryption.status",
        "Enabled",
    ): "LinkedInvalidPropertyId",  # of which vault
    ("registries", "sku.name", "Classic"): "InvalidRequestPropertyValue",
    **{
        ("Microsoft.Network/virtualNetworks" + kind, f"properties.{where}{name}", ...): "LinkedInvalidPropertyId"
        for kind, where in (("", "subnets.0.properties."), ("/subnets", ""))
        for name in ("routeTable", "natGateway.id")
    },
    ("virtualNetworks", "properties.virtualNetworkPeerings.0", ...): "BadRequest",
    ("privateEndpoints", "properties.ipConfigurations.0", ...): "BadRequest",
    ("privateEndpoints", "properties.manualPrivateLinkServiceConnections", ...): "BadRequest",
    ("environments/versions", "properties.build.contextUri", ...): "UserError",
    ("environments/versions", "properties.build.dockerfilePath", ...): "UserError",
    ("models/versions", "properties.datasets.0.id", ...): "UserError",
    ("models/versions", "properties.datasets.0.name", ...): "UserError",
}


class _Undone(Exception):
    """Everything that was written is taken back."""


@functools.cache
def marked() -> dict[str, dict[str, str]]:
    """What Azure's API has, with a mark at what has to be said."""
    read: dict[str, dict[str, str]] = json.loads(azure_members.FILE.read_text("utf-8"))
    return read


def members() -> dict[str, dict[str, str]]:
    """What Azure's API has."""
    return {what: {name: takes.removesuffix("!") for name, takes in each.items()} for what, each in marked().items()}


Leaf = tuple[str, str, tuple[Any, ...]]


def leaves(objects: dict[str, dict[str, str]], what: str, body: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """(path, what it takes) of each member that a request can give; a list's first entry is called `0`.

    The constants in a body tell which of several objects is meant.
    """
    for name, takes in objects[what].items():
        if takes == "told" or takes.startswith("'"):
            continue
        above = (name, "0") if takes.startswith("[") else (name,)
        inside = [each for each in takes.strip("[]").split("|") if each in objects]
        if len(inside) > 1:
            said = [f"'{value}'" for value in (read(body, above) or {}).values()]
            inside = [each for each in inside if set(said) & set(objects[each].values())]
            assert len(inside) == 1, above
        for each in inside:
            yield from (((*above, *path), leaf) for path, leaf in leaves(objects, each, read(body, above)))
        if not inside:
            yield above, takes.strip("[]")


def values(type_: str, path: tuple[str, ...], takes: str) -> list[Any]:
    """Values that a member may have."""
    whole, last = ".".join(path), path[-1] if path[-1] != "0" else path[-2]
    known = OWN_VALUES.get((type_, whole)) or VALUES.get(whole) or (VALUES.get(last) if takes == "string" else None)
    known = known or VALUES.get(last) if takes in ("map", "integer") else known
    if known is not None:
        return known
    if takes.startswith("="):
        return takes[1:].split("|")
    usual: dict[str, list[Any]] = {
        "string": ["some text"], "boolean": [True, False], "integer": [7], "number": [7], "map": [{"One": "two"}],
        "any": [{"One": "two"}],
    }  # fmt: skip
    return usual[takes]


def beside(body: Any, more: Any) -> Any:
    """A body with the members of another one."""
    if not (isinstance(body, dict) and isinstance(more, dict)):
        return more
    return {**body, **{name: beside(body.get(name), each) for name, each in more.items()}}


def prepared(type_: str, body: Any, path: tuple[str, ...]) -> Any:
    """The body that a member is laid into."""
    if "metrics" in path:
        return beside(body, BESIDE["properties.metrics.0"])
    if "schedules" in path:
        return beside(body, BESIDE["schedules"])
    whole = ".".join(path)
    if "encryption" in path and type_ == ML:
        return beside(body, {"properties": {"encryption": {"status": "Disabled"}}})
    if whole == "identity.userAssignedIdentities" and type_ == ML:
        return beside(body, {"identity": {"type": "SystemAssigned,UserAssigned"}})
    return beside(body, BESIDE[whole]) if whole in BESIDE and (whole[:4] != "sku." or type_ == ML) else body


def found(table: dict[tuple[str, str, Any], Any], type_: str, path: tuple[str, ...], value: Any) -> Any:
    """The row of a table that is about a member; `KeyError` if there is none."""
    whole = ".".join(path)
    for (kind, where, wanted), answer in table.items():
        fits = f".{type_}".endswith((f"/{kind}", f".{kind}")) or whole.startswith(f"{kind}.")
        if fits and where == whole and (wanted is ... or (type(wanted) is type(value) and wanted == value)):
            return answer
    raise KeyError(type_, whole, value)


def laid(body: Any, path: tuple[str, ...], value: Any) -> Any:
    """A body with a member."""
    if not path:
        return value
    if path[0] == "0":
        rest = body if isinstance(body, list) else []
        return [laid(rest[0] if rest else {}, path[1:], value), *rest[1:]]
    given = body if isinstance(body, dict) else {}
    return {**given, path[0]: laid(given.get(path[0]), path[1:], value)}


def filled(what: str, body: Any, type_: str, above: tuple[str, ...] = ()) -> Any:
    """A body in which each object inside has what it cannot be without."""
    if isinstance(body, list):
        return [filled(what, each, type_, above) for each in body]
    if not isinstance(body, dict):
        return body
    told = dict(body)
    for name, written in marked()[what].items():
        takes, path = written.removesuffix("!"), (*above, name, *(["0"] if written.startswith("[") else []))
        inside = [each for each in takes.strip("[]").split("|") if each in marked()]
        if written.endswith("!") and name not in told:
            one = {} if inside else takes.strip("'") if takes[0] == "'" else values(type_, path, takes.strip("[]"))[0]
            told[name] = [one] if written.startswith("[") else one
        if len(inside) > 1 and isinstance(told.get(name), dict):
            said = {f"'{value}'" for value in told[name].values()}
            inside = [each for each in inside if said & set(members()[each].values())]
        if len(inside) == 1 and name in told:
            told[name] = filled(inside[0], told[name], type_, path)
    return told


def asking(type_: str, least: Any, where: tuple[str, ...], value: Any) -> Any:
    """A body with a member, and with what belongs beside it."""
    return filled(type_, laid(prepared(type_, least, where), where, value), type_)


def read(body: Any, path: tuple[str, ...]) -> Any:
    """What a body has at a path; None if nothing."""
    for name in path:
        if isinstance(body, list):
            body = body[0] if body else None
        else:
            body = next((each for key, each in (body or {}).items() if key.lower() == name.lower()), None)
    return body


def put(azure: Azure, path: str, body: Any) -> tuple[Answer, Any]:
    """The answer to a PUT, and what is then at the path; nothing of it stays."""
    found: Any = None
    models = {name: dict(vars(azure.mlflow)[name]) for name in ("models", "versions", "highest")}
    try:
        with azure.cloud.store.transaction():
            answer = azure.arm("PUT", path, body)
            azure.wait()
            found = azure.arm("GET", path).body
            raise _Undone
    except _Undone:
        vars(azure.mlflow).update(models)
    return answer, found


@pytest.fixture
def estate(azure: Azure) -> Azure:
    """All that is linked is there."""
    build(azure)
    return azure


ROWS = [(type_, *row) for type_, row in MADE.items()] + [(type_, *row) for (type_, _), row in OTHERS.items()]
_IDS = [f"{type_}-{path.rpartition('/')[2]}" for type_, path, _ in ROWS]


def test_the_file_is_what_the_installed_sdk_says() -> None:
    """If not: `python -m scripts.azure_members`."""
    assert azure_members.FILE.read_text("utf-8") == plugin_inputs.written(azure_members.drawn())


def test_every_kind_has_its_members_or_reads_them_itself() -> None:
    # `kinds.jobs.body`, `kinds.endpoints.body` and `kinds.templates` read member by member.
    read = {
        f"{ML}/jobs", f"{ML}/onlineEndpoints", f"{ML}/onlineEndpoints/deployments", "Microsoft.Resources/deployments",
    }  # fmt: skip
    assert {kind.type for kind in KINDS} - set(MADE) == read
    assert set(MADE) <= set(members())


@pytest.mark.parametrize(("type_", "path", "least"), ROWS, ids=_IDS)
def test_each_member_comes_back_or_is_refused(estate: Azure, type_: str, path: str, least: Any) -> None:
    least = own(estate, least)
    assert put(estate, path, least)[0].status in (200, 201, 202)
    wrong: list[Any] = []
    for where, takes in leaves(members(), type_, least):
        for value in own(estate, values(type_, where, takes)):
            answer, kept = put(estate, path, own(estate, asking(type_, least, where, value)))
            try:
                expected: Any = found(REFUSED, type_, where, value)
            except KeyError:
                try:
                    expected = found(ANSWERED, type_, where, value)
                except KeyError:
                    expected = value
                got = read(kept, where) if answer.status < 300 else answer.body
                fits = answer.status < 300 and expected in (got, ...)
            else:
                got = (answer.status, answer.body)
                fits = 400 <= answer.status < 500 and answer.code == expected
            if not fits:
                wrong.append((".".join(where), value, got))
    assert wrong == []


@pytest.mark.parametrize(("type_", "path", "least"), ROWS, ids=_IDS)
def test_a_text_of_a_few_has_one_spelling_and_no_other_is_taken(
    estate: Azure, type_: str, path: str, least: Any
) -> None:
    least = own(estate, least)
    wrong: list[Any] = []
    for where, takes in leaves(members(), type_, least):
        if not takes.startswith("="):
            continue
        refused = put(estate, path, asking(type_, least, where, "no-such-thing"))[0]
        if refused.status != 400 or "no-such-thing" not in refused.message:
            wrong.append((".".join(where), "no-such-thing", refused))
        for value in takes[1:].split("|"):
            answer, usual = put(estate, path, asking(type_, least, where, value))
            for other in (value.lower(), value.upper()):
                also, kept = put(estate, path, asking(type_, least, where, other))
                if (also.status, read(kept, where)) != (answer.status, read(usual, where)):
                    wrong.append((".".join(where), other, read(kept, where)))
    assert wrong == []


@pytest.mark.parametrize(("type_", "path", "least"), ROWS, ids=_IDS)
def test_a_member_of_another_type_or_name_is_refused(estate: Azure, type_: str, path: str, least: Any) -> None:
    least = own(estate, least)
    odd: dict[str, Any] = {"boolean": "maybe", "integer": "seven", "number": "seven", "map": "some text"}
    wrong: list[Any] = []
    for where, takes in leaves(members(), type_, least):
        if takes == "any":
            continue
        answer, _ = put(estate, path, asking(type_, least, where, odd.get(takes, {"a": 1})))
        if not 400 <= answer.status < 500:
            wrong.append((".".join(where), answer.status))
        if len(where) > 1 and not where[-1].isdecimal():
            body = laid(prepared(type_, least, where), (*where[:-1], "unheardOf"), "x")
            answer, _ = put(estate, path, filled(type_, body, type_))
            if answer.status != 400:
                wrong.append((*where[:-1], "unheardOf", answer.status))
    answer, _ = put(estate, path, {**least, "unheardOf": "x"})
    assert (answer.status, answer.code) == (400, "InvalidRequestContent")
    assert "'unheardOf'" in answer.message
    assert wrong == []


@pytest.mark.parametrize(("type_", "path", "least"), ROWS, ids=_IDS)
def test_what_is_no_object_where_one_should_be_is_refused(estate: Azure, type_: str, path: str, least: Any) -> None:
    """Each object and list on the way to a member, and not the members alone; no handler falls over one."""
    least = own(estate, least)
    every = [where for where, _ in leaves(members(), type_, least)]
    ways = {where[:length] for where in every for length in range(1, len(where))}
    inside = {where[:at] for where in every for at, name in enumerate(where[:-1]) if name == "0"}  # lists of objects
    wrong: list[Any] = []
    for way in sorted(ways):
        odd: list[Any] = [-1, True, "text", *([[1], [[]]] if way in inside else [])]
        for value in odd:
            answer, _ = put(estate, path, laid(prepared(type_, least, way), way, value))
            if answer.status != 400:
                wrong.append((".".join(way), value, answer.status))
    assert wrong == []


def test_what_azure_says_may_be_said_again(estate: Azure) -> None:
    """Clients read a resource, change a word and send all of it."""
    wrong = []
    for _, path, least in ROWS:
        _, told = put(estate, path, own(estate, least))
        answer, _ = put(estate, path, told)
        if answer.status >= 300:
            wrong.append((path, answer.body))
    assert wrong == []
