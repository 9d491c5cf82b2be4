"""A little ARM in memory behind azure-core's transport, for tests of the plugin: no network, no sleeping."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest._requests_basic import RestRequestsTransportResponse
from requests.structures import CaseInsensitiveDict

from azmlflow.localazure.plugin.client.client import Arm

SUBSCRIPTION = "00000000-0000-0000-0000-00000000000a"


@dataclass(frozen=True)
class Sent:
    """One request as it went out."""

    method: str
    url: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


Reply = tuple[int, Mapping[str, str], Any]


@dataclass
class FakeAzure(HttpTransport[Any, Any]):
    """Stores what is PUT, gives it back, and answers from `scripted` first: what tests need of ARM.

    `scripted` holds functions from a request to a reply, or to None to fall through; each is asked in turn.
    """

    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    scripted: list[Callable[[Sent], Reply | None]] = field(default_factory=list)
    now: float = 0.0

    def send(self, request: Any, **_: Any) -> Any:
        split = urlsplit(request.url)
        content = request.content if isinstance(request.content, bytes) else (request.content or "").encode()
        sent = Sent(
            request.method,
            request.url,
            split.path,
            dict(parse_qsl(split.query)),
            dict(request.headers),
            json.loads(content) if content else None,
        )
        self.sent.append(sent)
        reply = next((found for ask in self.scripted if (found := ask(sent)) is not None), None) or self._answer(sent)
        return _response(request, *reply)

    def _answer(self, sent: Sent) -> Reply:
        key = sent.path.lower()
        if sent.method == "PUT":
            known = key in self.documents
            body = {"properties": {}, **sent.body}
            body["properties"] = {**body["properties"], "provisioningState": "Succeeded"}
            self.documents[key] = {**body, "id": sent.path, "name": sent.path.rsplit("/", 1)[-1], "type": "T/t"}
            return (200 if known else 201), {}, self.documents[key]
        if sent.method == "DELETE":
            return (200, {}, None) if self.documents.pop(key, None) else (204, {}, None)
        if key not in self.documents:
            return 404, {}, {"error": {"code": "ResourceNotFound", "message": "not there"}}
        return 200, {}, self.documents[key]

    def methods(self) -> list[str]:
        """The methods of all requests, in order."""
        return [sent.method for sent in self.sent]

    def sleep(self, duration: float) -> None:
        self.slept.append(duration)
        self.now += duration

    def open(self) -> None: ...

    def close(self) -> None: ...

    def __enter__(self) -> FakeAzure:
        return self

    def __exit__(self, *exception: object) -> None: ...


def _response(request: Any, status: int, headers: Mapping[str, str], body: Any) -> Any:
    inner = requests.Response()
    inner.status_code = status
    inner.headers = CaseInsensitiveDict({"Content-Type": "application/json", **headers})
    inner._content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    inner._content_consumed = True
    response: Any = RestRequestsTransportResponse(request=request, internal_response=inner)  # type: ignore[no-untyped-call]
    response.read()
    return response


class Credential:
    """Gives the same token for ever and counts how often it was asked."""

    def __init__(self, token: str = "secret-token") -> None:
        self.token, self.scopes = token, list[str]()

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes += scopes
        return AccessToken(self.token, 4_102_444_800)


@pytest.fixture
def azure() -> FakeAzure:
    """An empty ARM."""
    return FakeAzure()


@pytest.fixture
def credential() -> Credential:
    """Who asks."""
    return Credential()


@pytest.fixture
def arm(azure: FakeAzure, credential: Credential) -> Arm:
    """A client of the empty ARM whose clock moves only by sleeping."""
    return Arm(credential, azure, "correlation-1", monotonic=lambda: azure.now)


@pytest.fixture
def subscription() -> str:
    """The subscription in all ids."""
    return SUBSCRIPTION
