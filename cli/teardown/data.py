"""What data a resource holds, in a few words, for the plan of a removal: `3 containers, 1.2 GiB`.

Read as far as the caller may: what cannot be read is not guessed at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.words import called, many
from azmlflow.cli.teardown.ownership import STORAGE, VAULT, WORKSPACE, Resource

_PAGES = 50  # of a hundred each; who has more reads "5000", and the deletion is the same

Describe = Callable[[Resource], str]


def named(one: Resource) -> str:
    """What people call a resource of this type, and its name."""
    return f"{called(one.type)} {one.name}"


def describing(arm: ResourceManager) -> Describe:
    """A function that tells what a resource holds; empty text for what holds nothing of interest."""

    def describe(one: Resource) -> str:
        if one.type == STORAGE:
            return _storage(arm, one)
        if one.type == WORKSPACE:
            return _workspace(arm, one)
        if one.type == VAULT:
            return _vault(arm, one)
        return ""

    return describe


def _vault(arm: ResourceManager, one: Resource) -> str:
    """What nobody can purge stays; its secrets nobody counts, for that takes a right of its own."""
    try:
        properties = (arm.get(one.id) or {}).get("properties") or {}
    except ArmError as fault:
        return f"whether purge protection keeps it cannot be read: {fault.code}"
    if not properties.get("enablePurgeProtection"):
        return ""
    days = properties.get("softDeleteRetentionInDays", 90)
    return f"purge protection keeps it, soft-deleted, and its name, for {days} days"


def _storage(arm: ResourceManager, one: Resource) -> str:
    try:
        count = len(arm.list(f"{one.id}/blobServices/default/containers"))
    except ArmError as fault:
        return f"its containers cannot be counted: {fault.code}"
    size = measured(arm, one.id, "UsedCapacity")  # Azure renews it every hour
    return many(count, "container") + (f", {_bytes(size)}" if size is not None else "")


def measured(arm: ResourceManager, id_: str, metric: str, **more: str) -> float | None:
    """What Azure Monitor measured of a resource last, as an average; None where it cannot be read.

    Args:
        arm: Resource Manager.
        id_: of the resource.
        metric: its name.
        more: `timespan` and `interval` (Microsoft, "Metrics - List").
    """
    try:
        query = {"metricnames": metric, "aggregation": "Average", **more}
        metrics = arm.list(f"{id_}/providers/Microsoft.Insights/metrics", query)
    except ArmError:
        return None
    averages = [point.get("average") for point in _points(metrics)]
    known = [float(value) for value in averages if isinstance(value, int | float)]
    return known[-1] if known else None


def asked_per_day(arm: ResourceManager, endpoint: str) -> int | None:
    """How many requests an online endpoint had in the last day; None where that cannot be read.

    (Microsoft, "Supported metrics for Microsoft.MachineLearningServices/workspaces/onlineEndpoints".)
    """
    now = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    span = f"{(now - timedelta(days=1)).isoformat()}Z/{now.isoformat()}Z"
    found = measured(arm, endpoint, "RequestsPerMinute", timespan=span, interval="P1D")
    return None if found is None else round(found * 24 * 60)


def _points(metrics: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        point for metric in metrics for series in metric.get("timeseries") or () for point in series.get("data") or ()
    ]


def _workspace(arm: ResourceManager, one: Resource) -> str:
    """Counted by MLflow's own search, for Resource Manager knows neither experiments nor all models."""
    place = f"https://{one.location}.api.azureml.ms/mlflow/v2.0{one.id}/api/2.0/mlflow"
    experiments = _count(arm, "POST", f"{place}/experiments/search", "experiments")
    if experiments is None:  # nor will it tell the rest: do not wait twice for who does not answer
        return "all experiments, runs and models"
    models = _count(arm, "GET", f"{place}/registered-models/search", "registered_models")
    counts = [many(experiments, "experiment"), *([] if models is None else [many(models, "registered model")])]
    return f"{', '.join(counts)}, all runs"


def _count(arm: ResourceManager, method: str, url: str, what: str) -> int | None:
    """How many a search finds; None if it cannot be read."""
    from azure.core.exceptions import AzureError

    count, query = 0, {"max_results": "100"}
    for _ in range(_PAGES):
        try:
            if method == "GET":
                page = arm.call(method, f"{url}?{urlencode(query)}")
            else:
                page = arm.call(method, url, {**query, "max_results": 100})
        except (ArmError, AzureError):
            return None
        if page is None:
            return None
        count += len(page.get(what) or ())  # MLflow leaves an empty list out, as protobuf's JSON does
        token = page.get("next_page_token")
        if not token:
            break
        query = {"max_results": "100", "page_token": str(token)}
    return count


def _bytes(size: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
