"""Microsoft.Insights/metrics of a storage account: `UsedCapacity`, as the blobs are now (Azure renews it every hour).

Source: Microsoft, "Metrics - List" (REST 2023-10-01), "Azure Blob Storage monitoring data reference".
"""

from __future__ import annotations

from azmlflow.localazure.blobs.kept import BLOBS
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.errors import bad_request, not_found
from azmlflow.localazure.kinds.foundation import storage_accounts
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.kind import Answer, Ask

_NAME = "UsedCapacity"


def list_metrics(ask: Ask) -> Answer:
    """The metrics asked for.

    Raises:
        AzureError: 404, no such resource; 400, another metric or another type of resource.
    """
    at = ask.target.scope or "/"
    ask.cloud.enforcer.require(ask.caller, "Microsoft.Insights/metrics/read", at)
    document = find.resource(ask.cloud, at)
    if document is None:
        raise not_found(at)
    asked = ask.query.get("metricnames", "")
    if document["type"] != storage_accounts.TYPE or asked.lower() != _NAME.lower():
        raise bad_request("BadRequest", f"Failed to find metric configuration for the metric name '{asked}'.")
    size = sum(int(blob["length"]) for _, blob in ask.cloud.store.scan(BLOBS, f"{document['name']}/"))
    point = {"timeStamp": timestamp(ask.cloud.clock.now()), "average": float(size)}
    metric = {
        "id": f"{document['id']}/providers/Microsoft.Insights/metrics/{_NAME}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": _NAME, "localizedValue": "Used capacity"},
        "unit": "Bytes",
        "timeseries": [{"metadatavalues": [], "data": [point]}],
        "errorCode": "Success",
    }
    return Answer(200, {"cost": 0, "interval": "PT1H", "value": [metric]})
