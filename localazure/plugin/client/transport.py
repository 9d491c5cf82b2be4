"""The way to Azure: requests over HTTPS whose waiting ends when the engine says so."""

from __future__ import annotations

import threading
from typing import Any

from azure.core.pipeline.transport import HttpTransport, RequestsTransport

from azmlflow.localazure.plugin.client.calls import Interrupted


class StoppableTransport(HttpTransport[Any, Any]):
    """Requests' transport whose waiting (between retries and polls) ends with `Interrupted` when told.

    Args:
        stopped: once set, nothing more is sent or waited for.
        verify: path of the only authorities to trust; True for the environment's.
    """

    def __init__(self, stopped: threading.Event, verify: str | bool = True) -> None:
        self._stopped = stopped
        self._inner = RequestsTransport(connection_verify=verify, connection_timeout=10, read_timeout=120)

    def send(self, request: Any, **kwargs: Any) -> Any:
        if self._stopped.is_set():
            raise Interrupted("cancelled")
        return self._inner.send(request, **kwargs)

    def sleep(self, duration: float) -> None:
        if self._stopped.wait(duration):
            raise Interrupted("cancelled")

    def open(self) -> None:
        self._inner.open()

    def close(self) -> None:
        self._inner.close()

    def __enter__(self) -> StoppableTransport:
        self.open()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
