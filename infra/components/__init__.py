"""Pulumi components: one file each, typed arguments in, outputs out.

They read no settings file; names that they are not handed they make up as the program does. For programs:
`from azmlflow.infra.components import MlflowWorkspace, MlflowWorkspaceArgs`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azmlflow.infra.components.access import Access as Access
    from azmlflow.infra.components.compute import ComputeCluster as ComputeCluster
    from azmlflow.infra.components.datastore import Datastore as Datastore
    from azmlflow.infra.components.datastore import DatastoreArgs as DatastoreArgs
    from azmlflow.infra.components.drawn import ComputeClusterArgs as ComputeClusterArgs
    from azmlflow.infra.components.drawn import ComputeInstanceArgs as ComputeInstanceArgs
    from azmlflow.infra.components.drawn import OnlineEndpointArgs as OnlineEndpointArgs
    from azmlflow.infra.components.guardrails import Guardrails as Guardrails
    from azmlflow.infra.components.guardrails import GuardrailsArgs as GuardrailsArgs
    from azmlflow.infra.components.instance import ComputeInstance as ComputeInstance
    from azmlflow.infra.components.outbound import OutboundRules as OutboundRules
    from azmlflow.infra.components.outbound import OutboundRulesArgs as OutboundRulesArgs
    from azmlflow.infra.components.parts.arguments import MlflowWorkspaceArgs as MlflowWorkspaceArgs
    from azmlflow.infra.components.parts.grants import AccessArgs as AccessArgs
    from azmlflow.infra.components.parts.grants import GrantArgs as GrantArgs
    from azmlflow.infra.components.serving import OnlineEndpoint as OnlineEndpoint
    from azmlflow.infra.components.workspace import MlflowWorkspace as MlflowWorkspace

_WHERE = {
    "Access": "access",
    "AccessArgs": "parts.grants",
    "ComputeCluster": "compute",
    "ComputeClusterArgs": "drawn",
    "ComputeInstance": "instance",
    "ComputeInstanceArgs": "drawn",
    "Datastore": "datastore",
    "DatastoreArgs": "datastore",
    "GrantArgs": "parts.grants",
    "Guardrails": "guardrails",
    "GuardrailsArgs": "guardrails",
    "MlflowWorkspace": "workspace",
    "MlflowWorkspaceArgs": "parts.arguments",
    "OnlineEndpoint": "serving",
    "OnlineEndpointArgs": "drawn",
    "OutboundRules": "outbound",
    "OutboundRulesArgs": "outbound",
}


def __getattr__(name: str) -> Any:
    """A component or its arguments, imported when they are asked for: azure-native's modules take their time."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
