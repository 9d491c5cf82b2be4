"""One request for a prediction, asked by a page's server as who looks: it gets the key or token as they would.

Neither key nor token reaches the page. What a page can show of an answer is kept, the rest of it is read and dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.types import Message, Scope

from azmlflow.localazure.core.store import Document
from azmlflow.localazure.principals.tokens import MACHINE_LEARNING
from azmlflow.localazure.serving.asking import Broken
from azmlflow.localazure.ui.visit import Visit
from azmlflow.scoring.asking import DEPLOYMENT, Asked

_SHOWN = 64 * 1024  # bytes of an answer
_SECONDS = 60  # that a token of one's own is good for: one request


@dataclass
class Answer:
    """What an endpoint answered.

    Attributes:
        status: of HTTP.
        headers: by their names in lower case.
        body: its beginning.
        whole: whether that is all of it.
        took: seconds from the request to the answer's end.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = True
    took: float = 0.0

    @property
    def deployment(self) -> str:
        """Who answered; empty if no deployment did."""
        return self.headers.get(DEPLOYMENT, "")


async def ask(visit: Visit, endpoint: Document, asked: Asked) -> Answer:
    """Send a request to an endpoint.

    Raises:
        AzureError: who looks may not have the endpoint's key or token.
    """
    secret = await _secret(visit, endpoint)
    address, found = urlsplit(asked.url), Answer()
    headers = {**asked.headers(secret), "Host": address.netloc, "Content-Length": str(len(asked.body))}
    scope: Scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": address.scheme,
        "path": address.path,
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "state": {},
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": asked.body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            found.status = message["status"]
            texts = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"])
            found.headers = {name.lower(): value for name, value in texts}
        else:
            room = _SHOWN - len(found.body)
            found.whole &= len(message.get("body", b"")) <= room
            found.body += message.get("body", b"")[:room]

    begun = visit.cloud.clock.now()
    try:
        await visit.scoring(scope, receive, send)
    except (Broken, TimeoutError):  # in the middle of the answer: to a client the connection breaks off
        found.whole = False
    found.took = (visit.cloud.clock.now() - begun).total_seconds()
    return found


async def _secret(visit: Visit, endpoint: Document) -> str:
    mode, id_ = endpoint["properties"]["authMode"], endpoint["id"]
    if mode == "Key":
        return str((await visit.reader.post(f"{id_}/listKeys"))["primaryKey"])
    if mode == "AMLToken":
        return str((await visit.reader.post(f"{id_}/token"))["accessToken"])
    who, audience = visit.principal.object_id, MACHINE_LEARNING.audiences[0]
    return visit.cloud.tokens.issue(who, audience, _SECONDS)[0]
