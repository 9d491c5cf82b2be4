"""Microsoft.Insights/diagnosticSettings: which logs and metrics of a resource go where.

Source: Microsoft, "Diagnostic Settings" (REST 2021-05-01-preview), "Diagnostic settings in Azure Monitor" (at most
five, no destination twice for one category), "Supported resource log categories". A blob service is a resource here:
`<storage account>/blobServices/default`. Only Log Analytics is served as a destination: an account, an event hub or a
partner is refused, since nothing here would write to it.

Inferred: the codes of the refusals but for the destination used twice, and that a setting goes with its resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.core.collections import DIAGNOSTICS
from azmlflow.localazure.core.errors import AzureError, bad_request, conflict
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.foundation.log_analytics import TYPE as LOG_ANALYTICS_TYPE
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.extensions import gone_with_scope, on_scope
from azmlflow.localazure.resources.fields import linked_id, pick, wrong_type
from azmlflow.localazure.resources.find import resource
from azmlflow.localazure.resources.kind import Documents, Kind, Lifecycle, NameRule, Placement
from azmlflow.localazure.resources.paths import Target
from azmlflow.localazure.resources.verbs import Verb, Verbs
from azmlflow.rbac import scopes
from azmlflow.resourcetypes.bounds import NAMES

_TYPE = "Microsoft.Insights/diagnosticSettings"
_MOST = 5
_ELSEWHERE = ("storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId", "serviceBusRuleId")
_GROUPS = ("allLogs", "audit")
# What a type of resource logs; every type has the metrics below.
_CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "microsoft.machinelearningservices/workspaces": (
        "AmlComputeClusterEvent", "AmlComputeClusterNodeEvent", "AmlComputeCpuGpuUtilization", "AmlComputeJobEvent",
        "AmlRunStatusChangedEvent", "ComputeInstanceEvent", "DataLabelChangeEvent", "DataLabelReadEvent",
        "DataSetChangeEvent", "DataSetReadEvent", "DataStoreChangeEvent", "DataStoreReadEvent", "DeploymentEventACI",
        "DeploymentEventAKS", "DeploymentReadEvent", "EnvironmentChangeEvent", "EnvironmentReadEvent",
        "InferencingOperationACI", "InferencingOperationAKS", "ManagedNetworkEvent", "ModelsActionEvent",
        "ModelsChangeEvent", "ModelsReadEvent", "PipelineChangeEvent", "PipelineReadEvent", "RunEvent", "RunReadEvent",
    ),
    "microsoft.storage/storageaccounts/blobservices": ("StorageDelete", "StorageRead", "StorageWrite"),
    "microsoft.storage/storageaccounts": (),
    "microsoft.keyvault/vaults": ("AuditEvent", "AzurePolicyEvaluationDetails"),
    "microsoft.containerregistry/registries": (
        "ContainerRegistryLoginEvents", "ContainerRegistryRepositoryEvents",
    ),
    "microsoft.operationalinsights/workspaces": ("Audit", "SummaryLogs"),
}  # fmt: skip

_METRICS = {"microsoft.storage/storageaccounts/blobservices": ("Transaction", "Capacity")}


def _missing(target: Target) -> AzureError:
    return AzureError(404, "ResourceNotFound", f"The diagnostic setting '{target.name}' was not found.")


def _shape(ask: Ask, _existing: Document | None) -> Document:
    given = pick(ask.properties, {"logs": [], "metrics": []}, ("workspaceId", "logAnalyticsDestinationType"))
    for name in _ELSEWHERE:
        if ask.properties.get(name):
            raise bad_request("BadRequest", f"'{name}' is not served here: send to a 'workspaceId'.", target=name)
    type_ = scopes.parse(ask.target.scope).type or ""
    logs = [_log(type_, each) for each in given["logs"]]
    metrics = [_metric(type_, each) for each in given["metrics"]]
    if not any(each["enabled"] for each in (*logs, *metrics)):
        raise bad_request("BadRequest", "At least one category of logs or metrics must be enabled.")
    destination = {"logAnalyticsDestinationType": None, **given, "workspaceId": _workspace(ask, given)}
    return {"properties": {**dict.fromkeys(_ELSEWHERE), **destination, "logs": logs, "metrics": metrics}}


def _workspace(ask: Ask, given: Document) -> str:
    """The Log Analytics workspace that the logs go to."""
    if not given.get("workspaceId"):
        raise bad_request("BadRequest", "At least one data sink needs to be specified.", target="workspaceId")
    id_ = linked_id("workspaceId", given["workspaceId"], LOG_ANALYTICS_TYPE)
    if resource(ask.cloud, id_) is None:
        raise AzureError(404, "ResourceNotFound", f"The workspace '{id_}' was not found.")
    return id_


def _log(type_: str, given: Any) -> Document:
    """One entry of `logs`: a category, or a group of categories."""
    if not isinstance(given, dict):
        raise wrong_type("logs", given, "object")
    found = pick(given, {"enabled": False}, ("category", "categoryGroup"))
    _check_retention(given)
    known = _CATEGORIES.get(type_.lower(), ())
    if ("category" in found) == ("categoryGroup" in found):
        raise bad_request("BadRequest", "Each log needs one of 'category' and 'categoryGroup'.", target="logs")
    name = "category" if "category" in found else "categoryGroup"
    _require_known(type_, name, found[name], known if name == "category" else _GROUPS if known else ())
    return {"category": None, "categoryGroup": None, **found, "retentionPolicy": {"days": 0, "enabled": False}}


def _metric(type_: str, given: Any) -> Document:
    """One entry of `metrics`."""
    if not isinstance(given, dict):
        raise wrong_type("metrics", given, "object")
    found = pick(given, {"enabled": False, "category": ""}, ("timeGrain",))
    _check_retention(given)
    _require_known(type_, "category", found["category"], ("AllMetrics", *_METRICS.get(type_.lower(), ())))
    return {"timeGrain": None, **found, "retentionPolicy": {"days": 0, "enabled": False}}


def _check_retention(given: Document) -> None:
    """Azure's words, since it keeps nothing by settings any more (hashicorp/terraform-provider-azurerm issue 23051)."""
    policy = given.get("retentionPolicy")
    if isinstance(policy, Mapping) and (policy.get("enabled") or policy.get("days")):
        raise bad_request("BadRequest", "Diagnostic settings does not support retention for new diagnostic settings.")


def _require_known(type_: str, name: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        what = "Category" if name == "category" else "Category group"
        raise bad_request("BadRequest", f"{what} '{value}' is not supported for '{type_}'.", target=name)


def _check(ask: Ask, _existing: Document | None) -> None:
    """No more than five on one resource, and no destination twice for one category."""
    others = [each for each in _LISTED(ask) if each["id"].lower() != ask.target.id.lower()]
    if len(others) >= _MOST:
        raise conflict("Conflict", f"A resource can have at most {_MOST} diagnostic settings.")
    wanted = _shape(ask, None)["properties"]
    for other in others:
        if other["properties"]["workspaceId"].lower() != wanted["workspaceId"].lower():
            continue
        if twice := _enabled(wanted) & _enabled(other["properties"]):
            raise conflict(
                "Conflict",
                f"Data sink '{wanted['workspaceId']}' is already used in diagnostic setting '{other['name']}' for "
                f"category '{min(twice)}'. Data sinks can't be reused in different settings on the same category for "
                "the same resource.",
            )


def _enabled(properties: Document) -> set[str]:
    entries = (*properties["logs"], *properties["metrics"])
    return {each.get("category") or each["categoryGroup"] for each in entries if each["enabled"]}


_LISTED = on_scope(DIAGNOSTICS)
DIAGNOSTIC_SETTING = Kind(
    type=_TYPE,
    name=NameRule(
        NAMES[_TYPE],
        "BadRequest",
        "The diagnostic setting's name '{name}' is not valid: at most 260 characters without <>*#.%&:\\?+/.",
    ),
    shape=_shape,
    placement=Placement("extension", lockable=False),
    documents=Documents(collection=DIAGNOSTICS, missing=_missing),
    has_provisioning_state=False,
    verbs=Verbs(listed=_LISTED, put=Verb(200), patch=False),
    lifecycle=Lifecycle(before_write=_check, on_scope_delete=gone_with_scope(DIAGNOSTICS)),
)
