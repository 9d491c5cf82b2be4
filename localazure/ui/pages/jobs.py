"""The jobs of a workspace: a list to filter, that looks again by itself, and a page for each with its log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from azmlflow.localazure.core.collections import JOB_RECORDS
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.ui import html
from azmlflow.localazure.ui.visit import Visit
from azmlflow.localazure.work import records

# Of MLflow's two arrangements of its page, the one for training; the other is for agents.
TRAINING = "workflowType=machine_learning"
REFRESH = 10  # seconds between two looks, while something is under way
_COLUMNS = ("Job", "Experiment", "Compute", "State", "Submitted by", "Submitted", "Took")
_MOST = 200  # on a page


async def listing(visit: Visit) -> str:
    """The jobs, the newest first; and the place in the queue of those that wait."""
    try:
        found = await visit.reader.all(f"{visit.id}/jobs")
    except AzureError as error:
        return html.refused(error.message)
    told = [(each, visit.cloud.store.get(JOB_RECORDS, each["id"].lower()) or {}) for each in found]
    told.sort(key=lambda pair: (pair[1].get("queued", ""), pair[0]["id"]))
    waiting: dict[str, int] = {}
    rows: list[tuple[tuple[object, ...], object]] = []
    for each, record in told:
        shown, compute = html.state(each["properties"]["status"]), _last(each["properties"]["computeId"])
        if each["properties"]["status"] == "Queued":
            waiting[compute] = waiting.get(compute, 0) + 1
            shown = html.Markup(f"{shown}, number {waiting[compute]} in the queue")
        if _wanted(each, visit.query):
            rows.append((_row(visit, each, record, shown), record.get("error")))
    if not told:
        return "<p>No job was submitted.</p>"
    newest = rows[::-1][:_MOST]
    more = f"; {len(rows) - _MOST} older ones are not shown" if len(rows) > _MOST else ""
    caption = f"{len(rows)} of {len(told)} jobs, the newest first, each with a page of its own; times are UTC{more}"
    return _tools(visit, {str(each["properties"]["status"]) for each, _ in told}) + html.table(
        caption, _COLUMNS, [row for row, _ in newest], [note for _, note in newest]
    )


def is_moving(found: Mapping[str, Any]) -> bool:
    """Whether a job is under way."""
    return found["properties"]["status"] not in records.ENDED


async def one(visit: Visit, name: str, log: str | None) -> str:
    """A job's own page.

    Args:
        visit: who looks.
        name: the job's.
        log: what its log says; None where there is none that may be read.

    Raises:
        AzureError: there is no such job, or it may not be read.
    """
    found = await visit.reader.get(f"{visit.id}/jobs/{quote(name)}")
    record = visit.cloud.store.get(JOB_RECORDS, found["id"].lower()) or {}
    told = found["properties"]
    pairs: list[tuple[str, object]] = [
        ("State", html.state(told["status"])),
        ("Experiment", _experiment(record, told["experimentName"], "../")),
        ("Compute", _last(told["computeId"])),
        ("Environment", "/".join(str(told.get("environmentId") or "").split("/")[-3:])),
        ("Command", html.Markup(f"<code>{html.cell(told['command'])}</code>")),
        ("Submitted by", _owner(visit, record)),
        ("Submitted", html.time(record.get("queued"))),
        ("Started", html.time(record.get("started"))),
        ("Ended", html.time(record.get("ended"))),
        ("Took", _took(visit, record)),
    ]
    if record.get("experiment"):
        run = f"../mlflow/#/experiments/{record['experiment']}/runs/{quote(name)}?{TRAINING}"
        pairs.append(("Run", html.link("metrics, artifacts, models in MLflow", run)))
    again = '<div class="tools"><a href="../jobs">All jobs</a>'
    if is_moving(found):
        again += f'<form method="post" action="{quote(name)}/cancel"><button>Cancel the job</button></form>'
    error = html.refused(record["error"]) if record.get("error") else ""
    shown = f"<pre>{html.cell(log)}</pre>" if log else "<p>There is no log yet, or it may not be read.</p>"
    return f"{again}</div>{error}{html.facts(pairs)}<h2>Log</h2>{shown}"


def _row(visit: Visit, each: Document, record: Mapping[str, Any], shown: html.Markup) -> tuple[object, ...]:
    properties, name = each["properties"], str(each["name"])
    title = properties["displayName"]
    return (
        html.identifier(html.link(name, f"jobs/{quote(name)}"), None if title == name else title),
        html.identifier(_experiment(record, properties["experimentName"])),
        html.word(_last(properties["computeId"])),
        shown,
        _owner(visit, record),
        html.time(record.get("queued")),
        _took(visit, record),
    )


def _experiment(record: Mapping[str, Any], name: str, back: str = "") -> object:
    """A job's experiment; once it runs, with a link to its runs."""
    address = f"{back}mlflow/#/experiments/{record.get('experiment')}/runs?{TRAINING}"
    return html.link(name, address) if record.get("experiment") else name


def _wanted(each: Document, query: Mapping[str, str]) -> bool:
    properties, text = each["properties"], query.get("text", "").lower()
    inside = (each["name"], properties["displayName"], properties["experimentName"], properties["computeId"])
    return query.get("state", "") in ("", properties["status"]) and any(text in str(one).lower() for one in inside)


def _tools(visit: Visit, states: set[str]) -> str:
    asked = visit.query.get("state", "")
    options = '<option value="">any state</option>' + "".join(
        f"<option{' selected' if state == asked else ''}>{html.cell(state)}</option>" for state in sorted(states)
    )
    text = html.cell(visit.query.get("text", "")).replace('"', "&quot;")
    kept = {name: visit.query[name] for name in ("state", "text") if visit.query.get(name)}
    again = {} if visit.query.get("refresh") else {"refresh": "1"}
    word = "Stop looking again" if visit.query.get("refresh") else f"Look again every {REFRESH} s"
    return (
        f'<form class="tools" method="get"><input type="search" name="text" value="{text}" placeholder="Name, '
        'experiment, compute" aria-label="Name, experiment or compute">'
        f'<select name="state" aria-label="State">{options}</select>'
        f"<button>Filter</button>{html.link(word, '?' + urlencode({**kept, **again}))}</form>"
    )


def _owner(visit: Visit, record: Mapping[str, Any]) -> object:
    owner = visit.cloud.directory.get(record.get("owner", ""))
    return owner.name if owner else record.get("owner")


def _took(visit: Visit, record: Mapping[str, Any]) -> html.Markup:
    ended = record.get("ended")
    return html.duration(record.get("started"), datetime.fromisoformat(ended) if ended else visit.cloud.clock.now())


def _last(id_: str | None) -> str:
    return (id_ or "").rpartition("/")[2]
