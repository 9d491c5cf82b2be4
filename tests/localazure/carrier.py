"""Carries what `requests` would send to an application in this process: any client over it works, without a network."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import requests
from azure.core.pipeline.transport import RequestsTransport
from urllib3 import HTTPResponse

# Method, URL, content, headers -> status, headers, body.
Ask = Callable[[str, str, bytes, Mapping[str, str]], tuple[int, Mapping[str, str], bytes]]


class Carrier(requests.adapters.BaseAdapter):
    """Hands each request to a function."""

    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self._ask = ask

    def send(self, request: requests.PreparedRequest, *_arguments: Any, **_options: Any) -> requests.Response:
        body: Any = request.body or b""
        body = body.read() if hasattr(body, "read") else body
        headers = {name: str(value) for name, value in request.headers.items()}
        content = body.encode() if isinstance(body, str) else body
        status, told, answer = self._ask(request.method or "", request.url or "", content, headers)
        response = requests.Response()
        response.status_code, response.request = status, request
        response.reason = HTTPStatus(status).phrase
        response.headers = requests.structures.CaseInsensitiveDict(told)
        response.url = request.url or ""
        response.raw = HTTPResponse(
            io.BytesIO(answer), dict(told), preload_content=False, request_method=request.method
        )
        return response

    def close(self) -> None:
        """Nothing to close."""


def transport(session: requests.Session, ask: Ask) -> RequestsTransport:
    """azure-core's transport over a session whose requests are carried so."""
    session.mount("https://", Carrier(ask))
    return RequestsTransport(session=session, session_owner=False)
