"""GET of the subscription's activity log, newest events first.

Source: Microsoft, "Activity Logs - List" (REST 2015-04-01) and "Azure permissions for Monitor"
(`Microsoft.Insights/eventtypes/values/read`). Inferred: the right is asked for at the group or resource that the filter
names, so that who reads a group reads its events; a page holds 200 or a few more.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import timedelta
from urllib.parse import urlencode

from azmlflow.localazure.activity import events, query
from azmlflow.localazure.activity.query import Query, Refused
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.collections import ACTIVITY
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.rbac import scopes

PATH = ("providers", "microsoft.insights", "eventtypes", "management", "values")
RIGHT = "Microsoft.Insights/eventtypes/values/read"
_PAGE = 200
_KEY = re.compile(r"\d{4}-\d{2}-\d{2}T[^/]+/")
_CHUNK = 500  # records, read at a time


def listed(ask: Ask) -> Answer:
    """The events that the filter asks for.

    Raises:
        AzureError: 403; 400, the filter is none of Azure's.
    """
    cloud = ask.cloud
    asked = query.read(ask.query.get("$filter"), cloud.clock.now())
    cloud.enforcer.require(ask.caller, RIGHT, _scope(asked))
    members = query.chosen(ask.query.get("$select"))
    # An event's end may be later than the key, which is its beginning.
    high = _after(ask.query.get("$skiptoken")) or f"{timestamp(asked.end)}0"
    low = timestamp(asked.start - timedelta(hours=1))
    found: list[Document] = []
    while len(found) < _PAGE:
        chunk = cloud.store.newest(ACTIVITY, low, high, _CHUNK)
        for key, record in chunk:
            if asked.fits(record):
                found += [event for event in events.told(record) if asked.shows(event)]
            high = key
            if len(found) >= _PAGE:
                break
        if len(chunk) < _CHUNK and len(found) < _PAGE:
            return Answer(200, {"value": _told(found, members)})
    return Answer(200, {"value": _told(found, members), "nextLink": _next(ask, high)})


def _scope(asked: Query) -> str:
    group = asked.wanted.get("resourcegroupname")
    if asked.resource:
        return asked.resource
    return scopes.resource_group_id(SUBSCRIPTION_ID, group) if group else scopes.subscription_id(SUBSCRIPTION_ID)


def _told(found: list[Document], members: tuple[str, ...] | None) -> list[Document]:
    if members is None:
        return found
    return [{name: event[name] for name in members} for event in found]


def _next(ask: Ask, key: str) -> str:
    kept = {name: value for name, value in ask.query.items() if name != "$skiptoken"}
    token = base64.urlsafe_b64encode(key.encode()).decode()
    return f"https://management.azure.com{ask.target.path}?{urlencode({**kept, '$skiptoken': token})}"


def _after(token: str | None) -> str:
    try:
        key = base64.urlsafe_b64decode(token.encode()).decode() if token else ""
    except (binascii.Error, UnicodeError):
        key = "?"
    if key and _KEY.match(key) is None:
        raise Refused("The $skiptoken is not one that this service has given.")
    return key
