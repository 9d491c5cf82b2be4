"""The first page of a workspace: how much there is of what, what jobs did lately, where it is, how to begin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta

from azmlflow.localazure.core.collections import JOB_RECORDS, NODES
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.tracking.answers import MlflowUnavailable
from azmlflow.localazure.ui import charts, html
from azmlflow.localazure.ui.visit import Visit

_DAYS = 14
_UNREADABLE = "may not be read"


async def show(visit: Visit, mlflow: str) -> str:
    """The page.

    Args:
        visit: who looks, at what.
        mlflow: address of MLflow's page.
    """
    try:
        found = await visit.reader.get(visit.id)
    except AzureError as error:
        return html.refused(error.message)
    jobs = await _readable(visit, "jobs")
    cards = [
        await _experiments_card(visit, found, mlflow),
        _jobs_card(jobs),
        await _card(visit, "computes", "Computes", "computes", _nodes),
        await _card(visit, "models", "Models", "mlflow/#/models", lambda *_: "registered, in MLflow"),
        await _card(visit, "onlineEndpoints", "Web services", "endpoints", lambda *_: "online endpoints"),
        await _access_card(visit),
    ]
    return (
        f'<div class="cards">{"".join(cards)}</div>'
        + f'<div class="beside">{_lately(visit, jobs)}{_facts(visit, found)}</div>'
        + _begin(visit, found["properties"]["mlFlowTrackingUri"])
    )


async def _experiments_card(visit: Visit, workspace: Document, mlflow: str) -> str:
    try:
        count = await visit.reader.experiments(workspace)
    except (AzureError, MlflowUnavailable):
        return html.card("Experiments", "-", _UNREADABLE)
    return html.card("Experiments", html.link(count, mlflow), "with their runs, in MLflow")


async def _readable(visit: Visit, below: str) -> list[Document] | None:
    try:
        return await visit.reader.all(f"{visit.id}/{below}")
    except AzureError:
        return None


async def _card(visit: Visit, below: str, title: str, target: str, more: Callable[[Visit, list[Document]], str]) -> str:
    found = await _readable(visit, below)
    if found is None:
        return html.card(title, "-", _UNREADABLE)
    return html.card(title, html.link(len(found), target), more(visit, found))


def _nodes(visit: Visit, found: list[Document]) -> str:
    up = sum(len((visit.cloud.store.get(NODES, each["id"].lower()) or {"nodes": []})["nodes"]) for each in found)
    return f"{up} node{'' if up == 1 else 's'} up now"


async def _access_card(visit: Visit) -> str:
    found = await _readable(visit, "providers/Microsoft.Authorization/roleAssignments")
    if found is None:
        return html.card("Role assignments", "-", _UNREADABLE)
    people = {each["properties"]["principalId"] for each in found}
    return html.card("Role assignments", html.link(len(found), "access"), f"to {len(people)} principals")


def _jobs_card(jobs: list[Document] | None) -> str:
    if jobs is None:
        return html.card("Jobs", "-", _UNREADABLE)
    states = Counter(str(each["properties"]["status"]) for each in jobs)
    words = "".join(html.state(f"{count} {state}", state) for state, count in sorted(states.items()))
    return html.card("Jobs", html.link(len(jobs), "jobs"), html.Markup(words))


def _lately(visit: Visit, jobs: list[Document] | None) -> str:
    if not jobs:
        return ""
    today = visit.cloud.clock.now().date()
    days = [today - timedelta(days=back) for back in reversed(range(_DAYS))]
    counts: dict[date, Counter[str]] = {}
    for each in jobs:
        queued = (visit.cloud.store.get(JOB_RECORDS, each["id"].lower()) or {}).get("queued", "")[:10]
        if queued:
            state = each["properties"]["status"]
            part = state if state in {"Completed", "Failed"} else "other"
            counts.setdefault(date.fromisoformat(queued), Counter())[part] += 1
    chart = charts.bars("Jobs submitted, by day: completed, failed, other", days, counts)
    return f'<div class="box"><h2>Jobs of the last {_DAYS} days</h2>{chart}</div>'


def _facts(visit: Visit, found: Document) -> str:
    told, parts = found["properties"], visit.id.split("/")

    def last(id_: str | None) -> str:
        return (id_ or "").rpartition("/")[2]

    uri = html.Markup(f"<code>{html.cell(told['mlFlowTrackingUri'])}</code>")
    return html.facts(
        (
            ("Name", found["name"]),
            ("Resource group", parts[4]),
            ("Subscription", parts[2]),
            ("Region", found["location"]),
            ("Storage account", last(told["storageAccount"])),
            ("Key vault", last(told["keyVault"])),
            ("Application Insights", last(told.get("applicationInsights"))),
            ("Tracking URI", uri),
        ),
        "The workspace",
    )


def _begin(visit: Visit, uri: str) -> str:
    snippet = (
        "import mlflow\n\n"
        f'mlflow.set_tracking_uri("{uri}")\n'
        'mlflow.set_experiment("my_experiment")\n'
        "with mlflow.start_run():\n"
        '    mlflow.log_metric("loss", 0.3)\n'
    )
    who = f"azmlflow run --as {visit.principal.upn or visit.principal.object_id} -- python track.py"
    return (
        "<h2>Track a run</h2>"
        f"<pre><code>{html.cell(snippet)}</code></pre><p>Run it with <code>{html.cell(who)}</code>: "
        "it signs in, and sets <code>MLFLOW_TRACKING_URI</code>, so the line with the URI may go. It takes the persona "
        "<code>tracker</code>.</p>"
    )
