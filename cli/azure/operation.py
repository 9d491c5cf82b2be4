"""A long-running operation that Azure accepted, followed to its end by azure-mgmt-core's polling.

(Microsoft, "Track asynchronous Azure operations":
https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.core.pipeline import PipelineResponse
from azure.core.polling.base_polling import BadResponse, LocationPolling, OperationFailed, StatusCheckPolling
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.polling.arm_polling import ARMPolling, AzureAsyncOperationPolling

from azmlflow.cli.azure.errors import ArmError, MalformedAnswer, TimedOut, late_at
from azmlflow.cli.azure.policies import DOCUMENT

OnPause = Callable[[float], None]
_INTERVAL = 1.0  # seconds between two looks, where Azure names none


class Operation(ARMPolling):
    """An operation; nobody looks at it but who waits for it.

    That is why it is not an `LROPoller`: that polls in a thread of its own, which goes on after Ctrl-C and after the
    time is over. Here removals wait side by side, each in its own thread.

    Args:
        client: what the operation was begun with.
        accepted: the answer to the request that began it.
        where: the resource that it works on, for errors.
        longest: seconds of waiting after which it is given up.
        ended: called when nobody waits any more.
    """

    def __init__(
        self,
        client: ARMPipelineClient[Any, Any],
        accepted: PipelineResponse[Any, Any],
        where: str,
        longest: float,
        ended: Callable[[], None],
    ) -> None:
        # What came of it nobody asks: else azure-core would look for that, too, at the end of a POST.
        status = _Status({"final-state-via": "azure-async-operation"})
        known = [status, LocationPolling[Any, Any](), StatusCheckPolling[Any, Any]()]
        super().__init__(_INTERVAL, lro_algorithms=known, where=where, expects="anything")
        self._where, self._longest, self._ended, self._waited = where, longest, ended, 0.0
        self._on_wait: OnPause | None = None
        self.initialize(client, accepted, lambda _: None)

    def wait(self, on_wait: OnPause | None = None) -> None:
        """Wait for its end.

        Args:
            on_wait: hears, before each pause, for how many seconds it has been waited.

        Raises:
            ArmError: it failed, with Azure's reason; status 409.
            TimedOut: it has not ended in time.
            MalformedAnswer: what is answered tells no status.
        """
        self._on_wait = on_wait
        try:
            with late_at(self._where):
                self.run()
        except ArmError as fault:
            if fault.status != 404:  # else the operation went with what it deleted
                raise
        except HttpResponseError as fault:
            if not isinstance(fault.__cause__, BadResponse | OperationFailed):
                raise  # nobody is signed in any more, say
            document = self._pipeline_response.context.get(DOCUMENT)
            if not isinstance(document, dict) or not document.get("status"):
                raise MalformedAnswer("an operation without a status", self._where) from fault
            raise ArmError.of(409, document, self._where) from fault
        finally:
            self._ended()

    def _sleep(self, delay: float) -> None:
        if self._waited > self._longest:
            raise TimedOut.after(self._longest)
        if self._on_wait:
            self._on_wait(self._waited)
        super()._sleep(delay)
        self._waited += delay


class _Status(AzureAsyncOperationPolling[Any, Any]):
    """The status that `Azure-AsyncOperation` leads to; azure-core takes for granted that it is in an object."""

    def get_status(self, pipeline_response: PipelineResponse[Any, Any]) -> str:
        """What the operation is at."""
        if not isinstance(pipeline_response.context.get(DOCUMENT), dict):
            raise BadResponse("it is not a JSON object")
        return super().get_status(pipeline_response)
