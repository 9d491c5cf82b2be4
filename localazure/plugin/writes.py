"""How a resource is made and changed over ARM: looked for, put, waited for, read back.

As azure-native does (provider/pkg/provider/provider.go: defaultCreate, defaultUpdate, readAfterWrite).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azmlflow.localazure.plugin.client.answers import mistaken
from azmlflow.localazure.plugin.client.calls import DEFAULT_TIMEOUT, ArmCall, ArmError, Interrupted, OperationFailed
from azmlflow.localazure.plugin.schema import shapes
from azmlflow.localazure.plugin.schema.types import Catalogue, TypeMap
from azmlflow.localazure.plugin.schema.validation import known

if TYPE_CHECKING:
    from azmlflow.localazure.plugin.client.client import Arm

Plain = dict[str, Any]


class AlreadyExists(Exception):
    """What the program wants created is there already."""


class InitFailed(Exception):
    """Azure accepted the resource but it did not come to be as asked: it goes into the state, marked as such.

    Attributes:
        resource_id: its ARM id.
        properties: its outputs as they are now.
        reasons: why it is not ready.
    """

    def __init__(self, resource_id: str, properties: Plain, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.resource_id, self.properties, self.reasons = resource_id, properties, reasons


@dataclass(frozen=True)
class Writer:
    """Makes or changes one resource.

    Attributes:
        arm: the client.
        catalogue: what is served.
        kind: the resource's type.
        path: its ARM id.
        timeout: seconds that Azure may take; 0 for azure-native's own.
        warn: hears what the user should know.
    """

    arm: Arm
    catalogue: Catalogue
    kind: TypeMap
    path: str
    timeout: float
    warn: Callable[[str], None]

    def create(self, inputs: Plain) -> tuple[str, Plain]:
        """Make what is not there yet; its id and outputs.

        Raises:
            AlreadyExists: it is there.
            InitFailed, ArmError: as `update`.
        """
        if self.arm.exists(ArmCall(self.path, self.kind.apiVersion)):
            raise AlreadyExists(f"cannot create already existing resource '{self.path}'")
        shown = self._put(shapes.with_maintained(self.kind, inputs, lambda _: []))
        return str(shown.get("id", self.path)), self._outputs(shown)

    def update(self, inputs: Plain, old_state: Mapping[str, Any]) -> Plain:
        """PUT the whole of the inputs, with what Azure would else take for "no change" or clear; the outputs.

        Args:
            inputs: what the program says now.
            old_state: the outputs of the last deployment.

        Raises:
            InitFailed: the PUT was accepted but did not succeed, and left something; or no answer shows the resource.
            ArmError: Azure refused.
        """
        dropped = {name: value for name, value in self.kind.restored.items() if name in old_state}
        inputs = {**dropped, **inputs}
        if any(shapes.maintained_gaps(self.kind, inputs)):
            live = self._outputs(self.arm.fetch(ArmCall(self.path, self.kind.apiVersion)))
            inputs = shapes.with_maintained(self.kind, inputs, lambda gap: shapes.dig(live, gap))
        return self._outputs(self._put(inputs))

    def _put(self, inputs: Plain) -> Mapping[str, Any]:
        """The resource as ARM shows it once the PUT is through."""
        query = {wire: str(inputs[name]).lower() for name, wire in self.kind.query.items() if name in inputs}
        inputs = known(self.kind, inputs, self.catalogue.objects)
        body = shapes.request_body(self.kind, inputs, self.catalogue)
        timeout = self.timeout or DEFAULT_TIMEOUT
        try:
            answer = self.arm.put(ArmCall(self.path, self.kind.apiVersion, query=query, body=body, timeout=timeout))
        except OperationFailed as error:
            left = self._left()
            if left is None:
                raise
            identifier = str(left.get("id", self.path))
            raise InitFailed(identifier, self._outputs(left), [str(error)]) from error
        try:
            return self.arm.fetch(ArmCall(self.path, self.kind.apiVersion))
        except ArmError as error:
            if wrong := mistaken(
                answer, self.path
            ):  # as after a failed PUT: it may stand, and no more than that is known
                reason = f"Azure took it, with an answer that is no resource of Azure's ({wrong}), and then: {error}"
                raise InitFailed(self.path, self._outputs({}), [reason]) from error
            self.warn(
                f"Azure took it, but could not show it afterwards; the state keeps what Azure said first: {error}"
            )
            return answer

    def _left(self) -> Mapping[str, Any] | None:
        """What a failed PUT left; when that cannot be asked any more, it must be taken to have left something."""
        try:
            return self.arm.get(ArmCall(self.path, self.kind.apiVersion))
        except (ArmError, Interrupted):
            return {}

    def _outputs(self, shown: Mapping[str, Any]) -> Plain:
        return shapes.outputs(self.kind, shown, self.catalogue)
