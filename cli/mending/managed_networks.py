"""The managed network of a workspace stands before the first compute is made, and people see it being built.

Azure builds it by itself at the first compute, which then takes half an hour and more without a word, and may fail for
it. So an `up` that makes the first compute makes all else first, has the network built, waits for it, and then makes
the computes. Deployments of online endpoints are in it as well. Who types `pulumi up` has Azure's own way.

Source: Microsoft, "Workspace managed virtual network isolation" ("Manually provision a managed network").
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.words import lasting
from azmlflow.cli.mending import keys_off
from azmlflow.cli.mending.losses import rehearsed
from azmlflow.cli.pulumi import progress
from azmlflow.cli.pulumi.changes import Change, OnChange, Outcome
from azmlflow.cli.pulumi.deployment import State
from azmlflow.cli.pulumi.stack import Stack
from azmlflow.cli.session import unchanged
from azmlflow.cli.session.session import Session
from azmlflow.infra.plan import identifiers, prices
from azmlflow.infra.plan.networks import RULE
from azmlflow.infra.plan.private import NETWORK_NAME
from azmlflow.resourcetypes.table import token_of

if TYPE_CHECKING:
    from azmlflow.infra.plan.private import Private
    from azmlflow.infra.settings.settings import Settings

_RULE = token_of(RULE)
# What is in the network, and the template that names deployments.
_INSIDE = (
    token_of("Microsoft.MachineLearningServices/workspaces/computes"),
    token_of("Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments"),
    token_of("Microsoft.Resources/deployments"),
)
_SUBNET = token_of("Microsoft.Network/virtualNetworks/subnets")
_OFTEN = 300.0  # seconds between two words on how long it has taken
_PAUSE = 15.0  # before Azure is asked again, while it changes the network for another request
_LONGEST = 2 * 3600.0


def check(session: Session, settings: Settings, state: State) -> None:
    """Say what the network's rules cost, and refuse what Azure refuses of the network at its place.

    Args:
        session: the stack's.
        settings: its settings.
        state: its state.

    Raises:
        SettingsError: naming each fault.
    """
    from azmlflow.infra.settings.faults import SettingsError
    from azmlflow.infra.settings.network import standing

    network = settings.network.network()
    if not network.closed:
        return
    names, subscription = session.names(state.outputs), session.subscription(state.outputs)
    place = settings.place(names, subscription)
    private = settings.network.private(place.group_id, names.workspace)
    try:
        standing.check(network, private, identifiers.in_group(names, subscription))
    except SettingsError as fault:
        raise fault.of_stack(session.name) from None
    if private is not None:
        _keep_subnets(session, private, state)
    before = prices.firewall((each.type, each.inputs) for each in state.resources)
    wanted = prices.firewall((_RULE, {"properties": rule.properties}) for rule in network.rules)
    if wanted and not before and state.resources:  # else it is in the bill of the whole stack
        session.invocation.warn(f"these settings add {wanted}")


def _keep_subnets(session: Session, private: Private, state: State) -> None:
    """Azure does not change the range of a subnet that something stands in (`InUsePrefixCannotBeDeleted`)."""
    wanted = {f"{NETWORK_NAME}-endpoints": private.endpoints, f"{NETWORK_NAME}-computes": private.computes}
    for each in state.resources:
        before, after = str(each.inputs.get("addressPrefix")), wanted.get(each.name, "")
        if each.type == _SUBNET and after and before != after:
            raise CliError(
                f"the range of the subnet {each.inputs.get('subnetName')} would become {after}, and is {before}: Azure "
                "changes none that private endpoints or computes stand in",
                where=str(session.file.path),
                next=f"set network.addressRange and the subnets' ranges back in {session.file.path.name}, or take the "
                f"network away before: azmlflow set network.mode public --stack {session.name}",
            )


def bring_up(session: Session, stack: Stack, settings: Settings, *, gone: Iterable[str] = ()) -> Outcome:
    """Bring a stack in line with its settings, its managed network before its first compute, its account's keys last.

    Args:
        session: the stack's.
        stack: the stack.
        settings: its settings.
        gone: URNs of computes that are to be made anew.

    Returns:
        What it came to, all in all.
    """
    with progress.drawing(f"bringing stack {session.name} in line") as on_change:
        state = stack.state()
        waiting = _waiting(session, state, settings, frozenset(gone))
        keyed = keys_off.last(state, settings)
        if not waiting and not keyed:
            return (None if gone else unchanged.outcome(session, state)) or stack.up(on_change)
        first = stack.up(on_change, without=(*waiting, *keyed))
        if waiting:
            _provision(session, str(first.outputs["workspaceId"]), on_change)
        return first.then(stack.up(on_change))


def _waiting(session: Session, state: State, settings: Settings, gone: frozenset[str]) -> tuple[str, ...]:
    """URNs of what waits for the network; none where it stands, since something of it does."""
    if settings.network.network().isolation is None:
        return ()
    inside = [each.urn for each in rehearsed(session, state) if each.type in _INSIDE]
    there = {each.urn for each in state.resources} - gone
    return tuple(inside) if inside and not there.intersection(inside) else ()


def _provision(session: Session, workspace: str, on_change: OnChange) -> None:
    """Have the network of a workspace built, and wait for it.

    Raises:
        CliError: Azure could not build it.
    """
    arm, say, began = session.invocation.ports.open_arm(), session.invocation.say, time.monotonic()
    if _stands(arm, workspace):
        return
    say(
        "Azure builds the managed network now, before the first compute: about 30 minutes, and 10 more with an FQDN "
        "rule. Ctrl-C stops waiting, not Azure; `azmlflow up` goes on from here"
    )

    def tell(state: str) -> None:
        name = workspace.rpartition("/")[2]
        on_change(Change("", "ManagedNetwork", name, "create", state, time.monotonic() - began))

    told = [0.0]

    def on_wait(waited: float) -> None:
        if waited >= told[-1] + _OFTEN:
            told.append(waited)
            say(f"the managed network has been under way for {lasting(waited)}")

    tell("running")
    try:
        _build(arm, workspace, on_wait, session.invocation.ports.sleep)
    except CliError as fault:
        tell("failed")
        if not isinstance(fault, ArmError):
            raise
        raise CliError(
            f"Azure did not build the managed network: {fault.message}",
            where=workspace,
            next=f"azmlflow up --stack {session.name}    (it goes on from here)",
        ) from fault
    tell("done")


def _build(
    arm: ResourceManager, workspace: str, on_wait: Callable[[float], None], sleep: Callable[[float], None]
) -> None:
    """Ask for it until it stands: while another request, such as a killed `up`'s, changes the network, Azure answers
    409."""
    waited = 0.0
    while True:
        try:
            arm.post(workspace, "provisionManagedNetwork", {"includeSpark": False}, on_wait)
        except ArmError as fault:
            if fault.status != 409:
                raise
        if _stands(arm, workspace):
            return
        on_wait(waited)
        sleep(_PAUSE)
        waited += _PAUSE
        if waited > _LONGEST:
            raise CliError(
                "the managed network does not stand after two hours",
                where=workspace,
                next="azmlflow up    (it goes on from here)",
            )


def _stands(arm: ResourceManager, workspace: str) -> bool:
    document: Any = arm.get(workspace)
    if document is None:
        raise CliError("the workspace went while its network was waited for", where=workspace, next="azmlflow status")
    status = ((document.get("properties") or {}).get("managedNetwork") or {}).get("status") or {}
    return str(status.get("status")).lower() == "active"
