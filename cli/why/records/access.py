"""Azure refused a principal: roles, assignments, role definitions."""

from __future__ import annotations

from azmlflow.cli.why.questions import access
from azmlflow.cli.why.record import Record

_RBAC = "https://learn.microsoft.com/azure/role-based-access-control"
_TROUBLE = f"{_RBAC}/troubleshooting"
_WHO = r"The client '(?P<client>[^']+)' with object id '(?P<id>[0-9a-f-]{36})'"

RECORDS = (
    Record(
        "A linked resource is refused",
        _WHO + r" has permission to perform action '[^']+' on (?:the )?scope '[^']+'; however, it does not have "
        r"permission to perform action\(s\) '(?P<action>[^',]+)[^']*' on the linked scope\(s\) '(?P<scope>[^',]+)",
        "{client} may change the resource, but not use another one that it names: that takes {action} there.",
        'azmlflow access --explain "{client}" change_workspace',
        _TROUBLE,
        "(LinkedAuthorizationFailed) The client 'carol@local.test' with object id "
        "'00000000-0000-4000-8000-0000000000c1' has permission to perform action "
        "'Microsoft.MachineLearningServices/workspaces/write' on scope '/subscriptions/s/resourceGroups/rg'; however, "
        "it does not have permission to perform action(s) 'Microsoft.Storage/storageAccounts/listKeys/action' on the "
        "linked scope(s) '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/st' "
        "(respectively) or the linked scope(s) are invalid.",
        access.of_action,
        "azure-mgmt-resource",
    ),
    Record(
        "Azure refuses an action",
        _WHO + r" does not have authorization to perform action '(?P<action>[^']+)' over scope '(?P<scope>[^']+)'",
        "{client} has no role that allows {action} there.",
        'azmlflow access    (then: azmlflow access --explain "{client}" OPERATION)',
        _TROUBLE,
        "RestException: PERMISSION_DENIED: The client 'bob@local.test' with object id "
        "'00000000-0000-4000-8000-0000000000b1' does not have authorization to perform action "
        "'Microsoft.MachineLearningServices/workspaces/experiments/runs/write' over scope "
        "'/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/mlw' or the scope "
        "is invalid. If access was recently granted, please refresh your credentials.",
        access.of_action,
        "azure-mgmt-resource, azureml-mlflow, azure-ai-ml",
    ),
    Record(
        "The role assignment is there already",
        r"RoleAssignmentExists|The role assignment already exists",
        "The same principal has the same role at the same place already, under another name.",
        "azmlflow access --drift",
        _TROUBLE,
        "(RoleAssignmentExists) The role assignment already exists.",
        seen="azure-mgmt-authorization",
    ),
    Record(
        "The principal is not known",
        r"PrincipalNotFound|Principal (?P<id>\S+) does not exist in the directory",
        "The directory has no such principal (yet): a new one takes minutes, and of an application its service "
        "principal's object id is meant, not the application's.",
        "azmlflow grant --help    (by name or application id: azmlflow looks the right id up)",
        _TROUBLE,
        "(PrincipalNotFound) Principal 00000000000040008000000000000099 does not exist in the directory t1.",
        seen="azure-mgmt-authorization",
    ),
    Record(
        "A role is still assigned",
        r"RoleDefinitionHasAssignments|There are existing role assignments referencing role",
        "A role that somebody holds cannot be deleted.",
        "azmlflow access --drift    (then revoke it from those who hold it)",
        _TROUBLE,
        "(RoleDefinitionHasAssignments) There are existing role assignments referencing role (code: "
        "RoleDefinitionHasAssignments).",
        seen="azure-mgmt-authorization",
    ),
    Record(
        "An action of a role is not valid",
        r"Invalid(?:Data)?ActionOrNot(?:Data)?Action",
        "A custom role names an action that Azure does not have, or one with more than one wildcard.",
        "azmlflow roles tracker -o json    (a role that Azure takes)",
        f"{_RBAC}/custom-roles",
        "(InvalidActionOrNotAction) 'Microsoft.MachineLearningServices/workspaces/models/*/*' does not match any of "
        "the actions supported by the providers.",
        seen="azure-mgmt-authorization",
    ),
    Record(
        "No room for another role assignment",
        r"RoleAssignmentLimitExceeded|No more role assignments can be created",
        "The subscription has its 4000 role assignments.",
        "azmlflow access --drift    (orphaned assignments can go; then grant to groups, not to people)",
        f"{_RBAC}/troubleshoot-limits",
        "(RoleAssignmentLimitExceeded) No more role assignments can be created.",
    ),
    Record(
        "The directory may not be read",
        r"Authorization_RequestDenied|Insufficient privileges to complete the operation",
        "You may not read the directory, in which names are looked up.",
        "azmlflow grant --help    (--type and an object id: the directory is not asked then)",
        "https://learn.microsoft.com/graph/errors",
        "Authorization_RequestDenied: Insufficient privileges to complete the operation.",
    ),
    Record(
        "The key vault refuses",
        r"ForbiddenByRbac|does not have secrets (?:get|list|set) permission on key vault|ForbiddenByPolicy",
        "The caller has no role, or no access policy, on the key vault itself; a role on the workspace gives none.",
        'az role assignment create --assignee PRINCIPAL --role "Key Vault Secrets User" --scope VAULT_ID',
        "https://learn.microsoft.com/azure/key-vault/general/rbac-guide",
        "(Forbidden) Caller is not authorized to perform action on resource. Inner error: ForbiddenByRbac",
    ),
)
