"""What every resource goes through, whatever its kind: read, written, patched, deleted, asked to act.

Each request is authorised before anything about the resource is told, even whether it exists.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.arm import checks, effects
from azmlflow.localazure.bodies import whole
from azmlflow.localazure.core.collections import DELETED
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources import find, linked, members
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import stamp
from azmlflow.localazure.resources.kind import Kind
from azmlflow.localazure.resources.verbs import Polling
from azmlflow.rbac import scopes

MANAGEMENT = "https://management.azure.com"


def read(ask: Ask, kind: Kind) -> Answer:
    """GET or HEAD of a resource."""
    require(ask, kind, "read")
    document = existing(ask, kind)
    return Answer(200, kind.verbs.get(ask.cloud, document))


def existing(ask: Ask, kind: Kind) -> Document:
    """The document that the path names.

    Raises:
        AzureError: 404, it, its parent or its group does not exist.
    """
    document = find.document(ask.cloud, kind, ask.target)
    if document is not None:
        return document
    if kind.placement.level != "extension":
        find.ground(ask.cloud, kind, ask.target, "read")
    raise find.missing(kind, ask.target)


def write(ask: Ask, kind: Kind) -> Answer:
    """PUT: make a resource, or bring it to what the body says; the same body again changes nothing."""
    require(ask, kind, "write")
    checks.require_registered(ask.cloud, kind.namespace)
    checks.unlocked(ask, kind, "write")
    checks.standing(ask, kind)
    kind.name.check(ask.target.name)
    before = find.document(ask.cloud, kind, ask.target)
    checks.conditions(ask, kind, before)
    checks.location(ask, kind, before)
    return _put(ask, kind, before)


def patch(ask: Ask, kind: Kind) -> Answer:
    """PATCH: a PUT of what is there, with the body's members laid over it."""
    require(ask, kind, "write")
    checks.unlocked(ask, kind, "write")
    if not kind.verbs.patch:
        raise not_allowed("PATCH")
    before = existing(ask, kind)
    checks.conditions(ask, kind, before)
    checks.location(ask, kind, before)
    return _put(dataclasses.replace(ask, body=members.laid_over(before, ask.body)), kind, before)


def remove(ask: Ask, kind: Kind) -> Answer:
    """DELETE: 204 where there is nothing, and one more answer of the same kind while the deletion runs."""
    cloud, verb = ask.cloud, kind.verbs.delete
    require(ask, kind, "delete")
    if not kind.verbs.removable:
        raise not_allowed("DELETE")
    document = find.document(cloud, kind, ask.target)
    soft = kind.soft_delete is not None and kind.soft_delete.asked(ask.query)
    if document is None and kind.soft_delete is not None and not soft:
        answer = _purge(ask, kind)
        if answer is not None:
            return answer
    if document is None:
        if kind.placement.level != "extension":
            find.group(cloud, ask.target)
        return Answer(204)
    checks.unlocked(ask, kind, "delete", document["id"])
    checks.conditions(ask, kind, document)
    running = cloud.operations.running(document["id"])
    if running is not None and running["verb"] == "delete":
        return Answer(verb.status, None, polling_headers(ask, kind, verb.polling, running, document))
    checks.idle(ask, document)
    kind.lifecycle.before_delete(ask, document)
    key = kind.documents.key(ask.target)
    shown = kind.verbs.get(cloud, document) if verb.shows else None
    with cloud.store.transaction():
        if verb.polling == "none":
            effects.drop(cloud, kind, key, document, soft=soft)
            return Answer(verb.status, shown, seconds=cloud.operations.latency.seconds("delete", kind.type))
        effects.set_state(cloud, kind, key, document, verb.state)
        details: Document = {"key": key, "soft": soft}
        if verb.member_by_member:
            details["members"] = len(effects.contained(cloud, document["id"]))
        operation = cloud.operations.begin("delete", kind.type, document["id"], **details)
    return Answer(verb.status, None, polling_headers(ask, kind, verb.polling, operation, document))


def not_allowed(method: str) -> AzureError:
    """405 for a method that is not served at a path."""
    return AzureError(405, "MethodNotAllowed", f"The requested resource does not support http method '{method}'.")


def act(ask: Ask, kind: Kind) -> Answer:
    """POST of an action on a resource."""
    asked = (ask.target.action or "").lower()
    action = next((each for each in kind.actions if each.name.lower() == asked), None)
    permission = f"{action.permission or action.name if action else ask.target.action}/action"
    ask.cloud.enforcer.require(ask.caller, f"{kind.permission_type}/{permission}", ask.target.id)
    if action is None or (action.versions and not action.versions(ask.api_version.lower())):
        raise AzureError(
            404,
            "InvalidAction",
            f"The resource type '{kind.type}' has no action '{ask.target.action}' in version '{ask.api_version}'.",
        )
    document = existing(ask, kind)
    linked.require(ask, f"{kind.permission_type}/{permission}", document)
    checks.unlocked(ask, kind, "write", document["id"])
    return action.run(ask, document)


def polling_headers(
    ask: Ask, kind: Kind, polling: Polling, operation: Document, document: Mapping[str, Any]
) -> dict[str, str]:
    """Where the client learns of an operation's end, as its provider tells it; a group's provider is ARM itself."""
    if polling in ("none", "state"):
        return {}
    subscription = f"{MANAGEMENT}/subscriptions/{ask.target.subscription}"
    query = f"api-version={ask.api_version}"
    if kind.placement.level == "subscription":
        urls = {"Location": f"{subscription}/operationresults/{operation['id']}?{query}"}
    else:
        place = f"{subscription}/providers/{ask.target.namespace}/locations/{document.get('location', 'global')}"
        urls = {"Location": f"{place}/operationResults/{operation['id']}?{query}"}
        if polling == "operation":
            urls["Azure-AsyncOperation"] = f"{place}/operationsStatus/{operation['id']}?{query}"
    return {**urls, "Retry-After": str(ask.cloud.operations.retry_after(operation))}


def _put(ask: Ask, kind: Kind, before: Document | None) -> Answer:
    cloud = ask.cloud
    whole.check_forms(kind.type, ask.body)
    linked.require(ask, f"{kind.permission_type}/write", before)
    checks.idle(ask, before)
    kind.lifecycle.before_write(ask, before)
    origin, key = before, kind.documents.key(ask.target)
    if before is None and kind.soft_delete is not None:
        record = cloud.store.get(DELETED, key)
        origin = kind.soft_delete.recover(ask, record["document"]) if record is not None else None
    shape = kind.shape(ask, origin)
    whole.complete(kind.type, ask.body, shape, origin, kind.unread)
    document = _complete(ask, kind, shape, origin)
    if before is not None and _same(before, document) and _state(before) in ("", "Succeeded"):
        return Answer(kind.verbs.update.status, kind.verbs.get(cloud, before))
    verb = kind.verbs.update if before is not None else kind.verbs.put
    with cloud.store.transaction():
        if before is None:
            cloud.store.delete(DELETED, key)
            if origin is None:
                kind.lifecycle.on_create(ask, document)
        kind.lifecycle.on_write(ask, document)
        if kind.has_system_data:
            document["systemData"] = stamp(ask, before)
        if kind.has_provisioning_state:
            document["properties"]["provisioningState"] = "Succeeded" if verb.polling == "none" else verb.state
        cloud.store.put(kind.documents.collection, key, document)
        if kind.is_tracked:
            effects.touch(cloud, document["id"])
        if verb.polling == "none":
            seconds = cloud.operations.latency.seconds("put", kind.type)
            return Answer(verb.status, kind.verbs.get(cloud, document), seconds=seconds)
        operation = cloud.operations.begin("put", kind.type, document["id"], key=key, held=verb.held)
    return Answer(
        verb.status, kind.verbs.get(cloud, document), polling_headers(ask, kind, verb.polling, operation, document)
    )


def _purge(ask: Ask, kind: Kind) -> Answer | None:
    """A DELETE that asks for no soft delete, of what is soft-deleted already, purges it.

    Azure Machine Learning takes `forceToPurge=true` for a soft-deleted workspace too. That it also does so after the
    workspace's group is gone is an assumption of this emulation, without which nothing could remove such a leftover.
    """
    key, verb = kind.documents.key(ask.target), kind.verbs.delete
    record = ask.cloud.store.get(DELETED, key)
    if record is None:
        return None
    document = record["document"]
    running = ask.cloud.operations.running(document["id"])
    with ask.cloud.store.transaction():
        operation = running or ask.cloud.operations.begin("purge", kind.type, document["id"], key=key)
    return Answer(verb.status, None, polling_headers(ask, kind, verb.polling, operation, document))


def _complete(ask: Ask, kind: Kind, shape: Document, origin: Document | None) -> Document:
    """The document with what all resources have."""
    id_ = origin["id"] if origin else find.new_id(ask.cloud, kind, ask.target)
    name = origin["name"] if origin else ask.target.name
    document = {"id": id_, "name": name, "type": kind.type, **shape}
    if origin is not None and kind.has_system_data and "systemData" in origin:
        document["systemData"] = origin["systemData"]
    if kind.has_provisioning_state:
        document["properties"]["provisioningState"] = "Succeeded"
    return document


def _same(before: Document, document: Document) -> bool:
    return _stateless(before) == _stateless(document)


def _stateless(document: Document) -> Document:
    properties = document.get("properties")
    rest = {name: value for name, value in document.items() if name not in ("systemData", "properties")}
    if isinstance(properties, dict):
        rest["properties"] = {name: value for name, value in properties.items() if name != "provisioningState"}
    return rest


def _state(document: Document) -> str:
    return str(document.get("properties", {}).get("provisioningState", ""))


def require(ask: Ask, kind: Kind, verb: str) -> None:
    """Refuse, with 403, who may not `read`, `write` or `delete` at the path."""
    scope = ask.target.id if verb != "read" else reading_scope(ask.target.id)
    ask.cloud.enforcer.require(ask.caller, f"{kind.permission_type}/{verb}", scope)


def reading_scope(path: str) -> str:
    """Where the permission to read a path is asked for: the tenant's role definitions are read by who has a role."""
    tenant_level = not path.lower().startswith("/subscriptions/")
    return scopes.subscription_id(SUBSCRIPTION_ID) if tenant_level else path
