"""What is changed through Graph: users, groups and their members, applications and their secrets."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from azmlflow.localazure.core.clock import read_instant, timestamp
from azmlflow.localazure.core.collections import APPLICATIONS
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.graph import bodies, shapes
from azmlflow.localazure.graph.ask import GraphAsk, made, named_application, named_principal, one, required_text
from azmlflow.localazure.resources.ask import Answer

_REFERENCE = re.compile(r"https://graph\.microsoft\.com/(?:v1\.0|beta)/[A-Za-z]+/(?P<id>[^/']+)", re.IGNORECASE)


def remove_object(ask: GraphAsk) -> Answer:
    """Remove a user, group or service principal."""
    principal = named_principal(ask)
    if principal.object_id == ask.caller.principal.object_id:
        raise AzureError(400, "Request_BadRequest", "You cannot remove yourself from the directory.")
    ask.cloud.directory.remove(principal.object_id)
    return Answer(204)


def add_user(ask: GraphAsk) -> Answer:
    """Add a user."""
    upn = required_text(ask, "userPrincipalName")
    # Nobody signs in with a password here: it is never asked for again, nor told.
    used = ("userPrincipalName", "displayName", "mail", "passwordProfile")
    told = bodies.kept(ask.body, bodies.USER, used)
    names = bodies.text(ask.body, "displayName"), bodies.text(ask.body, "mail")
    user = ask.cloud.directory.add_user(upn, *names, told=told)
    return made(ask, shapes.show(user), "users/$entity")


def add_group(ask: GraphAsk) -> Answer:
    """Add a group."""
    name, told = required_text(ask, "displayName"), bodies.kept(ask.body, bodies.GROUP, ("displayName",))
    return made(ask, shapes.show(ask.cloud.directory.add_group(name, told)), "groups/$entity")


def add_application(ask: GraphAsk) -> Answer:
    """Add an application; its service principal is a second request."""
    ids = ask.cloud.ids
    application: Document = {
        "id": ids.guid(),
        "appId": ids.guid(),
        "displayName": required_text(ask, "displayName"),
        "createdDateTime": timestamp(ask.cloud.clock.now()),
        "signInAudience": "AzureADMyOrg",
        "identifierUris": [],
        **bodies.kept(ask.body, bodies.APPLICATION, ("displayName",)),
        "passwordCredentials": [],
    }
    ask.cloud.store.put(APPLICATIONS, application["id"], application)
    return made(ask, application, "applications/$entity")


def remove_application(ask: GraphAsk) -> Answer:
    """Remove an application with its service principal."""
    application = named_application(ask)
    principal = ask.cloud.directory.by_app_id(application["appId"])
    with ask.cloud.store.transaction():
        ask.cloud.store.delete(APPLICATIONS, application["id"])
        if principal is not None:
            ask.cloud.directory.remove(principal.object_id)
    return Answer(204)


def add_password(ask: GraphAsk) -> Answer:
    """A new secret for an application, or for one that is only known by its service principal."""
    if ask.segments[0] == "serviceprincipals":
        app_id = named_principal(ask).app_id or ""
    else:
        app_id = named_application(ask)["appId"]
    name, start, end = _lifetime(ask)
    secret = ask.cloud.directory.new_secret(app_id, (start, end))
    credential = {"keyId": ask.cloud.ids.guid(), "displayName": name, "hint": secret[:3], "secretText": secret}
    instants = {"startDateTime": timestamp(start), "endDateTime": timestamp(end)}
    return one(ask, {**credential, **instants}, "microsoft.graph.passwordCredential")


def _lifetime(ask: GraphAsk) -> tuple[str | None, datetime, datetime]:
    """The name that a new secret is to have, and from when until when it is good: two years if nothing is said."""
    asked = ask.body.get("passwordCredential") or {}
    names = ("displayName", "startDateTime", "endDateTime")
    if not isinstance(asked, dict) or set(asked) - set(names) or set(ask.body) - {"passwordCredential"}:
        raise AzureError(400, "Request_BadRequest", f"A 'passwordCredential' has {', '.join(names)}.")
    name, given_start, given_end = (bodies.text(asked, each) for each in names)
    try:
        start = read_instant(given_start) if given_start else ask.cloud.clock.now()
        end = read_instant(given_end) if given_end else start + timedelta(days=2 * 365)
    except (ValueError, OverflowError):
        raise bodies.invalid("passwordCredential") from None
    if end <= start:
        raise bodies.invalid("endDateTime")
    return name, start, end


def add_service_principal(ask: GraphAsk) -> Answer:
    """Give an application its service principal."""
    app_id = required_text(ask, "appId").lower()
    told = bodies.kept(ask.body, bodies.SERVICE_PRINCIPAL, ("appId",))
    application = next((each for _, each in ask.cloud.store.scan(APPLICATIONS) if each["appId"] == app_id), None)
    if application is None:
        raise AzureError(
            400,
            "Request_BadRequest",
            f"The appId '{app_id}' of the service principal does not reference a valid application object.",
        )
    principal, _ = ask.cloud.directory.add_service_principal(
        application["displayName"], app_id=app_id, with_secret=False, told=told
    )
    return made(ask, shapes.show(principal), "servicePrincipals/$entity")


def add_member(ask: GraphAsk) -> Answer:
    """Put an object into a group."""
    bodies.kept(ask.body, {}, ("@odata.id",))
    match = _REFERENCE.fullmatch(str(ask.body.get("@odata.id") or ""))
    if match is None:
        raise AzureError(
            400, "Request_BadRequest", "A value is required for property '@odata.id', a directory object's URL."
        )
    ask.cloud.directory.add_member(named_principal(ask, "Group").object_id, match.group("id"))
    return Answer(204)


def remove_member(ask: GraphAsk) -> Answer:
    """Take an object out of a group."""
    ask.cloud.directory.remove_member(named_principal(ask, "Group").object_id, ask.segments[3])
    return Answer(204)
