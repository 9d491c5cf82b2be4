"""Whom a job signs in as: an identity of its cluster.

    none said, AMLToken   the cluster's own, else the first user-assigned one that it uses
    Managed               the same; with a client, object or resource id, that user-assigned one, if the cluster uses it

The identity's own document is asked for whose principal it is, never the cluster's, in which its maker wrote. Source:
Microsoft, "Set up authentication between Azure Machine Learning and other services" (compute cluster).
"""

from __future__ import annotations

from collections.abc import Iterator

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.jobs.members import refused
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.identity import USER_ASSIGNED


def principal_id(cloud: Cloud, compute: Document, told: Document | None) -> str | None:
    """The object id of whom a job signs in as, or None: as nobody.

    Args:
        cloud: the embedded Azure.
        compute: its cluster's document.
        told: `identity` of the job.
    """
    wanted = {name: str(value).lower() for name, value in (told or {}).items() if name != "identityType"}
    own = (compute.get("identity") or {}).get("principalId")
    if own and not wanted:
        return str(own)
    for used in _user_assigned(cloud, compute):
        properties = used["properties"]
        ids = {**properties, "objectId": properties["principalId"], "resourceId": used["id"]}
        if all(str(ids.get(name)).lower() == value for name, value in wanted.items()):
            return str(properties["principalId"])
    return None


def check(cloud: Cloud, compute: Document, told: Document | None) -> None:
    """Refuse a managed identity that the cluster has not.

    Raises:
        AzureError: 400.
    """
    if told and told["identityType"] == "Managed" and principal_id(cloud, compute, told) is None:
        raise refused("identity", f"The compute target '{compute['name']}' does not have the job's identity.")


def _user_assigned(cloud: Cloud, compute: Document) -> Iterator[Document]:
    for id_ in (compute.get("identity") or {}).get("userAssignedIdentities") or {}:
        used = find.resource(cloud, id_)
        if used is not None and used["type"] == USER_ASSIGNED:
            yield used
