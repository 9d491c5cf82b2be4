"""`azmlflow up`: mend, bring the cloud in line with the settings, write config.json, say what to type next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from azmlflow.cli.access import grants
from azmlflow.cli.checks import doctor
from azmlflow.cli.checks.given import GIVEN
from azmlflow.cli.checks.network import NETWORK
from azmlflow.cli.checks.place import TWINS
from azmlflow.cli.checks.serving import SERVING
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.mending import allowed_ips, firewalls, losses, managed_networks, mending, replacing, soft_deleted
from azmlflow.cli.project import config_json
from azmlflow.cli.project.hold import hold
from azmlflow.cli.pulumi import progress
from azmlflow.cli.pulumi.changes import Outcome
from azmlflow.cli.pulumi.deployment import State
from azmlflow.cli.pulumi.stack import Stack
from azmlflow.cli.session import life, relying, standing
from azmlflow.cli.session.invocation import Command, Invocation, common, patient
from azmlflow.cli.session.session import Session, open_session
from azmlflow.cli.session.session import standing as outputs_of
from azmlflow.infra.plan.outputs import StackOutputs
from azmlflow.resourcetypes.table import token_of

if TYPE_CHECKING:
    from azmlflow.infra.settings.settings import Settings

_ENDPOINT = token_of("Microsoft.Network/privateEndpoints")
_COMPUTE = token_of("Microsoft.MachineLearningServices/workspaces/computes")
_DEPLOYMENT = token_of("Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments")
_WORKSPACE = token_of("Microsoft.MachineLearningServices/workspaces")


@click.command(
    cls=Command, examples=("azmlflow up", "azmlflow up --stack prod", "azmlflow up -o json | jq .trackingUri")
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask before something is deleted.")
@click.option("--allow-replace", is_flag=True, help="What holds data may be deleted, and another made in its place.")
@click.option("--expires", metavar="TIME", help="When `sweep --expired` may take it: 12h, 7d, 2w from now, or never.")
@patient
@common
def command(invocation: Invocation, yes: bool, allow_replace: bool, expires: str | None) -> None:
    """Safe to type again at any time: it goes on where an earlier one stopped, and changes nothing when there is
    nothing to change. Asks only before it would delete something; what holds data is replaced with --allow-replace
    only. Writes .azureml/config.json at the end.
    """
    life.check(expires)
    invocation.ports.warm()
    session = open_session(invocation, make_local=True)
    session.settings()
    with hold(session.project, session.name, "azmlflow up", invocation.patience()) as holder:
        session = session.again()
        settings = session.settings()
        session.enter()
        stack = session.stack(holder)
        mending.mend(session, stack, holder, sure=yes)
        mending.look(session, stack)
        if not session.project.own_program:
            _tend_firewalls(invocation, stack, settings)
        state = stack.state()
        grants.tell_before_up(session, state)
        session = grants.adopt_and_release(session, stack, state)
        state = stack.state()
        before = state.outputs
        stands = session.project.own_program or standing.has_workspace(state)
        held = not session.project.own_program and soft_deleted.may_hold(session, state)
        if held:
            session = soft_deleted.meet(session, stack)
            settings = session.settings()
        fresh = _newly_given(session, state)
        again = [NETWORK] if _comes_into_a_network(settings, state) else []
        again += [GIVEN] if fresh else []
        again += [TWINS] if held and settings.on_soft_deleted == "fail" else []
        again += [SERVING] if _newly_served(session, state, settings) else []
        doctor.preflight(session, before if stands else {}, again)
        session = life.note(session, state, expires)
        if not session.project.own_program and state.outputs:
            _let_go(session, stack, state, settings)
        lost = losses.of_preview(stack) if session.project.own_program else losses.of_settings(session, state, settings)
        replacing.agree(session, lost, sure=yes, replace=allow_replace)
        replacing.clear(session, stack, state, lost)
        if session.project.own_program:
            with progress.drawing(f"bringing stack {session.name} in line") as on_change:
                outcome = stack.up(on_change)
        else:
            outcome = _bring_up(session, stack, settings, state)
        grants.drop_ended(session)
        outputs = outputs_of(session.name, outcome.outputs)
        if not session.project.own_program:
            mending.change_instances(session, outputs.workspace_id, settings)
            if addresses := settings.network.network().addresses:
                allowed_ips.open_to(invocation.ports.open_arm(), outputs.workspace_id, addresses)
        holder.finish()
    path = _write_config(session, outputs, before)
    invocation.result(
        {
            "stack": session.name,
            **_plain(outputs),
            "changes": dict(outcome.summary),
            "seconds": round(outcome.seconds, 1),
            "config": str(path) if path else None,
        },
        lambda: _panel(session, outputs, outcome, path),
    )


def _let_go(session: Session, stack: Stack, state: State, settings: Settings) -> None:
    """Of the roles that this `up` would delete, leave those that others rely on or have assigned."""
    place = settings.place(session.names(state.outputs), session.subscription(state.outputs))
    relying.leave_roles(session, stack, state, place, settings.grants)
    if relying.outside(state, place.group_id):
        relying.let_go(session, stack, losses.rehearsed(session, state), place.group_id, place.workspace_id)


def _newly_given(session: Session, state: State) -> bool:
    """Whether the settings give something by id that the workspace does not stand on yet."""
    given = () if session.project.own_program else session.settings().given().values()
    stood = (each for each in state.resources if each.type == _WORKSPACE)
    used = {text.lower() for each in stood for text in ("/".join(each.id.split("/")[:5]), *_texts(each.inputs))}
    return any(id_.lower() not in used for id_ in given)


def _texts(value: object) -> Iterator[str]:
    """All texts within inputs; of what is keyed by ids, such as identities, the keys too."""
    if isinstance(value, Mapping):
        yield from (str(name) for name in value)
        value = list(value.values())
    if isinstance(value, str):
        yield value
    elif isinstance(value, Sequence):
        yield from (text for each in value for text in _texts(each))


def _newly_served(session: Session, state: State, settings: Settings) -> bool:
    """Whether a deployment of a model comes, or more instances of one."""
    if session.project.own_program or not settings.endpoints:
        return False
    there = {each.urn: each.inputs.get("sku") for each in state.resources if each.type == _DEPLOYMENT}
    wanted = [each for each in losses.rehearsed(session, state) if each.type == _DEPLOYMENT]
    return any(there.get(each.urn) != each.inputs["sku"] for each in wanted)


def _bring_up(session: Session, stack: Stack, settings: Settings, state: State) -> Outcome:
    """Bring a stack of azmlflow's own program in line; a new one with its price."""
    managed_networks.check(session, settings, state)
    gone = mending.remove_outdated_computes(session, stack, settings)
    if not state.outputs:
        _tell_price(session, state)
    try:
        return managed_networks.bring_up(session, stack, settings, gone=gone)
    except CliError as fault:
        raise _with_log(session.invocation, stack, fault) from fault


def _with_log(invocation: Invocation, stack: Stack, fault: CliError) -> CliError:
    """A fault of the engine's; one of a deployment with the end of its log, which says more than Azure does."""
    from azmlflow.cli.endpoints.scoring import last_lines

    for each in stack.state().resources:
        if each.type == _DEPLOYMENT and each.name == fault.where:
            said = last_lines(invocation.ports.open_arm(), each.id)
            return CliError(
                f"{fault.what}{said}\nrequests go where they went before", where=fault.where, next=fault.next
            )
    return fault


def _tend_firewalls(invocation: Invocation, stack: Stack, settings: Settings) -> None:
    """What others made of the firewalls: kept or set back, as the network is open or closed."""
    network, open_arm, say = settings.network.network(), invocation.ports.open_arm, invocation.say
    if network.closed:
        firewalls.close_again(stack, open_arm, say, network.addresses)
    else:
        firewalls.keep(stack, open_arm, say)
        firewalls.open_again(stack, open_arm, say)
    allowed_ips.tend(stack, open_arm, say, network.addresses)


def _comes_into_a_network(settings: Settings, state: State) -> bool:
    """Whether private endpoints come, or a compute into a subnet that none is in yet."""
    if settings.network.has_endpoints() and not any(each.type == _ENDPOINT for each in state.resources):
        return True
    known = {_subnet(each.inputs) for each in state.resources if each.type == _COMPUTE}
    return any(each.subnet and each.subnet.lower() not in known for each in (*settings.clusters, *settings.instances))


def _subnet(compute: Mapping[str, Any]) -> str:
    inner = (compute.get("properties") or {}).get("properties") or {}
    return str((inner.get("subnet") or {}).get("id")).lower()


def _tell_price(session: Session, state: State) -> None:
    """What a new stack will cost while idle, where something of it will cost anything."""
    from azmlflow.infra.plan.prices import bill

    price = bill((each.type, each.inputs) for each in losses.rehearsed(session, state))
    session.invocation.say("\n".join(price.text() if price.month or price.unknown else price.text()[:1]))


def _write_config(session: Session, outputs: StackOutputs, before: Mapping[str, object]) -> Path | None:
    """Write config.json, over the one of this stack's workspace of before. The workspace stands, so another file in
    the way is a warning, not a failure."""
    path = session.project.root / config_json.DEFAULT
    wanted = config_json.Coordinates(outputs.subscription_id, outputs.resource_group, outputs.workspace_name)
    try:
        force = "workspaceName" in before and config_json.names(path, config_json.coordinates(before))
        config_json.write(path, wanted, stack=session.name, force=force)
        config_json.remember(session.project, session.name, path)
    except CliError as fault:
        session.invocation.warn(f"{fault.what}; next: {fault.next}")
        return None
    return path


def _plain(outputs: StackOutputs) -> dict[str, object]:
    from azmlflow.infra.plan.outputs import NAMES

    values = asdict(outputs)
    return {name: values[field] for field, name in NAMES.items()}


def _panel(session: Session, outputs: StackOutputs, outcome: Outcome, path: Path | None) -> str:
    loud = len(outcome.loud)
    done = f"{loud} resource{'s' if loud != 1 else ''} changed" if loud else "nothing to change"
    option = "" if session.name == "local" else f" --stack {session.name}"
    someone = "alice@local.test" if session.file.local else "SOMEBODY"
    rows = [
        click.style(f"stack {session.name} stands", fg="green", bold=True) + f": {done}, {outcome.seconds:.1f} s",
        f"  workspace     {outputs.workspace_name} in {outputs.resource_group}",
        f"  tracking URI  {outputs.tracking_uri}",
    ]
    network = session.settings().network
    if allowed := network.allowed_ips:
        rows.append(f"  closed        to the internet but network.allowedIps, {len(allowed)} of them")
    elif network.network().closed:
        inside = network.has_endpoints()
        way = "people come by its private endpoints" if inside else network.of_mode.way_in
        rows.append(f"  closed        to the internet: {way}")
    rows += (f"  endpoint      {each['name']} at {each['scoringUri']}" for each in outputs.endpoints)
    if path:
        rows.append(f"  config.json   {path}")
    rows += [
        "next:",
        f"  azmlflow grant{option} {someone} tracker",
        f"  azmlflow run{option} -- python your_script.py",
    ]
    return "\n".join(rows)
