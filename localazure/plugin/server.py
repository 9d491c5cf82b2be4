"""The provider as a gRPC server for Pulumi's engine.

The base's servicer turns every error into a traceback for the user, drops old inputs and the naming rule, and cannot
say that a resource exists but is not ready. This one says a typed error as its one sentence and sends
`ErrorResourceInitFailed`; an error that is not typed is a defect and stays a traceback.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf import empty_pb2
from pulumi.provider.experimental import provider as base
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime import proto
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2_grpc, status_pb2

from azmlflow.localazure.plugin.client.calls import ArmError, Interrupted, NotSignedIn
from azmlflow.localazure.plugin.provider import (
    AzureProvider,
    CheckRequest,
    DiffRequest,
    Misconfigured,
    UpdateRequest,
)
from azmlflow.localazure.plugin.schema.ids import BadId
from azmlflow.localazure.plugin.schema.naming import Autonaming
from azmlflow.localazure.plugin.schema.types import NotServed
from azmlflow.localazure.plugin.schema.values import UnsupportedValue, wrap_map
from azmlflow.localazure.plugin.threads import Threads
from azmlflow.localazure.plugin.writes import AlreadyExists, InitFailed

REFUSALS = (AlreadyExists, ArmError, BadId, Interrupted, Misconfigured, NotServed, NotSignedIn, UnsupportedValue)
_AUTONAMING_MODES = ("propose", "enforce", "disable")

_unmarshal, _marshal = PropertyValue.unmarshal_map, PropertyValue.marshal_map


class Servicer(ProviderServicer):
    """The provider's verbs over gRPC, as pulumi's provider.proto has them.

    Args:
        version: of the plugin.
        provider: answers.
        engine: the engine's own address, as far as it is known.
        on_attach: hears it from an engine that attaches.
    """

    _provider: AzureProvider

    def __init__(
        self, version: str, provider: AzureProvider, engine: str = "", on_attach: Callable[[str], None] | None = None
    ) -> None:
        super().__init__([], version, provider, engine)
        self._on_attach = on_attach

    async def end(self) -> None:
        """End all waiting."""
        await self._provider.cancel()

    async def Handshake(self, request: Any, context: Any) -> Any:  # noqa: ARG002
        return proto.ProviderHandshakeResponse(supports_autonaming_configuration=True)

    async def Attach(self, request: Any, context: Any) -> Any:  # noqa: ARG002
        if self._on_attach:
            self._on_attach(request.address)
        return empty_pb2.Empty()

    async def Configure(self, request: Any, context: Any) -> Any:
        async with _speaking(context):
            settings = base.ConfigureRequest(
                dict(request.variables), _unmarshal(request.args), request.acceptSecrets, request.acceptResources
            )
            answer = await self._provider.configure(settings)
        return proto.ConfigureResponse(
            acceptSecrets=answer.accept_secrets,
            acceptResources=answer.accept_resources,
            acceptOutputs=answer.accept_outputs,
            supportsPreview=answer.supports_preview,
            supports_autonaming_configuration=True,
        )

    async def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: ARG002
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "the local azure-native plugin has no schema to give")

    async def Check(self, request: Any, context: Any) -> Any:
        check = CheckRequest(request.urn, _unmarshal(request.olds), _unmarshal(request.news), request.randomSeed)
        if request.HasField("autonaming"):
            rule = request.autonaming
            check.autonaming = Autonaming(rule.proposed_name, _AUTONAMING_MODES[rule.mode])  # type: ignore[arg-type]
        async with _speaking(context):
            answer = await self._provider.check(check)
        failures = [proto.CheckFailure(property=fault.property, reason=fault.reason) for fault in answer.failures or ()]
        return proto.CheckResponse(inputs=_marshal(answer.inputs or {}), failures=failures)

    async def Diff(self, request: Any, context: Any) -> Any:
        diff = DiffRequest(
            request.urn, request.id, _unmarshal(request.olds), _unmarshal(request.news), list(request.ignoreChanges)
        )
        diff.old_inputs = _unmarshal(request.old_inputs)
        async with _speaking(context):
            answer = await self._provider.diff(diff)
        return proto.DiffResponse(
            changes=proto.DiffResponse.DIFF_SOME if answer.changes else proto.DiffResponse.DIFF_NONE,
            replaces=answer.replaces,
            diffs=answer.diffs,
            deleteBeforeReplace=answer.delete_before_replace,
            hasDetailedDiff=True,
            detailedDiff={
                path: proto.PropertyDiff(kind=proto.PropertyDiff.Kind.Value(change.kind.name), inputDiff=True)
                for path, change in answer.detailed_diff.items()
            },
        )

    async def Create(self, request: Any, context: Any) -> Any:
        create = base.CreateRequest(request.urn, _unmarshal(request.properties), request.timeout, request.preview)
        async with _speaking(context):
            answer = await self._provider.create(create)
        return proto.CreateResponse(id=answer.resource_id or "", properties=_marshal(answer.properties))

    async def Update(self, request: Any, context: Any) -> Any:
        update = UpdateRequest(
            request.urn,
            request.id,
            _unmarshal(request.olds),
            _unmarshal(request.news),
            request.timeout,
            list(request.ignoreChanges),
            request.preview,
        )
        update.old_inputs = _unmarshal(request.old_inputs)
        async with _speaking(context):
            answer = await self._provider.update(update)
        return proto.UpdateResponse(properties=_marshal(answer.properties))

    async def Read(self, request: Any, context: Any) -> Any:
        read = base.ReadRequest(request.urn, request.id, _unmarshal(request.properties), _unmarshal(request.inputs))
        async with _speaking(context):
            answer = await self._provider.read(read)
        return proto.ReadResponse(
            id=answer.resource_id or "", properties=_marshal(answer.properties), inputs=_marshal(answer.inputs)
        )

    async def Delete(self, request: Any, context: Any) -> Any:
        delete = base.DeleteRequest(request.urn, request.id, _unmarshal(request.properties), request.timeout)
        async with _speaking(context):
            await self._provider.delete(delete)
        return empty_pb2.Empty()

    async def Invoke(self, request: Any, context: Any) -> Any:
        async with _speaking(context):
            answer = await self._provider.invoke(base.InvokeRequest(request.tok, _unmarshal(request.args)))
        returned: Any = {"return": _marshal(answer.return_value or {})}  # a keyword of Python's
        return proto.InvokeResponse(**returned)


@contextlib.asynccontextmanager
async def _speaking(context: Any) -> AsyncIterator[None]:
    """Turn typed errors into what the engine shows: their sentence, and no more.

    The status is one that the engine counts as well understood; after UNKNOWN it assumes that the state is lost.
    """
    try:
        yield
    except InitFailed as error:
        await context.abort_with_status(init_failed_status(error))
    except REFUSALS as error:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))


def init_failed_status(error: InitFailed) -> Any:
    """The gRPC status by which the engine keeps a resource that is there but not ready."""
    detail = proto.ErrorResourceInitFailed(
        id=error.resource_id, properties=_marshal(wrap_map(error.properties)), reasons=error.reasons
    )
    rich = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    rich.details.add().Pack(detail)
    status = grpc.Status()
    status.code, status.details = grpc.StatusCode.UNKNOWN, str(error)
    status.trailing_metadata = (("grpc-status-details-bin", rich.SerializeToString()),)
    return status


@contextlib.asynccontextmanager
async def serving(servicer: Servicer) -> AsyncIterator[int]:
    """Serve on a port of this machine alone, which it yields; all waiting ends with the context."""
    asyncio.get_running_loop().set_default_executor(Threads())
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await servicer.end()
        await server.stop(grace=0.5)


async def serve(provider: AzureProvider, version: str, engine: str, parent: int) -> None:
    """Serve until the engine ends us, or is gone itself.

    Args:
        provider: answers.
        version: of the plugin.
        engine: the engine's own address, from the command line.
        parent: the engine's process, asked for before anything that takes time.
    """
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with serving(Servicer(version, provider, engine)) as port:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        orphaned = asyncio.create_task(_watch_parent(parent, ended))
        await ended.wait()
        orphaned.cancel()


async def _watch_parent(parent: int, ended: asyncio.Event) -> None:
    """End with the engine, however it ended: a killed one must not leave a process that goes on deploying."""
    while os.getppid() == parent:
        await asyncio.sleep(1)
    ended.set()
