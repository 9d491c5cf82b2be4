"""The components for Pulumi programs in any language: Pulumi runs this through `PulumiPlugin.yaml`.

The schema is drawn from the components' annotations and docstrings; nothing is declared twice.
"""

from __future__ import annotations

from pulumi.provider.experimental import component_provider_host

from azmlflow.infra.access import Access
from azmlflow.infra.compute import ComputeCluster
from azmlflow.infra.workspace import MlflowWorkspace

NAME = "azmlflow"
COMPONENTS = (MlflowWorkspace, ComputeCluster, Access)


def main() -> None:
    """Serve the components to the engine that started this process."""
    component_provider_host(components=list(COMPONENTS), name=NAME)
