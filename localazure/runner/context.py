"""What a job's process is told by its environment: the MLflow run it is, its token, the workspace, and its folders.

The names are those that azureml-mlflow and azureml-core read in a job. Nothing of the embedded Azure's own
environment is passed on, but the language, the time zone and the user's certificate authorities.

The proxy's credential is in it: it leads to the embedded Azure, where every request still needs a token, and a job has
no other than its run token and those of its cluster's identity.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from azmlflow.localazure.clients.control import Identity
from azmlflow.localazure.clients.environ import job_environment
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.identity import USER_ASSIGNED
from azmlflow.localazure.work.run_token import issue

_KEPT = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(
    cloud: Cloud, workspace: Document, job: Document, record: Document, *, folder: Path, python: Path
) -> dict[str, str]:
    """All variables of a job's process.

    Args:
        cloud: the embedded Azure.
        workspace: the workspace's document.
        job: the job's.
        record: the job's record, with its experiment's id.
        folder: the job's folder, with `home` and `tmp` in it.
        python: the interpreter, whose folder comes first in PATH.
    """
    properties = job["properties"]
    base = {name: os.environ[name] for name in _KEPT if name in os.environ}
    base |= {
        "PATH": f"{python.parent}:{_PATH}",
        "PYTHONUNBUFFERED": "1",
        **properties["environmentVariables"],
        "HOME": str(folder / "home"),
        "USER": "job",  # for programs that want a name: the job's user has none
        "LOGNAME": "job",
        "TMPDIR": str(folder / "tmp"),
    }
    identity = identity_of(cloud, properties)
    if identity is not None and identity.app_id:
        base["DEFAULT_IDENTITY_CLIENT_ID"] = identity.app_id  # as Azure ML tells it on a cluster
    told = job_environment(cloud.state, identity, base, os.environ)
    bundle = folder / "certificates.pem"  # a copy: another user cannot read ours
    bundle.write_bytes(Path(told["SSL_CERT_FILE"]).read_bytes())
    bundle.chmod(0o644)
    trust = {name: str(bundle) for name, value in told.items() if value == told["SSL_CERT_FILE"]}
    run = run_variables(
        cloud, workspace, job["name"], (record["experiment"], properties["experimentName"]), record["owner"]
    )
    return {**told, **trust, **run}


def overlaid(job: Document, environment: Mapping[str, str]) -> list[str]:
    """The variables of a job's own that its process does not get as the job says them.

    Args:
        job: the job's document.
        environment: of its process.
    """
    told = job["properties"]["environmentVariables"]
    return sorted(name for name in told if name != "PATH" and environment.get(name) != told[name])


def run_variables(
    cloud: Cloud, workspace: Document, name: str, experiment: tuple[str, str], owner: str
) -> dict[str, str]:
    """What the process of a run, on a cluster or elsewhere, is told of the run: its token too.

    Args:
        cloud: the embedded Azure.
        workspace: the workspace's document.
        name: the run's id.
        experiment: id and name of its experiment.
        owner: object id of who submitted it.
    """
    region, id_ = workspace["location"], workspace["id"]
    experiment_id, experiment_name = experiment
    token, expires = issue(cloud, workspace, name, owner)
    host = f"{region}.api.azureml.ms"
    return {
        "MLFLOW_TRACKING_URI": f"azureml://{host}/mlflow/v1.0{id_}",
        "MLFLOW_REGISTRY_URI": f"azureml://{host}/mlflow/v1.0{id_}",
        "MLFLOW_TRACKING_TOKEN": token,
        "MLFLOW_RUN_ID": name,
        "MLFLOW_EXPERIMENT_ID": experiment_id,
        "MLFLOW_EXPERIMENT_NAME": experiment_name,
        "AZUREML_RUN_ID": name,
        "AZUREML_ROOT_RUN_ID": name,
        "AZUREML_RUN_TOKEN": token,
        "AZUREML_RUN_TOKEN_EXPIRY": str(expires),
        "AZUREML_RUN_TOKEN_RAND": str(cloud.run_token_seconds // 10),
        "AZUREML_ARM_SUBSCRIPTION": SUBSCRIPTION_ID,
        "AZUREML_ARM_RESOURCEGROUP": id_.split("/")[4],
        "AZUREML_ARM_WORKSPACE_NAME": workspace["name"],
        "AZUREML_ARM_PROJECT_NAME": experiment_name,
        "AZUREML_EXPERIMENT_ID": experiment_id,
        "AZUREML_EXPERIMENT_SCOPE": f"{id_}/experiments/{experiment_name}",
        "AZUREML_WORKSPACE_SCOPE": id_,
        "AZUREML_WORKSPACE_ID": workspace["properties"]["workspaceId"],
        "AZUREML_SERVICE_ENDPOINT": f"https://{host}",
        "AZUREML_DISCOVERY_SERVICE_ENDPOINT": f"https://{host}/discovery",
        "AZUREML_CR_START": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def identity_of(cloud: Cloud, properties: Document) -> Identity | None:
    """The identity that a job signs in as: its cluster's own, else the first user-assigned one that the cluster uses.

    The identity's own document is asked for whose principal it is, never the cluster's, in which its maker wrote.

    Args:
        cloud: the embedded Azure.
        properties: of the job.
    """
    # Of a cluster that is gone there is no identity to be had; its job is just being ended.
    compute = find.resource(cloud, properties["computeId"]) or {}
    told = compute.get("identity") or {}
    principal_id = told.get("principalId")
    for id_ in () if principal_id else told.get("userAssignedIdentities") or {}:
        used = find.resource(cloud, id_)
        if used is not None and used["type"] == USER_ASSIGNED:
            principal_id = used["properties"]["principalId"]
            break
    principal = cloud.directory.get(principal_id) if principal_id else None
    if principal is None:
        return None
    return Identity(principal.object_id, principal.kind, principal.display_name, app_id=principal.app_id)
