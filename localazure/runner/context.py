"""What a job's process is told by its environment: the MLflow run it is, its token, the workspace, and its folders.

The names are those that azureml-mlflow and azureml-core read in a job. Nothing of the embedded Azure's own
environment is passed on, but the language, the time zone and the user's certificate authorities.

The proxy's credential is in it: it leads to the embedded Azure, where every request still needs a token, and a job has
no other than its run token and those of its cluster's identity.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from azmlflow.localazure.clients.control import Identity
from azmlflow.localazure.clients.environ import job_environment
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.jobs import identity
from azmlflow.localazure.machine.ports import LOOPBACK
from azmlflow.localazure.resources import find
from azmlflow.localazure.work.run_token import issue
from azmlflow.reach.records import Origin

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
    compute = find.resource(cloud, str(properties.get("computeId") or ""))
    around = surroundings(
        cloud.state,
        properties["environmentVariables"],
        identity_of(cloud, properties),
        folder=folder,
        python=python,
        origin=origin_on(workspace, compute),
    )
    run = run_variables(
        cloud, workspace, job["name"], (record["experiment"], properties["experimentName"]), record["owner"]
    )
    return {**around, **run, **distribution(properties.get("distribution") or {})}


def origin_on(workspace: Mapping[str, Any], compute: Document | None = None) -> Origin:
    """From where what runs on a compute of a workspace asks: its subnet's network, else Azure's own computes."""
    inner = ((compute or {}).get("properties") or {}).get("properties") or {}
    subnet = (inner.get("subnet") or {}).get("id")
    return Origin("network", subnet.rsplit("/", 2)[0]) if subnet else Origin("managed", workspace["id"])


def surroundings(
    state: Path, own: Mapping[str, str], who: Identity | None, *, folder: Path, python: Path, origin: Origin
) -> dict[str, str]:
    """The variables of a process in a job's folder, whatever it is.

    Args:
        state: the state folder.
        own: its submitter's, which give way to ours.
        who: the identity that it signs in as, or None.
        folder: the folder, with `home` and `tmp` in it; a copy of the certificates is put there.
        python: the interpreter, whose folder comes first in PATH.
        origin: from where its requests come.
    """
    base = {name: os.environ[name] for name in _KEPT if name in os.environ}
    base |= {
        "PATH": f"{python.parent}:{_PATH}",
        "PYTHONUNBUFFERED": "1",
        **own,
        "HOME": str(folder / "home"),
        "USER": "job",  # for programs that want a name: the job's user has none
        "LOGNAME": "job",
        "TMPDIR": str(folder / "tmp"),
    }
    if who is not None and who.app_id:
        base["DEFAULT_IDENTITY_CLIENT_ID"] = who.app_id  # as Azure ML tells it on a cluster
    told = job_environment(state, who, base, os.environ, origin)
    bundle = folder / "certificates.pem"  # a copy: another user cannot read ours
    bundle.write_bytes(Path(told["SSL_CERT_FILE"]).read_bytes())
    bundle.chmod(0o644)
    trust = {name: str(bundle) for name, value in told.items() if value == told["SSL_CERT_FILE"]}
    return {**told, **trust}


def distribution(told: Document) -> dict[str, str]:
    """What the one process of a distributed job is told of its world (Microsoft, "Distributed GPU training guide").

    Args:
        told: `distribution` of the job.
    """
    if told.get("distributionType") == "PyTorch":
        ranks = dict.fromkeys(("NODE_RANK", "RANK", "LOCAL_RANK"), "0")
        return {"MASTER_ADDR": LOOPBACK, "MASTER_PORT": str(_free_port()), "WORLD_SIZE": "1", **ranks}
    if told.get("distributionType") == "Mpi":
        ranks = dict.fromkeys(("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK"), "0")
        return {"OMPI_COMM_WORLD_SIZE": "1", "OMPI_COMM_WORLD_LOCAL_SIZE": "1", **ranks}
    if told.get("distributionType") == "TensorFlow":
        cluster = {"worker": [f"{LOOPBACK}:{_free_port()}"]}
        return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 0}})}
    return {}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


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
    """The identity that a job signs in as (`kinds.jobs.identity`), or None.

    Args:
        cloud: the embedded Azure.
        properties: of the job.
    """
    # Of a cluster that is gone there is no identity to be had; its job is just being ended.
    compute = find.resource(cloud, properties["computeId"])
    return (
        None if compute is None else signed_in(cloud, identity.principal_id(cloud, compute, properties.get("identity")))
    )


def signed_in(cloud: Cloud, object_id: str | None) -> Identity | None:
    """A managed identity as a process signs in as it, or None: as nobody.

    Args:
        cloud: the embedded Azure.
        object_id: the identity's.
    """
    principal = cloud.directory.get(object_id) if object_id else None
    if principal is None:
        return None
    return Identity(principal.object_id, principal.kind, principal.display_name, app_id=principal.app_id)
