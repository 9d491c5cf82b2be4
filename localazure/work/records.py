"""What is known of a job beside its ARM document: whose it is, when it began and ended, and why it failed.

Kept under the job's key (its ARM id in lower case) in a collection of its own, so that the document stays what ARM
answers. The state is in the document, `properties.status`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.collections import JOB_RECORDS, OPEN_JOBS, RESOURCES, UNTOLD
from azmlflow.localazure.core.store import Document

ENDED = ("Completed", "Failed", "Canceled")
# States in which a process may be there; what is found in one of them when the embedded Azure starts was lost.
STARTED = ("Preparing", "Running", "Finalizing", "CancelRequested")
_JOBS = "/jobs/"


def jobs(cloud: Cloud) -> Iterator[tuple[str, Document, Document]]:
    """(key, document, record) of every job, the one queued first first."""
    found = ((key, cloud.store.get(RESOURCES, key), record) for key, record in cloud.store.scan(JOB_RECORDS))
    there = [(key, document, record) for key, document, record in found if document is not None]
    return iter(sorted(there, key=lambda each: (each[2]["queued"], each[0])))


@dataclass(frozen=True)
class Open:
    """A job that has not ended, as the runner needs to know it.

    Attributes:
        queued: when it was submitted.
        compute: its cluster's key.
        status: its state.
    """

    queued: str
    compute: str
    status: str


def open_jobs(cloud: Cloud) -> list[tuple[str, Open]]:
    """(key, what to know) of every job that has not ended, the one queued first first."""
    kept = cloud.store.scan(OPEN_JOBS)
    found = cloud.skipped.each(kept, lambda each: each[0], lambda each: (each[0], Open(**each[1])))
    return sorted(found, key=lambda each: (each[1].queued, each[0]))


def begin(cloud: Cloud, job: Document, owner: str) -> None:
    """Note a job that was just made, and whose it is."""
    key, queued, properties = job["id"].lower(), timestamp(cloud.clock.now()), job["properties"]
    cloud.store.put(JOB_RECORDS, key, {"owner": owner, "queued": queued})
    cloud.store.put(OPEN_JOBS, key, asdict(Open(queued, properties["computeId"].lower(), properties["status"])))


def has_run(cloud: Cloud, job: Document) -> bool:
    """Whether MLflow has a job's run, or was asked for it and may have made it."""
    record = cloud.store.get(JOB_RECORDS, job["id"].lower()) or {}
    refused = job["properties"]["status"] in ENDED and not record.get("experiment")
    return bool(record.get("run_of")) and not refused


def forget(cloud: Cloud, job: Document) -> None:
    """A job is no more; its run, if MLflow has not heard its end, is to end."""
    key, state = job["id"].lower(), job["properties"]["status"]
    record = cloud.store.get(JOB_RECORDS, key) or {}
    if state not in ENDED:
        tell(cloud, job, state="Canceled")
    elif record.get("experiment") and not record.get("closed"):
        tell(cloud, job, state=state)
    cloud.store.delete(JOB_RECORDS, key)
    cloud.store.delete(OPEN_JOBS, key)


def tell(
    cloud: Cloud, job: Document, *, tags: Mapping[str, str] | None = None, name: str | None = None, state: str = ""
) -> None:
    """Note what MLflow is to hear of a job's run; nothing where it has no run: that will be made as the job is then.

    Args:
        cloud: the embedded Azure.
        job: the job's document.
        tags: tags that the run gets.
        name: its new name.
        state: in which the job ended, one of `ENDED`.
    """
    key = job["id"].lower()
    workspace_id = (cloud.store.get(JOB_RECORDS, key) or {}).get("run_of")
    if not workspace_id or not (tags or name or state):
        return
    before = cloud.store.get(UNTOLD, key) or {"tags": {}, "name": None, "state": ""}
    told = {
        "tags": {**before["tags"], **(tags or {})},
        "name": name or before["name"],
        "state": state or before["state"],
    }
    cloud.store.put(UNTOLD, key, {"workspace": workspace_id, "run": job["name"], **told})


def untold(cloud: Cloud) -> dict[str, Document]:
    """What MLflow is still to hear, by the job's key: `workspace`, `run`, `tags`, `name`, `state`."""
    return dict(cloud.store.scan(UNTOLD))


def is_told(cloud: Cloud, key: str, told: Document) -> None:
    """MLflow has heard what was noted, or refuses it; what was noted since stays."""
    if cloud.store.get(UNTOLD, key) == told:
        cloud.store.delete(UNTOLD, key)


def is_ending(cloud: Cloud, key: str) -> bool:
    """Whether a job of this key was deleted and its run has not ended yet."""
    return bool((cloud.store.get(UNTOLD, key) or {}).get("state"))


def find(cloud: Cloud, workspace_id: str, name: str) -> tuple[Document, Document] | None:
    """The document and record of a workspace's job, or None.

    Args:
        cloud: the embedded Azure.
        workspace_id: the workspace's ARM id.
        name: the job's.
    """
    key = f"{workspace_id}{_JOBS}{name}".lower()
    document, record = cloud.store.get(RESOURCES, key), cloud.store.get(JOB_RECORDS, key)
    return None if document is None or record is None else (document, record)


def status(cloud: Cloud, key: str) -> str | None:
    """A job's state, or None when it is no more."""
    document = cloud.store.get(RESOURCES, key)
    return None if document is None else str(document["properties"]["status"])


def set_status(cloud: Cloud, key: str, state: str, **noted: Any) -> None:
    """Write a job's state, and things to note in its record; nothing where the job is no more."""
    document, record = cloud.store.get(RESOURCES, key), cloud.store.get(JOB_RECORDS, key)
    if document is None or record is None:
        return
    document["properties"]["status"] = state
    now = timestamp(cloud.clock.now())
    if state == "Running":
        record["started"] = now
    if state in ENDED:
        record["ended"] = now
    with cloud.store.transaction():
        cloud.store.put(RESOURCES, key, document)
        cloud.store.put(JOB_RECORDS, key, {**record, **noted})
        if state in ENDED:
            cloud.store.delete(OPEN_JOBS, key)
        else:
            open_ = Open(record["queued"], document["properties"]["computeId"].lower(), state)
            cloud.store.put(OPEN_JOBS, key, asdict(open_))


def note(cloud: Cloud, key: str, **noted: Any) -> None:
    """Note things in a job's record; nothing where the job is no more."""
    record = cloud.store.get(JOB_RECORDS, key)
    if record is not None:
        cloud.store.put(JOB_RECORDS, key, {**record, **noted})
