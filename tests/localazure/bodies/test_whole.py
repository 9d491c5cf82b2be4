"""Nothing of a body is dropped in silence: each member that Azure's API has comes back, or is refused.

The members are Microsoft's (`data/members.json`, drawn from its specifications). What is written here by hand is how a
resource of each kind is made, what a member takes where its name says more than its type, and each member that does not
come back as it was sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from scripts import azure_members, plugin_inputs

from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.kinds import KINDS
from tests.localazure.control import (
    BODIES,
    CHAIN,
    COMPUTE,
    DEVELOPER,
    INSIGHTS,
    LOGS,
    RG,
    STORAGE,
    SUB,
    VAULT,
    WORKSPACE,
    Answer,
    Azure,
)  # fmt: skip

ML = "Microsoft.MachineLearningServices/workspaces"
IDENTITY = f"{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/someone"
REGISTRY = f"{RG}/providers/Microsoft.ContainerRegistry/registries/registry1"
INSTANCE = f"{WORKSPACE}/computes/instance1"
GUID = "11111111-2222-3333-4444-555555555555"
BLOB = "https://stacct1.blob.core.windows.net/some-container"
FILE = f"azureml:/{WORKSPACE}/datastores/workspaceblobstore/paths/a/b"
STORE = {"accountName": "stacct1", "containerName": "azureml", "credentials": {"credentialsType": "AccountKey"}}
DAYS = {"startDate": "2031-01-01T00:00:00Z", "endDate": "2032-01-01T00:00:00Z"}
NOTICE = {"operator": "GreaterThan", "threshold": 80, "contactEmails": ["a@example.com"]}
ROLE = {"roleName": "mine", "assignableScopes": [SUB], "permissions": [{"actions": ["*/read"]}]}
READER = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"

# Type -> a path of its own, and the least that makes it there; `` at the path of a kind that is told apart by a word.
MADE: dict[str, tuple[str, dict[str, Any]]] = {
    "Microsoft.Resources/resourceGroups": (f"{SUB}/resourceGroups/other", {"location": "westeurope"}),
    "Microsoft.Authorization/roleDefinitions": (
        f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{GUID}",
        {"properties": ROLE},
    ),
    "Microsoft.Authorization/roleAssignments": (
        f"{RG}/providers/Microsoft.Authorization/roleAssignments/{GUID}",
        {"properties": {"roleDefinitionId": READER, "principalId": DEVELOPER}},
    ),
    "Microsoft.Authorization/locks": (
        f"{STORAGE}/providers/Microsoft.Authorization/locks/lock1",
        {"properties": {"level": "CanNotDelete"}},
    ),
    "Microsoft.Consumption/budgets": (
        f"{RG}/providers/Microsoft.Consumption/budgets/budget1",
        {
            "properties": {
                "category": "Cost", "amount": 5, "timeGrain": "Monthly", "timePeriod": DAYS,
                "notifications": {"one": NOTICE},
            }
        },
    ),
    "Microsoft.Insights/diagnosticSettings": (
        f"{VAULT}/providers/Microsoft.Insights/diagnosticSettings/setting1",
        {"properties": {"workspaceId": LOGS, "logs": [{"category": "AuditEvent", "enabled": True}]}},
    ),
    "Microsoft.ManagedIdentity/userAssignedIdentities": (f"{IDENTITY}2", {"location": "westeurope"}),
    "Microsoft.Storage/storageAccounts": (f"{STORAGE}new", BODIES[STORAGE]),
    "Microsoft.Storage/storageAccounts/blobServices/containers": (
        f"{STORAGE}/blobServices/default/containers/container1",
        {"properties": {}},
    ),
    "Microsoft.KeyVault/vaults": (f"{VAULT}-new", BODIES[VAULT]),
    "Microsoft.OperationalInsights/workspaces": (f"{LOGS}-new", BODIES[LOGS]),
    "Microsoft.Insights/components": (f"{INSIGHTS}-new", BODIES[INSIGHTS]),
    "Microsoft.ContainerRegistry/registries": (
        f"{REGISTRY}new",
        {"location": "westeurope", "sku": {"name": "Premium"}},
    ),
    ML: (f"{WORKSPACE}-new", BODIES[WORKSPACE]),
    f"{ML}/datastores": (f"{WORKSPACE}/datastores/store1", {"properties": {"datastoreType": "AzureBlob", **STORE}}),
    f"{ML}/computes": (f"{WORKSPACE}/computes/other-one", BODIES[COMPUTE]),
    f"{ML}/codes": (f"{WORKSPACE}/codes/code1", {"properties": {}}),
    f"{ML}/codes/versions": (f"{WORKSPACE}/codes/code1/versions/1", {"properties": {"codeUri": f"{BLOB}/a"}}),
    f"{ML}/environments": (f"{WORKSPACE}/environments/env1", {"properties": {}}),
    f"{ML}/environments/versions": (
        f"{WORKSPACE}/environments/env1/versions/1",
        {"properties": {"image": "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04"}},
    ),
    f"{ML}/data": (f"{WORKSPACE}/data/data1", {"properties": {"dataType": "uri_file"}}),
    f"{ML}/data/versions": (
        f"{WORKSPACE}/data/data1/versions/1",
        {"properties": {"dataUri": FILE, "dataType": "uri_file"}},
    ),
    f"{ML}/models": (f"{WORKSPACE}/models/model1", {"properties": {}}),
    f"{ML}/models/versions": (f"{WORKSPACE}/models/model1/versions/1", {"properties": {"modelUri": FILE}}),
}  # fmt: skip
# Those whose bodies are of several kinds: the type, the constant's value -> the body.
OTHERS: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {
    (f"{ML}/computes", "ComputeInstance"): (
        INSTANCE,
        {"properties": {"computeType": "ComputeInstance", "properties": {"vmSize": "STANDARD_DS3_V2"}}},
    ),
    (f"{ML}/datastores", "AzureFile"): (
        f"{WORKSPACE}/datastores/store2",
        {
            "properties": {
                "datastoreType": "AzureFile", "accountName": "stacct1", "fileShareName": "share",
                "credentials": {"credentialsType": "AccountKey"},
            }
        },
    ),
    (f"{ML}/datastores", "AzureDataLakeGen2"): (
        f"{WORKSPACE}/datastores/store3",
        {
            "properties": {
                "datastoreType": "AzureDataLakeGen2", "accountName": "stacct1", "filesystem": "files",
                "credentials": {"credentialsType": "ServicePrincipal", "clientId": GUID, "tenantId": GUID},
            }
        },
    ),
    (f"{ML}/data/versions", "mltable"): (
        f"{WORKSPACE}/data/data2/versions/1",
        {"properties": {"dataUri": FILE, "dataType": "mltable"}},
    ),
    (f"{ML}/data/versions", "uri_folder"): (
        f"{WORKSPACE}/data/data3/versions/1",
        {"properties": {"dataUri": FILE, "dataType": "uri_folder"}},
    ),
}  # fmt: skip

# What a member takes, where its type alone does not say it: by its path, or by its name.
VALUES: dict[str, list[Any]] = {
    "location": ["westeurope"],
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
    "modelType": ["custom_model", "triton_model"],
    "userAssignedIdentities": [{IDENTITY: {}}],
}
# In some types the same name takes something else.
OWN_VALUES: dict[tuple[str, str], list[Any]] = {
    (ML, "kind"): ["Default", "Hub", "Project", "FeatureStore"],
    (ML, "sku.name"): ["Basic", "Enterprise"],
    ("Microsoft.Insights/components", "kind"): ["web"],
}
# A member that takes another one beside it.
BESIDE: dict[str, dict[str, Any]] = {
    "identity.userAssignedIdentities": {"identity": {"type": "UserAssigned"}},
    "properties.logs.0.categoryGroup": {"properties": {"logs": [{"enabled": True}]}},
    "properties.enableRbacAuthorization": {"properties": {"accessPolicies": []}},
    "sku.tier": {"sku": {"name": "Basic"}},
    "sku.capacity": {"sku": {"name": "Basic"}},
    "sku.family": {"sku": {"name": "Basic"}},
    "sku.size": {"sku": {"name": "Basic"}},
    "properties.metrics.0": {"properties": {"metrics": [{"category": "AllMetrics", "enabled": True}]}},
}
# What does not come back as it was sent. (type's last word, path, value or ... for any) -> how it is answered instead.
ANSWERED: dict[tuple[str, str, Any], Any] = {
    ("budgets", "eTag", ...): ...,  # the service's own
    ("datastores", "properties.credentials.secrets.key", ...): None,  # told by listSecrets alone
    ("datastores", "properties.credentials.secrets.clientSecret", ...): None,
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
    ("containers", "properties.publicAccess", "Container"): "PublicAccessNotPermitted",
    ("containers", "properties.publicAccess", "Blob"): "PublicAccessNotPermitted",
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
    ("registries", "sku.name", "Classic"): "InvalidRequestPropertyValue",
    ("environments/versions", "properties.build.contextUri", ...): "UserError",
    ("environments/versions", "properties.build.dockerfilePath", ...): "UserError",
    ("models/versions", "properties.datasets.0.id", ...): "UserError",
    ("models/versions", "properties.datasets.0.name", ...): "UserError",
}


class _Undone(Exception):
    """Everything that was written is taken back."""


def members() -> dict[str, dict[str, str]]:
    """What Azure's API has."""
    read: dict[str, dict[str, str]] = json.loads(azure_members.FILE.read_text("utf-8"))
    return read


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
    whole = ".".join(path)
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
    azure.make(*CHAIN)
    for path, body in (
        (IDENTITY, {"location": "westeurope"}),
        (REGISTRY, {"location": "westeurope", "sku": {"name": "Premium"}}),
    ):
        assert azure.arm("PUT", path, body).status in (200, 201)
    azure.blob("some-container", "a/file")
    blobs = azure.arm("GET", f"{WORKSPACE}/datastores/workspaceblobstore").body["properties"]["containerName"]
    azure.blob(blobs, "a/b")
    azure.wait()
    return azure


def own(azure: Azure, body: Any) -> Any:
    """A body in which the developer has its object id."""
    return json.loads(json.dumps(body).replace(DEVELOPER, azure.who(DEVELOPER).object_id))


ROWS = [(type_, *row) for type_, row in MADE.items()] + [(type_, *row) for (type_, _), row in OTHERS.items()]
_IDS = [f"{type_}-{path.rpartition('/')[2]}" for type_, path, _ in ROWS]


def test_the_file_is_what_the_installed_sdk_says() -> None:
    """If not: `python -m scripts.azure_members`."""
    assert azure_members.FILE.read_text("utf-8") == plugin_inputs.written(azure_members.drawn())


def test_every_kind_has_its_members_or_reads_them_itself() -> None:
    # `kinds.jobs.body` and `kinds.endpoints.body` read member by member.
    read = {f"{ML}/jobs", f"{ML}/onlineEndpoints", f"{ML}/onlineEndpoints/deployments"}
    assert {kind.type for kind in KINDS} - set(MADE) == read
    assert set(MADE) <= set(members())


@pytest.mark.parametrize(("type_", "path", "least"), ROWS, ids=_IDS)
def test_each_member_comes_back_or_is_refused(estate: Azure, type_: str, path: str, least: Any) -> None:
    least = own(estate, least)
    assert put(estate, path, least)[0].status in (200, 201, 202)
    wrong: list[Any] = []
    for where, takes in leaves(members(), type_, least):
        for value in own(estate, values(type_, where, takes)):
            answer, kept = put(estate, path, laid(prepared(type_, least, where), where, value))
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
        body = prepared(type_, least, where)
        refused = put(estate, path, laid(body, where, "no-such-thing"))[0]
        if refused.status != 400 or "no-such-thing" not in refused.message:
            wrong.append((".".join(where), "no-such-thing", refused))
        for value in takes[1:].split("|"):
            answer, usual = put(estate, path, laid(body, where, value))
            for other in (value.lower(), value.upper()):
                also, kept = put(estate, path, laid(body, where, other))
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
        answer, _ = put(estate, path, laid(prepared(type_, least, where), where, odd.get(takes, {"a": 1})))
        if not 400 <= answer.status < 500:
            wrong.append((".".join(where), answer.status))
        if len(where) > 1 and not where[-1].isdecimal():
            answer, _ = put(estate, path, laid(prepared(type_, least, where), (*where[:-1], "unheardOf"), "x"))
            if answer.status != 400:
                wrong.append((*where[:-1], "unheardOf", answer.status))
    answer, _ = put(estate, path, {**least, "unheardOf": "x"})
    assert (answer.status, answer.code) == (400, "InvalidRequestContent")
    assert "'unheardOf'" in answer.message
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
