"""Requests by id or path, for all that Microsoft's clients in `ResourceManager` do not ask: dictionaries in and out.

The type, which the path tells, decides on the API version (`addresses.py`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from azmlflow.cli.azure.addresses import url_of
from azmlflow.cli.azure.errors import NO_SUBSCRIPTION, ArmError, ForeignAnswer, TimedOut, late_at
from azmlflow.cli.azure.sharing import Memory

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline import PipelineResponse
    from azure.core.pipeline.transport import HttpTransport

    from azmlflow.cli.azure.operation import OnPause, Operation
    from azmlflow.rbac.live.waits import OnWait

Document = dict[str, Any]
Answer = TypeVar("Answer")
_LONGEST = 3600.0
_SOON, _LATER = 0.25, 8.0  # seconds between two looks at what has no operation to tell of its end
# Microsoft, "Configure inbound and outbound network traffic" (Azure Machine Learning): required outbound hosts.
_ML_SERVICE = re.compile(r"[a-z0-9-]+\.api\.azureml\.ms")
# Microsoft, "Network isolation with managed online endpoints": where they answer.
_SCORING = re.compile(r"[a-z0-9-]+\.[a-z0-9]+\.inference\.ml\.azure\.com", re.IGNORECASE)
NO_NAMESPACE = "InvalidResourceNamespace"
# 404s of requests that Azure could not place: they say nothing of the resource. A list with an api-version that Azure
# does not have for a type gets one (Microsoft, "Troubleshoot common Azure deployment errors").
_NOWHERE = frozenset((NO_SUBSCRIPTION, NO_NAMESPACE, "InvalidResourceType", "MissingSubscription"))
EVERY_METHOD = frozenset(("GET", "PUT", "PATCH", "DELETE", "POST"))  # whatever we POST may be said twice
RESOURCES: Mapping[str, Any] = {"expects": "resources"}


class ById:
    """Resource Manager over HTTPS.

    All methods raise ArmError for a refusal, ForeignAnswer and MalformedAnswer for an answer that is not Azure's,
    TimedOut, and azure-core's errors where nobody is signed in or nothing answers.

    Args:
        transport: sends requests, and sleeps between them; azure-core's own by default.
        credential: signs in; by default with what the environment has.
        longest: seconds after which an operation is given up.
        clock: seconds, monotonic.
        on_wait: hears of each long wait that Azure asks for, before it begins.
    """

    def __init__(
        self,
        transport: HttpTransport[Any, Any] | None = None,
        credential: TokenCredential | None = None,
        longest: float = _LONGEST,
        clock: Callable[[], float] = time.monotonic,
        *,
        on_wait: OnWait | None = None,
    ) -> None:
        from azmlflow.cli.azure.connection import Connection

        self._unbounded = self._connection = Connection(transport, credential, on_wait)
        self._longest, self._clock = longest, clock
        self._memory: Memory | None = None

    def get(self, id_: str, *, version: str = "") -> Document | None:
        """A document; None if it is not there. With another api-version, where one is named."""
        return found(lambda: _document(self._send("GET", url_of(id_, version=version), where=id_)))

    def page(self, path: str) -> Document | None:
        """The first page of a list of resources; None if there is no such list."""
        return found(lambda: _document(self._send("GET", url_of(path), where=path, **RESOURCES)))

    def list(self, path: str, params: Mapping[str, str] | None = None, *, ids: bool = True) -> tuple[Document, ...]:
        """A list, over all of its pages; empty where what it is of is not there. Most are of what has an `id`."""
        from azure.core.paging import ItemPaged

        def ask(link: str | None) -> PipelineResponse[Any, Any]:
            expects = "resources" if ids else "list"
            return self._send("GET", link or url_of(path, params), where=path, expects=expects)

        def take(answer: PipelineResponse[Any, Any]) -> tuple[str | None, Iterable[Document]]:
            page = _document(answer)
            return page.get("nextLink") or None, page["value"]

        return self._once("" if params else path, lambda: ItemPaged[Document](ask, take))

    def lasting(self, path: str) -> tuple[Document, ...]:
        """A list of what is another's: removals that share a memory ask for it once for all, and keep it for longer."""
        if self._memory is None:
            return self.list(path)
        return self._memory.once(path.lower(), lambda: self.list(path), lasting=True)

    def begin_delete(self, id_: str, params: Mapping[str, str] | None = None) -> Operation | None:
        """Delete without waiting; None if nothing was there."""
        return self._begin("DELETE", id_, url_of(id_, params))

    def delete(self, id_: str, params: Mapping[str, str] | None = None) -> bool:
        """Delete and wait for it; False if nothing was there."""
        return _ended(self.begin_delete(id_, params))

    def put(self, id_: str, document: Mapping[str, Any], *, version: str = "", on_wait: OnPause | None = None) -> None:
        """Make or change a resource and wait for it.

        Args:
            id_: the resource.
            document: what it is to be.
            version: the api-version, where it is not the one that azmlflow sends for the type.
            on_wait: hears, before each pause, for how many seconds it has been waited.
        """
        self._write("PUT", id_, document, version, on_wait)

    def patch(self, id_: str, document: Mapping[str, Any], *, version: str = "") -> None:
        """Change a resource in part and wait for it; as `put`."""
        self._write("PATCH", id_, document, version)

    def post(
        self,
        id_: str,
        action: str,
        body: Mapping[str, Any] | None = None,
        on_wait: OnPause | None = None,
        *,
        version: str = "",
    ) -> bool:
        """POST an action and wait for it; False if nothing was there.

        Args:
            id_: the resource.
            action: what is to be done with it.
            body: what else is said of it.
            on_wait: hears, before each pause, for how many seconds it has been waited.
            version: the api-version, where it is not the one that azmlflow sends for the type.
        """
        return _ended(self._begin("POST", id_, url_of(id_, action=action, version=version), body), on_wait)

    def act(self, id_: str, action: str, question: Mapping[str, Any] | None = None) -> Document:
        """POST an action that answers at once, such as `listKeys`."""
        return _document(self._send("POST", url_of(id_, action=action), question or {}, where=id_, expects="document"))

    def ask(self, path: str, question: Mapping[str, Any]) -> Document | None:
        """POST a question, such as whether a name is free; None if what it is asked of is not there."""
        return found(lambda: _document(self._send("POST", url_of(path), question, where=path, expects="document")))

    def call(self, method: str, url: str, question: Mapping[str, Any] | None = None) -> Document | None:
        """Ask the Azure Machine Learning service, which takes the same sign-in; None for 404.

        Raises:
            ForeignAnswer: the URL, which is made of what a workspace's document tells, is of another service.
        """
        host = urlsplit(url).netloc
        if not _ML_SERVICE.fullmatch(host):
            raise ForeignAnswer("Resource Manager", f"https://{host}", urlsplit(url).path)
        return found(lambda: _document(self._send(method, url, question, host=host, expects="document")))

    def predict(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str, Mapping[str, str]]:
        """Ask an online endpoint: the status, what it answers, and the answer's headers.

        Args:
            url: the endpoint's scoring URI, as its document tells it.
            headers: with the key or token; it gets none of ours.
            body: the request.

        Raises:
            ForeignAnswer: the URL is none of an online endpoint.
        """
        from azure.core.rest import HttpRequest

        split = urlsplit(url)
        if split.scheme != "https" or not _SCORING.fullmatch(split.netloc):
            raise ForeignAnswer("Resource Manager", f"{split.scheme}://{split.netloc}", split.path)
        answer = self._connection.plain(HttpRequest("POST", url, headers=dict(headers), content=body))
        return answer.status_code, answer.body().decode(errors="replace"), answer.headers

    def token(self, scope: str) -> str:
        """A token of whoever is signed in, for another service than Resource Manager."""
        return self._connection.token(scope)

    def now(self) -> datetime | None:
        """Azure's own time, to the second; None if it doesn't say. Every answer bears it (RFC 9110, `Date`)."""
        said = self._send("GET", url_of("/tenants"), **RESOURCES).http_response.headers.get("Date")
        return parsedate_to_datetime(said) if said else None

    def until(self, id_: str, good: Callable[[Document | None], bool], on_wait: OnPause | None = None) -> None:
        """Read a document (None for 404) again and again until it is as wanted: soon, and then ever later."""
        waited, pause = 0.0, _SOON
        with late_at(id_):
            while not good(self.get(id_)):
                if waited > self._longest:
                    raise TimedOut.after(self._longest)
                if on_wait:
                    on_wait(waited)
                self._connection.sleep(pause)
                waited, pause = waited + pause, min(2 * pause, _LATER)

    def _send(
        self, method: str, url: str, body: Mapping[str, Any] | None = None, **options: Any
    ) -> PipelineResponse[Any, Any]:
        from azure.core.rest import HttpRequest

        request = HttpRequest(method, url, json=None if body is None else dict(body))
        return self._connection.send(request, retry_on_methods=EVERY_METHOD, **options)

    def _write(
        self, method: str, id_: str, document: Mapping[str, Any], version: str, on_wait: OnPause | None = None
    ) -> None:
        from azmlflow.cli.azure.operation import Operation

        try:
            accepted = self._send(method, url_of(id_, version=version), document, where=id_)
        finally:
            self._forget()
        Operation(self._connection.bare, accepted, id_, self._longest, self._forget).wait(on_wait)

    def _begin(self, method: str, id_: str, url: str, body: Mapping[str, Any] | None = None) -> Operation | None:
        from azmlflow.cli.azure.operation import Operation

        try:
            accepted = found(lambda: self._send(method, url, body, where=id_))
        finally:
            self._forget()
        if accepted is None or accepted.http_response.status_code == 204:
            return None
        return Operation(self._connection.bare, accepted, id_, self._longest, self._forget)

    def _forget(self) -> None:
        if self._memory is not None:
            self._memory.forget()

    def _once(self, path: str, ask: Callable[[], Iterable[Answer]]) -> tuple[Answer, ...]:
        """A list; of a whole subscription, where many removals share a memory, it is asked for once for all of them."""
        if self._memory is None or path.count("/") != 5:  # /subscriptions/ID/providers/NAMESPACE/TYPE
            return every(ask())
        return self._memory.once(path.lower(), lambda: every(ask()))


def found(ask: Callable[[], Answer], absent: str = "") -> Answer | None:
    """What is asked for; None if it is not there.

    Args:
        ask: asks for it.
        absent: Azure's code for a subscription or provider that is not there, where one of these is asked for.

    Raises:
        ArmError: Azure refuses; also a 404 that says nothing of what is asked for.
    """
    try:
        return ask()
    except ArmError as fault:
        if fault.code != absent and not _is_absence(fault):
            raise
        return None


def every(entries: Iterable[Answer]) -> tuple[Answer, ...]:
    """A whole list, over all of its pages; empty where what it is of is not there.

    Raises:
        ArmError: as `found`; also where a page of it is not there.
    """
    listed: list[Answer] = []
    try:
        listed.extend(entries)
    except ArmError as fault:
        if listed or not _is_absence(fault):
            raise
    return tuple(listed)


def _is_absence(fault: ArmError) -> bool:
    return fault.status == 404 and fault.code not in _NOWHERE


def _ended(operation: Operation | None, on_wait: OnPause | None = None) -> bool:
    if operation is not None:
        operation.wait(on_wait)
    return operation is not None


def _document(answer: PipelineResponse[Any, Any]) -> Document:
    from azmlflow.cli.azure.policies import DOCUMENT

    document: Document = answer.context[DOCUMENT]
    return document
