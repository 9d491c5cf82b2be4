"""Azure's own management clients against the embedded Azure of a test, without a server."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import BaseAdapter

from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from tests.localazure.control import DEVELOPER, Azure

Client = TypeVar("Client")


class Credential:
    """Signs in as the developer."""

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """A token that the test does not look at."""
        return AccessToken("of-a-test", 4102444800)


class _Adapter(BaseAdapter):
    """Hands a request to the embedded Azure, and time goes on at each one."""

    def __init__(self, azure: Azure) -> None:
        super().__init__()
        self._azure = azure

    def send(self, request: requests.PreparedRequest, *_given: Any, **_options: Any) -> requests.Response:
        url = urlsplit(request.url or "")
        sent: Any = request.body or b""
        content = sent.encode() if isinstance(sent, str) else sent
        answer = self._azure.send_raw(
            str(url.hostname), request.method or "", f"{url.path}?{url.query}", content, DEVELOPER
        )
        self._azure.wait()
        response = requests.Response()
        response.status_code = answer.status_code
        response.raw = urllib3.HTTPResponse(io.BytesIO(answer.content), preload_content=False)
        response.headers.update(answer.headers)
        response.request, response.url = request, str(request.url)
        return response

    def close(self) -> None:
        """Nothing is open."""


def transport(azure: Azure) -> RequestsTransport:
    """A way to the embedded Azure of a test, as azure-core takes it."""
    session = requests.Session()
    session.mount("https://", _Adapter(azure))
    return RequestsTransport(session=session, session_owner=False)


def client(azure: Azure, kind: Callable[..., Client], **options: Any) -> Client:
    """A management client of Azure's, as the developer."""
    return kind(
        Credential(),
        SUBSCRIPTION_ID,
        transport=transport(azure),
        polling_interval=0,
        retry_total=0,
        **options,
    )
