"""Online endpoints as code: what a deployment is called, and the template that gives the endpoint its traffic. Pure.

The rule: what starts a deployment anew is another deployment. Its name follows from model, version and machine, so that
the one that answers stands until the new one does; a number of instances changes in place.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from azmlflow.infra.plan.records import component
from azmlflow.resourcetypes.bounds import NAMES
from azmlflow.resourcetypes.table import version_of

COMPONENT = component("OnlineEndpoint")
ENDPOINT = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
SIZE = "Standard_DS3_v2"
# Azure's words for how callers prove who they are, by the settings'.
MODES: Mapping[str, str] = {"key": "Key", "amlToken": "AMLToken", "aadToken": "AADToken"}
_LONGEST, _DIGITS = 32, 6
_MADE = "endpointMade"
_SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


@dataclass(frozen=True)
class Share:
    """What of an endpoint's requests a deployment gets.

    Attributes:
        deployment: its name in Azure.
        traffic: percent that it answers.
        mirror: percent of which it gets a copy.
    """

    deployment: str
    traffic: int
    mirror: int = 0


def deployment_name(name: str, model: str, version: str, size: str = SIZE) -> str:
    """What a deployment is called in Azure: `wine-3`, `blue-wine-3`; with a digest where that does not tell all.

    Args:
        name: what the settings call it; empty if nothing.
        model, version: what it serves.
        size: of its machines.
    """
    whole = "-".join(filter(None, (name, model, version)))
    plain = re.sub(r"[^a-z0-9]+", "-", whole.lower()).strip("-")
    if not plain[:1].isalpha():
        plain = f"model-{plain}"
    if plain == whole and size.lower() == SIZE.lower() and re.fullmatch(NAMES[f"{ENDPOINT}/deployments"], plain):
        return plain
    digest = hashlib.sha256("\n".join((name, model, version, size.lower())).encode()).hexdigest()[:_DIGITS]
    return f"{plain[: _LONGEST - _DIGITS - 1].rstrip('-')}-{digest}"


def template(
    workspace: str,
    endpoint: str,
    body: Mapping[str, Any],
    shares: Iterable[Share],
    made: str,
) -> dict[str, Any]:
    """The template that writes an endpoint whole, with its traffic: a PATCH of Azure's changes its tags alone.

    Args:
        workspace, endpoint: names.
        body: of the endpoint, without traffic.
        shares: of its deployments.
        made: when the endpoint was made: another one is to be written again.
    """
    given = tuple(shares)
    properties = {
        **body["properties"],
        "traffic": {each.deployment: each.traffic for each in given if each.traffic},
        "mirrorTraffic": {each.deployment: each.mirror for each in given if each.mirror},
    }
    resource = {
        "type": ENDPOINT,
        "apiVersion": version_of(ENDPOINT),
        "name": f"{workspace}/{endpoint}",
        **body,
        "properties": properties,
    }
    return {
        "$schema": _SCHEMA,
        "contentVersion": "1.0.0.0",
        "metadata": {_MADE: made},
        "resources": [_literal(resource)],
    }


def _literal(value: Any) -> Any:
    """A value as a template has it: a text in brackets would be an expression (Microsoft, "Understand the structure
    and syntax of ARM templates", "Escape characters")."""
    if isinstance(value, Mapping):
        return {name: _literal(each) for name, each in value.items()}
    if isinstance(value, str) and value.startswith("[") and value.endswith("]"):
        return f"[{value}"
    return value


def written(inputs: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """The endpoint that a template of `template`'s writes, by the inputs of its deployment: `workspace/endpoint`, and
    its properties; None for any other's."""
    told = (inputs.get("properties") or {}).get("template")
    if not isinstance(told, Mapping) or _MADE not in (told.get("metadata") or {}):
        return None
    (resource,) = told["resources"]
    return str(resource["name"]), resource["properties"]
