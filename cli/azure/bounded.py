"""The bound of a whole removal: a transport that neither sends nor sleeps past an instant.

All that waits in azure-core (retries, polling) sleeps by its transport, so that the bound holds for all of it, and
nobody sleeps in vain for a Retry-After that is longer than the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from azure.core.exceptions import ServiceRequestTimeoutError, ServiceResponseTimeoutError
from azure.core.pipeline.transport import HttpTransport

from azmlflow.cli.azure.errors import TimedOut


class Bounded:
    """A transport that gives up; else it is the one that it was made of.

    Args:
        transport: sends and sleeps.
        seconds: after which it gives up.
        clock: seconds, monotonic.
    """

    def __init__(self, transport: HttpTransport[Any, Any], seconds: float, clock: Callable[[], float]) -> None:
        self._transport, self._seconds, self._clock = transport, seconds, clock
        self._end = clock() + seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def send(self, request: Any, **options: Any) -> Any:
        """Send a request; raises TimedOut if the time is over, or before the answer is there."""
        self._check()
        left = self._end - self._clock()
        try:
            return self._transport.send(request, **{**options, "connection_timeout": left, "read_timeout": left})
        except (ServiceRequestTimeoutError, ServiceResponseTimeoutError) as fault:
            raise TimedOut.after(self._seconds) from fault

    def sleep(self, duration: float) -> None:
        """Sleep; raises TimedOut at once if nothing could be sent afterwards."""
        self._check(duration)
        self._transport.sleep(duration)

    def _check(self, pause: float = 0.0) -> None:
        if self._clock() + pause >= self._end:
            raise TimedOut.after(self._seconds)
