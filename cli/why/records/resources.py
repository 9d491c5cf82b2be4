"""Resource Manager refuses to make, change or delete something."""

from __future__ import annotations

from azmlflow.cli.why.questions import things
from azmlflow.cli.why.questions.doctors import of_check
from azmlflow.cli.why.record import Record

_TROUBLE = "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting"
_ML = "https://learn.microsoft.com/azure/machine-learning"
_VAULT = "https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview"

RECORDS = (
    Record(
        "A soft-deleted workspace holds the name",
        r"Soft-deleted workspace exists|aka\.ms/wsoftdelete",
        "A workspace of this name was deleted less than 14 days ago: until then its name is taken.",
        "azmlflow set onSoftDeleted recover, then azmlflow up    (or purge, or rename)",
        f"{_ML}/concept-soft-delete",
        "(BadRequest) Soft-deleted workspace exists. Please purge or recover it. https://aka.ms/wsoftdelete",
        of_check("soft-deleted"),
        "azure-mgmt-resource",
    ),
    Record(
        "A soft-deleted key vault holds the name",
        r"A vault with the same name already exists in deleted state",
        "A key vault of this name was deleted, and is kept for 7 to 90 days; its name is taken meanwhile.",
        "azmlflow set onSoftDeleted recover, then azmlflow up    (or purge, or rename)",
        _VAULT,
        "(ConflictError) A vault with the same name already exists in deleted state. You need to either recover or "
        "purge existing key vault 'kv-one'.",
        of_check("soft-deleted"),
        "azure-mgmt-resource",
    ),
    Record(
        "A key vault is protected from purge",
        r"DeletedVaultPurge",
        "Purge protection keeps a deleted vault, and its name, to the end of its days; nobody can end that.",
        "azmlflow set onSoftDeleted recover, then azmlflow up    (or rename)",
        _VAULT,
        '(MethodNotAllowed) Operation "DeletedVaultPurge" is not allowed.',
        of_check("soft-deleted"),
        "azure-mgmt-resource",
    ),
    Record(
        "A name is taken",
        r"VaultAlreadyExists|StorageAccountAlreadyTaken|StorageAccountInAnotherResourceGroup|"
        r"The storage account named (?P<account>\w+) is already taken",
        "Names of storage accounts and key vaults are unique in all of Azure, and another has this one.",
        "azmlflow set salt 2, then azmlflow up    (other names)",
        f"{_TROUBLE}/error-storage-account-name",
        "(StorageAccountAlreadyTaken) The storage account named taken is already taken.",
        of_check("names"),
        "azure-mgmt-resource",
    ),
    Record(
        "A resource provider is not registered",
        r"(?:not registered to use namespace '(?P<namespace>[\w.]+)')|MissingSubscriptionRegistration",
        "The subscription does not use the resource provider yet.",
        "az provider register --namespace {namespace} --wait    (or: azmlflow doctor --fix)",
        f"{_TROUBLE}/error-register-resource-provider",
        "(MissingSubscriptionRegistration) The subscription is not registered to use namespace "
        "'Microsoft.MachineLearningServices'.",
        of_check("providers"),
        "azure-mgmt-resource",
    ),
    Record(
        "A policy forbids it",
        r"RequestDisallowedByPolicy|was disallowed by policy",
        "A policy of the organisation forbids the resource as it is; the error names the policy.",
        "set what the policy asks for, or ask its owner for an exemption: az policy assignment list",
        f"{_TROUBLE}/error-policy-requestdisallowedbypolicy",
        "(RequestDisallowedByPolicy) Resource 'st' was disallowed by policy. Policy identifiers: '[...]'.",
    ),
    Record(
        "A lock stands in the way",
        r"ScopeLocked|following scope\(s\) are locked: '(?P<scope>[^',]+)",
        "A lock keeps what is at or above the resource from being changed or deleted.",
        "az lock list --resource-group GROUP    (azmlflow down takes the stack's own locks away by itself)",
        "https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources",
        "(ScopeLocked) The scope '/subscriptions/s' cannot perform delete operation because following scope(s) are "
        "locked: '/subscriptions/s'. Please remove the lock and try again.",
        of_check("locks"),
        "azure-mgmt-resource",
    ),
    Record(
        "Another operation is under way",
        r"AnotherOperationInProgress|Another operation on this or dependent resource is in progress",
        "Azure is still busy with an earlier change of the same resource.",
        "wait a minute, then type the command again",
        f"{_TROUBLE}/common-deployment-errors",
        "(AnotherOperationInProgress) Another operation on this or dependent resource is in progress.",
        seen="azure-mgmt-resource",
    ),
    Record(
        "The resource group is gone",
        r"ResourceGroupNotFound|Resource group '(?P<group>[\w.()-]+)' could not be found",
        "The resource group was deleted, or the stack, or a config.json, names another one.",
        "azmlflow up    (makes again what was deleted elsewhere)",
        f"{_TROUBLE}/error-not-found",
        "(ResourceGroupNotFound) Resource group 'rg-nope' could not be found.",
        of_check("standing"),
        "azure-mgmt-resource, azure-ai-ml",
    ),
    Record(
        "A resource is not there",
        r"The Resource '(?P<resource>[\w./-]+)' under resource group '(?P<group>[\w.()-]+)' was not found|"
        r"Workspace not found\.",
        "There is no such resource: a name is misspelt, it was deleted, or it is in another workspace.",
        "azmlflow status    (is it the workspace that you mean?)",
        f"{_TROUBLE}/error-not-found",
        "(ResourceNotFound) The Resource 'Microsoft.MachineLearningServices/workspaces/nope' under resource group "
        "'rg-mlflow-local' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
        things.resource,
        "azure-mgmt-resource, azure-ai-ml, azureml-core",
    ),
    Record(
        "The region does not offer it",
        r"LocationNotAvailableFor(?:ResourceType|ResourceGroup)|location is not available for resource type",
        "The region is not known, or does not offer this type of resource.",
        "azmlflow set location westeurope    (before the first `up`: a stack that stands stays where it is)",
        f"{_TROUBLE}/error-sku-not-available",
        "(LocationNotAvailableForResourceType) The provided location 'nowhere' is not available for resource type "
        "'Microsoft.Storage/storageAccounts'.",
        of_check("region"),
        "azure-mgmt-resource",
    ),
    Record(
        "The api-version is not known",
        r"NoRegisteredProviderFound|InvalidApiVersionParameter|No registered resource provider found for location",
        "The program, or a template, asks by an api-version that Azure does not have for this type.",
        "take one of those that the error lists; of a client, install its newest version",
        f"{_TROUBLE}/error-invalid-template",
        "(NoRegisteredProviderFound) No registered resource provider found for location 'westeurope' and API version "
        "'2001-01-01' for type 'storageAccounts'.",
        seen="azure-mgmt-resource",
    ),
    Record(
        "A managed network is not undone",
        r"Managed network isolation(?: mode)? cannot be (?:changed|disabled)",
        "A managed network never goes back: not to none, and not from approved traffic to all of it.",
        "azmlflow down, then azmlflow up    (a new workspace: its runs and models are lost)",
        f"{_ML}/how-to-managed-network",
        "(BadRequest) Managed network isolation cannot be disabled once it is enabled.",
        seen="azure-mgmt-resource",
    ),
    Record(
        "A budget's beginning is not changed",
        r"Start date of budgets cannot be updated",
        "A budget keeps its start date.",
        "delete the budget, then azmlflow up",
        "https://learn.microsoft.com/azure/cost-management-billing/costs/tutorial-acm-create-budgets",
        "(400) Start date of budgets cannot be updated. Please delete and create a new budget.",
        seen="azure-mgmt-resource",
    ),
    Record(
        "A vault for keys needs purge protection",
        r"CMK workspaces should have purge protection enabled",
        "A workspace that is encrypted by your own key wants that key's vault under purge protection.",
        "az keyvault update --name VAULT --enable-purge-protection true",
        f"{_ML}/concept-customer-managed-keys",
        "CMK workspaces should have purge protection enabled on their CMK keyvault.",
    ),
    Record(
        "It is there already, and is not the stack's",
        r"cannot create already existing resource '(?P<id>[^']+)'",
        "Somebody else made it, or `azmlflow deploy` (an endpoint): Pulumi changes and removes only what it made.",
        "declare another name; or, if nobody needs what is there: az resource delete --ids {id}",
        "https://www.pulumi.com/docs/iac/guides/migration/import/",
        "error: cannot create already existing resource '/subscriptions/10ca/resourceGroups/rg/providers/"
        "Microsoft.MachineLearningServices/workspaces/mlw/onlineEndpoints/risk'",
    ),
)
