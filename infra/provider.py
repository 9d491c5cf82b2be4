"""The components as a Pulumi plugin, for programs in any language.

An executable `pulumi-resource-azmlflow` that runs this module, on PATH or in the folder that a project's
`plugins.providers` names, is all that the engine needs. The schema is drawn from the components' annotations and
docstrings; nothing is declared twice. From another language, name the `MlflowWorkspace` as the computes' `deletedWith`
and as the `dependsOn` of `Access`.
"""

from __future__ import annotations

from pulumi.provider.experimental import component_provider_host

from azmlflow.infra.components.access import Access
from azmlflow.infra.components.compute import ComputeCluster
from azmlflow.infra.components.guardrails import Guardrails
from azmlflow.infra.components.instance import ComputeInstance
from azmlflow.infra.components.outbound import OutboundRules
from azmlflow.infra.components.workspace import MlflowWorkspace

NAME = "azmlflow"
COMPONENTS = (MlflowWorkspace, OutboundRules, ComputeCluster, ComputeInstance, Guardrails, Access)


def main() -> None:
    """Serve the components to the engine whose address is the first argument of this process."""
    component_provider_host(components=list(COMPONENTS), name=NAME)


if __name__ == "__main__":
    main()
