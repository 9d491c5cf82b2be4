"""The pages beside MLflow's: the workspace, its computes, its jobs, who has access to it.

Each fact is one that Azure Resource Manager tells to the principal who looks (`arm.Reader`); what may not be read is
said in its place.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import JOB_RECORDS, NODES
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.principals.directory import Principal
from azmlflow.localazure.ui import html
from azmlflow.localazure.ui.reader import Reader
from azmlflow.rbac.facts import Facts
from azmlflow.rbac.report import access_html
from azmlflow.rbac.report.access import Matrix, WhoIsWho, matrix, principals

# Of MLflow's two arrangements of its page, the one for training; the other is for agents.
_KIND = "workflowType=machine_learning"
MLFLOW = f"mlflow/#/experiments?{_KIND}"
_JOB_COLUMNS = ("Job", "Experiment", "Compute", "State", "Submitted by", "Submitted", "Took")
_AUTHORIZATION = "providers/Microsoft.Authorization/roleAssignments"


@dataclass(frozen=True)
class Visit:
    """Somebody at a page.

    Attributes:
        cloud: the embedded Azure.
        principal: who looks.
        workspace: the workspace's document. Only its id and name may be shown without asking `reader`.
        reader: what the principal may read.
    """

    cloud: Cloud
    principal: Principal
    workspace: Document
    reader: Reader

    @property
    def id(self) -> str:
        """The workspace's ARM id."""
        return str(self.workspace["id"])


@dataclass(frozen=True)
class Tab:
    """A page of a workspace: its path below the session's, its name, what it shows."""

    path: str
    title: str
    show: Callable[[Visit], Awaitable[str]]


async def workspace(visit: Visit) -> str:
    """Names, places, and a snippet to begin with."""
    try:
        found = await visit.reader.get(visit.id)
    except AzureError as error:
        return html.refused(error.message)
    told = found["properties"]
    parts = visit.id.split("/")
    uri = told["mlFlowTrackingUri"]
    snippet = (
        "import mlflow\n\n"
        f'mlflow.set_tracking_uri("{uri}")\n'
        'mlflow.set_experiment("my_experiment")\n'
        "with mlflow.start_run():\n"
        '    mlflow.log_metric("loss", 0.3)\n'
    )
    pairs = (
        ("Name", found["name"]),
        ("Resource group", parts[4]),
        ("Subscription", parts[2]),
        ("Region", found["location"]),
        ("Storage account", _last(told["storageAccount"])),
        ("Key vault", _last(told["keyVault"])),
        ("Application Insights", _last(told.get("applicationInsights"))),
        ("Tracking URI", html.Markup(f"<code>{html.cell(uri)}</code>")),
        ("Experiments, runs, models", html.link("MLflow", MLFLOW)),
    )
    who = f"azmlflow run --as {visit.principal.upn or visit.principal.object_id} -- python track.py"
    return (
        html.facts(pairs)
        + "<h2>Track a run</h2>"
        + f"<pre><code>{html.cell(snippet)}</code></pre><p>Run it with <code>{html.cell(who)}</code>: "
        "it signs in, and sets <code>MLFLOW_TRACKING_URI</code>, so the line with the URI may go.</p>"
    )


async def computes(visit: Visit) -> str:
    """The computes, and each cluster's nodes with their jobs."""
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
    head = ("Compute", "Type", "Size", "Priority", "Nodes", "Now", "State")
    shown = html.table("Computes of the workspace", head, rows)
    if nodes:
        return shown + "<h2>Nodes</h2>" + html.table("Nodes that are there now", ("Node", "Job"), nodes)
    return shown + "<p>No node is up: clusters grow when jobs wait.</p>"


async def jobs(visit: Visit) -> str:
    """The jobs, the newest first; and the place in the queue of those that wait."""
    try:
        found = await visit.reader.all(f"{visit.id}/jobs")
    except AzureError as error:
        return html.refused(error.message)
    told = [(each, visit.cloud.store.get(JOB_RECORDS, each["id"].lower()) or {}) for each in found]
    told.sort(key=lambda pair: (pair[1].get("queued", ""), pair[0]["id"]))
    waiting: dict[str, int] = {}
    rows, notes = [], []
    for each, record in told:
        properties = each["properties"]
        shown, compute = html.state(properties["status"]), _last(properties["computeId"])
        if properties["status"] == "Queued":
            waiting[compute] = waiting.get(compute, 0) + 1
            shown = html.Markup(f"{shown}, number {waiting[compute]} in the queue")
        title, owner = properties["displayName"], visit.cloud.directory.get(record.get("owner", ""))
        ended = record.get("ended")
        name: object = each["name"]
        if record.get("experiment"):
            name = html.link(name, f"mlflow/#/experiments/{record['experiment']}/runs/{name}?{_KIND}")
        rows.append(
            (
                html.identifier(name, None if title == each["name"] else title),
                html.identifier(properties["experimentName"]),
                compute,
                shown,
                owner.name if owner else record.get("owner"),
                html.time(record.get("queued")),
                html.duration(
                    record.get("started"), datetime.fromisoformat(ended) if ended else visit.cloud.clock.now()
                ),
            )
        )
        notes.append(record.get("error"))
    if not rows:
        return "<p>No job was submitted.</p>"
    return html.table(
        "Jobs of the workspace, the newest first, each with its run in MLflow; times are UTC",
        _JOB_COLUMNS,
        reversed(rows),
        reversed(notes),
    )


async def access(visit: Visit) -> str:
    """Who has access: how many, and the matrix to be opened."""
    try:
        table = await _matrix(visit)
    except AzureError as error:
        return html.refused(error.message)
    rows = []
    for row in table.rows:
        allowed: dict[str, int] = {}
        for column, each in zip(table.columns, row.cells, strict=True):
            allowed[column.group] = allowed.get(column.group, 0) + (each.verdict == "allowed")
        words = ", ".join(group for group, count in allowed.items() if count)
        rows.append((html.identifier(row.name), row.type, words or "nothing", "; ".join(row.notes)))
    return html.link("The whole matrix, with reasons", "access-matrix") + html.table(
        "Who may do at least something of each group of operations", ("Principal", "Type", "May", "Note"), rows
    )


async def access_matrix(visit: Visit) -> str:
    """The page that `azmlflow access --output html` writes.

    Raises:
        AzureError: role assignments may not be read.
    """
    return access_html.page(await _matrix(visit), str(visit.workspace["name"]))


async def _matrix(visit: Visit) -> Matrix:
    """Who can do what, by the assignments that the principal may read.

    Raises:
        AzureError: they may not be read.
    """
    listed = await visit.reader.all(f"{visit.id}/{_AUTHORIZATION}")
    known, directory = visit.cloud.enforcer.facts(), visit.cloud.directory
    ids = {str(each["id"]).lower() for each in listed}
    assignments = tuple(each for each in known.assignments if each.id.lower() in ids)
    facts = Facts(
        assignments,
        known.definitions,
        known.denies,
        _memberships({each.principal_id.lower() for each in assignments}, known.memberships),
        known.management_groups,
    )
    found = (directory.get(each) for each in principals(facts))
    return matrix(facts, visit.id, WhoIsWho({each.object_id.lower(): (each.kind, each.name) for each in found if each}))


def _memberships(named: set[str], known: Mapping[str, Iterable[str]]) -> dict[str, Iterable[str]]:
    """The memberships of groups that are named, and of groups in those."""
    groups = set(named)
    while True:
        kept = {member: held for member, held in known.items() if not groups.isdisjoint(map(str.lower, held))}
        more = groups | {member.lower() for member in kept}
        if more == groups:
            return kept
        groups = more


def _job_link(job: str | None) -> object:
    return "idle" if job is None else html.identifier(html.link(_last(job), "jobs"))


def _last(id_: str | None) -> str:
    return (id_ or "").rpartition("/")[2]


TABS = (
    Tab("", "Workspace", workspace),
    Tab("computes", "Computes", computes),
    Tab("jobs", "Jobs", jobs),
    Tab("access", "Access", access),
)
