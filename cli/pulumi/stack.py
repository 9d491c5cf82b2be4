"""A stack, and what can be done to it: what commands ask of one. The real one is `engine_stack`'s."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from azmlflow.cli.pulumi.changes import OnChange, Outcome
from azmlflow.cli.pulumi.deployment import State


@dataclass(frozen=True)
class Import:
    """A resource of the cloud to take into the state.

    Attributes:
        type: Pulumi type.
        name: its name in the program.
        id: its id in the cloud.
        parent: URN of the component that it belongs to, empty for the stack itself.
        version: the provider's version.
        new_parent: that component is not in the state yet.
    """

    type: str
    name: str
    id: str
    parent: str = ""
    version: str = ""
    new_parent: bool = False


class Stack(Protocol):
    """What commands ask of a stack; tests hand in their own.

    Every operation raises CliError: another process holds the stack, the engine refuses, or a resource failed (the
    error names the first one and what its cloud said); Interrupted after Ctrl-C, once the engine has stopped.
    """

    name: str

    def exists(self) -> bool:
        """Is there a state of this name?"""
        ...

    def create(self) -> None:
        """Make an empty state."""
        ...

    def state(self) -> State:
        """What the state holds."""
        ...

    def open_secrets(self) -> None:
        """Have what encrypts the stack's secrets encrypt something; nothing is kept."""
        ...

    def up(
        self, on_change: OnChange | None = None, targets: Sequence[str] = (), *, without: Sequence[str] = ()
    ) -> Outcome:
        """Bring the cloud in line with the program; only `targets` (URNs) if there are any, nothing of `without`."""
        ...

    def preview(self, on_change: OnChange | None = None) -> Outcome:
        """What `up` would do."""
        ...

    def destroy(self, on_change: OnChange | None = None) -> Outcome:
        """Delete every resource of the state."""
        ...

    def import_resources(self, resources: Sequence[Import]) -> None:
        """Take resources of the cloud into the state."""
        ...

    def clear_pending(self) -> None:
        """Forget the operations without an end."""
        ...

    def forget(self, urns: Collection[str]) -> None:
        """Drop resources from the state, and nothing in the cloud."""
        ...

    def unprotect(self, urns: Collection[str]) -> None:
        """Let the engine delete these resources, until the program protects them again."""
        ...

    def refresh(self, urns: Collection[str]) -> None:
        """Have the state say of these resources what the cloud does."""
        ...

    def cancel(self) -> None:
        """Drop the lock of an update that is no longer running."""
        ...

    def remove(self, *, force: bool = False) -> None:
        """Remove the state; the settings file stays. `force`: what it holds is forgotten, and stays in the cloud."""
        ...
