"""What Graph is asked: objects, members, memberships."""

from __future__ import annotations

from azmlflow.localazure.core.collections import APPLICATIONS
from azmlflow.localazure.core.constants import CLOUD_NAME, DOMAIN, TENANT_ID
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.graph import shapes
from azmlflow.localazure.graph.ask import (
    GraphAsk,
    context,
    existing,
    groups_of,
    named_application,
    named_principal,
    one,
    page,
    plain,
    subject_of,
)
from azmlflow.localazure.principals.directory import Principal
from azmlflow.localazure.resources.ask import Answer


def me(ask: GraphAsk) -> Answer:
    """The signed-in user."""
    principal = ask.caller.principal
    if principal.kind != "User":
        raise AzureError(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
    return one(ask, shapes.show(principal), "users/$entity")


def organization(ask: GraphAsk) -> Answer:
    """The tenant."""
    domains = [{"name": DOMAIN, "isDefault": True, "isInitial": True}]
    return page(ask, [{"id": TENANT_ID, "displayName": CLOUD_NAME, "verifiedDomains": domains}])


def list_objects(ask: GraphAsk) -> Answer:
    """Users, groups or service principals."""
    kind = shapes.COLLECTIONS[ask.segments[0]]
    return page(ask, plain(ask.cloud.directory.list(kind)))


def get_object(ask: GraphAsk) -> Answer:
    """One user, group or service principal."""
    return one(ask, shapes.show(named_principal(ask)), f"{ask.segments[0]}/$entity")


def list_applications(ask: GraphAsk) -> Answer:
    """Applications."""
    found = [document for _, document in ask.cloud.store.scan(APPLICATIONS)]
    return page(ask, found)


def get_application(ask: GraphAsk) -> Answer:
    """One application."""
    return one(ask, named_application(ask), "applications/$entity")


def members(ask: GraphAsk) -> Answer:
    """Direct members of a group."""
    return page(
        ask, [shapes.show(each) for each in ask.cloud.directory.members(named_principal(ask, "Group").object_id)]
    )


def transitive_members(ask: GraphAsk) -> Answer:
    """Members of a group and of the groups in it."""
    seen: dict[str, Principal] = {}
    ahead = [named_principal(ask, "Group").object_id]
    while ahead:
        for member in ask.cloud.directory.members(ahead.pop()):
            if member.object_id not in seen:
                seen[member.object_id] = member
                ahead.append(member.object_id)
    return page(ask, [shapes.show(each) for each in seen.values()])


def member_of(ask: GraphAsk) -> Answer:
    """Groups that hold an object directly."""
    return page(ask, [shapes.show(each) for each in ask.cloud.directory.groups_of(subject_of(ask).object_id)])


def transitive_member_of(ask: GraphAsk) -> Answer:
    """Groups that hold an object, directly or not."""
    return page(ask, [shapes.show(each) for each in groups_of(ask)])


def member_groups(ask: GraphAsk) -> Answer:
    """Ids of the groups that hold an object, directly or not; each of them is a security group.

    Raises:
        AzureError: 400, the body says something else than `securityEnabledOnly`.
    """
    told = {**ask.body}
    if not isinstance(told.pop("securityEnabledOnly", False), bool) or told:
        raise AzureError(400, "Request_BadRequest", "The body has 'securityEnabledOnly' alone, true or false.")
    return Answer(
        200, {"@odata.context": context("Collection(Edm.String)"), "value": [each.object_id for each in groups_of(ask)]}
    )


def get_directory_object(ask: GraphAsk) -> Answer:
    """One object, whatever its type."""
    return one(ask, shapes.show(existing(ask, ask.cloud.directory.get(ask.segments[1]))), "directoryObjects/$entity")


def get_by_ids(ask: GraphAsk) -> Answer:
    """Objects by their ids; unknown ids are left out."""
    ids = ask.body.get("ids")
    if not isinstance(ids, list) or not all(isinstance(id_, str) for id_ in ids):
        raise AzureError(400, "Request_BadRequest", "A value is required for property 'ids', a list of object ids.")
    told = ask.body.get("types") or []
    if not isinstance(told, list) or set(ask.body) - {"ids", "types"}:
        raise AzureError(400, "Request_BadRequest", "A request for objects has 'ids' and, as a list, 'types'.")
    types = {str(each).lower() for each in told} - {"directoryobject"}
    found = (ask.cloud.directory.get(id_) for id_ in ids)
    shown = [shapes.show(each) for each in found if each is not None and (not types or each.kind.lower() in types)]
    return page(ask, shown)
