"""What the plugin tells the user beside its answers: through the engine, at the resource that it is about."""

from __future__ import annotations

import contextlib

import grpc
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class EngineLog:
    """Pulumi's engine as a log.

    Args:
        address: where the engine listens, from the plugin's command line.
    """

    def __init__(self, address: str) -> None:
        self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address, options=_GRPC_CHANNEL_OPTIONS))

    def warn(self, urn: str, text: str) -> None:
        """Show a warning at a resource; an engine that is gone has nobody to show it to."""
        request = engine_pb2.LogRequest(severity=engine_pb2.LogSeverity.WARNING, message=text, urn=urn)
        with contextlib.suppress(grpc.RpcError):
            self._stub.Log(request, timeout=10)
