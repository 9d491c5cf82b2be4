"""The computes of a workspace, their nodes with their jobs, and how many jobs were at work over the last day."""

from __future__ import annotations

from datetime import datetime, timedelta

from azmlflow.localazure.core.collections import JOB_RECORDS, NODES
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.ui import charts, html
from azmlflow.localazure.ui.visit import Visit

_DAY = timedelta(hours=24)
_HEAD = ("Compute", "Type", "Size", "Priority", "Nodes", "Now", "State")


async def show(visit: Visit) -> str:
    """The page."""
    try:
        found = await visit.reader.all(f"{visit.id}/computes")
    except AzureError as error:
        return html.refused(error.message)
    if not found:
        return "<p>The workspace has no computes.</p>"
    rows, nodes = [], []
    for each in found:
        inner = each["properties"].get("properties") or {}
        scale = inner.get("scaleSettings") or {}
        size = f"{scale['minNodeCount']} to {scale['maxNodeCount']}" if scale else "1"
        place = inner.get("vmPriority", "Dedicated")
        now = inner.get("currentNodeCount", inner.get("state", ""))
        state = html.state(each["properties"].get("provisioningState", ""))
        rows.append((each["name"], each["properties"]["computeType"], inner.get("vmSize"), place, size, now, state))
        kept = visit.cloud.store.get(NODES, each["id"].lower()) or {"nodes": []}
        nodes += [(f"{each['name']} {node['number']}", _job_link(node["job"])) for node in kept["nodes"]]
    shown = html.table("Computes of the workspace", _HEAD, rows) + await _lately(visit)
    if nodes:
        return shown + "<h2>Nodes</h2>" + html.table("Nodes that are there now", ("Node", "Job"), nodes)
    return shown + "<p>No node is up: clusters grow when jobs wait.</p>"


async def _lately(visit: Visit) -> str:
    """A chart for each compute that had work within a day; nothing for who may not read jobs."""
    try:
        jobs = await visit.reader.all(f"{visit.id}/jobs")
    except AzureError:
        return ""
    end = visit.cloud.clock.now()
    spans: dict[str, list[tuple[datetime, datetime]]] = {}
    for each in jobs:
        record = visit.cloud.store.get(JOB_RECORDS, each["id"].lower()) or {}
        if record.get("started"):
            last = datetime.fromisoformat(record["ended"]) if record.get("ended") else end
            if last > end - _DAY:
                name = str(each["properties"]["computeId"]).rpartition("/")[2]
                spans.setdefault(name, []).append((datetime.fromisoformat(record["started"]), last))
    drawn = [
        f'<div class="box"><h2>{html.cell(name)}: nodes at work, the last 24 hours</h2>'
        f"{charts.line(f'Nodes of {name} at work', end - _DAY, end, spans[name])}</div>"
        for name in sorted(spans)
    ]
    return "".join(drawn)


def _job_link(job: str | None) -> object:
    name = (job or "").rpartition("/")[2]
    return html.identifier(html.link(name, f"jobs/{name}")) if name else "idle"
