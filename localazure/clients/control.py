"""Asking the running embedded Azure, with the standard library alone: what starts it and what sets up environments
must not wait for an HTTP client to be imported.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from azmlflow.localazure.clients.proxy_credential import credential
from azmlflow.localazure.core.hosts import is_azure
from azmlflow.localazure.machine.errors import LocalError
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.machine.ports import LOOPBACK

_WITHIN = 30.0
_NEAR = re.compile(r"Did you mean ('[^']+')\?")  # as the identity endpoint has it


class NotRunning(LocalError):
    """The embedded Azure does not answer."""


class UnknownPrincipal(LocalError):
    """Nobody in the directory goes by that name, or a group, which cannot sign in."""


@dataclass(frozen=True)
class Identity:
    """A principal that can sign in here.

    Attributes:
        id: object id.
        kind: `User` or `ServicePrincipal`.
        display_name: what people call it.
        upn: a user's sign-in name.
        app_id: a service principal's application id.
    """

    id: str
    kind: str
    display_name: str
    upn: str | None = None
    app_id: str | None = None


@dataclass(frozen=True)
class Reply:
    """What a request came back with."""

    status: int
    body: Any


def identity_path(folder: Folder, reference: str) -> str:
    """The path of a principal's identity address; its last part is the mark that proves who made it."""
    return f"/{quote(reference, safe='')}.{folder.secrets().identity_mark(reference)}"


def who(folder: Folder, reference: str) -> Identity:
    """The principal with this sign-in name, mail address, object id or application id.

    Raises:
        UnknownPrincipal: there is none that can sign in.
        NotRunning: the embedded Azure does not answer.
        LocalError: it answers with a fault.
    """
    answer = _ask_identity(folder, f"{identity_path(folder, reference)}/principal")
    if answer.status == http.client.NOT_FOUND:
        told = answer.body.get("error_description") if isinstance(answer.body, dict) else None
        near = _NEAR.search(str(told))
        raise UnknownPrincipal(
            f"'{reference}' is not a user or application of the embedded Azure's directory"
            f"{f'; did you mean {near[1]}?' if near else ''}",
            next="azmlflow local user list, or azmlflow local user add NAME@DOMAIN",
        )
    found = _good(folder, answer, "id", "kind", "displayName", "userPrincipalName", "appId")
    return Identity(found["id"], found["kind"], found["displayName"], found["userPrincipalName"], found["appId"])


def ui_address(folder: Folder, reference: str, workspace_id: str, grants: Sequence[Mapping[str, str]] = ()) -> str:
    """Where a browser signs in, once and within a minute, to look at a workspace as a principal.

    Args:
        folder: the embedded Azure's.
        reference: the principal.
        workspace_id: the workspace's ARM id.
        grants: the stack's, each with the fields of `sessions.Granted`.

    Raises:
        UnknownPrincipal: there is no such principal.
        NotRunning: the embedded Azure does not answer, or is an older one, without pages.
        LocalError: it answers with a fault.
    """
    identity = who(folder, reference)
    body = {"workspace": workspace_id, "grants": [*grants]}
    answer = _ask_identity(folder, f"{identity_path(folder, identity.id)}/ui", body=body)
    if answer.status == http.client.NOT_FOUND:
        raise NotRunning(
            "the embedded Azure that runs has no pages: an older azmlflow started it",
            where=str(folder.path),
            next="azmlflow local stop, then the command again",
        )
    return str(_good(folder, answer, "address")["address"])


def ask(
    folder: Folder, method: str, url: str, *, principal: str | None = None, body: Any = None, within: float = _WITHIN
) -> Reply:
    """Make a request to the embedded Azure, trusting its own authority only.

    Args:
        folder: its state folder.
        method: HTTP method.
        url: `https://` address of one of Azure's hosts.
        principal: who asks: a sign-in name, object id or application id; None asks without a token.
        body: sent as JSON, unless None.
        within: seconds.

    Raises:
        NotRunning: it does not answer.
        UnknownPrincipal: there is no such principal.
        LocalError: it gives no token.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" or not is_azure(host):
        raise ValueError(f"{url} is not an https address of Azure's")
    headers = {"Accept": "application/json"}
    if principal is not None:
        headers["Authorization"] = f"Bearer {_token(folder, principal, host)}"
    if body is not None:
        headers["Content-Type"] = "application/json"
    basic = base64.b64encode(":".join(credential(folder.secrets().proxy)).encode()).decode()
    try:
        trusted = ssl.create_default_context(cafile=str(folder.ca))
        connection = http.client.HTTPSConnection(LOOPBACK, folder.ports().proxy, timeout=within, context=trusted)
        connection.set_tunnel(host, 443, {"Proxy-Authorization": f"Basic {basic}"})
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        return _exchange(connection, method, target, headers, body)
    except (OSError, http.client.HTTPException) as error:
        raise _silent(folder, error) from error


def _token(folder: Folder, principal: str, host: str) -> str:
    resource = f"https://{host}" if host == "graph.microsoft.com" else "https://management.azure.com"
    address = identity_path(folder, who(folder, principal).id)
    query = urlencode({"resource": resource, "api-version": "2019-08-01"})
    answer = _ask_identity(folder, f"{address}/msi/token?{query}", {"X-IDENTITY-HEADER": address.rpartition(".")[2]})
    return str(_good(folder, answer, "access_token")["access_token"])


def _good(folder: Folder, answer: Reply, *names: str) -> dict[str, Any]:
    """What the identity endpoint says, with these members.

    Raises:
        LocalError: it is something else: the endpoint has failed.
    """
    found = answer.body
    if answer.status != http.client.OK or not isinstance(found, dict) or not found.keys() >= set(names):
        raise LocalError(
            f"the embedded Azure's identity endpoint answered {answer.status}, and nothing that can be used",
            where=str(folder.path),
            next="azmlflow local logs",
        )
    return found


def _ask_identity(folder: Folder, target: str, headers: dict[str, str] | None = None, *, body: Any = None) -> Reply:
    """GET, or POST what there is to send."""
    try:
        connection = http.client.HTTPConnection(LOOPBACK, folder.ports().identity, timeout=_WITHIN)
        return _exchange(connection, "GET" if body is None else "POST", target, headers or {}, body)
    except (OSError, http.client.HTTPException) as error:
        raise _silent(folder, error) from error


def _exchange(
    connection: http.client.HTTPConnection, method: str, target: str, headers: dict[str, str], body: Any
) -> Reply:
    try:
        connection.request(method, target, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    try:
        return Reply(response.status, json.loads(content) if content else None)
    except ValueError:
        return Reply(response.status, content.decode("utf-8", "replace"))


def _silent(folder: Folder, error: Exception) -> NotRunning:
    return NotRunning(
        f"the embedded Azure does not answer ({type(error).__name__})",
        where=str(folder.path),
        next="azmlflow local start",
    )
