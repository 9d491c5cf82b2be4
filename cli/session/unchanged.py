"""Whether nothing waits for an `up`, told without the engine: it takes most of the time that such an `up` takes.

Only where nothing is left to doubt: azmlflow's own program, on the embedded Azure, whose plugin is ours, as its state
is (a backend elsewhere may have locks, policies, and updates of others'), and no setting of Pulumi's but those that we
make. The program then is held against the state to the letter (`infra/replay.py`); the cloud is asked by the caller.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from azmlflow.cli.frame import imports
from azmlflow.cli.project.yaml_file import read_yaml
from azmlflow.cli.pulumi.changes import Change, Outcome
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.cli.session.session import Session
from azmlflow.infra.settings.namespace import NAMESPACE
from azmlflow.localazure.core.constants import TENANT_ID

# The program's settings and its provider's; those of the namespace `pulumi` are the engine's.
_NAMESPACES = (NAMESPACE, "azure-native")
# What Pulumi.yaml and a stack's file may say that an update takes no notice of. Options (`refresh: always`), plugins,
# settings of the project and environments are among the rest.
_OF_PROJECT = frozenset(("name", "description", "runtime", "main", "template", "azmlflow"))
_OF_STACK = frozenset(("config", "encryptionsalt"))
# Of Pulumi's variables, those that azmlflow makes; by others one tells the engine all that it takes as options.
_VARIABLES = frozenset(
    f"PULUMI_{name}"
    for name in (
        "HOME",
        "BACKEND_URL",
        "CONFIG_PASSPHRASE_FILE",
        "SKIP_UPDATE_CHECK",
        "DISABLE_AUTOMATIC_PLUGIN_ACQUISITION",
    )
)
_OFFICIAL = "AZMLFLOW_AZURE_NATIVE"  # a plugin that is not ours


def outcome(session: Session, state: State) -> Outcome | None:
    """What an engine's update, or its preview, would come to; None where it would change something, or may.

    Args:
        session: the stack's.
        state: the stack's.
    """
    began = time.monotonic()
    if not _plain(session, state):
        return None
    environment = session.invocation.ports.environment
    subscription = session.file.config.get("azure-native:subscriptionId") or environment.get("ARM_SUBSCRIPTION_ID")
    imports.wait()
    from azmlflow.infra.replay import differences

    assert state.written is not None
    try:
        found = differences(
            session.file.config,
            state.written.entries,
            project=session.project.name,
            stack=session.name,
            subscription=str(subscription),
            tenant=TENANT_ID,
        )
    except Exception:  # noqa: BLE001 - whatever is wrong with the program, the engine's run of it tells
        return None
    if found:
        return None
    changes = tuple(_same(each) for each in (*state.components, *state.resources))
    same = sum(not str(entry["type"]).startswith("pulumi:providers:") for entry in state.written.entries)
    return Outcome(changes, state.outputs, (), {"same": same}, time.monotonic() - began)


def _plain(session: Session, state: State) -> bool:
    """Whether nothing but program and state decides on what an update does."""
    if session.project.own_program or not session.file.local or state.written is None or state.pending:
        return False
    environment, config = session.invocation.ports.environment, session.file.config
    if environment.get(_OFFICIAL) or {name for name in environment if name.startswith("PULUMI_")} - _VARIABLES:
        return False
    project, stack = read_yaml(session.project.root / "Pulumi.yaml"), read_yaml(session.file.path)
    if set(project) - _OF_PROJECT or set(stack) - _OF_STACK or stack.get("encryptionsalt") != state.written.salt:
        return False
    return all(name.partition(":")[0] in _NAMESPACES and not _secret(value) for name, value in config.items())


def _secret(value: Any) -> bool:
    return isinstance(value, Mapping) and "secure" in value


def _same(resource: Resource) -> Change:
    return Change(
        resource.urn,
        resource.type,
        resource.name,
        "same",
        "done",
        inputs=resource.inputs,
        parent=resource.parent,
        id=resource.id,
        custom=bool(resource.id),
    )
