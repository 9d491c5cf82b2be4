"""Renew localazure/data/members.json: what the bodies of Azure's resources have, as its API says.

Run it as `python -m scripts.azure_members`. Drawn from the classes of the installed pulumi_azure_native, which are made
from Microsoft's specifications of the API. An object a key: a resource by its type, what is inside of one by module and
class. A member a key below it, and what it takes:

    string, boolean, integer, number, map     a plain value; `map` has names of people's own, `any` is not described
    <an object's name>                        an object; several are parted by `|`, told apart by their constants
    =A|B                                      one of these texts
    'A'                                       this text alone: a constant
    [...]                                     a list of one of these
    told                                      Azure says it, a request cannot
    ...!                                      whoever says the object says this; inside of a body's objects alone
"""

from __future__ import annotations

import collections.abc
import enum
import importlib
import inspect
import re
import sys
import typing
from pathlib import Path

from pulumi import _types
from scripts.plugin_inputs import Objects, alternatives, written

FILE = Path(__file__).parent.parent / "localazure" / "data" / "members.json"
# The type of a resource -> its class, and its inputs that lie elsewhere in the body, or are no members of it.
RESOURCES: dict[str, tuple[str, dict[str, str]]] = {
    "Microsoft.Resources/resourceGroups": ("resources:ResourceGroup", {}),
    "Microsoft.Authorization/roleDefinitions": ("authorization:RoleDefinition", {"roleType": "type"}),
    "Microsoft.Authorization/roleAssignments": ("authorization:RoleAssignment", {}),
    "Microsoft.Authorization/locks": ("authorization:ManagementLockByScope", {}),
    "Microsoft.Consumption/budgets": ("consumption:Budget", {}),
    "Microsoft.Insights/diagnosticSettings": ("monitor:DiagnosticSetting", {}),
    "Microsoft.ManagedIdentity/userAssignedIdentities": ("managedidentity:UserAssignedIdentity", {}),
    "Microsoft.Storage/storageAccounts": (
        "storage:StorageAccount",
        {
            "enableHttpsTrafficOnly": "supportsHttpsTrafficOnly", "enableNfsV3": "isNfsV3Enabled",
            "networkRuleSet": "networkAcls",
        },
    ),
    "Microsoft.Storage/storageAccounts/blobServices": ("storage:BlobServiceProperties", {}),
    "Microsoft.Storage/storageAccounts/fileServices": ("storage:FileServiceProperties", {}),
    "Microsoft.Storage/storageAccounts/fileServices/shares": ("storage:FileShare", {}),
    "Microsoft.Storage/storageAccounts/blobServices/containers": ("storage:BlobContainer", {}),
    "Microsoft.KeyVault/vaults": ("keyvault:Vault", {}),
    "Microsoft.KeyVault/vaults/keys": ("keyvault:Key", {"releasePolicy": "release_policy"}),
    "Microsoft.OperationalInsights/workspaces": ("operationalinsights:Workspace", {"sku": "properties.sku"}),
    "Microsoft.Insights/components": (
        "applicationinsights:Component",
        {
            "applicationType": "Application_Type", "flowType": "Flow_Type", "requestSource": "Request_Source",
            "immediatePurgeDataOn30Days": "ImmediatePurgeDataOn30Days", "disableIpMasking": "DisableIpMasking",
            "disableLocalAuth": "DisableLocalAuth", "hockeyAppId": "HockeyAppId", "ingestionMode": "IngestionMode",
            "retentionInDays": "RetentionInDays", "samplingPercentage": "SamplingPercentage",
            "workspaceResourceId": "WorkspaceResourceId",
            "forceCustomerStorageForProfiler": "ForceCustomerStorageForProfiler",
        },
    ),
    "Microsoft.ContainerRegistry/registries": ("containerregistry:Registry", {}),
    "Microsoft.ContainerRegistry/registries/replications": ("containerregistry:Replication", {}),
    "Microsoft.Network/virtualNetworks": ("network:VirtualNetwork", {}),
    "Microsoft.Network/virtualNetworks/subnets": ("network:Subnet", {}),
    "Microsoft.Network/networkSecurityGroups": ("network:NetworkSecurityGroup", {}),
    "Microsoft.Network/privateEndpoints": ("network:PrivateEndpoint", {}),
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": ("network:PrivateDnsZoneGroup", {}),
    "Microsoft.Network/privateDnsZones": ("privatedns:PrivateZone", {}),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": ("privatedns:VirtualNetworkLink", {}),
    "Microsoft.Network/privateDnsZones/A": ("privatedns:PrivateRecordSet", {}),
    "Microsoft.MachineLearningServices/workspaces": ("machinelearningservices:Workspace", {}),
    "Microsoft.MachineLearningServices/workspaces/datastores": ("machinelearningservices:Datastore", {}),
    "Microsoft.MachineLearningServices/workspaces/computes": ("machinelearningservices:Compute", {}),
    "Microsoft.MachineLearningServices/workspaces/outboundRules": (
        "machinelearningservices:ManagedNetworkSettingsRule",
        {},
    ),
    "Microsoft.MachineLearningServices/workspaces/codes": ("machinelearningservices:CodeContainer", {}),
    "Microsoft.MachineLearningServices/workspaces/codes/versions": ("machinelearningservices:CodeVersion", {}),
    "Microsoft.MachineLearningServices/workspaces/environments": ("machinelearningservices:EnvironmentContainer", {}),
    "Microsoft.MachineLearningServices/workspaces/environments/versions": (
        "machinelearningservices:EnvironmentVersion",
        {},
    ),
    "Microsoft.MachineLearningServices/workspaces/data": ("machinelearningservices:DataContainer", {}),
    "Microsoft.MachineLearningServices/workspaces/data/versions": ("machinelearningservices:DataVersion", {}),
    "Microsoft.MachineLearningServices/workspaces/models": ("machinelearningservices:ModelContainer", {}),
    "Microsoft.MachineLearningServices/workspaces/models/versions": ("machinelearningservices:ModelVersion", {}),
}  # fmt: skip
# Members inside of a resource that the SDK calls otherwise than the API.
_RENAMED = {
    "storage:IPRule": {"iPAddressOrRange": "value"},
    "storage:VirtualNetworkRule": {"virtualNetworkResourceId": "id"},
    "storage:Encryption": {"encryptionIdentity": "identity", "keyVaultProperties": "keyvaultproperties"},
    "storage:EncryptionIdentity": {
        "encryptionFederatedIdentityClientId": "federatedIdentityClientId",
        "encryptionUserAssignedIdentity": "userAssignedIdentity",
    },
    "storage:KeyVaultProperties": {"keyName": "keyname", "keyVaultUri": "keyvaulturi", "keyVersion": "keyversion"},
    "containerregistry:IPRule": {"iPAddressOrRange": "value"},
    "keyvault:KeyAttributes": {"expires": "exp", "notBefore": "nbf"},
    "keyvault:KeyProperties": {"releasePolicy": "release_policy"},
}
# Objects of which the SDK leaves out a level that the API has, or which may have further members by the API.
# The network's are other resources, which are named by their ids alone.
_NOT_DESCRIBED = (
    "machinelearningservices:SharedPrivateLinkResource", "operationalinsights:WorkspaceFeatures",
    *(
        f"network:{each}"
        for each in (
            "ApplicationGatewayIPConfiguration", "ApplicationSecurityGroup", "IpamPoolPrefixAllocation",
            "NetworkSecurityGroup", "PrivateEndpointIPConfiguration", "RouteTable", "ServiceEndpointPolicy",
            "VirtualNetworkPeering",
        )
    ),
)  # fmt: skip
# Objects whose members the API has inside of `properties`, which the SDK leaves out: resources within resources.
_WRAPPED = tuple(
    f"network:{each}"
    for each in (
        "Delegation", "PrivateDnsZoneConfig", "PrivateLinkServiceConnection", "SecurityRule", "Subnet",
    )
)  # fmt: skip
_OUTSIDE = ("id", "name", "type", "etag", "location", "tags", "kind")
# Members that the API has and the SDK's version of it has not (Microsoft, REST), or that the service spells otherwise.
_MORE = {
    "storage:NetworkRuleSet": {"ipv6Rules": "[storage:IPRule]"},
    "storage:AzureFilesIdentityBasedAuthentication": {"smbOAuthSettings": "any"},
    # Of 2023-08-01-preview; azure-ai-ml sends them in each version.
    "machinelearningservices:ComputeInstanceProperties": dict.fromkeys(
        ("enableOSPatching", "enableRootAccess", "releaseQuotaOnStop"), "boolean"
    ),
    "machinelearningservices:Sku": {"tier": "=Free|Basic|Standard|Premium|Enterprise"},
    "containerregistry:IdentityProperties": {"principalId": "told", "tenantId": "told"},
    "Microsoft.Authorization/roleAssignments.properties": {"scope": "told"},
    "Microsoft.ManagedIdentity/userAssignedIdentities.properties": {"isolationScope": "=None|Regional"},
    "Microsoft.Insights/components.properties": {"Name": "told", "Ver": "told"},
    "Microsoft.OperationalInsights/workspaces.properties": {"source": "told"},
    "Microsoft.Network/privateEndpoints.properties": {
        "subnet": "any",  # its id alone is read
        "customDnsConfigs": "told",
        "manualPrivateLinkServiceConnections": "any",
    },
    "network:PrivateLinkServiceConnection.properties": {"privateLinkServiceConnectionState": "told"},
    "network:Delegation.properties": {"actions": "told"},
    "network:ServiceEndpointPropertiesFormat": {"provisioningState": "told"},
    "Microsoft.OperationalInsights/workspaces": {"eTag": "told"},
    "Microsoft.MachineLearningServices/workspaces.properties": {
        "allowRecoverSoftDeletedWorkspace": "boolean",  # of the previews, and the next
        "networkAcls": "machinelearningservices:NetworkAcls",
        "systemDatastoresAuthMode": "=accessKey|identity|userDelegationSAS",
    },
    "Microsoft.ContainerRegistry/registries.properties": {
        "autoGeneratedDomainNameLabelScope": "string", "endpointProtocol": "string", "metadataSearch": "string",
        "networkRuleBypassAllowedForTasks": "boolean", "regionalEndpointHostNames": "told",
        "regionalEndpoints": "string", "roleAssignmentMode": "string", "writableCacheRepos": "string",
    },
}  # fmt: skip
# Objects that only previews have, which no SDK here draws.
_PREVIEWED: Objects = {
    "machinelearningservices:NetworkAcls": {"defaultAction": "=Allow|Deny", "ipRules": "[keyvault:IPRule]"},
}
# What the API asks for, and the embedded Azure does not. A datastore that is read and written back has no secrets.
# A vault that is recovered says neither (its kind asks for both where it is made).
_LENIENT = {"keyvault:VaultProperties": frozenset({"sku", "tenantId"})} | {
    f"machinelearningservices:{each}DatastoreCredentials": frozenset({"secrets"})
    for each in ("AccountKey", "Certificate", "Sas", "ServicePrincipal")
}
# Inputs that the SDK turns into something else: a list of ids is a map by ids, a parameter of the query no member.
_MAPS = ("userAssignedIdentities",)
_EVERY = dict.fromkeys(("id", "name", "type", "systemData"), "told")
# What stands beside `properties` in a body (Microsoft, "Resource Manager", common properties); a name in a path does
# not stand in one.
_BESIDE = ("location", "tags", "sku", "kind", "identity", "extendedLocation", "zones", "managedBy", "eTag", "etag")
_PLAIN: dict[typing.Any, str] = {str: "string", bool: "boolean", int: "integer", float: "number", typing.Any: "any"}
_CONSTANT = re.compile(r":param [^:]*?(\w+):((?:(?!:param).)*?)Expected value is '([^']+)'", re.DOTALL)


def drawn() -> Objects:
    """The objects of all types that the embedded Azure serves."""
    objects: Objects = dict(_PREVIEWED)
    for type_, (token, renamed) in RESOURCES.items():
        module, name = token.split(":")
        resource = getattr(importlib.import_module(f"pulumi_azure_native.{module}"), name)
        sdk = sys.modules[resource.__module__]
        inputs = getattr(sdk, f"{name}InitArgs", None) or getattr(sdk, f"{name}Args")
        takes, told = _takes(inputs, objects), _types.resource_types(resource)
        names = _in_path(type_)
        flat = "properties" not in takes
        own: dict[str, str] = {}
        inside: dict[str, str] = {}
        for member, what in takes.items():
            if member in names:
                continue
            where = renamed.get(member, member)
            if where.startswith("properties."):
                inside[where.removeprefix("properties.")] = what
            elif member in _BESIDE or not flat:
                own[where] = what
            else:
                inside[where] = what
        # Of some the SDK answers flat what it takes in `properties`.
        answered = inside if flat else own if "properties" in told else objects[takes["properties"]]
        for member in told.keys() - takes.keys() - {"azureApiVersion"}:
            beside = member in (*_BESIDE, "name", "type", "systemData")
            (own if beside else answered).setdefault(renamed.get(member, member), "told")
        if flat:
            inside = {"provisioningState": "told", **inside} | _MORE.get(f"{type_}.properties", {})
            objects[f"{type_}.properties"] = dict(sorted(inside.items()))
            own["properties"] = f"{type_}.properties"
        objects[type_] = dict(sorted({**_EVERY, **own, **_MORE.get(type_, {})}.items()))
    return {name: dict(sorted(found.items())) for name, found in sorted(objects.items())}


def _in_path(type_: str) -> frozenset[str]:
    """Inputs that are parts of the resource's path, or of its query."""
    names = {
        "resourceGroupName", "scope", "name", "version", "roleAssignmentName", "lockName", "budgetName",
        "resourceName", "resourceUri", "registryName", "computeName", "containerName", "id", "workspaceName",
        "accountName", "vaultName", "keyName", "skipValidation", "ruleName", "virtualNetworkName", "subnetName",
        "networkSecurityGroupName", "privateEndpointName", "privateDnsZoneGroupName", "privateZoneName",
        "virtualNetworkLinkName", "recordType", "relativeRecordSetName", "blobServicesName", "fileServicesName",
        "replicationName", "shareName", "expand",
    }  # fmt: skip
    return frozenset(names | ({"roleDefinitionId"} if type_.endswith("/roleDefinitions") else set()))


def _must(sdk: type) -> frozenset[str]:
    """The members of an object that have to be said: those that its class has no default for."""
    parameters = inspect.signature(sdk).parameters
    names = _types.input_type_py_to_pulumi_names(sdk)
    return frozenset(
        pulumi for python, pulumi in names.items() if parameters[python].default is inspect.Parameter.empty
    )


def _takes(sdk: type, objects: Objects) -> dict[str, str]:
    names = _types.input_type_py_to_pulumi_names(sdk)
    types = _types.input_type_types(sdk)
    constants = {name: value for name, _, value in _CONSTANT.findall(inspect.getdoc(vars(sdk)["__init__"]) or "")}
    return {pulumi: _member(pulumi, types[pulumi], constants.get(python), objects) for python, pulumi in names.items()}


def _member(name: str, annotation: typing.Any, constant: str | None, objects: Objects) -> str:
    if constant is not None:
        return f"'{constant}'"
    return "map" if name in _MAPS else _taken(annotation, objects)


def _object(sdk: type, objects: Objects) -> str:
    name = f"{sdk.__module__.split('.')[1]}:{sdk.__name__.removesuffix('Args')}"
    if name in _NOT_DESCRIBED:
        return "any"
    if name not in objects:
        objects[name] = {}
        takes = _takes(sdk, objects)
        outputs = importlib.import_module(sdk.__module__.rpartition(".")[0] + ".outputs")
        response = getattr(outputs, f"{sdk.__name__.removesuffix('Args')}Response", None)
        told = _types.output_type_types(response).keys() if response is not None else ()
        renamed, must = _RENAMED.get(name, {}), _must(sdk) - _LENIENT.get(name, frozenset())
        said = {each: f"{what}!" if each in must else what for each, what in takes.items()}
        members = {renamed.get(each, each): what for each, what in {**dict.fromkeys(told, "told"), **said}.items()}
        if name in _WRAPPED:
            inner = {each: what for each, what in members.items() if each not in _OUTSIDE}
            inner = {**inner, "provisioningState": "told"} | _MORE.get(f"{name}.properties", {})
            objects[f"{name}.properties"] = dict(sorted(inner.items()))
            outer = {each: "string" if each == "name" else "told" for each in members if each in _OUTSIDE}
            members = {**outer, "properties": f"{name}.properties"}
        objects[name] = dict(sorted({**members, **_MORE.get(name, {})}.items()))
    return name


def _taken(annotation: typing.Any, objects: Objects) -> str:
    """What an input of an annotation takes."""
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Union:
        return _one_of(arguments, objects)
    if origin in (collections.abc.Sequence, collections.abc.Mapping):
        return "map" if origin is collections.abc.Mapping else f"[{_taken(arguments[0], objects)}]"
    if issubclass(annotation, enum.Enum):
        return "=" + "|".join(str(each.value) for each in annotation)
    return _object(annotation, objects)


def _one_of(annotations: tuple[typing.Any, ...], objects: Objects) -> str:
    """What an input of one of several annotations takes."""
    found = dict.fromkeys(_taken(each, objects) for each in alternatives(annotations))
    listed = [each for each in found if each.startswith("=")]
    if listed:
        return listed[0]
    return next(iter(found)) if len(found) == 1 else "|".join(found)


if __name__ == "__main__":
    FILE.write_text(written(drawn()), encoding="utf-8")
