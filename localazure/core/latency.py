"""How long Azure takes: one profile for a whole embedded Azure, `none`, `azure`, or `azure:60`.

The seconds of the `azure` profile lie in data/latency.json and are fixed there: nobody tunes them, so that two people
who speak of the same profile speak of the same times. An operation is due at an instant of the injected clock
(`cloud/operations.py`), an assignment comes into force at one (`principals/enforce.py`); only an answer's own seconds,
of the way there and of what Azure does before it answers, are waited for, by a layer before all services
(`front/middleware.py`).

With `azure:60` nothing takes longer than 60 seconds, and all else what it takes: on Azure a managed network is built in
half an hour, which nobody waits for here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_DATA = Path(__file__).parent.parent / "data" / "latency.json"
_NAME = re.compile(r"azure(:(?P<longest>[1-9][0-9]{0,3}))?")


class UnknownLatency(ValueError):
    """A latency profile that does not exist; the message lists those that do."""


@dataclass(frozen=True)
class Latency:
    """A profile.

    Attributes:
        name: `none`, `azure` or `azure:SECONDS`.
        put: seconds from the acceptance of a PUT to its end, by ARM type; `default` for all others.
        delete: the same of a DELETE or a purge.
        rbac_propagation: seconds until a new role assignment is in force.
        request_round_trip: seconds that any request takes.
    """

    name: str = "none"
    put: Mapping[str, float] = field(default_factory=dict)
    delete: Mapping[str, float] = field(default_factory=dict)
    rbac_propagation: float = 0.0
    request_round_trip: float = 0.0

    def seconds(self, verb: str, arm_type: str) -> float:
        """How long an operation takes.

        Args:
            verb: `put` or `delete`.
            arm_type: `Microsoft.Storage/storageAccounts`.
        """
        table = self.put if verb == "put" else self.delete
        return table.get(arm_type, table.get("default", 0.0))


NONE = Latency()


def profile(name: str) -> Latency:
    """The profile of a name.

    Raises:
        UnknownLatency: there is none of that name.
    """
    if name == "none":
        return NONE
    found = _NAME.fullmatch(name)
    if found is None:
        raise UnknownLatency(
            f"There is no latency profile '{name}'. Choose 'none', 'azure', or 'azure:60' where nothing takes longer "
            "than 60 seconds."
        )
    data = json.loads(_DATA.read_text(encoding="utf-8"))
    scale, longest = float(data["scale"]), float(found["longest"] or "inf")
    put, delete = (
        {arm_type: min(seconds * scale, longest) for arm_type, seconds in data[verb].items()}
        for verb in ("put", "delete")
    )
    return Latency(
        name=name,
        put=put,
        delete=delete,
        rbac_propagation=min(data["rbac_propagation"] * scale, longest),
        request_round_trip=data["request_round_trip"] * scale,
    )
