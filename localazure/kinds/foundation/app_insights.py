"""Microsoft.Insights/components: Application Insights.

Source: Microsoft, "Components" (REST 2020-02-02), "Naming rules and restrictions for Azure resources". Its wire names
are PascalCase. Without a Log Analytics workspace of one's own Azure makes one in a resource group that it manages; this
emulation makes none and answers as for the classic, workspace-less kind.
"""

from __future__ import annotations

from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.foundation import billing_features
from azmlflow.localazure.kinds.foundation.log_analytics import TYPE as LOG_ANALYTICS_TYPE
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice, envelope, linked_id, pick
from azmlflow.localazure.resources.find import resource
from azmlflow.localazure.resources.kind import Kind, Lifecycle, NameRule
from azmlflow.localazure.resources.verbs import Verb, Verbs
from azmlflow.resourcetypes.bounds import NAMES

_DEFAULTS: Document = {
    "Application_Type": "web",
    "Flow_Type": "Bluefield",
    "Request_Source": "rest",
    "RetentionInDays": 90,
    "publicNetworkAccessForIngestion": "Enabled",
    "publicNetworkAccessForQuery": "Enabled",
}
_OPTIONAL = (
    "DisableIpMasking", "DisableLocalAuth", "ForceCustomerStorageForProfiler", "HockeyAppId",
    "ImmediatePurgeDataOn30Days", "SamplingPercentage",
)  # fmt: skip

_MODES = ("ApplicationInsights", "ApplicationInsightsWithDiagnosticSettings", "LogAnalytics")


def _check(ask: Ask, existing: Document | None) -> None:
    if not ask.body.get("kind") and existing is None:
        raise bad_request("InvalidRequestContent", "An Application Insights component needs a 'kind', such as 'web'.")


def _shape(ask: Ask, existing: Document | None) -> Document:
    before = (existing or {}).get("properties", {})
    given = pick(ask.properties, _DEFAULTS, _OPTIONAL)
    given["Application_Type"] = choice("Application_Type", given["Application_Type"], ("web", "other"))
    workspace = _workspace(ask)
    mode = "LogAnalytics" if workspace else "ApplicationInsights"
    wanted = choice("IngestionMode", ask.properties.get("IngestionMode") or mode, _MODES)
    if wanted != mode:  # inferred: Azure's page says what the modes are, not how another one is refused
        raise bad_request(
            "BadRequest", f"The component's IngestionMode is {mode}, not {wanted}.", target="IngestionMode"
        )
    ids = ask.cloud.ids
    key = before.get("InstrumentationKey") or ids.guid()
    app_id = before.get("AppId") or ids.guid()
    document = envelope(ask, existing)
    place = document["location"]
    name = existing["name"] if existing else ask.target.name
    properties: Document = {
        **given,
        "Name": name,
        "ApplicationId": name,
        "AppId": app_id,
        "InstrumentationKey": key,
        "ConnectionString": f"InstrumentationKey={key};IngestionEndpoint=https://{place}-5.in.applicationinsights.azure.com/;"
        f"LiveEndpoint=https://{place}.livediagnostics.monitor.azure.com/;ApplicationId={app_id}",
        "CreationDate": before.get("CreationDate") or timestamp(ask.cloud.clock.now()),
        "TenantId": before.get("TenantId") or TENANT_ID,
        "IngestionMode": mode,
        "Ver": "v2",
    }
    if workspace:
        properties["WorkspaceResourceId"] = workspace
    return {
        **document,
        "kind": ask.body.get("kind") or (existing or {})["kind"],
        "etag": (existing or {}).get("etag"),
        "properties": properties,
    }


def _workspace(ask: Ask) -> str | None:
    given = next((value for name, value in ask.properties.items() if name.lower() == "workspaceresourceid"), None)
    if given is None:
        return None
    id_ = linked_id("WorkspaceResourceId", given, LOG_ANALYTICS_TYPE)
    if resource(ask.cloud, id_) is None:
        raise bad_request(
            "BadRequest",
            f"The Log Analytics workspace '{id_}' of the component does not exist.",
            target="WorkspaceResourceId",
        )
    return id_


def _touch(ask: Ask, document: Document) -> None:
    document["etag"] = f'"{ask.cloud.ids.guid()}"'


APP_INSIGHTS = Kind(
    type="Microsoft.Insights/components",
    name=NameRule(
        NAMES["Microsoft.Insights/components"],
        "InvalidResourceName",
        "The component name '{name}' is not valid: it has 1 to 260 characters, none of %&\\?/ and no control "
        "characters, and does not end with a space or a full stop.",
    ),
    shape=_shape,
    verbs=Verbs(put=Verb(200)),
    lifecycle=Lifecycle(before_write=_check, on_write=_touch, on_purge=billing_features.forget),
    extras=billing_features.EXTRAS,
)
