"""The provider's verbs: what azure-native does for check, diff, create, read, update, delete and invoke.

What is decided is decided in the pure modules beside this one; here values become plain Python, ARM is asked (in
threads, for its client blocks and the engine works on many resources at once), and answers become values again.
Old inputs and the naming rule come from the engine's request; the base's request classes lack them, ours add them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pulumi.provider.experimental import provider as base
from pulumi.provider.experimental.property_value import PropertyValue

from azmlflow.localazure.plugin import functions
from azmlflow.localazure.plugin.client.calls import DEFAULT_TIMEOUT, ArmError, ArmCall, Interrupted, OperationFailed
from azmlflow.localazure.plugin.schema import shapes
from azmlflow.localazure.plugin.schema.changes import Change, changes, merge
from azmlflow.localazure.plugin.schema.checks import (
    CREATE_BEFORE_DELETE,
    Autonaming,
    NameRequired,
    Naming,
    faults,
    with_name,
)
from azmlflow.localazure.plugin.schema.types import TypeMap, catalogue
from azmlflow.localazure.plugin.schema.values import UNKNOWN, has_unknown, plain_map, wrap_map

if TYPE_CHECKING:
    from azmlflow.localazure.plugin.client.client import Arm

Values = dict[str, PropertyValue]
_GROUP_PATH = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"


class AlreadyExists(Exception):
    """What the program wants created is there already."""


class Misconfigured(Exception):
    """The stack's settings lack what every request needs."""


class InitFailed(Exception):
    """Azure accepted the resource but it did not come to be as asked: it goes into the state, marked as such.

    Attributes:
        resource_id: its ARM id.
        properties: its outputs as they are now.
        reasons: why it is not ready.
    """

    def __init__(self, resource_id: str, properties: Values, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.resource_id, self.properties, self.reasons = resource_id, properties, reasons


class CheckRequest(base.CheckRequest):
    """The base's, with the stack's naming rule."""

    autonaming: Autonaming | None = None


class DiffRequest(base.DiffRequest):
    """The base's, with the inputs of the last deployment."""

    old_inputs: Values


class UpdateRequest(base.UpdateRequest):
    """The base's, with the inputs of the last deployment."""

    old_inputs: Values


class AzureProvider(base.Provider):
    """azure-native, for the types in `types.json`.

    Args:
        connect: makes the client of ARM; called once, in a thread.
        stop: ends all waiting of that client.
        subscription: the subscription, unless the stack's settings name one.
    """

    def __init__(self, connect: Callable[[], Arm], stop: Callable[[], None], subscription: str = "") -> None:
        self._connect, self._stop, self._subscription = connect, stop, subscription
        self._connection: asyncio.Task[Arm] | None = None
        self._location = ""
        self._group_locations: dict[str, str] = {}
        self._catalogue = catalogue()

    async def configure(self, request: base.ConfigureRequest) -> base.ConfigureResponse:
        """Take the stack's settings, and start to sign in while the engine is still busy elsewhere."""
        settings = {**_settings(request.variables), **plain_map(request.args)}
        self._subscription = str(settings.get("subscriptionId") or self._subscription)
        self._location = str(settings.get("location") or "")
        self._connection = asyncio.create_task(asyncio.to_thread(self._connect))
        # Secrets stay with the engine, which marks outputs by the inputs of the same name (see values.py).
        return base.ConfigureResponse(accept_secrets=False, supports_preview=True)

    async def check(self, request: base.CheckRequest) -> base.CheckResponse:
        """Fill in name, location and API version; report what is missing or unknown."""
        kind, old = self._type(request.urn), plain_map(request.old_inputs)
        given = plain_map(request.new_inputs)
        autonaming = request.autonaming if isinstance(request, CheckRequest) else None
        try:
            inputs = with_name(kind, given, old, Naming(_parts(request.urn)[1], request.random_seed, autonaming))
        except NameRequired as error:
            return base.CheckResponse(request.new_inputs, [base.CheckFailure(kind.name_input, str(error))])
        if kind.has_location and "location" not in inputs:
            location = old.get("location") or self._location or await self._group_location(inputs)
            inputs |= {"location": location} if location else {}
        inputs[shapes.API_VERSION] = kind.apiVersion
        failures = [base.CheckFailure(name, reason) for name, reason in faults(kind, inputs).items()]
        return base.CheckResponse(wrap_map(inputs), failures)

    async def diff(self, request: base.DiffRequest) -> base.DiffResponse:
        """Compare inputs with inputs; a path parameter or immutable input replaces."""
        kind = self._type(request.urn)
        old = plain_map(request.old_inputs if isinstance(request, DiffRequest) else request.old_state)
        found = changes(kind, old, plain_map(request.new_inputs), tuple(request.ignore_changes))
        replaces = sorted({change.top for change in found if change.replaces})
        return base.DiffResponse(
            changes=bool(found),
            replaces=replaces,
            diffs=sorted({change.top for change in found}),
            detailed_diff={change.path: _property_diff(change) for change in found},
            delete_before_replace=bool(replaces) and not old.get(CREATE_BEFORE_DELETE),
        )

    async def create(self, request: base.CreateRequest) -> base.CreateResponse:
        """Make what is not there yet; what is there already is refused."""
        kind, inputs = self._type(request.urn), plain_map(request.properties)
        if request.preview:
            return base.CreateResponse(None, wrap_map(shapes.preview_outputs(kind, inputs, {}, {})))
        arm = await self._arm()
        return await asyncio.to_thread(self._create, arm, kind, inputs, request.timeout)

    async def update(self, request: base.UpdateRequest) -> base.UpdateResponse:
        """PUT the whole of the new inputs, keeping the sub-resources that the program leaves to others."""
        kind, inputs = self._type(request.urn), plain_map(request.news)
        old = plain_map(request.old_inputs) if isinstance(request, UpdateRequest) else {}
        if request.preview:
            return base.UpdateResponse(wrap_map(shapes.preview_outputs(kind, inputs, plain_map(request.olds), old)))
        arm = await self._arm()
        return await asyncio.to_thread(self._update, arm, kind, inputs, old, request.timeout)

    async def read(self, request: base.ReadRequest) -> base.ReadResponse:
        """The resource as it is now; without old inputs (an import) the answer's own values become the inputs."""
        kind = self._type(request.urn)
        parameters = shapes.parse_id(kind, request.resource_id)
        arm = await self._arm()
        found = await asyncio.to_thread(arm.get, ArmCall(request.resource_id, kind.apiVersion))
        if found is None:
            return base.ReadResponse("", {}, {})
        state = shapes.outputs(kind, found, self._catalogue)
        now = shapes.projected_inputs(kind, state, self._catalogue)
        if request.inputs:
            before = shapes.projected_inputs(kind, plain_map(request.properties), self._catalogue) or now
            inputs = merge(plain_map(request.inputs), before, now)
        else:
            inputs = {**parameters, **now, shapes.API_VERSION: kind.apiVersion}
        return base.ReadResponse(str(found.get("id", request.resource_id)), wrap_map(state), wrap_map(inputs))

    async def delete(self, request: base.DeleteRequest) -> None:
        """Delete and wait; what is gone already is fine. No purge, no force, as the official plugin."""
        kind = self._type(request.urn)
        arm = await self._arm()
        await asyncio.to_thread(arm.delete, ArmCall(request.resource_id, kind.apiVersion, timeout=_timeout(request)))

    async def invoke(self, request: base.InvokeRequest) -> base.InvokeResponse:
        """Call a function; with an argument still unknown (a preview) nothing can be said."""
        args = plain_map(request.args)
        if has_unknown(args):
            return base.InvokeResponse({})
        arm = await self._arm()
        answer = await asyncio.to_thread(
            functions.invoke, arm, self._catalogue, self._subscription_id(), request.tok, args
        )
        return base.InvokeResponse(wrap_map(answer))

    async def cancel(self) -> None:
        """Stop waiting for anything; running operations end as failed within moments."""
        self._stop()

    def _type(self, urn: str) -> TypeMap:
        return self._catalogue.type(_parts(urn)[0])

    def _create(self, arm: Arm, kind: TypeMap, inputs: dict[str, Any], timeout: float) -> base.CreateResponse:
        path = shapes.resource_id(kind, inputs, self._subscription_id())
        if arm.get(ArmCall(path, kind.apiVersion)) is not None:
            raise AlreadyExists(f"cannot create already existing resource '{path}'")
        found = self._put(arm, kind, path, shapes.with_maintained(kind, inputs, lambda _: []), timeout)
        state = shapes.outputs(kind, found, self._catalogue)
        return base.CreateResponse(str(found.get("id", path)), wrap_map(state))

    def _update(
        self, arm: Arm, kind: TypeMap, inputs: dict[str, Any], old: dict[str, Any], timeout: float
    ) -> base.UpdateResponse:
        path = shapes.resource_id(kind, inputs, self._subscription_id())
        dropped = {name: value for name, value in kind.restored.items() if name in old and name not in inputs}
        inputs = {**dropped, **inputs}
        if any(shapes.maintained_gaps(kind, inputs)):
            live = shapes.outputs(kind, arm.get(ArmCall(path, kind.apiVersion)) or {}, self._catalogue)
            inputs = shapes.with_maintained(kind, inputs, lambda gap: shapes.dig(live, gap))
        found = self._put(arm, kind, path, inputs, timeout)
        return base.UpdateResponse(wrap_map(shapes.outputs(kind, found, self._catalogue)))

    def _put(self, arm: Arm, kind: TypeMap, path: str, inputs: dict[str, Any], timeout: float) -> Mapping[str, Any]:
        """The resource as ARM shows it once the PUT is through.

        Raises:
            InitFailed: when the PUT was accepted but did not succeed, and left something.
        """
        query = {wire: str(inputs[name]).lower() for name, wire in kind.query.items() if name in inputs}
        body = shapes.request_body(kind, inputs, self._catalogue)
        try:
            answer = arm.put(ArmCall(path, kind.apiVersion, query=query, body=body, timeout=timeout or DEFAULT_TIMEOUT))
        except OperationFailed as error:
            left = self._left(arm, kind, path)
            if left is None:
                raise
            properties = wrap_map(shapes.outputs(kind, left, self._catalogue))
            raise InitFailed(str(left.get("id", path)), properties, [str(error)]) from error
        return arm.get(ArmCall(path, kind.apiVersion)) or answer

    def _left(self, arm: Arm, kind: TypeMap, path: str) -> Mapping[str, Any] | None:
        """What a failed PUT left; when that cannot be asked any more, it must be taken to have left something."""
        try:
            return arm.get(ArmCall(path, kind.apiVersion))
        except (ArmError, Interrupted):
            return {}

    async def _group_location(self, inputs: Mapping[str, Any]) -> Any:
        """Where the resource group is; unknown while its name is, None when it cannot be told."""
        group = inputs.get("resourceGroupName")
        if group is UNKNOWN:
            return UNKNOWN
        if not isinstance(group, str):
            return None
        if group not in self._group_locations:
            path = shapes.fill(_GROUP_PATH, {"resourceGroupName": group}, self._subscription_id())
            version = self._catalogue.type("azure-native:resources:ResourceGroup").apiVersion
            found = await asyncio.to_thread((await self._arm()).get, ArmCall(path, version))
            if found is None:
                return None
            self._group_locations[group] = str(found.get("location", ""))
        return self._group_locations[group]

    async def _arm(self) -> Arm:
        if self._connection is None:
            self._connection = asyncio.create_task(asyncio.to_thread(self._connect))
        return await asyncio.shield(self._connection)

    def _subscription_id(self) -> str:
        if not self._subscription:
            raise Misconfigured(
                "no subscription: set it with `pulumi config set azure-native:subscriptionId ID` or ARM_SUBSCRIPTION_ID"
            )
        return self._subscription


def _parts(urn: str) -> tuple[str, str]:
    """Type and name in a URN `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`; the base's own leave the parents in."""
    _, _, chain, name = urn.split("::", 3)
    return chain.rpartition("$")[2], name


def _settings(variables: Mapping[str, str]) -> dict[str, str]:
    """The stack's `azure-native:` settings by their bare names."""
    return {name.rpartition(":")[2]: value for name, value in variables.items()}


def _timeout(request: base.DeleteRequest) -> float:
    return request.timeout or DEFAULT_TIMEOUT


def _property_diff(change: Change) -> base.PropertyDiff:
    name = f"{change.kind}_replace" if change.replaces else change.kind
    return base.PropertyDiff(base.PropertyDiffKind[name.upper()], input_diff=True)
