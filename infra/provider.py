"""The components as a Pulumi plugin, for programs in any language.

An executable `pulumi-resource-azmlflow` that runs this module, on PATH or in the folder that a project's
`plugins.providers` names, is all that the engine needs. The schema is drawn from the components' annotations and
docstrings, and from the settings for what a text may be; nothing is declared twice. From another language, name the
`MlflowWorkspace` as the computes' `deletedWith` and as the `dependsOn` of `Access`.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import metadata, version
from typing import Any

from pulumi.provider import main as serve
from pulumi.provider.experimental.component import ComponentProvider

from azmlflow.infra.components.access import Access
from azmlflow.infra.components.compute import ComputeCluster
from azmlflow.infra.components.datastore import Datastore
from azmlflow.infra.components.endpoints import PrivateEndpoints
from azmlflow.infra.components.guardrails import Guardrails
from azmlflow.infra.components.instance import ComputeInstance
from azmlflow.infra.components.network import PrivateNetwork
from azmlflow.infra.components.outbound import OutboundRules
from azmlflow.infra.components.serving import OnlineEndpoint
from azmlflow.infra.components.workspace import MlflowWorkspace
from azmlflow.infra.settings import listing
from azmlflow.infra.settings.settings import Settings

NAME = "azmlflow"
COMPONENTS = (
    MlflowWorkspace,
    PrivateNetwork,
    PrivateEndpoints,
    OutboundRules,
    ComputeCluster,
    ComputeInstance,
    Datastore,
    OnlineEndpoint,
    Guardrails,
    Access,
)
# Which property may be what some setting may be: (component or type, property) -> the enum's name, the setting.
_ENUMS = {
    ("MlflowWorkspace", "location"): ("Location", "location"),
    ("MlflowWorkspace", "storageAuth"): ("StorageAuth", "storageAuth"),
    ("ComputeCluster", "priority"): ("Priority", "clusters[0].priority"),
    ("OnlineEndpoint", "auth"): ("EndpointAuth", "endpoints[0].auth"),
    ("Access", "profile"): ("RoleProfile", "roleProfile"),
    ("GrantArgs", "persona"): ("Persona", "grants[0].persona"),
    ("GrantArgs", "principalType"): ("PrincipalType", "grants[0].principalType"),
    ("GrantArgs", "scope"): ("GrantScope", "grants[0].scope"),
}


class Provider(ComponentProvider):
    """Serves the components under azmlflow's version; its schema says all that Pulumi's registry asks for."""

    def __init__(self) -> None:
        super().__init__(list(COMPONENTS), NAME, version=version("azmlflow"))
        drawn: dict[str, Any] = json.loads(self.schema or "{}")
        about = metadata("azmlflow")
        drawn |= {
            "description": about["Summary"],
            "license": about["License-Expression"],
            "keywords": ["pulumi", "azure", "mlflow", "category/cloud", "kind/component"],
        }
        for (holder, name), (enum, setting) in _ENUMS.items():
            token = f"{NAME}:index:{holder}"
            of_resource = drawn["resources"].get(token, {}).get("inputProperties")
            property_ = (of_resource or drawn["types"][token]["properties"])[name]
            node = listing.node_at(Settings, listing.located(setting)) or {}
            drawn["types"][f"{NAME}:index:{enum}"] = {
                "type": "string",
                "description": property_["description"],
                "enum": [{"value": value, "name": _camel(value)} for value in listing.choices(node)],
            }
            # Its words stay good beside the enum's members: a region may be newer than this list.
            property_["oneOf"] = [{"type": "string"}, {"$ref": f"#/types/{NAME}:index:{enum}"}]
        self.schema = json.dumps(drawn)


def main() -> None:
    """Serve the components to the engine whose address is the first argument of this process."""
    serve(Provider(), sys.argv[1:])


def _camel(value: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in value.replace("_", "-").split("-"))


if __name__ == "__main__":
    main()
