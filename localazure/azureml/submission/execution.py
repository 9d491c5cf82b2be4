"""`/execution/v1.0<workspace id>/experiments/<name>/...`: runs that azureml-core submits.

    POST snapshotrun?runId=<id>   on a cluster: the very job that azure-ai-ml's command() makes
    POST localrun?runId=<id>      on the client's own machine: what the client is to run there (`local_runs`)

The snapshot becomes the job's code, script and arguments (or command) its command, the environment one of the
workspace's, the target its cluster. A client sends its submission again when it got no answer: the id is its own, and
the job that has it stays as it is, and another submission under its id is refused.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from azmlflow.localazure.arm import inside
from azmlflow.localazure.azureml.history import known_runs
from azmlflow.localazure.azureml.history.run_dto import SNAPSHOT
from azmlflow.localazure.azureml.request.bodies import json_object, member, text_map
from azmlflow.localazure.azureml.request.target import WorkspaceRequest, no_such_endpoint
from azmlflow.localazure.azureml.submission import configuration as checks
from azmlflow.localazure.azureml.submission import environments, local_runs, snapshots
from azmlflow.localazure.core.errors import bad_request, conflict
from azmlflow.localazure.kinds.jobs.jobs import JOB
from azmlflow.localazure.work import records


async def answer(target: WorkspaceRequest) -> Response:
    """Answer a request to the service.

    Raises:
        AzureError: 404 for another path or no such experiment, 400 for what can never run, 403, 409.
        MlflowUnavailable: MLflow cannot answer now.
    """
    target.authorise(target.request.method, "execution", "/" + "/".join(target.rest))
    run_id = target.query.get("runid") or ""
    JOB.name.check(run_id)
    match (target.request.method, *target.rest):
        case ("POST", "experiments", name, "snapshotrun"):
            return await _on_cluster(target, name, run_id)
        case ("POST", "experiments", name, "localrun"):
            target.require("experiments/runs/submit/action")
            definition = await local_runs.definition(target)
            configuration = _part(definition, "Configuration")
            checks.check(definition, configuration, local=True)
            parent = await _parent(target, definition)
            words = command(configuration, local_runs.interpreter(configuration))
            return await local_runs.start(target, name, run_id, configuration, words, parent=parent)
    raise no_such_endpoint(f"{target.request.method} {target.request.url.path}")


async def _on_cluster(target: WorkspaceRequest, experiment: str, run_id: str) -> Response:
    definition = await json_object(target)
    if records.find(target.cloud, target.id, run_id) is None:
        await known_runs.experiment_named(target, experiment)
        await free(target, run_id)
    _submit(target, experiment, run_id, definition)  # the same again changes nothing, and another one is refused
    return JSONResponse({"runId": run_id})


def _submit(target: WorkspaceRequest, experiment: str, run_id: str, definition: Mapping[str, Any]) -> None:
    configuration, snapshot = _part(definition, "Configuration"), member(definition, "SnapshotId")
    checks.check(definition, configuration, local=False)
    environment = _part(configuration, "environment")
    cluster = str(member(configuration, "target") or "")
    seconds, parent = member(configuration, "maxRunDurationSeconds"), member(definition, "ParentRunId")
    properties: dict[str, Any] = {
        "jobType": "Command",
        "command": command(configuration),
        "experimentName": experiment,
        "computeId": f"{target.id}/computes/{cluster}" if cluster else "",
        "environmentVariables": {
            **text_map("environmentVariables", environments.variables(environment)),
            **text_map("environmentVariables", member(configuration, "environmentVariables")),
        },
        "resources": {
            "instanceCount": member(configuration, "nodeCount") or 1,
            "shmSize": checks.shm_size(configuration),
        },
        "distribution": checks.distribution(configuration),
        "parentJobName": str(parent) if parent else None,
    }
    if seconds:
        properties["limits"] = {"jobLimitsType": "Command", "timeout": f"PT{seconds}S"}
    if snapshot:
        properties["codeId"] = _code(target, str(snapshot))
        properties["properties"] = {SNAPSHOT: str(snapshot)}
    name = str(member(environment, "name") or "environment")
    properties["environmentId"] = environments.register(target, name, environment)["id"]
    inside.put(target.cloud, target.caller, f"{target.id}/jobs/{run_id}", properties)


def command(configuration: Mapping[str, Any], python: str = "python") -> str:
    """The command line of a run configuration, for the shell.

    Args:
        configuration: azureml-core's.
        python: what runs a script.

    Raises:
        AzureError: 400, it has neither command nor script.
    """
    told = member(configuration, "command")
    words = [told] if isinstance(told, str) and told else told
    if isinstance(words, list) and words:
        # One text is a line for the shell; several are its words.
        return str(words[0]) if len(words) == 1 else shlex.join(map(str, words))
    script, arguments = member(configuration, "script"), member(configuration, "arguments") or []
    if not script or not isinstance(arguments, list):
        raise bad_request("UserError", "The run configuration has neither 'command' nor 'script'.", target="script")
    return shlex.join([python, str(script), *map(str, arguments)])


async def _parent(target: WorkspaceRequest, definition: Mapping[str, Any]) -> str | None:
    """The run that a local run is a child of, or None.

    Raises:
        AzureError: 404, the workspace has no such run.
        MlflowUnavailable: MLflow cannot answer now.
    """
    found = member(definition, "ParentRunId")
    return (await known_runs.find(target, str(found))).id if found else None


async def free(target: WorkspaceRequest, run_id: str) -> None:
    """Raise when a run of MLflow's that is no job has the id already.

    Raises:
        AzureError: 409.
        MlflowUnavailable: MLflow cannot say now whether one has it.
    """
    if await known_runs.of_mlflow(target, run_id) is not None:
        raise conflict("UserError", f"A run with id {run_id} exists in the workspace.")


def _code(target: WorkspaceRequest, snapshot: str) -> str:
    """The id of the code version that is a snapshot."""
    path = f"{target.id}/codes/{snapshot.lower()}/versions/1"
    properties = {"codeUri": snapshots.code_uri(target, snapshot)}
    return str(inside.put(target.cloud, target.caller, path, properties)["id"])


def _part(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = member(given, name)
    if not isinstance(found, dict):
        raise bad_request("UserError", f"The request needs an object '{name}'.", target=name)
    return found
