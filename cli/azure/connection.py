"""One pipeline to Azure, and Microsoft's clients over it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from azure.core.credentials import TokenCredential
from azure.core.pipeline import Pipeline, PipelineResponse
from azure.core.pipeline.policies import UserAgentPolicy
from azure.core.pipeline.transport import HttpTransport, RequestsTransport
from azure.core.rest import HttpRequest
from azure.mgmt.core import ARMPipelineClient

from azmlflow.cli.azure import caller
from azmlflow.cli.azure.addresses import ENDPOINT
from azmlflow.cli.azure.bounded import Bounded
from azmlflow.cli.azure.policies import policies
from azmlflow.rbac.live.waits import OnWait
from azmlflow.resourcetypes.table import version_of

Client = TypeVar("Client")


class Connection:
    """A pipeline, the bare client over it, and those of `azure-mgmt-*`, made when first asked for.

    Args:
        transport: sends requests; azure-core's own by default.
        credential: signs in; by default with what the environment has.
        on_wait: hears of each long wait before it begins.
    """

    def __init__(
        self,
        transport: HttpTransport[Any, Any] | None,
        credential: TokenCredential | None,
        on_wait: OnWait | None = None,
    ) -> None:
        self._transport: Any = transport or RequestsTransport()
        self._credential = credential or caller.credential()
        self._on_wait = on_wait
        # Microsoft's clients would make a pipeline each, with a token and connections of its own.
        self._pipeline: Pipeline[HttpRequest, Any] = Pipeline(self._transport, policies(self._credential, on_wait))
        self.bare: ARMPipelineClient[Any, Any] = ARMPipelineClient(ENDPOINT, pipeline=self._pipeline, policies=[])
        self._clients: dict[tuple[object, ...], Any] = {}

    def bounded(self, seconds: float, clock: Callable[[], float]) -> Connection:
        """The same, that gives up so many seconds from now."""
        return Connection(cast(Any, Bounded(self._transport, seconds, clock)), self._credential, self._on_wait)

    def client(self, kind: Callable[..., Client], type_: str, *about: str) -> Client:
        """One of Microsoft's clients.

        Args:
            kind: its class.
            type_: the type whose API version it speaks.
            about: what its class wants to know besides: mostly a subscription's id.
        """
        key = (kind, type_, *about)
        if key not in self._clients:
            self._clients[key] = kind(
                self._credential, *about, base_url=ENDPOINT, api_version=version_of(type_), pipeline=self._pipeline
            )
        found: Client = self._clients[key]
        return found

    def send(self, request: HttpRequest, **options: Any) -> PipelineResponse[HttpRequest, Any]:
        """Send a request through the pipeline, with options of azure-core's policies and ours."""
        return self._pipeline.run(request, **options)

    def plain(self, request: HttpRequest) -> Any:
        """Send a request as it is, without our sign-in; the answer, whatever it is."""
        return Pipeline(self._transport, [UserAgentPolicy("azmlflow")]).run(request).http_response

    def token(self, scope: str) -> str:
        """A token of whoever is signed in, for another service than Resource Manager."""
        return self._credential.get_token(scope).token

    def sleep(self, seconds: float) -> None:
        """Wait, as the transport does."""
        self._transport.sleep(seconds)
