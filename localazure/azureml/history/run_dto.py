"""A run as the history service shows it: azureml-core's `RunDto` and `RunDetailsDto`.

Source: the models of azureml-core 1.61 (`_restclient/models`), and what its clients were seen to need.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from azmlflow.localazure.azureml.history.known_runs import KnownRun
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.clock import from_milliseconds, timestamp
from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.core.service_limits import DESCRIPTION_TAG
from azmlflow.localazure.core.store import Document

PARENT = "mlflow.parentRunId"
SNAPSHOT = "ContentSnapshotId"
_STATES = {
    "RUNNING": "Running",
    "SCHEDULED": "Queued",
    "FINISHED": "Completed",
    "FAILED": "Failed",
    "KILLED": "Canceled",
}
# Resource Manager's words and run history's: Azure/azure-sdk-for-python#48972, and what azure-ai-ml asks for as models.
_OUTPUT_TYPES = {
    "uri_file": "UriFile",
    "uri_folder": "UriFolder",
    "mltable": "MLTable",
    "custom_model": "CustomModel",
    "mlflow_model": "MLFlowModel",
    "triton_model": "TritonModel",
}
_OUTPUT = "azureml://jobs/{job}/outputs/{name}"


def run_dto(cloud: Cloud, run: KnownRun) -> dict[str, Any]:
    """The run as `RunDto`. Keys without a value are left out."""
    tags = run.tags
    parent = tags.get(PARENT)
    created = _created(run)
    told = {
        "runNumber": int(created.timestamp()),  # Azure numbers runs by the second in which they were made
        "runId": run.id,
        "rootRunId": parent or run.id,
        "parentRunId": parent,
        "experimentId": run.experiment_id,
        "createdUtc": timestamp(created),
        "createdBy": _creator(cloud, run),
        "status": status(run),
        "startTimeUtc": _instant(run, "start"),
        "endTimeUtc": _instant(run, "end"),
        "displayName": _name(run),
        "description": tags.get(DESCRIPTION_TAG) or (run.job or {"properties": {}})["properties"].get("description"),
        "dataContainerId": f"dcid.{run.id}",
        "runType": _type(run),
        "target": _compute(run),
        "properties": properties(run),
        "tags": tags,
        "error": error(run),
        "hidden": run.job is not None and bool(run.job["properties"]["isArchived"]),
        "outputs": outputs(run),
    }
    return {key: value for key, value in told.items() if value is not None}


def details_dto(run: KnownRun, logs: dict[str, str]) -> dict[str, Any]:
    """The run as `RunDetailsDto`.

    Args:
        run: the run.
        logs: its logs: name and signed URL.
    """
    return {
        "runId": run.id,
        "target": _compute(run),
        "status": status(run),
        "startTimeUtc": _instant(run, "start"),
        "endTimeUtc": _instant(run, "end"),
        "error": error(run),
        "warnings": [],
        "properties": properties(run),
        "logFiles": logs,
    }


def status(run: KnownRun) -> str:
    """Its state in Azure ML's words: the job's or local run's, else MLflow's."""
    if run.job is not None:
        return str(run.job["properties"]["status"])
    if run.local is not None:
        return str(run.local["status"])
    return _STATES.get((run.mlflow or {}).get("info", {}).get("status", ""), "Running")


def properties(run: KnownRun) -> dict[str, str]:
    """Its properties, which MLflow's runs have not."""
    kept = run.job["properties"] if run.job is not None else run.local
    return dict((kept or {}).get("properties") or {})


def error(run: KnownRun) -> Document | None:
    """Why it failed, in Azure's shape; None if it did not or nobody said."""
    reason = (run.record or run.local or {}).get("error")
    return None if reason is None else {"error": {"code": "UserError", "message": reason}}


def outputs(run: KnownRun) -> dict[str, Any]:
    """The named outputs of a job."""
    named = {} if run.job is None else run.job["properties"]["outputs"]
    return {
        name: {"assetId": _OUTPUT.format(job=run.id, name=name), "type": output_type(told or {})}
        for name, told in named.items()
    }


def output_type(told: Document) -> str:
    """What a named output is, in the words of run history."""
    return _OUTPUT_TYPES.get(str(told.get("jobOutputType", "")).lower(), "UriFolder")


def _type(run: KnownRun) -> str:
    if run.job is not None and SNAPSHOT not in properties(run):
        return "azureml.commandjob"
    return "azureml.scriptrun" if run.job is not None or run.local is not None else "azureml.mlflow"


def _compute(run: KnownRun) -> str | None:
    if run.job is not None:
        return str(run.job["properties"]["computeId"]).rpartition("/")[2]
    return "local" if run.local is not None else None


def _name(run: KnownRun) -> str:
    if run.job is not None:
        return str(run.job["properties"]["displayName"])
    return str((run.mlflow or {}).get("info", {}).get("run_name") or run.id)


def _created(run: KnownRun) -> datetime:
    if run.record is not None:
        return datetime.fromisoformat(run.record["queued"])
    return _mlflow_time(run, "start") or from_milliseconds(0)


def _instant(run: KnownRun, which: str) -> str | None:
    """When it started or ended, or None."""
    if run.record is not None:
        found: str | None = run.record.get(f"{which}ed")
        return found
    instant = _mlflow_time(run, which)
    return None if instant is None else timestamp(instant)


def _mlflow_time(run: KnownRun, which: str) -> datetime | None:
    told = (run.mlflow or {}).get("info", {}).get(f"{which}_time")
    return from_milliseconds(int(told)) if told else None


def _creator(cloud: Cloud, run: KnownRun) -> Document | None:
    owner = (run.record or run.local or {}).get("owner")
    principal = cloud.directory.get(owner) if owner else None
    if principal is not None:
        return {
            "userObjectId": principal.object_id,
            "userTenantId": TENANT_ID,
            "userName": principal.display_name or principal.name,
        }
    name = run.tags.get("mlflow.user")
    return {"userTenantId": TENANT_ID, "userName": name} if name else None
