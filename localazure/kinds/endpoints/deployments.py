"""Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments: managed ones.

A PUT is accepted, and its operation stays open until the deployment's process answers or has failed (`serving`). A
deployment needs a model that MLflow logged, or an environment with a script. Source: Microsoft, "Online Deployments"
(REST 2025-12-01) and "Troubleshoot online endpoint deployment and scoring". Inferred: the words of refusals that no
page tells, and that who names code, a model or an environment must be allowed to read it.
"""

from __future__ import annotations

import re

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import DEPLOYMENTS
from azmlflow.localazure.core.errors import AzureError, bad_request, conflict
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.environments.errors import UnusableEnvironment
from azmlflow.localazure.environments.find import find as find_environment
from azmlflow.localazure.kinds.endpoints import body, logs, quota, traffic
from azmlflow.localazure.kinds.endpoints.endpoints import TYPE as ENDPOINT
from azmlflow.localazure.kinds.jobs.members import members
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import location_required, tags
from azmlflow.localazure.resources.kind import Kind, Lifecycle, NameRule, child_of
from azmlflow.localazure.resources.verbs import Action, Deletion, Extra, Verb, Verbs
from azmlflow.resourcetypes.bounds import MOST_DEPLOYMENTS, NAMES

_WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
TYPE = f"{ENDPOINT}/deployments"
MODEL = re.compile(r"(?P<workspace>.+)/models/(?P<name>[^/]+)/versions/(?P<version>[^/]+)", re.IGNORECASE)


def _shape(ask: Ask, existing: Document | None) -> Document:
    endpoint = find.parent(ask.cloud, ONLINE_DEPLOYMENT, ask.target, "write")
    workspace = find.resource(ask.cloud, endpoint["id"].rpartition("/onlineEndpoints/")[0])
    assert workspace is not None, "an endpoint goes with its workspace"
    if existing is None and not ask.body.get("location"):
        raise location_required()
    told = body.read(ask)
    _check_assets(ask, workspace, told)
    document: Document = {
        "location": endpoint["location"],
        "tags": tags(ask),
        "kind": "Managed",
        "sku": {"name": "Default", "capacity": body.capacity(ask)},
        "properties": told,
    }
    quota.check(ask.cloud, ask.target.id, document, endpoint["location"])
    return document


def _check_endpoint(ask: Ask, existing: Document | None) -> None:
    endpoint = find.parent(ask.cloud, ONLINE_DEPLOYMENT, ask.target, "write")
    state = endpoint["properties"]["provisioningState"]
    if state in ("Creating", "Updating", "Deleting", "Failed"):
        what = "create" if existing is None else "update"
        raise conflict(  # Azure/azure-sdk-for-net issue 36961
            "ResourceNotReady",
            f"Cannot {what} a deployment in endpoint {endpoint['name']} because it is in {state} provisioning state.",
        )
    others = [each for each in find.below(ask.cloud, endpoint["id"]) if each["type"] == TYPE]
    if existing is None and len(others) >= MOST_DEPLOYMENTS:
        raise bad_request("BadRequest", f"An online endpoint has at most {MOST_DEPLOYMENTS} deployments.")


def _check_assets(ask: Ask, workspace: Document, told: Document) -> None:
    """See that the model, environment and code are the workspace's, and that the caller may read them."""
    model, environment, code = told.get("model"), told.get("environmentId"), told.get("codeConfiguration")
    if model:
        found = MODEL.fullmatch(model)
        if found is None or found["workspace"].lower() != workspace["id"].lower():
            raise _bad("model", f"The model '{model}' is not a registered model of the workspace.")
        _require(ask, workspace, "models/versions/read")
    if environment:
        _require(ask, workspace, "environments/read")
        _check_environment(ask, environment)
    if code is not None:
        _check_code(ask, workspace, code)
        if not environment:
            raise _bad("environmentId", "A deployment with a scoring script needs an environment.")
    elif environment and not model:
        raise _bad("codeConfiguration", "A deployment needs a model, or an environment with a scoring script.")
    elif not model:
        raise _bad("model", "A deployment needs a model, or an environment with a scoring script.")


def _check_environment(ask: Ask, given: str) -> None:
    try:
        find_environment(ask.cloud, given)
    except UnusableEnvironment as error:
        raise _bad("environmentId", str(error)) from error


def _check_code(ask: Ask, workspace: Document, code: object) -> None:
    given = members("codeConfiguration", code, ("codeId", "scoringScript"))
    script = given.get("scoringScript")
    if not isinstance(script, str) or not script:
        raise _bad("codeConfiguration.scoringScript", "A code configuration names a 'scoringScript'.")
    if not script.endswith(".py") or not {"", ".", ".."}.isdisjoint(script.split("/")):
        raise _bad("codeConfiguration.scoringScript", f"'{script}' is not a script in a folder of code.")
    _require(ask, workspace, "metadata/codes/read")
    id_ = str(given.get("codeId") or "")
    inside = id_.lower().startswith(f"{workspace['id']}/codes/".lower())
    if not inside or find.resource(ask.cloud, id_) is None:
        raise _bad("codeConfiguration.codeId", f"The code '{id_}' was not found in the workspace.")


def _require(ask: Ask, workspace: Document, action: str) -> None:
    ask.cloud.enforcer.require(ask.caller, f"{_WORKSPACE}/{action}", workspace["id"])


def _bad(target: str, why: str) -> AzureError:
    return bad_request(body.CODE, why, target=target)


def _made(ask: Ask, document: Document) -> None:
    ask.cloud.store.put(DEPLOYMENTS, document["id"].lower(), {})


def _written(ask: Ask, _document: Document) -> None:
    ask.cloud.serving.bell.ring()


def _check_idle(ask: Ask, document: Document) -> None:
    """Refuse to take away what has traffic. That Azure does is told, its words are not."""
    endpoint = find.parent(ask.cloud, ONLINE_DEPLOYMENT, ask.target, "delete")
    share = traffic.weight(endpoint, document["name"])
    if share:
        raise bad_request(
            "BadRequest",
            f"The deployment '{document['name']}' has {share} percent of the traffic of the endpoint "
            f"'{endpoint['name']}': set it to 0 before you delete the deployment.",
        )


def _gone(cloud: Cloud, document: Document) -> None:
    cloud.store.delete(DEPLOYMENTS, document["id"].lower())
    traffic.forget(cloud, document)
    cloud.serving.bell.ring()


def _skus(ask: Ask) -> Answer:
    document = find.resource(ask.cloud, ask.target.path.rpartition("/")[0])
    if document is None:
        raise find.missing(ONLINE_DEPLOYMENT, ask.target)
    capacity = {"minimum": 1, "maximum": 50, "default": document["sku"]["capacity"], "scaleType": "Manual"}
    return Answer(200, {"value": [{"resourceType": TYPE, "sku": {"name": "Default"}, "capacity": capacity}]})


ONLINE_DEPLOYMENT = Kind(
    type=TYPE,
    name=NameRule(
        NAMES[TYPE],
        "InvalidDeploymentName",
        "The deployment name '{name}' is not valid: it has 3 to 32 letters, digits or single '-', begins with a letter "
        "and ends with a letter or digit.",
    ),
    shape=_shape,
    placement=child_of(ENDPOINT),
    has_system_data=True,
    verbs=Verbs(
        put=Verb(201, "operation", held=True),
        update=Verb(200, "operation", "Updating", held=True),
        delete=Deletion(202, "operation"),
    ),
    lifecycle=Lifecycle(
        before_write=_check_endpoint, on_create=_made, on_write=_written, before_delete=_check_idle, on_delete=_gone
    ),
    actions=(Action("getLogs", logs.read, "getlogs"),),
    extras=(Extra("GET", f"{TYPE}/skus".lower(), _skus, f"{TYPE}/skus/read", collection=True, stands="resource"),),
)
