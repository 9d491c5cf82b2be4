"""How many requests endpoints have had in the last day, as Azure Monitor tells it.

They are written down now and then, for a write takes longer than many an answer: what ends the embedded Azure by force
takes the count of the last minute along. Source: Microsoft, "Supported metrics for
Microsoft.MachineLearningServices/workspaces/onlineEndpoints". Inferred: requests that were refused count as well.
"""

from __future__ import annotations

from datetime import timedelta

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import ENDPOINT_REQUESTS
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.verbs import Metric

_HOUR = "%Y-%m-%dT%H"
_DAY = timedelta(days=1)


def note(cloud: Cloud) -> None:
    """Write down what was asked since the last time, and forget what is older than a day."""
    now = cloud.clock.now()
    for key, count in cloud.serving.asked.items():
        if find.resource(cloud, key) is not None:  # else it has just been deleted
            hours = {**_hours(cloud, key)}
            hours[now.strftime(_HOUR)] = hours.get(now.strftime(_HOUR), 0) + count
            cloud.store.put(ENDPOINT_REQUESTS, key, hours, synced=False)
    cloud.serving.asked.clear()


def forget(cloud: Cloud, endpoint: Document) -> None:
    """Forget an endpoint that is gone."""
    cloud.serving.asked.pop(endpoint["id"].lower(), None)
    cloud.store.delete(ENDPOINT_REQUESTS, endpoint["id"].lower())


def _hours(cloud: Cloud, key: str) -> dict[str, int]:
    """The counts of the last day by the hour, as far as they are written down."""
    oldest = (cloud.clock.now() - _DAY).strftime(_HOUR)
    kept = cloud.store.get(ENDPOINT_REQUESTS, key) or {}
    return {hour: int(count) for hour, count in kept.items() if hour > oldest}


def _per_minute(cloud: Cloud, endpoint: Document) -> float:
    note(cloud)
    return sum(_hours(cloud, endpoint["id"].lower()).values()) / (_DAY / timedelta(minutes=1))


REQUESTS = Metric("RequestsPerMinute", "Requests Per Minute", "Count", _per_minute)
