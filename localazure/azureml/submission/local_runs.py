"""Local runs: azureml-core and MLflow Projects run them on the client's machine, with what this service hands out.

The client unpacks the answer over a copy of its folder and starts `azureml-setup/Invocation.sh` there. That needs
nothing but a Python: `local_run_child` runs the command with the run's own token, follows the log, and tells when it
has ended. The client stops it by a file `azureml-setup/killfile`.
"""

from __future__ import annotations

import email
import io
import json
import shlex
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.responses import Response

from azmlflow.localazure.azureml.history import known_runs
from azmlflow.localazure.azureml.history.known_runs import local_key
from azmlflow.localazure.azureml.history.run_dto import PARENT
from azmlflow.localazure.azureml.request.bodies import member, parsed, read, text_map
from azmlflow.localazure.azureml.request.target import WorkspaceRequest
from azmlflow.localazure.azureml.submission import environments, local_run_child
from azmlflow.localazure.core.collections import LOCAL_RUNS
from azmlflow.localazure.core.errors import bad_request, conflict
from azmlflow.localazure.runner.context import run_variables
from azmlflow.localazure.tracking import answers
from azmlflow.localazure.work import records, run_ids
from azmlflow.rbac.operations import TRACKING

_FOLDER = "azureml-setup"
_BODY_LIMIT = 32 * 1024 * 1024  # azureml-core sends at most 25 MiB
_INVOCATION = """#!/bin/bash
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
for python in %s python python3; do
  command -v "$python" > /dev/null && exec "$python" azureml-setup/run.py
done
echo "no python was found" >&2
exit 127
"""


async def definition(target: WorkspaceRequest) -> Mapping[str, Any]:
    """The run's definition: the part `definition.json` of the request's form.

    Raises:
        AzureError: 400, there is none, or it is not a JSON object; 413.
    """
    kind = target.request.headers.get("content-type", "")
    form = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + await read(target, _BODY_LIMIT))
    for part in form.walk():
        if part.get_filename() == "definition.json":
            found = parsed(bytes(part.get_payload(decode=True) or b""))
            if isinstance(found, dict):
                return found
    raise bad_request("UserError", "The request has no 'definition.json'.")


async def start(
    target: WorkspaceRequest,
    experiment: str,
    run_id: str,
    configuration: Mapping[str, Any],
    command: str,
    *,
    parent: str | None,
) -> Response:
    """Make the run, and tell the client what to do.

    Args:
        target: the request.
        experiment: its experiment's name.
        run_id: the run's id, which the client chose.
        configuration: the run's, as the client sent it.
        command: its command line.
        parent: the run that it is a child of, or None.

    Raises:
        AzureError: 404, there is no such experiment; 409, the id is another run's.
        MlflowUnavailable: MLflow cannot answer now.
    """
    seconds = member(configuration, "maxRunDurationSeconds") or 0
    if not isinstance(seconds, int) or seconds < 0:
        raise bad_request("UserError", "'maxRunDurationSeconds' must be a number of seconds.", target="limits")
    found = await known_runs.experiment_named(target, experiment)
    owner, key = target.caller.principal, local_key(target.workspace_id, run_id)
    before = target.cloud.store.get(LOCAL_RUNS, key)
    if before is None:
        await _make(target, found["experiment_id"], run_id, parent)
        record = {"owner": owner.object_id, "status": "Running", "properties": {}, "command": command}
        target.cloud.store.put(LOCAL_RUNS, key, record)
    elif before["status"] in records.ENDED or (before["owner"], before.get("command")) != (owner.object_id, command):
        raise conflict("UserError", f"A run with id {run_id} exists in the workspace.")
    place = (str(found["experiment_id"]), experiment)
    environment = _environment(configuration)
    told = {
        "command": command,
        "variables": {
            **text_map("environmentVariables", environments.variables(environment)),
            **text_map("environmentVariables", member(configuration, "environmentVariables")),
            **run_variables(target.cloud, target.workspace, run_id, place, owner.object_id),
        },
        "run": f"https://{target.host}/history/v1.0{target.id}/experimentids/{place[0]}/runs/{run_id}",
        "notes": _notes(environment),
        "seconds": seconds,
    }
    return Response(_packed(told, interpreter(configuration)), media_type="application/zip")


async def _make(target: WorkspaceRequest, experiment_id: str, run_id: str, parent: str | None) -> None:
    mlflow, workspace = target.cloud.mlflow, target.workspace_id
    if records.find(target.cloud, target.id, run_id) is not None:
        raise conflict("UserError", f"A run with id {run_id} exists in the workspace.")
    tags = [{"key": PARENT, "value": parent}] if parent else []
    body = {
        "experiment_id": experiment_id,
        "run_name": run_id,
        "start_time": int(target.cloud.clock.now().timestamp() * 1000),
        "tags": [{"key": "mlflow.user", "value": target.caller.principal.name}, *tags],
    }
    answers.body(await mlflow.request("POST", f"{TRACKING}/runs/create", workspace, json_body=body, run_id=run_id))
    run_ids.take(target.cloud, workspace, run_id)


def interpreter(configuration: Mapping[str, Any]) -> str:
    """The python that a run configuration's environment names."""
    python = member(_environment(configuration), "python")
    return str((member(python, "interpreterPath") if isinstance(python, dict) else None) or "python")


def _environment(configuration: Mapping[str, Any]) -> Mapping[str, Any]:
    found = member(configuration, "environment") or {}
    if not isinstance(found, dict):
        raise bad_request("UserError", "The run's 'environment' must be an object.", target="environment")
    return found


def _notes(environment: Mapping[str, Any]) -> list[str]:
    """What to say first in the run's log."""
    python = member(environment, "python")
    if not isinstance(python, dict) or member(python, "userManagedDependencies"):
        return []
    return ["no conda environment is made for a local run: it uses the python that is first in PATH"]


def _packed(told: Mapping[str, Any], interpreter: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{_FOLDER}/Invocation.sh", _INVOCATION % shlex.quote(interpreter))
        archive.writestr(f"{_FOLDER}/run.py", Path(local_run_child.__file__).read_text(encoding="utf-8"))
        archive.writestr(f"{_FOLDER}/run.json", json.dumps(told))
    return packed.getvalue()
