"""The real clients down to the connection: there, answers as Azure and Graph give them.

Shapes: Microsoft Graph v1.0 reference (list users, directoryObject: getByIds).
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import requests
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

SUB = "10ca1000-0000-4000-8000-000000000002"
SCOPE = f"/subscriptions/{SUB}/resourceGroups/rg"
ALICE = "aaaaaaaa-0000-4000-8000-000000000001"
BOB = "bbbbbbbb-0000-4000-8000-000000000001"
TEAM = "cccccccc-0000-4000-8000-000000000001"
SUBTEAM = "cccccccc-0000-4000-8000-000000000002"
APP = "dddddddd-0000-4000-8000-000000000001"  # the application id
APP_OBJECT = "dddddddd-0000-4000-8000-000000000002"  # the application's object id
SERVICE = "dddddddd-0000-4000-8000-000000000003"  # its service principal's object id
NOBODY = "eeeeeeee-0000-4000-8000-000000000001"

OBJECTS: tuple[dict[str, Any], ...] = (
    {
        "@odata.type": "#microsoft.graph.user",
        "id": ALICE,
        "userPrincipalName": "alice@contoso.com",
        "mail": "alice.o'hara@contoso.com",
        "displayName": "Alice O'Hara",
    },
    {
        "@odata.type": "#microsoft.graph.user",
        "id": BOB,
        "userPrincipalName": "bob_other.com#EXT#@contoso.com",
        "mail": "bob@other.com",
        "displayName": "Sam",
    },
    {"@odata.type": "#microsoft.graph.group", "id": TEAM, "displayName": "Sam", "mail": "team@contoso.com"},
    {"@odata.type": "#microsoft.graph.group", "id": SUBTEAM, "displayName": "Subteam", "mail": None},
    {"@odata.type": "#microsoft.graph.servicePrincipal", "id": SERVICE, "appId": APP, "displayName": "trainer"},
    {"@odata.type": "#microsoft.graph.application", "id": APP_OBJECT, "appId": APP, "displayName": "trainer"},
)
COLLECTIONS = {"users": "user", "groups": "group", "servicePrincipals": "servicePrincipal"}

# What may be filtered by: a service principal has no `mail`.
FILTERS = {
    "users": ("mail", "displayName"),
    "groups": ("mail", "displayName"),
    "servicePrincipals": ("appId", "displayName"),
}

Answer = tuple[int, Any]  # the status, and what becomes JSON; bytes stay as they are


class Wire(BaseAdapter):
    """Answers requests instead of a network, and keeps them."""

    def __init__(self, answer: Callable[[str, str, Mapping[str, str], Any], Answer]) -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[str] = []
        self.tokens: set[str] = set()

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        url = urlsplit(str(request.url))
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.asked.append(f"{request.method} {url.netloc}{url.path}")
        self.tokens.add(str(request.headers["Authorization"]))
        body = json.loads(str(request.body)) if request.body else None
        status, document = self.answer(str(request.method), url.netloc + url.path, query, body)
        response = requests.Response()
        response.status_code, response.request, response.url = status, request, str(request.url)
        response.headers["Content-Type"] = "application/json"
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        response.raw = HTTPResponse(io.BytesIO(content), preload_content=False)
        return response

    def close(self) -> None:
        """Nothing is open."""

    def transport(self) -> RequestsTransport:
        """The clients' own transport, over this wire."""
        session = requests.Session()
        session.mount("https://", self)
        return RequestsTransport(session=session, session_owner=False)


class Credential:
    """Gives a token that names what it is for."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken(f"for {scopes[0]}", 4102444800)


def graph(method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
    """Graph over OBJECTS; a filter that it does not know, or a text with a quote that is not doubled, is a 400."""
    path = path.removeprefix("graph.microsoft.com/v1.0/")
    if (method, path) == ("POST", "directoryObjects/getByIds"):
        found = [
            each
            for each in OBJECTS
            if each["id"] in body["ids"] and each["@odata.type"].rpartition(".")[2] in body["types"]
        ]
        return 200, {"value": found}
    if method != "GET":
        return 405, {"error": {"code": "Request_BadRequest"}}
    if path.startswith("users/"):
        name = unquote(path.removeprefix("users/"))
        users = [each for each in OBJECTS if each.get("userPrincipalName") == name]
        return (200, users[0]) if users else (404, {"error": {"code": "Request_ResourceNotFound"}})
    kind = f"#microsoft.graph.{COLLECTIONS[path]}"
    if begins := re.fullmatch(r"startswith\((displayName|userPrincipalName),'(.*)'\)", query["$filter"]):
        there = [each for each in OBJECTS if each["@odata.type"] == kind]
        begin = begins[2].replace("''", "'").lower()
        return 200, {"value": [each for each in there if str(each.get(begins[1])).lower().startswith(begin)]}
    property_, _, text = query["$filter"].partition(" eq ")
    known = FILTERS.get(path, ())
    if property_ not in known or "'" in text[1:-1].replace("''", ""):
        return 400, {"error": {"code": "Request_UnsupportedQuery"}}
    value = text[1:-1].replace("''", "'")
    return 200, {"value": [each for each in OBJECTS if each["@odata.type"] == kind and each.get(property_) == value]}


def forbidden(*_: Any) -> Answer:
    """Graph for who may not read the directory."""
    return 403, {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges"}}
