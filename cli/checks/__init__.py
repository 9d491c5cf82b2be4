"""What `azmlflow doctor` asks: one frozen record a check, listed here in the order that people read them in.

A check belongs to one of eight modules: this machine, the state, the cloud that is signed in to, the place where the
stack goes, a network that is another's, what else is given by id, online endpoints, and the calls to what stands there.
"""

from __future__ import annotations

from azmlflow.cli.checks import calls, cloud, given, machine, network, place, serving, state
from azmlflow.cli.checks.base import Check, Finding, Situation, Status

__all__ = ["CHECKS", "Check", "Finding", "Situation", "Status"]

CHECKS: tuple[Check, ...] = (
    *machine.CHECKS,
    *state.CHECKS,
    *cloud.CHECKS,
    *place.CHECKS,
    *network.CHECKS,
    *given.CHECKS,
    *serving.CHECKS,
    *calls.CHECKS,
)
