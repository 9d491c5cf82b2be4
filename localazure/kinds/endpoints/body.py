"""What the body of a deployment may say, with Azure's defaults.

Source: Microsoft, "Online Deployments" (REST 2025-12-01), "CLI (v2) managed online deployment YAML schema" for the
defaults and bounds, and what azure-ai-ml 1.35 and azureml-mlflow 1.62 send. A member that Azure does
not have is refused, but for one that azureml-mlflow sends (`privateNetworkConnection`, of an API that is gone).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from azmlflow.localazure.core.clock import duration
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.jobs.members import members
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice, pick, texts, whole_number, wrong_type
from azmlflow.resourcetypes.bounds import MOST_INSTANCES

CODE = "BadArgument"
_DEFAULTS: Document = {
    "appInsightsEnabled": False,
    "egressPublicNetworkAccess": "Enabled",
    "environmentVariables": {},
    "instanceType": "Standard_DS3_v2",
    "properties": {},
    "scaleSettings": {"scaleType": "Default"},
}
_OPTIONAL = ("codeConfiguration", "dataCollector", "description", "environmentId", "model", "modelMountPath")
_REQUEST = {"requestTimeout": "PT5S", "maxConcurrentRequestsPerInstance": 1, "maxQueueWait": "PT0.5S"}
_LONGEST = timedelta(seconds=180)
_PROBE = {"failureThreshold": 30, "successThreshold": 1, "timeout": "PT2S", "period": "PT10S", "initialDelay": "PT10S"}
_NAMES = (
    *_DEFAULTS, *_OPTIONAL, "endpointComputeType", "requestSettings", "livenessProbe", "readinessProbe",
    "startupProbe", "containerResourceRequirements", "provisioningState", "privateNetworkConnection",
)  # fmt: skip
_AROUND = ("id", "name", "type", "systemData", "kind", "location", "sku", "tags", "identity", "properties", "etag")


def read(ask: Ask) -> Document:
    """The properties that a body says.

    Raises:
        AzureError: 400, a member cannot be so.
    """
    known(ask, _NAMES)
    given = pick(ask.properties, _DEFAULTS, _OPTIONAL)
    kind = choice("endpointComputeType", ask.properties.get("endpointComputeType"), ("Managed", "Kubernetes"), CODE)
    if kind != "Managed":
        raise _refused("endpointComputeType", "The embedded Azure has managed deployments only, none on Kubernetes.")
    for name in ("startupProbe", "containerResourceRequirements"):
        if ask.properties.get(name):
            raise _refused(name, f"'{name}' is for deployments on Kubernetes, of which the embedded Azure has none.")
    if given["scaleSettings"].get("scaleType", "Default") != "Default":
        raise _refused("scaleSettings", "A managed deployment scales by its instances alone: the scaleType is Default.")
    for name in ("model", "environmentId", "modelMountPath", "description"):
        if name in given and not isinstance(given[name], str):
            raise wrong_type(name, given[name], "string")
    return {
        **given,
        "endpointComputeType": kind,
        "properties": texts("properties", given),
        "environmentVariables": texts("environmentVariables", given),
        "requestSettings": _requests(ask.properties.get("requestSettings") or {}),
        "livenessProbe": _probe("livenessProbe", ask.properties.get("livenessProbe") or {}),
        "readinessProbe": _probe("readinessProbe", ask.properties.get("readinessProbe") or {}),
    }


def known(ask: Ask, names: Collection[str]) -> None:
    """Refuse a member that Azure does not have.

    Args:
        ask: the request.
        names: of `properties`.

    Raises:
        AzureError: 400.
    """
    members("", ask.body, _AROUND)
    members("properties", ask.properties, names)


def capacity(ask: Ask) -> int:
    """How many instances a body asks for.

    Raises:
        AzureError: 400.
    """
    sku = members("sku", ask.body.get("sku") or {}, ("name", "capacity", "tier", "size", "family"))
    return whole_number("sku.capacity", sku.get("capacity", 1), 1, MOST_INSTANCES, CODE)


def seconds(text: str) -> float:
    """The seconds of a duration that was read."""
    return duration(text).total_seconds()


def _requests(told: Any) -> Document:
    found = pick(members("requestSettings", told, _REQUEST), _REQUEST)
    timeout = _duration("requestSettings.requestTimeout", found["requestTimeout"])
    if not timedelta(0) < timeout <= _LONGEST:
        raise _refused("requestSettings.requestTimeout", "A request may take up to 180 seconds (PT3M).")
    most = "maxConcurrentRequestsPerInstance"
    whole_number(f"requestSettings.{most}", found[most], 1, 1000, CODE)
    return found


def _probe(where: str, told: Any) -> Document:
    found = pick(members(where, told, _PROBE), _PROBE)
    for name in ("timeout", "period", "initialDelay"):
        _duration(f"{where}.{name}", found[name])
    for name in ("failureThreshold", "successThreshold"):
        whole_number(f"{where}.{name}", found[name], 1, 1000, CODE)
    return found


def _duration(where: str, text: str) -> timedelta:
    try:
        return duration(text)
    except ValueError as error:
        raise _refused(where, f"It is not a duration: {error}.") from error


def _refused(where: str, why: str) -> AzureError:
    return bad_request(CODE, why, target=where)
