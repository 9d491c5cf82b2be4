"""Microsoft.Authorization/roleAssignments.

Source: Microsoft, "Role Assignments" (REST 2022-04-01) and "Troubleshoot Azure RBAC". A name is a GUID, unique in the
tenant; one principal has one assignment of a role at a scope. An assignment is in force only after it has propagated.
"""

from __future__ import annotations

import functools
from datetime import timedelta

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core import odata
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.collections import ASSIGNMENTS, PROPAGATION
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID, TENANT_ID
from azmlflow.localazure.core.errors import AzureError, bad_request, conflict
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.foundation.role_definitions import GUID, definition, does_not_exist, is_assignable
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.kind import EXTENSION, Documents, Kind, Lifecycle, NameRule
from azmlflow.localazure.resources.paths import Target
from azmlflow.localazure.resources.verbs import Deletion, Verbs
from azmlflow.rbac import scopes
from azmlflow.rbac.roles import built_in_role

TYPE = "Microsoft.Authorization/roleAssignments"
_FILTERS = ("atscope()", "assignedto()", "principalid")
_LIMIT = 4000


def _find(cloud: Cloud, target: Target) -> Document | None:
    found = cloud.store.get(ASSIGNMENTS, target.name.lower())
    if found is None or scopes.key(found["properties"]["scope"]) != scopes.key(target.scope or scopes.ROOT):
        return None
    return found


def _missing(target: Target) -> AzureError:
    """404 in Azure's words (https://github.com/openshift/installer/issues/4829)."""
    return AzureError(404, "RoleAssignmentNotFound", f"The role assignment '{target.name}' is not found.")


def _check(ask: Ask, _existing: Document | None) -> None:
    given = ask.properties
    for name in ("principalId", "roleDefinitionId"):
        if not isinstance(given.get(name), str):
            raise bad_request(
                "InvalidRequestContent", f"The property '{name}' is required.", target=f"properties.{name}"
            )
    scope = find.scope(ask.cloud, ask.target)
    _check_name(ask, scope)
    _check_role(ask, scope)
    principal = _check_principal(ask)
    wanted = (principal.lower(), _guid(given["roleDefinitionId"]), scopes.key(scope))
    others = ask.cloud.store.kept(ASSIGNMENTS)
    for key, other in others:
        if key != ask.target.name.lower() and _triple(other) == wanted:
            raise conflict(
                "RoleAssignmentExists",
                "The role assignment already exists. The ID of the existing role assignment is "
                f"{key.replace('-', '')}.",
            )
    if len(others) >= _LIMIT:
        raise bad_request(
            "RoleAssignmentLimitExceeded",
            f"The role assignment limit for the subscription has been reached ({_LIMIT}). Remove some and try again.",
        )


def _check_name(ask: Ask, scope: str) -> None:
    """The name may be in use only by this very assignment: Azure updates nothing but description and condition."""
    other = ask.cloud.store.get(ASSIGNMENTS, ask.target.name.lower())
    if other is None:
        return
    properties = other["properties"]
    same_principal = properties["principalId"].lower() == ask.properties["principalId"].lower()
    if not same_principal or scopes.key(properties["scope"]) != scopes.key(scope):
        raise bad_request(
            "RoleAssignmentUpdateNotPermitted",
            "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
        )


def _check_role(ask: Ask, scope: str) -> None:
    role_id = ask.properties["roleDefinitionId"]
    role = definition(ask.cloud, _guid(role_id))
    if role is None:
        raise does_not_exist(_guid(role_id))
    if not is_assignable(role, scope):
        raise bad_request(
            "RoleAssignmentScopeNotAssignableToRoleDefinition",
            f"The role assignment scope '{scope}' is not assignable to role definition "
            f"'{role['properties']['roleName']}'.",
        )


def _check_principal(ask: Ask) -> str:
    principal_id = str(ask.properties["principalId"])
    principal = ask.cloud.directory.get(principal_id)
    if principal is None:
        raise bad_request(
            "PrincipalNotFound",
            f"Principal {principal_id.replace('-', '')} does not exist in the directory {TENANT_ID}. Check that you "
            "have the correct principal ID. If you are creating this principal and then immediately assigning a role, "
            "this error might be related to a replication delay. In this case, set the role assignment principalType "
            "property to a value, such as ServicePrincipal, User, or Group. See "
            "https://aka.ms/docs-principaltype",
        )
    kind = ask.properties.get("principalType")
    if kind and str(kind).lower() != principal.kind.lower():
        raise bad_request(
            "UnmatchedPrincipalType",
            f"The PrincipalId '{principal_id.replace('-', '')}' has type '{principal.kind}', which is different from "
            f"specified PrincipalType '{kind}'.",
        )
    return principal.object_id


def _shape(ask: Ask, existing: Document | None) -> Document:
    given = ask.properties
    principal = ask.cloud.directory.get(given["principalId"])
    before = (existing or {}).get("properties", {})
    now, who = timestamp(ask.cloud.clock.now()), ask.caller.principal.object_id
    properties: Document = {
        "roleDefinitionId": _full_role_id(ask, _guid(given["roleDefinitionId"])),
        "principalId": given["principalId"].lower(),
        "principalType": principal.kind if principal else given.get("principalType"),
        "scope": before.get("scope") or find.scope(ask.cloud, ask.target),
        "condition": given.get("condition"),
        "conditionVersion": given.get("conditionVersion"),
        "createdOn": before.get("createdOn") or now,
        "updatedOn": before.get("updatedOn") or now,
        "createdBy": before.get("createdBy") or who,
        "updatedBy": before.get("updatedBy") or who,
        "delegatedManagedIdentityResourceId": given.get("delegatedManagedIdentityResourceId"),
        "description": given.get("description"),
    }
    return {"properties": properties}


def _full_role_id(ask: Ask, guid: str) -> str:
    """In Azure's own spelling, however the request wrote the subscription: az compares role ids letter by letter."""
    prefix = scopes.subscription_id(SUBSCRIPTION_ID) if ask.target.subscription else ""
    return f"{prefix}/providers/Microsoft.Authorization/roleDefinitions/{guid}"


def _touch(ask: Ask, document: Document) -> None:
    properties = document["properties"]
    properties["updatedOn"] = timestamp(ask.cloud.clock.now())
    properties["updatedBy"] = ask.caller.principal.object_id


def _propagate(ask: Ask, document: Document) -> None:
    delay = ask.cloud.operations.latency.rbac_propagation
    if delay:
        due = ask.cloud.clock.now() + timedelta(seconds=delay)
        ask.cloud.store.put(PROPAGATION, document["name"].lower(), {"from": due.isoformat()})


def _gone(cloud: Cloud, document: Document) -> None:
    cloud.store.delete(PROPAGATION, document["name"].lower())


def _remove_within(cloud: Cloud, scope: str) -> None:
    for key, assignment in list(cloud.store.scan(ASSIGNMENTS)):
        if scopes.contains(scope, assignment["properties"]["scope"]):
            cloud.store.delete(ASSIGNMENTS, key)
            cloud.store.delete(PROPAGATION, key)


def _listed(ask: Ask) -> list[Document]:
    """Assignments at the scope, above it and below it; `atScope()` leaves those below out."""
    clauses = odata.parse(ask.query.get("$filter"), _FILTERS)
    at = find.scope(ask.cloud, ask.target)
    only_above = any(clause.operator == "atscope" for clause in clauses)
    holders: list[frozenset[str]] = []
    for clause in clauses:
        if clause.operator == "assignedto":
            holders.append(ask.cloud.enforcer.identities(clause.value))
        elif clause.operator == "eq":
            holders.append(frozenset((clause.value.lower(),)))

    @functools.cache  # many assignments stand at few scopes
    def related(scope: str) -> bool:
        return scopes.contains(scope, at) or (not only_above and scopes.contains(at, scope))

    return [
        document
        for _, document in ask.cloud.store.kept(ASSIGNMENTS)
        if related(document["properties"]["scope"])
        and all(document["properties"]["principalId"].lower() in each for each in holders)
    ]


def assign(ask: Ask, scope: str, principal_id: str, role: str) -> None:
    """Make the assignment of a built-in role that Azure itself makes, in force at once."""
    name, now = ask.cloud.ids.guid(), timestamp(ask.cloud.clock.now())
    principal = ask.cloud.directory.get(principal_id)
    put_assignment(
        ask.cloud,
        name,
        scope,
        {
            "roleDefinitionId": _full_role_id(ask, built_in_role(role).id),
            "principalId": principal_id,
            "principalType": principal.kind if principal else "ServicePrincipal",
            "createdOn": now,
            "updatedOn": now,
            "createdBy": ask.caller.principal.object_id,
            "updatedBy": ask.caller.principal.object_id,
        },
    )


def put_assignment(cloud: Cloud, name: str, scope: str, properties: Document) -> None:
    """Store an assignment as ARM would answer it."""
    empty = dict.fromkeys(("condition", "conditionVersion", "delegatedManagedIdentityResourceId", "description"))
    document: Document = {
        "id": scopes.extension_id(scope, TYPE, name),
        "name": name,
        "type": TYPE,
        "properties": {**empty, **properties, "scope": scope},
    }
    cloud.store.put(ASSIGNMENTS, name.lower(), document)


def _triple(document: Document) -> tuple[str, str, str]:
    properties = document["properties"]
    return properties["principalId"].lower(), _guid(properties["roleDefinitionId"]), scopes.key(properties["scope"])


def _guid(role_definition_id: str) -> str:
    return role_definition_id.rstrip("/").rpartition("/")[2].lower()


ROLE_ASSIGNMENT = Kind(
    type=TYPE,
    name=NameRule(
        GUID,
        "InvalidRoleAssignmentId",
        "The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID.",
    ),
    shape=_shape,
    placement=EXTENSION,
    documents=Documents(collection=ASSIGNMENTS, key=lambda target: target.name.lower(), find=_find, missing=_missing),
    has_provisioning_state=False,
    verbs=Verbs(listed=_listed, patch=False, delete=Deletion(200, shows=True)),
    lifecycle=Lifecycle(
        before_write=_check, on_create=_propagate, on_write=_touch, on_purge=_gone, on_scope_delete=_remove_within
    ),
)
