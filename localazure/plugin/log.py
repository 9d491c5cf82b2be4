"""What the plugin tells the user beside its answers: through the engine, at the resource that it is about."""

from __future__ import annotations

import contextlib

import grpc
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

WAITING = "waiting:"  # begins what `azmlflow` shows at once (`cli/pulumi/changes.py`); engines show it at their end


class EngineLog:
    """Pulumi's engine as a log.

    Args:
        address: where the engine listens, from the plugin's command line; None for one that has yet to attach.
    """

    def __init__(self, address: str | None = None) -> None:
        self._stub: engine_pb2_grpc.EngineStub | None = None
        if address is not None:
            self.attach(address)

    def attach(self, address: str) -> None:
        """Hear where the engine listens."""
        self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address, options=_GRPC_CHANNEL_OPTIONS))

    def warn(self, urn: str, text: str) -> None:
        """Show a warning at a resource; an engine that is gone has nobody to show it to."""
        self._log(engine_pb2.LogSeverity.WARNING, urn, text)

    def wait(self, text: str) -> None:
        """Tell of a wait."""
        self._log(engine_pb2.LogSeverity.INFO, "", f"{WAITING} {text}")

    def _log(self, severity: engine_pb2.LogSeverity.ValueType, urn: str, text: str) -> None:
        if self._stub is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=text, urn=urn)
        with contextlib.suppress(grpc.RpcError):
            self._stub.Log(request, timeout=10)
