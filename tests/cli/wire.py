"""The way to Azure as azure-core sees it, with a test at its end: answers, sleeps and a sign-in, and no network."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import HttpTransport
from azure.core.utils import case_insensitive_dict

TOKEN = "token-of-the-test"
ML_TOKEN = "token-for-machine-learning"
ENDPOINT = "https://management.azure.com"


class Credential:
    """Signs in, always."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        if scopes == ("https://ml.azure.com/.default",):
            return AccessToken(ML_TOKEN, 2**40)
        assert scopes == (f"{ENDPOINT}/.default",)
        return AccessToken(TOKEN, 2**40)


class Response:
    """An answer as azure-core's policies, its polling and the generated clients look at it."""

    reason = "because"
    content_type = "application/json"

    def __init__(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.status_code, self.content, self.headers = status, body, case_insensitive_dict(dict(headers or {}))
        self.request: Any = None

    def body(self) -> bytes:
        return self.content

    def text(self, encoding: str | None = None) -> str:
        return self.content.decode(encoding or "utf-8")

    def json(self) -> Any:
        return json.loads(self.content)

    def read(self) -> bytes:
        return self.content

    def close(self) -> None:
        pass


def answer(status: int, document: Any = None, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a JSON body, or none."""
    return Response(status, b"" if document is None else json.dumps(document).encode(), headers)


class Wire(HttpTransport[Any, Any]):
    """Hands each request to a function; sleeping is writing it down.

    Args:
        respond: answers a request.
    """

    def __init__(self, respond: Callable[[Any], Response]) -> None:
        self._respond = respond
        self.slept: list[float] = []
        self.options: dict[str, Any] = {}

    def send(self, request: Any, **options: Any) -> Response:
        self.options = options
        response = self._respond(request)
        response.request = request
        return response

    def sleep(self, duration: float) -> None:
        self.slept.append(duration)

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def told(request: Any) -> Any:
    """The document that a request carries."""
    content = getattr(request, "content", None)
    return json.loads(content) if content else None
