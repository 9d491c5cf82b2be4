"""The provider's verbs: what azure-native does for check, diff, create, read, update, delete and invoke.

What is decided is decided in the pure modules beside this one; here values become plain Python, ARM is asked (in
threads, for its client blocks and the engine works on many resources at once), and answers become values again.
Old inputs and the naming rule come from the engine's request; the base's request classes lack them, ours add them.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pulumi.provider.experimental import provider as base
from pulumi.provider.experimental.property_value import PropertyValue

from azmlflow.localazure.plugin import functions as azure_functions
from azmlflow.localazure.plugin.client.calls import DEFAULT_TIMEOUT, ArmCall, ArmError
from azmlflow.localazure.plugin.schema import ids, shapes
from azmlflow.localazure.plugin.schema.changes import Difference, changes, merge
from azmlflow.localazure.plugin.schema.naming import (
    CREATE_BEFORE_DELETE,
    Autonaming,
    NameRequired,
    Naming,
    with_name,
)
from azmlflow.localazure.plugin.schema.types import TypeMap, catalogue
from azmlflow.localazure.plugin.schema.unknown import UNKNOWN
from azmlflow.localazure.plugin.schema.validation import faults
from azmlflow.localazure.plugin.schema.values import has_unknown, plain_map, wrap_map
from azmlflow.localazure.plugin.writes import Writer
from azmlflow.resourcetypes.inputs import without

if TYPE_CHECKING:
    from azmlflow.localazure.plugin.client.client import Arm

Values = dict[str, PropertyValue]
_GROUP_PATH = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"


class Misconfigured(Exception):
    """The stack's settings lack what every request needs."""


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
        warn: shows a text at the resource of a URN.
    """

    def __init__(
        self,
        connect: Callable[[], Arm],
        stop: Callable[[], None],
        subscription: str = "",
        warn: Callable[[str, str], None] = lambda _urn, _text: None,
    ) -> None:
        self._connect, self._stop, self._subscription, self._warn = connect, stop, subscription, warn
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
        """Fill in name, location and API version; report what is wrong or missing."""
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
        failures = [base.CheckFailure("", reason) for reason in faults(kind, inputs, self._catalogue.objects)]
        return base.CheckResponse(wrap_map(inputs), failures)

    async def diff(self, request: base.DiffRequest) -> base.DiffResponse:
        """Compare inputs with inputs; a path parameter or immutable input replaces."""
        kind = self._type(request.urn)
        state = plain_map(request.old_state)
        old = plain_map(request.old_inputs) if isinstance(request, DiffRequest) else state
        found = changes(kind, old, plain_map(request.new_inputs), state, tuple(request.ignore_changes))
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
        writer = await self._writer(request.urn, kind, inputs, request.timeout)
        identifier, state = await asyncio.to_thread(writer.create, inputs)
        return base.CreateResponse(identifier, wrap_map(state))

    async def update(self, request: base.UpdateRequest) -> base.UpdateResponse:
        """PUT the whole of the new inputs, keeping the sub-resources that the program leaves to others."""
        kind, inputs = self._type(request.urn), plain_map(request.news)
        old, old_state = request.old_inputs if isinstance(request, UpdateRequest) else {}, plain_map(request.olds)
        if request.preview:
            return base.UpdateResponse(wrap_map(shapes.preview_outputs(kind, inputs, old_state, plain_map(old))))
        writer = await self._writer(request.urn, kind, inputs, request.timeout)
        return base.UpdateResponse(wrap_map(await asyncio.to_thread(writer.update, inputs, old_state)))

    async def read(self, request: base.ReadRequest) -> base.ReadResponse:
        """The resource as it is now; without old inputs (an import) the answer's own values become the inputs."""
        kind = self._type(request.urn)
        parameters = ids.parse_id(kind, request.resource_id)
        arm = await self._arm()
        found = await asyncio.to_thread(arm.get, ArmCall(request.resource_id, kind.apiVersion))
        if found is None:
            return base.ReadResponse("", {}, {})
        state = shapes.outputs(kind, found, self._catalogue)
        if request.inputs:
            inputs = self._drifted(kind, plain_map(request.inputs), plain_map(request.properties), state)
        else:
            inputs = shapes.imported_inputs(kind, parameters, state, self._catalogue)
        return base.ReadResponse(request.resource_id, wrap_map(state), wrap_map(inputs))

    def _drifted(
        self, kind: TypeMap, inputs: dict[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The inputs with what changed in Azure since the last deployment; what the program leaves to others stays out.

        azure-native's own oddity is kept: an input that says a default which it would put back by itself becomes what
        Azure shows of it (provider.go, removeDefaults).
        """
        before = {
            name: value for name, value in before.items() if name not in inputs or kind.restored.get(name) != value
        }
        mine = without(now, shapes.maintained_gaps(kind, inputs))
        theirs = shapes.projected_inputs(kind, mine, self._catalogue)
        found: dict[str, Any] = merge(inputs, shapes.projected_inputs(kind, before, self._catalogue), theirs)
        return found

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
            azure_functions.invoke, arm, self._catalogue, self._subscription_id(), request.tok, args
        )
        return base.InvokeResponse(wrap_map(answer))

    async def cancel(self) -> None:
        """Stop waiting for anything; running operations end as failed within moments."""
        self._stop()

    def _type(self, urn: str) -> TypeMap:
        return self._catalogue.type(_parts(urn)[0])

    async def _writer(self, urn: str, kind: TypeMap, inputs: Mapping[str, Any], timeout: float) -> Writer:
        path = ids.resource_id(kind, inputs, self._subscription_id())
        warn = functools.partial(self._warn, urn)
        return Writer(await self._arm(), self._catalogue, kind, path, timeout, warn)

    async def _group_location(self, inputs: Mapping[str, Any]) -> Any:
        """Where the resource group is; unknown while its name is, None when it cannot be told."""
        group = inputs.get("resourceGroupName")
        if group is UNKNOWN:
            return UNKNOWN
        if not isinstance(group, str):
            return None
        if group not in self._group_locations:
            path = ids.fill(_GROUP_PATH, {"resourceGroupName": group}, self._subscription_id())
            version = self._catalogue.type("azure-native:resources:ResourceGroup").apiVersion
            try:
                found = await asyncio.to_thread((await self._arm()).fetch, ArmCall(path, version))
            except ArmError:
                return None  # a location that is missing is named at the resource
            self._group_locations[group] = str(found.get("location", ""))
        return self._group_locations[group]

    async def _arm(self) -> Arm:
        if self._connection is None:
            self._connection = asyncio.create_task(asyncio.to_thread(self._connect))
        return await asyncio.shield(self._connection)

    def _subscription_id(self) -> str:
        if not self._subscription:
            raise Misconfigured(
                "no subscription: set it with `azmlflow set azure-native:subscriptionId ID` or ARM_SUBSCRIPTION_ID"
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


def _property_diff(change: Difference) -> base.PropertyDiff:
    name = f"{change.kind}_replace" if change.replaces else change.kind
    return base.PropertyDiff(base.PropertyDiffKind[name.upper()], input_diff=True)
