"""Pulumi's engine in this process: through the plugin it makes in an embedded Azure what the program declares, and
deletes it again. No waiting, no state, one resource after the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

from google.protobuf import empty_pb2
from pulumi.provider.experimental import provider as base
from pulumi.runtime import rpc
from pulumi.runtime.proto import resource_pb2

from azmlflow.infra.__main__ import declare
from azmlflow.infra.rehearsal import Monitor, play, struct
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID, TENANT_ID
from azmlflow.localazure.plugin.client.client import Arm
from azmlflow.localazure.plugin.provider import AzureProvider
from azmlflow.localazure.plugin.schema.values import plain_map, wrap_map
from tests.localazure.control import Azure
from tests.localazure.sdk import Credential, transport

PROJECT, STACK = "azmlflow", "dev"
_LOCK = "azure-native:authorization:ManagementLockByScope"


class Engine(Monitor):
    """Stands stacks up, and takes them down.

    Args:
        azure: where.

    Attributes:
        outputs: of the stack that was stood up last.
    """

    def __init__(self, azure: Azure) -> None:
        super().__init__()
        way: Any = transport(azure)
        way.sleep = lambda _seconds: None  # each request lets all that runs end
        self._arm, self._lock = Arm(Credential(), way, "of-a-test"), threading.Lock()
        self._made: list[tuple[str, str, str]] = []
        self.outputs: Mapping[str, Any] = {}

    def up(self, config: Mapping[str, Any]) -> None:
        """Run the program with these settings; raises whatever it or Azure does."""
        play(declare, self, config, project=PROJECT, stack=STACK)

    def down(self) -> None:
        """Locks first, as `azmlflow down`; then what does not go with another, the last made first."""
        made, self._made = self._made[::-1], []
        locks = [each for each in made if f"${_LOCK}::" in each[0]]
        for urn, id_, _ in (*locks, *(each for each in made if each not in locks and not each[2])):
            asyncio.run(self._provider().delete(base.DeleteRequest(urn, id_, {}, 0)))

    def _provider(self) -> AzureProvider:
        """A new one for each event loop."""
        return AzureProvider(lambda: self._arm, lambda: None, SUBSCRIPTION_ID)

    def Invoke(self, request: Any) -> Any:
        """What the program asks."""
        args = rpc.deserialize_properties(request.args)
        if request.tok.endswith(":getClientConfig"):
            found: Mapping[str, Any] = {
                "subscriptionId": SUBSCRIPTION_ID, "tenantId": TENANT_ID, "clientId": "", "objectId": "",
            }  # fmt: skip
        else:
            with self._lock:
                asked = base.InvokeRequest(request.tok, wrap_map(args))
                found = plain_map(asyncio.run(self._provider().invoke(asked)).return_value or {})
        told: Any = {"return": struct(found)}
        return resource_pb2.ResourceInvokeResponse(**told)

    def RegisterResource(self, request: Any) -> Any:
        """Make a resource."""
        above = request.parent.split("::")[2] if request.parent else ""
        chain = request.type if above in ("", "pulumi:pulumi:Stack") else f"{above}${request.type}"
        urn = f"urn:pulumi:{STACK}::{PROJECT}::{chain}::{request.name}"
        if not request.type.startswith("azure-native:"):
            return resource_pb2.RegisterResourceResponse(urn=urn, id=request.name)
        inputs = wrap_map(rpc.deserialize_properties(request.object))
        with self._lock:
            checked = asyncio.run(self._provider().check(base.CheckRequest(urn, {}, inputs, b"seed")))
            assert not checked.failures, (urn, checked.failures)
            made = asyncio.run(self._provider().create(base.CreateRequest(urn, checked.inputs or {}, 0, False)))
        assert made.resource_id
        self._made.append((urn, made.resource_id, request.deletedWith))
        state = struct(plain_map(made.properties or {}))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=made.resource_id, object=state)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        """Keep the stack's."""
        if request.urn.endswith(f"::{PROJECT}-{STACK}"):
            self.outputs = rpc.deserialize_properties(request.outputs)
        return empty_pb2.Empty()
