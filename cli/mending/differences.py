"""What waits for an `up`, as a rehearsal of the program and the state tell it; the engine is not asked.

Only the question whether anything differs is answered here: how the engine would change it, its preview says alone. So
each doubt counts as a difference: a value that a rehearsal makes up, one that the engine leaves as others changed it.
"""

from __future__ import annotations

from azmlflow.cli.mending.losses import rehearsed
from azmlflow.cli.pulumi.deployment import State
from azmlflow.cli.session.session import Session

# What the plugin writes into the inputs by itself.
_FILLED_IN = frozenset(("azureApiVersion",))


def differing(session: Session, state: State) -> frozenset[str]:
    """URNs of the resources that the program declares otherwise than the state has them, or only one of the two has.

    Args:
        session: of a stack with azmlflow's own program.
        state: the stack's.

    Raises:
        SettingsError: infra's.
    """
    wanted = {each.urn: dict(each.inputs) for each in rehearsed(session, state)}
    there = {
        each.urn: {name: value for name, value in each.inputs.items() if name not in _FILLED_IN}
        for each in state.resources
        if not each.external
    }
    return frozenset(urn for urn in wanted.keys() | there.keys() if wanted.get(urn) != there.get(urn))
