"""Microsoft.Authorization/roleDefinitions: built-in roles, which nobody can change, and custom ones.

Source: Microsoft, "Azure custom roles", "Role Definitions" (REST 2022-04-01). A custom role's name is unique in the
tenant; to change one takes the permission on each of its assignable scopes; it outlives those scopes; it cannot be
deleted while it is assigned. An action of a custom role may hold one wildcard.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core import odata
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.collections import ASSIGNMENTS, DEFINITIONS
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from azmlflow.localazure.core.errors import AzureError, bad_request, conflict
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources import operations
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice, wrong_type
from azmlflow.localazure.resources.kind import EXTENSION, Documents, Kind, Lifecycle, NameRule
from azmlflow.localazure.resources.paths import Target
from azmlflow.localazure.resources.verbs import Deletion, Verb, Verbs
from azmlflow.rbac import builtin, scopes
from azmlflow.rbac.builtin import BuiltInRole
from azmlflow.rbac.patterns import PermissionBlock

TYPE = "Microsoft.Authorization/roleDefinitions"
GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_DATA_LISTS = ("dataActions", "notDataActions")
_LISTS = ("actions", "notActions", *_DATA_LISTS)
_FILTERS = ("rolename", "type", "atscopeandbelow()", "atscope()")
_EPOCH = "2015-02-02T21:55:09.8806423Z"


def definition(cloud: Cloud, guid: str) -> Document | None:
    """The role definition of a GUID, built-in or custom, or None."""
    found = cloud.store.get(DEFINITIONS, guid.lower())
    if found is not None:
        return found
    role = builtin.of_guid(guid)
    return None if role is None else _built_in(role)


def does_not_exist(guid: str) -> AzureError:
    """404 of a role that is not there (Azure's sentence: https://github.com/pulumi/pulumi-azure/issues/840)."""
    return AzureError(
        404, "RoleDefinitionDoesNotExist", f"The specified role definition with ID '{guid}' does not exist."
    )


def is_assignable(role: Document, scope: str) -> bool:
    """Whether a role may be assigned at a scope: one of its assignable scopes is it or above it."""
    return any(scopes.contains(outer, scope) for outer in role["properties"]["assignableScopes"])


def permissions(blocks: tuple[PermissionBlock, ...]) -> list[Document]:
    """Permission blocks in ARM's spelling."""
    return [
        {
            "actions": list(block.actions),
            "notActions": list(block.not_actions),
            "dataActions": list(block.data_actions),
            "notDataActions": list(block.not_data_actions),
            **({"condition": block.condition, "conditionVersion": "2.0"} if block.condition else {}),
        }
        for block in blocks
    ]


def _built_in(role: BuiltInRole) -> Document:
    properties: Document = {
        "roleName": role.name,
        "type": "BuiltInRole",
        "description": role.description,
        "assignableScopes": ["/"],
        "permissions": permissions(role.permissions),
        "createdOn": _EPOCH,
        "updatedOn": _EPOCH,
        "createdBy": None,
        "updatedBy": None,
    }
    return {"id": _id(role.id), "type": TYPE, "name": role.id, "properties": properties}


def _id(guid: str) -> str:
    return f"{scopes.subscription_id(SUBSCRIPTION_ID)}/providers/{TYPE}/{guid}"


def _find(cloud: Cloud, target: Target) -> Document | None:
    return definition(cloud, target.name)


def _check(ask: Ask, existing: Document | None) -> None:
    if existing is not None and existing["properties"]["type"] == "BuiltInRole":
        raise _built_in_fixed(existing)
    given = ask.properties
    name, asked = given.get("roleName"), given.get("assignableScopes")
    if given.get("type") is not None:
        choice("type", given["type"], ("CustomRole",))
    if not isinstance(name, str) or not 0 < len(name) <= 512:
        raise bad_request(
            "RoleDefinitionNameNullOrEmpty", "The role definition must have a name of at most 512 characters."
        )
    if not isinstance(asked, list) or not asked or not all(isinstance(scope, str) for scope in asked):
        raise bad_request(
            "InvalidRequestContent",
            "The role definition must have at least one assignable scope.",
            target="assignableScopes",
        )
    for scope in {*asked, *(existing["properties"]["assignableScopes"] if existing else ())}:
        _require(ask, "write", scope)
    for other in _all(ask.cloud):
        same_name = other["properties"]["roleName"].lower() == name.lower()
        if same_name and other["name"].lower() != ask.target.name.lower():
            raise conflict(
                "RoleDefinitionWithSameNameExists",
                f"A custom role with the same display name '{name}' already exists in this directory. Please use a "
                "different name.",
            )
    for block in _blocks(given):
        for kind in _LISTS:
            _check_actions(kind, block.get(kind) or [])


def _blocks(given: Mapping[str, Any]) -> list[Document]:
    found = given.get("permissions") or []
    if not isinstance(found, list) or not all(isinstance(block, dict) for block in found):
        raise wrong_type("permissions", found, "array of objects")
    return found


def _check_actions(kind: str, actions: Any) -> None:
    if not isinstance(actions, list) or not all(isinstance(action, str) for action in actions):
        raise wrong_type(f"permissions.{kind}", actions, "array of strings")
    for action in actions:
        operations.check(action, data=kind in _DATA_LISTS)


def _shape(ask: Ask, existing: Document | None) -> Document:
    given = ask.properties
    before = (existing or {}).get("properties", {})
    now, who = timestamp(ask.cloud.clock.now()), ask.caller.principal.object_id
    properties: Document = {
        "roleName": given["roleName"],
        "type": "CustomRole",
        "description": given.get("description") or "",
        "assignableScopes": list(given["assignableScopes"]),
        "permissions": [_kept(block) for block in _blocks(given)],
        "createdOn": before.get("createdOn") or now,
        "updatedOn": before.get("updatedOn") or now,
        "createdBy": before.get("createdBy") or who,
        "updatedBy": before.get("updatedBy") or who,
    }
    # Whatever scope it was made at, a role's id is below the subscription.
    return {"id": _id(ask.target.name.lower()), "name": ask.target.name.lower(), "properties": properties}


def _kept(block: Document) -> Document:
    """A permission block as it is answered. Its condition is not judged (`rbac.evaluate`): it then allows nothing."""
    given = {name: block[name] for name in ("condition", "conditionVersion") if block.get(name)}
    return {kind: list(block.get(kind) or []) for kind in _LISTS} | given


def _touch(ask: Ask, document: Document) -> None:
    properties = document["properties"]
    properties["updatedOn"] = timestamp(ask.cloud.clock.now())
    properties["updatedBy"] = ask.caller.principal.object_id


def _deleting(ask: Ask, document: Document) -> None:
    if document["properties"]["type"] == "BuiltInRole":
        raise _built_in_fixed(document)
    for scope in document["properties"]["assignableScopes"]:
        _require(ask, "delete", scope)
    guid = document["name"].lower()
    for _, assignment in ask.cloud.store.kept(ASSIGNMENTS):
        if assignment["properties"]["roleDefinitionId"].lower().endswith(guid):
            raise bad_request(
                "RoleDefinitionHasAssignments",
                "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments).",
            )


def _built_in_fixed(document: Document) -> AzureError:
    name = document["properties"]["roleName"]
    return bad_request("RoleDefinitionNotEditable", f"The built-in role '{name}' cannot be changed or deleted.")


def _require(ask: Ask, verb: str, scope: str) -> None:
    ask.cloud.enforcer.require(ask.caller, f"{TYPE}/{verb}", scope)


def _all(cloud: Cloud) -> list[Document]:
    return [*map(_built_in, builtin.every()), *(document for _, document in cloud.store.kept(DEFINITIONS))]


def _listed(ask: Ask) -> list[Document]:
    """Roles that can be assigned at the scope; `atScopeAndBelow()` adds those assignable only below it."""
    clauses = odata.parse(ask.query.get("$filter"), _FILTERS)
    at = ask.target.scope or scopes.ROOT
    below = any(clause.operator == "atscopeandbelow" for clause in clauses)
    names = {"rolename": "roleName", "type": "type"}
    equal = [(names[clause.name.lower()], clause.value.lower()) for clause in clauses if clause.operator == "eq"]
    found = []
    for document in _all(ask.cloud):
        properties = document["properties"]
        inside = below and any(scopes.contains(at, scope) for scope in properties["assignableScopes"])
        matches = all(str(properties[name]).lower() == value for name, value in equal)
        if matches and (inside or is_assignable(document, at)):
            found.append(document)
    return found


ROLE_DEFINITION = Kind(
    type=TYPE,
    name=NameRule(
        GUID,
        "InvalidRoleDefinitionId",
        "The role definition ID '{name}' is not valid. The role definition ID must be a GUID.",
    ),
    shape=_shape,
    placement=EXTENSION,
    documents=Documents(
        collection=DEFINITIONS,
        key=lambda target: target.name.lower(),
        find=_find,
        missing=lambda target: does_not_exist(target.name),
    ),
    has_provisioning_state=False,
    # Azure answers all roles at once.
    verbs=Verbs(listed=_listed, page=100_000, update=Verb(201), patch=False, delete=Deletion(200, shows=True)),
    lifecycle=Lifecycle(before_write=_check, on_write=_touch, before_delete=_deleting),
)
