"""Whether a request's origin reaches what it asks for, decided on every request by `reach.decide` over the store.

Resource Manager, sign-in and Graph are reached from everywhere. What Azure's services refuse is refused in their words;
where on Azure nothing would arrive at all, for want of a name or a way, the embedded Azure says so: it has to answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from azmlflow.localazure.core.collections import RESOURCES
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document, Store, Version
from azmlflow.reach.decide import decide
from azmlflow.reach.facts import endpoint, facts
from azmlflow.reach.records import INTERNET, Facts, Origin, Service
from azmlflow.reach.refusals import NOT_ARRIVING, Refusal, refusal

_SAID = ("refused",)


def origin_of(state: Any) -> Origin:
    """From where a request comes, by its `scope["state"]`."""
    found = state.get("origin", INTERNET) if isinstance(state, dict) else getattr(state, "origin", INTERNET)
    assert isinstance(found, Origin)
    return found


class NotReached(AzureError):
    """The network does not let a request through.

    Attributes:
        inner: the code inside of Azure's, where there is one.
    """

    def __init__(self, said: Refusal, reason: str) -> None:
        super().__init__(said.status, said.code, said.message, reason=reason)
        self.inner = said.inner


@dataclass(eq=False)
class Reaching:
    """Decisions over a store, whose facts are read anew only when a resource was written."""

    store: Store
    _seen: Version | None = field(default=None, init=False)
    _facts: Facts = field(default_factory=Facts, init=False)

    def require(self, origin: Origin, document: Document, service: Service) -> None:
        """Let a request to a service of a resource through.

        Raises:
            NotReached: 403, in Azure's words; or that it would not arrive on Azure, and why.
        """
        asked = endpoint(document, service)
        if asked.is_open and (origin.kind == "internet" or self._is_public_compute(origin)):
            return
        decision = decide(self.facts(), origin, asked)
        if decision.allowed:
            return
        said = refusal(asked, origin)
        if decision.way not in _SAID:
            words = f"On Azure this request would not arrive: {decision.reason}."
            said = Refusal(403, NOT_ARRIVING, words)
        raise NotReached(said, f"from {origin}: {decision.reason}")

    def _is_public_compute(self, origin: Origin) -> bool:
        """Whether an origin is a compute of a workspace without a managed network: no facts need to be gathered."""
        found = self.store.get(RESOURCES, origin.where.lower()) if origin.kind == "managed" else None
        mode = ((found or {}).get("properties", {}).get("managedNetwork") or {}).get("isolationMode")
        return found is not None and str(mode or "Disabled").lower() == "disabled"

    def facts(self) -> Facts:
        """All that decisions rest on at this moment."""
        seen = self.store.version(RESOURCES)
        if seen != self._seen:
            self._facts = facts(each for _, each in self.store.scan(RESOURCES))
            self._seen = seen
        return self._facts
