"""Microsoft.Resources/deployments: a template deployed to a resource group.

Source: Microsoft, "Deployments" (REST 2024-03-01) and "Deployment modes". Each PUT deploys anew; to delete a deployment
deletes none of its resources. It ends when the operations that it began have (`arm/templates`). Only the mode
Incremental is there, since Complete deletes what a template does not name; no links, and nothing but groups.
"""

from __future__ import annotations

import hashlib
import json

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.collections import TEMPLATES
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.jobs.members import members
from azmlflow.localazure.kinds.templates import template
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.extensions import gone_with_scope, on_scope
from azmlflow.localazure.resources.fields import choice, tags
from azmlflow.localazure.resources.kind import Documents, Kind, Lifecycle, NameRule, Placement
from azmlflow.localazure.resources.paths import Target, group_id
from azmlflow.localazure.resources.verbs import Deletion, Verb, Verbs
from azmlflow.resourcetypes.bounds import NAMES

_TYPE = "Microsoft.Resources/deployments"
_NAMES = ("mode", "template", "debugSetting")
_AROUND = ("id", "name", "type", "location", "tags", "properties")
_LEFT_OUT = ("templateLink", "parametersLink", "onErrorDeployment", "expressionEvaluationOptions", "parameters")


def _check(ask: Ask) -> None:
    if ask.target.group is None or ask.target.scope.lower() != group_id(ask.target).lower():
        raise bad_request("InvalidDeployment", "The embedded Azure deploys templates to resource groups alone.")
    members("", ask.body, _AROUND)
    members("properties", ask.properties, (*_NAMES, *_LEFT_OUT))
    for name in _LEFT_OUT:
        if ask.properties.get(name):
            raise template.invalid(f"the embedded Azure deploys no template with '{name}'")
    mode = choice("mode", ask.properties.get("mode"), ("Incremental", "Complete"), "InvalidDeployment")
    if mode != "Incremental":
        raise bad_request("InvalidDeployment", "The embedded Azure deploys in the mode Incremental alone.")


def _shape(ask: Ask, _existing: Document | None) -> Document:
    _check(ask)
    told = ask.properties.get("template")
    resources = template.resources(told)
    group = group_id(ask.target)
    text = json.dumps(told, sort_keys=True)
    return {
        "tags": tags(ask),
        "properties": {
            "mode": "Incremental",
            "templateHash": str(int(hashlib.sha256(text.encode()).hexdigest()[:16], 16)),
            "timestamp": timestamp(ask.cloud.clock.now()),
            "correlationId": ask.cloud.ids.guid(),
            "dependencies": [],
            "outputResources": [{"id": each.id_in(group)} for each in resources],
        },
    }


def _ready(cloud: Cloud, _document: Document, operation: Document) -> None:
    """A deployment has failed if an operation that it began has.

    Raises:
        AzureError: 409 `DeploymentFailed`, with what each says.
    """
    ended = [cloud.operations.get(id_) for id_ in operation.get("after", ())]
    failed = [each["error"] for each in ended if each is not None and "error" in each]
    if failed:
        raise AzureError(
            409,
            "DeploymentFailed",
            "At least one resource deployment operation failed. Please list deployment operations for details: "
            + "; ".join(f"{each['code']}: {each['message']}" for each in failed),
        )


def _missing(target: Target) -> AzureError:
    return AzureError(404, "DeploymentNotFound", f"Deployment '{target.name}' could not be found.")


TEMPLATE_DEPLOYMENT = Kind(
    type=_TYPE,
    name=NameRule(
        NAMES[_TYPE],
        "InvalidDeploymentName",
        "The deployment name '{name}' is not valid: 1 to 64 letters, digits, '-', '.', '_', '(' or ')'.",
    ),
    shape=_shape,
    placement=Placement("extension", lockable=True),
    documents=Documents(collection=TEMPLATES, missing=_missing),
    verbs=Verbs(
        listed=on_scope(TEMPLATES),
        put=Verb(201, "operation", "Accepted"),
        update=Verb(200, "operation", "Accepted"),
        patch=False,
        delete=Deletion(202, "location"),
    ),
    lifecycle=Lifecycle(on_ready=_ready, on_scope_delete=gone_with_scope(TEMPLATES)),
)
