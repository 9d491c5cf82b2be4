"""The check of online endpoints: whether their models are there and machines for them, before Azure is asked for them.

Source: Microsoft, "Troubleshoot online endpoint deployment and scoring" (`OutOfQuota`, `ResourceNotFound`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from azmlflow.cli.checks import cores
from azmlflow.cli.checks.base import Check, Finding, Situation
from azmlflow.infra.plan.serving import deployment_name

if TYPE_CHECKING:
    from azmlflow.infra.settings.contents.endpoints import DeploymentSettings

_LOGGED = "mlflow_model"


def _endpoints(situation: Situation) -> Finding:
    settings, stack = situation.settings, situation.session.name
    if not settings.endpoints:
        return Finding("skipped", "the stack has no online endpoints")
    deployments = [each for endpoint in settings.endpoints for each in endpoint.deployments]
    workspace = f"{situation.group}/providers/Microsoft.MachineLearningServices/workspaces/{situation.names.workspace}"
    if deployments and situation.arm.get(workspace) is None:
        models = ", ".join(dict.fromkeys(each.model for each in deployments))
        return Finding(
            "failed",
            f"the workspace does not stand yet, so there is no model {models} in it to deploy: bring it up without "
            "endpoints, register the model there, and set them again",
            f"azmlflow set --unset endpoints --stack {stack}",
        )
    faults, wanted = [], []
    for number, endpoint in enumerate(settings.endpoints):
        there = _there(situation, f"{workspace}/onlineEndpoints/{endpoint.name}")
        for place, each in enumerate(endpoint.deployments):
            key = f"endpoints[{number}].deployments[{place}]"
            version, whys = _version(situation, workspace, each)
            faults += [f"{key}: {why}" for why in whys]
            called = deployment_name(each.name, each.model, version, each.instance_type).lower()
            wanted.append((each.instance_type, each.instance_count - there.get(called, 0)))
    faults += cores.lacking(situation.arm, situation.subscription, settings.location, wanted)
    if faults:
        return Finding("failed", "; ".join(faults))
    return Finding("ok", "their models are there, and there are machines for them")


def _there(situation: Situation, endpoint: str) -> Mapping[str, int]:
    """How many instances each deployment of an endpoint has, by its name in lower case."""
    listed = situation.arm.list(f"{endpoint}/deployments") if situation.arm.get(endpoint) is not None else ()
    return {str(each["name"]).lower(): int((each.get("sku") or {}).get("capacity") or 1) for each in listed}


def _version(situation: Situation, workspace: str, wanted: DeploymentSettings) -> tuple[str, Iterator[str]]:
    """The version that a deployment is of, and what is wrong with it."""
    from azmlflow.infra.settings.contents.endpoints import LATEST

    id_ = f"{workspace}/models/{wanted.model}"
    container = situation.arm.get(id_)
    last = _properties(container).get("latestVersion")
    version = str(last or "") if wanted.version == LATEST else wanted.version
    if not last:
        return version, iter((f"there is no registered model {wanted.model}",))
    return version, _faults(wanted.model, version, str(last), situation.arm.get(f"{id_}/versions/{version}"))


def _faults(model: str, version: str, last: str, found: Mapping[str, Any] | None) -> Iterator[str]:
    if found is None:
        yield f"the model {model} has no version {version}; its last is {last}"
    elif (kind := _properties(found).get("modelType", _LOGGED)) != _LOGGED:
        yield f"{model}:{version} is a {kind}: endpoints of settings serve what MLflow logged"


def _properties(document: Mapping[str, Any] | None) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (document or {}).get("properties") or {}
    return found


SERVING = Check(
    "endpoints",
    "Are the online endpoints' models there, and machines for them?",
    _endpoints,
    "edit Pulumi.{stack}.yaml",
    preflight=True,
)
CHECKS = (SERVING,)
